//! Tests on the results of tasks.

use std::sync::Arc;

use crate::base::{Key, Value};
use crate::template::access;
use crate::template::args::Args;
use crate::template::context::Ctx;
use crate::template::fail::{Fail, Res, bail};
use crate::template::val::Val;

/// A flag of a result; nothing where it has none.
fn flag(ctx: &Ctx<'_>, result: &Val, name: &str, test: &str) -> Res<Option<bool>> {
    if !result.is_dict() {
        return bail(format!(
            "the '{test}' test expects a dictionary, the result of a task, not '{}'",
            result.type_name()
        ));
    }
    match access::entry(ctx, result, &Key::str(name))? {
        None => Ok(None),
        Some(Val::Data(Value::Unknown(unknown))) => Err(Fail::Unknown(Arc::clone(&unknown))),
        Some(value) => ctx.truth(&value).map(Some),
    }
}

pub(super) fn failed(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    args.none("failed")?;
    Ok(flag(ctx, value, "failed", "failed")?.unwrap_or(false))
}

pub(super) fn succeeded(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    failed(ctx, value, args).map(|failed| !failed)
}

pub(super) fn unreachable(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    args.none("unreachable")?;
    Ok(flag(ctx, value, "unreachable", "unreachable")?.unwrap_or(false))
}

pub(super) fn reachable(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    unreachable(ctx, value, args).map(|unreachable| !unreachable)
}

pub(super) fn changed(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    args.none("changed")?;
    if let Some(changed) = flag(ctx, value, "changed", "changed")? {
        return Ok(changed);
    }
    match access::entry(ctx, value, &Key::str("results"))? {
        Some(results) if results.is_list() => {
            for result in ctx.iterate(&results)? {
                if result.is_dict() && flag(ctx, &result, "changed", "changed")? == Some(true) {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        _ => Ok(false),
    }
}

pub(super) fn skipped(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    args.none("skipped")?;
    Ok(flag(ctx, value, "skipped", "skipped")?.unwrap_or(false))
}

pub(super) fn started(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    args.none("started")?;
    Ok(flag(ctx, value, "started", "started")?.unwrap_or(true))
}

pub(super) fn finished(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    args.none("finished")?;
    Ok(flag(ctx, value, "finished", "finished")?.unwrap_or(true))
}

pub(super) fn timedout(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    args.none("timedout")?;
    Ok(flag(ctx, value, "timedout", "timedout")?.unwrap_or(false))
}
