//! `fleet apply` and `fleet plan`, and `ansible-playbook`.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;

use super::execute::{Executor, Shown};
use super::exit::{Exit, WrongOptions};
use super::inventory::Manner;
use super::listing::{self, Wanted};
use super::options::{RunArgs, TaskArgs};
use super::prepare::{Ground, Mode, ground, prepare, selection};
use super::scrubbed;
use crate::engine::{Prepared, Summary};
use crate::plan::tags::Selection;

/// Arguments of `fleet apply`.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// The playbooks; one that fails is the last
    #[arg(value_name = "PLAYBOOK", required = true)]
    playbooks: Vec<PathBuf>,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    tasks: TaskArgs,
    /// Change nothing; say what would change
    #[arg(short = 'C', long)]
    check: bool,
    /// Show differences (fleet shows them unless `--no-diff` is given)
    #[arg(short = 'D', long, overrides_with = "no_diff")]
    diff: bool,
    /// Do not show differences
    #[arg(long)]
    no_diff: bool,
    /// Only check the files; connect to no host
    #[arg(long)]
    syntax_check: bool,
    /// Only list the tasks that would run; connect to no host
    #[arg(long)]
    list_tasks: bool,
    /// Only list the tags of the tasks; connect to no host
    #[arg(long)]
    list_tags: bool,
}

/// Arguments of `fleet plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The playbook
    #[arg(value_name = "PLAYBOOK")]
    playbook: PathBuf,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    tasks: TaskArgs,
    /// Exit with 0 if nothing would change, 1 on an error, 2 if something would change
    #[arg(long)]
    detailed_exitcode: bool,
}

/// Runs `fleet apply`, or `ansible-playbook`.
pub fn apply(args: ApplyArgs, manner: Manner) -> Result<Exit> {
    let ApplyArgs { playbooks, run, mut tasks, check, diff, no_diff, syntax_check, list_tasks, list_tags } =
        args;
    let wanted =
        Wanted { hosts: run.hosts.list_hosts, tasks: list_tasks, tags: list_tags, syntax: syntax_check };
    let mut ground = ground(&run.vault, manner)?;
    let playbooks =
        playbooks.iter().map(|playbook| playbook_file(&ground, playbook)).collect::<Result<Vec<_>>>()?;
    let shown = diff || *ground.config.diff_always;
    let mode = Mode {
        manner,
        check,
        diff: if manner == Manner::Fleet { !no_diff } else { shown && !no_diff },
        listing: wanted.any(),
    };
    if manner == Manner::Ansible && !wanted.any() {
        super::prepare::say_config(&run, &ground.config)?;
    }
    if list_tags && tasks.tags.is_empty() && tasks.skip_tags.is_empty() {
        tasks.tags = vec!["never".to_owned(), "all".to_owned()];
    }
    let selection = selection(&tasks, &ground.config);
    let mut ready = Vec::new();
    for playbook in &playbooks {
        let (prepared, sink) = prepare(&mut ground, &run, &tasks, mode, playbook)?;
        if !run.hosts.limit.is_empty() && prepared.hosts().is_empty() {
            anyhow::bail!(
                "Specified inventory, host pattern and/or --limit leaves us with no hosts to target."
            );
        }
        ready.push((playbook, prepared, sink));
    }
    let missing = unmatched(&tasks, &selection, ready.iter().map(|(_, prepared, _)| prepared), manner)?;
    if wanted.any() {
        for (playbook, prepared, _) in ready {
            let text = listing::text(playbook, &prepared, wanted, &selection);
            write!(scrubbed::stdout(), "{text}").context("cannot write")?;
        }
        return Ok(Exit::Fine);
    }
    let mut executor = Executor::new(&run, &ground.config, manner, Shown::Playbook)?;
    let mut exit = Exit::Fine;
    let mut left = ready.len();
    for (_, prepared, sink) in ready {
        left -= 1;
        exit = Exit::of_summary(&executor.run(prepared, &sink, left > 0)?);
        if exit != Exit::Fine {
            break;
        }
    }
    executor.end();
    if let Some(message) = missing {
        writeln!(std::io::stderr(), "[ERROR]: {message}").context("cannot write")?;
    }
    Ok(exit)
}

/// Says what options name that is in no playbook: tags, and the task to start at. Under fleet's own name nothing is run
/// without that task; Ansible says it at the end.
fn unmatched<'a>(
    tasks: &TaskArgs,
    selection: &Selection,
    prepared: impl Iterator<Item = &'a Prepared> + Clone,
    manner: Manner,
) -> Result<Option<String>> {
    if manner == Manner::Fleet {
        for warning in listing::unknown_tags(prepared.clone(), selection) {
            super::exit::warn(&warning);
        }
    }
    let Some(wanted) = &tasks.start_at_task else { return Ok(None) };
    if prepared.clone().any(Prepared::starts) {
        return Ok(None);
    }
    if manner == Manner::Ansible {
        return Ok(Some(format!(
            "No matching task \"{wanted}\" found. Note: --start-at-task can only follow static includes."
        )));
    }
    let hint = listing::similar_task(prepared, wanted).map_or(String::new(), |hint| format!(": {hint}"));
    let message = format!(
        "no task is named `{wanted}`{hint} (--start-at-task finds no tasks of files and roles that are included at run \
         time)"
    );
    Err(WrongOptions(message).into())
}

/// Runs `fleet plan`.
pub fn plan(args: PlanArgs) -> Result<Exit> {
    let PlanArgs { playbook, run, tasks, detailed_exitcode } = args;
    let summary = match planned(&playbook, &run, &tasks) {
        Ok(summary) => summary,
        Err(error) if detailed_exitcode => {
            super::exit::print(&error);
            return Ok(Exit::Error);
        }
        Err(error) => return Err(error),
    };
    let exit = Exit::of_summary(&summary);
    if !detailed_exitcode {
        return Ok(exit);
    }
    let pending = summary.recap.values().any(|recap| recap.changed + recap.may_change > 0);
    Ok(match exit {
        Exit::Fine if pending => Exit::Pending,
        Exit::Fine => Exit::Fine,
        _ => Exit::Error,
    })
}

fn planned(playbook: &Path, run: &RunArgs, tasks: &TaskArgs) -> Result<Summary> {
    let mut ground = ground(&run.vault, Manner::Fleet)?;
    let playbook = playbook_file(&ground, playbook)?;
    let mode = Mode { manner: Manner::Fleet, check: true, diff: true, listing: false };
    let (prepared, sink) = prepare(&mut ground, run, tasks, mode, &playbook)?;
    let selection = selection(tasks, &ground.config);
    unmatched(tasks, &selection, std::iter::once(&prepared), Manner::Fleet)?;
    let mut executor = Executor::new(run, &ground.config, Manner::Fleet, Shown::Playbook)?;
    let summary = executor.run(prepared, &sink, false)?;
    executor.end();
    Ok(summary)
}

/// The playbook's file: the path as given, or that of a collection's playbook (`ns.col.playbook`).
fn playbook_file(ground: &Ground, given: &Path) -> Result<PathBuf> {
    let directory = std::env::current_dir().context("cannot tell the working directory")?;
    let of_collection = given.to_str().and_then(|name| {
        let paths = &ground.config.collections_path.value;
        crate::lang::collection_playbook(&ground.project, paths, name, &directory)
    });
    match of_collection {
        Some(path) => Ok(path),
        None if given.exists() => Ok(given.to_owned()),
        None => {
            let tried = [directory.join(given)];
            let similar = crate::lang::similar_file(&ground.project, &tried);
            let similar = similar.map_or(String::new(), |hint| format!(" ({hint})"));
            Err(WrongOptions(format!("the playbook: {} could not be found{similar}", given.display())).into())
        }
    }
}
