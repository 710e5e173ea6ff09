//! Operations whose outcome only apt's own simulation can tell: upgrades, removal of what nothing needs, build
//! dependencies.

use super::install::package;
use super::{AptParams, Lists, command};
use crate::base::names;
use crate::modules::contract::{Halt, Plan, fail};
use crate::modules::diff::Diff;
use crate::modules::view::View;
use crate::modules::words;
use crate::wire::action::Bytes;
use crate::wire::{Action, Command, CommandOutput, Effect, Observation, PackageState, PackageStatus, Query};

/// What a simulation tells of one package.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Simulated {
    name: String,
    before: Option<String>,
    after: Option<String>,
}

/// The lines `Inst NAME [OLD] (NEW …)` and `Remv NAME [OLD]` of a simulation.
fn read(output: &str) -> Vec<Simulated> {
    output
        .lines()
        .filter_map(|line| {
            let (verb, rest) = line.split_once(' ')?;
            let name = rest.split_whitespace().next()?.to_owned();
            let between = |open: char, close: char| {
                let (_, inside) = rest.split_once(open)?;
                Some(inside.split([close, ' ']).next()?.to_owned())
            };
            let head = rest.split('(').next().unwrap_or(rest);
            let before = head.contains('[').then(|| between('[', ']')).flatten();
            match verb {
                "Inst" => Some(Simulated { name, before, after: between('(', ')') }),
                "Remv" | "Purg" => Some(Simulated { name, before, after: None }),
                _ => None,
            }
        })
        .collect()
}

/// Whether what `apt-get` said means that something was done.
pub(super) fn changes_something(output: &str) -> bool {
    let summary = output.lines().find(|line| line.contains(" newly installed, "));
    summary.is_some_and(|line| !line.starts_with("0 upgraded, 0 newly installed, 0 to remove"))
        || output.lines().any(|line| line.starts_with("Del "))
}

impl AptParams {
    /// An operation, as apt's simulation predicts it.
    pub(super) fn simulated(
        &self,
        view: &View<'_>,
        plan: Plan,
        verb: &[&str],
        lists: Lists,
    ) -> Result<Plan, Halt> {
        self.simulated_beside(view, plan, verb, lists, Vec::new())
    }

    /// As [`Self::simulated`], with package files beside the call.
    pub(super) fn simulated_beside(
        &self,
        view: &View<'_>,
        mut plan: Plan,
        verb: &[&str],
        lists: Lists,
        files: Vec<(String, Bytes)>,
    ) -> Result<Plan, Halt> {
        let mut words = self.words(verb);
        words.insert(1, "--simulate".to_owned());
        let mut simulation = command::within(view, Command::argv(words.clone()).may_fail());
        simulation.files.clone_from(&files);
        let output = view.run(simulation.clone())?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status != 0 && lists == Lists::Kept {
            let error = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return fail(format!("'{}' failed: {error}", words::join(&words)));
        }
        let operation = verb.join(" ");
        let something = changes_something(&said);
        if !something && lists == Lists::Kept && output.status == 0 {
            plan.summary = format!("{operation}: nothing to do");
            return Ok(plan);
        }
        let mut change = self.call(view, verb);
        if let Action::Run(command) = &mut change.action {
            command.files = files;
        }
        let found = read(&said);
        for Simulated { name, before, after } in &found {
            let shown = |version: &Option<String>| version.clone().unwrap_or_else(|| "absent".to_owned());
            plan.diffs.push(Diff::attribute(package(name), "version", shown(before), shown(after)));
            let status = if after.is_some() { PackageStatus::Installed } else { PackageStatus::ConfigFiles };
            change.effects.push(Effect::Package(
                name.clone(),
                PackageState {
                    status,
                    version: after.clone(),
                    candidate: after.clone().or_else(|| before.clone()),
                    provided_by: Vec::new(),
                    held: false,
                    available: Vec::new(),
                },
            ));
        }
        let after = CommandOutput {
            status: 0,
            stdout: b"0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n".to_vec(),
            stderr: Vec::new(),
            ..output
        };
        change.effects.push(Effect::Answer(Query::Command(simulation), Observation::Command(after)));
        let count = names::count(found.len(), "package");
        plan.summary = match (lists, something) {
            (Lists::Refreshed, _) => format!("refresh the package lists, then {operation}"),
            (Lists::Kept, _) if found.is_empty() => operation,
            (Lists::Kept, _) => format!("{operation}: {count}"),
        };
        plan.changed = Some(something);
        Ok(plan.change(change))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simulations_are_read() {
        let output = "Reading package lists...\nInst nginx [1.18-1] (1.22.1-9 Debian:12 [amd64])\n\
                      Inst new (2:3.0 Debian:12 [amd64])\nRemv old [1.0]\nConf nginx (1.22.1-9 Debian:12 [amd64])\n\
                      1 upgraded, 1 newly installed, 1 to remove and 0 not upgraded.\n";
        let one = |name: &str, before: Option<&str>, after: Option<&str>| Simulated {
            name: name.to_owned(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        };
        assert_eq!(
            read(output),
            [
                one("nginx", Some("1.18-1"), Some("1.22.1-9")),
                one("new", None, Some("2:3.0")),
                one("old", Some("1.0"), None)
            ]
        );
        assert!(changes_something(output));
        assert!(!changes_something("0 upgraded, 0 newly installed, 0 to remove and 7 not upgraded.\n"));
        assert!(changes_something("Del nginx 1.0 [1 kB]\n"));
    }
}
