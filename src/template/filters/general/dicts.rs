//! `counter`, `dict`, `dict_kv`, `groupby_as_dict`, `accumulate`.

use crate::template::access;
use crate::template::args::{Args, required};
use crate::template::context::Ctx;
use crate::template::fail::{Res, bail};
use crate::template::ops;
use crate::template::tree::Operator;
use crate::template::val::{Val, ValMap};

pub(in crate::template::filters) fn counter(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("counter")?;
    if !value.is_list() && value.as_str().is_none() {
        return bail(format!(
            "argument for community.general.counter must be a sequence (string or list), not {}",
            value.type_name()
        ));
    }
    let mut counts = ValMap::new();
    for item in ctx.iterate(&value)? {
        let count = counts.entry(ctx.key(&item)?).or_insert_with(|| Val::from(0));
        *count = ops::binary(ctx, Operator::Add, count, &Val::from(1))?;
    }
    Ok(Val::dict(counts))
}

pub(in crate::template::filters) fn dict(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("dict")?;
    Ok(Val::dict(crate::template::globals::pairs(ctx, &value)?.into_iter().collect()))
}

pub(in crate::template::filters) fn dict_kv(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [key] = args.bind("dict_kv", ["key"])?;
    let mut map = ValMap::new();
    map.insert(ctx.key(&required(key, "dict_kv", "key")?)?, value);
    Ok(Val::dict(map))
}

pub(in crate::template::filters) fn groupby_as_dict(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [attribute] = args.bind("groupby_as_dict", ["attribute"])?;
    let attribute = required(attribute, "groupby_as_dict", "attribute")?;
    let wanted = ctx.key(&attribute)?;
    if !value.is_list() {
        return bail("Input is not a sequence");
    }
    let mut map = ValMap::new();
    for (index, element) in ctx.iterate(&value)?.into_iter().enumerate() {
        if !element.is_dict() {
            return bail(format!("Sequence element #{index} is not a mapping"));
        }
        let Some(held) = access::entry(ctx, &element, &wanted)? else {
            return bail(format!("Attribute not contained in element #{index} of sequence"));
        };
        if map.insert(ctx.key(&held)?, element).is_some() {
            let shown = ctx.force(&held)?.to_repr();
            return bail(format!("Multiple sequence entries have attribute value {shown}"));
        }
    }
    Ok(Val::dict(map))
}

pub(in crate::template::filters) fn accumulate(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("accumulate")?;
    if !value.is_list() && value.as_str().is_none() {
        return bail(format!("invalid value type ({}) for accumulate", value.type_name()));
    }
    let mut sums: Vec<Val> = Vec::new();
    for item in ctx.iterate(&value)? {
        let sum = match sums.last() {
            Some(before) => ops::binary(ctx, Operator::Add, before, &item)?,
            None => item,
        };
        sums.push(sum);
    }
    Ok(Val::list(sums))
}
