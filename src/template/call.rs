//! Calls: macros, functions, methods.

use std::rc::Rc;
use std::sync::Arc;

use super::args::Args;
use super::context::{Ctx, Frame};
use super::exec::Output;
use super::fail::{Fail, Res, bail};
use super::object::Object;
use super::tree::Macro;
use super::val::{Val, ValMap};
use super::{access, methods};
use crate::base::{Key, Value};

/// The macro that a statement declares.
pub(super) fn macro_value(ctx: &Ctx<'_>, declared: &Arc<Macro>) -> Val {
    Val::object(Object::Macro {
        declared: Arc::clone(declared),
        frame: Rc::clone(&ctx.frame),
        origin: Rc::clone(&ctx.origin),
        scope: Arc::clone(&ctx.scope),
    })
}

/// Calls a value.
pub(super) fn call(ctx: &Ctx<'_>, callee: &Val, args: Args) -> Res<Val> {
    let object = match callee {
        Val::Object(object) => object,
        Val::Missing(missing) => return Err(Fail::Undefined(Rc::clone(missing))),
        Val::Data(Value::Unknown(unknown)) => return Err(Fail::Unknown(Arc::clone(unknown))),
        other => return bail(format!("'{}' object is not callable", other.type_name())),
    };
    match &**object {
        Object::Macro { declared, frame, origin, scope } => {
            let inner = Ctx {
                run: ctx.run,
                scope: Arc::clone(scope),
                frame: Frame::inside(frame),
                origin: Rc::clone(origin),
            };
            bind_macro(&inner, declared, args)?;
            ctx.deeper(|| inner.captured(&declared.body))
        }
        Object::Global(global) => (global.call)(ctx, args),
        Object::Method { of, name } => method(ctx, of, name, args),
        Object::Loop(state) => {
            let Some((each, frame)) = &state.recursive else { return bail("the loop is not recursive") };
            let [items] = args.bind("loop", ["iterable"])?;
            let items = super::args::required(items, "loop", "iterable")?;
            let mut output = Output::default();
            let inner = Ctx { frame: Rc::clone(frame), ..ctx.clone() };
            ctx.deeper(|| inner.each(each, Some(&items), state.depth + 1, &mut output))?;
            output.into_val(ctx)
        }
        Object::Joiner { separator, used } => {
            args.none("joiner")?;
            Ok(if used.replace(true) { separator.clone() } else { Val::from("") })
        }
        Object::Super { block, level } => {
            let mut output = Output::default();
            ctx.deeper(|| ctx.block_at(block, *level, &mut output))?;
            output.into_val(ctx)
        }
        other => bail(format!("'{}' object is not callable", other.type_name())),
    }
}

fn bind_macro(inner: &Ctx<'_>, declared: &Macro, args: Args) -> Res<()> {
    let Args { positional, mut named } = args;
    let mut positional = positional.into_iter();
    let first_default = declared.parameters.len().saturating_sub(declared.defaults.len());
    for (index, parameter) in declared.parameters.iter().enumerate() {
        let by_name = named.iter().position(|(name, _)| name == parameter);
        let value = match (positional.next(), by_name) {
            (Some(_), Some(_)) => {
                return bail(format!("macro `{}` got its argument `{parameter}` twice", declared.name));
            }
            (Some(value), None) => value,
            (None, Some(at)) => named.remove(at).1,
            (None, None) => match index.checked_sub(first_default).and_then(|i| declared.defaults.get(i)) {
                Some(default) => inner.eval(default)?,
                None => Val::missing(format!(
                    "parameter `{parameter}` of macro `{}` was not provided",
                    declared.name
                )),
            },
        };
        inner.frame.set(parameter, value);
    }
    if let Some(at) = named.iter().position(|(name, _)| &**name == "caller") {
        let (name, caller) = named.remove(at);
        inner.frame.set(&name, caller);
    }
    inner.frame.set(&Arc::from("varargs"), Val::tuple(positional));
    let mut rest = ValMap::new();
    for (name, value) in named {
        rest.insert(Key::Str(name), value);
    }
    inner.frame.set(&Arc::from("kwargs"), Val::dict(rest));
    Ok(())
}

/// Calls a method, or the value of an attribute.
pub(super) fn method(ctx: &Ctx<'_>, of: &Val, name: &Arc<str>, args: Args) -> Res<Val> {
    if let Val::Object(object) = of {
        match &**object {
            Object::Loop(state) => match &**name {
                "cycle" => {
                    let count = args.positional.len();
                    let index = state.index.get().checked_rem(count);
                    let found = index.and_then(|index| args.positional.get(index));
                    return found.cloned().ok_or_else(|| Fail::error("no items for cycling given"));
                }
                "changed" => {
                    let mut values = Vec::new();
                    for value in &args.positional {
                        values.push(ctx.force(value)?);
                    }
                    let before = state.last_changed.replace(Some(values.clone()));
                    return Ok(Val::from(before != Some(values)));
                }
                _ => {}
            },
            Object::Cycler { items, at } => match &**name {
                "next" => {
                    let current = items.get(at.get()).cloned();
                    at.set((at.get() + 1).checked_rem(items.len()).unwrap_or(0));
                    return current.ok_or_else(|| Fail::error("no items for cycling given"));
                }
                "reset" => {
                    at.set(0);
                    return Ok(Val::NONE);
                }
                _ => {}
            },
            Object::Blocks => {
                let mut output = Output::default();
                ctx.deeper(|| ctx.block_at(name, 0, &mut output))?;
                return output.into_val(ctx);
            }
            Object::Duration(span) => return super::moment::duration_method(*span, name, &args),
            _ => {}
        }
    }
    if of.has_method(name) {
        return methods::call(ctx, of, name, args);
    }
    match access::attribute(ctx, of, name)? {
        Val::Missing(missing) if !matches!(of, Val::Missing(_)) => Err(Fail::Undefined(missing)),
        found => call(ctx, &found, args),
    }
}
