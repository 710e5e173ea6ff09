//! `first_found`: the first of several files that is there.

use super::ask::Ask;
use super::{Found, failed};
use crate::base::{Map, Value};
use crate::template::{LookupError, WITH};

/// The directories beside a task in which `with_first_found` looks; `lookup('first_found')` looks in none of them.
const FOLDERS: &[&str] = &["files", "templates", "vars"];

pub(super) fn first_found(ask: &Ask<'_>) -> Found {
    let mut search = Search { names: Vec::new(), skip: ask.flag("skip", false)? };
    let files = [ask.option("files").cloned().unwrap_or_else(|| Value::list([]))];
    let terms = if ask.terms.is_empty() { &files } else { ask.terms };
    search.terms(terms, ask.options)?;
    let folders = if ask.options.contains_key(WITH) { FOLDERS } else { &[""] };
    for name in &search.names {
        if let Some(path) = folders.iter().find_map(|folder| ask.world.find(folder, name)) {
            return Ok(vec![Value::from(path.display().to_string())]);
        }
    }
    if search.skip {
        return Ok(Vec::new());
    }
    Err(failed(format!("no file was found when using first_found: {}", search.names.join(", "))))
}

struct Search {
    names: Vec<String>,
    skip: bool,
}

impl Search {
    /// Adds the names of terms; `options` are those of the lookup, which each mapping replaces.
    fn terms(&mut self, terms: &[Value], options: &Map) -> Result<(), LookupError> {
        let mut options = options.clone();
        for term in terms {
            match term {
                Value::Map(own) => {
                    options = (**own).clone();
                    self.skip = own.get("skip").and_then(Value::to_bool).unwrap_or(false);
                    self.add(own.get("files").unwrap_or(&Value::Null), &options);
                }
                Value::List(items) => self.terms(items, &options)?,
                Value::Str(_) => self.add(term, &options),
                other => {
                    return Err(failed(format!(
                        "invalid term supplied: a string, dict or list is required, not '{}'",
                        other.type_name()
                    )));
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, files: &Value, options: &Map) {
        let mut names = Vec::new();
        split(files, &[',', ';'], &mut names);
        let mut paths = Vec::new();
        split(options.get("paths").unwrap_or(&Value::Null), &[',', ':', ';'], &mut paths);
        if paths.is_empty() {
            self.names.append(&mut names);
            return;
        }
        for path in &paths {
            self.names.extend(names.iter().map(|name| joined(path, name)));
        }
    }
}

fn joined(path: &str, name: &str) -> String {
    std::path::Path::new(path).join(name).display().to_string()
}

fn split(value: &Value, separators: &[char], into: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::List(items) => items.iter().for_each(|item| split(item, separators, into)),
        other => into.extend(other.to_text().split(separators).map(ToOwned::to_owned)),
    }
}
