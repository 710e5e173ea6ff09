//! Where two answers differ: line by line.

use similar::{ChangeTag, TextDiff};

use crate::answer::Ended;
use crate::case::Case;
use crate::normal::lines;

/// How messages on standard error begin.
const HEADS: [&str; 3] = ["[ERROR]: ", "[WARNING]: ", "error: "];

/// What differs of one command.
pub struct Difference {
    /// The command.
    pub command: String,
    /// The lines that either program has alone, and their neighbours: `-` is Ansible's, `+` is fleet's.
    pub lines: Vec<(ChangeTag, String)>,
}

/// All differences, command by command.
pub fn compare(case: &Case, ansible: &[Ended], fleet: &[Ended]) -> Vec<Difference> {
    let mut found = Vec::new();
    for ((command, expected), actual) in case.commands.iter().zip(ansible).zip(fleet) {
        let (one, two) = (told(case, expected), told(case, actual));
        let one: Vec<&str> = one.iter().map(String::as_str).collect();
        let two: Vec<&str> = two.iter().map(String::as_str).collect();
        let compared = TextDiff::from_slices(&one, &two);
        let mut lines = Vec::new();
        for group in compared.grouped_ops(2) {
            for change in group.iter().flat_map(|op| compared.iter_changes(op)) {
                lines.push((change.tag(), change.value().to_owned()));
            }
        }
        if !lines.is_empty() {
            found.push(Difference { command: command.clone(), lines });
        }
    }
    found
}

/// All that a command has told: its exit code, standard output, standard error.
fn told(case: &Case, ended: &Ended) -> Vec<String> {
    let Ended { code, out, err } = ended;
    let mut all = vec![format!("exit code {code}")];
    all.extend(lines(out, case.unordered));
    // how an error is explained below its first line is either program's own affair
    let heads =
        lines(err, case.unordered).into_iter().filter(|line| HEADS.iter().any(|head| line.starts_with(head)));
    let mut heads: Vec<String> = heads.collect();
    // fleet may find several mistakes in one file
    heads.dedup();
    all.extend(heads.into_iter().map(|line| format!("stderr: {line}")));
    all
}
