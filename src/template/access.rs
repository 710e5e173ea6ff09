//! Attributes, items and slices.

use std::rc::Rc;
use std::sync::Arc;

use super::context::Ctx;
use super::fail::{Fail, Res, bail};
use super::object::Object;
use super::val::Val;
use super::{moment, ops};
use crate::base::{Key, Value};

/// `of.name`: methods first, then keys, as Jinja2.
pub(super) fn attribute(ctx: &Ctx<'_>, of: &Val, name: &Arc<str>) -> Res<Val> {
    if let Some(found) = special(ctx, of, name)? {
        return Ok(found);
    }
    if of.has_method(name) {
        return Ok(Val::object(Object::Method { of: of.clone(), name: Arc::clone(name) }));
    }
    Ok(match entry(ctx, of, &Key::Str(Arc::clone(name)))? {
        Some(found) => found,
        None => missing(of, &format!("'{name}'")),
    })
}

/// `of[key]`: keys first, then attributes.
pub(super) fn item(ctx: &Ctx<'_>, of: &Val, key: &Val) -> Res<Val> {
    if let Val::Missing(_) | Val::Data(Value::Unknown(_)) = of {
        return Ok(of.clone());
    }
    if of.is_dict() {
        let wanted = ctx.key(key)?;
        if let Some(found) = entry(ctx, of, &wanted)? {
            return Ok(found);
        }
        if let Key::Str(name) = &wanted
            && of.has_method(name)
        {
            return Ok(Val::object(Object::Method { of: of.clone(), name: Arc::clone(name) }));
        }
        return Ok(missing(of, &ctx.force(key)?.to_repr()));
    }
    match key {
        Val::Data(Value::Int(_) | Value::Bool(_)) => {
            let index = ctx.int(key)?;
            Ok(at_index(ctx, of, index)?.unwrap_or_else(|| missing(of, &index.to_string())))
        }
        Val::Data(Value::Str(name)) => match name.parse::<i128>() {
            Err(_) => attribute(ctx, of, name),
            Ok(_) => Ok(missing(of, &format!("'{name}'"))),
        },
        other => {
            let key = ctx.force(other)?;
            Ok(missing(of, &key.to_repr()))
        }
    }
}

fn missing(of: &Val, name: &str) -> Val {
    Val::missing(format!("object of type '{}' has no attribute {name}", of.type_name()))
}

/// The value of a key of a mapping.
pub(super) fn entry(ctx: &Ctx<'_>, of: &Val, key: &Key) -> Res<Option<Val>> {
    Ok(match of {
        Val::Data(Value::Map(entries)) => entries.get(key).cloned().map(Val::Data),
        Val::Lazy(Value::Map(entries), scope) => match entries.get(key) {
            Some(value) => Some(ctx.read(value, scope)?),
            None => None,
        },
        Val::Dict(entries) => entries.borrow().get(key).cloned(),
        Val::Object(object) => match (&**object, key) {
            (Object::HostVars(scope), Key::Str(name)) => {
                ctx.host(scope, name).map(|host| Val::object(Object::Variables(host)))
            }
            (Object::Variables(scope), Key::Str(name)) => ctx.scoped(name, scope)?,
            _ => None,
        },
        _ => None,
    })
}

/// The item at an index; negative ones count from the end.
pub(super) fn at_index(ctx: &Ctx<'_>, of: &Val, index: i128) -> Res<Option<Val>> {
    let place = |length: usize| {
        let index = if index < 0 { index + length as i128 } else { index };
        usize::try_from(index).ok()
    };
    Ok(match of {
        Val::Data(Value::List(items)) => {
            place(items.len()).and_then(|i| items.get(i)).cloned().map(Val::Data)
        }
        Val::Lazy(Value::List(items), scope) => match place(items.len()).and_then(|i| items.get(i)) {
            Some(item) => Some(ctx.read(item, scope)?),
            None => None,
        },
        Val::List(items) => {
            let items = items.borrow();
            place(items.len()).and_then(|i| items.get(i)).cloned()
        }
        Val::Tuple(items) => place(items.len()).and_then(|i| items.get(i)).cloned(),
        Val::Data(Value::Str(text)) => {
            place(text.chars().count()).and_then(|i| text.chars().nth(i)).map(|c| Val::from(c.to_string()))
        }
        _ => None,
    })
}

/// Attributes of what is not plain data; missing and unknown values stay what they are.
fn special(ctx: &Ctx<'_>, of: &Val, name: &Arc<str>) -> Res<Option<Val>> {
    Ok(match of {
        Val::Missing(_) | Val::Data(Value::Unknown(_)) => Some(of.clone()),
        // what `groupby` gives
        Val::Tuple(items) if items.len() == 2 && matches!(&**name, "grouper" | "list") => {
            items.get(usize::from(&**name == "list")).cloned()
        }
        Val::Data(Value::Moment(of)) => moment::attribute(*of, name),
        Val::Object(object) => match &**object {
            Object::Loop(state) => state.attribute(name),
            Object::Namespace(names) => names.borrow().get(name).cloned(),
            Object::Module(frame) => frame.own(name),
            Object::Cycler { items, at } if &**name == "current" => items.get(at.get()).cloned(),
            Object::Duration(micros) => moment::duration_attribute(*micros, name),
            Object::Macro { declared, .. } if &**name == "name" => {
                Some(Val::from(Arc::clone(&declared.name)))
            }
            Object::Macro { declared, .. } if &**name == "arguments" => {
                Some(Val::tuple(declared.parameters.iter().map(|name| Val::from(Arc::clone(name)))))
            }
            Object::Variables(scope) => ctx.scoped(name, scope)?,
            _ => None,
        },
        _ => None,
    })
}

/// `of[start:stop:step]`
pub(super) fn slice(ctx: &Ctx<'_>, of: &Val, [start, stop, step]: [Option<i128>; 3]) -> Res<Val> {
    if let Val::Missing(_) | Val::Data(Value::Unknown(_)) = of {
        return Ok(of.clone());
    }
    if of.is_dict() || !(of.is_list() || of.as_str().is_some()) {
        return bail(format!("'{}' object cannot be sliced", of.type_name()));
    }
    let items = ctx.iterate(of)?;
    let length = items.len() as i128;
    let step = step.unwrap_or(1);
    if step == 0 {
        return bail("slice step cannot be zero");
    }
    let (low, high) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let bound = |given: Option<i128>, default: i128| match given {
        None => default,
        Some(at) if at < 0 => (at.saturating_add(length)).clamp(low, high),
        Some(at) => at.clamp(low, high),
    };
    let (mut at, end) = if step > 0 {
        (bound(start, 0), bound(stop, length))
    } else {
        (bound(start, length - 1), bound(stop, -1))
    };
    let mut taken = Vec::new();
    while (step > 0 && at < end) || (step < 0 && at > end) {
        taken.extend(usize::try_from(at).ok().and_then(|at| items.get(at)).cloned());
        at = at.saturating_add(step);
    }
    Ok(match of {
        Val::Data(Value::Str(_)) => {
            let mut text = String::new();
            for item in &taken {
                text.push_str(item.as_str().unwrap_or(""));
            }
            Val::from(text)
        }
        Val::Tuple(_) => Val::tuple(taken),
        _ => Val::list(taken),
    })
}

/// A path of attributes and indexes as filters take it: `a.b.0`, or one index.
pub(super) fn path(ctx: &Ctx<'_>, of: &Val, path: &Val) -> Res<Val> {
    match path {
        Val::Data(Value::Str(text)) => {
            let mut value = of.clone();
            for part in text.split('.') {
                value = match part.parse::<i128>() {
                    Ok(index) if !value.is_dict() => item(ctx, &value, &Val::from(index))?,
                    Ok(index) => match entry(ctx, &value, &Key::Int(index))? {
                        Some(found) => found,
                        None => item(ctx, &value, &Val::text(part))?,
                    },
                    Err(_) => item(ctx, &value, &Val::text(part))?,
                };
            }
            Ok(value)
        }
        other => item(ctx, of, other),
    }
}

/// Whether a container has a value: `in`.
pub(super) fn contains(ctx: &Ctx<'_>, container: &Val, wanted: &Val) -> Res<bool> {
    match container {
        Val::Data(Value::Str(text)) => match wanted {
            Val::Data(Value::Str(part)) => Ok(text.contains(&**part)),
            Val::Data(Value::Unknown(unknown)) => Err(Fail::Unknown(Arc::clone(unknown))),
            Val::Missing(missing) => Err(Fail::Undefined(Rc::clone(missing))),
            other => {
                bail(format!("'in <string>' requires string as left operand, not {}", other.type_name()))
            }
        },
        _ if container.is_dict() => {
            let key = ctx.key(wanted)?;
            Ok(entry(ctx, container, &key)?.is_some())
        }
        Val::Data(Value::Unknown(unknown)) => Err(Fail::Unknown(Arc::clone(unknown))),
        Val::Missing(missing) => Err(Fail::Undefined(Rc::clone(missing))),
        _ if container.is_list() => {
            let wanted = ctx.force(wanted)?;
            for item in ctx.iterate(container)? {
                if ops::equal(&ctx.force(&item)?, &wanted) {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        other => bail(format!("argument of type '{}' is not iterable", other.type_name())),
    }
}
