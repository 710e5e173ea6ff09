//! `keep_keys`, `remove_keys`, `replace_keys` of lists of dictionaries.

use crate::base::{Key, Map, Value};
use crate::template::args::{Args, required};
use crate::template::context::Ctx;
use crate::template::fail::{Res, bail};
use crate::template::pattern::{self, Flags, Pattern};
use crate::template::val::Val;

/// How keys are chosen.
enum Chosen {
    Equal(Vec<String>),
    StartsWith(Vec<String>),
    EndsWith(Vec<String>),
    Regex(Pattern),
}

impl Chosen {
    fn new(ctx: &Ctx<'_>, target: &Value, kind: &str) -> Res<Self> {
        let texts = || match target {
            Value::List(items) => items.iter().map(Value::to_text).collect(),
            other => vec![other.to_text()],
        };
        Ok(match kind {
            "equal" => Self::Equal(texts()),
            "starts_with" => Self::StartsWith(texts()),
            "ends_with" => Self::EndsWith(texts()),
            "regex" => {
                let pattern = match target {
                    Value::List(items) if items.len() == 1 => texts().concat(),
                    Value::List(_) => {
                        return bail(
                            "single item is required in the target list if matching_parameter is regex",
                        );
                    }
                    other => other.to_text(),
                };
                Self::Regex(pattern::compile(ctx, &format!("\\A(?:{pattern})"), Flags::default())?)
            }
            other => {
                return bail(format!(
                    "invalid matching_parameter '{other}', must be one of equal, starts_with, ends_with, regex"
                ));
            }
        })
    }

    fn matches(&self, key: &Key) -> Res<bool> {
        let key = key.to_string();
        Ok(match self {
            Self::Equal(all) => all.contains(&key),
            Self::StartsWith(all) => all.iter().any(|text| key.starts_with(text.as_str())),
            Self::EndsWith(all) => all.iter().any(|text| key.ends_with(text.as_str())),
            Self::Regex(pattern) => pattern.is_match(&key)?,
        })
    }
}

fn maps(ctx: &Ctx<'_>, value: &Val) -> Res<Vec<Map>> {
    if !value.is_list() {
        return bail(format!("the data must be a list of dictionaries, not {}", value.type_name()));
    }
    let mut maps = Vec::new();
    for item in ctx.iterate(value)? {
        match ctx.force(&item)? {
            Value::Map(map) => maps.push((*map).clone()),
            other => {
                return bail(format!("the elements of the data must be dictionaries: {}", other.to_repr()));
            }
        }
    }
    Ok(maps)
}

fn kind(ctx: &Ctx<'_>, given: Option<Val>) -> Res<std::sync::Arc<str>> {
    given.map_or(Ok("equal".into()), |kind| ctx.text(&kind))
}

fn chosen(ctx: &Ctx<'_>, value: &Val, args: &Args, name: &str, keep: impl Fn(bool) -> bool) -> Res<Val> {
    let [target, matching] = args.bind(name, ["target", "matching_parameter"])?;
    let target = ctx.force(&required(target, name, "target")?)?;
    let chosen = Chosen::new(ctx, &target, &kind(ctx, matching)?)?;
    let mut all = Vec::new();
    for map in maps(ctx, value)? {
        let mut kept = Map::new();
        for (key, value) in map {
            if keep(chosen.matches(&key)?) {
                kept.insert(key, value);
            }
        }
        all.push(Value::map(kept));
    }
    Ok(Val::Data(Value::from(all)))
}

pub(in crate::template::filters) fn keep_keys(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    chosen(ctx, &value, args, "keep_keys", |matches| matches)
}

pub(in crate::template::filters) fn remove_keys(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    chosen(ctx, &value, args, "remove_keys", |matches| !matches)
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
        rules.push((Chosen::new(ctx, before, &kind)?, after));
    }
    let mut all = Vec::new();
    for map in maps(ctx, &value)? {
        let mut replaced = Map::new();
        for (key, value) in map {
            let mut new = key.clone();
            for (chosen, after) in &rules {
                if chosen.matches(&key)? {
                    new = after.clone();
                    break;
                }
            }
            replaced.insert(new, value);
        }
        all.push(Value::map(replaced));
    }
    Ok(Val::Data(Value::from(all)))
}
