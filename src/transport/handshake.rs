//! From a name to an authenticated SSH connection: the key exchange, the host key, the login, and what is tried again.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::client::{self, ChannelOpenHandle, Config, DisconnectReason, Msg};
use russh::keys::{HashAlg, PublicKey, PublicKeyOrCertificate};
use russh::{Channel, ChannelOpenFailure};
use tokio::time::{Instant, sleep, timeout};

use super::connector::Shared;
use super::destination::HostKeyChecking;
use super::error::ConnectError;
use super::known_hosts::{self, About, Verdict};
use super::settings::{Route, Settings};
use super::stream::{Metered, QuickAck, Stream, Tally};
use super::trunk::Trunk;
use super::{auth, jump, process, tcp};

/// Bounds what one channel may have under way: at 50 ms, 51 MB/s.
const WINDOW: u32 = 8 << 20;
/// A server that sheds load is asked again for at least this long.
const SHED_AT_LEAST: Duration = Duration::from_secs(20);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Connects and logs in, through the jump hosts if there are any.
pub(super) async fn open(
    shared: &Arc<Shared>,
    settings: &Settings,
    jumps: &[Settings],
    tally: &Arc<Tally>,
) -> Result<Trunk, ConnectError> {
    let begun = Instant::now();
    let patience = SHED_AT_LEAST.max(settings.timeout * 2);
    let (mut failed, mut shed) = (0, 0);
    loop {
        let pause = match once(shared, settings, jumps, tally).await {
            Ok(trunk) => return Ok(trunk),
            Err(Failure::Shed(cause)) => {
                shed += 1;
                let pause = jittered(LONGEST_PAUSE.min(FIRST_PAUSE * 2_u32.saturating_pow(shed.min(8))));
                if begun.elapsed() + pause > patience {
                    let (host, address) = (settings.name.clone(), settings.address());
                    return Err(ConnectError::Shed { host, address, attempts: shed, cause });
                }
                pause
            }
            Err(Failure::Final(error)) => {
                failed += 1;
                if !error.is_transient() || failed >= settings.attempts {
                    return Err(error);
                }
                jittered(Duration::from_secs(1) * failed.min(5))
            }
        };
        sleep(pause).await;
    }
}

/// Somewhere between half of it and all of it.
fn jittered(pause: Duration) -> Duration {
    use std::hash::{BuildHasher as _, Hasher as _};
    let random = std::hash::RandomState::new().build_hasher().finish();
    pause / 2 + pause.mul_f64((random % 1000) as f64 / 2000.0)
}

enum Failure {
    /// The server closed the connection before the handshake was over, as one that sheds load does.
    Shed(String),
    Final(ConnectError),
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        Self::Final(error)
    }
}

async fn once(
    shared: &Arc<Shared>,
    settings: &Settings,
    jumps: &[Settings],
    tally: &Arc<Tally>,
) -> Result<Trunk, Failure> {
    let after = settings.timeout;
    let begun = Instant::now();
    let late = |stage: &'static str| ConnectError::Timeout {
        host: settings.name.clone(),
        address: settings.address(),
        stage,
        after,
    };
    let jump = match jumps.split_last() {
        Some(_) => Some(jump::trunk(shared, jumps).await.map_err(|cause| ConnectError::Jump {
            host: settings.name.clone(),
            jump: jumps.last().map_or_else(String::new, Settings::address),
            cause: Arc::new(cause),
        })?),
        None => None,
    };
    let stream: Stream = match (&jump, &settings.route) {
        (Some(jump), _) => {
            let forwarding = jump::forward(jump, settings, jumps);
            timeout(after, forwarding).await.map_err(|_| late("a jump host was connecting"))??
        }
        (None, Route::Command(command)) => {
            process::proxy(command).map_err(|error| ConnectError::Program {
                host: settings.name.clone(),
                program: command.clone(),
                cause: error.to_string(),
            })?
        }
        (None, _) => {
            let connected =
                timeout(after, tcp::connect(settings)).await.map_err(|_| late("connecting"))??;
            Box::new(QuickAck::new(connected))
        }
    };
    Tally::add(&tally.connections, 1);
    let mut stream = Metered::new(stream, Arc::clone(tally));
    // A server that says nothing must not keep others waiting, so it has no permit yet.
    match timeout(after, stream.first_bytes()).await {
        Err(_) => return Err(late("waiting for the server's first words").into()),
        Ok(Ok(true)) => {}
        Ok(end) => {
            let cause = end.err().map_or_else(|| "it said nothing".to_owned(), |error| error.to_string());
            return match &settings.route {
                Route::Command(program) if jump.is_none() => {
                    let cause = format!("it ended without an answer ({cause})");
                    Err(ConnectError::Program {
                        host: settings.name.clone(),
                        program: program.clone(),
                        cause,
                    }
                    .into())
                }
                _ => Err(Failure::Shed(cause)),
            };
        }
    }
    // What was not needed so far is left for the rest; waiting for one's turn is not the server's fault.
    let left = after.saturating_sub(begun.elapsed()).max(after / 2);
    let _permit = shared.handshakes.acquire().await;
    let mut stage = "exchanging keys";
    let work = greet(shared, settings, stream, &mut stage);
    match timeout(left, work).await {
        Ok(result) => result,
        Err(_) => Err(late(stage).into()),
    }
}

async fn greet(
    shared: &Arc<Shared>,
    settings: &Settings,
    stream: Metered<Stream>,
    stage: &mut &'static str,
) -> Result<Trunk, Failure> {
    let files: Vec<PathBuf> =
        settings.known_hosts.iter().chain(&settings.known_hosts_global).cloned().collect();
    let unread = |error: known_hosts::FileError| ConnectError::KnownHosts {
        host: settings.name.clone(),
        file: error.file,
        cause: error.cause,
    };
    let known_name = settings.known_name();
    let plain = (settings.alias.is_none() && settings.port != 22).then(|| settings.host.to_lowercase());
    let about = shared.known_hosts.about(&files, &known_name, plain.as_deref()).map_err(unread)?;

    let mut preferred = settings.preferred.clone();
    preferred.key = Cow::Owned(about.order(&settings.preferred.key));
    if about.has_authority() {
        preferred.host_key_certificates = preferred.key.clone();
    }
    let config = Config {
        window_size: WINDOW,
        preferred,
        keepalive_interval: settings.keepalive,
        keepalive_max: settings.keepalive_max,
        nodelay: true,
        ..Config::default()
    };
    let goodbye = Goodbye::default();
    let changed = Arc::new(AtomicBool::new(false));
    let verifier = Verifier {
        shared: Arc::clone(shared),
        name: settings.name.clone(),
        host: settings.alias.clone().unwrap_or_else(|| settings.host.clone()),
        known_name,
        checking: settings.checking,
        hashed: settings.hash_known_hosts,
        files,
        writable: settings.known_hosts.first().cloned(),
        about,
        goodbye: goodbye.clone(),
        changed: Arc::clone(&changed),
    };
    let connected = client::connect_stream(Arc::new(config), stream, verifier).await;
    let mut handle = connected.map_err(|error| match error {
        Refusal::Key(error) => Failure::Final(*error),
        Refusal::Ssh(error) => {
            use std::io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
            let closed = match &error {
                russh::Error::HUP | russh::Error::Disconnect => true,
                russh::Error::IO(error) => {
                    matches!(error.kind(), BrokenPipe | ConnectionReset | UnexpectedEof)
                }
                _ => false,
            };
            let cause = goodbye.text().unwrap_or_else(|| error.to_string());
            if closed {
                Failure::Shed(cause)
            } else {
                let (host, address) = (settings.name.clone(), settings.address());
                Failure::Final(ConnectError::Handshake { host, address, cause })
            }
        }
    })?;
    *stage = "logging in";
    let may_send_password = !changed.load(Ordering::Relaxed);
    auth::log_in(&mut handle, settings, &shared.keys, may_send_password, || goodbye.text()).await?;
    Ok(Trunk::new(handle, goodbye))
}

/// What the server said when it closed the connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Goodbye(Arc<Mutex<Option<String>>>);

impl Goodbye {
    pub(super) fn text(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, text: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(text);
    }
}

/// Why russh gave up: the host key, or anything else.
#[derive(Debug)]
pub(super) enum Refusal {
    Key(Box<ConnectError>),
    Ssh(russh::Error),
}

impl From<russh::Error> for Refusal {
    fn from(error: russh::Error) -> Self {
        Self::Ssh(error)
    }
}

/// Judges the server's key. Everything that a server may open by itself is rejected.
pub(super) struct Verifier {
    shared: Arc<Shared>,
    name: String,
    host: String,
    known_name: String,
    checking: HostKeyChecking,
    hashed: bool,
    files: Vec<PathBuf>,
    writable: Option<PathBuf>,
    about: About,
    goodbye: Goodbye,
    changed: Arc<AtomicBool>,
}

impl Verifier {
    async fn judge(&self, shown: &PublicKeyOrCertificate) -> Result<(), ConnectError> {
        let key = shown.public_key();
        let verdict =
            match shown.certificate().map(|certificate| self.about.certificate(certificate, &self.host)) {
                Some(Ok(verdict)) => verdict,
                // as OpenSSH: a certificate that does not count leaves its key
                Some(Err(_)) | None => self.about.key(&key),
            };
        let (host, name) = (self.name.clone(), self.known_name.clone());
        let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
        let algorithm = key.algorithm().to_string();
        match (verdict, self.checking) {
            (Verdict::Known, _) | (Verdict::Unknown, HostKeyChecking::Off) => Ok(()),
            (Verdict::Revoked(file, line), _) => {
                Err(ConnectError::HostKeyRevoked { host, name, fingerprint, file, line })
            }
            (Verdict::Changed(..), HostKeyChecking::Off) => {
                self.changed.store(true, Ordering::Relaxed);
                Ok(())
            }
            (Verdict::Changed(file, line), _) => {
                Err(ConnectError::HostKeyChanged { host, name, algorithm, fingerprint, file, line })
            }
            (Verdict::Unknown, HostKeyChecking::Strict) => Err(ConnectError::HostKeyUnknown {
                host,
                name,
                algorithm,
                fingerprint,
                files: self.files.clone(),
            }),
            (Verdict::Unknown, HostKeyChecking::AcceptNew) => self.remember(key).await,
        }
    }

    async fn remember(&self, key: PublicKey) -> Result<(), ConnectError> {
        let Some(file) = self.writable.clone() else { return Ok(()) };
        let (shared, name, hashed) = (Arc::clone(&self.shared), self.known_name.clone(), self.hashed);
        let path = file.clone();
        let added = tokio::task::spawn_blocking(move || {
            let salt = if hashed { Some(salt().map_err(|error| error.to_string())?) } else { None };
            shared.known_hosts.add(&path, &name, &key, salt).map_err(|error| error.cause)
        });
        let added = added.await.unwrap_or_else(|error| Err(error.to_string()));
        added.map_err(|cause| ConnectError::KnownHosts { host: self.name.clone(), file, cause })
    }
}

fn salt() -> std::io::Result<[u8; 20]> {
    use std::io::Read as _;
    let mut salt = [0; 20];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut salt)?;
    Ok(salt)
}

impl client::Handler for Verifier {
    type Error = Refusal;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Refusal> {
        self.judge(shown).await.map(|()| true).map_err(|error| Refusal::Key(Box::new(error)))
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Refusal>) -> Result<(), Refusal> {
        match reason {
            DisconnectReason::ReceivedDisconnect(info) => self.goodbye.set(info.message),
            DisconnectReason::Error(Refusal::Ssh(russh::Error::KeepaliveTimeout)) => {
                self.goodbye.set("the server does not answer any more".to_owned());
            }
            DisconnectReason::Error(Refusal::Ssh(error)) => self.goodbye.set(error.to_string()),
            DisconnectReason::Error(Refusal::Key(_)) => {}
        }
        Ok(())
    }

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        _channel: Channel<Msg>,
        _connected_address: &str,
        _connected_port: u32,
        _originator_address: &str,
        _originator_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut client::Session,
    ) -> Result<(), Refusal> {
        reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
        Ok(())
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        _channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut client::Session,
    ) -> Result<(), Refusal> {
        reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
        Ok(())
    }

    async fn server_channel_open_session(
        &mut self,
        _channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut client::Session,
    ) -> Result<(), Refusal> {
        reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
        Ok(())
    }
}
