//! The law of predictions: what the overlay predicts for an action is what is observed after it.

use std::collections::HashMap;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::target::host::umask;
use crate::wire::overlay::Overlaid;
use crate::wire::{Algorithm, Change, Entry, FileKind, Overlay, Owner, Stat};

/// The paths that each case looks at.
const PATHS: [&str; 12] =
    ["f", "f2", "new", "d", "d/in", "d/new", "empty", "link", "dangling", "nowhere", "to-d", "to-d/in"];

fn furnish(room: &Room) {
    fs::create_dir(room.at("d")).unwrap();
    fs::create_dir(room.at("empty")).unwrap();
    for (name, text, mode) in [("f", "first", 0o640), ("f2", "second file", 0o755), ("d/in", "inside", 0o600)]
    {
        fs::write(room.at(name), text).unwrap();
        fs::set_permissions(room.at(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    symlink("f", room.at("link")).unwrap();
    symlink("nowhere", room.at("dangling")).unwrap();
    symlink("d", room.at("to-d")).unwrap();
}

fn queries(room: &Room) -> Vec<Query> {
    let mut queries = vec![
        Query::List { path: room.directory.path().display().to_string() },
        Query::Tree { path: room.path("d") },
    ];
    for name in PATHS {
        let path = room.path(name);
        queries.extend([
            Query::Stat { path: path.clone(), follow: Follow::No },
            Query::Stat { path: path.clone(), follow: Follow::Yes },
            Query::Digest { path: path.clone(), algorithm: Algorithm::Sha1, limit: None },
            Query::Digest { path: path.clone(), algorithm: Algorithm::Sha512, limit: None },
            Query::Content { path: path.clone(), limit: 1 << 20 },
            Query::List { path },
        ]);
    }
    queries
}

/// What of a stat a prediction is about.
fn said(stat: &Stat, other: &Stat) -> impl PartialEq + std::fmt::Debug + use<> {
    let sized = matches!(stat.kind, FileKind::File | FileKind::Symlink);
    // an owner given by number has no name in a prediction
    let named = |own: &Option<String>, others: &Option<String>| own.clone().filter(|_| others.is_some());
    (
        stat.kind,
        stat.mode,
        named(&stat.owner, &other.owner),
        named(&stat.group, &other.group),
        stat.size * u64::from(sized),
        stat.target.clone(),
    )
}

fn assert_same(predicted: &Observation, observed: &Observation, what: &str) {
    match (predicted, observed) {
        (Observation::Stat(Some(a)), Observation::Stat(Some(b))) => {
            assert_eq!(said(a, b), said(b, a), "{what}");
        }
        (Observation::Entries(Some(a)), Observation::Entries(Some(b))) => {
            let names =
                |entries: &[Entry]| entries.iter().map(|entry| entry.name.clone()).collect::<Vec<_>>();
            assert_eq!(names(a), names(b), "{what}");
            for (a, b) in a.iter().zip(b) {
                assert_eq!(said(&a.stat, &b.stat), said(&b.stat, &a.stat), "{what}: {}", a.name);
            }
        }
        (a, b) => assert_eq!(a, b, "{what}"),
    }
}

/// Predicts, acts, observes, compares. Returns how many answers the plan decided.
fn holds(make: impl Fn(&Room) -> Vec<Action>) -> usize {
    let mut room = Room::new();
    furnish(&room);
    let user = room.host.hello().user;
    let queries = queries(&room);
    let before: HashMap<Query, Observation> =
        queries.iter().map(|query| (query.clone(), room.observe(query))).collect();
    let known = |query: &Query| before.get(query).cloned();
    let mut overlay = Overlay::default();
    let actions = make(&room);
    for action in &actions {
        overlay.apply(&Change::new(action.clone()), &user, &known);
    }
    let predicted: Vec<Overlaid> = queries.iter().map(|query| overlay.answer(query, &known)).collect();
    let before_of_asked: Vec<Option<Observation>> = predicted
        .iter()
        .map(|predicted| match predicted {
            Overlaid::Ask(query) => Some(room.observe(query)),
            _ => None,
        })
        .collect();
    for action in &actions {
        room.act(action).unwrap_or_else(|failure| panic!("{action:?}: {failure}"));
    }
    let mut decided = 0;
    for ((query, predicted), asked) in queries.iter().zip(predicted).zip(before_of_asked) {
        let what = format!("{actions:?}: {query:?}");
        let observed = room.observe(query);
        match (predicted, asked) {
            (Overlaid::Known(predicted), _) => {
                decided += 1;
                assert_same(&predicted, &observed, &what);
            }
            // the host's answer from before stands
            (Overlaid::Ask(_), Some(before)) => assert_same(&before, &observed, &what),
            (Overlaid::Ask(_) | Overlaid::Unknown, _) => {}
        }
    }
    decided
}

fn with(action: Action, change: impl Fn(&mut Attributes, &mut Follow)) -> Action {
    let Action::WriteFile { path, content, mut attributes, expect, backup, validate, mut follow, in_place } =
        action
    else {
        return action;
    };
    change(&mut attributes, &mut follow);
    Action::WriteFile { path, content, attributes, expect, backup, validate, follow, in_place }
}

/// Whether new files come out here as predictions assume: a mask of 0022, and a group named as its user.
fn is_usual() -> bool {
    let mut host = Room::new().host;
    let user = host.hello().user;
    let group = host.names.group_name(rustix::process::getegid().as_raw());
    let usual = umask() == 0o022 && group.as_ref() == Some(&user);
    if !usual {
        eprintln!("skipped: predictions are for a mask of 0022 and a user's group of the same name");
    }
    usual
}

#[test]
fn of_written_files() {
    if !is_usual() {
        return;
    }
    for name in ["f", "new", "d/in", "d/new", "link", "to-d/in", "to-d/new"] {
        assert!(holds(|room| vec![write(room.path(name), "written")]) >= 4, "{name}");
        assert!(
            holds(|room| vec![
                with(write(room.path(name), "w"), |attributes, _| attributes.mode = Some(0o4711))
            ]) >= 4
        );
        assert!(holds(|room| vec![with(write(room.path(name), "w"), |_, follow| *follow = Follow::No)]) >= 4);
    }
    if is_root() {
        holds(|room| {
            vec![with(write(room.path("f"), "w"), |attributes, _| {
                attributes.owner = Some(Owner::Name("daemon".to_owned()));
                attributes.group = Some(Owner::Id(1));
            })]
        });
    }
}

#[test]
fn of_directories_links_and_touches() {
    if !is_usual() {
        return;
    }
    let directory = |path: String, attributes| Action::MakeDirectory { path, attributes };
    for name in ["new", "d", "d/new", "empty", "to-d/new"] {
        assert!(holds(|room| vec![directory(room.path(name), Attributes::default())]) >= 2, "{name}");
        assert!(holds(|room| vec![directory(room.path(name), mode(0o2770))]) >= 2, "{name}");
    }
    let soft = |path: String, target: &str| Action::Symlink {
        path,
        target: target.to_owned(),
        attributes: Attributes::default(),
    };
    for name in ["new", "f", "link", "dangling", "d/in", "empty", "to-d/in", "to-d"] {
        assert!(holds(|room| vec![soft(room.path(name), "f2")]) >= 1, "{name}");
        assert!(holds(|room| vec![soft(room.path(name), &room.path("d"))]) >= 1, "{name}");
    }
    let hard = |path: String, target: String| Action::HardLink { path, target };
    for name in ["new", "f", "d/new"] {
        assert!(holds(|room| vec![hard(room.path(name), room.path("f2"))]) >= 1, "{name}");
    }
    let touch = |path: String| Action::Touch {
        path,
        accessed: Some(None),
        modified: Some(None),
        attributes: mode(0o606),
    };
    for name in ["new", "f", "d", "d/new", "to-d/in", "to-d/new"] {
        assert!(holds(|room| vec![touch(room.path(name))]) >= 1, "{name}");
    }
}

#[test]
fn of_attributes_and_removals() {
    let set = |path: String, follow| Action::SetAttributes { path, attributes: mode(0o704), follow };
    for name in ["f", "d", "d/in"] {
        for follow in [Follow::Yes, Follow::No] {
            assert!(holds(|room| vec![set(room.path(name), follow)]) >= 1, "{name}");
        }
    }
    assert!(holds(|room| vec![set(room.path("link"), Follow::Yes)]) >= 1);
    for name in ["f", "d", "link", "dangling", "to-d", "nowhere", "to-d/in"] {
        assert!(holds(|room| vec![Action::Remove { path: room.path(name) }]) >= 1, "{name}");
    }
}

#[test]
fn of_plans_with_several_steps() {
    if !is_usual() {
        return;
    }
    let decided = holds(|room| {
        vec![
            Action::Remove { path: room.path("d") },
            Action::MakeDirectory { path: room.path("d"), attributes: mode(0o750) },
            write(room.path("d/new"), "a=1\n"),
            Action::SetAttributes { path: room.path("d/new"), attributes: mode(0o400), follow: Follow::No },
            Action::Symlink {
                path: room.path("link"),
                target: "d/new".to_owned(),
                attributes: Attributes::default(),
            },
            write(room.path("new"), ""),
        ]
    });
    assert!(decided >= 20, "{decided}");
}
