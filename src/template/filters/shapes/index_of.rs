//! `index_of`: where the items stand for which a test holds.

use crate::template::access;
use crate::template::args::{Args, required};
use crate::template::context::Ctx;
use crate::template::fail::{Fail, Res, bail};
use crate::template::predicates;
use crate::template::val::Val;

pub(in crate::template) fn index_of(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [test, wanted, key, wantlist, fails] =
        args.bind("index_of", ["test", "value", "key", "wantlist", "fail_on_missing"])?;
    let test = ctx.text(&required(test, "index_of", "test")?)?;
    let flag = |value: Option<Val>| value.map_or(Ok(false), |value| ctx.truth(&value));
    let (wantlist, fails) = (flag(wantlist)?, flag(fails)?);
    let given = |value: Option<Val>| value.filter(|value| !value.is_none());
    let (wanted, key) = (given(wanted), given(key));
    let (inverted, name) = match test.strip_prefix('!') {
        Some("=") => (true, "=="),
        Some(rest) => (true, rest),
        None => test.strip_prefix("not ").map_or((false, &*test), |rest| (true, rest)),
    };
    let Some(found) = predicates::find(name) else {
        return bail(format!("the test '{name}' was not found"));
    };
    let wanted = match wanted {
        Some(wanted) if name == "in" && !wanted.is_list() => Some(Val::list([wanted])),
        other => other,
    };
    let test_args = Args { positional: wanted.into_iter().collect(), named: Vec::new() };
    let mut indexes = Vec::new();
    for (index, item) in ctx.iterate(&value)?.into_iter().enumerate() {
        let tested = match &key {
            None => item,
            Some(_) if !item.is_dict() => {
                return bail("When a key name is provided, all list entries are required to be dictionaries");
            }
            Some(key) => match access::entry(ctx, &item, &ctx.key(key)?)? {
                Some(held) => held,
                None if fails => {
                    let key = ctx.force(key)?.to_repr();
                    return Err(Fail::error(format!("{key} was not found at [{index}]")));
                }
                None => continue,
            },
        };
        if predicates::apply(ctx, found, &tested, &test_args)? != inverted {
            indexes.push(Val::from(index));
        }
    }
    if let ([only], false) = (indexes.as_slice(), wantlist) {
        return Ok(only.clone());
    }
    Ok(Val::list(indexes))
}
