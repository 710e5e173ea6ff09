//! The deliberate differences, from `differences.txt`: one line each, `case | task | key | reason`; `*` in a task or key
//! stands for anything.

use crate::case::Case;
use crate::compare::Difference;
use crate::listed::{self, Entry, entries, matches};

/// The file's name, beside this one.
const FILE: &str = "tests/oracle/differences.txt";

/// All entries.
pub struct Differences(Vec<Entry>);

impl Differences {
    /// Reads the file.
    ///
    /// # Errors
    /// If an entry has not four parts or names no case.
    pub fn read(cases: &[Case]) -> Result<Self, String> {
        let form = "case | task | key | reason";
        let known = |name: &str| cases.iter().any(|known| known.name == name);
        let entries = entries(FILE, form, known)?;
        match entries.iter().find(|entry| !entry.what.contains('|')) {
            Some(entry) => Err(format!("{FILE}:{}: {form} is expected", entry.number)),
            None => Ok(Self(entries)),
        }
    }

    /// What is wrong with a case: the differences that are not listed, and the entries that do not apply.
    pub fn judge(&self, case: &Case, found: Vec<Difference>) -> Vec<String> {
        let entries: Vec<&Entry> = self.0.iter().filter(|entry| entry.name == case.name).collect();
        let mut applied = vec![false; entries.len()];
        let mut problems = Vec::new();
        for difference in found {
            let mut listed = false;
            for (entry, applied) in entries.iter().zip(&mut applied) {
                if is_of(&entry.what, &difference) {
                    (*applied, listed) = (true, true);
                }
            }
            if !listed {
                problems.push(shown(&difference));
            }
        }
        problems.extend(listed::idle(FILE, &entries, &applied));
        problems
    }
}

/// Whether a difference is one that is listed as `task | key`.
fn is_of(what: &str, difference: &Difference) -> bool {
    what.rsplit_once('|').is_some_and(|(task, key)| {
        matches(task.trim(), &difference.task) && matches(key.trim(), &difference.key)
    })
}

fn shown(difference: &Difference) -> String {
    let Difference { run, task, key, ansible, fleet } = difference;
    let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
    format!("{run} run, `{task}`: {key}\n    ansible {}\n    fleet   {}", side(ansible), side(fleet))
}
