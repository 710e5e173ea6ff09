//! Generated files: written where that is asked for, else compared.

use std::fs;
use std::path::Path;

use crate::{MADE, project, writes};

/// Compares a file with what it should be, or writes it.
///
/// # Errors
/// It is stale or cannot be written.
pub fn file(path: &str, wanted: &str) -> Result<(), String> {
    let full = project(path);
    if writes("FLEET_DOCS_WRITE") {
        let directory = full.parent().unwrap_or(Path::new("."));
        return fs::create_dir_all(directory)
            .and_then(|()| fs::write(&full, wanted))
            .map_err(|error| format!("{path}: {error}"));
    }
    if fs::read_to_string(&full).unwrap_or_default() == wanted {
        return Ok(());
    }
    Err(format!("{path} is stale: run `{MADE}`"))
}

/// Compares the names of a directory's files with what there should be, or removes what should not.
///
/// # Errors
/// There is a file too many.
pub fn directory(path: &str, wanted: &[String]) -> Result<(), String> {
    let full = project(path);
    let entries = fs::read_dir(&full).map_err(|error| format!("{path}: {error}"))?;
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| !wanted.contains(name));
    names.sort();
    for name in &names {
        if !writes("FLEET_DOCS_WRITE") {
            return Err(format!("{path}/{name} belongs to nothing: run `{MADE}`"));
        }
        fs::remove_file(full.join(name)).map_err(|error| format!("{path}/{name}: {error}"))?;
    }
    Ok(())
}
