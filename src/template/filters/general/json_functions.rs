//! The functions of JMESPath.

use jmespath::ast::Ast;

use super::json_query::{same, search};
use crate::base::{Key, Map, Value};
use crate::template::fail::{Fail, Res, bail};
use crate::template::ops;

/// What a value is called in JMESPath.
fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Int(_) | Value::Float(_) => "number",
        Value::List(_) => "array",
        Value::Map(_) => "object",
        _ => "string",
    }
}

fn wrong(name: &str, value: &Value, wanted: &str) -> Fail {
    let found = type_of(value);
    Fail::error(format!(
        "JMESPathError in json_query filter plugin: `{name}()` takes {wanted}, not {found}: {}",
        value.to_repr()
    ))
}

fn list<'v>(name: &str, value: &'v Value) -> Res<&'v [Value]> {
    value.as_list().ok_or_else(|| wrong(name, value, "an array"))
}

fn text<'v>(name: &str, value: &'v Value) -> Res<&'v str> {
    value.as_str().ok_or_else(|| wrong(name, value, "a string"))
}

fn number(name: &str, value: &Value) -> Res<f64> {
    match value {
        Value::Int(number) => Ok(*number as f64),
        Value::Float(number) => Ok(*number),
        other => Err(wrong(name, other, "a number")),
    }
}

/// Numbers or texts, not mixed.
fn comparables<'v>(name: &str, value: &'v Value) -> Res<&'v [Value]> {
    let items = list(name, value)?;
    let numbers = items.iter().all(|item| type_of(item) == "number");
    if numbers || items.iter().all(|item| type_of(item) == "string") {
        Ok(items)
    } else {
        Err(wrong(name, value, "an array of numbers or of strings"))
    }
}

/// How many arguments a function takes; nothing where any number.
fn arity(name: &str) -> Option<Option<usize>> {
    Some(match name {
        "abs" | "avg" | "ceil" | "floor" | "keys" | "length" | "max" | "min" | "reverse" | "sort" | "sum"
        | "to_array" | "to_string" | "to_number" | "type" | "values" => Some(1),
        "contains" | "ends_with" | "join" | "map" | "max_by" | "min_by" | "sort_by" | "starts_with" => {
            Some(2)
        }
        "merge" | "not_null" => None,
        _ => return None,
    })
}

/// Calls a function.
pub(super) fn call(name: &str, args: &[Ast], data: &Value) -> Res<Value> {
    let Some(arity) = arity(name) else {
        return bail(format!("JMESPathError in json_query filter plugin: there is no function `{name}()`"));
    };
    if arity.is_some_and(|arity| arity != args.len()) || args.is_empty() {
        let wanted = crate::base::names::count(arity.unwrap_or(1), "argument");
        return bail(format!("JMESPathError in json_query filter plugin: `{name}()` takes {wanted}"));
    }
    match (name, args) {
        ("map", [Ast::Expref { ast, .. }, of]) => {
            let of = search(of, data)?;
            return list(name, &of)?
                .iter()
                .map(|item| search(ast, item))
                .collect::<Res<Vec<_>>>()
                .map(Value::from);
        }
        ("max_by" | "min_by" | "sort_by", [of, Ast::Expref { ast, .. }]) => {
            return by(name, &search(of, data)?, ast);
        }
        ("map" | "max_by" | "min_by" | "sort_by", _) => {
            return bail(format!(
                "JMESPathError in json_query filter plugin: `{name}()` takes an expression `&x`"
            ));
        }
        _ => {}
    }
    let values = args.iter().map(|arg| search(arg, data)).collect::<Res<Vec<_>>>()?;
    match values.as_slice() {
        [one] if arity == Some(1) => of_one(name, one),
        [one, two] if arity == Some(2) => of_two(name, one, two),
        all => of_many(name, all),
    }
}

fn of_one(name: &str, value: &Value) -> Res<Value> {
    let whole = |round: fn(f64) -> f64| -> Res<Value> {
        match value {
            Value::Int(number) => Ok(Value::Int(*number)),
            other => Ok(Value::Int(round(number(name, other)?) as i128)),
        }
    };
    Ok(match name {
        "abs" => match value {
            Value::Int(number) => Value::Int(number.abs()),
            other => Value::Float(number(name, other)?.abs()),
        },
        "ceil" => whole(f64::ceil)?,
        "floor" => whole(f64::floor)?,
        "avg" => match list(name, value)? {
            [] => Value::Null,
            items => {
                let sum: f64 = items.iter().map(|item| number(name, item)).sum::<Res<f64>>()?;
                Value::Float(sum / items.len() as f64)
            }
        },
        "sum" => {
            let items = list(name, value)?;
            let whole = items.iter().map(Value::as_int).sum::<Option<i128>>();
            match whole {
                Some(sum) => Value::Int(sum),
                None => Value::Float(items.iter().map(|item| number(name, item)).sum::<Res<f64>>()?),
            }
        }
        "keys" | "values" => match value {
            Value::Map(entries) if name == "keys" => Value::list(entries.keys().map(Key::to_value)),
            Value::Map(entries) => Value::list(entries.values().cloned()),
            other => return Err(wrong(name, other, "an object")),
        },
        "length" => match value {
            Value::Str(text) => Value::from(text.chars().count()),
            Value::List(items) => Value::from(items.len()),
            Value::Map(entries) => Value::from(entries.len()),
            other => return Err(wrong(name, other, "a string, an array or an object")),
        },
        "max" | "min" => {
            let sorted = ops::sort_by(comparables(name, value)?.to_vec(), |item| item)?;
            let found = if name == "max" { sorted.last() } else { sorted.first() };
            found.cloned().unwrap_or_default()
        }
        "sort" => Value::from(ops::sort_by(comparables(name, value)?.to_vec(), |item| item)?),
        "reverse" => match value {
            Value::Str(text) => Value::from(text.chars().rev().collect::<String>()),
            other => Value::list(list(name, other)?.iter().rev().cloned()),
        },
        "to_array" => match value {
            Value::List(_) => value.clone(),
            other => Value::list([other.clone()]),
        },
        "to_string" => match value {
            Value::Str(_) => value.clone(),
            other => Value::from(other.to_json().to_string()),
        },
        "to_number" => match value {
            Value::Int(_) | Value::Float(_) => value.clone(),
            Value::Str(text) => match text.parse() {
                Ok(number) => Value::Int(number),
                Err(_) => text.parse().map_or(Value::Null, Value::Float),
            },
            _ => Value::Null,
        },
        _ => Value::from(type_of(value)),
    })
}

fn of_two(name: &str, first: &Value, second: &Value) -> Res<Value> {
    Ok(match name {
        "contains" => Value::Bool(match first {
            Value::Str(text) => second.as_str().is_some_and(|part| text.contains(part)),
            other => list(name, other)?.iter().any(|item| same(item, second)),
        }),
        "ends_with" => Value::Bool(text(name, first)?.ends_with(text(name, second)?)),
        "starts_with" => Value::Bool(text(name, first)?.starts_with(text(name, second)?)),
        _ => {
            let parts = list(name, second)?.iter().map(|part| text(name, part)).collect::<Res<Vec<_>>>()?;
            Value::from(parts.join(text(name, first)?))
        }
    })
}

fn of_many(name: &str, values: &[Value]) -> Res<Value> {
    if name == "not_null" {
        return Ok(values.iter().find(|value| **value != Value::Null).cloned().unwrap_or_default());
    }
    let mut merged = Map::new();
    for value in values {
        match value {
            Value::Map(entries) => {
                merged.extend(entries.iter().map(|(key, value)| (key.clone(), value.clone())));
            }
            other => return Err(wrong(name, other, "objects")),
        }
    }
    Ok(Value::map(merged))
}

fn by(name: &str, of: &Value, key: &Ast) -> Res<Value> {
    let mut keyed = Vec::new();
    for item in list(name, of)? {
        keyed.push((search(key, item)?, item.clone()));
    }
    comparables(name, &Value::list(keyed.iter().map(|(key, _)| key.clone())))?;
    if name == "max_by" {
        // of equal ones the first
        keyed.reverse();
    }
    let mut sorted = ops::sort_by(keyed, |(key, _)| key)?.into_iter().map(|(_, item)| item);
    Ok(match name {
        "sort_by" => Value::list(sorted),
        "min_by" => sorted.next().unwrap_or_default(),
        _ => sorted.last().unwrap_or_default(),
    })
}
