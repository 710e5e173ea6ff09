//! Directories, links, touching and removing.

use std::os::unix::fs::{MetadataExt, symlink};

use super::*;
use crate::wire::FailureKind;

#[test]
fn directories_are_made_once() {
    let mut room = Room::new();
    let path = room.path("d");
    let order = |mode| Action::MakeDirectory { path: path.clone(), attributes: mode };
    room.act(&order(mode(0o2750))).unwrap();
    assert_eq!(fs::metadata(room.at("d")).unwrap().mode() & 0o7777, 0o2750);
    room.act(&order(mode(0o700))).unwrap();
    assert_eq!(fs::metadata(room.at("d")).unwrap().mode() & 0o7777, 0o700);
    room.act(&order(Attributes::default())).unwrap();
    assert_eq!(fs::metadata(room.at("d")).unwrap().mode() & 0o7777, 0o700);
    fs::write(room.at("f"), "").unwrap();
    let path = room.path("f");
    let failure = room.act(&Action::MakeDirectory { path, attributes: mode(0o700) }).unwrap_err();
    assert_eq!(failure.errno, Some(libc::EEXIST));
    let path = room.path("no/d");
    let failure = room.act(&Action::MakeDirectory { path, attributes: mode(0o700) }).unwrap_err();
    assert_eq!(failure.kind, FailureKind::NotFound);
}

#[test]
fn links_replace_files_links_and_empty_directories() {
    let mut room = Room::new();
    fs::write(room.at("file"), "x").unwrap();
    symlink("nowhere", room.at("link")).unwrap();
    fs::create_dir(room.at("empty")).unwrap();
    fs::create_dir(room.at("full")).unwrap();
    fs::write(room.at("full/x"), "x").unwrap();
    fs::write(room.at("source"), "s").unwrap();
    let soft = |path: String| Action::Symlink {
        path,
        target: "source".to_owned(),
        attributes: Attributes::default(),
    };
    for name in ["file", "link", "empty", "new"] {
        room.act(&soft(room.path(name))).unwrap();
        assert_eq!(fs::read_link(room.at(name)).unwrap(), Path::new("source"), "{name}");
    }
    assert_eq!(room.act(&soft(room.path("full"))).unwrap_err().errno, Some(libc::ENOTEMPTY));
    assert!(room.at("full/x").exists());
    for name in ["link", "hard", "source"] {
        let (path, target) = (room.path(name), room.path("source"));
        room.act(&Action::HardLink { path, target }).unwrap();
    }
    assert_eq!(fs::metadata(room.at("source")).unwrap().nlink(), 3);
    let (path, target) = (room.path("h"), room.path("missing"));
    assert_eq!(room.act(&Action::HardLink { path, target }).unwrap_err().kind, FailureKind::NotFound);
    assert!(room.leftovers().is_empty());
}

#[test]
fn attributes_of_a_link_are_its_own() {
    let mut room = Room::new();
    fs::write(room.at("f"), "x").unwrap();
    symlink("f", room.at("l")).unwrap();
    let before = fs::metadata(room.at("f")).unwrap().mode();
    let set = |path: String, follow| Action::SetAttributes { path, attributes: mode(0o600), follow };
    room.act(&set(room.path("l"), Follow::No)).unwrap();
    assert_eq!(fs::metadata(room.at("f")).unwrap().mode(), before);
    room.act(&set(room.path("l"), Follow::Yes)).unwrap();
    assert_eq!(fs::metadata(room.at("f")).unwrap().mode() & 0o7777, 0o600);
    assert_eq!(room.act(&set(room.path("no"), Follow::Yes)).unwrap_err().kind, FailureKind::NotFound);
}

#[test]
fn touching_makes_and_dates() {
    let mut room = Room::new();
    let path = room.path("f");
    let touch = |accessed, modified| Action::Touch {
        path: path.clone(),
        accessed,
        modified,
        attributes: mode(0o640),
    };
    room.act(&touch(None, Some(Some(1_000_000_000_000_000_007)))).unwrap();
    let found = fs::metadata(room.at("f")).unwrap();
    assert_eq!((found.len(), found.mode() & 0o777), (0, 0o640));
    assert_eq!((found.mtime(), found.mtime_nsec()), (1_000_000_000, 7));
    fs::write(room.at("f"), "kept").unwrap();
    room.act(&touch(Some(Some(-1)), Some(None))).unwrap();
    let found = fs::metadata(room.at("f")).unwrap();
    assert_eq!((found.len(), found.atime(), found.atime_nsec()), (4, -1, 999_999_999));
    assert!(found.mtime() > 1_600_000_000);
    let modified = found.modified().unwrap();
    room.act(&touch(Some(None), None)).unwrap();
    assert_eq!(fs::metadata(room.at("f")).unwrap().modified().unwrap(), modified);
}

#[test]
fn removing_takes_all_and_follows_nothing() {
    let mut room = Room::new();
    fs::create_dir_all(room.at("d/e/f")).unwrap();
    fs::create_dir(room.at("outside")).unwrap();
    fs::write(room.at("outside/kept"), "x").unwrap();
    fs::write(room.at("d/e/file"), "x").unwrap();
    symlink("../../outside", room.at("d/e/link")).unwrap();
    symlink("outside", room.at("l")).unwrap();
    for name in ["d", "l", "d", "never/there", "outside/kept/below"] {
        let path = room.path(name);
        room.act(&Action::Remove { path }).unwrap();
    }
    assert!(!room.at("d").exists() && !room.at("l").is_symlink());
    assert!(room.at("outside/kept").exists());
    for path in ["/", "//", "/..", "/usr/.."] {
        let failure = room.act(&Action::Remove { path: path.to_owned() }).unwrap_err();
        assert!(failure.message.contains("root directory"), "{}", failure.message);
    }
    assert!(room.act(&Action::Remove { path: String::new() }).is_err());
}

#[test]
fn a_tree_deeper_than_descriptors_reach_is_removed() {
    use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};
    let mut room = Room::new();
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    mkdirat(CWD, room.at("deep"), Mode::RWXU).unwrap();
    let mut here = openat(CWD, room.at("deep"), flags, Mode::empty()).unwrap();
    for _ in 0..3000 {
        mkdirat(&here, "d", Mode::RWXU).unwrap();
        let file = openat(&here, "f", OFlags::WRONLY | OFlags::CREATE | OFlags::CLOEXEC, Mode::RUSR).unwrap();
        drop(file);
        here = openat(&here, "d", flags, Mode::empty()).unwrap();
    }
    let path = room.path("deep");
    room.act(&Action::Remove { path }).unwrap();
    assert!(!room.at("deep").exists());
    assert!(room.leftovers().is_empty());
}
