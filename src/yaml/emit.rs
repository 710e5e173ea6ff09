//! Values as YAML: the text that Ansible's `to_yaml` and `to_nice_yaml` print (PyYAML's safe dumper on libyaml).

use std::borrow::Cow;
use std::fmt::Write;

use libyaml_safer::{Emitter, Encoding, Event, MappingStyle, ScalarStyle, SequenceStyle};

use super::resolve::{self, Implicit};
use crate::base::{Key, TextForm, Value};

/// How to print. The default is `to_yaml`'s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmitOptions {
    /// Spaces per level, from 2 to 9; anything else means 2.
    pub indent: Option<i32>,
    /// The width in characters that lines are broken at; 80 where it is not given, negative for no limit.
    pub width: Option<i32>,
    /// Whether keys are sorted (where they can be compared, as in Python).
    pub sort_keys: bool,
    /// Whether collections are in brackets: always, never, or those that hold scalars only.
    pub default_flow_style: Option<bool>,
    /// The style of every scalar: `'`, `"`, `|` or `>`.
    pub default_style: Option<char>,
    /// Whether texts of several lines are blocks (`|`).
    pub literal_lines: bool,
    /// Whether characters outside ASCII are printed as they are.
    pub allow_unicode: bool,
    /// Whether the text starts with `---`.
    pub explicit_start: bool,
    /// Whether the text ends with `...`.
    pub explicit_end: bool,
    /// Whether everything is tagged and quoted.
    pub canonical: bool,
}

impl Default for EmitOptions {
    fn default() -> Self {
        Self {
            indent: None,
            width: None,
            sort_keys: true,
            default_flow_style: None,
            default_style: None,
            literal_lines: false,
            allow_unicode: true,
            explicit_start: false,
            explicit_end: false,
            canonical: false,
        }
    }
}

impl EmitOptions {
    /// The options of `to_nice_yaml`.
    pub fn nice() -> Self {
        Self { indent: Some(4), default_flow_style: Some(false), ..Self::default() }
    }
}

/// A value as YAML. Secrets and unknown values appear masked, templates as they are written.
pub fn to_yaml(value: &Value, options: &EmitOptions) -> String {
    let mut events =
        vec![Event::stream_start(Encoding::Utf8), Event::document_start(None, &[], !options.explicit_start)];
    push(value, options, &mut events);
    events.push(Event::document_end(!options.explicit_end));
    events.push(Event::stream_end());
    // writing to memory cannot fail, and every event is valid; JSON is YAML all the same
    emit(events, options).unwrap_or_else(|| format!("{}\n", value.to_json()))
}

fn emit(events: Vec<Event>, options: &EmitOptions) -> Option<String> {
    let mut bytes = Vec::new();
    {
        let mut emitter = Emitter::new();
        emitter.set_output_string(&mut bytes);
        emitter.set_unicode(options.allow_unicode);
        emitter.set_canonical(options.canonical);
        if let Some(indent) = options.indent {
            emitter.set_indent(indent);
        }
        if let Some(width) = options.width {
            emitter.set_width(width);
        }
        for event in events {
            emitter.emit(event).ok()?;
        }
        emitter.flush().ok()?;
    }
    String::from_utf8(bytes).ok().map(|text| escape_wide(&text))
}

/// Stands before four letters for a character beyond U+FFFF: libyaml escapes those (`\U0001F600`), `libyaml-safer`
/// does not. It is escaped itself, and with the letters it is as wide as the escape sequence that replaces it.
const WIDE: char = '\u{fffe}';
const WIDE_ESCAPED: &str = "\\uFFFE";

fn mark_wide(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| c > '\u{ffff}') {
        return Cow::Borrowed(text);
    }
    let mut marked = String::with_capacity(text.len() * 2);
    for character in text.chars() {
        if character > '\u{ffff}' {
            marked.push(WIDE);
            let number = character as u32;
            marked.extend([18, 12, 6, 0].map(|shift| letter((number >> shift) & 63)));
        } else {
            marked.push(character);
        }
    }
    Cow::Owned(marked)
}

/// Letters in the order of ASCII from `0` on: none of them means anything to the emitter.
const LETTERS: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz.";

fn letter(number: u32) -> char {
    LETTERS.get(number as usize).map_or('0', |letter| char::from(*letter))
}

fn wide(letters: &str) -> Option<u32> {
    letters.bytes().try_fold(0, |sum, byte| {
        let number = LETTERS.iter().position(|letter| *letter == byte)?;
        Some(sum * 64 + number as u32)
    })
}

fn escape_wide(text: &str) -> String {
    let mut parts = text.split(WIDE_ESCAPED);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let decoded = part.get(..4).and_then(wide).zip(part.get(4..));
        match decoded {
            Some((number, rest)) => {
                let _ = write!(out, "\\U{number:08X}{rest}");
            }
            None => {
                out.push_str(WIDE_ESCAPED);
                out.push_str(part);
            }
        }
    }
    out
}

fn push(value: &Value, options: &EmitOptions, events: &mut Vec<Event>) {
    match value {
        Value::Null | Value::Omit => push_scalar("null", "null", Implicit::Null, options, events),
        Value::Bool(value) => {
            push_scalar(if *value { "true" } else { "false" }, "bool", Implicit::Bool, options, events);
        }
        Value::Int(number) => push_scalar(&number.to_string(), "int", Implicit::Int, options, events),
        Value::Float(number) => push_scalar(&float_text(*number), "float", Implicit::Float, options, events),
        Value::Template(sealed) if sealed.form == TextForm::Sealed => {
            let text = sealed.text.as_ref();
            events.push(Event::scalar(None, Some("!vault"), text, false, false, ScalarStyle::Literal));
        }
        Value::Moment(moment) => {
            let text = moment.to_text();
            push_scalar(&text, "timestamp", Implicit::Timestamp, options, events);
        }
        Value::Str(_) | Value::Template(_) | Value::Secret(_) | Value::Unknown(_) => {
            push_scalar(&value.to_text(), "str", Implicit::Str, options, events);
        }
        Value::List(items) => {
            let flow = flow_style(items.iter(), options);
            let style = if flow { SequenceStyle::Flow } else { SequenceStyle::Block };
            events.push(Event::sequence_start(None, Some("tag:yaml.org,2002:seq"), true, style));
            items.iter().for_each(|item| push(item, options, events));
            events.push(Event::sequence_end());
        }
        Value::Map(map) => {
            let mut entries: Vec<(&Key, &Value)> = map.iter().collect();
            if options.sort_keys {
                sort(&mut entries);
            }
            let flow = flow_style(map.values(), options);
            let style = if flow { MappingStyle::Flow } else { MappingStyle::Block };
            events.push(Event::mapping_start(None, Some("tag:yaml.org,2002:map"), true, style));
            for (key, value) in entries {
                push(&key.to_value(), options, events);
                push(value, options, events);
            }
            events.push(Event::mapping_end());
        }
    }
}

fn flow_style<'v>(mut items: impl Iterator<Item = &'v Value>, options: &EmitOptions) -> bool {
    options.default_flow_style.unwrap_or_else(|| {
        options.default_style.is_none()
            && items.all(|item| match item {
                Value::List(_) | Value::Map(_) => false,
                // it is a block of lines
                Value::Template(sealed) => sealed.form != TextForm::Sealed,
                _ => true,
            })
    })
}

fn push_scalar(text: &str, tag: &str, own: Implicit, options: &EmitOptions, events: &mut Vec<Event>) {
    let style = match options.default_style {
        Some('\'') => ScalarStyle::SingleQuoted,
        Some('"') => ScalarStyle::DoubleQuoted,
        Some('|') => ScalarStyle::Literal,
        Some('>') => ScalarStyle::Folded,
        _ if options.literal_lines && text.contains(['\n', '\u{85}', '\u{2028}', '\u{2029}']) => {
            ScalarStyle::Literal
        }
        _ => ScalarStyle::Plain,
    };
    let plain = resolve::implicit(text) == own;
    let text = mark_wide(text);
    let tag = format!("tag:yaml.org,2002:{tag}");
    events.push(Event::scalar(None, Some(&tag), &text, plain, own == Implicit::Str, style));
}

/// A float as PyYAML prints it: `1.0e+20`, so that YAML 1.1 reads it as one.
fn float_text(number: f64) -> String {
    if number.is_nan() {
        return ".nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let text = Value::Float(number).to_repr();
    if text.contains('.') { text } else { text.replacen('e', ".0e", 1) }
}

/// Sorts by key where Python can compare all keys with each other, and leaves the order alone where not.
fn sort(entries: &mut [(&Key, &Value)]) {
    if entries.iter().all(|(key, _)| matches!(key, Key::Str(_))) {
        entries.sort_by(|(a, _), (b, _)| a.as_str().cmp(&b.as_str()));
    } else if entries.iter().all(|(key, _)| number(key).is_some()) {
        let rank = |key: &Key| number(key).unwrap_or_default();
        entries.sort_by(|(a, _), (b, _)| rank(a).total_cmp(&rank(b)));
    }
}

fn number(key: &Key) -> Option<f64> {
    match key {
        Key::Int(number) => Some(*number as f64),
        Key::Bool(value) => Some(f64::from(u8::from(*value))),
        Key::Float(text) => text.parse().ok(),
        Key::Str(_) | Key::Null => None,
    }
}
