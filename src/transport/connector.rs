//! What is shared by all connections of a run.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::connection::{Connection, Link, SshLink};
use super::destination::{Destination, Kind};
use super::error::ConnectError;
use super::jump::{self, Jumps};
use super::keys::Keys;
use super::payload::{self, Payloads};
use super::settings::Settings;
use super::stream::Tally;
use super::surroundings::Surroundings;
use super::{handshake, known_hosts, ssh_config};

/// Serves the protocol on a pair of streams until they end: the target's loop, for sessions on the controller itself.
pub type LocalTarget = fn(Box<dyn Read + Send>, Box<dyn Write + Send>);

/// Is told of every program that is started on a host, for who wants to see it: the host's name and the command line.
#[derive(Clone)]
pub struct Watch(pub Arc<Told>);

/// What is told of a program: the host's name and the command line.
pub type Told = dyn Fn(&str, &str) + Send + Sync;

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watch")
    }
}

/// How connections are made.
#[derive(Clone, Debug)]
pub struct Options {
    /// Key exchanges and logins that may be under way at once. A server that does not answer holds none of them.
    pub handshakes: usize,
    /// The executable that is uploaded, or run through sudo on the controller; `None` for the running one.
    pub executable: Option<PathBuf>,
    /// The target's loop.
    pub local: LocalTarget,
    /// The user, home directory and agent.
    pub surroundings: Surroundings,
    /// Who is told of what is started.
    pub watch: Option<Watch>,
    /// Whether a user is become that commands run as anyway (`become_allow_same_user`).
    pub same_user: bool,
}

impl Options {
    /// The usual ones.
    pub fn new(local: LocalTarget) -> Self {
        Self {
            handshakes: 32,
            executable: None,
            local,
            surroundings: Surroundings::of_process(),
            watch: None,
            same_user: false,
        }
    }
}

/// Makes connections; one for a run. It keeps what hosts share: jump connections, decrypted keys, configuration and
/// known keys as they were read, and the bytes of the upload.
pub struct Connector {
    shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) surroundings: Surroundings,
    pub(super) ssh_config: ssh_config::Files,
    pub(super) known_hosts: known_hosts::Files,
    pub(super) keys: Keys,
    pub(super) handshakes: Semaphore,
    pub(super) jumps: Jumps,
    pub(super) jump_tally: Arc<Tally>,
    pub(super) payloads: Payloads,
    pub(super) local: LocalTarget,
    pub(super) watch: Option<Watch>,
    pub(super) same_user: bool,
}

impl Connector {
    /// With these options.
    pub fn new(options: Options) -> Self {
        let Options { handshakes, executable, local, surroundings, watch, same_user } = options;
        let shared = Shared {
            surroundings,
            ssh_config: ssh_config::Files::default(),
            known_hosts: known_hosts::Files::default(),
            keys: Keys::default(),
            handshakes: Semaphore::new(handshakes.max(1)),
            jumps: Jumps::default(),
            jump_tally: Arc::default(),
            payloads: Payloads::new(executable),
            local,
            watch,
            same_user,
        };
        Self { shared: Arc::new(shared) }
    }

    /// What has to be said before anything is uploaded: that this fleet may not run elsewhere.
    pub fn warning(&self) -> Option<&'static str> {
        (!payload::is_static()).then_some(payload::NOT_STATIC)
    }

    /// Reads all that says how a host is reached, without reaching for it: what is wrong in the configuration comes out.
    pub fn check(&self, destination: &Destination) -> Result<(), ConnectError> {
        match destination.kind {
            Kind::Ssh => self.way(destination).map(drop),
            Kind::Local | Kind::Pipe { .. } => Ok(()),
        }
    }

    /// Connects to a host and logs in. Bounded in time by the destination's time-out and retries.
    pub async fn connect(&self, destination: &Destination) -> Result<Connection, ConnectError> {
        let tally: Arc<Tally> = Arc::default();
        let link = match &destination.kind {
            Kind::Ssh => {
                let (settings, jumps) = self.way(destination)?;
                let trunk = handshake::open(&self.shared, &settings, &jumps, &tally).await?;
                Link::Ssh(Box::new(SshLink::new(settings, jumps, trunk)))
            }
            Kind::Local => Link::Local,
            Kind::Pipe { argv } => Link::Pipe(argv.clone()),
        };
        Ok(Connection::new(Arc::clone(&self.shared), destination, link, tally))
    }

    /// Closes what connections share.
    pub async fn close(self) {
        self.shared.jumps.close().await;
    }

    fn way(&self, destination: &Destination) -> Result<(Settings, Vec<Settings>), ConnectError> {
        let wrong = |diagnostic| ConnectError::Config { host: destination.name.clone(), diagnostic };
        let Shared { surroundings, ssh_config, .. } = &*self.shared;
        let settings = Settings::resolve(destination, surroundings, ssh_config).map_err(wrong)?;
        let jumps = jump::chain(&self.shared, destination, &settings.route).map_err(wrong)?;
        Ok((settings, jumps))
    }
}
