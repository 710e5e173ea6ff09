//! The script that starts or uploads fleet, run for real in a shell.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::*;

const NAME: &str = "fleet-0.1.0-abc";

fn sh(script: &str, home: &Path, arguments: &[&str], input: &[u8]) -> Output {
    use std::io::Write as _;
    let mut child = Command::new("/bin/sh")
        .args(["-c", script, "fleet"])
        .args(arguments)
        .env("HOME", home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn usual(packed: bool, remote_tmp: &str) -> Upload<'_> {
    let place = Place::Usual { remote_tmp: Some(remote_tmp) };
    Upload { name: NAME, sha256: "abc", packed, place, runner: Runner::LoginOrRoot }
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    crate::wire::action::hex(&sha2::Sha256::digest(bytes))
}

fn missing_here(home: &Path) -> String {
    start_script(
        &[NAME.to_owned()],
        Some(&format!("{}/up", home.display())),
        Runner::LoginOrRoot,
        Through::Nothing,
    )
}

#[test]
fn the_texts_need_no_special_care_from_a_login_shell() {
    let start = start_script(&[NAME.to_owned()], Some("~/a b$(rm)`x`'"), Runner::Other, Through::Nothing);
    let upload = upload_script(&Upload { runner: Runner::Other, ..usual(true, "~/x") });
    for script in [start, upload] {
        assert!(!script.contains(['\n', '\'', '\\', '!', '`']), "{script}");
        assert!(Command::new("/bin/sh").args(["-n", "-c", &script]).status().unwrap().success());
    }
}

#[test]
fn quoting() {
    assert_eq!(quote("a-b/c.d"), "a-b/c.d");
    assert_eq!(quote(""), "''");
    assert_eq!(quote("it's"), r#"'it'"'"'s'"#);
    let words = ["printf".to_owned(), "%s|".to_owned(), "a b".to_owned(), "$HOME'\"".to_owned()];
    let output = Command::new("/bin/sh").args(["-c", &command_line(&words)]).output().unwrap();
    assert_eq!(text(&output), "a b|$HOME'\"|");
}

#[test]
fn missing_then_uploaded_then_started() {
    let home = tempfile::tempdir().unwrap();
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let first = sh(&missing_here(home.path()), home.path(), &[], b"");
    assert!(text(&first).starts_with(MISSING) && text(&first).contains("Linux"), "{first:?}");
    assert_eq!(first.status.code(), Some(111));

    let program = b"#!/bin/sh\necho started \"$@\"\n";
    let up = format!("{}/up", home.path().display());
    let hash = sha256(program);
    let script = upload_script(&Upload { sha256: &hash, ..usual(false, &up) });
    let stored = sh(&script, home.path(), &[], program);
    assert_eq!(text(&stored), format!("{READY}\n{STORED}{up}\n"), "{stored:?}");
    let mode = std::fs::metadata(format!("{up}/{NAME}")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o755);
    assert_eq!(std::fs::read_dir(&up).unwrap().count(), 1);

    assert_eq!(text(&sh(&missing_here(home.path()), home.path(), &[], b"")), "started remote\n");
    let wrapped = sh(&missing_here(home.path()), home.path(), &["echo", "as root:"], b"");
    assert_eq!(text(&wrapped), format!("as root: {up}/{NAME} remote\n"));
}

#[test]
fn compressed_bytes_and_damaged_ones() {
    use std::io::Write as _;
    let home = tempfile::tempdir().unwrap();
    let up = format!("{}/up", home.path().display());
    let program = b"#!/bin/sh\n";
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(program).unwrap();
    let packed = packer.finish().unwrap();
    let hash = sha256(program);
    let script = upload_script(&Upload { sha256: &hash, ..usual(true, &up) });
    let cut = sh(&script, home.path(), &[], &packed[..packed.len() - 9]);
    assert!(text(&cut).contains(REFUSED) || text(&cut).contains(DAMAGED), "{cut:?}");
    assert_eq!(std::fs::read_dir(&up).unwrap().count(), 0);
    let stored = sh(&script, home.path(), &[], &packed);
    assert!(text(&stored).contains(STORED), "{stored:?}");
    assert_eq!(std::fs::read(format!("{up}/{NAME}")).unwrap(), program);
    let wrong = upload_script(&Upload { sha256: &sha256(b"other"), ..usual(false, &up) });
    assert!(text(&sh(&wrong, home.path(), &[], program)).contains(DAMAGED));
}

#[test]
fn a_directory_that_others_can_write_to_is_passed_over() {
    let home = tempfile::tempdir().unwrap();
    let up = home.path().join("up");
    std::fs::create_dir(&up).unwrap();
    std::fs::set_permissions(&up, std::fs::Permissions::from_mode(0o775)).unwrap();
    std::fs::write(up.join(NAME), "#!/bin/sh\necho evil\n").unwrap();
    std::fs::set_permissions(up.join(NAME), std::fs::Permissions::from_mode(0o755)).unwrap();
    assert!(text(&sh(&missing_here(home.path()), home.path(), &[], b"")).starts_with(MISSING));
    std::fs::set_permissions(&up, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(text(&sh(&missing_here(home.path()), home.path(), &[], b"")), "evil\n");
}

#[test]
fn another_user_needs_a_way_there() {
    let home = tempfile::tempdir().unwrap();
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let up = home.path().join("up");
    std::fs::create_dir(&up).unwrap();
    std::fs::write(up.join(NAME), "#!/bin/sh\necho here\n").unwrap();
    std::fs::set_permissions(up.join(NAME), std::fs::Permissions::from_mode(0o755)).unwrap();
    let script =
        start_script(&[NAME.to_owned()], Some(&up.display().to_string()), Runner::Other, Through::Nothing);
    assert!(text(&sh(&script, home.path(), &[], b"")).starts_with(MISSING));
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
    assert_eq!(text(&sh(&script, home.path(), &[], b"")), "here\n");
}
