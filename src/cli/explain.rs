//! `fleet explain`: where a variable of a host comes from, and why a task runs or is skipped. Connects to nothing.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use super::discover::discover;
use super::exit::{Exit, WrongOptions};
use super::inventory::Manner;
use super::options::{HostArgs, RunArgs, TaskArgs};
use super::prepare::{Mode, ground, prepare};
use super::scrubbed;
use super::vault_options::VaultOptions;
use crate::base::names::did_you_mean;
use crate::base::{Place, Value};
use crate::engine::explain::{Definition, ExplainedTask, ExplainedVariable, Reason};
use crate::report::style::{Label, paint};

/// Arguments of `fleet explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The variable
    #[arg(value_name = "VARIABLE", required_unless_present = "task")]
    variable: Option<String>,
    /// The host
    #[arg(long, value_name = "HOST")]
    host: String,
    /// Explain the tasks with this name, or a part of it, instead of a variable
    #[arg(long, value_name = "NAME", conflicts_with = "variable")]
    task: Option<String>,
    /// The playbook; may be given several times. Without it: every playbook below this directory
    #[arg(short, long, value_name = "FILE")]
    playbook: Vec<PathBuf>,
    /// An inventory: a file, a directory, or hosts separated by commas; may be given several times
    #[arg(short, long, value_name = "INVENTORY", alias = "inventory-file")]
    inventory: Vec<String>,
    /// Variables that win over all others: `name=value`, YAML or JSON, or `@file`
    #[arg(short, long, value_name = "VARS")]
    extra_vars: Vec<String>,
    #[command(flatten)]
    tasks: TaskArgs,
    #[command(flatten)]
    vault: VaultOptions,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// What was asked, explained for one playbook.
enum Explained {
    Variable(ExplainedVariable),
    Tasks(Vec<ExplainedTask>),
}

/// Runs `fleet explain`.
pub fn run(args: ExplainArgs) -> Result<Exit> {
    let ExplainArgs { variable, host, task, playbook, inventory, extra_vars, tasks, vault, json } = args;
    let mut ground = ground(&vault, Manner::Fleet)?;
    let playbooks = if playbook.is_empty() {
        let here = std::env::current_dir().context("cannot tell the working directory")?;
        discover(&ground.project, &here).playbooks
    } else {
        playbook
    };
    if playbooks.is_empty() {
        return Err(WrongOptions("there is no playbook here: name one with `--playbook`".to_owned()).into());
    }
    let run =
        RunArgs { hosts: HostArgs { inventory, ..HostArgs::default() }, extra_vars, ..RunArgs::default() };
    let mode = Mode { manner: Manner::Fleet, check: true, diff: false, listing: true };
    let mut found = Vec::new();
    let mut broken = None;
    let mut known = false;
    // names that one may have meant
    let (mut titles, mut hosts) = (Vec::new(), Vec::new());
    for path in &playbooks {
        let prepared = match prepare(&mut ground, &run, &tasks, mode, path) {
            Ok((prepared, _)) => prepared,
            // others may be right
            Err(error) if playbooks.len() > 1 => {
                broken = Some(error);
                continue;
            }
            Err(error) => return Err(error),
        };
        known |= prepared.knows(&host);
        hosts.extend(prepared.hosts());
        let shown = crate::project::shown(path).display().to_string();
        match (&variable, &task) {
            (Some(name), _) => {
                titles.extend(prepared.variable_names(&host));
                found.push((shown, Explained::Variable(prepared.explain_variable(&host, name))));
            }
            (None, Some(name)) => {
                titles.extend(prepared.task_titles());
                found.push((shown, Explained::Tasks(prepared.explain_tasks(&host, name))));
            }
            (None, None) => {}
        }
    }
    if let Some(error) = broken.filter(|_| found.is_empty()) {
        return Err(error);
    }
    if !known {
        let near = did_you_mean(&host, hosts.iter().map(|known| &**known));
        let hint = near.map(|near| format!(": {near}")).unwrap_or_default();
        return Err(WrongOptions(format!("the inventory has no host `{host}`{hint}")).into());
    }
    let mut out = scrubbed::stdout();
    if json {
        let all: Vec<serde_json::Value> =
            found.iter().map(|(path, explained)| to_json(path, explained)).collect();
        serde_json::to_writer_pretty(&mut out, &all).context("cannot write")?;
        writeln!(out).context("cannot write")?;
        return Ok(Exit::Fine);
    }
    let something = found.iter().any(|(_, explained)| match explained {
        Explained::Variable(variable) => !variable.definitions.is_empty() || variable.value.is_some(),
        Explained::Tasks(tasks) => !tasks.is_empty(),
    });
    if !something {
        let (what, name, near) = match (&variable, &task) {
            (_, Some(name)) => {
                ("no task is called", name, did_you_mean(name, titles.iter().map(String::as_str)))
            }
            (Some(name), None) => {
                ("nothing defines", name, did_you_mean(name, titles.iter().map(String::as_str)))
            }
            (None, None) => return Ok(Exit::Fine),
        };
        let hint = near.map(|near| format!(": {near}")).unwrap_or_default();
        return Err(WrongOptions(format!("{what} `{name}`{hint}")).into());
    }
    show(&mut out, &host, variable.as_deref().unwrap_or_default(), &found).context("cannot write")?;
    Ok(Exit::Fine)
}

fn show(out: &mut impl Write, host: &str, name: &str, found: &[(String, Explained)]) -> std::io::Result<()> {
    // equal explanations of several playbooks are shown once
    let mut told: Vec<String> = Vec::new();
    for (path, explained) in found {
        let mut text = Vec::new();
        match explained {
            Explained::Variable(variable) => show_variable(&mut text, host, name, variable)?,
            Explained::Tasks(tasks) => {
                for task in tasks {
                    show_task(&mut text, host, task)?;
                }
            }
        }
        let text = String::from_utf8_lossy(&text).into_owned();
        if text.is_empty() || told.contains(&text) {
            continue;
        }
        if found.len() > 1 {
            writeln!(out, "{}", paint(Label::Heading, path))?;
        }
        out.write_all(text.as_bytes())?;
        told.push(text);
    }
    Ok(())
}

fn show_variable(
    out: &mut impl Write,
    host: &str,
    name: &str,
    explained: &ExplainedVariable,
) -> std::io::Result<()> {
    let ExplainedVariable { definitions, value } = explained;
    if definitions.is_empty() && value.is_none() {
        return Ok(());
    }
    match value {
        Some(Ok(value)) => writeln!(out, "`{name}` of {host} is {} outside any play", value.to_repr())?,
        Some(Err(why)) => writeln!(out, "`{name}` of {host} is known at run time only: {why}")?,
        None => writeln!(out, "`{name}` of {host} is defined in plays only")?,
    }
    for (index, definition) in definitions.iter().enumerate() {
        let Definition { level, place, value, within, set_by } = definition;
        let word = if index == 0 { paint(Label::Changed, "wins") } else { "    ".to_owned() };
        let place = place.as_ref().map(Place::to_string).unwrap_or_default();
        let what = set_by.clone().unwrap_or_else(|| one_line(value));
        let within = within.as_ref().map(|within| format!("  (in {within})")).unwrap_or_default();
        writeln!(out, "  {word}  {:<24} {what}{within}", level.describe())?;
        if !place.is_empty() {
            writeln!(out, "        {:<24} {}", "", paint(Label::Dim, &place))?;
        }
    }
    Ok(())
}

fn one_line(value: &Value) -> String {
    const LONGEST: usize = 120;
    let text = value.to_repr().replace('\n', "\\n");
    if text.chars().count() > LONGEST { text.chars().take(LONGEST).chain(['…']).collect() } else { text }
}

fn show_task(out: &mut impl Write, host: &str, task: &ExplainedTask) -> std::io::Result<()> {
    let ExplainedTask { title, play, place, reasons } = task;
    let verdict = match task.runs() {
        Some(true) => paint(Label::Ok, "runs"),
        Some(false) => paint(Label::Warning, "is skipped"),
        None => paint(Label::Warning, "is decided at run time"),
    };
    writeln!(out, "task \"{title}\" {verdict} on {host}  {}", paint(Label::Dim, &place.to_string()))?;
    writeln!(out, "  in play \"{play}\"")?;
    for Reason { holds, text, place } in reasons {
        let mark = match holds {
            Some(true) => "yes",
            Some(false) => "no ",
            None => "?  ",
        };
        let place = place.as_ref().map(|place| format!("  {}", paint(Label::Dim, &place.to_string())));
        writeln!(out, "  {mark}  {text}{}", place.unwrap_or_default())?;
    }
    Ok(())
}

fn to_json(path: &str, explained: &Explained) -> serde_json::Value {
    let place = |place: &Option<Place>| place.as_ref().map(Place::to_string);
    match explained {
        Explained::Variable(ExplainedVariable { definitions, value }) => {
            let definitions: Vec<_> = definitions
                .iter()
                .map(|Definition { level, place: at, value, within, set_by }| {
                    serde_json::json!({
                        "level": level.describe(), "place": place(at), "value": value.to_json(), "within": within,
                        "set_by": set_by,
                    })
                })
                .collect();
            let (value, why) = match value {
                Some(Ok(value)) => (value.to_json(), None),
                Some(Err(why)) => (serde_json::Value::Null, Some(why.as_str())),
                None => (serde_json::Value::Null, None),
            };
            serde_json::json!({"playbook": path, "definitions": definitions, "value": value, "why_no_value": why})
        }
        Explained::Tasks(tasks) => {
            let tasks: Vec<_> = tasks
                .iter()
                .map(|task| {
                    let ExplainedTask { title, play, place: at, reasons } = task;
                    let reasons: Vec<_> = reasons
                        .iter()
                        .map(|Reason { holds, text, place: at }| {
                            serde_json::json!({"holds": holds, "text": text, "place": place(at)})
                        })
                        .collect();
                    serde_json::json!({
                        "title": title, "play": play, "place": at.to_string(), "runs": task.runs(), "reasons": reasons,
                    })
                })
                .collect();
            serde_json::json!({"playbook": path, "tasks": tasks})
        }
    }
}
