//! Switches a boolean of SELinux.
//!
//! ```yaml
//! - name: The web server may connect
//!   ansible.posix.seboolean:
//!     name: httpd_can_network_connect
//!     state: true
//!     persistent: true
//! ```

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::diff::Diff;
use super::run;
use super::view::View;
use crate::params;
use crate::wire::{Action, Change, Command, Failure, Query};

/// As `ansible.posix.seboolean`, with the host's `getsebool`, `setsebool` and `semanage`.
pub struct Seboolean;

params! {
    /// Parameters of `seboolean`.
    pub struct SebooleanParams {
        /// The boolean.
        name: String;
        /// Whether it shall be on.
        state: bool;
        /// Whether it stays so after a boot.
        persistent: bool = false;
        /// Whether it is switched where SELinux does not run, for after a boot.
        ignore_selinux_state: bool = false;
    }
}

impl Module for Seboolean {
    type Params = SebooleanParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "seboolean",
        collection: "ansible.posix",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("seboolean.rs"),
        returns: &[
            ("name", "the boolean"),
            ("persistent", "whether it stays so after a boot"),
            ("state", "whether it is on"),
        ],
    };

    fn plan(params: &SebooleanParams, view: &View<'_>) -> Result<Step, Halt> {
        let SebooleanParams { name, state, persistent, ignore_selinux_state } = params;
        view.want([Query::Command(status()), Query::Command(active(name)), Query::Command(kept())]);
        let is_enabled = is_enabled(view)?;
        if !is_enabled && !ignore_selinux_state {
            return fail("SELinux is disabled on this host.");
        }
        let mut plan = Plan {
            result: crate::map! { "name" => name.as_str(), "persistent" => *persistent, "state" => *state },
            summary: format!("{name} is {}", word(*state)),
            ..Plan::default()
        };
        let was = if *persistent {
            let listed =
                run::read(view, kept_words())?.map(|output| run::stdout(&output)).unwrap_or_default();
            match persisted(&listed, name) {
                Some(was) => was,
                None => {
                    return fail(format!(
                        "Failed to manage policy for boolean {name}: SELinux boolean {name} is not defined in \
                         persistent policy"
                    ));
                }
            }
        } else if is_enabled {
            let said = view.run(active(name))?;
            match run::stdout(&said).trim().rsplit(' ').next() {
                Some("on") => true,
                Some("off") => false,
                _ => return fail(format!("Failed to determine current state for boolean {name}")),
            }
        } else {
            *state
        };
        if was == *state {
            return Ok(Step::Plan(plan));
        }
        let value = word(*state);
        plan.summary = format!("switch {name} {value}");
        plan.diffs.push(Diff::attribute(format!("boolean {name}"), "state", word(was), value));
        let words: Vec<&str> = match (persistent, is_enabled) {
            (true, true) => vec!["setsebool", "-P", name, value],
            (true, false) => {
                vec!["semanage", "boolean", "-N", "-m", if *state { "--on" } else { "--off" }, name]
            }
            (false, _) => vec!["setsebool", name, value],
        };
        Ok(Step::Plan(plan.change(Change::new(Action::Run(run::argv(view, words))))))
    }

    fn failure(params: &SebooleanParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        let failed = run::failed("", failure);
        let value = i32::from(params.state);
        Failed {
            message: format!("Failed to set boolean {} to {value}{}", params.name, failed.message),
            ..failed
        }
    }
}

/// Asks whether SELinux runs, and in which mode: `Enforcing`, `Permissive` or `Disabled`.
pub(super) fn status() -> Command {
    run::reading(["getenforce"])
}

/// The mode that SELinux runs in, in lower case; fails, in the original's words, on a host that has no SELinux.
pub(super) fn mode(view: &View<'_>) -> Result<String, Halt> {
    match run::read(view, ["getenforce"])? {
        Some(output) if output.status == 0 => Ok(run::stdout(&output).trim().to_lowercase()),
        _ => fail(
            "Failed to import the required Python library (libselinux-python) on this host's Python: the host has no \
             SELinux",
        ),
    }
}

fn is_enabled(view: &View<'_>) -> Result<bool, Halt> {
    Ok(mode(view)? != "disabled")
}

fn active(name: &str) -> Command {
    run::reading(["getsebool", name])
}

fn kept_words() -> [&'static str; 4] {
    ["semanage", "boolean", "-l", "-n"]
}

fn kept() -> Command {
    run::reading(kept_words())
}

/// `name (on , off) what it is`: the second is what stays after a boot.
fn persisted(listed: &str, name: &str) -> Option<bool> {
    let line = listed.lines().find(|line| line.split_whitespace().next() == Some(name))?;
    let (_, inside) = line.split_once('(')?;
    let (states, _) = inside.split_once(')')?;
    match states.split(',').nth(1)?.trim() {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

fn word(state: bool) -> &'static str {
    if state { "on" } else { "off" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_is_the_second() {
        let listed = "ftpd_full_access               (on   ,  off)  Allow ftpd to full access\n\
                      httpd_can_network_connect      (off  ,   on)  Allow httpd to can network connect\n";
        assert_eq!(persisted(listed, "ftpd_full_access"), Some(false));
        assert_eq!(persisted(listed, "httpd_can_network_connect"), Some(true));
        assert_eq!(persisted(listed, "httpd"), None);
    }
}
