//! Installs Python packages with pip, in a virtual environment or on the host.
//!
//! ```yaml
//! - name: The application's packages
//!   ansible.builtin.pip:
//!     requirements: /opt/app/requirements.txt
//!     virtualenv: /opt/app/venv
//!     virtualenv_command: python3 -m venv
//! ```

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::diff::Diff;
use super::params::{PathText, Rule};
use super::paths;
use super::run;
use super::view::View;
use super::words;
use crate::base::{Map, Value};
use crate::wire::{Action, Change, Command, Done, Failure, Follow, Program, Query};
use crate::{choices, params};

/// As `ansible.builtin.pip`.
pub struct Pip;

choices! {
    /// How packages shall stand.
    pub enum PipState {
        Absent = "absent", ForceReinstall = "forcereinstall", Latest = "latest", Present = "present",
    }
}

params! {
    /// Parameters of `pip`.
    pub struct PipParams {
        /// Packages, as pip takes them: names with versions, URLs, paths.
        name: Option<Vec<String>>;
        /// The version of the one package.
        version: Option<String>;
        /// A file of the host that lists packages.
        requirements: Option<String>;
        /// The virtual environment; one that is not there is made.
        virtualenv: Option<PathText>;
        /// Whether a virtual environment that is made sees the host's packages.
        virtualenv_site_packages: bool = false;
        /// The command that makes a virtual environment.
        virtualenv_command: String = "virtualenv";
        /// The Python of a virtual environment that is made, for `virtualenv_command: virtualenv`.
        virtualenv_python: Option<String>;
        /// How packages shall stand.
        state: PipState = PipState::Present;
        /// Further arguments for pip.
        extra_args: Option<String>;
        /// Whether packages are installed as links to their sources.
        editable: bool = false;
        /// The directory that pip runs in.
        chdir: Option<PathText>;
        /// The pip that is used: a path, or a name such as `pip3.11`.
        executable: Option<PathText>;
        /// The mask of what is made.
        umask: Option<String>;
        /// Whether packages of the distribution may be changed.
        break_system_packages: bool = false;
    }
    rules [
        Rule::RequiredOneOf(&["name", "requirements"]),
        Rule::MutuallyExclusive(&["name", "requirements"]),
        Rule::MutuallyExclusive(&["executable", "virtualenv"]),
    ]
}

impl Module for Pip {
    type Params = PipParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "pip",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("pip.rs"),
        returns: &[
            ("cmd", "the command"),
            ("name", "the packages"),
            ("version", "the version, as it was given"),
            ("requirements", "the file of requirements, as it was given"),
            ("stdout", "what pip said"),
            ("virtualenv", "the virtual environment"),
        ],
    };

    fn plan(params: &PipParams, view: &View<'_>) -> Result<Step, Halt> {
        if params.state == PipState::Latest && params.version.is_some() {
            return fail("version is incompatible with state=latest");
        }
        let names = params.names()?;
        let (makes_it, pip) = params.pip(view)?;
        let mut plan = Plan::default();
        if makes_it && let Some(place) = &params.virtualenv {
            plan = plan.change(params.make(place, view)?);
            plan.diffs.push(Diff::attribute(&**place, "state", "absent", "virtual environment"));
        }
        let listing =
            run::reading(pip.iter().cloned().chain(["list".to_owned(), "--format=freeze".to_owned()]));
        let mut left = names.clone();
        let is_plain = params.requirements.is_none() && !params.editable && params.extra_args.is_none();
        if !makes_it && is_plain && matches!(params.state, PipState::Present | PipState::Absent) {
            let listed = view.run(listing)?;
            let listed = run::stdout(&listed);
            left.retain(|name| match is_installed(&listed, name) {
                Some(is) => is != (params.state == PipState::Present),
                None => true,
            });
        }
        let command = params.command(pip, &names, view)?;
        let cmd = match &command.program {
            Program::Argv(words) => words::join(words),
            Program::Shell { text, .. } => text.clone(),
        };
        plan.result = params.told(&names, &cmd);
        if left.is_empty() && params.requirements.is_none() {
            let what = if params.state == PipState::Absent { "not installed" } else { "already installed" };
            plan.summary = what.to_owned();
            plan.result.extend(run::empty_keys());
            return Ok(Step::Plan(plan));
        }
        plan.summary = format!("run `{cmd}`");
        let subject = params.requirements.clone().unwrap_or_else(|| left.join(" "));
        plan.diffs.push(Diff::attribute(
            format!("python package {subject}"),
            "state",
            "",
            params.state.text(),
        ));
        plan.opaque = true;
        plan = plan.change(Change::new(Action::Run(command)));
        Ok(Step::Plan(plan))
    }

    fn result(params: &PipParams, _: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        let mut result = plan.result.clone();
        let Some(Done::Ran(output)) = outcomes.last() else { return Ok(result) };
        let said = run::stdout(output);
        let changed = match params.state {
            PipState::Absent => said.contains("Successfully uninstalled"),
            _ => said.contains("Successfully installed") || said.contains("Uninstalling"),
        };
        let keys = super::view::output_keys(output);
        result.extend(keys.into_iter().filter(|(key, _)| key.as_str() != Some("rc")));
        result.insert("changed".into(), (changed || outcomes.len() > 1).into());
        Ok(result)
    }

    fn failure(_: &PipParams, plan: &Plan, _: usize, failure: &Failure) -> Failed {
        let failed = run::failed("pip failed", failure);
        let mut result = plan.result.clone();
        result.extend(failed.result);
        Failed { result, ..failed }
    }
}

/// A package's name as it is compared: `Foo.Bar_baz` is `foo-bar-baz`.
fn normal(name: &str) -> String {
    let mut out = String::new();
    for c in name.to_lowercase().chars() {
        let c = if matches!(c, '.' | '_') { '-' } else { c };
        if c != '-' || !out.ends_with('-') {
            out.push(c);
        }
    }
    out
}

/// Whether a package is installed as it is named; `None` where only pip can tell.
fn is_installed(listed: &str, wanted: &str) -> Option<bool> {
    if wanted.contains("://") || wanted.contains('/') || wanted.contains(';') || wanted.contains(',') {
        return None;
    }
    let (name, version) = match wanted.split_once("==") {
        Some((name, version)) => (name, Some(version.trim())),
        None if wanted.contains(['<', '>', '=', '~', '!', '@']) => return None,
        None => (wanted, None),
    };
    let name = normal(name.split('[').next().unwrap_or_default().trim());
    let found =
        listed.lines().filter_map(|line| line.split_once("==")).find(|(known, _)| normal(known) == name);
    match (found, version) {
        (None, _) => Some(false),
        (Some(_), Some(version)) if version.contains('*') => None,
        (Some((_, is)), Some(version)) => Some(is.trim() == version),
        (Some(_), None) => Some(true),
    }
}

impl PipParams {
    fn names(&self) -> Result<Vec<String>, Halt> {
        let mut names: Vec<String> = self.name.clone().unwrap_or_default();
        names.retain(|name| !name.trim().is_empty());
        if let Some(version) = &self.version {
            let [name] = names.as_mut_slice() else {
                return fail(
                    "'version' argument is ambiguous when installing multiple package distributions. \
                             Please specify version restrictions next to each package in 'name' argument.",
                );
            };
            let starts = version.starts_with(['<', '>', '=', '~', '!']);
            *name = if starts { format!("{name}{version}") } else { format!("{name}=={version}") };
        }
        Ok(names)
    }

    /// Whether the virtual environment has to be made, and the words of pip.
    fn pip(&self, view: &View<'_>) -> Result<(bool, Vec<String>), Halt> {
        if let Some(place) = &self.virtualenv {
            let place = paths::trimmed(place);
            let is_made = view.stat(&paths::join(place, "bin/activate"), Follow::Yes)?.is_some();
            return Ok((!is_made, vec![paths::join(place, "bin/pip")]));
        }
        if let Some(executable) = &self.executable {
            return Ok((false, vec![executable.0.clone()]));
        }
        // the host's python3 with its pip, else a program of that name
        view.want(["pip3", "pip"].map(|name| Query::Command(run::reading([name, "--version"]))));
        for words in [vec!["pip3"], vec!["pip"], vec!["python3", "-m", "pip"]] {
            let version = words.iter().copied().chain(["--version"]);
            if run::read(view, version)?.is_some_and(|output| output.status == 0) {
                return Ok((false, words.into_iter().map(str::to_owned).collect()));
            }
        }
        fail("Unable to find any of pip3, pip to use.  pip needs to be installed.")
    }

    fn placed(&self, mut command: Command) -> Result<Command, Halt> {
        command.directory = self.chdir.as_ref().map(|path| path.0.clone());
        if let Some(mask) = &self.umask {
            let mask = u32::from_str_radix(mask.trim_start_matches("0o"), 8);
            command.umask = Some(mask.or_else(|_| fail("umask must be an octal integer"))?);
        }
        Ok(command)
    }

    fn make(&self, place: &str, view: &View<'_>) -> Result<Change, Halt> {
        let mut words = words::split(&self.virtualenv_command).or_else(fail)?;
        let is_venv = words.iter().any(|word| word == "venv" || word.ends_with("pyvenv"));
        if self.virtualenv_site_packages {
            words.push("--system-site-packages".to_owned());
        }
        match &self.virtualenv_python {
            Some(_) if is_venv => {
                return fail(
                    "virtualenv_python should not be used when using the venv module or pyvenv as virtualenv_command",
                );
            }
            Some(python) => words.push(format!("-p{python}")),
            None if !is_venv => words.push("-p/usr/bin/python3".to_owned()),
            None => {}
        }
        words.push(place.to_owned());
        Ok(Change::new(Action::Run(self.placed(run::argv(view, words))?)))
    }

    fn command(&self, pip: Vec<String>, names: &[String], view: &View<'_>) -> Result<Command, Halt> {
        let mut words = pip;
        match self.state {
            PipState::Absent => words.extend(["uninstall", "-y"].map(str::to_owned)),
            PipState::Present => words.push("install".to_owned()),
            PipState::Latest => words.extend(["install", "-U"].map(str::to_owned)),
            PipState::ForceReinstall => {
                words.extend(["install", "-U", "--force-reinstall"].map(str::to_owned));
            }
        }
        if let Some(arguments) = &self.extra_args {
            words.extend(words::split(arguments).or_else(fail)?);
        }
        for name in names {
            if self.editable {
                words.push("-e".to_owned());
            }
            words.push(name.clone());
        }
        if let Some(file) = &self.requirements {
            words.extend(["-r".to_owned(), file.clone()]);
        }
        let mut command = self.placed(run::argv(view, words))?.env("LC_ALL", "C.UTF-8");
        if self.break_system_packages {
            command = command.env("PIP_BREAK_SYSTEM_PACKAGES", "1");
        }
        Ok(command)
    }

    fn told(&self, names: &[String], cmd: &str) -> Map {
        let text = |text: Option<&str>| text.map_or(Value::Null, Value::from);
        let name = match &self.name {
            Some(_) => Value::list(names.iter().map(|name| Value::from(name.as_str()))),
            None => Value::Null,
        };
        crate::map! {
            "cmd" => cmd, "name" => name, "version" => text(self.version.as_deref()), "state" => self.state.text(),
            "requirements" => text(self.requirements.as_deref()), "virtualenv" => text(self.virtualenv.as_deref()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_installed_is_known_by_its_normal_name() {
        let listed = "Foo.Bar==1.0\nrequests==2.31.0\n";
        assert_eq!(is_installed(listed, "foo_bar"), Some(true));
        assert_eq!(is_installed(listed, "requests[socks]==2.31.0"), Some(true));
        assert_eq!(is_installed(listed, "requests==2.30"), Some(false));
        assert_eq!((is_installed(listed, "requests>=2"), is_installed(listed, "other")), (None, Some(false)));
    }
}
