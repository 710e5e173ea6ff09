//! What can be asked of a host. A query is also the key under which its answer is kept.

use serde::{Deserialize, Serialize};

use super::command::Command;

/// Whether the last component of a path is followed when it is a symbolic link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Follow {
    /// As `stat`.
    Yes,
    /// As `lstat`.
    No,
}

/// A hash function for file contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Algorithm {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// The kind of a directory entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum FileKind {
    File,
    Directory,
    Symlink,
    Fifo,
    Socket,
    CharDevice,
    BlockDevice,
}

/// One question to a host. Asking changes nothing there and takes no locks.
///
/// Paths are absolute, or start with `~` or `~user` (the target expands them for the user it runs as).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Query {
    /// What a path is: [`super::Stat`] or nothing.
    Stat {
        /// The path.
        path: String,
        /// Whether a final link is followed.
        follow: Follow,
    },
    /// The hash of a regular file's content (links are followed).
    Digest {
        /// The path.
        path: String,
        /// The hash function.
        algorithm: Algorithm,
        /// Above this size in bytes the answer is `TooLarge`; look-ahead sets it, a task's own turn does not.
        limit: Option<u64>,
    },
    /// The content of a regular file (links are followed) up to a size.
    Content {
        /// The path.
        path: String,
        /// Above this size in bytes the answer is `TooLarge`.
        limit: u64,
    },
    /// The entries of a directory, sorted by name.
    List {
        /// The path.
        path: String,
    },
    /// Everything below a directory, sorted by path, each with its `lstat`. Does not cross links.
    Tree {
        /// The path.
        path: String,
    },
    /// A user by name, from getpwnam's sources, with their groups and the lock state of their password.
    User {
        /// The login name.
        name: String,
    },
    /// A group by name.
    Group {
        /// The group's name.
        name: String,
    },
    /// A package in the host's native package manager (dpkg/apt where there is one): installed and candidate version.
    Package {
        /// Its name as the package manager takes it (`nginx`, `libc6:amd64`).
        name: String,
    },
    /// When the package lists were refreshed last (seconds since the epoch, as a `Number`).
    PackageListsAge,
    /// A unit of the system manager.
    Unit {
        /// The unit's full name (`nginx.service`).
        name: String,
        /// `None` for the system manager, else the user whose manager it is.
        user: Option<String>,
    },
    /// The output of a command that reads only.
    Command(Command),
    /// The answer to an HTTP request that reads only.
    Http(Box<super::action::HttpRequest>),
    /// As `Http`, with the body of an answer with status 200 put where [`super::action::Bytes::Sent`] finds it.
    Download(Box<super::action::HttpRequest>),
    /// Facts as Ansible's `setup` names them, without the `ansible_` prefix.
    Facts {
        /// Ansible's `gather_subset`: `all`, `min`, `!hardware`, `network` …
        subset: Vec<String>,
        /// Ansible's `fact_path`.
        fact_path: String,
        /// Seconds for each slow collector.
        timeout: u32,
    },
    /// Whether a TCP connection succeeds (`Flag`).
    Port {
        /// Host name or address, resolved on the target.
        host: String,
        /// Port.
        port: u16,
        /// Milliseconds.
        timeout: u32,
    },
    /// The entries remembered under a key in fleet's own state on that host (`Names`).
    Remembered {
        /// The key.
        key: String,
    },
}

impl Query {
    /// Whether its answer is fetched over the network: not one to ask for again because something has changed.
    pub fn is_remote(&self) -> bool {
        match self {
            // what listens on a socket is on the host; what is posted there is passed on
            Self::Http(request) => request.unix_socket.is_none() || request.method != "GET",
            Self::Download(_) => true,
            _ => false,
        }
    }

    /// The path that is asked about, for queries about one.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Stat { path, .. }
            | Self::Digest { path, .. }
            | Self::Content { path, .. }
            | Self::List { path }
            | Self::Tree { path } => Some(path),
            Self::User { .. }
            | Self::Group { .. }
            | Self::Package { .. }
            | Self::PackageListsAge
            | Self::Unit { .. }
            | Self::Command(_)
            | Self::Http(_)
            | Self::Download(_)
            | Self::Facts { .. }
            | Self::Port { .. }
            | Self::Remembered { .. } => None,
        }
    }
}
