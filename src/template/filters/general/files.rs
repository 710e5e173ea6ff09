//! `from_csv`, `from_ini`, `to_ini`.

use crate::base::configparser::{Config, Rules};
use crate::base::csv::Dialect;
use crate::base::{Key, Map, Value};
use crate::template::args::Args;
use crate::template::context::Ctx;
use crate::template::fail::{Fail, Res, bail};
use crate::template::val::Val;

pub(in crate::template::filters) fn from_csv(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [dialect, names, delimiter, skip, strict] =
        args.bind("from_csv", ["dialect", "fieldnames", "delimiter", "skipinitialspace", "strict"])?;
    let given = |value: Option<Val>| value.filter(|value| !value.is_none());
    let dialect = given(dialect).map_or(Ok("excel".into()), |dialect| ctx.text(&dialect))?;
    let mut rules = match &*dialect {
        "excel" | "unix" => Dialect::EXCEL,
        "excel-tab" => Dialect { delimiter: '\t', ..Dialect::EXCEL },
        other => return bail(format!("dialect '{other}' is not supported by your version of python")),
    };
    if let Some(delimiter) = given(delimiter) {
        let text = ctx.text(&delimiter)?;
        let mut chars = text.chars();
        let (Some(only), None) = (chars.next(), chars.next()) else {
            return bail("\"delimiter\" must be a 1-character string");
        };
        rules.delimiter = only;
    }
    if let Some(skip) = given(skip) {
        rules.skip_initial_space = ctx.truth(&skip)?;
    }
    if let Some(strict) = given(strict) {
        rules.strict = ctx.truth(&strict)?;
    }
    let text = ctx.text(&value)?;
    let rows = rules
        .rows(text.strip_prefix('\u{feff}').unwrap_or(&text))
        .map_err(|error| Fail::error(format!("unable to process file: {error}")))?;
    let mut rows = rows.into_iter();
    let names: Vec<String> = match given(names) {
        Some(names) if names.is_list() => {
            ctx.iterate(&names)?.iter().map(|name| Ok(ctx.text(name)?.to_string())).collect::<Res<_>>()?
        }
        Some(names) => ctx.text(&names)?.split(',').map(ToOwned::to_owned).collect(),
        None => rows.next().unwrap_or_default(),
    };
    let mut records = Vec::new();
    for row in rows.filter(|row| !row.is_empty()) {
        let mut record = Map::new();
        for (index, name) in names.iter().enumerate() {
            record.insert(
                Key::str(name),
                row.get(index).map_or(Value::Null, |field| Value::from(field.as_str())),
            );
        }
        if let Some(rest) = row.get(names.len()..).filter(|rest| !rest.is_empty()) {
            record.insert(Key::Null, Value::list(rest.iter().map(|field| Value::from(field.as_str()))));
        }
        records.push(Value::map(record));
    }
    Ok(Val::Data(Value::from(records)))
}

pub(in crate::template::filters) fn from_ini(_: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("from_ini")?;
    let Some(text) = value.as_str() else {
        return bail(format!("from_ini requires a str, got {}", value.type_name()));
    };
    let rules = Rules { case_sensitive: true, allow_no_value: false };
    let config = Config::parse(text, rules)
        .map_err(|error| Fail::error(format!("from_ini failed to parse given string: {error}")))?;
    let section = |options: &indexmap::IndexMap<String, Option<String>>| {
        let value = |value: &Option<String>| value.as_deref().map_or(Value::Null, Value::from);
        Value::map(options.iter().map(|(name, text)| (Key::str(name), value(text))).collect())
    };
    let mut sections = Map::new();
    for name in config.sections.keys() {
        sections.insert(Key::str(name), section(&config.items(name).unwrap_or_default()));
    }
    if !config.defaults.is_empty() {
        sections.insert(Key::str("DEFAULT"), section(&config.defaults));
    }
    Ok(Val::Data(Value::map(sections)))
}

pub(in crate::template::filters) fn to_ini(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("to_ini")?;
    let Value::Map(sections) = ctx.force(&value)? else {
        return bail(format!("to_ini requires a dict, got {}", value.type_name()));
    };
    if sections.is_empty() {
        return bail("to_ini received an empty dict. An empty dict cannot be converted.");
    }
    let mut texts = Vec::new();
    let default = Key::str("DEFAULT");
    let ordered = sections
        .get_key_value(&default)
        .into_iter()
        .chain(sections.iter().filter(|(name, _)| **name != default));
    for (name, options) in ordered {
        let Value::Map(options) = options else {
            return bail(format!("to_ini failed to parse given dict: `{name}` is not a dict"));
        };
        let mut text = format!("[{name}]\n");
        for (option, value) in options.iter() {
            if *value == Value::Null {
                return bail("to_ini failed to parse given dict: option values must be strings");
            }
            text.push_str(&format!("{option} = {}\n", value.to_text().replace('\n', "\n\t")));
        }
        texts.push(text);
    }
    Ok(Val::from(texts.join("\n")))
}
