//! Predictions through the overlay: what a plan's earlier changes mean for its later reads.

use super::*;
use crate::wire::Expect;

fn nothing(_: &Query) -> Option<Observation> {
    None
}

fn write(path: &str, text: &str, owner: &str) -> Change {
    Change::new(Action::WriteFile {
        path: path.to_owned(),
        content: Bytes::Inline(text.as_bytes().to_vec()),
        attributes: Attributes { mode: Some(0o640), owner: Some(Owner::Name(owner.to_owned())), group: None },
        expect: Expect::Absent,
        backup: false,
        validate: None,
        follow: Follow::Yes,
        in_place: false,
    })
}

fn mkdir(path: &str) -> Change {
    Change::new(Action::MakeDirectory { path: path.to_owned(), attributes: Attributes::default() })
}

fn link(path: &str, target: &str) -> Change {
    Change::new(Action::Symlink {
        path: path.to_owned(),
        target: target.to_owned(),
        attributes: Attributes::default(),
    })
}

fn overlay(changes: &[Change]) -> Overlay {
    let mut overlay = Overlay::default();
    for change in changes {
        overlay.apply(change, "root", &nothing);
    }
    overlay
}

fn stat(path: &str) -> Query {
    Query::Stat { path: path.to_owned(), follow: Follow::Yes }
}

fn content(path: &str) -> Query {
    Query::Content { path: path.to_owned(), limit: 1 << 20 }
}

#[test]
fn a_file_in_a_directory_that_the_plan_makes() {
    let overlay = overlay(&[mkdir("/srv/app/"), write("/srv/app/a.conf", "x=1\n", "app")]);
    assert_eq!(
        overlay.answer(&content("/srv/app/a.conf"), &nothing),
        Overlaid::Known(Observation::Content(Content::Bytes(b"x=1\n".to_vec())))
    );
    let Overlaid::Known(Observation::Stat(Some(found))) = overlay.answer(&stat("/srv/app/a.conf"), &nothing)
    else {
        panic!("the file is predicted")
    };
    assert_eq!((found.mode, found.owner.as_deref(), found.size), (0o640, Some("app"), 4));
    assert_eq!(overlay.answer(&stat("/srv/app/b"), &nothing), Overlaid::Known(Observation::Stat(None)));
    assert_eq!(overlay.answer(&stat("/srv/other"), &nothing), Overlaid::Ask(stat("/srv/other")));
    let Overlaid::Known(Observation::Entries(Some(entries))) =
        overlay.answer(&Query::List { path: "/srv/app".to_owned() }, &nothing)
    else {
        panic!("the directory is predicted")
    };
    assert_eq!(entries.iter().map(|e| e.name.as_str()).collect::<Vec<_>>(), ["a.conf"]);
}

#[test]
fn removal_hides_what_is_below_and_what_was_planned_there() {
    let removal = Change::new(Action::Remove { path: "/srv/app".to_owned() });
    let overlay = overlay(&[mkdir("/srv/app"), write("/srv/app/a", "x", "root"), removal]);
    assert_eq!(overlay.answer(&stat("/srv/app/a"), &nothing), Overlaid::Known(Observation::Stat(None)));
    assert_eq!(
        overlay.answer(&content("/srv/app/deep/b"), &nothing),
        Overlaid::Known(Observation::Content(Content::Absent))
    );
}

#[test]
fn links_that_the_plan_makes_are_followed() {
    let overlay = overlay(&[
        mkdir("/srv/releases/2"),
        write("/srv/releases/2/bin", "two", "root"),
        link("/srv/current", "releases/2"),
        link("/srv/etc", "/etc"),
    ]);
    assert_eq!(
        overlay.answer(&content("/srv/current/bin"), &nothing),
        Overlaid::Known(Observation::Content(Content::Bytes(b"two".to_vec())))
    );
    assert_eq!(overlay.answer(&content("/srv/etc/passwd"), &nothing), Overlaid::Ask(content("/etc/passwd")));
    let unfollowed = Query::Stat { path: "/srv/current".to_owned(), follow: Follow::No };
    let Overlaid::Known(Observation::Stat(Some(found))) = overlay.answer(&unfollowed, &nothing) else {
        panic!("the link is predicted")
    };
    assert_eq!((found.kind, found.target.as_deref()), (FileKind::Symlink, Some("releases/2")));
}

#[test]
fn a_loop_of_links_is_unknown_not_endless() {
    let overlay = overlay(&[link("/a", "/b"), link("/b", "/a")]);
    assert_eq!(overlay.answer(&stat("/a"), &nothing), Overlaid::Unknown);
}

#[test]
fn attributes_of_an_observed_file_keep_its_content() {
    let found = |query: &Query| {
        (query.path() == Some("/etc/x"))
            .then(|| Observation::Stat(Some(Stat::predicted(FileKind::File, 0o600, "daemon"))))
    };
    let mut overlay = Overlay::default();
    let change = Change::new(Action::SetAttributes {
        path: "/etc/x".to_owned(),
        attributes: Attributes { mode: Some(0o644), ..Attributes::default() },
        follow: Follow::No,
    });
    overlay.apply(&change, "root", &found);
    let Overlaid::Known(Observation::Stat(Some(after))) = overlay.answer(&stat("/etc/x"), &found) else {
        panic!("the file is predicted")
    };
    assert_eq!((after.mode, after.owner.as_deref()), (0o644, Some("daemon")));
    assert_eq!(overlay.answer(&content("/etc/x"), &found), Overlaid::Ask(content("/etc/x")));
}

#[test]
fn declared_effects_answer() {
    let state = UnitState {
        load: "loaded".into(),
        active: "active".into(),
        sub: "running".into(),
        enabled: "enabled".into(),
        properties: BTreeMap::new(),
    };
    let change = Change::new(Action::Run(crate::wire::Command::argv(["systemctl", "start", "x.service"])))
        .effect(Effect::Unit("x.service".to_owned(), state.clone()))
        .effect(Effect::Unknown(Query::Group { name: "x".to_owned() }));
    let overlay = overlay(&[change]);
    let unit = Query::Unit { name: "x.service".to_owned(), user: None };
    assert_eq!(overlay.answer(&unit, &nothing), Overlaid::Known(Observation::Unit(state)));
    assert_eq!(overlay.answer(&Query::Group { name: "x".to_owned() }, &nothing), Overlaid::Unknown);
}

#[test]
fn a_link_on_the_host_leads_to_what_the_plan_changes() {
    let found = |query: &Query| match query {
        Query::Stat { path, follow: Follow::No } if path == "/l" => Some(Observation::Stat(Some(Stat {
            target: Some("/t".to_owned()),
            resolved: Some("/t".to_owned()),
            ..Stat::predicted(FileKind::Symlink, 0o777, "root")
        }))),
        _ => None,
    };
    let changed = overlay(&[write("/t", "new", "root")]);
    let text = Overlaid::Known(Observation::Content(Content::Bytes(b"new".to_vec())));
    assert_eq!(changed.answer(&content("/l"), &found), text);
    assert!(matches!(changed.answer(&stat("/l"), &found), Overlaid::Known(Observation::Stat(Some(_)))));
    assert_eq!(changed.answer(&content("/l"), &nothing), Overlaid::Ask(content("/l")));
    let removed = overlay(&[Change::new(Action::Remove { path: "/t".to_owned() })]);
    assert_eq!(removed.answer(&stat("/l"), &found), Overlaid::Known(Observation::Stat(None)));
}

#[test]
fn links_and_times_are_predicted() {
    let found = |query: &Query| {
        (query.path() == Some("/t"))
            .then(|| Observation::Stat(Some(Stat::predicted(FileKind::File, 0o600, "daemon"))))
    };
    let mut overlay = Overlay::default();
    let hard = Action::HardLink { path: "/h".to_owned(), target: "/t".to_owned() };
    overlay.apply(&Change::new(hard), "root", &found);
    let touch = Action::Touch {
        path: "/h".to_owned(),
        accessed: None,
        modified: Some(Some(7)),
        attributes: Attributes::default(),
    };
    overlay.apply(&Change::new(touch), "root", &found);
    let Overlaid::Known(Observation::Stat(Some(after))) = overlay.answer(&stat("/h"), &found) else {
        panic!("the link is predicted")
    };
    assert_eq!((after.links, after.modified, after.accessed, after.mode), (2, 7, 0, 0o600));
}

#[test]
fn a_tree_on_the_host_with_planned_changes() {
    let entry =
        |name: &str, kind| Entry { name: name.to_owned(), stat: Stat::predicted(kind, 0o755, "root") };
    let found = |query: &Query| {
        let tree = vec![
            entry("a", FileKind::Directory),
            entry("a/x", FileKind::File),
            entry("b", FileKind::File),
            entry("c", FileKind::Directory),
            entry("c/y", FileKind::File),
        ];
        (*query == Query::Tree { path: "/d".to_owned() }).then(|| Observation::Entries(Some(tree)))
    };
    let changed = overlay(&[
        Change::new(Action::Remove { path: "/d/a".to_owned() }),
        link("/d/c", "/tmp"),
        write("/d/n", "new", "app"),
    ]);
    let tree = Query::Tree { path: "/d".to_owned() };
    let Overlaid::Known(Observation::Entries(Some(after))) = changed.answer(&tree, &found) else {
        panic!("the tree is predicted")
    };
    let names: Vec<_> = after.iter().map(|entry| (entry.name.as_str(), entry.stat.kind)).collect();
    assert_eq!(names, [("b", FileKind::File), ("c", FileKind::Symlink), ("n", FileKind::File)]);
    assert_eq!(changed.answer(&tree, &nothing), Overlaid::Ask(tree));
}

#[test]
fn a_unit_that_a_planned_package_may_bring_is_unknown() {
    let unit = |load: &str| UnitState {
        load: load.to_owned(),
        active: "inactive".into(),
        sub: "dead".into(),
        enabled: String::new(),
        properties: BTreeMap::new(),
    };
    let package = PackageState {
        status: PackageStatus::Installed,
        version: None,
        candidate: None,
        provided_by: Vec::new(),
        held: false,
        available: Vec::new(),
    };
    let install = Change::new(Action::Run(crate::wire::Command::argv(["apt-get", "install", "web"])))
        .effect(Effect::Package("web".to_owned(), package));
    let query = Query::Unit { name: "proxy.service".to_owned(), user: None };
    let missing = |_: &Query| Some(Observation::Unit(unit("not-found")));
    let there = |_: &Query| Some(Observation::Unit(unit("loaded")));
    let planned = overlay(std::slice::from_ref(&install));
    assert_eq!(planned.answer(&query, &missing), Overlaid::Unknown);
    assert_eq!(planned.answer(&query, &there), Overlaid::Ask(query.clone()));
    // a unit that the plan writes itself is not the package's
    let written = overlay(&[install, write("/etc/systemd/system/proxy.service", "[Service]\n", "root")]);
    assert_eq!(written.answer(&query, &missing), Overlaid::Ask(query.clone()));
}
