//! A file under a hidden name beside its final one, gone again unless it is put in its place.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::target::paths::parent;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A hidden name in the directory of `path` that is not taken.
pub fn hidden_name(path: &Path) -> PathBuf {
    let nanos = jiff::Timestamp::now().subsec_nanosecond();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    parent(path).join(format!(".fleet-{}-{number}-{nanos}", std::process::id()))
}

/// Makes something under a hidden name in the directory of `path`; another name is tried where one is taken.
///
/// # Errors
/// What `make` gives, but for a name that is taken.
pub fn make_hidden<T>(path: &Path, make: impl Fn(&Path) -> io::Result<T>) -> io::Result<(PathBuf, T)> {
    for _ in 0..64 {
        let hidden = hidden_name(path);
        match make(&hidden) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|made| (hidden, made)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// A regular file that is not in its place yet. Dropped, it is removed.
#[derive(Debug)]
pub struct Staged {
    /// Where it is.
    pub path: PathBuf,
    /// Open for writing.
    pub file: File,
    in_place: bool,
}

impl Staged {
    /// A new empty file (0600) beside `path`.
    ///
    /// # Errors
    /// What making it gives.
    pub fn beside(path: &Path) -> io::Result<Self> {
        let (path, file) = make_hidden(path, |hidden| {
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .custom_flags(libc::O_NOFOLLOW)
                .open(hidden)
        })?;
        Ok(Self { path, file, in_place: false })
    }

    /// Puts it in its place, in one step.
    ///
    /// # Errors
    /// What renaming gives, and the file, which is removed when it is dropped.
    pub fn rename(mut self, to: &Path) -> Result<(), (Self, io::Error)> {
        match fs::rename(&self.path, to) {
            Ok(()) => {
                self.in_place = true;
                Ok(())
            }
            Err(error) => Err((self, error)),
        }
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.in_place {
            let _ = fs::remove_file(&self.path);
        }
    }
}
