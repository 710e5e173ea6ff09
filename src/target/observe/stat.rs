//! What a path is.

use std::ffi::CStr;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use rustix::fs::{Access, AtFlags, CWD};

use crate::target::cause;
use crate::target::host::Host;
use crate::wire::{FileKind, Follow, Observation, Stat};

const CONTEXT: &CStr = c"security.selinux";

/// `stat` or `lstat` of a path, with the names of its owner and group and what the asking user may do with it.
///
/// With [`Follow::Yes`] on a link, `resolved` is where it leads and `target` is empty: what is told is the file.
pub fn stat(host: &mut Host, path: &Path, follow: Follow) -> Observation {
    match seen(host, path, follow) {
        Ok(stat) => Observation::Stat(Some(stat)),
        Err(error) if cause::is_absent(&error) => Observation::Stat(None),
        Err(error) => cause::unseen(&error),
    }
}

/// As [`stat`].
///
/// # Errors
/// What the system gives, the absence of the path included.
pub fn seen(host: &mut Host, path: &Path, follow: Follow) -> io::Result<Stat> {
    let mut found = fs::symlink_metadata(path)?;
    let mut target = None;
    let mut resolved = None;
    if found.is_symlink() {
        resolved = fs::canonicalize(path).ok().map(|path| path.to_string_lossy().into_owned());
        match follow {
            Follow::Yes => found = fs::metadata(path)?,
            Follow::No => target = Some(fs::read_link(path)?.to_string_lossy().into_owned()),
        }
    }
    let may = |access| rustix::fs::accessat(CWD, path, access, AtFlags::EACCESS).is_ok();
    Ok(Stat {
        kind: kind(&found),
        mode: found.mode() & 0o7777,
        uid: found.uid(),
        gid: found.gid(),
        owner: host.names.user_name(found.uid()),
        group: host.names.group_name(found.gid()),
        size: found.size(),
        inode: found.ino(),
        device: found.dev(),
        links: found.nlink(),
        blocks: found.blocks(),
        block_size: found.blksize(),
        device_type: found.rdev(),
        accessed: nanos(found.atime(), found.atime_nsec()),
        modified: nanos(found.mtime(), found.mtime_nsec()),
        changed: nanos(found.ctime(), found.ctime_nsec()),
        target,
        resolved,
        readable: may(Access::READ_OK),
        writeable: may(Access::WRITE_OK),
        executable: may(Access::EXEC_OK),
        context: host.has_selinux.then(|| context(path, follow)).flatten(),
        predicted: false,
    })
}

/// The kind of a file.
pub fn kind(found: &Metadata) -> FileKind {
    let kind = found.file_type();
    if kind.is_dir() {
        FileKind::Directory
    } else if kind.is_symlink() {
        FileKind::Symlink
    } else if kind.is_fifo() {
        FileKind::Fifo
    } else if kind.is_socket() {
        FileKind::Socket
    } else if kind.is_char_device() {
        FileKind::CharDevice
    } else if kind.is_block_device() {
        FileKind::BlockDevice
    } else {
        FileKind::File
    }
}

fn nanos(seconds: i64, nanos: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

fn context(path: &Path, follow: Follow) -> Option<String> {
    let mut buffer = [0_u8; 1024];
    let length = match follow {
        Follow::Yes => rustix::fs::getxattr(path, CONTEXT, &mut buffer[..]),
        Follow::No => rustix::fs::lgetxattr(path, CONTEXT, &mut buffer[..]),
    };
    let text = String::from_utf8_lossy(buffer.get(..length.ok()?)?).trim_end_matches('\0').to_owned();
    (!text.is_empty()).then_some(text)
}
