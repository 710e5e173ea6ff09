//! A program that runs somewhere, seen through its standard streams.

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, oneshot, watch};

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// With this status.
    Code(i32),
    /// By a signal.
    Signal(i32),
    /// The server refused to run it.
    Refused,
    /// The connection broke before it ended, or nothing was said about its end.
    Lost(String),
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit status {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
            Self::Refused => f.write_str("a refusal of the server to run it"),
            Self::Lost(cause) => write!(f, "the connection ({cause})"),
        }
    }
}

/// What a program wrote to standard error: the last of it, as far as the limit goes.
#[derive(Debug)]
pub(super) struct Errors {
    bytes: Mutex<Vec<u8>>,
    limit: usize,
    grown: Notify,
    over: Notify,
}

impl Errors {
    /// Keeps this many bytes.
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { bytes: Mutex::new(Vec::new()), limit, grown: Notify::new(), over: Notify::new() })
    }

    /// Adds what was read.
    pub(super) fn push(&self, more: &[u8]) {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        bytes.extend_from_slice(more);
        let excess = bytes.len().saturating_sub(self.limit);
        bytes.drain(..excess);
        drop(bytes);
        self.grown.notify_one();
    }

    /// All that is kept.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The same as text.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    /// Says that nothing more comes.
    pub(super) fn finish(&self) {
        self.over.notify_one();
    }

    /// Waits until nothing more comes, but not long. For one waiter.
    pub(super) async fn over_within(&self, time: Duration) {
        let _ = tokio::time::timeout(time, self.over.notified()).await;
    }

    /// Waits until more was written. For one waiter.
    pub(super) async fn grown(&self) {
        self.grown.notified().await;
    }
}

/// The standard streams of a running program. Dropping it closes them.
pub(super) struct Pipe {
    /// Standard output.
    pub(super) reader: Box<dyn AsyncRead + Send + Unpin>,
    /// Standard input.
    pub(super) writer: Box<dyn AsyncWrite + Send + Unpin>,
    /// Standard error.
    pub(super) errors: Arc<Errors>,
    /// How it ended, once it has.
    pub(super) exit: Ending,
    /// Ends the program when dropped.
    pub(super) stop: Stop,
}

/// Ends a program when it is dropped.
pub(super) struct Stop {
    _told: oneshot::Sender<()>,
    /// The leader of its process group on this machine; 0 when it has ended.
    group: Option<Arc<AtomicI32>>,
}

impl Stop {
    /// Tells the task that looks after the program.
    pub(super) fn new(told: oneshot::Sender<()>) -> Self {
        Self { _told: told, group: None }
    }

    /// The same, and ends the process group even if that task is gone.
    pub(super) fn group(told: oneshot::Sender<()>, group: &Arc<AtomicI32>) -> Self {
        Self { _told: told, group: Some(Arc::clone(group)) }
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        let leader = self.group.as_ref().and_then(|group| Pid::from_raw(group.load(Ordering::Acquire)));
        // a program of another user cannot be ended; it ends because its input does
        let _ = leader.map(|leader| kill_process_group(leader, Signal::TERM));
    }
}

/// The end of a program.
#[derive(Clone)]
pub(super) struct Ending(pub(super) watch::Receiver<Option<Exit>>);

impl Ending {
    /// Waits for it.
    pub(super) async fn wait(&mut self) -> Exit {
        match self.0.wait_for(Option::is_some).await {
            Ok(exit) => exit.clone().unwrap_or_else(|| Exit::Lost("it said nothing".to_owned())),
            Err(_) => Exit::Lost("it was given up".to_owned()),
        }
    }

    /// Waits for it, but not long.
    pub(super) async fn within(&mut self, time: Duration) -> Exit {
        let late = || Exit::Lost("it closed its output and has not ended".to_owned());
        tokio::time::timeout(time, self.wait()).await.unwrap_or_else(|_| late())
    }
}
