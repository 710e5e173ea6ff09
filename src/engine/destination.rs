//! From a host's connection variables to where and how it is reached.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::base::{Diagnostic, Kind, Secret, Value, shlex};
use crate::lang::{Keyword, Task};
use crate::plan::bind::{Binder, Stop};
use crate::secrets::{Known, PasswordPurpose, Passwords};
use crate::transport::{Destination, HostKeyChecking, Kind as Way};

/// What the command line and the configuration say about connecting; a host's variables win over it.
#[derive(Clone, Debug)]
pub struct ConnectDefaults {
    /// `--connection`.
    pub connection: Option<String>,
    /// `--user`.
    pub user: Option<String>,
    /// `remote_port`.
    pub port: Option<u16>,
    /// `--private-key`.
    pub private_key: Option<PathBuf>,
    /// How unknown host keys are met.
    pub host_key_checking: Option<HostKeyChecking>,
    /// Seconds for connecting.
    pub timeout: u64,
    /// Connect again when the server sheds load, so many times.
    pub retries: u32,
    /// `--ssh-common-args` and the like, split into words.
    pub ssh_args: Vec<String>,
    /// For logging in.
    pub passwords: Passwords,
    /// For becoming another user.
    pub become_passwords: Passwords,
    /// Notes what must not be shown.
    pub known: Arc<Known>,
    /// Hosts whose connection is replaced: the lab's.
    pub lab: HashMap<Arc<str>, LabTarget>,
}

/// How a host of the lab is reached instead of its own address.
#[derive(Clone, Debug)]
pub struct LabTarget {
    /// Its address.
    pub address: Ipv4Addr,
    /// Its port.
    pub port: u16,
    /// The login user.
    pub user: String,
    /// The key.
    pub private_key: PathBuf,
    /// The file with the host keys of the lab's hosts.
    pub known_hosts: PathBuf,
}

fn secret(value: &Value) -> Secret {
    match value {
        Value::Secret(secret) => secret.clone(),
        other => Secret::new(other.to_text()),
    }
}

/// Where a host is and how it is reached, and the password for becoming another user there. `binder` has that
/// host's variables; the task's keywords count only where they are about that host.
pub(super) fn of(
    host: &Arc<str>,
    binder: &Binder<'_>,
    task: Option<&Task>,
    defaults: &ConnectDefaults,
) -> Result<(Destination, Option<Secret>), Stop> {
    let variable = |names: &[&str]| -> Result<Option<Value>, Stop> {
        for name in names {
            if let Some(value) = binder.variable(name)? {
                return Ok(Some(value));
            }
        }
        Ok(None)
    };
    let text = |names: &[&str]| -> Result<Option<String>, Stop> {
        Ok(variable(names)?.map(|value| secret(&value).reveal().to_owned()))
    };
    let keyword = |keyword| -> Result<Option<String>, Stop> {
        task.map(|task| binder.text(task, keyword)).transpose().map(Option::flatten)
    };
    let number = |what: &str, value: Option<String>| -> Result<Option<u64>, Stop> {
        value
            .map(|text| {
                text.trim().parse().map_err(|_| {
                    let message = format!("`{what}` of host `{host}` must be a number, not `{text}`");
                    Stop::from(Diagnostic::error(Kind::BadValue, message))
                })
            })
            .transpose()
    };
    let local = matches!(&**host, "localhost" | "127.0.0.1" | "::1");
    let connection = match text(&["ansible_connection"])? {
        Some(connection) => Some(connection),
        None => keyword(Keyword::Connection)?.or_else(|| defaults.connection.clone()),
    };
    let lab = defaults.lab.get(host);
    let kind = match connection.as_deref().map(|name| name.rsplit('.').next().unwrap_or_default()) {
        _ if lab.is_some() => Way::Ssh,
        Some("local") => Way::Local,
        Some("ssh" | "smart" | "paramiko" | "paramiko_ssh") => Way::Ssh,
        None if local && binder.variables.get("ansible_host").is_none() => Way::Local,
        None => Way::Ssh,
        Some(other) => {
            let message = format!("the connection `{other}` of host `{host}` is not supported");
            let words = format!("the connection plugin '{other}' was not found");
            let hint = "supported are `ssh` and `local`";
            return Err(Diagnostic::error(Kind::Unsupported, message).hint(hint).words(words).into());
        }
    };
    let checking = match text(&["ansible_ssh_host_key_checking", "ansible_host_key_checking"])? {
        Some(value) if Value::from(value.as_str()).to_bool() == Some(false) => Some(HostKeyChecking::Off),
        Some(value) if value == "accept-new" => Some(HostKeyChecking::AcceptNew),
        Some(_) => Some(HostKeyChecking::Strict),
        None => defaults.host_key_checking,
    };
    let mut ssh_args = defaults.ssh_args.clone();
    for name in ["ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args"] {
        let words = text(&[name])?.map(|text| shlex::split(&text)).transpose().map_err(|error| {
            let message = format!("`{name}` of host `{host}` cannot be read: {error}");
            Stop::from(Diagnostic::error(Kind::BadValue, message))
        })?;
        ssh_args.extend(words.unwrap_or_default());
    }
    let key = text(&["ansible_ssh_private_key_file", "ansible_private_key_file"])?
        .map(PathBuf::from)
        .or_else(|| defaults.private_key.clone());
    let user = match text(&["ansible_user", "ansible_ssh_user"])? {
        Some(user) => Some(user),
        None => keyword(Keyword::RemoteUser)?.or_else(|| defaults.user.clone()),
    };
    let port = match number("ansible_port", text(&["ansible_port", "ansible_ssh_port"])?)? {
        Some(port) => Some(port),
        None => number("port", keyword(Keyword::Port)?)?.or(defaults.port.map(u64::from)),
    };
    let port = port
        .map(|port| {
            u16::try_from(port).map_err(|_| {
                let message = format!("the port {port} of host `{host}` is out of range");
                Stop::from(Diagnostic::error(Kind::BadValue, message))
            })
        })
        .transpose()?;
    let timeout = number("ansible_ssh_timeout", text(&["ansible_ssh_timeout", "ansible_timeout"])?)?;
    let retries = number("ansible_ssh_retries", text(&["ansible_ssh_retries"])?)?;
    let address = text(&["ansible_host", "ansible_ssh_host"])?.unwrap_or_else(|| host.to_string());
    let names = [&**host, &*address];
    let kept = |passwords: &Passwords, purpose| passwords.of(purpose, user.as_deref(), &names);
    let password = variable(&["ansible_password", "ansible_ssh_pass", "ansible_ssh_password"])?
        .map(|value| secret(&value))
        .or_else(|| kept(&defaults.passwords, PasswordPurpose::Ssh));
    let become_password = variable(&["ansible_become_password", "ansible_become_pass", "ansible_sudo_pass"])?
        .map(|value| secret(&value))
        .or_else(|| kept(&defaults.become_passwords, PasswordPurpose::Become));
    // a password that is the user's name is found everywhere, and guessed by everybody
    let other = |found: &&Secret| user.as_deref() != Some(found.reveal());
    if let Some(found) = password.as_ref().filter(other) {
        defaults.known.add(found.reveal());
    }
    if let Some(found) = become_password.as_ref().filter(other) {
        defaults.known.add_password(found.reveal());
    }
    let mut destination = Destination {
        name: host.to_string(),
        kind,
        host: address,
        port,
        user,
        private_keys: key.into_iter().collect(),
        key_passphrase: None,
        password,
        host_key_checking: checking,
        known_hosts: None,
        proxy_jump: None,
        ssh_config: None,
        common_args: ssh_args,
        connect_timeout: Duration::from_secs(timeout.unwrap_or(defaults.timeout)),
        retries: retries.map_or(defaults.retries, |retries| u32::try_from(retries).unwrap_or(u32::MAX)),
        remote_tmp: text(&["ansible_remote_tmp"])?,
    };
    if let Some(LabTarget { address, port, user, private_key, known_hosts }) = lab {
        destination.host = address.to_string();
        destination.port = Some(*port);
        destination.user = Some(user.clone());
        destination.private_keys = vec![private_key.clone()];
        destination.known_hosts = Some(known_hosts.clone());
        destination.host_key_checking = Some(HostKeyChecking::Strict);
        destination.password = None;
        destination.common_args = Vec::new();
        // the user's own configuration is about the real hosts
        destination.ssh_config = Some(PathBuf::from("/dev/null"));
    }
    Ok((destination, become_password))
}
