//! Tests on texts: regular expressions and URLs.

use crate::template::args::Args;
use crate::template::context::Ctx;
use crate::template::fail::{Res, bail};
use crate::template::pattern::{self, Flags};
use crate::template::val::Val;

fn with_flags(
    ctx: &Ctx<'_>,
    value: &Val,
    pattern: Option<Val>,
    [ignore_case, multiline]: [Option<Val>; 2],
    kind: &str,
) -> Res<bool> {
    let pattern = pattern.map_or(Ok("".into()), |pattern| ctx.text(&pattern))?;
    let flags = Flags {
        ignore_case: ignore_case.map_or(Ok(false), |flag| ctx.truth(&flag))?,
        multi_line: multiline.map_or(Ok(false), |flag| ctx.truth(&flag))?,
        ..Flags::default()
    };
    let pattern = match kind {
        "search" => pattern.to_string(),
        "match" => format!(r"\A(?:{pattern})"),
        "fullmatch" => format!(r"\A(?:{pattern})\Z"),
        other => return bail(format!("invalid match_type '{other}'")),
    };
    pattern::compile(ctx, &pattern, flags)?.is_match(&ctx.text(value)?)
}

pub(super) fn matches(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    let [pattern, ignore_case, multiline] = args.bind("match", ["pattern", "ignorecase", "multiline"])?;
    with_flags(ctx, value, pattern, [ignore_case, multiline], "match")
}

pub(super) fn search(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    let [pattern, ignore_case, multiline] = args.bind("search", ["pattern", "ignorecase", "multiline"])?;
    with_flags(ctx, value, pattern, [ignore_case, multiline], "search")
}

pub(super) fn regex(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    let [pattern, ignore_case, multiline, kind] =
        args.bind("regex", ["pattern", "ignorecase", "multiline", "match_type"])?;
    let kind = kind.map_or(Ok("search".into()), |kind| ctx.text(&kind))?;
    with_flags(ctx, value, pattern, [ignore_case, multiline], &kind)
}

/// The scheme and what stands between `//` and the path, as Python's `urlparse` finds them.
fn parts(url: &str) -> (&str, &str) {
    let is_scheme = |scheme: &&str| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    };
    let (scheme, rest) = url.split_once(':').filter(|(scheme, _)| is_scheme(scheme)).unwrap_or(("", url));
    let netloc = rest.strip_prefix("//").map_or("", |rest| rest.split(['/', '?', '#']).next().unwrap_or(""));
    (scheme, netloc)
}

/// As Ansible: any text is a URI where no scheme is asked for.
fn is_uri(ctx: &Ctx<'_>, value: &Val, schemes: Option<&Val>) -> Res<bool> {
    let Some(schemes) = schemes.filter(|schemes| !schemes.is_none()) else { return Ok(true) };
    let text = ctx.text(value)?;
    let (scheme, _) = parts(&text);
    for known in ctx.iterate(schemes)? {
        if *ctx.text(&known)? == *scheme {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) fn uri(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    let [schemes] = args.bind("uri", ["schemes"])?;
    is_uri(ctx, value, schemes.as_ref())
}

pub(super) fn url(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    let [schemes] = args.bind("url", ["schemes"])?;
    Ok(is_uri(ctx, value, schemes.as_ref())? && !parts(&ctx.text(value)?).1.is_empty())
}

pub(super) fn urn(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    args.none("urn")?;
    is_uri(ctx, value, Some(&Val::list([Val::from("urn")])))
}
