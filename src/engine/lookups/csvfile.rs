//! `csvfile`: a column of the row of a table whose key is looked up.

use super::ask::{Ask, Inline};
use super::{Found, failed, paths};
use crate::base::Value;
use crate::base::csv::Dialect;

const OPTIONS: &[&str] = &["col", "default", "delimiter", "encoding", "file", "keycol"];

pub(super) fn csvfile(ask: &Ask<'_>) -> Found {
    if ask.terms.is_empty() {
        return Err(failed("Search key is required but was not found"));
    }
    let mut found = Vec::new();
    let mut options = ask.options.clone();
    for term in ask.texts() {
        let inline = Inline::parse(&term);
        if inline.words.is_empty() {
            return Err(failed("Search key is required but was not found"));
        }
        let key = inline.words.join(" ");
        options = inline.over(&options, OPTIONS)?;
        let ask = Ask { options: &options, ..*ask };
        let delimiter = match ask.text("delimiter", "TAB").as_str() {
            "TAB" | "\\t" => '\t',
            other => match other.chars().collect::<Vec<_>>().as_slice() {
                [one] => *one,
                _ => return Err(failed("`delimiter` must be a 1-character string")),
            },
        };
        let name = ask.text("file", "ansible.csv");
        let Some(path) = ask.file(&name) else {
            return Err(failed(format!("No such file or directory: '{name}'")));
        };
        let text = paths::decoded(&path, &ask.text("encoding", "utf-8"))?;
        let (key_column, column) = (ask.count("keycol", 0)?, ask.count("col", 1)?);
        let dialect = Dialect { delimiter, ..Dialect::EXCEL };
        let mut value = ask.option("default").cloned();
        for row in dialect.rows(&text).map_err(failed)?.iter().filter(|row| !row.is_empty()) {
            let out_of_range =
                |column| failed(format!("'{name}' has a row without the column {column}: {row:?}"));
            if *row.get(key_column).ok_or_else(|| out_of_range(key_column))? == key {
                value = Some(Value::from(row.get(column).ok_or_else(|| out_of_range(column))?.as_str()));
                break;
            }
        }
        match value {
            Some(Value::List(items)) => found.extend(items.iter().cloned()),
            Some(value) => found.push(value),
            None => {}
        }
    }
    Ok(found)
}
