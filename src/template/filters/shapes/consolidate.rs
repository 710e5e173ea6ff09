//! `consolidate`: facts of several sources by the value of a key.

use crate::base::{Key, Map, Value};
use crate::template::args::Args;
use crate::template::context::Ctx;
use crate::template::fail::{Res, bail};
use crate::template::ops;
use crate::template::val::Val;

pub(in crate::template::filters) fn consolidate(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [missing_key, missing_value, duplicate] =
        args.bind("consolidate", ["fail_missing_match_key", "fail_missing_match_value", "fail_duplicate"])?;
    let flag = |value: Option<Val>| value.map_or(Ok(false), |value| ctx.truth(&value));
    let (missing_key, missing_value, duplicate) =
        (flag(missing_key)?, flag(missing_value)?, flag(duplicate)?);
    let mut sources = Vec::new();
    let mut all: Vec<(Value, Key)> = Vec::new();
    for (index, source) in ctx.iterate(&value)?.iter().enumerate() {
        let source = ctx.force(source)?;
        let (Some(data), Some(match_key), Some(name)) =
            (source.get("data").and_then(Value::as_list), source.get("match_key"), source.get("name"))
        else {
            return bail("each source needs the keys `data`, `match_key` and `name`");
        };
        let number = index + 1;
        let mut facts = indexmap::IndexMap::new();
        for (entry, data) in data.iter().enumerate() {
            let match_key = match_key.to_text();
            let Some((value, key)) =
                data.get(&match_key).and_then(|value| Some((value.clone(), Key::from_value(value)?)))
            else {
                if missing_key {
                    let entry = entry + 1;
                    return bail(format!(
                        "missing match key '{match_key}' in data source {number} in list entry {entry}"
                    ));
                }
                continue;
            };
            if facts.insert(key.clone(), data.clone()).is_some() && duplicate {
                return bail(format!("duplicate values in data source {number}"));
            }
            if !all.iter().any(|(_, known)| *known == key) {
                all.push((value, key));
            }
        }
        sources.push((name.to_text(), facts));
    }
    let all = ops::sort_by(all, |(value, _)| value)?;
    let mut consolidated = Map::new();
    for (value, key) in all {
        let mut row = Map::new();
        for (index, (name, facts)) in sources.iter().enumerate() {
            let found = facts.get(&key);
            if found.is_none() && missing_value {
                let number = index + 1;
                return bail(format!("missing match value {} in data source {number}", value.to_text()));
            }
            row.insert(Key::str(name), found.cloned().unwrap_or_else(|| Value::map(Map::new())));
        }
        consolidated.insert(key, Value::map(row));
    }
    Ok(Val::Data(Value::map(consolidated)))
}
