//! Installs packages of Node.js with npm.
//!
//! ```yaml
//! - name: What the application needs
//!   community.general.npm:
//!     path: /srv/app
//!     ci: true
//! ```

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Planned, Side, Step, fail};
use super::diff::Diff;
use super::params::{PathText, Rule};
use super::view::View;
use super::{paths, run, words};
use crate::wire::{Action, Attributes, Change, Command, Failure, FileKind, Follow, Program, Query};
use crate::{choices, params};

/// As `community.general.npm`.
pub struct Npm;

choices! {
    /// How packages shall stand.
    pub enum NpmState { Absent = "absent", Latest = "latest", Present = "present" }
}

params! {
    /// Parameters of `npm`.
    pub struct NpmParams {
        /// The package; without it those that `package.json` names.
        name: Option<String>;
        /// The directory with the packages; needed without `global`.
        path: Option<PathText>;
        /// The version of the package.
        version: Option<String>;
        /// Whether the host's own packages are meant.
        global: bool = false;
        /// The npm that is used, with arguments.
        executable: Option<String>;
        /// Whether scripts of packages are not run.
        ignore_scripts: bool = false;
        /// Whether scripts of packages run as root.
        unsafe_perm: bool = false;
        /// Whether exactly what `package-lock.json` names is installed anew.
        ci: bool = false;
        /// Whether packages for development are left out.
        production: bool = false;
        /// The registry.
        registry: Option<String>;
        /// How packages shall stand.
        state: NpmState = NpmState::Present;
        /// Whether optional packages are left out.
        no_optional: bool = false;
        /// Whether links to programs are left out.
        no_bin_links: bool = false;
        /// Whether npm is forced.
        force: bool = false;
    }
    rules [
        Rule::RequiredIf("state", "absent", &["name"]),
    ]
}

impl Module for Npm {
    type Params = NpmParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "npm",
        collection: "community.general",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("npm.rs"),
        returns: &[],
    };

    fn plan(params: &NpmParams, view: &View<'_>) -> Result<Step, Halt> {
        params.plan(view).map(Step::Plan)
    }

    fn failure(_: &NpmParams, plan: &Plan, at: usize, failure: &Failure) -> Failed {
        let mut failed = run::failed("npm failed", failure);
        let Some(output) = &failure.output else { return failed };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        if !stderr.trim().is_empty() {
            failed.message = stderr.trim_end().to_owned();
        }
        let command = plan.changes.get(at).and_then(|planned| match &planned.change.action {
            Action::Run(Command { program: Program::Argv(words), .. }) => Some(words::join(words)),
            _ => None,
        });
        failed.result.extend(crate::map! { "stdout" => stdout, "stderr" => stderr });
        failed.result.extend(command.map(|command| ("cmd".into(), command.into())));
        failed
    }
}

/// What npm has of the packages.
#[derive(Debug, Default, PartialEq, Eq)]
struct Listed {
    /// Names, and names with versions.
    installed: Vec<String>,
    missing: Vec<String>,
}

impl NpmParams {
    fn plan(&self, view: &View<'_>) -> Result<Plan, Halt> {
        if self.path.is_none() && !self.global {
            return fail("path must be specified when not using global");
        }
        let place = self.path.as_deref().map(paths::trimmed);
        let stat = match place {
            None => None,
            Some(place) => {
                let query = Query::Stat { path: place.to_owned(), follow: Follow::Yes };
                view.want([query, Query::Command(self.lists())]);
                view.stat(place, Follow::Yes)?
            }
        };
        let mut plan = Plan::default();
        let is_there = place.is_none() || stat.is_some();
        if let Some(place) = place {
            match &stat {
                Some(stat) if stat.kind != FileKind::Directory => {
                    return fail(format!("path {place} is not a directory"));
                }
                Some(_) => {}
                None => self.make(&mut plan, place, view)?,
            }
        }
        if self.ci {
            return Ok(self.runs(plan, &["ci"], "install what is locked", view));
        }
        let listed =
            if is_there { self.listed(view)? } else { Listed { missing: self.named(), ..Listed::default() } };
        let wanted = self.full_name().unwrap_or_else(|| "what package.json names".to_owned());
        match self.state {
            NpmState::Absent => {
                let is_installed = self.name.as_ref().is_some_and(|name| listed.installed.contains(name));
                if is_installed {
                    return Ok(self.runs(plan, &["uninstall"], &format!("uninstall {wanted}"), view));
                }
                plan.summary = format!("{wanted} is not installed");
            }
            NpmState::Present => {
                if !listed.missing.is_empty() {
                    return Ok(self.runs(plan, &["install"], &format!("install {wanted}"), view));
                }
                plan.summary = format!("{wanted} is installed");
            }
            NpmState::Latest => {
                let outdated = if is_there { self.outdated(view)? } else { Vec::new() };
                if !listed.missing.is_empty() {
                    plan = self.runs(plan, &["install"], &format!("install {wanted}"), view);
                }
                if !outdated.is_empty() {
                    plan = self.runs(plan, &["update"], &format!("update {}", outdated.join(", ")), view);
                }
                if listed.missing.is_empty() && outdated.is_empty() {
                    plan.summary = format!("{wanted} is installed and newest");
                }
            }
        }
        // the original makes the directory to look into it, and does not count that
        plan.changed = Some(plan.changes.iter().any(is_run));
        Ok(plan)
    }

    fn make(&self, plan: &mut Plan, place: &str, view: &View<'_>) -> Result<(), Halt> {
        let mut missing = vec![place];
        for above in paths::ancestors(place) {
            if view.stat(above, Follow::Yes)?.is_some() {
                break;
            }
            missing.push(above);
        }
        for path in missing.into_iter().rev() {
            let action = Action::MakeDirectory { path: path.to_owned(), attributes: Attributes::default() };
            plan.diffs.push(Diff::attribute(path, "state", "absent", "directory"));
            plan.changes.push(Planned { side: Side::Host, change: Change::new(action) });
        }
        Ok(())
    }

    fn named(&self) -> Vec<String> {
        vec![self.name.clone().unwrap_or_default()]
    }

    fn full_name(&self) -> Option<String> {
        let name = self.name.as_ref()?;
        Some(match &self.version {
            Some(version) if self.state != NpmState::Absent => format!("{name}@{version}"),
            _ => name.clone(),
        })
    }

    /// The words of a call. `named`: whether the package is among them.
    fn words(&self, verbs: &[&str], named: bool) -> Vec<String> {
        let executable = self.executable.as_deref().unwrap_or("npm");
        let mut words: Vec<String> = executable.split(' ').map(str::to_owned).collect();
        words.extend(verbs.iter().map(|verb| (*verb).to_owned()));
        let installs = verbs.iter().any(|verb| matches!(*verb, "install" | "update" | "ci"));
        let mut add = |wanted: bool, option: &str| words.extend(wanted.then(|| option.to_owned()));
        add(self.global, "--global");
        add(self.production && installs, "--production");
        add(self.ignore_scripts, "--ignore-scripts");
        add(self.unsafe_perm, "--unsafe-perm");
        if named {
            words.extend(self.full_name());
        }
        if let Some(registry) = &self.registry {
            words.extend(["--registry".to_owned(), registry.clone()]);
        }
        let mut add = |wanted: bool, option: &str| words.extend(wanted.then(|| option.to_owned()));
        add(self.no_optional, "--no-optional");
        add(self.no_bin_links, "--no-bin-links");
        add(self.force, "--force");
        words
    }

    fn within(&self, mut command: Command) -> Command {
        command.directory = self.path.as_ref().map(|path| path.0.clone());
        command
    }

    fn lists(&self) -> Command {
        self.within(run::reading(self.words(&["list", "--json", "--long"], false)))
    }

    fn listed(&self, view: &View<'_>) -> Result<Listed, Halt> {
        let output = match view.run(self.lists()) {
            Ok(output) => output,
            Err(Halt::Failed(_)) => return fail("Failed to find required executable \"npm\""),
            Err(halt) => return Err(halt),
        };
        let text = run::stdout(&output);
        let text = if text.trim().is_empty() { "{}" } else { text.as_str() };
        match serde_json::from_str(text) {
            Ok(json) => Ok(listed(&json, self.name.as_deref(), self.full_name().as_deref())),
            Err(error) => fail(format!("Failed to parse NPM output with error {error}")),
        }
    }

    fn outdated(&self, view: &View<'_>) -> Result<Vec<String>, Halt> {
        let output = view.run(self.within(run::reading(self.words(&["outdated"], true))))?;
        let text = run::stdout(&output);
        let names = text
            .lines()
            .filter(|line| !line.is_empty())
            .map(|line| line.split([' ', '\t', '@']).next().unwrap_or_default().to_owned());
        Ok(names.collect())
    }

    fn runs(&self, mut plan: Plan, verbs: &[&str], what: &str, view: &View<'_>) -> Plan {
        let command = self.within(run::argv(view, self.words(verbs, true)));
        let subject = self.path.as_ref().map_or_else(|| "npm".to_owned(), |path| path.0.clone());
        plan.diffs.push(Diff::attribute(subject, "packages", "", what));
        plan.summary =
            if plan.summary.is_empty() { what.to_owned() } else { format!("{}, {what}", plan.summary) };
        plan.change(Change::new(Action::Run(command)))
    }
}

fn is_run(planned: &Planned) -> bool {
    matches!(planned.change.action, Action::Run(_))
}

/// What `npm list --json` says.
fn listed(json: &serde_json::Value, name: Option<&str>, full_name: Option<&str>) -> Listed {
    let mut found = Listed::default();
    let Some(packages) = json.get("dependencies").and_then(serde_json::Value::as_object) else {
        found.missing.push(name.unwrap_or_default().to_owned());
        return found;
    };
    let is = |value: Option<&serde_json::Value>| match value {
        None | Some(serde_json::Value::Null) => false,
        Some(serde_json::Value::Bool(is)) => *is,
        Some(serde_json::Value::String(text)) => !text.is_empty(),
        Some(_) => true,
    };
    for (package, about) in packages {
        if is(about.get("missing")) || is(about.get("invalid")) {
            found.missing.push(package.clone());
            continue;
        }
        found.installed.push(package.clone());
        if let Some(version) = about.get("version").and_then(serde_json::Value::as_str) {
            found.installed.push(format!("{package}@{version}"));
        }
    }
    if let (Some(name), Some(full_name)) = (name, full_name)
        && !found.installed.iter().any(|installed| installed == full_name)
    {
        found.missing.push(name.to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_tell_what_is_missing() {
        let json = serde_json::json!({"dependencies": {
            "a": {"version": "1.0.0"}, "b": {"missing": true}, "c": {"invalid": "x", "version": "2.0.0"},
        }});
        let all = listed(&json, None, None);
        assert_eq!(
            all,
            Listed { installed: vec!["a".into(), "a@1.0.0".into()], missing: vec!["b".into(), "c".into()] }
        );
        assert_eq!(listed(&json, Some("a"), Some("a@1.0.0")).missing, ["b", "c"]);
        assert_eq!(listed(&json, Some("a"), Some("a@1.1.0")).missing, ["b", "c", "a"]);
        assert_eq!(listed(&serde_json::json!({}), Some("a"), Some("a")).missing, ["a"]);
    }
}
