//! What inventories ask of the world outside: scripts are run, the templates of plugins evaluated.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use super::lookups::{Clock, World};
use crate::base::{Diagnostic, Kind, Place, Value};
use crate::inventory::{Outside, ScriptOutput};
use crate::project::{Project, cause};
use crate::template::{Lookups, Rendered, Templar, TemplateError, Truth, Variables};
use crate::vars::VarMap;

/// Runs inventory scripts as processes, and evaluates templates with a templar.
#[derive(Debug)]
pub struct InventoryOutside {
    templar: Templar,
    lookups: Arc<dyn Lookups>,
}

impl InventoryOutside {
    /// With the project whose files lookups may read, the directory that they are searched in, and the time in
    /// microseconds since the epoch.
    pub fn new(project: &Arc<Project>, directory: PathBuf, now: i64) -> Self {
        let world = World {
            project: Arc::clone(project),
            search: vec![directory],
            ahead: false,
            clock: Clock::set_to(now),
            warnings: Arc::default(),
        };
        Self { templar: Templar::new(), lookups: Arc::new(world) }
    }
}

impl Outside for InventoryOutside {
    fn is_executable(&self, path: &Path) -> bool {
        path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    }

    fn script(&self, path: &Path, arguments: &[&str]) -> Result<ScriptOutput, String> {
        // a text without an interpreter is no program, but the C library would hand it to a shell
        let start = std::fs::File::open(path).and_then(|mut file| {
            let mut start = [0; 4];
            let length = std::io::Read::read(&mut file, &mut start)?;
            Ok(start.get(..length).unwrap_or_default().to_vec())
        });
        let start = start.map_err(|error| cause(&error))?;
        if !start.starts_with(b"#!") && !start.starts_with(b"\x7fELF") {
            return Err("it is neither a program nor a script with an interpreter".to_owned());
        }
        let output = Command::new(path)
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| cause(&error))?;
        let code = output.status.code().or_else(|| output.status.signal().map(|signal| -signal));
        Ok(ScriptOutput { code: code.unwrap_or(-1), stdout: output.stdout, stderr: output.stderr })
    }

    fn expression(&self, text: &str, place: Option<&Place>, vars: &VarMap) -> Result<Value, Diagnostic> {
        rendered(self.templar.expression(text, place, &scope(vars), &self.lookups), place)
    }

    fn condition(&self, value: &Value, place: Option<&Place>, vars: &VarMap) -> Result<bool, Diagnostic> {
        match self.templar.condition(value, place, &scope(vars), &self.lookups) {
            Ok(truth) => Ok(truth == Truth::Yes),
            Err(error) => Err(failed(error, place)),
        }
    }

    fn render(&self, value: &Value, place: Option<&Place>, vars: &VarMap) -> Result<Value, Diagnostic> {
        rendered(self.templar.render(value, &scope(vars), &self.lookups), place)
    }
}

fn rendered(result: Result<Rendered, TemplateError>, place: Option<&Place>) -> Result<Value, Diagnostic> {
    result.map(|rendered| rendered.value).map_err(|error| failed(error, place))
}

fn failed(error: TemplateError, place: Option<&Place>) -> Diagnostic {
    match error {
        TemplateError::Failed(diagnostic) => diagnostic.at_if_unplaced(place),
        TemplateError::Deferred => {
            Diagnostic::error(Kind::Template, "this cannot be evaluated while an inventory is read")
                .at_if_unplaced(place)
        }
    }
}

fn scope(vars: &VarMap) -> Arc<dyn Variables> {
    Arc::new(Known(vars.clone()))
}

/// The variables of one host while inventories are read.
#[derive(Debug)]
struct Known(VarMap);

impl Variables for Known {
    fn get(&self, name: &str) -> Option<Value> {
        self.0.get(name).map(|variable| variable.value.clone())
    }

    fn place(&self, name: &str) -> Option<Place> {
        self.0.get(name).and_then(|variable| variable.place.clone())
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.0.keys().cloned().collect()
    }

    fn host(&self, _: &str) -> Option<Arc<dyn Variables>> {
        None
    }

    fn hosts(&self) -> Vec<Arc<str>> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outside() -> InventoryOutside {
        InventoryOutside::new(&Arc::new(Project::new()), PathBuf::from("/"), 0)
    }

    fn write(dir: &Path, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = dir.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn scripts_are_run_and_texts_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let script = write(dir.path(), "a", "#!/bin/sh\necho \"$1 $2\"; echo bad >&2; exit 3\n", 0o755);
        let text = write(dir.path(), "b", "touch ran\n", 0o755);
        let plain = write(dir.path(), "c", "#!/bin/sh\n", 0o644);
        let outside = outside();
        assert!(outside.is_executable(&script) && !outside.is_executable(&plain));
        assert!(!outside.is_executable(dir.path()));
        let output = outside.script(&script, &["--host", "h"]).unwrap();
        assert_eq!(
            output,
            ScriptOutput { code: 3, stdout: b"--host h\n".to_vec(), stderr: b"bad\n".to_vec() }
        );
        assert!(outside.script(&text, &["--list"]).is_err());
        assert!(!dir.path().join("ran").exists());
    }

    #[test]
    fn templates_see_the_hosts_variables() {
        let outside = outside();
        let variable = crate::vars::Variable { value: Value::from(20), place: None };
        let vars: VarMap = [(Arc::from("x"), variable)].into_iter().collect();
        assert_eq!(outside.expression("x + 1", None, &vars).unwrap(), Value::from(21));
        assert!(outside.condition(&Value::from("x == 20"), None, &vars).unwrap());
        assert!(outside.expression("y", None, &vars).is_err());
    }
}
