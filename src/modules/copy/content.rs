//! The text of `content`: as it is, or as JSON in the way of Python's `json.dumps`.

use std::convert::Infallible;

use crate::base::{JsonStyle, Value};
use crate::modules::write_file::Show;

/// A text, and whether it may be shown.
pub(super) struct Text {
    pub(super) text: String,
    pub(super) show: Show,
}

/// The text of a value.
pub(super) fn text(value: &Value) -> Text {
    let mut show = Show::Text;
    let mut reveal = |value: &Value| match value {
        Value::Secret(secret) => {
            show = Show::Hidden;
            Ok::<_, Infallible>(secret.reveal().to_owned())
        }
        other => Ok(other.to_text()),
    };
    let text = match value {
        Value::List(_) | Value::Map(_) => JsonStyle::LINE.try_text(value, &mut reveal),
        other => reveal(other),
    };
    match text {
        Ok(text) => Text { text, show },
        Err(never) => match never {},
    }
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
