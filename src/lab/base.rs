//! The base: a Debian tree that all hosts of a release lie on, made once with debootstrap and kept in the cache.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::apt::{Access, Mirrors};
use super::command::{command, follow};
use super::error::{LabError, Result};
use super::lock::Lock;
use super::mounts;
use super::names;
use super::processes::{self, MARK};
use super::release::Release;
use super::state::{self, State};
use super::{LOGIN_USER, Progress};

/// What is done inside the new tree.
const RECIPE: &str = include_str!("recipe.sh");

/// What a base has beyond the essential packages.
const PACKAGES: &str = "systemd,systemd-sysv,libpam-systemd,dbus,openssh-server,sudo,python3,iproute2,nftables,\
                        ca-certificates,procps,curl,netbase";

/// Where an administrator puts certificate authorities of his own.
const AUTHORITIES: &str = "usr/local/share/ca-certificates";

/// Where bases are kept unless root's environment names another cache.
const CACHE: &str = "/var/cache";

/// A base that nobody removes or replaces while this is held.
pub(super) struct Base {
    /// Its file system.
    pub root: PathBuf,
    _lock: Lock,
}

/// The directory of bases and of the logs of their making.
pub(super) fn cache() -> PathBuf {
    let named = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| is_roots_own(path));
    named.unwrap_or_else(|| PathBuf::from(CACHE)).join("fleet/lab")
}

/// Makes that directory. Only root may enter it: programs in a base that give their caller root's rights are none of
/// this machine's.
pub(super) fn make_cache() -> Result<()> {
    state::make_private(&cache())
}

/// Whether only root can change what is there: hosts run programs of the base as root.
fn is_roots_own(path: &Path) -> bool {
    path.is_absolute()
        && path.to_str().is_some_and(|text| !text.contains([':', ',', '\\']))
        && path.ancestors().all(|directory| {
            fs::metadata(directory)
                .is_ok_and(|data| data.is_dir() && data.uid() == 0 && data.mode() & 0o022 == 0)
        })
}

/// Finds the base of a release, or makes it.
pub(super) fn ensure(release: Release, labs: &[State], progress: &mut dyn FnMut(Progress)) -> Result<Base> {
    let mirrors = Mirrors::of_this_machine();
    let authorities = authorities(Path::new("/").join(AUTHORITIES).as_path());
    let cache = cache();
    let name = format!("{release}-{}", key(release, &mirrors, &authorities));
    let lock = Lock::take(&lock(&cache, release), &mut || {
        progress(Progress::Waiting { what: format!("another fleet, which has the {release} base") });
    })?;
    let directory = cache.join(&name);
    let root = directory.join("root");
    if root.is_dir() {
        return Ok(Base { root, _lock: lock });
    }
    let start = Instant::now();
    let part = part(&cache, release);
    discard(&part)?;
    let log = cache.join(format!("{release}.log"));
    let _ = fs::remove_file(&log);
    progress(Progress::Building { release, log: log.clone() });
    let built = build(&part, release, &mirrors, &authorities, &log, progress);
    if let Err(error) = built {
        return Err(match discard(&part) {
            Ok(()) => error,
            Err(left) => LabError::all(vec![error, left]).unwrap_or_else(|| LabError::new("no base")),
        });
    }
    fs::rename(&part, &directory).map_err(LabError::because(format!(
        "cannot rename `{}` to `{}`",
        part.display(),
        directory.display()
    )))?;
    remove_superseded(&cache, release, &name, labs);
    progress(Progress::Built { release, elapsed: start.elapsed() });
    Ok(Base { root, _lock: lock })
}

/// What a base is made from: another recipe, mirror or authority is another base.
fn key(release: Release, mirrors: &Mirrors, authorities: &[(PathBuf, Vec<u8>)]) -> String {
    let mut text = format!("{RECIPE}\n{PACKAGES}\n{LOGIN_USER}\n{}\n", mirrors.sources_list(release));
    for (name, content) in authorities {
        text.extend([&*name.to_string_lossy(), "\n", &*String::from_utf8_lossy(content), "\n"]);
    }
    names::digest(&text, 12)
}

/// The certificate authorities that were added to this machine, by their path below the directory for them.
fn authorities(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut left = vec![directory.to_path_buf()];
    while let Some(next) = left.pop() {
        for path in fs::read_dir(&next).into_iter().flatten().flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                left.push(path);
            } else if path.extension().is_some_and(|extension| extension == "crt")
                && let (Ok(name), Ok(content)) = (path.strip_prefix(directory), fs::read(&path))
            {
                found.push((name.to_path_buf(), content));
            }
        }
    }
    found.sort();
    found
}

fn build(
    part: &Path,
    release: Release,
    mirrors: &Mirrors,
    authorities: &[(PathBuf, Vec<u8>)],
    log: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<()> {
    let root = part.join("root");
    fs::create_dir_all(&root).map_err(LabError::because(format!("cannot make `{}`", root.display())))?;
    let mut say = |line: &str| {
        if let Some(line) = line.strip_prefix("I: ") {
            progress(Progress::Detail { line: line.to_string() });
        }
    };
    // A killed fleet takes the program down with it; the mark finds what that leaves.
    let program = |name: &str| -> Result<_> {
        let mut command = command("setpriv", ["--pdeathsig", "KILL", name])?;
        command.env(MARK, part).env("LC_ALL", "C.UTF-8");
        command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        Ok(command)
    };
    let mut debootstrap = program("debootstrap")?;
    debootstrap.args(["--variant=minbase", &format!("--include={PACKAGES}")]);
    if mirrors.trusted {
        debootstrap.arg("--no-check-gpg");
    }
    debootstrap.arg(release.name()).arg(&root).arg(&mirrors.archive);
    let context = |error: LabError| {
        error.with_hint(format!(
            "the packages of {release} come from `{}`: is it reachable from here?",
            mirrors.archive
        ))
    };
    follow(debootstrap, log, &mut say).map_err(context)?;

    let write = |path: &str, content: &[u8]| {
        let path = root.join(path);
        path.parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&path, content))
            .map_err(LabError::because(format!("cannot write `{}`", path.display())))
    };
    write("etc/apt/sources.list", mirrors.sources_list(release).as_bytes())?;
    let access = Access::of_this_machine(std::net::Ipv4Addr::LOCALHOST);
    write("etc/apt/apt.conf.d/90lab", access.apt_conf.as_bytes())?;
    for (name, content) in authorities {
        write(&format!("{AUTHORITIES}/{}", name.display()), content)?;
    }
    let mut recipe = program("chroot")?;
    recipe.arg(&root).args(["/bin/sh", "-eu", "-c", RECIPE, "recipe", LOGIN_USER]).env("HOME", "/root");
    follow(recipe, log, &mut say).map_err(context)?;
    mounts::unmount_below(part)?;
    // Whole on the disk before it gets its name.
    let directory = fs::File::open(&root).map_err(LabError::because("cannot open the new base"))?;
    rustix::fs::syncfs(&directory).map_err(LabError::because("cannot write the new base to the disk"))
}

/// Takes away what killed builders left; not what a living one is at.
pub(super) fn discard_unfinished() -> Result<()> {
    let cache = cache();
    for release in Release::ALL {
        let part = part(&cache, release);
        if part.exists()
            && let Some(_lock) = Lock::take_if_free(&lock(&cache, release))?
        {
            discard(&part)?;
        }
    }
    Ok(())
}

/// Held while a release's base is looked for or made.
fn lock(cache: &Path, release: Release) -> PathBuf {
    cache.join(format!("{release}.lock"))
}

/// Where a base is made. The name is fixed: what a killed builder left is found.
fn part(cache: &Path, release: Release) -> PathBuf {
    cache.join(format!("{release}.part"))
}

/// Takes away a tree that is being made or not needed any more.
fn discard(directory: &Path) -> Result<()> {
    if !directory.exists() {
        return Ok(());
    }
    processes::end(directory)?;
    mounts::remove_tree(directory)
}

/// Removes the release's other bases, unless a lab lies on them. A failure leaves them to the next time.
fn remove_superseded(cache: &Path, release: Release, name: &str, labs: &[State]) {
    for path in fs::read_dir(cache).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let file = path.file_name().and_then(|file| file.to_str()).unwrap_or_default();
        let other = file.starts_with(&format!("{release}-")) && file != name;
        if other && !labs.iter().any(|lab| lab.base.starts_with(&path)) {
            let _ = discard(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_follows_what_a_base_is_made_from() {
        let mirrors = Mirrors { archive: "http://a".into(), security: "http://s".into(), trusted: false };
        let other = Mirrors { archive: "http://b".into(), ..mirrors.clone() };
        let authority = vec![(PathBuf::from("ca.crt"), b"x".to_vec())];
        let first = key(Release::Bookworm, &mirrors, &[]);
        assert_eq!(first, key(Release::Bookworm, &mirrors, &[]));
        assert_ne!(first, key(Release::Bookworm, &other, &[]));
        assert_ne!(first, key(Release::Bookworm, &mirrors, &authority));
        assert_ne!(first, key(Release::Trixie, &mirrors, &[]));
    }

    #[test]
    fn authorities_are_found_in_folders() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("corp")).unwrap();
        fs::write(directory.path().join("corp/b.crt"), "b").unwrap();
        fs::write(directory.path().join("a.crt"), "a").unwrap();
        fs::write(directory.path().join("readme"), "no").unwrap();
        let found = authorities(directory.path());
        assert_eq!(found, [("a.crt".into(), b"a".to_vec()), ("corp/b.crt".into(), b"b".to_vec())]);
    }

    #[test]
    fn a_directory_that_others_write_to_is_no_cache() {
        assert!(!is_roots_own(Path::new("/tmp")));
        assert!(!is_roots_own(Path::new("relative")));
    }

    #[test]
    fn superseded_bases_go_unless_a_lab_lies_on_them() {
        let cache = tempfile::tempdir().unwrap();
        for name in ["bookworm-new", "bookworm-used", "bookworm-old", "trixie-x"] {
            fs::create_dir_all(cache.path().join(name).join("root")).unwrap();
        }
        let used = cache.path().join("bookworm-used/root");
        let lab = State::new("fleet", Release::Bookworm, used, std::net::Ipv4Addr::new(10, 99, 0, 0));
        remove_superseded(cache.path(), Release::Bookworm, "bookworm-new", &[lab]);
        let left = |name: &str| cache.path().join(name).exists();
        assert!(left("bookworm-new") && left("bookworm-used") && left("trixie-x"));
        assert!(!left("bookworm-old"));
    }
}
