//! The methods of mappings.

use crate::base::Key;
use crate::template::access;
use crate::template::args::{Args, required};
use crate::template::context::Ctx;
use crate::template::fail::{Res, bail};
use crate::template::globals::pairs;
use crate::template::val::Val;

/// Their names.
pub(super) const NAMES: &[&str] = &[
    "clear",
    "copy",
    "fromkeys",
    "get",
    "items",
    "keys",
    "pop",
    "popitem",
    "setdefault",
    "update",
    "values",
];

/// Calls one.
pub(super) fn call(ctx: &Ctx<'_>, of: &Val, name: &str, args: Args) -> Res<Val> {
    match name {
        "get" => {
            let [key, default] = args.bind(name, ["key", "default"])?;
            let key = ctx.key(&required(key, name, "key")?)?;
            return Ok(access::entry(ctx, of, &key)?.unwrap_or_else(|| default.unwrap_or(Val::NONE)));
        }
        "keys" => {
            args.none(name)?;
            return ctx.iterate(of).map(Val::list);
        }
        "values" => {
            args.none(name)?;
            return Ok(Val::list(ctx.entries(of)?.into_iter().map(|(_, value)| value)));
        }
        "items" => {
            args.none(name)?;
            let pair = |(key, value): (Key, Val)| Val::tuple([Val::Data(key.to_value()), value]);
            return Ok(Val::list(ctx.entries(of)?.into_iter().map(pair)));
        }
        "copy" => {
            args.none(name)?;
            return Ok(Val::dict(ctx.entries(of)?.into_iter().collect()));
        }
        "fromkeys" => {
            let [keys, value] = args.bind(name, ["iterable", "value"])?;
            let value = value.unwrap_or(Val::NONE);
            let keys = ctx.iterate(&required(keys, name, "iterable")?)?;
            let entries = keys.iter().map(|key| Ok((ctx.key(key)?, value.clone()))).collect::<Res<_>>()?;
            return Ok(Val::dict(entries));
        }
        _ => {}
    }
    let Val::Dict(shared) = of else {
        return bail(format!("object of type '{}' has no attribute '{name}'", of.type_name()));
    };
    match name {
        "clear" => {
            args.none(name)?;
            shared.borrow_mut().clear();
            Ok(Val::NONE)
        }
        "pop" => {
            let [key, default] = args.bind(name, ["key", "default"])?;
            let key = ctx.key(&required(key, name, "key")?)?;
            match shared.borrow_mut().shift_remove(&key).or(default) {
                Some(value) => Ok(value),
                None => bail(format!("the mapping has no key {}", key.to_value().to_repr())),
            }
        }
        "popitem" => {
            args.none(name)?;
            match shared.borrow_mut().pop() {
                Some((key, value)) => Ok(Val::tuple([Val::Data(key.to_value()), value])),
                None => bail("popitem(): dictionary is empty"),
            }
        }
        "setdefault" => {
            let [key, default] = args.bind(name, ["key", "default"])?;
            let key = ctx.key(&required(key, name, "key")?)?;
            let default = default.unwrap_or(Val::NONE);
            Ok(shared.borrow_mut().entry(key).or_insert(default).clone())
        }
        "update" => {
            let Args { positional, named } = args;
            let mut added = Vec::new();
            for value in &positional {
                added.extend(pairs(ctx, value)?);
            }
            added.extend(named.into_iter().map(|(name, value)| (Key::Str(name), value)));
            shared.borrow_mut().extend(added);
            Ok(Val::NONE)
        }
        other => bail(format!("object of type 'dict' has no attribute '{other}'")),
    }
}
