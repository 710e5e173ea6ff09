//! Jinja2's filters on texts.

use std::sync::Arc;

use crate::base::Value;
use crate::template::args::{Args, required};
use crate::template::context::Ctx;
use crate::template::fail::{Res, bail};
use crate::template::methods::text as texts;
use crate::template::val::Val;
use crate::template::{format as formats, pattern};

pub(super) fn lower(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("lower")?;
    Ok(Val::from(ctx.text(&value)?.to_lowercase()))
}

pub(super) fn upper(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("upper")?;
    Ok(Val::from(ctx.text(&value)?.to_uppercase()))
}

pub(super) fn capitalize(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("capitalize")?;
    Ok(Val::from(texts::capitalize(&ctx.text(&value)?)))
}

/// Words begin after blanks, hyphens and opening brackets.
pub(super) fn title(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("title")?;
    let mut out = String::new();
    let mut starts = true;
    for c in ctx.text(&value)?.chars() {
        if c.is_whitespace() || "-({[<".contains(c) {
            out.push(c);
            starts = true;
        } else {
            if starts {
                out.extend(c.to_uppercase());
            } else {
                out.extend(c.to_lowercase());
            }
            starts = false;
        }
    }
    Ok(Val::from(out))
}

pub(super) fn string(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("string")?;
    ctx.text(&value).map(Val::from)
}

pub(super) fn trim(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [chars] = args.bind("trim", ["chars"])?;
    let text = ctx.text(&value)?;
    Ok(Val::text(match chars.filter(|chars| !chars.is_none()) {
        Some(chars) => {
            let chars = ctx.text(&chars)?;
            text.trim_matches(|c| chars.contains(c)).to_owned()
        }
        None => text.trim().to_owned(),
    }))
}

pub(super) fn replace(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [old, new, count] = args.bind("replace", ["old", "new", "count"])?;
    let text = ctx.text(&value)?;
    let old = ctx.text(&required(old, "replace", "old")?)?;
    let new = ctx.text(&required(new, "replace", "new")?)?;
    let count = match count {
        Some(count) => ctx.optional_int(&count)?.unwrap_or(-1),
        None => -1,
    };
    Ok(Val::from(match usize::try_from(count) {
        Ok(count) => text.replacen(&*old, &new, count),
        Err(_) => text.replace(&*old, &new),
    }))
}

pub(super) fn center(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [width] = args.bind("center", ["width"])?;
    let width = usize::try_from(width.map_or(Ok(80), |width| ctx.int(&width))?).unwrap_or(0);
    if width > 1 << 20 {
        return bail("the width is too large");
    }
    let text = ctx.text(&value)?;
    let missing = width.saturating_sub(text.chars().count());
    Ok(Val::from(texts::center(&text, missing, width, " ")))
}

pub(super) fn format(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let pattern = ctx.text(&value)?;
    let Args { positional, named } = args;
    let values = match (positional.is_empty(), named.is_empty()) {
        (false, false) => return bail("can't handle positional and keyword arguments at the same time"),
        (true, false) => Val::dict(
            named
                .iter()
                .map(|(name, value)| (crate::base::Key::Str(Arc::clone(name)), value.clone()))
                .collect(),
        ),
        _ => Val::tuple(positional.iter().cloned()),
    };
    formats::percent(ctx, &pattern, &values).map(Val::from)
}

pub(super) fn split(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    texts::split(ctx, &ctx.text(&value)?, "split", args)
}

pub(super) fn indent(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [width, first, blank] = args.bind("indent", ["width", "first", "blank"])?;
    let text = ctx.text(&value)?;
    let indentation = match width {
        None => "    ".to_owned(),
        Some(Val::Data(Value::Str(text))) => text.to_string(),
        Some(width) => " ".repeat(usize::try_from(ctx.int(&width)?).unwrap_or(0).min(1 << 16)),
    };
    let first = first.map_or(Ok(false), |first| ctx.truth(&first))?;
    let blank = blank.map_or(Ok(false), |blank| ctx.truth(&blank))?;
    let whole = format!("{text}\n");
    let mut out = String::new();
    for (index, line) in texts::lines(&whole, false).into_iter().enumerate() {
        if index > 0 {
            out.push('\n');
            if blank || !line.is_empty() {
                out.push_str(&indentation);
            }
        } else if first && (blank || !line.is_empty()) {
            out.push_str(&indentation);
        }
        out.push_str(line);
    }
    Ok(Val::from(out))
}

pub(super) fn truncate(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [length, kill_words, end, leeway] =
        args.bind("truncate", ["length", "killwords", "end", "leeway"])?;
    let text = ctx.text(&value)?;
    let length = usize::try_from(length.map_or(Ok(255), |length| ctx.int(&length))?).unwrap_or(0);
    let kill_words = kill_words.map_or(Ok(false), |kill| ctx.truth(&kill))?;
    let end = end.map_or(Ok(Arc::from("...")), |end| ctx.text(&end))?;
    let leeway = match leeway {
        Some(leeway) => ctx.optional_int(&leeway)?.unwrap_or(5),
        None => 5,
    };
    if length < end.chars().count() {
        return bail(format!("expected length >= {}, got {length}", end.chars().count()));
    }
    if text.chars().count() <= length.saturating_add(usize::try_from(leeway).unwrap_or(0)) {
        return Ok(Val::Data(Value::Str(text)));
    }
    let cut: String = text.chars().take(length - end.chars().count()).collect();
    let cut = if kill_words { &*cut } else { cut.rsplit_once(' ').map_or(&*cut, |(before, _)| before) };
    Ok(Val::from(format!("{cut}{end}")))
}

pub(super) fn wordcount(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("wordcount")?;
    let words = pattern::compile(ctx, r"\w+", pattern::Flags::default())?;
    Ok(Val::from(words.all(&ctx.text(&value)?)?.len()))
}
