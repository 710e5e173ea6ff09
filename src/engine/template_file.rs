//! What only template files see: variables about the file itself, and what lies beside it.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;

use crate::base::{Map, Place, Source, Value};
use crate::project::Project;
use crate::secrets::Vault;
use crate::template::{LookupError, Lookups, Variables};

/// The task's variables and, over them, those of the file, as `ansible.builtin.template` adds them.
#[derive(Debug)]
pub(super) struct FileVariables {
    own: IndexMap<&'static str, Value>,
    task: Arc<dyn Variables>,
}

impl FileVariables {
    /// For the file at `path`, written as `written` in the task, that goes to `destination`. `now` is in microseconds
    /// since the epoch.
    pub(super) fn new(
        task: &Arc<dyn Variables>,
        path: &Path,
        written: &str,
        destination: &str,
        now: i64,
    ) -> Self {
        let mut file = Self::of_lookup(task, path, written, now);
        file.own.insert("template_destpath", destination.into());
        file
    }

    /// As [`Self::new`], for the lookup of that name: the file goes nowhere.
    pub(super) fn of_lookup(task: &Arc<dyn Variables>, path: &Path, written: &str, now: i64) -> Self {
        let full = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let about = std::fs::metadata(path).ok();
        let (uid, changed) = about.map_or((0, 0), |about| {
            (about.uid(), about.mtime().saturating_mul(1_000_000).saturating_add(about.mtime_nsec() / 1000))
        });
        let mut own = IndexMap::new();
        let mut add = |name: &'static str, value: Value| drop(own.insert(name, value));
        add("template_host", rustix::system::uname().nodename().to_string_lossy().as_ref().into());
        add("template_path", written.into());
        add("template_fullpath", full.display().to_string().into());
        add("template_destpath", Value::Null);
        add("template_uid", user_name(uid));
        add("template_mtime", local_time(changed));
        add("template_run_date", local_time(now));
        if task.get("ansible_managed").is_none() {
            add("ansible_managed", "Ansible managed".into());
        }
        Self { own, task: Arc::clone(task) }
    }
}

/// A user's name on this machine, or the number where there is no such user.
pub(super) fn user_name(uid: u32) -> Value {
    name_of(uid, "/etc/passwd")
}

/// A group's name on this machine, or the number where there is no such group.
pub(super) fn group_name(gid: u32) -> Value {
    name_of(gid, "/etc/group")
}

fn name_of(uid: u32, file: &str) -> Value {
    let users = std::fs::read_to_string(file).unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| Value::from(name))
    });
    name.unwrap_or_else(|| Value::from(uid))
}

/// As Python prints a local `datetime`.
pub(super) fn local_time(micros: i64) -> Value {
    let Ok(time) = jiff::Timestamp::from_microsecond(micros) else { return Value::from("") };
    let local = time.to_zoned(jiff::tz::TimeZone::system());
    let fraction = micros.rem_euclid(1_000_000);
    let seconds = local.strftime("%Y-%m-%d %H:%M:%S").to_string();
    Value::from(if fraction == 0 { seconds } else { format!("{seconds}.{fraction:06}") })
}

impl Variables for FileVariables {
    fn get(&self, name: &str) -> Option<Value> {
        self.own.get(name).cloned().or_else(|| self.task.get(name))
    }

    fn place(&self, name: &str) -> Option<Place> {
        if self.own.contains_key(name) { None } else { self.task.place(name) }
    }

    fn names(&self) -> Vec<Arc<str>> {
        let mut names = self.task.names();
        names.extend(self.own.keys().map(|name| Arc::from(*name)));
        names
    }

    fn host(&self, name: &str) -> Option<Arc<dyn Variables>> {
        self.task.host(name)
    }

    fn hosts(&self) -> Vec<Arc<str>> {
        self.task.hosts()
    }
}

/// The task's lookups; templates that are included are found beside the file, too.
#[derive(Debug)]
pub(super) struct Beside {
    task: Arc<dyn Lookups>,
    project: Arc<Project>,
    directory: PathBuf,
}

impl Beside {
    /// For the file at `path`.
    pub(super) fn new(task: &Arc<dyn Lookups>, project: &Arc<Project>, path: &Path) -> Self {
        let directory = path.parent().unwrap_or(Path::new("")).to_owned();
        Self { task: Arc::clone(task), project: Arc::clone(project), directory }
    }
}

impl Lookups for Beside {
    fn lookup(
        &self,
        name: &str,
        terms: &[Value],
        options: &Map,
        variables: &Arc<dyn Variables>,
    ) -> Result<Value, LookupError> {
        self.task.lookup(name, terms, options, variables)
    }

    fn now(&self) -> i64 {
        self.task.now()
    }

    fn ahead_of_utc(&self, at: i64) -> i32 {
        self.task.ahead_of_utc(at)
    }

    fn is_ahead(&self) -> bool {
        self.task.is_ahead()
    }

    fn template(&self, name: &str) -> Option<Arc<Source>> {
        let beside = self.directory.join(name);
        let found = if beside.is_file() { self.project.read(&beside).ok() } else { None };
        found.or_else(|| self.task.template(name))
    }

    fn vault(&self) -> Option<&Arc<Vault>> {
        self.task.vault()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Managed;

    impl Variables for Managed {
        fn get(&self, name: &str) -> Option<Value> {
            (name == "ansible_managed").then(|| Value::from("by hand"))
        }

        fn place(&self, _: &str) -> Option<Place> {
            None
        }

        fn names(&self) -> Vec<Arc<str>> {
            vec![Arc::from("ansible_managed")]
        }

        fn host(&self, _: &str) -> Option<Arc<dyn Variables>> {
            None
        }

        fn hosts(&self) -> Vec<Arc<str>> {
            Vec::new()
        }
    }

    #[test]
    fn the_file_is_described_and_the_user_s_own_text_stays() {
        let task: Arc<dyn Variables> = Arc::new(Managed);
        let file = FileVariables::new(&task, Path::new("/etc/passwd"), "passwd.j2", "/srv/x", 1_500_000);
        let text = |name: &str| file.get(name).map(|value| value.to_text());
        assert_eq!(text("template_path").as_deref(), Some("passwd.j2"));
        assert_eq!(text("template_fullpath").as_deref(), Some("/etc/passwd"));
        assert_eq!(text("template_destpath").as_deref(), Some("/srv/x"));
        assert_eq!(text("template_uid").as_deref(), Some("root"));
        assert!(text("template_run_date").is_some_and(|date| date.ends_with(".500000")));
        assert_eq!(text("ansible_managed").as_deref(), Some("by hand"));
        assert!(file.names().iter().any(|name| &**name == "template_host"));
    }
}
