//! Runs a command in a Docker container, by the host's `docker` program.
//!
//! ```yaml
//! - name: The application migrates its database
//!   community.docker.docker_container_exec:
//!     container: shop
//!     argv: [shop, migrate]
//!     user: app
//! ```

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::docker::{DockerParams, Engine, api};
use super::params::Rule;
use super::run;
use super::view::View;
use super::words;
use crate::base::{Map, Value};
use crate::params;
use crate::wire::{Action, Change, Command, CommandOutput, Done, Failure, Sealed};

/// As `community.docker.docker_container_exec`.
pub struct DockerContainerExec;

params! {
    /// Parameters of `docker_container_exec`.
    pub struct DockerContainerExecParams {
        /// The container.
        container: String;
        /// The command as a list of words.
        argv: Option<Vec<String>>;
        /// The command as a text; no shell reads it.
        command: Option<String>;
        /// The directory that it starts in.
        chdir: Option<String>;
        /// Whether its end is not waited for; nothing is told of it then.
        detach: bool = false;
        /// The user that it runs as.
        user: Option<String>;
        /// What it reads from standard input.
        stdin: Option<String>;
        /// Whether a newline is added to that.
        stdin_add_newline: bool = true;
        /// Whether empty lines at the end of what it prints are dropped.
        strip_empty_ends: bool = true;
        /// Whether it has a terminal; not supported.
        tty: bool = false;
        /// Variables of its environment; each value is a text.
        env: Option<Map>;
    }
    include { docker: DockerParams }
    rules [
        Rule::MutuallyExclusive(&["argv", "command"]),
        Rule::RequiredOneOf(&["argv", "command"]),
    ]
}

impl Module for DockerContainerExec {
    type Params = DockerContainerExecParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "docker_container_exec",
        collection: "community.docker",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("docker_container_exec.rs"),
        returns: &[
            ("rc", "the exit status; another one than 0 is a failure"),
            ("stdout", "what it printed"),
            ("stderr", "what it printed to standard error"),
        ],
    };

    fn plan(params: &DockerContainerExecParams, view: &View<'_>) -> Result<Step, Halt> {
        let command = params.command(view)?;
        let plan = Plan::nothing(format!("run a command in {}", params.container));
        Ok(Step::Plan(Plan { opaque: true, ..plan.change(Change::new(Action::Run(command))) }))
    }

    fn result(
        params: &DockerContainerExecParams,
        _: &View<'_>,
        plan: &Plan,
        outcomes: &[Done],
    ) -> Result<Map, Halt> {
        let Some(Done::Ran(output)) = outcomes.first() else { return Ok(plan.result.clone()) };
        params.refused(output)?;
        let mut result = plan.result.clone();
        result.insert("changed".into(), true.into());
        if params.detach {
            return Ok(result);
        }
        result.insert("rc".into(), output.status.into());
        for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            let text = String::from_utf8_lossy(bytes);
            let text = if params.strip_empty_ends { text.trim_end_matches(['\r', '\n']) } else { &text };
            result.insert(format!("{name}_lines").into(), Value::list(text.lines().map(Value::from)));
            result.insert(name.into(), text.into());
        }
        if output.status == 0 {
            return Ok(result);
        }
        // as Ansible takes a result with another `rc`
        let message = format!("the command ended with status {}", output.status);
        Err(Failed { message, result, ..Failed::default() }.into())
    }

    fn failure(_: &DockerContainerExecParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        let hint = Some("the program `docker` is needed on the host for this".to_owned());
        Failed { message: failure.message.clone(), hint, ..Failed::default() }
    }
}

impl DockerContainerExecParams {
    fn command(&self, view: &View<'_>) -> Result<Command, Halt> {
        if self.tty {
            return fail("parameter `tty` of `docker_container_exec` is not supported yet");
        }
        if self.detach && self.stdin.is_some() {
            return fail("If detach=true, stdin cannot be provided.");
        }
        let mut parts = vec!["docker".to_owned(), "exec".to_owned()];
        parts.extend(self.detach.then(|| "--detach".to_owned()));
        let end = if self.stdin_add_newline { "\n" } else { "" };
        let stdin = self.stdin.as_ref().map(|text| format!("{text}{end}"));
        let stdin = stdin.filter(|text| !text.is_empty());
        parts.extend(stdin.is_some().then(|| "--interactive".to_owned()));
        parts.extend(self.chdir.iter().map(|directory| format!("--workdir={directory}")));
        parts.extend(self.user.iter().map(|user| format!("--user={user}")));
        let mut environment = Vec::new();
        for (name, value) in self.env.iter().flatten() {
            let name = name.to_value().to_text();
            let value = api::env_value(&name, value)?;
            // values may be secrets: they go through the environment, unless the program would take them for its own
            if matches!(name.as_str(), "PATH" | "HOME") || name.starts_with("DOCKER_") {
                parts.push(format!("--env={name}={value}"));
            } else {
                parts.push(format!("--env={name}"));
                environment.push((name, value));
            }
        }
        parts.push(self.container.clone());
        match (&self.argv, &self.command) {
            (Some(argv), _) => parts.extend(argv.iter().cloned()),
            (None, Some(text)) => match words::split(text) {
                Ok(words) => parts.extend(words),
                Err(_) => return fail(format!("cannot take the command apart: {text}")),
            },
            (None, None) => {}
        }
        let mut command = Command::argv(parts).may_fail();
        command.stdin = stdin.map(Sealed::text);
        for (name, value) in environment {
            command = command.env(name, value);
        }
        for (name, value) in Engine::for_program(&self.docker, view) {
            command = command.env(name, value);
        }
        Ok(run::within(view, command))
    }

    /// Whether it was Docker that failed, not the command.
    fn refused(&self, output: &CommandOutput) -> Result<(), Halt> {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim();
        if output.status == 0 || !said.starts_with("Error") {
            return Ok(());
        }
        if said.contains("No such container") {
            return fail(format!("Could not find container \"{}\"", self.container));
        }
        match said.strip_prefix("Error response from daemon: ") {
            Some(said) if said.contains("is not running") || said.contains("is paused") => fail(format!(
                "The container \"{}\" has been paused (409 Conflict (\"{said}\"))",
                self.container
            )),
            Some(said) => fail(format!("An unexpected Docker error occurred: {said}")),
            None => Ok(()),
        }
    }
}
