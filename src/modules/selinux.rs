//! Sets the mode and the policy of SELinux.
//!
//! ```yaml
//! - name: SELinux only tells
//!   ansible.posix.selinux:
//!     policy: targeted
//!     state: permissive
//! ```

use super::attributes::FileAttributes;
use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Planned, Side, Step, fail};
use super::diff::Diff;
use super::edit_file::Editing;
use super::view::View;
use super::{run, seboolean};
use crate::wire::{Action, Change, FileKind, Follow, Query};
use crate::{choices, params};

/// As `ansible.posix.selinux`, with the host's `getenforce`, `setenforce`, `sestatus` and `grubby`.
pub struct Selinux;

choices! {
    /// The mode.
    pub enum SelinuxState { Disabled = "disabled", Enforcing = "enforcing", Permissive = "permissive" }
}

params! {
    /// Parameters of `selinux`.
    pub struct SelinuxParams {
        /// The policy; needed unless `state` is `disabled`.
        policy: Option<String>;
        /// The mode.
        state: SelinuxState;
        /// The configuration file.
        configfile: String = "/etc/selinux/config", aliases ["conf", "file"];
        /// Whether the kernel's parameters are set too, with `grubby`.
        update_kernel_param: bool = false;
    }
}

impl Module for Selinux {
    type Params = SelinuxParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "selinux",
        collection: "ansible.posix",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("selinux.rs"),
        returns: &[
            ("configfile", "the configuration file"),
            ("msg", "what was changed"),
            ("policy", "the policy"),
            ("reboot_required", "whether it takes effect after a reboot only"),
            ("state", "the mode"),
        ],
    };

    fn plan(params: &SelinuxParams, view: &View<'_>) -> Result<Step, Halt> {
        params.plan(view).map(Step::Plan)
    }
}

impl SelinuxParams {
    fn plan(&self, view: &View<'_>) -> Result<Plan, Halt> {
        let file = Query::Stat { path: self.configfile.clone(), follow: Follow::Yes };
        view.want([file, Query::Command(seboolean::status()), Query::Command(run::reading(["sestatus"]))]);
        let mode = seboolean::mode(view)?;
        if view.stat(&self.configfile, Follow::Yes)?.is_none_or(|stat| stat.kind != FileKind::File) {
            let details =
                "Please install SELinux-policy package, if this package is not installed previously.";
            return Err(Halt::Failed(Box::new(Failed {
                message: format!("Unable to find file {}", self.configfile),
                result: crate::map! { "details" => details },
                ..Failed::default()
            })));
        }
        let attributes = FileAttributes::default();
        let editing = Editing::open("selinux", &self.configfile, &attributes, view)?;
        let text = editing.text();
        let (kept_policy, kept_state) = (setting(&text, "SELINUXTYPE"), setting(&text, "SELINUX"));
        let state = self.state.text();
        let policy = match (self.policy.as_deref().filter(|policy| !policy.is_empty()), self.state) {
            (Some(policy), _) => policy.to_owned(),
            (None, SelinuxState::Disabled) => kept_policy.clone().unwrap_or_default(),
            (None, _) => return fail("Policy is required if state is not 'disabled'"),
        };
        let mut plan = Plan::default();
        let mut told = Vec::new();
        let mut changed = false;
        let mut reboot = false;
        let loaded = run::read(view, ["sestatus"])?.map(|output| run::stdout(&output)).unwrap_or_default();
        let loaded = loaded.lines().find_map(|line| line.strip_prefix("Loaded policy name:"));
        let loaded =
            loaded.map_or_else(|| kept_policy.clone().unwrap_or_default(), |name| name.trim().to_owned());
        if policy != loaded {
            told.push(format!("Running SELinux policy changed from '{loaded}' to '{policy}'"));
            changed = true;
        }
        let mut after = text.clone();
        if Some(&policy) != kept_policy.as_ref() {
            let place = format!("/etc/selinux/{policy}/policy");
            if view.stat(&place, Follow::Yes)?.is_none() {
                return fail(format!("Policy {policy} does not exist in /etc/selinux/"));
            }
            told.push(format!(
                "SELinux policy configuration in '{}' changed from '{}' to '{policy}'",
                self.configfile,
                shown(kept_policy.as_deref())
            ));
            after = with(&after, "SELINUXTYPE", &policy);
        }
        if mode != state {
            match (mode.as_str(), self.state) {
                ("disabled", _) => {
                    plan.warnings.push(format!("Reboot is required to set SELinux state to '{state}'"));
                    reboot = true;
                }
                ("permissive", SelinuxState::Disabled) => {
                    plan.warnings.push("SELinux state change will take effect next reboot".to_owned());
                    reboot = true;
                }
                (_, SelinuxState::Disabled) => {
                    plan.warnings.push(format!(
                        "SELinux state temporarily changed from '{mode}' to 'permissive'. State change will take \
                         effect next reboot."
                    ));
                    Self::enforce(&mut plan, "0", &mode, "permissive", view);
                    (changed, reboot) = (true, true);
                }
                (_, wanted) => {
                    let value = if wanted == SelinuxState::Enforcing { "1" } else { "0" };
                    Self::enforce(&mut plan, value, &mode, state, view);
                    told.push(format!("SELinux state changed from '{mode}' to '{state}'"));
                }
            }
        }
        if kept_state.as_deref() != Some(state) {
            told.push(format!(
                "Config SELinux state changed from '{}' to '{state}'",
                shown(kept_state.as_deref())
            ));
            after = with(&after, "SELINUX", state);
        }
        if after != text {
            editing.write(&mut plan, after, view)?;
            plan.result.clear();
        }
        if self.update_kernel_param {
            told.extend(self.kernel(&mut plan, view)?);
        }
        changed |= !told.is_empty();
        plan.changed = Some(changed);
        plan.summary =
            if changed { format!("set SELinux to {state}") } else { format!("SELinux is {state}") };
        plan.result = crate::map! {
            "msg" => told.join(", "), "configfile" => self.configfile.as_str(), "policy" => policy, "state" => state,
            "reboot_required" => reboot,
        };
        Ok(plan)
    }

    fn enforce(plan: &mut Plan, value: &str, was: &str, after: &str, view: &View<'_>) {
        let change = run::change(view, ["setenforce", value])
            .effect(run::will_print(seboolean::status(), format!("{after}\n")));
        plan.changes.push(Planned { side: Side::Host, change });
        plan.diffs.push(Diff::attribute("SELinux", "mode", was, after));
    }

    /// Sets the kernel's parameters; what is told of it.
    fn kernel(&self, plan: &mut Plan, view: &View<'_>) -> Result<Option<String>, Halt> {
        let Some(output) = run::read(view, ["grubby", "--info=ALL"])? else {
            return fail("'grubby' command not found on host");
        };
        if output.status != 0 {
            return fail("unable to run grubby");
        }
        let is = kernels(&run::stdout(&output));
        let wanted = self.state != SelinuxState::Disabled;
        if is == Some(wanted) {
            return Ok(None);
        }
        let word = |enabled: bool| if enabled { "enabled" } else { "disabled" };
        let was = is.map_or("<inconsistent>", word);
        let option = if wanted { "--remove-args" } else { "--args" };
        let words = ["grubby", "--update-kernel=ALL", option, "selinux=0"];
        let change = Change::new(Action::Run(run::argv(view, words)));
        plan.changes.push(Planned { side: Side::Host, change });
        plan.diffs.push(Diff::attribute("kernel", "SELinux", was, word(wanted)));
        Ok(Some(format!("Kernel SELinux state changed from '{was}' to '{}'", word(wanted))))
    }
}

fn shown(text: Option<&str>) -> &str {
    text.unwrap_or("None")
}

/// The value of `NAME=value`.
fn setting(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
    Some(line.split('=').next().unwrap_or_default().trim().to_owned())
}

/// The text with `NAME=value` in place of what it has, or at its end.
fn with(text: &str, name: &str, value: &str) -> String {
    let is = |line: &str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with('='));
    let line = format!("{name}={value}");
    let mut lines: Vec<&str> = text.lines().map(|old| if is(old) { line.as_str() } else { old }).collect();
    if !text.lines().any(is) {
        lines.push(&line);
    }
    lines.join("\n") + "\n"
}

/// Whether all kernels start with SELinux (or all without); nothing where they differ.
fn kernels(info: &str) -> Option<bool> {
    let arguments = info.lines().filter_map(|line| line.strip_prefix("args=\"")?.strip_suffix('"'));
    let mut disabled =
        arguments.map(|line| line.split(' ').any(|word| word == "selinux=0")).collect::<Vec<_>>();
    disabled.dedup();
    match disabled.as_slice() {
        [one] => Some(!one),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_and_written() {
        let text = "# a\nSELINUX=enforcing\nSELINUXTYPE=targeted\n";
        assert_eq!((setting(text, "SELINUX"), setting(text, "X")), (Some("enforcing".to_owned()), None));
        assert_eq!(with(text, "SELINUX", "permissive"), "# a\nSELINUX=permissive\nSELINUXTYPE=targeted\n");
        assert_eq!(with("a", "SELINUX", "x"), "a\nSELINUX=x\n");
    }

    #[test]
    fn kernels_agree_or_not() {
        let (with, without) = ("args=\"ro selinux=0\"\n", "index=0\nargs=\"ro\"\n");
        assert_eq!((kernels(with), kernels(without)), (Some(false), Some(true)));
        assert_eq!((kernels(&format!("{with}{without}")), kernels("")), (None, None));
    }
}
