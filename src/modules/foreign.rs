//! A module that is a file: run on the host with the host's own interpreter; what it prints is its result.
//!
//! The engine has made a command of it and its parameters; here is what that means for a plan and a result.

use std::sync::Arc;

use super::contract::{AnyModule, Failed, FreeForm, Halt, ModuleDoc, Plan, Step, fail};
use super::params::{Field, Given, ParamProblem};
use super::run;
use super::view::View;
use crate::base::{Key, Map, Value};
use crate::wire::{Action, Change, Command, CommandOutput, Done, Failure, FailureKind, Footprint};

/// A module that is a file, ready to be run.
#[derive(Clone, Debug)]
pub struct Packed {
    /// Its name.
    pub name: Arc<str>,
    /// What runs it.
    pub command: Command,
    /// The interpreter, for messages; none for what is run by itself.
    pub interpreter: Option<String>,
}

/// Every module that is a file.
#[derive(Clone, Copy, Debug)]
pub struct Foreign;

/// The one of them all, which is not in the registry: no task names it.
pub static FOREIGN: Foreign = Foreign;

/// The key of a result that holds the warnings about how it was printed.
const TOLD: &str = "_ansible_fleet_warnings";

/// The key of a plan's result that says that it is carried out as a job: then its result has what the module said on
/// standard error.
pub const JOB: &str = "job";

impl AnyModule for Foreign {
    fn doc(&self) -> ModuleDoc {
        ModuleDoc {
            name: "module_file",
            collection: "fleet.internal",
            aliases: &[],
            free_form: FreeForm::Raw("_raw_params"),
            source: include_str!("foreign.rs"),
            returns: &[],
        }
    }

    fn fields(&self) -> Vec<Field> {
        Vec::new()
    }

    fn check(&self, _: &Given) -> Vec<ParamProblem> {
        Vec::new()
    }

    fn plan(&self, _: &Given, view: &View<'_>) -> Result<Step, Halt> {
        let Some(packed) = &view.context().packed else { return fail("the module was not packed") };
        let command = Command { must_succeed: false, ..run::within(view, packed.command.clone()) };
        let mut change = Change::new(Action::Run(command));
        if view.context().check_mode {
            change.footprint = Footprint::Nothing;
        }
        let plan = Plan {
            summary: format!("run the module `{}`", packed.name),
            opaque: true,
            changed: Some(false),
            ..Plan::default()
        };
        let interpreter = packed.interpreter.as_deref().map_or(Value::Null, Value::from);
        Ok(Step::Plan(plan.with("interpreter", interpreter).change(change)))
    }

    fn result(&self, _: &Given, _: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        match outcomes.first() {
            Some(Done::Ran(output)) => {
                let mut result = told(output, interpreter(plan));
                if plan.result.contains_key(&Key::str(JOB)) && !output.stderr.is_empty() {
                    let text = String::from_utf8_lossy(&output.stderr).into_owned();
                    result.insert(Key::str("stderr"), text.into());
                }
                Ok(result)
            }
            _ => fail("the module was not run"),
        }
    }

    fn failure(&self, _: &Given, plan: &Plan, _: usize, failure: &Failure) -> Failed {
        let Failure { kind, message, errno: _, output } = failure;
        if let Some(output) = output {
            let mut result = told(output, interpreter(plan));
            if *kind == FailureKind::Timeout {
                result.insert(Key::str("msg"), Value::from(message.as_str()));
            }
            let text = result.get("msg").map(Value::to_text).unwrap_or_default();
            return Failed { message: text, result, ..Failed::default() };
        }
        match interpreter(plan).filter(|_| *kind == FailureKind::NotFound) {
            Some(interpreter) => {
                let result = crate::map! {
                    "rc" => 127,
                    "module_stdout" => "",
                    "module_stderr" => format!("/bin/sh: 1: {interpreter}: not found\n"),
                };
                Failed {
                    message: no_interpreter(interpreter),
                    hint: Some("`ansible_python_interpreter` names the host's Python".to_owned()),
                    result,
                    ..Failed::default()
                }
            }
            None => Failed { message: message.clone(), ..Failed::default() },
        }
    }

    fn tells_all(&self) -> bool {
        true
    }
}

fn interpreter(plan: &Plan) -> Option<&str> {
    plan.result.get("interpreter").and_then(Value::as_str)
}

fn no_interpreter(interpreter: &str) -> String {
    format!("The module interpreter '{interpreter}' was not found.")
}

/// The result of a module from what it printed: the JSON object in it, or a failure with all that was printed.
pub fn told(output: &CommandOutput, interpreter: Option<&str>) -> Map {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    let found = object(&stdout);
    let parsed = found.as_ref().map(|(json, _)| serde_json::from_str::<serde_json::Value>(json));
    let junk = found.and_then(|(_, junk)| junk);
    let wrong = match &parsed {
        Some(Err(error)) if error.to_string().contains("hex escape") => {
            Some("Refusing to deserialize an invalid UTF8 string value")
        }
        Some(Err(_)) => Some("it is no JSON"),
        _ => None,
    };
    let Some(Ok(json)) = parsed else {
        let not_found = |interpreter: &&str| {
            [": not found", ": No such file or directory", ": command not found"].iter().any(|cause| {
                let said = format!("{interpreter}{cause}");
                stderr.contains(&said) || stdout.contains(&said)
            })
        };
        let message = interpreter.filter(not_found).map_or_else(
            || {
                let begins = stdout.lines().any(|line| line.trim_start().starts_with('{'));
                let why = match (wrong, begins) {
                    (Some(wrong), _) => wrong,
                    (None, true) => "No end of json char found",
                    (None, false) => "No start of json char found",
                };
                format!("Module result deserialization failed: {why}")
            },
            no_interpreter,
        );
        return crate::map! {
            "failed" => true,
            "msg" => message,
            "module_stdout" => stdout,
            "module_stderr" => stderr,
            "rc" => output.status,
        };
    };
    let mut result = match Value::from_json(&json) {
        Value::Map(entries) => (*entries).clone(),
        _ => Map::new(),
    };
    let internal = |key: &Key| {
        key.as_str()
            .is_some_and(|name| name.starts_with("_ansible_") || matches!(name, "add_host" | "add_group"))
    };
    result.retain(|key, _| !internal(key));
    if result.get("results").is_some_and(|results| results.as_list().is_none() && results.as_map().is_none())
        && let Some(results) = result.shift_remove("results")
    {
        result.insert(Key::str("ansible_module_results"), results);
    }
    for name in ["stdout", "stderr"] {
        let lines = format!("{name}_lines");
        if let Some(text) = result.get(name)
            && !result.contains_key(&Key::from(lines.as_str()))
        {
            let text = if text.as_bool() == Some(false) { String::new() } else { text.to_text() };
            let lines_of = Value::list(text.lines().map(Value::from));
            result.insert(Key::from(lines), lines_of);
        }
    }
    if let Some(junk) = junk {
        let warning = format!("Module invocation had junk after the JSON data: {junk}");
        result.insert(Key::str(TOLD), Value::list([Value::from(warning)]));
    }
    result
}

/// Takes the warnings about how a result was printed out of it.
pub fn take_warnings(result: &mut Map) -> Vec<String> {
    let told = result.shift_remove(TOLD);
    told.as_ref().and_then(Value::as_list).into_iter().flatten().map(Value::to_text).collect()
}

/// The text of a JSON object between other lines, and the lines after it if they say anything: it begins with the first
/// line that begins with a brace and ends with the last that ends with one.
fn object(text: &str) -> Option<(String, Option<String>)> {
    let lines: Vec<&str> = text.lines().collect();
    let start = lines.iter().position(|line| line.trim_start().starts_with('{'))?;
    let end = lines.iter().rposition(|line| line.trim_end().ends_with('}')).filter(|end| *end >= start)?;
    let junk = lines.get(end + 1..).unwrap_or_default().join("\n");
    let junk = (!junk.trim().is_empty()).then_some(junk);
    Some((lines.get(start..=end)?.join("\n"), junk))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(stdout: &str, stderr: &str, status: i32) -> Map {
        let output = CommandOutput {
            status,
            stdout: stdout.into(),
            stderr: stderr.into(),
            started: 0,
            ended: 0,
            utc_offset: 0,
            timed_out: false,
        };
        told(&output, Some("/usr/bin/python3"))
    }

    #[test]
    fn the_object_among_other_lines_is_the_result() {
        let result = of("motd\n{\"changed\": true,\n \"a\": [1]}\n\n", "", 0);
        assert_eq!(Value::map(result).to_repr(), "{'changed': True, 'a': [1]}");
        let mut result = of("{\"a\": 1}\nbye\n", "", 0);
        assert_eq!(take_warnings(&mut result), ["Module invocation had junk after the JSON data: bye"]);
        assert_eq!(Value::map(result).to_repr(), "{'a': 1}");
    }

    #[test]
    fn what_is_printed_is_never_a_template() {
        let result = of("{\"msg\": \"{{ lookup('pipe', 'id') }}\"}", "", 0);
        assert!(matches!(result.get("msg"), Some(Value::Str(_))));
    }

    #[test]
    fn lines_are_split_and_what_is_ansibles_own_is_dropped() {
        let result =
            of("{\"stdout\": \"a\\nb\\n\", \"_ansible_x\": 1, \"add_host\": {}, \"results\": \"r\"}", "", 0);
        assert_eq!(
            Value::map(result).to_repr(),
            "{'stdout': 'a\\nb\\n', 'ansible_module_results': 'r', 'stdout_lines': ['a', 'b']}"
        );
    }

    #[test]
    fn what_is_no_result_is_a_failure() {
        let result = of("oops\n", "Traceback\n", 1);
        assert_eq!(result.get("failed"), Some(&Value::Bool(true)));
        assert_eq!(result.get("rc"), Some(&Value::from(1)));
        assert_eq!(result.get("module_stderr"), Some(&Value::from("Traceback\n")));
        let result = of("", "/bin/sh: 1: /usr/bin/python3: not found\n", 127);
        assert!(
            result
                .get("msg")
                .unwrap()
                .to_text()
                .starts_with("The module interpreter '/usr/bin/python3' was not")
        );
    }
}
