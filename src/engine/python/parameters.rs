//! The forms in which modules that are files take their parameters.

use serde_json::{Map as JsonMap, Value as Json};

use crate::base::{Value, shlex};
use crate::lang::JSON_PLACE;
use crate::modules::Given;

/// A parameter as JSON, secrets as they are: it goes nowhere but to the host.
pub(super) fn json(value: &Value) -> Json {
    match value {
        Value::Secret(secret) => Json::from(secret.reveal()),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(entries) => entries
            .iter()
            .map(|(key, value)| (key.to_string(), json(value)))
            .collect::<JsonMap<_, _>>()
            .into(),
        other => other.to_json(),
    }
}

/// `name=value` words, as a file that a shell can read.
pub(super) fn words(given: &Given, internal: &JsonMap<String, Json>) -> String {
    let mut text = String::new();
    let mut word = |name: &str, value: &str| text.push_str(&format!("{name}={} ", shlex::quote(value)));
    for (name, value) in given {
        match value {
            Value::Secret(secret) => word(name, secret.reveal()),
            value => word(name, &value.to_text()),
        }
    }
    for (name, value) in internal {
        word(name, &Value::from_json(value).to_text());
    }
    text
}

/// A module with the parameters in its text.
pub(super) fn inside(text: &[u8], all: &Json, internal: &JsonMap<String, Json>) -> Vec<u8> {
    let json = all.to_string();
    let told = |name: &str| internal.get(&format!("_ansible_{name}"));
    let version = told("version").and_then(Json::as_str).unwrap_or_default();
    let filesystems = told("selinux_special_fs").and_then(Json::as_array).into_iter().flatten();
    let filesystems: Vec<&str> = filesystems.filter_map(Json::as_str).collect();
    let facility = told("syslog_facility").and_then(Json::as_str).unwrap_or_default();
    let literal = format!("b{}", python_literal(&json));
    let mut text = text.to_vec();
    for (place, with) in [
        (&b"\"<<ANSIBLE_VERSION>>\""[..], format!("'{version}'")),
        (b"\"<<INCLUDE_ANSIBLE_MODULE_COMPLEX_ARGS>>\"", literal),
        (b"<<SELINUX_SPECIAL_FILESYSTEMS>>", filesystems.join(",")),
        (JSON_PLACE, json),
        (b"syslog.LOG_USER", format!("syslog.{facility}")),
    ] {
        text = replaced(&text, place, with.as_bytes());
    }
    text
}

/// A text as a literal of Python that may stand in quotes; all of it is ASCII.
fn python_literal(text: &str) -> String {
    let mut out = String::from("'");
    for byte in text.bytes() {
        match byte {
            b'\'' | b'\\' => out.extend(['\\', byte as char]),
            0x20..=0x7e => out.push(byte as char),
            other => out.push_str(&format!("\\x{other:02x}")),
        }
    }
    out.push('\'');
    out
}

fn replaced(text: &[u8], part: &[u8], with: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(part) {
            out.extend_from_slice(with);
            rest = after;
        } else if let Some((first, after)) = rest.split_first() {
            out.push(*first);
            rest = after;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Secret;

    #[test]
    fn words_are_quoted_for_a_shell() {
        let given: Given = [
            ("name".into(), Value::from("it's")),
            ("flag".into(), Value::Bool(true)),
            ("key".into(), Value::Secret(Secret::new("s e"))),
        ]
        .into_iter()
        .collect();
        let internal = serde_json::json!({"_ansible_check_mode": false, "_ansible_socket": null});
        let text = words(&given, internal.as_object().unwrap());
        assert_eq!(
            text,
            "name='it'\"'\"'s' flag=True key='s e' _ansible_check_mode=False _ansible_socket=None "
        );
    }

    #[test]
    fn parameters_go_into_the_text() {
        let internal = serde_json::json!({
            "_ansible_version": "1.2", "_ansible_syslog_facility": "LOG_LOCAL0", "_ansible_selinux_special_fs": ["nfs"],
        });
        let text = b"a = '''<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>'''; b = \"<<INCLUDE_ANSIBLE_MODULE_COMPLEX_ARGS>>\"; \
            \"<<ANSIBLE_VERSION>>\" <<SELINUX_SPECIAL_FILESYSTEMS>> syslog.LOG_USER";
        let made = inside(text, &serde_json::json!({"k": "it's"}), internal.as_object().unwrap());
        assert_eq!(
            String::from_utf8(made).unwrap(),
            "a = '''{\"k\":\"it's\"}'''; b = b'{\"k\":\"it\\'s\"}'; '1.2' nfs syslog.LOG_LOCAL0"
        );
    }
}
