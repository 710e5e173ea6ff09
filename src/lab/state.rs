//! Where a lab lies on the disk, and what is written down about it.

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::error::{LabError, Result};
use super::lock::Lock;
use super::release::Release;

/// All labs of this machine.
const LABS: &str = "/var/lib/fleet/lab";

/// The form of `state.json`.
const VERSION: u32 = 1;

/// The directory of all labs.
#[derive(Debug, Clone)]
pub(super) struct Labs(PathBuf);

impl Labs {
    pub(super) fn of_this_machine() -> Self {
        Self(PathBuf::from(LABS))
    }

    #[cfg(test)]
    pub(super) fn at(directory: &Path) -> Self {
        Self(directory.to_path_buf())
    }

    /// Makes the directory. Only root may enter it: it has hosts' disks below.
    pub(super) fn make(&self) -> Result<()> {
        make_private(&self.0)
    }

    pub(super) fn lab(&self, name: &str) -> LabDirectory {
        LabDirectory(self.0.join(name))
    }

    /// Held while a subnet is chosen or a setting of this machine is changed or put back.
    pub(super) fn machine_lock(&self) -> PathBuf {
        self.0.join(".lock")
    }

    /// Held while a lab is changed.
    pub(super) fn lab_lock(&self, name: &str) -> PathBuf {
        self.0.join(format!(".{name}.lock"))
    }

    /// The settings of this machine that labs have changed.
    pub(super) fn settings(&self) -> PathBuf {
        self.0.join(".settings.json")
    }

    /// Whether this process may look at the labs.
    pub(super) fn check_readable(&self) -> Result<()> {
        match fs::read_dir(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let error = LabError::because(format!("cannot read `{}`", self.0.display()))(error);
                Err(error.with_hint("labs are root's"))
            }
            _ => Ok(()),
        }
    }

    /// The names of all labs that left a directory, whole or not.
    pub(super) fn names(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(&self.0) else { return Vec::new() };
        let mut names: Vec<String> = entries
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| !name.starts_with('.'))
            .collect();
        names.sort();
        names
    }

    /// What is written down about all labs; what cannot be read is left out (`down` takes it away).
    pub(super) fn states(&self) -> Vec<State> {
        self.names().iter().filter_map(|name| State::read(&self.lab(name)).ok().flatten()).collect()
    }

    /// Removes locks that nobody holds of labs that are not there, and then the directories where they are empty.
    pub(super) fn remove_if_empty(&self) {
        for path in fs::read_dir(&self.0).into_iter().flatten().flatten().map(|entry| entry.path()) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let lab = name.strip_prefix('.').and_then(|name| name.strip_suffix(".lock"));
            if lab.is_some_and(|lab| !self.0.join(lab).exists())
                && let Ok(Some(lock)) = Lock::take_if_free(&path)
            {
                lock.remove();
            }
        }
        // `remove_dir` refuses what is not empty, which is wanted.
        let _ = fs::remove_dir(&self.0).and_then(|()| self.0.parent().map_or(Ok(()), fs::remove_dir));
    }
}

/// A lab's directory.
#[derive(Debug, Clone)]
pub(super) struct LabDirectory(PathBuf);

impl LabDirectory {
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn private_key(&self) -> PathBuf {
        self.0.join("id_ed25519")
    }

    pub(super) fn known_hosts(&self) -> PathBuf {
        self.0.join("known_hosts")
    }

    pub(super) fn ssh_config(&self) -> PathBuf {
        self.0.join("ssh_config")
    }

    pub(super) fn host(&self, name: &str) -> HostDirectory {
        HostDirectory(self.0.join("hosts").join(name))
    }
}

/// The directory of one host.
#[derive(Debug, Clone)]
pub(super) struct HostDirectory(PathBuf);

impl HostDirectory {
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Where the host's whole file system is mounted.
    pub(super) fn root(&self) -> PathBuf {
        self.0.join("root")
    }

    /// What the host changed of the base.
    pub(super) fn upper(&self) -> PathBuf {
        self.0.join("upper")
    }

    /// The overlay's own.
    pub(super) fn work(&self) -> PathBuf {
        self.0.join("work")
    }

    /// The host's console and its supervisor's notes.
    pub(super) fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    /// sshd's key as it was made (the private half lies only here and in the host).
    pub(super) fn host_key(&self) -> PathBuf {
        self.0.join("ssh_host_ed25519_key")
    }

    /// Its public half.
    pub(super) fn host_key_public(&self) -> PathBuf {
        self.0.join("ssh_host_ed25519_key.pub")
    }

    /// Exists when the host's own files have been written into its root.
    pub(super) fn prepared(&self) -> PathBuf {
        self.0.join("prepared")
    }
}

/// A host of a lab, as written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct HostState {
    pub name: String,
    pub address: Ipv4Addr,
}

/// A lab, as written down in `state.json` before anything of it is made, so that a crash can be cleaned up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub version: u32,
    pub name: String,
    pub release: Release,
    /// The root of the base that its hosts lie on.
    pub base: PathBuf,
    /// The network; its prefix is always 24 bits.
    pub network: Ipv4Addr,
    pub hosts: Vec<HostState>,
    /// When it was made, in seconds since 1970.
    pub created: u64,
}

impl State {
    pub(super) fn new(name: &str, release: Release, base: PathBuf, network: Ipv4Addr) -> Self {
        let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self { version: VERSION, name: name.to_string(), release, base, network, hosts: Vec::new(), created }
    }

    /// Reads what is written down about a lab; `None` if nothing is.
    pub(super) fn read(directory: &LabDirectory) -> Result<Option<Self>> {
        let path = directory.path().join("state.json");
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(LabError::because(format!("cannot read `{}`", path.display()))(error));
            }
        };
        let name = directory.path().file_name().unwrap_or_default().display();
        let state = Self::parse(&text).map_err(|error| {
            LabError::new(format!("cannot understand `{}`: {error}", path.display())).with_hint(format!(
                "take the lab away with `fleet lab down --name {name}`; it can be made anew"
            ))
        })?;
        Ok(Some(state))
    }

    fn parse(text: &[u8]) -> std::result::Result<Self, String> {
        let state: Self = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if state.version == VERSION {
            return Ok(state);
        }
        Err(format!("it was written by another fleet (form {}, not {VERSION})", state.version))
    }

    pub(super) fn write(&self, directory: &LabDirectory) -> Result<()> {
        fs::create_dir_all(directory.path())
            .map_err(LabError::because(format!("cannot make `{}`", directory.path().display())))?;
        let text =
            serde_json::to_vec_pretty(self).map_err(LabError::because("cannot encode the lab's state"))?;
        replace(&directory.path().join("state.json"), &text)
    }

    /// The address of this machine on the lab's bridge.
    pub(super) fn gateway(&self) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.network) | 1)
    }
}

/// Makes a directory that only root may enter.
pub(super) fn make_private(directory: &Path) -> Result<()> {
    fs::create_dir_all(directory)
        .and_then(|()| fs::set_permissions(directory, fs::Permissions::from_mode(0o700)))
        .map_err(LabError::because(format!("cannot make the directory `{}`", directory.display())))
}

/// Writes a file whole: its old content or its new one is there, whatever happens.
pub(super) fn replace(path: &Path, content: &[u8]) -> Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".new");
    let new = path.with_file_name(name);
    fs::write(&new, content)
        .and_then(|()| fs::rename(&new, path))
        .map_err(LabError::because(format!("cannot write `{}`", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        let mut state = State::new("fleet", Release::Bookworm, "/base".into(), Ipv4Addr::new(10, 99, 3, 0));
        state.hosts.push(HostState { name: "web1".into(), address: Ipv4Addr::new(10, 99, 3, 10) });
        state
    }

    #[test]
    fn the_state_round_trips() {
        let directory = tempfile::tempdir().unwrap();
        let labs = Labs::at(directory.path());
        let lab = labs.lab("fleet");
        assert_eq!(State::read(&lab).unwrap(), None);
        state().write(&lab).unwrap();
        assert_eq!(State::read(&lab).unwrap(), Some(state()));
        assert_eq!(state().gateway(), Ipv4Addr::new(10, 99, 3, 1));
        fs::create_dir(directory.path().join("broken")).unwrap();
        fs::write(directory.path().join(".x.lock"), "").unwrap();
        assert_eq!(labs.names(), ["broken", "fleet"]);
        assert_eq!(labs.states(), [state()]);
        labs.remove_if_empty();
        assert!(!directory.path().join(".x.lock").exists());
        assert!(lab.path().exists());
    }

    #[test]
    fn what_is_not_understood_is_an_error_with_a_way_out() {
        let directory = tempfile::tempdir().unwrap();
        let lab = Labs::at(directory.path()).lab("fleet");
        state().write(&lab).unwrap();
        let path = lab.path().join("state.json");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("\"version\": 1", "\"version\": 9")).unwrap();
        let error = State::read(&lab).unwrap_err();
        assert!(error.to_string().contains("form 9, not 1"));
        assert!(error.hint().unwrap().contains("fleet lab down"));
        fs::write(&path, "{").unwrap();
        assert!(State::read(&lab).is_err());
    }
}
