//! `json_query`: JMESPath. The crate `jmespath` reads the expressions; they are evaluated here, because its own values
//! forget the order of keys, and its numbers are not ours.

use std::cmp::Ordering;

use jmespath::Variable;
use jmespath::ast::{Ast, Comparator};

use super::json_functions;
use crate::base::{Key, Map, Value};
use crate::template::args::{Args, required};
use crate::template::context::Ctx;
use crate::template::fail::{Fail, Res, bail};
use crate::template::ops;
use crate::template::val::Val;

pub(in crate::template::filters) fn json_query(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [expression] = args.bind("json_query", ["expr"])?;
    let expression = ctx.text(&required(expression, "json_query", "expr")?)?;
    let ast = jmespath::parse(&expression)
        .map_err(|error| Fail::error(format!("JMESPathError in json_query filter plugin: {error}")))?;
    ctx.deeper(|| search(&ast, &ctx.force(&value)?)).map(Val::Data)
}

/// An item of an array; negative indexes count from its end.
fn at(items: &[Value], index: i32) -> Value {
    let index = i64::from(index);
    let index = if index < 0 { index + items.len() as i64 } else { index };
    usize::try_from(index).ok().and_then(|index| items.get(index)).cloned().unwrap_or_default()
}

/// What counts as false: nothing, `false`, and what is empty; no number does.
pub(super) fn truth(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Str(text) => !text.is_empty(),
        Value::List(items) => !items.is_empty(),
        Value::Map(entries) => !entries.is_empty(),
        _ => true,
    }
}

/// A literal of an expression.
fn literal(value: &Variable) -> Value {
    match value {
        Variable::Null | Variable::Expref(_) => Value::Null,
        Variable::Bool(value) => Value::Bool(*value),
        Variable::String(text) => Value::from(text.as_str()),
        Variable::Number(number) => number_of(&number.to_string()),
        Variable::Array(items) => Value::list(items.iter().map(|item| literal(item))),
        Variable::Object(entries) => {
            // numbers of any precision look so to a reader that does not know of them
            if let (1, Some((name, number))) = (entries.len(), entries.first_key_value())
                && name == "$serde_json::private::Number"
                && let Variable::String(number) = &**number
            {
                return number_of(number);
            }
            Value::map(entries.iter().map(|(key, value)| (Key::str(key), literal(value))).collect())
        }
    }
}

fn number_of(text: &str) -> Value {
    match text.parse::<i128>() {
        Ok(number) => Value::Int(number),
        Err(_) => text.parse().map_or(Value::Null, Value::Float),
    }
}

/// Evaluates an expression.
pub(super) fn search(ast: &Ast, data: &Value) -> Res<Value> {
    Ok(match ast {
        Ast::Identity { .. } => data.clone(),
        Ast::Field { name, .. } => data.get(name).cloned().unwrap_or_default(),
        Ast::Index { idx, .. } => data.as_list().map_or(Value::Null, |items| at(items, *idx)),
        Ast::Literal { value, .. } => literal(value),
        Ast::Subexpr { lhs, rhs, .. } => search(rhs, &search(lhs, data)?)?,
        Ast::Or { lhs, rhs, .. } => {
            let left = search(lhs, data)?;
            if truth(&left) { left } else { search(rhs, data)? }
        }
        Ast::And { lhs, rhs, .. } => {
            let left = search(lhs, data)?;
            if truth(&left) { search(rhs, data)? } else { left }
        }
        Ast::Not { node, .. } => Value::Bool(!truth(&search(node, data)?)),
        Ast::Condition { predicate, then, .. } => {
            if truth(&search(predicate, data)?) {
                search(then, data)?
            } else {
                Value::Null
            }
        }
        Ast::Comparison { comparator, lhs, rhs, .. } => {
            compared(comparator, &search(lhs, data)?, &search(rhs, data)?)
        }
        Ast::ObjectValues { node, .. } => match search(node, data)? {
            Value::Map(entries) => Value::list(entries.values().cloned()),
            _ => Value::Null,
        },
        Ast::Projection { lhs, rhs, .. } => match search(lhs, data)? {
            Value::List(items) => {
                let mut found = Vec::new();
                for item in items.iter() {
                    match search(rhs, item)? {
                        Value::Null => {}
                        value => found.push(value),
                    }
                }
                Value::from(found)
            }
            _ => Value::Null,
        },
        Ast::Flatten { node, .. } => match search(node, data)? {
            Value::List(items) => {
                let mut flat = Vec::new();
                for item in items.iter() {
                    match item {
                        Value::List(inner) => flat.extend(inner.iter().cloned()),
                        other => flat.push(other.clone()),
                    }
                }
                Value::from(flat)
            }
            _ => Value::Null,
        },
        Ast::Slice { start, stop, step, .. } => match data {
            Value::List(items) => sliced(items, *start, *stop, *step)?,
            _ => Value::Null,
        },
        Ast::MultiList { .. } | Ast::MultiHash { .. } if *data == Value::Null => Value::Null,
        Ast::MultiList { elements, .. } => {
            Value::from(elements.iter().map(|element| search(element, data)).collect::<Res<Vec<_>>>()?)
        }
        Ast::MultiHash { elements, .. } => {
            let mut map = Map::new();
            for pair in elements {
                map.insert(Key::str(&pair.key), search(&pair.value, data)?);
            }
            Value::map(map)
        }
        Ast::Function { name, args, .. } => json_functions::call(name, args, data)?,
        Ast::Expref { .. } => return bail("an expression reference is only an argument of a function"),
    })
}

fn compared(comparator: &Comparator, left: &Value, right: &Value) -> Value {
    let comparable = |value: &Value| matches!(value, Value::Int(_) | Value::Float(_) | Value::Str(_));
    let order = (comparable(left) && comparable(right)).then(|| ops::order(left, right, "<").ok()).flatten();
    Value::Bool(match (comparator, order) {
        (Comparator::Equal, _) => same(left, right),
        (Comparator::NotEqual, _) => !same(left, right),
        (_, None) => return Value::Null,
        (Comparator::LessThan, Some(order)) => order == Ordering::Less,
        (Comparator::LessThanEqual, Some(order)) => order != Ordering::Greater,
        (Comparator::GreaterThan, Some(order)) => order == Ordering::Greater,
        (Comparator::GreaterThanEqual, Some(order)) => order != Ordering::Less,
    })
}

/// Equality, in which `true` is not 1.
pub(super) fn same(left: &Value, right: &Value) -> bool {
    matches!(left, Value::Bool(_)) == matches!(right, Value::Bool(_)) && ops::equal(left, right)
}

fn sliced(items: &[Value], start: Option<i32>, stop: Option<i32>, step: i32) -> Res<Value> {
    let (length, step) = (items.len() as i64, i64::from(step));
    if step == 0 {
        return bail("a slice's step cannot be 0");
    }
    let (low, high) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let bound = |given: Option<i32>, default: i64| {
        given.map_or(default, |at| {
            let at = i64::from(at);
            (if at < 0 { at + length } else { at }).clamp(low, high)
        })
    };
    let (mut at, end) = if step > 0 {
        (bound(start, 0), bound(stop, length))
    } else {
        (bound(start, length - 1), bound(stop, -1))
    };
    let mut taken = Vec::new();
    while (step > 0 && at < end) || (step < 0 && at > end) {
        taken.extend(usize::try_from(at).ok().and_then(|at| items.get(at)).cloned());
        at += step;
    }
    Ok(Value::from(taken))
}
