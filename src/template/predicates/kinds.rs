//! Tests on what a value is, and comparisons.

use std::rc::Rc;

use crate::base::Value;
use crate::secrets::is_sealed;
use crate::template::args::{Args, required};
use crate::template::context::Ctx;
use crate::template::fail::{Res, bail};
use crate::template::tree::Comparison;
use crate::template::val::Val;
use crate::template::{access, filters, ops, predicates};

macro_rules! kind {
    ($($name:ident, $ctx:ident, $value:ident => $holds:expr;)*) => {$(
        pub(super) fn $name($ctx: &Ctx<'_>, $value: &Val, args: &Args) -> Res<bool> {
            args.none(stringify!($name))?;
            let _ = $ctx;
            Ok($holds)
        }
    )*};
}

kind! {
    defined, ctx, value => !matches!(value, Val::Missing(_));
    undefined, ctx, value => matches!(value, Val::Missing(_));
    none, ctx, value => value.is_none();
    boolean, ctx, value => matches!(value, Val::Data(Value::Bool(_)));
    integer, ctx, value => matches!(value, Val::Data(Value::Int(_)));
    float, ctx, value => matches!(value, Val::Data(Value::Float(_)));
    number, ctx, value => matches!(value, Val::Data(Value::Int(_) | Value::Float(_) | Value::Bool(_)));
    string, ctx, value => value.as_str().is_some();
    mapping, ctx, value => value.is_dict();
    sequence, ctx, value => value.is_dict() || value.is_list() || value.as_str().is_some();
    iterable, ctx, value => value.is_dict() || value.is_list() || value.as_str().is_some();
    callable, ctx, value => matches!(value, Val::Object(object) if object.is_callable());
    is_true, ctx, value => matches!(value, Val::Data(Value::Bool(true)));
    is_false, ctx, value => matches!(value, Val::Data(Value::Bool(false)));
    never, ctx, value => { let _ = value; false };
    vault_encrypted, ctx, value =>
        matches!(value, Val::Data(Value::Str(text)) if ctx.sealed_form(text).is_some_and(|text| is_sealed(text.as_bytes())));
    odd, ctx, value => ctx.int(value)?.rem_euclid(2) == 1;
    even, ctx, value => ctx.int(value)?.rem_euclid(2) == 0;
    lower, ctx, value => { let text = ctx.text(value)?; text.to_lowercase() == *text && text.to_uppercase() != *text };
    upper, ctx, value => { let text = ctx.text(value)?; text.to_uppercase() == *text && text.to_lowercase() != *text };
    filter, ctx, value => filters::find(&ctx.text(value)?).is_some();
    test, ctx, value => predicates::find(&ctx.text(value)?).is_some();
    all, ctx, value => { let mut holds = true; for item in ctx.iterate(value)? { holds &= ctx.truth(&item)?; } holds };
    any, ctx, value => { let mut holds = false; for item in ctx.iterate(value)? { holds |= ctx.truth(&item)?; } holds };
    nan, ctx, value => match ctx.force(value)? {
        Value::Float(number) => number.is_nan(),
        Value::Int(_) | Value::Bool(_) => false,
        _ => return bail(format!("isnan() takes a number, not '{}'", value.type_name())),
    };
}

/// Whether a value has a tag as ansible-core's values have them. Of those fleet knows that a text was decrypted.
pub(super) fn tagged_with(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    let [tag] = args.bind("tagged_with", ["tag_name"])?;
    match &*ctx.text(&required(tag, "tagged_with", "tag_name")?)? {
        "VaultedValue" => Ok(matches!(value, Val::Data(Value::Str(text)) if ctx.sealed_form(text).is_some())),
        tag => bail(format!("the tag `{tag}` is not known here")),
    }
}

fn other(args: &Args, name: &str) -> Res<Val> {
    let [other] = args.bind(name, ["other"])?;
    required(other, name, "other")
}

macro_rules! comparison {
    ($($name:ident => $comparison:ident;)*) => {$(
        pub(super) fn $name(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
            ops::compare(ctx, Comparison::$comparison, value, &other(args, stringify!($name))?)
        }
    )*};
}

comparison! {
    eq => Eq;
    ne => Ne;
    lt => Lt;
    le => Le;
    gt => Gt;
    ge => Ge;
}

pub(super) fn within(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    access::contains(ctx, &other(args, "in")?, value)
}

pub(super) fn contains(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    access::contains(ctx, value, &other(args, "contains")?)
}

pub(super) fn divisibleby(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    match ctx.int(value)?.checked_rem(ctx.int(&other(args, "divisibleby")?)?) {
        Some(rest) => Ok(rest == 0),
        None => bail("division by zero"),
    }
}

pub(super) fn sameas(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    match (value, &other(args, "sameas")?) {
        (Val::List(a), Val::List(b)) => Ok(Rc::ptr_eq(a, b)),
        (Val::Dict(a), Val::Dict(b)) => Ok(Rc::ptr_eq(a, b)),
        (Val::Object(a), Val::Object(b)) => Ok(Rc::ptr_eq(a, b)),
        (a, b) => Ok(a.type_name() == b.type_name() && ops::equal(&ctx.force(a)?, &ctx.force(b)?)),
    }
}

fn all_in(ctx: &Ctx<'_>, items: &Val, container: &Val) -> Res<bool> {
    for item in ctx.iterate(items)? {
        if !access::contains(ctx, container, &item)? {
            return Ok(false);
        }
    }
    Ok(true)
}

pub(super) fn subset(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    all_in(ctx, value, &other(args, "subset")?)
}

pub(super) fn superset(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    all_in(ctx, &other(args, "superset")?, value)
}

pub(super) fn truthy(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    let [convert] = args.bind("truthy", ["convert_bool"])?;
    if convert.map_or(Ok(false), |convert| ctx.truth(&convert))?
        && let Some(value) = ctx.force(value)?.to_bool()
    {
        return Ok(value);
    }
    ctx.truth(value)
}

pub(super) fn falsy(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    truthy(ctx, value, args).map(|truthy| !truthy)
}
