//! Jinja2's filters on lists.

use crate::base::Value;
use crate::template::access;
use crate::template::args::{Args, required};
use crate::template::context::Ctx;
use crate::template::fail::{Res, bail};
use crate::template::ops;
use crate::template::tree::Operator;
use crate::template::val::Val;

/// A value with what it is compared by.
pub(super) type Keyed = (Value, Val);

/// What an item is compared by: an attribute, or itself; texts without their case unless it counts.
pub(super) fn sort_key(ctx: &Ctx<'_>, item: &Val, attribute: Option<&Val>, case: Case) -> Res<Value> {
    let value = match attribute {
        None => ctx.force(item)?,
        Some(Val::Data(Value::Str(paths))) if paths.contains(',') => {
            let mut keys = Vec::new();
            for path in paths.split(',') {
                keys.push(case.fold(ctx.force(&access::path(ctx, item, &Val::text(path.trim()))?)?));
            }
            Value::list(keys)
        }
        Some(path) => ctx.force(&access::path(ctx, item, path)?)?,
    };
    Ok(case.fold(value))
}

/// Whether the case of letters counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    /// It does.
    Counts,
    /// It does not.
    Ignored,
}

impl Case {
    /// As an argument says; it is ignored where it is not given.
    pub(super) fn of(ctx: &Ctx<'_>, argument: Option<Val>) -> Res<Self> {
        let counts = argument.map_or(Ok(false), |argument| ctx.truth(&argument))?;
        Ok(if counts { Self::Counts } else { Self::Ignored })
    }

    /// The value as it is compared.
    pub(super) fn fold(self, value: Value) -> Value {
        match value {
            Value::Str(text) if self == Self::Ignored => Value::from(text.to_lowercase()),
            value => value,
        }
    }
}

/// An attribute that may be given.
pub(super) fn attribute(value: Option<Val>) -> Option<Val> {
    value.filter(|value| !value.is_none())
}

pub(super) fn length(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("length")?;
    match ctx.length(&value)? {
        Some(length) => Ok(Val::from(length)),
        None => bail(format!("object of type '{}' has no len()", value.type_name())),
    }
}

pub(super) fn list(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("list")?;
    ctx.iterate(&value).map(Val::list)
}

pub(super) fn first(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("first")?;
    let first = if value.is_list() {
        access::at_index(ctx, &value, 0)?
    } else {
        ctx.iterate(&value)?.into_iter().next()
    };
    Ok(first.unwrap_or_else(|| Val::missing("no first item, sequence was empty")))
}

pub(super) fn last(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("last")?;
    let last = if value.is_list() { access::at_index(ctx, &value, -1)? } else { ctx.iterate(&value)?.pop() };
    Ok(last.unwrap_or_else(|| Val::missing("no last item, sequence was empty")))
}

pub(super) fn reverse(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("reverse")?;
    if let Some(text) = value.as_str() {
        return Ok(Val::from(text.chars().rev().collect::<String>()));
    }
    Ok(Val::list(ctx.iterate(&value)?.into_iter().rev()))
}

pub(super) fn join(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [separator, path] = args.bind("join", ["d", "attribute"])?;
    let separator = separator.map_or(Ok("".into()), |separator| ctx.text(&separator))?;
    let path = attribute(path);
    let mut texts = Vec::new();
    for item in ctx.iterate(&value)? {
        texts.push(match &path {
            Some(path) => ctx.text(&access::path(ctx, &item, path)?)?,
            None => ctx.text(&item)?,
        });
    }
    Ok(Val::from(texts.join(&*separator)))
}

pub(super) fn sum(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [path, start] = args.bind("sum", ["attribute", "start"])?;
    let path = attribute(path);
    let mut total = start.unwrap_or_else(|| Val::from(0));
    for item in ctx.iterate(&value)? {
        let item = match &path {
            Some(path) => access::path(ctx, &item, path)?,
            None => item,
        };
        total = ops::binary(ctx, Operator::Add, &total, &item)?;
    }
    Ok(total)
}

pub(super) fn sort(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [reverse, case, path] = args.bind("sort", ["reverse", "case_sensitive", "attribute"])?;
    let case = Case::of(ctx, case)?;
    let path = attribute(path);
    let mut items = Vec::new();
    for item in ctx.iterate(&value)? {
        items.push((sort_key(ctx, &item, path.as_ref(), case)?, item));
    }
    let reversed = reverse.map_or(Ok(false), |reverse| ctx.truth(&reverse))?;
    // reversed twice: equal items keep their order, as in Python
    if reversed {
        items.reverse();
    }
    let mut sorted = ops::sort_by(items, |(key, _): &Keyed| key)?;
    if reversed {
        sorted.reverse();
    }
    Ok(Val::list(sorted.into_iter().map(|(_, item)| item)))
}

pub(super) fn min(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    extreme(ctx, &value, args, "min", ">")
}

pub(super) fn max(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    extreme(ctx, &value, args, "max", "<")
}

fn extreme(ctx: &Ctx<'_>, value: &Val, args: &Args, name: &str, sign: &str) -> Res<Val> {
    let [case, path] = args.bind(name, ["case_sensitive", "attribute"])?;
    let case = Case::of(ctx, case)?;
    let path = attribute(path);
    let mut best: Option<Keyed> = None;
    for item in ctx.iterate(value)? {
        let key = sort_key(ctx, &item, path.as_ref(), case)?;
        let better = match &best {
            None => true,
            Some((held, _)) => {
                let order = ops::order(&key, held, sign)?;
                if name == "min" { order.is_lt() } else { order.is_gt() }
            }
        };
        if better {
            best = Some((key, item));
        }
    }
    Ok(best.map_or_else(|| Val::missing("no aggregated item, sequence was empty"), |(_, item)| item))
}

pub(super) fn batch(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [count, fill] = args.bind("batch", ["linecount", "fill_with"])?;
    let count =
        usize::try_from(ctx.int(&required(count, "batch", "linecount")?)?).unwrap_or(0).clamp(1, 1 << 20);
    let fill = attribute(fill);
    let items = ctx.iterate(&value)?;
    Ok(Val::list(items.chunks(count).map(|chunk| {
        let missing = fill.iter().flat_map(|fill| std::iter::repeat_n(fill.clone(), count - chunk.len()));
        Val::list(chunk.iter().cloned().chain(missing))
    })))
}

pub(super) fn slice(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [slices, fill] = args.bind("slice", ["slices", "fill_with"])?;
    let slices =
        usize::try_from(ctx.int(&required(slices, "slice", "slices")?)?).unwrap_or(0).clamp(1, 1 << 16);
    let fill = attribute(fill);
    let items = ctx.iterate(&value)?;
    let (each, more) = (items.len() / slices, items.len() % slices);
    let mut rest = items.into_iter();
    Ok(Val::list((0..slices).map(|index| {
        let longer = index < more;
        let mut part: Vec<Val> = rest.by_ref().take(each + usize::from(longer)).collect();
        if !longer && more > 0 {
            part.extend(fill.clone());
        }
        Val::list(part)
    })))
}
