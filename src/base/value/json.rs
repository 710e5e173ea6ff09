//! Values as Python's `json.dumps` writes them: `True` is `true`, `1.0` stays `1.0`, infinite numbers have names.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt::Write;

use super::{Key, Map, Value};

/// How JSON is written: the keyword arguments of `json.dumps`.
#[derive(Clone, Debug)]
pub struct JsonStyle<'a> {
    /// What each level is indented by; without it all is on one line.
    pub indent: Option<Cow<'a, str>>,
    /// What stands between items.
    pub item_separator: Cow<'a, str>,
    /// What stands between a key and its value.
    pub key_separator: Cow<'a, str>,
    /// Whether all but ASCII is escaped (`ensure_ascii`).
    pub ascii: bool,
    /// Whether keys are sorted by their texts.
    pub sorted: bool,
}

impl JsonStyle<'_> {
    /// On one line, escaped to ASCII, in the order of the mapping.
    pub const LINE: JsonStyle<'static> = JsonStyle {
        indent: None,
        item_separator: Cow::Borrowed(", "),
        key_separator: Cow::Borrowed(": "),
        ascii: true,
        sorted: false,
    };

    /// Over lines, with an indent of so many spaces.
    pub fn indented(spaces: usize) -> Self {
        JsonStyle {
            indent: Some(Cow::Owned(" ".repeat(spaces))),
            item_separator: Cow::Borrowed(","),
            ..JsonStyle::LINE
        }
    }

    /// The JSON of a value. What is neither data nor text (templates, secrets, unknown values) is written as its
    /// text.
    pub fn text(&self, value: &Value) -> String {
        let as_text = &mut |value: &Value| Ok::<_, Infallible>(value.to_text());
        match self.try_text(value, as_text) {
            Ok(text) => text,
            Err(never) => match never {},
        }
    }

    /// The JSON of a value; `other` gives the text of what is neither data nor text.
    ///
    /// # Errors
    /// What `other` refuses.
    pub fn try_text<E>(
        &self,
        value: &Value,
        other: &mut dyn FnMut(&Value) -> Result<String, E>,
    ) -> Result<String, E> {
        let mut out = String::new();
        self.write(value, 0, other, &mut out)?;
        Ok(out)
    }

    fn write<E>(
        &self,
        value: &Value,
        depth: usize,
        other: &mut dyn FnMut(&Value) -> Result<String, E>,
        out: &mut String,
    ) -> Result<(), E> {
        match value {
            Value::Null | Value::Omit => out.push_str("null"),
            Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Value::Float(number) if number.is_nan() => out.push_str("NaN"),
            Value::Float(number) if number.is_infinite() => {
                out.push_str(if *number > 0.0 { "Infinity" } else { "-Infinity" });
            }
            Value::Int(_) | Value::Float(_) => out.push_str(&value.to_text()),
            Value::Str(text) => self.string(text, out),
            Value::Moment(moment) => self.string(&moment.to_iso(), out),
            Value::Template(_) | Value::Secret(_) | Value::Unknown(_) => self.string(&other(value)?, out),
            Value::List(items) if items.is_empty() => out.push_str("[]"),
            Value::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    self.before(index, depth + 1, out);
                    self.write(item, depth + 1, other, out)?;
                }
                self.line(depth, out);
                out.push(']');
            }
            Value::Map(entries) if entries.is_empty() => out.push_str("{}"),
            Value::Map(entries) => {
                out.push('{');
                for (index, (key, value)) in self.in_order(entries).into_iter().enumerate() {
                    self.before(index, depth + 1, out);
                    self.string(&key, out);
                    out.push_str(&self.key_separator);
                    self.write(value, depth + 1, other, out)?;
                }
                self.line(depth, out);
                out.push('}');
            }
        }
        Ok(())
    }

    fn in_order<'v>(&self, entries: &'v Map) -> Vec<(String, &'v Value)> {
        let mut keyed: Vec<_> = entries.iter().map(|(key, value)| (key_text(key), value)).collect();
        if self.sorted {
            keyed.sort_by(|(one, _), (other, _)| one.cmp(other));
        }
        keyed
    }

    fn before(&self, index: usize, depth: usize, out: &mut String) {
        if index > 0 {
            out.push_str(&self.item_separator);
        }
        self.line(depth, out);
    }

    fn line(&self, depth: usize, out: &mut String) {
        if let Some(indent) = &self.indent {
            out.push('\n');
            out.push_str(&indent.repeat(depth));
        }
    }

    fn string(&self, text: &str, out: &mut String) {
        out.push('"');
        for c in text.chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\x08' => out.push_str("\\b"),
                '\x0c' => out.push_str("\\f"),
                c if (c as u32) < 0x20 || (self.ascii && (!c.is_ascii() || c == '\x7f')) => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        // writing to a text cannot fail
                        let _ = write!(out, "\\u{unit:04x}");
                    }
                }
                c => out.push(c),
            }
        }
        out.push('"');
    }
}

fn key_text(key: &Key) -> String {
    match key {
        Key::Bool(true) => "true".to_owned(),
        Key::Bool(false) => "false".to_owned(),
        Key::Null => "null".to_owned(),
        other => other.to_value().to_text(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_python_writes_it() {
        let value = Value::map(crate::map! {
            "b" => Value::list([Value::Null, Value::from(1), Value::Float(2.0), Value::Bool(true)]),
            "a" => "é\"\n\x1b😀",
            "c" => Value::list([]),
        });
        assert_eq!(
            JsonStyle::LINE.text(&value),
            r#"{"b": [null, 1, 2.0, true], "a": "\u00e9\"\n\u001b\ud83d\ude00", "c": []}"#
        );
        let style = JsonStyle { ascii: false, sorted: true, ..JsonStyle::indented(4) };
        assert_eq!(
            style.text(&value),
            "{\n    \"a\": \"é\\\"\\n\\u001b😀\",\n    \"b\": [\n        null,\n        1,\n        2.0,\n        true\n    ],\n    \
             \"c\": []\n}"
        );
        assert_eq!(JsonStyle::LINE.text(&Value::Float(f64::NEG_INFINITY)), "-Infinity");
    }
}
