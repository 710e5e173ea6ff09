//! Locks between fleets on one machine. The kernel drops them when their holder ends, however it ends.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::error::{LabError, Result};

/// A held lock (`flock` on a file of its own).
pub(super) struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Takes the lock; `on_wait` is called once if another process has it.
    pub(super) fn take(path: &Path, on_wait: &mut dyn FnMut()) -> Result<Self> {
        if let Some(lock) = Self::take_if_free(path)? {
            return Ok(lock);
        }
        on_wait();
        loop {
            let file = open(path)?;
            file.lock().map_err(LabError::because(cannot(path)))?;
            if let Some(lock) = Self::held(file, path)? {
                return Ok(lock);
            }
        }
    }

    /// Takes the lock, unless another process has it.
    pub(super) fn take_if_free(path: &Path) -> Result<Option<Self>> {
        loop {
            let file = open(path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(LabError::because(cannot(path))(error)),
            }
            if let Some(lock) = Self::held(file, path)? {
                return Ok(Some(lock));
            }
        }
    }

    /// The lock, unless the holder before us removed the file: then it is nobody's.
    fn held(file: File, path: &Path) -> Result<Option<Self>> {
        let ours = file.metadata().map_err(LabError::because(cannot(path)))?;
        let same = |now: fs::Metadata| now.ino() == ours.ino() && now.dev() == ours.dev();
        let is_there = fs::metadata(path).is_ok_and(same);
        Ok(is_there.then(|| Self { file, path: path.to_path_buf() }))
    }

    /// Gives the lock back and removes its file.
    pub(super) fn remove(self) {
        let Self { file, path } = self;
        // Removed while it is held; a failure leaves an empty file, which the next holder takes.
        let _ = fs::remove_file(path);
        drop(file);
    }
}

/// The lock's file, made with its directory if it is missing.
fn open(path: &Path) -> Result<File> {
    loop {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).map_err(LabError::because(cannot(path)))?;
        }
        match File::options().create(true).truncate(false).write(true).open(path) {
            // Another process removed the empty directory between the two calls.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened.map_err(LabError::because(cannot(path))),
        }
    }
}

fn cannot(path: &Path) -> String {
    format!("cannot lock `{}`", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_taker_waits_and_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("below/lock");
        let first = Lock::take(&path, &mut || panic!("free")).unwrap();
        let waiter = {
            let path = path.clone();
            std::thread::spawn(move || {
                let mut told = 0;
                Lock::take(&path, &mut || told += 1).unwrap().remove();
                told
            })
        };
        std::thread::sleep(std::time::Duration::from_millis(200));
        assert!(Lock::take_if_free(&path).unwrap().is_none());
        first.remove();
        assert_eq!(waiter.join().unwrap(), 1);
        assert!(!path.exists());
    }
}
