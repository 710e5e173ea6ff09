//! Keeps a Docker container.
//!
//! ```yaml
//! - name: The shop runs
//!   community.docker.docker_container:
//!     name: shop
//!     image: registry.example.com/shop:1.4
//!     published_ports: ["127.0.0.1:8080:80"]
//!     networks:
//!       - name: shop
//!     env:
//!       MODE: production
//!     restart_policy: unless-stopped
//! ```

mod compare;
mod detached;
mod image;
mod mounts;
mod networks;
mod parameters;
mod ports;
mod present;
mod settings;

use serde_json::Value as Json;

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step};
use super::docker::{Differences, Engine, api};
use super::view::View;
use crate::base::{Map, Value};
use crate::wire::{Done, Failure};
use parameters::{ContainerState, DockerContainerParams};

/// As `community.docker.docker_container`.
pub struct DockerContainer;

impl Module for DockerContainer {
    type Params = DockerContainerParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "docker_container",
        collection: "community.docker",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("docker_container.rs"),
        returns: &[
            ("container", "the container as `docker inspect` shows it"),
            ("actions", "what was done, in check mode and with `debug`"),
            ("status", "the exit status, with `detach: false`"),
        ],
    };

    fn plan(params: &DockerContainerParams, view: &View<'_>) -> Result<Step, Halt> {
        let engine = Engine::of(&params.docker, view)?;
        match params.state {
            ContainerState::Absent => params.absent(&engine).map(Step::Plan),
            _ => present::plan(params, &engine).map(Step::Plan),
        }
    }

    fn result(
        params: &DockerContainerParams,
        view: &View<'_>,
        plan: &Plan,
        outcomes: &[Done],
    ) -> Result<Map, Halt> {
        let mut result = plan.result.clone();
        if params.state == ContainerState::Absent {
            return Ok(result);
        }
        let engine = Engine::of(&params.docker, view)?;
        let container = engine.look(&params.path())?;
        if plan.changes.iter().any(|planned| detached::is_end(&planned.change)) {
            return detached::result(params, plan, outcomes, container);
        }
        result.insert("container".into(), Value::from_json(&container.unwrap_or_default()));
        Ok(result)
    }

    fn failure(params: &DockerContainerParams, plan: &Plan, at: usize, failure: &Failure) -> Failed {
        let doing = plan.changes.get(at).map(|planned| present::doing(params, &planned.change));
        let doing = doing.unwrap_or_default();
        let between = if doing.starts_with("pulling") { " -" } else { ":" };
        let message = format!("Error {doing}{between} {}", api::told(failure));
        Failed { message, ..Failed::default() }
    }
}

impl DockerContainerParams {
    fn path(&self) -> String {
        container_path(&self.name)
    }

    fn subject(&self) -> String {
        format!("container {}", self.name)
    }

    fn absent(&self, engine: &Engine<'_>) -> Result<Plan, Halt> {
        let Some(container) = engine.look(&self.path())? else {
            return Ok(self.with_actions(
                engine,
                Plan::nothing(format!("there is no container {}", self.name)),
                Vec::new(),
            ));
        };
        let mut work = present::Work::new(self, engine);
        let mut shown = Differences::default();
        shown.add("state", if present::is_running(&container) { "running" } else { "stopped" }, "absent");
        work.end(&container);
        let present::Work { mut plan, actions, .. } = work;
        if let Some(last) = plan.changes.last_mut() {
            last.change.effects.push(engine.will_answer(&self.path(), None));
        }
        plan.summary = format!("remove container {}", self.name);
        plan.diffs = shown.shown(&self.subject());
        Ok(self.with_actions(engine, plan, actions))
    }

    fn with_actions(&self, engine: &Engine<'_>, plan: Plan, actions: Vec<Json>) -> Plan {
        if engine.view().context().check_mode || self.docker.debug {
            plan.with("actions", Value::from_json(&Json::Array(actions)))
        } else {
            plan
        }
    }
}

fn container_path(name: &str) -> String {
    format!("/containers/{}/json", api::escape(name))
}
