//! Owner, group, mode and further attributes of a path: the parameters that all modules share which make files,
//! and how what they ask for is compared with what is there.

use super::contract::{Halt, fail};
use super::diff::Diff;
use super::params::Mode;
use super::run;
use super::view::View;
use crate::base::Map;
use crate::params;
use crate::wire::{
    Action, Attributes, Change, Command, Effect, FileKind, Follow, Observation, Owner, Query, Stat,
};

/// The mask that is assumed where a new file's mode follows from the process's: its real one shows after the run.
const UMASK: u32 = 0o022;

params! {
    /// Attributes of a path.
    #[derive(Default)]
    pub struct FileAttributes {
        /// The permissions, as an octal number in quotes (`"0644"`, `"01777"`) or symbolic as `chmod` takes them
        /// (`u+rwX,go=rX`). Left out, they stay as they are; a new file then gets what the user's umask leaves.
        mode: Option<Mode>;
        /// Name of the user that shall own it; a number is taken as a uid. Left out, the owner stays.
        owner: Option<String>;
        /// Name of the group that shall own it; a number is taken as a gid. Left out, the group stays.
        group: Option<String>;
        /// Flags of the file system as `chattr` takes them (`i`, `+a`, `-d`); without an operator they replace those
        /// that are set.
        attributes: Option<String>, aliases ["attr"];
        /// The level part of the SELinux context. Without SELinux on the host it has no meaning.
        selevel: Option<String>;
        /// The role part of the SELinux context. Without SELinux on the host it has no meaning.
        serole: Option<String>;
        /// The type part of the SELinux context. Without SELinux on the host it has no meaning.
        setype: Option<String>;
        /// The user part of the SELinux context. Without SELinux on the host it has no meaning.
        seuser: Option<String>;
        /// Whether a file may be written in place where it cannot be replaced as a whole.
        unsafe_writes: bool = false;
    }
}

/// A user or group that is wanted.
#[derive(Clone, Debug)]
struct Wanted {
    owner: Owner,
    /// Its number, where the host knows one.
    id: Option<u32>,
}

/// What a path shall have, with users and groups looked up on the host.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    mode: Option<Mode>,
    owner: Option<Wanted>,
    group: Option<Wanted>,
    flags: Option<String>,
    /// Warnings of the look-up.
    pub warnings: Vec<String>,
}

/// What has to be set on one path.
#[derive(Clone, Debug, Default)]
pub struct Settled {
    /// What differs.
    pub attributes: Attributes,
    /// The differences for the reader.
    pub diffs: Vec<Diff>,
}

impl FileAttributes {
    /// What has to be known of users and groups; for [`View::want`].
    pub fn queries(&self) -> Vec<Query> {
        let named = |text: &Option<String>| text.clone().filter(|text| text.parse::<u32>().is_err());
        let user = named(&self.owner).map(|name| Query::User { name });
        user.into_iter().chain(named(&self.group).map(|name| Query::Group { name })).collect()
    }

    /// Warnings, in check mode, of a user or group that the host does not have, in the original's words: a task before
    /// may have made them by the time that the file's is run.
    pub fn strangers(&self, view: &View<'_>) -> Result<Vec<String>, Halt> {
        let mut warnings = Vec::new();
        if !view.context().check_mode {
            return Ok(warnings);
        }
        let named = [("user", "uid", &self.owner), ("group", "gid", &self.group)];
        for (kind, number, text) in named {
            let Some(text) = text else { continue };
            let database = if kind == "user" { "passwd" } else { "group" };
            let (known, with) = match text.trim().parse::<u32>() {
                Ok(id) => {
                    let found = run::read(view, ["getent", database, &id.to_string()])?;
                    (found.is_none_or(|found| found.status == 0), format!(" with {number}"))
                }
                Err(_) if kind == "user" => (view.user(text)?.is_some(), String::new()),
                Err(_) => (view.group(text)?.is_some(), String::new()),
            };
            if !known {
                warnings.push(format!(
                    "failed to look up {kind}{with} {text}. Create {kind} up to this point in real play"
                ));
            }
        }
        Ok(warnings)
    }

    /// Looks up what is wanted; `there` is what the path is now. A user or group that does not exist fails the
    /// task in the original's words; in check mode, where there is no file yet, it is a warning as in the original:
    /// what makes the file may make the user as well.
    pub fn wish(&self, module: &str, there: Option<&Stat>, view: &View<'_>) -> Result<Wish, Halt> {
        let Self { mode, owner, group, attributes, selevel, serole, setype, seuser, unsafe_writes } = self;
        let labels = [("selevel", selevel), ("serole", serole), ("setype", setype), ("seuser", seuser)];
        if let Some((name, _)) = labels.iter().find(|(_, value)| value.is_some())
            && view.stat("/", Follow::Yes)?.is_some_and(|root| root.context.is_some())
        {
            return not_supported(name, module);
        }
        // how a content is written, not an attribute
        let _ = unsafe_writes;
        let mut warnings = Vec::new();
        let mut missing = |kind: &str, failed: &str, name: &str| {
            if view.context().check_mode && there.is_none() {
                warnings.push(format!(
                    "failed to look up {kind} {name}. Create {kind} up to this point in real play"
                ));
                return Ok(());
            }
            fail(format!("{failed} failed: failed to look up {kind} {name}"))
        };
        let mut wanted = |text: &Option<String>, is_user: bool| -> Result<Option<Wanted>, Halt> {
            let Some(name) = text else { return Ok(None) };
            if let Ok(id) = name.trim().parse() {
                return Ok(Some(Wanted { owner: Owner::Id(id), id: Some(id) }));
            }
            let has = |found: &Option<String>| found.as_deref() == Some(name);
            let already = there.is_some_and(|stat| has(if is_user { &stat.owner } else { &stat.group }));
            let id = if already {
                there.map(|stat| if is_user { stat.uid } else { stat.gid })
            } else if is_user {
                match view.user(name)? {
                    Some(user) => user.uid,
                    None => missing("user", "chown", name).map(|()| None)?,
                }
            } else {
                match view.group(name)? {
                    Some(group) => group.gid,
                    None => missing("group", "chgrp", name).map(|()| None)?,
                }
            };
            Ok(Some(Wanted { owner: Owner::Name(name.clone()), id }))
        };
        let owner = wanted(owner, true)?;
        let group = wanted(group, false)?;
        Ok(Wish { mode: mode.clone(), owner, group, flags: attributes.clone(), warnings })
    }
}

impl Wish {
    /// With another mode (a directory's).
    pub fn with_mode(&self, mode: Option<Mode>) -> Self {
        Self { mode, ..self.clone() }
    }

    /// What has to be set on a path that is there. A link's mode has no meaning and is left alone.
    pub fn settle(&self, path: &str, stat: &Stat, view: &View<'_>) -> Result<Settled, Halt> {
        let mut settled = Settled::default();
        if let Some(wanted) = &self.owner
            && !is_owner(wanted, stat, view)?
        {
            settled.attributes.owner = Some(wanted.owner.clone());
            settled.diffs.push(Diff::attribute(path, "owner", owner_text(stat), text(&wanted.owner)));
        }
        if let Some(wanted) = &self.group
            && !is_group(wanted, stat, view)?
        {
            settled.attributes.group = Some(wanted.owner.clone());
            settled.diffs.push(Diff::attribute(path, "group", group_text(stat), text(&wanted.owner)));
        }
        if let Some(mode) = &self.mode
            && stat.kind != FileKind::Symlink
        {
            let mode = mode.apply(stat.mode, stat.kind == FileKind::Directory, UMASK);
            if mode != stat.mode {
                settled.attributes.mode = Some(mode);
                let (before, after) = (mode_text(stat.mode), mode_text(mode));
                settled.diffs.push(Diff::attribute(path, "mode", before, after));
            }
        }
        Ok(settled)
    }

    /// What a path that is made shall have.
    pub fn fresh(&self, path: &str, kind: FileKind) -> Settled {
        let (directory, default) = (kind == FileKind::Directory, default_mode(kind));
        let attributes = Attributes {
            mode: self.mode.as_ref().map(|mode| mode.apply(default, directory, UMASK)),
            owner: self.owner.as_ref().map(|wanted| wanted.owner.clone()),
            group: self.group.as_ref().map(|wanted| wanted.owner.clone()),
        };
        let after = [
            ("owner", attributes.owner.as_ref().map(text)),
            ("group", attributes.group.as_ref().map(text)),
            ("mode", attributes.mode.map(mode_text)),
        ];
        let shown = after.into_iter().filter_map(|(name, after)| Some((name, after?)));
        let diffs = shown.map(|(name, after)| Diff::attribute(path, name, "", after)).collect();
        Settled { attributes, diffs }
    }

    /// The change of the file system's flags, where one is needed. `fresh`: whether the file is (re)made and has none.
    pub fn flags(&self, path: &str, origin: Origin, view: &View<'_>) -> Result<Option<(Change, Diff)>, Halt> {
        let Some(wanted) = &self.flags else { return Ok(None) };
        let query = lsattr(path);
        let before = match origin {
            Origin::Made => String::new(),
            Origin::There => listed_flags(view, &query)?,
        };
        let (operator, flags) = match wanted.chars().next() {
            Some(operator @ ('+' | '-' | '=')) => (operator, wanted.get(1..).unwrap_or_default()),
            _ => ('=', wanted.as_str()),
        };
        let after: String = match operator {
            '+' => before.chars().chain(flags.chars().filter(|flag| !before.contains(*flag))).collect(),
            '-' => before.chars().filter(|flag| !flags.contains(*flag)).collect(),
            _ => flags.to_owned(),
        };
        // extents cannot be switched off and come and go with the file system, not with the task
        let meant = |flags: &str| {
            let mut meant: Vec<_> = flags.chars().filter(|flag| *flag != 'e').collect();
            meant.sort_unstable();
            meant
        };
        if flags.is_empty() || meant(&before) == meant(&after) {
            return Ok(None);
        }
        let text = format!("chattr {operator}{flags} {}", super::paths::shell_word(path));
        let output = crate::wire::CommandOutput {
            status: 0,
            stdout: format!("{after} {path}\n").into_bytes(),
            stderr: Vec::new(),
            started: 0,
            ended: 0,
            utc_offset: 0,
            timed_out: false,
        };
        let change = Change::new(Action::Run(Command::shell(text)))
            .effect(Effect::Answer(query, Observation::Command(output)));
        Ok(Some((change, Diff::attribute(path, "attributes", before, after))))
    }

    /// What has to be read for [`Self::flags`].
    pub fn flags_query(attributes: &FileAttributes, path: &str) -> Option<Query> {
        attributes.attributes.is_some().then(|| lsattr(path))
    }

    /// The keys that Ansible adds to the result of a file, as they will be: `there` is what the path is now, `user` the
    /// session's. Numbers that only the host can tell are left out.
    pub fn keys(&self, there: Option<&Stat>, kind: FileKind, size: u64, user: &str) -> Map {
        let current = there.map_or_else(|| default_mode(kind), |stat| stat.mode);
        let mode = match &self.mode {
            Some(mode) if kind != FileKind::Symlink => {
                mode.apply(current, kind == FileKind::Directory, UMASK)
            }
            _ => current,
        };
        let root = (user == "root").then_some(0);
        let was = |stat: fn(&Stat) -> (String, u32)| {
            there.map_or_else(
                || (user.to_owned(), root),
                |there| (stat(there).0, known_id(there, stat(there).1)),
            )
        };
        let will = |wanted: &Option<Wanted>, was: (String, Option<u32>)| {
            match wanted {
                // a number is shown as the name that it has already
                Some(Wanted { owner, id }) if id.is_none() || *id != was.1 => (text(owner), *id),
                _ => was,
            }
        };
        let (owner, uid) = will(&self.owner, was(|stat| (owner_text(stat), stat.uid)));
        let (group, gid) = will(&self.group, was(|stat| (group_text(stat), stat.gid)));
        let state = state(kind, there.map_or(1, |stat| stat.links));
        let mut keys = crate::map! {
            "owner" => owner,
            "group" => group,
            "mode" => mode_text(mode),
            "state" => state,
            "size" => size,
        };
        for (name, id) in [("uid", uid), ("gid", gid)] {
            if let Some(id) = id {
                keys.insert(name.into(), id.into());
            }
        }
        keys
    }
}

/// Whether a path is there before the task or made by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is there and stays.
    There,
    /// It is made, or made anew.
    Made,
}

/// Fails with the refusal of a parameter.
fn not_supported<T>(parameter: &str, module: &str) -> Result<T, Halt> {
    fail(format!("parameter `{parameter}` of `{module}` is not supported yet"))
}

/// The change that sets what differs, if anything does.
pub fn set(path: &str, settled: &Settled) -> Option<Change> {
    let attributes = settled.attributes.clone();
    (attributes != Attributes::default())
        .then(|| Change::new(Action::SetAttributes { path: path.to_owned(), attributes, follow: Follow::No }))
}

/// A mode as Ansible shows it: `0644`, `01777`.
pub fn mode_text(mode: u32) -> String {
    format!("0{mode:03o}")
}

/// The keys that Ansible adds to the result of a file from its `lstat`.
pub fn path_keys(stat: &Stat) -> Map {
    let mut keys = crate::map! {
        "owner" => owner_text(stat),
        "group" => group_text(stat),
        "mode" => mode_text(stat.mode),
        "state" => state(stat.kind, stat.links),
        "size" => stat.size,
    };
    for (name, id) in [("uid", stat.uid), ("gid", stat.gid)] {
        if let Some(id) = known_id(stat, id) {
            keys.insert(name.into(), id.into());
        }
    }
    if let Some(context) = &stat.context {
        keys.insert("secontext".into(), context.as_str().into());
    }
    keys
}

/// In a few words what a path is: `0644 root:root`.
pub fn summary(stat: &Stat) -> String {
    format!("{} {}:{}", mode_text(stat.mode), owner_text(stat), group_text(stat))
}

/// Ansible's name for what a path is.
pub fn state(kind: FileKind, links: u64) -> &'static str {
    match kind {
        FileKind::Symlink => "link",
        FileKind::Directory => "directory",
        _ if links > 1 => "hard",
        _ => "file",
    }
}

fn default_mode(kind: FileKind) -> u32 {
    match kind {
        FileKind::Directory => 0o777 & !UMASK,
        FileKind::Symlink => 0o777,
        _ => 0o666 & !UMASK,
    }
}

fn lsattr(path: &str) -> Query {
    Query::Command(Command::shell(format!("lsattr -d {}", super::paths::shell_word(path))).may_fail())
}

fn listed_flags(view: &View<'_>, query: &Query) -> Result<String, Halt> {
    match &*view.ask(query)? {
        Observation::Command(output) if output.status == 0 => {
            let stdout = String::from_utf8_lossy(&output.stdout);
            Ok(stdout.split_whitespace().next().unwrap_or_default().replace('-', ""))
        }
        _ => Ok(String::new()),
    }
}

/// A number of a stat; of a predicted one it is known only where it was set as a number or is root's.
fn known_id(stat: &Stat, id: u32) -> Option<u32> {
    (!stat.predicted).then_some(id)
}

fn text(owner: &Owner) -> String {
    match owner {
        Owner::Name(name) => name.clone(),
        Owner::Id(id) => id.to_string(),
    }
}

fn owner_text(stat: &Stat) -> String {
    stat.owner.clone().unwrap_or_else(|| stat.uid.to_string())
}

fn group_text(stat: &Stat) -> String {
    stat.group.clone().unwrap_or_else(|| stat.gid.to_string())
}

fn is_owner(wanted: &Wanted, stat: &Stat, view: &View<'_>) -> Result<bool, Halt> {
    let number = |name: &str| Ok(view.user(name)?.and_then(|user| user.uid));
    is_wanted(wanted, stat.owner.as_deref(), stat.uid, stat.predicted, number)
}

fn is_group(wanted: &Wanted, stat: &Stat, view: &View<'_>) -> Result<bool, Halt> {
    let number = |name: &str| Ok(view.group(name)?.and_then(|group| group.gid));
    is_wanted(wanted, stat.group.as_deref(), stat.gid, stat.predicted, number)
}

/// Whether what a path has is what is wanted. Names are compared first: no look-up is needed where they are equal. A
/// predicted stat has its number only where it has no name.
fn is_wanted(
    wanted: &Wanted,
    name: Option<&str>,
    id: u32,
    predicted: bool,
    number: impl Fn(&str) -> Result<Option<u32>, Halt>,
) -> Result<bool, Halt> {
    match (&wanted.owner, name) {
        (Owner::Name(wanted), Some(name)) if wanted == name => Ok(true),
        (_, Some(name)) if predicted => Ok(wanted.id.is_some() && number(name)? == wanted.id),
        _ => Ok(wanted.id == Some(id)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_predicted_owner_is_compared_by_its_name() {
        let wanted = |owner, id| Wanted { owner, id };
        let uid = |name: &str| Ok((name == "app").then_some(1000));
        let name = wanted(Owner::Name("app".to_owned()), Some(1000));
        let number = wanted(Owner::Id(1000), Some(1000));
        let compare =
            |wanted: &Wanted, name, id, predicted| is_wanted(wanted, name, id, predicted, uid).unwrap();
        // observed
        assert!(compare(&name, Some("app"), 1000, false) && compare(&number, Some("app"), 1000, false));
        assert!(compare(&name, Some("alias"), 1000, false) && !compare(&name, Some("root"), 0, false));
        assert!(compare(&name, None, 1000, false) && !compare(&number, None, 7, false));
        // predicted: the number means nothing beside a name
        assert!(
            compare(&number, Some("app"), 0, true)
                && !compare(&wanted(Owner::Id(0), Some(0)), Some("app"), 0, true)
        );
        assert!(compare(&number, None, 1000, true));
        // a user whose number the host will choose
        assert!(!compare(&wanted(Owner::Name("new".to_owned()), None), Some("app"), 0, true));
    }
}
