//! `keep_keys`, `remove_keys` and `replace_keys` at any depth.

use crate::base::{Key, Map, Value};
use crate::template::args::{Args, required};
use crate::template::context::Ctx;
use crate::template::fail::{Res, bail};
use crate::template::pattern::{self, Flags, Pattern};
use crate::template::val::Val;

/// Which keys are meant.
enum Chosen {
    Equal(String),
    StartsWith(String),
    EndsWith(String),
    Regex(Pattern),
}

impl Chosen {
    fn new(ctx: &Ctx<'_>, text: String, kind: &str) -> Res<Self> {
        Ok(match kind {
            "equality" => Self::Equal(text),
            "starts_with" => Self::StartsWith(text),
            "ends_with" => Self::EndsWith(text),
            "regex" => Self::Regex(pattern::compile(ctx, &format!("\\A(?:{text})"), Flags::default())?),
            other => {
                return bail(format!(
                    "value of matching_parameter must be one of: equality, starts_with, ends_with, regex, got: {other}"
                ));
            }
        })
    }

    fn matches(&self, key: &Key) -> Res<bool> {
        let key = key.to_string();
        Ok(match self {
            Self::Equal(text) => key == *text,
            Self::StartsWith(text) => key.starts_with(text.as_str()),
            Self::EndsWith(text) => key.ends_with(text.as_str()),
            Self::Regex(pattern) => pattern.is_match(&key)?,
        })
    }
}

fn kind(ctx: &Ctx<'_>, given: Option<Val>) -> Res<std::sync::Arc<str>> {
    given.map_or(Ok("equality".into()), |kind| ctx.text(&kind))
}

fn container(ctx: &Ctx<'_>, value: &Val) -> Res<Value> {
    match ctx.force(value)? {
        value @ (Value::List(_) | Value::Map(_)) => Ok(value),
        other => bail(format!("the input must be a list or a dictionary, not {}", other.type_name())),
    }
}

fn targets(ctx: &Ctx<'_>, args: &Args, name: &str) -> Res<Vec<(String, Chosen)>> {
    let [target, matching] = args.bind(name, ["target", "matching_parameter"])?;
    let kind = kind(ctx, matching)?;
    let target = required(target, name, "target")?;
    let items = if target.is_list() { ctx.iterate(&target)? } else { vec![target] };
    let mut all = Vec::new();
    for item in items {
        let text = ctx.text(&item)?.to_string();
        all.push((text.clone(), Chosen::new(ctx, text, &kind)?));
    }
    Ok(all)
}

pub(in crate::template::filters) fn keep_keys(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let targets = targets(ctx, args, "keep_keys")?;
    kept(&container(ctx, &value)?, &targets).map(Val::Data)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::List(items) => items.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        _ => false,
    }
}

fn kept(value: &Value, targets: &[(String, Chosen)]) -> Res<Value> {
    Ok(match value {
        Value::List(items) => {
            Value::from(items.iter().map(|item| kept(item, targets)).collect::<Res<Vec<_>>>()?)
        }
        Value::Map(entries) => {
            let mut map = Map::new();
            for (key, value) in entries.iter() {
                let nested = matches!(value, Value::List(_) | Value::Map(_));
                let mut whole = false;
                for (text, chosen) in targets {
                    whole |= key.as_str() == Some(text) || !nested && chosen.matches(key)?;
                }
                if whole {
                    map.insert(key.clone(), value.clone());
                } else if nested {
                    let inner = match kept(value, targets)? {
                        Value::List(items) => {
                            Value::list(items.iter().filter(|item| !is_empty(item)).cloned())
                        }
                        inner => inner,
                    };
                    if !is_empty(&inner) {
                        map.insert(key.clone(), inner);
                    }
                }
            }
            Value::map(map)
        }
        other => other.clone(),
    })
}

pub(in crate::template::filters) fn remove_keys(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let targets = targets(ctx, args, "remove_keys")?;
    removed(&container(ctx, &value)?, &targets).map(Val::Data)
}

fn is_falsy(value: &Value) -> bool {
    is_empty(value)
        || matches!(value, Value::Null | Value::Bool(false) | Value::Int(0))
        || value.as_str() == Some("")
}

fn removed(value: &Value, targets: &[(String, Chosen)]) -> Res<Value> {
    Ok(match value {
        Value::List(items) => {
            let mut list = Vec::new();
            for item in items.iter() {
                let item = removed(item, targets)?;
                if !is_falsy(&item) {
                    list.push(item);
                }
            }
            Value::from(list)
        }
        Value::Map(entries) => {
            let mut map = Map::new();
            for (key, value) in entries.iter() {
                let mut drop_it = false;
                for (_, chosen) in targets {
                    drop_it |= chosen.matches(key)?;
                }
                if !drop_it {
                    map.insert(key.clone(), removed(value, targets)?);
                }
            }
            Value::map(map)
        }
        other => other.clone(),
    })
}

pub(in crate::template::filters) fn replace_keys(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [target, matching] = args.bind("replace_keys", ["target", "matching_parameter"])?;
    let kind = kind(ctx, matching)?;
    let mut rules = Vec::new();
    for rule in ctx.iterate(&required(target, "replace_keys", "target")?)? {
        let rule = ctx.force(&rule)?;
        let (Some(before), Some(after)) = (rule.get("before"), rule.get("after")) else {
            return bail("the items of the target must have the keys `before` and `after`");
        };
        let after = Key::from_value(after).unwrap_or(Key::Null);
        rules.push((Chosen::new(ctx, before.to_text(), &kind)?, after));
    }
    replaced(&container(ctx, &value)?, &rules).map(Val::Data)
}

fn replaced(value: &Value, rules: &[(Chosen, Key)]) -> Res<Value> {
    Ok(match value {
        Value::List(items) => {
            Value::from(items.iter().map(|item| replaced(item, rules)).collect::<Res<Vec<_>>>()?)
        }
        Value::Map(entries) => {
            let mut map = Map::clone(entries);
            for (chosen, after) in rules {
                for key in map.keys().cloned().collect::<Vec<_>>() {
                    if chosen.matches(&key)?
                        && let Some(value) = map.shift_remove(&key)
                    {
                        map.insert(after.clone(), value);
                    }
                }
            }
            for value in map.values_mut() {
                *value = replaced(value, rules)?;
            }
            Value::map(map)
        }
        other => other.clone(),
    })
}
