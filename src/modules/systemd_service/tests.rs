//! Names and failures; plans are tested by the cases.

use super::*;
use crate::wire::{Change, Command, CommandOutput, FailureKind};

#[test]
fn a_name_without_a_suffix_is_a_service() {
    for (name, full) in [
        ("nginx", "nginx.service"),
        ("a.timer", "a.timer"),
        ("x@1.2", "x@1.2.service"),
        ("a.b", "a.b.service"),
    ] {
        assert_eq!(manage::full_name(name), full);
    }
}

#[test]
fn a_start_that_fails_says_why() {
    let text = "systemctl --no-block start nginx.service || { code=$?; systemctl status; exit \"$code\"; }";
    let plan = Plan::default().change(Change::new(Action::Run(Command::shell(text))));
    let mut failure = Failure::new(FailureKind::Status, "exit status 1");
    failure.output = Some(CommandOutput {
        status: 1,
        stdout: b"nginx[1]: bind() to 0.0.0.0:80 failed\n".to_vec(),
        stderr: b"Job for nginx.service failed.\n".to_vec(),
        started: 0,
        ended: 0,
        utc_offset: 0,
        timed_out: false,
    });
    assert_eq!(
        failed("nginx", &plan, 0, &failure).message,
        "Unable to start service nginx: Job for nginx.service failed.\nnginx[1]: bind() to 0.0.0.0:80 failed"
    );
}
