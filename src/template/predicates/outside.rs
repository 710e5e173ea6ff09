//! Tests on the controller's files. All but `abs` ask the world outside, as lookups of fleet's own names.

use crate::base::{Map, Value};
use crate::template::LookupError;
use crate::template::args::{Args, required};
use crate::template::context::Ctx;
use crate::template::fail::{Fail, Res};
use crate::template::val::Val;

fn ask(ctx: &Ctx<'_>, test: &str, terms: &[&Val]) -> Res<bool> {
    let mut all = vec![Value::from(test)];
    for term in terms {
        all.push(Value::Str(ctx.text(term)?));
    }
    match ctx.run.lookups.lookup("fleet.path_test", &all, &Map::new(), &ctx.scope) {
        Ok(Value::List(items)) => Ok(items.first().and_then(Value::as_bool).unwrap_or(false)),
        Ok(value) => Ok(value.as_bool().unwrap_or(false)),
        Err(LookupError::Deferred) => Err(Fail::Deferred),
        Err(LookupError::Unknown(unknown)) => Err(Fail::Unknown(unknown)),
        Err(LookupError::NoSuchLookup) => {
            Err(Fail::error(format!("the test `{test}` is not supported here")))
        }
        Err(LookupError::Failed(message)) => Err(Fail::error(message)),
    }
}

macro_rules! path_tests {
    ($($function:ident => $name:literal;)*) => {$(
        pub(super) fn $function(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
            args.none($name)?;
            ask(ctx, $name, &[value])
        }
    )*};
}

path_tests! {
    directory => "directory";
    exists => "exists";
    file => "file";
    link => "link";
    link_exists => "link_exists";
    mount => "mount";
    vaulted_file => "vaulted_file";
}

pub(super) fn same_file(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    let [other] = args.bind("same_file", ["path"])?;
    ask(ctx, "same_file", &[value, &required(other, "same_file", "path")?])
}

pub(super) fn is_abs(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    args.none("abs")?;
    Ok(ctx.text(value)?.starts_with('/'))
}
