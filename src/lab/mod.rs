//! The lab: throw-away Debian hosts on this machine, to rehearse a playbook on and to test fleet with.
//!
//! Each host is a systemd-nspawn container with systemd as process 1, its own address, sshd and host key, over an
//! overlay of one base that debootstrap makes once. A supervisor process per host boots it again when it reboots.
//! All that a lab makes on this machine (directory, bridge, nftables table, control groups, processes' mark) is named
//! after it, so it can be taken away after any crash, whatever was written down.
//!
//! Synchronous: call it from a thread that may block.

mod apt;
mod base;
mod command;
mod control_groups;
mod down;
mod error;
mod host;
mod lock;
mod mounts;
mod names;
mod network;
mod permission;
mod processes;
mod progress;
mod release;
mod resolver;
mod settings;
mod state;
mod subnet;
mod supervisor;
mod tools;
mod up;

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

pub use down::{Down, down};
pub use error::{LabError, Result};
pub use permission::can_run;
pub use progress::Progress;
pub use release::Release;
pub use supervisor::supervise;
pub use up::up;

use state::{LabDirectory, Labs, State};

/// The user to log in as; he may do everything through sudo, without a password. `root` can log in too.
pub const LOGIN_USER: &str = "fleet";

/// The name of the lab if none is given.
pub const DEFAULT_NAME: &str = "fleet";

/// Where hosts' sshd listens.
const SSH_PORT: u16 = 22;

/// What a lab shall be like.
#[derive(Debug, Clone)]
pub struct LabOptions {
    /// Its name: labs of different names stand side by side.
    pub name: String,
    /// The Debian release of its hosts.
    pub release: Release,
    /// How long a host's sshd may take to answer.
    pub boot_timeout: Duration,
    /// The `fleet` program, which each host's supervisor runs; this process's own if `None`.
    pub supervisor: Option<PathBuf>,
}

impl Default for LabOptions {
    fn default() -> Self {
        Self {
            name: DEFAULT_NAME.to_string(),
            release: Release::default(),
            boot_timeout: Duration::from_mins(2),
            supervisor: None,
        }
    }
}

/// A lab and how to reach its hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lab {
    /// Its name.
    pub name: String,
    /// The Debian release of its hosts.
    pub release: Release,
    /// Its hosts, in the order in which they were first asked for.
    pub hosts: Vec<LabHost>,
    /// The key that logs in as the login user and as root, on all hosts.
    pub private_key: PathBuf,
    /// The hosts' keys, by name and by address, for OpenSSH and for fleet.
    pub known_hosts: PathBuf,
    /// The same for `ssh -F`: after it, `ssh -F FILE HOST` is enough.
    pub ssh_config: PathBuf,
    /// This machine's address in the lab's network.
    pub gateway: Ipv4Addr,
    /// The interface of that network on this machine.
    pub bridge: String,
    /// When the lab was made, in seconds since 1970.
    pub created: u64,
}

/// A host of a lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabHost {
    /// The name that was asked for.
    pub name: String,
    /// Its address, which only this machine and the lab's hosts reach.
    pub address: Ipv4Addr,
    /// Where its sshd listens.
    pub port: u16,
    /// The user to log in as.
    pub user: String,
    /// Its sshd's public key, as `ssh-ed25519 AAAA…`; empty while the host was never booted.
    pub host_key: String,
}

/// How a host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostState {
    /// Its sshd answers.
    Up,
    /// It runs, but its sshd does not answer: it boots, or is broken.
    Running,
    /// It does not run: powered off, killed, or never booted.
    Stopped,
}

/// A lab as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabStatus {
    /// Its name.
    pub name: String,
    /// The lab; `None` if what is written down about it cannot be read (`down` takes it away).
    pub lab: Option<Lab>,
    /// Each host's state, in the order of `lab.hosts`.
    pub states: Vec<HostState>,
}

impl Lab {
    /// The host of this name.
    pub fn host(&self, name: &str) -> Option<&LabHost> {
        self.hosts.iter().find(|host| host.name == name)
    }

    fn of(state: &State, directory: &LabDirectory) -> Self {
        let State { version: _, name, release, base: _, network: _, hosts, created } = state;
        let hosts = hosts.iter().map(|host| LabHost {
            name: host.name.clone(),
            address: host.address,
            port: SSH_PORT,
            user: LOGIN_USER.to_string(),
            host_key: public_key(directory, &host.name),
        });
        Self {
            name: name.clone(),
            release: *release,
            hosts: hosts.collect(),
            private_key: directory.private_key(),
            known_hosts: directory.known_hosts(),
            ssh_config: directory.ssh_config(),
            gateway: state.gateway(),
            bridge: names::bridge(name),
            created: *created,
        }
    }
}

/// The lab of this name, whether its hosts run or not; `None` if there is none.
///
/// # Errors
/// If what is written down about it cannot be read.
pub fn open(name: &str) -> Result<Option<Lab>> {
    names::check_lab(name)?;
    let directory = Labs::of_this_machine().lab(name);
    Ok(State::read(&directory)?.map(|state| Lab::of(&state, &directory)))
}

/// All labs of this machine and how their hosts are, by name. Asks each host's sshd, for a second at most.
///
/// # Errors
/// If this process may not look at them.
pub fn list() -> Result<Vec<LabStatus>> {
    let labs = Labs::of_this_machine();
    labs.check_readable()?;
    Ok(labs.names().into_iter().map(|name| status(&labs, name)).collect())
}

fn status(labs: &Labs, name: String) -> LabStatus {
    let directory = labs.lab(&name);
    let lab = State::read(&directory).ok().flatten().map(|state| Lab::of(&state, &directory));
    let hosts = lab.as_ref().map(|lab| lab.hosts.clone()).unwrap_or_default();
    let states = std::thread::scope(|scope| {
        let directory = &directory;
        let asked: Vec<_> =
            hosts.iter().map(|host| scope.spawn(move || host_state(directory, host))).collect();
        asked.into_iter().map(|thread| thread.join().unwrap_or(HostState::Stopped)).collect()
    });
    LabStatus { name, lab, states }
}

fn host_state(directory: &LabDirectory, host: &LabHost) -> HostState {
    if !processes::is_up(directory.host(&host.name).path()) {
        return HostState::Stopped;
    }
    if host::answers((host.address, host.port).into()) { HostState::Up } else { HostState::Running }
}

/// The type and the key from a host's public key file, without its comment.
fn public_key(directory: &LabDirectory, host: &str) -> String {
    let text = std::fs::read_to_string(directory.host(host).host_key_public()).unwrap_or_default();
    text.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}
