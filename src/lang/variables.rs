//! Variables as they stand in files: `vars` of plays, blocks and tasks, and whole files of them.

use std::path::Path;
use std::sync::Arc;

use super::load::Load;
use super::shape::is_variable_name;
use super::{Keyword, Located};
use crate::base::{Diagnostic, Kind, Place};
use crate::vars::{Layer, Level, VarMap, Variable};
use crate::yaml::{Node, NodeKind};

/// Names that are reserved besides the keywords: Jinja2's globals, and attributes that Ansible keeps for itself.
const RESERVED: &[&str] = &[
    "action",
    "always",
    "args",
    "async_val",
    "block",
    "cycler",
    "dict",
    "handlers",
    "hosts",
    "joiner",
    "lipsum",
    "local_action",
    "lookup",
    "loop",
    "loop_control",
    "loop_with",
    "name",
    "namespace",
    "now",
    "omit",
    "post_tasks",
    "pre_tasks",
    "q",
    "query",
    "range",
    "rescue",
    "roles",
    "tasks",
    "undef",
    "vars_files",
    "with_",
];

/// Whether Ansible warns of a variable with this name.
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name) || (name != "gather_subset" && Keyword::parse(name).is_some())
}

/// The warning of a variable with a reserved name.
pub fn reserved(name: &str, place: &Place) -> Diagnostic {
    let message = format!("`{name}` is a reserved name for a variable");
    let mut warning = Diagnostic::warning(Kind::BadValue, message).at(place);
    warning.told = Some(format!("Found variable using reserved name '{name}'."));
    warning
}

/// Whether the names of variables are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// They must be valid names (`vars`).
    Checked,
    /// Any text is one, as in files of variables.
    Free,
}

impl Load<'_, '_> {
    /// The value of `vars`: a mapping with valid names, or nothing.
    pub(super) fn vars(&mut self, node: &Node, level: Level) -> Option<Arc<Layer>> {
        if matches!(node.kind, NodeKind::Null) {
            return None;
        }
        if node.as_map().is_none() {
            let hint = match &node.kind {
                NodeKind::Seq(_) => Some("write `name: value` without `- ` before it"),
                NodeKind::Str(_) => Some("`vars` cannot be a template; its values can"),
                _ => None,
            };
            let message = format!("`vars` must be a mapping, not {}", node.describe());
            self.push(
                Diagnostic::error(Kind::Structure, message)
                    .at(&node.place)
                    .maybe_hint(hint.map(str::to_owned)),
            );
            return None;
        }
        Some(Layer::new(level, self.variables(node, Names::Checked)))
    }

    /// The entries of a mapping as variables.
    pub(super) fn variables(&mut self, node: &Node, names: Names) -> VarMap {
        let mut vars = VarMap::new();
        for (key, value) in node.as_map().unwrap_or_default() {
            let name = match key.as_str() {
                Some(name) if names == Names::Free || is_variable_name(name) => name,
                _ => {
                    self.invalid_name(key);
                    continue;
                }
            };
            if is_reserved(name) {
                self.push(reserved(name, &key.place));
            }
            vars.insert(
                Arc::from(name),
                Variable { value: value.to_value(), place: Some(key.place.clone()) },
            );
        }
        vars
    }

    fn invalid_name(&mut self, key: &Node) {
        let text = key.to_value().to_text();
        let message = format!("`{text}` is not a valid name for a variable");
        let hint = "names consist of letters, digits and underscores and do not start with a digit";
        self.push(Diagnostic::error(Kind::BadValue, message).at(&key.place).hint(hint).plain());
    }

    /// A file of variables: a mapping, or empty.
    pub(super) fn vars_file(&mut self, path: &Path, asked: Option<&Place>) -> Option<VarMap> {
        let root = self.document(path, asked)?;
        match root.kind {
            NodeKind::Null => Some(VarMap::new()),
            NodeKind::Map(_) => {
                let mut vars = self.variables(&root, Names::Free);
                let project = self.loader.project;
                if project.is_sealed(path) {
                    for (name, Variable { value, place }) in &mut vars {
                        *value = project.vault().hidden(name, value, place.as_ref());
                    }
                }
                Some(vars)
            }
            _ => {
                let message = format!("a file of variables must be a mapping, not {}", root.describe());
                let told = format!("{} must be stored as a dictionary/hash", path.display());
                self.push(Diagnostic::error(Kind::Structure, message).at(&root.place).words(told));
                None
            }
        }
    }

    /// `vars_files`: each entry a text or a list of texts.
    pub(super) fn vars_files(&mut self, node: &Node) -> Vec<Located> {
        let items = match &node.kind {
            NodeKind::Null => return Vec::new(),
            NodeKind::Seq(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let is_text = |node: &Node| matches!(node.kind, NodeKind::Str(_));
        let mut files = Vec::new();
        for item in items {
            let fits = match &item.kind {
                NodeKind::Seq(alternatives) => alternatives.iter().all(is_text),
                _ => is_text(item),
            };
            if fits {
                files.push(Located::of(item));
            } else {
                let message = format!(
                    "an entry of `vars_files` must be a path or a list of paths, not {}",
                    if item.as_seq().is_some() { "a list of other things" } else { item.describe() }
                );
                self.error(Kind::Structure, &item.place, message);
            }
        }
        files
    }
}
