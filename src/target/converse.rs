//! Runs a command on a terminal of its own and answers its questions, as `pexpect.run` does.

use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use fancy_regex::Regex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal};
use rustix::pty::OpenptFlags;
use rustix::termios::{LocalModes, OptionalActions, Winsize};

use super::command::{self, Limits, NotRun};
use super::host::Host;
use super::{act, cause, terminal};
use crate::base::pyregex::{self, Flags};
use crate::wire::action::{Answers, Dialogue};
use crate::wire::{CommandOutput, Done, Failure, FailureKind, Outcome, Program, Sealed};

/// How often is looked whether the program has ended.
const LOOK: Duration = Duration::from_millis(100);
/// How long a program has after a question before it is answered: it may switch off the echo only then, and throw
/// away what was typed before.
const BEFORE_ANSWER: Duration = Duration::from_millis(50);
/// The most bytes of output that are kept, so that the answer fits into a frame.
const MOST_OUTPUT: usize = 32 << 20;

/// Carries out a dialogue.
///
/// # Errors
/// The program cannot be started, ends with another status than 0, is silent for too long, or asks more often than
/// there are answers.
pub fn converse(host: &Host, dialogue: &Dialogue) -> Outcome {
    let directory = dialogue.command.directory.as_deref().map(|path| act::path_of(host, path)).transpose()?;
    let called = command::called(&dialogue.command);
    let not_run = |NotRun { errno, message }: NotRun| {
        let kind = errno.map_or(FailureKind::Other, |number| cause::kind(&cause::errno(number)));
        Failure { kind, message: format!("cannot run `{called}`: {message}"), errno, output: None }
    };
    let questions =
        questions(&dialogue.answers).map_err(|message| Failure::new(FailureKind::Other, message))?;
    let started = SystemTime::now();
    let io = |error: io::Error| not_run(NotRun::of(&error));
    let (child, master) = start(dialogue, directory.as_deref()).map_err(io)?;
    let mut talk = Talk {
        child,
        master,
        questions,
        patience: dialogue.patience.map(|seconds| Duration::from_secs(seconds.into())),
        limits: host.limits,
        said: Vec::new(),
        open: String::new(),
        taken: 0,
    };
    let end = talk.hold().map_err(io)?;
    let (status, timed_out) = match end {
        End::Closed => (talk.closed().map_err(io)?, false),
        End::Silent => (talk.kill().map_err(io)?, true),
        End::Speechless(question) => {
            let _ = talk.kill();
            let heard = bytes_text(talk.said.get(talk.taken..).unwrap_or_default());
            let message = format!("No remaining responses for '{question}', output was '{heard}'");
            return Err(Failure::new(FailureKind::Other, message));
        }
    };
    let output = CommandOutput {
        status,
        stdout: talk.said,
        stderr: Vec::new(),
        started: command::micros(started),
        ended: command::micros(SystemTime::now()),
        utc_offset: command::utc_offset(),
        timed_out,
    };
    if status == 0 && !timed_out {
        return Ok(Done::Ran(output));
    }
    let (kind, message) = if timed_out {
        (FailureKind::Timeout, format!("`{called}` was silent for too long and was killed"))
    } else {
        (FailureKind::Status, format!("`{called}` exited with status {status}"))
    };
    Err(Failure { kind, message, errno: None, output: Some(output) })
}

/// A question, and what is left to answer it with.
struct Question {
    pattern: String,
    regex: Regex,
    answers: Left,
}

enum Left {
    /// The same each time.
    Same(Sealed),
    /// One after another.
    Each(std::vec::IntoIter<Sealed>),
}

fn questions(answers: &[(String, Answers)]) -> Result<Vec<Question>, String> {
    let flags = Flags { dot_all: true, ..Flags::default() };
    let question = |(pattern, answers): &(String, Answers)| {
        let answers = match answers {
            Answers::Same(answer) => Left::Same(answer.clone()),
            Answers::Each(all) => Left::Each(all.clone().into_iter()),
        };
        Ok(Question { pattern: pattern.clone(), regex: pyregex::compile(pattern, flags)?, answers })
    };
    answers.iter().map(question).collect()
}

/// Starts the program on a new terminal; what is left here is the terminal's other end.
fn start(dialogue: &Dialogue, directory: Option<&Path>) -> io::Result<(Child, std::fs::File)> {
    let Dialogue { command, answers: _, patience: _, echo } = dialogue;
    let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    rustix::pty::grantpt(&master)?;
    rustix::pty::unlockpt(&master)?;
    let name = rustix::pty::ptsname(&master, Vec::new())?;
    let slave: OwnedFd =
        rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
    let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    rustix::termios::tcsetwinsize(&slave, size)?;
    if !echo {
        let mut modes = rustix::termios::tcgetattr(&slave)?;
        modes.local_modes.remove(LocalModes::ECHO);
        rustix::termios::tcsetattr(&slave, OptionalActions::Now, &modes)?;
    }
    let (name, arguments): (&str, Vec<&str>) = match &command.program {
        Program::Argv(argv) => match argv.split_first() {
            Some((name, rest)) => (name, rest.iter().map(String::as_str).collect()),
            None => return Err(io::ErrorKind::InvalidInput.into()),
        },
        Program::Shell { text, executable } => (executable, vec!["-c", text]),
    };
    let mut process = Command::new(name);
    process.args(arguments);
    process.envs(command.environment.iter().map(|(name, value)| (name.as_str(), value.open())));
    if let Some(directory) = directory {
        process.current_dir(directory);
    }
    process.stdin(slave.try_clone()?).stdout(slave.try_clone()?).stderr(Stdio::from(slave.try_clone()?));
    terminal::control(&mut process, &slave);
    Ok((process.spawn()?, std::fs::File::from(master)))
}

/// How a dialogue ended.
enum End {
    /// The program has closed its terminal, or has ended.
    Closed,
    /// It said nothing that was waited for.
    Silent,
    /// It asked this, and there was no answer left.
    Speechless(String),
}

struct Talk {
    child: Child,
    master: std::fs::File,
    questions: Vec<Question>,
    patience: Option<Duration>,
    limits: Limits,
    /// Everything that was said.
    said: Vec<u8>,
    /// What was said since the last question, as text.
    open: String,
    /// How many bytes of `said` came before that.
    taken: usize,
}

impl Talk {
    fn hold(&mut self) -> io::Result<End> {
        let mut heard = Instant::now();
        loop {
            if let Some((at, end)) = self.asked() {
                let Some(question) = self.questions.get_mut(at) else { return Ok(End::Closed) };
                let answer = match &mut question.answers {
                    Left::Same(answer) => Some(answer.clone()),
                    Left::Each(left) => left.next(),
                };
                let Some(answer) = answer else { return Ok(End::Speechless(question.pattern.clone())) };
                self.open.drain(..end);
                self.taken = self.said.len().saturating_sub(self.open.len());
                std::thread::sleep(BEFORE_ANSWER);
                let line = format!("{}\n", answer.open().trim_end_matches('\n'));
                if self.master.write_all(line.as_bytes()).is_err() {
                    return Ok(End::Closed);
                }
                heard = Instant::now();
                continue;
            }
            if !self.listen()? {
                return Ok(End::Closed);
            }
            let silent = self.patience.is_some_and(|patience| heard.elapsed() >= patience);
            if silent || self.limits.is_over() || (self.limits.is_lost)() {
                return Ok(End::Silent);
            }
        }
    }

    /// The question that comes first in what was said, and where it ends.
    fn asked(&self) -> Option<(usize, usize)> {
        let found = self.questions.iter().enumerate().filter_map(|(at, question)| {
            let found = question.regex.find(&self.open).ok().flatten()?;
            Some((found.start(), at, found.end()))
        });
        found.min_by_key(|(start, at, _)| (*start, *at)).map(|(_, at, end)| (at, end))
    }

    /// Reads what is there, waiting for it a little. Whether there may be more.
    fn listen(&mut self) -> io::Result<bool> {
        let ended = self.child.try_wait()?.is_some();
        let wait = if ended { Duration::ZERO } else { LOOK };
        let wait = Timespec { tv_sec: 0, tv_nsec: wait.subsec_nanos().into() };
        let ready = {
            let mut polled = [PollFd::new(&self.master, PollFlags::IN)];
            poll(&mut polled, Some(&wait)).unwrap_or(0)
        };
        if ready == 0 {
            return Ok(!ended);
        }
        let mut buffer = [0; 2000];
        match self.master.read(&mut buffer) {
            Ok(count) if count > 0 => {
                let more = buffer.get(..count).unwrap_or_default();
                if self.said.len() + count > MOST_OUTPUT {
                    return Err(io::Error::other("it wrote more than the output that is kept"));
                }
                self.said.extend_from_slice(more);
                self.open = text(self.said.get(self.taken..).unwrap_or_default());
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
            // as Linux tells that nobody has the terminal open any more
            Ok(_) | Err(_) => Ok(false),
        }
    }

    /// The status of a program that has closed its terminal; it has a moment to end by itself.
    fn closed(&mut self) -> io::Result<i32> {
        for _ in 0..10 {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status.code().unwrap_or_else(|| -status.signal().unwrap_or(1)));
            }
            std::thread::sleep(LOOK);
        }
        self.kill()
    }

    /// Ends the program, politely first.
    fn kill(&mut self) -> io::Result<i32> {
        let pid = Pid::from_raw(self.child.id() as i32).ok_or_else(|| cause::errno(libc::ESRCH))?;
        for signal in [Signal::HUP, Signal::CONT, Signal::INT, Signal::KILL] {
            if self.child.try_wait()?.is_some() {
                break;
            }
            // it leads a session, and with it a group
            let _ = rustix::process::kill_process_group(pid, signal);
            std::thread::sleep(LOOK);
        }
        let status = self.child.wait()?;
        Ok(status.code().unwrap_or_else(|| -status.signal().unwrap_or(1)))
    }
}

/// Bytes as text of the same length, so that places in one are places in the other: what is no UTF-8 becomes spaces.
fn text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| ' '));
    }
    text
}

/// As Python shows bytes.
fn bytes_text(bytes: &[u8]) -> String {
    let shown = bytes.iter().map(|byte| match byte {
        b'\n' => "\\n".to_owned(),
        b'\r' => "\\r".to_owned(),
        b'\t' => "\\t".to_owned(),
        b'\\' => "\\\\".to_owned(),
        b'\'' => "\\'".to_owned(),
        b' '..=b'~' => char::from(*byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    });
    format!("b'{}'", shown.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(text: &str, answers: Vec<(&str, Answers)>, patience: u32, echo: bool) -> Outcome {
        let answers = answers.into_iter().map(|(pattern, answers)| (pattern.to_owned(), answers)).collect();
        let command = crate::wire::Command::argv(["sh", "-c", text]);
        converse(&Host::new(None), &Dialogue { command, answers, patience: Some(patience), echo })
    }

    fn said(outcome: Outcome) -> String {
        match outcome {
            Ok(Done::Ran(output)) => String::from_utf8(output.stdout).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    fn same(answer: &str) -> Answers {
        Answers::Same(Sealed::text(answer))
    }

    const ASK: &str = "printf 'name? '; read a; printf 'colour? '; read b; echo \"$a likes $b\"; test -t 0";

    #[test]
    fn questions_are_answered() {
        let answers = || vec![("name", same("Ann")), ("(?i)COLOUR", same("red\n"))];
        assert_eq!(said(held(ASK, answers(), 10, false)), "name? colour? Ann likes red\r\n");
        assert_eq!(said(held(ASK, answers(), 10, true)), "name? Ann\r\ncolour? red\r\nAnn likes red\r\n");
    }

    #[test]
    fn answers_may_come_one_after_another_and_run_out() {
        let each = |all: &[&str]| Answers::Each(all.iter().map(Sealed::text).collect());
        assert!(
            said(held(ASK, vec![(r"\? ", each(&["Ann", "red"]))], 10, false)).ends_with("Ann likes red\r\n")
        );
        let failure = held(ASK, vec![(r"\? ", each(&["Ann"]))], 10, false).unwrap_err();
        assert_eq!(failure.message, r"No remaining responses for '\? ', output was 'b'colour? ''");
    }

    #[test]
    fn silence_and_statuses_are_failures() {
        let failure = held("echo hello; sleep 60", Vec::new(), 1, false).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Timeout);
        assert_eq!(failure.output.unwrap().stdout, b"hello\r\n");
        let failure = held("exit 3", Vec::new(), 10, false).unwrap_err();
        assert_eq!((failure.kind, failure.output.unwrap().status), (FailureKind::Status, 3));
        assert!(held("true", vec![("(", same("x"))], 10, false).is_err());
    }

    #[test]
    fn bytes_are_shown_as_python_does() {
        assert_eq!(bytes_text(b"a'b\\\r\n\xff"), r"b'a\'b\\\r\n\xff'");
        assert_eq!(text(b"a\xffb\xc3\xa9"), "a b\u{e9}");
    }
}
