//! Texts that may never be templated, remembered by identity: `ansible-inventory` marks them in what it prints.
//!
//! A text without template markers is the same value whether it is trusted or not, so the value does not tell.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::base::Value;
use crate::yaml::{Node, NodeKind, has_markers};

/// The texts; holding them keeps their addresses from being used again.
#[derive(Clone, Debug, Default)]
pub(super) struct Untrusted(HashMap<usize, Arc<str>>);

impl Untrusted {
    /// Remembers all texts in a value.
    pub(super) fn mark(&mut self, value: &Value) {
        match value {
            Value::Str(text) => {
                self.0.insert(address(text), Arc::clone(text));
            }
            Value::List(items) => items.iter().for_each(|item| self.mark(item)),
            Value::Map(entries) => entries.values().for_each(|item| self.mark(item)),
            _ => {}
        }
    }

    /// Remembers the texts of a value that was made from others; those that stand in these are what they are.
    pub(super) fn mark_made<'v>(&mut self, value: &Value, from: impl Iterator<Item = &'v Value>) {
        let mut known = HashSet::new();
        from.for_each(|value| addresses(value, &mut known));
        self.mark_others(value, &known);
    }

    fn mark_others(&mut self, value: &Value, known: &HashSet<usize>) {
        match value {
            Value::Str(text) if !known.contains(&address(text)) => self.mark(value),
            Value::List(items) => items.iter().for_each(|item| self.mark_others(item, known)),
            Value::Map(entries) => entries.values().for_each(|item| self.mark_others(item, known)),
            _ => {}
        }
    }

    /// Remembers the texts of a value whose nodes are tagged `!unsafe`.
    pub(super) fn mark_tagged(&mut self, node: &Node, value: &Value) {
        if node.tag.as_deref() == Some("!unsafe") {
            self.mark(value);
            return;
        }
        match (&node.kind, value) {
            (NodeKind::Seq(nodes), Value::List(items)) => {
                nodes.iter().zip(items.iter()).for_each(|(node, item)| self.mark_tagged(node, item));
            }
            (NodeKind::Map(nodes), Value::Map(entries)) if nodes.len() == entries.len() => {
                nodes.iter().zip(entries.values()).for_each(|((_, node), item)| self.mark_tagged(node, item));
            }
            _ => {}
        }
    }

    /// Whether a text may not be templated: it is one of these, or it has markers and still is no template.
    pub(super) fn has(&self, text: &Arc<str>) -> bool {
        self.0.contains_key(&address(text)) || has_markers(text)
    }
}

fn addresses(value: &Value, known: &mut HashSet<usize>) {
    match value {
        Value::Str(text) => {
            known.insert(address(text));
        }
        Value::List(items) => items.iter().for_each(|item| addresses(item, known)),
        Value::Map(entries) => entries.values().for_each(|item| addresses(item, known)),
        _ => {}
    }
}

fn address(text: &Arc<str>) -> usize {
    Arc::as_ptr(text).cast::<u8>().addr()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Source;
    use crate::yaml::parse_single;

    #[test]
    fn tagged_texts_are_known_again() {
        let parsed = parse_single(&Source::new("x", "a: !unsafe b\nc: [d, !unsafe e]\n"));
        let node = parsed.documents.first().unwrap();
        let value = node.to_value();
        let mut untrusted = Untrusted::default();
        untrusted.mark_tagged(node, &value);
        let text = |value: &Value| match value {
            Value::Str(text) => Arc::clone(text),
            other => panic!("{other:?}"),
        };
        assert!(untrusted.has(&text(value.get("a").unwrap())));
        let list = value.get("c").unwrap().as_list().unwrap();
        assert!(!untrusted.has(&text(&list[0])) && untrusted.has(&text(&list[1])));
        assert!(untrusted.has(&Arc::from("{{ x }}")) && !untrusted.has(&Arc::from("b")));
    }
}
