//! Values as texts: Python's `str()` and `repr()`, which is what Jinja2 prints, and JSON.

use std::fmt::Write;

use super::{Key, Value};

impl Value {
    /// The text that Python's `str()` gives: `True`, `None`, `['a', 1]`. Secrets and unknowns appear masked.
    pub fn to_text(&self) -> String {
        match self {
            Self::Str(text) => text.to_string(),
            Self::Template(template) => template.text.to_string(),
            Self::Secret(_) => "‹secret›".to_owned(),
            Self::Unknown(unknown) => unknown.placeholder(),
            Self::Moment(moment) => moment.to_text(),
            other => other.to_repr(),
        }
    }

    /// The text that Python's `repr()` gives.
    pub fn to_repr(&self) -> String {
        let mut out = String::new();
        self.write_repr(&mut out);
        out
    }

    fn write_repr(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("None"),
            Self::Bool(true) => out.push_str("True"),
            Self::Bool(false) => out.push_str("False"),
            Self::Int(number) => {
                let _ = write!(out, "{number}");
            }
            Self::Float(number) => out.push_str(&float_text(*number)),
            Self::Str(text) => write_quoted(text, out),
            Self::Template(template) => write_quoted(&template.text, out),
            Self::Moment(moment) => out.push_str(&moment.to_repr()),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    item.write_repr(out);
                }
                out.push(']');
            }
            Self::Map(entries) => {
                out.push('{');
                for (index, (key, value)) in entries.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    key.to_value().write_repr(out);
                    out.push_str(": ");
                    value.write_repr(out);
                }
                out.push('}');
            }
            Self::Secret(_) => out.push_str("‹secret›"),
            Self::Unknown(unknown) => out.push_str(&unknown.placeholder()),
            Self::Omit => out.push_str("omit"),
        }
    }

    /// As JSON. Keys become texts as Python's `json.dumps` makes them; secrets and unknowns appear masked.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match self {
            Self::Null | Self::Omit => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Int(number) => i64::try_from(*number)
                .map(Json::from)
                .or_else(|_| u64::try_from(*number).map(Json::from))
                .unwrap_or_else(|_| number.to_string().parse().map_or(Json::Null, Json::Number)),
            Self::Float(number) => serde_json::Number::from_f64(*number).map_or(Json::Null, Json::Number),
            Self::Str(_) | Self::Template(_) | Self::Secret(_) | Self::Unknown(_) => {
                Json::String(self.to_text())
            }
            Self::Moment(moment) => Json::String(moment.to_iso()),
            Self::List(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Self::Map(entries) => {
                Json::Object(entries.iter().map(|(key, value)| (json_key(key), value.to_json())).collect())
            }
        }
    }

    /// From JSON; texts become plain texts.
    pub fn from_json(json: &serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => number
                .as_i64()
                .map(i128::from)
                .or_else(|| number.as_u64().map(i128::from))
                .or_else(|| number.to_string().parse().ok())
                .map_or_else(|| Self::Float(number.as_f64().unwrap_or(f64::NAN)), Self::Int),
            Json::String(text) => Self::str(text),
            Json::Array(items) => Self::list(items.iter().map(Self::from_json)),
            Json::Object(entries) => Self::map(
                entries.iter().map(|(key, value)| (Key::str(key), Self::from_json(value))).collect(),
            ),
        }
    }
}

fn json_key(key: &Key) -> String {
    match key {
        Key::Bool(true) => "true".to_owned(),
        Key::Bool(false) => "false".to_owned(),
        Key::Null => "null".to_owned(),
        other => other.to_string(),
    }
}

/// A float as Python prints it: `1.0`, `1e+20`, `inf`, `nan`.
pub(super) fn float_text(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let magnitude = number.abs();
    if magnitude != 0.0 && !(1e-4..1e16).contains(&magnitude) {
        let text = format!("{number:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
        return format!("{mantissa}e{sign}{digits:0>2}");
    }
    let text = format!("{number}");
    if text.contains('.') { text } else { format!("{text}.0") }
}

fn write_quoted(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if (c as u32) < 0x20 || c as u32 == 0x7f => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push(quote);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map;

    #[test]
    fn texts_are_pythons() {
        let value = Value::from(vec![
            Value::from("it's"),
            Value::Null,
            Value::Bool(true),
            Value::Float(1.0),
            Value::Float(1e20),
            Value::from(map! {"a" => 1, "b" => "x\n"}),
        ]);
        assert_eq!(value.to_text(), r#"["it's", None, True, 1.0, 1e+20, {'a': 1, 'b': 'x\n'}]"#);
        assert_eq!(Value::from("plain").to_text(), "plain");
    }

    #[test]
    fn json_there_and_back() {
        let json: serde_json::Value =
            serde_json::from_str(r#"{"a":[1,2.5,"x",null,true],"n":18446744073709551615}"#).unwrap();
        assert_eq!(Value::from_json(&json).to_json(), json);
    }
}
