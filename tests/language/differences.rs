//! The deliberate differences, from `differences.txt`: one line each, `case | line | reason`. The line is one that either
//! program prints alone, as the suite shows it; `*` in it stands for anything.

use similar::ChangeTag;

use crate::case::Case;
use crate::compare::Difference;
use crate::listed::{self, Entry, entries, matches};

/// The file's name, below the project.
const FILE: &str = "tests/language/differences.txt";

/// All entries.
pub struct Differences(Vec<Entry>);

impl Differences {
    /// Reads the file.
    ///
    /// # Errors
    /// If an entry has not three parts or names no case.
    pub fn read(cases: &[Case]) -> Result<Self, String> {
        let known = |name: &str| cases.iter().any(|known| known.name == name);
        entries(FILE, "case | line | reason", known).map(Self)
    }

    /// The reasons of what differs in a case, each once.
    pub fn reasons(&self, case: &Case) -> Vec<&str> {
        let mut reasons: Vec<&str> = Vec::new();
        for entry in self.0.iter().filter(|entry| entry.name == case.name) {
            if !reasons.contains(&entry.reason.as_str()) {
                reasons.push(&entry.reason);
            }
        }
        reasons
    }

    /// What is wrong with a case: the differences that are not listed, and the entries that do not apply.
    pub fn judge(&self, case: &Case, found: &[Difference]) -> Vec<String> {
        let entries: Vec<&Entry> = self.0.iter().filter(|entry| entry.name == case.name).collect();
        let mut applied = vec![false; entries.len()];
        let mut problems = Vec::new();
        for Difference { command, lines } in found {
            let mut shown = String::new();
            let mut unlisted = false;
            for (tag, line) in lines {
                let mut listed = *tag == ChangeTag::Equal;
                for (entry, applied) in entries.iter().zip(&mut applied) {
                    if *tag != ChangeTag::Equal && matches(&entry.what, line.trim()) {
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
        problems.extend(listed::idle(FILE, &entries, &applied));
        problems
    }
}
