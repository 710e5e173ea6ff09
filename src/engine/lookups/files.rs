//! `file`, `unvault` and `fileglob`.

use std::path::{Path, PathBuf};

use super::ask::Ask;
use super::{Found, failed};
use crate::base::pyregex;
use crate::base::{Secret, Value};
use crate::template::LookupError;

/// The texts of files.
pub(super) fn file(ask: &Ask<'_>) -> Found {
    let (lstrip, rstrip) = (ask.flag("lstrip", false)?, ask.flag("rstrip", true)?);
    ask.each(|term| {
        let Some(path) = ask.file(term) else {
            return Err(failed(format!("unable to access the file '{term}': file not found")));
        };
        let (text, hidden) = read(ask, &path)?;
        let text = if lstrip { text.trim_start() } else { &text };
        Ok(value(if rstrip { text.trim_end() } else { text }, hidden))
    })
}

/// The texts of files that may be encrypted, as they are.
pub(super) fn unvault(ask: &Ask<'_>) -> Found {
    ask.each(|term| match ask.file(term) {
        Some(path) => read(ask, &path).map(|(text, hidden)| value(&text, hidden)),
        None => Err(failed(format!("unable to find file matching \"{term}\""))),
    })
}

/// Whether a file is encrypted.
type Hidden = bool;

fn value(text: &str, hidden: Hidden) -> Value {
    if hidden { Value::Secret(Secret::new(text)) } else { Value::from(text) }
}

fn read(ask: &Ask<'_>, path: &Path) -> Result<(String, Hidden), LookupError> {
    let source = ask.world.project.read(path).map_err(|diagnostic| failed(diagnostic.message.clone()))?;
    let hidden = ask.world.project.is_sealed(path);
    if hidden {
        ask.world.project.vault().known().add(&source.text);
    }
    Ok((source.text.clone(), hidden))
}

/// The files whose names match a pattern, of the first directory that has any.
pub(super) fn fileglob(ask: &Ask<'_>) -> Found {
    let mut found = Vec::new();
    for term in ask.texts() {
        let (folder, pattern) = match term.rsplit_once('/') {
            Some(("", pattern)) => (Some("/"), pattern),
            Some((folder, pattern)) => (Some(folder), pattern),
            None => (None, term.as_str()),
        };
        let folders: Vec<PathBuf> = match folder {
            Some(folder) => ask.file(folder).into_iter().collect(),
            None => ask.world.search.iter().flat_map(|base| [base.join("files"), base.clone()]).collect(),
        };
        let matcher = pyregex::compile(&translated(pattern), pyregex::Flags::default())
            .map_err(|error| failed(format!("bad pattern '{term}': {error}")))?;
        let hidden = pattern.starts_with('.');
        for folder in folders {
            let folder = super::paths::normalised(&folder);
            let matching = |path: &PathBuf| {
                let name =
                    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                name.starts_with('.') <= hidden && matcher.is_match(&name).unwrap_or(false) && path.is_file()
            };
            let entries = ask.world.project.entries(&folder).unwrap_or_default();
            let matches: Vec<PathBuf> = entries.into_iter().filter(matching).collect();
            if !matches.is_empty() {
                found.extend(matches.iter().map(|path| Value::from(path.display().to_string())));
                break;
            }
        }
    }
    Ok(found)
}

/// A shell pattern as a regular expression.
fn translated(pattern: &str) -> String {
    let mut regex = "(?s)\\A".to_owned();
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        match c {
            '*' => regex.push_str(".*"),
            '?' => regex.push('.'),
            '[' => match rest.as_str().char_indices().skip(1).find(|(_, c)| *c == ']') {
                Some((end, _)) => {
                    let set = rest.as_str().get(..end).unwrap_or_default().replace('\\', "\\\\");
                    let (not, set) = set.strip_prefix('!').map_or(("", set.as_str()), |set| ("^", set));
                    regex.push_str(&format!("[{not}{set}]"));
                    rest = rest.as_str().get(end + 1..).unwrap_or_default().chars();
                }
                None => regex.push_str("\\["),
            },
            c if c.is_alphanumeric() => regex.push(c),
            c => regex.extend(['\\', c]),
        }
    }
    regex.push_str("\\Z");
    regex
}
