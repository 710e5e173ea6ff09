//! What of a result is shown, and how: as JSON or YAML.

use super::Settings;
use super::json;
use crate::base::{Key, Map, Value};
use crate::config::ResultFormat;
use crate::engine::event::{Outcome, Status, TaskLabel};
use crate::yaml::{EmitOptions, to_yaml};

const CENSORED: &str =
    "the output has been hidden due to the fact that 'no_log: true' was specified for this result";

/// A result as it is shown.
pub(super) struct Shown {
    pub(super) entries: Map,
    /// Whether it is always shown, over several lines (`debug`, `assert`).
    pub(super) always: bool,
    /// Whether `-v` leaves it out (`setup`).
    pub(super) never: bool,
}

/// The last part of a module's name.
pub(super) fn short(module: &str) -> &str {
    module
        .strip_prefix("ansible.builtin.")
        .or_else(|| module.strip_prefix("ansible.legacy."))
        .unwrap_or(module)
}

/// What callbacks get to see of a result: no status, nothing internal, and under `no_log` nothing.
pub(super) fn shown(task: &TaskLabel, outcome: &Outcome) -> Shown {
    let mut shown = whole(task, outcome);
    if short(&task.module) == "debug" && !outcome.censored {
        debug(&mut shown.entries);
    }
    shown
}

/// What is shown of a try after which there is another one: a `debug` does not lose its counts then.
pub(super) fn whole(task: &TaskLabel, outcome: &Outcome) -> Shown {
    let module = short(&task.module);
    let mut entries = Map::new();
    let result = outcome.result.as_map();
    if outcome.censored {
        for key in ["attempts", "changed", "retries"] {
            // as Ansible: `debug` never says whether it has changed something
            if module == "debug" && key == "changed" {
                continue;
            }
            if let Some(value) = outcome.result.get(key) {
                entries.insert(Key::str(key), value.clone());
            }
        }
        entries.insert(Key::str("censored"), Value::from(CENSORED));
        return Shown { entries, always: false, never: false };
    }
    for (key, value) in result.into_iter().flatten() {
        let hidden = matches!(
            key.as_str(),
            Some(
                "failed" | "skipped" | "warnings" | "deprecations" | "exception" | "_ansible_verbose_always"
            )
        );
        if !hidden && key.as_str().is_none_or(|key| !key.starts_with("_ansible_")) {
            entries.insert(key.clone(), stripped(value));
        }
    }
    if matches!(outcome.status, Status::Skipped { .. }) {
        entries.shift_remove("results");
    }
    let always = match outcome.status {
        Status::Ok | Status::Changed => task.loud,
        // a message that could not be made is an error like any other
        Status::Failed { .. } => {
            let ran = ["evaluated_to", "failed_when_result", "changed_when_result", "attempts"];
            task.loud && ran.iter().any(|key| outcome.result.get(key).is_some())
        }
        _ => false,
    };
    Shown { entries, always, never: matches!(module, "setup" | "gather_facts") }
}

/// `debug` shows its message or its variable, and nothing else.
fn debug(entries: &mut Map) {
    if entries.contains_key(&Key::str("msg")) {
        entries.retain(|key, _| matches!(key.as_str(), Some("msg")));
        return;
    }
    let hidden = [
        "changed",
        "failed",
        "skipped",
        "invocation",
        "skip_reason",
        "ansible_loop_var",
        "ansible_index_var",
        "ansible_loop",
    ];
    entries.retain(|key, _| key.as_str().is_none_or(|key| !hidden.contains(&key)));
}

/// Without internal keys, at every depth.
fn stripped(value: &Value) -> Value {
    match value {
        Value::Map(entries) => Value::map(
            entries
                .iter()
                .filter(|(key, _)| key.as_str().is_none_or(|key| !key.starts_with("_ansible_")))
                .map(|(key, value)| (key.clone(), stripped(value)))
                .collect(),
        ),
        Value::List(items) => Value::list(items.iter().map(stripped)),
        other => other.clone(),
    }
}

/// A result as text, after `=> `.
pub(super) fn dump(shown: &Shown, settings: &Settings, indent: Option<usize>) -> String {
    let yaml = settings.format == ResultFormat::Yaml;
    let spread = shown.always
        || settings.pretty == Some(true)
        || (settings.pretty.is_none() && yaml)
        || settings.verbosity > 2;
    let mut indent = indent.or(spread.then_some(4));
    if settings.pretty == Some(false) {
        indent = None;
    }
    let mut entries = shown.entries.clone();
    if settings.verbosity < 3 {
        entries.shift_remove(&Key::str("invocation"));
        entries.shift_remove(&Key::str("diff"));
    }
    if !yaml {
        return json::dump(&Value::map(entries), indent);
    }
    let lossy = settings.pretty != Some(false);
    if lossy {
        for name in ["stdout", "stderr"] {
            let lines = Key::from(format!("{name}_lines").as_str());
            if entries.contains_key(&Key::str(name)) && entries.contains_key(&lines) {
                entries.insert(lines, Value::from("<omitted>"));
            }
        }
    }
    let options = EmitOptions {
        indent: indent.and_then(|indent| i32::try_from(indent).ok()),
        default_flow_style: Some(false),
        literal_lines: true,
        ..EmitOptions::default()
    };
    let value = Value::map(entries);
    let text = to_yaml(&if lossy { readable(&value) } else { value }, &options);
    let margin = " ".repeat(indent.unwrap_or(4));
    let mut out = String::from("\n");
    for line in text.split_inclusive('\n') {
        if !line.trim().is_empty() {
            out.push_str(&margin);
        }
        out.push_str(line);
    }
    out
}

/// Texts of several lines so that YAML can show them as blocks: no space before a line's end, no tabs, nothing
/// that would have to be escaped.
fn readable(value: &Value) -> Value {
    match value {
        Value::Map(entries) => {
            Value::map(entries.iter().map(|(key, value)| (key.clone(), readable(value))).collect())
        }
        Value::List(items) => Value::list(items.iter().map(readable)),
        Value::Str(text) if text.contains(['\n', '\u{85}', '\u{2028}', '\u{2029}']) => {
            let lines: Vec<String> = text
                .trim_end()
                .split('\n')
                .map(|line| {
                    let line = expand_tabs(line);
                    let kept: String = line.chars().filter(|c| is_printable(*c)).collect();
                    kept.trim_end_matches(' ').to_owned()
                })
                .collect();
            Value::from(lines.join("\n").as_str())
        }
        other => other.clone(),
    }
}

fn expand_tabs(line: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    for c in line.chars() {
        if c == '\t' {
            let spaces = 8 - column % 8;
            out.push_str(&" ".repeat(spaces));
            column += spaces;
        } else {
            out.push(c);
            column += 1;
        }
    }
    out
}

fn is_printable(c: char) -> bool {
    matches!(c as u32, 10 | 32..=126 | 133 | 160..=55295 | 57344..=65533 | 65536..=0x0010_FFFF)
        && c != '\u{feff}'
}
