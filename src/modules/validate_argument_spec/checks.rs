//! The checks of an argument spec, in the order and the words of Ansible's `ArgumentSpecValidator`.

use indexmap::IndexMap;
use std::collections::BTreeSet;

use super::convert::{self, Shown};
use super::rules;
use crate::base::{Key, Map, Value};
use crate::modules::contract::{Halt, fail};

/// An option that no spec has, with what is supported where it stands.
struct Unsupported {
    names: BTreeSet<String>,
    supported: String,
}

/// What is wrong with these arguments.
///
/// # Errors
/// A spec that is none.
pub(super) fn errors(spec: &Map, values: Map) -> Result<Vec<String>, Halt> {
    let mut checker = Checker { errors: Vec::new(), unsupported: None, context: Vec::new() };
    checker.level(spec, values, None)?;
    let Checker { mut errors, unsupported, context: _ } = checker;
    if let Some(Unsupported { names, supported }) = unsupported {
        let names: Vec<String> = names.into_iter().collect();
        errors.push(format!("{}. Supported parameters include: {supported}.", names.join(", ")));
    }
    Ok(errors)
}

struct Checker {
    errors: Vec<String>,
    unsupported: Option<Unsupported>,
    /// The options around, from the outside in.
    context: Vec<String>,
}

impl Checker {
    /// One level of options: those of the spec, or those of an option whose own spec is `of`.
    fn level(&mut self, spec: &Map, mut values: Map, of: Option<&Map>) -> Result<(), Halt> {
        for (name, option) in spec {
            if option.as_map().is_none() {
                let found = convert::python_type(option);
                return fail(format!("the spec of the argument '{name}' must be a mapping, not {found}"));
            }
        }
        let aliases = self.aliases(spec, &mut values);
        self.nested_texts(spec, &values);
        self.unsupported(spec, &values, &aliases);
        if let Some(of) = of {
            self.rule(rules::mutually_exclusive(of, &values));
        }
        defaults(spec, &mut values, Defaults::Given);
        self.required(spec, &values);
        self.types(spec, &mut values);
        self.choices(spec, &mut values);
        if let Some(of) = of {
            self.rule(rules::required_together(of, &values));
            self.rule(rules::required_one_of(of, &values));
            self.rule(rules::required_if(of, &values));
            self.rule(rules::required_by(of, &values));
        }
        defaults(spec, &mut values, Defaults::All);
        self.nested(spec, &values)
    }

    fn rule(&mut self, broken: Option<String>) {
        self.errors.extend(broken.map(|message| format!("{message}{}", self.found_in())));
    }

    fn found_in(&self) -> String {
        if self.context.is_empty() {
            String::new()
        } else {
            format!(" found in {}", self.context.join(" -> "))
        }
    }

    /// The options around as messages of types have them.
    fn inside(&self, stop: &str) -> String {
        let context = self.context.join(" -> ");
        if context.is_empty() { context } else { format!(" found in '{context}'{stop}") }
    }

    /// Puts values given under an alias under the option's name; the aliases, by alias.
    fn aliases(&mut self, spec: &Map, values: &mut Map) -> IndexMap<String, Key> {
        let mut all = IndexMap::new();
        for (name, option) in spec {
            let default = option.get("default").unwrap_or(&Value::Null);
            if *default != Value::Null && convert::truthy(option.get("required")) {
                self.errors
                    .push(format!("internal error: required and default are mutually exclusive for {name}"));
                return IndexMap::new();
            }
            let Some(aliases) = option.get("aliases").filter(|aliases| **aliases != Value::Null) else {
                continue;
            };
            let Some(aliases) = aliases.as_list() else {
                self.errors.push("internal error: aliases must be a list or tuple".to_owned());
                return IndexMap::new();
            };
            for alias in aliases {
                let alias = alias.to_text();
                if let Some(value) = values.get(alias.as_str()) {
                    let value = value.clone();
                    values.insert(name.clone(), value);
                }
                all.insert(alias, name.clone());
            }
        }
        all
    }

    /// A text or another value where options of options are expected, which is told before anything else.
    fn nested_texts(&mut self, spec: &Map, values: &Map) {
        for (name, option) in spec {
            if option.get("options").is_none_or(|options| *options == Value::Null) || !holds_options(option) {
                continue;
            }
            let Some(value) = values.get(name).filter(|value| **value != Value::Null) else { continue };
            let single = std::slice::from_ref(value);
            for item in value.as_list().unwrap_or(single) {
                let wrong = match item {
                    Value::Map(_) => continue,
                    Value::Str(_) => convert::convert("dict", item).err(),
                    other => Some(format!(
                        "Value '{}' in the sub parameter field '{name}' must be a {}, not '{}'",
                        Shown(other),
                        option.get("type").map(Value::to_text).unwrap_or_default(),
                        convert::type_name(other),
                    )),
                };
                if let Some(wrong) = wrong {
                    self.errors.push(wrong);
                    return;
                }
            }
        }
    }

    fn unsupported(&mut self, spec: &Map, values: &Map, aliases: &IndexMap<String, Key>) {
        for name in values.keys() {
            let text = name.to_string();
            if spec.contains_key(name) || aliases.contains_key(&text) {
                continue;
            }
            let mut path = self.context.clone();
            path.push(text);
            let mut options: Vec<String> =
                spec.keys().map(ToString::to_string).filter(|name| !aliases.contains_key(name)).collect();
            options.sort();
            let mut supported = options.join(", ");
            if !aliases.is_empty() {
                let mut names: Vec<&str> = aliases.keys().map(String::as_str).collect();
                names.sort_unstable();
                supported = format!("{supported} ({})", names.join(", "));
            }
            let all = self
                .unsupported
                .get_or_insert_with(|| Unsupported { names: BTreeSet::new(), supported: String::new() });
            all.names.insert(path.join("."));
            all.supported = supported;
        }
    }

    fn required(&mut self, spec: &Map, values: &Map) {
        let lacking = spec
            .iter()
            .filter(|(name, option)| convert::truthy(option.get("required")) && !values.contains_key(*name));
        let mut lacking: Vec<String> = lacking.map(|(name, _)| name.to_string()).collect();
        lacking.sort();
        if !lacking.is_empty() {
            let message = format!("missing required arguments: {}", lacking.join(", "));
            self.rule(Some(message));
        }
    }

    fn types(&mut self, spec: &Map, values: &mut Map) {
        for (name, option) in spec {
            let Some(option) = option.as_map() else { continue };
            let Some(value) = values.get(name).cloned() else { continue };
            let has_default = option.get("default").is_some_and(|default| *default != Value::Null);
            if value == Value::Null && !convert::truthy(option.get("required")) && !has_default {
                continue;
            }
            let wanted = wanted(option, "type");
            match convert::convert(&wanted, &value) {
                Ok(converted) => {
                    let converted = self.elements(name, option, &wanted, converted);
                    values.insert(name.clone(), converted);
                }
                Err(cause) => {
                    let inside = self.inside(".");
                    let message = format!(
                        "argument '{name}' is of type {}{inside} and we were unable to convert to {wanted}: {cause}",
                        convert::type_name(&value)
                    );
                    self.errors.push(hidden(option, &value, message));
                }
            }
        }
    }

    /// The elements of a list, converted; those that cannot be are left out.
    fn elements(&mut self, name: &Key, option: &Map, wanted: &str, value: Value) -> Value {
        if !convert::truthy(option.get("elements")) {
            return value;
        }
        let kind = self::wanted(option, "elements");
        let Some(items) = value.as_list() else {
            let inside = self.inside(".");
            self.errors.push(format!(
                "Invalid type {wanted} for option '{}'{inside}, elements value check is supported only with 'list' type",
                Shown(&value)
            ));
            return value;
        };
        let mut converted = Vec::new();
        for item in items {
            match convert::convert(&kind, item) {
                Ok(item) => converted.push(item),
                Err(cause) => {
                    let inside = self.inside("");
                    self.errors.push(format!(
                        "Elements value for option '{name}'{inside} is of type {} and we were unable to convert to {kind}: {cause}",
                        convert::type_name(item)
                    ));
                }
            }
        }
        Value::list(converted)
    }

    fn choices(&mut self, spec: &Map, values: &mut Map) {
        for (name, option) in spec {
            let Some(choices) = option.get("choices").filter(|choices| **choices != Value::Null) else {
                continue;
            };
            let Some(list) = choices.as_list() else {
                let message = format!(
                    "internal error: choices for argument {name} are not iterable: {}",
                    Shown(choices)
                );
                self.rule(Some(message));
                continue;
            };
            let Some(value) = values.get(name) else { continue };
            let shown = |items: &[&Value]| {
                items.iter().map(|item| Shown(item).to_string()).collect::<Vec<_>>().join(", ")
            };
            let all = shown(&list.iter().collect::<Vec<_>>());
            let is_choice = |value: &Value| list.iter().any(|choice| convert::same(choice, value));
            if let Some(items) = value.as_list() {
                let others: Vec<&Value> = items.iter().filter(|item| !is_choice(item)).collect();
                if !others.is_empty() {
                    let others = shown(&others);
                    self.rule(Some(format!(
                        "value of {name} must be one or more of: {all}. Got no match for: {others}"
                    )));
                }
            } else if !is_choice(value) {
                match convert::boolean_choice(value, list) {
                    Some(choice) => drop(values.insert(name.clone(), choice)),
                    None => {
                        let got = Shown(value);
                        let message = format!("value of {name} must be one of: {all}, got: {got}");
                        let message =
                            option.as_map().map_or_else(String::new, |option| hidden(option, value, message));
                        self.rule(Some(message));
                    }
                }
            }
        }
    }

    fn nested(&mut self, spec: &Map, values: &Map) -> Result<(), Halt> {
        for (name, option) in spec {
            let Some(option) = option.as_map().filter(|_| holds_options(option)) else { continue };
            let Some(options) = option.get("options").filter(|options| **options != Value::Null) else {
                continue;
            };
            let Some(options) = options.as_map() else {
                let found = convert::python_type(options);
                return fail(format!("the options of the argument '{name}' must be a mapping, not {found}"));
            };
            let given = values.get(name).filter(|value| **value != Value::Null).cloned();
            let apply = convert::truthy(option.get("apply_defaults"));
            let Some(value) = given.or_else(|| apply.then(|| Value::from(Map::new()))) else { continue };
            self.context.push(name.to_string());
            let single = std::slice::from_ref(&value);
            for item in value.as_list().unwrap_or(single) {
                match item.as_map() {
                    Some(entries) => self.level(options, entries.clone(), Some(option))?,
                    None => {
                        self.errors.push(format!("value of '{name}' must be of type dict or list of dicts"));
                    }
                }
            }
            self.context.pop();
        }
        Ok(())
    }
}

/// Which defaults are put in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Defaults {
    /// Those that the spec has.
    Given,
    /// `None` too, for options without one.
    All,
}

fn defaults(spec: &Map, values: &mut Map, which: Defaults) {
    for (name, option) in spec {
        let default = option.get("default").unwrap_or(&Value::Null);
        if !values.contains_key(name) && (which == Defaults::All || *default != Value::Null) {
            values.insert(name.clone(), default.clone());
        }
    }
}

/// A message without the value of an option that must not be shown (`no_log`).
fn hidden(option: &Map, value: &Value, message: String) -> String {
    let text = value.to_text();
    if convert::truthy(option.get("no_log")) && !text.is_empty() {
        message.replace(&value.to_repr(), "********").replace(&text, "********")
    } else {
        message
    }
}

/// Whether an option's values have options of their own.
fn holds_options(option: &Value) -> bool {
    let is = |attribute: &str, kind: &str| option.get(attribute).and_then(Value::as_str) == Some(kind);
    is("type", "dict") || (is("type", "list") && is("elements", "dict"))
}

/// The type that an option asks for; texts by default.
fn wanted(option: &Map, attribute: &str) -> String {
    match option.get(attribute) {
        None | Some(Value::Null) => "str".to_owned(),
        Some(name) => name.to_text(),
    }
}
