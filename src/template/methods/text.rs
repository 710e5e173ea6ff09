//! The methods of texts.

use std::sync::Arc;

use crate::base::{Key, Value};
use crate::template::args::{Args, required};
use crate::template::context::Ctx;
use crate::template::fail::{Res, bail};
use crate::template::format;
use crate::template::val::{Val, ValMap};

/// Their names.
pub(super) const NAMES: &[&str] = &[
    "capitalize",
    "casefold",
    "center",
    "count",
    "decode",
    "encode",
    "endswith",
    "expandtabs",
    "find",
    "format",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isprintable",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "maketrans",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "translate",
    "upper",
    "zfill",
];

/// Calls one.
pub(super) fn call(ctx: &Ctx<'_>, text: &Arc<str>, name: &str, args: &Args) -> Res<Val> {
    let all = |test: fn(char) -> bool| Val::from(!text.is_empty() && text.chars().all(test));
    Ok(match name {
        "capitalize" => Val::from(capitalize(text)),
        "casefold" | "lower" => Val::from(text.to_lowercase()),
        "upper" => Val::from(text.to_uppercase()),
        "title" => Val::from(title(text)),
        "swapcase" => Val::from(
            text.chars()
                .map(|c| {
                    if c.is_uppercase() { c.to_lowercase().to_string() } else { c.to_uppercase().to_string() }
                })
                .collect::<String>(),
        ),
        "isalnum" => all(char::is_alphanumeric),
        "isalpha" => all(char::is_alphabetic),
        "isdigit" | "isdecimal" | "isnumeric" => all(char::is_numeric),
        "isspace" => all(char::is_whitespace),
        "isascii" => Val::from(text.is_ascii()),
        "isprintable" => Val::from(!text.chars().any(char::is_control)),
        "islower" => Val::from(text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase)),
        "isupper" => Val::from(text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase)),
        "istitle" => Val::from(text.chars().any(char::is_alphabetic) && title(text) == **text),
        "isidentifier" => Val::from(
            text.starts_with(|c: char| c == '_' || c.is_alphabetic())
                && text.chars().all(|c| c == '_' || c.is_alphanumeric()),
        ),
        "strip" | "lstrip" | "rstrip" => return strip(ctx, text, name, args),
        "split" | "rsplit" => return split(ctx, text, name, args),
        "splitlines" => {
            let [keep] = args.bind(name, ["keepends"])?;
            let keep = keep.map_or(Ok(false), |keep| ctx.truth(&keep))?;
            Val::list(lines(text, keep).into_iter().map(Val::text))
        }
        "partition" | "rpartition" => {
            let [separator] = args.bind(name, ["sep"])?;
            let separator = ctx.text(&required(separator, name, "sep")?)?;
            let found = if name == "partition" {
                text.split_once(&*separator)
            } else {
                text.rsplit_once(&*separator)
            };
            match found {
                Some((before, after)) => Val::tuple([before, &*separator, after].map(Val::text)),
                None if name == "partition" => Val::tuple([&**text, "", ""].map(Val::text)),
                None => Val::tuple(["", "", &**text].map(Val::text)),
            }
        }
        "join" => {
            let [items] = args.bind(name, ["iterable"])?;
            let mut texts = Vec::new();
            for (index, item) in ctx.iterate(&required(items, name, "iterable")?)?.iter().enumerate() {
                match ctx.force(item)? {
                    Value::Str(text) => texts.push(text),
                    _ => {
                        return bail(format!(
                            "sequence item {index}: expected str instance, {} found",
                            item.type_name()
                        ));
                    }
                }
            }
            Val::from(texts.join(text))
        }
        "format" => Val::from(format::braces(ctx, text, args)?),
        "replace" => {
            let [old, new, count] = args.bind(name, ["old", "new", "count"])?;
            let old = ctx.text(&required(old, name, "old")?)?;
            let new = ctx.text(&required(new, name, "new")?)?;
            match count.map_or(Ok(-1), |count| ctx.int(&count))? {
                count if count < 0 => Val::from(text.replace(&*old, &new)),
                count => Val::from(text.replacen(&*old, &new, usize::try_from(count).unwrap_or(usize::MAX))),
            }
        }
        "startswith" | "endswith" => {
            let [affix, start] = args.bind(name, ["prefix", "start"])?;
            let affix = required(affix, name, "prefix")?;
            let from = start.map_or(Ok(0), |start| ctx.int(&start))?;
            let rest: String = text.chars().skip(usize::try_from(from).unwrap_or(0)).collect();
            let affixes = if affix.is_list() { ctx.iterate(&affix)? } else { vec![affix] };
            let mut found = false;
            for affix in affixes {
                let affix = ctx.text(&affix)?;
                found |=
                    if name == "startswith" { rest.starts_with(&*affix) } else { rest.ends_with(&*affix) };
            }
            Val::from(found)
        }
        "removeprefix" | "removesuffix" => {
            let [affix] = args.bind(name, ["prefix"])?;
            let affix = ctx.text(&required(affix, name, "prefix")?)?;
            let rest =
                if name == "removeprefix" { text.strip_prefix(&*affix) } else { text.strip_suffix(&*affix) };
            Val::text(rest.unwrap_or(text))
        }
        "count" => {
            let [part] = args.bind(name, ["sub"])?;
            let part = ctx.text(&required(part, name, "sub")?)?;
            Val::from(if part.is_empty() { text.chars().count() + 1 } else { text.matches(&*part).count() })
        }
        "find" | "index" | "rfind" | "rindex" => {
            let [part, start] = args.bind(name, ["sub", "start"])?;
            let part = ctx.text(&required(part, name, "sub")?)?;
            let start = start.map_or(Ok(0), |start| ctx.int(&start))?;
            let skip =
                text.char_indices().nth(usize::try_from(start).unwrap_or(0)).map_or(text.len(), |(at, _)| at);
            let rest = text.get(skip..).unwrap_or("");
            let at = if name.starts_with('r') { rest.rfind(&*part) } else { rest.find(&*part) };
            match at.and_then(|at| text.get(..skip + at)) {
                Some(before) => Val::from(before.chars().count()),
                None if name.ends_with("find") => Val::from(-1),
                None => return bail("substring not found"),
            }
        }
        "center" | "ljust" | "rjust" | "zfill" => return pad(ctx, text, name, args),
        "expandtabs" => {
            let [size] = args.bind(name, ["tabsize"])?;
            let size = usize::try_from(size.map_or(Ok(8), |size| ctx.int(&size))?).unwrap_or(0).min(1000);
            Val::from(expand_tabs(text, size))
        }
        // bytes are texts here
        "encode" | "decode" => Val::Data(Value::Str(Arc::clone(text))),
        "maketrans" => {
            let [from, to, gone] = args.bind(name, ["x", "y", "z"])?;
            let from = ctx.text(&required(from, name, "x")?)?;
            let to = ctx.text(&required(to, name, "y")?)?;
            if from.chars().count() != to.chars().count() {
                return bail("the first two maketrans arguments must have equal length");
            }
            let code = |c: char| i128::from(u32::from(c));
            let mut table: ValMap = from
                .chars()
                .zip(to.chars())
                .map(|(a, b)| (Key::Int(code(a)), Val::from(i64::from(u32::from(b)))))
                .collect();
            if let Some(gone) = gone {
                table.extend(ctx.text(&gone)?.chars().map(|c| (Key::Int(code(c)), Val::NONE)));
            }
            Val::dict(table)
        }
        "translate" => {
            let [table] = args.bind(name, ["table"])?;
            let table: ValMap = ctx.entries(&required(table, name, "table")?)?.into_iter().collect();
            let mut out = String::new();
            for c in text.chars() {
                match table.get(&Key::Int(i128::from(u32::from(c)))) {
                    None => out.push(c),
                    Some(Val::Data(Value::Int(code))) => {
                        out.extend(u32::try_from(*code).ok().and_then(char::from_u32));
                    }
                    Some(value) if value.is_none() => {}
                    Some(value) => out.push_str(&ctx.text(value)?),
                }
            }
            Val::from(out)
        }
        other => return bail(format!("object of type 'str' has no attribute '{other}'")),
    })
}

/// The first character upper, the others lower.
pub(in crate::template) fn capitalize(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    first + &chars.as_str().to_lowercase()
}

/// Every letter after something that is no letter upper, the others lower.
pub(in crate::template) fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        if inside {
            out.extend(c.to_lowercase());
        } else {
            out.extend(c.to_uppercase());
        }
        inside = c.is_alphabetic();
    }
    out
}

/// The lines of a text.
pub(in crate::template) fn lines(text: &str, keep_ends: bool) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end =
            rest.find(['\n', '\r', '\x0b', '\x0c', '\x1c', '\x1d', '\x1e', '\u{85}', '\u{2028}', '\u{2029}']);
        let Some(end) = end else {
            lines.push(rest);
            break;
        };
        let (line, after) = rest.split_at(end);
        let width =
            if after.starts_with("\r\n") { 2 } else { after.chars().next().map_or(1, char::len_utf8) };
        lines.push(if keep_ends { rest.get(..end + width).unwrap_or(line) } else { line });
        rest = after.get(width..).unwrap_or("");
    }
    lines
}

fn strip(ctx: &Ctx<'_>, text: &str, name: &str, args: &Args) -> Res<Val> {
    let [chars] = args.bind(name, ["chars"])?;
    let chars = match chars {
        Some(chars) if !chars.is_none() => Some(ctx.text(&chars)?),
        _ => None,
    };
    let drop = |c: char| chars.as_ref().map_or_else(|| c.is_whitespace(), |chars| chars.contains(c));
    Ok(Val::text(match name {
        "lstrip" => text.trim_start_matches(drop),
        "rstrip" => text.trim_end_matches(drop),
        _ => text.trim_matches(drop),
    }))
}

/// `split` and `rsplit`.
pub(in crate::template) fn split(ctx: &Ctx<'_>, text: &str, name: &str, args: &Args) -> Res<Val> {
    let [separator, limit] = args.bind(name, ["sep", "maxsplit"])?;
    let limit = limit.map_or(Ok(-1), |limit| ctx.int(&limit))?;
    let limit = usize::try_from(limit).map_or(usize::MAX, |limit| limit.saturating_add(1));
    let mut parts: Vec<&str> = Vec::new();
    match separator.filter(|separator| !separator.is_none()) {
        Some(separator) => {
            let separator = ctx.text(&separator)?;
            if separator.is_empty() {
                return bail("empty separator");
            }
            if name == "rsplit" {
                parts.extend(text.rsplitn(limit, &*separator));
                parts.reverse();
            } else {
                parts.extend(text.splitn(limit, &*separator));
            }
        }
        None if name == "rsplit" => {
            let mut rest = text.trim_end();
            while !rest.is_empty() {
                match rest.rfind(char::is_whitespace).filter(|_| parts.len() + 1 < limit) {
                    Some(at) => {
                        let (before, after) = rest.split_at(at);
                        parts.push(after.trim_start());
                        rest = before.trim_end();
                    }
                    None => {
                        parts.push(rest);
                        rest = "";
                    }
                }
            }
            parts.reverse();
        }
        None => {
            let mut rest = text.trim_start();
            while !rest.is_empty() {
                match rest.find(char::is_whitespace).filter(|_| parts.len() + 1 < limit) {
                    Some(at) => {
                        let (before, after) = rest.split_at(at);
                        parts.push(before);
                        rest = after.trim_start();
                    }
                    None => {
                        parts.push(rest);
                        rest = "";
                    }
                }
            }
        }
    }
    Ok(Val::list(parts.into_iter().map(Val::text)))
}

/// The widest text that is made by filling up.
const MAX_WIDTH: i128 = 1 << 20;

fn pad(ctx: &Ctx<'_>, text: &str, name: &str, args: &Args) -> Res<Val> {
    let [width, fill] = args.bind(name, ["width", "fillchar"])?;
    let width = ctx.int(&required(width, name, "width")?)?;
    if width > MAX_WIDTH {
        return bail("the width is too large");
    }
    let fill = fill.map_or(Ok(Arc::from(" ")), |fill| ctx.text(&fill))?;
    let missing = usize::try_from(width).unwrap_or(0).saturating_sub(text.chars().count());
    Ok(Val::from(match name {
        "ljust" => text.to_owned() + &fill.repeat(missing),
        "rjust" => fill.repeat(missing) + text,
        "zfill" => {
            let (sign, digits) = text.split_at(usize::from(text.starts_with(['-', '+'])));
            format!("{sign}{}{digits}", "0".repeat(missing))
        }
        _ => center(text, missing, usize::try_from(width).unwrap_or(0), &fill),
    }))
}

/// Python's `str.center`: an odd blank goes to the left where the width is odd.
pub(in crate::template) fn center(text: &str, missing: usize, width: usize, fill: &str) -> String {
    let left = missing / 2 + (missing & width & 1);
    fill.repeat(left) + text + &fill.repeat(missing - left)
}

fn expand_tabs(text: &str, size: usize) -> String {
    let mut out = String::new();
    let mut column = 0;
    for c in text.chars() {
        match c {
            '\t' => {
                let blanks = size.saturating_sub(column % size.max(1));
                out.push_str(&" ".repeat(blanks));
                column += blanks;
            }
            '\n' | '\r' => {
                out.push(c);
                column = 0;
            }
            _ => {
                out.push(c);
                column += 1;
            }
        }
    }
    out
}
