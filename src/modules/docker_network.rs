//! Keeps a Docker network.
//!
//! ```yaml
//! - name: The shop's network
//!   community.docker.docker_network:
//!     name: shop
//!     ipam_config:
//!       - subnet: 172.30.0.0/24
//!         gateway: 172.30.0.1
//! ```

mod compare;

use serde_json::{Value as Json, json};

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::docker::options::Entries;
use super::docker::{Differences, DockerParams, Engine, api};
use super::params::ParamValue;
use super::view::View;
use crate::base::{Map, Value};
use crate::wire::{Done, Failure};
use crate::{choices, params};

/// As `community.docker.docker_network`.
pub struct DockerNetwork;

choices! {
    /// Whether the network shall be there.
    pub enum NetworkState { Present = "present", Absent = "absent" }
}

choices! {
    /// How far a network reaches.
    pub enum NetworkScope { Local = "local", Global = "global", Swarm = "swarm" }
}

params! {
    /// Parameters of `docker_network`.
    pub struct DockerNetworkParams {
        /// The network.
        name: String, aliases ["network_name"];
        /// Whether it shall be there.
        state: NetworkState = NetworkState::Present;
        /// The network whose configuration it takes.
        config_from: Option<String>;
        /// Whether it is only a configuration for others.
        config_only: Option<bool>;
        /// Names of containers that shall be connected; those that there are not are passed over. Others are disconnected
        /// where some are named, unless `appends` is on.
        connected: Vec<String>, aliases ["containers"];
        /// Whether containers that are connected and not named stay.
        appends: bool = false, aliases ["incremental"];
        /// The driver.
        driver: String = "bridge";
        /// Options of the driver.
        driver_options: Map = Map::new();
        /// Whether a network that is there is made anew, whatever it is like.
        force: bool = false;
        /// The driver that gives addresses.
        ipam_driver: Option<String>;
        /// Options of that driver.
        ipam_driver_options: Option<Map>;
        /// Pools of addresses: `subnet`, `iprange`, `gateway`, `aux_addresses` (a mapping) each.
        ipam_config: Option<Vec<Pool>>;
        /// Whether it has IPv4 (API 1.47).
        enable_ipv4: Option<bool>;
        /// Whether it has IPv6.
        enable_ipv6: Option<bool>;
        /// Whether nothing outside is reached.
        internal: Option<bool>;
        /// Labels; those that it has besides stay.
        labels: Map = Map::new();
        /// How far it reaches.
        scope: Option<NetworkScope>;
        /// Whether containers that no service runs can be attached.
        attachable: Option<bool>;
        /// Whether it is a swarm's routing mesh.
        ingress: Option<bool>;
    }
    include { docker: DockerParams }
}

/// A pool of addresses.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    subnet: Option<String>,
    iprange: Option<String>,
    gateway: Option<String>,
    aux_addresses: Option<Map>,
}

impl ParamValue for Pool {
    const KIND: &'static str = "dict";
    fn read(value: &Value) -> Result<Self, String> {
        let entries = Entries::of(value, &["subnet", "iprange", "gateway", "aux_addresses"])?;
        Ok(Self {
            subnet: entries.get("subnet")?,
            iprange: entries.get("iprange")?,
            gateway: entries.get("gateway")?,
            aux_addresses: entries.get("aux_addresses")?,
        })
    }
}

impl Pool {
    /// As the Engine has it; what is not given is not there.
    fn wanted(&self) -> Json {
        let auxiliary = self.aux_addresses.as_ref().map(|all| api::object(all, api::plain));
        let parts = [
            ("Subnet", self.subnet.clone().map(Json::from)),
            ("IPRange", self.iprange.clone().map(Json::from)),
            ("Gateway", self.gateway.clone().map(Json::from)),
            ("AuxiliaryAddresses", auxiliary),
        ];
        parts
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }
}

impl Module for DockerNetwork {
    type Params = DockerNetworkParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "docker_network",
        collection: "community.docker",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("docker_network.rs"),
        returns: &[
            ("network", "the network as `docker network inspect` shows it"),
            ("actions", "what was done, in check mode and with `debug`"),
        ],
    };

    fn plan(params: &DockerNetworkParams, view: &View<'_>) -> Result<Step, Halt> {
        params.check()?;
        let engine = Engine::of(&params.docker, view)?;
        let path = params.path();
        let containers: Vec<String> = params.connected.iter().map(|name| container_path(name)).collect();
        engine.want(std::iter::once(path.as_str()).chain(containers.iter().map(String::as_str)));
        let found = engine.look(&path)?;
        match params.state {
            NetworkState::Absent => Ok(Step::Plan(params.remove(&engine, found.as_ref()))),
            NetworkState::Present => params.keep(&engine, found).map(Step::Plan),
        }
    }

    fn result(params: &DockerNetworkParams, view: &View<'_>, plan: &Plan, _: &[Done]) -> Result<Map, Halt> {
        let mut result = plan.result.clone();
        if params.state == NetworkState::Present {
            let found = Engine::of(&params.docker, view)?.look(&params.path())?;
            result.insert("network".into(), Value::from_json(&found.unwrap_or_default()));
        }
        Ok(result)
    }

    fn failure(_: &DockerNetworkParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        let message = format!("An unexpected Docker error occurred: {}", api::told(failure));
        Failed { message, ..Failed::default() }
    }
}

fn container_path(name: &str) -> String {
    format!("/containers/{}/json", api::escape(name))
}

/// Names of the containers in a network.
fn members(network: &Json) -> Vec<&str> {
    let all = network.get("Containers").and_then(Json::as_object).into_iter().flatten();
    all.filter_map(|(_, container)| container.get("Name").and_then(Json::as_str)).collect()
}

impl DockerNetworkParams {
    fn path(&self) -> String {
        format!("/networks/{}", api::escape(&self.name))
    }

    fn subject(&self) -> String {
        format!("network {}", self.name)
    }

    fn driver(&self) -> &str {
        if self.config_only == Some(true) { "null" } else { &self.driver }
    }

    fn check(&self) -> Result<(), Halt> {
        for pool in self.ipam_config.iter().flatten() {
            let subnet = pool.subnet.as_deref().unwrap_or("None");
            if !compare::is_cidr(subnet) {
                return fail(format!("\"{subnet}\" is not a valid CIDR"));
            }
        }
        Ok(())
    }

    fn disconnect(&self, engine: &Engine<'_>, name: &str) -> crate::wire::Change {
        let body = json!({"Container": name, "Force": true});
        api::change(engine.post(&format!("{}/disconnect", self.path()), Some(&body)))
    }

    fn remove(&self, engine: &Engine<'_>, found: Option<&Json>) -> Plan {
        let Some(found) = found else {
            let why = format!("there is no network {}", self.name);
            return Plan::nothing(why).with("actions", Value::list([]));
        };
        let (mut plan, mut actions, mut shown) = self.removal(engine, found);
        shown.add("state", "present", "absent");
        if let Some(last) = plan.changes.last_mut() {
            last.change.effects.push(engine.will_answer(&self.path(), None));
        }
        actions.push(format!("Removed network {}", self.name).into());
        plan.summary = format!("remove network {}", self.name);
        plan.diffs = shown.shown(&self.subject());
        plan.with("actions", Value::list(actions))
    }

    /// All are disconnected and the network goes.
    fn removal(&self, engine: &Engine<'_>, found: &Json) -> (Plan, Vec<Value>, Differences) {
        let (mut plan, mut actions, mut shown) = (Plan::default(), Vec::new(), Differences::default());
        for name in members(found) {
            plan = plan.change(self.disconnect(engine, name));
            actions.push(format!("Disconnected container {name}").into());
            shown.add(format!("connected.{name}"), "yes", "no");
        }
        (plan.change(api::change(engine.delete(&self.path()))), actions, shown)
    }

    fn keep(&self, engine: &Engine<'_>, found: Option<Json>) -> Result<Plan, Halt> {
        let labels = api::labels(&self.labels)?;
        let options = api::object(&self.driver_options, api::plain);
        let differences = found.as_ref().map(|found| self.differences(found, &options, &labels));
        let differs = differences.as_ref().is_some_and(|all| !all.is_empty());
        let anew = found.is_some() && (self.force || differs);
        let was: Vec<String> = found.iter().flat_map(|found| members(found)).map(str::to_owned).collect();
        let wanted = if self.connected.is_empty() { was.clone() } else { self.connected.clone() };
        let (mut plan, mut actions, mut shown) = (Plan::default(), Vec::new(), Differences::default());
        let mut network = found.clone().unwrap_or_default();
        if let (Some(found), true) = (&found, anew) {
            let (removal, gone, _) = self.removal(engine, found);
            (plan, actions) = (removal, gone);
            actions.push(format!("Removed network {}", self.name).into());
        }
        if found.is_none() || anew {
            let body = self.body(&options, &labels);
            plan = plan.change(api::change(engine.post("/networks/create", Some(&body))));
            let (name, driver) = (&self.name, self.driver());
            actions.push(format!("Created network {name} with driver {driver}").into());
            network = self.predicted(&body);
            if found.is_none() {
                shown.add("state", "absent", "present");
                shown.add("driver", "", driver);
                self.differences(&json!({}), &options, &labels)
                    .0
                    .into_iter()
                    .filter(|(name, ..)| name != "driver")
                    .for_each(|(name, is, wanted)| shown.add(name, is, wanted));
            }
        }
        let now: Vec<&str> = members(&network);
        for name in wanted.iter().filter(|name| !now.contains(&name.as_str())) {
            let is_new = self.connected.contains(name);
            let container = if is_new { engine.look(&container_path(name))? } else { Some(Json::Null) };
            if container.is_none() {
                continue;
            }
            let body = json!({"Container": name, "EndpointConfig": null});
            plan = plan.change(api::change(engine.post(&format!("{}/connect", self.path()), Some(&body))));
            actions.push(format!("Connected container {name}").into());
            if !was.contains(name) {
                shown.add(format!("connected.{name}"), "no", "yes");
            }
        }
        if !self.appends {
            for name in now.iter().filter(|name| !wanted.iter().any(|wanted| wanted == *name)) {
                plan = plan.change(self.disconnect(engine, name));
                actions.push(format!("Disconnected container {name}").into());
                shown.add(format!("connected.{name}"), "yes", "no");
            }
        }
        for (name, is, wanted) in differences.unwrap_or_default().0 {
            shown.add(name, is, wanted);
        }
        if anew && shown.is_empty() {
            shown.add("state", "present", "made anew");
        }
        self.predict_members(&mut network, &actions);
        plan.summary = match (found.is_some(), anew, plan.changes.is_empty()) {
            (false, ..) => format!("create network {}", self.name),
            (_, true, _) => format!("make network {} anew", self.name),
            (_, _, true) => "there already".to_owned(),
            _ => format!("connect containers of network {}", self.name),
        };
        plan.diffs = shown.shown(&self.subject());
        if let Some(last) = plan.changes.last_mut() {
            last.change.effects.push(engine.will_answer(&self.path(), Some(&network)));
        }
        if engine.view().context().check_mode || self.docker.debug {
            plan = plan.with("actions", Value::list(actions));
        }
        Ok(plan.with("network", Value::from_json(&network)))
    }

    /// Who is in the network after these actions.
    fn predict_members(&self, network: &mut Json, actions: &[Value]) {
        let Some(fields) = network.as_object_mut() else { return };
        let all = fields.entry("Containers").or_insert_with(|| json!({}));
        let Some(all) = all.as_object_mut() else { return };
        for action in actions.iter().filter_map(Value::as_str) {
            if let Some(name) = action.strip_prefix("Connected container ") {
                all.insert(format!("predicted-{name}"), json!({"Name": name}));
            } else if let Some(name) = action.strip_prefix("Disconnected container ") {
                let connected_again = format!("Connected container {name}");
                if !actions.iter().any(|action| action.as_str() == Some(&connected_again)) {
                    all.retain(|_, entry| entry.get("Name").and_then(Json::as_str) != Some(name));
                }
            }
        }
    }
}
