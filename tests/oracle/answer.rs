//! What a case gave with either program: the results of its tasks, run by run, and what its host is like afterwards.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// The answer of one program to one case.
#[derive(Debug, Serialize, Deserialize)]
pub struct Answer {
    /// Its runs, in order.
    pub runs: Vec<Run>,
    /// The host afterwards: one entry per file, package, unit and account.
    pub state: BTreeMap<String, String>,
}

/// One run of the playbook.
#[derive(Debug, Serialize, Deserialize)]
pub struct Run {
    /// `check`, `first` or `second`.
    pub name: String,
    /// The exit code.
    pub code: i32,
    /// What was printed, to be shown when something differs.
    pub told: String,
    /// The results, normalised, sorted by host and then in the order in which they came.
    pub tasks: Vec<Task>,
}

/// The end of one task on one host.
#[derive(Debug, Serialize, Deserialize)]
pub struct Task {
    /// The host's name.
    pub host: String,
    /// The task's name.
    pub name: String,
    /// `ok`, `changed`, `skipped`, `failed`, `ignored`, `unreachable`, with fleet also `may_change`.
    pub status: String,
    /// What `register` would see.
    pub result: Json,
}

impl Answer {
    /// What the runs printed where a run failed without a result that says why.
    pub fn told(&self) -> String {
        let mut text = String::new();
        for run in self.runs.iter().filter(|run| run.code != 0 || run.tasks.is_empty()) {
            text +=
                &format!("--- fleet, {} run, exit code {}\n{}\n", run.name, run.code, run.told.trim_end());
        }
        text
    }
}
