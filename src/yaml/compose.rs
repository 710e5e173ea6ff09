//! Events to nodes: scalars, tags, anchors and the limits that keep hostile texts harmless.

use std::collections::HashMap;
use std::sync::Arc;

use libyaml_safer::{Event, EventData};

use super::events::{Events, Fault, Feed};
use super::mapping::{Entries, Key};
use super::position::Positions;
use super::scalar::Scalar;
use super::{Node, NodeKind, Text, hints};
use crate::base::names::did_you_mean;
use crate::base::{Diagnostic, Diagnostics, Kind, Place};

/// How deep a node may be nested.
const MAX_DEPTH: u32 = 100;
/// How many nodes aliases may stand for in one document.
const MAX_ALIASED: u64 = 1_000_000;
/// The prefix of YAML's own tags.
pub(super) const CORE: &str = "tag:yaml.org,2002:";
/// Ansible's tags.
pub(super) const ANSIBLE_TAGS: [&str; 3] = ["!unsafe", "!vault", "!vault-encrypted"];

/// The document cannot be read further; the reason is among the diagnostics.
pub(super) struct Stop;

/// A node and how much it is.
pub(super) struct Composed {
    pub(super) node: Node,
    /// How many nodes it is, itself and aliased ones included.
    size: u64,
    /// How many levels it has.
    height: u32,
}

impl Composed {
    fn leaf(node: Node) -> Self {
        Self { node, size: 1, height: 1 }
    }
}

enum Anchor {
    /// Its node is being composed.
    Open(Place),
    Done(Place, Composed),
}

/// Composes the documents of one source.
pub(super) struct Composer<'f> {
    pub(super) feed: &'f Feed<'f>,
    events: Events<'f>,
    pub(super) positions: &'f Positions<'f>,
    pub(super) diagnostics: Diagnostics,
    anchors: HashMap<String, Anchor>,
    depth: u32,
    aliased: u64,
    /// The text is JSON: then numbers are JSON's and a key given twice is nothing to remark.
    pub(super) json: bool,
}

impl<'f> Composer<'f> {
    /// For a text and the positions in it.
    pub(super) fn new(feed: &'f Feed<'f>, positions: &'f Positions<'f>, json: bool) -> Self {
        Self {
            feed,
            events: feed.events(),
            positions,
            diagnostics: Diagnostics::default(),
            anchors: HashMap::new(),
            depth: 0,
            aliased: 0,
            json,
        }
    }

    /// All documents.
    pub(super) fn documents(&mut self) -> Result<Vec<Node>, Stop> {
        let mut documents = Vec::new();
        loop {
            let event = self.next()?;
            match event.data {
                EventData::StreamEnd => return Ok(documents),
                EventData::DocumentStart { .. } => {
                    self.anchors.clear();
                    self.aliased = 0;
                    let first = self.next()?;
                    documents.push(self.node(first)?.node);
                }
                _ => {}
            }
        }
    }

    pub(super) fn next(&mut self) -> Result<Event, Stop> {
        self.events.next().map_err(|fault| {
            let diagnostic = match fault {
                Fault::Syntax(error) => hints::syntax(&error, self.positions),
                Fault::Panic => Diagnostic::error(Kind::Yaml, "this YAML cannot be read")
                    .at(&self.positions.last_character())
                    .hint("a tag (`!name`) directly before a comma is not supported"),
            };
            // a mistake already reported on that line is the cause of this one
            let line = diagnostic.place.as_ref().map(|place| place.line);
            let known = self.diagnostics.0.iter().any(|earlier| {
                earlier.severity == diagnostic.severity
                    && earlier.place.as_ref().map(|place| place.line) == line
            });
            if !known {
                self.diagnostics.push(diagnostic);
            }
            Stop
        })
    }

    pub(super) fn place(&self, event: &Event) -> Place {
        self.positions.place(event.start_mark.index as usize)
    }

    pub(super) fn error(&mut self, message: impl Into<String>, place: &Place, hint: &str) {
        let error = Diagnostic::error(Kind::Yaml, message).at(place);
        self.diagnostics.push(if hint.is_empty() { error } else { error.hint(hint) });
    }

    /// The node that starts with an event.
    pub(super) fn node(&mut self, event: Event) -> Result<Composed, Stop> {
        let place = self.place(&event);
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            self.error(format!("this is nested more than {MAX_DEPTH} levels deep"), &place, "");
            return Err(Stop);
        }
        let start = event.start_mark.index as usize;
        let composed = match event.data {
            EventData::Alias { anchor } => self.alias(&anchor, &place)?,
            EventData::Scalar { anchor, tag, value, plain_implicit, quoted_implicit: _, style } => {
                let scalar =
                    Scalar { tag, value, plain: plain_implicit, style, start, end: event.end_mark.index };
                self.anchored(anchor, &place.clone(), |this| Ok(Composed::leaf(this.scalar(scalar))))?
            }
            EventData::SequenceStart { anchor, tag, .. } => {
                self.anchored(anchor, &place.clone(), |this| this.sequence(tag.as_deref(), place))?
            }
            EventData::MappingStart { anchor, tag, .. } => {
                self.anchored(anchor, &place.clone(), |this| this.mapping(tag.as_deref(), start, place))?
            }
            EventData::StreamStart { .. }
            | EventData::StreamEnd
            | EventData::DocumentStart { .. }
            | EventData::DocumentEnd { .. }
            | EventData::SequenceEnd
            | EventData::MappingEnd => Composed::leaf(Node { place, tag: None, kind: NodeKind::Null }),
        };
        self.depth -= 1;
        Ok(composed)
    }

    fn anchored(
        &mut self,
        anchor: Option<String>,
        place: &Place,
        compose: impl FnOnce(&mut Self) -> Result<Composed, Stop>,
    ) -> Result<Composed, Stop> {
        let Some(anchor) = anchor else { return compose(self) };
        if let Some(Anchor::Open(first) | Anchor::Done(first, _)) = self.anchors.get(&anchor) {
            let error = Diagnostic::error(Kind::Yaml, format!("the anchor `&{anchor}` is defined twice"))
                .at(place)
                .note("first defined here", Some(first))
                .hint("give each anchor of a document its own name");
            self.diagnostics.push(error);
        }
        self.anchors.insert(anchor.clone(), Anchor::Open(place.clone()));
        let composed = compose(self)?;
        let copy = Composed { node: composed.node.clone(), size: composed.size, height: composed.height };
        self.anchors.insert(anchor, Anchor::Done(place.clone(), copy));
        Ok(composed)
    }

    fn alias(&mut self, name: &str, place: &Place) -> Result<Composed, Stop> {
        let place = &place.clone().with_length(name.chars().count() as u32 + 1);
        match self.anchors.get(name) {
            Some(Anchor::Done(_, Composed { node, size, height })) => {
                let copy = Composed { node: node.clone(), size: *size, height: *height };
                self.aliased = self.aliased.saturating_add(*size);
                if self.aliased > MAX_ALIASED {
                    let message =
                        format!("the aliases of this document stand for more than {MAX_ALIASED} nodes");
                    self.error(message, place, "");
                    return Err(Stop);
                }
                if self.depth + copy.height > MAX_DEPTH + 1 {
                    self.error(format!("this is nested more than {MAX_DEPTH} levels deep"), place, "");
                    return Err(Stop);
                }
                Ok(copy)
            }
            Some(Anchor::Open(anchor)) => {
                let error =
                    Diagnostic::error(Kind::Yaml, format!("the alias `*{name}` lies within its own anchor"))
                        .at(place)
                        .note("the anchor", Some(anchor));
                self.diagnostics.push(error);
                Ok(Composed::leaf(Node { place: place.clone(), tag: None, kind: NodeKind::Null }))
            }
            None => {
                let known: Vec<&str> = self.anchors.keys().map(String::as_str).collect();
                let hint = did_you_mean(name, known)
                    .unwrap_or_else(|| "a text that starts with `*` has to be in quotes".to_owned());
                self.error(format!("the alias `*{name}` has no anchor before it"), place, &hint);
                Ok(Composed::leaf(Node { place: place.clone(), tag: None, kind: NodeKind::Null }))
            }
        }
    }

    fn sequence(&mut self, tag: Option<&str>, place: Place) -> Result<Composed, Stop> {
        let mut items = Vec::new();
        let (mut size, mut height) = (1_u64, 0);
        loop {
            let event = self.next()?;
            if matches!(event.data, EventData::SequenceEnd) {
                break;
            }
            let item = self.node(event)?;
            size = size.saturating_add(item.size);
            height = height.max(item.height);
            items.push(item.node);
        }
        let tag = self.collection_tag(tag, "seq", &place);
        let node = Node { place, tag, kind: NodeKind::Seq(Arc::new(items)) };
        Ok(Composed { node, size, height: height + 1 })
    }

    fn mapping(&mut self, tag: Option<&str>, start: usize, place: Place) -> Result<Composed, Stop> {
        let mut entries = Entries::default();
        let (mut size, mut height) = (1_u64, 0);
        loop {
            let event = self.next()?;
            if matches!(event.data, EventData::MappingEnd) {
                break;
            }
            let key = self.key(event, start)?;
            let event = self.next()?;
            let value = self.node(event)?;
            size = size.saturating_add(value.size).saturating_add(1);
            height = height.max(value.height);
            match key {
                Key::Merge(place) => entries.merge(&place, &value.node, &mut self.diagnostics),
                Key::Node(key) => {
                    let diagnostics = if self.json { None } else { Some(&mut self.diagnostics) };
                    entries.insert(key, value.node, diagnostics);
                }
                Key::Unusable => {}
            }
        }
        let tag = self.collection_tag(tag, "map", &place);
        let node = Node { place, tag, kind: NodeKind::Map(Arc::new(entries.finish())) };
        Ok(Composed { node, size, height: height + 1 })
    }

    /// The key of a mapping that starts at an offset.
    fn key(&mut self, event: Event, mapping: usize) -> Result<Key, Stop> {
        let start = event.start_mark.index as usize;
        if let EventData::Scalar { tag, value, plain_implicit, .. } = &event.data {
            let untagged = tag.as_deref().is_none_or(|tag| tag == "!");
            let merge = if untagged {
                *plain_implicit && value == "<<"
            } else {
                tag.as_deref().and_then(|tag| tag.strip_prefix(CORE)) == Some("merge")
            };
            if merge {
                return Ok(Key::Merge(self.place(&event).with_length(2)));
            }
            if untagged && *plain_implicit && value == "=" {
                let place = self.place(&event);
                let text = Text::new(Arc::from("="), place.clone());
                return Ok(Key::Node(Node { place, tag: None, kind: NodeKind::Str(text) }));
            }
        }
        let node = self.node(event)?.node;
        if !matches!(node.kind, NodeKind::Seq(_) | NodeKind::Map(_)) {
            return Ok(Key::Node(node));
        }
        // `{{ x }}` reads as a mapping whose key is a mapping
        if start == mapping + 1 && self.feed.text.get(mapping..).is_some_and(|text| text.starts_with("{{")) {
            self.diagnostics.push(hints::unquoted_template(mapping, self.positions));
        } else {
            self.error(
                format!("{} cannot be a key", node.describe()),
                &node.place,
                "keys are texts, numbers, booleans or nothing",
            );
        }
        Ok(Key::Unusable)
    }

    /// The tag to keep of a list (`seq`) or mapping (`map`).
    fn collection_tag(&mut self, tag: Option<&str>, own: &str, place: &Place) -> Option<Arc<str>> {
        let tag = tag?;
        if tag == "!" || tag.is_empty() {
            return None;
        }
        match tag.strip_prefix(CORE) {
            Some(name) if name == own => None,
            Some("python/dict") if own == "map" => None,
            Some(name @ ("set" | "omap" | "pairs" | "binary" | "timestamp")) => {
                self.unsupported_tag(name, place);
                None
            }
            Some(name @ ("str" | "int" | "float" | "bool" | "null" | "seq" | "map")) => {
                let what = if own == "map" { "a mapping" } else { "a list" };
                self.error(format!("the tag `!!{name}` does not fit {what}"), place, "");
                None
            }
            _ if tag == "!unsafe" => Some(Arc::from(tag)),
            _ if ANSIBLE_TAGS.contains(&tag) => {
                self.error(format!("the tag `{tag}` needs a text"), place, "");
                None
            }
            _ => {
                self.unknown_tag(tag, place);
                None
            }
        }
    }

    pub(super) fn unsupported_tag(&mut self, name: &str, place: &Place) {
        let message = format!("the tag `!!{name}` is not supported");
        self.diagnostics.push(Diagnostic::error(Kind::Unsupported, message).at(place));
    }

    pub(super) fn unknown_tag(&mut self, tag: &str, place: &Place) {
        let shown = tag.strip_prefix(CORE).map_or_else(|| tag.to_owned(), |name| format!("!!{name}"));
        let hint = did_you_mean(&shown, ANSIBLE_TAGS)
            .unwrap_or_else(|| "a text that starts with `!` has to be in quotes".to_owned());
        let place = place.clone().with_length(shown.chars().count() as u32);
        self.error(format!("unknown tag `{shown}`"), &place, &hint);
    }
}
