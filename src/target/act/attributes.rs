//! Owner, group, mode and times.

use std::fs::{self, Metadata, OpenOptions, Permissions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown, lchown};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};

use crate::target::cause::{failed, is_absent};
use crate::target::host::Host;
use crate::wire::{Attributes, Failure, FailureKind, Follow, Owner};

/// Attributes with owner and group as numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Numbers {
    /// Permission bits.
    pub mode: Option<u32>,
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
}

impl Numbers {
    /// Looks names up.
    ///
    /// # Errors
    /// A user or group that is not known, in Ansible's words.
    pub fn of(host: &Host, attributes: &Attributes) -> Result<Self, Failure> {
        let Attributes { mode, owner, group } = attributes;
        let uid = match owner {
            None => None,
            Some(Owner::Id(id)) => Some(*id),
            Some(Owner::Name(name)) => Some(match host.names.user(name) {
                Some(user) => user.entry.uid,
                None => return Err(unknown("chown failed: failed to look up user", name)),
            }),
        };
        let gid = match group {
            None => None,
            Some(Owner::Id(id)) => Some(*id),
            Some(Owner::Name(name)) => Some(match host.names.group(name) {
                Some(group) => group.entry.gid,
                None => return Err(unknown("chgrp failed: failed to look up group", name)),
            }),
        };
        Ok(Self { mode: *mode, uid, gid })
    }

    /// The owner and group that differ from those of a file.
    pub fn differing(&self, found: &Metadata) -> (Option<u32>, Option<u32>) {
        (self.uid.filter(|uid| *uid != found.uid()), self.gid.filter(|gid| *gid != found.gid()))
    }
}

fn unknown(words: &str, name: &str) -> Failure {
    Failure::new(FailureKind::NotFound, format!("{words} {name}"))
}

/// Sets attributes. The mode of a link itself cannot be set and is left.
///
/// # Errors
/// The path is not there, a name is not known, or it is not permitted.
pub fn set(host: &Host, path: &Path, attributes: &Attributes, follow: Follow) -> Result<(), Failure> {
    apply(path, Numbers::of(host, attributes)?, follow)
}

/// Sets attributes that differ: the owner first, because the system takes setuid bits away with it.
///
/// # Errors
/// As [`set`].
pub fn apply(path: &Path, wanted: Numbers, follow: Follow) -> Result<(), Failure> {
    let found = match follow {
        Follow::Yes => fs::metadata(path),
        Follow::No => fs::symlink_metadata(path),
    };
    let found = found.map_err(|error| failed("cannot set attributes of", path, &error))?;
    let (uid, gid) = wanted.differing(&found);
    if uid.is_some() || gid.is_some() {
        let changed = match follow {
            Follow::Yes => chown(path, uid, gid),
            Follow::No => lchown(path, uid, gid),
        };
        changed.map_err(|error| failed("cannot set the owner of", path, &error))?;
    }
    let chowned = uid.is_some() || gid.is_some();
    if let Some(mode) = wanted.mode.filter(|mode| chowned || *mode != found.mode() & 0o7777)
        && !found.is_symlink()
    {
        fs::set_permissions(path, Permissions::from_mode(mode))
            .map_err(|error| failed("cannot set the mode of", path, &error))?;
    }
    Ok(())
}

/// A time as [`crate::wire::Action::Touch`] gives it: kept, now, or nanoseconds since the epoch.
type Time = Option<Option<i64>>;

/// Makes an empty file where there is none, sets times (of what a link leads to) and attributes.
///
/// # Errors
/// What the system gives.
pub fn touch(
    host: &Host,
    path: &Path,
    accessed: Time,
    modified: Time,
    attributes: &Attributes,
) -> Result<(), Failure> {
    let wanted = Numbers::of(host, attributes)?;
    let fresh = match fs::symlink_metadata(path) {
        Ok(_) => false,
        Err(error) if is_absent(&error) => {
            let made =
                OpenOptions::new().write(true).create_new(true).custom_flags(libc::O_NOFOLLOW).open(path);
            let file = made.map_err(|error| failed("cannot make", path, &error))?;
            file.sync_all().map_err(|error| failed("cannot make", path, &error))?;
            true
        }
        Err(error) => return Err(failed("cannot touch", path, &error)),
    };
    let settled = set_times(path, accessed, modified).and_then(|()| apply(path, wanted, Follow::No));
    if settled.is_err() && fresh {
        // as if it had not been tried
        let _ = fs::remove_file(path);
    }
    settled
}

fn set_times(path: &Path, accessed: Time, modified: Time) -> Result<(), Failure> {
    if accessed.is_none() && modified.is_none() {
        return Ok(());
    }
    let times = Timestamps { last_access: timespec(accessed), last_modification: timespec(modified) };
    rustix::fs::utimensat(CWD, path, &times, AtFlags::empty())
        .map_err(|error| failed("cannot set the times of", path, &error.into()))
}

fn timespec(time: Time) -> Timespec {
    match time {
        None => Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        Some(None) => Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
        Some(Some(nanos)) => {
            Timespec { tv_sec: nanos.div_euclid(1_000_000_000), tv_nsec: nanos.rem_euclid(1_000_000_000) }
        }
    }
}
