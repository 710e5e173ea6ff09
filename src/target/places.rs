//! Where fleet keeps its own state on the host.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The directories of one user's fleet on a host.
#[derive(Clone, Debug)]
pub struct Places {
    /// What is remembered between runs.
    pub state: PathBuf,
    /// Contents on their way to their files.
    pub spool: PathBuf,
    /// Orders for jobs that are about to start.
    pub jobs: PathBuf,
}

impl Places {
    /// The places of a user: `/var/lib/fleet` for root, `$XDG_STATE_HOME/fleet` or `~/.local/state/fleet` for others.
    pub fn of(uid: u32, home: &Path) -> Self {
        if uid == 0 {
            return Self::below(Path::new("/var/lib/fleet"));
        }
        let given = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        Self::below(&given.unwrap_or_else(|| home.join(".local/state")).join("fleet"))
    }

    /// The places below one directory.
    pub fn below(directory: &Path) -> Self {
        Self { state: directory.join("state"), spool: directory.join("spool"), jobs: directory.join("jobs") }
    }
}

/// Makes a private directory (0700) where there is none, with those above it (0755 less the umask).
///
/// # Errors
/// What making a directory gives.
pub fn make_private(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    if let Some(above) = directory.parent() {
        DirBuilder::new().recursive(true).mode(0o755).create(above)?;
    }
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Makes the entries of a directory durable. File systems that cannot are left alone.
///
/// # Errors
/// What opening the directory gives, or a failed write.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    match fs::File::open(directory)?.sync_all() {
        Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EROFS)) => Ok(()),
        other => other,
    }
}
