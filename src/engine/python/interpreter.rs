//! The interpreter that a module is run with: what its first line says, what variables and the configuration say, and
//! for Python what is found on the host.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Making, NotMade};
use crate::base::{Key, Map, Value, shlex};
use crate::engine::event::Event;
use crate::engine::machine::Machine;
use crate::engine::single::Single;
use crate::engine::task::Turn;
use crate::lang::{ModuleFile, Style};
use crate::plan::bind::{Binder, Stop};
use crate::plan::variables::TaskVariables;
use crate::template::Deprecation;
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

/// The Pythons that were found on machines in this run, by what was looked for.
#[derive(Debug, Default)]
pub(crate) struct Interpreters(Mutex<HashMap<(usize, Vec<String>), String>>);

impl Interpreters {
    fn known(&self, machine: &Arc<Machine>, wanted: &[String]) -> Option<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(Arc::as_ptr(machine) as usize, wanted.to_vec())).cloned()
    }

    fn note(&self, machine: &Arc<Machine>, wanted: Vec<String>, python: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert((Arc::as_ptr(machine) as usize, wanted), python.to_owned());
    }
}

/// An interpreter.
pub(in crate::engine) struct Found {
    /// It, and its arguments, as a shell takes them apart.
    pub(in crate::engine) words: String,
    /// The Python that was found on the host for it just now.
    pub(in crate::engine) discovered: Option<String>,
    /// What there is to say about it.
    pub(in crate::engine) warnings: Vec<String>,
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
        let found = if name == "python" {
            self.python(&binder, making).await?
        } else {
            let given = interpreter_of(name, &binder)?;
            Found {
                words: given.unwrap_or_else(|| program.to_owned()),
                discovered: None,
                warnings: Vec::new(),
            }
        };
        let words = std::iter::once(&found.words).chain(arguments).cloned().collect::<Vec<_>>().join(" ");
        Ok(Found { words, ..found })
    }

    /// What Ansible's `ping` finds on the way, which is there to show that a usable Python is configured.
    pub(in crate::engine) async fn pinged(&self, making: Making<'_>) -> Result<Found, NotMade> {
        let binder = Binder {
            templar: making.binder.templar,
            lookups: making.binder.lookups,
            variables: Arc::new(self.variables_there(making)?),
        };
        self.python(&binder, making).await
    }

    /// The Python that is set, or else is found. `binder` has the variables of the host that it is run on.
    async fn python(&self, binder: &Binder<'_>, making: Making<'_>) -> Result<Found, NotMade> {
        let wanted = match interpreter_of("python", binder)? {
            Some(given) => given,
            // one that is `omit` or nothing counts as the usual one, whatever is configured
            None if binder.variables.get("ansible_python_interpreter").is_some() => String::new(),
            None => self.run.options.config.interpreter_python.value.trim().to_owned(),
        };
        if !matches!(wanted.trim_start_matches("auto"), "" | "_silent" | "_legacy" | "_legacy_silent") {
            return Ok(Found { words: wanted, discovered: None, warnings: Vec::new() });
        }
        let (python, fresh, told) = self.python_there(binder, making).await?;
        if fresh && wanted.starts_with("auto_legacy") {
            let message =
                format!("The '{wanted}' option for 'INTERPRETER_PYTHON' now has the same effect as 'auto'.");
            let deprecation = Deprecation { message: message.into(), version: "2.21", place: None };
            making.binder.lookups.deprecate(deprecation);
        }
        let warnings = if wanted.ends_with("_silent") { Vec::new() } else { told };
        Ok(Found { discovered: fresh.then(|| python.clone()), words: python, warnings })
    }

    /// Facts name the Python that Ansible would have gathered them with: the one that is set, where one is, else the one
    /// that it would have found.
    pub(in crate::engine) fn name_python(
        &self,
        binder: &Binder<'_>,
        single: &mut Single,
        delegate: Option<&str>,
    ) {
        let given = binder.variable("ansible_python_interpreter").ok().flatten().map(|value| value.to_text());
        let text = given.unwrap_or_else(|| self.run.options.config.interpreter_python.value.clone());
        let set = text.trim();
        let facts = binder.variable("ansible_facts").ok().flatten();
        let known = facts.as_ref().and_then(Value::as_map).is_some_and(|facts| facts.contains_key(FACT));
        if (set.is_empty() || set.starts_with("auto")) && delegate.is_none() && !known {
            let python = single.facts.get("ansible_python").and_then(Value::as_map);
            if let Some(found) = python.and_then(|python| python.get("executable")).cloned() {
                single.facts.insert(Key::str(FACT), found);
            }
            return;
        }
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
        let wanted = match binder.variable("ansible_interpreter_python_fallback")? {
            Some(Value::List(items)) => items.iter().map(Value::to_text).collect(),
            _ => PYTHONS.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(),
        };
        if let Some(known) = self.run.interpreters.known(making.machine, &wanted) {
            return Ok((known, true, Vec::new()));
        }
        // such a name breaks the command that Ansible asks with
        let unfit = self.run.options.check_apart && wanted.iter().any(|name| name.contains('\''));
        let questions: Vec<String> =
            wanted.iter().map(|name| format!("command -v {}", shlex::quote(name))).collect();
        let host = making.delegate.unwrap_or(self.host);
        self.run.tell(Event::PythonSought { host: host.to_owned() });
        let query = Query::Command(Command::shell(questions.join("; ")).may_fail());
        let answer = making.machine.ask(making.user, query).await?;
        let found = match &answer {
            Observation::Command(output) => {
                let text = String::from_utf8_lossy(&output.stdout).into_owned();
                text.lines().map(str::trim).find(|line| line.starts_with('/')).map(str::to_owned)
            }
            _ => None,
        };
        let mut warnings = Vec::new();
        let found = if unfit {
            warnings.push(format!("Unhandled error in Python interpreter discovery for host '{host}'."));
            Some(FALLBACK.to_owned())
        } else {
            found
        };
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
        self.run.interpreters.note(making.machine, wanted, &python);
        Ok((python, true, warnings))
    }
}

/// What `ansible_NAME_interpreter` says, if anything.
fn interpreter_of(name: &str, binder: &Binder<'_>) -> Result<Option<String>, Stop> {
    let given = binder.variable(&format!("ansible_{name}_interpreter"))?.map(|value| value.to_text());
    Ok(given.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()))
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
