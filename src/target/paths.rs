//! Paths as queries and actions give them: `~` expanded, final links followed.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::cause;

/// How many links are followed before it is a loop, as the kernel.
const MAX_LINKS: usize = 40;

/// The path without slashes at its end: these would make the system follow a final link.
pub fn trimmed(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() && path.starts_with('/') { "/" } else { trimmed }
}

/// Where a path leads when its last component is a link, through chains of links, whether or not something is there.
///
/// # Errors
/// `ELOOP` for a loop; whatever reading a link gives but its absence.
pub fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&path) {
            Ok(target) => {
                let above = path.parent().unwrap_or(Path::new("/"));
                path = above.join(target);
            }
            Err(error) if cause::is_absent(&error) => return Ok(path),
            // not a link
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => return Ok(path),
            Err(error) => return Err(error),
        }
    }
    Err(cause::errno(libc::ELOOP))
}

/// The directory that a path stands in.
pub fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(above) if !above.as_os_str().is_empty() => above,
        Some(_) => Path::new("."),
        None => Path::new("/"),
    }
}

/// Whether a path is the root directory, or nothing, once `.` and `..` are resolved by their text.
pub fn is_root_or_nothing(path: &Path) -> bool {
    let mut depth = 0_usize;
    for component in path.components() {
        match component {
            Component::Normal(_) => depth += 1,
            Component::ParentDir => depth = depth.saturating_sub(1),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    depth == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_are_followed_to_where_nothing_is_yet() {
        let room = tempfile::tempdir().unwrap();
        let at = |name: &str| room.path().join(name);
        symlink("b", at("a")).unwrap();
        symlink("nothing", at("b")).unwrap();
        assert_eq!(followed(&at("a")).unwrap(), at("nothing"));
        symlink("loop", at("loop")).unwrap();
        assert_eq!(followed(&at("loop")).unwrap_err().raw_os_error(), Some(libc::ELOOP));
    }

    #[test]
    fn the_root_is_known_in_disguise() {
        for path in ["/", "", ".", "//", "/.", "/etc/..", "/../"] {
            assert!(is_root_or_nothing(Path::new(path)), "{path}");
        }
        assert!(!is_root_or_nothing(Path::new("/etc/../srv")));
        assert_eq!((trimmed("/a//"), trimmed("//"), trimmed("")), ("/a", "/", ""));
    }
}
