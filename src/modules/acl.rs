//! Keeps an entry in the access control list of a path.
//!
//! ```yaml
//! - name: The log reader may read
//!   ansible.posix.acl:
//!     path: /var/log/app
//!     etype: user
//!     entity: logs
//!     permissions: rX
//!     recursive: true
//!     state: present
//! ```

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::diff::Diff;
use super::params::PathText;
use super::run;
use super::view::View;
use crate::base::{Map, Value, names};
use crate::wire::{Action, Change, Command, Done, Failure, Follow};
use crate::{choices, params};

/// As `ansible.posix.acl`, with `setfacl` and `getfacl` of the host.
pub struct Acl;

choices! {
    /// Whether the entry shall be there.
    pub enum AclState { Absent = "absent", Present = "present", Query = "query" }
}
choices! {
    /// Whom an entry is about.
    pub enum EntityType { Group = "group", Mask = "mask", Other = "other", User = "user" }
}
choices! {
    /// Whether the mask is made anew.
    pub enum Recalculate { Default = "default", Mask = "mask", NoMask = "no_mask" }
}

params! {
    /// Parameters of `acl`.
    pub struct AclParams {
        /// The path.
        path: PathText, aliases ["name"];
        /// Whether the entry shall be there; `query` only tells of the list.
        state: AclState = AclState::Query;
        /// Whether links are followed.
        follow: bool = true;
        /// Whether it is the entry for what is made in the directory later.
        default: bool = false;
        /// The user or group.
        entity: String = "";
        /// Whom the entry is about.
        etype: Option<EntityType>;
        /// What is allowed: `r`, `w`, `x`, and `X` for directories and what is executable already.
        permissions: Option<String>;
        /// The whole entry instead: `user:joe:rw-`, `default:group:app:r`.
        entry: Option<String>;
        /// Whether everything below the path gets the entry too.
        recursive: bool = false, aliases ["recurse"];
        /// Whether `nfs4_setfacl` is used.
        use_nfsv4_acls: bool = false;
        /// Whether the mask is made anew from the entries.
        recalculate_mask: Recalculate = Recalculate::Default;
    }
}

/// What is done with the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Set,
    Remove,
}

/// The entry that is meant.
struct Entry {
    default: bool,
    text: String,
}

impl Module for Acl {
    type Params = AclParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "acl",
        collection: "ansible.posix",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("acl.rs"),
        returns: &[("acl", "the entries of the list"), ("msg", "what was asked for")],
    };

    fn plan(params: &AclParams, view: &View<'_>) -> Result<Step, Halt> {
        if params.use_nfsv4_acls {
            return fail("parameter `use_nfsv4_acls` of `acl` is not supported yet");
        }
        view.want([crate::wire::Query::Command(params.shown(params.default))]);
        if view.stat(&params.path, Follow::Yes)?.is_none() {
            return fail("Path not found or not accessible.");
        }
        let entry = params.checked()?;
        let (verb, word) = match params.state {
            AclState::Query => {
                let lines = params.lines(params.default, view)?;
                let plan = Plan::nothing(names::count(lines.len(), "entry"));
                return Ok(Step::Plan(plan.with("acl", listed(&lines)).with("msg", "current acl")));
            }
            AclState::Present => (Verb::Set, "present"),
            AclState::Absent => (Verb::Remove, "absent"),
        };
        let test = run::reading(params.words(verb, &entry, &["--test"]));
        let output = view.run(test.clone())?;
        if output.status != 0 {
            return fail(String::from_utf8_lossy(&output.stderr).trim().to_owned());
        }
        let text = run::stdout(&output);
        let changed: Vec<(&str, &str)> = text
            .lines()
            .filter(|line| {
                !line.starts_with('#') && !line.trim().is_empty() && !line.trim_end().ends_with("*,*")
            })
            .filter_map(|line| line.trim().rsplit_once(": "))
            .collect();
        let before = params.lines(entry.default, view)?;
        let message = format!("{} is {word}", entry.text);
        let mut plan = Plan::nothing(message.clone()).with("msg", message).with("acl", listed(&before));
        if changed.is_empty() {
            return Ok(Step::Plan(plan));
        }
        let mut after = before.clone();
        for (path, list) in &changed {
            let list = entries(list, entry.default);
            let was = if *path == &*params.path { before.join(",") } else { String::new() };
            plan.diffs.push(Diff::attribute(*path, "acl", was, list.join(",")));
            if *path == &*params.path {
                after = list;
            }
        }
        let mut same = String::new();
        for (path, _) in text.lines().filter_map(|line| line.trim().rsplit_once(": ")) {
            same.push_str(path);
            same.push_str(": *,*\n");
        }
        let change = Change::new(Action::Run(run::argv(view, params.words(verb, &entry, &[]))))
            .effect(run::will_print(test, same))
            .effect(run::will_print(params.shown(entry.default), after.join("\n") + "\n"));
        plan.summary = match verb {
            Verb::Set => format!("set {} on {}", entry.text, names::count(changed.len(), "path")),
            Verb::Remove => format!("remove {} from {}", entry.text, names::count(changed.len(), "path")),
        };
        plan.result.insert("acl".into(), listed(&after));
        Ok(Step::Plan(plan.change(change)))
    }

    fn result(params: &AclParams, view: &View<'_>, plan: &Plan, _: &[Done]) -> Result<Map, Halt> {
        let mut result = plan.result.clone();
        let lines = params.lines(params.checked()?.default, view)?;
        result.insert("acl".into(), listed(&lines));
        Ok(result)
    }

    fn failure(_: &AclParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        let said =
            failure.output.as_ref().map(|output| String::from_utf8_lossy(&output.stderr).trim().to_owned());
        let message = said.filter(|said| !said.is_empty()).unwrap_or_else(|| failure.message.clone());
        Failed { message, ..Failed::default() }
    }
}

impl AclParams {
    /// The entry, where the parameters agree.
    fn checked(&self) -> Result<Entry, Halt> {
        let Self { state, default, entity, etype, permissions, entry, recursive, recalculate_mask, .. } =
            self;
        let present = *state == AclState::Present;
        if *state == AclState::Query {
            if *recursive {
                return fail("'recursive' MUST NOT be set when 'state=query'.");
            }
            if *recalculate_mask != Recalculate::Default {
                return fail("'recalculate_mask' MUST NOT be set to 'mask' or 'no_mask' when 'state=query'.");
            }
            if entry.is_some() {
                return fail("'entry' MUST NOT be set when 'state=query'.");
            }
            return Ok(Entry { default: *default, text: String::new() });
        }
        if let Some(entry) = entry.as_deref().filter(|entry| !entry.is_empty()) {
            if etype.is_some() || !entity.is_empty() || permissions.is_some() {
                return fail("'entry' MUST NOT be set when 'entity', 'etype' or 'permissions' are set.");
            }
            let colons = entry.matches(':').count();
            if present && !(2..=3).contains(&colons) {
                return fail("'entry' MUST have 3 or 4 sections divided by ':' when 'state=present'.");
            }
            if !present && !(1..=2).contains(&colons) {
                return fail("'entry' MUST have 2 or 3 sections divided by ':' when 'state=absent'.");
            }
            return self.split(entry, present);
        }
        if !present && permissions.is_some() {
            return fail("'permissions' MUST NOT be set when 'state=absent'.");
        }
        if !present && entity.is_empty() {
            return fail("'entity' MUST be set when 'state=absent'.");
        }
        let Some(etype) = etype else {
            return fail(format!("'etype' MUST be set when 'state={}'.", state.text()));
        };
        let permissions = permissions.as_deref().filter(|text| !text.is_empty());
        let text = match permissions {
            Some(permissions) => format!("{}:{entity}:{permissions}", etype.text()),
            None => format!("{}:{entity}", etype.text()),
        };
        Ok(Entry { default: *default, text })
    }

    /// `default:user:joe:rw-`, each word of which may be one letter.
    fn split(&self, entry: &str, with_permissions: bool) -> Result<Entry, Halt> {
        let (default, rest) = match entry.split_once(':') {
            Some((first, rest)) if first.to_lowercase().starts_with('d') => (true, rest),
            _ => (self.default, entry),
        };
        let mut parts = rest.split(':');
        let kind = match parts.next().unwrap_or_default().to_lowercase().chars().next() {
            Some('u') => "user",
            Some('g') => "group",
            Some('m') => "mask",
            Some('o') => "other",
            _ => return fail(format!("`{entry}` is no entry of a list: it does not say whom it is about")),
        };
        let entity = parts.next().unwrap_or_default();
        let text = match parts.next().filter(|_| with_permissions) {
            Some(permissions) => format!("{kind}:{entity}:{permissions}"),
            None => format!("{kind}:{entity}"),
        };
        Ok(Entry { default, text })
    }

    fn words(&self, verb: Verb, entry: &Entry, more: &[&str]) -> Vec<String> {
        let mut words = vec!["setfacl"];
        words.extend(more);
        words.extend(entry.default.then_some("-d"));
        words.extend([if verb == Verb::Set { "-m" } else { "-x" }, entry.text.as_str()]);
        words.extend(self.recursive.then_some("--recursive"));
        match self.recalculate_mask {
            Recalculate::Default => {}
            Recalculate::Mask => words.push("--mask"),
            Recalculate::NoMask => words.push("--no-mask"),
        }
        words.extend((!self.follow).then_some("--physical"));
        words.push(&self.path);
        words.into_iter().map(str::to_owned).collect()
    }

    /// The command that shows the list.
    fn shown(&self, default: bool) -> Command {
        let mut words = vec!["getfacl"];
        words.extend(default.then_some("-d"));
        words.extend(["--absolute-names", "--omit-header"]);
        words.extend(self.recursive.then_some("--recursive"));
        words.extend((!self.follow).then_some("--physical"));
        words.push(&self.path);
        run::reading(words)
    }

    fn lines(&self, default: bool, view: &View<'_>) -> Result<Vec<String>, Halt> {
        let output = view.run(self.shown(default))?;
        if output.status != 0 {
            return fail(String::from_utf8_lossy(&output.stderr).trim().to_owned());
        }
        let text = run::stdout(&output);
        let mut lines: Vec<String> =
            text.lines().filter(|line| !line.starts_with('#')).map(|line| line.trim().to_owned()).collect();
        if lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        Ok(lines)
    }
}

fn listed(lines: &[String]) -> Value {
    Value::list(lines.iter().map(|line| Value::from(line.as_str())))
}

/// The entries that `setfacl --test` tells of, as `getfacl` writes them: `u::rw-,u:joe:r--,*,d:u::rwx`.
fn entries(list: &str, default: bool) -> Vec<String> {
    let whole = |entry: &str| match entry.split_once(':') {
        Some(("u", rest)) => format!("user:{rest}"),
        Some(("g", rest)) => format!("group:{rest}"),
        Some(("m", rest)) => format!("mask:{rest}"),
        Some(("o", rest)) => format!("other:{rest}"),
        _ => entry.to_owned(),
    };
    list.split(',')
        .filter(|entry| *entry != "*")
        .filter_map(|entry| match (entry.strip_prefix("d:"), default) {
            (Some(entry), true) => Some(whole(entry)),
            (None, false) => Some(whole(entry)),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_of_setfacl_are_read() {
        let list = "u::rw-,u:joe:r--,m::r--,o::r--,d:u::rwx,d:g:app:r-x";
        assert_eq!(entries(list, false), ["user::rw-", "user:joe:r--", "mask::r--", "other::r--"]);
        assert_eq!(entries(list, true), ["user::rwx", "group:app:r-x"]);
        assert_eq!(entries("*,d:u::rwx", false), [""; 0]);
    }
}
