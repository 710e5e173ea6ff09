//! A host that is connected: it runs commands over as many channels as the server allows.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::bootstrap::command_line;
use super::channel;
use super::connector::Shared;
use super::destination::{Become, Destination};
use super::error::{ConnectError, SessionError};
use super::pipe::{Errors, Pipe};
use super::session::Session;
use super::settings::Settings;
use super::stream::Tally;
use super::trunk::Trunk;
use super::{handshake, process, raw};
use crate::wire::CommandOutput;

/// What went over the connections of one host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections that were made (not those to jump hosts).
    pub connections: u64,
    /// Programs that were sent and answered, and raw commands.
    pub exchanges: u64,
    /// Bytes that were sent, the SSH protocol's own included.
    pub bytes_sent: u64,
    /// Bytes that were received.
    pub bytes_received: u64,
}

/// A host that is connected. Sessions of several users run over it.
pub struct Connection {
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) shared: Arc<Shared>,
    pub(super) name: String,
    pub(super) remote_tmp: Option<String>,
    /// Bounds the start of a program, an upload's silence …
    pub(super) patience: Duration,
    pub(super) tally: Arc<Tally>,
    pub(super) link: Link,
    /// The user that commands run as without `become`, where it is known.
    pub(super) user: Option<String>,
    /// One upload at a time; how many there were.
    pub(super) uploads: tokio::sync::Mutex<u32>,
}

/// What leads to the host.
pub(super) enum Link {
    Ssh(Box<SshLink>),
    Local,
    Pipe(Vec<String>),
}

/// SSH connections to one host: usually one.
pub(super) struct SshLink {
    settings: Settings,
    jumps: Vec<Settings>,
    trunks: Mutex<Vec<Arc<Trunk>>>,
    growing: tokio::sync::Mutex<()>,
}

/// What is run.
pub(super) enum Invocation<'a> {
    /// A program with its arguments.
    Words(Vec<String>),
    /// A text for the login shell.
    Text(&'a str),
}

/// The start of a program may take this long where the connection's time-out is shorter.
const PATIENCE: Duration = Duration::from_secs(30);

impl SshLink {
    pub(super) fn new(settings: Settings, jumps: Vec<Settings>, trunk: Trunk) -> Self {
        Self {
            settings,
            jumps,
            trunks: Mutex::new(vec![Arc::new(trunk)]),
            growing: tokio::sync::Mutex::new(()),
        }
    }

    fn trunks(&self) -> Vec<Arc<Trunk>> {
        self.trunks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn exec(&self, inner: &Inner, command: String, errors: Arc<Errors>) -> Result<Pipe, SessionError> {
        let lost = |cause: String| SessionError::Lost { host: inner.name.clone(), cause };
        let mut tried = 0;
        loop {
            let trunks = self.trunks();
            for trunk in trunks.iter().skip(tried) {
                let opened = tokio::time::timeout(inner.patience, trunk.session()).await;
                let opened = opened.map_err(|_| lost("the server does not open a channel".to_owned()))?;
                let explain = |error: russh::Error| match error {
                    russh::Error::Disconnect | russh::Error::SendError => lost(trunk.last_words()),
                    other => lost(other.to_string()),
                };
                if let Some((opened, slot)) = opened.map_err(explain)? {
                    let started =
                        channel::exec(opened, slot, command, &self.settings.environment, errors).await;
                    return started.map_err(explain);
                }
            }
            // All are full (MaxSessions): one more, unless another task has just made one.
            tried = trunks.len();
            let _growing = self.growing.lock().await;
            if self.trunks().len() == tried {
                let trunk = handshake::open(&inner.shared, &self.settings, &self.jumps, &inner.tally).await?;
                self.trunks.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::new(trunk));
            }
        }
    }
}

impl Inner {
    /// Runs something and gives its standard streams. Nothing is waited for but the channel.
    pub(super) async fn start(
        &self,
        what: Invocation<'_>,
        errors: Arc<Errors>,
    ) -> Result<Pipe, SessionError> {
        let shell = |text: &str| ["/bin/sh", "-c", text].map(str::to_owned).to_vec();
        self.tell(match &what {
            Invocation::Words(words) => command_line(words),
            // it may be secret
            Invocation::Text(_) => "/bin/sh".to_owned(),
        });
        match &self.link {
            Link::Ssh(ssh) => {
                let command = match what {
                    Invocation::Words(words) => command_line(&words),
                    Invocation::Text(text) => text.to_owned(),
                };
                ssh.exec(self, command, errors).await
            }
            Link::Local | Link::Pipe(_) => {
                let mut argv = match &self.link {
                    Link::Pipe(argv) => argv.clone(),
                    _ => Vec::new(),
                };
                argv.extend(match what {
                    Invocation::Words(words) => words,
                    Invocation::Text(text) => shell(text),
                });
                Tally::add(&self.tally.connections, 1);
                let program = argv.first().cloned().unwrap_or_default();
                process::start(&argv, errors, &self.tally).map_err(|error| {
                    let cause = error.to_string();
                    ConnectError::Program { host: self.name.clone(), program, cause }.into()
                })
            }
        }
    }

    /// The user to become, unless commands run as that user anyway (as Ansible without `become_allow_same_user`).
    pub(super) fn becomes<'a>(&self, who: Option<&'a Become>) -> Option<&'a Become> {
        who.filter(|who| self.shared.same_user || self.user.as_deref() != Some(who.user.as_str()))
    }

    /// Tells who wants to know that this is started.
    pub(super) fn tell(&self, command: impl AsRef<str>) {
        if let Some(watch) = &self.shared.watch {
            (watch.0)(&self.name, command.as_ref());
        }
    }
}

impl Connection {
    pub(super) fn new(shared: Arc<Shared>, destination: &Destination, link: Link, tally: Arc<Tally>) -> Self {
        let user = match &link {
            Link::Ssh(ssh) => Some(ssh.settings.user.clone()),
            Link::Local => Some(shared.surroundings.user.clone()),
            Link::Pipe(_) => destination.user.clone(),
        };
        let inner = Inner {
            shared,
            name: destination.name.clone(),
            remote_tmp: destination.remote_tmp.clone(),
            patience: PATIENCE.max(destination.connect_timeout),
            tally,
            link,
            user,
            uploads: tokio::sync::Mutex::new(0),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The user that commands run as without `become`, where it is known (not in a container without `ansible_user`).
    pub fn login_user(&self) -> Option<&str> {
        self.inner.user.as_deref()
    }

    /// Whether two sessions would run as the same user: a `become` to the login user is none.
    pub fn is_login_user(&self, who: Option<&Become>) -> bool {
        self.inner.becomes(who).is_none()
    }

    /// A session for a user. Nothing is run on the host before its first exchange.
    #[expect(
        clippy::unused_async,
        reason = "the engine's contract: starting a session may come to wait for the host"
    )]
    pub async fn session(&self, who: Option<&Become>) -> Result<Session, SessionError> {
        Ok(Session::new(Arc::clone(&self.inner), self.inner.becomes(who)))
    }

    /// Runs a text in the login shell (with `become`: in `/bin/sh` as that user), without anything of fleet's on the
    /// host: `ansible.builtin.raw`. After the time-out it is ended, and what it wrote so far is the output.
    pub async fn raw(
        &self,
        text: &str,
        who: Option<&Become>,
        stdin: Option<&[u8]>,
        timeout: Option<Duration>,
    ) -> Result<CommandOutput, SessionError> {
        raw::run(&self.inner, text, self.inner.becomes(who), stdin, timeout).await
    }

    /// What went over the connections so far.
    pub fn counters(&self) -> Counters {
        let Tally { connections, exchanges, sent, received } = &*self.inner.tally;
        Counters {
            connections: connections.load(Ordering::Relaxed),
            exchanges: exchanges.load(Ordering::Relaxed),
            bytes_sent: sent.load(Ordering::Relaxed),
            bytes_received: received.load(Ordering::Relaxed),
        }
    }

    /// Whether the connection is known to be gone.
    pub fn is_lost(&self) -> bool {
        match &self.inner.link {
            Link::Ssh(ssh) => ssh.trunks().iter().all(|trunk| trunk.is_closed()),
            Link::Local | Link::Pipe(_) => false,
        }
    }

    /// Closes the connection, and with it every session that is still open.
    pub async fn close(self) {
        if let Link::Ssh(ssh) = &self.inner.link {
            for trunk in ssh.trunks() {
                trunk.disconnect().await;
            }
        }
    }
}
