//! Modules that are files: in `library/` of roles and playbooks, where the configuration says, in collections, and in an
//! installed Ansible.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use regex::bytes::Regex;

use crate::project::Project;

/// A module that is a file, run on the host by the host's own interpreter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleFile {
    /// Its name: the full one of a collection's module, the short one of a library's.
    pub name: Arc<str>,
    /// Its name as the task has it, which it is told.
    pub written: Arc<str>,
    /// The file.
    pub path: PathBuf,
    /// How it takes its parameters.
    pub style: Style,
}

/// How a module that is a file takes its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// It imports Ansible's library for modules, and has to be packed with it.
    Python,
    /// It has a place in its text where they go as JSON.
    JsonInside,
    /// It is given a file with JSON.
    WantJson,
    /// It is given a file with `name=value` words.
    Words,
    /// It is no text; it is given a file with JSON.
    Binary,
    /// It is written for Windows.
    PowerShell,
}

/// Old modules ask for Ansible's library with this line.
pub const REPLACED: &[u8] = b"#<<INCLUDE_ANSIBLE_MODULE_COMMON>>";
/// Where the parameters go in [`Style::JsonInside`].
pub const JSON_PLACE: &[u8] = b"<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>";

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

impl Style {
    /// The style of a module's text, as Ansible tells them apart.
    pub fn of(text: &[u8]) -> Self {
        let found = |pattern: &str| Regex::new(pattern).is_ok_and(|regex| regex.is_match(text));
        let start = text.get(..1024).unwrap_or(text);
        let of_text = |byte: &u8| matches!(byte, 7..=10 | 12 | 13 | 27 | 0x20..=0x7e | 0x80..);
        if !start.iter().all(of_text) {
            return Self::Binary;
        }
        let imports = r"(?x-u)from\ +\.{2,}\ *module_utils[^\n]*\ +import\x20
            |(?:from|import)\ +ansible_collections\.[^.\n]+\.[^.\n]+\.plugins\.module_utils
            |from\ +ansible\.module_utils[^\n]*\ +import\x20
            |import\ +ansible\.module_utils\.";
        if contains(text, REPLACED) || found(imports) {
            Self::Python
        } else if contains(text, b"# POWERSHELL_COMMON")
            || found(
                r"(?i-u)\#Requires\ -(Module|Version)|\#AnsibleRequires\ -(OSVersion|PowerShell|CSharpUtil|Wrapper)",
            )
        {
            Self::PowerShell
        } else if contains(text, JSON_PLACE) {
            Self::JsonInside
        } else if contains(text, b"WANT_JSON") {
            Self::WantJson
        } else {
            Self::Words
        }
    }
}

/// An Ansible that is installed on the controller. It is looked for at the first question.
pub trait Installation: fmt::Debug + Send + Sync {
    /// The Python that has it.
    fn python(&self) -> Option<&Path>;
    /// The directory of the Python package `ansible`.
    fn package(&self) -> Option<&Path>;
    /// Directories of Python packages with collections.
    fn collections(&self) -> &[PathBuf];
    /// What there is not, in words; empty where there is one.
    fn missing(&self) -> String;
}

/// Where modules that are files lie.
#[derive(Clone, Debug, Default)]
pub struct Libraries {
    configured: Vec<PathBuf>,
    forced: Vec<String>,
    /// The Ansible that is installed.
    pub installation: Option<Arc<dyn Installation>>,
    seen: Arc<Mutex<Seen>>,
}

/// What has been met so far.
#[derive(Debug, Default)]
struct Seen {
    /// The directories of playbooks and roles, in the order in which they were met: as with Ansible, what one of them has
    /// is there for all that comes after it.
    places: Vec<PathBuf>,
    /// The modules of a directory.
    listed: HashMap<PathBuf, Arc<HashMap<String, PathBuf>>>,
}

/// Endings that no module has.
const NO_MODULES: &[&str] = &[
    "bak", "cfg", "ini", "md", "orig", "pyc", "pyo", "rpm", "rst", "swp", "txt", "yaml", "yml", "json",
    "toml",
];

/// The modules of a directory by their names, with and without ending; Python's come first.
fn list(project: &Project, directory: &Path) -> HashMap<String, PathBuf> {
    let mut found = HashMap::new();
    if !project.is_dir(directory) {
        return found;
    }
    let mut entries = project.entries(directory).unwrap_or_default();
    let ending = |path: &Path| path.extension().and_then(|ending| ending.to_str()).map(str::to_owned);
    entries.retain(|path| {
        !ending(path).is_some_and(|ending| NO_MODULES.contains(&&*ending) || ending.ends_with('~'))
    });
    entries.sort_by_key(|path| ending(path).as_deref() != Some("py"));
    for path in entries.into_iter().filter(|path| project.is_file(path)) {
        let text = |part: Option<&std::ffi::OsStr>| part.and_then(|part| part.to_str()).map(str::to_owned);
        let (Some(stem), Some(name)) = (text(path.file_stem()), text(path.file_name())) else { continue };
        if stem == "__init__" {
            continue;
        }
        found.entry(stem).or_insert_with(|| path.clone());
        found.entry(name).or_insert(path);
    }
    found
}

impl Libraries {
    /// With the directories of the configuration (`library`); `forced` are full names of modules that are run as files
    /// though fleet has them, for comparing the two.
    pub fn new(configured: Vec<PathBuf>, forced: Vec<String>, installation: Arc<dyn Installation>) -> Self {
        Self { configured, forced, installation: Some(installation), seen: Arc::default() }
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the directory of a playbook or role.
    pub(super) fn meet(&self, place: &Path) {
        let mut seen = self.seen();
        if !seen.places.iter().any(|known| known == place) {
            seen.places.push(place.to_owned());
        }
    }

    /// The directories called `name` of all playbooks and roles so far.
    pub fn directories(&self, project: &Project, name: &str) -> Vec<PathBuf> {
        let places = self.seen().places.clone();
        places.into_iter().map(|place| place.join(name)).filter(|path| project.is_dir(path)).collect()
    }

    fn listed(&self, project: &Project, directory: &Path) -> Arc<HashMap<String, PathBuf>> {
        if let Some(known) = self.seen().listed.get(directory) {
            return Arc::clone(known);
        }
        let fresh = Arc::new(list(project, directory));
        self.seen().listed.insert(directory.to_owned(), Arc::clone(&fresh));
        fresh
    }

    /// The file of a module of a library.
    pub(super) fn find(&self, project: &Project, name: &str) -> Option<PathBuf> {
        let places = self.seen().places.clone();
        let of_places = places.into_iter().map(|place| place.join("library"));
        let configured = self.configured.iter().flat_map(|path| with_below(project, path));
        for directory in of_places.chain(configured) {
            let listed = self.listed(project, &directory);
            if let Some(path) = listed.get(name).or_else(|| listed.get(&format!("_{name}"))) {
                return Some(path.clone());
            }
        }
        None
    }

    /// The file of an action plugin beside a playbook or in a role.
    pub(super) fn action_plugin(&self, project: &Project, name: &str) -> Option<PathBuf> {
        let places = self.seen().places.clone();
        let files = places.into_iter().map(|place| place.join("action_plugins").join(format!("{name}.py")));
        files.into_iter().find(|path| project.is_file(path))
    }

    /// Whether a module is run as a file though fleet has it.
    pub(super) fn forces(&self, name: &str) -> bool {
        self.forced.iter().any(|forced| forced == name)
    }

    /// The same by its short name.
    pub(super) fn forces_short(&self, name: &str) -> bool {
        self.forced.iter().any(|forced| forced.rsplit('.').next() == Some(name))
    }
}

/// A directory of the configuration: what lies up to two levels below it comes first.
fn with_below(project: &Project, path: &Path) -> Vec<PathBuf> {
    let below = |path: &Path| -> Vec<PathBuf> {
        if !project.is_dir(path) {
            return Vec::new();
        }
        let entries = project.entries(path).unwrap_or_default();
        entries.into_iter().filter(|path| project.is_dir(path)).collect()
    };
    let first = below(path);
    let second: Vec<PathBuf> = first.iter().flat_map(|path| below(path)).collect();
    first.into_iter().chain(second).chain([path.to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_are_told_apart() {
        for (text, style) in [
            (
                &b"#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\n"[..],
                Style::Python,
            ),
            (b"from ansible.module_utils.basic import *\n", Style::Python),
            (b"from ..module_utils.thing import one\n", Style::Python),
            (b"from ansible_collections.a.b.plugins.module_utils.c import (\n", Style::Python),
            (b"import ansible.module_utils.basic\n", Style::Python),
            (b"#!/usr/bin/python\n#<<INCLUDE_ANSIBLE_MODULE_COMMON>>\n", Style::Python),
            (
                b"#!/usr/bin/python\njson_arguments = \"\"\"<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>\"\"\"\n",
                Style::JsonInside,
            ),
            (b"#!/bin/sh\n# WANT_JSON\n", Style::WantJson),
            (b"#!/bin/sh\n. $1\n", Style::Words),
            (b"\x7fELF\0\0", Style::Binary),
            (b"#!powershell\n#Requires -Module Ansible.ModuleUtils.Legacy\n", Style::PowerShell),
            (b"#!/usr/bin/python\n# import ansible later\n", Style::Words),
        ] {
            assert_eq!(Style::of(text), style, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn what_is_met_first_wins() {
        let room = tempfile::tempdir().unwrap();
        for path in
            ["a/library/one.py", "b/library/one.sh", "b/library/two", "b/library/two.md", "c/x/y/three.py"]
        {
            let path = room.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "#!/bin/sh\n").unwrap();
        }
        let project = Project::new();
        let libraries = Libraries { configured: vec![room.path().join("c")], ..Libraries::default() };
        let found = |name: &str| {
            let path = libraries.find(&project, name)?;
            Some(path.strip_prefix(room.path()).unwrap().display().to_string())
        };
        assert_eq!(found("one"), None);
        libraries.meet(&room.path().join("b"));
        libraries.meet(&room.path().join("a"));
        assert_eq!(found("one").as_deref(), Some("b/library/one.sh"));
        assert_eq!(found("one.py").as_deref(), Some("a/library/one.py"));
        assert_eq!(found("two").as_deref(), Some("b/library/two"));
        assert_eq!(found("three").as_deref(), Some("c/x/y/three.py"));
    }
}
