//! Fails unless all of some conditions hold.
//!
//! ```yaml
//! - name: The host is one of ours
//!   ansible.builtin.assert:
//!     that:
//!       - inventory_hostname is match('web')
//!     fail_msg: this play is for web servers
//! ```

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::params::Raw;
use super::view::View;
use crate::base::{Value, names};
use crate::params;

/// As `ansible.builtin.assert`.
pub struct Assert;

params! {
    /// Parameters of `assert`.
    pub struct AssertParams {
        /// Conditions as in `when`: a text or a list of them. All must hold.
        that: Raw;
        /// The message (a text or a list of texts) where one does not hold.
        fail_msg: Raw = Raw(Value::from("Assertion failed")), aliases ["msg"];
        /// The message (a text or a list of texts) where all hold.
        success_msg: Raw = Raw(Value::from("All assertions passed"));
        /// Whether little is shown where all hold.
        quiet: bool = false;
    }
}

impl Module for Assert {
    type Params = AssertParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "assert",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("assert.rs"),
        returns: &[
            ("msg", "one of the two messages"),
            ("assertion", "the condition that does not hold"),
            ("evaluated_to", "what it gave"),
        ],
    };

    fn plan(params: &AssertParams, view: &View<'_>) -> Result<Step, Halt> {
        let AssertParams { that: Raw(that), fail_msg, success_msg, quiet: _ } = params;
        for (name, Raw(message)) in [("fail_msg", fail_msg), ("success_msg", success_msg)] {
            if matches!(message, Value::Map(_)) {
                return fail(format!("argument '{name}' must be a string or list of strings"));
            }
        }
        let conditions = that.as_list().unwrap_or(std::slice::from_ref(that));
        for condition in conditions {
            if !view.controller().condition(condition)? {
                let Raw(message) = fail_msg;
                let result = crate::map! {
                    "assertion" => written(condition), "evaluated_to" => false, "msg" => message.clone(),
                };
                return Err(Failed { message: text(message), result, ..Failed::default() }.into());
            }
        }
        let Raw(message) = success_msg;
        let count = conditions.len();
        let summary =
            format!("{} hold{}", names::count(count, "condition"), if count == 1 { "s" } else { "" });
        Ok(Step::Plan(Plan::nothing(summary).with("msg", message.clone())))
    }
}

/// A condition as it is written.
fn written(condition: &Value) -> Value {
    match condition {
        Value::Template(_) => Value::from(condition.to_text()),
        other => other.clone(),
    }
}

fn text(message: &Value) -> String {
    match message.as_list() {
        Some(lines) => lines.iter().map(Value::to_text).collect::<Vec<_>>().join("\n"),
        None => message.to_text(),
    }
}
