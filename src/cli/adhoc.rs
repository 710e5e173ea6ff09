//! `fleet run` and `ansible`: one task on the hosts of a pattern.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Value as Json, json};

use super::execute::{Executor, Shown};
use super::exit::{Exit, FilesAreWrong, WrongOptions};
use super::inventory::Manner;
use super::options::{RunArgs, TaskArgs};
use super::prepare::{ADHOC, Mode, ground, prepare, warn};
use crate::base::{Kind, Severity};

/// Modules that take a command, and nothing else will do.
const COMMANDS: &[&str] = &["command", "raw", "script", "shell"];

/// Arguments of `fleet run`.
#[derive(Debug, Args)]
pub struct AdHocArgs {
    /// The hosts
    #[arg(value_name = "PATTERN")]
    pattern: String,
    /// The module; without it the configuration's, which is command
    #[arg(short, long, value_name = "MODULE")]
    module_name: Option<String>,
    /// Its parameters: `name=value …`, or a mapping in JSON; for command and shell the command itself
    #[arg(short, long, value_name = "ARGS", allow_hyphen_values = true)]
    args: Option<String>,
    /// One line for each host
    #[arg(short, long)]
    one_line: bool,
    /// Write each host's result to a file in this directory
    #[arg(short, long, value_name = "DIRECTORY")]
    tree: Option<PathBuf>,
    /// Run it in the background for at most so many seconds
    #[arg(short = 'B', long, value_name = "SECONDS", default_value_t = 0)]
    background: u64,
    /// Look every so many seconds whether it is done, with `-B`; 0 does not wait
    #[arg(short = 'P', long, value_name = "SECONDS")]
    poll: Option<u64>,
    /// Seconds that the task may take
    #[arg(long, value_name = "SECONDS")]
    task_timeout: Option<u64>,
    /// The directory that files are looked up in
    #[arg(long, value_name = "DIRECTORY")]
    playbook_dir: Option<PathBuf>,
    /// Change nothing; say what would change
    #[arg(short = 'C', long)]
    check: bool,
    /// Show differences
    #[arg(short = 'D', long)]
    diff: bool,
    #[command(flatten)]
    run: RunArgs,
}

/// Runs `fleet run`, or `ansible`.
pub fn run(args: AdHocArgs, manner: Manner) -> Result<Exit> {
    let AdHocArgs {
        pattern,
        module_name,
        args: given,
        one_line,
        tree,
        background,
        poll,
        task_timeout,
        playbook_dir,
        check,
        diff,
        run,
    } = args;
    // as Ansible: no pattern means all
    let pattern = if pattern.trim().is_empty() { "all".to_owned() } else { pattern };
    let mut ground = ground(&run.vault, manner)?;
    let config = &ground.config;
    let module = module_name.unwrap_or_else(|| config.module_name.value.clone());
    let given = given.or_else(|| config.module_args.value.clone()).unwrap_or_default();
    let diff = diff || *config.diff_always || manner == Manner::Fleet;
    let short = crate::lang::short_name(&module);
    if !run.hosts.list_hosts && COMMANDS.contains(&short) && given.trim().is_empty() {
        let is_file = std::path::Path::new(&pattern).extension().is_some_and(|end| end == "yml");
        let hint = if is_file { " (did you mean to run ansible-playbook?)" } else { "" };
        return Err(WrongOptions(format!("No argument passed to {module} module{hint}")).into());
    }
    if short == "import_playbook" {
        let message = format!("'{module}' is not a valid action for ad-hoc commands");
        return Err(WrongOptions(message).into());
    }
    let named = module.clone();
    let mut task = serde_json::Map::new();
    let listed = run.hosts.list_hosts;
    if manner == Manner::Ansible && !listed {
        super::prepare::say_config(&run, config)?;
    }
    if listed {
        task.insert("ping".to_owned(), Json::Null);
    } else {
        task.insert(module, arguments(&given));
        let timeout = task_timeout.or_else(|| config.task_timeout.given().copied());
        if let Some(timeout) = timeout.filter(|seconds| *seconds > 0) {
            task.insert("timeout".to_owned(), json!(timeout));
        }
        if background > 0 {
            task.insert("async".to_owned(), json!(background));
            task.insert("poll".to_owned(), json!(poll.unwrap_or(*config.poll_interval)));
        }
    }
    let play = json!([{"name": "Ansible Ad-Hoc", "hosts": pattern, "gather_facts": false, "tasks": [task]}]);
    let here = std::env::current_dir().context("cannot tell the working directory")?;
    let directory = playbook_dir.or_else(|| config.playbook_dir.value.clone()).unwrap_or(here);
    let path = std::path::absolute(&directory).unwrap_or(directory).join(ADHOC);
    ground.project.put(&path, &format!("<adhoc '{named}' task>"), format!("{play}\n"));
    let mode = Mode { manner, check, diff, listing: listed };
    let prepared = prepare(&mut ground, &run, &TaskArgs::default(), mode, &path);
    let (prepared, sink) = match prepared {
        Err(error) if manner == Manner::Ansible && run.hosts.limit.is_empty() && is_of_pattern(&error) => {
            warn("No hosts matched, nothing to do");
            if listed {
                writeln!(std::io::stdout(), "  hosts (0):").context("cannot write")?;
            }
            return Ok(Exit::Fine);
        }
        prepared => prepared?,
    };
    // in the order of the pattern
    let hosts: Vec<_> = prepared.plays().flat_map(|(_, hosts)| hosts.iter().cloned()).collect();
    if hosts.is_empty() {
        if !run.hosts.limit.is_empty() {
            anyhow::bail!(
                "Specified inventory, host pattern and/or --limit leaves us with no hosts to target."
            );
        }
        warn("No hosts matched, nothing to do");
    }
    if listed {
        let mut out = std::io::stdout().lock();
        writeln!(out, "  hosts ({}):", hosts.len()).context("cannot write")?;
        for host in hosts {
            writeln!(out, "    {host}").context("cannot write")?;
        }
        return Ok(Exit::Fine);
    }
    if hosts.is_empty() {
        return Ok(Exit::Fine);
    }
    let shown = Shown::Single { one_line, tree };
    let mut executor = Executor::new(&run, &ground.config, manner, shown)?;
    let summary = executor.run(prepared, &sink, false)?;
    executor.end();
    Ok(Exit::of_summary(&summary))
}

/// Whether all that is wrong is the host pattern.
fn is_of_pattern(error: &anyhow::Error) -> bool {
    error.downcast_ref::<FilesAreWrong>().is_some_and(|FilesAreWrong(diagnostics)| {
        let mut errors = diagnostics.0.iter().filter(|found| found.severity == Severity::Error);
        errors.all(|found| found.kind == Kind::Pattern)
    })
}

/// The module's parameters as they stand in a playbook.
fn arguments(text: &str) -> Json {
    let trimmed = text.trim();
    if trimmed.starts_with('{')
        && trimmed.ends_with('}')
        && let Ok(Json::Object(entries)) = serde_json::from_str(trimmed)
    {
        return Json::Object(entries);
    }
    if trimmed.is_empty() { Json::Null } else { Json::String(text.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_json_or_text() {
        assert_eq!(arguments("{\"a\": 1}"), json!({"a": 1}));
        assert_eq!(arguments("{{ a }}"), json!("{{ a }}"));
        assert_eq!(arguments(" "), Json::Null);
        assert_eq!(arguments("a=1"), json!("a=1"));
    }
}
