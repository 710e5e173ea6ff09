//! Values as Python's `json.dumps` writes them for Ansible's screen: keys sorted, characters outside ASCII as they are.

use std::fmt::Write;

use crate::base::{Key, Value};

/// A value on one line, or spread over lines with `indent` spaces per level.
pub(super) fn dump(value: &Value, indent: Option<usize>) -> String {
    let mut out = String::new();
    write(value, indent, 0, &mut out);
    out
}

fn line(indent: Option<usize>, depth: usize, out: &mut String) {
    if let Some(indent) = indent {
        out.push('\n');
        out.push_str(&" ".repeat(indent * depth));
    }
}

fn between(indent: Option<usize>, depth: usize, first: bool, out: &mut String) {
    if !first {
        out.push_str(if indent.is_some() { "," } else { ", " });
    }
    line(indent, depth, out);
}

fn write(value: &Value, indent: Option<usize>, depth: usize, out: &mut String) {
    match value {
        Value::Null | Value::Omit => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(number) => drop(write!(out, "{number}")),
        Value::Float(number) if number.is_nan() => out.push_str("NaN"),
        Value::Float(number) if number.is_infinite() => {
            out.push_str(if *number > 0.0 { "Infinity" } else { "-Infinity" });
        }
        Value::Float(_) => out.push_str(&value.to_text()),
        Value::Str(_) | Value::Template(_) | Value::Secret(_) | Value::Unknown(_) => {
            text(&value.to_text(), out);
        }
        Value::List(items) if items.is_empty() => out.push_str("[]"),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                between(indent, depth + 1, index == 0, out);
                write(item, indent, depth + 1, out);
            }
            line(indent, depth, out);
            out.push(']');
        }
        Value::Map(entries) if entries.is_empty() => out.push_str("{}"),
        Value::Map(entries) => {
            let mut keyed: Vec<(String, &Value)> =
                entries.iter().map(|(key, value)| (name(key), value)).collect();
            keyed.sort_by(|(one, _), (other, _)| one.cmp(other));
            out.push('{');
            for (index, (key, value)) in keyed.into_iter().enumerate() {
                between(indent, depth + 1, index == 0, out);
                text(&key, out);
                out.push_str(": ");
                write(value, indent, depth + 1, out);
            }
            line(indent, depth, out);
            out.push('}');
        }
    }
}

fn name(key: &Key) -> String {
    match key {
        Key::Bool(true) => "true".to_owned(),
        Key::Bool(false) => "false".to_owned(),
        Key::Null => "null".to_owned(),
        other => other.to_value().to_text(),
    }
}

fn text(text: &str, out: &mut String) {
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
            c if (c as u32) < 0x20 => drop(write!(out, "\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_python_writes_it() {
        let value = Value::map(crate::map! {
            "b" => Value::list([Value::Null, Value::from(1), Value::Float(1.5), Value::Bool(true)]),
            "a" => "é\"\n\x1b",
            "c" => Value::list([]),
        });
        assert_eq!(
            dump(&value, None),
            "{\"a\": \"é\\\"\\n\\u001b\", \"b\": [null, 1, 1.5, true], \"c\": []}"
        );
        assert_eq!(
            dump(&value, Some(4)),
            "{\n    \"a\": \"é\\\"\\n\\u001b\",\n    \"b\": [\n        null,\n        1,\n        1.5,\n        true\n    ],\n    \
             \"c\": []\n}"
        );
    }
}
