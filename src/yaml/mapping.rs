//! The entries of one mapping: merge keys as PyYAML flattens them, and keys that are given twice.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use super::{Node, NodeKind};
use crate::base::{Diagnostic, Diagnostics, Kind, Place};

/// What stands before the colon.
pub(super) enum Key {
    /// `<<`
    Merge(Place),
    /// A usual key.
    Node(Node),
    /// Something that cannot be a key; reported already.
    Unusable,
}

/// What makes two keys the same: Python's equality, where `1`, `1.0` and `true` are one key.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Identity {
    Null,
    Number(i128),
    Float(u64),
    Text(Arc<str>),
}

impl Identity {
    fn of(key: &Node) -> Self {
        match &key.kind {
            NodeKind::Null | NodeKind::Seq(_) | NodeKind::Map(_) => Self::Null,
            NodeKind::Bool(value) => Self::Number(i128::from(*value)),
            NodeKind::Int(number) => Self::Number(*number),
            NodeKind::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
                Self::Number(*number as i128)
            }
            NodeKind::Float(number) => Self::Float(number.to_bits()),
            NodeKind::Str(text) => Self::Text(Arc::clone(&text.text)),
        }
    }
}

/// Gathers the entries of a mapping.
#[derive(Default)]
pub(super) struct Entries {
    merged: Vec<(Node, Node)>,
    own: Vec<(Node, Node)>,
    own_at: HashMap<Identity, usize>,
}

impl Entries {
    /// Adds an entry. A key that is there already gets the later value, with a warning if those are wanted.
    pub(super) fn insert(&mut self, key: Node, value: Node, diagnostics: Option<&mut Diagnostics>) {
        match self.own_at.entry(Identity::of(&key)) {
            Entry::Vacant(entry) => {
                entry.insert(self.own.len());
                self.own.push((key, value));
            }
            Entry::Occupied(entry) => {
                let Some(kept) = self.own.get_mut(*entry.get()) else { return };
                let (first, _) = std::mem::replace(kept, (key.clone(), value));
                if let Some(diagnostics) = diagnostics {
                    let shown = key.to_value().to_text();
                    let message = format!("the key `{shown}` is given twice");
                    let mut warning = Diagnostic::warning(Kind::DuplicateKey, message)
                        .at(&key.place)
                        .note("first given here", Some(&first.place))
                        .hint("only the last one counts");
                    let repr = key.to_value().to_repr();
                    warning.told = Some(format!("Found duplicate mapping key {repr}."));
                    diagnostics.push(warning);
                }
            }
        }
    }

    /// Adds what `<<` names: a mapping, or a list of mappings of which the first wins.
    pub(super) fn merge(&mut self, place: &Place, value: &Node, diagnostics: &mut Diagnostics) {
        let mut refuse = |node: &Node| {
            let message = format!("`<<` needs a mapping or a list of mappings, not {}", node.describe());
            diagnostics.push(Diagnostic::error(Kind::Yaml, message).at(place));
        };
        match &value.kind {
            NodeKind::Map(entries) => self.merged.extend(entries.iter().cloned()),
            NodeKind::Seq(items) => {
                for item in items.iter().rev() {
                    match &item.kind {
                        NodeKind::Map(entries) => self.merged.extend(entries.iter().cloned()),
                        _ => refuse(item),
                    }
                }
            }
            _ => refuse(value),
        }
    }

    /// The entries in Python's order: merged keys first, each where it came first, with the last value.
    pub(super) fn finish(self) -> Vec<(Node, Node)> {
        if self.merged.is_empty() {
            return self.own;
        }
        let mut at = HashMap::new();
        let mut entries: Vec<(Node, Node)> = Vec::with_capacity(self.merged.len() + self.own.len());
        for (key, value) in self.merged.into_iter().chain(self.own) {
            match at.entry(Identity::of(&key)) {
                Entry::Vacant(entry) => {
                    entry.insert(entries.len());
                    entries.push((key, value));
                }
                Entry::Occupied(entry) => {
                    if let Some(kept) = entries.get_mut(*entry.get()) {
                        *kept = (key, value);
                    }
                }
            }
        }
        entries
    }
}
