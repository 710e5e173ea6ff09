//! The hosts' `/etc/resolv.conf`, after this machine's.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};

use super::network::Relay;

/// Where the real servers stand when `/etc/resolv.conf` names a local stub (systemd-resolved, NetworkManager).
const BEHIND_A_STUB: [&str; 2] =
    ["/run/systemd/resolve/resolv.conf", "/run/NetworkManager/no-stub-resolv.conf"];

/// What hosts resolve names with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resolver {
    /// Servers that hosts can reach, or none.
    servers: Vec<Ipv4Addr>,
    /// A server on this machine's loopback, reached through the gateway.
    local: Option<Ipv4Addr>,
    /// `search`, `domain` and `options` lines.
    other: Vec<String>,
}

impl Resolver {
    pub(super) fn of_this_machine() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let first = Self::parse(&read("/etc/resolv.conf"));
        if !first.servers.is_empty() {
            return first;
        }
        BEHIND_A_STUB
            .iter()
            .map(|path| Self::parse(&read(path)))
            .find(|resolver| !resolver.servers.is_empty())
            .unwrap_or(first)
    }

    fn parse(text: &str) -> Self {
        let mut resolver = Self { servers: Vec::new(), local: None, other: Vec::new() };
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                // The hosts have no IPv6.
                Some("nameserver") => match words.next().and_then(|word| word.parse().ok()) {
                    Some(IpAddr::V4(address)) if address.is_loopback() => {
                        resolver.local.get_or_insert(address);
                    }
                    Some(IpAddr::V4(address)) if !address.is_unspecified() => resolver.servers.push(address),
                    Some(IpAddr::V6(address)) if address.is_loopback() => {
                        resolver.local.get_or_insert(Ipv4Addr::LOCALHOST);
                    }
                    _ => {}
                },
                Some("search" | "domain" | "options") => resolver.other.push(line.trim().to_string()),
                _ => {}
            }
        }
        resolver
    }

    /// The servers outside this machine.
    pub(super) fn servers(&self) -> &[Ipv4Addr] {
        &self.servers
    }

    /// The relay that hosts need, if their only server is on this machine's loopback.
    pub(super) fn relay(&self) -> Option<Relay> {
        let to = self.local.filter(|_| self.servers.is_empty())?;
        Some(Relay { to, port: 53 })
    }

    /// A host's `/etc/resolv.conf`.
    pub(super) fn resolv_conf(&self, gateway: Ipv4Addr) -> String {
        let servers = if self.servers.is_empty() { &[gateway][..] } else { &self.servers };
        let servers = servers.iter().map(|server| format!("nameserver {server}\n"));
        servers.chain(self.other.iter().map(|line| format!("{line}\n"))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);

    #[test]
    fn real_servers_are_used() {
        let resolver = Resolver::parse(
            "# x\nnameserver 10.1.1.1\nnameserver fd00::1\nnameserver 127.0.0.1\nsearch a.example\n",
        );
        assert_eq!(resolver.resolv_conf(GATEWAY), "nameserver 10.1.1.1\nsearch a.example\n");
        assert_eq!(resolver.relay(), None);
    }

    #[test]
    fn a_local_server_is_relayed() {
        let resolver = Resolver::parse("nameserver 127.0.0.53\noptions edns0\n");
        assert_eq!(resolver.resolv_conf(GATEWAY), "nameserver 10.99.0.1\noptions edns0\n");
        assert_eq!(resolver.relay(), Some(Relay { to: Ipv4Addr::new(127, 0, 0, 53), port: 53 }));
    }
}
