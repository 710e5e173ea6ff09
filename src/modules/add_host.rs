//! Adds a host to the inventory for the rest of the run.
//!
//! ```yaml
//! - name: Remember the machine that was just made
//!   ansible.builtin.add_host:
//!     name: web9
//!     groups: [web, new]
//!     ansible_host: 192.0.2.9
//! ```

use super::contract::{Flow, FreeForm, Halt, Module, ModuleDoc, Step};
use super::params::{Field, Given, ParamProblem, Params, Rule, read_field};
use super::view::View;
use std::sync::Arc;

use crate::base::{Key, Kind, Map, Value};

/// As `ansible.builtin.add_host`.
pub struct AddHost;

/// Parameters of `add_host`: every other name is a variable of the host.
#[derive(Clone, Debug)]
pub struct AddHostParams {
    /// Its name, perhaps with a port.
    pub name: String,
    /// Its groups.
    pub groups: Vec<String>,
    /// Its variables.
    pub variables: Given,
}

/// The parameter that a free-form text is.
const RAW: &str = "_raw_params";
const NAMES: [&str; 3] = ["name", "host", "hostname"];
const GROUPS: [&str; 3] = ["groups", "group", "groupname"];

impl Params for AddHostParams {
    fn fields() -> Vec<Field> {
        let field = |name, aliases, kind, required, doc| Field {
            name,
            aliases,
            kind,
            elements: (kind == "list").then_some("str"),
            required,
            default: None,
            choices: &[],
            doc,
            secret: false,
        };
        vec![
            field("name", &["host", "hostname"], "str", false, "The host's name, perhaps with a port.\n"),
            field("groups", &["group", "groupname"], "list", false, "The groups that it is put into.\n"),
        ]
    }

    fn rules() -> Vec<Rule> {
        Vec::new()
    }

    fn open() -> bool {
        true
    }

    fn read(given: &Given, problems: &mut Vec<ParamProblem>) -> Option<Self> {
        if let Some(raw) = given.get(RAW) {
            return Self::read_raw(raw, given, problems);
        }
        if !given.contains_key("name") {
            problems.push(ParamProblem {
                parameter: None,
                kind: Kind::Parameters,
                message: "name, host or hostname needs to be provided".to_owned(),
                hint: None,
            });
        }
        let name: String = read_field("name", given, Some(String::new()), problems)?;
        let groups = match given.get("groups") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::List(items)) => items.iter().map(Value::to_text).collect(),
            Some(Value::Str(text)) => text.split(',').map(str::to_owned).collect(),
            Some(other) if !other.is_literal() => Vec::new(),
            Some(other) => {
                problems.push(ParamProblem {
                    parameter: Some("groups".to_owned()),
                    kind: Kind::BadValue,
                    message: "Groups must be specified as a list.".to_owned(),
                    hint: Some(format!("this is {}", other.to_repr())),
                });
                return None;
            }
        };
        let groups = groups.iter().map(|group| group.trim().to_owned()).filter(|group| !group.is_empty());
        let own = |name: &str| name == RAW || NAMES.contains(&name) || GROUPS.contains(&name);
        let variables = given.iter().filter(|(name, _)| !own(name));
        Some(Self {
            name,
            groups: groups.collect(),
            variables: variables.map(|(name, value)| (name.clone(), value.clone())).collect(),
        })
    }
}

impl AddHostParams {
    /// A template in the place of the parameters gives a mapping of them.
    fn read_raw(raw: &Value, given: &Given, problems: &mut Vec<ParamProblem>) -> Option<Self> {
        let mut all = Given::new();
        match raw {
            Value::Map(entries) => {
                all.extend(entries.iter().map(|(name, value)| (Arc::from(name.to_string()), value.clone())));
            }
            other if !other.is_literal() => return None,
            other => {
                problems.push(ParamProblem {
                    parameter: None,
                    kind: Kind::BadValue,
                    message: format!(
                        "Invalid raw parameters passed, requires a dictionary/mapping got a  {}",
                        other.type_name()
                    ),
                    hint: Some("write `name: NAME` and what else is known of the host".to_owned()),
                });
                return None;
            }
        }
        let own = given.iter().filter(|(name, _)| &***name != RAW);
        all.extend(own.map(|(name, value)| (name.clone(), value.clone())));
        for (alias, name) in
            NAMES.iter().map(|alias| (*alias, "name")).chain(GROUPS.iter().map(|a| (*a, "groups")))
        {
            if let Some(value) = all.shift_remove(alias) {
                all.insert(Arc::from(name), value);
            }
        }
        Self::read(&all, problems)
    }
}

impl Module for AddHost {
    type Params = AddHostParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "add_host",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Raw(RAW),
        source: include_str!("add_host.rs"),
        returns: &[("add_host", "the host's name, groups and variables")],
    };

    fn plan(params: &AddHostParams, _: &View<'_>) -> Result<Step, Halt> {
        let AddHostParams { name, groups, variables } = params;
        let vars: Map =
            variables.iter().map(|(name, value)| (Key::Str(name.clone()), value.clone())).collect();
        Ok(Step::Flow(Flow::AddHost { name: name.clone(), groups: groups.clone(), vars }))
    }
}
