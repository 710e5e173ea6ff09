//! Work that outlives the connection: a program that a supervisor on the host carries out, and the file that tells of
//! it.

use serde::{Deserialize, Serialize};

use super::action::{Action, Bytes};
use super::outcome::Outcome;
use crate::base::{Map, Value};

/// A program that is started on the host and left alone there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Ansible's `ansible_job_id`, the name of the file that tells of the job.
    pub id: String,
    /// The directory of that file, as Ansible's `ansible_async_dir`; made where it is not there.
    pub directory: String,
    /// Seconds after which what still runs is killed.
    pub seconds: u32,
    /// What is done, in order, up to the first failure. Where there is nothing the job has ended already.
    pub actions: Vec<Action>,
    /// An encoded [`Recipe`]; it is kept with the job, the target does not look into it.
    #[serde(with = "serde_bytes")]
    pub recipe: Vec<u8>,
}

/// What the controller needs to make a task's result of a job's outcomes, in this run or in another.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// The module's full name.
    pub module: String,
    /// Its parameters as they were given.
    pub given: Vec<(String, Value)>,
    /// What is done, without contents and secrets.
    pub actions: Vec<Action>,
    /// Whether the task counts as changed.
    pub changed: bool,
    /// What is done, in words.
    pub summary: String,
    /// The result as predicted.
    pub result: Map,
    /// Facts for the host.
    pub facts: Map,
    /// Warnings for the user.
    pub warnings: Vec<String>,
    /// That a secret was read on the way to it.
    pub tainted: bool,
    /// That nothing was left to do: what is here is the result.
    pub settled: bool,
    /// The message of a failure, of what is settled.
    pub failure: Option<String>,
}

/// What the file of a job that has ended holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobRecord {
    /// As it was given.
    #[serde(with = "serde_bytes")]
    pub recipe: Vec<u8>,
    /// What became of the actions; those after a failure are missing.
    pub outcomes: Vec<Outcome>,
}

impl Action {
    /// The same without contents and secrets: enough to tell what it was.
    #[must_use]
    pub fn thinned(&self) -> Self {
        let mut thin = self.clone();
        match &mut thin {
            Self::WriteFile { content, .. } => *content = Bytes::Inline(Vec::new()),
            Self::Run(command) => {
                command.environment.clear();
                command.stdin = None;
                command.files.clear();
            }
            Self::Converse(dialogue) => {
                dialogue.command.environment.clear();
                dialogue.answers.clear();
            }
            Self::Http(request) => {
                request.headers.clear();
                request.body = None;
            }
            Self::StartJob(job) => {
                job.actions = job.actions.iter().map(Self::thinned).collect();
                job.recipe.clear();
            }
            Self::SetAttributes { .. }
            | Self::MakeDirectory { .. }
            | Self::Symlink { .. }
            | Self::HardLink { .. }
            | Self::Touch { .. }
            | Self::Remove { .. }
            | Self::Raw { .. }
            | Self::Remember { .. }
            | Self::Forget { .. } => {}
        }
        thin
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Command, Sealed};

    #[test]
    fn what_is_kept_of_an_action_has_no_secret() {
        let mut command = Command::argv(["psql"]).env("PGPASSWORD", "hunter2");
        command.stdin = Some(Sealed::text("hunter2"));
        let kept = Action::Run(command).thinned();
        let bytes = crate::wire::frame::encode(&kept).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("hunter2"));
        assert_eq!(kept, Action::Run(Command::argv(["psql"])));
    }
}
