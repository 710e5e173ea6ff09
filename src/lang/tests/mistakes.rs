//! Mistakes in files, each with its place. The cases are data: `mistakes.txt` beside this file. The places are marked there
//! with `➤`, which the project does not get to see.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::*;

/// A case: a title, the files of a project, and what is told of it.
struct Case {
    title: String,
    files: Vec<(String, String)>,
    told: String,
}

fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in include_str!("mistakes.txt").lines() {
        if let Some(title) = line.strip_prefix("### ") {
            cases.push(Case { title: title.to_owned(), files: Vec::new(), told: String::new() });
            continue;
        }
        let Some(case) = cases.last_mut() else { continue };
        if let Some(path) = line.strip_prefix(">>> ") {
            case.files.push((path.to_owned(), String::new()));
        } else if let Some(told) = line.strip_prefix("| ") {
            case.told.push_str(told);
            case.told.push('\n');
        } else if let Some((_, text)) = case.files.last_mut() {
            text.push_str(line);
            text.push('\n');
        } else {
            // a case without a path is one playbook
            case.files.push(("site.yml".to_owned(), format!("{line}\n")));
        }
    }
    cases
}

/// The places that are marked in a file: `path:line:column`.
fn marks(path: &str, text: &str) -> Vec<String> {
    let mut places = Vec::new();
    for (line, content) in (1..).zip(text.lines()) {
        let mut column = 1;
        for character in content.chars() {
            if character == '➤' {
                places.push(format!("{path}:{line}:{column}"));
            } else {
                column += 1;
            }
        }
    }
    places
}

/// The place that an error or a warning is told at.
fn place(line: &str) -> Option<String> {
    let (place, kind) = line.split_once(": ")?;
    let told = kind.starts_with("error ") || kind.starts_with("warning ");
    (told && place.contains(':')).then(|| place.to_owned())
}

#[test]
fn every_mistake_is_told_at_its_place() {
    let cases = cases();
    assert!(cases.len() >= 60, "{} cases", cases.len());
    let mut wrong = String::new();
    for Case { title, files, told } in cases {
        let files: Vec<(&str, &str)> =
            files.iter().map(|(path, text)| (path.as_str(), text.trim_end())).collect();
        let marked: BTreeSet<String> = files.iter().flat_map(|(path, text)| marks(path, text)).collect();
        let files: Vec<(&str, String)> =
            files.into_iter().map(|(path, text)| (path, format!("{}\n", text.replace('➤', "")))).collect();
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        let project = Files::new(&files);
        let (_, diagnostics) = project.load();
        let found = project.told(&diagnostics);
        let places: BTreeSet<String> = found.lines().filter_map(place).collect();
        if places != marked {
            let _ = write!(wrong, "### {title}\nmarked are {marked:?}, told are {places:?}\n");
        }
        if found != told {
            let found = format!("| {}\n", found.trim_end().replace('\n', "\n| "));
            let _ = write!(wrong, "### {title}\n{found}");
        }
    }
    assert!(wrong.is_empty(), "these are told otherwise:\n{wrong}");
}
