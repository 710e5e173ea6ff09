//! The text of `content`: as it is, or as JSON in the way of Python's `json.dumps`.

use std::fmt::Write;

use crate::base::Value;
use crate::modules::write_file::Show;

/// A text, and whether it may be shown.
pub(super) struct Text {
    pub(super) text: String,
    pub(super) show: Show,
}

/// The text of a value.
pub(super) fn text(value: &Value) -> Text {
    let mut made = Text { text: String::new(), show: Show::Text };
    match value {
        Value::List(_) | Value::Map(_) => json(value, &mut made),
        Value::Secret(secret) => made = Text { text: secret.reveal().to_owned(), show: Show::Hidden },
        other => made.text = other.to_text(),
    }
    made
}

fn json(value: &Value, made: &mut Text) {
    match value {
        Value::Null | Value::Omit => made.text.push_str("null"),
        Value::Bool(value) => made.text.push_str(if *value { "true" } else { "false" }),
        Value::Int(_) => made.text.push_str(&value.to_text()),
        Value::Float(number) if number.is_nan() => made.text.push_str("NaN"),
        Value::Float(number) if number.is_infinite() => {
            made.text.push_str(if *number > 0.0 { "Infinity" } else { "-Infinity" });
        }
        Value::Float(_) => made.text.push_str(&value.to_text()),
        Value::Str(text) => string(text, &mut made.text),
        Value::Secret(secret) => {
            made.show = Show::Hidden;
            string(secret.reveal(), &mut made.text);
        }
        Value::Template(_) | Value::Unknown(_) => string(&value.to_text(), &mut made.text),
        Value::List(items) => {
            made.text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    made.text.push_str(", ");
                }
                json(item, made);
            }
            made.text.push(']');
        }
        Value::Map(entries) => {
            made.text.push('{');
            for (index, (key, value)) in entries.iter().enumerate() {
                if index > 0 {
                    made.text.push_str(", ");
                }
                string(&key_text(key), &mut made.text);
                made.text.push_str(": ");
                json(value, made);
            }
            made.text.push('}');
        }
    }
}

fn key_text(key: &crate::base::Key) -> String {
    match key.to_value() {
        Value::Bool(true) => "true".to_owned(),
        Value::Bool(false) => "false".to_owned(),
        Value::Null => "null".to_owned(),
        other => other.to_text(),
    }
}

fn string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map;

    #[test]
    fn mappings_are_written_as_json_dumps_does() {
        let value = Value::from(map! {
            "a" => vec![Value::from(1), Value::from(2.0), Value::Null, Value::from(true)],
            "ü" => "tab\t\"x\" 😀",
        });
        let made = text(&value);
        assert_eq!(made.text, r#"{"a": [1, 2.0, null, true], "\u00fc": "tab\t\"x\" \ud83d\ude00"}"#);
        assert_eq!(made.show, Show::Text);
        assert_eq!(text(&Value::from(true)).text, "True");
    }

    #[test]
    fn a_secret_anywhere_hides_the_text() {
        let secret = Value::Secret(crate::base::Secret::new("pa\"ss"));
        let made = text(&Value::from(map! {"password" => secret.clone()}));
        assert_eq!((made.text.as_str(), made.show), (r#"{"password": "pa\"ss"}"#, Show::Hidden));
        assert_eq!(text(&secret).text, "pa\"ss");
    }
}
