//! Locks between fleets on one machine. The kernel drops them when their holder ends, however it ends.

use std::fs::{self, File, TryLockError};
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
        let cannot = || format!("cannot lock `{}`", path.display());
        let mut told = false;
        loop {
            if let Some(directory) = path.parent() {
                fs::create_dir_all(directory).map_err(LabError::because(cannot()))?;
            }
            let opened = File::options().create(true).truncate(false).write(true).open(path);
            let file = match opened {
                Ok(file) => file,
                // Another process removed the empty directory between the two calls.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(LabError::because(cannot())(error)),
            };
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    if !told {
                        told = true;
                        on_wait();
                    }
                    file.lock().map_err(LabError::because(cannot()))?;
                }
                Err(TryLockError::Error(error)) => return Err(LabError::because(cannot())(error)),
            }
            // The holder before us may have removed the file: then this lock is nobody's.
            let ours = file.metadata().map_err(LabError::because(cannot()))?;
            if fs::metadata(path).is_ok_and(|now| now.ino() == ours.ino() && now.dev() == ours.dev()) {
                return Ok(Self { file, path: path.to_path_buf() });
            }
        }
    }

    /// Gives the lock back and removes its file.
    pub(super) fn remove(self) {
        let Self { file, path } = self;
        // Removed while it is held; a failure leaves an empty file, which the next holder takes.
        let _ = fs::remove_file(path);
        drop(file);
    }
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
        first.remove();
        assert_eq!(waiter.join().unwrap(), 1);
        assert!(!path.exists());
    }
}
