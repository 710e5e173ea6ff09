//! Whole sessions over pipes in memory.

use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use super::*;
use crate::target::session::{MARKER, ServeError, Session, guarded};
use crate::wire::frame;
use crate::wire::{Content, Done, FailureKind, FromTarget, PROTOCOL_VERSION, Step, StepAnswer, ToTarget};

/// What a session wrote and how it ended, given what it read.
fn session(room: &Room, input: &[u8]) -> (Vec<u8>, Result<(), ServeError>) {
    session_until(room, input, &|| false)
}

fn session_until(room: &Room, input: &[u8], is_lost: &dyn Fn() -> bool) -> (Vec<u8>, Result<(), ServeError>) {
    let mut output = Vec::new();
    let places = Places::below(&room.at(".session"));
    let ended = Session::new(input, &mut output, Some(places), is_lost).run();
    (output, ended)
}

fn frames(messages: &[ToTarget]) -> Vec<u8> {
    messages.iter().flat_map(|message| frame::encode(message).unwrap()).collect()
}

fn messages(output: &[u8]) -> Vec<FromTarget> {
    let mut rest = output.strip_prefix(MARKER).expect("the marker comes first");
    let mut found = Vec::new();
    while let Some(message) = frame::read(&mut rest).unwrap() {
        found.push(message);
    }
    found
}

/// All answers of one program, from however many frames.
fn answers(output: &[u8], wanted: u64) -> Vec<StepAnswer> {
    let mut all = Vec::new();
    let mut done = false;
    for message in messages(output) {
        if let FromTarget::Answers { id, answers, complete } = message
            && id == wanted
        {
            assert!(!done, "nothing follows the last frame of a program");
            all.extend(answers);
            done = complete;
        }
    }
    assert!(done, "the last frame is marked");
    all
}

fn program(id: u64, steps: Vec<Step>) -> ToTarget {
    ToTarget::Program { id, steps, limit: None }
}

#[test]
fn a_scripted_session() {
    let room = Room::new();
    let path = room.path("f");
    let steps = vec![
        Step::Observe(Query::Content { path: path.clone(), limit: 100 }),
        Step::Change(write(path.clone(), "hello")),
        Step::Observe(Query::Content { path: path.clone(), limit: 100 }),
        Step::Change(write(room.path("no/f"), "x")),
        Step::Change(write(path.clone(), "not reached")),
        Step::Observe(Query::Content { path, limit: 100 }),
    ];
    let (output, ended) =
        session(&room, &frames(&[program(1, steps), program(2, Vec::new()), ToTarget::Bye]));
    ended.unwrap();
    let FromTarget::Hello(hello) = &messages(&output)[0] else { panic!("the greeting comes first") };
    assert_eq!((hello.protocol, hello.uid), (PROTOCOL_VERSION, rustix::process::geteuid().as_raw()));
    let answers_of_first = answers(&output, 1);
    assert_eq!(answers_of_first[0], StepAnswer::Observed(Observation::Content(Content::Absent)));
    assert_eq!(answers_of_first[1], StepAnswer::Changed(Ok(Done::Written { backup: None })));
    assert_eq!(
        answers_of_first[2],
        StepAnswer::Observed(Observation::Content(Content::Bytes(b"hello".to_vec())))
    );
    let StepAnswer::Changed(Err(failure)) = &answers_of_first[3] else { panic!("it fails") };
    assert_eq!(failure.kind, FailureKind::NotFound);
    assert_eq!(answers_of_first[4..], [StepAnswer::NotRun, StepAnswer::NotRun]);
    assert!(answers(&output, 2).is_empty());
    assert_eq!(fs::read_to_string(room.at("f")).unwrap(), "hello");
}

#[test]
fn contents_are_sent_ahead() {
    let room = Room::new();
    let bytes: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let whole = Bytes::Inline(bytes.clone());
    let (sha256, sha1, size) = (whole.sha256().unwrap(), whole.sha1(), whole.size());
    let mut sent: Vec<ToTarget> = bytes
        .chunks(1 << 20)
        .map(|piece| ToTarget::Content { sha256: sha256.clone(), size, piece: piece.to_vec() })
        .collect();
    let order = |name: &str, sha256: String| match write(room.path(name), "") {
        Action::WriteFile { path, attributes, expect, backup, validate, follow, in_place, .. } => {
            let content = Bytes::Sent { sha256, sha1: sha1.clone(), size, path: None };
            Step::Change(Action::WriteFile {
                path,
                content,
                attributes,
                expect,
                backup,
                validate,
                follow,
                in_place,
            })
        }
        _ => unreachable!(),
    };
    let steps = vec![order("a", sha256.clone()), order("b", sha256.clone()), order("c", "0".repeat(64))];
    sent.push(program(9, steps));
    let (output, ended) = session(&room, &frames(&sent));
    ended.unwrap();
    let answers = answers(&output, 9);
    assert!(matches!(answers[..2], [StepAnswer::Changed(Ok(_)), StepAnswer::Changed(Ok(_))]), "{answers:?}");
    assert!(
        matches!(&answers[2], StepAnswer::Changed(Err(failure)) if failure.message.contains("was not sent"))
    );
    assert!(fs::read(room.at("a")).unwrap() == bytes && fs::read(room.at("b")).unwrap() == bytes);
    assert_eq!(fs::read_dir(room.at(".session/spool")).unwrap().count(), 0, "the spool is empty afterwards");
}

#[test]
fn large_answers_come_in_several_frames() {
    let room = Room::new();
    fs::write(room.at("big"), vec![7; 3 << 20]).unwrap();
    let query = Query::Content { path: room.path("big"), limit: 4 << 20 };
    let (output, ended) = session(&room, &frames(&[program(3, vec![Step::Observe(query); 5])]));
    ended.unwrap();
    assert_eq!(answers(&output, 3).len(), 5);
    let count = messages(&output).len();
    assert!(count >= 4, "{count} frames");
    // an answer that no frame can hold is a failure of its own
    fs::File::create(room.at("huge")).unwrap().set_len(frame::MAX_FRAME as u64 + 10).unwrap();
    let huge = Step::Observe(Query::Content { path: room.path("huge"), limit: u64::MAX });
    let small = Step::Observe(Query::Content { path: room.path("none"), limit: 1 });
    let (output, ended) = session(&room, &frames(&[program(4, vec![small.clone(), huge, small])]));
    ended.unwrap();
    let answers = answers(&output, 4);
    assert!(
        matches!(&answers[1], StepAnswer::Observed(Observation::Failed(error)) if error.message.contains("larger"))
    );
    assert_eq!(answers[0], answers[2]);
}

#[test]
fn what_is_no_frame_ends_the_session_with_a_word() {
    let room = Room::new();
    for input in [&b"GET / HTTP/1.1\r\n"[..], &[4, 0, 0, 0, 0xc1, 1, 2, 3], &[1, 0]] {
        let (output, ended) = session(&room, input);
        assert!(matches!(ended, Err(ServeError::Frame(_))));
        assert!(matches!(messages(&output).last(), Some(FromTarget::Fatal { .. })));
    }
    let (output, ended) = session(&room, &[]);
    ended.unwrap();
    assert_eq!(messages(&output).len(), 1);
}

#[test]
fn a_lost_pipe_ends_the_program_after_the_instruction_at_hand() {
    let room = Room::new();
    let steps = vec![
        Step::Change(write(room.path("first"), "x")),
        Step::Change(write(room.path("second"), "x")),
        Step::Change(write(room.path("third"), "x")),
    ];
    let asked = AtomicUsize::new(0);
    let (output, ended) =
        session_until(&room, &frames(&[program(1, steps)]), &|| asked.fetch_add(1, Ordering::Relaxed) == 2);
    assert!(matches!(ended, Err(ServeError::Lost)));
    assert_eq!(messages(&output).len(), 1);
    assert!(room.at("second").exists() && !room.at("third").exists());
}

#[test]
fn a_reader_that_is_gone_ends_the_session() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let room = Room::new();
    let ended = Session::new(io::empty(), Closed, Some(room.host.places.clone()), &|| false).run();
    assert!(matches!(ended, Err(ServeError::Io(_))));
}

#[test]
fn a_panic_is_a_message() {
    assert_eq!(guarded(|| 1), Ok(1));
    let number = 7;
    let message = guarded(|| -> u8 { panic!("at {number}") }).unwrap_err();
    assert!(message.contains("defect") && message.contains("at 7"), "{message}");
}

#[test]
fn serve_works_over_pipes_of_any_kind() {
    let (mut ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let serving = std::thread::spawn(move || crate::target::serve(&theirs, &theirs));
    ours.write_all(&frames(&[program(5, vec![Step::Observe(Query::PackageListsAge)]), ToTarget::Bye]))
        .unwrap();
    serving.join().unwrap().unwrap();
    let mut output = Vec::new();
    ours.read_to_end(&mut output).unwrap();
    assert!(matches!(answers(&output, 5)[..], [StepAnswer::Observed(Observation::Number(_))]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_are_survived(bytes: Vec<u8>) {
        let room = Room::new();
        let (output, _) = session(&room, &bytes);
        prop_assert!(output.starts_with(MARKER));
    }

    #[test]
    fn damaged_frames_are_survived(at in 0_usize..200, value: u8) {
        let room = Room::new();
        let path = room.path("x");
        let steps = vec![
            Step::Observe(Query::Stat { path: path.clone(), follow: Follow::Yes }),
            Step::Observe(Query::List { path: path.clone() }),
            Step::Observe(Query::Remembered { key: path }),
        ];
        let mut input = frames(&[program(1, steps), ToTarget::Content { sha256: "a".repeat(64), size: 3, piece: vec![1] }]);
        let length = input.len();
        input[at % length] = value;
        let (output, _) = session(&room, &input);
        prop_assert!(output.starts_with(MARKER));
    }
}
