//! The rules between the options of an option. Each gives what the first broken one of its kind says.

use super::convert::{self, Shown};
use crate::base::{Map, Value};

/// The names of a rule: a list, or one name.
fn names(value: &Value) -> Vec<String> {
    match value.as_list() {
        Some(items) => items.iter().map(Value::to_text).collect(),
        None => vec![value.to_text()],
    }
}

fn groups(option: &Map, rule: &str) -> Vec<Vec<String>> {
    option.get(rule).and_then(Value::as_list).unwrap_or_default().iter().map(names).collect()
}

fn count(names: &[String], values: &Map) -> usize {
    names.iter().filter(|name| values.contains_key(name.as_str())).count()
}

pub(super) fn mutually_exclusive(option: &Map, values: &Map) -> Option<String> {
    let broken: Vec<String> = groups(option, "mutually_exclusive")
        .iter()
        .filter(|group| count(group, values) > 1)
        .map(|group| group.join("|"))
        .collect();
    (!broken.is_empty()).then(|| format!("parameters are mutually exclusive: {}", broken.join(", ")))
}

pub(super) fn required_together(option: &Map, values: &Map) -> Option<String> {
    let groups = groups(option, "required_together");
    let broken = groups.iter().find(|group| (1..group.len()).contains(&count(group, values)))?;
    Some(format!("parameters are required together: {}", broken.join(", ")))
}

pub(super) fn required_one_of(option: &Map, values: &Map) -> Option<String> {
    let groups = groups(option, "required_one_of");
    let broken = groups.iter().find(|group| count(group, values) == 0)?;
    Some(format!("one of the following is required: {}", broken.join(", ")))
}

pub(super) fn required_if(option: &Map, values: &Map) -> Option<String> {
    let rules = option.get("required_if").and_then(Value::as_list).unwrap_or_default();
    rules.iter().find_map(|rule| {
        let [name, wanted, needed, rest @ ..] = rule.as_list()? else { return None };
        let any = rest.first().is_some_and(|any| convert::truthy(Some(any)));
        if !values.get(name.to_text().as_str()).is_some_and(|value| convert::same(value, wanted)) {
            return None;
        }
        let needed = names(needed);
        let lacking: Vec<&str> =
            needed.iter().map(String::as_str).filter(|name| !values.contains_key(*name)).collect();
        let broken = if any { lacking.len() >= needed.len().max(1) } else { !lacking.is_empty() };
        broken.then(|| {
            let which = if any { "any" } else { "all" };
            let (name, wanted) = (Shown(name), Shown(wanted));
            format!("{name} is {wanted} but {which} of the following are missing: {}", lacking.join(", "))
        })
    })
}

pub(super) fn required_by(option: &Map, values: &Map) -> Option<String> {
    let is_given = |name: &str| values.get(name).is_some_and(|value| *value != Value::Null);
    option.get("required_by")?.as_map()?.iter().find_map(|(name, needed)| {
        if !is_given(&name.to_string()) {
            return None;
        }
        let lacking: Vec<String> = names(needed).into_iter().filter(|name| !is_given(name)).collect();
        let message = || format!("missing parameter(s) required by '{name}': {}", lacking.join(", "));
        (!lacking.is_empty()).then(message)
    })
}
