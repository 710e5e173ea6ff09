//! The host as one session sees it: who asks, what is cached, where its own state is.

use std::fs;
use std::path::{Path, PathBuf};

use super::command::Limits;
use super::content_store::ContentStore;
use super::names::Names;
use super::observe::{packages::Packages, units::Units};
use super::places::Places;
use super::{paths, remembered};
use crate::wire::{Hello, PROTOCOL_VERSION};

/// What a session knows and keeps.
#[derive(Debug)]
pub struct Host {
    /// Users and groups.
    pub names: Names,
    /// The package manager's database.
    pub packages: Packages,
    /// Units asked for together.
    pub units: Units,
    /// Contents sent ahead.
    pub contents: ContentStore,
    /// Where fleet's own state is.
    pub places: Places,
    /// What bounds the commands that are run.
    pub limits: Limits,
    /// The home directory of the user who asks.
    pub home: PathBuf,
    /// The number of the user who asks.
    pub uid: u32,
    /// Whether the kernel has SELinux.
    pub has_selinux: bool,
}

impl Host {
    /// The host as the process's user sees it. `places` is given by tests.
    pub fn new(places: Option<Places>) -> Self {
        let names = Names::new("/etc");
        let uid = rustix::process::geteuid().as_raw();
        let home = std::env::var_os("HOME")
            .map(PathBuf::from)
            .filter(|home| home.is_absolute())
            .or_else(|| names.user_by_id(uid).map(|user| PathBuf::from(user.home)))
            .unwrap_or_else(|| PathBuf::from("/"));
        let places = places.unwrap_or_else(|| Places::of(uid, &home));
        Self {
            names,
            packages: Packages::default(),
            units: Units::default(),
            contents: ContentStore::new(&places.spool),
            places,
            limits: Limits::default(),
            home,
            uid,
            has_selinux: Path::new("/sys/fs/selinux/enforce").exists(),
        }
    }

    /// The first frame.
    pub fn hello(&mut self) -> Hello {
        let line = |path| {
            fs::read_to_string(path).ok().map(|text| text.trim().to_owned()).filter(|it| !it.is_empty())
        };
        Hello {
            protocol: PROTOCOL_VERSION,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            user: self.names.user_name(self.uid).unwrap_or_else(|| self.uid.to_string()),
            uid: self.uid,
            home: self.home.to_string_lossy().into_owned(),
            machine_id: line("/etc/machine-id").filter(|id| id != "uninitialized"),
            boot_id: line("/proc/sys/kernel/random/boot_id"),
            remembered: remembered::all(&self.places.state),
        }
    }

    /// A path as it was asked for: `~` and `~user` expanded, without slashes at its end.
    ///
    /// # Errors
    /// The user whose home directory is meant is not known.
    pub fn path(&self, path: &str) -> Result<PathBuf, String> {
        let path = paths::trimmed(path);
        let Some(rest) = path.strip_prefix('~') else { return Ok(PathBuf::from(path)) };
        let (user, below) = rest.split_once('/').unwrap_or((rest, ""));
        let home = if user.is_empty() {
            self.home.clone()
        } else {
            match self.names.user(user) {
                Some(found) => PathBuf::from(found.entry.home),
                None => {
                    return Err(format!(
                        "there is no user `{user}` whose home directory `{path}` could be in"
                    ));
                }
            }
        };
        Ok(if below.is_empty() { home } else { home.join(below.trim_start_matches('/')) })
    }
}

/// The process's file mode creation mask.
pub fn umask() -> u32 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("Umask:"))
        .and_then(|mask| u32::from_str_radix(mask.trim(), 8).ok())
        .unwrap_or(0o022)
}
