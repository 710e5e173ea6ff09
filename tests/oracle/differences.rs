//! The deliberate differences, from `differences.txt`: one line each, `case | task | key | reason`. `*` at the end of
//! a task or key stands for any rest. A line that does not apply any more fails its case.

use std::path::Path;

use crate::case::Case;
use crate::compare::Difference;

/// The file's name, beside this one.
const FILE: &str = "tests/oracle/differences.txt";

/// All entries.
pub struct Differences(Vec<Entry>);

struct Entry {
    line: usize,
    case: String,
    task: String,
    key: String,
}

impl Differences {
    /// Reads the file.
    ///
    /// # Errors
    /// If an entry has not four parts or names no case.
    pub fn read(cases: &[Case]) -> Result<Self, String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{FILE}: {error}"))?;
        let mut entries = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let parts: Vec<&str> = line.splitn(4, '|').map(str::trim).collect();
            let &[case, task, key, reason] = parts.as_slice() else {
                return Err(format!("{FILE}:{number}: case | task | key | reason is expected"));
            };
            if reason.is_empty() {
                return Err(format!("{FILE}:{number}: a reason is missing"));
            }
            if !cases.iter().any(|known| known.name == case) {
                return Err(format!("{FILE}:{number}: there is no case `{case}`"));
            }
            entries.push(Entry { line: number, case: case.into(), task: task.into(), key: key.into() });
        }
        Ok(Self(entries))
    }

    /// What is wrong with a case: the differences that are not listed, and the entries that do not apply.
    pub fn judge(&self, case: &Case, found: Vec<Difference>) -> Vec<String> {
        let entries: Vec<&Entry> = self.0.iter().filter(|entry| entry.case == case.name).collect();
        let mut applied = vec![false; entries.len()];
        let mut problems = Vec::new();
        for difference in found {
            let mut listed = false;
            for (entry, applied) in entries.iter().zip(&mut applied) {
                if matches(&entry.task, &difference.task) && matches(&entry.key, &difference.key) {
                    (*applied, listed) = (true, true);
                }
            }
            if !listed {
                problems.push(shown(&difference));
            }
        }
        for (entry, _) in entries.iter().zip(applied).filter(|(_, applied)| !applied) {
            let Entry { line, case, task, key } = entry;
            problems.push(format!("{FILE}:{line}: `{case} | {task} | {key}` does not differ any more"));
        }
        problems
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == text, |start| text.starts_with(start))
}

fn shown(difference: &Difference) -> String {
    let Difference { run, task, key, ansible, fleet } = difference;
    let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
    format!("{run} run, `{task}`: {key}\n    ansible {}\n    fleet   {}", side(ansible), side(fleet))
}
