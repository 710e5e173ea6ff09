//! Pauses the run for a time, or until somebody answers.
//!
//! ```yaml
//! - name: Let the cluster settle
//!   ansible.builtin.pause:
//!     seconds: 10
//! ```

use super::contract::{Flow, FreeForm, Halt, Module, ModuleDoc, Pause, Step, fail};
use super::params::{Raw, Rule};
use super::view::View;
use crate::base::Value;
use crate::params;

/// As `ansible.builtin.pause`.
pub struct PauseRun;

params! {
    /// Parameters of `pause`.
    pub struct PauseParams {
        /// Minutes to pause for.
        minutes: Option<Raw>;
        /// Seconds to pause for.
        seconds: Option<Raw>;
        /// The text that is shown.
        prompt: Option<String>;
        /// Whether what is typed is shown.
        echo: bool = true;
    }
    rules [Rule::MutuallyExclusive(&["minutes", "seconds"])]
}

impl Module for PauseRun {
    type Params = PauseParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "pause",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("pause.rs"),
        returns: &[
            ("user_input", "what was typed"),
            ("start", "when the pause began"),
            ("stop", "when it ended"),
            ("delta", "how many seconds it took"),
            ("stdout", "how long it paused, in words"),
            ("echo", "whether what was typed was shown"),
        ],
    };

    fn plan(params: &PauseParams, _: &View<'_>) -> Result<Step, Halt> {
        let PauseParams { minutes, seconds, prompt, echo } = params.clone();
        let number = |value: &Value| match value {
            Value::Int(number) => i64::try_from(*number).ok(),
            Value::Bool(value) => Some(i64::from(*value)),
            Value::Float(number) => Some(*number as i64),
            other => other.to_text().trim().parse::<i64>().ok(),
        };
        let given = minutes.as_ref().map(|value| (value, 60)).or(seconds.as_ref().map(|value| (value, 1)));
        let length = match given {
            None => None,
            Some((Raw(value), unit)) => match number(value) {
                Some(count) => Some(u64::try_from(count * unit).unwrap_or(0).max(1)),
                None => {
                    let name = if unit == 60 { "minutes" } else { "seconds" };
                    return fail(format!(
                        "argument '{name}' is of type {} and we were unable to convert to int: invalid literal for int() \
                         with base 10: {}",
                        value.type_name(),
                        Value::from(value.to_text()).to_repr()
                    ));
                }
            },
        };
        Ok(Step::Flow(Flow::Pause(Pause { seconds: length, minutes: minutes.is_some(), prompt, echo })))
    }
}
