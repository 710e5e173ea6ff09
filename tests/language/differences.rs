//! The deliberate differences, from `differences.txt`: one line each, `case | line | reason`. The line is one that either
//! program prints alone, as the suite shows it; `*` in it stands for anything. An entry that does not apply any more
//! fails its case.

use std::path::Path;

use similar::ChangeTag;

use crate::case::Case;
use crate::compare::Difference;

/// The file's name, below the project.
const FILE: &str = "tests/language/differences.txt";

/// All entries.
pub struct Differences(Vec<Entry>);

struct Entry {
    number: usize,
    case: String,
    line: String,
    reason: String,
}

impl Differences {
    /// Reads the file.
    ///
    /// # Errors
    /// If an entry has not three parts or names no case.
    pub fn read(cases: &[Case]) -> Result<Self, String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{FILE}: {error}"))?;
        let mut entries = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let parts = line.split_once('|').and_then(|(case, rest)| Some((case, rest.rsplit_once('|')?)));
            let Some((case, (line, reason))) = parts else {
                return Err(format!("{FILE}:{number}: case | line | reason is expected"));
            };
            let [case, line, reason] = [case, line, reason].map(|part| part.trim().to_owned());
            if reason.is_empty() {
                return Err(format!("{FILE}:{number}: a reason is missing"));
            }
            if !cases.iter().any(|known| known.name == case) {
                return Err(format!("{FILE}:{number}: there is no case `{case}`"));
            }
            entries.push(Entry { number, case, line, reason });
        }
        Ok(Self(entries))
    }

    /// The reasons of what differs in a case, each once.
    pub fn reasons(&self, case: &Case) -> Vec<&str> {
        let mut reasons: Vec<&str> = Vec::new();
        for entry in self.0.iter().filter(|entry| entry.case == case.name) {
            if !reasons.contains(&entry.reason.as_str()) {
                reasons.push(&entry.reason);
            }
        }
        reasons
    }

    /// What is wrong with a case: the differences that are not listed, and the entries that do not apply.
    pub fn judge(&self, case: &Case, found: &[Difference]) -> Vec<String> {
        let entries: Vec<&Entry> = self.0.iter().filter(|entry| entry.case == case.name).collect();
        let mut applied = vec![false; entries.len()];
        let mut problems = Vec::new();
        for Difference { command, lines } in found {
            let mut shown = String::new();
            let mut unlisted = false;
            for (tag, line) in lines {
                let mut listed = *tag == ChangeTag::Equal;
                for (entry, applied) in entries.iter().zip(&mut applied) {
                    if *tag != ChangeTag::Equal && matches(&entry.line, line) {
                        (*applied, listed) = (true, true);
                    }
                }
                unlisted |= !listed;
                let sign = match tag {
                    ChangeTag::Delete => "- ",
                    ChangeTag::Insert => "+ ",
                    ChangeTag::Equal => "  ",
                };
                shown += &format!("\n{}{sign}{line}", if listed { " " } else { "!" });
            }
            if unlisted {
                problems.push(format!("$ {command}\n  - Ansible  + fleet{shown}"));
            }
        }
        for (Entry { number, case, line, reason: _ }, _) in
            entries.iter().zip(applied).filter(|(_, applied)| !applied)
        {
            problems.push(format!("{FILE}:{number}: `{case} | {line}` does not differ any more"));
        }
        problems
    }
}

/// Whether a line is as a pattern says; `*` is any text.
fn matches(pattern: &str, line: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == line.trim() };
    let Some(mut left) = line.trim().strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(found) = left.find(part) else { return false };
        left = left.get(found + part.len()..).unwrap_or_default();
    }
    left.ends_with(end)
}
