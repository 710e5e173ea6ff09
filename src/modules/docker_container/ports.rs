//! `published_ports` and `exposed_ports`.

use serde_json::{Map as JsonMap, Value as Json, json};

use super::networks;
use super::parameters::DockerContainerParams;
use super::settings::{Place, Setting, Settings};
use crate::modules::contract::{Halt, fail};
use crate::modules::docker::{Engine, Kind};

/// One port that is published: the container's with its protocol, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Published {
    container: u32,
    protocol: String,
    /// `None`: where the defaults say.
    address: Option<String>,
    /// Empty: Docker chooses.
    port: String,
}

fn range(text: &str) -> Result<Vec<u32>, Halt> {
    let invalid = || fail(format!("Invalid port range: \"{text}\""));
    match text.split_once('-') {
        Some((start, end)) => match (start.parse::<u32>(), end.parse::<u32>()) {
            (Ok(start), Ok(end)) if end >= start && end <= 65535 => Ok((start..=end).collect()),
            _ => invalid(),
        },
        None => match text.parse() {
            Ok(port) => Ok(vec![port]),
            Err(_) => fail(format!("Invalid port: \"{text}\"")),
        },
    }
}

/// The parts between colons; what is in brackets is one.
fn split(text: &str) -> Result<Vec<String>, Halt> {
    let (mut parts, mut inside) = (vec![String::new()], false);
    for c in text.chars() {
        match c {
            ':' if !inside => {
                parts.push(String::new());
                continue;
            }
            '[' => inside = true,
            ']' => inside = false,
            _ => {}
        }
        if let Some(last) = parts.last_mut() {
            last.push(c);
        }
    }
    if inside {
        let at = text.find('[').map_or(0, |at| at + 1);
        return fail(format!(
            "Cannot find closing \"]\" in input \"{text}\" for opening \"[\" at index {at}!"
        ));
    }
    Ok(parts)
}

fn is_ipv4(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() == 4 && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

fn bind_address(text: &str) -> Result<String, Halt> {
    if is_ipv4(text) {
        return Ok(text.to_owned());
    }
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_v6 = |inner: &str| {
        let (address, zone) = inner.split_once('%').unwrap_or((inner, ""));
        !address.is_empty()
            && address.bytes().all(|b| b.is_ascii_hexdigit() || b == b':')
            && !zone.contains([']', '/'])
    };
    match inner {
        Some(inner) if is_v6(inner) => {
            Ok(if inner.contains('%') { text.to_owned() } else { inner.to_owned() })
        }
        _ => fail(format!(
            "Bind addresses for published ports must be IPv4 or IPv6 addresses, not hostnames. Use the dig lookup to \
             resolve hostnames. (Found hostname: {text})"
        )),
    }
}

fn published(text: &str) -> Result<Vec<Published>, Halt> {
    let parts = split(text)?;
    let Some((last, before)) = parts.split_last() else { return Ok(Vec::new()) };
    let (ports, protocol) = last.split_once('/').unwrap_or((last, ""));
    let ports = range(ports)?;
    let on_host = |port: &str| -> Result<Vec<String>, Halt> {
        if ports.len() == 1 {
            return Ok(vec![port.to_owned()]);
        }
        Ok(range(port)?.into_iter().map(|port| port.to_string()).collect())
    };
    let (address, on_host) = match before {
        [] => (None, vec![String::new(); ports.len()]),
        [port] => (None, on_host(port)?),
        [address, port] => {
            let ports = if port.is_empty() { vec![String::new(); ports.len()] } else { on_host(port)? };
            (Some(bind_address(address)?), ports)
        }
        _ => {
            return fail(format!(
                "Invalid port description \"{text}\" - expected 1 to 3 colon-separated parts, but got {}. Maybe you forgot \
                 to use square brackets ([...]) around an IPv6 address?",
                parts.len()
            ));
        }
    };
    let protocol = if protocol.is_empty() { "tcp" } else { protocol };
    let all = ports.iter().zip(on_host).map(|(container, port)| Published {
        container: *container,
        protocol: protocol.to_owned(),
        address: address.clone(),
        port,
    });
    Ok(all.collect())
}

/// Ports of the container as they are exposed: `80`, `8000-8010`, with a protocol.
fn exposed(params: &DockerContainerParams, published: &[Published]) -> Vec<(String, String)> {
    let given = params.exposed_ports.iter().flatten().map(|text| {
        let (port, protocol) = text.trim().split_once('/').unwrap_or((text.trim(), "tcp"));
        (port.to_owned(), protocol.to_owned())
    });
    let mut all: Vec<(String, String)> = given.collect();
    for Published { container, protocol, .. } in published {
        let covers = |(port, known): &(String, String)| {
            known == protocol && range(port).is_ok_and(|ports| ports.contains(container))
        };
        if !all.iter().any(covers) {
            all.push((container.to_string(), protocol.clone()));
        }
    }
    all
}

impl Settings<'_> {
    /// What is published and exposed.
    pub(super) fn ports(&mut self, params: &DockerContainerParams, engine: &Engine<'_>) -> Result<(), Halt> {
        let mut all: Vec<Published> = Vec::new();
        for text in params.published_ports.iter().flatten() {
            if text == "all" {
                return fail(
                    "Specifying \"all\" in published_ports is no longer allowed. Set publish_all_ports to \"true\" instead \
                     to randomly assign port mappings for those not specified by published_ports.",
                );
            }
            all.extend(published(text)?);
        }
        if all.iter().any(|port| port.address.is_none()) {
            let address = default_address(params, engine)?;
            for port in all.iter_mut().filter(|port| port.address.is_none()) {
                port.address = Some(address.clone());
            }
        }
        if params.published_ports.is_some() {
            let mut bindings = JsonMap::new();
            for port in &all {
                let key = format!("{}/{}", port.container, port.protocol);
                let binds = bindings.entry(key).or_insert_with(|| json!([]));
                if let Some(binds) = binds.as_array_mut() {
                    binds.push(json!({"HostIp": port.address, "HostPort": port.port}));
                }
            }
            let bindings = Json::Object(bindings);
            self.add(Setting {
                expected: Some(bindings.clone()),
                found: self.host("PortBindings"),
                sent: vec![(Place::Host("PortBindings"), bindings)],
                ..Setting::new("published_ports", Kind::Map)
            });
        }
        let keys = |json: Option<Json>| -> Vec<String> {
            let all = json.as_ref().and_then(Json::as_object).cloned().unwrap_or_default();
            all.into_iter()
                .map(|(key, _)| if key.contains('/') { key } else { format!("{key}/tcp") })
                .collect()
        };
        let mut ours: Vec<String> = Vec::new();
        for (ports, protocol) in exposed(params, &all) {
            // each port of a range by itself, as the Engine has them
            ours.extend(range(&ports)?.into_iter().map(|port| format!("{port}/{protocol}")));
        }
        let mut expected = keys(self.image.and_then(|image| image.pointer("/Config/ExposedPorts")).cloned());
        for port in &ours {
            if !expected.contains(port) {
                expected.push(port.clone());
            }
        }
        let sent = Json::Object(ours.into_iter().map(|port| (port, json!({}))).collect());
        self.add(Setting {
            expected: Some(Json::from(expected)),
            found: Json::from(keys(Some(self.config("ExposedPorts")))),
            sent: vec![(Place::Config("ExposedPorts"), sent)],
            ..Setting::new("exposed_ports", Kind::Set)
        });
        let publishes = params.publish_all_ports;
        self.add(Setting {
            expected: publishes.map(Json::from),
            found: self.host("PublishAllPorts"),
            sent: publishes
                .filter(|on| *on)
                .map(|on| (Place::Host("PublishAllPorts"), on.into()))
                .into_iter()
                .collect(),
            ..Setting::new("publish_all_ports", Kind::Value)
        });
        Ok(())
    }
}

/// The address that ports are published on which name none.
fn default_address(params: &DockerContainerParams, engine: &Engine<'_>) -> Result<String, Halt> {
    if let Some(address) = &params.default_host_ip {
        let inner = address.trim_start_matches('[').trim_end_matches(']');
        let is_v6 = inner.contains(':') && inner.bytes().all(|b| b.is_ascii_hexdigit() || b == b':');
        return match address.as_str() {
            "" => Ok(String::new()),
            address if is_ipv4(address) => Ok(address.to_owned()),
            _ if is_v6 => Ok(format!("[{inner}]")),
            _ => fail(format!(
                "The value of default_host_ip must be an empty string, an IPv4 address, or an IPv6 address. Got \
                 \"{address}\" instead."
            )),
        };
    }
    for network in params.networks.iter().flatten() {
        let found = networks::look(engine, &network.name)?;
        let address =
            found.pointer("/Options/com.docker.network.bridge.host_binding_ipv4").and_then(Json::as_str);
        if let Some(address) =
            address.filter(|_| found.get("Driver").is_some_and(|driver| driver == "bridge"))
        {
            return Ok(address.to_owned());
        }
    }
    Ok("0.0.0.0".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_taken_apart() {
        let told = |text: &str| match published(text) {
            Ok(all) => all
                .iter()
                .map(|p| {
                    let address = p.address.as_deref().unwrap_or("*");
                    format!("{address}|{}|{}/{}", p.port, p.container, p.protocol)
                })
                .collect::<Vec<_>>()
                .join(" "),
            Err(_) => "refused".to_owned(),
        };
        let cases = [
            ("80", "*||80/tcp"),
            ("8080:80", "*|8080|80/tcp"),
            ("127.0.0.1:8080:80/udp", "127.0.0.1|8080|80/udp"),
            ("127.0.0.1::80", "127.0.0.1||80/tcp"),
            ("[::1]:8080:80", "::1|8080|80/tcp"),
            ("9000-9001:80-81", "*|9000|80/tcp *|9001|81/tcp"),
            ("9000-9010:80", "*|9000-9010|80/tcp"),
            ("host:80:80", "refused"),
            ("1:2:3:4", "refused"),
            ("9-8", "refused"),
        ];
        for (text, expected) in cases {
            assert_eq!(told(text), expected, "{text}");
        }
    }
}
