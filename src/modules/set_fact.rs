//! Sets variables of the host from now on.
//!
//! ```yaml
//! - name: Remember where the application stands
//!   ansible.builtin.set_fact:
//!     app_root: /srv/app
//!     app_ports: [8080, 8081]
//! ```

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::params::{Field, Given, ParamProblem, Params, Rule, read_field};
use super::view::View;
use crate::base::{Key, Map, Value};

/// As `ansible.builtin.set_fact`.
pub struct SetFact;

/// Parameters of `set_fact`: every other name is a variable.
#[derive(Clone, Debug)]
pub struct SetFactParams {
    /// Whether the variables are kept in the fact cache too; the engine does that.
    #[expect(dead_code, reason = "read by the engine from the task's parameters")]
    pub cacheable: bool,
    /// The variables.
    pub variables: Given,
}

impl Params for SetFactParams {
    fn fields() -> Vec<Field> {
        vec![Field {
            name: "cacheable",
            aliases: &[],
            kind: "bool",
            elements: None,
            required: false,
            default: Some(|| "false".to_owned()),
            choices: &[],
            doc: "Whether the variables are facts that are kept in the fact cache too.\n",
            secret: false,
        }]
    }

    fn rules() -> Vec<Rule> {
        Vec::new()
    }

    fn open() -> bool {
        true
    }

    fn read(given: &Given, problems: &mut Vec<ParamProblem>) -> Option<Self> {
        let cacheable = read_field("cacheable", given, Some(false), problems)?;
        let variables = given.iter().filter(|(name, _)| &***name != "cacheable");
        Some(Self { cacheable, variables: variables.map(|(n, v)| (n.clone(), v.clone())).collect() })
    }
}

impl Module for SetFact {
    type Params = SetFactParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "set_fact",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("set_fact.rs"),
        returns: &[("ansible_facts", "the variables")],
    };

    fn plan(params: &SetFactParams, _: &View<'_>) -> Result<Step, Halt> {
        let SetFactParams { cacheable: _, variables } = params;
        if variables.is_empty() {
            return fail("No key/value pairs provided, at least one is required for this action to succeed");
        }
        if let Some(name) = variables.keys().find(|name| !is_name(name)) {
            let message = format!("Invalid variable name '{name}'.");
            let result = crate::map! {"msg" => format!("Task failed: {message}")};
            return Err(Failed { message, result, ..Failed::default() }.into());
        }
        let names: Vec<_> = variables.keys().map(AsRef::as_ref).collect();
        let mut plan = Plan::nothing(format!("set {}", names.join(", ")));
        let facts: Map =
            variables.iter().map(|(name, value)| (Key::Str(name.clone()), value.clone())).collect();
        plan.result.insert("ansible_facts".into(), Value::from(facts.clone()));
        plan.facts = facts;
        Ok(Step::Plan(plan))
    }
}

/// Whether a text can be the name of a variable: an ASCII identifier that Jinja2 does not take for a value or `not`.
pub(super) fn is_name(text: &str) -> bool {
    const KEYWORDS: &[&str] = &["false", "False", "none", "None", "not", "true", "True"];
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !KEYWORDS.contains(&text)
}
