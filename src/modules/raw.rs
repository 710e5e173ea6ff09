//! Sends a text to the host's login shell over the bare connection; needs nothing there.
//!
//! ```yaml
//! - name: Look at a switch
//!   ansible.builtin.raw: show version
//! ```

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::view::{View, output_keys};
use super::words;
use crate::base::Map;
use crate::params;
use crate::wire::{Action, Change, CommandOutput, Done, Failure};

/// As `ansible.builtin.raw`.
pub struct RawCommand;

params! {
    /// Parameters of `raw`.
    pub struct RawParams {
        /// The text, as free text.
        _raw_params: String;
        /// Absolute path of a shell that runs the text. By default the login shell does.
        executable: Option<String>;
    }
}

impl Module for RawCommand {
    type Params = RawParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "raw",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Raw("_raw_params"),
        source: include_str!("raw.rs"),
        returns: &[
            ("rc", "exit status"),
            ("stdout", "standard output"),
            ("stdout_lines", "standard output, line by line"),
            ("stderr", "standard error"),
            ("stderr_lines", "standard error, line by line"),
        ],
    };

    fn plan(params: &RawParams, view: &View<'_>) -> Result<Step, Halt> {
        let RawParams { _raw_params: text, executable } = params;
        if text.trim().is_empty() {
            return fail("no command given");
        }
        let summary = format!("send `{}`", text.trim().lines().next().unwrap_or_default());
        let text = match executable {
            Some(executable) => format!("{executable} -c {}", words::quote(text)),
            None => text.clone(),
        };
        let mut plan = Plan { summary, opaque: true, changed: Some(true), ..Plan::default() }
            .change(Change::new(Action::Raw { text }));
        if !view.context().environment.is_empty() {
            plan.warnings.push("raw module does not support the environment keyword".to_owned());
        }
        Ok(Step::Plan(plan))
    }

    fn result(_: &RawParams, _: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        match outcomes.first() {
            Some(Done::Ran(output)) if output.status != 0 => Err(non_zero(output).into()),
            Some(Done::Ran(output)) => Ok(keys(output)),
            _ => Ok(plan.result.clone()),
        }
    }

    fn failure(_: &RawParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        match &failure.output {
            Some(output) => non_zero(output),
            None => Failed { message: failure.message.clone(), ..Failed::default() },
        }
    }
}

/// The output as it is: nothing is cut off its end, as with `command`.
fn keys(output: &CommandOutput) -> Map {
    let mut keys = output_keys(output);
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        keys.insert(name.into(), String::from_utf8_lossy(bytes).into_owned().into());
    }
    keys
}

fn non_zero(output: &CommandOutput) -> Failed {
    let mut result = keys(output);
    result.insert("changed".into(), true.into());
    Failed { message: "non-zero return code".to_owned(), result, ..Failed::default() }
}
