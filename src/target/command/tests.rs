//! Real processes: streams, time-outs, daemons.

use super::*;

fn shell(text: &str) -> CommandOutput {
    run(&Command::shell(text), None).unwrap()
}

#[test]
fn status_and_streams() {
    let output = shell("echo out; echo err >&2; exit 3");
    assert_eq!(
        (output.status, output.stdout.as_slice(), output.stderr.as_slice()),
        (3, &b"out\n"[..], &b"err\n"[..])
    );
    assert!(output.ended >= output.started && output.started > 1_600_000_000_000_000);
    assert_eq!(shell("kill -9 $$").status, -9);
}

#[test]
fn input_environment_directory_and_mask() {
    let room = tempfile::tempdir().unwrap();
    let mut command = Command::shell("cat; echo $X; pwd; umask; touch made").env("X", "y z");
    command.stdin = Some(crate::wire::Sealed::text("in\n"));
    command.umask = Some(0o027);
    let output = run(&command, Some(room.path())).unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let real = std::fs::canonicalize(room.path()).unwrap();
    assert_eq!(text, format!("in\ny z\n{}\n0027\n", real.display()));
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(room.path().join("made")).unwrap());
    assert_eq!(mode & 0o777, 0o640);
    // one that does not read its input, and much of it
    command = Command::argv(["true"]);
    command.stdin = Some(crate::wire::Sealed::text("x".repeat(1 << 20)));
    assert_eq!(run(&command, None).unwrap().status, 0);
    command = Command::argv(["wc", "-c"]);
    command.stdin = Some(crate::wire::Sealed::text("x".repeat(1 << 20)));
    assert_eq!(run(&command, None).unwrap().stdout, b"1048576\n");
}

#[test]
fn much_output_on_both_streams_is_whole() {
    let output = shell("head -c 3000000 /dev/zero; head -c 2000000 /dev/zero >&2");
    assert_eq!((output.stdout.len(), output.stderr.len()), (3_000_000, 2_000_000));
}

#[test]
fn a_missing_program_and_a_missing_directory() {
    let error = run(&Command::argv(["no-such-program-here"]), None).unwrap_err();
    assert_eq!((error.errno, error.message.as_str()), (Some(libc::ENOENT), "No such file or directory"));
    let error = run(&Command::argv(["true"]), Some(Path::new("/no/such"))).unwrap_err();
    assert_eq!(error.errno, Some(libc::ENOENT));
    assert!(error.message.starts_with("cannot change to `/no/such`"), "{}", error.message);
    assert!(run(&Command::argv([""; 0]), None).is_err());
    assert!(run(&Command::argv(["a\0b"]), None).is_err());
}

#[test]
fn a_daemon_that_keeps_the_pipes_does_not_hang_the_task_nor_lose_output() {
    let start = Instant::now();
    let output = shell("sleep 30 & echo started; (sleep 0.1; echo late) & exit 0");
    assert_eq!(output.stdout, b"started\nlate\n");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!(output.status, 0);
}

#[test]
fn one_that_writes_for_ever_after_the_exit_is_left() {
    let start = Instant::now();
    let output = shell("(while :; do echo x; sleep 0.05; done) & echo $!; exit 0");
    let pid: String = String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned();
    let _ = run(&Command::argv(["kill", &pid]), None);
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[test]
fn time_is_up_for_the_whole_group() {
    let room = tempfile::tempdir().unwrap();
    let mut command = Command::shell("trap '' TERM; echo begun; sleep 60 & echo $! > pid; wait; sleep 60");
    command.timeout = Some(1);
    let start = Instant::now();
    let output = run(&command, Some(room.path())).unwrap();
    assert!(output.timed_out);
    assert_eq!((output.stdout.as_slice(), output.status), (&b"begun\n"[..], -9));
    assert!(start.elapsed() < Duration::from_secs(20));
    let pid = std::fs::read_to_string(room.path().join("pid")).unwrap();
    let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z "), "still there: {state}");
}
