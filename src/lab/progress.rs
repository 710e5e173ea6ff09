//! What the lab is doing, for whoever shows it.

use std::fmt;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use super::release::Release;

/// One step of the lab's work. `Display` gives a line for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Missing Debian packages are being installed on this machine.
    Installing {
        /// Their names.
        packages: Vec<String>,
    },
    /// The base of a release is being made, which takes about a minute.
    Building {
        /// The release.
        release: Release,
        /// Where the builder's output goes.
        log: PathBuf,
    },
    /// What a long step is at: many of them, of passing interest.
    Detail {
        /// The builder's words.
        line: String,
    },
    /// The base is made, and will be used again.
    Built {
        /// The release.
        release: Release,
        /// How long it took.
        elapsed: Duration,
    },
    /// Another process has what is needed.
    Waiting {
        /// What is waited for.
        what: String,
    },
    /// A host is being booted.
    Booting {
        /// Its name.
        host: String,
    },
    /// A host's sshd answers.
    Up {
        /// Its name.
        host: String,
        /// Its address.
        address: Ipv4Addr,
        /// How long it took.
        elapsed: Duration,
    },
    /// Something may not work as wanted.
    Warning {
        /// What and why.
        message: String,
    },
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Installing { packages } => write!(f, "installing {} on this machine", packages.join(", ")),
            Self::Building { release, log } => {
                write!(f, "making the {release} base, once (about a minute; log: {})", log.display())
            }
            Self::Detail { line } => f.write_str(line),
            Self::Built { release, elapsed } => {
                write!(f, "made the {release} base in {:.1} s", elapsed.as_secs_f64())
            }
            Self::Waiting { what } => write!(f, "waiting for {what}"),
            Self::Booting { host } => write!(f, "booting {host}"),
            Self::Up { host, address, elapsed } => {
                write!(f, "{host} is up at {address} ({:.1} s)", elapsed.as_secs_f64())
            }
            Self::Warning { message } => write!(f, "warning: {message}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_for_people() {
        let up = Progress::Up {
            host: "web1".into(),
            address: Ipv4Addr::new(10, 99, 0, 10),
            elapsed: Duration::from_millis(2345),
        };
        assert_eq!(up.to_string(), "web1 is up at 10.99.0.10 (2.3 s)");
    }
}
