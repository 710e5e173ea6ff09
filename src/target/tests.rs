//! The room as a whole, on real files: actions, sessions, and the law that predictions hold.

mod files;
mod law;
mod links;
mod observed;
mod sessions;

use std::fs;
use std::path::{Path, PathBuf};

use super::act::act;
use super::host::Host;
use super::observe::observe;
use super::places::Places;
use crate::wire::action::Bytes;
use crate::wire::{Action, Attributes, Expect, Follow, Observation, Outcome, Query};

/// A directory of its own and a session in it.
struct Room {
    directory: tempfile::TempDir,
    host: Host,
}

impl Room {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let host = Host::new(Some(Places::below(&directory.path().join(".own"))));
        Self { directory, host }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn path(&self, name: &str) -> String {
        self.at(name).display().to_string()
    }

    fn act(&mut self, action: &Action) -> Outcome {
        act(&mut self.host, action)
    }

    fn observe(&mut self, query: &Query) -> Observation {
        observe(&mut self.host, query, &[])
    }

    /// The names in the room that are neither the test's nor what an action was asked for.
    fn leftovers(&self) -> Vec<String> {
        hidden_in(self.directory.path())
    }
}

fn hidden_in(directory: &Path) -> Vec<String> {
    fs::read_dir(directory)
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with(".fleet"))
        .collect()
}

/// An order to write a text, with nothing else asked for.
fn write(path: impl Into<String>, text: &str) -> Action {
    Action::WriteFile {
        path: path.into(),
        content: Bytes::Inline(text.as_bytes().to_vec()),
        attributes: Attributes::default(),
        expect: Expect::Anything,
        backup: false,
        validate: None,
        follow: Follow::Yes,
        in_place: false,
    }
}

fn mode(mode: u32) -> Attributes {
    Attributes { mode: Some(mode), ..Attributes::default() }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Mounts something until dropped; `None` where that is not permitted.
struct Mount(PathBuf);

impl Mount {
    fn new(arguments: &[&str], at: &Path) -> Option<Self> {
        let done = std::process::Command::new("mount").args(arguments).arg(at).output().ok()?;
        done.status.success().then(|| Self(at.to_owned()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
