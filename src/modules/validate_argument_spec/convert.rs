//! The types of argument specs: what a value becomes, or why it cannot. As Ansible's `check_type_…`; the texts of
//! errors quote Python's type names, without those of Ansible's own wrappers.

use std::fmt;

use crate::base::{Key, Map, Value};

/// A value as Python's `str()` shows it.
pub(super) struct Shown<'v>(pub(super) &'v Value);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_text())
    }
}

/// The name of a value's type in Python.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        other => other.type_name(),
    }
}

/// A value's type as Python prints it: `<class 'int'>`.
pub(super) fn python_type(value: &Value) -> String {
    format!("<class '{}'>", type_name(value))
}

/// Whether Python takes a value for true; what is not there is not.
pub(super) fn truthy(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null | Value::Omit) => false,
        Some(Value::Bool(value)) => *value,
        Some(Value::Int(number)) => *number != 0,
        Some(Value::Float(number)) => *number != 0.0,
        Some(Value::Str(text)) => !text.is_empty(),
        Some(Value::List(items)) => !items.is_empty(),
        Some(Value::Map(entries)) => !entries.is_empty(),
        Some(Value::Moment(_) | Value::Template(_) | Value::Secret(_) | Value::Unknown(_)) => true,
    }
}

/// Python's `==` between values of specs and of arguments.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    let number = |value: &Value| match value {
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    };
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a.total_cmp(&b).is_eq() || (a == 0.0 && b == 0.0),
        _ => match (a, b) {
            (Value::Secret(secret), Value::Str(text)) | (Value::Str(text), Value::Secret(secret)) => {
                secret.reveal() == &**text
            }
            _ => a == b,
        },
    }
}

/// The choice that a text `True` or `False` stands for: YAML may have made a boolean of `yes` or `off`.
pub(super) fn boolean_choice(value: &Value, choices: &[Value]) -> Option<Value> {
    let words: &[&str] = match value.as_str()? {
        "True" => TRUE,
        "False" => FALSE,
        _ => return None,
    };
    let wanted = words.first() == TRUE.first();
    let fits = |choice: &Value| match choice {
        Value::Str(text) => words.contains(&&**text),
        other => same(other, &Value::Bool(wanted)),
    };
    let mut found: Vec<&Value> = Vec::new();
    for choice in choices.iter().filter(|choice| fits(choice)) {
        if !found.iter().any(|known| same(known, choice)) {
            found.push(choice);
        }
    }
    match found.as_slice() {
        [only] => Some(Value::clone(only)),
        _ => None,
    }
}

const TRUE: &[&str] = &["y", "yes", "on", "1", "true", "t"];
const FALSE: &[&str] = &["n", "no", "off", "0", "false", "f"];

/// A value as one of that type.
pub(super) fn convert(kind: &str, value: &Value) -> Result<Value, String> {
    if let (Value::Secret(secret), false) = (value, matches!(kind, "str" | "path" | "raw")) {
        let converted = convert(kind, &Value::str(secret.reveal()));
        return converted.map_err(|_| "the value is a secret".to_owned());
    }
    match kind {
        "str" | "path" => Ok(match value {
            Value::Str(_) | Value::Secret(_) => value.clone(),
            Value::Null => Value::str(""),
            other => Value::from(other.to_text()),
        }),
        "raw" => Ok(value.clone()),
        "bool" => boolean(value),
        "int" => integer(value),
        "float" => float(value),
        "list" => list(value),
        "dict" => dict(value),
        "json" | "jsonarg" => json(value),
        "bytes" => size(value, Unit::Bytes),
        "bits" => size(value, Unit::Bits),
        _ => Err("'NoneType' object is not callable".to_owned()),
    }
}

fn boolean(value: &Value) -> Result<Value, String> {
    let found = match value {
        Value::Bool(_) => return Ok(value.clone()),
        Value::Str(text) => {
            let text = text.trim().to_lowercase();
            let is = |words: &[&str]| words.contains(&text.as_str());
            if is(TRUE) { Some(true) } else { is(FALSE).then_some(false) }
        }
        Value::Int(_) | Value::Float(_) => {
            let is = |wanted| same(value, &Value::Bool(wanted));
            if is(true) { Some(true) } else { is(false).then_some(false) }
        }
        other => return Err(format!("{} cannot be converted to a bool", python_type(other))),
    };
    found.map(Value::Bool).ok_or_else(|| {
        format!(
            "The value '{}' is not a valid boolean. Valid booleans include: \
             'y', 'yes', 'on', '1', 'true', 't', 1, 'n', 'no', 'off', '0', 'false', 'f', 0",
            Shown(value)
        )
    })
}

fn integer(value: &Value) -> Result<Value, String> {
    let whole = |number: f64| (number.is_finite() && number.fract() == 0.0).then_some(number as i128);
    let found = match value {
        Value::Int(_) | Value::Bool(_) => return Ok(value.clone()),
        Value::Float(number) => whole(*number),
        Value::Str(text) => {
            let text = text.trim().replace('_', "");
            text.parse().ok().or_else(|| text.parse().ok().and_then(whole))
        }
        _ => None,
    };
    found.map(Value::Int).ok_or_else(|| format!("\"{}\" cannot be converted to an int", value.to_repr()))
}

fn float(value: &Value) -> Result<Value, String> {
    let found = match value {
        Value::Float(number) => Some(*number),
        Value::Int(number) => Some(*number as f64),
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        Value::Str(text) => text.trim().replace('_', "").parse().ok(),
        _ => None,
    };
    found.map(Value::Float).ok_or_else(|| format!("{} cannot be converted to a float", python_type(value)))
}

fn list(value: &Value) -> Result<Value, String> {
    match value {
        Value::List(_) => Ok(value.clone()),
        Value::Str(text) => Ok(Value::list(text.split(',').map(Value::str))),
        Value::Int(_) | Value::Float(_) | Value::Bool(_) => Ok(Value::list([Value::from(value.to_text())])),
        other => Err(format!("{} cannot be converted to a list", python_type(other))),
    }
}

fn dict(value: &Value) -> Result<Value, String> {
    let text = match value {
        Value::Map(_) => return Ok(value.clone()),
        Value::Str(text) => text,
        other => return Err(format!("{} cannot be converted to a dict", python_type(other))),
    };
    if text.starts_with('{') {
        let json = serde_json::from_str(text).or_else(|_| serde_json::from_str(&json_of_literal(text)));
        let found: Result<serde_json::Value, _> = json;
        return match found {
            Ok(json) if json.is_object() => Ok(Value::from_json(&json)),
            _ => Err("unable to evaluate string as dictionary".to_owned()),
        };
    }
    if !text.contains('=') {
        return Err("dictionary requested, could not parse JSON or key=value".to_owned());
    }
    let mut entries = Map::new();
    for field in fields(text.trim()) {
        let Some((name, value)) = field.split_once('=') else {
            let message = "unable to evaluate string in the \"key=value\" format as dictionary";
            return Err(message.to_owned());
        };
        entries.insert(Key::str(name), Value::str(value));
    }
    Ok(Value::from(entries))
}

/// A literal of Python's as JSON, as far as it has a like one.
fn json_of_literal(text: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    let mut chars = text.chars();
    let flush = |word: &mut String, out: &mut String| {
        out.push_str(match word.as_str() {
            "True" => "true",
            "False" => "false",
            "None" => "null",
            other => other,
        });
        word.clear();
    };
    while let Some(c) = chars.next() {
        if c.is_alphabetic() {
            word.push(c);
            continue;
        }
        flush(&mut word, &mut out);
        if c != '\'' && c != '"' {
            out.push(c);
            continue;
        }
        let mut quoted = String::new();
        while let Some(inner) = chars.next() {
            match inner {
                '\\' => match chars.next() {
                    Some('n') => quoted.push('\n'),
                    Some('t') => quoted.push('\t'),
                    Some(other) => quoted.push(other),
                    None => {}
                },
                end if end == c => break,
                other => quoted.push(other),
            }
        }
        out.push_str(&serde_json::Value::from(quoted).to_string());
    }
    flush(&mut word, &mut out);
    out
}

/// The `key=value` fields of a text, between commas and blanks; quotes and backslashes are taken away.
fn fields(text: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut field = String::new();
    let mut quote = None;
    let mut escaped = false;
    for c in text.chars() {
        if escaped {
            field.push(c);
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if quote.is_none() && matches!(c, '\'' | '"') {
            quote = Some(c);
        } else if quote == Some(c) {
            quote = None;
        } else if quote.is_none() && matches!(c, ',' | ' ') {
            fields.push(std::mem::take(&mut field));
        } else {
            field.push(c);
        }
    }
    fields.push(field);
    fields.retain(|field| !field.is_empty());
    fields
}

fn json(value: &Value) -> Result<Value, String> {
    match value {
        Value::Str(text) => Ok(Value::str(text.trim())),
        Value::List(_) | Value::Map(_) => Ok(Value::from(value.to_json().to_string())),
        other => Err(format!("{} cannot be converted to a json string", python_type(other))),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Bytes,
    Bits,
}

/// A size that people write: `10`, `1.5 G`, `20MB`, `3 kilobits`.
fn size(value: &Value, unit: Unit) -> Result<Value, String> {
    const PREFIXES: &[(&str, &str)] = &[
        ("B", ""),
        ("K", "kilo"),
        ("M", "mega"),
        ("G", "giga"),
        ("T", "tera"),
        ("P", "peta"),
        ("E", "exa"),
        ("Z", "zeta"),
        ("Y", "yotta"),
    ];
    let (letter, word, name) = match unit {
        Unit::Bytes => ("B", "byte", "Byte"),
        Unit::Bits => ("b", "bit", "Bit"),
    };
    let read = || {
        let text = value.to_text();
        let text = text.trim_end();
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, given) = text.split_at_checked(digits)?;
        if number.ends_with('.') {
            return None;
        }
        let number: f64 = number.parse().ok()?;
        let given = given.trim_start();
        let Some(first) = given.chars().next() else { return Some(number) };
        let at = PREFIXES
            .iter()
            .position(|(prefix, _)| first.eq_ignore_ascii_case(&prefix.chars().next().unwrap_or(' ')))?;
        let (prefix, long) = PREFIXES.get(at)?;
        let short = if at == 0 { letter.to_owned() } else { format!("{prefix}{letter}") };
        let fits = given.len() == 1 || given.to_lowercase() == format!("{long}{word}") || given == short;
        fits.then(|| number * 1024f64.powi(i32::try_from(at).unwrap_or(0)))
    };
    read()
        .map(|bytes| Value::Int(bytes.round_ties_even() as i128))
        .ok_or_else(|| format!("{} cannot be converted to a {name} value", python_type(value)))
}
