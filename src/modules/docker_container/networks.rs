//! `networks`: those that the container is connected to, and how.

use serde_json::{Map as JsonMap, Value as Json, json};

use super::parameters::DockerContainerParams;
use crate::base::Value;
use crate::modules::contract::{Halt, fail};
use crate::modules::docker::options::Entries;
use crate::modules::docker::{Comparison, Engine, Kind, api, differences};
use crate::modules::params::ParamValue;

/// One of `networks`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Its name.
    pub name: String,
    ipv4_address: Option<String>,
    ipv6_address: Option<String>,
    aliases: Option<Vec<String>>,
    links: Option<Vec<String>>,
    mac_address: Option<String>,
}

impl ParamValue for Network {
    const KIND: &'static str = "dict";
    fn read(value: &Value) -> Result<Self, String> {
        let known = ["name", "ipv4_address", "ipv6_address", "aliases", "links", "mac_address"];
        let given = Entries::of(value, &known)?;
        Ok(Self {
            name: given.need("name")?,
            ipv4_address: given.get("ipv4_address")?,
            ipv6_address: given.get("ipv6_address")?,
            aliases: given.get("aliases")?,
            links: given.get("links")?,
            mac_address: given.get::<String>("mac_address")?.map(|mac| mac.replace('-', ":")),
        })
    }
}

/// The path of a network.
pub fn path(name: &str) -> String {
    format!("/networks/{}", api::escape(name))
}

/// A network that must be there.
pub fn look(engine: &Engine<'_>, name: &str) -> Result<Json, Halt> {
    match engine.look(&path(name))? {
        Some(network) => Ok(network),
        None => fail(format!("Parameter error: network named {name} could not be found. Does it exist?")),
    }
}

impl Network {
    fn links(&self) -> Vec<String> {
        let link = |link: &String| if link.contains(':') { link.clone() } else { format!("{link}:{link}") };
        self.links.iter().flatten().map(link).collect()
    }

    /// How it is connected, as the Engine takes it.
    pub fn endpoint(&self) -> Json {
        let mut endpoint = JsonMap::new();
        let addresses = [("IPv4Address", &self.ipv4_address), ("IPv6Address", &self.ipv6_address)];
        let addresses: JsonMap<String, Json> = addresses
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value.as_deref()?.into())))
            .collect();
        if !addresses.is_empty() {
            endpoint.insert("IPAMConfig".to_owned(), addresses.into());
        }
        if let Some(aliases) = self.aliases.as_ref().filter(|all| !all.is_empty()) {
            endpoint.insert("Aliases".to_owned(), aliases.clone().into());
        }
        if self.links.as_ref().is_some_and(|all| !all.is_empty()) {
            endpoint.insert("Links".to_owned(), self.links().into());
        }
        if let Some(mac) = &self.mac_address {
            endpoint.insert("MacAddress".to_owned(), mac.as_str().into());
        }
        endpoint.into()
    }

    /// What differs where it is connected: option, what is, what shall be.
    pub fn differences(&self, connected: &Json) -> Vec<(&'static str, Json, Json)> {
        let mut all = Vec::new();
        let at = |pointer: &str| connected.pointer(pointer).cloned().unwrap_or_default();
        let values = [
            ("ipv4_address", &self.ipv4_address, "/IPAMConfig/IPv4Address"),
            ("ipv6_address", &self.ipv6_address, "/IPAMConfig/IPv6Address"),
            ("mac_address", &self.mac_address, "/MacAddress"),
        ];
        for (name, wanted, pointer) in values {
            if let Some(wanted) =
                wanted.as_deref().filter(|wanted| !wanted.is_empty() && at(pointer) != **wanted)
            {
                all.push((name, at(pointer), wanted.into()));
            }
        }
        let lists = [
            ("aliases", self.aliases.clone().unwrap_or_default(), "/Aliases"),
            ("links", self.links(), "/Links"),
        ];
        for (name, wanted, pointer) in lists {
            let wanted = Json::from(wanted);
            let is = at(pointer);
            let more = Comparison::AllowMorePresent;
            if wanted.as_array().is_some_and(|all| !all.is_empty())
                && !differences::matches(&wanted, &is, more, Kind::Set)
            {
                all.push((name, is, wanted));
            }
        }
        all
    }
}

impl DockerContainerParams {
    /// The network namespace that is asked for, if any.
    pub(super) fn network_mode(&self, engine: &Engine<'_>) -> Result<Option<String>, Halt> {
        if let Some(mode) = &self.network_mode {
            return namespace(engine, mode).map(Some);
        }
        let first =
            self.networks.as_ref().and_then(|all| all.first()).filter(|_| self.networks_cli_compatible);
        Ok(first.map(|network| network.name.clone()))
    }
}

/// A namespace that may be another container's, which goes by its id.
pub fn namespace(engine: &Engine<'_>, mode: &str) -> Result<String, Halt> {
    let Some(name) = mode.strip_prefix("container:") else { return Ok(mode.to_owned()) };
    let found = engine.look(&super::container_path(name))?;
    let id = found.as_ref().and_then(|found| found.get("Id")).and_then(Json::as_str);
    Ok(id.map_or_else(|| mode.to_owned(), |id| format!("container:{id}")))
}

/// The networks of a container, by name.
pub fn connected(container: &Json) -> JsonMap<String, Json> {
    let found = container.pointer("/NetworkSettings/Networks").and_then(Json::as_object);
    found.cloned().unwrap_or_default()
}

/// How a container without networks of its own is connected.
pub fn default_networks(mode: &str) -> Json {
    match mode {
        "none" | "host" => json!({mode: {}}),
        mode if mode.starts_with("container:") => json!({}),
        "" | "default" => json!({"bridge": {}}),
        mode => json!({mode: {}}),
    }
}
