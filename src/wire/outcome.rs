//! What became of an action.

use serde::{Deserialize, Serialize};

use super::command::CommandOutput;

/// What became of one action.
pub type Outcome = Result<Done, Failure>;

/// What an action that succeeded has to tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Done {
    /// Nothing beyond having been done.
    Plain,
    /// A file was written.
    Written {
        /// The backup that was made of the former content.
        backup: Option<String>,
    },
    /// A command ran.
    Ran(CommandOutput),
    /// A request was answered.
    Answered(HttpAnswer),
    /// A job was started.
    Started {
        /// The file that tells of it, as an absolute path.
        file: String,
    },
}

/// The answer to an HTTP request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpAnswer {
    /// Status code.
    pub status: u16,
    /// Reason phrase or the status code's usual one.
    pub reason: String,
    /// The URL after redirects.
    pub url: String,
    /// Headers in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body (empty where it was not asked for).
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
    /// Microseconds it took.
    pub elapsed: u64,
}

/// Why an action did not happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The kind of failure.
    pub kind: FailureKind,
    /// The cause in words, with the path or command it concerns.
    pub message: String,
    /// errno where the system gave one.
    pub errno: Option<i32>,
    /// The output of the command that failed (its own or its validation's).
    pub output: Option<CommandOutput>,
}

/// The kinds of failures that the engine or a module treats differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// What was to be replaced is not what was observed: observe and plan again.
    Stale,
    /// No space or quota left.
    NoSpace,
    /// Not permitted.
    Permission,
    /// Something that had to be there is not.
    NotFound,
    /// A command exited with a status other than 0.
    Status,
    /// The validation of a staged file failed; the old file is untouched.
    Validation,
    /// Time ran out.
    Timeout,
    /// A connection or request failed.
    Network,
    /// Not run because an earlier step failed.
    NotRun,
    /// Anything else.
    Other,
}

impl Failure {
    /// A failure of a kind with its message.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), errno: None, output: None }
    }
}
