//! fleet's own answer to a case: its JSON events.

use std::fs;

use serde_json::Value as Json;

use crate::ansible;
use crate::answer::{Answer, Run, Task};
use crate::case::Case;
use crate::collections;
use crate::normal::Normal;
use crate::program::{Ran, fleet, ran};
use crate::state;
use crate::world::{Pair, Side};

/// Runs the case with fleet.
///
/// # Errors
/// If fleet cannot be run, or prints what is no event.
pub fn answer(pair: &Pair<'_>, case: &Case) -> Result<Answer, String> {
    let work = tempfile::tempdir().map_err(|error| error.to_string())?;
    let inventory = work.path().join("hosts.yml");
    fs::write(&inventory, pair.inventory(Side::Fleet)?).map_err(|error| error.to_string())?;
    let normal = Normal::new(pair.names(Side::Fleet)?);
    let mut runs = Vec::new();
    for (name, check) in case.runs() {
        let mut command = fleet();
        command.arg("apply").arg(&case.path).arg("-i").arg(&inventory).arg("--json").args(&case.arguments);
        command.args(check.then_some("--check")).current_dir(work.path()).env("LC_ALL", "C.UTF-8");
        if case.python {
            command.env("FLEET_PYTHON", ansible::environment().join("bin/python"));
        }
        if case.collections {
            command.env("ANSIBLE_COLLECTIONS_PATH", collections::directory());
            command.env("FLEET_PYTHON_MODULES", case.forced.join(","));
        }
        let Ran { code, stdout, stderr } = ran(command.arg("--no-diff"))?;
        let mut tasks = Vec::new();
        let mut told = stderr;
        for line in stdout.lines() {
            let event: Json =
                serde_json::from_str(line).map_err(|error| format!("{error} in {line}\n{told}"))?;
            if event["event"] == "warning" {
                told += &format!("warning: {}\n", event["message"]);
            }
            let failure = &event["outcome"]["failure"];
            if !failure.is_null() && event["outcome"]["status"] == "failed" {
                told += &format!("{}: {failure}\n", event["task"]["name"]);
            }
            tasks.extend(task(event, &normal));
        }
        tasks.sort_by(|one: &Task, two: &Task| one.host.cmp(&two.host));
        runs.push(Run { name: name.to_owned(), code, told, tasks });
    }
    Ok(Answer { runs, state: state::read(pair, Side::Fleet, case, &normal)? })
}

fn task(mut event: Json, normal: &Normal) -> Option<Task> {
    if event["event"] != "task_finished" {
        return None;
    }
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let status = text(&event["outcome"]["status"]);
    let result =
        normal.result(&text(&event["task"]["module"]), &status, event["outcome"]["result"].take())?;
    Some(Task {
        host: text(&event["host"]),
        name: normal.text(&text(&event["task"]["name"])),
        status,
        result,
    })
}
