//! The methods of lists and tuples.

use crate::base::Value;
use crate::template::args::{Args, required};
use crate::template::context::Ctx;
use crate::template::fail::{Res, bail};
use crate::template::ops;
use crate::template::val::Val;

/// Their names.
pub(super) const NAMES: &[&str] =
    &["append", "clear", "copy", "count", "extend", "index", "insert", "pop", "remove", "reverse", "sort"];

/// Calls one.
pub(super) fn call(ctx: &Ctx<'_>, of: &Val, name: &str, args: &Args) -> Res<Val> {
    let mut items = ctx.iterate(of)?;
    let result = match name {
        "copy" => return args.none(name).map(|()| Val::list(items)),
        "count" => {
            let [value] = args.bind(name, ["value"])?;
            let wanted = ctx.force(&required(value, name, "value")?)?;
            let mut count = 0_usize;
            for item in &items {
                count += usize::from(ops::equal(&ctx.force(item)?, &wanted));
            }
            return Ok(Val::from(count));
        }
        "index" => {
            let [value, start, stop] = args.bind(name, ["value", "start", "stop"])?;
            let value = required(value, name, "value")?;
            let start = start.map_or(Ok(0), |start| ctx.int(&start))?;
            let stop = stop.map_or(Ok(i128::MAX), |stop| ctx.int(&stop))?;
            return match position(ctx, &items, &value, start, stop)? {
                Some(at) => Ok(Val::from(at)),
                None => bail(format!("{} is not in list", ctx.force(&value)?.to_repr())),
            };
        }
        "append" => {
            let [value] = args.bind(name, ["object"])?;
            items.push(required(value, name, "object")?);
            Val::NONE
        }
        "extend" => {
            let [more] = args.bind(name, ["iterable"])?;
            items.extend(ctx.iterate(&required(more, name, "iterable")?)?);
            Val::NONE
        }
        "insert" => {
            let [index, value] = args.bind(name, ["index", "object"])?;
            let at = ctx.int(&required(index, name, "index")?)?;
            let length = items.len() as i128;
            let at = if at < 0 { (at + length).max(0) } else { at.min(length) };
            items.insert(usize::try_from(at).unwrap_or(0), required(value, name, "object")?);
            Val::NONE
        }
        "remove" => {
            let [value] = args.bind(name, ["value"])?;
            let value = required(value, name, "value")?;
            match position(ctx, &items, &value, 0, i128::MAX)? {
                Some(at) => drop(items.remove(at)),
                None => return bail("list.remove(x): x not in list"),
            }
            Val::NONE
        }
        "pop" => {
            let [index] = args.bind(name, ["index"])?;
            let at = index.map_or(Ok(-1), |index| ctx.int(&index))?;
            let at = if at < 0 { at + items.len() as i128 } else { at };
            match usize::try_from(at).ok().filter(|at| *at < items.len()) {
                Some(at) => items.remove(at),
                None if items.is_empty() => return bail("pop from empty list"),
                None => return bail("pop index out of range"),
            }
        }
        "clear" => {
            items.clear();
            Val::NONE
        }
        "reverse" => {
            items.reverse();
            Val::NONE
        }
        "sort" => {
            let [reverse] = args.bind(name, ["reverse"])?;
            let keyed =
                items.into_iter().map(|item| Ok((ctx.force(&item)?, item))).collect::<Res<Vec<_>>>()?;
            items = ops::sort_by(keyed, |(key, _): &(Value, Val)| key)?
                .into_iter()
                .map(|(_, item)| item)
                .collect();
            if let Some(reverse) = reverse
                && ctx.truth(&reverse)?
            {
                items.reverse();
            }
            Val::NONE
        }
        other => return bail(format!("object of type '{}' has no attribute '{other}'", of.type_name())),
    };
    match of {
        Val::List(shared) => {
            *shared.borrow_mut() = items;
            Ok(result)
        }
        Val::Tuple(_) => bail(format!("object of type 'tuple' has no attribute '{name}'")),
        _ => Ok(result),
    }
}

fn position(ctx: &Ctx<'_>, items: &[Val], wanted: &Val, start: i128, stop: i128) -> Res<Option<usize>> {
    let wanted = ctx.force(wanted)?;
    for (index, item) in items.iter().enumerate() {
        if (index as i128) < start || index as i128 >= stop {
            continue;
        }
        if ops::equal(&ctx.force(item)?, &wanted) {
            return Ok(Some(index));
        }
    }
    Ok(None)
}
