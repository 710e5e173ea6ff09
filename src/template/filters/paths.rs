//! Filters on paths, as Python's `os.path` on POSIX and `ntpath`.

use std::sync::Arc;

use crate::base::{Map, Value};
use crate::template::LookupError;
use crate::template::args::Args;
use crate::template::context::Ctx;
use crate::template::fail::{Fail, Res, bail};
use crate::template::val::Val;

fn split(path: &str) -> (&str, &str) {
    match path.rfind('/') {
        None => ("", path),
        Some(at) => {
            let (head, tail) = path.split_at(at + 1);
            let trimmed = head.trim_end_matches('/');
            (if trimmed.is_empty() { head } else { trimmed }, tail)
        }
    }
}

pub(super) fn basename(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("basename")?;
    Ok(Val::text(split(&ctx.text(&value)?).1))
}

pub(super) fn dirname(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("dirname")?;
    Ok(Val::text(split(&ctx.text(&value)?).0))
}

/// `os.path.normpath`
pub(super) fn normalized(path: &str) -> String {
    let slashes = match path {
        p if p.starts_with("//") && !p.starts_with("///") => "//",
        p if p.starts_with('/') => "/",
        _ => "",
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if parts.is_empty() && !slashes.is_empty() => {}
            part => parts.push(part),
        }
    }
    let joined = format!("{slashes}{}", parts.join("/"));
    if joined.is_empty() { ".".to_owned() } else { joined }
}

pub(super) fn normpath(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("normpath")?;
    Ok(Val::from(normalized(&ctx.text(&value)?)))
}

pub(super) fn path_join(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("path_join")?;
    let parts = if value.is_list() { ctx.iterate(&value)? } else { vec![value] };
    let mut joined = String::new();
    for part in parts {
        let part = ctx.text(&part)?;
        if part.starts_with('/') {
            joined = part.to_string();
        } else {
            if !joined.is_empty() && !joined.ends_with('/') {
                joined.push('/');
            }
            joined.push_str(&part);
        }
    }
    Ok(Val::from(joined))
}

pub(super) fn relpath(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [start] = args.bind("relpath", ["start"])?;
    let path = normalized(&ctx.text(&value)?);
    let start = normalized(&start.map_or(Ok(Arc::from(".")), |start| ctx.text(&start))?);
    if path.starts_with('/') != start.starts_with('/') {
        return bail(
            "the filter `relpath` needs both paths absolute or both relative: it does not know the working directory",
        );
    }
    let parts = |path: &str| -> Vec<String> {
        path.split('/').filter(|part| !part.is_empty() && *part != ".").map(ToOwned::to_owned).collect()
    };
    let (path, start) = (parts(&path), parts(&start));
    let common = path.iter().zip(&start).take_while(|(a, b)| a == b).count();
    let ups = std::iter::repeat_n("..", start.len() - common);
    let joined = ups.chain(path.iter().skip(common).map(String::as_str)).collect::<Vec<_>>().join("/");
    Ok(Val::from(if joined.is_empty() { ".".to_owned() } else { joined }))
}

pub(super) fn splitext(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("splitext")?;
    let path = ctx.text(&value)?;
    let name_at = path.rfind('/').map_or(0, |at| at + 1);
    let name = path.get(name_at..).unwrap_or("");
    let stem = name.trim_start_matches('.');
    let cut = stem.rfind('.').map_or(path.len(), |at| path.len() - stem.len() + at);
    let (root, extension) = path.split_at(cut);
    Ok(Val::tuple([Val::text(root), Val::text(extension)]))
}

pub(super) fn commonpath(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("commonpath")?;
    if !value.is_list() {
        return bail("|commonpath expects sequence");
    }
    let paths = ctx.iterate(&value)?.iter().map(|path| ctx.text(path)).collect::<Res<Vec<_>>>()?;
    let Some(first) = paths.first() else { return bail("commonpath() arg is an empty sequence") };
    if paths.iter().any(|path| path.starts_with('/') != first.starts_with('/')) {
        return bail("can't mix absolute and relative paths");
    }
    let parts = |path: &str| -> Vec<String> {
        path.split('/').filter(|part| !part.is_empty() && *part != ".").map(ToOwned::to_owned).collect()
    };
    let mut common = parts(first);
    for path in &paths {
        let shared = parts(path).iter().zip(&common).take_while(|(a, b)| a == b).count();
        common.truncate(shared);
    }
    Ok(Val::from(format!("{}{}", if first.starts_with('/') { "/" } else { "" }, common.join("/"))))
}

/// Asks the world outside; one text.
fn ask(ctx: &Ctx<'_>, lookup: &str, term: &str) -> Res<Value> {
    ctx.run.lookups.lookup(lookup, &[Value::from(term)], &Map::new(), &ctx.scope).map_err(|error| match error
    {
        LookupError::NoSuchLookup => Fail::error(format!("`{lookup}` of a path is not supported here")),
        LookupError::Deferred => Fail::Deferred,
        LookupError::Unknown(unknown) => Fail::Unknown(unknown),
        LookupError::Failed(message) => Fail::error(message),
    })
}

fn first_text(value: Value) -> String {
    match &value {
        Value::List(items) => items.first().map(Value::to_text).unwrap_or_default(),
        other => other.to_text(),
    }
}

pub(super) fn expanduser(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("expanduser")?;
    let path = ctx.text(&value)?;
    match path.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            Ok(Val::from(format!("{}{rest}", first_text(ask(ctx, "env", "HOME")?))))
        }
        _ => Ok(Val::Data(Value::Str(path))),
    }
}

pub(super) fn expandvars(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("expandvars")?;
    let text = ctx.text(&value)?;
    let mut out = String::new();
    let mut rest = &*text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let (name, used) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((name, _)) => (name, name.len() + 2),
            None => {
                let end = after.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(after.len());
                (after.get(..end).unwrap_or(""), end)
            }
        };
        let found = if name.is_empty() { String::new() } else { first_text(ask(ctx, "env", name)?) };
        if found.is_empty() {
            out.push('$');
            out.push_str(after.get(..used).unwrap_or(""));
        } else {
            out.push_str(&found);
        }
        rest = after.get(used..).unwrap_or("");
    }
    out.push_str(rest);
    Ok(Val::from(out))
}

pub(super) fn realpath(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("realpath")?;
    let path = ctx.text(&value)?;
    Ok(Val::from(first_text(ask(ctx, "fleet.realpath", &path)?)))
}

pub(super) fn fileglob(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("fileglob")?;
    let pattern = ctx.text(&value)?;
    match ask(ctx, "fileglob", &pattern)? {
        list @ Value::List(_) => Ok(Val::Data(list)),
        one => Ok(Val::list([Val::Data(one)])),
    }
}

fn drive(path: &str) -> (&str, &str) {
    if path.get(1..2) == Some(":") && path.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return path.split_at(2);
    }
    if path.starts_with("\\\\") || path.starts_with("//") {
        let slash = ['\\', '/'];
        let host = path.get(2..).and_then(|rest| rest.find(slash)).map(|at| at + 2);
        let share = host
            .and_then(|host| Some(path.get(host + 1..)?.find(slash).map_or(path.len(), |at| at + host + 1)));
        return path.split_at(share.unwrap_or(path.len()));
    }
    ("", path)
}

fn win_split(path: &str) -> (String, &str) {
    let (drive, rest) = drive(path);
    let at = rest.rfind(['\\', '/']).map_or(0, |at| at + 1);
    let (head, tail) = rest.split_at(at);
    let trimmed = head.trim_end_matches(['\\', '/']);
    (format!("{drive}{}", if trimmed.is_empty() { head } else { trimmed }), tail)
}

pub(super) fn win_basename(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("win_basename")?;
    Ok(Val::text(win_split(&ctx.text(&value)?).1))
}

pub(super) fn win_dirname(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("win_dirname")?;
    Ok(Val::from(win_split(&ctx.text(&value)?).0))
}

pub(super) fn win_splitdrive(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("win_splitdrive")?;
    let path = ctx.text(&value)?;
    let (drive, rest) = drive(&path);
    Ok(Val::tuple([Val::text(drive), Val::text(rest)]))
}
