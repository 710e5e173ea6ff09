//! Specs and arguments with what ansible-core 2.19 says of them: `cases.jsonl`, one case a line. The names of Ansible's
//! own wrapper types in messages were replaced with Python's, and the list of valid booleans, whose order is random
//! there, left out.

use super::checks::errors;
use crate::base::Value;

#[test]
fn what_ansible_says() {
    let mut wrong = String::new();
    let mut count = 0;
    for line in include_str!("cases.jsonl").lines() {
        let case = Value::from_json(&serde_json::from_str(line).unwrap());
        let part = |name: &str| case.get(name).and_then(Value::as_map).unwrap().clone();
        let expected: Vec<String> =
            case.get("errors").and_then(Value::as_list).unwrap().iter().map(Value::to_text).collect();
        let found = errors(&part("spec"), part("args")).unwrap();
        let found: Vec<String> = found
            .into_iter()
            .map(|message| match message.split_once("Valid booleans include: ") {
                Some((before, _)) => format!("{before}Valid booleans include: …"),
                None => message,
            })
            .collect();
        if found != expected {
            wrong.push_str(&format!("{line}\n  found {found:?}\n"));
        }
        count += 1;
    }
    assert!(count > 120, "{count} cases");
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_spec_that_is_none() {
    let spec = Value::from_json(&serde_json::json!({"a": "int"}));
    assert!(errors(spec.as_map().unwrap(), crate::base::Map::new()).is_err());
}

#[test]
fn what_must_not_be_shown() {
    let spec = serde_json::json!({
        "a": {"no_log": true, "choices": ["x"]},
        "b": {"no_log": true, "type": "int"},
    });
    let args = serde_json::json!({"a": "hunter2", "b": "hunter3"});
    let (spec, args) = (Value::from_json(&spec), Value::from_json(&args));
    let found = errors(spec.as_map().unwrap(), args.as_map().unwrap().clone()).unwrap();
    assert_eq!(found.len(), 2);
    assert!(
        found.iter().all(|message| message.contains("********") && !message.contains("hunter")),
        "{found:?}"
    );
}
