//! A stand-in for `fleet remote`: the test binary itself, started by the uploaded script.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::wire::action::{Action, Bytes, hex};
use crate::wire::{
    Done, Failure, FailureKind, FromTarget, Hello, Observation, PROTOCOL_VERSION, Query, Step, StepAnswer,
    ToTarget, frame,
};

/// The script that is uploaded, with so many further bytes that do not compress well.
pub(super) fn executable(directory: &Path, padding: usize) -> PathBuf {
    let path = directory.join(format!("fleet-stand-in-{padding}"));
    let binary = std::env::current_exe().unwrap();
    let mut text = format!(
        "#!/bin/sh\necho noise before\nFLEET_STAND_IN=1 exec {} --exact transport::tests::remote::stand_in --nocapture --test-threads=1\n",
        binary.display()
    );
    let mut word = 1_u64;
    use std::fmt::Write as _;
    text.reserve(padding);
    while padding > text.len() {
        word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        writeln!(text, "# {word:016x}").unwrap();
    }
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// A query that the stand-in answers with these names.
pub(super) fn ask(key: &str) -> Step {
    Step::Observe(Query::Remembered { key: key.to_owned() })
}

/// The answer to that.
pub(super) fn names(key: &str) -> StepAnswer {
    StepAnswer::Observed(Observation::Names(vec![key.to_owned()]))
}

#[test]
fn stand_in() {
    if std::env::var_os("FLEET_STAND_IN").is_some() {
        serve(std::io::stdin().lock(), std::io::stdout().lock());
        std::process::exit(0);
    }
}

/// The loop for sessions on the controller itself.
pub(super) fn serve_local(reader: Box<dyn Read + Send>, writer: Box<dyn Write + Send>) {
    serve(reader, writer);
}

fn serve(mut reader: impl Read, mut writer: impl Write) {
    if writer.write_all(b"\0FLEET1\n").is_err() {
        return;
    }
    let mut say = |message: &FromTarget| {
        writer.write_all(&frame::encode(message).unwrap()).and_then(|()| writer.flush()).is_ok()
    };
    let uid = rustix::process::geteuid().as_raw();
    let hello = Hello {
        protocol: PROTOCOL_VERSION,
        version: "stand-in".to_owned(),
        user: std::env::var("USER").unwrap_or_default(),
        uid,
        home: std::env::var("HOME").unwrap_or_default(),
        machine_id: None,
        boot_id: None,
        remembered: Vec::new(),
    };
    say(&FromTarget::Hello(hello));
    let mut contents: HashMap<String, (u64, Sha256)> = HashMap::new();
    while let Ok(Some(message)) = frame::read::<ToTarget>(&mut reader) {
        match message {
            ToTarget::Bye => return,
            ToTarget::Content { sha256, size: _, piece } => {
                let (total, digest) = contents.entry(sha256).or_default();
                *total += piece.len() as u64;
                digest.update(&piece);
            }
            ToTarget::Program { id, steps, limit: _ } => {
                let answers: Vec<StepAnswer> = steps.iter().map(|step| answer(step, &contents)).collect();
                let mut rest = answers.chunks(2).peekable();
                while let Some(part) = rest.next() {
                    let complete = rest.peek().is_none();
                    say(&FromTarget::Answers { id, answers: part.to_vec(), complete });
                }
            }
        }
    }
}

fn answer(step: &Step, contents: &HashMap<String, (u64, Sha256)>) -> StepAnswer {
    match step {
        Step::Observe(Query::Remembered { key }) => match key.split_once(':') {
            Some(("exit", code)) => std::process::exit(code.parse().unwrap()),
            Some(("sleep", seconds)) => {
                std::thread::sleep(std::time::Duration::from_secs_f32(seconds.parse().unwrap()));
                names(key)
            }
            Some(("large", size)) => names(&"x".repeat(size.parse().unwrap())),
            _ => names(key),
        },
        Step::Change(Action::WriteFile { content: Bytes::Sent { sha256, size, .. }, .. }) => {
            let whole = contents.get(sha256);
            let right = whole
                .is_some_and(|(total, digest)| total == size && hex(&digest.clone().finalize()) == *sha256);
            StepAnswer::Changed(if right {
                Ok(Done::Plain)
            } else {
                Err(Failure::new(FailureKind::Other, "the content did not arrive"))
            })
        }
        _ => StepAnswer::NotRun,
    }
}
