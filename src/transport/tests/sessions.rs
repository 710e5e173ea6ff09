//! Commands, uploads, exchanges, become.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::remote::{self, ask, names};
use super::server::Server;
use crate::base::Secret;
use crate::transport::{Become, BecomeMethod, BecomeProblem, Connector, Destination, SessionError};
use crate::wire::action::{Action, Bytes, hex};
use crate::wire::{Attributes, Done, Expect, Follow, Step, StepAnswer};

fn write_file(path: PathBuf, content: &[u8]) -> Step {
    let sha256 = hex(&Sha256::digest(content));
    Step::Change(Action::WriteFile {
        path: "/somewhere".to_owned(),
        content: Bytes::Sent { sha256, sha1: String::new(), size: content.len() as u64, path: Some(path) },
        attributes: Attributes::default(),
        expect: Expect::Anything,
        backup: false,
        validate: None,
        follow: Follow::Yes,
        in_place: false,
    })
}

#[tokio::test]
async fn a_raw_command_needs_nothing_on_the_host() {
    let Some(server) = Server::start("") else { return };
    let connection = server.connector().connect(&server.destination("web1")).await.unwrap();
    let out = connection.raw("cat; echo out; echo err >&2; exit 3", None, Some(b"in "), None).await.unwrap();
    assert_eq!(
        (out.status, out.stdout.as_slice(), out.stderr.as_slice()),
        (3, &b"in out\n"[..], &b"err\n"[..])
    );
    let killed = connection.raw("kill -9 $$", None, None, None).await.unwrap();
    assert_eq!(killed.status, -9);
    let large = connection.raw("head -c 3000000 /dev/zero; echo e >&2", None, None, None).await.unwrap();
    assert_eq!((large.stdout.len(), large.stderr.as_slice()), (3_000_000, &b"e\n"[..]));
    assert!(!server.at("upload").exists());
    let counters = connection.counters();
    assert_eq!((counters.connections, counters.exchanges), (1, 3));
    assert!(counters.bytes_received > 3_000_000);
    connection.close().await;
}

#[tokio::test]
async fn a_child_that_stays_behind_does_not_hold_up_a_raw_command() {
    let Some(server) = Server::start("") else { return };
    let connection = server.connector().connect(&server.destination("web1")).await.unwrap();
    let begun = Instant::now();
    let out = connection.raw("sleep 30 & echo done", None, None, None).await.unwrap();
    assert_eq!((out.status, out.stdout.as_slice()), (0, &b"done\n"[..]));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let out = connection.raw("(sleep 0.05; echo late) & echo early", None, None, None).await.unwrap();
    assert_eq!(out.stdout, b"early\nlate\n");
}

#[tokio::test]
async fn a_raw_command_that_takes_too_long_is_ended() {
    let Some(server) = Server::start("") else { return };
    let connection = server.connector().connect(&server.destination("web1")).await.unwrap();
    let begun = Instant::now();
    let out = connection.raw("echo a; sleep 30", None, None, Some(Duration::from_secs(1))).await.unwrap();
    assert!(out.timed_out && out.stdout == b"a\n" && begun.elapsed() < Duration::from_secs(5));
    assert_eq!(connection.raw("echo b", None, None, None).await.unwrap().stdout, b"b\n");
}

#[tokio::test]
async fn uploaded_once_and_then_one_command_per_session() {
    let Some(server) = Server::start("") else { return };
    let destination = server.destination("web1");
    let connection = server.connector().connect(&destination).await.unwrap();
    let session = connection.session(None).await.unwrap();
    assert!(session.hello().is_none());
    let steps = vec![ask("a"), ask("b"), ask("c")];
    assert_eq!(session.exchange(steps, None).await.unwrap(), [names("a"), names("b"), names("c")]);
    assert_eq!(session.hello().unwrap().version, "stand-in");
    // looked, uploaded, started
    assert_eq!(server.logged("Starting session: command"), 3);
    assert_eq!(session.exchange(vec![ask("d")], None).await.unwrap(), [names("d")]);
    let large = session.exchange(vec![ask("large:2000000")], None).await.unwrap();
    assert_eq!(large, [names(&"x".repeat(2_000_000))]);
    session.close().await;
    connection.close().await;

    let connection = server.connector().connect(&destination).await.unwrap();
    let session = connection.session(None).await.unwrap();
    assert_eq!(session.exchange(vec![ask("e")], None).await.unwrap(), [names("e")]);
    assert_eq!(server.logged("Starting session: command"), 4);
    assert_eq!(connection.counters().exchanges, 1);
}

#[tokio::test]
async fn a_large_upload_by_several_sessions_at_once() {
    let Some(server) = Server::start("") else { return };
    let mut options = server.options();
    options.executable = Some(remote::executable(server.directory.path(), 20 << 20));
    let connection = Connector::new(options).connect(&server.destination("web1")).await.unwrap();
    let exchanges = (0..4).map(|_| async {
        let session = connection.session(None).await.unwrap();
        session.exchange(vec![ask("a")], None).await.unwrap()
    });
    for answers in futures::future::join_all(exchanges).await {
        assert_eq!(answers, [names("a")]);
    }
    assert_eq!(server.logged("umask 022"), 0);
    assert_eq!(std::fs::read_dir(server.at("upload")).unwrap().count(), 1);
    let uploaded = connection.counters().bytes_sent;
    assert!((5 << 20..30 << 20).contains(&uploaded), "{uploaded}");
}

#[tokio::test]
async fn contents_are_streamed_ahead_and_once() {
    let Some(server) = Server::start("") else { return };
    let connection = server.connector().connect(&server.destination("web1")).await.unwrap();
    let session = connection.session(None).await.unwrap();
    let content: Vec<u8> = (0..3_500_000_u32).map(|at| (at % 253) as u8).collect();
    let file = server.at("content");
    std::fs::write(&file, &content).unwrap();
    let step = || write_file(file.clone(), &content);
    let done = StepAnswer::Changed(Ok(Done::Plain));
    assert_eq!(
        session.exchange(vec![step(), ask("a"), step()], None).await.unwrap(),
        [done.clone(), names("a"), done.clone()]
    );
    let before = connection.counters().bytes_sent;
    assert_eq!(session.exchange(vec![step()], None).await.unwrap(), [done]);
    assert!(connection.counters().bytes_sent - before < 10_000);

    // small and changed: nothing was sent, and the session goes on
    std::fs::write(&file, "other").unwrap();
    let changed = session.exchange(vec![write_file(file.clone(), b"wrong")], None).await.unwrap_err();
    assert!(matches!(changed, SessionError::ContentChanged { .. }), "{changed}");
    assert_eq!(session.exchange(vec![ask("b")], None).await.unwrap(), [names("b")]);
    let missing = session.exchange(vec![write_file(server.at("none"), b"x")], None).await.unwrap_err();
    assert!(matches!(missing, SessionError::ContentRead { .. }), "{missing}");
}

#[tokio::test]
async fn an_exchange_that_takes_too_long_closes_its_session_only() {
    let Some(server) = Server::start("") else { return };
    let connection = server.connector().connect(&server.destination("web1")).await.unwrap();
    let session = connection.session(None).await.unwrap();
    session.exchange(vec![ask("a")], None).await.unwrap();
    let late = session.exchange(vec![ask("sleep:30")], Some(Duration::from_millis(200))).await.unwrap_err();
    assert!(matches!(late, SessionError::Timeout { .. }) && !late.is_unreachable(), "{late}");
    let closed = session.exchange(vec![ask("b")], None).await.unwrap_err();
    assert!(matches!(closed, SessionError::Closed { .. }), "{closed}");
    let other = connection.session(None).await.unwrap();
    assert_eq!(other.exchange(vec![ask("c")], None).await.unwrap(), [names("c")]);
    let gone = other.exchange(vec![ask("exit:9")], None).await.unwrap_err();
    assert!(gone.to_string().contains("exit status 9"), "{gone}");
}

#[tokio::test]
async fn another_user_through_sudo() {
    let Some(server) = Server::start("") else { return };
    if !Path::new("/usr/bin/sudo").exists() {
        println!("skipped: there is no sudo");
        return;
    }
    let connection = server.connector().connect(&server.destination("web1")).await.unwrap();
    assert!(connection.is_login_user(Some(&Become::sudo("root"))));
    let who = Become::sudo("nobody");
    assert!(!connection.is_login_user(Some(&who)));
    let out = connection.raw("id -un", Some(&who), None, None).await.unwrap();
    assert_eq!(out.stdout, b"nobody\n");
    let missing = connection.raw("id", Some(&Become::sudo("no-such-user")), None, None).await.unwrap_err();
    assert!(matches!(missing, SessionError::Become { problem: BecomeProblem::UnknownUser, .. }), "{missing}");
    let session = connection.session(Some(&Become::sudo("no-such-user"))).await.unwrap();
    let unknown = session.exchange(vec![ask("a")], None).await.unwrap_err();
    assert!(matches!(unknown, SessionError::Become { problem: BecomeProblem::UnknownUser, .. }), "{unknown}");
    // a terminal for its password needs fleet there
    let asking = Become { method: BecomeMethod::Doas, password: Some(Secret::new("x")), ..who };
    let refused = connection.raw("id", Some(&asking), None, None).await.unwrap_err();
    assert!(matches!(refused, SessionError::Become { problem: BecomeProblem::Terminal, .. }), "{refused}");
}

/// A sudo that asks for a password as sudo does, runs the command as nobody else, and leaves a lecture.
fn fake_sudo(directory: &Path) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let path = directory.join("sudo");
    let text = "#!/bin/sh\nask=; never=; prompt=\nwhile [ $# -gt 0 ]; do case $1 in -S) ask=1;; -n) never=1;; -p) prompt=$2; shift;; -u) shift;; --) shift; break;; esac; shift; done\n\
                if [ -z \"$ask\" ] || [ -n \"$never\" ]; then echo 'sudo: a password is required' >&2; exit 1; fi\n\
                echo 'We trust you have received the usual lecture' >&2\n\
                for try in 1 2; do printf '%s' \"$prompt\" >&2; IFS= read -r given; \
                if [ \"$given\" = right ]; then exec \"$@\"; fi; echo 'Sorry, try again.' >&2; done; exit 1\n";
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

#[tokio::test]
async fn a_password_for_sudo() {
    let Some(server) = Server::start("") else { return };
    let connection = server.connector().connect(&server.destination("web1")).await.unwrap();
    let who = |password: Option<&str>| Become {
        executable: Some(fake_sudo(server.directory.path())),
        password: password.map(Secret::new),
        ..Become::sudo("app")
    };
    let session = connection.session(Some(&who(Some("right")))).await.unwrap();
    assert_eq!(session.exchange(vec![ask("a")], None).await.unwrap(), [names("a")]);
    let out = connection.raw("cat; echo $0", Some(&who(Some("right"))), Some(b"in\n"), None).await.unwrap();
    assert_eq!(out.stdout, b"in\n/bin/sh\n");
    for (password, wanted) in
        [(Some("wrong"), BecomeProblem::PasswordWrong), (None, BecomeProblem::PasswordRequired)]
    {
        let session = connection.session(Some(&who(password))).await.unwrap();
        for error in [
            session.exchange(vec![ask("a")], None).await.unwrap_err(),
            connection.raw("id", Some(&who(password)), None, None).await.unwrap_err(),
        ] {
            let SessionError::Become { problem, .. } = &error else { panic!("{error}") };
            assert_eq!(*problem, wanted, "{error}");
            assert!(!error.to_string().contains("key="), "{error}");
        }
    }
}

#[tokio::test]
async fn more_sessions_than_the_server_allows_on_one_connection() {
    let Some(server) = Server::start("MaxSessions 2") else { return };
    let connection = server.connector().connect(&server.destination("web1")).await.unwrap();
    let mut sessions = Vec::new();
    for _ in 0..5 {
        let session = connection.session(None).await.unwrap();
        assert_eq!(session.exchange(vec![ask("a")], None).await.unwrap(), [names("a")]);
        sessions.push(session);
    }
    assert_eq!(connection.counters().connections, 3);
    for session in sessions {
        session.close().await;
    }
    assert_eq!(connection.raw("echo a", None, None, None).await.unwrap().stdout, b"a\n");
    assert_eq!(connection.counters().connections, 3);
}

#[tokio::test]
async fn no_place_for_the_upload() {
    let Some(server) = Server::start("") else { return };
    let mut destination = server.destination("web1");
    // the only places that are tried as root: make each of them fail
    destination.remote_tmp = Some("/proc/fleet".to_owned());
    let who = Become::sudo("nobody");
    let connection = server.connector().connect(&destination).await.unwrap();
    let script = crate::transport::bootstrap::upload_script(&crate::transport::bootstrap::Upload {
        name: "x",
        sha256: "y",
        packed: false,
        place: crate::transport::bootstrap::Place::Usual { remote_tmp: Some("/proc/fleet") },
        runner: crate::transport::bootstrap::Runner::Other,
    });
    let script = script.replace("/var/tmp/fleet-$u", "/proc/other").replace("/var/lib/fleet", "/proc/third");
    let out = connection.raw(&script, None, None, None).await.unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(text.contains("fleet-refused /proc/fleet cannot be made|/proc/third cannot be made|"), "{text}");
    assert_eq!(out.status, 112);
    drop(who);
}

#[tokio::test]
async fn the_controller_itself_and_any_pipe() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = crate::transport::Options::new(remote::serve_local);
    options.executable = Some(remote::executable(directory.path(), 0));
    let connector = Connector::new(options);
    let local = connector.connect(&Destination::local("here")).await.unwrap();
    let session = local.session(None).await.unwrap();
    assert_eq!(session.exchange(vec![ask("a")], None).await.unwrap(), [names("a")]);
    assert_eq!(session.exchange(vec![ask("b")], None).await.unwrap(), [names("b")]);
    session.close().await;
    let out = local.raw("echo $0; cat", None, Some(b"in"), None).await.unwrap();
    assert_eq!(out.stdout, b"/bin/sh\nin");

    let mut pipe = Destination::pipe("box", ["env", "IN_BOX=1"]);
    pipe.remote_tmp = Some(directory.path().join("upload").display().to_string());
    let pipe = connector.connect(&pipe).await.unwrap();
    let out = pipe.raw("echo $IN_BOX; echo e >&2; exit 4", None, None, None).await.unwrap();
    assert_eq!((out.status, out.stdout.as_slice(), out.stderr.as_slice()), (4, &b"1\n"[..], &b"e\n"[..]));
    let session = pipe.session(None).await.unwrap();
    assert_eq!(session.exchange(vec![ask("c")], None).await.unwrap(), [names("c")]);
    session.close().await;

    let broken = connector.connect(&Destination::pipe("none", ["/no/such/program"])).await.unwrap();
    let error = broken.raw("true", None, None, None).await.unwrap_err();
    assert!(error.to_string().contains("cannot run `/no/such/program`"), "{error}");
}

#[tokio::test]
async fn another_user_on_the_controller_itself() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut options = crate::transport::Options::new(remote::serve_local);
    options.executable = Some(remote::executable(directory.path(), 0));
    let mut destination = Destination::local("here");
    destination.remote_tmp = Some(directory.path().join("upload").display().to_string());
    let connection = Connector::new(options).connect(&destination).await.unwrap();
    for (user, uploads) in [("root2", 1), ("app", 1)] {
        let who = Become {
            executable: Some(fake_sudo(directory.path())),
            password: Some(Secret::new("right")),
            ..Become::sudo(user)
        };
        let session = connection.session(Some(&who)).await.unwrap();
        assert_eq!(session.exchange(vec![ask("a")], None).await.unwrap(), [names("a")]);
        assert_eq!(std::fs::read_dir(directory.path().join("upload")).unwrap().count(), uploads);
        session.close().await;
    }
}
