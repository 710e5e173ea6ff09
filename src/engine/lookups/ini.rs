//! `ini`: options of INI and properties files.

use super::ask::Ask;
use super::{Found, failed, paths};
use crate::base::configparser::{self, Config, Rules};
use crate::base::{Map, Value, pyregex};
use crate::template::LookupError;

const OPTIONS: &[&str] = &[
    "allow_no_value",
    "allow_none",
    "case_sensitive",
    "default",
    "encoding",
    "file",
    "interpolation",
    "re",
    "section",
    "type",
];

/// The section that a properties file gets.
const PROPERTIES: &str = "java_properties";

pub(super) fn ini(ask: &Ask<'_>) -> Found {
    let mut found = Vec::new();
    let mut options = ask.options.clone();
    for term in ask.texts() {
        let key = inline(&term, &mut options)?;
        one(&Ask { options: &options, ..*ask }, &key, &mut found)?;
    }
    Ok(found)
}

/// The key of a term; options that stand in the same text are set. They may hold blanks.
fn inline(term: &str, options: &mut Map) -> Result<String, LookupError> {
    if !term.contains('=') && !term.trim().contains(' ') {
        return Ok(term.to_owned());
    }
    let mut key: Option<String> = None;
    let mut last: Option<&str> = None;
    for word in term.split_whitespace() {
        let named = word
            .split_once('=')
            .and_then(|(name, value)| Some((*OPTIONS.iter().find(|known| **known == name)?, value)));
        match (named, last) {
            (Some((name, value)), _) => {
                options.insert(name.into(), Value::from(value));
                last = Some(name);
            }
            (None, Some(name)) => {
                let longer = format!("{} {word}", options.get(name).map(Value::to_text).unwrap_or_default());
                options.insert(name.into(), Value::from(longer));
            }
            (None, None) => match word.split_once('=') {
                Some((name, _)) => return Err(failed(format!("'{name}' is not a valid option."))),
                None => {
                    let longer = key.map_or_else(|| word.to_owned(), |key| format!("{key} {word}"));
                    key = Some(longer);
                }
            },
        }
    }
    key.ok_or_else(|| {
        failed(format!("No key to look up was provided as first term within string inline options: {term}"))
    })
}

/// Why a file cannot be read; of an option that is there twice in the words of Ansible and Python.
fn unreadable(name: &str, error: &configparser::Error) -> String {
    match error {
        configparser::Error::DuplicateOption(line, section, option) => format!(
            "Duplicate option in '{name}': While reading from '<???>' [line {line:>2}]: option '{option}' in section \
             '{section}' already exists"
        ),
        error => format!("'{name}': {error}"),
    }
}

fn one(ask: &Ask<'_>, key: &str, found: &mut Vec<Value>) -> Result<(), LookupError> {
    let rules = Rules {
        case_sensitive: ask.flag("case_sensitive", false)?,
        allow_no_value: ask.flag("allow_no_value", ask.flag("allow_none", false)?)?,
    };
    let name = ask.text("file", "ansible.ini");
    let Some(path) = ask.file(&name) else {
        return Err(failed(format!("unable to find '{name}' in expected paths")));
    };
    let mut text = paths::decoded(&path, &ask.text("encoding", "utf-8"))?;
    let mut section = ask.text("section", "global");
    if ask.text("type", "ini") == "properties" {
        text.insert_str(0, &format!("[{PROPERTIES}]\n"));
        PROPERTIES.clone_into(&mut section);
    }
    let config = Config::parse(&text, rules).map_err(|error| failed(unreadable(&name, &error)))?;
    let Some(items) = config.items(&section) else {
        return Err(failed(format!("No section '{section}' in '{name}'.")));
    };
    let interpolates = ask.flag("interpolation", true)?;
    let value = |raw: &Option<String>| match raw {
        None => Ok(Value::Null),
        Some(raw) if interpolates => config.interpolated(&section, raw).map(Value::from),
        Some(raw) => Ok(Value::from(raw.as_str())),
    };
    let failure = |error| failed(format!("'{name}': {error}"));
    if ask.flag("re", false)? {
        let regex = pyregex::compile(&format!("\\A(?:{key})"), pyregex::Flags::default()).map_err(failed)?;
        for (option, raw) in &items {
            if regex.is_match(option).unwrap_or(false) {
                found.push(value(raw).map_err(failure)?);
            }
        }
        return Ok(());
    }
    match config.get(&section, key).map(value).transpose().map_err(failure)? {
        Some(Value::Null) => {}
        Some(value) => found.push(value),
        None => match ask.options.get("default") {
            Some(Value::Null) => {}
            Some(Value::List(items)) => found.extend(items.iter().cloned()),
            Some(default) => found.push(default.clone()),
            None => found.push(Value::from("")),
        },
    }
    Ok(())
}
