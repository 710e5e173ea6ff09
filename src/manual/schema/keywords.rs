//! Keywords, and the words with a structure of their own.

use serde_json::{Value, json};

use super::{Entries, described, of, words};
use crate::lang::keyword::{On, Support};
use crate::lang::{CONTROLS, Keyword, LOOKUPS, MOVED, PROMPT_KEYS, Shape, shape};

/// The keywords that may stand somewhere, and that fleet honours.
pub(super) fn allowed(allowed: impl Fn(On) -> bool) -> Entries {
    let keywords = Keyword::ALL.iter().copied();
    let keywords = keywords.filter(|keyword| allowed(keyword.on()) && keyword.support() == Support::Yes);
    keywords
        .map(|keyword| (keyword.name().to_owned(), described(value(keyword), words::keyword(keyword))))
        .collect()
}

/// What a keyword's value may be.
pub(super) fn value(keyword: Keyword) -> Value {
    match keyword {
        Keyword::ModuleDefaults => return of("module_defaults"),
        Keyword::VarsPrompt => return prompts(),
        _ => {}
    }
    match shape(keyword) {
        Shape::Bool => of("boolean"),
        Shape::Int => of("integer"),
        Shape::Float => of("number"),
        Shape::Percent => of("percentage"),
        Shape::Text => of("text"),
        Shape::VariableName => of("variable_name"),
        Shape::Texts | Shape::Tags => json!({
            "type": ["array", "string", "null"],
            "items": {"type": ["string", "number", "boolean", "array"]},
        }),
        Shape::Conditions => of("condition"),
        Shape::Environment | Shape::Mappings => of("mappings"),
        Shape::Serial => json!({
            "type": ["array", "number", "string", "null"],
            "pattern": r"^\s*[0-9.]+\s*%?\s*$|\{\{|\{%",
            "items": of("percentage"),
        }),
    }
}

fn prompts() -> Value {
    let property = |key: &&str| {
        let value = match *key {
            "confirm" | "private" | "unsafe" => of("boolean"),
            "salt_size" => of("integer"),
            "name" => json!({"type": "string"}),
            _ => json!({}),
        };
        ((*key).to_owned(), described(value, words::prompt(key)))
    };
    let prompt = json!({
        "type": "object",
        "required": ["name"],
        "properties": PROMPT_KEYS.iter().map(property).collect::<Entries>(),
        "additionalProperties": false,
    });
    json!({"type": ["array", "null"], "items": prompt})
}

/// `loop`, `with_LOOKUP` and `loop_control`.
pub(super) fn loops() -> Entries {
    let mut all = Entries::new();
    let over = json!({"type": ["array", "string", "null"], "pattern": r"\{\{|\{%"});
    all.insert("loop".to_owned(), described(over, words::structural("loop")));
    let property = |option: &&str| {
        let value = match *option {
            "loop_var" | "index_var" => json!({"type": "string"}),
            "pause" => of("number"),
            "extended" | "extended_allitems" => of("boolean"),
            "break_when" => of("condition"),
            _ => json!({}),
        };
        ((*option).to_owned(), described(value, words::loop_control(option)))
    };
    let control = json!({
        "type": ["object", "null"],
        "properties": CONTROLS.iter().map(property).collect::<Entries>(),
        "additionalProperties": false,
    });
    all.insert("loop_control".to_owned(), described(control, words::structural("loop_control")));
    for lookup in LOOKUPS.iter().chain(MOVED) {
        let text = format!("The task is done for each item that the lookup `{lookup}` gives.");
        all.insert(format!("with_{lookup}"), json!({"description": text}));
    }
    all
}
