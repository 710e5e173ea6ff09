//! Filters about whether there is a value, and which.

use std::rc::Rc;

use crate::base::Value;
use crate::template::Deprecation;
use crate::template::access;
use crate::template::args::{Args, required};
use crate::template::context::Ctx;
use crate::template::fail::{Fail, Missing, Res};
use crate::template::val::Val;

pub(super) fn default(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [default, boolean] = args.bind("default", ["default_value", "boolean"])?;
    let falsy = match boolean {
        Some(boolean) if ctx.truth(&boolean)? => !matches!(value, Val::Missing(_)) && !ctx.truth(&value)?,
        _ => false,
    };
    let replaced = falsy || matches!(value, Val::Missing(_));
    Ok(if replaced { default.unwrap_or_else(|| Val::from("")) } else { value })
}

pub(super) fn mandatory(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [message] = args.bind("mandatory", ["msg"])?;
    let Val::Missing(missing) = value else { return Ok(value) };
    let text = match message {
        Some(message) if !message.is_none() => ctx.text(&message)?.to_string(),
        _ => match &missing.name {
            Some(name) => format!("mandatory variable `{name}` not defined"),
            None => format!("mandatory variable not defined: {}", missing.message),
        },
    };
    Err(Fail::Undefined(Rc::new(Missing { message: text, ..(*missing).clone() })))
}

pub(super) fn ternary(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [yes, no, none] = args.bind("ternary", ["true_val", "false_val", "none_val"])?;
    let yes = required(yes, "ternary", "true_val")?;
    let no = required(no, "ternary", "false_val")?;
    match none {
        Some(none) if value.is_none() && !none.is_none() => Ok(none),
        _ => Ok(if ctx.truth(&value)? { yes } else { no }),
    }
}

pub(super) fn bool(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("bool")?;
    let value = ctx.force(&value)?;
    let meant = match &value {
        Value::Bool(value) => Some(*value),
        Value::Int(0) => Some(false),
        Value::Int(1) => Some(true),
        Value::Str(text) => match text.to_lowercase().as_str() {
            "yes" | "on" | "1" | "true" => Some(true),
            "no" | "off" | "0" | "false" => Some(false),
            _ => None,
        },
        _ => None,
    };
    if let Some(meant) = meant {
        return Ok(Val::from(meant));
    }
    let taken = matches!(value, Value::Float(number) if (number - 1.0).abs() < f64::EPSILON);
    let (shown, of_type) = (value.to_repr(), value.type_name());
    let so = if taken { "True" } else { "False" };
    let message = format!("The `bool` filter coerced invalid value {shown} ({of_type}) to {so}.").into();
    let place = ctx.origin.place.clone();
    ctx.run.lookups.deprecate(Deprecation { message, version: "2.23", place });
    Ok(Val::from(taken))
}

pub(super) fn type_debug(_: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("type_debug")?;
    Ok(Val::from(value.type_name()))
}

pub(super) fn attr(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [name] = args.bind("attr", ["name"])?;
    let name = ctx.text(&required(name, "attr", "name")?)?;
    if value.is_dict() && !value.has_method(&name) {
        return Ok(Val::missing(format!("object of type 'dict' has no attribute '{name}'")));
    }
    access::attribute(ctx, &value, &name)
}
