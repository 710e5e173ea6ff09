//! Interfaces, addresses, default routes; the resolver's configuration; initiators of network storage.

mod addresses;
mod dns;
mod ethtool;
mod initiators;
mod interfaces;
mod netlink;
pub(super) mod reverse;

use std::net::IpAddr;

use crate::base::{Key, Map, Value};
use crate::map;

use super::system::System;
use addresses::Found;
use netlink::Netlink;

pub(super) use dns::facts as dns_facts;
pub(super) use initiators::{fibre_channel_facts, iscsi_facts, nvme_facts};

/// The hosts that Ansible asks the way to; nothing is sent to them.
const FAR: [IpAddr; 2] = [
    IpAddr::V4(std::net::Ipv4Addr::new(8, 8, 8, 8)),
    IpAddr::V6(std::net::Ipv6Addr::new(0x2404, 0x6800, 0x400a, 0x800, 0, 0, 0, 0x1012)),
];

/// The facts of Ansible's `network` collector: one for each interface, and those about all.
pub(super) fn facts(system: &System) -> Map {
    let mut devices = interfaces::read(system);
    let Some(mut netlink) = Netlink::open() else { return Map::new() };
    let names = interfaces::names_by_index(system);
    let [mut default_v4, mut default_v6] = FAR.map(|far| default_route(&mut netlink, far, &names));
    let addresses = netlink.addresses();
    let Found { ipv4, ipv6 } =
        addresses::add(&mut devices, &addresses, &names, &mut default_v4, &mut default_v6);
    ethtool::add(system, &mut devices);

    let mut facts = Map::new();
    let listed: Vec<Value> = devices.keys().map(|name| Value::from(name.replace(':', "_"))).collect();
    let routes = |routes: Vec<String>| Value::list(routes.into_iter().map(Value::from));
    for (name, device) in devices {
        facts.insert(Key::from(name.replace(':', "_")), Value::map(device));
    }
    facts.extend(map! {
        "interfaces" => listed,
        "default_ipv4" => default_v4,
        "default_ipv6" => default_v6,
        "all_ipv4_addresses" => ipv4,
        "all_ipv6_addresses" => ipv6,
        "locally_reachable_ips" => map! {
            "ipv4" => routes(netlink.local_routes(netlink::INET)),
            "ipv6" => routes(netlink.local_routes(netlink::INET6)),
        },
    });
    facts
}

/// Interface, source address and gateway of the way to a host; empty if there is none.
fn default_route(netlink: &mut Netlink, far: IpAddr, names: &[(u32, String)]) -> Map {
    let mut facts = Map::new();
    let Some(route) = netlink.route_to(far) else { return facts };
    let name = names.iter().find(|(index, _)| Some(*index) == route.interface).map(|(_, name)| name.clone());
    let texts = [
        ("gateway", route.gateway.filter(|gateway| *gateway != far).map(|gateway| gateway.to_string())),
        ("interface", name),
        ("address", route.source.map(|source| source.to_string())),
    ];
    for (key, text) in texts {
        if let Some(text) = text {
            facts.insert(Key::str(key), Value::from(text));
        }
    }
    facts
}
