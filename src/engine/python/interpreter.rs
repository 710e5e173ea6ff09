//! The interpreter that a module is run with: what its first line says, what variables and the configuration say, and
//! for Python what is found on the host.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Making, NotMade};
use crate::base::{Key, Map, Value, shlex};
use crate::engine::machine::Machine;
use crate::engine::single::Single;
use crate::engine::task::Turn;
use crate::lang::{ModuleFile, Style};
use crate::plan::bind::{Binder, Stop};
use crate::plan::variables::TaskVariables;
use crate::wire::{Command, Observation, Query};

/// Where Python is looked for, in this order.
const PYTHONS: &[&str] = &[
    "python3.13",
    "python3.12",
    "python3.11",
    "python3.10",
    "python3.9",
    "python3.8",
    "/usr/bin/python3",
    "python3",
];
/// What is tried where none was found.
const FALLBACK: &str = "/usr/bin/python3";
/// The fact that says what was found.
pub(super) const FACT: &str = "discovered_interpreter_python";

/// The Pythons that were found on machines in this run.
#[derive(Debug, Default)]
pub(crate) struct Interpreters(Mutex<HashMap<usize, String>>);

impl Interpreters {
    fn known(&self, machine: &Arc<Machine>) -> Option<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(Arc::as_ptr(machine) as usize)).cloned()
    }

    fn note(&self, machine: &Arc<Machine>, python: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(Arc::as_ptr(machine) as usize, python.to_owned());
    }
}

/// An interpreter.
pub(super) struct Found {
    /// It, and its arguments, as a shell takes them apart.
    pub(super) words: String,
    /// The Python that was found on the host for it just now.
    pub(super) discovered: Option<String>,
    /// What there is to say about it.
    pub(super) warnings: Vec<String>,
}

impl Turn<'_> {
    /// The interpreter of a module with this text.
    pub(super) async fn interpreter(
        &self,
        file: &ModuleFile,
        text: &[u8],
        making: Making<'_>,
    ) -> Result<Found, NotMade> {
        let mut line = first_line(text);
        if line.is_empty() {
            if file.style != Style::Python {
                return Err(NotMade::failed(format!("module ({}) is missing interpreter line", file.name)));
            }
            line.push("/usr/bin/python".to_owned());
        }
        let (program, arguments) = line.split_first().map_or(("", &[][..]), |(first, rest)| (first, rest));
        let name = program.rsplit('/').next().unwrap_or_default();
        let there = self.variables_there(making)?;
        let binder = Binder {
            templar: making.binder.templar,
            lookups: making.binder.lookups,
            variables: Arc::new(there),
        };
        let given = binder.variable(&format!("ansible_{name}_interpreter"))?.map(|value| value.to_text());
        let given = given.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let (mut discovered, mut warnings) = (None, Vec::new());
        let interpreter = if name == "python" {
            let configured = || self.run.options.config.interpreter_python.value.trim().to_owned();
            let wanted = given.unwrap_or_else(configured);
            match wanted.as_str() {
                "" | "auto" | "auto_silent" | "auto_legacy" | "auto_legacy_silent" => {
                    let (python, fresh, told) = self.python_there(&binder, making).await?;
                    discovered = fresh.then(|| python.clone());
                    if !wanted.ends_with("_silent") {
                        warnings = told;
                    }
                    python
                }
                _ => wanted,
            }
        } else {
            given.unwrap_or_else(|| program.to_owned())
        };
        let words =
            std::iter::once(interpreter).chain(arguments.iter().cloned()).collect::<Vec<_>>().join(" ");
        Ok(Found { words, discovered, warnings })
    }

    /// Facts name the Python that Ansible would have gathered them with: the one that is set, where one is.
    pub(in crate::engine) fn name_python(&self, binder: &Binder<'_>, single: &mut Single) {
        let given = binder.variable("ansible_python_interpreter").ok().flatten().map(|value| value.to_text());
        let text = given.unwrap_or_else(|| self.run.options.config.interpreter_python.value.clone());
        let set = text.trim();
        if !set.starts_with('/') || set.contains(char::is_whitespace) {
            return;
        }
        let name = |facts: &mut Map| {
            if let Some(Value::Map(python)) = facts.get("ansible_python") {
                let mut python = (**python).clone();
                python.insert(Key::str("executable"), Value::from(set));
                facts.insert(Key::str("ansible_python"), Value::map(python));
            }
        };
        name(&mut single.facts);
        if let Some(Value::Map(facts)) = single.result.get("ansible_facts") {
            let mut facts = (**facts).clone();
            name(&mut facts);
            single.result.insert(Key::str("ansible_facts"), Value::map(facts));
        }
    }

    /// The variables of the host that the module is run on.
    fn variables_there(&self, making: Making<'_>) -> Result<TaskVariables, Stop> {
        let Some(delegate) = making.delegate else {
            return Ok(self.run.variables(self.play, self.host, self.task));
        };
        Ok(self.run.variables(self.play, &Arc::from(delegate), self.task))
    }

    /// The Python of the host: as its facts say, or as it is found now.
    async fn python_there(
        &self,
        binder: &Binder<'_>,
        making: Making<'_>,
    ) -> Result<(String, bool, Vec<String>), NotMade> {
        let facts = binder.variable("ansible_facts")?;
        let fact =
            facts.as_ref().and_then(Value::as_map).and_then(|facts| facts.get(FACT)).map(Value::to_text);
        if let Some(known) = fact {
            return Ok((known, false, Vec::new()));
        }
        if let Some(known) = self.run.interpreters.known(making.machine) {
            return Ok((known, true, Vec::new()));
        }
        let wanted = match binder.variable("ansible_interpreter_python_fallback")? {
            Some(Value::List(items)) => items.iter().map(Value::to_text).collect(),
            _ => PYTHONS.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(),
        };
        let questions: Vec<String> =
            wanted.iter().map(|name| format!("command -v {}", shlex::quote(name))).collect();
        let query = Query::Command(Command::shell(questions.join("; ")).may_fail());
        let answer = making.machine.ask(making.user, query).await?;
        let found = match &answer {
            Observation::Command(output) => {
                let text = String::from_utf8_lossy(&output.stdout).into_owned();
                text.lines().map(str::trim).find(|line| line.starts_with('/')).map(str::to_owned)
            }
            _ => None,
        };
        let host = making.delegate.unwrap_or(self.host);
        let mut warnings = Vec::new();
        if found.is_none() {
            let tried: Vec<Value> = wanted.iter().map(|name| Value::from(name.as_str())).collect();
            warnings.push(format!(
                "No python interpreters found for host '{host}' (tried {}).",
                Value::list(tried).to_repr()
            ));
        }
        // under its own name fleet does not take that for something to warn of
        if let Some(python) = found.as_ref().filter(|_| self.run.options.check_apart) {
            warnings.push(format!(
                "Host '{host}' is using the discovered Python interpreter at '{python}', but future installation of \
                 another Python interpreter could cause a different interpreter to be discovered. See \
                 https://docs.ansible.com/ansible-core/2.19/reference_appendices/interpreter_discovery.html for more \
                 information."
            ));
        }
        let python = found.unwrap_or_else(|| FALLBACK.to_owned());
        self.run.interpreters.note(making.machine, &python);
        Ok((python, true, warnings))
    }
}

/// The words of a text's first line where that names an interpreter.
fn first_line(text: &[u8]) -> Vec<String> {
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let Some(line) = line.strip_prefix(b"#!") else { return Vec::new() };
    shlex::split(String::from_utf8_lossy(line).trim()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_says_what_runs_a_module() {
        assert_eq!(first_line(b"#!/usr/bin/env python3 -u\nx"), ["/usr/bin/env", "python3", "-u"]);
        assert_eq!(first_line(b"#! /bin/sh\r\nx"), ["/bin/sh"]);
        assert!(first_line(b"import os\n").is_empty());
    }
}
