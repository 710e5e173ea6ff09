//! JSON as Python's `json` module writes it, and `pprint`.

use std::borrow::Cow;

use crate::base::{JsonStyle, Map, Value};
use crate::template::args::Args;
use crate::template::context::Ctx;
use crate::template::fail::{Fail, Res, bail};
use crate::template::ops;
use crate::template::val::Val;

/// As the keyword arguments of `json.dumps`, and whether keys are sorted as Python compares them.
type Style = (JsonStyle<'static>, bool);

fn style(ctx: &Ctx<'_>, args: &Args, name: &str, nice: bool) -> Res<Style> {
    let [indent, sort_keys, separators, ensure_ascii, _, _, _, _, _] = args.bind(
        name,
        [
            "indent",
            "sort_keys",
            "separators",
            "ensure_ascii",
            "skipkeys",
            "allow_nan",
            "profile",
            "vault_to_text",
            "preprocess_unsafe",
        ],
    )?;
    let indent: Option<String> = match indent {
        None => nice.then(|| "    ".to_owned()),
        Some(indent) if indent.is_none() => None,
        Some(Val::Data(Value::Str(indent))) => Some(indent.to_string()),
        Some(indent) => Some(" ".repeat(usize::try_from(ctx.int(&indent)?).unwrap_or(0).min(1000))),
    };
    let (item_separator, key_separator) = match separators {
        Some(separators) if !separators.is_none() => match ctx.iterate(&separators)?.as_slice() {
            [item, key] => (ctx.text(item)?.to_string(), ctx.text(key)?.to_string()),
            _ => return bail("`separators` are two texts"),
        },
        _ => (if indent.is_some() { "," } else { ", " }.to_owned(), ": ".to_owned()),
    };
    let style = JsonStyle {
        indent: indent.map(Cow::Owned),
        item_separator: Cow::Owned(item_separator),
        key_separator: Cow::Owned(key_separator),
        ascii: ensure_ascii.map_or(Ok(true), |flag| ctx.truth(&flag))?,
        sorted: false,
    };
    Ok((style, sort_keys.map_or(Ok(nice), |flag| ctx.truth(&flag))?))
}

pub(super) fn to_json(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    dump(ctx, &value, &style(ctx, args, "to_json", false)?).map(Val::from)
}

pub(super) fn to_nice_json(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    dump(ctx, &value, &style(ctx, args, "to_nice_json", true)?).map(Val::from)
}

pub(super) fn tojson(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [_] = args.bind("tojson", ["indent"])?;
    let (style, _) = style(ctx, args, "tojson", false)?;
    let text = dump(ctx, &value, &(style, true))?;
    Ok(Val::from(
        text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026").replace('\'', "\\u0027"),
    ))
}

fn dump(ctx: &Ctx<'_>, value: &Val, (style, sort_keys): &Style) -> Res<String> {
    let value = ctx.force(value)?;
    let value = if *sort_keys { sorted(&value)? } else { value };
    style.try_text(&value, &mut |value| {
        bail(format!("a value of type '{}' cannot be written as JSON", value.type_name()))
    })
}

/// The value with the keys of all its mappings sorted.
fn sorted(value: &Value) -> Res<Value> {
    Ok(match value {
        Value::List(items) => Value::list(items.iter().map(sorted).collect::<Res<Vec<_>>>()?),
        Value::Map(entries) => {
            let keyed = entries.iter().map(|(key, value)| (key.to_value(), (key, value))).collect();
            let keyed = ops::sort_by(keyed, |(key, _)| key)?.into_iter();
            let keyed = keyed.map(|(_, (key, value))| Ok((key.clone(), sorted(value)?)));
            Value::map(keyed.collect::<Res<Map>>()?)
        }
        other => other.clone(),
    })
}

pub(super) fn from_json(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.bind("from_json", ["profile"])?;
    let text = ctx.text(&value)?;
    let json: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| Fail::error(format!("the text is not JSON: {error}")))?;
    Ok(Val::Data(Value::from_json(&json)))
}

/// As Python's `pprint.pformat`: on one line where it fits, else one item per line.
pub(super) fn pprint(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("pprint")?;
    let mut out = String::new();
    pretty(&ctx.force(&value)?, 0, 0, &mut out);
    Ok(Val::from(out))
}

fn pretty(value: &Value, indent: usize, trailing: usize, out: &mut String) {
    let one_line = value.to_repr();
    if indent + one_line.chars().count() + trailing <= 80 {
        out.push_str(&one_line);
        return;
    }
    let separate = |index: usize, out: &mut String| {
        if index > 0 {
            out.push_str(",\n");
            out.push_str(&" ".repeat(indent + 1));
        }
    };
    match value {
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                separate(index, out);
                pretty(item, indent + 1, 1, out);
            }
            out.push(']');
        }
        Value::Map(entries) => {
            out.push('{');
            for (index, (key, value)) in entries.iter().enumerate() {
                separate(index, out);
                let key = key.to_value().to_repr();
                out.push_str(&key);
                out.push_str(": ");
                pretty(value, indent + 3 + key.chars().count(), 1, out);
            }
            out.push('}');
        }
        _ => out.push_str(&one_line),
    }
}
