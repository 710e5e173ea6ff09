//! `docs/conformance.md`: what agrees with ansible-core, made from the list and the exceptions.

use std::fmt::Write as _;

use crate::environment::VERSION;
use crate::exceptions::Exceptions;
use crate::page;
use crate::target::{Place, Style, Target};

const FILE: &str = "docs/conformance.md";

/// Compares the file with what it should be, or writes it if `FLEET_CONFORMANCE_WRITE` is set.
///
/// # Errors
/// If it is stale or cannot be written.
pub fn check(targets: &[Target], exceptions: &Exceptions) -> Result<(), String> {
    page::check(FILE, &text(targets, exceptions), "FLEET_CONFORMANCE_WRITE", "conformance")
}

fn text(targets: &[Target], exceptions: &Exceptions) -> String {
    let agrees = |kind: &str| {
        let all = targets.iter().filter(|target| target.kind == kind);
        let (total, passed) = all.fold((0, 0), |(total, passed), target| {
            (total + 1, passed + usize::from(exceptions.reason(target).is_none()))
        });
        format!("{passed} of {total}")
    };
    let mut text = format!(
        "<!-- Made by `FLEET_CONFORMANCE_WRITE=1 cargo test --test conformance`; do not edit. -->\n\n\
         # Conformance\n\n\
         ansible-core {VERSION}'s own integration targets, run with fleet under ansible's command names. A target agrees \
         if it ends with exit code 0, as with ansible-core, and as many tasks run: the sum of `ok=` over all recaps that \
         it prints. `cargo test --test conformance` holds this table true: it fails where a target that agrees here does \
         not, and where one that does not agree here does.\n\n\
         Targets of the language (L): {} agree; of modules (M): {} agree.\n\n\
         | target | kind | run | tasks | result |\n|---|---|---|---|---|\n",
        agrees("L"),
        agrees("M"),
    );
    for target in targets {
        let style = match target.style {
            Style::Role => "role",
            Style::Script => "script",
        };
        let place = match target.place {
            Place::Ssh => "over SSH",
            Place::Local => "locally",
            Place::Inside => "on a lab host",
        };
        let result =
            exceptions.reason(target).map_or("agrees".to_owned(), |reason| format!("differs: {reason}"));
        let Target { name, kind, tasks, style: _, place: _ } = target;
        let _ = writeln!(text, "| {name} | {kind} | {style}, {place} | {tasks} | {result} |");
    }
    text
}
