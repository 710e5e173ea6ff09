//! Why a host could not be reached, and why a session on it failed. Every error names the host.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::base::Diagnostic;

/// Why there is no connection to a host. All of them make the host unreachable, except [`Self::Config`], which is a
/// mistake in a file.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ConnectError {
    /// The name has no address.
    #[error("`{host}`: cannot resolve `{name}`: {cause}")]
    Resolve {
        /// The inventory's name.
        host: String,
        /// The name that was looked up.
        name: String,
        /// The resolver's words.
        cause: String,
    },
    /// Nothing listens there, or the network says no.
    #[error("`{host}`: cannot connect to {address}: {cause}")]
    Refused {
        /// The inventory's name.
        host: String,
        /// Address and port.
        address: String,
        /// The system's words.
        cause: String,
    },
    /// The server did not get that far in time.
    #[error("`{host}`: no answer from {address} within {} s while {stage}", .after.as_secs_f32())]
    Timeout {
        /// The inventory's name.
        host: String,
        /// Address and port.
        address: String,
        /// What was under way.
        stage: &'static str,
        /// The time that was given.
        after: Duration,
    },
    /// The server closed the connection before the key exchange was over, again and again.
    #[error(
        "`{host}`: {address} closed the connection before the handshake was over ({attempts} attempts): {cause}"
    )]
    Shed {
        /// The inventory's name.
        host: String,
        /// Address and port.
        address: String,
        /// How often it was tried.
        attempts: u32,
        /// The last words.
        cause: String,
    },
    /// The handshake failed.
    #[error("`{host}`: the SSH handshake with {address} failed: {cause}")]
    Handshake {
        /// The inventory's name.
        host: String,
        /// Address and port.
        address: String,
        /// The cause.
        cause: String,
    },
    /// The host's key is in none of the files.
    #[error("`{host}`: the host key of {name} is not known: {algorithm} {fingerprint}")]
    HostKeyUnknown {
        /// The inventory's name.
        host: String,
        /// The name as known_hosts has it.
        name: String,
        /// The key's algorithm.
        algorithm: String,
        /// `SHA256:…`.
        fingerprint: String,
        /// Where it was looked for.
        files: Vec<PathBuf>,
    },
    /// Another key is known for that host.
    #[error("`{host}`: the host key of {name} has changed: it is {algorithm} {fingerprint}, but {}:{line} has another", .file.display())]
    HostKeyChanged {
        /// The inventory's name.
        host: String,
        /// The name as known_hosts has it.
        name: String,
        /// The new key's algorithm.
        algorithm: String,
        /// The new key: `SHA256:…`.
        fingerprint: String,
        /// The file with the old key …
        file: PathBuf,
        /// … and its line.
        line: u32,
    },
    /// The key is revoked.
    #[error("`{host}`: the host key of {name} is revoked by {}:{line}: {fingerprint}", .file.display())]
    HostKeyRevoked {
        /// The inventory's name.
        host: String,
        /// The name as known_hosts has it.
        name: String,
        /// `SHA256:…`.
        fingerprint: String,
        /// The file that revokes it …
        file: PathBuf,
        /// … and its line.
        line: u32,
    },
    /// A file of known keys cannot be read or written.
    #[error("`{host}`: {}: {cause}", .file.display())]
    KnownHosts {
        /// The inventory's name.
        host: String,
        /// The file.
        file: PathBuf,
        /// The cause.
        cause: String,
    },
    /// The server accepted nothing that was offered.
    #[error("`{host}`: {user}@{address} refused the login ({})", list_of(.tried))]
    Auth {
        /// The inventory's name.
        host: String,
        /// The login user.
        user: String,
        /// Address and port.
        address: String,
        /// What was tried, and what was not and why.
        tried: Vec<String>,
        /// What the server would accept.
        remaining: Vec<String>,
    },
    /// A jump host could not be reached, or could not reach the host.
    #[error("`{host}`: through jump host `{jump}`: {cause}")]
    Jump {
        /// The inventory's name.
        host: String,
        /// The jump host.
        jump: String,
        /// Its own error.
        cause: Arc<ConnectError>,
    },
    /// The jump host is there but cannot reach the host.
    #[error("jump host `{jump}` cannot reach {address}: {cause}")]
    Forward {
        /// The jump host.
        jump: String,
        /// Address and port.
        address: String,
        /// The jump host's words.
        cause: String,
    },
    /// The SSH configuration or the connection variables ask for what fleet does not do.
    #[error("`{host}`: {diagnostic}")]
    Config {
        /// The inventory's name.
        host: String,
        /// What, and where it stands.
        diagnostic: Box<Diagnostic>,
    },
    /// The program that shall give a pipe cannot be started.
    #[error("`{host}`: cannot run `{program}`: {cause}")]
    Program {
        /// The inventory's name.
        host: String,
        /// The program.
        program: String,
        /// The system's words.
        cause: String,
    },
}

fn list_of(tried: &[String]) -> String {
    if tried.is_empty() {
        "there was nothing to offer".to_owned()
    } else {
        format!("tried {}", tried.join(", "))
    }
}

impl ConnectError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::HostKeyUnknown { name, files, .. } => {
                let file = files.first().map_or_else(String::new, |file| format!(" to {}", file.display()));
                Some(format!(
                    "compare the fingerprint with the server's (`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` \
                     there) and add the key of {name}{file}, or let fleet add the keys of new hosts with `accept-new`"
                ))
            }
            Self::HostKeyChanged { name, file, .. } => Some(format!(
                "if the server was installed anew, remove its old key with `ssh-keygen -R '{name}' -f {}`; if not, \
                 someone may be standing in between",
                file.display()
            )),
            Self::Auth { remaining, tried, .. } => {
                let accepts = if remaining.is_empty() {
                    String::new()
                } else {
                    format!("the server accepts {}; ", remaining.join(", "))
                };
                let advice = if tried.iter().any(|what| what.contains("too many")) {
                    "the agent holds many keys: set `IdentitiesOnly yes` with an `IdentityFile`"
                } else {
                    "check the user and its authorized_keys, `ansible_ssh_private_key_file`, or the agent"
                };
                Some(format!("{accepts}{advice}"))
            }
            Self::Shed { .. } => Some(
                "the server sheds load: raise its `MaxStartups`, or connect to fewer hosts at once"
                    .to_owned(),
            ),
            Self::Config { diagnostic, .. } => diagnostic.hint.clone(),
            Self::Jump { cause, .. } => cause.hint(),
            Self::Resolve { .. } => {
                Some("set `ansible_host` to a name or address that resolves here".to_owned())
            }
            Self::Refused { .. }
            | Self::Timeout { .. }
            | Self::Handshake { .. }
            | Self::HostKeyRevoked { .. }
            | Self::KnownHosts { .. }
            | Self::Forward { .. }
            | Self::Program { .. } => None,
        }
    }

    /// Whether a further attempt may help: the network failed, not a check.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Resolve { .. }
            | Self::Refused { .. }
            | Self::Timeout { .. }
            | Self::Shed { .. }
            | Self::Forward { .. } => true,
            Self::Jump { cause, .. } => cause.is_transient(),
            _ => false,
        }
    }
}

/// Why another user could not be become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BecomeProblem {
    /// A password is asked for and none is known.
    #[error("a password is required")]
    PasswordRequired,
    /// The password is wrong.
    #[error("the password is wrong")]
    PasswordWrong,
    /// The policy does not allow it.
    #[error("it is not allowed to this user")]
    Denied,
    /// There is no such user.
    #[error("there is no such user")]
    UnknownUser,
    /// The program is not there.
    #[error("the program is not there")]
    Missing,
    /// It insists on a terminal.
    #[error("it insists on a terminal")]
    Terminal,
    /// It did not get to run the program in time.
    #[error("it did not answer in time")]
    Timeout,
}

/// Why an exchange with a host failed. [`Self::is_unreachable`] says whether the host is to be given up.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The connection broke.
    #[error("`{host}`: the connection was lost: {cause}")]
    Lost {
        /// The inventory's name.
        host: String,
        /// The cause.
        cause: String,
    },
    /// A further connection to the host was needed and failed.
    #[error(transparent)]
    Connect(Box<ConnectError>),
    /// The time that was given ran out. The session is closed.
    #[error("`{host}`: no answer within {} s while {stage}", .after.as_secs_f32())]
    Timeout {
        /// The inventory's name.
        host: String,
        /// What was under way.
        stage: &'static str,
        /// The time that was given.
        after: Duration,
    },
    /// The other user could not be become.
    #[error("`{host}`: {method} to user `{user}`: {problem}{}", words(.detail))]
    Become {
        /// The inventory's name.
        host: String,
        /// sudo …
        method: &'static str,
        /// The user to become.
        user: String,
        /// Why not.
        problem: BecomeProblem,
        /// What the program said.
        detail: String,
    },
    /// There is no fleet for that system.
    #[error("`{host}` runs {system}, and there is no `{wanted}` beside fleet")]
    NoPayload {
        /// The inventory's name.
        host: String,
        /// `uname -sm`.
        system: String,
        /// The file that is needed.
        wanted: String,
    },
    /// fleet's own binary cannot be read.
    #[error("cannot read {}: {cause}", .path.display())]
    PayloadRead {
        /// The file.
        path: PathBuf,
        /// The cause.
        cause: String,
    },
    /// No place on the host takes the upload.
    #[error("`{host}`: there is no place for fleet: {}", .reasons.join("; "))]
    Upload {
        /// The inventory's name.
        host: String,
        /// Each place with why not.
        reasons: Vec<String>,
    },
    /// `fleet remote` did not start, or ended.
    #[error("`{host}`: `fleet remote` ended with {status}{}", words(.output))]
    Ended {
        /// The inventory's name.
        host: String,
        /// Its exit status in words.
        status: String,
        /// What was written before it ended.
        output: String,
    },
    /// What came back is not the protocol.
    #[error("`{host}`: {message}")]
    Protocol {
        /// The inventory's name.
        host: String,
        /// What is wrong.
        message: String,
    },
    /// A local file changed while it was sent. The session is closed if a part of it had gone out.
    #[error("{} changed while it was read", .path.display())]
    ContentChanged {
        /// The file.
        path: PathBuf,
    },
    /// A local file cannot be read.
    #[error("cannot read {}: {cause}", .path.display())]
    ContentRead {
        /// The file.
        path: PathBuf,
        /// The cause.
        cause: String,
    },
    /// An earlier exchange failed, or was abandoned; this session cannot be used again.
    #[error("`{host}`: the session is closed: {cause}")]
    Closed {
        /// The inventory's name.
        host: String,
        /// Why.
        cause: String,
    },
    /// A program cannot be sent.
    #[error("`{host}`: {cause}")]
    Encode {
        /// The inventory's name.
        host: String,
        /// Why not.
        cause: String,
    },
}

fn words(detail: &str) -> String {
    if detail.is_empty() { String::new() } else { format!(": {detail}") }
}

impl From<ConnectError> for SessionError {
    fn from(error: ConnectError) -> Self {
        Self::Connect(Box::new(error))
    }
}

impl SessionError {
    /// Whether the host itself cannot be worked with any more, as opposed to this one task.
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Lost { .. }
            | Self::Connect(_)
            | Self::NoPayload { .. }
            | Self::Upload { .. }
            | Self::Ended { .. }
            | Self::Protocol { .. }
            | Self::Closed { .. } => true,
            Self::Timeout { .. }
            | Self::Become { .. }
            | Self::PayloadRead { .. }
            | Self::ContentChanged { .. }
            | Self::ContentRead { .. }
            | Self::Encode { .. } => false,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Connect(error) => return error.hint(),
            Self::Become { problem, method, .. } => match problem {
                BecomeProblem::PasswordRequired => {
                    "set `ansible_become_password`, or allow it without a password (`NOPASSWD`)"
                }
                BecomeProblem::PasswordWrong => "check `ansible_become_password`",
                BecomeProblem::Denied => "check the sudoers policy of the login user on that host",
                BecomeProblem::UnknownUser => "check `become_user`",
                BecomeProblem::Missing => "install it on the host, or set `ansible_become_exe`",
                BecomeProblem::Terminal if *method == "sudo" => "take `requiretty` out of the host's sudoers",
                BecomeProblem::Terminal => "allow it without a password, or use another module than `raw`",
                BecomeProblem::Timeout => return None,
            },
            Self::NoPayload { wanted, .. } => {
                return Some(format!("build fleet for that system and put it beside this one as `{wanted}`"));
            }
            Self::Upload { .. } => {
                "set `ansible_remote_tmp` to a directory that only the login user can write to, on a file system that \
                 is not mounted noexec"
            }
            Self::Ended { .. } if !super::payload::is_static() => super::payload::NOT_STATIC,
            _ => return None,
        };
        Some(text.to_owned())
    }
}
