//! Ansible's own text, byte for byte: the `default` callback of ansible-core 2.19, and `minimal` and `oneline` of its
//! ad-hoc command. For scripts that read it.

mod difference;
mod difflib;
mod display;
mod error;
mod json;
mod minimal;
mod results;

use std::io;
use std::sync::Arc;

/// A problem of a file that was found before the run, as Ansible tells it.
pub fn problem(found: &crate::base::Diagnostic) -> String {
    error::problem(found)
}

/// Where something is written, as Ansible tells it: `Origin: …` and the lines up to there.
pub fn origin(place: &crate::base::Place) -> String {
    error::origin(place)
}

pub use display::{Colour, Display, Palette, Sink};
pub use minimal::{Line, Minimal};

use super::Reporter;
use crate::base::Value;
use crate::config::ResultFormat;
use crate::engine::event::{JobState, Outcome, Status, TaskLabel};
use crate::engine::{Event, Recap};
use crate::template::Deprecation;
use display::Stream;

/// How much is shown, and how.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// `-v` counted.
    pub verbosity: u8,
    /// `display_skipped_hosts`.
    pub skipped: bool,
    /// `display_ok_hosts`.
    pub ok: bool,
    /// `display_failed_stderr`.
    pub failed_on_stderr: bool,
    /// `deprecation_warnings`.
    pub deprecations: bool,
    /// `show_custom_stats`.
    pub custom_stats: bool,
    /// `show_per_host_start`.
    pub host_start: bool,
    /// `show_task_path_on_failure`.
    pub failed_path: bool,
    /// `check_mode_markers`.
    pub check_markers: bool,
    /// `callback_result_format`.
    pub format: ResultFormat,
    /// `callback_format_pretty`.
    pub pretty: Option<bool>,
    /// Lines of context around a difference.
    pub context: usize,
}

/// The `default` callback.
pub struct Callback {
    display: Display,
    settings: Settings,
    check_mode: bool,
    /// Whether the run breaks off.
    aborted: bool,
    current: Option<Arc<TaskLabel>>,
    /// The task whose heading is there already.
    announced: Option<Arc<TaskLabel>>,
}

impl Callback {
    /// A reporter that writes to a display.
    pub fn new(display: Display, settings: Settings) -> Self {
        Self { display, settings, check_mode: false, aborted: false, current: None, announced: None }
    }

    /// A line that is told from `-vvv` on; the log has it anyway.
    fn aside(&mut self, text: &str) -> io::Result<()> {
        if self.settings.verbosity >= 3 {
            self.line(text, Colour::Blue)
        } else {
            self.display.log(text, Some(Colour::Blue))
        }
    }

    fn line(&mut self, text: &str, colour: Colour) -> io::Result<()> {
        self.display.line(text, Some(colour), Stream::Out)
    }

    fn marker(&self) -> &'static str {
        if self.check_mode && self.settings.check_markers { " [CHECK MODE]" } else { "" }
    }

    fn failures(&self) -> Stream {
        if self.settings.failed_on_stderr { Stream::Err } else { Stream::Out }
    }

    fn announce(&mut self, task: &Arc<TaskLabel>) -> io::Result<()> {
        if self.announced.as_ref().is_some_and(|known| Arc::ptr_eq(known, task) || known == task) {
            return Ok(());
        }
        let prefix = if task.handler { "RUNNING HANDLER" } else { "TASK" };
        let text = format!("{prefix} [{}]{}", task.told_title().trim(), self.marker());
        self.display.banner(&text)?;
        if self.settings.verbosity >= 2 {
            self.path(task)?;
        }
        self.announced = Some(Arc::clone(task));
        Ok(())
    }

    fn path(&mut self, task: &TaskLabel) -> io::Result<()> {
        let path = &task.place.source.path;
        let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        self.line(&format!("task path: {}:{}", path.display(), task.place.line), Colour::DarkGray)
    }

    fn warnings(&mut self, task: &TaskLabel, outcome: &Outcome) -> io::Result<()> {
        for warning in &outcome.warnings {
            self.display.warning(warning)?;
        }
        match error::text(task, outcome) {
            Some(text) => self.display.error(&text, self.failures()),
            None => Ok(()),
        }
    }

    fn differences(&mut self, task: &Arc<TaskLabel>, outcome: &Outcome) -> io::Result<()> {
        let changed = outcome.result.get("changed").and_then(Value::as_bool).unwrap_or(false);
        if !outcome.diff || !changed || outcome.censored {
            return Ok(());
        }
        let module = results::short(&task.module);
        let text = difference::text(&outcome.diffs, module, self.settings.context, self.display.palette);
        if text.is_empty() {
            return Ok(());
        }
        self.announce(task)?;
        self.display.line(&text, None, Stream::Out)
    }

    /// `=> {…}` where the verbosity or the module asks for it.
    fn dumped(&self, task: &TaskLabel, outcome: &Outcome, looped: bool) -> String {
        let mut shown = results::shown(task, outcome);
        if looped {
            shown.entries.shift_remove(&crate::base::Key::str("results"));
        }
        if shown.never || !(self.settings.verbosity > 0 || shown.always) {
            return String::new();
        }
        format!(" => {}", results::dump(&shown, &self.settings, None))
    }

    fn task(
        &mut self,
        host: &str,
        delegate: Option<&str>,
        task: &Arc<TaskLabel>,
        looped: bool,
        outcome: &Outcome,
    ) -> io::Result<()> {
        let label = host_label(host, delegate);
        let module = results::short(&task.module);
        if !looped && !matches!(outcome.status, Status::Failed { .. } | Status::Unreachable { .. }) {
            self.differences(task, outcome)?;
        }
        match &outcome.status {
            Status::Ok | Status::Changed => {
                let changed = outcome.status == Status::Changed;
                let includes = matches!(module, "include_tasks" | "include_role");
                if !changed && !self.settings.ok && !includes {
                    return Ok(());
                }
                self.announce(task)?;
                if includes {
                    return Ok(());
                }
                self.warnings(task, outcome)?;
                if looped {
                    return Ok(());
                }
                let (word, colour) =
                    if changed { ("changed", Colour::Yellow) } else { ("ok", Colour::Green) };
                let text = format!("{word}: [{label}]{}", self.dumped(task, outcome, false));
                self.line(&text, colour)
            }
            // check mode: nothing has run
            Status::Skipped { .. } | Status::MayChange(_) => {
                if !self.settings.skipped {
                    return Ok(());
                }
                self.announce(task)?;
                self.warnings(task, outcome)?;
                let dumped = self.dumped(task, outcome, looped);
                self.line(&format!("skipping: [{host}]{dumped}"), Colour::Cyan)
            }
            Status::Failed { ignored } => {
                self.announce(task)?;
                // a loop's items have said why
                if !looped || module == "debug" {
                    if !looped {
                        self.warnings(task, outcome)?;
                        if self.settings.failed_path && self.settings.verbosity < 2 {
                            self.path(task)?;
                        }
                    }
                    let shown = results::dump(&results::shown(task, outcome), &self.settings, None);
                    let text = format!("fatal: [{label}]: FAILED! => {shown}");
                    self.display.line(&text, Some(Colour::Red), self.failures())?;
                }
                if *ignored { self.line("...ignoring", Colour::Cyan) } else { Ok(()) }
            }
            Status::Unreachable { ignored } => {
                self.announce(task)?;
                self.warnings(task, outcome)?;
                let shown = results::dump(&results::shown(task, outcome), &self.settings, None);
                let text = format!("fatal: [{label}]: UNREACHABLE! => {shown}");
                self.display.line(&text, Some(Colour::BrightRed), self.failures())?;
                if *ignored { self.line("...ignoring", Colour::Cyan) } else { Ok(()) }
            }
        }
    }

    fn item(
        &mut self,
        host: &str,
        delegate: Option<&str>,
        task: &Arc<TaskLabel>,
        item: &str,
        outcome: &Outcome,
    ) -> io::Result<()> {
        let label = host_label(host, delegate);
        let item = if outcome.censored { "(censored due to no_log)" } else { item };
        match &outcome.status {
            Status::Ok | Status::Changed => {
                self.differences(task, outcome)?;
                let changed = outcome.status == Status::Changed;
                if !changed && !self.settings.ok {
                    return Ok(());
                }
                self.announce(task)?;
                self.warnings(task, outcome)?;
                let (word, colour) =
                    if changed { ("changed", Colour::Yellow) } else { ("ok", Colour::Green) };
                let text = format!("{word}: [{label}] => (item={item}){}", self.dumped(task, outcome, false));
                self.line(&text, colour)
            }
            Status::Skipped { .. } | Status::MayChange(_) => {
                if !self.settings.skipped {
                    return Ok(());
                }
                self.announce(task)?;
                self.warnings(task, outcome)?;
                let text =
                    format!("skipping: [{host}] => (item={item}) {}", self.dumped(task, outcome, false));
                self.line(&text, Colour::Cyan)
            }
            Status::Failed { .. } | Status::Unreachable { .. } => {
                self.announce(task)?;
                self.warnings(task, outcome)?;
                let shown = results::dump(&results::shown(task, outcome), &self.settings, None);
                let text = format!("failed: [{label}] (item={item}) => {shown}");
                self.display.line(&text, Some(Colour::Red), self.failures())
            }
        }
    }

    fn recap(&mut self, recap: &[(Arc<str>, Recap)]) -> io::Result<()> {
        self.display.banner("PLAY RECAP")?;
        let mut sorted: Vec<&(Arc<str>, Recap)> = recap.iter().collect();
        sorted.sort_by(|(one, _), (other, _)| one.cmp(other));
        let palette = self.display.palette;
        for (host, counts) in sorted {
            let Recap { ok, changed, unreachable, failed, skipped, rescued, ignored, may_change, python: _ } =
                counts;
            // what check mode has not run is skipped, in Ansible's words
            let (ok, skipped) = (ok.saturating_sub(*may_change), skipped + may_change);
            let line = |palette: Palette| {
                let counts = [
                    ("ok", ok, Colour::Green),
                    ("changed", *changed, Colour::Yellow),
                    ("unreachable", *unreachable, Colour::BrightRed),
                    ("failed", *failed, Colour::Red),
                    ("skipped", skipped, Colour::Cyan),
                    ("rescued", *rescued, Colour::Green),
                    ("ignored", *ignored, Colour::BrightPurple),
                ]
                .map(|(name, count, colour)| {
                    let text = format!("{name}={count:<4}");
                    if count == 0 { text } else { palette.paint(colour, &text) }
                });
                let colour = match (failed + unreachable, changed) {
                    (1.., _) => Colour::Red,
                    (0, 1..) => Colour::Yellow,
                    (0, 0) => Colour::Green,
                };
                let host = match palette {
                    Palette::Plain => format!("{host:<26}"),
                    Palette::Coloured => format!("{:<37}", palette.paint(colour, host)),
                };
                format!("{host} : {}", counts.join(" "))
            };
            self.display.screen(&line(palette))?;
            self.display.log(&line(Palette::Plain), None)?;
        }
        self.display.screen("")
    }

    fn stats(&mut self, stats: &[(Option<Arc<str>>, crate::base::Map)]) -> io::Result<()> {
        if stats.is_empty() || !self.settings.custom_stats {
            return Ok(());
        }
        self.display.banner("CUSTOM STATS: ")?;
        let dump = |map: &crate::base::Map| json::dump(&Value::map(map.clone()), Some(1)).replace('\n', "");
        let mut hosts: Vec<_> =
            stats.iter().filter_map(|(host, map)| Some((host.as_ref()?, dump(map)))).collect();
        hosts.sort();
        for (host, text) in hosts {
            self.display.line(&format!("\t{host}: {text}"), None, Stream::Out)?;
        }
        if let Some((_, map)) = stats.iter().find(|(host, _)| host.is_none()) {
            self.display.screen("")?;
            self.display.line(&format!("\tRUN: {}", dump(map)), None, Stream::Out)?;
        }
        self.display.screen("")
    }
}

/// `host`, or `host -> delegate`.
fn host_label(host: &str, delegate: Option<&str>) -> String {
    match delegate.filter(|delegate| *delegate != host) {
        Some(delegate) => format!("{host} -> {delegate}"),
        None => host.to_owned(),
    }
}

impl Reporter for Callback {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::RunStarted { playbook, plays, check_mode, diff: _ } => {
                self.check_mode = *check_mode;
                if self.settings.verbosity > 1 {
                    let name = playbook.rsplit('/').next().unwrap_or(playbook);
                    self.display.banner(&format!("PLAYBOOK: {name}"))?;
                    self.line(&format!("{plays} plays in {playbook}"), Colour::Blue)?;
                }
                if *check_mode && self.settings.check_markers {
                    self.display.banner("DRY RUN")?;
                }
                Ok(())
            }
            Event::PlayStarted { name, hosts: _ } => self.play(name),
            Event::PlayWithoutHosts { name } => {
                self.play(name)?;
                self.line("skipping: no hosts matched", Colour::Cyan)
            }
            Event::Aborted { diagnostic } => {
                self.aborted = true;
                self.display.error(&diagnostic.in_ansibles_words(), Stream::Err)
            }
            Event::PlayFailed { name: _, diagnostic } => {
                self.aborted = true;
                let place = diagnostic.place.as_ref().map(|place| format!("\n{}", error::origin(place)));
                let text = format!("{}{}", diagnostic.message, place.unwrap_or_default());
                self.display.error(&text, Stream::Err)
            }
            Event::TaskStarted { task, hosts } => {
                self.current = Some(Arc::clone(task));
                self.announced = None;
                if self.settings.skipped && self.settings.ok {
                    self.announce(task)?;
                }
                if self.settings.host_start {
                    for host in hosts {
                        let text = format!(" [started TASK: {} on {host}]", task.title());
                        self.line(&text, Colour::Green)?;
                    }
                }
                Ok(())
            }
            Event::HostBusy { .. } => Ok(()),
            // as Ansible, which shows nothing more of a run that breaks off
            Event::ItemFinished { .. } | Event::TaskFinished { .. } | Event::RunFinished { .. }
                if self.aborted =>
            {
                Ok(())
            }
            Event::ItemFinished { host, delegate, task, label, outcome } => {
                self.item(host, delegate.as_deref(), task, label, outcome)
            }
            Event::TaskFinished { host, delegate, task, looped, outcome } => {
                self.task(host, delegate.as_deref(), task, *looped, outcome)
            }
            Event::Included { name, hosts, item, role: _ } => {
                // as Ansible: what Python takes for false is no label
                let label =
                    item.as_ref().filter(|item| !matches!(item.as_str(), "" | "{}" | "[]" | "0" | "False"));
                let item = label.map(|item| format!(" => (item={item})")).unwrap_or_default();
                self.line(&format!("included: {name} for {}{item}", hosts.join(", ")), Colour::Cyan)
            }
            Event::NoHostsLeft => {
                // Ansible says it for the percentage, and again for the failures
                self.display.banner("NO MORE HOSTS LEFT")?;
                self.display.banner("NO MORE HOSTS LEFT")
            }
            Event::TaskRetry { host, task, left, outcome } => {
                let shown = results::whole(task, outcome);
                let told = if self.settings.verbosity > 2 || (task.loud && !outcome.censored) {
                    format!("Result was: {}", results::dump(&shown, &self.settings, None))
                } else {
                    String::new()
                };
                let text = format!("FAILED - RETRYING: [{host}]: {} ({left} retries left).{told}", task.name);
                self.line(&text, Colour::DarkGray)
            }
            Event::JobPolled { host, job, state } => {
                let (text, colour) = match state {
                    JobState::Running => {
                        (format!("ASYNC POLL on {host}: jid={job} started=True finished=False"), Colour::Cyan)
                    }
                    JobState::Ended => (format!("ASYNC OK on {host}: jid={job}"), Colour::Cyan),
                    JobState::Failed => (format!("ASYNC FAILED on {host}: jid={job}"), Colour::Cyan),
                };
                self.line(&text, colour)
            }
            Event::HandlerLeft { host, handler } => {
                let text =
                    format!("host '{host}': an interrupted run has left the handler '{handler}' notified");
                self.display.warning(&text)
            }
            Event::ProgramStarted { host, command } => self.aside(&format!("<{host}> EXEC {command}")),
            Event::PythonSought { host } => {
                self.aside(&format!("<{host}> Attempting python interpreter discovery."))
            }
            Event::Deprecated { task, deprecation } => {
                if !self.settings.deprecations {
                    return Ok(());
                }
                if self.settings.skipped && self.settings.ok {
                    self.announce(task)?;
                }
                let Deprecation { message, version, place } = deprecation;
                let place = place.as_ref().map(|place| format!("\n{}", error::origin(place)));
                self.display.deprecation(&format!(
                    "{message} This feature will be removed from ansible-core version {version}.{}",
                    place.unwrap_or_default()
                ))
            }
            Event::Warning { message, diagnostic } => {
                let told = diagnostic.as_ref().and_then(|diagnostic| diagnostic.told.as_ref());
                let message = told.unwrap_or(message);
                let place = diagnostic.as_ref().and_then(|diagnostic| diagnostic.place.as_ref());
                match place {
                    Some(place) => self.display.warning(&format!("{message}\n{}", error::origin(place))),
                    None => self.display.warning(message),
                }
            }
            Event::RunFinished { recap, costs: _, stats, elapsed: _ } => {
                self.recap(recap)?;
                self.stats(stats)?;
                if self.check_mode && self.settings.check_markers {
                    self.display.banner("DRY RUN")?;
                }
                Ok(())
            }
        }
    }
}

impl Callback {
    fn play(&mut self, name: &str) -> io::Result<()> {
        let marker = self.marker();
        let name = name.trim();
        let text = if name.is_empty() { format!("PLAY{marker}") } else { format!("PLAY [{name}]{marker}") };
        self.display.banner(&text)
    }
}
