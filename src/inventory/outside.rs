//! What reading an inventory asks of the world outside: scripts are run and templates evaluated by others.

use std::path::Path;

use crate::base::{Diagnostic, Kind, Place, Value};
use crate::project::Project;
use crate::vars::VarMap;

use super::{InventorySource, Options};

/// What an inventory is read from.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// The files. What was read once is not read again: a refresh needs a new project.
    pub project: &'a Project,
    /// The sources in order (`-i`).
    pub sources: &'a [InventorySource],
    /// The settings.
    pub options: &'a Options,
    /// Runs scripts and evaluates templates.
    pub outside: &'a dyn Outside,
    /// Extra variables (`-e`), for `constructed`.
    pub extra: &'a VarMap,
}

/// Runs inventory scripts, and evaluates the templates of `constructed` and `generator`.
pub trait Outside {
    /// Whether a file may be executed.
    fn is_executable(&self, path: &Path) -> bool;

    /// Runs an inventory script to its end.
    ///
    /// # Errors
    /// Why it could not be started.
    fn script(&self, path: &Path, arguments: &[&str]) -> Result<ScriptOutput, String>;

    /// Evaluates an expression without markers.
    ///
    /// # Errors
    /// Why it cannot be evaluated, with its place.
    fn expression(&self, text: &str, place: Option<&Place>, vars: &VarMap) -> Result<Value, Diagnostic>;

    /// Evaluates a condition.
    ///
    /// # Errors
    /// Why it cannot be evaluated, with its place.
    fn condition(&self, value: &Value, place: Option<&Place>, vars: &VarMap) -> Result<bool, Diagnostic>;

    /// Renders a text.
    ///
    /// # Errors
    /// Why it cannot be rendered, with its place.
    fn render(&self, value: &Value, place: Option<&Place>, vars: &VarMap) -> Result<Value, Diagnostic>;

    /// The facts of a host that a cache has kept.
    fn facts(&self, host: &str) -> Option<VarMap> {
        let _ = host;
        None
    }
}

/// What a script wrote, and how it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScriptOutput {
    /// Its exit code; negative for the signal that ended it.
    pub code: i32,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

/// Nothing outside: no file can be executed, no template evaluated.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nothing;

impl Outside for Nothing {
    fn is_executable(&self, _: &Path) -> bool {
        false
    }

    fn script(&self, path: &Path, _: &[&str]) -> Result<ScriptOutput, String> {
        Err(format!("`{}` may not be run here", path.display()))
    }

    fn expression(&self, _: &str, place: Option<&Place>, _: &VarMap) -> Result<Value, Diagnostic> {
        Err(no_templates(place))
    }

    fn condition(&self, _: &Value, place: Option<&Place>, _: &VarMap) -> Result<bool, Diagnostic> {
        Err(no_templates(place))
    }

    fn render(&self, _: &Value, place: Option<&Place>, _: &VarMap) -> Result<Value, Diagnostic> {
        Err(no_templates(place))
    }
}

fn no_templates(place: Option<&Place>) -> Diagnostic {
    Diagnostic::error(Kind::Template, "templates cannot be evaluated here").at_if_unplaced(place)
}
