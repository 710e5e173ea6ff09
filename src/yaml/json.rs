//! Files that are JSON: Ansible tries that before YAML, and the two differ in a few numbers and escapes.

use std::sync::Arc;

use super::{Node, NodeKind, Parsed, Text};
use crate::base::{Diagnostics, Place, Source};

/// Whether a text is a JSON object or array.
pub(super) fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[']) && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Reads JSON that cannot be read as YAML (surrogate pairs among its escapes). Every place is the file's start.
pub(super) fn parse(source: &Arc<Source>, text: &str) -> Parsed {
    let place = Place::start_of(source);
    let documents = serde_json::from_str(text).ok().map(|json| node(&json, &place)).into_iter().collect();
    Parsed { documents, diagnostics: Diagnostics::default() }
}

fn node(json: &serde_json::Value, place: &Place) -> Node {
    use serde_json::Value as Json;
    let text = |text: &str| NodeKind::Str(Text::new(Arc::from(text), place.clone()));
    let kind = match json {
        Json::Null => NodeKind::Null,
        Json::Bool(value) => NodeKind::Bool(*value),
        Json::Number(number) => {
            super::resolve::json_number(&number.to_string()).unwrap_or_else(|| text(&number.to_string()))
        }
        Json::String(value) => text(value),
        Json::Array(items) => NodeKind::Seq(Arc::new(items.iter().map(|item| node(item, place)).collect())),
        Json::Object(entries) => NodeKind::Map(Arc::new(
            entries
                .iter()
                .map(|(key, value)| {
                    let key = Node { place: place.clone(), tag: None, kind: text(key) };
                    (key, node(value, place))
                })
                .collect(),
        )),
    };
    Node { place: place.clone(), tag: None, kind }
}
