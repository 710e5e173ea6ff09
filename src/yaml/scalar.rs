//! Scalars: their tags, what they resolve to, and where their text begins.

use std::sync::Arc;

use libyaml_safer::ScalarStyle;

use super::compose::{ANSIBLE_TAGS, CORE, Composer};
use super::resolve::{self, Implicit};
use super::{Node, NodeKind, Text};
use crate::base::{Diagnostic, Kind, Place};

/// The properties of a scalar event.
pub(super) struct Scalar {
    pub(super) tag: Option<String>,
    pub(super) value: String,
    /// Whether it is resolved by its text alone.
    pub(super) plain: bool,
    pub(super) style: ScalarStyle,
    /// The byte offset of its first character, tag and anchor included.
    pub(super) start: usize,
    /// The byte offset behind it.
    pub(super) end: u64,
}

impl Composer<'_> {
    /// The node of a scalar.
    pub(super) fn scalar(&mut self, mut scalar: Scalar) -> Node {
        let block = matches!(scalar.style, ScalarStyle::Literal | ScalarStyle::Folded);
        if block && self.feed.lent_break(&scalar.value, scalar.end) {
            scalar.value.pop();
        }
        let place = if block {
            self.positions.place(scalar.start)
        } else {
            self.positions.range(scalar.start, scalar.end as usize)
        };
        let (kind, tag) = self.scalar_kind(&scalar, &place);
        Node { place, tag, kind }
    }

    fn scalar_kind(&mut self, scalar: &Scalar, place: &Place) -> (NodeKind, Option<Arc<str>>) {
        let tag = scalar.tag.as_deref().filter(|tag| *tag != "!" && !tag.is_empty());
        let Some(tag) = tag else {
            let kind = if scalar.plain { self.plain(scalar, place) } else { self.text(scalar) };
            return (kind, None);
        };
        let value = scalar.value.as_str();
        let kind = match tag.strip_prefix(CORE) {
            Some("str" | "python/unicode") => self.text(scalar),
            Some(name @ "timestamp") => self.converted(name, scalar, place, self.moment(scalar)),
            Some("null") => NodeKind::Null,
            Some(name @ "bool") => {
                self.converted(name, scalar, place, resolve::boolean(value).map(NodeKind::Bool))
            }
            Some(name @ "int") => {
                self.converted(name, scalar, place, resolve::integer(value).map(NodeKind::Int))
            }
            Some(name @ "float") => {
                self.converted(name, scalar, place, resolve::float(value).map(NodeKind::Float))
            }
            Some(name @ ("seq" | "map")) => self.converted(name, scalar, place, None),
            Some(name @ ("set" | "omap" | "pairs" | "binary")) => {
                self.unsupported_tag(name, place);
                self.text(scalar)
            }
            _ if tag == "!unsafe" => return (self.plain(scalar, place), Some(Arc::from(tag))),
            // what is tagged is resolved as if it stood there plain
            _ if ANSIBLE_TAGS.contains(&tag) => {
                let kind = self.plain(scalar, place);
                if !matches!(kind, NodeKind::Str(_)) {
                    self.error(format!("the tag `{tag}` needs a text"), place, "");
                }
                return (self.text(scalar), Some(Arc::from(tag)));
            }
            _ => {
                self.unknown_tag(tag, place);
                self.text(scalar)
            }
        };
        (kind, None)
    }

    fn converted(&mut self, tag: &str, scalar: &Scalar, place: &Place, kind: Option<NodeKind>) -> NodeKind {
        kind.unwrap_or_else(|| {
            self.error(format!("`{}` does not fit the tag `!!{tag}`", scalar.value), place, "");
            NodeKind::Null
        })
    }

    fn plain(&mut self, scalar: &Scalar, place: &Place) -> NodeKind {
        let value = scalar.value.as_str();
        if self.json
            && let Some(number) = resolve::json_number(value)
        {
            return number;
        }
        let (kind, what) = match resolve::implicit(value) {
            Implicit::Null => (Some(NodeKind::Null), ""),
            Implicit::Bool => (resolve::boolean(value).map(NodeKind::Bool), "boolean"),
            Implicit::Int => match resolve::integer(value) {
                Some(number) => (Some(NodeKind::Int(number)), ""),
                None => (self.large_integer(scalar, place), "integer"),
            },
            Implicit::Float => (resolve::float(value).map(NodeKind::Float), "number"),
            Implicit::Str => (Some(self.text(scalar)), ""),
            Implicit::Timestamp => (self.moment(scalar), "date"),
            Implicit::Merge | Implicit::Value => (None, "value"),
        };
        kind.unwrap_or_else(|| {
            self.error(
                format!("`{value}` is not a {what} that can be read").replace("a integer", "an integer"),
                place,
                "put it in quotes to make it a text",
            );
            NodeKind::Null
        })
    }

    /// An integer beyond 128 bits: the text of its decimal digits, which is what modules and templates see of it.
    fn large_integer(&mut self, scalar: &Scalar, place: &Place) -> Option<NodeKind> {
        let text = Arc::from(resolve::large_integer(&scalar.value)?);
        let warning =
            Diagnostic::warning(Kind::Yaml, format!("`{}` is read as a number, `{text}`", scalar.value))
                .at(place)
                .hint("put it in quotes to make it a text");
        self.diagnostics.push(warning);
        Some(NodeKind::Str(Text::new(text, self.text_place(scalar))))
    }

    /// A text that is a date or a moment.
    fn moment(&self, scalar: &Scalar) -> Option<NodeKind> {
        let moment = resolve::moment(&scalar.value)?;
        let text = Text::new(Arc::from(scalar.value.as_str()), self.text_place(scalar));
        Some(NodeKind::Str(Text { moment: Some(moment), ..text }))
    }

    fn text(&self, scalar: &Scalar) -> NodeKind {
        let place = self.text_place(scalar);
        NodeKind::Str(Text::new(Arc::from(scalar.value.as_str()), place))
    }

    /// Where the first character of a text stands.
    fn text_place(&self, scalar: &Scalar) -> Place {
        let start = content_start(self.feed.text, scalar.start);
        match scalar.style {
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => self.positions.place(start + 1),
            ScalarStyle::Literal | ScalarStyle::Folded => self.block_place(start, &scalar.value),
            _ => self.positions.place(start),
        }
    }

    /// The line below the indicator of a block scalar, and the column to which it is indented.
    fn block_place(&self, indicator: usize, value: &str) -> Place {
        let mut place = self.positions.place(indicator);
        place.line += 1;
        let spaces = |line: &str| line.chars().take_while(|c| *c == ' ').count();
        let below = self.feed.text.get(indicator..).unwrap_or_default().lines().skip(1);
        let written = below.map(|line| (line, spaces(line))).find(|(line, count)| line.len() > *count);
        let read = value.lines().map(|line| (line, spaces(line))).find(|(line, count)| line.len() > *count);
        place.column = match (written, read) {
            (Some((_, written)), Some((_, read))) => written.saturating_sub(read) as u32 + 1,
            _ => 1,
        };
        place
    }
}

/// Skips tag, anchor and what separates them from the content of a scalar.
fn content_start(text: &str, start: usize) -> usize {
    let mut rest = text.get(start..).unwrap_or_default();
    if !rest.starts_with(['!', '&']) {
        return start;
    }
    loop {
        rest = rest.trim_start();
        if rest.starts_with(['!', '&']) {
            rest = rest.find(char::is_whitespace).and_then(|end| rest.get(end..)).unwrap_or_default();
        } else if rest.starts_with('#') {
            rest = rest.find('\n').and_then(|end| rest.get(end..)).unwrap_or_default();
        } else {
            return text.len() - rest.len();
        }
    }
}
