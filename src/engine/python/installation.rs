//! The Ansible that is installed on the controller: which Python has it, and where it lies. Asked once for a process,
//! and only where something is named that fleet does not have.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};

use crate::lang;

/// Names a Python that has ansible-core.
const CHOSEN: &str = "FLEET_PYTHON";

/// Says where the package `ansible` lies, without importing it, and which directories have collections.
const ASK: &str = "
import sys
sys.path = [place for place in sys.path if place]
import importlib.util, json, os
found = importlib.util.find_spec('ansible')
places = list(found.submodule_search_locations or []) if found else []
places = [place for place in places if os.path.exists(os.path.join(place, 'executor', 'module_common.py'))]
collections = [os.path.join(place, 'ansible_collections') for place in sys.path]
print(json.dumps({
    'package': places[0] if places else None,
    'collections': [place for place in collections if os.path.isdir(place)],
}))
";

#[derive(Debug, Default)]
struct Found {
    python: Option<PathBuf>,
    package: Option<PathBuf>,
    collections: Vec<PathBuf>,
    /// The Pythons that were asked and do not have it.
    without: Vec<String>,
}

static FOUND: OnceLock<Found> = OnceLock::new();

/// The installed Ansible.
#[derive(Clone, Copy, Debug)]
struct Installed;

/// The installed Ansible; nothing is started before something is asked of it.
pub fn installation() -> Arc<dyn lang::Installation> {
    Arc::new(Installed)
}

impl Installed {
    fn found() -> &'static Found {
        FOUND.get_or_init(find)
    }
}

impl lang::Installation for Installed {
    fn python(&self) -> Option<&Path> {
        Self::found().python.as_deref()
    }

    fn package(&self) -> Option<&Path> {
        Self::found().package.as_deref()
    }

    fn collections(&self) -> &[PathBuf] {
        &Self::found().collections
    }

    fn missing(&self) -> String {
        let Found { python, package: _, collections: _, without } = Self::found();
        if python.is_some() {
            return String::new();
        }
        let asked = if without.is_empty() {
            "there is no Python on this machine".to_owned()
        } else {
            format!("`{}` cannot import ansible-core", without.join("`, `"))
        };
        format!("{asked}: install ansible-core, or set `{CHOSEN}` to a Python that has it")
    }
}

fn find() -> Found {
    let chosen = std::env::var_os(CHOSEN).filter(|path| !path.is_empty());
    let candidates = match chosen {
        Some(path) => vec![PathBuf::from(path)],
        None => of_ansible().into_iter().chain(on_path("python3")).collect(),
    };
    let mut without = Vec::new();
    for python in candidates {
        match ask(&python) {
            Some((package, collections)) => {
                return Found { python: Some(python), package: Some(package), collections, without };
            }
            None => without.push(python.display().to_string()),
        }
    }
    Found { without, ..Found::default() }
}

fn ask(python: &Path) -> Option<(PathBuf, Vec<PathBuf>)> {
    let output = Command::new(python)
        .args(["-c", ASK])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
    let package = told.get("package")?.as_str()?;
    let collections = told.get("collections")?.as_array()?;
    Some((
        PathBuf::from(package),
        collections.iter().filter_map(|path| Some(path.as_str()?.into())).collect(),
    ))
}

fn on_path(name: &str) -> Vec<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let files = std::env::split_paths(&paths).map(|directory| directory.join(name));
    files.filter(|path| path.is_absolute() && path.is_file()).collect()
}

/// The Pythons that programs called `ansible` run with: their first lines say it. Fleet itself has none.
fn of_ansible() -> Vec<PathBuf> {
    on_path("ansible").iter().filter_map(|program| python_of(program)).collect()
}

fn python_of(program: &Path) -> Option<PathBuf> {
    use std::io::Read as _;
    let mut start = Vec::new();
    std::fs::File::open(program).ok()?.take(512).read_to_end(&mut start).ok()?;
    let line = start.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let mut words = std::str::from_utf8(line).ok()?.split_whitespace();
    let interpreter = PathBuf::from(words.next()?);
    let is_python = |path: &Path| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("python"))
    };
    if is_python(&interpreter) {
        return Some(interpreter);
    }
    let name = words.next().filter(|name| is_python(Path::new(name)))?;
    on_path(name).into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_a_program_names_its_python() {
        let room = tempfile::tempdir().unwrap();
        let python = |text: &str| {
            let program = room.path().join("ansible");
            std::fs::write(&program, text).unwrap();
            python_of(&program).map(|path| path.display().to_string())
        };
        assert_eq!(python("#!/opt/x/bin/python3\nimport re\n").as_deref(), Some("/opt/x/bin/python3"));
        assert_eq!(python("#!/usr/bin/env bash\nexec pyenv\n"), None);
        assert_eq!(python("\x7fELF"), None);
    }

    #[test]
    fn a_program_that_is_no_python_has_no_ansible() {
        assert!(ask(Path::new("/bin/true")).is_none());
        assert!(ask(Path::new("/nowhere/python3")).is_none());
    }
}
