//! YAML, as PyYAML reads and writes it.

use std::sync::Arc;

use crate::base::{Source, TemplateText, TextForm, Value};
use crate::template::args::Args;
use crate::template::context::Ctx;
use crate::template::fail::{Fail, Res, bail};
use crate::template::val::Val;
use crate::yaml::{self, EmitOptions};

fn options(ctx: &Ctx<'_>, args: &Args, name: &str, mut options: EmitOptions) -> Res<EmitOptions> {
    let mut args = args.clone();
    if name == "to_nice_yaml" && !args.positional.is_empty() {
        let indent = args.positional.remove(0);
        args.named.push(("indent".into(), indent));
    }
    args.positional.clear();
    let [indent, width, sort_keys, flow, style, unicode, start, end, canonical] = args.bind(
        name,
        [
            "indent",
            "width",
            "sort_keys",
            "default_flow_style",
            "default_style",
            "allow_unicode",
            "explicit_start",
            "explicit_end",
            "canonical",
        ],
    )?;
    let number =
        |value: &Val| Ok::<_, Fail>(ctx.optional_int(value)?.and_then(|number| i32::try_from(number).ok()));
    if let Some(indent) = indent {
        options.indent = number(&indent)?;
    }
    if let Some(width) = width {
        options.width = match width {
            Val::Data(Value::Float(width)) if width.is_infinite() => Some(-1),
            width => number(&width)?,
        };
    }
    if let Some(flow) = flow {
        options.default_flow_style = if flow.is_none() { None } else { Some(ctx.truth(&flow)?) };
    }
    if let Some(style) = style.filter(|style| !style.is_none()) {
        options.default_style = ctx.text(&style)?.chars().next();
    }
    let flags = [
        (sort_keys, &mut options.sort_keys),
        (unicode, &mut options.allow_unicode),
        (start, &mut options.explicit_start),
        (end, &mut options.explicit_end),
        (canonical, &mut options.canonical),
    ];
    for (given, flag) in flags {
        if let Some(given) = given {
            *flag = ctx.truth(&given)?;
        }
    }
    Ok(options)
}

/// Texts that were decrypted appear as the vault texts that they come from, as in Ansible.
fn sealed(ctx: &Ctx<'_>, value: &Value) -> Value {
    match value {
        Value::Str(text) => match ctx.sealed_form(text) {
            Some(text) => {
                Value::Template(Arc::new(TemplateText { text, place: None, form: TextForm::Sealed }))
            }
            None => value.clone(),
        },
        Value::List(items) => Value::list(items.iter().map(|item| sealed(ctx, item))),
        Value::Map(entries) => {
            Value::map(entries.iter().map(|(key, item)| (key.clone(), sealed(ctx, item))).collect())
        }
        _ => value.clone(),
    }
}

pub(super) fn to_yaml(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let options = options(ctx, args, "to_yaml", EmitOptions::default())?;
    Ok(Val::from(yaml::to_yaml(&sealed(ctx, &ctx.force(&value)?), &options)))
}

pub(super) fn to_nice_yaml(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let options = options(ctx, args, "to_nice_yaml", EmitOptions::nice())?;
    Ok(Val::from(yaml::to_yaml(&sealed(ctx, &ctx.force(&value)?), &options)))
}

fn documents(ctx: &Ctx<'_>, value: &Val) -> Res<Vec<Val>> {
    let source = Source::new("<from_yaml>", &*ctx.text(value)?);
    let parsed = yaml::parse(&source);
    if let Some(error) = parsed.diagnostics.0.iter().find(|d| d.severity == crate::base::Severity::Error) {
        return bail(format!("the text is not YAML: {error}"));
    }
    Ok(parsed.documents.iter().map(|document| Val::Data(plain(&document.to_value()))).collect())
}

/// Texts that were read at run time are never templates.
fn plain(value: &Value) -> Value {
    match value {
        Value::Template(template) => Value::Str(template.text.clone()),
        Value::List(items) => Value::list(items.iter().map(plain)),
        Value::Map(entries) => {
            Value::map(entries.iter().map(|(key, value)| (key.clone(), plain(value))).collect())
        }
        other => other.clone(),
    }
}

pub(super) fn from_yaml(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("from_yaml")?;
    if value.as_str().is_none() {
        return Ok(value);
    }
    let mut documents = documents(ctx, &value)?;
    match documents.len() {
        0 => Ok(Val::NONE),
        1 => Ok(documents.pop().unwrap_or(Val::NONE)),
        _ => bail("the text has more than one YAML document, use `from_yaml_all`"),
    }
}

pub(super) fn from_yaml_all(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("from_yaml_all")?;
    if value.as_str().is_none() {
        return Ok(value);
    }
    documents(ctx, &value).map(Val::list)
}
