//! Runs a text with a shell on the host.
//!
//! ```yaml
//! - name: Count the sites that are enabled
//!   ansible.builtin.shell: ls /etc/nginx/sites-enabled | wc -l
//!   args:
//!     executable: /bin/bash
//! ```

use super::command::{RETURNS, RunParams};
use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, unknown};
use super::params::{Given, ParamProblem, PathText, Rule};
use super::view::View;
use crate::base::{Map, Value};
use crate::params;
use crate::wire::{Done, Failure, Program};

/// As `ansible.builtin.shell`.
pub struct Shell;

params! {
    /// Parameters of `shell`.
    pub struct ShellParams {
        /// The text for the shell, as free text.
        _raw_params: Option<String>;
        /// The text for the shell, where it is not given as free text.
        cmd: Option<String>;
        /// Absolute path of the shell. By default `/bin/sh`.
        executable: Option<PathText>;
    }
    include { common: RunParams }
    rules [
        Rule::RequiredOneOf(&["_raw_params", "cmd"]),
        Rule::MutuallyExclusive(&["_raw_params", "cmd"]),
    ]
}

impl Module for Shell {
    type Params = ShellParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "shell",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Raw("_raw_params"),
        source: include_str!("shell.rs"),
        returns: RETURNS,
    };

    fn refusal(_: &Given, problems: &[ParamProblem]) -> Option<String> {
        // as the original, which hands all to `command` but this one
        let given = unknown(problems).any(|name| name == "expand_argument_vars");
        given.then(|| "Unsupported parameters for (shell) module: expand_argument_vars".to_owned())
    }

    fn plan(params: &ShellParams, view: &View<'_>) -> Result<Step, Halt> {
        let ShellParams { _raw_params, cmd, executable, common } = params;
        let text = _raw_params.clone().or_else(|| cmd.clone()).unwrap_or_default();
        if text.trim().is_empty() {
            return super::contract::fail("no command given");
        }
        common.want(view);
        let first = text.trim().lines().next().unwrap_or_default();
        let more = if text.trim().lines().count() > 1 { " …" } else { "" };
        let summary = format!("run `{first}`{more}");
        let shown = Value::from(text.as_str());
        let executable = executable.as_deref().unwrap_or("/bin/sh").to_owned();
        common.plan(view, Program::Shell { text, executable }, shown, summary).map(Step::Plan)
    }

    fn result(params: &ShellParams, _: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        Ok(params.common.result(plan, outcomes))
    }

    fn failure(params: &ShellParams, plan: &Plan, _: usize, failure: &Failure) -> Failed {
        params.common.failure(plan, failure)
    }
}
