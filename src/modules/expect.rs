//! Runs a command and answers its questions.
//!
//! ```yaml
//! - name: The administrator's password
//!   ansible.builtin.expect:
//!     command: keytool -storepasswd -keystore /etc/app/keys
//!     responses:
//!       (?i)enter keystore password: "{{ old }}"
//!       (?i)new keystore password: "{{ new }}"
//!     creates: /etc/app/keys.changed
//! ```

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::params::{ParamValue, PathText, Raw};
use super::run::{self, Ends};
use super::view::View;
use super::words;
use crate::base::{Map, Value};
use crate::params;
use crate::wire::action::{Answers, Dialogue};
use crate::wire::{
    Action, Change, Command, CommandOutput, Done, Failure, FailureKind, Follow, Query, Sealed,
};

/// As `ansible.builtin.expect`; nothing is needed on the host.
pub struct Expect;

params! {
    /// Parameters of `expect`.
    pub struct ExpectParams {
        /// The command with its arguments; no shell.
        command: String;
        /// Regular expressions of questions (Python's) with what is typed in: one text each time, or a list of texts,
        /// one after another.
        responses: Map;
        /// The directory in which the command runs. By default where the session starts.
        chdir: Option<PathText>;
        /// A path: where it is there, nothing is run.
        creates: Option<PathText>;
        /// A path: where it is not there, nothing is run.
        removes: Option<PathText>;
        /// Seconds of waiting for the next question, or for the end; `null` waits without an end.
        timeout: Raw = Raw(Value::from(30));
        /// Whether what is typed in is shown in the output.
        echo: bool = false;
    }
}

impl Module for Expect {
    type Params = ExpectParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "expect",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("expect.rs"),
        returns: &[
            ("cmd", "what was run"),
            ("rc", "exit status"),
            ("stdout", "what was shown on the terminal"),
            ("start", "when it started, in the host's local time"),
            ("end", "when it ended, in the host's local time"),
            ("delta", "how long it took"),
        ],
    };

    fn plan(params: &ExpectParams, view: &View<'_>) -> Result<Step, Halt> {
        let ExpectParams { command, responses, chdir, creates, removes, timeout, echo } = params;
        let patience = patience(timeout)?;
        if command.trim().is_empty() {
            let result = crate::map! { "rc" => 256 };
            return Err(Failed { message: "no command given".to_owned(), result, ..Failed::default() }.into());
        }
        let at = |path: &str| place(chdir.as_deref(), path);
        let stat = |path: String| Query::Stat { path, follow: Follow::Yes };
        view.want([creates, removes].into_iter().flatten().map(|path| stat(at(path))));
        for (path, there) in [(creates, true), (removes, false)] {
            let Some(path) = path else { continue };
            if view.stat(&at(path), Follow::Yes)?.is_some() == there {
                let what = if there { "exists" } else { "does not exist" };
                let said = format!("skipped, since {} {what}", &**path);
                let plan = Plan::nothing(format!("`{}` {what}", &**path));
                let lines = Value::list([Value::from(said.as_str())]);
                return Ok(Step::Plan(
                    plan.with("cmd", command.as_str())
                        .with("stdout", said)
                        .with("stdout_lines", lines)
                        .with("rc", 0),
                ));
            }
        }
        let run = Command {
            directory: chdir.as_ref().map(|path| path.0.clone()),
            ..Command::argv(words::split(command).or_else(fail)?)
        };
        let dialogue = Dialogue {
            command: run::within(view, run),
            answers: responses
                .iter()
                .map(|(pattern, answer)| (pattern.to_string(), answers(answer)))
                .collect(),
            patience,
            echo: *echo,
        };
        let summary = format!("run `{command}`");
        let plan = Plan { summary, opaque: true, changed: Some(true), ..Plan::default() };
        let change = Change::new(Action::Converse(Box::new(dialogue)));
        Ok(Step::Plan(plan.change(change).with("cmd", command.as_str())))
    }

    fn result(_: &ExpectParams, _: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        match outcomes.first() {
            Some(Done::Ran(output)) if std::str::from_utf8(&output.stdout).is_err() => {
                let message =
                    "Refusing to deserialize an invalid UTF8 string value: the command's output".to_owned();
                let mut result = keys(plan, output);
                result.insert("changed".into(), true.into());
                Err(Failed { message, result, ..Failed::default() }.into())
            }
            Some(Done::Ran(output)) => Ok(keys(plan, output)),
            _ => Ok(plan.result.clone()),
        }
    }

    fn failure(_: &ExpectParams, plan: &Plan, _: usize, failure: &Failure) -> Failed {
        let Failure { kind, message, errno: _, output } = failure;
        let Some(output) = output else {
            return Failed { message: message.clone(), ..Failed::default() };
        };
        // a program that a signal ended has no status either
        let silent = *kind == FailureKind::Timeout || output.status < 0;
        let mut result = keys(plan, output);
        result.insert("changed".into(), true.into());
        if silent {
            result.insert("rc".into(), Value::Null);
        }
        let message = if silent { "command exceeded timeout" } else { "non-zero return code" };
        Failed { message: message.to_owned(), result, ..Failed::default() }
    }
}

fn patience(timeout: &Raw) -> Result<Option<u32>, Halt> {
    match &timeout.0 {
        Value::Null => Ok(None),
        value => match u32::read(value) {
            Ok(seconds) => Ok(Some(seconds)),
            Err(why) => fail(format!("argument 'timeout' is of type {} and {why}", value.type_name())),
        },
    }
}

fn answers(value: &Value) -> Answers {
    match value.as_list() {
        Some(all) => Answers::Each(all.iter().map(|answer| Sealed::text(answer.to_text())).collect()),
        None => Answers::Same(Sealed::text(value.to_text())),
    }
}

/// A path, seen from where the command runs.
fn place(chdir: Option<&str>, path: &str) -> String {
    if path.starts_with(['/', '~']) {
        return path.to_owned();
    }
    format!("{}/{path}", chdir.unwrap_or("~").trim_end_matches('/'))
}

fn keys(plan: &Plan, output: &CommandOutput) -> Map {
    let mut keys = plan.result.clone();
    keys.extend(run::timed_keys(output, Ends::Stripped));
    for key in ["stderr", "stderr_lines"] {
        keys.shift_remove(key);
    }
    keys
}
