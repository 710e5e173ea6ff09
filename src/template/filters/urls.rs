//! Filters on URLs.

use std::fmt::Write;

use crate::base::Key;
use crate::base::Value;
use crate::template::args::Args;
use crate::template::context::Ctx;
use crate::template::fail::{Res, bail};
use crate::template::val::{Val, ValMap};

fn quoted(text: &str, slash: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        let c = byte as char;
        if byte.is_ascii_alphanumeric() || "_.-~".contains(c) || slash.contains(c) {
            out.push(c);
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

pub(super) fn urlencode(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("urlencode")?;
    if value.as_str().is_some() || !(value.is_dict() || value.is_list()) {
        return Ok(Val::from(quoted(&ctx.text(&value)?, "/")));
    }
    let mut parts = Vec::new();
    for (key, value) in crate::template::globals::pairs(ctx, &value)? {
        let part = |text: &str| quoted(text, "").replace("%20", "+");
        parts.push(format!("{}={}", part(&key.to_string()), part(&ctx.text(&value)?)));
    }
    Ok(Val::from(parts.join("&")))
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = tail.get(..2).and_then(|code| std::str::from_utf8(code).ok());
        match code.filter(|_| *first == b'%').and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or(&[]);
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

pub(super) fn urldecode(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("urldecode")?;
    Ok(Val::from(percent_decoded(&ctx.text(&value)?.replace('+', " "))))
}

pub(super) fn urlsplit(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [query, _] = args.bind("urlsplit", ["query", "alias"])?;
    let wanted = query.map_or(Ok("".into()), |query| ctx.text(&query))?;
    let url = ctx.text(&value)?;
    let is_scheme = |scheme: &&str| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    };
    let (scheme, rest) = match url.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) {
        Some((scheme, rest)) => (scheme.to_lowercase(), rest),
        None => (String::new(), &*url),
    };
    let (netloc, rest) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len())),
        None => ("", rest),
    };
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (user_info, host) = netloc.rsplit_once('@').map_or((None, netloc), |(user, host)| (Some(user), host));
    let (user, password) = match user_info.map(|user| user.split_once(':').ok_or(user)) {
        Some(Ok((user, password))) => (Val::text(user), Val::text(password)),
        Some(Err(user)) => (Val::text(user), Val::NONE),
        None => (Val::NONE, Val::NONE),
    };
    let (name, port) = match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        Some((name, port)) => (name, port.strip_prefix(':')),
        None => host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port))),
    };
    let port = match port.filter(|port| !port.is_empty()) {
        None => Val::NONE,
        Some(port) => match port.parse::<u16>() {
            Ok(port) => Val::from(i64::from(port)),
            Err(_) => return bail(format!("port could not be cast to integer value as '{port}'")),
        },
    };
    let hostname = if name.is_empty() { Val::NONE } else { Val::from(name.to_lowercase()) };
    let parts = [
        ("fragment", Val::text(fragment)),
        ("hostname", hostname),
        ("netloc", Val::text(netloc)),
        ("password", password),
        ("path", Val::text(path)),
        ("port", port),
        ("query", Val::text(query)),
        ("scheme", Val::from(scheme)),
        ("username", user),
    ];
    if wanted.is_empty() {
        let map: ValMap = parts.into_iter().map(|(name, value)| (Key::str(name), value)).collect();
        return Ok(Val::dict(map));
    }
    match parts.into_iter().find(|(name, _)| *name == &*wanted) {
        Some((_, Val::Data(value))) => Ok(Val::Data(value)),
        Some(_) => Ok(Val::Data(Value::Null)),
        None => bail(format!("unknown URL component: {wanted}")),
    }
}
