//! The controller of a case: the project's files and what expressions give.
//!
//! `project` maps paths (`files/a.conf`, `templates/b.j2`) to a text (0644) or to an object with `text` and where needed
//! `mode`, `decrypted` (it is encrypted with vault), `link` (it is a link; without `text` to nowhere or in a circle), `unknown` (rendering it hangs on that task) and `tainted` (rendering it reads a secret). Rendering gives the
//! text as it is. `values` maps expressions to their values.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value as Json;

use crate::base::{Unknown, Value};
use crate::modules::contract::{Failed, Halt, fail};
use crate::modules::view::{Controller, InTree, Links, Rendered, Search, TemplateOptions};
use crate::wire::action::Bytes;

/// The controller of a case.
#[derive(Clone, Debug, Default)]
pub struct Project {
    files: BTreeMap<String, Json>,
    values: BTreeMap<String, Json>,
}

impl Project {
    /// Reads the fields of a case.
    pub fn read(files: &Json, values: &Json) -> Self {
        let entries = |json: &Json| -> BTreeMap<String, Json> {
            json.as_object().into_iter().flatten().map(|(name, json)| (name.clone(), json.clone())).collect()
        };
        Self { files: entries(files), values: entries(values) }
    }

    #[expect(clippy::result_large_err, reason = "as the trait has it")]
    fn file(&self, path: &Path) -> Result<&Json, Failed> {
        let name = path.to_str().unwrap_or_default();
        self.files.get(name).ok_or_else(|| Failed { message: format!("no file {name}"), ..Failed::default() })
    }

    fn has(&self, name: &str) -> bool {
        let below = format!("{name}/");
        self.files.keys().any(|known| known == name || known.starts_with(&below))
    }
}

fn text(json: &Json) -> &str {
    json.as_str().or_else(|| json.get("text").and_then(Json::as_str)).unwrap_or_default()
}

impl Controller for Project {
    fn find(&self, search: Search, name: &str) -> Result<PathBuf, Failed> {
        let folder = match search {
            Search::Files => "files",
            Search::Templates => "templates",
        };
        let name = name.trim_end_matches('/');
        let candidates = [format!("{folder}/{name}"), name.to_owned()];
        candidates.into_iter().find(|path| self.has(path)).map(PathBuf::from).ok_or_else(|| Failed {
            message: format!("Could not find or access '{name}'"),
            ..Failed::default()
        })
    }

    fn place(&self, name: &str) -> PathBuf {
        PathBuf::from(name)
    }

    fn read(&self, path: &Path) -> Result<(Bytes, u32), Failed> {
        let json = self.file(path)?;
        let mode = json.get("mode").and_then(Json::as_str).unwrap_or("0644");
        Ok((Bytes::Inline(text(json).as_bytes().to_vec()), u32::from_str_radix(mode, 8).unwrap_or(0o644)))
    }

    fn decrypted(&self, path: &Path) -> Result<Option<Vec<u8>>, Failed> {
        let json = self.file(path)?;
        Ok(json.get("decrypted").and_then(Json::as_str).map(|plain| plain.as_bytes().to_vec()))
    }

    fn is_directory(&self, path: &Path) -> bool {
        let name = path.to_str().unwrap_or_default();
        self.has(name) && !self.files.contains_key(name)
    }

    fn tree(&self, path: &Path, links: Links) -> Result<Vec<(String, InTree)>, Failed> {
        let root = format!("{}/", path.display());
        let mut all: BTreeMap<String, InTree> = BTreeMap::new();
        for (name, json) in &self.files {
            let Some(below) = name.strip_prefix(&root) else { continue };
            let above = || below.match_indices('/').map(|(at, _)| below.get(..at).unwrap_or_default());
            if above().any(|above| matches!(all.get(above), Some(InTree::Link(_)))) {
                continue;
            }
            let link = json
                .get("link")
                .and_then(Json::as_str)
                .filter(|_| links == Links::Kept || json.get("text").is_none());
            all.extend(above().map(|above| (above.to_owned(), InTree::Directory)));
            let kind = match link {
                Some(text) => InTree::Link(text.to_owned()),
                None if json.is_null() => InTree::Directory,
                None => InTree::File,
            };
            all.insert(below.trim_end_matches('/').to_owned(), kind);
        }
        Ok(all.into_iter().collect())
    }

    fn render(&self, path: &Path, _: &TemplateOptions) -> Result<Rendered, Halt> {
        let json = self.file(path)?;
        let unknown = json.get("unknown").and_then(Json::as_str);
        Ok(Rendered {
            text: Arc::from(text(json)),
            unknown: unknown.map(|task| Arc::new(Unknown { task: Arc::from(task), place: None })),
            tainted: json.get("tainted").is_some(),
        })
    }

    fn condition(&self, condition: &Value) -> Result<bool, Halt> {
        match condition {
            Value::Bool(value) => Ok(*value),
            other => Ok(self.evaluate(&other.to_text())?.0.to_bool().unwrap_or_default()),
        }
    }

    fn evaluate(&self, expression: &str) -> Result<(Value, Vec<String>), Halt> {
        match self.values.get(expression) {
            Some(value) => Ok((Value::from_json(value), Vec::new())),
            None => fail(format!("the case does not say what `{expression}` gives")),
        }
    }

    fn variable(&self, name: &str) -> Result<Option<Value>, Halt> {
        Ok(self.values.get(name).map(Value::from_json))
    }

    fn looking_ahead(&self) -> bool {
        false
    }
}
