//! Starts, stops, enables, disables and masks systemd units.
//!
//! ```yaml
//! - name: The web server runs, and will after a reboot
//!   ansible.builtin.systemd_service:
//!     name: nginx
//!     state: started
//!     enabled: true
//!     daemon_reload: true
//! ```

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::params::Rule;
use super::view::View;
use super::words;
use crate::wire::{Action, Failure, Program};
use crate::{choices, params};

mod manage;
#[cfg(test)]
mod tests;

pub use manage::{Manager, Wish, full_name as unit_name};

/// As `ansible.builtin.systemd_service`.
pub struct SystemdService;

choices! {
    /// What a unit shall do.
    pub enum State { Reloaded = "reloaded", Restarted = "restarted", Started = "started", Stopped = "stopped" }
}

choices! {
    /// Whose service manager is meant.
    pub enum Scope { System = "system", User = "user", Global = "global" }
}

params! {
    /// Parameters of `systemd_service`.
    pub struct SystemdParams {
        /// The unit, one. Without a suffix it is a `.service`.
        name: Option<String>, aliases ["service", "unit"];
        /// `started` and `stopped` act where the unit is not so yet; `restarted` always restarts it and `reloaded`
        /// always reloads it, both start it where it does not run.
        state: Option<State>;
        /// Whether it starts when the host boots.
        enabled: Option<bool>;
        /// Whether it is masked: made impossible to start.
        masked: Option<bool>;
        /// Whether systemd reads its unit files again before anything else is done.
        daemon_reload: bool = false, aliases ["daemon-reload"];
        /// Whether systemd executes itself anew before anything else is done.
        daemon_reexec: bool = false, aliases ["daemon-reexec"];
        /// Whether links that conflict are replaced when it is enabled or masked.
        force: bool = false;
        /// Whether the task goes on without waiting for the unit.
        no_block: bool = false;
        /// The system's manager, that of the user whom the task runs as, or the settings for all users.
        scope: Scope = Scope::System;
    }
    rules [
        Rule::RequiredOneOf(&["state", "enabled", "masked", "daemon_reload", "daemon_reexec"]),
        Rule::RequiredBy("state", &["name"]),
        Rule::RequiredBy("enabled", &["name"]),
        Rule::RequiredBy("masked", &["name"]),
    ]
}

/// What the results of `systemd_service` and `service` hold.
pub const RETURNS: &[(&str, &str)] = &[
    ("name", "the unit as it was given"),
    ("state", "`started` or `stopped`, where a state was asked for"),
    ("enabled", "whether it starts at boot, where that was asked for"),
    ("status", "what `systemctl show` said before anything was done"),
];

impl Module for SystemdService {
    type Params = SystemdParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "systemd_service",
        collection: "ansible.builtin",
        aliases: &["systemd"],
        free_form: FreeForm::Pairs,
        source: include_str!("systemd_service.rs"),
        returns: RETURNS,
    };

    fn plan(params: &SystemdParams, view: &View<'_>) -> Result<Step, Halt> {
        let SystemdParams {
            name,
            state,
            enabled,
            masked,
            daemon_reload,
            daemon_reexec,
            force,
            no_block,
            scope,
        } = params;
        if let Some(name) = name
            && let Some(found) = ["*", "?", "["].into_iter().find(|glob| name.contains(glob))
        {
            return fail(format!(
                "This module does not currently support using glob patterns, found '{found}' in service name: {name}"
            ));
        }
        let mut flags = Vec::new();
        if *scope != Scope::System {
            flags.push(format!("--{}", scope.text()));
        }
        if *no_block {
            flags.push("--no-block".to_owned());
        }
        if *force {
            flags.push("--force".to_owned());
        }
        let mut manager = Manager::new(view, *scope, flags)?;
        if *daemon_reload {
            manager.whole("daemon-reload");
        }
        if *daemon_reexec {
            manager.whole("daemon-reexec");
        }
        let wish = Wish { state: *state, enabled: *enabled, masked: *masked };
        manager.plan(view, name.as_deref(), wish).map(Step::Plan)
    }

    fn failure(params: &SystemdParams, plan: &Plan, at: usize, failure: &Failure) -> Failed {
        failed(params.name.as_deref().unwrap_or_default(), plan, at, failure)
    }
}

/// The failure of a `systemctl` call in Ansible's words, with what the unit's status says.
pub fn failed(name: &str, plan: &Plan, at: usize, failure: &Failure) -> Failed {
    let program = plan.changes.get(at).and_then(|planned| match &planned.change.action {
        Action::Run(command) => Some(&command.program),
        _ => None,
    });
    let arguments = match program {
        Some(Program::Argv(argv)) => argv.clone(),
        Some(Program::Shell { text, executable: _ }) => words::split(text).unwrap_or_default(),
        None => Vec::new(),
    };
    let verb = arguments.iter().skip(1).find(|word| !word.starts_with('-')).map_or("run", String::as_str);
    let Some(output) = &failure.output else {
        let message = format!("Unable to {verb} service {name}: {}", failure.message);
        return Failed { message, ..Failed::default() };
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    let (status, error) = (text(&output.stdout), text(&output.stderr));
    let message = match verb {
        "daemon-reload" | "daemon-reexec" => format!("failure {} during {verb}: {error}", output.status),
        "mask" | "unmask" => format!("Failed to {verb} the service ({name}): {error}"),
        _ => format!("Unable to {verb} service {name}: {error}"),
    };
    let message = if status.is_empty() { message } else { format!("{message}\n{status}") };
    Failed { message, result: super::view::output_keys(output), ..Failed::default() }
}
