//! JSON as Python's `json` module writes it, and `pprint`.

use std::fmt::Write;

use crate::base::{Key, Value};
use crate::template::args::Args;
use crate::template::context::Ctx;
use crate::template::fail::{Fail, Res, bail};
use crate::template::ops;
use crate::template::val::Val;

/// As the keyword arguments of `json.dumps`.
struct Style {
    indent: Option<String>,
    sort_keys: bool,
    item_separator: String,
    key_separator: String,
    ascii: bool,
}

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
    let indent = match indent {
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
    Ok(Style {
        indent,
        sort_keys: sort_keys.map_or(Ok(nice), |flag| ctx.truth(&flag))?,
        item_separator,
        key_separator,
        ascii: ensure_ascii.map_or(Ok(true), |flag| ctx.truth(&flag))?,
    })
}

pub(super) fn to_json(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    dump(ctx, &value, &style(ctx, args, "to_json", false)?).map(Val::from)
}

pub(super) fn to_nice_json(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    dump(ctx, &value, &style(ctx, args, "to_nice_json", true)?).map(Val::from)
}

pub(super) fn tojson(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [_] = args.bind("tojson", ["indent"])?;
    let mut style = style(ctx, args, "tojson", false)?;
    style.sort_keys = true;
    let text = dump(ctx, &value, &style)?;
    Ok(Val::from(
        text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026").replace('\'', "\\u0027"),
    ))
}

fn dump(ctx: &Ctx<'_>, value: &Val, style: &Style) -> Res<String> {
    let mut out = String::new();
    write(&ctx.force(value)?, style, 0, &mut out)?;
    Ok(out)
}

fn break_line(style: &Style, depth: usize, out: &mut String) {
    if let Some(indent) = &style.indent {
        out.push('\n');
        out.push_str(&indent.repeat(depth));
    }
}

fn write(value: &Value, style: &Style, depth: usize, out: &mut String) -> Res<()> {
    match value {
        Value::Null | Value::Omit => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(number) => drop(write!(out, "{number}")),
        Value::Float(number) if number.is_nan() => out.push_str("NaN"),
        Value::Float(number) if number.is_infinite() => {
            out.push_str(if *number > 0.0 { "Infinity" } else { "-Infinity" });
        }
        Value::Float(_) => out.push_str(&value.to_text()),
        Value::Str(text) => write_text(text, style, out),
        Value::List(items) if items.is_empty() => out.push_str("[]"),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(&style.item_separator);
                }
                break_line(style, depth + 1, out);
                write(item, style, depth + 1, out)?;
            }
            break_line(style, depth, out);
            out.push(']');
        }
        Value::Map(entries) if entries.is_empty() => out.push_str("{}"),
        Value::Map(entries) => {
            out.push('{');
            let mut keyed: Vec<(Value, (&Key, &Value))> =
                entries.iter().map(|(key, value)| (key.to_value(), (key, value))).collect();
            if style.sort_keys {
                keyed = ops::sort_by(keyed, |(key, _)| key)?;
            }
            for (index, (_, (key, value))) in keyed.into_iter().enumerate() {
                if index > 0 {
                    out.push_str(&style.item_separator);
                }
                break_line(style, depth + 1, out);
                write_text(&key_text(key), style, out);
                out.push_str(&style.key_separator);
                write(value, style, depth + 1, out)?;
            }
            break_line(style, depth, out);
            out.push('}');
        }
        Value::Template(_) | Value::Secret(_) | Value::Unknown(_) => {
            return bail(format!("a value of type '{}' cannot be written as JSON", value.type_name()));
        }
    }
    Ok(())
}

fn key_text(key: &Key) -> String {
    match key {
        Key::Bool(true) => "true".to_owned(),
        Key::Bool(false) => "false".to_owned(),
        Key::Null => "null".to_owned(),
        other => other.to_value().to_text(),
    }
}

fn write_text(text: &str, style: &Style, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            c if (c as u32) < 0x20 || (style.ascii && !c.is_ascii()) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
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
