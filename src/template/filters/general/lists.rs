//! `lists_union` and its like: sets of any number of lists, in order.

use crate::base::{Key, Map, Value};
use crate::template::args::Args;
use crate::template::context::Ctx;
use crate::template::fail::{Res, bail};
use crate::template::filters::dicts::{ListMerge, merged};
use crate::template::filters::sets::{Seen, without_repeats};
use crate::template::ops;
use crate::template::val::Val;

/// The lists that are given, with what is flattened.
fn lists(ctx: &Ctx<'_>, value: Val, args: &Args, name: &str) -> Res<Vec<Vec<Value>>> {
    let mut args = args.clone();
    let flatten = args.take("flatten").map_or(Ok(false), |flatten| ctx.truth(&flatten))?;
    if let Some((unknown, _)) = args.named.first() {
        return bail(format!("{name}() got unexpected keywords arguments: {unknown}"));
    }
    let mut all = Vec::new();
    for list in [value].into_iter().chain(args.positional) {
        let Value::List(items) = ctx.force(&list)? else {
            return bail(format!("All arguments must be lists, not {}", list.type_name()));
        };
        if flatten && !items.is_empty() && items.iter().all(|item| matches!(item, Value::List(_))) {
            all.extend(items.iter().map(|item| item.as_list().unwrap_or_default().to_vec()));
        } else if !flatten || !items.is_empty() {
            all.push((*items).clone());
        }
    }
    Ok(all)
}

/// Folds the lists; none give an empty list, one is given back as it is.
fn folded(
    ctx: &Ctx<'_>,
    value: Val,
    args: &Args,
    name: &str,
    join: impl Fn(Vec<Value>, &[Value]) -> Vec<Value>,
) -> Res<Val> {
    let mut lists = lists(ctx, value, args, name)?.into_iter();
    let Some(first) = lists.next() else { return Ok(Val::list([])) };
    if lists.len() == 0 {
        return Ok(Val::Data(Value::from(first)));
    }
    Ok(Val::Data(Value::from(lists.fold(without_repeats(first), |a, b| join(a, &b)))))
}

pub(in crate::template::filters) fn lists_union(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    folded(ctx, value, args, "lists_union", |mut a, b| {
        a.extend_from_slice(b);
        without_repeats(a)
    })
}

pub(in crate::template::filters) fn lists_intersect(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    folded(ctx, value, args, "lists_intersect", |mut a, b| {
        let other = Seen::of(b);
        a.retain(|item| other.has(item));
        a
    })
}

pub(in crate::template::filters) fn lists_difference(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    folded(ctx, value, args, "lists_difference", |mut a, b| {
        let other = Seen::of(b);
        a.retain(|item| !other.has(item));
        a
    })
}

pub(in crate::template::filters) fn lists_symmetric_difference(
    ctx: &Ctx<'_>,
    value: Val,
    args: &Args,
) -> Res<Val> {
    folded(ctx, value, args, "lists_difference", |a, b| {
        let (left, right) = (Seen::of(&a), Seen::of(b));
        let only_left = a.iter().filter(|item| !right.has(item));
        let only_right = b.iter().filter(|item| !left.has(item));
        without_repeats(only_left.chain(only_right).cloned().collect())
    })
}

pub(in crate::template::filters) fn lists_mergeby(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let mut args = args.clone();
    let recursive = args.take("recursive").map_or(Ok(false), |recursive| ctx.truth(&recursive))?;
    let merge = match args.take("list_merge") {
        Some(merge) => ListMerge::named(&ctx.text(&merge)?)?,
        None => ListMerge::Replace,
    };
    if !args.named.is_empty() {
        return bail("'recursive' and 'list_merge' are the only valid keyword arguments.");
    }
    let Some(index) = args.positional.pop() else { return bail("At least one list and index are needed.") };
    let mut all: Vec<Vec<Value>> = Vec::new();
    for list in [value].into_iter().chain(args.positional) {
        let Value::List(items) = ctx.force(&list)? else {
            return bail(
                "All arguments before the argument index for community.general.lists_mergeby must be lists",
            );
        };
        if items.is_empty() {
            continue;
        }
        if items.iter().all(|item| matches!(item, Value::List(_))) {
            all.extend(items.iter().map(|item| item.as_list().unwrap_or_default().to_vec()));
        } else {
            all.push((*items).clone());
        }
    }
    if all.len() == 1 {
        return Ok(Val::Data(Value::from(all.swap_remove(0))));
    }
    let Some(index) = index.as_str().map(Key::str) else {
        return bail("First argument after the lists for community.general.lists_mergeby must be string");
    };
    let mut rows: indexmap::IndexMap<Key, Map> = indexmap::IndexMap::new();
    for element in all.iter().flatten() {
        let Value::Map(entries) = element else {
            return bail(format!(
                "Elements of list arguments for lists_mergeby must be dictionaries, not {}",
                element.type_name()
            ));
        };
        let Some(key) = entries.get(&index).and_then(Key::from_value) else { continue };
        let before = rows.swap_remove(&key).unwrap_or_default();
        rows.insert(key, merged(before, entries, recursive, merge));
    }
    let keyed: Vec<(Value, Value)> =
        rows.into_iter().map(|(key, row)| (key.to_value(), Value::map(row))).collect();
    let sorted = ops::sort_by(keyed, |(key, _)| key)?;
    Ok(Val::Data(Value::list(sorted.into_iter().map(|(_, row)| row))))
}
