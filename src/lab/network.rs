//! A lab's network on this machine: a bridge with the gateway's address, and an nftables table of its own that lets
//! the hosts out (masquerade) and reaches what only listens on this machine's loopback (relays).

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;

use ipnet::Ipv4Net;
use serde_json::Value;

use super::command::{command, feed, find, run};
use super::error::{LabError, Result};
use super::names;
use super::settings;
use super::state::State;
use super::subnet;

/// A port of this machine's loopback that the hosts reach at the gateway's address (a resolver, a proxy).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Relay {
    pub to: Ipv4Addr,
    pub port: u16,
}

/// Chooses a network that no route, no other lab and none of `avoid` is in. To be called under the machine's lock.
pub(super) fn choose(others: &[State], avoid: &[Ipv4Addr]) -> Result<Ipv4Addr> {
    let text = run(command("ip", ["-4", "route", "show", "table", "all"])?)?;
    let mut taken = subnet::routes(&String::from_utf8_lossy(&text));
    taken.extend(others.iter().filter_map(|other| subnet::lab_net(other.network)));
    taken.extend(avoid.iter().map(|address| Ipv4Net::from(*address)));
    subnet::choose(&taken).ok_or_else(|| {
        LabError::new("no network is free for the lab: this machine has routes to all that it could use")
    })
}

/// Refuses a bridge that is there before the lab: it is another's.
pub(super) fn check_bridge_is_free(lab: &str) -> Result<()> {
    let bridge = names::bridge(lab);
    if !Path::new("/sys/class/net").join(&bridge).exists() {
        return Ok(());
    }
    Err(LabError::new(format!("an interface `{bridge}` exists, and is none of this lab's")).with_hint(
        format!(
            "if an earlier lab left it, `ip link delete {bridge}` takes it away; or choose another `--name`"
        ),
    ))
}

/// Makes the bridge and the table, or puts them right.
pub(super) fn set_up(state: &State, relays: &[Relay]) -> Result<()> {
    let bridge = names::bridge(&state.name);
    let gateway = format!("{}/24", state.gateway());
    if !Path::new("/sys/class/net").join(&bridge).exists() {
        // An address of its own: else the bridge takes its first port's, and changes it with the ports.
        let octets = state.gateway().octets().map(|octet| format!("{octet:02x}")).join(":");
        let hardware = format!("02:fe:{octets}");
        run(command("ip", ["link", "add", &bridge, "address", &hardware, "type", "bridge"])?)?;
    }
    run(command("ip", ["address", "replace", &gateway, "dev", &bridge])?)?;
    run(command("ip", ["link", "set", &bridge, "up"])?)?;
    if !relays.is_empty() {
        // Of the bridge alone, and gone with it.
        settings::set(&format!("net/ipv4/conf/{bridge}/route_localnet"), 1)?;
    }
    feed(command("nft", ["-f", "-"])?, &ruleset(state, relays))?;
    Ok(())
}

/// Takes the bridge and the table away.
pub(super) fn take_down(lab: &str) -> Result<()> {
    let (bridge, table) = (names::bridge(lab), names::table(lab));
    if Path::new("/sys/class/net").join(&bridge).exists() {
        run(command("ip", ["link", "delete", &bridge])?)?;
    }
    if find("nft").is_some() {
        // Deleting what is not there is an error, so it is made first.
        feed(command("nft", ["-f", "-"])?, &format!("table ip {table} {{}}\ndelete table ip {table}\n"))?;
    }
    Ok(())
}

/// The table, replaced as a whole.
fn ruleset(state: &State, relays: &[Relay]) -> String {
    let (table, bridge) = (names::table(&state.name), names::bridge(&state.name));
    let (gateway, network) = (state.gateway(), state.network);
    let relays: Vec<String> = relays
        .iter()
        .map(|Relay { to, port }| {
            format!(
                "    iifname \"{bridge}\" ip daddr {gateway} meta l4proto {{ tcp, udp }} th dport {port} dnat to {to}:{port}\n"
            )
        })
        .collect();
    let relays = relays.concat();
    format!(
        "table ip {table} {{}}\n\
         delete table ip {table}\n\
         table ip {table} {{\n\
         \x20 chain prerouting {{\n\
         \x20   type nat hook prerouting priority -100;\n\
         {relays}\
         \x20 }}\n\
         \x20 chain postrouting {{\n\
         \x20   type nat hook postrouting priority 100;\n\
         \x20   ip saddr {network}/24 oifname != \"{bridge}\" masquerade\n\
         \x20 }}\n\
         }}\n"
    )
}

/// The chains of this machine's own that drop what hosts send through it, as `family table chain`. Nothing in our
/// own table could let it pass: in nftables another chain's accept does not undo a drop.
pub(super) fn dropping_chains() -> Vec<String> {
    let listed = command("nft", ["-j", "list", "chains"]).and_then(run);
    listed
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok())
        .map_or_else(Vec::new, |json| dropping(&json))
}

fn dropping(chains: &Value) -> Vec<String> {
    let text =
        |chain: &Value, key: &str| chain.get(key).and_then(Value::as_str).unwrap_or_default().to_string();
    chains
        .get("nftables")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|item| item.get("chain"))
        .filter(|chain| text(chain, "hook") == "forward" && text(chain, "policy") == "drop")
        .filter(|chain| matches!(text(chain, "family").as_str(), "ip" | "inet"))
        .map(|chain| format!("{} {} {}", text(chain, "family"), text(chain, "table"), text(chain, "name")))
        .collect()
}

/// The packet size of the interface that the default route leaves by, in bytes, for the hosts to use too.
pub(super) fn outer_mtu() -> Option<u32> {
    let routes = fs::read_to_string("/proc/net/route").ok()?;
    let interface = default_interface(&routes)?;
    fs::read_to_string(format!("/sys/class/net/{interface}/mtu")).ok()?.trim().parse().ok()
}

/// The interface of the first default route in `/proc/net/route`.
fn default_interface(routes: &str) -> Option<&str> {
    routes.lines().skip(1).find_map(|line| {
        let mut fields = line.split_whitespace();
        let interface = fields.next()?;
        (fields.next()? == "00000000" && fields.nth(5)? == "00000000").then_some(interface)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::Release;

    #[test]
    fn the_table_masquerades_and_relays() {
        let state = State::new("a-b", Release::Bookworm, "/base".into(), Ipv4Addr::new(10, 99, 1, 0));
        let text = ruleset(&state, &[Relay { to: Ipv4Addr::LOCALHOST, port: 53 }]);
        assert!(text.starts_with("table ip fleet_lab_a_b {}\ndelete table ip fleet_lab_a_b\n"));
        assert!(text.contains("ip saddr 10.99.1.0/24 oifname != \"lab-a-b\" masquerade"));
        assert!(text.contains("iifname \"lab-a-b\" ip daddr 10.99.1.1 meta l4proto { tcp, udp } th dport 53 dnat to 127.0.0.1:53"));
    }

    #[test]
    fn chains_that_drop_are_named() {
        let json = serde_json::json!({"nftables": [
            {"metainfo": {"version": "1"}},
            {"chain": {"family": "ip", "table": "filter", "name": "FORWARD", "hook": "forward", "policy": "drop"}},
            {"chain": {"family": "ip", "table": "filter", "name": "INPUT", "hook": "input", "policy": "drop"}},
            {"chain": {"family": "inet", "table": "x", "name": "f", "hook": "forward", "policy": "accept"}},
            {"chain": {"family": "ip6", "table": "x", "name": "f", "hook": "forward", "policy": "drop"}},
        ]});
        assert_eq!(dropping(&json), ["ip filter FORWARD"]);
    }

    #[test]
    fn the_default_route_is_found() {
        let text = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\n\
                    eth1\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\n\
                    eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\n";
        assert_eq!(default_interface(text), Some("eth0"));
        assert_eq!(default_interface("Iface\n"), None);
    }
}
