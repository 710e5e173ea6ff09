//! Values as the texts that Ansible prints: JSON as Python's `json` writes it, YAML, and TOML as `tomli-w` writes it.

use std::fmt::Write;

use anyhow::{Result, bail};

use super::inventory_dump::Form;
use crate::base::{JsonStyle, Map, Value};
use crate::yaml::{EmitOptions, to_yaml};

/// How wide a table within a list may be before it gets a section of its own.
const INLINE_WIDTH: usize = 100;

/// A value in a form.
///
/// # Errors
/// TOML cannot hold everything.
pub fn write(value: &Value, form: Form) -> Result<String> {
    match form {
        Form::Json => Ok(JsonStyle { ascii: false, sorted: true, ..JsonStyle::indented(4) }.text(value)),
        Form::Yaml => {
            Ok(to_yaml(value, &EmitOptions { default_flow_style: Some(false), ..EmitOptions::default() }))
        }
        Form::Toml => {
            let mut text = String::new();
            if let Value::Map(entries) = value {
                toml_table(entries, "", Section::Table, &mut text)?;
            }
            Ok(text)
        }
    }
}

/// What a table of TOML is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Table,
    /// One of a list of tables.
    Item,
}

fn toml_table(table: &Map, name: &str, section: Section, out: &mut String) -> Result<()> {
    let mut plain: Vec<(String, String)> = Vec::new();
    let mut tables: Vec<(String, &Map, Section)> = Vec::new();
    for (key, value) in table {
        let key = toml_key(&key.to_string());
        if let Value::Map(inner) = value {
            tables.push((key, inner, Section::Table));
            continue;
        }
        match tables_of(value) {
            Some(items) if !fit_inline(&items)? => {
                tables.extend(items.into_iter().map(|item| (key.clone(), item, Section::Item)));
            }
            _ => plain.push((key, toml_value(value, 0)?)),
        }
    }
    let mut written = false;
    if section == Section::Item {
        let _ = writeln!(out, "[[{name}]]");
        written = true;
    } else if !name.is_empty() && (!plain.is_empty() || tables.is_empty()) {
        let _ = writeln!(out, "[{name}]");
        written = true;
    }
    for (key, value) in plain {
        let _ = writeln!(out, "{key} = {value}");
        written = true;
    }
    for (key, inner, section) in tables {
        if written {
            out.push('\n');
        }
        written = true;
        let full = if name.is_empty() { key } else { format!("{name}.{key}") };
        toml_table(inner, &full, section, out)?;
    }
    Ok(())
}

/// The tables of a list that holds nothing else.
fn tables_of(value: &Value) -> Option<Vec<&Map>> {
    let items = value.as_list().filter(|items| !items.is_empty())?;
    items.iter().map(Value::as_map).collect()
}

fn fit_inline(tables: &[&Map]) -> Result<bool> {
    for table in tables {
        let text = toml_inline(table)?;
        // four spaces before it, a comma behind it
        if text.chars().count() + 5 > INLINE_WIDTH || text.contains('\n') {
            return Ok(false);
        }
    }
    Ok(true)
}

fn toml_inline(table: &Map) -> Result<String> {
    if table.is_empty() {
        return Ok("{}".to_owned());
    }
    let entries = table
        .iter()
        .map(|(key, value)| Ok(format!("{} = {}", toml_key(&key.to_string()), toml_value(value, 0)?)));
    Ok(format!("{{ {} }}", entries.collect::<Result<Vec<_>>>()?.join(", ")))
}

fn toml_value(value: &Value, depth: usize) -> Result<String> {
    Ok(match value {
        Value::Null => bail!("TOML has no `null`, and a variable has that value"),
        Value::Bool(value) => value.to_string(),
        Value::Int(_) | Value::Float(_) => value.to_repr(),
        Value::List(items) if items.is_empty() => "[]".to_owned(),
        Value::List(items) => {
            let indent = "    ".repeat(depth);
            let items = items.iter().map(|item| Ok(format!("{indent}    {}", toml_value(item, depth + 1)?)));
            format!("[\n{},\n{indent}]", items.collect::<Result<Vec<_>>>()?.join(",\n"))
        }
        Value::Map(table) => toml_inline(table)?,
        other => toml_text(&other.to_text()),
    })
}

fn toml_key(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !key.is_empty() && key.chars().all(bare) { key.to_owned() } else { toml_text(key) }
}

fn toml_text(text: &str) -> String {
    let mut out = "\"".to_owned();
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\t' => out.push('\t'),
            other if (other as u32) < 0x20 || other as u32 == 0x7f => {
                let _ = write!(out, "\\u{:04x}", other as u32);
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map;

    #[test]
    fn json_is_pythons() {
        let value = Value::from(map! {
            "b" => vec![Value::from(1), Value::Float(1.0), Value::Null, Value::from("é😀\"")],
            "a" => Map::new(),
            "c" => Vec::new(),
        });
        assert_eq!(
            write(&value, Form::Json).unwrap(),
            "{\n    \"a\": {},\n    \"b\": [\n        1,\n        1.0,\n        null,\n        \
             \"é😀\\\"\"\n    ],\n    \"c\": []\n}"
        );
    }

    #[test]
    fn toml_is_tomli_ws() {
        let wide = "x".repeat(100);
        let value = Value::from(map! {
            "web" => map! {
                "hosts" => map! { "h 1" => map! { "n" => 1, "l" => vec![Value::from("a\n"), Value::Bool(true)] }, "h2" => Map::new() },
                "small" => vec![Value::from(map! { "a" => 1 })],
                "large" => vec![Value::from(map! { "a" => wide.as_str() })],
            },
        });
        assert_eq!(
            write(&value, Form::Toml).unwrap(),
            format!(
                "[web]\nsmall = [\n    {{ a = 1 }},\n]\n\n[web.hosts.\"h 1\"]\nn = 1\nl = [\n    \"a\\n\",\n    true,\n]\n\n\
                 [web.hosts.h2]\n\n[[web.large]]\na = \"{wide}\"\n"
            )
        );
        assert!(write(&Value::from(map! { "a" => Value::Null }), Form::Toml).is_err());
    }
}
