//! Mounts: the overlay that is a host's disk, and taking down whatever is mounted below a directory.

use std::ffi::{CString, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags};

use super::error::{LabError, Result};

/// A mount point as this process sees it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mount {
    pub point: PathBuf,
    pub kind: String,
    /// The options of the file system itself (for a control group hierarchy: which one it is).
    pub options: String,
}

/// All mounts of this process, in the order in which they were made.
pub(super) fn all() -> Result<Vec<Mount>> {
    let text =
        fs::read("/proc/self/mountinfo").map_err(LabError::because("cannot read `/proc/self/mountinfo`"))?;
    Ok(text.split(|byte| *byte == b'\n').filter_map(parse_line).collect())
}

/// One line of mountinfo: `36 35 98:0 / /mnt rw,noatime master:1 - ext3 /dev/root rw` (proc_pid_mountinfo(5)).
fn parse_line(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ');
    let point = unescape(fields.nth(4)?);
    let mut rest = fields.skip_while(|field| *field != b"-").skip(1);
    let kind = String::from_utf8_lossy(rest.next()?).into_owned();
    let options = String::from_utf8_lossy(rest.nth(1)?).into_owned();
    Some(Mount { point, kind, options })
}

/// Blanks and backslashes are written as three octal digits there.
fn unescape(field: &[u8]) -> PathBuf {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) if *first == b'\\' => {
                out.push(byte);
                rest = after.get(3..).unwrap_or_default();
            }
            _ => {
                out.push(*first);
                rest = after;
            }
        }
    }
    OsString::from_vec(out).into()
}

/// Whether something is mounted at exactly this place.
pub(super) fn is_mounted(point: &Path) -> Result<bool> {
    Ok(all()?.iter().any(|mount| mount.point == point))
}

/// Mounts `base`, read-only, under a layer of the host's own at `root`. The layer is not synced to the disk
/// (`volatile`): it is a throw-away, and dpkg is several times faster so.
pub(super) fn overlay(base: &Path, upper: &Path, work: &Path, root: &Path) -> Result<()> {
    // A volatile layer that was not unmounted carries a mark against being mounted again.
    let mark = work.join("work/incompat");
    if mark.exists() {
        fs::remove_dir_all(&mark)
            .map_err(LabError::because(format!("cannot remove `{}`", mark.display())))?;
    }
    let options = overlay_options(base, upper, work)?;
    let attempt = |options: &str| {
        let data = CString::new(options).map_err(|_| Errno::INVAL)?;
        rustix::mount::mount("overlay", root, "overlay", MountFlags::empty(), Some(data.as_c_str()))
    };
    // Kernels before 5.10 do not know the option.
    attempt(&format!("{options},volatile")).or_else(|_| attempt(&options)).map_err(|error| {
        let error = LabError::because(format!("cannot mount an overlay at `{}`", root.display()))(error);
        error.with_hint(
            "the lab needs overlayfs, and its directory on a file system that can be an upper layer (ext4, xfs, btrfs, tmpfs)",
        )
    })
}

fn overlay_options(base: &Path, upper: &Path, work: &Path) -> Result<String> {
    let mut options = Vec::new();
    for (key, path) in [("lowerdir", base), ("upperdir", upper), ("workdir", work)] {
        match path.to_str() {
            Some(text) if !text.contains([':', ',', '\\']) => options.push(format!("{key}={text}")),
            _ => {
                return Err(LabError::new(format!(
                    "`{}` has a character in it that an overlay mount cannot have",
                    path.display()
                )));
            }
        }
    }
    Ok(options.join(","))
}

/// Unmounts everything at and below the directory, innermost first.
pub(super) fn unmount_below(directory: &Path) -> Result<()> {
    let mut points: Vec<PathBuf> =
        all()?.into_iter().map(|mount| mount.point).filter(|point| point.starts_with(directory)).collect();
    points.reverse();
    points.iter().try_for_each(|point| unmount(point))
}

/// Unmounts one mount point; what is busy for longer than a moment is detached.
fn unmount(point: &Path) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(1);
    loop {
        let flags = if Instant::now() < deadline { UnmountFlags::empty() } else { UnmountFlags::DETACH };
        match rustix::mount::unmount(point, flags) {
            // EINVAL: no mount point any more.
            Ok(()) | Err(Errno::INVAL | Errno::NOENT) => return Ok(()),
            Err(Errno::BUSY) if flags.is_empty() => sleep(Duration::from_millis(20)),
            Err(error) => {
                return Err(LabError::because(format!("cannot unmount `{}`", point.display()))(error));
            }
        }
    }
}

/// Removes a directory of the lab's and all in it, after everything below it is unmounted.
pub(super) fn remove_tree(directory: &Path) -> Result<()> {
    let directory = match directory.canonicalize() {
        Ok(directory) => directory,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            return Err(LabError::because(format!("cannot find `{}`", directory.display()))(error));
        }
    };
    unmount_below(&directory)?;
    // Never delete through a mount: it may lead to what is not the lab's.
    if let Some(left) = all()?.into_iter().find(|mount| mount.point.starts_with(&directory)) {
        return Err(LabError::new(format!("`{}` is still mounted", left.point.display())));
    }
    fs::remove_dir_all(&directory)
        .map_err(LabError::because(format!("cannot remove `{}`", directory.display())))
}

/// The bytes of a path, to compare it with what the kernel says.
pub(super) fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mountinfo_is_read() {
        let line =
            b"36 35 98:0 /mnt1 /mnt\\040two rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue";
        let mount = parse_line(line).unwrap();
        assert_eq!(mount.point, Path::new("/mnt two"));
        assert_eq!((mount.kind.as_str(), mount.options.as_str()), ("ext3", "rw,errors=continue"));
        assert_eq!(parse_line(b""), None);
        assert!(all().unwrap().iter().any(|mount| mount.point == Path::new("/proc")));
    }

    #[test]
    fn overlay_options_refuse_separators() {
        let options = overlay_options(Path::new("/b"), Path::new("/u"), Path::new("/w")).unwrap();
        assert_eq!(options, "lowerdir=/b,upperdir=/u,workdir=/w");
        assert!(overlay_options(Path::new("/a:b"), Path::new("/u"), Path::new("/w")).is_err());
    }

    #[test]
    fn a_tree_without_mounts_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let tree = directory.path().join("tree");
        fs::create_dir_all(tree.join("a/b")).unwrap();
        remove_tree(&tree).unwrap();
        assert!(!tree.exists());
        remove_tree(&tree).unwrap();
    }
}
