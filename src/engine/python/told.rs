//! What a module that is a file has told, as the end of a task. It comes from the host: nothing of it is trusted.

use std::sync::Arc;

use crate::base::{Key, Map, Value};
use crate::engine::event::FailureText;
use crate::engine::single::Single;
use crate::modules::{Diff, Plan, foreign};

/// Facts that would be variables which say how hosts are reached.
const RESTRICTED: &[&str] = &[
    "ansible_connection",
    "ansible_delegate_to",
    "ansible_executable",
    "ansible_host",
    "ansible_module_compression",
    "ansible_network_os",
    "ansible_password",
    "ansible_pipelining",
    "ansible_port",
    "ansible_private_key_file",
    "ansible_remote_tmp",
    "ansible_remote_user",
    "ansible_rsync_path",
    "ansible_shell_executable",
    "ansible_shell_type",
    "ansible_timeout",
    "ansible_user",
    "add_host",
    "add_group",
];

/// The variables of connection plugins.
const OF_CONNECTIONS: &[&str] = &[
    "ansible_ssh_",
    "ansible_paramiko_",
    "ansible_paramiko_ssh_",
    "ansible_winrm_",
    "ansible_psrp_",
    "ansible_local_",
    "ansible_become",
];

/// The end of a task whose module has told this.
pub(in crate::engine) fn single(mut result: Map, plan: &Plan) -> Single {
    let mut own = foreign::take_warnings(&mut result);
    let mut result = summarized(result);
    let flag = |result: &Map, name: &str| result.get(name).and_then(Value::to_bool);
    let bad_status = || {
        let status = result.get("rc").map(Value::to_text);
        status.and_then(|status| status.parse::<i64>().ok()).is_some_and(|status| status != 0)
    };
    let failed = flag(&result, "failed").unwrap_or_else(bad_status);
    let changed = flag(&result, "changed").unwrap_or(false);
    let skipped = flag(&result, "skipped").unwrap_or(false);
    let message = result.get("msg").map(Value::to_text).unwrap_or_default();
    let mut facts = Map::new();
    if let Some(Value::Map(told)) = result.get("ansible_facts") {
        for (name, value) in told.iter() {
            match name.as_str().filter(|name| is_restricted(name)) {
                Some(name) => own.push(format!("Removed restricted key from module data: {name}")),
                None => drop(facts.insert(name.clone(), value.clone())),
            }
        }
    }
    warn(&mut result, &own);
    let mut warnings = Vec::new();
    for (name, before) in [("warnings", ""), ("deprecations", "deprecated: ")] {
        let said = result.get(name).and_then(Value::as_list).unwrap_or_default();
        warnings.extend(said.iter().map(|value| {
            let text = value.as_map().and_then(|entries| entries.get("msg")).unwrap_or(value).to_text();
            format!("{before}{text}")
        }));
        if said.is_empty() {
            result.shift_remove(name);
        }
    }
    for name in ["failed", "skipped"] {
        result.shift_remove(name);
    }
    let diffs = result.get("diff").map(differences).unwrap_or_default();
    let mut single = Single {
        changed,
        summary: plan.summary.clone(),
        diffs,
        warnings,
        facts,
        skipped: (skipped && !failed).then(|| message.clone()),
        ..Single::default()
    };
    if failed {
        let stderr = result.get("module_stderr").map(Value::to_text).unwrap_or_default();
        let last = stderr.lines().rev().map(str::trim).find(|line| !line.is_empty());
        let hint = last.map(|line| format!("it said `{line}`"));
        single.failed = true;
        single.failure = Some(FailureText { message, hint, diagnostic: None });
    }
    result.shift_remove("changed");
    single.result = result;
    single
}

/// The key that tells which class of Ansible's a mapping stands for.
const CLASS: &str = "__ansible_type";

/// A result in which newer modules tell warnings and errors as objects of Ansible's classes, as playbooks see it.
fn summarized(result: Map) -> Map {
    let mut result: Map = result.into_iter().map(|(key, value)| (key, plain(value))).collect();
    let raised = result.get("exception").and_then(Value::as_map).cloned();
    if let Some(event) = raised.as_ref().and_then(|raised| raised.get("event")).and_then(Value::as_map) {
        let told = |name: &str| event.get(name).filter(|value| **value != Value::Null).cloned();
        result.shift_remove("exception");
        result.extend(told("formatted_traceback").map(|trace| (Key::str("exception"), trace)));
        if let Some(message) = told("msg") {
            result.entry(Key::str("msg")).or_insert(message);
        }
    }
    result
}

fn plain(value: Value) -> Value {
    match value {
        Value::List(items) => Value::list(items.iter().cloned().map(plain)),
        Value::Map(entries) => {
            let class = entries.get(CLASS).and_then(Value::as_str).map(str::to_owned);
            let mut entries: Map = entries
                .iter()
                .filter(|(key, _)| class.is_none() || key.as_str() != Some(CLASS))
                .map(|(key, value)| (key.clone(), plain(value.clone())))
                .collect();
            let message = |entries: &Map| {
                entries.get("event").and_then(Value::as_map).and_then(|event| event.get("msg")).cloned()
            };
            match class.as_deref() {
                Some("WarningSummary") => return message(&entries).unwrap_or(Value::map(entries)),
                Some("DeprecationSummary") => {
                    let message = message(&entries).unwrap_or_default();
                    let by = entries.get("deprecator").and_then(Value::as_map).cloned().unwrap_or_default();
                    let name = by.get("resolved_name").map(Value::to_text).unwrap_or_default();
                    let collection = name.split('.').take(2).collect::<Vec<_>>().join(".");
                    let collection = if name.is_empty() { Value::Null } else { Value::from(collection) };
                    let mut told = crate::map! {"msg" => message, "collection_name" => collection};
                    entries.shift_remove("event");
                    let deprecator = entries.shift_remove("deprecator");
                    told.extend(entries);
                    told.extend(deprecator.map(|by| (Key::str("deprecator"), by)));
                    return Value::map(told);
                }
                Some(_) if entries.len() == 1 => {
                    if let Some(value) = entries.get("value") {
                        return value.clone();
                    }
                }
                _ => {}
            }
            Value::map(entries)
        }
        other => other,
    }
}

/// Puts warnings about a result into it, before its own.
pub(super) fn warn(result: &mut Map, warnings: &[String]) {
    if warnings.is_empty() {
        return;
    }
    let own = result.get("warnings").and_then(Value::as_list).unwrap_or_default();
    let texts = warnings.iter().map(|text| Value::from(text.as_str()));
    let all = Value::list(texts.chain(own.iter().cloned()));
    result.insert(Key::str("warnings"), all);
}

fn is_restricted(name: &str) -> bool {
    let interpreter = name.starts_with("ansible_") && name.ends_with("_interpreter");
    let connection = OF_CONNECTIONS.iter().any(|start| name.starts_with(start))
        && !name.ends_with("_bridge")
        && !name.starts_with("ansible_ssh_host_key_");
    interpreter
        || connection
        || RESTRICTED.contains(&name)
        || name.starts_with("discovered_interpreter_")
        || name.starts_with("ansible_discovered_interpreter_")
}

/// A module's `diff`: one difference, or several.
fn differences(value: &Value) -> Vec<Diff> {
    let one = std::slice::from_ref(value);
    value.as_list().unwrap_or(one).iter().flat_map(difference).collect()
}

fn difference(value: &Value) -> Vec<Diff> {
    let Some(entries) = value.as_map() else { return Vec::new() };
    let text = |name: &str| {
        entries.get(name).filter(|value| **value != Value::Null).map(|value| match value {
            Value::Str(text) => text.to_string(),
            Value::Map(_) | Value::List(_) => {
                serde_json::to_string_pretty(&value.to_json()).unwrap_or_default() + "\n"
            }
            other => other.to_text(),
        })
    };
    let header = text("after_header").or_else(|| text("before_header")).unwrap_or_default();
    let mut found = Vec::new();
    if let Some(prepared) = text("prepared") {
        found.push(Diff::Text { subject: header.clone(), before: None, after: Some(Arc::from(prepared)) });
    }
    let (before, after) = (text("before"), text("after"));
    if (before.is_some() || after.is_some()) && before != after {
        found.push(Diff::Text {
            subject: header,
            before: Some(Arc::from(before.unwrap_or_default())),
            after: Some(Arc::from(after.unwrap_or_default())),
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map;

    #[test]
    fn objects_of_ansibles_classes_become_texts() {
        let warning = serde_json::json!({
            "warnings": [{"event": {"msg": "careful", "__ansible_type": "Event"}, "__ansible_type": "WarningSummary"}],
            "deprecations": [{
                "event": {"msg": "old", "__ansible_type": "Event"},
                "deprecator": {"resolved_name": "a.b.c", "type": null, "__ansible_type": "PluginInfo"},
                "version": "9", "__ansible_type": "DeprecationSummary",
            }],
        });
        let result = Value::from_json(&warning).as_map().cloned().unwrap();
        let told = single(result, &Plan::default());
        assert_eq!(told.warnings, ["careful", "deprecated: old"]);
        assert_eq!(
            Value::map(told.result).to_repr(),
            "{'warnings': ['careful'], 'deprecations': [{'msg': 'old', 'collection_name': 'a.b', 'version': '9', \
             'deprecator': {'resolved_name': 'a.b.c', 'type': None}}]}"
        );
    }

    #[test]
    fn a_status_fails_where_the_module_does_not_say_it() {
        assert!(single(map! {"rc" => 3}, &Plan::default()).failed);
        assert!(!single(map! {"rc" => 3, "failed" => false}, &Plan::default()).failed);
        let told = single(map! {"failed" => true, "msg" => "no"}, &Plan::default());
        assert_eq!(told.failure.map(|failure| failure.message).as_deref(), Some("no"));
    }

    #[test]
    fn facts_do_not_say_how_a_host_is_reached() {
        let facts = Value::map(map! {
            "ansible_host" => "evil", "ansible_python_interpreter" => "/tmp/x", "ansible_become_exe" => "/tmp/x",
            "ansible_ssh_host_key_rsa_public" => "AAAA", "color" => "red",
        });
        let told = single(map! {"ansible_facts" => facts}, &Plan::default());
        let names: Vec<String> = told.facts.keys().map(ToString::to_string).collect();
        assert_eq!(names, ["ansible_ssh_host_key_rsa_public", "color"]);
        assert_eq!(told.warnings.len(), 3);
    }

    #[test]
    fn differences_are_shown_as_texts() {
        let diff = Value::map(map! {"before" => "a\n", "after" => "b\n", "after_header" => "/x (content)"});
        let told = single(map! {"diff" => diff, "changed" => true}, &Plan::default());
        let [Diff::Text { subject, before, after }] = told.diffs.as_slice() else {
            panic!("{:?}", told.diffs)
        };
        assert_eq!(
            (subject.as_str(), before.as_deref(), after.as_deref()),
            ("/x (content)", Some("a\n"), Some("b\n"))
        );
        assert!(told.changed);
    }
}
