//! One exchange over a session that runs or is being started.

use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::reader::Event;
use super::start::live_words;
use super::{Failed, Live, Session};
use crate::transport::content::{self, Content, NotSent};
use crate::transport::elevate;
use crate::transport::error::{BecomeProblem, SessionError};
use crate::transport::pipe::Exit;
use crate::transport::upload::Missing;
use crate::wire::{FromTarget, Hello, PROTOCOL_VERSION, StepAnswer};

/// A program that has closed its output may take this long to end.
const END: Duration = Duration::from_secs(2);
/// Of what was written before the end this much is shown.
const SHOWN: usize = 2000;

/// Why an exchange came to no answer.
pub(super) enum Stop {
    /// There is no upload; and how many there were when that was found.
    Missing(Missing, u32),
    /// It failed.
    Failed(Failed),
}

impl Session {
    /// Sends contents and program, and gathers the answers. Both go on at once, so neither side waits for the other.
    pub(super) async fn talk(
        &self,
        live: &mut Live,
        contents: &[Content],
        program: &[u8],
        id: u64,
    ) -> Result<Vec<StepAnswer>, Stop> {
        let new: Vec<&Content> =
            contents.iter().filter(|content| !live.sent.contains(&content.sha256)).collect();
        let mut begun = false;
        let mut answers = Vec::new();
        let mut sending = true;
        let outcome = {
            let mut send = std::pin::pin!(send(&mut live.writer, &new, program, &mut begun));
            let greeting = tokio::time::sleep(self.inner.patience);
            let mut greeting = std::pin::pin!(greeting);
            loop {
                tokio::select! {
                    sent = &mut send, if sending => {
                        sending = false;
                        match sent {
                            Ok(()) => {}
                            // its own words about its end follow
                            Err(NotSent::Pipe(_)) => {}
                            Err(other) => break Outcome::NotSent(other),
                        }
                    }
                    event = live.events.recv() => match event {
                        None => break Outcome::Ended(String::new(), None),
                        Some(Event::Ended { preamble, broken }) => break Outcome::Ended(preamble, broken),
                        Some(Event::Missing(missing)) => break Outcome::Missing(missing),
                        Some(Event::Ready) => {}
                        Some(Event::Frame(message)) => match *message {
                            FromTarget::Hello(hello) if !live.greeted => {
                                live.greeted = true;
                                if let Some(message) = mismatch(&hello) {
                                    break Outcome::Wrong(message);
                                }
                                let _ = self.hello.set(hello);
                            }
                            FromTarget::Answers { id: of, answers: more, complete } if live.greeted && of == id => {
                                answers.extend(more);
                                if complete {
                                    break Outcome::Answered;
                                }
                            }
                            FromTarget::Fatal { message } => {
                                break Outcome::Wrong(format!("`fleet remote` gave up: {message}"));
                            }
                            FromTarget::Hello(_) => break Outcome::Wrong("a second greeting".to_owned()),
                            FromTarget::Answers { .. } => {
                                break Outcome::Wrong("an answer to something that was not asked".to_owned());
                            }
                        },
                    },
                    () = &mut greeting, if !live.greeted => break Outcome::Silent,
                }
            }
        };
        let host = || self.inner.name.clone();
        let failed = |error: SessionError| Err(Stop::Failed(Failed { error, usable: false }));
        match outcome {
            Outcome::Answered => {
                live.sent.extend(new.into_iter().map(|content| content.sha256.clone()));
                Ok(answers)
            }
            Outcome::Missing(missing) => Err(Stop::Missing(missing, live.uploads)),
            Outcome::Wrong(message) => failed(SessionError::Protocol { host: host(), message }),
            Outcome::Ended(preamble, broken) => Err(self.ended(live, &preamble, broken).await),
            Outcome::Silent if self.who.is_some() => {
                failed(self.refused(BecomeProblem::Timeout, live.errors.text().trim().to_owned()))
            }
            Outcome::Silent => {
                let (stage, after) = ("`fleet remote` was starting", self.inner.patience);
                failed(SessionError::Timeout { host: host(), stage, after })
            }
            Outcome::NotSent(why) => {
                let error = match why {
                    NotSent::Read(path, error) => {
                        SessionError::ContentRead { path, cause: error.to_string() }
                    }
                    NotSent::Changed(path) => SessionError::ContentChanged { path },
                    NotSent::Frame(error) => SessionError::Encode { host: host(), cause: error.to_string() },
                    NotSent::Pipe(error) => SessionError::Lost { host: host(), cause: error.to_string() },
                };
                // Contents that were completed lie with the target; they are sent again, which does no harm.
                Err(Stop::Failed(Failed { error, usable: !begun }))
            }
        }
    }

    /// What the end of the program means.
    pub(super) async fn ended(&self, live: &mut Live, preamble: &str, broken: Option<String>) -> Stop {
        let host = self.inner.name.clone();
        let failed = |error| Stop::Failed(Failed { error, usable: false });
        if let Some(message) = broken {
            return failed(SessionError::Protocol { host, message });
        }
        let exit = live.exit.within(END).await;
        live.errors.over_within(Duration::from_millis(200)).await;
        let prompt = self.elevation.as_ref().and_then(|elevation| elevation.prompt.as_deref());
        let errors = live.errors.text();
        if self.who.is_some() && !live.greeted {
            let missing = matches!(exit, Exit::Code(127)).then_some(BecomeProblem::Missing);
            if let Some(problem) = elevate::problem(&errors, prompt).or(missing) {
                return failed(self.refused(problem, live_words(&live.errors, prompt.unwrap_or("\0"))));
            }
        }
        let said = format!("{}\n{}", preamble.trim(), live_words(&live.errors, prompt.unwrap_or("\0")));
        let said = said.trim();
        let output: String = said.chars().skip(said.chars().count().saturating_sub(SHOWN)).collect();
        match exit {
            Exit::Lost(cause) if output.is_empty() => failed(SessionError::Lost { host, cause }),
            exit => failed(SessionError::Ended { host, status: exit.to_string(), output }),
        }
    }
}

enum Outcome {
    Answered,
    Missing(Missing),
    Wrong(String),
    Ended(String, Option<String>),
    Silent,
    NotSent(NotSent),
}

async fn send(
    to: &mut (impl AsyncWrite + Unpin),
    contents: &[&Content],
    program: &[u8],
    begun: &mut bool,
) -> Result<(), NotSent> {
    for content in contents {
        content::send(content, to, begun).await?;
    }
    *begun = true;
    to.write_all(program).await.map_err(NotSent::Pipe)?;
    to.flush().await.map_err(NotSent::Pipe)
}

fn mismatch(hello: &Hello) -> Option<String> {
    (hello.protocol != PROTOCOL_VERSION).then(|| {
        format!(
            "`fleet remote` there is version {} with protocol {}, not {PROTOCOL_VERSION}",
            hello.version, hello.protocol
        )
    })
}
