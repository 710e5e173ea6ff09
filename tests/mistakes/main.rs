//! Mistakes in the files of a project, as fleet tells them: each case of `corpus.txt` is a small project in which the
//! places of the mistakes are marked with `➤`, a command, and what is told. The first thing told is at a marked place, and
//! every marked place is told.
//!
//! ```text
//! ### what is wrong
//! >>> site.yml                     a file; `site.yml` where none is named
//! - hosts: all
//!   ➤whn: x
//! $ apply site.yml -i a, -c local  what runs, where it is not this
//! | site.yml:2:3: error: …         what is told, without the excerpts of files
//! ```
//!
//! `FLEET_MISTAKES_WRITE=1` writes what is told into the corpus; the marks stay.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics to fail")]

mod explained;

#[path = "../oracle/program.rs"]
mod program;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use regex::Regex;

/// The corpus, below the project.
const CORPUS: &str = "tests/mistakes/corpus.txt";

/// The corpus of what is found when a playbook is loaded, which the room `lang` tests itself.
const LOADING: &str = "src/lang/tests/mistakes.txt";

/// What stands before the place of a mistake.
const MARK: char = '➤';

/// What runs where a case does not say.
const USUAL: &str = "apply site.yml -i a, -c local";

/// How many distinct kinds of mistakes there are at least.
const KINDS: usize = 120;

#[derive(Default)]
struct Case {
    title: String,
    /// The lines between the title and what is told, as they stand.
    body: Vec<String>,
    told: Vec<String>,
}

fn read(path: &str) -> Vec<Case> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("### ") {
            cases.push(Case { title: title.to_owned(), ..Case::default() });
        } else if let Some(case) = cases.last_mut() {
            match line.strip_prefix("| ") {
                Some(told) => case.told.push(told.to_owned()),
                None => case.body.push(line.to_owned()),
            }
        }
    }
    cases
}

/// Writes the project of a case; the places that are marked in it, and the command.
fn lay_out(case: &Case, directory: &Path) -> (BTreeSet<String>, String) {
    let mut marks = BTreeSet::new();
    let mut command = USUAL.to_owned();
    let mut files: Vec<(String, String)> = Vec::new();
    for line in &case.body {
        if let Some(path) = line.strip_prefix(">>> ") {
            files.push((path.to_owned(), String::new()));
            continue;
        }
        if let Some(given) = line.strip_prefix("$ ") {
            given.clone_into(&mut command);
            continue;
        }
        if files.is_empty() {
            files.push(("site.yml".to_owned(), String::new()));
        }
        let (path, text) = files.last_mut().unwrap();
        let number = text.lines().count() + 1;
        let mut column = 1;
        for character in line.chars() {
            if character == MARK {
                marks.insert(format!("{path}:{number}:{column}"));
            } else {
                column += 1;
                text.push(character);
            }
        }
        text.push('\n');
    }
    for (path, text) in files {
        let path = directory.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    (marks, command)
}

/// What fleet tells: errors, warnings, notes and hints, without the excerpts of files.
fn tell(directory: &Path, command: &str) -> Vec<String> {
    let mut fleet = program::fleet();
    fleet.args(command.split_whitespace()).current_dir(directory).env("LC_ALL", "C.UTF-8");
    fleet.env("HOME", directory).env_remove("ANSIBLE_CONFIG");
    let ended = program::ran(&mut fleet).unwrap();
    let told = Regex::new(r"^\s*((?:\S+:\d+:\d+: )?(?:error|warning|note): .*|hint: .*)$").unwrap();
    let place = directory.display().to_string();
    let lines: Vec<&str> = ended.stderr.lines().chain(ended.stdout.lines()).collect();
    let found =
        lines.iter().filter_map(|line| Some(told.captures(line)?.get(1)?.as_str().trim_end().to_owned()));
    let mut found: Vec<String> = found.collect();
    if !found.iter().any(|line| self::place(line).is_some()) {
        // a failure that is the task's own: the place is that of the task, the words are below
        let failed = Regex::new(r"^\s+failed .*\[(\S+:\d+:\d+)\]$").unwrap();
        let at = lines.iter().position(|line| failed.is_match(line));
        let words = at.and_then(|at| lines.get(at + 1)).map_or("", |line| line.trim());
        let words = words.strip_prefix("error: ").unwrap_or(words);
        found.splice(0..0, at.map(|at| failed.replace(lines[at], "$1: error: ").into_owned() + words));
    }
    found.into_iter().map(|line| line.replace(&format!("{place}/"), "").replace(&place, ".")).collect()
}

/// The place at the head of an error or a warning.
fn place(line: &str) -> Option<String> {
    let pattern = Regex::new(r"^(\S+:\d+:\d+): (?:error|warning)").unwrap();
    Some(pattern.captures(line)?.get(1)?.as_str().to_owned())
}

#[test]
fn every_mistake_is_told_at_its_place() {
    let write = std::env::var_os("FLEET_MISTAKES_WRITE").is_some();
    let mut wrong = String::new();
    let mut written = String::new();
    for case in read(CORPUS) {
        let work = tempfile::tempdir().unwrap();
        let (marks, command) = lay_out(&case, work.path());
        let told = tell(work.path(), &command);
        let places: Vec<String> = told.iter().filter_map(|line| place(line)).collect();
        let shown = told.iter().fold(String::new(), |text, line| text + "| " + line + "\n");
        let missed: Vec<&String> = marks.iter().filter(|mark| !places.contains(mark)).collect();
        let astray = places.first().is_none_or(|first| !marks.contains(first));
        if marks.is_empty() || astray || !missed.is_empty() {
            let _ = write!(wrong, "### {}\nmarked are {marks:?}, told is\n{shown}", case.title);
        } else if told != case.told && !write {
            let _ = write!(wrong, "### {}\nit is told otherwise:\n{shown}", case.title);
        }
        let _ = write!(written, "### {}\n{}\n{shown}", case.title, case.body.join("\n"));
    }
    if write {
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(CORPUS), written).unwrap();
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn there_are_many_kinds() {
    let names = Regex::new("`[^`]*`|'[^']*'|[0-9]+").unwrap();
    let head = Regex::new(r"^\S+:\d+:\d+: (?:error|warning)(?: [a-z-]+)?: ").unwrap();
    let mut kinds: BTreeSet<String> = BTreeSet::new();
    for case in read(CORPUS).into_iter().chain(read(LOADING)) {
        let first = case.told.iter().find(|line| head.is_match(line));
        kinds.extend(first.map(|first| names.replace_all(&head.replace(first, ""), "…").into_owned()));
    }
    assert!(kinds.len() >= KINDS, "{} kinds:\n{kinds:#?}", kinds.len());
}
