//! Checks variables and arguments against an argument spec, as it is done for roles that have one.
//!
//! ```yaml
//! - name: What this play needs is there
//!   ansible.builtin.validate_argument_spec:
//!     argument_spec:
//!       app_port:
//!         type: int
//!         required: true
//!       app_mode:
//!         choices: [plain, tls]
//!         default: plain
//!     provided_arguments:
//!       app_port: 8080
//! ```

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::params::Raw;
use super::view::View;
use crate::base::{Key, Map, Value, names};
use crate::params;

mod checks;
mod convert;
mod rules;
#[cfg(test)]
mod tests;

/// As `ansible.builtin.validate_argument_spec`.
pub struct ValidateArgumentSpec;

params! {
    /// Parameters of `validate_argument_spec`.
    pub struct ValidateArgumentSpecParams {
        /// A mapping of the arguments to their attributes (`type`, `required`, `choices` …).
        argument_spec: Raw;
        /// A mapping of values that win over variables of the same names. By default none.
        provided_arguments: Raw = Raw(Value::from(Map::new()));
        /// Anything that tells the reader what was checked; it is handed to the result.
        validate_args_context: Raw = Raw(Value::from(Map::new()));
    }
}

impl Module for ValidateArgumentSpec {
    type Params = ValidateArgumentSpecParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "validate_argument_spec",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("validate_argument_spec.rs"),
        returns: &[
            ("argument_errors", "what is wrong, in a list"),
            ("argument_spec_data", "the spec, where something is wrong"),
            ("validate_args_context", "the context that was given"),
        ],
    };

    fn plan(params: &ValidateArgumentSpecParams, view: &View<'_>) -> Result<Step, Halt> {
        let ValidateArgumentSpecParams {
            argument_spec: Raw(spec),
            provided_arguments: Raw(provided),
            validate_args_context: Raw(context),
        } = params;
        let spec_entries = mapping("argument_spec", spec)?;
        let mut values = Map::new();
        for name in spec_entries.keys() {
            let Some(text) = name.as_str() else { continue };
            if let Some(value) = view.controller().variable(text)?
                && value != Value::Omit
            {
                values.insert(name.clone(), value);
            }
        }
        let provided = mapping("provided_arguments", provided)?;
        values.extend(provided.iter().map(|(name, value): (&Key, &Value)| (name.clone(), value.clone())));
        let errors = checks::errors(spec_entries, values)?;
        let message = if errors.is_empty() {
            "The arg spec validation passed"
        } else {
            "Validation of arguments failed:"
        };
        if errors.is_empty() {
            let summary = format!("{} as specified", names::count(spec_entries.len(), "argument"));
            let plan = Plan::nothing(summary).with("msg", message);
            return Ok(Step::Plan(plan.with("validate_args_context", context.clone())));
        }
        let message = format!("{message}\n{}", errors.join("\n"));
        let result = crate::map! {
            "argument_errors" => Value::list(errors.into_iter().map(Value::from)),
            "argument_spec_data" => spec.clone(),
            "validate_args_context" => context.clone(),
        };
        Err(Failed { message, result, ..Failed::default() }.into())
    }
}

fn mapping<'v>(name: &str, value: &'v Value) -> Result<&'v Map, Halt> {
    match value.as_map() {
        Some(entries) => Ok(entries),
        None => {
            fail(format!("Incorrect type for {name}, expected dict and got {}", convert::python_type(value)))
        }
    }
}
