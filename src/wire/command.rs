//! A command to run on a host, and what it left behind.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::action::Bytes;
use crate::base::Secret;

/// Stands in a command's program and arguments for the directory that its [`Command::files`] lie in.
pub const FILES: &str = "@fleet-files@";

/// A secret inside a frame: the one place where a [`Secret`] is serialised.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Sealed(Secret);

impl Sealed {
    /// Seals a secret for the host that needs it.
    pub fn new(secret: Secret) -> Self {
        Self(secret)
    }

    /// Seals a text.
    pub fn text(text: impl AsRef<str>) -> Self {
        Self(Secret::new(text.as_ref()))
    }

    /// The text; for the executor and for prediction only.
    pub fn open(&self) -> &str {
        self.0.reveal()
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl PartialOrd for Sealed {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Sealed {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.open().cmp(other.open())
    }
}

impl Serialize for Sealed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.open())
    }
}

impl<'de> Deserialize<'de> for Sealed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::text)
    }
}

/// What is run.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Program {
    /// A program with its arguments, found through `PATH`; no shell.
    Argv(Vec<String>),
    /// A text for a shell, run as `executable -c text`.
    Shell {
        /// The text.
        text: String,
        /// The shell, usually `/bin/sh`.
        executable: String,
    },
}

/// A command. It runs in its own process group; it is over when the process has exited and its pipes are quiet.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Command {
    /// What is run.
    pub program: Program,
    /// Working directory; the session's own where `None`.
    pub directory: Option<String>,
    /// Variables that are added to the session's environment.
    pub environment: Vec<(String, Sealed)>,
    /// What the command reads from standard input; `/dev/null` where `None`.
    pub stdin: Option<Sealed>,
    /// Seconds after which the process group is killed.
    pub timeout: Option<u32>,
    /// File mode creation mask.
    pub umask: Option<u32>,
    /// Whether an exit status other than 0 is a failure that stops the program of steps.
    pub must_succeed: bool,
    /// Contents that lie, under these names and executable, in a private directory as long as it runs; [`FILES`] in the
    /// program and its arguments stands for that directory.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<(String, Bytes)>,
}

impl Command {
    /// A program with arguments that must succeed, with nothing else set.
    pub fn argv<S: Into<String>>(arguments: impl IntoIterator<Item = S>) -> Self {
        Self {
            program: Program::Argv(arguments.into_iter().map(Into::into).collect()),
            directory: None,
            environment: Vec::new(),
            stdin: None,
            timeout: None,
            umask: None,
            must_succeed: true,
            files: Vec::new(),
        }
    }

    /// A shell text that must succeed, with nothing else set.
    pub fn shell(text: impl Into<String>) -> Self {
        Self {
            program: Program::Shell { text: text.into(), executable: "/bin/sh".to_owned() },
            ..Self::argv([""; 0])
        }
    }

    /// With one more environment variable.
    pub fn env(mut self, name: impl Into<String>, value: impl AsRef<str>) -> Self {
        self.environment.push((name.into(), Sealed::text(value)));
        self
    }

    /// With a content beside it while it runs.
    pub fn file(mut self, name: impl Into<String>, content: Bytes) -> Self {
        self.files.push((name.into(), content));
        self
    }

    /// An exit status other than 0 is a result, not a failure.
    pub fn may_fail(mut self) -> Self {
        self.must_succeed = false;
        self
    }
}

/// What a command left behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandOutput {
    /// Exit status; a command ended by a signal has minus the signal's number, as Python's subprocess.
    pub status: i32,
    /// Standard output.
    #[serde(with = "serde_bytes")]
    pub stdout: Vec<u8>,
    /// Standard error.
    #[serde(with = "serde_bytes")]
    pub stderr: Vec<u8>,
    /// Start on the host's clock, microseconds since the epoch.
    pub started: i64,
    /// End on the host's clock, microseconds since the epoch.
    pub ended: i64,
    /// The host's offset from UTC in seconds, for Ansible's `start` and `end` in local time.
    pub utc_offset: i32,
    /// Whether the time-out killed it.
    pub timed_out: bool,
}
