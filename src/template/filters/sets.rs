//! Filters that treat lists as sets, and those that combine lists.

use std::collections::HashSet;

use super::sequences::{Case, attribute, sort_key};
use crate::base::{Key, Value};
use crate::template::args::{Args, required};
use crate::template::context::Ctx;
use crate::template::fail::{Res, bail};
use crate::template::ops;
use crate::template::val::Val;

/// The longest list that is made by combining others.
const MAX_ROWS: usize = 2_000_000;

fn forced(ctx: &Ctx<'_>, value: &Val) -> Res<Vec<Value>> {
    ctx.iterate(value)?.iter().map(|item| ctx.force(item)).collect()
}

/// Values that were met; found again without looking at each, but lists and mappings.
#[derive(Default)]
pub(super) struct Seen {
    plain: HashSet<Key>,
    others: Vec<Value>,
}

impl Seen {
    /// The values of a list.
    pub(super) fn of(items: &[Value]) -> Self {
        let mut seen = Self::default();
        for item in items {
            seen.add(item);
        }
        seen
    }

    /// Numbers and booleans that are equal are one key, as in Python.
    fn key(value: &Value) -> Option<Key> {
        Some(match value {
            Value::Bool(value) => Key::Int(i128::from(*value)),
            Value::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => Key::Int(*number as i128),
            Value::Str(_) | Value::Int(_) | Value::Null | Value::Float(_) => Key::from_value(value)?,
            _ => return None,
        })
    }

    /// Whether a value was met.
    pub(super) fn has(&self, value: &Value) -> bool {
        match Self::key(value) {
            Some(key) => self.plain.contains(&key),
            None => self.others.iter().any(|item| ops::equal(item, value)),
        }
    }

    /// Remembers a value. Returns whether it is new.
    pub(super) fn add(&mut self, value: &Value) -> bool {
        match Self::key(value) {
            Some(key) => self.plain.insert(key),
            None if self.has(value) => false,
            None => {
                self.others.push(value.clone());
                true
            }
        }
    }
}

/// The values without those that were there before.
pub(super) fn without_repeats(mut items: Vec<Value>) -> Vec<Value> {
    let mut seen = Seen::default();
    items.retain(|item| seen.add(item));
    items
}

fn distinct(items: impl IntoIterator<Item = Value>) -> Val {
    Val::Data(Value::list(without_repeats(items.into_iter().collect())))
}

fn two(ctx: &Ctx<'_>, value: &Val, args: &Args, name: &str) -> Res<(Vec<Value>, Vec<Value>)> {
    let [other] = args.bind(name, ["b"])?;
    Ok((forced(ctx, value)?, forced(ctx, &required(other, name, "b")?)?))
}

pub(super) fn union(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let (a, b) = two(ctx, &value, args, "union")?;
    Ok(distinct(a.into_iter().chain(b)))
}

pub(super) fn intersect(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let (a, b) = two(ctx, &value, args, "intersect")?;
    let b = Seen::of(&b);
    Ok(distinct(a.into_iter().filter(|item| b.has(item))))
}

pub(super) fn difference(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let (a, b) = two(ctx, &value, args, "difference")?;
    let b = Seen::of(&b);
    Ok(distinct(a.into_iter().filter(|item| !b.has(item))))
}

pub(super) fn symmetric_difference(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let (a, b) = two(ctx, &value, args, "symmetric_difference")?;
    let (left, right) = (Seen::of(&a), Seen::of(&b));
    Ok(distinct(a.into_iter().chain(b).filter(|item| !(left.has(item) && right.has(item)))))
}

pub(super) fn unique(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [case, path] = args.bind("unique", ["case_sensitive", "attribute"])?;
    let narrowed = match &case {
        Some(case) if !case.is_none() => !ctx.truth(case)?,
        _ => false,
    };
    let case = Case::of(ctx, case)?;
    let path = attribute(path);
    let mut seen = Seen::default();
    let mut kept = Vec::new();
    for item in ctx.iterate(&value)? {
        let key = sort_key(ctx, &item, path.as_ref(), case)?;
        if (narrowed || path.is_some()) && matches!(key, Value::List(_) | Value::Map(_)) {
            return bail(format!(
                "unhashable type: '{}'; with `case_sensitive` or `attribute`, `unique` cannot fall back to comparing",
                key.type_name()
            ));
        }
        if seen.add(&key) {
            kept.push(item);
        }
    }
    Ok(Val::list(kept))
}

pub(super) fn flatten(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [levels, skip] = args.bind("flatten", ["levels", "skip_nulls"])?;
    let levels = match levels {
        Some(levels) => ctx.optional_int(&levels)?,
        None => None,
    };
    let skip = skip.map_or(Ok(true), |skip| ctx.truth(&skip))?;
    let mut flat = Vec::new();
    flatten_into(ctx, &value, levels, skip, &mut flat)?;
    Ok(Val::list(flat))
}

fn flatten_into(
    ctx: &Ctx<'_>,
    value: &Val,
    levels: Option<i128>,
    skip: bool,
    flat: &mut Vec<Val>,
) -> Res<()> {
    for item in ctx.iterate(value)? {
        let none = item.is_none() || matches!(item.as_str(), Some("None" | "null"));
        if none && skip {
            continue;
        }
        match levels {
            _ if !item.is_list() => flat.push(item),
            None => ctx.deeper(|| flatten_into(ctx, &item, None, skip, flat))?,
            Some(left) if left >= 1 => ctx.deeper(|| flatten_into(ctx, &item, Some(left - 1), skip, flat))?,
            Some(_) => flat.push(item),
        }
    }
    Ok(())
}

fn lists(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<Vec<Vec<Val>>> {
    [value].into_iter().chain(&args.positional).map(|list| ctx.iterate(list)).collect()
}

pub(super) fn zip(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let mut args = args.clone();
    let strict = args.take("strict").map_or(Ok(false), |strict| ctx.truth(&strict))?;
    let lists = lists(ctx, &value, &args)?;
    let shortest = lists.iter().map(Vec::len).min().unwrap_or(0);
    if strict && lists.iter().any(|list| list.len() != shortest) {
        return bail("zip() arguments have different lengths");
    }
    Ok(rows(&lists, shortest, &Val::NONE))
}

pub(super) fn zip_longest(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let mut args = args.clone();
    let fill = args.take("fillvalue").unwrap_or(Val::NONE);
    let lists = lists(ctx, &value, &args)?;
    let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
    Ok(rows(&lists, longest, &fill))
}

fn rows(lists: &[Vec<Val>], length: usize, fill: &Val) -> Val {
    Val::list((0..length).map(|index| {
        Val::tuple(lists.iter().map(|list| list.get(index).cloned().unwrap_or_else(|| fill.clone())))
    }))
}

pub(super) fn product(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let mut args = args.clone();
    let repeat = args.take("repeat").map_or(Ok(1), |repeat| ctx.int(&repeat))?;
    let once = lists(ctx, &value, &args)?;
    let mut rows: Vec<Vec<Val>> = vec![Vec::new()];
    for _ in 0..repeat {
        for list in &once {
            if rows.len().saturating_mul(list.len()) > MAX_ROWS {
                return bail("the product is too large");
            }
            rows = rows
                .iter()
                .flat_map(|row| {
                    list.iter().map(move |item| row.iter().cloned().chain([item.clone()]).collect())
                })
                .collect();
        }
    }
    Ok(Val::list(rows.into_iter().map(Val::tuple)))
}

fn taken(ctx: &Ctx<'_>, length: Option<Val>, default: usize) -> Res<usize> {
    match length {
        Some(length) if !length.is_none() => match usize::try_from(ctx.int(&length)?) {
            Ok(length) => Ok(length),
            Err(_) => bail("r must be non-negative"),
        },
        _ => Ok(default),
    }
}

pub(super) fn permutations(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [length] = args.bind("permutations", ["r"])?;
    let items = ctx.iterate(&value)?;
    let length = taken(ctx, length, items.len())?;
    let mut rows = Vec::new();
    choose(&items, length, &mut Vec::new(), &mut rows, |row, index| !row.contains(&index))?;
    Ok(Val::list(rows))
}

pub(super) fn combinations(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [length] = args.bind("combinations", ["r"])?;
    let items = ctx.iterate(&value)?;
    let length = taken(ctx, Some(required(length, "combinations", "r")?), 0)?;
    let mut rows = Vec::new();
    choose(&items, length, &mut Vec::new(), &mut rows, |row, index| {
        row.last().is_none_or(|last| *last < index)
    })?;
    Ok(Val::list(rows))
}

fn choose(
    items: &[Val],
    length: usize,
    row: &mut Vec<usize>,
    rows: &mut Vec<Val>,
    fits: fn(&[usize], usize) -> bool,
) -> Res<()> {
    if length > items.len() {
        return Ok(());
    }
    if row.len() == length {
        if rows.len() >= MAX_ROWS {
            return bail("there are too many combinations");
        }
        rows.push(Val::tuple(row.iter().filter_map(|index| items.get(*index).cloned())));
        return Ok(());
    }
    if row.len() >= 100 {
        return bail("there are too many combinations");
    }
    for index in 0..items.len() {
        if fits(row, index) {
            row.push(index);
            choose(items, length, row, rows, fits)?;
            row.pop();
        }
    }
    Ok(())
}
