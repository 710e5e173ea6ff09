//! Which address belongs to which interface, and which is the main one.

use std::net::{IpAddr, Ipv4Addr};

use indexmap::IndexMap;

use crate::base::{Key, Map, Value};
use crate::map;

use super::netlink::Address;

/// The addresses of all interfaces but the loopback ones.
#[derive(Default)]
pub(super) struct Found {
    /// IPv4.
    pub(super) ipv4: Vec<Value>,
    /// IPv6.
    pub(super) ipv6: Vec<Value>,
}

/// Adds the addresses to their interfaces, and to the default routes what is known about theirs. An IPv4 address
/// with a label of its own is an interface of its own, as Ansible has it.
pub(super) fn add(
    devices: &mut IndexMap<String, Map>,
    addresses: &[Address],
    names: &[(u32, String)],
    default_v4: &mut Map,
    default_v6: &mut Map,
) -> Found {
    let mut found = Found::default();
    let order: Vec<String> = devices.keys().cloned().collect();
    for device in order {
        let index = names.iter().find(|(_, name)| *name == device).map(|(index, _)| *index);
        let own = || addresses.iter().filter(|address| Some(address.interface) == index);
        let primary = own().filter(|address| !address.is_secondary);
        let secondary = own().filter(|address| address.is_secondary);
        for address in primary.chain(secondary) {
            match address.ip {
                IpAddr::V4(ip) => {
                    add_v4(devices, &device, address, ip, default_v4);
                    if ip.octets()[0] != 127 {
                        found.ipv4.push(Value::from(ip.to_string()));
                    }
                }
                IpAddr::V6(ip) => {
                    add_v6(devices, &device, address, default_v6);
                    if !ip.is_loopback() {
                        found.ipv6.push(Value::from(ip.to_string()));
                    }
                }
            }
        }
    }
    found
}

fn add_v4(
    devices: &mut IndexMap<String, Map>,
    device: &str,
    address: &Address,
    ip: Ipv4Addr,
    default_route: &mut Map,
) {
    // a point-to-point address stands alone
    let (prefix, broadcast) = match address.peer {
        Some(_) => (32, None),
        None => (address.prefix, address.broadcast),
    };
    let mask = Ipv4Addr::from(u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0));
    let facts = map! {
        "broadcast" => broadcast.map(|address| address.to_string()).unwrap_or_default(),
        "netmask" => mask.to_string(),
        "network" => (ip & mask).to_string(),
        "prefix" => prefix.to_string(),
    };
    if is_default(default_route, &ip.to_string()) {
        default_route.extend(facts.clone());
        describe_default(default_route, devices.get(device));
        default_route.insert(Key::str("alias"), Value::str(address.label.as_deref().unwrap_or(device)));
    }
    let entry = Value::map(map! {"address" => ip.to_string()}.into_iter().chain(facts).collect());
    let label = address.label.as_deref().unwrap_or(device);
    if label != device {
        let mut alone = Map::new();
        if address.is_secondary {
            alone.insert(Key::str("ipv4_secondaries"), Value::list([entry.clone()]));
            append(devices, device, "ipv4_secondaries", entry);
        } else {
            alone.insert(Key::str("ipv4"), entry);
        }
        devices.insert(label.to_owned(), alone);
        return;
    }
    let known = devices.get_mut(device);
    match known {
        Some(facts) if !address.is_secondary && facts.get("ipv4").is_none() => {
            facts.insert(Key::str("ipv4"), entry);
        }
        _ => append(devices, device, "ipv4_secondaries", entry),
    }
}

fn add_v6(devices: &mut IndexMap<String, Map>, device: &str, address: &Address, default_route: &mut Map) {
    let text = address.ip.to_string();
    let facts = map! {"prefix" => address.prefix.to_string(), "scope" => address.scope.as_str()};
    if is_default(default_route, &text) {
        default_route.extend(facts.clone());
        describe_default(default_route, devices.get(device));
    }
    let entry = Value::map(map! {"address" => text}.into_iter().chain(facts).collect());
    append(devices, device, "ipv6", entry);
}

fn is_default(route: &Map, address: &str) -> bool {
    route.get("address").and_then(Value::as_str) == Some(address)
}

/// What the default route says about its interface.
fn describe_default(route: &mut Map, device: Option<&Map>) {
    let get = |name: &str| device.and_then(|facts| facts.get(name)).cloned();
    route.insert(Key::str("macaddress"), get("macaddress").unwrap_or_else(|| Value::from("")));
    route.extend(get("mtu").map(|mtu| (Key::str("mtu"), mtu)));
    route.insert(Key::str("type"), get("type").unwrap_or_else(|| Value::from("unknown")));
}

fn append(devices: &mut IndexMap<String, Map>, device: &str, name: &str, entry: Value) {
    let facts = devices.entry(device.to_owned()).or_default();
    let before = facts.get(name).and_then(Value::as_list).unwrap_or_default();
    let list = Value::list(before.iter().cloned().chain([entry]));
    facts.insert(Key::str(name), list);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str, prefix: u8, label: Option<&str>, is_secondary: bool) -> Address {
        Address {
            interface: 2,
            ip: text.parse().unwrap(),
            peer: None,
            prefix,
            broadcast: None,
            label: label.map(str::to_owned),
            scope: "global".to_owned(),
            is_secondary,
        }
    }

    #[test]
    fn addresses_find_their_places() {
        let mut devices = IndexMap::from([("eth0".to_owned(), map! {"mtu" => 1500, "type" => "ether"})]);
        let names = [(2, "eth0".to_owned())];
        let mut v4 = map! {"address" => "10.0.0.6"};
        let mut v6 = map! {"address" => "2001:db8::1"};
        let peer = Address {
            peer: Some("10.9.9.9".parse().unwrap()),
            ..address("10.1.1.1", 30, Some("eth0"), false)
        };
        let all = [
            address("10.0.0.5", 24, Some("eth0"), false),
            address("10.0.0.6", 24, Some("eth0"), true),
            address("10.0.0.7", 25, Some("eth0:1"), false),
            address("127.0.0.3", 8, Some("eth0"), true),
            peer,
            address("2001:db8::1", 64, None, false),
        ];
        let found = add(&mut devices, &all, &names, &mut v4, &mut v6);
        let eth0 = &devices["eth0"];
        assert_eq!(eth0.get("ipv4").unwrap().get("address").unwrap(), &Value::from("10.0.0.5"));
        let secondaries: Vec<_> = eth0
            .get("ipv4_secondaries")
            .unwrap()
            .as_list()
            .unwrap()
            .iter()
            .map(|entry| {
                format!(
                    "{}/{}",
                    entry.get("address").unwrap().to_text(),
                    entry.get("prefix").unwrap().to_text()
                )
            })
            .collect();
        assert_eq!(secondaries, ["10.1.1.1/32", "10.0.0.6/24", "127.0.0.3/8"]);
        assert_eq!(
            devices["eth0:1"].get("ipv4").unwrap().to_text(),
            "{'address': '10.0.0.7', 'broadcast': '', 'netmask': '255.255.255.128', 'network': '10.0.0.0', \
             'prefix': '25'}"
        );
        assert_eq!(
            eth0.get("ipv6").unwrap().to_text(),
            "[{'address': '2001:db8::1', 'prefix': '64', 'scope': 'global'}]"
        );
        assert_eq!(
            Value::map(v4).to_text(),
            "{'address': '10.0.0.6', 'broadcast': '', 'netmask': '255.255.255.0', 'network': '10.0.0.0', \
             'prefix': '24', 'macaddress': '', 'mtu': 1500, 'type': 'ether', 'alias': 'eth0'}"
        );
        assert_eq!(
            Value::map(v6).to_text(),
            "{'address': '2001:db8::1', 'prefix': '64', 'scope': 'global', 'macaddress': '', 'mtu': 1500, \
             'type': 'ether'}"
        );
        assert_eq!((found.ipv4.len(), found.ipv6.len()), (4, 1));
    }
}
