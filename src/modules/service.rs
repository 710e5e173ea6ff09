//! Starts, stops, enables and disables services, with whatever manages them on the host.
//!
//! ```yaml
//! - name: The web server runs, and will after a reboot
//!   ansible.builtin.service:
//!     name: nginx
//!     state: started
//!     enabled: true
//! ```

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::systemd_service::{Manager, RETURNS, Scope, State, Wish, failed};
use super::view::View;
use crate::params;
use crate::wire::{Failure, Follow, Query};

/// As `ansible.builtin.service`.
pub struct Service;

params! {
    /// Parameters of `service`.
    pub struct ServiceParams {
        /// The service.
        name: String;
        /// `started` and `stopped` act where the service is not so yet; `restarted` always restarts it and `reloaded`
        /// always reloads it, both start it where it does not run.
        state: Option<State>;
        /// Whether it starts when the host boots.
        enabled: Option<bool>;
        /// What manages services on the host: `auto` or `systemd`.
        r#use: String = "auto";
        /// Seconds between stop and start of a restart; systemd has no use for it.
        sleep: Option<u32>;
        /// A text to look for among the processes; systemd has no use for it.
        pattern: Option<String>;
        /// OpenRC's run level; systemd has no use for it.
        runlevel: String = "default";
        /// Arguments for an init script; systemd has no use for them.
        arguments: String = "", aliases ["args"];
    }
}

impl Module for Service {
    type Params = ServiceParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "service",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("service.rs"),
        returns: RETURNS,
    };

    fn plan(params: &ServiceParams, view: &View<'_>) -> Result<Step, Halt> {
        let ServiceParams { name, state, enabled, r#use, sleep, pattern, runlevel, arguments } = params;
        if state.is_none() && enabled.is_none() {
            return fail("one of the following is required: state, enabled");
        }
        match r#use.rsplit('.').next().unwrap_or_default() {
            "auto" => {
                let unit = super::systemd_service::unit_name(name);
                view.want([Query::Unit { name: unit, user: None }]);
                if view.stat("/run/systemd/system", Follow::Yes)?.is_none() {
                    return fail(
                        "parameter `use` of `service`: a service manager other than systemd is not supported yet",
                    );
                }
            }
            "systemd" | "systemd_service" => {}
            other => return fail(format!("parameter `use` of `service`: `{other}` is not supported yet")),
        }
        let manager = Manager::new(view, Scope::System, Vec::new())?;
        let wish = Wish { state: *state, enabled: *enabled, masked: None };
        let mut plan = manager.plan(view, Some(name), wish)?;
        for (parameter, given) in [
            ("sleep", sleep.is_some()),
            ("pattern", pattern.is_some()),
            ("runlevel", runlevel != "default"),
            ("arguments", !arguments.is_empty()),
        ] {
            if given {
                plan.warnings.push(format!("Ignoring \"{parameter}\" as it is not used in \"systemd\""));
            }
        }
        Ok(Step::Plan(plan))
    }

    fn failure(params: &ServiceParams, plan: &Plan, at: usize, failure: &Failure) -> Failed {
        failed(&params.name, plan, at, failure)
    }
}
