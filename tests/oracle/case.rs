//! The cases: a playbook each, whose leading comments say what shall be compared afterwards.
//!
//! ```text
//! # compare: /srv/copy /etc/motd      files and whole directories
//! # packages: hello                   versions
//! # units: fleet-case.service         enabled, active
//! # controller: rsync                programs of this machine, installed by the name of their package if missing
//! # users: alice                      accounts and their groups
//! # check: yes                        a run with `--check` comes before the others
//! # arguments: --tags web             given to both programs; CASES is the directory of the cases
//! # python: yes                       fleet has Ansible's Python to pack modules with
//! # collections: yes                  the same, and both programs have some of the collections from PyPI
//! # forced: community.general.pids    with these modules of the collections in place of fleet's own
//! ```

use std::fs;
use std::path::{Path, PathBuf};

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// The playbook's name without its ending.
    pub name: String,
    /// The playbook.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// The paths to compare.
    pub paths: Vec<String>,
    /// The packages to compare.
    pub packages: Vec<String>,
    /// The units to compare.
    pub units: Vec<String>,
    /// The programs that this machine must have.
    pub controller: Vec<String>,
    /// The accounts to compare.
    pub users: Vec<String>,
    /// Whether a run in check mode comes first.
    pub check: bool,
    /// Arguments for both programs.
    pub arguments: Vec<String>,
    /// Whether fleet is told of the Python that has Ansible.
    pub python: bool,
    /// Whether both programs have collections.
    pub collections: bool,
    /// Modules of collections that fleet runs in place of its own.
    pub forced: Vec<String>,
}

/// Where the cases are.
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/cases")
}

impl Case {
    /// All cases, by name.
    ///
    /// # Errors
    /// If a case cannot be read or its comments are wrong.
    pub fn all() -> Result<Vec<Self>, String> {
        let directory = directory();
        let entries =
            fs::read_dir(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.retain(|path| path.extension().is_some_and(|ending| ending == "yml"));
        paths.sort();
        paths.into_iter().map(Self::read).collect()
    }

    fn read(path: PathBuf) -> Result<Self, String> {
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut case = Self {
            name,
            path,
            text: text.clone(),
            paths: Vec::new(),
            packages: Vec::new(),
            units: Vec::new(),
            controller: Vec::new(),
            users: Vec::new(),
            check: false,
            arguments: Vec::new(),
            python: false,
            collections: false,
            forced: Vec::new(),
        };
        for line in text.lines().map_while(|line| line.strip_prefix("# ")) {
            let Some((key, value)) = line.split_once(": ") else { continue };
            let words = value.split_whitespace().map(str::to_owned);
            match key {
                "compare" => case.paths.extend(words),
                "packages" => case.packages.extend(words),
                "units" => case.units.extend(words),
                "controller" => case.controller.extend(words),
                "users" => case.users.extend(words),
                "arguments" => {
                    let cases = directory().display().to_string();
                    case.arguments.extend(words.map(|word| word.replace("CASES", &cases)));
                }
                "check" => case.check = value == "yes",
                "python" => case.python = value == "yes",
                "collections" => {
                    case.collections = value == "yes";
                    case.python |= case.collections;
                }
                "forced" => case.forced.extend(words),
                _ => return Err(format!("{}: `{key}` is not known", case.path.display())),
            }
        }
        Ok(case)
    }

    /// The runs, in order: their names and whether they are in check mode.
    pub fn runs(&self) -> impl Iterator<Item = (&'static str, bool)> {
        let check = self.check.then_some(("check", true));
        check.into_iter().chain([("first", false), ("second", false)])
    }
}
