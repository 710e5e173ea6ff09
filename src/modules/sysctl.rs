//! Keeps a setting of the kernel in a file that sysctl reads, and sets it.
//!
//! ```yaml
//! - name: Packets are forwarded
//!   ansible.posix.sysctl:
//!     name: net.ipv4.ip_forward
//!     value: "1"
//!     sysctl_set: true
//!     sysctl_file: /etc/sysctl.d/90-router.conf
//! ```

use super::attributes::FileAttributes;
use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::diff::Diff;
use super::edit_file::Editing;
use super::params::{PathText, Rule};
use super::paths;
use super::run;
use super::view::View;
use crate::base::Map;
use crate::wire::{Change, CommandOutput, Done, Failure, Query};
use crate::{choices, params};

/// As `ansible.posix.sysctl`.
pub struct Sysctl;

choices! {
    /// Whether the setting shall be in the file.
    pub enum SysctlState { Absent = "absent", Present = "present" }
}

params! {
    /// Parameters of `sysctl`.
    pub struct SysctlParams {
        /// The setting, with dots.
        name: String, aliases ["key"];
        /// Its value; true and false are 1 and 0.
        value: Option<String>, aliases ["val"];
        /// Whether it shall be in the file.
        state: SysctlState = SysctlState::Present;
        /// Whether the file is loaded where it was changed.
        reload: bool = true;
        /// Whether the setting is compared with what the kernel has, and set there.
        sysctl_set: bool = false;
        /// Whether settings that the kernel does not have are no failure.
        ignoreerrors: bool = false;
        /// The file.
        sysctl_file: PathText = PathText("/etc/sysctl.conf".to_owned());
    }
    rules [Rule::RequiredIf("state", "present", &["value"])]
}

impl Module for Sysctl {
    type Params = SysctlParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "sysctl",
        collection: "ansible.posix",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("sysctl.rs"),
        returns: &[],
    };

    fn plan(params: &SysctlParams, view: &View<'_>) -> Result<Step, Halt> {
        let name = params.name.trim();
        let value = value_of(params.value.as_deref().unwrap_or_default());
        let present = params.state == SysctlState::Present;
        if params.name.is_empty() {
            return fail("name cannot be blank");
        }
        if present && params.value.as_deref() == Some("") {
            return fail("value cannot be blank");
        }
        let path = paths::checked("sysctl_file", &params.sysctl_file)?;
        let reading = run::reading(["sysctl", "-e", "-n", name]);
        view.want([Query::Command(reading.clone())]);
        let attributes = FileAttributes::default();
        let editing = Editing::open("sysctl", &path, &attributes, view)?;
        let is_now = run::read(view, ["sysctl", "-e", "-n", name])?;
        let Some(is_now) = is_now else {
            return fail("Failed to find required executable \"sysctl\" on the host");
        };
        let is_now = (is_now.status == 0).then(|| run::stdout(&is_now));
        let same = |found: &Option<String>| {
            found.as_ref().is_some_and(|found| found.split_whitespace().eq(value.split_whitespace()))
        };
        let (lines, in_file) = edited(&editing.text(), name, present.then_some(value.as_str()));
        let write = match &in_file {
            None => present,
            Some(found) => !present && !found.is_empty() || present && *found != value,
        };
        let off = present && !same(&is_now);
        let changed = write || (off && (params.reload || params.sysctl_set));
        let mut plan = Plan::default();
        if params.sysctl_set && off && is_now.is_some() {
            let mut words = vec!["sysctl"];
            words.extend(params.ignoreerrors.then_some("-e"));
            let setting = format!("{name}={value}");
            words.extend(["-w", &setting]);
            let set = change(view, words).effect(run::will_print(reading.clone(), format!("{value}\n")));
            let before = is_now.as_deref().unwrap_or_default().trim();
            plan = plan.change(set).diff(Diff::attribute("kernel", name, before, &value));
        }
        if write {
            editing.write(&mut plan, lines, view)?;
        }
        if changed && params.reload {
            let mut words = vec!["sysctl"];
            words.extend(params.ignoreerrors.then_some("-e"));
            words.extend(["-p", &path]);
            let mut load = change(view, words);
            if present {
                load = load.effect(run::will_print(reading, format!("{value}\n")));
            }
            plan = plan.change(load);
        }
        plan.changed = Some(changed);
        plan.summary = match (changed, present) {
            (false, true) => format!("already {name} = {value}"),
            (false, false) => format!("{name} is not in {path}"),
            (true, true) => format!("set {name} = {value}"),
            (true, false) => format!("remove {name} from {path}"),
        };
        plan.result = Map::new();
        Ok(Step::Plan(plan))
    }

    fn result(params: &SysctlParams, _: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        // sysctl ends with 0 where the kernel refused a value
        for outcome in outcomes {
            if let Done::Ran(output) = outcome
                && let Some(message) = refusal(output)
            {
                return fail(format!("setting {} failed: {message}", params.name));
            }
        }
        Ok(plan.result.clone())
    }

    fn failure(params: &SysctlParams, plan: &Plan, at: usize, failure: &Failure) -> Failed {
        let is_load = plan.changes.len() == at + 1 && params.reload;
        let output = failure.output.as_ref().map(said);
        let said = output.unwrap_or_else(|| failure.message.clone());
        let message = if is_load {
            format!("Failed to reload sysctl: {said}")
        } else {
            format!("setting {} failed: {said}", params.name)
        };
        Failed { message, ..Failed::default() }
    }
}

fn change(view: &View<'_>, words: Vec<&str>) -> Change {
    let mut command = run::argv(view, words);
    for name in ["LANG", "LC_ALL", "LC_MESSAGES"] {
        command = command.env(name, "C");
    }
    Change::new(crate::wire::Action::Run(command))
}

fn said(output: &CommandOutput) -> String {
    run::stdout(output) + &String::from_utf8_lossy(&output.stderr)
}

fn refusal(output: &CommandOutput) -> Option<String> {
    let errors = String::from_utf8_lossy(&output.stderr);
    let is_refusal = |line: &str| {
        line.starts_with("sysctl: setting key \"")
            && (line.ends_with("\": Invalid argument") || line.ends_with("\": Read-only file system"))
    };
    errors.lines().any(is_refusal).then(|| said(output))
}

/// A value as the kernel has it.
fn value_of(value: &str) -> String {
    match value.to_lowercase().as_str() {
        "y" | "yes" | "on" | "1" | "true" | "t" | "1.0" => "1".to_owned(),
        "n" | "no" | "off" | "0" | "false" | "f" | "0.0" => "0".to_owned(),
        _ => value.trim().to_owned(),
    }
}

/// The file's new text, and the value that it has now (of several the last).
fn edited(text: &str, name: &str, value: Option<&str>) -> (String, Option<String>) {
    let (mut out, mut seen, mut found) = (String::new(), Vec::new(), None);
    for line in text.lines().map(str::trim) {
        let setting = line.split_once('=').filter(|_| !line.starts_with(['#', ';']));
        let Some((key, known)) = setting else {
            out.push_str(line);
            out.push('\n');
            continue;
        };
        let (key, known) = (key.trim(), known.trim());
        if key == name {
            found = Some(known.to_owned());
        }
        if seen.contains(&key) {
            continue;
        }
        seen.push(key);
        if key != name {
            out.push_str(&format!("{key}={known}\n"));
        } else if let Some(value) = value {
            out.push_str(&format!("{key}={value}\n"));
        }
    }
    if let (false, Some(value)) = (seen.contains(&name), value) {
        out.push_str(&format!("{name}={value}\n"));
    }
    (out, found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_put_in_place() {
        let text = "# c\na.b = 1\nx.y=2\na.b=3\n";
        assert_eq!(edited(text, "a.b", Some("4")), ("# c\na.b=4\nx.y=2\n".into(), Some("3".into())));
        assert_eq!(edited(text, "a.b", None), ("# c\nx.y=2\n".into(), Some("3".into())));
        assert_eq!(edited("", "n", Some("1")), ("n=1\n".into(), None));
        assert_eq!((value_of("Yes"), value_of(" 4 5 ")), ("1".into(), "4 5".into()));
    }
}
