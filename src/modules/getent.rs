//! Reads a database of the host's name service (`passwd`, `group`, `hosts` …) into facts.
//!
//! ```yaml
//! - name: All users
//!   ansible.builtin.getent:
//!     database: passwd
//! - name: Their number
//!   ansible.builtin.debug:
//!     msg: "{{ ansible_facts.getent_passwd | length }}"
//! ```

use super::contract::{FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::run;
use super::view::View;
use crate::base::{Key, Map, Value};
use crate::params;

/// As `ansible.builtin.getent`.
pub struct Getent;

params! {
    /// Parameters of `getent`.
    pub struct GetentParams {
        /// The database.
        database: String;
        /// The one key that is looked up. Left out, all entries are read.
        key: Option<String>;
        /// The source of the name service that is asked.
        service: Option<String>;
        /// What separates the fields; a colon for `passwd`, `shadow`, `group` and `gshadow`, else white space.
        split: Option<String>;
        /// Whether a key that is not there is a failure. Otherwise its value is null.
        fail_key: bool = true;
    }
}

impl Module for Getent {
    type Params = GetentParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "getent",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("getent.rs"),
        returns: &[("ansible_facts", "`getent_DATABASE`: the other fields of each entry, by its first")],
    };

    fn plan(params: &GetentParams, view: &View<'_>) -> Result<Step, Halt> {
        let GetentParams { database, key, service, split, fail_key } = params;
        let mut words = vec!["getent".to_owned(), database.clone()];
        words.extend(key.clone());
        words.extend(service.iter().flat_map(|service| ["-s".to_owned(), service.clone()]));
        let Some(output) = run::read(view, words)? else {
            return fail("Failed to find required executable \"getent\"");
        };
        let fact = format!("getent_{database}");
        let message = match output.status {
            0 => {
                let split = split.clone().or_else(|| {
                    matches!(database.as_str(), "passwd" | "shadow" | "group" | "gshadow")
                        .then(|| ":".to_owned())
                });
                return Ok(answer(&fact, entries(&run::stdout(&output), split.as_deref())));
            }
            1 => "Missing arguments, or database unknown.",
            2 => {
                let message = "One or more supplied key could not be found in the database.";
                if let (false, Some(key)) = (fail_key, key) {
                    let entries = crate::map! {key.as_str() => Value::Null};
                    let Step::Plan(plan) = answer(&fact, entries) else { return fail(message) };
                    return Ok(Step::Plan(plan.with("msg", message)));
                }
                message
            }
            3 => "Enumeration not supported on this database.",
            _ => "Unexpected failure!",
        };
        fail(message)
    }
}

fn answer(fact: &str, entries: Map) -> Step {
    let mut plan = Plan::nothing(crate::base::names::count(entries.len(), "entry"));
    plan.facts = crate::map! {fact => Value::map(entries)};
    plan.result = crate::map! {"ansible_facts" => Value::map(plan.facts.clone())};
    Step::Plan(plan)
}

/// The fields of each line by the first; of several lines with the same first field a list.
fn entries(text: &str, split: Option<&str>) -> Map {
    let mut entries: indexmap::IndexMap<String, Vec<Value>> = indexmap::IndexMap::new();
    for line in text.lines() {
        let mut fields: Box<dyn Iterator<Item = &str>> = match split {
            Some(split) if !split.is_empty() => Box::new(line.split(split)),
            _ => Box::new(line.split_whitespace()),
        };
        let Some(first) = fields.next() else { continue };
        let rest = Value::list(fields.map(Value::from));
        entries.entry(first.to_owned()).or_default().push(rest);
    }
    entries
        .into_iter()
        .map(|(name, mut found)| {
            let value = if found.len() == 1 { found.remove(0) } else { Value::list(found) };
            (Key::from(name.as_str()), value)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_split_and_equal_keys_gathered() {
        let found = entries("a:x:1\nb::\n", Some(":"));
        assert_eq!(found.get("a").unwrap().to_text(), "['x', '1']");
        assert_eq!(found.get("b").unwrap().to_text(), "['', '']");
        let found = entries("::1   localhost ip6\n::1 other\n", None);
        assert_eq!(found.get("::1").unwrap().to_text(), "[['localhost', 'ip6'], ['other']]");
    }
}
