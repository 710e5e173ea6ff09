//! Removing files and trees without following links.

use std::ffi::{CString, OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, openat, renameat, statat, unlinkat};
use rustix::io::{Errno, Result as SystemResult};

use crate::target::cause::{errno, failed};
use crate::target::paths::is_root_or_nothing;
use crate::wire::{Failure, FailureKind};

/// How deep descriptors are kept open. What lies deeper is moved up first.
const DEEPEST: usize = 64;

/// Removes a path and all below it. Nothing there is fine.
///
/// # Errors
/// The root directory is meant, or what the system gives; a tree may then be partly gone.
pub fn remove(path: &Path) -> Result<(), Failure> {
    if is_root_or_nothing(path) {
        let message = format!("`{}` is the root directory and is not removed", path.display());
        return Err(Failure::new(FailureKind::Other, message));
    }
    let failed_here = |error: Errno| failed("cannot remove", path, &errno(error.raw_os_error()));
    let found = match statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) => found,
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(()),
        Err(error) => return Err(failed_here(error)),
    };
    if FileType::from_raw_mode(found.st_mode) == FileType::Directory {
        let directory = open_directory(CWD, path.as_os_str()).map_err(failed_here)?;
        empty(directory).map_err(|(name, error)| {
            let inner = path.join(name);
            failed("cannot remove", &inner, &errno(error.raw_os_error()))
        })?;
        gone(unlinkat(CWD, path, AtFlags::REMOVEDIR)).map_err(failed_here)
    } else {
        gone(unlinkat(CWD, path, AtFlags::empty())).map_err(failed_here)
    }
}

/// What was removed by someone else meanwhile is removed.
fn gone(result: SystemResult<()>) -> SystemResult<()> {
    match result {
        Err(Errno::NOENT) => Ok(()),
        other => other,
    }
}

fn open_directory(at: impl std::os::fd::AsFd, name: &OsStr) -> SystemResult<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(at, name, flags, Mode::empty())
}

/// One directory that is being emptied.
struct Level {
    directory: OwnedFd,
    name: OsString,
    /// What is left in it, files first.
    left: Vec<(CString, bool)>,
}

impl Level {
    fn new(directory: OwnedFd, name: OsString) -> SystemResult<Self> {
        let left = entries(&directory)?;
        Ok(Self { directory, name, left })
    }
}

/// Empties a directory. The error carries the path below it at which it occurred.
fn empty(top: OwnedFd) -> Result<(), (OsString, Errno)> {
    let mut levels = vec![Level::new(top, OsString::new()).map_err(|error| (OsString::new(), error))?];
    let mut moved = 0_u64;
    loop {
        let depth = levels.len();
        let Some(level) = levels.last_mut() else { return Ok(()) };
        let Some((name, is_directory)) = level.left.pop() else {
            let done = levels.pop();
            match (done, levels.last_mut()) {
                (Some(done), Some(above)) => {
                    let removed = gone(unlinkat(&above.directory, done.name.as_os_str(), AtFlags::REMOVEDIR));
                    removed.map_err(|error| (below(&levels, &done.name), error))?;
                }
                (Some(top), None) => {
                    // what was moved up meanwhile
                    let left = entries(&top.directory).map_err(|error| (OsString::new(), error))?;
                    if left.is_empty() || moved == 0 {
                        return Ok(());
                    }
                    moved = 0;
                    levels.push(Level { left, ..top });
                }
                (None, _) => return Ok(()),
            }
            continue;
        };
        let name = OsString::from_vec(name.into_bytes());
        if !is_directory {
            match gone(unlinkat(&level.directory, name.as_os_str(), AtFlags::empty())) {
                Ok(()) => continue,
                // it became a directory, or its file system does not tell kinds
                Err(Errno::ISDIR | Errno::PERM) => {}
                Err(error) => return Err((below(&levels, &name), error)),
            }
        }
        let opened = open_directory(&level.directory, &name);
        let opened = match opened {
            Ok(opened) => opened,
            Err(Errno::NOENT) => continue,
            // it became something else
            Err(Errno::NOTDIR | Errno::LOOP) => {
                gone(unlinkat(&level.directory, name.as_os_str(), AtFlags::empty()))
                    .map_err(|error| (below(&levels, &name), error))?;
                continue;
            }
            Err(error) => return Err((below(&levels, &name), error)),
        };
        if depth < DEEPEST {
            let next = Level::new(opened, name.clone()).map_err(|error| (below(&levels, &name), error))?;
            levels.push(next);
            continue;
        }
        moved += 1;
        let higher = format!(
            ".fleet-removed-{}-{moved}-{}",
            std::process::id(),
            jiff::Timestamp::now().as_nanosecond()
        );
        if let (Some(top), Some(level)) = (levels.first(), levels.last()) {
            renameat(&level.directory, name.as_os_str(), &top.directory, higher.as_str())
                .map_err(|error| (below(&levels, &name), error))?;
        }
    }
}

/// The path of a name in the deepest level, below the first.
fn below(levels: &[Level], name: &OsStr) -> OsString {
    let mut path = std::path::PathBuf::new();
    for level in levels.iter().skip(1) {
        path.push(&level.name);
    }
    path.push(name);
    path.into_os_string()
}

/// The entries of a directory with whether each is a directory; directories first, so that files are taken first.
fn entries(directory: &OwnedFd) -> SystemResult<Vec<(CString, bool)>> {
    let mut found = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let kind = match entry.file_type() {
            FileType::Unknown => {
                match statat(directory, OsStr::from_bytes(name.to_bytes()), AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(found) => FileType::from_raw_mode(found.st_mode),
                    Err(_) => FileType::Unknown,
                }
            }
            known => known,
        };
        found.push((name.to_owned(), kind == FileType::Directory));
    }
    found.sort_by_key(|(_, is_directory)| !is_directory);
    Ok(found)
}
