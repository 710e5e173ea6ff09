//! Filters on mappings.

use crate::base::{Key, Map, Value};
use crate::template::access;
use crate::template::args::{Args, required};
use crate::template::context::Ctx;
use crate::template::fail::{Fail, Res, bail};
use crate::template::ops;
use crate::template::val::{Val, ValMap};

use super::sequences::Case;

fn named(ctx: &Ctx<'_>, given: Option<Val>, default: &str) -> Res<Key> {
    Ok(Key::Str(given.map_or(Ok(default.into()), |name| ctx.text(&name))?))
}

pub(super) fn dict2items(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [key_name, value_name] = args.bind("dict2items", ["key_name", "value_name"])?;
    let key_name = named(ctx, key_name, "key")?;
    let value_name = named(ctx, value_name, "value")?;
    if !value.is_dict() {
        return bail(format!("dict2items requires a dictionary, got '{}' instead", value.type_name()));
    }
    Ok(Val::list(ctx.entries(&value)?.into_iter().map(|(key, value)| {
        let mut pair = ValMap::new();
        pair.insert(key_name.clone(), Val::Data(key.to_value()));
        pair.insert(value_name.clone(), value);
        Val::dict(pair)
    })))
}

pub(super) fn items2dict(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [key_name, value_name] = args.bind("items2dict", ["key_name", "value_name"])?;
    let key_name = named(ctx, key_name, "key")?;
    let value_name = named(ctx, value_name, "value")?;
    if !value.is_list() {
        return bail(format!("items2dict requires a list, got '{}' instead", value.type_name()));
    }
    let mut map = ValMap::new();
    for item in ctx.iterate(&value)? {
        let part = |name: &Key| match access::entry(ctx, &item, name)? {
            Some(part) => Ok(part),
            None => bail(format!(
                "items2dict requires each dictionary in the list to contain the keys '{key_name}' and '{value_name}'"
            )),
        };
        map.insert(ctx.key(&part(&key_name)?)?, part(&value_name)?);
    }
    Ok(Val::dict(map))
}

pub(super) fn items(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("items")?;
    if !value.is_dict() {
        return bail("can only get item pairs from a mapping");
    }
    let pair = |(key, value): (Key, Val)| Val::tuple([Val::Data(key.to_value()), value]);
    Ok(Val::list(ctx.entries(&value)?.into_iter().map(pair)))
}

pub(super) fn dictsort(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [case, by, reverse] = args.bind("dictsort", ["case_sensitive", "by", "reverse"])?;
    let case = Case::of(ctx, case)?;
    let by = by.map_or(Ok("key".into()), |by| ctx.text(&by))?;
    let mut keyed = Vec::new();
    for (key, value) in ctx.entries(&value)? {
        let by = match &*by {
            "key" => key.to_value(),
            "value" => ctx.force(&value)?,
            _ => return bail("you can only sort by either \"key\" or \"value\""),
        };
        keyed.push((case.fold(by), Val::tuple([Val::Data(key.to_value()), value])));
    }
    let mut sorted = ops::sort_by(keyed, |(key, _)| key)?;
    if reverse.map_or(Ok(false), |reverse| ctx.truth(&reverse))? {
        sorted.reverse();
    }
    Ok(Val::list(sorted.into_iter().map(|(_, pair)| pair)))
}

/// How lists under the same key are joined.
#[derive(Clone, Copy)]
pub(super) enum ListMerge {
    Replace,
    Keep,
    Append,
    Prepend,
    AppendReplacing,
    PrependReplacing,
}

impl ListMerge {
    /// The way of a name.
    pub(super) fn named(name: &str) -> Res<Self> {
        Ok(match name {
            "replace" => Self::Replace,
            "keep" => Self::Keep,
            "append" => Self::Append,
            "prepend" => Self::Prepend,
            "append_rp" => Self::AppendReplacing,
            "prepend_rp" => Self::PrependReplacing,
            other => return bail(format!("'{other}' is not a valid value for list_merge")),
        })
    }
}

pub(super) fn combine(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let mut args = args.clone();
    let recursive = args.take("recursive").map_or(Ok(false), |recursive| ctx.truth(&recursive))?;
    let merge = match args.take("list_merge") {
        Some(merge) => ListMerge::named(&ctx.text(&merge)?)?,
        None => ListMerge::Replace,
    };
    if let Some((name, _)) = args.named.first() {
        return bail(format!(
            "'recursive' and 'list_merge' are the only valid keyword arguments, not '{name}'"
        ));
    }
    let mut maps = Vec::new();
    for term in [value].into_iter().chain(args.positional) {
        collect(ctx, &term, &mut maps)?;
    }
    let mut maps = maps.into_iter();
    let mut combined = maps.next().unwrap_or_default();
    for map in maps {
        combined = merged(combined, &map, recursive, merge);
    }
    Ok(Val::Data(Value::map(combined)))
}

fn collect(ctx: &Ctx<'_>, term: &Val, maps: &mut Vec<Map>) -> Res<()> {
    if term.is_list() {
        return ctx.iterate(term)?.iter().try_for_each(|term| ctx.deeper(|| collect(ctx, term, maps)));
    }
    match ctx.force(term)? {
        Value::Map(map) => maps.push(map.as_ref().clone()),
        _ => {
            return bail(format!(
                "failed to combine variables, expected dicts but got a '{}'",
                term.type_name()
            ));
        }
    }
    Ok(())
}

/// One mapping over another.
pub(super) fn merged(mut left: Map, right: &Map, recursive: bool, merge: ListMerge) -> Map {
    for (key, value) in right {
        let value = match (left.get(key), value) {
            (Some(Value::Map(a)), Value::Map(b)) if recursive => {
                Value::map(merged(a.as_ref().clone(), b, recursive, merge))
            }
            (Some(Value::List(a)), Value::List(b)) => merged_lists(a, b, merge),
            _ => value.clone(),
        };
        left.insert(key.clone(), value);
    }
    left
}

fn merged_lists(a: &[Value], b: &[Value], merge: ListMerge) -> Value {
    let without = |from: &[Value], drop: &[Value]| -> Vec<Value> {
        from.iter().filter(|item| !drop.iter().any(|other| ops::equal(item, other))).cloned().collect()
    };
    match merge {
        ListMerge::Replace => Value::list(b.iter().cloned()),
        ListMerge::Keep => Value::list(a.iter().cloned()),
        ListMerge::Append => Value::list(a.iter().chain(b).cloned()),
        ListMerge::Prepend => Value::list(b.iter().chain(a).cloned()),
        ListMerge::AppendReplacing => Value::list(without(a, b).into_iter().chain(b.iter().cloned())),
        ListMerge::PrependReplacing => Value::list(b.iter().cloned().chain(without(a, b))),
    }
}

pub(super) fn extract(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [container, more] = args.bind("extract", ["container", "morekeys"])?;
    let mut found = access::item(ctx, &required(container, "extract", "container")?, &value)?;
    if let Some(more) = more.filter(|more| !more.is_none()) {
        let keys = if more.is_list() { ctx.iterate(&more)? } else { vec![more] };
        for key in keys {
            found = access::item(ctx, &found, &key)?;
        }
    }
    Ok(found)
}

pub(super) fn subelements(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [path, skip] = args.bind("subelements", ["subelements", "skip_missing"])?;
    let path = required(path, "subelements", "subelements")?;
    let skip = skip.map_or(Ok(false), |skip| ctx.truth(&skip))?;
    let of = if value.is_dict() {
        Val::list(ctx.entries(&value)?.into_iter().map(|(_, value)| value))
    } else {
        value
    };
    subelement_pairs(ctx, &of, &path, skip).map(Val::list)
}

/// Each item with each of the items of its list at `path`.
pub(in crate::template) fn subelement_pairs(
    ctx: &Ctx<'_>,
    of: &Val,
    path: &Val,
    skip: bool,
) -> Res<Vec<Val>> {
    if !of.is_list() {
        return bail("obj must be a list of dicts or a nested dict");
    }
    let keys = match path {
        Val::Data(Value::Str(text)) => text.split('.').map(Val::text).collect(),
        list => ctx.iterate(list)?,
    };
    let mut pairs = Vec::new();
    for element in ctx.iterate(of)? {
        let mut values = element.clone();
        for key in &keys {
            if !values.is_dict() {
                return bail(format!(
                    "the key {} should point to a dictionary, got '{}'",
                    ctx.text(key)?,
                    values.type_name()
                ));
            }
            match access::entry(ctx, &values, &ctx.key(key)?)? {
                Some(found) => values = found,
                None if skip => {
                    values = Val::list([]);
                    break;
                }
                None => return bail(format!("could not find '{}' key in iterated item", ctx.text(key)?)),
            }
        }
        if !values.is_list() {
            return bail(format!("the key should point to a list, got '{}'", values.type_name()));
        }
        for value in ctx.iterate(&values)? {
            pairs.push(Val::tuple([element.clone(), value]));
        }
    }
    Ok(pairs)
}

pub(super) fn rekey_on_member(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [key, duplicates] = args.bind("rekey_on_member", ["key", "duplicates"])?;
    let key = ctx.key(&required(key, "rekey_on_member", "key")?)?;
    let duplicates = duplicates.map_or(Ok("error".into()), |duplicates| ctx.text(&duplicates))?;
    let items = if value.is_dict() {
        ctx.entries(&value)?.into_iter().map(|(_, value)| value).collect()
    } else {
        ctx.iterate(&value)?
    };
    let mut map = ValMap::new();
    for item in items {
        if !item.is_dict() {
            return bail("list item is not a valid dict");
        }
        let found = access::entry(ctx, &item, &key)?
            .ok_or_else(|| Fail::error(format!("key {key} was not found")))?;
        if map.insert(ctx.key(&found)?, item).is_some() && &*duplicates == "error" {
            return bail(format!("key {} is not unique, cannot correctly turn into dict", ctx.text(&found)?));
        }
    }
    Ok(Val::dict(map))
}
