//! Filters on regular expressions.

use fancy_regex::Captures;

use crate::base::Value;
use crate::template::args::{Args, required};
use crate::template::context::Ctx;
use crate::template::fail::{Res, bail};
use crate::template::pattern::{self, Flags};
use crate::template::val::Val;

fn flags(ctx: &Ctx<'_>, ignore_case: Option<Val>, multiline: Option<Val>) -> Res<Flags> {
    Ok(Flags {
        ignore_case: ignore_case.map_or(Ok(false), |flag| ctx.truth(&flag))?,
        multi_line: multiline.map_or(Ok(false), |flag| ctx.truth(&flag))?,
        ..Flags::default()
    })
}

pub(super) fn regex_replace(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [pattern, replacement, ignore_case, multiline, count, mandatory] = args.bind(
        "regex_replace",
        ["pattern", "replacement", "ignorecase", "multiline", "count", "mandatory_count"],
    )?;
    let text = ctx.text(&value)?;
    let pattern = pattern.map_or(Ok("".into()), |pattern| ctx.text(&pattern))?;
    let replacement = replacement.map_or(Ok("".into()), |replacement| ctx.text(&replacement))?;
    let number = |value: Option<Val>| value.map_or(Ok(0), |value| ctx.int(&value));
    let (count, mandatory) = (number(count)?, number(mandatory)?);
    let compiled = pattern::compile(ctx, &pattern, flags(ctx, ignore_case, multiline)?)?;
    let (replaced, times) = compiled.replace(&text, &replacement, usize::try_from(count).unwrap_or(0))?;
    if mandatory > 0 && times as i128 != mandatory {
        return bail(format!(
            "'{pattern}' should match {mandatory} times, but matches {times} times in '{text}'"
        ));
    }
    Ok(Val::from(replaced))
}

fn group(found: &Captures<'_, str>, index: usize) -> Val {
    found.get(index).map_or(Val::NONE, |group| Val::text(group.as_str()))
}

pub(super) fn regex_search(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let mut args = args.clone();
    let flags = flags(ctx, args.take("ignorecase"), args.take("multiline"))?;
    if args.positional.is_empty()
        && let Some(regex) = args.take("regex")
    {
        args.positional.push(regex);
    }
    if let Some((name, _)) = args.named.first() {
        return bail(format!("`regex_search` has no argument `{name}`"));
    }
    let mut wanted = args.positional.into_iter();
    let regex = pattern::compile(ctx, &ctx.text(&required(wanted.next(), "regex_search", "regex")?)?, flags)?;
    let text = ctx.text(&value)?;
    let found = regex.find(&text)?;
    let mut groups = Vec::new();
    for name in wanted {
        let name = ctx.text(&name)?;
        let named = name.strip_prefix(r"\g<").and_then(|name| name.strip_suffix('>'));
        let index = named.or_else(|| name.strip_prefix('\\')).map(str::parse::<usize>);
        let value = match (&found, named, index) {
            (_, None, None | Some(Err(_))) => {
                return bail("unknown argument: a group is `\\1` or `\\g<name>`");
            }
            (None, _, _) => Val::NONE,
            (Some(found), _, Some(Ok(index))) if index < found.len() => group(found, index),
            (Some(_), _, Some(Ok(_))) => return bail("no such group"),
            (Some(found), Some(named), _) => match found.name(named) {
                Some(group) => Val::text(group.as_str()),
                None if regex.has_group(named) => Val::NONE,
                None => return bail(format!("no such group: {named}")),
            },
        };
        groups.push(value);
    }
    match found {
        None => Ok(Val::NONE),
        Some(found) if groups.is_empty() => Ok(group(&found, 0)),
        Some(_) => Ok(Val::list(groups)),
    }
}

pub(super) fn regex_findall(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [regex, multiline, ignore_case] = args.bind("regex_findall", ["regex", "multiline", "ignorecase"])?;
    let regex = ctx.text(&required(regex, "regex_findall", "regex")?)?;
    let regex = pattern::compile(ctx, &regex, flags(ctx, ignore_case, multiline)?)?;
    let text = ctx.text(&value)?;
    let whole_or_empty = |found: &Captures<'_, str>, index| match group(found, index) {
        Val::Data(Value::Null) => Val::from(""),
        group => group,
    };
    Ok(Val::list(regex.all(&text)?.iter().map(|found| match regex.groups() {
        0 => whole_or_empty(found, 0),
        1 => whole_or_empty(found, 1),
        groups => Val::tuple((1..=groups).map(|index| whole_or_empty(found, index))),
    })))
}

pub(super) fn regex_escape(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [kind] = args.bind("regex_escape", ["re_type"])?;
    let kind = kind.map_or(Ok("python".into()), |kind| ctx.text(&kind))?;
    let text = ctx.text(&value)?;
    match &*kind {
        "python" => Ok(Val::from(pattern::escape(&text))),
        "posix_basic" => {
            let mut out = String::new();
            for c in text.chars() {
                if "[].^$*\\".contains(c) {
                    out.push('\\');
                }
                out.push(c);
            }
            Ok(Val::from(out))
        }
        other => bail(format!("invalid regex type ({other})")),
    }
}
