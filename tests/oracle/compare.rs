//! Where two answers differ.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::answer::{Answer, Task};

/// One difference.
#[derive(Debug)]
pub struct Difference {
    /// In which run; empty for the end state.
    pub run: String,
    /// Of which task; `state` for the end state, `run` for the run itself.
    pub task: String,
    /// What differs: `status`, `result.stdout`, `result.results[0].rc`, `file /etc/motd` …
    pub key: String,
    /// With Ansible; nothing where it has no such thing.
    pub ansible: Option<String>,
    /// With fleet.
    pub fleet: Option<String>,
}

/// All differences between Ansible's answer and fleet's.
pub fn compare(ansible: &Answer, fleet: &Answer) -> Vec<Difference> {
    let mut found = Vec::new();
    for (expected, actual) in ansible.runs.iter().zip(&fleet.runs) {
        let mut add = |task: &str, key: String, ansible: Option<String>, fleet: Option<String>| {
            found.push(Difference { run: expected.name.clone(), task: task.to_owned(), key, ansible, fleet });
        };
        if expected.code != actual.code {
            add("run", "code".to_owned(), Some(expected.code.to_string()), Some(actual.code.to_string()));
        }
        let order = |tasks: &[Task]| {
            tasks.iter().map(|task| format!("{}: {}", task.host, task.name)).collect::<Vec<_>>().join(", ")
        };
        let (one, two) = (order(&expected.tasks), order(&actual.tasks));
        if one != two {
            add("run", "tasks".to_owned(), Some(one), Some(two));
            continue;
        }
        let in_check_mode = expected.name == "check";
        for (expected, actual) in expected.tasks.iter().zip(&actual.tasks) {
            // fleet says of a command in check mode that it may change something, Ansible skips it
            let unknown = in_check_mode && actual.status == "may_change" && expected.status == "skipped";
            if expected.status != actual.status && !unknown {
                add(
                    &expected.name,
                    "status".to_owned(),
                    Some(expected.status.clone()),
                    Some(actual.status.clone()),
                );
            }
            if in_check_mode {
                continue;
            }
            values("result", Some(&expected.result), Some(&actual.result), &mut |key, ansible, fleet| {
                add(&expected.name, key, ansible.map(Json::to_string), fleet.map(Json::to_string));
            });
        }
    }
    let keys: BTreeSet<&String> = ansible.state.keys().chain(fleet.state.keys()).collect();
    for key in keys {
        let (one, two) = (ansible.state.get(key), fleet.state.get(key));
        if one != two {
            found.push(Difference {
                run: String::new(),
                task: "state".to_owned(),
                key: key.clone(),
                ansible: one.cloned(),
                fleet: two.cloned(),
            });
        }
    }
    fold(found)
}

/// Takes a key with what stands there on either side.
type Add<'a> = dyn FnMut(String, Option<&Json>, Option<&Json>) + 'a;

fn values(key: &str, ansible: Option<&Json>, fleet: Option<&Json>, add: &mut Add<'_>) {
    match (ansible, fleet) {
        (Some(Json::Object(one)), Some(Json::Object(two))) => {
            let names: BTreeSet<&String> = one.keys().chain(two.keys()).collect();
            for name in names {
                values(&format!("{key}.{name}"), one.get(name), two.get(name), add);
            }
        }
        (Some(Json::Array(one)), Some(Json::Array(two))) if one.len() == two.len() => {
            for (index, (one, two)) in one.iter().zip(two).enumerate() {
                values(&format!("{key}[{index}]"), Some(one), Some(two), add);
            }
        }
        (one, two) if one == two => {}
        (one, two) => add(key.to_owned(), one, two),
    }
}

/// Puts a difference that is the same in several runs into one.
fn fold(found: Vec<Difference>) -> Vec<Difference> {
    let mut folded: Vec<Difference> = Vec::new();
    for difference in found {
        let same = |known: &&mut Difference| {
            let one = (&known.task, &known.key, &known.ansible, &known.fleet);
            one == (&difference.task, &difference.key, &difference.ansible, &difference.fleet)
        };
        match folded.iter_mut().find(same) {
            Some(known) => known.run += &format!(" and {}", difference.run),
            None => folded.push(difference),
        }
    }
    folded
}
