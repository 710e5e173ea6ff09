//! Gathers facts about the host.
//!
//! ```yaml
//! - name: Only what the distribution is
//!   ansible.builtin.setup:
//!     gather_subset: [min]
//!     filter: [ansible_distribution*]
//! ```

use super::contract::{FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::params::PathText;
use super::patterns;
use super::view::View;
use crate::base::{Key, Map, Value, names};
use crate::params;
use crate::wire::{Observation, Query};

/// As `ansible.builtin.setup`.
pub struct Setup;

params! {
    /// Parameters of `setup`.
    pub struct SetupParams {
        /// Which facts are gathered: `all`, `min`, `hardware`, `network` …, or without one: `!hardware`.
        gather_subset: Vec<String> = vec!["all".to_owned()];
        /// Patterns; only facts that match one of them come back, with or without `ansible_`. By default all.
        filter: Vec<String>;
        /// Seconds that each slow collector of facts may take.
        gather_timeout: u32 = 10u32;
        /// Directory on the host with local facts (`*.fact`).
        fact_path: PathText = PathText("/etc/ansible/facts.d".to_owned());
        /// Of `gather_facts`: whether several modules that gather facts run at once. fleet has one, so that it means nothing.
        parallel: Option<bool>;
    }
}

/// Facts that have no prefix.
const BARE: &[&str] = &["gather_subset", "module_setup"];

impl Module for Setup {
    type Params = SetupParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "setup",
        collection: "ansible.builtin",
        aliases: &["gather_facts"],
        free_form: FreeForm::Pairs,
        source: include_str!("setup.rs"),
        returns: &[("ansible_facts", "the facts")],
    };

    fn plan(params: &SetupParams, view: &View<'_>) -> Result<Step, Halt> {
        let SetupParams { gather_subset, filter, gather_timeout, fact_path, parallel: _ } = params;
        let query = Query::Facts {
            subset: gather_subset.clone(),
            fact_path: fact_path.0.clone(),
            timeout: *gather_timeout,
        };
        let answer = view.ask(&query)?;
        let Observation::Facts(found) = &*answer else {
            return fail("the target gave no facts");
        };
        let facts: Map = found
            .iter()
            .map(|(key, value)| (prefixed(key), value.clone()))
            .filter(|(key, _)| wanted(filter, key.as_str().unwrap_or_default()))
            .collect();
        let mut plan = Plan::nothing(names::count(facts.len(), "fact"));
        let mut facts = facts;
        if let Some(python) = discovered(found, view)? {
            facts.insert("discovered_interpreter_python".into(), python);
        }
        plan.result.insert("ansible_facts".into(), Value::from(facts.clone()));
        plan.facts = facts;
        Ok(Step::Plan(plan))
    }
}

/// The host's Python where nobody has named one: Ansible finds it when it runs its first module.
fn discovered(found: &Map, view: &View<'_>) -> Result<Option<Value>, Halt> {
    let named = view.controller().variable("ansible_python_interpreter")?.map(|value| value.to_text());
    if named.is_some_and(|name| !name.trim().is_empty() && !name.trim().starts_with("auto")) {
        return Ok(None);
    }
    let python = found.get("python").and_then(Value::as_map);
    Ok(python.and_then(|python| python.get("executable")).cloned())
}

fn prefixed(key: &Key) -> Key {
    match key.as_str() {
        Some(name) if BARE.contains(&name) || name.starts_with("ansible_") => key.clone(),
        Some(name) => Key::str(format!("ansible_{name}")),
        None => key.clone(),
    }
}

fn wanted(filter: &[String], name: &str) -> bool {
    let prefixes = ["ansible_", "facter", "ohai"];
    let mut patterns = filter.iter().filter(|pattern| !pattern.is_empty()).peekable();
    patterns.peek().is_none()
        || patterns.any(|pattern| {
            patterns::matches(pattern, name)
                || (!prefixes.iter().any(|prefix| pattern.starts_with(prefix))
                    && patterns::matches(&format!("ansible_{pattern}"), name))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_filtered_with_or_without_their_prefix() {
        let wanted = |filter: &str| wanted(&[filter.to_owned()], "ansible_distribution_version");
        assert!(wanted("") && wanted("*version") && wanted("distribution*") && wanted("ansible_d*"));
        assert!(!wanted("distribution") && !wanted("ansible_x*"));
    }
}
