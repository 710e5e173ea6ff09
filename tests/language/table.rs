//! `docs/agreement.md`: what agrees with ansible-core, made from the cases and the differences.

use std::fmt::Write as _;

use crate::case::Case;
use crate::differences::Differences;
use crate::environment::VERSION;
use crate::page;

const FILE: &str = "docs/agreement.md";

/// Compares the file with what it should be, or writes it if `FLEET_LANGUAGE_WRITE` is set.
///
/// # Errors
/// If it is stale or cannot be written.
pub fn check(cases: &[Case], differences: &Differences) -> Result<(), String> {
    page::check(FILE, &text(cases, differences), "FLEET_LANGUAGE_WRITE", "language")
}

fn text(cases: &[Case], differences: &Differences) -> String {
    let equal = cases.iter().filter(|case| differences.reasons(case).is_empty()).count();
    let commands: usize = cases.iter().map(|case| case.commands.len()).sum();
    let mut text = format!(
        "<!-- Made by `FLEET_LANGUAGE_WRITE=1 cargo test --test language`; do not edit. -->\n\n\
         # Agreement\n\n\
         The cases of `tests/language/cases/` run with ansible-core {VERSION} and with fleet under ansible's command names. A \
         command agrees if both end with the same exit code and print the same text, up to the \
         order of hosts, times, columns and excerpts of files in errors; of standard error the first line of each \
         message is compared, and of an inventory that cannot be read only which plugin failed. `cargo test --test language` holds this table \
         true: it fails where anything differs that is not listed here, and where something listed does not differ any \
         more.\n\n\
         {} cases with {commands} commands: {equal} agree in everything, {} but for what is listed.\n\n\
         | case | what it is about | commands | differences |\n|---|---|---|---|\n",
        cases.len(),
        cases.len() - equal,
    );
    for case in cases {
        let reasons = differences.reasons(case);
        let told = if reasons.is_empty() { "none".to_owned() } else { reasons.join("; ") };
        let Case { name, about, commands, path: _, unordered: _ } = case;
        let _ = writeln!(text, "| {name} | {about} | {} | {told} |", commands.len());
    }
    text
}
