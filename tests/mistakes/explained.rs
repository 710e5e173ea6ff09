//! `fleet explain` and `fleet check-project`: each case of `explained.txt`, in the form of the corpus of mistakes, is a
//! small project, a command and all that it says. Every marked place is said.
//!
//! `FLEET_MISTAKES_WRITE=1` writes what is said; the marks stay.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::{lay_out, program, read};

/// The cases, below the project.
const CASES: &str = "tests/mistakes/explained.txt";

/// The exit code and all that is printed.
fn say(directory: &Path, command: &str) -> Vec<String> {
    let mut fleet = program::fleet();
    fleet.args(command.split_whitespace()).current_dir(directory).env("LC_ALL", "C.UTF-8");
    // no Python that has ansible-core: what is said of modules does not hang on the machine
    fleet.env("HOME", directory).env("FLEET_PYTHON", "/nowhere/python").env_remove("ANSIBLE_CONFIG");
    let program::Ran { code, stdout, stderr } = program::ran(&mut fleet).unwrap();
    let place = directory.display().to_string();
    let lines = stdout.lines().chain(stderr.lines()).map(str::trim_end).filter(|line| !line.is_empty());
    let told = lines.map(|line| line.replace(&format!("{place}/"), "").replace(&place, "."));
    told.chain([format!("exit {code}")]).collect()
}

#[test]
fn what_is_explained_has_its_places() {
    let write = std::env::var_os("FLEET_MISTAKES_WRITE").is_some();
    let (mut wrong, mut written) = (String::new(), String::new());
    for case in read(CASES) {
        let work = tempfile::tempdir().unwrap();
        let (marks, command) = lay_out(&case, work.path());
        let said = say(work.path(), &command);
        let shown = said.iter().fold(String::new(), |text, line| text + "| " + line + "\n");
        let missed: Vec<&String> =
            marks.iter().filter(|mark| !said.iter().any(|line| holds_place(line, mark))).collect();
        if !missed.is_empty() {
            let _ = write!(wrong, "### {}\nnot said is {missed:?}, said is\n{shown}", case.title);
        } else if said != case.told && !write {
            let _ = write!(wrong, "### {}\nit is said otherwise:\n{shown}", case.title);
        }
        let _ = write!(written, "### {}\n{}\n{shown}", case.title, case.body.join("\n"));
    }
    if write {
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(CASES), written).unwrap();
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Whether a line has a place, and not one that only begins so.
fn holds_place(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        !line.get(at + place.len()..).unwrap_or_default().starts_with(|next: char| next.is_ascii_digit())
    })
}
