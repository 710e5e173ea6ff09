//! The methods of Python's texts, lists, mappings and numbers.

use super::args::Args;
use super::context::Ctx;
use super::fail::{Res, bail};
use super::moment;
use super::val::{Val, ValMap};
use crate::base::Value;

mod dict;
mod list;
pub(super) mod text;

/// The methods that a value has.
pub(super) fn names_of(of: &Val) -> &'static [&'static str] {
    match of {
        Val::Data(Value::Str(_)) => text::NAMES,
        Val::Data(Value::Int(_)) => &["bit_length", "is_integer", "conjugate"],
        Val::Data(Value::Float(_)) => &["is_integer", "hex", "as_integer_ratio", "conjugate"],
        Val::Data(Value::Moment(of)) => moment::methods(*of),
        Val::Tuple(_) => &["count", "index"],
        _ if of.is_dict() => dict::NAMES,
        _ if of.is_list() => list::NAMES,
        _ => &[],
    }
}

/// Whether a method of that name changes its value.
pub(super) fn mutates(name: &str) -> bool {
    matches!(
        name,
        "append"
            | "extend"
            | "insert"
            | "remove"
            | "pop"
            | "clear"
            | "sort"
            | "reverse"
            | "update"
            | "setdefault"
            | "popitem"
    )
}

/// The same list or mapping in a form that can be changed; nothing where it already can, or is neither.
pub(super) fn mutable(ctx: &Ctx<'_>, value: &Val) -> Res<Option<Val>> {
    Ok(match value {
        Val::Data(Value::List(_)) | Val::Lazy(Value::List(_), _) => Some(Val::list(ctx.iterate(value)?)),
        Val::Data(Value::Map(_)) | Val::Lazy(Value::Map(_), _) => {
            Some(Val::dict(ctx.entries(value)?.into_iter().collect::<ValMap>()))
        }
        _ => None,
    })
}

/// Calls a method that the value has.
pub(super) fn call(ctx: &Ctx<'_>, of: &Val, name: &str, args: Args) -> Res<Val> {
    match of {
        Val::Data(Value::Str(string)) => text::call(ctx, string, name, &args),
        Val::Data(Value::Moment(of)) => moment::method(ctx, *of, name, &args),
        Val::Data(Value::Float(number)) if name == "is_integer" => Ok(Val::from(number.fract() == 0.0)),
        Val::Data(Value::Int(_)) if name == "is_integer" => Ok(Val::from(true)),
        Val::Data(Value::Int(number)) if name == "bit_length" => {
            Ok(Val::from(i64::from(128 - number.unsigned_abs().leading_zeros())))
        }
        Val::Data(Value::Int(_) | Value::Float(_)) if name == "conjugate" => Ok(of.clone()),
        _ if of.is_dict() => dict::call(ctx, of, name, args),
        _ if of.is_list() => list::call(ctx, of, name, &args),
        _ => bail(format!("object of type '{}' has no attribute '{name}'", of.type_name())),
    }
}
