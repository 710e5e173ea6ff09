//! Filters for HTML.

use crate::template::args::Args;
use crate::template::context::Ctx;
use crate::template::fail::{Res, bail};
use crate::template::pattern::{self, Flags};
use crate::template::val::Val;

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\'', "&#39;")
        .replace('"', "&#34;")
}

pub(super) fn escape(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("escape")?;
    Ok(Val::from(escaped(&ctx.text(&value)?)))
}

pub(super) fn striptags(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("striptags")?;
    let text = ctx.text(&value)?;
    let (without, _) =
        pattern::compile(ctx, r"(?s)<!--.*?-->|<.*?>", Flags::default())?.replace(&text, "", 0)?;
    let words: Vec<&str> = without.split_whitespace().collect();
    Ok(Val::from(
        words
            .join(" ")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&#39;", "'")
            .replace("&#34;", "\"")
            .replace("&quot;", "\"")
            .replace("&amp;", "&"),
    ))
}

pub(super) fn xmlattr(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [space] = args.bind("xmlattr", ["autospace"])?;
    let space = space.map_or(Ok(true), |space| ctx.truth(&space))?;
    let mut parts = Vec::new();
    for (key, value) in ctx.entries(&value)? {
        if value.is_none() || matches!(value, Val::Missing(_)) {
            continue;
        }
        let key = key.to_string();
        if key.contains(|c: char| c.is_whitespace() || matches!(c, '/' | '>' | '=')) {
            return bail(format!("invalid character in attribute name: '{key}'"));
        }
        parts.push(format!("{}=\"{}\"", escaped(&key), escaped(&ctx.text(&value)?)));
    }
    let joined = parts.join(" ");
    Ok(Val::from(if space && !joined.is_empty() { format!(" {joined}") } else { joined }))
}

pub(super) fn urlize(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [limit, no_follow, target, rel] =
        args.bind("urlize", ["trim_url_limit", "nofollow", "target", "rel"])?;
    let limit = match limit {
        Some(limit) => ctx.optional_int(&limit)?.and_then(|limit| usize::try_from(limit).ok()),
        None => None,
    };
    let mut rels: Vec<String> = match rel.filter(|rel| !rel.is_none()) {
        Some(rel) => ctx.text(&rel)?.split_whitespace().map(ToOwned::to_owned).collect(),
        None => Vec::new(),
    };
    if no_follow.map_or(Ok(false), |flag| ctx.truth(&flag))? {
        rels.push("nofollow".to_owned());
    }
    rels.push("noopener".to_owned());
    rels.sort();
    rels.dedup();
    let target = match target.filter(|target| !target.is_none()) {
        Some(target) => format!(" target=\"{}\"", escaped(&ctx.text(&target)?)),
        None => String::new(),
    };
    let text = escaped(&ctx.text(&value)?);
    let words = pattern::compile(ctx, r"\s+|\S+", Flags::default())?;
    let mut out = String::new();
    for word in words.all(&text)? {
        let word = word.get(0).map_or("", |word| word.as_str());
        let core = word.trim_start_matches('(').trim_end_matches(['.', ',', ')', '\n']);
        let is_web = core.starts_with("http://") || core.starts_with("https://");
        let host = core.split_once("//").map_or(core, |(_, rest)| rest);
        let host = host.split(['/', '?', '#', ':']).next().unwrap_or("");
        let domain = host.rsplit('.').next().is_some_and(|last| {
            last.len() > 1 && last.chars().all(|c| c.is_ascii_alphabetic())
                || last.chars().all(|c| c.is_ascii_digit())
        });
        if !domain || !is_web && !core.starts_with("www.") {
            out.push_str(word);
            continue;
        }
        let url = if is_web { core.to_owned() } else { format!("https://{core}") };
        let shown: String = match limit {
            Some(limit) if core.chars().count() > limit => {
                core.chars().take(limit).chain("...".chars()).collect()
            }
            _ => core.to_owned(),
        };
        let link = format!("<a href=\"{url}\" rel=\"{}\"{target}>{shown}</a>", rels.join(" "));
        out.push_str(&word.replacen(core, &link, 1));
    }
    Ok(Val::from(out))
}
