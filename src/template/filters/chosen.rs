//! `map`, `select` and their like, and `groupby`.

use super::sequences::{Case, attribute, sort_key};
use crate::template::access;
use crate::template::args::{Args, required};
use crate::template::context::Ctx;
use crate::template::fail::{Fail, Res, bail};
use crate::template::val::Val;
use crate::template::{collections, filters, ops, predicates};

pub(super) fn map(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let items = ctx.iterate(&value)?;
    let mut args = args.clone();
    let mut mapped = Vec::with_capacity(items.len());
    if args.positional.is_empty() {
        let Some(path) = args.take("attribute") else { return bail("`map` needs a filter or `attribute`") };
        let default = args.take("default");
        args.none("map")?;
        for item in items {
            mapped.push(match access::path(ctx, &item, &path)? {
                Val::Missing(missing) => match &default {
                    Some(default) => default.clone(),
                    None => Val::Missing(missing),
                },
                found => found,
            });
        }
        return Ok(Val::list(mapped));
    }
    let name = ctx.text(&args.positional.remove(0))?;
    let Some(filter) = filters::find(&name) else {
        return Err(missing("filter", &name, filters::names()));
    };
    for item in items {
        mapped.push(ctx.deeper(|| filters::apply(ctx, filter, item, &args))?);
    }
    Ok(Val::list(mapped))
}

fn missing(kind: &str, name: &str, known: impl IntoIterator<Item = &'static str> + Clone) -> Fail {
    let (message, hint) = collections::unknown(kind, name, known);
    let hint = hint.map_or(String::new(), |hint| format!(", {hint}"));
    Fail::syntax(format!("{message}{hint}"))
}

pub(super) fn select(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    chosen(ctx, &value, None, args.clone(), Keep::Matching)
}

pub(super) fn reject(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    chosen(ctx, &value, None, args.clone(), Keep::Others)
}

pub(super) fn selectattr(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    by_attribute(ctx, &value, args, Keep::Matching)
}

pub(super) fn rejectattr(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    by_attribute(ctx, &value, args, Keep::Others)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    Matching,
    Others,
}

fn by_attribute(ctx: &Ctx<'_>, value: &Val, args: &Args, keep: Keep) -> Res<Val> {
    let mut args = args.clone();
    if args.positional.is_empty() {
        return bail("`selectattr` and `rejectattr` need the name of an attribute");
    }
    let path = args.positional.remove(0);
    chosen(ctx, value, Some(&path), args, keep)
}

fn chosen(ctx: &Ctx<'_>, value: &Val, path: Option<&Val>, mut args: Args, keep: Keep) -> Res<Val> {
    let test = if args.positional.is_empty() {
        None
    } else {
        let name = ctx.text(&args.positional.remove(0))?;
        let Some(test) = predicates::find(&name) else {
            return Err(missing("test", &name, predicates::names()));
        };
        Some(test)
    };
    let mut kept = Vec::new();
    for item in ctx.iterate(value)? {
        let tested = match path {
            Some(path) => access::path(ctx, &item, path)?,
            None => item.clone(),
        };
        let holds = match test {
            Some(test) => predicates::apply(ctx, test, &tested, &args)?,
            None => ctx.truth(&tested)?,
        };
        if holds == (keep == Keep::Matching) {
            kept.push(item);
        }
    }
    Ok(Val::list(kept))
}

pub(super) fn groupby(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [path, default, case] = args.bind("groupby", ["attribute", "default", "case_sensitive"])?;
    let path = required(path, "groupby", "attribute")?;
    let default = attribute(default);
    let case = Case::of(ctx, case)?;
    let mut keyed = Vec::new();
    for item in ctx.iterate(&value)? {
        let shown = match access::path(ctx, &item, &path)? {
            Val::Missing(missing) => match &default {
                Some(default) => default.clone(),
                None => Val::Missing(missing),
            },
            found => found,
        };
        keyed.push((sort_key(ctx, &shown, None, case)?, (shown, item)));
    }
    let mut groups: Vec<(crate::base::Value, Val, Vec<Val>)> = Vec::new();
    for (key, (shown, item)) in ops::sort_by(keyed, |(key, _)| key)? {
        match groups.last_mut() {
            Some((held, _, items)) if ops::equal(held, &key) => items.push(item),
            _ => groups.push((key, shown, vec![item])),
        }
    }
    Ok(Val::list(groups.into_iter().map(|(_, shown, items)| Val::tuple([shown, Val::list(items)]))))
}
