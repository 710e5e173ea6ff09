//! Where a host is and how it is reached, as the inventory says it.

use std::path::PathBuf;
use std::time::Duration;

use crate::base::Secret;

/// What kind of pipe leads to the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// SSH, as `ansible_connection: ssh`.
    Ssh,
    /// The controller itself, in process.
    Local,
    /// A command that runs another command elsewhere: `docker exec -i NAME`, `nsenter -t PID -a`. What is to be run
    /// is appended to its arguments.
    Pipe {
        /// The command with its arguments.
        argv: Vec<String>,
    },
}

/// What is done about host keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HostKeyChecking {
    /// Only a known key is accepted.
    #[default]
    Strict,
    /// The first key of a host is accepted and remembered; a changed one is not.
    AcceptNew,
    /// Every key is accepted, except a revoked one. Nothing is remembered.
    Off,
}

/// A host with everything that the inventory says about its connection.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The inventory's name, for messages.
    pub name: String,
    /// How it is reached.
    pub kind: Kind,
    /// Host name, address or alias in the SSH configuration (`ansible_host`).
    pub host: String,
    /// Port (`ansible_port`); else the SSH configuration's, else 22.
    pub port: Option<u16>,
    /// Login user (`ansible_user`); else the SSH configuration's, else the local user.
    pub user: Option<String>,
    /// Private keys (`ansible_ssh_private_key_file`), tried before all others.
    pub private_keys: Vec<PathBuf>,
    /// The passphrase of encrypted private keys.
    pub key_passphrase: Option<Secret>,
    /// The login password (`ansible_password`).
    pub password: Option<Secret>,
    /// What is done about host keys; else as the SSH configuration says, else strict.
    pub host_key_checking: Option<HostKeyChecking>,
    /// A file of known keys instead of the SSH configuration's.
    pub known_hosts: Option<PathBuf>,
    /// Jump hosts, as OpenSSH's `-J`: `[user@]host[:port]`, separated by commas; `none` for none.
    pub proxy_jump: Option<String>,
    /// An SSH configuration instead of the user's and the system's, as OpenSSH's `-F`.
    pub ssh_config: Option<PathBuf>,
    /// Options of OpenSSH's `ssh` command (`ansible_ssh_common_args`, `ansible_ssh_extra_args`), one per element.
    pub common_args: Vec<String>,
    /// Bounds an attempt: finding and reaching the server, key exchange, authentication (`ansible_timeout`).
    pub connect_timeout: Duration,
    /// Further attempts after one that failed on the network (`ansible_ssh_retries`).
    pub retries: u32,
    /// The directory for fleet's upload (`ansible_remote_tmp`), `~` being the login user's home.
    pub remote_tmp: Option<String>,
}

impl Destination {
    /// A host over SSH with nothing else said.
    pub fn ssh(name: impl Into<String>, host: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind: Kind::Ssh,
            host: host.into(),
            port: None,
            user: None,
            private_keys: Vec::new(),
            key_passphrase: None,
            password: None,
            host_key_checking: None,
            known_hosts: None,
            proxy_jump: None,
            ssh_config: None,
            common_args: Vec::new(),
            connect_timeout: Duration::from_secs(10),
            retries: 0,
            remote_tmp: None,
        }
    }

    /// The controller itself.
    pub fn local(name: impl Into<String>) -> Self {
        Self { kind: Kind::Local, ..Self::ssh(name, "localhost") }
    }

    /// Through a command that gives a pipe.
    pub fn pipe<S: Into<String>>(name: impl Into<String>, argv: impl IntoIterator<Item = S>) -> Self {
        let name = name.into();
        let argv = argv.into_iter().map(Into::into).collect();
        Self { kind: Kind::Pipe { argv }, ..Self::ssh(name.clone(), name) }
    }
}

/// How another user is become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BecomeMethod {
    /// `sudo`.
    Sudo,
    /// `su`.
    Su,
    /// `doas`.
    Doas,
}

impl BecomeMethod {
    /// Ansible's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sudo => "sudo",
            Self::Su => "su",
            Self::Doas => "doas",
        }
    }
}

/// Another user to become, and how.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Become {
    /// By what means (`ansible_become_method`).
    pub method: BecomeMethod,
    /// The user (`ansible_become_user`).
    pub user: String,
    /// The program (`ansible_become_exe`); else the method's own name.
    pub executable: Option<String>,
    /// Flags instead of `-H -S -n` (`ansible_become_flags`).
    pub flags: Vec<String>,
    /// The password that the program asks for (`ansible_become_password`).
    pub password: Option<Secret>,
}

impl Become {
    /// Through sudo without a password.
    pub fn sudo(user: impl Into<String>) -> Self {
        Self {
            method: BecomeMethod::Sudo,
            user: user.into(),
            executable: None,
            flags: Vec::new(),
            password: None,
        }
    }
}
