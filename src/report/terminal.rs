//! For people: what changed, with its difference; what failed, with its cause; a recap. What is as it should be is
//! counted, and shown with `-v`.

use std::io::{self, Write};
use std::sync::Arc;

use super::Reporter;
use super::diagnostic;
use super::diff::{self, MOST_LINES};
use super::style::{Label, paint};
use crate::base::Value;
use crate::engine::event::{FailureText, Outcome, Status, TaskLabel};
use crate::engine::{Event, Recap};
use crate::template::Deprecation;

/// How much is shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings {
    /// `-v` counted: 1 shows what is as it should be and why, 2 the results.
    pub verbosity: u8,
    /// `-q`: only failures and the recap.
    pub quiet: bool,
    /// Whether differences are shown.
    pub diff: bool,
}

/// Writes to a stream.
pub struct Terminal<W: Write> {
    out: W,
    settings: Settings,
    check_mode: bool,
    play: Option<String>,
}

impl<W: Write + Send> Terminal<W> {
    /// A reporter that writes to `out`.
    pub fn new(out: W, settings: Settings) -> Self {
        Self { out, settings, check_mode: false, play: None }
    }

    /// What was written to, back.
    pub fn into_inner(self) -> W {
        self.out
    }

    fn heading(&mut self) -> io::Result<()> {
        match self.play.take() {
            Some(heading) => writeln!(self.out, "{}", paint(Label::Heading, &heading)),
            None => Ok(()),
        }
    }

    fn finished(
        &mut self,
        host: &str,
        delegate: Option<&str>,
        task: &TaskLabel,
        item: Option<&str>,
        outcome: &Outcome,
    ) -> io::Result<()> {
        let Outcome {
            status,
            summary,
            diffs,
            result,
            failure,
            warnings,
            censored,
            tainted,
            diff: _,
            elapsed: _,
        } = outcome;
        let (label, word) = self.word(status);
        let loud = matches!(
            status,
            Status::Changed | Status::MayChange(_) | Status::Failed { .. } | Status::Unreachable { .. }
        );
        let said = matches!(task.module.rsplit('.').next(), Some("debug")) && *status == Status::Ok;
        if self.settings.quiet && !matches!(status, Status::Failed { .. } | Status::Unreachable { .. }) {
            return Ok(());
        }
        if !loud && !said && self.settings.verbosity == 0 && warnings.is_empty() {
            return Ok(());
        }
        self.heading()?;
        let mut line = format!("{} {host}", paint(label, &format!("{word:>12}")));
        if let Some(delegate) = delegate {
            line += &format!(" → {delegate}");
        }
        line += &format!("  {}", task.title());
        if let Some(item) = item {
            let item = match (*censored, *tainted) {
                (true, _) => "item hidden by no_log",
                (false, true) => "item hidden, as a secret went into it",
                (false, false) => item,
            };
            line += &format!("  ({item})");
        }
        let why = match status {
            Status::Skipped { reason } => reason.clone(),
            Status::MayChange(unknown) if unknown.place.as_ref() != Some(&task.place) => {
                format!("depends on '{}'", unknown.task)
            }
            Status::MayChange(_) => "its outcome is known only when it has run".to_owned(),
            _ if *censored || *tainted || said => String::new(),
            _ => summary.clone(),
        };
        if !why.is_empty() {
            line += &paint(Label::Dim, &format!("  — {}", one_line(&why)));
        }
        if loud && !matches!(status, Status::Changed) || self.settings.verbosity > 0 {
            line += &paint(Label::Dim, &format!("  [{}]", task.place));
        }
        writeln!(self.out, "{line}")?;
        let indent = " ".repeat(13);
        for warning in warnings {
            writeln!(self.out, "{indent}{}: {warning}", paint(Label::Warning, "warning"))?;
        }
        if *censored || *tainted {
            if loud || said {
                let why = if *censored { "`no_log`" } else { "a secret went into it" };
                let text = format!("the result is hidden: {why}");
                writeln!(self.out, "{indent}{}", paint(Label::Dim, &text))?;
            }
            if let Some(failure) = failure.as_ref().filter(|_| !*censored) {
                self.failure(failure, &Value::Null, &indent)?;
            }
            return Ok(());
        }
        if said {
            self.debug(result, &indent)?;
        }
        if let Some(failure) = failure {
            self.failure(failure, result, &indent)?;
        }
        if self.settings.diff {
            diff::write_all(&mut self.out, diffs, &indent, MOST_LINES)?;
        }
        if self.settings.verbosity > 1 {
            let json = serde_json::to_string_pretty(&result.to_json()).unwrap_or_default();
            for line in json.lines() {
                writeln!(self.out, "{indent}{line}")?;
            }
        }
        Ok(())
    }

    fn debug(&mut self, result: &Value, indent: &str) -> io::Result<()> {
        let Some(entries) = result.as_map() else {
            return writeln!(self.out, "{indent}{}", result.to_text());
        };
        for (key, value) in entries {
            match key.as_str() {
                Some("changed" | "failed") => continue,
                Some("msg") => {}
                _ => write!(self.out, "{indent}{key}: ")?,
            }
            let text = match value {
                Value::Str(text) => text.to_string(),
                other => serde_json::to_string_pretty(&other.to_json()).unwrap_or_default(),
            };
            for line in text.lines() {
                writeln!(self.out, "{indent}{line}")?;
            }
        }
        Ok(())
    }

    fn failure(&mut self, failure: &FailureText, result: &Value, indent: &str) -> io::Result<()> {
        let FailureText { message, hint, diagnostic } = failure;
        if let Some(diagnostic) = diagnostic {
            return diagnostic::write(&mut self.out, diagnostic, indent);
        }
        for line in message.lines() {
            writeln!(self.out, "{indent}{line}")?;
        }
        for (key, name) in [("stderr", "stderr"), ("stdout", "stdout")] {
            let text = result.get(key).and_then(Value::as_str).unwrap_or_default();
            for line in text.lines().filter(|line| !message.contains(*line)) {
                writeln!(self.out, "{indent}{}", paint(Label::Dim, &format!("{name}: {line}")))?;
            }
        }
        if let Some(hint) = hint {
            writeln!(self.out, "{indent}{}: {hint}", paint(Label::Heading, "hint"))?;
        }
        Ok(())
    }

    fn word(&self, status: &Status) -> (Label, &'static str) {
        match status {
            Status::Ok => (Label::Ok, "ok"),
            Status::Changed if self.check_mode => (Label::Changed, "would change"),
            Status::Changed => (Label::Changed, "changed"),
            Status::Skipped { .. } => (Label::Dim, "skipped"),
            Status::MayChange(_) => (Label::Warning, "may change"),
            Status::Failed { ignored: true } => (Label::Warning, "ignored"),
            Status::Failed { ignored: false } => (Label::Failed, "failed"),
            Status::Unreachable { ignored: _ } => (Label::Unreachable, "unreachable"),
        }
    }

    fn recap(&mut self, recap: &[(Arc<str>, Recap)], elapsed: std::time::Duration) -> io::Result<()> {
        let width = recap.iter().map(|(host, _)| host.chars().count()).max().unwrap_or(0);
        writeln!(self.out, "{}", paint(Label::Heading, "Recap"))?;
        for (host, recap) in recap {
            let Recap { ok, changed, unreachable, failed, skipped, rescued, ignored, may_change, python } =
                recap;
            let counts = [
                (Label::Ok, "ok", *ok, true),
                (Label::Changed, if self.check_mode { "would change" } else { "changed" }, *changed, true),
                (Label::Warning, "may change", *may_change, false),
                (Label::Unreachable, "unreachable", *unreachable, false),
                (Label::Failed, "failed", *failed, false),
                (Label::Dim, "skipped", *skipped, false),
                (Label::Warning, "rescued", *rescued, false),
                (Label::Warning, "ignored", *ignored, false),
                (Label::Dim, "run by an interpreter there", *python, false),
            ];
            let mut line = format!("  {host:<width$}");
            for (label, name, count, always) in counts {
                let text = format!("{name} {count}");
                if count > 0 {
                    line += &format!("   {}", paint(label, &text));
                } else if always {
                    line += &format!("   {}", paint(Label::Dim, &text));
                }
            }
            writeln!(self.out, "{line}")?;
        }
        let changes: u32 = recap.iter().map(|(_, recap)| recap.changed).sum();
        let maybe: u32 = recap.iter().map(|(_, recap)| recap.may_change).sum();
        let bad = recap.iter().filter(|(_, recap)| recap.failed + recap.unreachable > 0).count();
        if recap.is_empty() {
            return writeln!(self.out, "  no host took part");
        }
        let verdict = match (self.check_mode, changes, maybe, bad) {
            (_, _, _, bad) if bad > 0 => {
                format!("{} did not come through", crate::base::names::count(bad, "host"))
            }
            (true, 0, 0, _) => "nothing to change".to_owned(),
            (true, 0, _, _) => format!("{} may change", crate::base::names::count(maybe as usize, "task")),
            (true, ..) => format!("{} would change", crate::base::names::count(changes as usize, "task")),
            (false, 0, ..) => "everything was as it should be".to_owned(),
            (false, ..) => format!("{} changed", crate::base::names::count(changes as usize, "task")),
        };
        writeln!(self.out, "  {verdict}, in {:.1} s", elapsed.as_secs_f64())
    }
}

/// A text on one line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl<W: Write + Send> Reporter for Terminal<W> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::RunStarted { playbook: _, plays: _, check_mode, diff: _ } => {
                self.check_mode = *check_mode;
                Ok(())
            }
            Event::PlayStarted { name, hosts } => {
                let names: Vec<&str> = hosts.iter().map(|host| &**host).collect();
                let list = if names.len() > 8 { format!("{} hosts", names.len()) } else { names.join(", ") };
                self.play = Some(format!("Play {name} ({list})"));
                if self.settings.verbosity > 0 { self.heading() } else { Ok(()) }
            }
            Event::PlayWithoutHosts { name } => {
                let text = format!("Play {name}: no hosts matched");
                writeln!(self.out, "{}", paint(Label::Warning, &text))
            }
            Event::PlayFailed { name, diagnostic } => {
                writeln!(self.out, "{}", paint(Label::Failed, &format!("Play {name} cannot begin")))?;
                diagnostic::write(&mut self.out, diagnostic, "  ")
            }
            Event::Aborted { diagnostic } => {
                writeln!(self.out, "{}", paint(Label::Failed, "The run ends here"))?;
                diagnostic::write(&mut self.out, diagnostic, "  ")
            }
            Event::TaskStarted { .. }
            | Event::HostBusy { .. }
            | Event::Included { .. }
            | Event::JobPolled { .. }
            | Event::NoHostsLeft => Ok(()),
            Event::ItemFinished { host, delegate, task, label, outcome } => {
                self.finished(host, delegate.as_deref(), task, Some(label), outcome)
            }
            Event::TaskFinished { host, delegate, task, looped, outcome } => {
                // a loop's items have been told one by one
                let told = *looped
                    && !matches!(outcome.status, Status::Failed { ignored: false })
                    && self.settings.verbosity == 0;
                if told { Ok(()) } else { self.finished(host, delegate.as_deref(), task, None, outcome) }
            }
            Event::TaskRetry { host, task, left, outcome: _ } => {
                if self.settings.quiet {
                    return Ok(());
                }
                self.heading()?;
                let left = crate::base::names::count(*left as usize, "try").replace("trys", "tries");
                let text = format!("{:>12} {host}  {}  — {left} left", "retrying", task.title());
                writeln!(self.out, "{}", paint(Label::Dim, &text))
            }
            Event::HandlerLeft { host, handler } => {
                self.heading()?;
                let text =
                    format!("{:>12} {host}  {handler}  — notified by a run that was interrupted", "handler");
                writeln!(self.out, "{}", paint(Label::Warning, &text))
            }
            Event::ProgramStarted { host, command } => {
                writeln!(self.out, "{}", paint(Label::Dim, &format!("{:>12} {host}  {command}", "starting")))
            }
            Event::PythonSought { host } => {
                writeln!(self.out, "{}", paint(Label::Dim, &format!("{:>12} {host}  Python", "looking for")))
            }
            // of Ansible's concern: the same text is fine here
            Event::Deprecated { task: _, deprecation } => {
                if self.settings.verbosity == 0 {
                    return Ok(());
                }
                let Deprecation { message, version, place } = deprecation;
                let place = place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
                let text = format!("{place}{message} ansible-core {version} refuses it.");
                writeln!(self.out, "{}: {text}", paint(Label::Warning, "warning"))
            }
            Event::Warning { message, diagnostic } => match diagnostic {
                Some(diagnostic) => diagnostic::write(&mut self.out, diagnostic, ""),
                None => writeln!(self.out, "{}: {message}", paint(Label::Warning, "warning")),
            },
            Event::RunFinished { recap, costs, stats: _, elapsed } => {
                self.recap(recap, *elapsed)?;
                if self.settings.verbosity > 0 {
                    for (host, cost) in costs {
                        let crate::engine::Cost { connections, exchanges, bytes_sent, bytes_received } = cost;
                        writeln!(
                            self.out,
                            "  {host}: connections {connections}, exchanges {exchanges}, bytes sent {bytes_sent}, \
                             received {bytes_received}"
                        )?;
                    }
                }
                self.out.flush()
            }
        }
    }
}
