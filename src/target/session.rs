//! One session: the marker, the greeting, then programs answered in order until the pipe ends.

use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::host::Host;
use super::places::Places;
use super::{act, cause, observe};
use crate::wire::frame::{self, FrameError};
use crate::wire::{
    Content, Failure, FailureKind, FromTarget, Observation, Outcome, Step, StepAnswer, ToTarget,
};

/// What is written before the first frame, so that banners before it can be told from it.
pub const MARKER: &[u8] = b"\0FLEET1\n";

/// From about this many bytes on, answers are sent in a frame of their own.
const FRAME_BYTES: usize = 4 << 20;

/// Why a session ended otherwise than by `Bye` or the end of its pipe.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// What was read is no frame, or the pipe ended within one.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// Answers could not be written.
    #[error("the connection to the controller broke: {0}")]
    Io(#[from] io::Error),
    /// The controller is gone; the instruction at hand was finished, the rest of its program not begun.
    #[error("the connection to the controller was lost in the middle of a program")]
    Lost,
}

/// Serves one controller over a pair of pipes until it says `Bye` or the pipe ends.
///
/// # Errors
/// Bytes that are no frame (after a last frame that says so), or a pipe that broke.
pub fn serve(reader: impl Read, writer: impl Write) -> Result<(), ServeError> {
    Session::new(reader, writer, None, &|| false).run()
}

/// A session in the making: where it reads and writes, and how it learns that nobody listens any more.
pub(super) struct Session<'a, R, W> {
    reader: R,
    writer: W,
    host: Host,
    is_lost: &'a dyn Fn() -> bool,
}

impl<'a, R: Read, W: Write> Session<'a, R, W> {
    pub(super) fn new(reader: R, writer: W, places: Option<Places>, is_lost: &'a dyn Fn() -> bool) -> Self {
        Self { reader, writer, host: Host::new(places), is_lost }
    }

    /// The same; commands that run when the controller is lost are given some time and then killed.
    pub(super) fn watching(mut self, is_lost: fn() -> bool) -> Self {
        self.host.limits.is_lost = is_lost;
        self
    }

    pub(super) fn run(mut self) -> Result<(), ServeError> {
        self.writer.write_all(MARKER)?;
        let hello = FromTarget::Hello(self.host.hello());
        self.send(&hello)?;
        loop {
            match frame::read::<ToTarget>(&mut self.reader) {
                Ok(None | Some(ToTarget::Bye)) => return Ok(()),
                Ok(Some(ToTarget::Content { sha256, size, piece })) => {
                    self.host.contents.accept(&sha256, size, &piece);
                }
                Ok(Some(ToTarget::Program { id, steps, limit })) => {
                    let limit = limit.map(Duration::from_millis);
                    self.host.limits.deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
                    self.program(id, &steps)?;
                }
                Err(error) => {
                    let _ = self.send(&FromTarget::Fatal { message: error.to_string() });
                    return Err(error.into());
                }
            }
        }
    }

    fn program(&mut self, id: u64, steps: &[Step]) -> Result<(), ServeError> {
        let mut answers = Vec::new();
        let mut bytes = 0;
        let mut stopped = false;
        self.host.units.forget();
        for (index, step) in steps.iter().enumerate() {
            let answer = if stopped {
                StepAnswer::NotRun
            } else {
                if (self.is_lost)() {
                    return Err(ServeError::Lost);
                }
                if self.host.limits.is_over() {
                    stopped = true;
                    late(step)
                } else {
                    self.step(step, steps.get(index..).unwrap_or_default())
                }
            };
            stopped |= matches!(answer, StepAnswer::Changed(Err(_)));
            let size = size_of_answer(&answer);
            if bytes + size > FRAME_BYTES && !answers.is_empty() {
                self.answers(id, std::mem::take(&mut answers), false)?;
                bytes = 0;
            }
            bytes += size;
            answers.push(answer);
        }
        self.answers(id, answers, true)
    }

    /// Carries out one step. A panic in it is its failure, not the session's end.
    fn step(&mut self, step: &Step, ahead: &[Step]) -> StepAnswer {
        let host = &mut self.host;
        host.names.refresh();
        match step {
            Step::Observe(query) => {
                let seen = guarded(|| observe::observe(host, query, ahead));
                StepAnswer::Observed(seen.unwrap_or_else(cause::unknowable))
            }
            Step::Change(action) => {
                host.units.forget();
                let done = guarded(|| act::act(host, action));
                StepAnswer::Changed(
                    done.unwrap_or_else(|message| Err(Failure::new(FailureKind::Other, message))),
                )
            }
        }
    }

    fn answers(&mut self, id: u64, answers: Vec<StepAnswer>, complete: bool) -> Result<(), ServeError> {
        let message = FromTarget::Answers { id, answers, complete };
        match frame::encode(&message) {
            Ok(bytes) => Ok(self.write(&bytes)?),
            Err(FrameError::TooLong(_) | FrameError::Encode(_)) => {
                let FromTarget::Answers { answers, .. } = message else { return Ok(()) };
                let answers = answers.into_iter().map(fitting).collect();
                self.send(&FromTarget::Answers { id, answers, complete })
            }
            Err(error) => Err(error.into()),
        }
    }

    fn send(&mut self, message: &FromTarget) -> Result<(), ServeError> {
        let bytes = frame::encode(message)?;
        Ok(self.write(&bytes)?)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer.write_all(bytes)?;
        self.writer.flush()
    }
}

/// The answer to the step at which time ran out.
fn late(step: &Step) -> StepAnswer {
    match step {
        Step::Observe(_) => StepAnswer::NotRun,
        Step::Change(_) => StepAnswer::Changed(Err(Failure::new(
            FailureKind::Timeout,
            "the time for the task was over before this could be begun",
        ))),
    }
}

/// Does something; a panic in it becomes a message.
pub(super) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no message");
        format!("fleet itself failed here, which is a defect: {text}")
    })
}

/// An answer that fits into a frame alone, in place of one that does not.
fn fitting(answer: StepAnswer) -> StepAnswer {
    if frame::encode(&answer).is_ok_and(|bytes| bytes.len() < frame::MAX_FRAME / 2) {
        return answer;
    }
    let message = "the answer is larger than a frame may be";
    match answer {
        StepAnswer::Observed(_) => StepAnswer::Observed(cause::unknowable(message)),
        StepAnswer::Changed(_) => StepAnswer::Changed(Err(Failure::new(FailureKind::Other, message))),
        StepAnswer::NotRun => StepAnswer::NotRun,
    }
}

/// About how many bytes an answer takes.
fn size_of_answer(answer: &StepAnswer) -> usize {
    const SMALL: usize = 1 << 10;
    match answer {
        StepAnswer::NotRun => 16,
        StepAnswer::Observed(observation) => match observation {
            Observation::Content(Content::Bytes(bytes)) => SMALL + bytes.len(),
            Observation::Entries(Some(entries)) => entries.iter().map(|entry| 512 + entry.name.len()).sum(),
            Observation::Command(output) => SMALL + output.stdout.len() + output.stderr.len(),
            Observation::Facts(_) => 256 << 10,
            Observation::Unit(_) => 16 << 10,
            _ => SMALL,
        },
        StepAnswer::Changed(outcome) => SMALL + size_of_outcome(outcome),
    }
}

fn size_of_outcome(outcome: &Outcome) -> usize {
    use crate::wire::Done;
    match outcome {
        Ok(Done::Plain | Done::Written { .. } | Done::Started { .. }) => 0,
        Ok(Done::Ran(output)) => output.stdout.len() + output.stderr.len(),
        Ok(Done::Answered(answer)) => answer.body.len(),
        Err(failure) => failure.output.as_ref().map_or(0, |output| output.stdout.len() + output.stderr.len()),
    }
}
