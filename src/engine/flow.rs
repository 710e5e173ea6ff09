//! What changes the run instead of a host: hosts and groups that are added, statistics, files of variables, pauses.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::event::FailureText;
use super::play::lock;
use super::run::{LoadTexts, Pausing};
use super::single::{Settings, Single};
use super::task::{Effect, Turn};
use crate::base::{Diagnostic, Key, Map, Severity, Value, pyregex};
use crate::lang::Loader;
use crate::modules::{Flow, IncludeVars, Pause};
use crate::plan::check;
use crate::vars::{Layer, Level, VarMap, Variable, merged};

fn failed(message: impl Into<String>) -> Single {
    Single::failed(FailureText { message: message.into(), ..FailureText::default() })
}

fn broken(diagnostic: Diagnostic) -> Single {
    Single::failed(FailureText {
        message: diagnostic.message.clone(),
        hint: diagnostic.hint.clone(),
        diagnostic: Some(diagnostic),
    })
}

/// What Ansible adds where a file is not on the controller.
const NOT_HERE: &str = "on the Ansible Controller.\nIf you are using a module and expect the file to exist on the remote, see the \
                        remote_src option";

/// How Ansible tells that variables cannot be included: in a key of its own.
fn not_included(mut single: Single, read: &[PathBuf]) -> Single {
    let Some(failure) = &mut single.failure else { return single };
    let message = match &failure.diagnostic {
        Some(diagnostic) => diagnostic.in_ansibles_words(),
        None => failure.message.clone(),
    };
    let names = read.iter().map(|file| Value::from(file.display().to_string()));
    single.result = crate::map! {
        "ansible_facts" => Map::new(),
        "ansible_included_var_files" => Value::list(names),
        "message" => message,
        "msg" => "Task failed: Action failed: Unknown error.",
    };
    single
}

impl Turn<'_> {
    /// Does it, and gives the task's result.
    pub(super) async fn flow(&self, flow: Flow, settings: &Settings) -> Single {
        match flow {
            Flow::AddHost { name, groups, vars } => self.add_host(&name, &groups, &vars),
            Flow::GroupBy { key, parents } => self.group_by(&key, &parents),
            Flow::Stats { data, per_host, aggregate } => self.stats(data, per_host, aggregate),
            Flow::IncludeVars(wanted) => self.include_vars(&wanted),
            Flow::Pause(pause) => self.pause(pause, settings).await,
        }
    }

    fn add_host(&self, name: &str, groups: &[String], vars: &Map) -> Single {
        let (host, port) = crate::inventory::split_port(name);
        let mut all: VarMap = vars
            .iter()
            .map(|(name, value)| {
                let variable = Variable { value: value.clone(), place: Some(self.task.place.clone()) };
                (Arc::from(name.to_string()), variable)
            })
            .collect();
        if let Some(port) = port {
            let port = Variable { value: Value::from(port), place: None };
            all.insert(Arc::from("ansible_ssh_port"), port);
        }
        let shown = all.iter().map(|(name, variable)| (Key::Str(name.clone()), variable.value.clone()));
        let shown: Map = shown.collect();
        let changed =
            match self.run.world.change_inventory(|inventory| inventory.add_host(host, groups, &all)) {
                Ok(changed) => changed,
                Err(diagnostic) => return broken(diagnostic),
            };
        if let Err(mut diagnostics) = self.run.reload_host(host) {
            return broken(diagnostics.0.swap_remove(0));
        }
        let result = crate::map! {
            "add_host" => crate::map! {
                "host_name" => host,
                "groups" => Value::list(groups.iter().map(|group| Value::from(group.as_str()))),
                "host_vars" => Value::map(shown),
            },
        };
        Single { result, changed, summary: format!("added host {host}"), ..Single::default() }
    }

    fn group_by(&self, key: &str, parents: &[String]) -> Single {
        let host = self.host;
        let changed =
            match self.run.world.change_inventory(|inventory| inventory.group_by(host, key, parents)) {
                Ok(changed) => changed,
                Err(diagnostic) => return broken(diagnostic),
            };
        if let Err(mut diagnostics) = self.run.reload_host(host) {
            return broken(diagnostics.0.swap_remove(0));
        }
        let result = crate::map! {
            "add_group" => key,
            "parent_groups" => Value::list(parents.iter().map(|parent| Value::from(parent.as_str()))),
        };
        Single { result, changed, summary: format!("in group {key}"), ..Single::default() }
    }

    fn stats(&self, data: Map, per_host: bool, aggregate: bool) -> Single {
        let mut all = lock(&self.run.stats);
        let own = all.entry(per_host.then(|| Arc::clone(self.host))).or_default();
        for (name, value) in &data {
            let sum = own.get(name).filter(|_| aggregate).map(|known| added(known, value));
            match sum {
                // what cannot be added stays as it is, as in Ansible
                Some(None) => {}
                Some(Some(sum)) => drop(own.insert(name.clone(), sum)),
                None => drop(own.insert(name.clone(), value.clone())),
            }
        }
        let result = crate::map! {
            "ansible_stats" => crate::map! {
                "data" => Value::map(data), "per_host" => per_host, "aggregate" => aggregate,
            },
        };
        Single { result, ..Single::default() }
    }

    async fn pause(&self, pause: Pause, settings: &Settings) -> Single {
        let Pause { seconds, minutes, prompt, echo } = pause;
        let start = self.run.now();
        let name = self.label.title();
        let asked = prompt.filter(|asked| !asked.is_empty());
        let mut typed = String::new();
        let prompter = Arc::clone(&self.run.options.prompter);
        let done = if settings.check_mode {
            Ok(None)
        } else {
            let pausing = Pausing { task: name.trim().to_owned(), asked, seconds, echo };
            let paused = tokio::task::spawn_blocking(move || prompter.pause(&pausing)).await;
            paused.unwrap_or_else(|_| Err("the pause was broken off".to_owned()))
        };
        let mut warnings = Vec::new();
        match done {
            Ok(Some(answer)) => typed = answer,
            Ok(None) if seconds.is_none() && !settings.check_mode => {
                warnings.push("Not waiting for response to prompt as stdin is not interactive".to_owned());
            }
            Ok(None) => {}
            Err(message) => {
                let told = crate::map! {"msg" => format!("Task failed: {message}")};
                return Single { result: told, ..failed(message) };
            }
        }
        let stop = self.run.now();
        let took = stop.saturating_sub(start) / 1_000_000;
        let seconds = stop.saturating_sub(start) as f64 / 1e6;
        let (length, unit) = if minutes { (seconds / 60.0, "minutes") } else { (seconds, "seconds") };
        // two decimals, and one where the second is nothing, as Python shows them
        let count = format!("{length:.2}");
        let count = count.strip_suffix('0').unwrap_or(&count);
        let result = crate::map! {
            "rc" => 0,
            "stderr" => "",
            "stdout" => format!("Paused for {count} {unit}"),
            "start" => super::template_file::local_time(start),
            "stop" => super::template_file::local_time(stop),
            "delta" => took,
            "echo" => echo,
            "user_input" => typed,
        };
        Single { result, warnings, summary: format!("paused for {count} {unit}"), ..Single::default() }
    }

    fn include_vars(&self, wanted: &IncludeVars) -> Single {
        let mut files = Vec::new();
        let found = match (&wanted.dir, &wanted.file) {
            (Some(dir), _) => self.files_of_dir(dir, wanted, &mut files),
            (None, Some(file)) => self.find_vars(file).map(|file| files.push(file)),
            (None, None) => Err(failed("one of `file` and `dir` is needed")),
        };
        if let Err(single) = found {
            return not_included(single, &files);
        }
        let texts =
            LoadTexts { vault: self.run.project.vault(), templar: &self.run.templar, world: &self.run.world };
        let loader = Loader::new(&self.run.project, &self.run.settings, &check::Names, &texts);
        let mut all = VarMap::new();
        for (index, file) in files.iter().enumerate() {
            let (layer, diagnostics) = loader.vars_file(file, Level::IncludeVars);
            for diagnostic in diagnostics.0 {
                match diagnostic.severity {
                    Severity::Error => {
                        return not_included(broken(diagnostic), files.get(..index).unwrap_or_default());
                    }
                    Severity::Warning => self.run.warn_of(diagnostic),
                }
            }
            let vars = layer.map(|layer| layer.vars.clone()).unwrap_or_default();
            all.extend(vars);
        }
        if let Some(name) = &wanted.name {
            let inner = all.into_iter().map(|(name, variable)| (Key::Str(name), variable.value));
            let value = Value::map(inner.collect());
            let place = Some(self.task.place.clone());
            all = VarMap::from_iter([(Arc::from(name.as_str()), Variable { value, place })]);
        }
        if wanted.merge == Some(true) {
            let known = self.run.variables(self.play, self.host, self.task);
            for (name, variable) in &mut all {
                if let Some(before) = known.definitions(name).next() {
                    variable.value = merged(&before.1.value, variable.value.clone());
                }
            }
        }
        let facts = all.iter().map(|(name, variable)| (Key::Str(name.clone()), variable.value.clone()));
        let facts = Value::map(facts.collect());
        let names = files.iter().map(|file| Value::from(file.display().to_string()));
        let result = crate::map! {
            "ansible_facts" => facts,
            "ansible_included_var_files" => Value::list(names),
        };
        let summary = format!("read {}", crate::base::names::count(files.len(), "file"));
        // as Ansible: nothing is shown where one of the files is encrypted
        let censored = files.iter().any(|file| self.run.project.is_sealed(file));
        let effects = vec![Effect::Include(Layer::new(Level::IncludeVars, all))];
        Single { result, summary, censored, effects, ..Single::default() }
    }

    /// A file of variables, as Ansible searches it: in `vars/` of the role and beside the task's file and the playbook.
    fn find_vars(&self, name: &str) -> Result<PathBuf, Single> {
        let path = Path::new(name);
        let mut tried = Vec::new();
        if path.is_absolute() {
            tried.push(path.to_owned());
        } else {
            for base in self.play.search(self.task) {
                tried.push(base.join("vars").join(path));
                tried.push(base.join(path));
            }
        }
        tried.iter().find(|path| self.run.project.is_file(path)).cloned().ok_or_else(|| {
            let shown: Vec<String> = tried.iter().map(|path| path.display().to_string()).collect();
            failed(format!(
                "Could not find or access '{name}'\nSearched in:\n\t{} {NOT_HERE}",
                shown.join("\n\t")
            ))
        })
    }

    fn files_of_dir(&self, dir: &str, wanted: &IncludeVars, files: &mut Vec<PathBuf>) -> Result<(), Single> {
        let path = Path::new(dir);
        let directory = if path.is_absolute() {
            path.to_owned()
        } else if let Some(role) = self.task.scope.role() {
            let own = role.path.join(path);
            if path.starts_with("vars") && self.run.project.is_dir(&own) {
                own
            } else {
                role.path.join("vars").join(path)
            }
        } else {
            self.task.directory.join(path)
        };
        if !self.run.project.is_dir(&directory) {
            return Err(failed(format!("{} directory does not exist", directory.display())));
        }
        let pattern = match &wanted.files_matching {
            None => None,
            Some(text) => match pyregex::compile(text, pyregex::Flags::default()) {
                Ok(regex) => Some(regex),
                Err(error) => {
                    return Err(failed(format!("`files_matching` is no regular expression: {error}")));
                }
            },
        };
        self.walk(&directory, 1, wanted, pattern.as_ref(), files)
    }

    fn walk(
        &self,
        directory: &Path,
        level: u32,
        wanted: &IncludeVars,
        pattern: Option<&fancy_regex::Regex>,
        files: &mut Vec<PathBuf>,
    ) -> Result<(), Single> {
        let entries = self.run.project.entries(directory).map_err(broken)?;
        let (directories, plain): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|entry| self.run.project.is_dir(entry));
        for file in plain {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if pattern.is_some_and(|pattern| !pattern.is_match(&name).unwrap_or(false)) {
                continue;
            }
            let ignored = |entry: &String| {
                *entry == name
                    || pyregex::compile(&format!("{entry}$"), pyregex::Flags::default())
                        .is_ok_and(|regex| regex.is_match(&name).unwrap_or(false))
            };
            // Ansible does not take the role's own main file twice
            let main = self.task.scope.role().is_some_and(|role| file == role.path.join("vars/main.yml"));
            if wanted.ignore_files.iter().any(ignored) || main {
                continue;
            }
            let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            if !wanted.extensions.iter().any(|known| known == ending) {
                if wanted.ignore_unknown_extensions {
                    continue;
                }
                return Err(failed(format!(
                    "{} does not have a valid extension: {}",
                    file.display(),
                    wanted.extensions.join(", ")
                )));
            }
            files.push(file);
        }
        if wanted.depth == 0 || level < wanted.depth {
            for below in directories {
                self.walk(&below, level + 1, wanted, pattern, files)?;
            }
        }
        Ok(())
    }
}

/// The sum of two statistics: numbers, texts, lists and mappings of the same type.
fn added(known: &Value, more: &Value) -> Option<Value> {
    // as Python: booleans add up as numbers
    let number = |value: &Value| match value {
        Value::Bool(truth) => Value::Int(i128::from(*truth)),
        other => other.clone(),
    };
    match (&number(known), &number(more)) {
        (Value::Int(a), Value::Int(b)) => a.checked_add(*b).map(Value::Int),
        (Value::Float(a), Value::Float(b)) => Some(Value::Float(a + b)),
        (Value::Str(a), Value::Str(b)) => Some(Value::from(format!("{a}{b}"))),
        (Value::List(a), Value::List(b)) => Some(Value::list(a.iter().chain(b.iter()).cloned())),
        (Value::Map(_), Value::Map(_)) => Some(merged(known, more.clone())),
        _ => None,
    }
}
