//! The cases: below a directory for each subject, a playbook `NAME.yml` whose leading comments say what is run, or a
//! directory `NAME/` with a file `commands.txt` that does.
//!
//! ```text
//! # about: what the case is for, for the table
//! # run: ansible-playbook -i hosts site.yml     a command of the shell, one line each, in order
//! # unordered                                   hosts do not wait for each other: only what each does is in order
//! ```

use std::fs;
use std::path::{Path, PathBuf};

/// The file that says what is run in a directory.
const COMMANDS: &str = "commands.txt";

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// The subject and the name: `variables/precedence`.
    pub name: String,
    /// The playbook or the directory.
    pub path: PathBuf,
    /// What it is for.
    pub about: String,
    /// The commands.
    pub commands: Vec<String>,
    /// Whether the order of what is said is left to chance.
    pub unordered: bool,
}

/// Where the cases are.
fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/language/cases")
}

impl Case {
    /// All cases, by name.
    ///
    /// # Errors
    /// If a case cannot be read or does not say what is run.
    pub fn all() -> Result<Vec<Self>, String> {
        let mut cases = Vec::new();
        for subject in entries(&directory())? {
            for path in entries(&subject)? {
                cases.push(Self::read(&subject, path)?);
            }
        }
        Ok(cases)
    }

    fn read(subject: &Path, path: PathBuf) -> Result<Self, String> {
        let (head, prefix) = if path.is_dir() { (path.join(COMMANDS), "") } else { (path.clone(), "# ") };
        let text = fs::read_to_string(&head).map_err(|error| format!("{}: {error}", head.display()))?;
        let name = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut case = Self {
            name: format!("{}/{}", name(subject), name(&path)),
            path,
            about: String::new(),
            commands: Vec::new(),
            unordered: false,
        };
        for line in text.lines().map_while(|line| line.strip_prefix(prefix)) {
            match line.split_once(": ") {
                Some(("about", about)) => case.about = about.to_owned(),
                Some(("run", command)) => case.commands.push(command.to_owned()),
                _ if line == "unordered" => case.unordered = true,
                _ if line.is_empty() => {}
                _ => return Err(format!("{}: `{line}` is not understood", head.display())),
            }
        }
        if case.about.is_empty() || case.commands.is_empty() {
            return Err(format!("{}: `about: …` and `run: …` are needed", head.display()));
        }
        Ok(case)
    }

    /// The files, by their places below the directory of the case.
    pub fn files(&self) -> Vec<(PathBuf, PathBuf)> {
        if !self.path.is_dir() {
            return vec![(self.path.file_name().unwrap_or_default().into(), self.path.clone())];
        }
        let mut files = Vec::new();
        let mut left = vec![self.path.clone()];
        while let Some(path) = left.pop() {
            if path.is_dir() {
                left.extend(entries(&path).unwrap_or_default());
            } else if let Ok(relative) = path.strip_prefix(&self.path) {
                files.push((relative.to_owned(), path));
            }
        }
        files.sort();
        files
    }
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let read = fs::read_dir(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let mut paths: Vec<PathBuf> = read.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    Ok(paths)
}
