//! Runs what is prepared.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::{Arc, PoisonError};

use anyhow::{Context, Result};

use super::exit::WrongOptions;
use super::inventory::Manner;
use super::lab;
use super::options::RunArgs;
use super::prepare::{Sink, verbosity, warn};
use crate::config::Config;
use crate::engine::{self, LabTarget, Prepared};
use crate::lab::LabOptions;
use crate::report::Reporter;
use crate::report::ansible::{Callback, Display, Line, Minimal, Palette, Settings, Sink as Stream};
use crate::report::json::JsonLines;
use crate::report::live::Live;
use crate::report::scrub::Scrubbing;
use crate::report::terminal::{self, Terminal};
use crate::secrets::{Known, Reach};

/// What the run is shown as.
#[derive(Clone, Debug)]
pub enum Shown {
    /// A playbook.
    Playbook,
    /// One task: the ad-hoc command.
    Single {
        /// One line for each host, if that was asked for.
        one_line: bool,
        /// A directory for the results.
        tree: Option<std::path::PathBuf>,
    },
}

/// Runs the playbooks of a command, one after the other, with the reporter that was asked for.
pub struct Executor<'a> {
    args: &'a RunArgs,
    config: &'a Config,
    manner: Manner,
    shown: Shown,
    runtime: tokio::runtime::Runtime,
    /// How the last playbook has ended.
    ended: Option<engine::Ended>,
}

impl<'a> Executor<'a> {
    /// With nothing run yet.
    pub fn new(args: &'a RunArgs, config: &'a Config, manner: Manner, shown: Shown) -> Result<Self> {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.enable_all().build().context("cannot start the runtime")?;
        Ok(Self { args, config, manner, shown, runtime, ended: None })
    }

    /// Runs a playbook after those before it; `another` one may follow.
    pub fn run(&mut self, mut prepared: Prepared, sink: &Sink, another: bool) -> Result<engine::Summary> {
        let Self { args, config, manner, shown, runtime, ended } = self;
        if args.lab {
            prepared.set_lab(boot(args, &prepared)?);
        }
        *sink.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(reporter(args, config, *manner, shown, prepared.secrets())?);
        if let Some(ended) = ended.take() {
            prepared.go_on_from(ended);
        }
        let (summary, now) = runtime.block_on(prepared.execute(another));
        *ended = Some(now);
        *sink.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(summary)
    }

    /// After the last one.
    pub fn end(self) {
        drop(self.ended);
        self.runtime.shutdown_timeout(std::time::Duration::from_secs(1));
        if self.args.lab && !self.args.json {
            use std::io::Write;
            let name = self.args.lab_name.as_deref().unwrap_or(crate::lab::DEFAULT_NAME);
            let flag =
                if name == crate::lab::DEFAULT_NAME { String::new() } else { format!(" --name {name}") };
            let _ = writeln!(
                anstream::stderr().lock(),
                "the lab stays up: `fleet lab ssh{flag} HOST` logs in, `fleet lab down{flag}` ends it"
            );
        }
    }
}

fn reporter(
    args: &RunArgs,
    config: &Config,
    manner: Manner,
    shown: &Shown,
    secrets: &Arc<Known>,
) -> Result<Box<dyn Reporter>> {
    if args.json {
        return Ok(Box::new(JsonLines::new(std::io::stdout(), Arc::clone(secrets))));
    }
    if manner == Manner::Ansible {
        let settings = ansible_settings(args, config);
        let display = display(config, secrets)?;
        let (callback, tree) = match shown {
            Shown::Playbook => (callback(config), None),
            Shown::Single { one_line: true, tree } => (Some(Line::One), tree.clone()),
            Shown::Single { one_line: false, tree } if *config.bin_ansible_callbacks => {
                (callback(config), tree.clone())
            }
            Shown::Single { one_line: false, tree } => (Some(Line::Several), tree.clone()),
        };
        let tree = tree.map(|directory| (directory, Arc::clone(secrets)));
        return Ok(match callback {
            None => Box::new(Callback::new(display, settings)),
            Some(line) => Box::new(Minimal::new(display, settings, line, tree)),
        });
    }
    let settings = terminal::Settings { verbosity: verbosity(args, config), quiet: args.quiet, diff: true };
    let out = Scrubbing::new(anstream::stdout(), Arc::clone(secrets), Reach::Everything);
    let terminal = Terminal::new(out, settings);
    Ok(if std::io::stderr().is_terminal() && std::io::stdout().is_terminal() {
        Box::new(Live::new(terminal, Arc::clone(secrets)))
    } else {
        Box::new(terminal)
    })
}

/// The callback that the configuration names: `minimal` or `oneline`, or none for `default` and for all that fleet does
/// not have.
fn callback(config: &Config) -> Option<Line> {
    let name = config.stdout_callback.value.as_str();
    match crate::lang::short_name(name) {
        "minimal" => Some(Line::Several),
        "oneline" => Some(Line::One),
        "default" => None,
        _ => {
            warn(&format!("The callback plugin '{name}' is not there: 'default' stands in for it"));
            None
        }
    }
}

fn ansible_settings(args: &RunArgs, config: &Config) -> Settings {
    Settings {
        verbosity: verbosity(args, config),
        skipped: *config.display_skipped_hosts,
        ok: *config.display_ok_hosts,
        failed_on_stderr: *config.display_failed_stderr,
        deprecations: *config.deprecation_warnings,
        custom_stats: *config.show_custom_stats,
        host_start: *config.show_per_host_start,
        failed_path: *config.show_task_path_on_failure,
        check_markers: *config.check_mode_markers,
        format: *config.callback_result_format,
        pretty: *config.callback_format_pretty,
        context: usize::try_from(*config.diff_context).unwrap_or(3),
    }
}

/// The streams of Ansible's text.
pub fn display(config: &Config, secrets: &Arc<Known>) -> Result<Display> {
    let scrubbing =
        |out: Stream| -> Stream { Box::new(Scrubbing::new(out, Arc::clone(secrets), Reach::Passwords)) };
    let terminal = std::io::stdout().is_terminal();
    let coloured = *config.force_color || (terminal && !*config.nocolor);
    let columns = rustix::termios::tcgetwinsize(std::io::stdout())
        .map_or(0, |size| usize::from(size.ws_col).saturating_sub(1));
    let log = config.log_path.as_ref().map(|path| log(path)).transpose()?;
    Ok(Display::new(
        scrubbing(Box::new(std::io::stdout())),
        scrubbing(Box::new(std::io::stderr())),
        log.map(scrubbing),
        if coloured { Palette::Coloured } else { Palette::Plain },
        columns,
    ))
}

fn log(path: &Path) -> Result<Stream> {
    let file = std::fs::File::options().append(true).create(true).open(path);
    Ok(Box::new(file.with_context(|| format!("cannot write to the log `{}`", path.display()))?))
}

fn boot(args: &RunArgs, prepared: &Prepared) -> Result<HashMap<Arc<str>, LabTarget>> {
    crate::lab::can_run().map_err(|reason| WrongOptions(format!("the lab cannot run here: {reason}")))?;
    let options = LabOptions {
        name: args.lab_name.clone().unwrap_or_else(|| crate::lab::DEFAULT_NAME.to_owned()),
        ..LabOptions::default()
    };
    let hosts: Vec<String> = prepared.lab_hosts().iter().map(ToString::to_string).collect();
    let lab = lab::up_with_progress(&options, &hosts)?;
    Ok(lab
        .hosts
        .iter()
        .map(|host| {
            let target = LabTarget {
                address: host.address,
                port: host.port,
                user: host.user.clone(),
                private_key: lab.private_key.clone(),
                known_hosts: lab.known_hosts.clone(),
            };
            (Arc::from(host.name.as_str()), target)
        })
        .collect())
}
