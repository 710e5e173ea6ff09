//! What differs between what is wanted and what is there, option by option.

use serde_json::Value as Json;

use crate::modules::diff::Diff;

/// What an option's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One value.
    Value,
    /// A list whose order counts.
    List,
    /// A list whose order does not count.
    Set,
    /// A list of mappings whose order does not count.
    Maps,
    /// A mapping.
    Map,
}

/// How an option is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// It must be equal.
    Strict,
    /// It is always fine.
    Ignore,
    /// There may be more than what is wanted.
    AllowMorePresent,
}

/// Differences by option: its name, what is there, what is wanted.
#[derive(Clone, Debug, Default)]
pub struct Differences(pub Vec<(String, Json, Json)>);

impl Differences {
    /// Notes one.
    pub fn add(&mut self, name: impl Into<String>, is: impl Into<Json>, wanted: impl Into<Json>) {
        self.0.push((name.into(), is.into(), wanted.into()));
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// For the reader: one line for each part of an option that differs.
    pub fn shown(&self, subject: &str) -> Vec<Diff> {
        let mut all = Vec::new();
        for (name, is, wanted) in &self.0 {
            show(subject, name, is, wanted, &mut all);
        }
        all
    }
}

fn show(subject: &str, name: &str, is: &Json, wanted: &Json, all: &mut Vec<Diff>) {
    let mut add = |name: &str, before: &str, after: &str| {
        if before != after {
            all.push(Diff::attribute(subject, name, before, after));
        }
    };
    match (is, wanted) {
        (Json::Object(_) | Json::Null, Json::Object(wanted)) if !wanted.is_empty() => {
            for (key, value) in wanted {
                let before = is.get(key).map(text).unwrap_or_default();
                add(&format!("{name}.{key}"), &before, &text(value));
            }
        }
        (_, Json::Array(new)) if new.iter().all(Json::is_string) && pairs(new).is_some() => {
            let old = is.as_array().and_then(|old| pairs(old)).unwrap_or_default();
            for (key, value) in pairs(new).unwrap_or_default() {
                let before = old.iter().find(|(known, _)| *known == key).map_or("", |(_, value)| value);
                add(&format!("{name}.{key}"), before, value);
            }
            let gone = |(key, _): &&(&str, &str)| !new.iter().any(|w| has_key(w, key));
            for (key, value) in old.iter().filter(gone) {
                add(&format!("{name}.{key}"), value, "");
            }
        }
        (_, Json::Array(new)) if !new.is_empty() && new.iter().all(Json::is_object) => {
            let key = |entry: &Json| {
                entry.as_object().and_then(|e| e.iter().next()).map(|(k, v)| (k.clone(), v.clone()))
            };
            for entry in new {
                let same =
                    |old: &&Json| key(entry).is_some_and(|(name, value)| old.get(&name) == Some(&value));
                let before = is.as_array().into_iter().flatten().find(same);
                if before.is_none_or(|before| !is_part(entry, before)) {
                    add(name, &before.map(text).unwrap_or_default(), &text(entry));
                }
            }
        }
        _ => add(name, &text(is), &text(wanted)),
    }
}

fn has_key(entry: &Json, key: &str) -> bool {
    entry.as_str().and_then(|text| text.split_once('=')).is_some_and(|(known, _)| known == key)
}

/// `NAME=VALUE` texts as pairs; nothing where one is something else.
fn pairs(entries: &[Json]) -> Option<Vec<(&str, &str)>> {
    let pairs: Option<Vec<_>> = entries.iter().map(|entry| entry.as_str()?.split_once('=')).collect();
    pairs.filter(|pairs| !pairs.is_empty())
}

/// A value for the reader.
pub fn text(json: &Json) -> String {
    match json {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        Json::Bool(_) | Json::Number(_) => json.to_string(),
        Json::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        Json::Object(entries) if entries.len() == 2 && entries.contains_key("HostPort") => {
            let part = |name: &str| entries.get(name).map(text).unwrap_or_default();
            format!("{}:{}", part("HostIp"), part("HostPort"))
        }
        Json::Object(entries) => {
            let filled = entries.iter().filter(|(_, value)| !value.is_null());
            filled.map(|(key, value)| format!("{key}={}", text(value))).collect::<Vec<_>>().join(" ")
        }
    }
}

/// Whether what is wanted is there.
pub fn matches(wanted: &Json, is: &Json, comparison: Comparison, kind: Kind) -> bool {
    if comparison == Comparison::Ignore {
        return true;
    }
    if wanted.is_null() || is.is_null() {
        return wanted == is
            || match kind {
                Kind::Value => false,
                _ if comparison == Comparison::AllowMorePresent && wanted.is_null() => true,
                _ => is_empty(wanted) && is_empty(is),
            };
    }
    let strict = comparison == Comparison::Strict;
    let (none, no_entries) = (Vec::new(), serde_json::Map::new());
    let wanted_items = wanted.as_array().unwrap_or(&none);
    let items = is.as_array().unwrap_or(&none);
    match kind {
        Kind::Value => same(wanted, is),
        Kind::List if strict => wanted == is,
        Kind::List => {
            let mut rest = items.iter();
            wanted_items.iter().all(|wanted| rest.any(|item| item == wanted))
        }
        Kind::Set => {
            let within = |some: &[Json], all: &[Json]| some.iter().all(|item| all.contains(item));
            within(wanted_items, items) && (!strict || within(items, wanted_items))
        }
        Kind::Maps => {
            let found = |wanted: &Json| items.iter().any(|item| is_part(wanted, item));
            let expected = |item: &Json| wanted_items.iter().any(|wanted| is_part(wanted, item));
            wanted_items.iter().all(found) && (!strict || items.iter().all(expected))
        }
        Kind::Map if strict => {
            let (a, b) = (wanted.as_object().unwrap_or(&no_entries), is.as_object().unwrap_or(&no_entries));
            a.len() == b.len() && is_part(wanted, is)
        }
        Kind::Map => is_part(wanted, is),
    }
}

fn is_empty(json: &Json) -> bool {
    match json {
        Json::Null => true,
        Json::Array(items) => items.is_empty(),
        Json::Object(entries) => entries.is_empty(),
        _ => false,
    }
}

/// Numbers are equal by value, everything else as it is.
fn same(a: &Json, b: &Json) -> bool {
    a == b || matches!((a.as_f64(), b.as_f64()), (Some(a), Some(b)) if (a - b).abs() < f64::EPSILON)
}

/// Whether each entry of a mapping is in another.
fn is_part(wanted: &Json, is: &Json) -> bool {
    let Some(wanted) = wanted.as_object() else { return wanted == is };
    wanted.iter().all(|(key, value)| is.get(key).is_some_and(|found| same(value, found)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_compared_as_their_kind_says() {
        use Comparison::{AllowMorePresent as More, Ignore, Strict};
        let cases = [
            (json!("a"), json!("b"), Ignore, Kind::Value, true),
            (json!("a"), json!("b"), Strict, Kind::Value, false),
            (json!(null), json!("b"), Strict, Kind::Value, false),
            (json!([]), json!(null), Strict, Kind::List, true),
            (json!(["a"]), json!(null), Strict, Kind::Set, false),
            (json!(["a", "b"]), json!(["b", "a"]), Strict, Kind::List, false),
            (json!(["a", "c"]), json!(["a", "b", "c"]), More, Kind::List, true),
            (json!(["c", "a"]), json!(["a", "b", "c"]), More, Kind::List, false),
            (json!(["a", "b"]), json!(["b", "a"]), Strict, Kind::Set, true),
            (json!(["a"]), json!(["b", "a"]), Strict, Kind::Set, false),
            (json!(["a"]), json!(["b", "a"]), More, Kind::Set, true),
            (json!({"a": 1}), json!({"a": 1, "b": 2}), More, Kind::Map, true),
            (json!({"a": 1}), json!({"a": 1, "b": 2}), Strict, Kind::Map, false),
            (json!([{"a": 1}]), json!([{"a": 1, "b": 2}]), Strict, Kind::Maps, true),
            (json!([{"a": 1}]), json!([{"a": 1}, {"a": 2}]), Strict, Kind::Maps, false),
            (json!([{"a": 1}]), json!([{"a": 1}, {"a": 2}]), More, Kind::Maps, true),
        ];
        for (wanted, is, comparison, kind, expected) in cases {
            assert_eq!(matches(&wanted, &is, comparison, kind), expected, "{wanted} {is} {comparison:?}");
        }
    }

    #[test]
    fn each_part_is_shown_by_itself() {
        let mut differences = Differences::default();
        differences.add("env", json!(["A=1", "B=2", "C=3"]), json!(["A=1", "B=4"]));
        differences.add("labels", json!(null), json!({"a": "x"}));
        differences.add("command", json!(["sleep", "1"]), json!(["sleep", "2"]));
        let lines: Vec<_> = differences
            .shown("container web")
            .into_iter()
            .map(|diff| match diff {
                Diff::Attribute { name, before, after, .. } => format!("{name}: {before} -> {after}"),
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(
            lines,
            ["env.B: 2 -> 4", "env.C: 3 -> ", "labels.a:  -> x", "command: sleep, 1 -> sleep, 2"]
        );
    }
}
