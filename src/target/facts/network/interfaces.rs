//! Interfaces as sysfs shows them.

use indexmap::IndexMap;

use crate::base::{Key, Map, Value};

use super::System;

const NET: &str = "/sys/class/net";

/// The interfaces by name, in alphabetical order, without their addresses.
pub(super) fn read(system: &System) -> IndexMap<String, Map> {
    let names = system.names(NET);
    let is_interface = |name: &String| system.is_dir(format!("{NET}/{name}"));
    names.into_iter().filter(is_interface).map(|name| (name.clone(), interface(system, &name))).collect()
}

/// The interfaces' numbers, by which the kernel names them in addresses and routes.
pub(super) fn names_by_index(system: &System) -> Vec<(u32, String)> {
    let index = |name: &String| system.text(format!("{NET}/{name}/ifindex"))?.parse().ok();
    system.names(NET).into_iter().filter_map(|name| Some((index(&name)?, name))).collect()
}

fn interface(system: &System, name: &str) -> Map {
    const PROMISCUOUS: i64 = 0x100;
    let path = |file: &str| format!("{NET}/{name}/{file}");
    let text = |file: &str| system.text(path(file));
    let mut facts = Map::new();
    let mut add = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            facts.insert(Key::str(key), value);
        }
    };
    add("device", Some(Value::str(name)));
    add("macaddress", text("address").filter(|address| address != "00:00:00:00:00:00").map(Value::from));
    add("mtu", system.integer(path("mtu")).map(Value::from));
    add("active", text("operstate").map(|state| Value::Bool(state != "down")));
    add("module", system.link_name(path("device/driver/module")).map(Value::from));
    add("type", text("type").map(|number| Value::from(kind(&number))));
    if system.exists(path("bridge")) {
        add("type", Some(Value::from("bridge")));
        add("interfaces", Some(Value::list(system.names(path("brif")).into_iter().map(Value::from))));
        add("id", text("bridge/bridge_id").map(Value::from));
        add("stp", text("bridge/stp_state").map(|state| Value::Bool(state == "1")));
    }
    if system.exists(path("bonding")) {
        let first_word = |file: &str| {
            let text = system.text(path(file)).unwrap_or_default();
            Some(Value::str(text.split_whitespace().next().unwrap_or_default()))
        };
        let slaves = text("bonding/slaves").unwrap_or_default();
        add("type", Some(Value::from("bonding")));
        add("slaves", Some(Value::list(slaves.split_whitespace().map(Value::str))));
        add("mode", first_word("bonding/mode"));
        add("miimon", first_word("bonding/miimon"));
        add("lacp_rate", first_word("bonding/lacp_rate"));
        if let Some(primary) = text("bonding/primary") {
            add("primary", Some(Value::from(primary)));
            add(
                "all_slaves_active",
                text("bonding/all_slaves_active").map(|state| Value::Bool(state == "1")),
            );
        }
    }
    if system.exists(path("bonding_slave")) {
        let address = text("bonding_slave/perm_hwaddr").unwrap_or_default();
        add("perm_macaddress", Some(Value::from(address)));
    }
    add("pciid", system.link_name(path("device")).map(Value::from));
    add("speed", system.integer(path("speed")).map(Value::from));
    let flags = text("flags").and_then(|flags| i64::from_str_radix(flags.trim_start_matches("0x"), 16).ok());
    add("promisc", flags.map(|flags| Value::Bool(flags & PROMISCUOUS != 0)));
    facts
}

/// Ansible's names for hardware types (`ARPHRD_*`).
fn kind(number: &str) -> &'static str {
    match number {
        "1" => "ether",
        "32" => "infiniband",
        "512" => "ppp",
        "772" => "loopback",
        "65534" => "tunnel",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::facts::tests::machine;

    #[test]
    fn interfaces_of_three_kinds() {
        let machine = machine(&[
            ("sys/class/net/eth0/address", "02:00:00:00:00:01\n"),
            ("sys/class/net/eth0/mtu", "1500\n"),
            ("sys/class/net/eth0/operstate", "up\n"),
            ("sys/class/net/eth0/type", "1\n"),
            ("sys/class/net/eth0/speed", "-1\n"),
            ("sys/class/net/eth0/flags", "0x1103\n"),
            ("sys/class/net/eth0/ifindex", "2\n"),
            ("sys/class/net/br0/type", "1\n"),
            ("sys/class/net/br0/operstate", "down\n"),
            ("sys/class/net/br0/bridge/bridge_id", "8000.02\n"),
            ("sys/class/net/br0/bridge/stp_state", "0\n"),
            ("sys/class/net/br0/brif/eth0", ""),
            ("sys/class/net/bond0/bonding/slaves", "eth1 eth2\n"),
            ("sys/class/net/bond0/bonding/mode", "active-backup 1\n"),
            ("sys/class/net/bond0/bonding/miimon", "100\n"),
            ("sys/class/net/bond0/bonding/lacp_rate", "slow 0\n"),
            ("sys/class/net/bond0/bonding/primary", "eth1\n"),
            ("sys/class/net/bonding_masters", "bond0\n"),
        ]);
        let interfaces = read(&machine.system);
        assert_eq!(interfaces.keys().collect::<Vec<_>>(), ["bond0", "br0", "eth0"]);
        assert_eq!(names_by_index(&machine.system), [(2, "eth0".to_owned())]);
        let text = |name: &str| Value::map(interfaces[name].clone()).to_text();
        assert_eq!(
            text("eth0"),
            "{'device': 'eth0', 'macaddress': '02:00:00:00:00:01', 'mtu': 1500, 'active': True, 'type': 'ether', \
             'speed': -1, 'promisc': True}"
        );
        assert_eq!(
            text("br0"),
            "{'device': 'br0', 'active': False, 'type': 'bridge', 'interfaces': ['eth0'], 'id': '8000.02', \
             'stp': False}"
        );
        assert_eq!(
            text("bond0"),
            "{'device': 'bond0', 'type': 'bonding', 'slaves': ['eth1', 'eth2'], 'mode': 'active-backup', \
             'miimon': '100', 'lacp_rate': 'slow', 'primary': 'eth1'}"
        );
    }
}
