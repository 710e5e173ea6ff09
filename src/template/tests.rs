//! Tests of the room as a whole; the table of cases was taken from ansible-core 2.19.14.

use std::sync::Arc;

use indexmap::IndexMap;
use proptest::prelude::*;

use super::*;
use crate::base::{Key, Kind, Secret, TemplateText};
use crate::map;
use crate::yaml::has_markers;

#[derive(Debug, Default)]
struct Fixed {
    values: IndexMap<Arc<str>, Value>,
    hosts: IndexMap<Arc<str>, Arc<dyn Variables>>,
}

impl Variables for Fixed {
    fn get(&self, name: &str) -> Option<Value> {
        self.values.get(name).cloned()
    }
    fn place(&self, name: &str) -> Option<Place> {
        match self.values.get(name)? {
            Value::Template(template) => template.place.clone(),
            _ => None,
        }
    }
    fn names(&self) -> Vec<Arc<str>> {
        self.values.keys().cloned().collect()
    }
    fn host(&self, name: &str) -> Option<Arc<dyn Variables>> {
        self.hosts.get(name).cloned()
    }
    fn hosts(&self) -> Vec<Arc<str>> {
        self.hosts.keys().cloned().collect()
    }
}

#[derive(Debug)]
struct World;

impl Lookups for World {
    fn lookup(
        &self,
        name: &str,
        terms: &[Value],
        _: &Map,
        _: &Arc<dyn Variables>,
    ) -> Result<Value, LookupError> {
        match name {
            "env" => Ok(Value::list([Value::from("/root")])),
            "pipe" => Err(LookupError::Deferred),
            "file" => Err(LookupError::Failed(format!("no file {}", terms.first().map(Value::to_text).unwrap_or_default()))),
            "fleet.path_test" => Ok(Value::Bool(terms.last() == Some(&Value::from("/etc")))),
            _ => Err(LookupError::NoSuchLookup),
        }
    }
    fn now(&self) -> i64 {
        1_700_000_000_000_000
    }
    fn template(&self, name: &str) -> Option<Arc<Source>> {
        let text = match name {
            "macros.j2" => "{% macro hi(x, y='!') %}hi {{ x }}{{ y }}{% endmacro %}{% set answer = 42 %}",
            "part.j2" => "part {{ who }}\n",
            "base.j2" => "<{% block a %}base{% endblock %}|{% block b %}b{% endblock %}>",
            _ => return None,
        };
        Some(Source::new(name, text))
    }
}

/// As the project's files are read: texts with markers are templates.
fn trusted(value: Value) -> Value {
    match value {
        Value::Str(text) if has_markers(&text) => Value::Template(Arc::new(TemplateText { text, place: None })),
        Value::List(items) => Value::list(items.iter().cloned().map(trusted)),
        Value::Map(entries) => {
            Value::map(entries.iter().map(|(key, value)| (key.clone(), trusted(value.clone()))).collect())
        }
        other => other,
    }
}

fn variables(map: Map) -> Arc<dyn Variables> {
    let values = map.into_iter().map(|(key, value)| (Arc::from(key.to_string()), trusted(value))).collect();
    Arc::new(Fixed { values, hosts: IndexMap::new() })
}

fn lookups() -> Arc<dyn Lookups> {
    Arc::new(World)
}

fn render(text: &str, map: Map) -> Result<Rendered, TemplateError> {
    Templar::new().render(&trusted(Value::from(text)), &variables(map), &lookups())
}

fn value(text: &str, map: Map) -> Value {
    render(text, map).unwrap_or_else(|error| panic!("{text}: {error:?}")).value
}

fn failure(text: &str, map: Map) -> Diagnostic {
    match render(text, map) {
        Err(TemplateError::Failed(diagnostic)) => *diagnostic,
        other => panic!("{text}: {other:?}"),
    }
}

fn condition(condition: Value, map: Map) -> Result<Truth, TemplateError> {
    Templar::new().condition(&condition, None, &variables(map), &lookups())
}

#[test]
fn the_cases_agree_with_ansible() {
    let cases: serde_json::Value = serde_json::from_str(include_str!("cases/ansible.json")).unwrap();
    let mut wrong = Vec::new();
    let cases = cases["cases"].as_array().unwrap();
    assert!(cases.len() > 300, "{} cases", cases.len());
    for case in cases {
        let text = case["t"].as_str().unwrap();
        let map = case.get("v").map_or_else(Map::new, |v| Value::from_json(v).as_map().unwrap().clone());
        let vars = variables(map);
        let result = match case.get("k").and_then(|kind| kind.as_str()) {
            Some("expr") => Templar::new().expression(text, None, &vars, &lookups()),
            Some("cond") => Templar::new()
                .condition(&trusted(Value::from(text)), None, &vars, &lookups())
                .map(|truth| Rendered { value: Value::Bool(truth == Truth::Yes), unknown: None, tainted: false }),
            _ => Templar::new().render(&trusted(Value::from(text)), &vars, &lookups()),
        };
        let agrees = match (&result, case.get("ok")) {
            (Ok(rendered), Some(expected)) => same(&rendered.value.to_json(), expected),
            (Err(TemplateError::Failed(_)), None) => true,
            _ => false,
        };
        if !agrees {
            wrong.push(format!("{text:?} {:?}\n   expected {:?}\n   was {result:?}", case.get("v").map(ToString::to_string), case.get("ok").map(ToString::to_string)));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// Equal JSON; of numbers the type counts too.
fn same(a: &serde_json::Value, b: &serde_json::Value) -> bool {
    a.to_string() == b.to_string()
}
