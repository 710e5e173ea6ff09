//! `comparisons`: how each option is compared.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::parameters::{DockerContainerParams, LabelMismatch};
use super::settings::{Setting, Settings};
use crate::modules::contract::{Halt, fail};
use crate::modules::docker::{Comparison, Differences, Kind, differences};
use crate::modules::params::Params;

/// The options that are compared and are not single values.
const COLLECTIONS: &[(&str, Kind)] = &[
    ("capabilities", Kind::Set),
    ("cap_drop", Kind::Set),
    ("command", Kind::List),
    ("entrypoint", Kind::List),
    ("devices", Kind::Maps),
    ("device_read_bps", Kind::Maps),
    ("device_write_bps", Kind::Maps),
    ("device_read_iops", Kind::Maps),
    ("device_write_iops", Kind::Maps),
    ("device_requests", Kind::Maps),
    ("device_cgroup_rules", Kind::List),
    ("dns_servers", Kind::List),
    ("dns_opts", Kind::Set),
    ("dns_search_domains", Kind::List),
    ("env", Kind::Set),
    ("etc_hosts", Kind::Set),
    ("exposed_ports", Kind::Set),
    ("groups", Kind::Set),
    ("healthcheck", Kind::Map),
    ("labels", Kind::Map),
    ("links", Kind::Set),
    ("log_options", Kind::Map),
    ("mounts", Kind::Maps),
    ("networks", Kind::Maps),
    ("published_ports", Kind::Map),
    ("security_opts", Kind::Set),
    ("storage_opts", Kind::Map),
    ("sysctls", Kind::Map),
    ("tmpfs", Kind::Map),
    ("ulimits", Kind::Maps),
    ("volumes", Kind::Set),
    ("volumes_from", Kind::Set),
];

/// Options that say how a task works, not what a container is like.
const NOT_COMPARED: &[&str] = &[
    "name",
    "state",
    "image_comparison",
    "image_label_mismatch",
    "image_name_mismatch",
    "pull",
    "pull_check_mode_behavior",
    "comparisons",
    "container_default_behavior",
    "command_handling",
    "default_host_ip",
    "recreate",
    "restart",
    "force_kill",
    "kill_signal",
    "keep_volumes",
    "networks_cli_compatible",
    "removal_wait_timeout",
    "healthy_wait_timeout",
    "cleanup",
    "output_logs",
    "paused",
    "env_file",
    "docker_host",
    "tls_hostname",
    "api_version",
    "timeout",
    "ca_path",
    "client_cert",
    "client_key",
    "tls",
    "use_ssh_client",
    "validate_certs",
    "debug",
];

fn kind(option: &str) -> Kind {
    COLLECTIONS.iter().find(|(name, _)| *name == option).map_or(Kind::Value, |(_, kind)| *kind)
}

/// How options are compared.
pub struct Comparisons {
    given: HashMap<&'static str, Comparison>,
    all: Option<Comparison>,
    names_networks: bool,
}

impl Comparisons {
    /// What the parameters say.
    ///
    /// # Errors
    /// If an option or a comparison is not known.
    pub fn of(params: &DockerContainerParams) -> Result<Self, Halt> {
        let mut comparisons =
            Self { given: HashMap::new(), all: None, names_networks: params.networks.is_some() };
        let fields = DockerContainerParams::fields();
        for (key, value) in params.comparisons.iter().flatten() {
            let (key, mode) = (key.to_value().to_text(), value.to_text());
            let comparison = match mode.as_str() {
                "strict" => Comparison::Strict,
                "ignore" => Comparison::Ignore,
                "allow_more_present" if key != "*" => Comparison::AllowMorePresent,
                _ if key == "*" => {
                    return fail(
                        "The wildcard can only be used with comparison modes 'strict' and 'ignore'!",
                    );
                }
                _ => return fail(format!("Unknown comparison mode '{mode}'!")),
            };
            if key == "*" {
                comparisons.all = Some(comparison);
                continue;
            }
            let field = fields.iter().find(|f| f.name == key || f.aliases.contains(&key.as_str()));
            let Some(field) = field.filter(|field| !NOT_COMPARED.contains(&field.name)) else {
                return fail(format!("Unknown module option '{key}' in comparisons dict!"));
            };
            if comparison == Comparison::AllowMorePresent && kind(field.name) == Kind::Value {
                return fail(format!(
                    "Option '{key}' is a value and not a set/list/dict, so its comparison cannot be {mode}"
                ));
            }
            if comparisons.given.insert(field.name, comparison).is_some() {
                return fail(format!("Both '{key}' and '{}' are specified in comparisons dict!", field.name));
            }
        }
        Ok(comparisons)
    }

    /// How an option is compared.
    pub fn get(&self, option: &str) -> Comparison {
        let option = if option == "volume_binds" { "volumes" } else { option };
        if let Some(given) = self.given.get(option) {
            return *given;
        }
        // networks are looked at only where some are named
        if let Some(all) = self.all.filter(|_| option != "networks" || self.names_networks) {
            return all;
        }
        match kind(option) {
            _ if option == "stop_timeout" => Comparison::Ignore,
            Kind::Value | Kind::List => Comparison::Strict,
            _ => Comparison::AllowMorePresent,
        }
    }
}

/// What differs: what can only be had by a new container, and what can be changed.
#[derive(Debug, Default)]
pub struct Compared {
    /// Only by a new container.
    pub fixed: Differences,
    /// Can be changed.
    pub updatable: Differences,
}

impl Settings<'_> {
    /// Compares all options.
    ///
    /// # Errors
    /// Labels of the image would have to go, and `image_label_mismatch` is `fail`.
    pub fn compare(
        &self,
        params: &DockerContainerParams,
        comparisons: &Comparisons,
    ) -> Result<Compared, Halt> {
        let mut all = Compared::default();
        for setting in &self.all {
            let Setting { name, kind, expected, found, sent: _, update: _, updatable } = setting;
            let Some(expected) = expected else { continue };
            let comparison = comparisons.get(name);
            if differences::matches(expected, found, comparison, *kind) {
                continue;
            }
            if *name == "labels" && comparison == Comparison::Strict {
                self.may_remove_labels(params)?;
            }
            let found =
                if comparison == Comparison::Strict { found.clone() } else { named(expected, found, *kind) };
            let target = if *updatable { &mut all.updatable } else { &mut all.fixed };
            target.add(*name, found, expected.clone());
        }
        Ok(all)
    }

    fn may_remove_labels(&self, params: &DockerContainerParams) -> Result<(), Halt> {
        if params.image_label_mismatch != LabelMismatch::Fail {
            return Ok(());
        }
        let of_image = self.image.and_then(|image| image.pointer("/Config/Labels")).and_then(Json::as_object);
        let named = |label: &str| params.labels.as_ref().is_some_and(|all| all.get(label).is_some());
        let gone: Vec<String> = of_image
            .into_iter()
            .flatten()
            .filter(|(label, _)| !named(label))
            .map(|(label, _)| format!("\"{label}\""))
            .collect();
        if gone.is_empty() {
            return Ok(());
        }
        fail(format!(
            "Some labels should be removed but are present in the base image. You can set image_label_mismatch to 'ignore' \
             to ignore this error. Labels: {}",
            gone.join(", ")
        ))
    }
}

/// Of what is there, what is named: more may be present and is not shown as going away.
fn named(expected: &Json, found: &Json, kind: Kind) -> Json {
    match (kind, expected, found) {
        (Kind::Set, Json::Array(expected), Json::Array(found)) => {
            let key = |entry: &Json| {
                let text = entry.as_str().unwrap_or_default();
                text.split_once('=').map(|(name, _)| name.to_owned())
            };
            let is_named = |entry: &&Json| {
                expected.contains(entry)
                    || key(entry).is_some_and(|k| expected.iter().any(|e| key(e).as_deref() == Some(&k)))
            };
            found.iter().filter(is_named).cloned().collect()
        }
        _ => found.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_that_is_named_is_a_parameter() {
        let fields = DockerContainerParams::fields();
        for name in COLLECTIONS.iter().map(|(name, _)| *name).chain(NOT_COMPARED.iter().copied()) {
            assert!(fields.iter().any(|field| field.name == name), "{name}");
        }
    }
}
