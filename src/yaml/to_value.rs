//! Nodes as values: where the decision falls whether a text may be templated.

use std::sync::Arc;

use super::{Node, NodeKind, Text};
use crate::base::{Key, Map, TemplateText, TextForm, Value};

/// Whether a text has template markers.
pub fn has_markers(text: &str) -> bool {
    text.contains("{{") || text.contains("{%") || text.contains("{#")
}

pub(super) fn convert(node: &Node) -> Value {
    convert_as(node, node.tag.as_deref() == Some("!unsafe"))
}

fn pending(text: &Text, form: TextForm) -> Value {
    let Text { text, place, moment: _ } = text;
    Value::Template(Arc::new(TemplateText { text: Arc::clone(text), place: Some(place.clone()), form }))
}

fn convert_as(node: &Node, unsafe_text: bool) -> Value {
    let unsafe_text = unsafe_text || node.tag.as_deref() == Some("!unsafe");
    match &node.kind {
        NodeKind::Null => Value::Null,
        NodeKind::Bool(value) => Value::Bool(*value),
        NodeKind::Int(number) => Value::Int(*number),
        NodeKind::Float(number) => Value::Float(*number),
        NodeKind::Str(text) if node.is_sealed() => pending(text, TextForm::Sealed),
        NodeKind::Str(text) if !unsafe_text && has_markers(&text.text) => pending(text, TextForm::Template),
        NodeKind::Str(text) => match text.moment {
            Some(moment) => Value::Moment(moment),
            None => Value::Str(Arc::clone(&text.text)),
        },
        NodeKind::Seq(items) => Value::list(items.iter().map(|item| convert_as(item, unsafe_text))),
        NodeKind::Map(entries) => {
            let mut map = Map::with_capacity(entries.len());
            for (key, value) in entries.iter() {
                let key = Key::from_value(&convert_as(key, unsafe_text))
                    .unwrap_or_else(|| Key::from(convert_as(key, unsafe_text).to_repr()));
                map.insert(key, convert_as(value, unsafe_text));
            }
            Value::map(map)
        }
    }
}
