//! Packages in the host's native package manager: dpkg and apt, rpm and dnf, or apk.

mod apk;
mod apt;
mod dpkg;
mod rpm;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::target::command;
use crate::wire::{PackageState, PackageStatus};

/// Seconds that a package manager has to answer what is installed.
const TIMEOUT: u32 = 120;

/// What is known of packages; read again when the databases have changed.
#[derive(Debug, Default)]
pub struct Packages {
    dpkg: dpkg::Database,
    apt: apt::Candidates,
}

impl Packages {
    /// How a package stands. `upcoming` are the names that are asked for next: their candidates come along.
    ///
    /// # Errors
    /// The host has no package manager that is known, or it does not answer.
    pub fn state<'a>(
        &mut self,
        name: &str,
        upcoming: impl Iterator<Item = &'a str>,
    ) -> Result<PackageState, String> {
        if !is_plain(name) {
            return Err(format!("`{name}` is not the name of a package"));
        }
        if Path::new(dpkg::STATUS).exists() {
            self.dpkg
                .refresh(Path::new(dpkg::STATUS))
                .map_err(|error| format!("cannot read `{}`: {error}", dpkg::STATUS))?;
            let mut state = self.dpkg.state(name);
            let names = upcoming.filter(|name| is_plain(name));
            if let Some(policy) = self.apt.policy(name, names)? {
                state.candidate = policy.candidate;
                state.available = policy.available;
            }
            return Ok(state);
        }
        if Path::new("/var/lib/rpm").exists() || Path::new("/usr/lib/sysimage/rpm").exists() {
            return rpm::state(name);
        }
        if Path::new("/lib/apk/db/installed").exists() || Path::new("/usr/lib/apk/db/installed").exists() {
            return apk::state(name);
        }
        Err("this host has no package manager that is known (dpkg, rpm, apk)".to_owned())
    }
}

/// When apt's lists were refreshed last, in seconds since the epoch, as `ansible.builtin.apt`'s `cache_valid_time`
/// reads it: the stamp of a successful update, else the lists' directory.
pub fn lists_refreshed() -> Option<i64> {
    ["/var/lib/apt/periodic/update-success-stamp", "/var/lib/apt/lists"]
        .into_iter()
        .find_map(|path| fs::metadata(path).ok())
        .map(|found| found.mtime())
}

/// Whether a name can be a package's, and is no option to its manager.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('-')
        && name.chars().all(|c| {
            c.is_alphanumeric() || matches!(c, '+' | '-' | '.' | ':' | '_' | '~' | '@' | '/' | '(' | ')')
        })
}

/// A package that is not there, of which nothing else is known.
fn absent() -> PackageState {
    PackageState {
        status: PackageStatus::Absent,
        version: None,
        candidate: None,
        provided_by: Vec::new(),
        held: false,
        available: Vec::new(),
    }
}

/// The standard output of a question to a package manager, whatever its exit status; `None` where there is no such
/// program.
fn ask(argv: &[&str]) -> Result<Option<(i32, String)>, String> {
    let name = argv.first().copied().unwrap_or_default();
    match command::quiet(argv, TIMEOUT) {
        Ok(output) if output.timed_out => Err(format!("`{name}` did not answer within {TIMEOUT} seconds")),
        Ok(output) => Ok(Some((output.status, String::from_utf8_lossy(&output.stdout).into_owned()))),
        Err(command::NotRun { errno: Some(libc::ENOENT), .. }) => Ok(None),
        Err(command::NotRun { message, .. }) => Err(format!("`{name}` cannot be run: {message}")),
    }
}
