//! The answers to queries.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::command::CommandOutput;
use super::query::FileKind;
use crate::base::Map;

/// What a path is. Times are nanoseconds since the epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "fields as in stat(2)")]
pub struct Stat {
    pub kind: FileKind,
    /// Permission bits with setuid, setgid and sticky (`0o7777`).
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    /// Owner's name, where the host knows one.
    pub owner: Option<String>,
    /// Group's name, where the host knows one.
    pub group: Option<String>,
    pub size: u64,
    pub inode: u64,
    pub device: u64,
    pub links: u64,
    /// Blocks of 512 bytes that it takes.
    pub blocks: u64,
    pub block_size: u64,
    /// The device that it is, for device files (`st_rdev`).
    pub device_type: u64,
    pub accessed: i64,
    pub modified: i64,
    pub changed: i64,
    /// Text of the link where it is one.
    pub target: Option<String>,
    /// The path with all links resolved, where `target` is set and resolves.
    pub resolved: Option<String>,
    /// What the asking user may do: `access(2)` with R_OK, W_OK, X_OK.
    pub readable: bool,
    pub writeable: bool,
    pub executable: bool,
    /// SELinux context, where the host has one.
    pub context: Option<String>,
    /// Whether it is this prediction's guess (`uid`, times, `inode` are then meaningless).
    pub predicted: bool,
}

impl Stat {
    /// A path that a plan makes, as far as that is known before: empty, `owner`'s and of the group of that name.
    pub fn predicted(kind: FileKind, mode: u32, owner: &str) -> Self {
        Self {
            kind,
            mode,
            uid: 0,
            gid: 0,
            owner: Some(owner.to_owned()),
            group: Some(owner.to_owned()),
            size: 0,
            inode: 0,
            device: 0,
            links: 1,
            blocks: 0,
            block_size: 4096,
            device_type: 0,
            accessed: 0,
            modified: 0,
            changed: 0,
            target: None,
            resolved: None,
            readable: true,
            writeable: true,
            executable: kind == FileKind::Directory || mode & 0o111 != 0,
            context: None,
            predicted: true,
        }
    }
}

/// The answer to [`super::Query::Digest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Digest {
    /// No such path.
    Absent,
    /// Not a regular file.
    NotAFile(FileKind),
    /// Larger than the query's limit.
    TooLarge {
        /// Bytes.
        size: u64,
    },
    /// The hash in lower-case hexadecimal.
    Hash {
        /// Hexadecimal.
        hex: String,
        /// Bytes.
        size: u64,
    },
}

/// The answer to [`super::Query::Content`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// No such path.
    Absent,
    /// Not a regular file.
    NotAFile(FileKind),
    /// Larger than the query's limit.
    TooLarge {
        /// Bytes.
        size: u64,
    },
    /// The bytes.
    Bytes(#[serde(with = "serde_bytes")] Vec<u8>),
}

/// An entry of a directory or of a tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Name in the directory; for a tree the path below its root.
    pub name: String,
    /// Its `lstat`.
    pub stat: Stat,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "fields as in passwd(5)")]
pub struct UserEntry {
    pub name: String,
    /// `None` where the user is predicted and the host will choose the number.
    pub uid: Option<u32>,
    /// Primary group's number; `None` where it is predicted.
    pub gid: Option<u32>,
    /// Primary group's name.
    pub group: Option<String>,
    pub comment: String,
    pub home: String,
    pub shell: String,
    /// Names of the supplementary groups, sorted.
    pub groups: Vec<String>,
    /// The hash in shadow(5); `None` where the asking user may not read it.
    pub password: Option<super::Sealed>,
    /// Days since the epoch at which the account expires, where it does.
    pub expires: Option<i64>,
    /// shadow(5)'s minimum, maximum and warning days.
    pub password_days: Option<(Option<i64>, Option<i64>, Option<i64>)>,
    /// Whether it stands in /etc/passwd (not in LDAP or sssd).
    pub local: bool,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "fields as in group(5)")]
pub struct GroupEntry {
    pub name: String,
    /// `None` where the group is predicted and the host will choose the number.
    pub gid: Option<u32>,
    pub members: Vec<String>,
    /// Whether it stands in /etc/group.
    pub local: bool,
}

/// How a package stands in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PackageStatus {
    /// Not known, or known and not installed.
    Absent,
    /// Removed, its configuration files are there.
    ConfigFiles,
    /// Unpacked or half-configured: needs the package manager.
    Broken,
    /// Installed.
    Installed,
}

/// A package: what is there and what could be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageState {
    /// How it stands.
    pub status: PackageStatus,
    /// Installed version.
    pub version: Option<String>,
    /// The version that an installation would bring; `None` where no repository has it (or none is known here).
    pub candidate: Option<String>,
    /// Whether another installed package provides this name.
    pub provided_by: Vec<String>,
    /// Whether the package is held.
    pub held: bool,
    /// Versions that the repositories offer.
    pub available: Vec<String>,
}

/// A unit of the system manager: the properties of `systemctl show` that modules use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitState {
    /// `LoadState`: `loaded`, `not-found`, `masked` …
    pub load: String,
    /// `ActiveState`: `active`, `inactive`, `failed` …
    pub active: String,
    /// `SubState`: `running`, `dead` …
    pub sub: String,
    /// `systemctl is-enabled`: `enabled`, `disabled`, `static`, `masked`, `` where there is no unit file …
    pub enabled: String,
    /// All properties that `systemctl show` gives, for Ansible's `status`.
    pub properties: BTreeMap<String, String>,
}

/// Why something could not be observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObserveError {
    /// errno where the system gave one.
    pub errno: Option<i32>,
    /// The cause in words, without the path.
    pub message: String,
}

/// The answer to [`super::Query::Download`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Download {
    /// The answer, without its body.
    pub answer: super::outcome::HttpAnswer,
    /// The body, where the status is 200.
    pub content: Option<super::action::Bytes>,
    /// Its hashes in hexadecimal.
    pub digests: Vec<(super::query::Algorithm, String)>,
}

/// An answer. Each query has one kind of answer, or `Failed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named after the queries")]
pub enum Observation {
    Stat(Option<Stat>),
    Digest(Digest),
    Content(Content),
    /// For `List` and `Tree`; `None` where there is no such directory.
    Entries(Option<Vec<Entry>>),
    User(Option<UserEntry>),
    Group(Option<GroupEntry>),
    Package(PackageState),
    Unit(UnitState),
    Command(CommandOutput),
    Http(super::outcome::HttpAnswer),
    Download(Download),
    Facts(Map),
    Flag(bool),
    Number(Option<i64>),
    Names(Vec<String>),
    Failed(ObserveError),
}
