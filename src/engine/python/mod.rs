//! Modules that are files: what is made of one and its parameters, and what its end means for the task.

mod installation;
mod interpreter;
mod packer;
mod parameters;
mod told;

pub use installation::installation;
pub(super) use interpreter::Interpreters;
pub(super) use packer::Packer;
pub(super) use told::single;

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map as JsonMap, Value as Json};

use super::event::FailureText;
use super::machine::{Machine, Trouble, User};
use super::run::LoadTexts;
use super::single::{Settings, Single};
use super::task::Turn;
use crate::base::{Diagnostic, Key, Kind, Value};
use crate::lang::{Loader, ModuleFile, Style};
use crate::modules::{AnyModule, FOREIGN, Given, Packed, find};
use crate::plan::bind::{Binder, Stop};
use crate::plan::check;
use crate::wire::action::Bytes;
use crate::wire::command::FILES;
use crate::wire::{Command, Program};

/// What of a task the making of its module needs.
#[derive(Clone, Copy)]
pub(super) struct Making<'a> {
    pub(super) given: &'a Given,
    pub(super) binder: &'a Binder<'a>,
    pub(super) settings: &'a Settings,
    pub(super) machine: &'a Arc<Machine>,
    pub(super) user: &'a User,
    pub(super) delegate: Option<&'a str>,
}

/// Why a module was not made.
pub(super) enum NotMade {
    Stopped(Stop),
    Failed(FailureText),
    Trouble(Trouble),
}

impl From<Stop> for NotMade {
    fn from(stop: Stop) -> Self {
        Self::Stopped(stop)
    }
}

impl From<Trouble> for NotMade {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl NotMade {
    fn failed(message: impl Into<String>) -> Self {
        Self::Failed(FailureText { message: message.into(), ..FailureText::default() })
    }

    /// What it means for the task.
    pub(super) fn single(self) -> Result<Single, Trouble> {
        match self {
            Self::Stopped(stop) => Ok(Single::stopped(stop)),
            Self::Failed(failure) => Ok(Single::failed(failure)),
            Self::Trouble(trouble) => Err(trouble),
        }
    }
}

/// A module that is ready to be run.
pub(super) struct Made {
    pub(super) packed: Arc<Packed>,
    /// The Python that was found on the host for it, where none was known before.
    discovered: Option<String>,
    /// What there is to say about the interpreter.
    warnings: Vec<String>,
}

impl Made {
    /// Notes in the task's end that its module was a file.
    pub(super) fn note(self, single: &mut Single, delegate: Option<&str>) {
        single.foreign = true;
        note(single, self.discovered, self.warnings, delegate);
    }
}

impl interpreter::Found {
    /// Notes in the end of a task what was found for it.
    pub(super) fn note(self, single: &mut Single, delegate: Option<&str>) {
        note(single, self.discovered, self.warnings, delegate);
    }
}

fn note(single: &mut Single, discovered: Option<String>, warnings: Vec<String>, delegate: Option<&str>) {
    if let Some(python) = discovered.filter(|_| delegate.is_none()) {
        single.facts.insert(Key::str(interpreter::FACT), Value::from(python));
    }
    told::warn(&mut single.result, &warnings);
    single.warnings.splice(0..0, warnings);
}

impl Turn<'_> {
    /// The module of this name, and its file where it is one.
    pub(super) fn chosen(
        &self,
        name: &str,
    ) -> Result<(&'static dyn AnyModule, Option<Arc<ModuleFile>>), Diagnostic> {
        let run = self.run;
        let file = if self.task.file.is_some() || *self.task.module == *name {
            self.task.file.clone()
        } else {
            // its name was a template
            let texts = LoadTexts { vault: run.project.vault(), templar: &run.templar, world: &run.world };
            Loader::new(&run.project, &run.settings, &check::Names, &texts).module_file(name, self.task)?
        };
        if file.is_some() {
            return Ok((&FOREIGN, file));
        }
        let message = || Diagnostic::error(Kind::UnknownModule, format!("there is no module `{name}`"));
        Ok((find(name).ok_or_else(message)?, None))
    }

    /// Makes a command of a module that is a file, and of its parameters; nothing where it is none.
    pub(super) async fn made(
        &self,
        file: Option<&Arc<ModuleFile>>,
        making: Making<'_>,
    ) -> Result<Option<Made>, NotMade> {
        match file {
            Some(file) => self.made_of(file, making).await.map(Some),
            None => Ok(None),
        }
    }

    async fn made_of(&self, file: &ModuleFile, making: Making<'_>) -> Result<Made, NotMade> {
        let Making { given, binder, settings, .. } = making;
        let ModuleFile { name: full, written: name, path, style } = file;
        let text = self.run.project.bytes(path).map_err(|error| {
            let at = crate::project::shown(path).display().to_string();
            NotMade::failed(format!("cannot read the module `{at}`: {}", crate::project::cause(&error)))
        })?;
        let args: JsonMap<String, Json> =
            given.iter().map(|(name, value)| (name.to_string(), parameters::json(value))).collect();
        let internal = self.internal(name, binder, settings)?;
        let base = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let module = format!("AnsiballZ_{base}");
        let mut found = None;
        if *style != Style::Binary {
            found = Some(self.interpreter(file, &text, making).await?);
        }
        let (interpreter, discovered, warnings) = match found {
            Some(found) => (Some(found.words), found.discovered, found.warnings),
            None => (None, None, Vec::new()),
        };
        let all = || {
            let mut all = args.clone();
            all.extend(internal.clone());
            all
        };
        let (text, beside) = match style {
            Style::Python => {
                let request = serde_json::json!({
                    "name": &**name,
                    "path": path,
                    "args": &args,
                    "internal": &internal,
                    "interpreter": interpreter.as_deref().unwrap_or_default(),
                    "utils": self.run.settings.libraries.directories(&self.run.project, "module_utils"),
                });
                (self.pack(name, request).await?, None)
            }
            Style::JsonInside => (parameters::inside(&text, &Json::Object(all()), &internal), None),
            Style::WantJson | Style::Binary => (text, Some(Json::Object(all()).to_string())),
            Style::Words => (text, Some(parameters::words(given, &internal))),
            Style::PowerShell => return Err(NotMade::failed(format!("`{name}` is a module for Windows"))),
        };
        let mut line = interpreter.iter().cloned().collect::<Vec<_>>();
        line.push(format!("{FILES}/{module}"));
        let mut files = vec![(module, Bytes::Inline(text))];
        if let Some(beside) = beside {
            line.push(format!("{FILES}/args"));
            files.push(("args".to_owned(), Bytes::Inline(beside.into_bytes())));
        }
        let command = Command { files, ..command_of(line) };
        let packed = Packed { name: Arc::clone(full), command, interpreter };
        Ok(Made { packed: Arc::new(packed), discovered, warnings })
    }

    /// A module in Python with all that it imports, made by Ansible's own code.
    async fn pack(&self, name: &Arc<str>, request: Json) -> Result<Vec<u8>, NotMade> {
        let installation = self.run.settings.libraries.installation.clone();
        let python = installation.as_ref().and_then(|found| found.python()).map(std::path::Path::to_owned);
        let Some(python) = python else {
            let missing = installation.map(|found| found.missing()).unwrap_or_default();
            return Err(NotMade::failed(format!("`{name}` is a module in Python: {missing}")));
        };
        let collections: Vec<PathBuf> = self.run.settings.collections_path.clone();
        let packer = Arc::clone(&self.run.packer);
        let work = tokio::task::spawn_blocking(move || packer.pack(&python, &collections, &request));
        match work.await {
            Ok(Ok(packed)) => Ok(packed),
            Ok(Err(cause)) => Err(NotMade::failed(format!("the module `{name}` cannot be packed: {cause}"))),
            Err(error) => Err(NotMade::failed(format!("the module `{name}` cannot be packed: {error}"))),
        }
    }

    /// What Ansible tells every module besides its parameters.
    fn internal(
        &self,
        name: &str,
        binder: &Binder<'_>,
        settings: &Settings,
    ) -> Result<JsonMap<String, Json>, Stop> {
        let config = &self.run.options.config;
        let text = |variable: &str, otherwise: &str| -> Result<String, Stop> {
            Ok(binder.variable(variable)?.map_or_else(|| otherwise.to_owned(), |value| value.to_text()))
        };
        let quiet = binder.variable("ansible_no_target_syslog")?.and_then(|value| value.to_bool());
        let info = binder.variable("ansible_target_log_info")?.map(|value| value.to_text());
        let values = serde_json::json!({
            "check_mode": settings.check_mode,
            "no_log": settings.censored || quiet.unwrap_or(*config.no_target_syslog),
            "debug": false,
            "diff": settings.diff,
            "verbosity": self.run.options.verbosity,
            "version": "2.19.14",
            "module_name": name,
            "syslog_facility": text("ansible_syslog_facility", &config.syslog_facility)?,
            "selinux_special_fs": &config.special_context_filesystems.value,
            "socket": null,
            "shell_executable": text("ansible_shell_executable", &config.executable)?,
            "keep_remote_files": false,
            "tmpdir": null,
            "remote_tmp": text("ansible_remote_tmp", &config.remote_tmp)?,
            "ignore_unknown_opts": false,
            "target_log_info": info.or_else(|| config.target_log_info.value.clone()),
            "tracebacks_for": [],
        });
        let Json::Object(values) = values else { return Ok(JsonMap::new()) };
        Ok(values.into_iter().map(|(name, value)| (format!("_ansible_{name}"), value)).collect())
    }
}

/// A command of words, of which the first may be several; a shell only where one has to take them apart.
fn command_of(line: Vec<String>) -> Command {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./- ".contains(c);
    let line = line.join(" ");
    if line.chars().all(plain) {
        Command::argv(line.split_whitespace())
    } else {
        Command {
            program: Program::Shell { text: line, executable: "/bin/sh".to_owned() },
            ..Command::argv([""; 0])
        }
    }
}
