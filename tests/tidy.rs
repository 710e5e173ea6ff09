//! The rooms and invariants of ARCHITECTURE.md, held by reading the source.

#![expect(clippy::unwrap_used, reason = "a test panics to fail")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Each room's row: a room imports only rooms of lower rows, and itself.
const ROOMS: &[(&str, u8)] = &[
    ("cli", 7),
    ("report", 6),
    ("engine", 5),
    ("plan", 4),
    ("manual", 4),
    ("transport", 4),
    ("modules", 3),
    ("target", 3),
    ("lang", 3),
    ("inventory", 3),
    ("template", 3),
    ("vars", 2),
    ("yaml", 2),
    ("project", 2),
    ("config", 2),
    ("secrets", 1),
    ("wire", 1),
    ("base", 0),
];

/// Macros and the crate's own names at its root, which are no rooms.
const ROOT_NAMES: &[&str] = &["map", "params", "choices"];

/// Rooms without I/O, async or a clock.
const PURE: &[&str] =
    &["modules", "lang", "inventory", "vars", "template", "plan", "manual", "yaml", "wire", "config", "base"];

/// What pure rooms cannot name.
const IMPURE_WORDS: &[&str] = &[
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "std::thread",
    "tokio",
    "async fn",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "rustix",
];

struct File {
    path: PathBuf,
    room: String,
    /// Without comments and without what is compiled for tests only.
    code: String,
    lines: usize,
    text: String,
}

fn sources() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let relative = path.strip_prefix(&root).unwrap().to_owned();
                let first = relative.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
                files.push(File {
                    room: first.trim_end_matches(".rs").to_owned(),
                    code: code_of(&text),
                    lines: text.lines().count(),
                    path: relative,
                    text,
                });
            }
        }
    }
    assert!(files.len() > 50, "the sources were not found");
    files
}

fn is_test_file(path: &Path) -> bool {
    let text = path.display().to_string();
    text.contains("tests") || text.contains("testing") || text.ends_with("_test.rs")
}

fn code_of(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim() == "#[cfg(test)]" {
            // a test module that is not in a file of its own ends its file
            let next = lines.next().unwrap_or_default();
            if next.trim_end().ends_with('{') && !line.starts_with(' ') {
                break;
            }
            continue;
        }
        let line = line.split("//").next().unwrap_or_default();
        code.push_str(line);
        code.push('\n');
    }
    code
}

fn row(room: &str) -> Option<u8> {
    ROOMS.iter().find(|(name, _)| *name == room).map(|(_, row)| *row)
}

fn imports(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(list) = rest.strip_prefix('{') {
            let list = list.split('}').next().unwrap_or_default();
            found.extend(
                list.split(',').map(|name| name.trim().split("::").next().unwrap_or_default().to_owned()),
            );
        } else {
            found.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    found.retain(|name: &String| !name.is_empty());
    found
}

#[test]
fn imports_run_downward() {
    let mut wrong = Vec::new();
    for file in sources() {
        let Some(own) = row(&file.room) else { continue };
        if is_test_file(&file.path) {
            continue;
        }
        for name in imports(&file.code) {
            if name == file.room || ROOT_NAMES.contains(&name.as_str()) {
                continue;
            }
            // `lab` stands beside `cli`
            let allowed =
                if name == "lab" { file.room == "cli" } else { row(&name).is_some_and(|row| row < own) };
            if !allowed {
                wrong.push(format!("{} imports {name}", file.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_lab_imports_base_and_project_only() {
    for file in sources().iter().filter(|file| file.room == "lab") {
        for name in imports(&file.code) {
            assert!(
                ["lab", "base", "project"].contains(&name.as_str()),
                "{} imports {name}",
                file.path.display()
            );
        }
    }
}

#[test]
fn pure_rooms_do_nothing() {
    let mut wrong = Vec::new();
    for file in sources() {
        if !PURE.contains(&file.room.as_str()) || is_test_file(&file.path) {
            continue;
        }
        for word in IMPURE_WORDS.iter().filter(|word| file.code.contains(**word)) {
            wrong.push(format!("{} names {word}", file.path.display()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_report_and_cli_write_to_the_terminal() {
    let mut wrong = Vec::new();
    for file in sources() {
        if ["report", "cli"].contains(&file.room.as_str()) || is_test_file(&file.path) {
            continue;
        }
        for word in ["println!", "eprintln!", "print!(", "dbg!"] {
            if file.code.contains(word) {
                wrong.push(format!("{} uses {word}", file.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn unsafe_code_is_in_target_only_and_says_why() {
    for file in sources() {
        if is_test_file(&file.path) {
            continue;
        }
        // a block; a declaration of a foreign function is not one
        for (at, _) in file.code.match_indices("unsafe {") {
            assert!(file.room == "target", "{} has unsafe code", file.path.display());
            let before = &file.code[..at];
            let blocks = before.matches("unsafe {").count() + 1;
            assert!(
                file.text.matches("SAFETY").count() >= blocks,
                "{} lacks a SAFETY comment",
                file.path.display()
            );
        }
    }
}

#[test]
fn files_are_short() {
    let mut sizes: Vec<(usize, PathBuf)> = Vec::new();
    for file in sources() {
        if file.lines > 800 {
            let head: String = file.text.lines().take_while(|line| line.starts_with("//!")).collect();
            assert!(
                head.contains("Long because"),
                "{} has {} lines and does not say why",
                file.path.display(),
                file.lines
            );
        }
        sizes.push((file.lines, file.path));
    }
    sizes.sort();
    let ninth = &sizes[sizes.len() * 9 / 10];
    assert!(
        ninth.0 <= 400,
        "nine in ten files are to have at most 400 lines; {} has {}",
        ninth.1.display(),
        ninth.0
    );
}

#[test]
fn every_file_has_a_head_and_no_file_is_a_grab_bag() {
    for file in sources() {
        assert!(file.text.starts_with("//!"), "{} has no `//!` head", file.path.display());
        let name = file.path.file_stem().unwrap().to_string_lossy();
        assert!(
            !["util", "utils", "helpers", "misc", "common", "prelude"].contains(&&*name),
            "{}",
            file.path.display()
        );
    }
}

#[test]
fn lints_are_not_silenced_without_a_reason() {
    for file in sources() {
        for line in file.code.lines().filter(|line| line.contains("#[allow(") || line.contains("#[expect(")) {
            let alone = line.trim_end().ends_with(")]");
            assert!(!alone || line.contains("reason"), "{}: {line}", file.path.display());
        }
    }
}

#[test]
fn every_room_is_in_the_table_and_the_table_is_true() {
    let mut rooms: BTreeMap<String, usize> = BTreeMap::new();
    for file in sources() {
        *rooms.entry(file.room).or_default() += 1;
    }
    for room in rooms.keys().filter(|room| !["lib", "main", "lab"].contains(&room.as_str())) {
        assert!(row(room).is_some(), "the room {room} is not in the table");
    }
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md")).unwrap();
    for (room, _) in ROOMS.iter().filter(|(room, _)| rooms.contains_key(*room)) {
        assert!(text.contains(&format!("`{room}/`")), "ARCHITECTURE.md does not name the room `{room}/`");
    }
}
