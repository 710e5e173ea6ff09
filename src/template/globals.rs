//! The names that every template has: functions, `omit`, `hostvars`, `vars`.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use indexmap::IndexMap;

use super::args::{Args, required};
use super::context::Ctx;
use super::fail::{Fail, Missing, Res, bail};
use super::object::Object;
use super::val::{Val, ValMap};
use super::{lookup, moment};
use crate::base::{Key, Value};

/// A function.
pub(super) struct Global {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub call: fn(&Ctx<'_>, Args) -> Res<Val>,
}

impl std::fmt::Debug for Global {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

const FUNCTIONS: &[Global] = &[
    Global { name: "cycler", call: cycler },
    Global { name: "dict", call: dict },
    Global { name: "joiner", call: joiner },
    Global { name: "lipsum", call: lipsum },
    Global { name: "lookup", call: lookup::lookup },
    Global { name: "namespace", call: namespace },
    Global { name: "now", call: now },
    Global { name: "q", call: lookup::query },
    Global { name: "query", call: lookup::query },
    Global { name: "range", call: range },
    Global { name: "undef", call: undef },
];

/// What a name stands for where no variable has it.
pub(super) fn find(name: &str, ctx: &Ctx<'_>) -> Option<Val> {
    Some(match name {
        "omit" => Val::Data(Value::Omit),
        "hostvars" => Val::object(Object::HostVars(Arc::clone(&ctx.scope))),
        "vars" => Val::object(Object::Variables(Arc::clone(&ctx.scope))),
        "self" => Val::object(Object::Blocks),
        _ => Val::object(Object::Global(FUNCTIONS.iter().find(|function| function.name == name)?)),
    })
}

/// The names of functions, for near misses.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|function| function.name)
}

fn cycler(_: &Ctx<'_>, args: Args) -> Res<Val> {
    if args.positional.is_empty() {
        return bail("at least one item has to be provided");
    }
    Ok(Val::object(Object::Cycler { items: args.positional, at: Cell::new(0) }))
}

fn joiner(_: &Ctx<'_>, args: Args) -> Res<Val> {
    let [separator] = args.bind("joiner", ["sep"])?;
    Ok(Val::object(Object::Joiner {
        separator: separator.unwrap_or_else(|| Val::from(", ")),
        used: Cell::new(false),
    }))
}

fn dict(ctx: &Ctx<'_>, args: Args) -> Res<Val> {
    let mut map = ValMap::new();
    if args.positional.len() > 1 {
        return bail("dict expected at most 1 argument");
    }
    for value in &args.positional {
        map.extend(pairs(ctx, value)?);
    }
    map.extend(args.named.into_iter().map(|(name, value)| (Key::Str(name), value)));
    Ok(Val::dict(map))
}

/// The pairs that `dict()` and `update()` take: of a mapping, or of a list of pairs.
pub(super) fn pairs(ctx: &Ctx<'_>, value: &Val) -> Res<Vec<(Key, Val)>> {
    if value.is_dict() {
        return ctx.entries(value);
    }
    let mut pairs = Vec::new();
    for pair in ctx.iterate(value)? {
        match ctx.iterate(&pair)?.as_slice() {
            [key, value] => pairs.push((ctx.key(key)?, value.clone())),
            other => {
                return bail(format!(
                    "dictionary update sequence element has length {}; 2 is required",
                    other.len()
                ));
            }
        }
    }
    Ok(pairs)
}

fn namespace(ctx: &Ctx<'_>, args: Args) -> Res<Val> {
    let mut names = IndexMap::new();
    for value in &args.positional {
        for (key, value) in pairs(ctx, value)? {
            names.insert(Arc::from(key.to_string()), value);
        }
    }
    names.extend(args.named);
    Ok(Val::object(Object::Namespace(RefCell::new(names))))
}

/// The longest list that `range` makes; Ansible's sandbox has the same limit.
const MAX_RANGE: i128 = 100_000;

/// A list, where Python has an object of its own: what templates print of it is Python's.
fn range(ctx: &Ctx<'_>, args: Args) -> Res<Val> {
    let [first, second, step] = args.bind("range", ["start", "stop", "step"])?;
    let first = ctx.int(&required(first, "range", "stop")?)?;
    let (start, stop) = match &second {
        None => (0, first),
        Some(stop) => (first, ctx.int(stop)?),
    };
    let step = step.map_or(Ok(1), |step| ctx.int(&step))?;
    if step == 0 {
        return bail("range() arg 3 must not be zero");
    }
    let distance = if step > 0 { stop.saturating_sub(start) } else { start.saturating_sub(stop) };
    let count = if distance <= 0 { 0 } else { (distance - 1) / step.saturating_abs() + 1 };
    if count > MAX_RANGE {
        return bail(format!("range too big, the sandbox blocks ranges larger than {MAX_RANGE}"));
    }
    let list = Val::list((0..count).map(|index| Val::from(start + index * step)));
    let shown =
        if step == 1 { format!("range({start}, {stop})") } else { format!("range({start}, {stop}, {step})") };
    ctx.run.note_range(&list, shown);
    Ok(list)
}

fn lipsum(_: &Ctx<'_>, _: Args) -> Res<Val> {
    bail("`lipsum` is not supported: it gives another text each time")
}

fn now(ctx: &Ctx<'_>, args: Args) -> Res<Val> {
    let [utc, format] = args.bind("now", ["utc", "fmt"])?;
    let utc = utc.map_or(Ok(false), |utc| ctx.truth(&utc))?;
    let at = moment::shown(ctx, moment::now(ctx)?, utc)?;
    match format {
        Some(format) if !format.is_none() => moment::formatted(at, &ctx.text(&format)?).map(Val::from),
        _ => Ok(Val::Data(Value::Moment(at))),
    }
}

fn undef(ctx: &Ctx<'_>, args: Args) -> Res<Val> {
    let [hint] = args.bind("undef", ["hint"])?;
    let message = match hint {
        Some(hint) if !hint.is_none() => ctx.text(&hint)?.to_string(),
        _ => "mandatory variable has not been overridden".to_owned(),
    };
    Ok(Val::Missing(std::rc::Rc::new(Missing::new(message))))
}

/// That a value is not missing.
pub(super) fn present(value: Val) -> Res<Val> {
    match value {
        Val::Missing(missing) => Err(Fail::Undefined(missing)),
        value => Ok(value),
    }
}
