//! The targets that are not expected to pass, from `exceptions.txt`: one line each, `target | reason`. One that passes
//! fails the suite, so that the file says what is.

use std::path::Path;

use crate::target::Target;

/// The file's name, below the project.
pub const FILE: &str = "tests/conformance/exceptions.txt";

/// The exceptions, in the file's order.
pub struct Exceptions(Vec<(String, String)>);

impl Exceptions {
    /// Reads the file.
    ///
    /// # Errors
    /// If an entry has no reason, names no target, or is there twice.
    pub fn read(targets: &[Target]) -> Result<Self, String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{FILE}: {error}"))?;
        let mut entries: Vec<(String, String)> = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let parts = line.split_once('|').map(|(name, reason)| (name.trim(), reason.trim()));
            let Some((name, reason)) = parts.filter(|(_, reason)| !reason.is_empty()) else {
                return Err(format!("{FILE}:{number}: target | reason is expected"));
            };
            if !targets.iter().any(|target| target.name == name) {
                return Err(format!("{FILE}:{number}: there is no target `{name}`"));
            }
            if entries.iter().any(|(known, _)| known == name) {
                return Err(format!("{FILE}:{number}: `{name}` is there already"));
            }
            entries.push((name.to_owned(), reason.to_owned()));
        }
        Ok(Self(entries))
    }

    /// Why this target is not expected to pass.
    pub fn reason(&self, target: &Target) -> Option<&str> {
        self.0.iter().find(|(name, _)| *name == target.name).map(|(_, reason)| reason.as_str())
    }
}
