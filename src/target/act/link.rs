//! Making links: under a hidden name, then renamed over what is there.

use std::fs;
use std::os::unix::fs::symlink as make_symlink;
use std::path::Path;

use super::attributes::{Numbers, apply};
use super::staged::make_hidden;
use crate::target::cause::failed;
use crate::target::host::Host;
use crate::target::paths::parent;
use crate::target::places::sync_directory;
use crate::wire::{Attributes, Failure, Follow};

/// Makes a symbolic link, replacing a file, a link or an empty directory.
///
/// # Errors
/// What the system gives; what was there is then still there, but for an empty directory.
pub fn symlink(host: &Host, path: &Path, target: &str, attributes: &Attributes) -> Result<(), Failure> {
    let wanted = Numbers { mode: None, ..Numbers::of(host, attributes)? };
    let (hidden, ()) = make_hidden(path, |hidden| make_symlink(target, hidden))
        .map_err(|error| failed("cannot make the link", path, &error))?;
    apply(&hidden, wanted, Follow::No).and_then(|()| put(&hidden, path)).inspect_err(|_| {
        let _ = fs::remove_file(&hidden);
    })
}

/// Makes a hard link, replacing a file, a link or an empty directory.
///
/// # Errors
/// As [`symlink`].
pub fn hard_link(path: &Path, target: &Path) -> Result<(), Failure> {
    let (hidden, ()) = make_hidden(path, |hidden| fs::hard_link(target, hidden))
        .map_err(|error| failed("cannot make the link", path, &error))?;
    let put = put(&hidden, path);
    // renaming one name of a file over another name of it does nothing and leaves both
    let _ = fs::remove_file(&hidden);
    put
}

fn put(hidden: &Path, path: &Path) -> Result<(), Failure> {
    if fs::symlink_metadata(path).is_ok_and(|found| found.is_dir()) {
        fs::remove_dir(path).map_err(|error| failed("cannot replace the directory", path, &error))?;
    }
    fs::rename(hidden, path).map_err(|error| failed("cannot make the link", path, &error))?;
    sync_directory(parent(path)).map_err(|error| failed("cannot make the link", path, &error))
}
