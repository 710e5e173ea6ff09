//! The text of Ansible's ad-hoc command: the callbacks `minimal` and `oneline`.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::display::{Colour, Display, Stream};
use super::results::{self, Shown};
use super::{Settings, difference, error};
use crate::base::{Key, Value};
use crate::engine::Event;
use crate::engine::event::{Outcome, Status, TaskLabel};
use crate::report::Reporter;
use crate::secrets::{Known, Reach};

/// What `oneline` says of a failure's traceback.
const TRACED: &str = "An exception occurred during task execution. To see the full traceback, use -vvv. The error was: \
                      (traceback unavailable)";

/// Whether a result may have several lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// `minimal`.
    Several,
    /// `--one-line`.
    One,
}

/// The `minimal` or `oneline` callback, and the files of `--tree`.
pub struct Minimal {
    display: Display,
    settings: Settings,
    line: Line,
    tree: Option<(PathBuf, Arc<Known>)>,
}

impl Minimal {
    /// A reporter that writes to a display, and each host's result to a file in the directory `tree`, without the
    /// passwords that are known.
    pub fn new(
        display: Display,
        settings: Settings,
        line: Line,
        tree: Option<(PathBuf, Arc<Known>)>,
    ) -> Self {
        Self { display, settings, line, tree }
    }

    fn dump(&self, shown: &Shown) -> String {
        match self.line {
            Line::Several => results::dump(shown, &self.settings, Some(4)),
            Line::One => results::dump(shown, &self.settings, Some(0)).replace('\n', ""),
        }
    }

    /// A command's output as it is.
    fn output(&self, host: &str, outcome: &Outcome, caption: &str) -> String {
        let text = |key: &str| outcome.result.get(key).map(Value::to_text).unwrap_or_default();
        let status = outcome.result.get("rc").map_or_else(|| "-1".to_owned(), Value::to_text);
        let flat = |text: String| text.replace('\n', "\\n").replace('\r', "\\r");
        match self.line {
            Line::Several => format!(
                "{host} | {caption} | rc={status} >>\n{}{}{}\n",
                text("stdout"),
                text("stderr"),
                text("msg")
            ),
            Line::One => {
                let errors = flat(text("stderr"));
                let errors = if errors.is_empty() { errors } else { format!(" (stderr) {errors}") };
                format!("{host} | {caption} | rc={status} | (stdout) {}{errors}", flat(text("stdout")))
            }
        }
    }

    fn finished(&mut self, host: &str, task: &Arc<TaskLabel>, outcome: &Outcome) -> io::Result<()> {
        let module = results::short(&task.module);
        let mut shown = results::shown(task, outcome);
        if let ("debug", Status::Failed { .. }, false) = (module, &outcome.status, outcome.censored) {
            // a message that cannot be made is an error like any other
            shown.entries.entry(Key::str("changed")).or_insert(Value::Bool(false));
        }
        self.write_down(host, outcome, &shown)?;
        for warning in &outcome.warnings {
            self.display.warning(warning)?;
        }
        let raw = matches!(module, "command" | "shell" | "raw") && !outcome.censored;
        if let Some(text) = error::text(task, outcome) {
            match self.line {
                Line::Several => self.display.error(&text, Stream::Out)?,
                // what `oneline` says before the result
                Line::One if matches!(outcome.status, Status::Unreachable { .. }) => {}
                Line::One if raw && outcome.result.get("module_stderr").is_none() => {
                    let text = self.output(host, outcome, "FAILED");
                    self.display.line(&text, Some(Colour::Red), Stream::Out)?;
                }
                Line::One => self.display.line(TRACED, Some(Colour::Red), Stream::Out)?,
            }
        }
        if self.line == Line::Several && outcome.diff && !outcome.censored {
            let text = difference::text(&outcome.diffs, module, self.settings.context, self.display.palette);
            if !text.is_empty() {
                self.display.line(&text, None, Stream::Out)?;
            }
        }
        let (text, colour) = match &outcome.status {
            Status::Ok | Status::Changed => {
                let (state, colour) = match outcome.status {
                    Status::Changed => ("CHANGED", Colour::Yellow),
                    _ => ("SUCCESS", Colour::Green),
                };
                let text = if raw && outcome.result.get("ansible_job_id").is_none() {
                    self.output(host, outcome, state)
                } else {
                    format!("{host} | {state} => {}", self.dump(&shown))
                };
                (text, colour)
            }
            Status::Failed { .. } => {
                let text = if raw && self.line == Line::Several {
                    self.output(host, outcome, "FAILED")
                } else {
                    format!("{host} | FAILED! => {}", self.dump(&shown))
                };
                (text, Colour::Red)
            }
            Status::Skipped { .. } | Status::MayChange(_) => (format!("{host} | SKIPPED"), Colour::Cyan),
            Status::Unreachable { ignored: _ } => {
                let text = match self.line {
                    Line::Several => format!("{host} | UNREACHABLE! => {}", self.dump(&shown)),
                    Line::One => {
                        let message = outcome.result.get("msg").map(Value::to_text).unwrap_or_default();
                        format!("{host} | UNREACHABLE!: {message}")
                    }
                };
                (text, Colour::BrightRed)
            }
        };
        self.display.line(&text, Some(colour), Stream::Out)
    }

    fn write_down(&mut self, host: &str, outcome: &Outcome, shown: &Shown) -> io::Result<()> {
        let Some((tree, known)) = &self.tree else { return Ok(()) };
        if matches!(outcome.status, Status::Skipped { .. } | Status::MayChange(_)) {
            return Ok(());
        }
        let text = super::json::dump(&Value::map(shown.entries.clone()), None);
        let text = known.scrubbed(&text, Reach::Passwords);
        let written = std::fs::create_dir_all(tree).and_then(|()| std::fs::write(tree.join(host), text));
        match written {
            Ok(()) => Ok(()),
            Err(error) => self.display.warning(&format!("unable to write {host}'s file: {error}")),
        }
    }
}

impl Reporter for Minimal {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::TaskFinished { host, task, outcome, .. } => self.finished(host, task, outcome),
            Event::PlayFailed { diagnostic, .. } | Event::Aborted { diagnostic } => {
                self.display.error(&diagnostic.message, Stream::Err)
            }
            Event::Warning { message, diagnostic } => {
                let told = diagnostic.as_ref().and_then(|diagnostic| diagnostic.told.as_ref());
                match told.unwrap_or(message).as_str() {
                    "" => Ok(()),
                    text => self.display.warning(text),
                }
            }
            _ => Ok(()),
        }
    }
}
