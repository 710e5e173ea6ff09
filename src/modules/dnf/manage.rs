//! What has to be installed, upgraded and removed: `dnf` tells with a transaction that it shows and gives up.

use super::installed::{Operand, line};
use super::transaction::{Deed, Package, Transaction, read};
use super::{DnfParams, call};
use crate::base::{Map, Value, names};
use crate::modules::contract::{Failed, Halt, Plan, fail};
use crate::modules::diff::Diff;
use crate::modules::run;
use crate::modules::view::View;
use crate::modules::words;
use crate::wire::{Action, Change, Command, CommandOutput, Effect, Observation, Query};

/// A call that was simulated.
struct Simulated {
    verb: &'static str,
    operands: Vec<String>,
    command: Command,
    transaction: Transaction,
}

impl DnfParams {
    /// `present`: what is missing.
    pub(super) fn install(&self, view: &View<'_>, names: &[&str]) -> Result<Plan, Halt> {
        self.want_installed(view, names);
        let mut missing = Vec::new();
        for name in names {
            // a pattern may match more than what is installed
            let sure = Operand::of(name) != Operand::Pattern;
            if !sure || self.installed(view, name)?.is_empty() {
                missing.push(*name);
            }
        }
        let results = announced(names);
        if missing.is_empty() {
            return Ok(nothing(format!("already installed: {}", names.join(", ")), results));
        }
        let call = self.simulated(view, "install", &missing)?;
        self.planned(view, vec![call], results)
    }

    /// `latest`: what is missing, and newer versions of the rest.
    pub(super) fn upgrade(&self, view: &View<'_>, names: &[&str]) -> Result<Plan, Halt> {
        if names == ["*"] {
            let call = self.simulated(view, "upgrade", &[])?;
            return self.planned(view, vec![call], Vec::new());
        }
        self.want_installed(view, names);
        let (mut missing, mut present) = (Vec::new(), Vec::new());
        let mut results = announced(names);
        for name in names {
            match Operand::of(name) {
                Operand::File => missing.push(*name),
                Operand::Group | Operand::Pattern | Operand::Comparison => {
                    present.push(*name);
                    missing.push(*name);
                }
                Operand::Plain | Operand::Path => {
                    let installed = !self.installed(view, name)?.is_empty();
                    let list = if installed { &mut present } else { &mut missing };
                    list.push(*name);
                }
            }
        }
        if self.update_only {
            results.extend(
                missing.iter().map(|name| {
                    format!("Packages providing {name} not installed due to update_only specified")
                }),
            );
            missing.clear();
        }
        let mut calls = Vec::new();
        for (verb, operands) in [("upgrade", &present), ("install", &missing)] {
            if !operands.is_empty() {
                view.want([Query::Command(self.simulation(view, verb, operands))]);
            }
        }
        if !present.is_empty() {
            let mut call = self.simulated(view, "upgrade", &present)?;
            // what is not installed is the other call's
            call.transaction.unmatched.retain(|name| !missing.contains(&name.as_str()));
            calls.push(call);
        }
        if !missing.is_empty() {
            calls.push(self.simulated(view, "install", &missing)?);
        }
        let mut plan = self.planned(view, calls, results)?;
        if let Some(last) = plan.changes.last_mut().filter(|_| !self.download_only) {
            let again = self.simulation(view, "upgrade", names);
            last.change.effects.push(run::will_print(again, "Nothing to do.\n"));
        }
        Ok(plan)
    }

    /// `absent`: what is there, and with `autoremove` what nothing needs.
    pub(super) fn remove(&self, view: &View<'_>, names: &[&str]) -> Result<Plan, Halt> {
        if names.iter().any(|name| Operand::of(name) == Operand::File) {
            return fail("Cannot remove paths -- please specify package name.");
        }
        self.want_installed(view, names);
        let (mut there, mut results) = (Vec::new(), Vec::new());
        for name in names {
            let sure = !matches!(Operand::of(name), Operand::Group | Operand::Comparison);
            if sure && self.installed(view, name)?.is_empty() {
                results.push(format!("No match for argument: {name}"));
            } else {
                there.push(*name);
            }
        }
        let mut calls = Vec::new();
        if !there.is_empty() {
            let mut call = self.simulated(view, "remove", &there)?;
            results.extend(
                call.transaction.unmatched.drain(..).map(|name| format!("No match for argument: {name}")),
            );
            calls.push(call);
        }
        if self.autoremove {
            calls.push(self.simulated(view, "autoremove", &[])?);
        }
        if calls.is_empty() {
            return Ok(nothing(format!("already absent: {}", names.join(", ")), results));
        }
        self.planned(view, calls, results)
    }

    fn simulation(&self, view: &View<'_>, verb: &str, operands: &[&str]) -> Command {
        call::within(view, self.words(verb, operands, call::Answer::No)).may_fail()
    }

    /// What a call would do; without operands that would bring an older version, unless that is allowed.
    fn simulated(&self, view: &View<'_>, verb: &'static str, operands: &[&str]) -> Result<Simulated, Halt> {
        let command = self.simulation(view, verb, operands);
        let output = view.run(command.clone())?;
        let mut transaction = read(&run::stdout(&output), &String::from_utf8_lossy(&output.stderr));
        if transaction
            .error
            .as_deref()
            .is_some_and(|error| error.starts_with("There are no enabled repositories"))
        {
            transaction.unmatched = operands.iter().map(|&operand| operand.to_owned()).collect();
        }
        let done = output.status == 0 || transaction.something;
        let explained = !transaction.unmatched.is_empty() || !transaction.no_groups.is_empty();
        if !done && !explained {
            return self.refused(&command, &output, &transaction);
        }
        if verb == "install" && !self.allow_downgrade {
            let older: Vec<&Package> = transaction
                .deeds
                .iter()
                .filter(|(deed, _)| *deed == Deed::Downgrade)
                .map(|(_, p)| p)
                .collect();
            let kept: Vec<&str> = operands
                .iter()
                .copied()
                .filter(|operand| !older.iter().any(|p| names_package(operand, p)))
                .collect();
            if kept.len() < operands.len() {
                if kept.is_empty() {
                    let transaction = Transaction::default();
                    return Ok(Simulated { verb, operands: Vec::new(), command, transaction });
                }
                return self.simulated(view, verb, &kept);
            }
        }
        let operands = operands.iter().map(|&operand| operand.to_owned()).collect();
        Ok(Simulated { verb, operands, command, transaction })
    }

    fn refused<T>(
        &self,
        command: &Command,
        output: &CommandOutput,
        transaction: &Transaction,
    ) -> Result<T, Halt> {
        let said = match &transaction.error {
            Some(error) => error.clone(),
            None => format!("{}{}", run::stdout(output), String::from_utf8_lossy(&output.stderr))
                .trim()
                .to_owned(),
        };
        let message = if said.trim_start().starts_with("Problem") {
            format!("Depsolve Error occurred: {said}")
        } else {
            said.clone()
        };
        let message = if message.is_empty() {
            let crate::wire::Program::Argv(argv) = &command.program else { return fail("'dnf' failed") };
            format!("'{}' failed", words::join(argv))
        } else {
            message
        };
        let result = crate::map! { "rc" => 1, "results" => Value::list([]), "failures" => Value::list([]) };
        Err(Failed { message, result, ..Failed::default() }.into())
    }

    /// The plan of calls that were simulated.
    fn planned(
        &self,
        view: &View<'_>,
        calls: Vec<Simulated>,
        mut results: Vec<String>,
    ) -> Result<Plan, Halt> {
        let all = || calls.iter().map(|call| &call.transaction);
        if let Some(group) = all().flat_map(|transaction| &transaction.no_groups).next() {
            let result = crate::map! { "results" => Value::list([]) };
            return Err(Failed {
                message: format!("No group {group} available."),
                result,
                ..Failed::default()
            }
            .into());
        }
        let unmatched: Vec<&String> = all().flat_map(|transaction| &transaction.unmatched).collect();
        if !unmatched.is_empty() && !self.skip_broken {
            let failures = unmatched.iter().map(|name| Value::from(format!("No package {name} available.")));
            let result = crate::map! {
                "failures" => Value::list(failures), "rc" => 1, "results" => Value::list([]),
            };
            let message = "Failed to install some of the specified packages".to_owned();
            return Err(Failed { message, result, ..Failed::default() }.into());
        }
        let unmatched: Vec<String> =
            unmatched.into_iter().map(|name| format!("No package {name} available.")).collect();
        results.extend(unmatched);
        if !all().any(|transaction| transaction.something) {
            let names: Vec<&str> = calls.iter().flat_map(|call| &call.operands).map(String::as_str).collect();
            let verb = calls.first().map_or("dnf", |call| call.verb);
            let about = if names.is_empty() { verb.to_owned() } else { names.join(", ") };
            return Ok(nothing(format!("{about}: nothing to do"), results));
        }
        let replaced: Vec<&Package> = all()
            .flat_map(|transaction| &transaction.deeds)
            .filter(|(deed, _)| matches!(deed, Deed::Upgrade | Deed::Downgrade | Deed::Reinstall))
            .map(|(_, package)| package)
            .collect();
        let name = |package: &Package| format!("{}.{}", package.name, package.arch);
        view.want(replaced.iter().flat_map(|package| self.questions(&name(package))).map(Query::Command));
        let mut plan = Plan { changed: Some(true), ..Plan::default() };
        let (mut installed, mut removed) = (Vec::new(), Vec::new());
        for call in calls.into_iter().filter(|call| call.transaction.something) {
            let Simulated { verb, operands, command, transaction } = call;
            let operands: Vec<&str> = operands
                .iter()
                .map(String::as_str)
                .filter(|operand| !transaction.unmatched.iter().any(|name| name == operand))
                .collect();
            let mut change =
                Change::new(Action::Run(call::within(view, self.words(verb, &operands, call::Answer::Yes))));
            for (deed, package) in &transaction.deeds {
                let old = match deed {
                    Deed::Install | Deed::Remove => None,
                    Deed::Upgrade | Deed::Downgrade | Deed::Reinstall => {
                        self.installed(view, &name(package))?.pop()
                    }
                };
                let (before, after) = match (deed, &old) {
                    (Deed::Remove, _) => (package.version.clone(), "absent".to_owned()),
                    (_, Some(old)) => (old.version.clone(), package.version.clone()),
                    (_, None) => ("absent".to_owned(), package.version.clone()),
                };
                plan.diffs.push(Diff::attribute(
                    format!("package {}", package.name),
                    "version",
                    before,
                    after,
                ));
                if *deed == Deed::Remove {
                    removed.push(format!("Removed: {}", package.nevra()));
                } else {
                    let did = if self.download_only { "Downloaded" } else { "Installed" };
                    installed.push(format!("{did}: {}", package.nevra()));
                }
                removed.extend(old.map(|old| format!("Removed: {}", old.nevra())));
                if !self.download_only {
                    change.effects.extend(self.effects(*deed, package));
                }
            }
            if !self.download_only {
                for operand in &operands {
                    change.effects.extend(self.answers(verb, operand, &transaction));
                }
                change.effects.push(run::will_print(command, "Nothing to do.\n"));
            }
            plan = plan.change(change);
        }
        installed.sort();
        removed.sort();
        let count = installed.len() + removed.len();
        results.extend(installed);
        results.extend(removed);
        plan.summary = match plan.diffs.as_slice() {
            [Diff::Attribute { subject, before, after, .. }] => format!("{subject}: {before} -> {after}"),
            [] => names::count(count, "package"),
            several => names::count(several.len(), "package"),
        };
        let said = "Check mode: No changes made, but would have if not in check mode";
        plan.result = told(if view.context().check_mode { said } else { "" }, results);
        Ok(plan)
    }

    /// What a package's place in a transaction means to what is known of its name.
    fn effects(&self, deed: Deed, package: &Package) -> Vec<Effect> {
        let Package { name, arch, .. } = package;
        let mut effects = if deed == Deed::Install { crate::modules::apt::units(name) } else { Vec::new() };
        for text in [name.clone(), format!("{name}.{arch}"), package.nevra()] {
            effects.extend(self.questions(&text).into_iter().map(|command| answer(command, deed, package)));
        }
        effects
    }

    /// What becomes of the questions about an operand.
    fn answers(&self, verb: &str, operand: &str, transaction: &Transaction) -> Vec<Effect> {
        let questions = self.questions(operand);
        let found = transaction.deeds.iter().find(|(_, package)| names_package(operand, package));
        let gone = verb == "remove";
        let (deed, package) = match found {
            Some((deed, package)) => (*deed, package.clone()),
            // it is provided by one of the packages; which one does not matter
            None => match transaction.deeds.first() {
                Some((deed, package)) => (*deed, package.clone()),
                None => return Vec::new(),
            },
        };
        let deed = if gone { Deed::Remove } else { deed };
        questions.into_iter().map(|command| answer(command, deed, &package)).collect()
    }
}

/// The effect that the question about a package will have this answer.
fn answer(command: Command, deed: Deed, package: &Package) -> Effect {
    let printed = match deed {
        Deed::Remove => String::new(),
        _ => line(package),
    };
    let effect = run::will_print(command, printed);
    match (deed, effect) {
        (Deed::Remove, Effect::Answer(query, Observation::Command(output))) => {
            Effect::Answer(query, Observation::Command(CommandOutput { status: 1, ..output }))
        }
        (_, effect) => effect,
    }
}

/// Whether an operand is a package's name, or its name with a version.
fn names_package(operand: &str, package: &Package) -> bool {
    let text = match Operand::of(operand) {
        Operand::File => operand.rsplit('/').next().unwrap_or(operand),
        _ => operand,
    };
    let rest = text.strip_prefix(package.name.as_str());
    rest.is_some_and(|rest| {
        let rest = rest.trim_start();
        rest.is_empty()
            || rest.starts_with(['.', '<', '>', '='])
            || rest.strip_prefix('-').is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit()))
    })
}

/// What the original says of files and groups before it has looked.
fn announced(names: &[&str]) -> Vec<String> {
    names
        .iter()
        .filter(|name| Operand::of(name) == Operand::File)
        .map(|name| format!("Installed {name}"))
        .collect()
}

fn nothing(why: String, results: Vec<String>) -> Plan {
    Plan { result: told("Nothing to do", results), changed: Some(false), ..Plan::nothing(why) }
}

fn told(message: &str, results: Vec<String>) -> Map {
    crate::map! { "msg" => message, "rc" => 0, "results" => Value::list(results.into_iter().map(Value::from)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_name_packages() {
        let package = Package { name: "tool".into(), arch: "noarch".into(), version: "1.0-1".into() };
        for operand in ["tool", "tool-1.0", "tool.noarch", "tool < 2", "/x/tool-1.0-1.noarch.rpm"] {
            assert!(names_package(operand, &package), "{operand}");
        }
        for operand in ["tools", "tool-devel", "too"] {
            assert!(!names_package(operand, &package), "{operand}");
        }
    }
}
