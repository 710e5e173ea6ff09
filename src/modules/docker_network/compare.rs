//! What a network is like, against what it shall be.

use serde_json::{Value as Json, json};

use super::{DockerNetworkParams, Pool};
use crate::modules::docker::{Differences, api};

/// Whether a text is a network's address with its prefix, as far as the original looks.
pub fn is_cidr(text: &str) -> bool {
    let Some((address, prefix)) = text.split_once('/') else { return false };
    let length: Option<u8> = prefix.parse().ok().filter(|_| prefix.bytes().all(|b| b.is_ascii_digit()));
    let is_v4 = address.split('.').count() == 4
        && address
            .split('.')
            .all(|part| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()));
    let is_v6 = address.contains(':') && address.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':');
    length.is_some_and(|length| is_v4 && length <= 32 || is_v6 && length <= 128)
}

/// The original's name of an entry of a pool.
fn told(key: &str) -> String {
    if key == "AuxiliaryAddresses" { "aux_addresses".to_owned() } else { key.to_lowercase() }
}

impl DockerNetworkParams {
    /// How the network that is there differs.
    pub(super) fn differences(&self, found: &Json, options: &Json, labels: &Json) -> Differences {
        let mut all = Differences::default();
        let text = |pointer: &str| found.pointer(pointer).and_then(Json::as_str).unwrap_or_default();
        let mut compare = |name: &str, wanted: Option<&str>, is: &str| {
            if let Some(wanted) = wanted.filter(|wanted| *wanted != is) {
                all.add(name, is, wanted);
            }
        };
        compare("config_from", self.config_from.as_deref(), text("/ConfigFrom/Network"));
        compare("driver", Some(self.driver()).filter(|driver| !driver.is_empty()), text("/Driver"));
        compare("ipam_driver", self.ipam_driver.as_deref(), text("/IPAM/Driver"));
        compare("scope", self.scope.map(super::NetworkScope::text), text("/Scope"));
        let flags = [
            ("config_only", self.config_only, "ConfigOnly"),
            ("enable_ipv4", self.enable_ipv4, "EnableIPv4"),
            ("enable_ipv6", self.enable_ipv6, "EnableIPv6"),
            ("internal", self.internal, "Internal"),
            ("attachable", self.attachable, "Attachable"),
            ("ingress", self.ingress, "Ingress"),
        ];
        for (name, wanted, field) in flags {
            let is = found.get(field).and_then(Json::as_bool).unwrap_or(false);
            if let Some(wanted) = wanted.filter(|wanted| *wanted != is) {
                all.add(name, is, wanted);
            }
        }
        for (name, field, wanted) in [("driver_options", "Options", options), ("labels", "Labels", labels)] {
            for (key, value) in wanted.as_object().into_iter().flatten() {
                let is = found.get(field).and_then(|found| found.get(key)).cloned().unwrap_or_default();
                if is != *value {
                    all.add(format!("{name}.{key}"), is, value.clone());
                }
            }
        }
        if let Some(wanted) = &self.ipam_driver_options {
            let wanted = api::object(wanted, api::plain);
            let is = found.pointer("/IPAM/Options").filter(|is| !is.is_null()).cloned();
            let is = is.unwrap_or_else(|| json!({}));
            if is != wanted {
                all.add("ipam_driver_options", is, wanted);
            }
        }
        self.pools(found, &mut all);
        all
    }

    fn pools(&self, found: &Json, all: &mut Differences) {
        let there = found.pointer("/IPAM/Config").and_then(Json::as_array).cloned().unwrap_or_default();
        for (at, pool) in self.ipam_config.iter().flatten().enumerate() {
            let wanted = pool.wanted();
            let entries = wanted.as_object().cloned().unwrap_or_default();
            let fits = |pool: &&Json| entries.iter().all(|(key, value)| pool.get(key) == Some(value));
            if there.iter().any(|pool| fits(&pool)) {
                continue;
            }
            for (key, value) in entries {
                let is = there.get(at).and_then(|pool| pool.get(&key)).cloned().unwrap_or_default();
                if is != value {
                    all.add(format!("ipam_config[{at}].{}", told(&key)), is, value);
                }
            }
        }
    }

    /// What the Engine is given to make it.
    pub(super) fn body(&self, options: &Json, labels: &Json) -> Json {
        let mut body = json!({
            "Name": self.name, "Driver": self.driver(), "Options": options, "IPAM": null, "Labels": labels,
        });
        let pools: Vec<Json> = self.ipam_config.iter().flatten().map(Pool::wanted).collect();
        let ipam_options = self.ipam_driver_options.as_ref().map(|all| api::object(all, api::plain));
        let has_ipam = self.ipam_driver.is_some() || ipam_options.is_some() || !pools.is_empty();
        let ipam = json!({"Driver": self.ipam_driver, "Config": pools, "Options": ipam_options});
        let parts = [
            ("IPAM", has_ipam.then_some(ipam)),
            ("ConfigOnly", self.config_only.map(Json::from)),
            ("ConfigFrom", self.config_from.as_ref().map(|name| json!({"Network": name}))),
            ("EnableIPv4", self.enable_ipv4.map(Json::from)),
            ("EnableIPv6", self.enable_ipv6.map(Json::from)),
            ("Internal", self.internal.filter(|on| *on).map(Json::from)),
            ("Scope", self.scope.map(|scope| Json::from(scope.text()))),
            ("Attachable", self.attachable.map(Json::from)),
            ("Ingress", self.ingress.map(Json::from)),
        ];
        if let Some(fields) = body.as_object_mut() {
            fields.extend(parts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        }
        body
    }

    /// How it will be inspected once it is made.
    pub(super) fn predicted(&self, body: &Json) -> Json {
        let mut network = body.clone();
        let defaults = [
            ("Scope", json!("local")),
            ("EnableIPv6", json!(false)),
            ("Internal", json!(false)),
            ("Attachable", json!(false)),
            ("Ingress", json!(false)),
            ("ConfigFrom", json!({"Network": ""})),
            ("ConfigOnly", json!(false)),
            ("Containers", json!({})),
        ];
        if let Some(fields) = network.as_object_mut() {
            for (name, value) in defaults {
                fields.entry(name).or_insert(value);
            }
        }
        if let Some(fields) = network.as_object_mut() {
            let ipam = fields.entry("IPAM").or_insert(Json::Null);
            if ipam.is_null() {
                *ipam = json!({"Driver": "default", "Options": null, "Config": []});
            }
            if let Some(driver) = ipam.get_mut("Driver").filter(|driver| driver.is_null()) {
                *driver = json!("default");
            }
        }
        network
    }
}
