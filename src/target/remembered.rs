//! Names that are remembered on the host between runs (notified handlers), one file for each key.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::Digest;

use super::places::{make_private, sync_directory};
use crate::wire::action::hex;

/// What one file holds.
#[derive(Serialize, Deserialize)]
struct Record {
    key: String,
    names: Vec<String>,
}

/// All that is remembered in a state directory, sorted by key. What cannot be read is not remembered.
pub fn all(state: &Path) -> Vec<(String, Vec<String>)> {
    let Ok(entries) = fs::read_dir(state) else { return Vec::new() };
    let mut found: Vec<_> = entries
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "json"))
        .filter_map(|entry| read(&entry.path()))
        .map(|Record { key, names }| (key, names))
        .collect();
    found.sort();
    found
}

/// The names under a key.
pub fn names(state: &Path, key: &str) -> Vec<String> {
    read(&file_of(state, key))
        .filter(|record| record.key == key)
        .map(|record| record.names)
        .unwrap_or_default()
}

/// Adds names under a key, synced when it returns.
///
/// # Errors
/// What writing gives.
pub fn add(state: &Path, key: &str, added: &[String]) -> io::Result<()> {
    let mut known = names(state, key);
    for name in added {
        if !known.contains(name) {
            known.push(name.clone());
        }
    }
    write(state, key, known)
}

/// Takes names under a key away, synced when it returns.
///
/// # Errors
/// What writing gives.
pub fn take(state: &Path, key: &str, taken: &[String]) -> io::Result<()> {
    let mut known = names(state, key);
    if known.is_empty() {
        return Ok(());
    }
    known.retain(|name| !taken.contains(name));
    write(state, key, known)
}

fn write(state: &Path, key: &str, names: Vec<String>) -> io::Result<()> {
    let path = file_of(state, key);
    if names.is_empty() {
        return match fs::remove_file(&path) {
            Ok(()) => sync_directory(state),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        };
    }
    make_private(state)?;
    let staged = path.with_extension(format!("{}.new", std::process::id()));
    let text = serde_json::to_vec(&Record { key: key.to_owned(), names })?;
    let written = fs::File::create(&staged)
        .and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&staged, &path));
    if let Err(error) = written {
        let _ = fs::remove_file(&staged);
        return Err(error);
    }
    sync_directory(state)
}

fn read(path: &Path) -> Option<Record> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// The file of a key: the key where it makes a plain file name, with its hash so that no two keys share one.
fn file_of(state: &Path, key: &str) -> PathBuf {
    let plain: String = key
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' })
        .take(80)
        .collect();
    let hash = hex(&sha2::Sha256::digest(key.as_bytes()));
    state.join(format!("{plain}-{}.json", hash.get(..16).unwrap_or(&hash)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn names_are_added_once_and_taken() {
        let room = tempfile::tempdir().unwrap();
        let state = room.path().join("deep/state");
        assert!(all(&state).is_empty());
        add(&state, "site.yml: web/1", &texts(&["restart nginx", "reload"])).unwrap();
        add(&state, "site.yml: web/1", &texts(&["reload", "third"])).unwrap();
        add(&state, "../../etc/passwd", &texts(&["x"])).unwrap();
        assert_eq!(names(&state, "site.yml: web/1"), ["restart nginx", "reload", "third"]);
        assert_eq!(all(&state).len(), 2);
        take(&state, "site.yml: web/1", &texts(&["restart nginx", "reload", "third", "never"])).unwrap();
        take(&state, "unknown", &texts(&["x"])).unwrap();
        assert_eq!(all(&state), [("../../etc/passwd".to_owned(), texts(&["x"]))]);
        let files: Vec<_> = fs::read_dir(&state).unwrap().flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(files.len(), 1, "{files:?}");
    }
}
