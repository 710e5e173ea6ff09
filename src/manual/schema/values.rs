//! Values as Ansible takes them: what is meant, a text that reads as it, or a template.

use serde_json::{Value, json};

use super::{Entries, of};
use crate::modules::params::boolean_choice;

/// What a text has that is a template.
const TEMPLATE: &str = r"\{\{|\{%";

/// Letters of any case.
fn any_case(words: &[&str]) -> String {
    let either = |c: char| format!("[{}{}]", c.to_ascii_lowercase(), c.to_ascii_uppercase());
    let word = |word: &&str| {
        word.chars().map(|c| if c.is_alphabetic() { either(c) } else { c.to_string() }).collect::<String>()
    };
    words.iter().map(word).collect::<Vec<_>>().join("|")
}

/// A scalar of these types; a text must match the pattern or be a template. `wanted` is what yaml-language-server says of
/// another text.
fn scalar(types: &[&str], pattern: &str, wanted: &str) -> Value {
    let told = format!("This must be {wanted}, or a template.");
    json!({"type": types, "pattern": format!("{pattern}|{TEMPLATE}"), "patternErrorMessage": told})
}

/// The definitions that everything else refers to.
pub(super) fn definitions() -> Entries {
    let yes_and_no = any_case(&["y", "yes", "on", "1", "true", "t", "n", "no", "off", "0", "false", "f"]);
    let mut boolean = scalar(
        &["boolean", "string", "integer", "null"],
        &format!(r"^\s*({yes_and_no})\s*$"),
        "`true` or `false`",
    );
    if let Some(entries) = boolean.as_object_mut() {
        entries.insert("minimum".to_owned(), Value::from(0));
        entries.insert("maximum".to_owned(), Value::from(1));
    }
    let number = r"^\s*[-+]?[0-9._]+([eE][-+]?[0-9]+)?\s*$";
    let text = json!({"type": ["string", "number", "boolean", "null"]});
    let texts = json!({"type": ["array", "string", "number", "boolean", "null"], "items": of("text")});
    let entries = [
        ("template", json!({"type": "string", "pattern": TEMPLATE})),
        ("template_or_nothing", json!({"type": ["string", "null"], "pattern": TEMPLATE})),
        ("boolean", boolean),
        ("integer", scalar(&["integer", "string", "null"], r"^\s*[-+]?[0-9_]+\s*$", "an integer")),
        ("number", scalar(&["number", "string", "null"], number, "a number")),
        ("percentage", scalar(&["number", "string", "null"], r"^\s*[0-9.]+\s*%?\s*$", "a percentage")),
        ("text", text),
        ("texts", texts),
        ("variable_name", json!({"type": ["string", "null"], "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"})),
        (
            "mapping",
            json!({"type": ["object", "string", "null"], "pattern": format!(r"^\s*\{{|=|{TEMPLATE}")}),
        ),
        (
            "condition",
            json!({
                "type": ["string", "boolean", "integer", "number", "null", "array"],
                "items": {"type": ["string", "boolean", "integer", "number", "null"]},
            }),
        ),
        (
            "mappings",
            json!({
                "type": ["object", "array", "string", "null"],
                "pattern": TEMPLATE,
                "items": {"type": ["object", "string", "null"], "pattern": TEMPLATE},
            }),
        ),
    ];
    entries.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

/// One of these values, or a template. YAML reads `yes` as a boolean and `1` as a number.
pub(super) fn choice(choices: &[&'static str]) -> Value {
    let mut all: Vec<Value> = choices.iter().map(|choice| Value::from(*choice)).collect();
    all.extend(choices.iter().filter_map(|choice| choice.parse::<i64>().ok().map(Value::from)));
    let booleans = [true, false].map(|value| (value, boolean_choice(&value.into(), choices)));
    all.extend(booleans.iter().filter(|(_, choice)| choice.is_some()).map(|(value, _)| Value::Bool(*value)));
    let mut unique: Vec<Value> = Vec::new();
    for value in all {
        if !unique.contains(&value) {
            unique.push(value);
        }
    }
    json!({"anyOf": [{"enum": unique}, of("template_or_nothing")]})
}

/// A value of a type of parameters; `elements` is that of a list's items.
pub(super) fn parameter(kind: &str, elements: Option<&str>, choices: &[&'static str]) -> Value {
    match kind {
        "list" => list(elements, choices),
        _ if !choices.is_empty() => choice(choices),
        "bool" => of("boolean"),
        "int" => of("integer"),
        "float" => of("number"),
        "dict" => of("mapping"),
        "str" | "path" => of("text"),
        _ => json!({}),
    }
}

fn list(elements: Option<&str>, choices: &[&'static str]) -> Value {
    match elements {
        Some(elements @ ("str" | "path")) if choices.is_empty() => {
            let _ = elements;
            of("texts")
        }
        Some("dict") => of("mappings"),
        Some("raw") | None => json!({"type": ["array", "object", "string", "number", "boolean", "null"]}),
        Some(elements) => json!({
            "type": ["array", "string", "number", "boolean", "null"],
            "items": parameter(elements, None, choices),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_what_yaml_makes_of_them() {
        let chosen = choice(&["yes", "no", "dist", "4"]);
        assert_eq!(chosen["anyOf"][0]["enum"], json!(["yes", "no", "dist", "4", 4, true, false]));
    }

    #[test]
    fn booleans_are_read_in_any_case() {
        let pattern = definitions()["boolean"]["pattern"].as_str().unwrap().to_owned();
        let regex = regex::Regex::new(&pattern).unwrap();
        for (text, fits) in
            [("Yes", true), ("oFF", true), ("{{ x }}", true), ("maybe", false), ("yess", false)]
        {
            assert_eq!(regex.is_match(text), fits, "{text}");
        }
    }
}
