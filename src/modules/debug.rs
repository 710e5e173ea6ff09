//! Shows a message or the value of an expression.
//!
//! ```yaml
//! - name: What is the address
//!   ansible.builtin.debug:
//!     msg: "{{ inventory_hostname }} is at {{ ansible_host | default('?') }}"
//! ```

use super::contract::{FreeForm, Halt, Module, ModuleDoc, Plan, Step};
use super::params::{Raw, Rule};
use super::view::View;
use crate::base::{Value, names};
use crate::params;

/// As `ansible.builtin.debug`.
pub struct Debug;

params! {
    /// Parameters of `debug`.
    pub struct DebugParams {
        /// What is shown. By default `Hello world!`.
        msg: Option<Raw>;
        /// An expression, without braces, whose value is shown.
        var: Option<String>;
        /// From which verbosity on (the number of `-v`) it is shown.
        verbosity: u32 = 0u32;
    }
    rules [Rule::MutuallyExclusive(&["msg", "var"])]
}

impl Module for Debug {
    type Params = DebugParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "debug",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("debug.rs"),
        returns: &[("msg", "the message; with `var` the value stands under the expression's text")],
    };

    fn plan(params: &DebugParams, view: &View<'_>) -> Result<Step, Halt> {
        let DebugParams { msg, var, verbosity } = params;
        if *verbosity > u32::from(view.context().verbosity) {
            let mut plan = Plan::nothing("verbosity threshold not met");
            plan.skipped = true;
            return Ok(Step::Plan(plan.with("skipped_reason", "Verbosity threshold not met.")));
        }
        let Some(expression) = var.as_ref().filter(|text| !text.is_empty()) else {
            let message =
                msg.as_ref().map_or_else(|| Value::from("Hello world!"), |Raw(value)| value.clone());
            return Ok(Step::Plan(Plan::nothing(message.to_text()).with("msg", message)));
        };
        let (value, warning) = match view.controller().evaluate(expression) {
            Ok((Value::Omit, _)) => {
                let warning = "The result of the `var` expression could not be omitted; a placeholder was used instead.";
                (Value::from("<<Omit>>"), Some(warning.to_owned()))
            }
            // as the original: what is not defined is shown as that
            Ok((value, missing)) => (value, told(&missing)),
            Err(Halt::Unknown(unknown)) => (Value::Unknown(unknown), None),
            Err(halt) => return Err(halt),
        };
        let mut plan = Plan::nothing(format!("{expression}: {}", value.to_text()));
        plan.warnings.extend(warning);
        Ok(Step::Plan(plan.with(expression.as_str(), value)))
    }
}

/// The warning of what is not defined.
fn told(missing: &[String]) -> Option<String> {
    let count = names::count(missing.len(), "template error");
    let errors =
        missing.iter().enumerate().map(|(index, message)| format!("\nerror {} - {message}", index + 1));
    (!missing.is_empty()).then(|| format!("Encountered {count}.{}", errors.collect::<String>()))
}
