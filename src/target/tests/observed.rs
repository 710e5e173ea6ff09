//! Queries on real paths and this machine's own databases.

use std::os::unix::fs::symlink;

use super::*;
use crate::wire::{Command, FileKind, Stat};

fn stat(room: &mut Room, path: String, follow: Follow) -> Option<Stat> {
    match room.observe(&Query::Stat { path, follow }) {
        Observation::Stat(stat) => stat,
        other => panic!("{other:?}"),
    }
}

#[test]
fn stat_tells_links_and_what_they_lead_to() {
    let mut room = Room::new();
    fs::write(room.at("f"), "four").unwrap();
    symlink("f", room.at("l")).unwrap();
    symlink("nowhere", room.at("dangling")).unwrap();
    let real = room.at("f").canonicalize().unwrap().display().to_string();
    let path = room.path("l/");
    let found = stat(&mut room, path, Follow::No).unwrap();
    assert_eq!((found.kind, found.target.as_deref()), (FileKind::Symlink, Some("f")));
    assert_eq!(found.resolved.as_ref(), Some(&real));
    let path = room.path("l");
    let found = stat(&mut room, path, Follow::Yes).unwrap();
    assert_eq!((found.kind, found.size, found.target), (FileKind::File, 4, None));
    assert_eq!(found.resolved, Some(real));
    assert!(found.readable && found.writeable && !found.predicted);
    let path = room.path("dangling");
    assert_eq!(stat(&mut room, path.clone(), Follow::Yes), None);
    assert_eq!(stat(&mut room, path, Follow::No).unwrap().resolved, None);
    let path = room.path("f/below");
    assert_eq!(stat(&mut room, path, Follow::Yes), None);
    symlink("loop", room.at("loop")).unwrap();
    let path = room.path("loop");
    let Observation::Failed(error) = room.observe(&Query::Stat { path, follow: Follow::Yes }) else {
        panic!()
    };
    assert_eq!(error.errno, Some(libc::ELOOP));
}

#[test]
fn owners_have_names_and_homes() {
    let mut room = Room::new();
    let found = stat(&mut room, "/etc/passwd".to_owned(), Follow::No).unwrap();
    assert_eq!((found.owner.as_deref(), found.uid), (Some("root"), 0));
    room.host.home = room.directory.path().to_owned();
    fs::write(room.at("f"), "").unwrap();
    assert!(stat(&mut room, "~/f".to_owned(), Follow::No).is_some());
    assert_eq!(stat(&mut room, "~root".to_owned(), Follow::Yes).unwrap().kind, FileKind::Directory);
    let Observation::Failed(error) =
        room.observe(&Query::Stat { path: "~nobody-of-that-name/x".to_owned(), follow: Follow::No })
    else {
        panic!()
    };
    assert!(error.message.contains("nobody-of-that-name"), "{}", error.message);
}

#[test]
fn directories_list_and_trees_do_not_cross_links() {
    let mut room = Room::new();
    fs::create_dir_all(room.at("d/b/c")).unwrap();
    fs::write(room.at("d/a"), "").unwrap();
    fs::write(room.at("d/b/x"), "").unwrap();
    symlink("/etc", room.at("d/etc")).unwrap();
    let names = |observation| match observation {
        Observation::Entries(Some(entries)) => {
            entries.into_iter().map(|entry| entry.name).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    let path = room.path("d");
    assert_eq!(names(room.observe(&Query::List { path: path.clone() })), ["a", "b", "etc"]);
    assert_eq!(names(room.observe(&Query::Tree { path })), ["a", "b", "b/c", "b/x", "etc"]);
    for name in ["no", "d/a"] {
        let path = room.path(name);
        assert_eq!(room.observe(&Query::List { path: path.clone() }), Observation::Entries(None));
        assert_eq!(room.observe(&Query::Tree { path }), Observation::Entries(None));
    }
}

#[test]
fn users_and_groups_of_this_machine() {
    let mut room = Room::new();
    let Observation::User(Some(root)) = room.observe(&Query::User { name: "root".to_owned() }) else {
        panic!()
    };
    assert_eq!(
        (root.uid, root.gid, root.group.as_deref(), root.local),
        (Some(0), Some(0), Some("root"), true)
    );
    assert_eq!(root.password.is_some(), is_root());
    assert_eq!(
        room.observe(&Query::User { name: "nobody-of-that-name".to_owned() }),
        Observation::User(None)
    );
    let Observation::Group(Some(group)) = room.observe(&Query::Group { name: "root".to_owned() }) else {
        panic!()
    };
    assert_eq!((group.gid, group.local), (Some(0), true));
    assert_eq!(room.observe(&Query::Group { name: "--help".to_owned() }), Observation::Group(None));
}

#[test]
fn commands_units_and_ports() {
    let mut room = Room::new();
    let Observation::Command(output) = room.observe(&Query::Command(Command::shell("echo x; exit 2"))) else {
        panic!()
    };
    assert_eq!((output.status, output.stdout.as_slice()), (2, &b"x\n"[..]));
    let missing = Query::Command(Command::argv(["no-such-program-here"]));
    let Observation::Failed(error) = room.observe(&missing) else { panic!() };
    assert_eq!((error.errno, error.message.as_str()), (Some(libc::ENOENT), "No such file or directory"));
    let unit = Query::Unit { name: "dbus.service".to_owned(), user: None };
    match room.observe(&unit) {
        Observation::Unit(state) => assert!(!state.load.is_empty() && !state.properties.is_empty()),
        Observation::Failed(error) if !Path::new("/run/systemd/system").is_dir() => {
            assert!(error.message.contains("does not run systemd"), "{}", error.message);
        }
        other => panic!("{other:?}"),
    }
    let port = Query::Port { host: "127.0.0.1".to_owned(), port: 1, timeout: 200 };
    assert_eq!(room.observe(&port), Observation::Flag(false));
}

#[test]
fn what_is_remembered_is_observed() {
    let mut room = Room::new();
    let key = "play".to_owned();
    let query = Query::Remembered { key: key.clone() };
    assert_eq!(room.observe(&query), Observation::Names(Vec::new()));
    let names = vec!["restart nginx".to_owned(), "reload".to_owned()];
    room.act(&Action::Remember { key: key.clone(), names: names.clone() }).unwrap();
    assert_eq!(room.observe(&query), Observation::Names(names.clone()));
    assert_eq!(room.host.hello().remembered, [(key.clone(), names.clone())]);
    room.act(&Action::Forget { key, names }).unwrap();
    assert_eq!(room.observe(&query), Observation::Names(Vec::new()));
    assert!(room.host.hello().remembered.is_empty());
}
