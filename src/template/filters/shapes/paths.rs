//! `to_paths` and `get_path`.

use crate::base::{Key, Map, Value};
use crate::template::args::{Args, required};
use crate::template::context::Ctx;
use crate::template::fail::{Res, bail};
use crate::template::templar;
use crate::template::val::Val;

pub(in crate::template) fn to_paths(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [prepend, wantlist] = args.bind("to_paths", ["prepend", "wantlist"])?;
    let mut value = ctx.force(&value)?;
    if let Some(prepend) = prepend.filter(|prepend| !prepend.is_none() && prepend.as_str() != Some("")) {
        let mut map = Map::new();
        map.insert(ctx.key(&prepend)?, value);
        value = Value::map(map);
    }
    let mut paths = Map::new();
    flattened(&value, String::new(), &mut paths);
    let wanted = wantlist.map_or(Ok(false), |wantlist| ctx.truth(&wantlist))?;
    let paths = Val::Data(Value::map(paths));
    Ok(if wanted { Val::list([paths]) } else { paths })
}

fn is_name(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn flattened(value: &Value, name: String, into: &mut Map) {
    match value {
        Value::Map(entries) if !entries.is_empty() => {
            for (key, value) in entries.iter() {
                let key = key.to_string();
                let longer = match (name.as_str(), is_name(&key)) {
                    ("", _) => key,
                    (name, true) => format!("{name}.{key}"),
                    (name, false) => format!("{name}['{key}']"),
                };
                flattened(value, longer, into);
            }
        }
        Value::List(items) if !items.is_empty() => {
            for (index, value) in items.iter().enumerate() {
                flattened(value, format!("{name}[{index}]"), into);
            }
        }
        Value::Map(_) | Value::List(_) if name.is_empty() => {}
        value => drop(into.insert(Key::Str(name.into()), value.clone())),
    }
}

pub(in crate::template) fn get_path(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [path, wantlist] = args.bind("get_path", ["path", "wantlist"])?;
    let path = ctx.text(&required(path, "get_path", "path")?)?;
    if !value.is_dict() {
        return bail(format!("`get_path` expects a dictionary, not {}", value.type_name()));
    }
    let inner = ctx.inner();
    for (key, value) in ctx.entries(&value)? {
        if let Key::Str(name) = &key {
            inner.frame.set(name, value);
        }
    }
    let found = ctx.deeper(|| templar::expression(&inner, &path, None))?;
    let wanted = wantlist.map_or(Ok(false), |wantlist| ctx.truth(&wantlist))?;
    Ok(if wanted { Val::list([found]) } else { found })
}
