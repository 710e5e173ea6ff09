//! Variables in arguments, results and failures.

use super::*;
use crate::modules::params::parse;

fn output(status: i32, stdout: &str) -> CommandOutput {
    CommandOutput {
        status,
        stdout: stdout.as_bytes().to_vec(),
        stderr: b"oh\n".to_vec(),
        started: 1_700_000_000_000_000,
        ended: 1_700_000_000_250_000,
        utc_offset: 0,
        timed_out: false,
    }
}

fn params() -> CommandParams {
    parse(&[("_raw_params".into(), "false".into())].into_iter().collect()).unwrap()
}

#[test]
fn variables_are_replaced_as_python_does() {
    let variable = |name: &str| match name {
        "HOME" => Some("/root"),
        "A_1" => Some("$HOME"),
        _ => None,
    };
    for (word, expected) in [
        ("$HOME/x", "/root/x"),
        ("${HOME}x${NOPE}", "/rootx${NOPE}"),
        ("$NOPE-$A_1$", "$NOPE-$HOME$"),
        ("${HOME", "${HOME"),
        ("$$HOME", "$/root"),
    ] {
        assert_eq!(expand_variables(word, &variable), expected, "{word}");
    }
}

#[test]
fn what_ran_is_registered_as_the_original_does() {
    let plan = Plan::default().with("cmd", Value::list([Value::from("false")]));
    let result = params().common.result(&plan, &[Done::Ran(output(0, "a\nb\n"))]);
    assert_eq!(
        Value::from(result).to_text(),
        "{'cmd': ['false'], 'rc': 0, 'stdout': 'a\\nb', 'stdout_lines': ['a', 'b'], 'stderr': 'oh', \
         'stderr_lines': ['oh'], 'start': '2023-11-14 22:13:20', 'end': '2023-11-14 22:13:20.250000', \
         'delta': '0:00:00.250000', 'msg': ''}"
    );
}

#[test]
fn failures_keep_the_output() {
    let plan = Plan::default().with("cmd", Value::list([Value::from("false")]));
    let mut failure = Failure::new(FailureKind::Status, "exit status 3");
    failure.output = Some(output(3, ""));
    let failed = params().common.failure(&plan, &failure);
    assert_eq!(failed.message, "non-zero return code");
    assert_eq!(failed.result.get("rc"), Some(&Value::from(3)));
    let missing = Failure::new(FailureKind::NotFound, "[Errno 2] No such file or directory: b'false'");
    let failed = params().common.failure(&plan, &missing);
    assert_eq!(failed.message, "Error executing command: [Errno 2] No such file or directory: b'false'");
    assert_eq!(failed.result.get("rc"), Some(&Value::from(2)));
    assert_eq!(failed.result.get("cmd"), Some(&Value::from("false")));
}
