//! What one run of a module gave, before it is an outcome.

use std::sync::Arc;

use super::event::{FailureText, Status};
use super::include::Bundle;
use super::task::Effect;
use crate::base::{Diagnostic, Key, Map, Unknown, Value};
use crate::lang::{Keyword, Task};
use crate::modules::contract::Failed;
use crate::plan::bind::Stop;
use crate::template::Deprecation;

/// One run of the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Single {
    pub(super) result: Map,
    pub(super) changed: bool,
    pub(super) failed: bool,
    pub(super) skipped: Option<String>,
    pub(super) unknown: Option<Arc<Unknown>>,
    pub(super) summary: String,
    pub(super) diffs: Vec<crate::modules::Diff>,
    pub(super) warnings: Vec<String>,
    pub(super) failure: Option<FailureText>,
    pub(super) facts: Map,
    /// The names that are remembered on the target for this task's handlers.
    pub(super) remembered: Vec<String>,
    pub(super) tainted: bool,
    /// Whether its result is hidden as with `no_log`, whatever the task says.
    pub(super) censored: bool,
    /// Whether it failed, and `failed_when` says that it has not.
    pub(super) suppressed: bool,
    /// Whether `until` never held, and `failed_when` says that it has not failed: it is registered as failed, but its
    /// task has not.
    pub(super) spared: bool,
    /// Whether it is the sum of a loop.
    pub(super) looped: bool,
    /// Whether the module was a file, run by an interpreter on the host.
    pub(super) foreign: bool,
    /// Whether its facts go into the fact cache (`set_fact` with `cacheable`).
    pub(super) cacheable: bool,
    /// What it means for variables besides its facts.
    pub(super) effects: Vec<Effect>,
    /// What an include brings.
    pub(super) included: Option<Arc<Bundle>>,
    /// Whether what is to be included cannot be loaded.
    pub(super) broken: bool,
    /// Whether it failed before the module ran: `changed_when` and `failed_when` do not judge it, `until` does not try
    /// again.
    pub(super) stopped: bool,
}

impl Single {
    pub(super) fn failed(failure: FailureText) -> Self {
        Self { failed: true, failure: Some(failure), ..Self::default() }
    }

    pub(super) fn unknown(unknown: Arc<Unknown>) -> Self {
        Self { unknown: Some(unknown), ..Self::default() }
    }

    pub(super) fn skipped(reason: impl Into<String>) -> Self {
        Self { skipped: Some(reason.into()), ..Self::default() }
    }

    /// Skipped because of a condition.
    pub(super) fn condition(condition: &Value) -> Self {
        let text = condition.to_text();
        let literal = match condition {
            Value::Template(_) => Value::from(text.as_str()),
            other => other.clone(),
        };
        let result = crate::map! {
            "skip_reason" => "Conditional result was False",
            "false_condition" => literal,
        };
        Self { result, ..Self::skipped(format!("the condition `{text}` is false")) }
    }

    pub(super) fn stopped(stop: Stop) -> Self {
        match stop {
            Stop::Unknown(unknown) => Self::unknown(unknown),
            Stop::Deferred => Self::failed(FailureText {
                message: "something was put off that should be done now".to_owned(),
                ..FailureText::default()
            }),
            Stop::Failed(diagnostic) => {
                let result = crate::map! {"msg" => told(&diagnostic)};
                let failure = FailureText {
                    message: diagnostic.message.clone(),
                    hint: diagnostic.hint.clone(),
                    diagnostic: Some(*diagnostic),
                };
                Self { result, stopped: true, ..Self::failed(failure) }
            }
        }
    }

    pub(super) fn halted(failed: Failed) -> Self {
        let Failed { message, hint, diagnostic, mut result, raised: stopped, warnings } = failed;
        if let Some(diagnostic) = &diagnostic {
            result.entry(Key::str("msg")).or_insert_with(|| Value::from(told(diagnostic)));
        }
        // a command that ended badly has changed something nevertheless
        let changed = result.get("changed").is_some_and(|changed| changed == &Value::Bool(true));
        Self { result, changed, warnings, stopped, ..Self::failed(FailureText { message, hint, diagnostic }) }
    }

    /// What `register` sees.
    pub(super) fn value(&self) -> Value {
        if let Some(unknown) = &self.unknown {
            return Value::Unknown(Arc::clone(unknown));
        }
        let mut map = self.result.clone();
        map.insert(Key::str("changed"), Value::Bool(self.changed));
        // as Ansible: the sum of a loop has the key only where an item failed; and what has not run has not failed
        let failed = self.failed || self.spared;
        let conditional = map.contains_key(&Key::str("false_condition"));
        if failed || !(self.looped || conditional || self.included.is_some()) {
            map.insert(Key::str("failed"), Value::Bool(failed));
        }
        if self.skipped.is_some() || self.looped {
            map.insert(Key::str("skipped"), Value::Bool(self.skipped.is_some()));
        }
        if let Some(failure) = &self.failure {
            map.entry(Key::str("msg")).or_insert_with(|| Value::from(failure.message.as_str()));
        }
        if !self.facts.is_empty() {
            let mut facts = match map.get("ansible_facts") {
                Some(Value::Map(told)) => (**told).clone(),
                _ => Map::new(),
            };
            facts.extend(self.facts.iter().map(|(key, value)| (key.clone(), value.clone())));
            map.insert(Key::str("ansible_facts"), Value::map(facts));
        }
        Value::map(map)
    }

    /// What `register` sees, as Ansible 2.19 has it: a failure has an `exception`, which Python would have traced.
    pub(super) fn registered(&self) -> Value {
        let mut value = self.value();
        if let (Value::Map(entries), false) = (&value, self.warnings.is_empty() || self.looped) {
            let mut entries = (**entries).clone();
            let warnings = self.warnings.iter().map(|warning| Value::from(warning.as_str()));
            entries.entry(Key::str("warnings")).or_insert_with(|| Value::list(warnings));
            value = Value::map(entries);
        }
        let Value::Map(entries) = &value else { return value };
        let key = match (self.failed || self.spared, self.suppressed) {
            (true, _) if !self.looped => "exception",
            (false, true) => "failed_when_suppressed_exception",
            _ => return value,
        };
        let mut entries = (**entries).clone();
        entries.entry(Key::str(key)).or_insert_with(|| Value::from("(traceback unavailable)"));
        Value::map(entries)
    }

    pub(super) fn status(&self, ignored: bool) -> Status {
        match self {
            Self { failed: true, .. } => Status::Failed { ignored: ignored && !self.broken },
            Self { unknown: Some(unknown), .. } => Status::MayChange(Arc::clone(unknown)),
            Self { skipped: Some(reason), .. } => Status::Skipped { reason: reason.clone() },
            Self { changed: true, .. } => Status::Changed,
            _ => Status::Ok,
        }
    }
}

/// What `register` sees of an error in the project's files.
fn told(diagnostic: &Diagnostic) -> String {
    let told = diagnostic.told.clone();
    told.unwrap_or_else(|| format!("Task failed: {}", diagnostic.in_ansibles_words()))
}

/// A task's settings, rendered.
pub(super) struct Settings {
    pub(super) check_mode: bool,
    pub(super) diff: bool,
    pub(super) ignore_errors: bool,
    pub(super) censored: bool,
    pub(super) notify: Vec<String>,
}

impl Settings {
    /// Where they could not be rendered: nothing is shown that perhaps must not be.
    pub(super) fn unread(task: &Task) -> Self {
        let censored = task.keyword(Keyword::NoLog).is_some();
        Self { check_mode: true, diff: false, ignore_errors: false, censored, notify: Vec::new() }
    }
}

/// A result without what only `register` sees.
pub(super) fn shown(value: Value) -> Value {
    match &value {
        Value::Map(entries) if entries.contains_key("exception") => {
            let mut entries = (**entries).clone();
            entries.shift_remove("exception");
            Value::map(entries)
        }
        _ => value,
    }
}

/// A deprecation as `register` sees it.
pub(super) fn registered_deprecation(deprecation: &Deprecation) -> Value {
    let Deprecation { message, version, place: _ } = deprecation;
    Value::map(crate::map! {
        "msg" => message.as_ref(),
        "version" => *version,
        "collection_name" => "ansible.builtin",
        "deprecator" => crate::map! {"resolved_name" => "ansible.builtin", "type" => Value::Null},
    })
}
