//! Writing files, attributes, running commands.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::*;
use crate::target::host::umask;
use crate::wire::{Command, Done, FailureKind, Owner};

fn bits(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn a_new_file_has_the_usual_mode_and_a_replaced_one_keeps_its_own() {
    let mut room = Room::new();
    let at = room.at("f");
    assert_eq!(room.act(&write(room.path("f"), "one")), Ok(Done::Written { backup: None }));
    assert_eq!((fs::read_to_string(&at).unwrap().as_str(), bits(&at)), ("one", 0o666 & !umask()));
    fs::set_permissions(&at, fs::Permissions::from_mode(0o4750)).unwrap();
    let has_extended =
        rustix::fs::setxattr(&at, "user.note", b"kept", rustix::fs::XattrFlags::empty()).is_ok();
    if is_root() {
        std::os::unix::fs::chown(&at, Some(1234), Some(4321)).unwrap();
        fs::set_permissions(&at, fs::Permissions::from_mode(0o4750)).unwrap();
    }
    let before = fs::metadata(&at).unwrap();
    room.act(&write(room.path("f"), "two")).unwrap();
    let after = fs::metadata(&at).unwrap();
    assert_eq!((before.uid(), before.gid(), before.mode()), (after.uid(), after.gid(), after.mode()));
    assert_ne!(before.ino(), after.ino(), "it is a new file, not the old one written over");
    if has_extended {
        let mut value = [0; 16];
        assert_eq!(rustix::fs::getxattr(&at, "user.note", &mut value[..]).unwrap(), 4);
    } else {
        eprintln!("skipped: no extended attributes here");
    }
    assert!(room.leftovers().is_empty());
}

#[test]
fn attributes_are_set_before_anybody_sees_the_file() {
    let mut room = Room::new();
    if !is_root() {
        eprintln!("skipped: giving files away needs root");
        return;
    }
    let attributes = Attributes {
        mode: Some(0o4711),
        owner: Some(Owner::Name("daemon".to_owned())),
        group: Some(Owner::Id(4321)),
    };
    let path = room.path("f");
    let Action::WriteFile { content, expect, backup, validate, follow, in_place, .. } = write("", "x") else {
        unreachable!()
    };
    room.act(&Action::WriteFile {
        path,
        content,
        attributes: attributes.clone(),
        expect,
        backup,
        validate,
        follow,
        in_place,
    })
    .unwrap();
    let found = fs::metadata(room.at("f")).unwrap();
    assert_eq!((found.mode() & 0o7777, found.uid(), found.gid()), (0o4711, 1, 4321));

    let path = room.path("f");
    let owner = Some(Owner::Id(77));
    let set =
        Action::SetAttributes { path, attributes: Attributes { owner, ..attributes }, follow: Follow::Yes };
    room.act(&set).unwrap();
    let found = fs::metadata(room.at("f")).unwrap();
    assert_eq!(
        (found.mode() & 0o7777, found.uid()),
        (0o4711, 77),
        "the owner first, or setuid would be gone"
    );
}

#[test]
fn an_unknown_owner_is_told_before_anything_is_done() {
    let mut room = Room::new();
    let path = room.path("d");
    let owner = Some(Owner::Name("no-such-user-here".to_owned()));
    let failure = room
        .act(&Action::MakeDirectory { path, attributes: Attributes { owner, ..Attributes::default() } })
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::NotFound);
    assert_eq!(failure.message, "chown failed: failed to look up user no-such-user-here");
    assert!(!room.at("d").exists());
}

#[test]
fn what_was_not_expected_is_not_replaced() {
    let mut room = Room::new();
    let path = room.path("f");
    let ordered = |expect: Expect| match write(path.clone(), "new") {
        Action::WriteFile { path, content, attributes, backup, validate, follow, in_place, .. } => {
            Action::WriteFile { path, content, attributes, expect, backup, validate, follow, in_place }
        }
        _ => unreachable!(),
    };
    let sha1_of_old = Bytes::Inline(b"old".to_vec()).sha1();
    let sha256_of_old = Bytes::Inline(b"old".to_vec()).sha256().unwrap();
    let failure = room.act(&ordered(Expect::Sha1(sha1_of_old.clone()))).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Stale, "nothing is there");
    fs::write(room.at("f"), "other").unwrap();
    for expect in [Expect::Absent, Expect::Sha1(sha1_of_old.clone()), Expect::Sha256(sha256_of_old.clone())] {
        assert_eq!(room.act(&ordered(expect)).unwrap_err().kind, FailureKind::Stale);
        assert_eq!(fs::read_to_string(room.at("f")).unwrap(), "other");
        assert!(room.leftovers().is_empty());
    }
    for expect in [Expect::Sha1(sha1_of_old), Expect::Sha256(sha256_of_old), Expect::Anything] {
        fs::write(room.at("f"), "old").unwrap();
        room.act(&ordered(expect)).unwrap();
        assert_eq!(fs::read_to_string(room.at("f")).unwrap(), "new");
    }
    fs::remove_file(room.at("f")).unwrap();
    room.act(&ordered(Expect::Absent)).unwrap();
}

#[test]
fn a_backup_is_the_former_file() {
    let mut room = Room::new();
    let at = room.at("f");
    fs::write(&at, "old").unwrap();
    fs::set_permissions(&at, fs::Permissions::from_mode(0o604)).unwrap();
    let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    fs::File::options().write(true).open(&at).unwrap().set_modified(long_ago).unwrap();
    let mut order = write(room.path("f"), "new");
    if let Action::WriteFile { backup, .. } = &mut order {
        *backup = true;
    }
    let Ok(Done::Written { backup: Some(backup) }) = room.act(&order) else { panic!("no backup") };
    let form = regex::Regex::new(r"/f\.\d+\.\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d~$").unwrap();
    assert!(form.is_match(&backup), "{backup}");
    let found = fs::metadata(&backup).unwrap();
    assert_eq!((found.mode() & 0o777, found.modified().unwrap()), (0o604, long_ago));
    assert_eq!(
        (fs::read_to_string(&backup).unwrap(), fs::read_to_string(&at).unwrap()),
        ("old".into(), "new".into())
    );
    // nothing there before: nothing to keep
    fs::remove_file(&at).unwrap();
    assert_eq!(room.act(&order), Ok(Done::Written { backup: None }));
    assert!(room.leftovers().is_empty());
}

#[test]
fn a_validation_sees_the_new_content_and_can_refuse_it() {
    let mut room = Room::new();
    fs::write(room.at("f"), "old").unwrap();
    let order = |text: &str, check: &str, path: String| match write(path, text) {
        Action::WriteFile { path, content, attributes, expect, backup, follow, in_place, .. } => {
            let validate = Some(check.to_owned());
            Action::WriteFile { path, content, attributes, expect, backup, validate, follow, in_place }
        }
        _ => unreachable!(),
    };
    let check = "sh -c 'grep good \"$0\" || { echo refused >&2; exit 3; }' %s";
    let failure = room.act(&order("bad", check, room.path("f"))).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Validation);
    assert!(failure.message.ends_with("rc:3 error:refused"), "{}", failure.message);
    assert_eq!(failure.output.unwrap().status, 3);
    assert_eq!(fs::read_to_string(room.at("f")).unwrap(), "old");
    assert!(room.leftovers().is_empty());
    for broken in ["true", "no-such-program-here %s", "sh 'open %s"] {
        assert_eq!(
            room.act(&order("good", broken, room.path("f"))).unwrap_err().kind,
            FailureKind::Validation
        );
    }
    room.act(&order("good", check, room.path("f"))).unwrap();
    assert_eq!(fs::read_to_string(room.at("f")).unwrap(), "good");
}

#[test]
fn places_that_cannot_be_written() {
    let mut room = Room::new();
    fs::create_dir(room.at("d")).unwrap();
    let failure = room.act(&write(room.path("d"), "x")).unwrap_err();
    assert_eq!(failure.errno, Some(libc::EISDIR));
    let failure = room.act(&write(room.path("no/f"), "x")).unwrap_err();
    assert_eq!(failure.kind, FailureKind::NotFound);
    assert!(failure.message.contains(&format!("`{}`", room.path("no"))), "{}", failure.message);
    assert_eq!(room.act(&write("", "x")).unwrap_err().kind, FailureKind::NotFound);
    assert_eq!(room.act(&write("~no-such-user/x", "x")).unwrap_err().kind, FailureKind::NotFound);
    rustix::fs::mknodat(rustix::fs::CWD, room.at("p"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    assert!(room.act(&write(room.path("p"), "x")).unwrap_err().message.contains("pipe"));
    let raw = Action::Raw { text: "true".to_owned() };
    assert_eq!(room.act(&raw).unwrap_err().kind, FailureKind::Other);
}

#[test]
fn a_full_disk_leaves_the_old_file_whole() {
    let mut room = Room::new();
    let disk = room.at("disk");
    fs::create_dir(&disk).unwrap();
    let Some(_mount) = Mount::new(&["-t", "tmpfs", "-o", "size=64k", "tmpfs"], &disk) else {
        eprintln!("skipped: a file system of its own cannot be mounted here");
        return;
    };
    fs::write(disk.join("f"), "old").unwrap();
    let failure = room.act(&write(room.path("disk/f"), &"x".repeat(1 << 20))).unwrap_err();
    assert_eq!((failure.kind, failure.errno), (FailureKind::NoSpace, Some(libc::ENOSPC)));
    assert!(failure.message.contains("No space left on device"), "{}", failure.message);
    assert_eq!(fs::read_to_string(disk.join("f")).unwrap(), "old");
    assert_eq!(hidden_in(&disk), [""; 0]);
    room.act(&write(room.path("disk/f"), "new")).unwrap();
}

#[test]
fn a_file_that_is_a_mount_is_left_and_the_reason_given() {
    let mut room = Room::new();
    fs::write(room.at("source"), "mounted").unwrap();
    fs::write(room.at("f"), "below").unwrap();
    let Some(_mount) = Mount::new(&["--bind", &room.path("source")], &room.at("f")) else {
        eprintln!("skipped: nothing can be mounted here");
        return;
    };
    let failure = room.act(&write(room.path("f"), "new")).unwrap_err();
    assert_eq!(failure.errno, Some(libc::EBUSY));
    assert!(failure.message.contains("unsafe_writes"), "{}", failure.message);
    assert_eq!(fs::read_to_string(room.at("f")).unwrap(), "mounted");
    assert!(room.leftovers().is_empty());
}

#[test]
fn links_are_followed_or_replaced() {
    let mut room = Room::new();
    fs::create_dir(room.at("d")).unwrap();
    fs::write(room.at("d/real"), "old").unwrap();
    symlink("d/real", room.at("l")).unwrap();
    symlink("d/later", room.at("dangling")).unwrap();
    room.act(&write(room.path("l"), "through")).unwrap();
    assert_eq!(fs::read_to_string(room.at("d/real")).unwrap(), "through");
    room.act(&write(room.path("dangling"), "made")).unwrap();
    assert_eq!(fs::read_to_string(room.at("d/later")).unwrap(), "made");
    assert!(room.at("l").is_symlink() && room.at("dangling").is_symlink());
    let mut order = write(room.path("l"), "here");
    if let Action::WriteFile { follow, .. } = &mut order {
        *follow = Follow::No;
    }
    room.act(&order).unwrap();
    assert!(!room.at("l").is_symlink());
    assert_eq!(fs::read_to_string(room.at("d/real")).unwrap(), "through");
}

#[test]
fn whoever_reads_meanwhile_sees_the_old_file_or_the_new_one() {
    let mut room = Room::new();
    let (old, new) = ("o".repeat(300_000), "n".repeat(200_000));
    fs::write(room.at("f"), &old).unwrap();
    let (at, done) = (room.at("f"), std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false)));
    let reader = std::thread::spawn({
        let done = done.clone();
        move || {
            let mut seen = std::collections::BTreeSet::new();
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                seen.insert(fs::read_to_string(&at).unwrap());
            }
            seen
        }
    });
    for turn in 0..20 {
        room.act(&write(room.path("f"), if turn % 2 == 0 { &new } else { &old })).unwrap();
    }
    done.store(true, std::sync::atomic::Ordering::Relaxed);
    let seen = reader.join().unwrap();
    assert!(!seen.is_empty() && seen.iter().all(|text| *text == old || *text == new));
}

#[test]
fn commands_that_must_succeed_and_those_that_need_not() {
    let mut room = Room::new();
    let failure = room.act(&Action::Run(Command::shell("echo o; echo cause >&2; exit 7"))).unwrap_err();
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (FailureKind::Status, "`/bin/sh` exited with status 7: cause")
    );
    assert_eq!(failure.output.unwrap().stdout, b"o\n");
    let Ok(Done::Ran(output)) = room.act(&Action::Run(Command::shell("exit 7").may_fail())) else { panic!() };
    assert_eq!(output.status, 7);
    let failure = room.act(&Action::Run(Command::argv(["no-such-program-here"]).may_fail())).unwrap_err();
    assert_eq!((failure.kind, failure.errno), (FailureKind::NotFound, Some(libc::ENOENT)));
    let mut slow = Command::argv(["sleep", "30"]);
    slow.timeout = Some(1);
    let failure = room.act(&Action::Run(slow.clone())).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Timeout);
    let Ok(Done::Ran(output)) = room.act(&Action::Run(slow.may_fail())) else { panic!() };
    assert!(output.timed_out && output.status == -15);
    let mut inside = Command::argv(["pwd"]);
    inside.directory = Some("~".to_owned());
    room.host.home = room.directory.path().canonicalize().unwrap();
    let Ok(Done::Ran(output)) = room.act(&Action::Run(inside)) else { panic!() };
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), room.host.home.display().to_string());
}
