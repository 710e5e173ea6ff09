//! OpenSSH's configuration as ssh_config(5) describes it: `Host`, `Match`, `Include`, the first value counts.
//! What would change where or how fleet connects and is not supported is refused with its place.

mod evaluate;
mod keywords;
mod lexer;
pub(super) mod pattern;
mod tokens;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::{Diagnostic, Kind, Place, Source};

pub(super) use evaluate::{Query, evaluate};
pub(super) use tokens::{Tokens, environment};

/// The value of a keyword and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    /// Its arguments.
    pub(crate) arguments: Vec<String>,
    /// The same as one text, for commands.
    pub(crate) rest: String,
    /// Where it stands.
    pub(crate) place: Place,
}

impl Setting {
    /// The only argument, or the first of several.
    pub(crate) fn first(&self) -> &str {
        self.arguments.first().map_or("", String::as_str)
    }

    /// An error about this setting.
    pub(crate) fn refuse(&self, message: impl Into<String>) -> Box<Diagnostic> {
        Box::new(Diagnostic::error(Kind::BadValue, message).at(&self.place))
    }
}

/// What the configuration says for one host.
#[derive(Clone, Debug, Default)]
pub(crate) struct Configured {
    first: HashMap<String, Setting>,
    all: HashMap<String, Vec<Setting>>,
}

impl Configured {
    /// The value of a keyword (in lower case) of which the first counts.
    pub(crate) fn get(&self, keyword: &str) -> Option<&Setting> {
        self.first.get(keyword)
    }

    /// All values of a keyword (in lower case) of which all count.
    pub(crate) fn all(&self, keyword: &str) -> &[Setting] {
        self.all.get(keyword).map_or(&[], Vec::as_slice)
    }

    fn set(&mut self, keyword: &str, setting: Setting) {
        self.first.entry(keyword.to_owned()).or_insert(setting);
    }

    fn add(&mut self, keyword: &str, setting: Setting) {
        let values = self.all.entry(keyword.to_owned()).or_default();
        if !values.contains(&setting) {
            values.push(setting);
        }
    }
}

/// The configuration files that were read; each is read once in a run.
#[derive(Debug, Default)]
pub(crate) struct Files(Mutex<HashMap<PathBuf, Option<Arc<Vec<lexer::Line>>>>>);

impl Files {
    /// The lines of a file; `None` when there is none.
    fn read(&self, path: &Path) -> Result<Option<Arc<Vec<lexer::Line>>>, Box<Diagnostic>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned();
        if let Some(lines) = known {
            return Ok(lines);
        }
        let lines = match std::fs::read_to_string(path) {
            Ok(text) => Some(Arc::new(lexer::lines(&Source::new(path, text))?)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                let place = Place::start_of(&Source::new(path, ""));
                let message = format!("cannot read the SSH configuration: {error}");
                return Err(Box::new(Diagnostic::error(Kind::File, message).at(&place)));
            }
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_path_buf(), lines.clone());
        Ok(lines)
    }
}

/// Options given as `-o` would be: a source to name in messages and `Keyword value` lines.
pub(crate) fn overrides(name: &str, lines: &[String]) -> Result<Vec<lexer::Line>, Box<Diagnostic>> {
    lexer::lines(&Source::new(format!("<{name}>"), lines.join("\n")))
}

#[cfg(test)]
mod tests;
