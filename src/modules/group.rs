//! Adds, changes and removes groups.
//!
//! ```yaml
//! - name: A group for deployments
//!   ansible.builtin.group:
//!     name: deploy
//!     gid: 1500
//! ```

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::diff::Diff;
use super::params::Rule;
use super::run;
use super::view::View;
use crate::base::{Map, Value};
use crate::wire::{Action, Change, Done, Effect, Failure, GroupEntry};
use crate::{choices, params};

/// As `ansible.builtin.group`.
pub struct Group;

choices! {
    /// Whether a group is there.
    pub enum State { Absent = "absent", Present = "present" }
}

params! {
    /// Parameters of `group`.
    pub struct GroupParams {
        /// The group's name.
        name: String;
        /// Whether it shall be there.
        state: State = State::Present;
        /// Its number. By default the host chooses one.
        gid: Option<u32>;
        /// Whether a new group gets a number from the range for the system.
        system: bool = false;
        /// Whether libuser's commands (`lgroupadd` …) are used, for hosts that know groups from elsewhere too.
        local: bool = false;
        /// Whether its number may be another group's too; needs `gid`.
        non_unique: bool = false;
        /// Whether it is removed even where it is the primary group of a user.
        force: bool = false;
        /// Least number that the host may choose, instead of the one in `/etc/login.defs`.
        gid_min: Option<u32>;
        /// Greatest number that the host may choose, instead of the one in `/etc/login.defs`.
        gid_max: Option<u32>;
    }
    rules [Rule::RequiredIf("non_unique", "True", &["gid"])]
}

impl Module for Group {
    type Params = GroupParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "group",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("group.rs"),
        returns: &[
            ("name", "the group's name"),
            ("state", "whether it is there"),
            ("gid", "its number"),
            ("system", "as it was given"),
        ],
    };

    fn plan(params: &GroupParams, view: &View<'_>) -> Result<Step, Halt> {
        let GroupParams { name, state, gid, system, local, non_unique: _, force, gid_min, gid_max } = params;
        if *local {
            for (parameter, given) in [("gid_min", gid_min.is_some()), ("gid_max", gid_max.is_some())] {
                if given {
                    return fail(format!("'{parameter}' can not be used with 'local'"));
                }
            }
            if *force {
                return fail(
                    "force is not a valid option for local, force=True and local=True are mutually exclusive",
                );
            }
        }
        let found = view.group(name)?.filter(|group| group.local || !*local);
        let subject = format!("group {name}");
        let base =
            |summary: String| Plan::nothing(summary).with("name", name.as_str()).with("state", state.text());
        let command = |program: &str| if *local { format!("l{program}") } else { program.to_owned() };
        let change = |arguments: Vec<String>, after: Option<GroupEntry>| {
            let command = run::argv(view, arguments);
            Change::new(Action::Run(command)).effect(Effect::Group(name.clone(), after))
        };
        Ok(Step::Plan(match (found, state) {
            (None, State::Absent) => base("already absent".to_owned()),
            (Some(_), State::Absent) => {
                let mut arguments = vec![command("groupdel")];
                if *force {
                    arguments.push("-f".to_owned());
                }
                arguments.push(name.clone());
                base(format!("remove group {name}"))
                    .change(change(arguments, None))
                    .diff(Diff::attribute(&subject, "state", "present", "absent"))
            }
            (None, State::Present) => {
                let arguments = params.add(command("groupadd"));
                let entry = GroupEntry { name: name.clone(), gid: *gid, members: Vec::new(), local: true };
                let mut plan = base(format!("add group {name}"))
                    .change(change(arguments, Some(entry)))
                    .diff(Diff::attribute(&subject, "state", "absent", "present"))
                    .with("system", *system);
                if let Some(gid) = gid {
                    plan = plan.diff(Diff::attribute(&subject, "gid", "", gid)).with("gid", *gid);
                }
                plan
            }
            (Some(group), State::Present) => {
                let plan = |summary: String, gid: Option<u32>| {
                    base(summary).with("system", *system).with("gid", gid.map_or(Value::Null, Value::from))
                };
                match (*gid, group.gid) {
                    (Some(wanted), Some(is)) if wanted != is => {
                        let mut arguments = vec![command("groupmod")];
                        arguments.extend(params.number(wanted));
                        arguments.push(name.clone());
                        let entry = GroupEntry { gid: Some(wanted), ..group };
                        plan(format!("change group {name}"), Some(wanted))
                            .change(change(arguments, Some(entry)))
                            .diff(Diff::attribute(&subject, "gid", is, wanted))
                    }
                    (_, is) => {
                        let number = is.map_or_else(String::new, |gid| format!(", gid {gid}"));
                        plan(format!("already present{number}"), is)
                    }
                }
            }
        }))
    }

    fn result(params: &GroupParams, view: &View<'_>, plan: &Plan, _: &[Done]) -> Result<Map, Halt> {
        let mut result = plan.result.clone();
        if params.state == State::Present
            && !plan.changes.is_empty()
            && let Some(gid) = view.group(&params.name)?.and_then(|group| group.gid)
        {
            result.insert("gid".into(), gid.into());
        }
        Ok(result)
    }

    fn failure(params: &GroupParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        let mut failed = run::failed(&format!("group `{}`", params.name), failure);
        failed.result.insert("name".into(), params.name.as_str().into());
        failed
    }
}

impl GroupParams {
    fn number(&self, gid: u32) -> Vec<String> {
        let mut arguments = vec!["-g".to_owned(), gid.to_string()];
        if self.non_unique {
            arguments.push("-o".to_owned());
        }
        arguments
    }

    fn add(&self, program: String) -> Vec<String> {
        let mut arguments = vec![program];
        arguments.extend(self.gid.into_iter().flat_map(|gid| self.number(gid)));
        if self.system {
            arguments.push("-r".to_owned());
        }
        for (name, limit) in [("GID_MIN", self.gid_min), ("GID_MAX", self.gid_max)] {
            arguments
                .extend(limit.into_iter().flat_map(|limit| ["-K".to_owned(), format!("{name}={limit}")]));
        }
        arguments.push(self.name.clone());
        arguments
    }
}
