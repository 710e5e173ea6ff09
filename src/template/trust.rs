//! Which texts come from the project's files, so that a condition that stands in a variable may be evaluated. A text that
//! a host has had a part in never is one.

use std::sync::Arc;

use super::context::Ctx;
use super::options::Mode;
use super::tree::{Argument, Expr, Node, Stmt};
use crate::base::{Key, Place, TextForm, Value};

/// How many variables may lead from one to the other.
const MAX_STEPS: usize = 32;

/// The value that a template gives as it stands in the project's files, where the template is a path to it: a variable,
/// keys and attributes, other templates like it, and `default`.
pub(super) fn written(ctx: &Ctx<'_>, text: &Arc<str>) -> Option<(Value, Place)> {
    template(ctx, text, MAX_STEPS)
}

/// The same of a value that may be a template.
pub(super) fn value(ctx: &Ctx<'_>, value: &Value, place: &Place) -> Option<(Value, Place)> {
    step(ctx, value.clone(), place.clone(), MAX_STEPS)
}

/// Whether there is no template in a value, at any depth.
pub(super) fn is_plain(value: &Value) -> bool {
    match value {
        Value::Template(_) | Value::Unknown(_) => false,
        Value::List(items) => items.iter().all(is_plain),
        Value::Map(entries) => entries.values().all(is_plain),
        _ => true,
    }
}

fn template(ctx: &Ctx<'_>, text: &Arc<str>, left: usize) -> Option<(Value, Place)> {
    let compiled = ctx.run.cache.compile(text, &Mode::Text).ok()?;
    match compiled.body.as_slice() {
        [Stmt::Emit(node)] => at(ctx, node, left.checked_sub(1)?),
        _ => None,
    }
}

fn step(ctx: &Ctx<'_>, value: Value, place: Place, left: usize) -> Option<(Value, Place)> {
    match value {
        Value::Template(inner) if inner.form == TextForm::Template => template(ctx, &inner.text, left),
        Value::Template(_) => None,
        value => Some((value, place)),
    }
}

fn at(ctx: &Ctx<'_>, node: &Node, left: usize) -> Option<(Value, Place)> {
    match &node.expr {
        Expr::Var(name) => step(ctx, ctx.scope.get(name)?, ctx.scope.place(name)?, left),
        Expr::Attr(of, name) => entry(ctx, of, &Value::Str(Arc::clone(name)), left),
        Expr::Item(of, key) => match &key.expr {
            Expr::Const(key) => entry(ctx, of, key, left),
            _ => None,
        },
        Expr::Filter(filter, Some(of), arguments) if matches!(filter.name, "default" | "d") => {
            let first = matches!(arguments.as_slice(), [Argument::Positional(_)]);
            at(ctx, of, left).filter(|_| first)
        }
        _ => None,
    }
}

fn entry(ctx: &Ctx<'_>, of: &Node, key: &Value, left: usize) -> Option<(Value, Place)> {
    let (of, place) = at(ctx, of, left)?;
    let found = match (&of, key) {
        (Value::Map(entries), Value::Str(name)) => entries.get(&Key::Str(Arc::clone(name)))?.clone(),
        (Value::List(items), Value::Int(index)) => items.get(usize::try_from(*index).ok()?)?.clone(),
        _ => return None,
    };
    step(ctx, found, place, left)
}
