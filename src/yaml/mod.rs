//! Row 2: YAML as PyYAML reads it, with positions: 1.1 scalars, tags (`!vault`, `!unsafe`), anchors, merge keys.

use std::sync::Arc;

use crate::base::{Diagnostic, Diagnostics, Kind, Moment, Place, Source, Value};

mod compose;
mod duplicates;
mod emit;
mod events;
mod hints;
mod json;
mod mapping;
mod position;
mod resolve;
mod scalar;
mod to_value;

pub use duplicates::Duplicates;
pub use emit::{EmitOptions, to_yaml};
pub use to_value::has_markers;

/// What a text holds.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The documents that could be read. After an error they may be incomplete.
    pub documents: Vec<Node>,
    /// What is wrong with the text, or worth a warning.
    pub diagnostics: Diagnostics,
}

/// Reads all documents of a text, as PyYAML's safe loader with Ansible's tags does. A text that is JSON is read as
/// JSON, as Ansible does.
pub fn parse(source: &Arc<Source>) -> Parsed {
    let feed = events::Feed::new(&source.text);
    let positions = position::Positions::new(source, feed.text);
    if let Some((offset, character)) = feed.forbidden() {
        let diagnostic = Diagnostic::error(
            Kind::Yaml,
            format!("the character U+{:04X} is not allowed in YAML", character as u32),
        )
        .at(&positions.place(offset))
        .hint("within double quotes it can be written as an escape sequence (`\\x00`)");
        return Parsed { documents: Vec::new(), diagnostics: Diagnostics(vec![diagnostic]) };
    }
    let is_json = json::is_json(feed.text);
    let mut composer = compose::Composer::new(&feed, &positions, is_json);
    let documents = composer.documents();
    let diagnostics = composer.diagnostics;
    if is_json && diagnostics.has_errors() {
        return json::parse(source, feed.text);
    }
    Parsed { documents: documents.unwrap_or_default(), diagnostics }
}

/// Reads a text that holds one document: without an error there is exactly one, which is null if the text is empty.
pub fn parse_single(source: &Arc<Source>) -> Parsed {
    let mut parsed = parse(source);
    if let Some(second) = parsed.documents.get(1) {
        let error = Diagnostic::error(Kind::Yaml, "there is more than one document in this file")
            .at(&second.place)
            .hint("`---` on a line of its own starts a new document; remove it");
        parsed.diagnostics.push(error);
        parsed.documents.truncate(1);
    }
    if parsed.documents.is_empty() && !parsed.diagnostics.has_errors() {
        parsed.documents.push(Node { place: Place::start_of(source), tag: None, kind: NodeKind::Null });
    }
    parsed
}

/// A node of a YAML document with its place. Cloning is cheap.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its first character.
    pub place: Place,
    /// An explicit tag that is not one of YAML's own (`!vault`, `!unsafe` …).
    pub tag: Option<Arc<str>>,
    /// What it is.
    pub kind: NodeKind,
}

/// What a node is, after YAML 1.1's resolution.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeKind {
    /// `null`, `~` or nothing.
    Null,
    /// `yes`, `no`, `on`, `off`, `true`, `false`.
    Bool(bool),
    /// An integer in any of YAML 1.1's notations.
    Int(i128),
    /// A floating-point number.
    Float(f64),
    /// A text.
    Str(Text),
    /// A sequence.
    Seq(Arc<Vec<Node>>),
    /// A mapping in the order of the file; merge keys are resolved, of duplicate keys the last is kept.
    Map(Arc<Vec<(Node, Node)>>),
}

/// A text scalar.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// The text.
    pub text: Arc<str>,
    /// Where its first character stands: after the quote; for block scalars the first line below the indicator.
    pub place: Place,
    /// The date or moment that it is as a value: a timestamp without quotes.
    pub moment: Option<Moment>,
}

impl Text {
    /// A text that is nothing else.
    pub fn new(text: Arc<str>, place: Place) -> Self {
        Self { text, place, moment: None }
    }
}

impl Node {
    /// Whether it is a text encrypted with vault.
    pub fn is_sealed(&self) -> bool {
        matches!(self.tag.as_deref(), Some("!vault" | "!vault-encrypted"))
    }

    /// The text, where it is one. What is encrypted is not.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Str(text) if !self.is_sealed() => Some(&text.text),
            _ => None,
        }
    }

    /// The items, where it is a sequence.
    pub fn as_seq(&self) -> Option<&[Node]> {
        match &self.kind {
            NodeKind::Seq(items) => Some(items),
            _ => None,
        }
    }

    /// The entries, where it is a mapping.
    pub fn as_map(&self) -> Option<&[(Node, Node)]> {
        match &self.kind {
            NodeKind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// Whether Python takes it for false: nothing, `false`, zero, or an empty text, list or mapping.
    pub fn is_nothing(&self) -> bool {
        match &self.kind {
            NodeKind::Null | NodeKind::Bool(false) | NodeKind::Int(0) => true,
            NodeKind::Float(number) => *number == 0.0,
            NodeKind::Str(text) => text.text.is_empty(),
            NodeKind::Seq(items) => items.is_empty(),
            NodeKind::Map(entries) => entries.is_empty(),
            NodeKind::Bool(true) | NodeKind::Int(_) => false,
        }
    }

    /// The value of a text key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.iter().find(|(name, _)| name.as_str() == Some(key)).map(|(_, value)| value)
    }

    /// What it is in words: `a list`, `a mapping`, `a text` …
    pub fn describe(&self) -> &'static str {
        match self.kind {
            NodeKind::Null => "nothing",
            NodeKind::Bool(_) => "a boolean",
            NodeKind::Int(_) | NodeKind::Float(_) => "a number",
            NodeKind::Str(_) if self.is_sealed() => "a value encrypted with vault",
            NodeKind::Str(_) => "a text",
            NodeKind::Seq(_) => "a list",
            NodeKind::Map(_) => "a mapping",
        }
    }

    /// As a value: texts with template markers become templates with their place, unless tagged `!unsafe`.
    pub fn to_value(&self) -> Value {
        to_value::convert(self)
    }
}

#[cfg(test)]
mod tests;
