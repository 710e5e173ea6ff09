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

const NAMES: [&str; 3] = ["name", "host", "hostname"];
const GROUPS: [&str; 3] = ["groups", "group", "groupname"];

impl Params for AddHostParams {
    fn fields() -> Vec<Field> {
        let field = |name, aliases, kind, required, doc| Field {
            name,
            aliases,
            kind,
            required,
            default: None,
            choices: &[],
            doc,
            secret: false,
        };
        vec![
            field("name", &["host", "hostname"], "str", true, "The host's name, perhaps with a port.\n"),
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
        let name: String = read_field("name", given, None, problems)?;
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
        let own = |name: &str| NAMES.contains(&name) || GROUPS.contains(&name);
        let variables = given.iter().filter(|(name, _)| !own(name));
        Some(Self {
            name,
            groups: groups.collect(),
            variables: variables.map(|(name, value)| (name.clone(), value.clone())).collect(),
        })
    }
}

impl Module for AddHost {
    type Params = AddHostParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "add_host",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
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
