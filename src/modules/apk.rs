//! Installs, upgrades and removes packages of Alpine Linux.
//!
//! ```yaml
//! - name: The web server
//!   community.general.apk:
//!     name: [nginx, openssl]
//!     update_cache: true
//! ```

use regex::Regex;

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Planned, Side, Step, fail};
use super::diff::Diff;
use super::params::Rule;
use super::view::View;
use super::{edit_file, run};
use crate::base::{Map, Value};
use crate::wire::{Change, Command, CommandOutput, Done, Failure, Query};
use crate::{choices, params};

/// As `community.general.apk`. What `apk` would do is always asked first (`--simulate`).
pub struct Apk;

choices! {
    /// How packages shall stand.
    pub enum ApkState {
        Absent = "absent", Installed = "installed", Latest = "latest", Present = "present", Removed = "removed",
    }
}

params! {
    /// Parameters of `apk`.
    pub struct ApkParams {
        /// Packages, perhaps with versions (`nginx=1.24.0-r7`, `nginx~1.24`) or a tag (`nginx@edge`).
        name: Option<Vec<String>>;
        /// `present` (`installed`), `latest`, or `absent` (`removed`).
        state: ApkState = ApkState::Present;
        /// Whether no index is read from or written to the cache.
        no_cache: bool = false;
        /// The repositories that are used instead of those of the host.
        repository: Option<Vec<String>>;
        /// Whether the indexes are refreshed before.
        update_cache: bool = false;
        /// Whether everything that is installed is upgraded.
        upgrade: bool = false;
        /// Whether an upgrade takes what the repositories have, older versions too.
        available: bool = false;
        /// The list of what was asked for.
        world: String = "/etc/apk/world";
    }
    rules [
        Rule::RequiredOneOf(&["name", "update_cache", "upgrade"]),
        Rule::MutuallyExclusive(&["name", "upgrade"]),
    ]
}

impl Module for Apk {
    type Params = ApkParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "apk",
        collection: "community.general",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("apk.rs"),
        returns: &[
            ("msg", "what was done"),
            ("packages", "the packages that were changed"),
            ("stderr", "what apk said of mistakes"),
            ("stdout", "what apk said"),
        ],
    };

    fn plan(params: &ApkParams, view: &View<'_>) -> Result<Step, Halt> {
        params.plan(view).map(Step::Plan)
    }

    fn result(_: &ApkParams, _: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        let mut result = plan.result.clone();
        if let Some(Done::Ran(output)) = outcomes.last()
            && result.contains_key("packages")
        {
            result.extend(told(output));
        } else if let Some(Done::Ran(output)) = outcomes.last()
            && result.contains_key("stdout")
        {
            result.extend(output_of(output));
        }
        Ok(result)
    }

    fn failure(params: &ApkParams, plan: &Plan, at: usize, failure: &Failure) -> Failed {
        let is_last = at + 1 == plan.changes.len();
        let message = if params.update_cache && !(is_last && plan.result.contains_key("packages")) {
            "could not update package db".to_owned()
        } else if params.upgrade {
            "failed to upgrade packages".to_owned()
        } else {
            let name = |name: &String| format!("'{name}'");
            let names: Vec<String> = params.name.iter().flatten().map(name).collect();
            match params.state {
                ApkState::Absent | ApkState::Removed => {
                    format!("failed to remove [{}] package(s)", names.join(", "))
                }
                _ => format!("failed to install [{}]", names.join(", ")),
            }
        };
        let result = failure.output.as_ref().map(told).unwrap_or_default();
        Failed { message, result, ..Failed::default() }
    }
}

fn output_of(output: &CommandOutput) -> Map {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let lines = |text: &str| Value::list(text.lines().map(Value::from));
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    let (stdout_lines, stderr_lines) = (lines(&stdout), lines(&stderr));
    crate::map! {
        "stdout" => stdout, "stdout_lines" => stdout_lines, "stderr" => stderr, "stderr_lines" => stderr_lines,
    }
}

fn told(output: &CommandOutput) -> Map {
    let mut told = output_of(output);
    let packages = changed(&run::stdout(output)).into_iter().map(|(_, name)| Value::from(name));
    told.insert("packages".into(), Value::list(packages));
    told
}

/// What apk does with which packages: the lines `(1/2) Installing jq (1.6-r3)`.
fn changed(said: &str) -> Vec<(String, String)> {
    let lines = said.lines().filter(|line| line.starts_with('('));
    let words = lines.filter_map(|line| {
        let mut words = line.split_once(')')?.1.split_whitespace();
        Some((words.next()?.to_owned(), words.next()?.to_owned()))
    });
    words.collect()
}

impl ApkParams {
    /// The words of a call that only reads: with fresh indexes where they are to be refreshed.
    fn reads(&self, words: &[&str]) -> Command {
        run::reading(self.words(self.no_cache || self.update_cache, words))
    }

    fn words(&self, no_cache: bool, words: &[&str]) -> Vec<String> {
        let mut all = vec!["apk".to_owned()];
        all.extend(no_cache.then(|| "--no-cache".to_owned()));
        for repository in self.repository.iter().flatten() {
            all.extend(["--repository", repository, "--repositories-file", "/dev/null"].map(str::to_owned));
        }
        all.extend(words.iter().map(|word| (*word).to_owned()));
        all
    }

    fn plan(&self, view: &View<'_>) -> Result<Plan, Halt> {
        let names = self.name.as_deref().unwrap_or_default();
        if names.iter().any(|name| name.trim().is_empty()) {
            return fail("Package name(s) cannot be empty or whitespace-only");
        }
        let mut plan = Plan::default();
        if self.update_cache {
            let change = run::change(view, self.words(self.no_cache, &["update"]));
            plan.changes.push(Planned { side: Side::Host, change });
            plan.summary = "refresh the indexes".to_owned();
            if names.is_empty() && !self.upgrade {
                plan.changed = Some(true);
                plan.result = run::empty_keys();
                return Ok(plan.with("msg", "updated repository indexes"));
            }
        }
        if self.upgrade {
            let words: &[&str] = if self.available { &["upgrade", "--available"] } else { &["upgrade"] };
            return self.carried_out(
                plan,
                words,
                &[],
                ("upgraded packages", "packages already upgraded"),
                view,
            );
        }
        match self.state {
            ApkState::Absent | ApkState::Removed => self.remove(plan, names, view),
            _ => self.install(plan, names, view),
        }
    }

    /// Asks what a call would do, and adds it where it does anything.
    fn carried_out(
        &self,
        mut plan: Plan,
        words: &[&str],
        names: &[String],
        (done, nothing): (&str, &str),
        view: &View<'_>,
    ) -> Result<Plan, Halt> {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let simulated: Vec<&str> =
            words.iter().copied().chain(["--simulate"]).chain(names.iter().copied()).collect();
        let question = self.reads(&simulated);
        let output = view.run(question.clone())?;
        let said = run::stdout(&output);
        if output.status != 0 {
            let message = if self.upgrade {
                "failed to upgrade packages".to_owned()
            } else {
                format!("failed to install {}", list(&names))
            };
            return Err(Halt::Failed(Box::new(Failed {
                message,
                result: told(&output),
                ..Failed::default()
            })));
        }
        plan.result = told(&output);
        if self.upgrade && said.starts_with("OK") {
            plan.summary = "everything is newest".to_owned();
            plan.changed = Some(false);
            return Ok(plan.with("msg", nothing));
        }
        for (verb, name) in changed(&said) {
            let (before, after) = match verb.as_str() {
                "Installing" => ("absent", "installed"),
                "Purging" => ("installed", "absent"),
                "Upgrading" => ("installed", "upgraded"),
                "Downgrading" => ("installed", "downgraded"),
                other => ("installed", other),
            };
            plan.diffs.push(Diff::attribute(format!("package {name}"), "state", before, after));
        }
        plan.summary = if names.is_empty() {
            "upgrade everything".to_owned()
        } else {
            format!("{} {}", words.first().unwrap_or(&""), names.join(", "))
        };
        let all: Vec<&str> = words.iter().copied().chain(names).collect();
        let change =
            run::change(view, self.words(self.no_cache, &all)).effect(run::will_print(question, "OK\n"));
        plan.changes.push(Planned { side: Side::Host, change });
        plan.changed = Some(true);
        Ok(plan.with("msg", done))
    }

    fn install(&self, mut plan: Plan, names: &[String], view: &View<'_>) -> Result<Plan, Halt> {
        let about = |name: &str| self.reads(&["-v", "info", "--description", name]);
        view.want(names.iter().map(|name| Query::Command(about(name))));
        let world = edit_file::read_text(&self.world, view)?.unwrap_or_default();
        let latest = self.state == ApkState::Latest;
        let (mut missing, mut old) = (Vec::new(), Vec::new());
        for name in names {
            let described = view.run(about(name))?;
            let is_virtual = run::stdout(&described)
                .lines()
                .any(|line| line.starts_with(&format!("{name}: virtual meta package")));
            if is_virtual {
                let needs = run::stdout(&view.run(self.reads(&["-v", "info", "--depends", name]))?);
                for needed in needs.split_whitespace().skip(1) {
                    if latest && !self.is_newest(needed, view)? {
                        old.push(needed.to_owned());
                    }
                }
            } else if !is_in_world(&world, name) {
                missing.push(name.clone());
            } else if latest && !self.is_newest(name, view)? {
                old.push(name.clone());
            }
        }
        if missing.is_empty() && old.is_empty() {
            plan.changed = Some(false);
            plan.summary = "already installed".to_owned();
            return Ok(plan.with("msg", "package(s) already installed"));
        }
        let words: &[&str] = if old.is_empty() { &["add"] } else { &["add", "--upgrade"] };
        let all = [missing, old].concat();
        let texts: Vec<&str> = all.iter().map(String::as_str).collect();
        let done = format!("installed {} package(s)", list(&texts));
        let mut plan = self.carried_out(plan, words, &all, (&done, ""), view)?;
        let world = Query::Content { path: self.world.clone(), limit: edit_limit() };
        if let Some(planned) = plan.changes.last_mut() {
            let change = std::mem::replace(
                &mut planned.change,
                Change::new(crate::wire::Action::Remove { path: String::new() }),
            );
            planned.change = change.effect(crate::wire::Effect::Unknown(world));
        }
        Ok(plan)
    }

    fn is_newest(&self, name: &str, view: &View<'_>) -> Result<bool, Halt> {
        let said = run::stdout(&view.run(self.reads(&["version", name]))?);
        Ok(newest(&said, name))
    }

    fn remove(&self, mut plan: Plan, names: &[String], view: &View<'_>) -> Result<Plan, Halt> {
        let asks = |name: &str| self.reads(&["-v", "info", "--installed", name]);
        view.want(names.iter().map(|name| Query::Command(asks(name))));
        let mut installed = Vec::new();
        for name in names {
            if view.run(asks(name))?.status == 0 {
                installed.push(name.clone());
            }
        }
        if installed.is_empty() {
            plan.changed = Some(false);
            plan.summary = "already removed".to_owned();
            return Ok(plan.with("msg", "package(s) already removed"));
        }
        let texts: Vec<&str> = installed.iter().map(String::as_str).collect();
        let done = format!("removed {} package(s)", list(&texts));
        let mut plan = self.carried_out(plan, &["del", "--purge"], &installed, (&done, ""), view)?;
        if let Some(planned) = plan.changes.last_mut() {
            for name in &installed {
                let mut gone = run::will_print(asks(name), "");
                if let crate::wire::Effect::Answer(_, crate::wire::Observation::Command(output)) = &mut gone {
                    output.status = 1;
                }
                planned.change.effects.push(gone);
            }
        }
        Ok(plan)
    }
}

fn edit_limit() -> u64 {
    super::write_file::EDIT_LIMIT
}

/// A list as Python prints it.
fn list(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    format!("[{}]", names.join(", "))
}

/// Whether a package is in the list of what was asked for, with whatever version or tag.
fn is_in_world(world: &str, name: &str) -> bool {
    world.split_whitespace().any(|word| {
        word.strip_prefix(name).is_some_and(|rest| {
            rest.is_empty() || (rest.len() > 1 && rest.starts_with(['@', '=', '<', '>', '~']))
        })
    })
}

/// Whether `apk version` tells of nothing newer than what is installed.
fn newest(said: &str, name: &str) -> bool {
    let pattern = format!(r"({})-[\d\.\w]+-[\d\w]+\s+(.)\s+[\d\.\w]+-[\d\w]+\s+", regex::escape(name));
    let Ok(pattern) = Regex::new(&pattern) else { return true };
    pattern.captures(said).and_then(|found| found.get(2)).is_none_or(|sign| sign.as_str() != "<")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_read_from_what_apk_says() {
        let said = "(1/2) Installing oniguruma (6.9.8-r1)\n(2/2) Installing jq (1.6-r3)\nOK: 12 MiB in 27 packages\n";
        let names: Vec<String> =
            changed(said).into_iter().map(|(verb, name)| format!("{verb} {name}")).collect();
        assert_eq!(names, ["Installing oniguruma", "Installing jq"]);
    }

    #[test]
    fn what_was_asked_for_may_have_a_version() {
        let world = "alpine-base\nnginx=1.24.0-r7 jq@edge\n!busybox-extras\n";
        assert!(is_in_world(world, "nginx") && is_in_world(world, "jq") && is_in_world(world, "alpine-base"));
        assert!(!is_in_world(world, "alpine") && !is_in_world(world, "busybox-extras"));
    }

    #[test]
    fn newer_versions_are_seen() {
        let said = "Installed:                                Available:\njq-1.6-r2                               < 1.6-r3 \n";
        assert!(!newest(said, "jq"));
        assert!(newest(&said.replace('<', "="), "jq"));
        assert!(newest("", "jq"));
    }
}
