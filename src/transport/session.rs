//! `fleet remote` on a host as one user: started when first needed, uploaded when missing, then asked and answered
//! frame by frame.

mod reader;
mod start;
mod talk;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::sync::Mutex;
use tokio::sync::mpsc::UnboundedReceiver;

use super::connection::Inner;
use super::content;
use super::destination::Become;
use super::elevate::{self, Elevation};
use super::error::SessionError;
use super::pipe::{Ending, Errors, Stop as Stopper};
use super::stream::Tally;
use super::upload;
use crate::wire::{Hello, Step, StepAnswer, ToTarget, frame};
use reader::Event;
use talk::Stop;

/// A session that is asked to end may take this long.
const FAREWELL: Duration = Duration::from_secs(3);
/// Started, uploaded, started again: more is a circle.
const STARTS: u32 = 3;

/// One user's `fleet remote` on a host. It is kept for the whole run.
pub struct Session {
    inner: Arc<Inner>,
    who: Option<Become>,
    elevation: Option<Elevation>,
    hello: OnceLock<Hello>,
    next: AtomicU64,
    state: Mutex<State>,
}

enum State {
    /// Not started yet.
    Idle,
    /// Ready for a program.
    Live(Box<Live>),
    /// Not usable any more, and why.
    Dead(String),
}

/// A `fleet remote` that runs, or is being started.
struct Live {
    writer: Box<dyn AsyncWrite + Send + Unpin>,
    events: UnboundedReceiver<Event>,
    errors: Arc<Errors>,
    exit: Ending,
    /// Contents that it has.
    sent: HashSet<String>,
    /// Whether it has said Hello.
    greeted: bool,
    /// How many uploads there were when it was started.
    uploads: u32,
    _stop: Stopper,
}

impl Session {
    pub(super) fn new(inner: Arc<Inner>, who: Option<&Become>) -> Self {
        let elevation = who.map(elevate::elevation);
        let state = Mutex::new(State::Idle);
        Self { inner, who: who.cloned(), elevation, hello: OnceLock::new(), next: AtomicU64::new(1), state }
    }

    /// Who answers: there after the first exchange.
    pub fn hello(&self) -> Option<&Hello> {
        self.hello.get()
    }

    /// Sends a program, with the contents that it names ahead of it, and waits for all its answers. Exchanges of one
    /// session come one after another. When one fails or is abandoned in its middle the session is closed, except
    /// where nothing had been sent yet.
    pub async fn exchange(
        &self,
        steps: Vec<Step>,
        timeout: Option<Duration>,
    ) -> Result<Vec<StepAnswer>, SessionError> {
        self.exchange_within(steps, None, timeout).await
    }

    /// As [`Session::exchange`]; the target itself ends the program after `limit`, killing what it runs, and the
    /// session goes on.
    pub async fn exchange_within(
        &self,
        steps: Vec<Step>,
        limit: Option<Duration>,
        timeout: Option<Duration>,
    ) -> Result<Vec<StepAnswer>, SessionError> {
        let mut state = self.state.lock().await;
        let abandoned = State::Dead("an exchange on it was abandoned".to_owned());
        let mut live = match std::mem::replace(&mut *state, abandoned) {
            State::Idle => None,
            State::Live(live) => Some(live),
            State::Dead(cause) => {
                *state = State::Dead(cause.clone());
                return Err(SessionError::Closed { host: self.inner.name.clone(), cause });
            }
        };
        let work = self.perform(&mut live, steps, limit);
        let result = match timeout {
            None => work.await,
            Some(after) => tokio::time::timeout(after, work).await.unwrap_or_else(|_| {
                let (host, stage) = (self.inner.name.clone(), "a program was carried out");
                Err(Failed { error: SessionError::Timeout { host, stage, after }, usable: false })
            }),
        };
        match result {
            Ok(answers) => {
                *state = live.map_or(State::Idle, State::Live);
                Ok(answers)
            }
            Err(Failed { error, usable }) => {
                *state = if usable {
                    live.map_or(State::Idle, State::Live)
                } else {
                    State::Dead(error.to_string())
                };
                Err(error)
            }
        }
    }

    async fn perform(
        &self,
        live: &mut Option<Box<Live>>,
        steps: Vec<Step>,
        limit: Option<Duration>,
    ) -> Result<Vec<StepAnswer>, Failed> {
        let contents = content::needed(&steps);
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let limit = limit.map(|limit| u64::try_from(limit.as_millis()).unwrap_or(u64::MAX));
        let program = frame::encode(&ToTarget::Program { id, steps, limit }).map_err(|error| Failed {
            error: SessionError::Encode { host: self.inner.name.clone(), cause: error.to_string() },
            usable: true,
        })?;
        Tally::add(&self.inner.tally.exchanges, 1);
        for _ in 0..STARTS {
            let mut talking = match live.take() {
                Some(live) => live,
                None => match self.start().await {
                    Ok(live) => Box::new(live),
                    Err(Stop::Failed(failed)) => return Err(failed),
                    Err(Stop::Missing(missing, uploads)) => {
                        self.upload(&missing, uploads).await?;
                        continue;
                    }
                },
            };
            let result = self.talk(&mut talking, &contents, &program, id).await;
            match result {
                Ok(answers) => {
                    *live = Some(talking);
                    return Ok(answers);
                }
                Err(Stop::Failed(failed)) => {
                    if failed.usable {
                        *live = Some(talking);
                    }
                    return Err(failed);
                }
                Err(Stop::Missing(missing, uploads)) => {
                    drop(talking);
                    self.upload(&missing, uploads).await?;
                }
            }
        }
        let message = "fleet was uploaded, and is not found where it was put".to_owned();
        Err(Failed {
            error: SessionError::Protocol { host: self.inner.name.clone(), message },
            usable: false,
        })
    }

    async fn upload(&self, missing: &upload::Missing, seen: u32) -> Result<(), Failed> {
        let uploaded = upload::upload(&self.inner, missing, self.who.as_ref(), seen).await;
        uploaded.map_err(|error| Failed { error, usable: false })
    }

    /// Ends `fleet remote`.
    pub async fn close(self) {
        if let State::Live(mut live) = self.state.into_inner()
            && let Ok(bye) = frame::encode(&ToTarget::Bye)
        {
            let farewell = async {
                let _ = live.writer.write_all(&bye).await;
                let _ = live.writer.shutdown().await;
                live.exit.wait().await
            };
            let _ = tokio::time::timeout(FAREWELL, farewell).await;
        }
    }
}

/// An exchange that failed.
struct Failed {
    error: SessionError,
    /// Whether the session can go on.
    usable: bool,
}
