//! Loops: `loop`, `with_LOOKUP`, `loop_control`.

use std::sync::Arc;

use indexmap::IndexMap;

use super::entries::Entry;
use super::load::Load;
use super::shape::is_variable_name;
use super::{Located, Loop, LoopKind};
use crate::base::names::did_you_mean;
use crate::base::{Diagnostic, Kind, Value};
use crate::yaml::{Node, NodeKind};

/// The lookups of ansible.builtin.
pub const LOOKUPS: &[&str] = &[
    "config",
    "csvfile",
    "dict",
    "env",
    "file",
    "fileglob",
    "first_found",
    "indexed_items",
    "ini",
    "inventory_hostnames",
    "items",
    "lines",
    "list",
    "nested",
    "password",
    "pipe",
    "random_choice",
    "sequence",
    "subelements",
    "template",
    "together",
    "unvault",
    "url",
    "varnames",
    "vars",
];

/// Lookups of community.general that Ansible still finds by the short name from before collections.
pub const MOVED: &[&str] = &["cartesian", "filetree", "flattened"];

/// The options of `loop_control`.
pub const CONTROLS: &[&str] =
    &["loop_var", "index_var", "label", "pause", "extended", "extended_allitems", "break_when"];

/// The entries of a task that make its loop.
#[derive(Debug, Default)]
pub(super) struct LoopParts<'n> {
    over: Option<(LoopKind, Entry<'n>)>,
    control: Option<&'n Node>,
}

impl<'n> LoopParts<'n> {
    /// Takes `loop` or `with_LOOKUP`.
    pub(super) fn take(&mut self, load: &mut Load<'_, '_>, entry: Entry<'n>) {
        let kind = match entry.name.strip_prefix("with_") {
            None => LoopKind::Loop,
            Some(lookup) => {
                let short = super::task::short_name(lookup);
                let known = LOOKUPS.contains(&short) || (MOVED.contains(&short) && short == lookup);
                if !short.contains('.') && !known {
                    let message = format!("there is no lookup `{short}` for `{}`", entry.name);
                    let hint = did_you_mean(short, LOOKUPS.iter().copied()).map(with_prefix);
                    load.push(
                        Diagnostic::error(Kind::UnknownKeyword, message)
                            .at(&entry.key.place)
                            .maybe_hint(hint),
                    );
                    return;
                }
                LoopKind::With(Arc::from(lookup))
            }
        };
        if let Some((_, first)) = &self.over {
            load.push(
                Diagnostic::error(
                    Kind::Structure,
                    format!("`{}` and `{}` exclude each other", first.name, entry.name),
                )
                .at(&entry.key.place)
                .plain()
                .note("the other loop is here", Some(&first.key.place)),
            );
            return;
        }
        if matches!(entry.value.kind, NodeKind::Null) {
            if kind == LoopKind::Loop {
                load.warn(Kind::BadValue, &entry.key.place, "`loop` is empty: the task is not looped");
            } else {
                load.error(Kind::BadValue, &entry.key.place, format!("`{}` needs a value", entry.name));
            }
            return;
        }
        if kind == LoopKind::Loop && !matches!(entry.value.kind, NodeKind::Seq(_) | NodeKind::Str(_)) {
            let hint = entry.value.as_map().map(|_| "loop over `{{ the_mapping | dict2items }}`".to_owned());
            let message = format!("`loop` must be a list, not {}", entry.value.describe());
            load.push(Diagnostic::error(Kind::BadValue, message).at(&entry.value.place).maybe_hint(hint));
            return;
        }
        if kind == LoopKind::Loop && matches!(entry.value.to_value(), Value::Str(_)) {
            load.error_hint(
                Kind::BadValue,
                &entry.value.place,
                "`loop` must be a list, not a text",
                "the list that a variable holds is `\"{{ variable }}\"`",
            );
            return;
        }
        self.over = Some((kind, entry));
    }

    /// Takes `loop_control`.
    pub(super) fn take_control(&mut self, node: &'n Node) {
        self.control = Some(node);
    }

    /// The loop, if there is one.
    pub(super) fn finish(self, load: &mut Load<'_, '_>) -> Option<Loop> {
        let control = self.control.map(|node| (node, load.loop_control(node)));
        match (self.over, control) {
            (Some((kind, entry)), control) => Some(Loop {
                kind,
                over: Located::of(entry.value),
                control: control.map(|(_, control)| control).unwrap_or_default(),
            }),
            (None, Some((node, _))) => {
                load.warn(Kind::Structure, &node.place, "`loop_control` has no effect: there is no loop");
                None
            }
            (None, None) => None,
        }
    }
}

fn with_prefix(hint: String) -> String {
    hint.replacen('`', "`with_", 1)
}

impl Load<'_, '_> {
    fn loop_control(&mut self, node: &Node) -> IndexMap<Arc<str>, Located> {
        let mut control = IndexMap::new();
        for entry in self.entries(node, "`loop_control`").unwrap_or_default() {
            if !CONTROLS.contains(&entry.name) {
                let message = format!("`{}` is not an option of `loop_control`", entry.name);
                let hint = did_you_mean(entry.name, CONTROLS.iter().copied());
                self.push(
                    Diagnostic::error(Kind::UnknownKeyword, message).at(&entry.key.place).maybe_hint(hint),
                );
                continue;
            }
            let located = Located::of(entry.value);
            let is_name = matches!(entry.name, "loop_var" | "index_var");
            if is_name && !located.value.as_str().is_some_and(is_variable_name) && located.value.is_literal()
            {
                let message = format!(
                    "`{}` must be the name of a variable, not {}",
                    entry.name,
                    entry.value.describe()
                );
                self.error(Kind::BadValue, &located.place, message);
                continue;
            }
            control.insert(Arc::from(entry.name), located);
        }
        control
    }
}
