//! The parameters of modules.

use serde_json::{Value, json};

use super::{Entries, described, of, values};
use crate::lang::keyword::META;
use crate::manual::module::Parameter;
use crate::manual::{Manual, actions};
use crate::modules::{AnyModule, FreeForm, MODULES};

/// Modules of ansible-core that fleet has not itself: they are run by the host's Python.
const OF_ANSIBLE: &[&str] = &["dnf5", "mount_facts", "subversion", "sysvinit"];

/// The definition of a module's parameters.
fn definition(module: &str) -> String {
    format!("module.{module}")
}

/// The definitions of all modules' parameters.
pub(super) fn definitions() -> Entries {
    let own = MODULES.iter().map(|module| {
        let manual = Manual::of(*module);
        (definition(manual.doc.name), parameters_of(*module, &manual))
    });
    let actions = actions::manuals().map(|manual| (definition(manual.doc.name), action(&manual)));
    own.chain(actions).collect()
}

/// What a task's keys may be for modules, each with what its value is: all names of all modules.
pub(super) fn names(others: &[String]) -> Entries {
    let mut all = Entries::new();
    let mut add = |short: &str, collection: &str, target: &Value| {
        all.insert(short.to_owned(), target.clone());
        all.insert(format!("{collection}.{short}"), target.clone());
        if collection == "ansible.builtin" {
            all.insert(format!("ansible.legacy.{short}"), target.clone());
        }
    };
    let own = MODULES.iter().map(|module| Manual::of(*module));
    for Manual { doc, .. } in
        own.chain(actions::manuals().filter(|manual| manual.doc.name != "import_playbook"))
    {
        let target = of(&definition(doc.name));
        for name in std::iter::once(&doc.name).chain(doc.aliases) {
            add(name, doc.collection, &target);
        }
    }
    for name in OF_ANSIBLE {
        add(
            name,
            "ansible.builtin",
            &json!({"description": "Run by the host's Python; its parameters are not checked here."}),
        );
    }
    for name in others {
        all.entry(name.clone()).or_insert_with(|| json!({"description": "A module of the project's own."}));
    }
    all
}

/// The parameters of a parameter's type.
fn property(kind: &str, elements: Option<&str>, parameter: &Parameter) -> Value {
    let mut schema = values::parameter(kind, elements, parameter.choices);
    let mut text = parameter.text.clone();
    if parameter.required {
        text.push_str(" Must be given.");
    }
    if let Some(default) = parameter.default_shown() {
        text.push_str(&format!(" Default: `{default}`."));
    }
    if parameter.refused {
        text.insert_str(0, "Not supported yet. ");
    }
    schema = described(schema, &text);
    if let (true, Some(entries)) = (parameter.refused, schema.as_object_mut()) {
        // a word of yaml-language-server's
        entries.insert("doNotSuggest".to_owned(), Value::Bool(true));
    }
    let default = match (kind, parameter.default.as_deref()) {
        (_, None) => return schema,
        ("bool", Some(default)) => Value::Bool(default == "true"),
        ("int", Some(default)) => default.parse::<i64>().map_or(Value::Null, Value::from),
        (_, Some(default)) => serde_json::from_str(default)
            .ok()
            .filter(|value: &Value| value.is_object() || value.is_array())
            .unwrap_or_else(|| Value::from(default)),
    };
    if let (Some(entries), false) = (schema.as_object_mut(), default.is_null()) {
        entries.insert("default".to_owned(), default);
    }
    schema
}

fn parameters_of(module: &dyn AnyModule, manual: &Manual) -> Value {
    let fields = module.fields();
    let mut properties = Entries::new();
    for parameter in &manual.parameters {
        let field = fields.iter().find(|field| field.name == parameter.name);
        let elements = field.and_then(|field| field.elements);
        let kind = field.map_or("raw", |field| field.kind);
        let schema = property(kind, elements, parameter);
        for alias in parameter.aliases {
            let same = format!("The same as `{}`. {}", parameter.name, parameter.text);
            properties.insert(
                (*alias).to_owned(),
                described(values::parameter(kind, elements, parameter.choices), &same),
            );
        }
        properties.insert(parameter.name.to_owned(), schema);
    }
    let schema = json!({"type": ["object", "string", "null"], "additionalProperties": module.open()});
    let mut schema = described(schema, &told(manual));
    let pairs = manual.doc.free_form == FreeForm::Pairs;
    if !pairs {
        properties.insert("_raw_params".to_owned(), json!({}));
    }
    if let Some(entries) = schema.as_object_mut() {
        if pairs {
            // `name=value` words
            entries.insert("pattern".to_owned(), Value::from(r"^\s*$|=|\{\{|\{%"));
        }
        entries.insert("properties".to_owned(), Value::Object(properties));
    }
    schema
}

/// What is told of a module beside its key.
fn told(manual: &Manual) -> String {
    let sentences = manual.free_form.iter().chain(&manual.rules).map(String::as_str);
    let lines: Vec<&str> = std::iter::once(manual.doc.summary()).chain(sentences).collect();
    lines.join("\n\n")
}

fn action(manual: &Manual) -> Value {
    if manual.doc.name == "meta" {
        let names: Vec<&str> = META.iter().map(|(name, _)| *name).collect();
        return described(values::choice(&names), manual.doc.summary());
    }
    let mut properties = Entries::new();
    for parameter in &manual.parameters {
        let schema = if parameter.name == "apply" {
            described(of("applied"), &parameter.text)
        } else {
            property(&parameter.kind, None, parameter)
        };
        properties.insert(parameter.name.to_owned(), schema);
    }
    properties.insert("_raw_params".to_owned(), json!({}));
    let schema = json!({
        "type": ["object", "string", "null"], "additionalProperties": false, "properties": properties,
    });
    described(schema, &told(manual))
}
