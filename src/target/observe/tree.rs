//! What is in a directory.
//!
//! Names that are not UTF-8 appear with replacement characters.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::stat::seen;
use crate::target::cause;
use crate::target::host::Host;
use crate::wire::{Entry, FileKind, Follow, Observation};

/// The entries of a directory, sorted by name.
pub fn list(host: &mut Host, path: &Path) -> Observation {
    answer(entries(host, path, "").map(|found| found.into_iter().map(|(_, entry)| entry).collect()))
}

/// Everything below a directory, sorted by path. Directories that may not be read appear without what is in them.
pub fn tree(host: &mut Host, path: &Path) -> Observation {
    answer(below(host, path))
}

fn answer(entries: io::Result<Vec<Entry>>) -> Observation {
    match entries {
        Ok(mut entries) => {
            entries.sort_by(|a, b| a.name.cmp(&b.name));
            Observation::Entries(Some(entries))
        }
        Err(error) if cause::is_absent(&error) => Observation::Entries(None),
        Err(error) => cause::unseen(&error),
    }
}

fn below(host: &mut Host, path: &Path) -> io::Result<Vec<Entry>> {
    let mut found = Vec::new();
    let mut waiting: Vec<(PathBuf, String)> = vec![(path.to_owned(), String::new())];
    while let Some((directory, prefix)) = waiting.pop() {
        let inside = match entries(host, &directory, &prefix) {
            Ok(inside) => inside,
            Err(error) if prefix.is_empty() => return Err(error),
            // removed meanwhile, or closed to the asking user
            Err(error) if cause::is_absent(&error) || error.kind() == io::ErrorKind::PermissionDenied => {
                continue;
            }
            Err(error) => return Err(error),
        };
        for (path, entry) in inside {
            if entry.stat.kind == FileKind::Directory {
                waiting.push((path, format!("{}/", entry.name)));
            }
            found.push(entry);
        }
    }
    Ok(found)
}

/// The entries of one directory, each with its real path: names need not be UTF-8.
fn entries(host: &mut Host, directory: &Path, prefix: &str) -> io::Result<Vec<(PathBuf, Entry)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        match seen(host, &entry.path(), Follow::No) {
            Ok(stat) => {
                let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
                found.push((entry.path(), Entry { name, stat }));
            }
            Err(error) if cause::is_absent(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}
