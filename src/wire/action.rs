//! What can be done on a host: the small instruction set of changes.

use serde::{Deserialize, Serialize};

use super::command::{Command, Sealed};
use super::job::Job;
use super::observation::{GroupEntry, PackageState, Stat, UnitState, UserEntry};
use super::query::{Follow, Query};

/// A user or group by name or number.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Owner {
    /// By name; resolved on the target when the action runs.
    Name(String),
    /// By number.
    Id(u32),
}

/// Attributes of a file; what is `None` stays as it is (for a new file: the process's default).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Attributes {
    /// Permission bits (`0o7777`).
    pub mode: Option<u32>,
    /// Owner.
    pub owner: Option<Owner>,
    /// Group.
    pub group: Option<Owner>,
}

/// What a write expects to replace. If it finds anything else it fails with `Stale`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expect {
    /// Nothing at that path.
    Absent,
    /// A regular file with this SHA-256 (hexadecimal) …
    Sha256(String),
    /// … or with this SHA-1.
    Sha1(String),
    /// Whatever is there.
    Anything,
}

/// Bytes for a file: in the frame when small, else sent ahead and named by their SHA-256, or those of another file there.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Bytes {
    /// In the frame.
    Inline(#[serde(with = "serde_bytes")] Vec<u8>),
    /// Sent ahead by `ToTarget::Content`.
    Sent {
        /// SHA-256 in hexadecimal.
        sha256: String,
        /// SHA-1 in hexadecimal, for prediction.
        sha1: String,
        /// Bytes.
        size: u64,
        /// The controller's file to stream it from; never leaves the controller.
        #[serde(skip)]
        path: Option<std::path::PathBuf>,
    },
    /// The content of a file that is on the host already.
    OnHost {
        /// That file.
        path: String,
        /// SHA-1 in hexadecimal that it must have; anything else is `Stale`.
        sha1: String,
        /// Bytes.
        size: u64,
    },
}

impl Bytes {
    /// Number of bytes.
    pub fn size(&self) -> u64 {
        match self {
            Self::Inline(bytes) => bytes.len() as u64,
            Self::Sent { size, .. } | Self::OnHost { size, .. } => *size,
        }
    }

    /// SHA-256 in hexadecimal, where it is known.
    pub fn sha256(&self) -> Option<String> {
        match self {
            Self::Inline(bytes) => Some(hex(&<sha2::Sha256 as sha2::Digest>::digest(bytes))),
            Self::Sent { sha256, .. } => Some(sha256.clone()),
            Self::OnHost { .. } => None,
        }
    }

    /// SHA-1 in hexadecimal, as Ansible's `checksum`.
    pub fn sha1(&self) -> String {
        match self {
            Self::Inline(bytes) => hex(&<sha1::Sha1 as sha1::Digest>::digest(bytes)),
            Self::Sent { sha1, .. } | Self::OnHost { sha1, .. } => sha1.clone(),
        }
    }
}

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bytes({} bytes, sha1 {})", self.size(), self.sha1())
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// One instruction that may change the host. Paths as in [`Query`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// Writes a regular file: to a hidden name beside it, synced, attributes set, then renamed over it.
    WriteFile {
        /// The path. A final symbolic link is followed or replaced as `follow` says.
        path: String,
        /// The new content.
        content: Bytes,
        /// Attributes of the new file. What is `None`: as the file that is replaced; for a new file mode 0666
        /// less the umask, owner and group of the session.
        attributes: Attributes,
        /// What it expects to replace.
        expect: Expect,
        /// Keep the former file as `PATH.PID.YYYY-MM-DD@HH:MM:SS~`, as Ansible's `backup`.
        backup: bool,
        /// A command that must accept the staged file before it is renamed; `%s` stands for its path.
        validate: Option<String>,
        /// Whether a final link is followed.
        follow: Follow,
        /// Whether it may be written in place where it cannot be replaced (a mount of its own).
        in_place: bool,
    },
    /// Sets owner, group and mode.
    SetAttributes {
        /// The path.
        path: String,
        /// What is set.
        attributes: Attributes,
        /// Whether a final link is followed.
        follow: Follow,
    },
    /// Makes one directory whose parent exists. One that is there already is fine; its attributes are set.
    MakeDirectory {
        /// The path.
        path: String,
        /// Its attributes; the mode where `None` is 0777 less the umask.
        attributes: Attributes,
    },
    /// Makes a symbolic link, atomically replacing a link or file (not a directory that has entries).
    Symlink {
        /// The link.
        path: String,
        /// Its text.
        target: String,
        /// Owner and group of the link itself.
        attributes: Attributes,
    },
    /// Makes a hard link, atomically replacing a file.
    HardLink {
        /// The new name.
        path: String,
        /// The existing file.
        target: String,
    },
    /// Creates an empty file where there is none and sets times where given (nanoseconds; `None` keeps, `Some(None)` is now).
    Touch {
        /// The path.
        path: String,
        /// Access time.
        #[serde(with = "instant")]
        accessed: Option<Option<i64>>,
        /// Modification time.
        #[serde(with = "instant")]
        modified: Option<Option<i64>>,
        /// Attributes that are set.
        attributes: Attributes,
    },
    /// Removes a file, link, or a directory with all that is in it. Nothing there is fine. Links are not followed.
    Remove {
        /// The path.
        path: String,
    },
    /// Runs a command.
    Run(Command),
    /// Runs a command on a terminal of its own and answers its questions.
    Converse(Box<Dialogue>),
    /// Makes an HTTP request from the host.
    Http(HttpRequest),
    /// A text for the login shell over the bare connection: works where nothing can be run from a file.
    Raw {
        /// The text.
        text: String,
    },
    /// Adds names under a key in fleet's own state on the host, synced before the next step runs.
    Remember {
        /// The key.
        key: String,
        /// The names.
        names: Vec<String>,
    },
    /// Starts work that goes on without the connection.
    StartJob(Box<Job>),
    /// Takes names under a key out of fleet's own state.
    Forget {
        /// The key.
        key: String,
        /// The names.
        names: Vec<String>,
    },
}

/// A time that may be now, on the wire: by itself `Some(None)` would come back as `None`.
mod instant {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::option_option, reason = "as the action has it")]
    #[expect(clippy::ref_option, reason = "as serde calls it")]
    pub fn serialize<S: Serializer>(time: &Option<Option<i64>>, to: S) -> Result<S::Ok, S::Error> {
        time.map(|time| (time,)).serialize(to)
    }

    #[expect(clippy::option_option, reason = "as the action has it")]
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<i64>>, D::Error> {
        Ok(Option::<(Option<i64>,)>::deserialize(from)?.map(|(time,)| time))
    }
}

/// A command that is run on a terminal and asks questions. It must succeed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dialogue {
    /// The command; what it would read from standard input is typed in.
    pub command: Command,
    /// What is typed in where a regular expression (Python's) finds something in what was said since the last answer.
    pub answers: Vec<(String, Answers)>,
    /// Seconds of waiting for the next question, or for the end, after which it is killed.
    pub patience: Option<u32>,
    /// Whether the terminal shows what is typed in.
    pub echo: bool,
}

/// What answers a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answers {
    /// The same line each time.
    Same(Sealed),
    /// One line after another; being asked once more is a failure.
    Each(Vec<Sealed>),
}

/// An HTTP request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HttpRequest {
    /// `GET`, `POST` …
    pub method: String,
    /// The URL.
    pub url: String,
    /// Headers in order.
    pub headers: Vec<(String, Sealed)>,
    /// Body.
    pub body: Option<Sealed>,
    /// Seconds for the whole exchange.
    pub timeout: u32,
    /// Ansible's `follow_redirects`: `all`, `none`, `safe`, `urllib2`.
    pub follow_redirects: String,
    /// Whether certificates are checked.
    pub validate_certs: bool,
    /// Connect to this socket instead of the URL's host.
    pub unix_socket: Option<String>,
    /// Bytes of the body that are kept; more is an error.
    pub body_limit: u64,
    /// A file of the host with certificates of authorities, in place of those that it trusts.
    pub authorities: Option<String>,
    /// A file of the host with the client's certificate.
    pub certificate: Option<String>,
    /// A file of the host with the certificate's key; where `None` it is in the certificate's file.
    pub key: Option<String>,
    /// Which answers count as done, for a change; a question takes every answer.
    pub accepts: Accepts,
    /// Whether it is made again for a while, for a change.
    pub again: Option<Again>,
}

/// Which answers to a request count as done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Accepts {
    /// Every answer.
    #[default]
    Any,
    /// Those with a status below 400; what the others say is the failure.
    Success {
        /// Further statuses that count as done.
        also: Vec<u16>,
        /// Texts that tell of a failure where the body has one of them, whatever the status.
        without: Vec<String>,
    },
}

/// A request that is made again, a second after the last answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Again {
    /// As long as the body has one of these texts.
    pub texts: Vec<String>,
    /// Seconds after which it has failed.
    pub timeout: u32,
}

impl HttpRequest {
    /// A `GET` with nothing else set.
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            method: "GET".to_owned(),
            url: url.into(),
            headers: Vec::new(),
            body: None,
            timeout: 30,
            follow_redirects: "urllib2".to_owned(),
            validate_certs: true,
            unix_socket: None,
            body_limit: 32 << 20,
            authorities: None,
            certificate: None,
            key: None,
            accepts: Accepts::Any,
            again: None,
        }
    }
}

/// A change: an action with what it does to what is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The instruction.
    pub action: Action,
    /// What it is predicted to do beyond what follows from the action itself (a command that adds a user …).
    pub effects: Vec<Effect>,
    /// What may be different afterwards. The default is everything.
    pub footprint: Footprint,
}

/// What may be different after a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Footprint {
    /// Every observation of that host is spoiled.
    #[default]
    Everything,
    /// No observation is spoiled (fleet's own state, a request that reads).
    Nothing,
}

/// A declared effect of a change on observations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Effect {
    /// A user is there like this, or not any more.
    User(String, Option<UserEntry>),
    /// A group is there like this, or not any more.
    Group(String, Option<GroupEntry>),
    /// A package stands like this.
    Package(String, PackageState),
    /// A unit stands like this.
    Unit(String, UnitState),
    /// A path is like this, or not there; its content becomes unknown.
    Path(String, Option<Stat>),
    /// The answer to this query cannot be known before the change has run.
    Unknown(Query),
    /// The answer to this query will be this.
    Answer(Query, super::Observation),
}

impl Change {
    /// A change with no declared effects and the default footprint.
    pub fn new(action: Action) -> Self {
        let footprint = match action {
            Action::Remember { .. } | Action::Forget { .. } => Footprint::Nothing,
            _ => Footprint::Everything,
        };
        Self { action, effects: Vec::new(), footprint }
    }

    /// With one more declared effect.
    pub fn effect(mut self, effect: Effect) -> Self {
        self.effects.push(effect);
        self
    }
}
