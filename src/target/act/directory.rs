//! Making directories.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use super::attributes::{Numbers, apply};
use crate::target::cause::{errno, failed};
use crate::target::host::Host;
use crate::wire::{Attributes, Failure, Follow};

/// Makes one directory, or sets the attributes of the one that is there (also where a link leads to it).
///
/// # Errors
/// Its parent is not there, something else is, a name is not known, or it is not permitted.
pub fn make(host: &Host, path: &Path, attributes: &Attributes) -> Result<(), Failure> {
    let wanted = Numbers::of(host, attributes)?;
    // not open to anybody before it is theirs
    let first = if wanted.mode.is_some() { 0o700 } else { 0o777 };
    match DirBuilder::new().mode(first).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match fs::metadata(path) {
            Ok(found) if found.is_dir() => {}
            _ => return Err(failed("cannot make the directory", path, &errno(libc::EEXIST))),
        },
        Err(error) => return Err(failed("cannot make the directory", path, &error)),
    }
    apply(path, wanted, Follow::Yes)
}
