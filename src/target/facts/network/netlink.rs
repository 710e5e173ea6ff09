//! Addresses and routes from the kernel, by rtnetlink(7).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType, recv, send, socket};

/// `AF_INET`.
pub(super) const INET: u8 = 2;
/// `AF_INET6`.
pub(super) const INET6: u8 = 10;

const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
const RTM_NEWROUTE: u16 = 24;
const RTM_GETROUTE: u16 = 26;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_DUMP: u16 = 0x300;
const RTN_UNICAST: u8 = 1;
const RTN_LOCAL: u8 = 2;
const RT_TABLE_LOCAL: u32 = 255;
const RTM_F_CLONED: u32 = 0x200;

/// A conversation with the kernel's routing.
pub(super) struct Netlink {
    socket: OwnedFd,
    sequence: u32,
}

/// An address of an interface.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Address {
    /// The interface's index.
    pub(super) interface: u32,
    /// The address itself.
    pub(super) ip: IpAddr,
    /// The other end's address, on a point-to-point link.
    pub(super) peer: Option<IpAddr>,
    /// Bits of the network, or of the peer's address.
    pub(super) prefix: u8,
    /// The broadcast address.
    pub(super) broadcast: Option<IpAddr>,
    /// The label: the interface's name, or that with a suffix.
    pub(super) label: Option<String>,
    /// `global`, `link`, `host`, `site` or a number.
    pub(super) scope: String,
    /// A further address of the same network, or a temporary one.
    pub(super) is_secondary: bool,
}

/// The way to a host.
#[derive(Debug, PartialEq)]
pub(super) struct Route {
    /// The interface's index.
    pub(super) interface: Option<u32>,
    /// The next hop.
    pub(super) gateway: Option<IpAddr>,
    /// The address that packets are sent from.
    pub(super) source: Option<IpAddr>,
}

/// The type and payload of one message.
type Message = (u16, Vec<u8>);

impl Netlink {
    /// Opens the socket; nothing if the kernel refuses.
    pub(super) fn open() -> Option<Self> {
        // without a protocol: NETLINK_ROUTE, which is 0
        let socket = socket(AddressFamily::NETLINK, SocketType::RAW, None).ok()?;
        set_socket_timeout(&socket, Timeout::Recv, Some(Duration::from_secs(2))).ok()?;
        Some(Self { socket, sequence: 0 })
    }

    /// All addresses, in the kernel's order.
    pub(super) fn addresses(&mut self) -> Vec<Address> {
        let messages = self.ask(RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, &[0; 8]);
        messages
            .iter()
            .filter(|(kind, _)| *kind == RTM_NEWADDR)
            .filter_map(|(_, payload)| read_address(payload))
            .collect()
    }

    /// The addresses and networks that the host itself answers for, as `ip route show table local` writes them.
    pub(super) fn local_routes(&mut self, family: u8) -> Vec<String> {
        let mut body = [0u8; 12];
        body[0] = family;
        let messages = self.ask(RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP, &body);
        let mut routes = Vec::new();
        for (kind, payload) in messages {
            if kind == RTM_NEWROUTE
                && let Some(route) = read_local_route(&payload)
                && !routes.contains(&route)
            {
                routes.push(route);
            }
        }
        routes
    }

    /// The way that a packet to that host would take.
    pub(super) fn route_to(&mut self, host: IpAddr) -> Option<Route> {
        let (family, octets) = match host {
            IpAddr::V4(address) => (INET, address.octets().to_vec()),
            IpAddr::V6(address) => (INET6, address.octets().to_vec()),
        };
        let bits = u8::try_from(octets.len() * 8).ok()?;
        let mut body = vec![family, bits, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        body.extend(u16::try_from(octets.len() + 4).ok()?.to_ne_bytes());
        body.extend(1u16.to_ne_bytes()); // RTA_DST
        body.extend(octets);
        let messages = self.ask(RTM_GETROUTE, NLM_F_REQUEST, &body);
        messages.iter().find(|(kind, _)| *kind == RTM_NEWROUTE).and_then(|(_, payload)| read_route(payload))
    }

    /// Sends a request and takes the answers up to their end.
    fn ask(&mut self, kind: u16, flags: u16, body: &[u8]) -> Vec<Message> {
        self.exchange(kind, flags, body).unwrap_or_default()
    }

    fn exchange(&mut self, kind: u16, flags: u16, body: &[u8]) -> Option<Vec<Message>> {
        self.sequence += 1;
        let mut request = u32::try_from(16 + body.len()).ok()?.to_ne_bytes().to_vec();
        request.extend(kind.to_ne_bytes());
        request.extend(flags.to_ne_bytes());
        request.extend(self.sequence.to_ne_bytes());
        request.extend([0; 4]);
        request.extend(body);
        send(&self.socket, &request, SendFlags::empty()).ok()?;
        let is_dump = flags & NLM_F_DUMP == NLM_F_DUMP;
        let mut messages = Vec::new();
        let mut buffer = vec![0u8; 64 * 1024];
        loop {
            let (length, _) = recv(&self.socket, buffer.as_mut_slice(), RecvFlags::empty()).ok()?;
            let mut rest = buffer.get(..length)?;
            if rest.is_empty() {
                return None;
            }
            while let Some((kind, sequence, payload, after)) = split_message(rest) {
                rest = after;
                if sequence != self.sequence {
                    continue;
                }
                match kind {
                    NLMSG_DONE | NLMSG_ERROR => return Some(messages),
                    _ => messages.push((kind, payload.to_vec())),
                }
            }
            if !is_dump && !messages.is_empty() {
                return Some(messages);
            }
        }
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// The first message: type, sequence number, payload; and what follows it.
fn split_message(bytes: &[u8]) -> Option<(u16, u32, &[u8], &[u8])> {
    let length = u32_at(bytes, 0)? as usize;
    let payload = bytes.get(16..length)?;
    let after = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    Some((u16_at(bytes, 4)?, u32_at(bytes, 8)?, payload, after))
}

/// The attributes after a fixed part: type and value.
fn attributes(payload: &[u8], fixed: usize) -> Vec<(u16, &[u8])> {
    let mut rest = payload.get(fixed..).unwrap_or_default();
    let mut found = Vec::new();
    while let (Some(length), Some(kind)) = (u16_at(rest, 0), u16_at(rest, 2)) {
        let length = usize::from(length);
        let Some(value) = rest.get(4..length) else { break };
        found.push((kind & 0x3fff, value));
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    found
}

fn ip(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(octets) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::V4(Ipv4Addr::from(octets)));
    }
    <[u8; 16]>::try_from(bytes).ok().map(|octets| IpAddr::V6(Ipv6Addr::from(octets)))
}

fn read_address(payload: &[u8]) -> Option<Address> {
    const SECONDARY: u32 = 1;
    let [family, prefix, flags, scope, ..] = *payload else { return None };
    if family != INET && family != INET6 {
        return None;
    }
    let attributes = attributes(payload, 8);
    let get = |wanted: u16| attributes.iter().find(|(kind, _)| *kind == wanted).map(|(_, value)| *value);
    let (address, local) = (get(1).and_then(ip), get(2).and_then(ip));
    let flags = get(8).and_then(|value| u32_at(value, 0)).unwrap_or(u32::from(flags));
    let label = get(3).map(|value| String::from_utf8_lossy(value).trim_end_matches('\0').to_owned());
    Some(Address {
        interface: u32_at(payload, 4)?,
        ip: local.or(address)?,
        peer: address.filter(|address| local.is_some_and(|local| local != *address)),
        prefix,
        broadcast: get(4).and_then(ip),
        label,
        scope: scope_name(scope),
        is_secondary: flags & SECONDARY != 0,
    })
}

fn scope_name(scope: u8) -> String {
    match scope {
        0 => "global".to_owned(),
        200 => "site".to_owned(),
        253 => "link".to_owned(),
        254 => "host".to_owned(),
        255 => "nowhere".to_owned(),
        other => other.to_string(),
    }
}

fn read_local_route(payload: &[u8]) -> Option<String> {
    let [family, bits, _, _, table, _, _, kind, ..] = *payload else { return None };
    let attributes = attributes(payload, 12);
    let get = |wanted: u16| attributes.iter().find(|(kind, _)| *kind == wanted).map(|(_, value)| *value);
    let table = get(15).and_then(|value| u32_at(value, 0)).unwrap_or(u32::from(table));
    let is_cloned = u32_at(payload, 8)? & RTM_F_CLONED != 0;
    if kind != RTN_LOCAL || table != RT_TABLE_LOCAL || is_cloned {
        return None;
    }
    let whole = if family == INET { 32 } else { 128 };
    match get(1).and_then(ip) {
        None => Some("default".to_owned()),
        Some(address) if bits == whole => Some(address.to_string()),
        Some(address) => Some(format!("{address}/{bits}")),
    }
}

fn read_route(payload: &[u8]) -> Option<Route> {
    let [_, _, _, _, _, _, _, kind, ..] = *payload else { return None };
    if kind != RTN_UNICAST {
        return None;
    }
    let attributes = attributes(payload, 12);
    let get = |wanted: u16| attributes.iter().find(|(kind, _)| *kind == wanted).map(|(_, value)| *value);
    // RTA_VIA: a next hop of the other family, after two bytes that name it
    let via = || get(18).and_then(|value| ip(value.get(2..)?));
    Some(Route {
        interface: get(4).and_then(|value| u32_at(value, 0)),
        gateway: get(5).and_then(ip).or_else(via),
        source: get(7).and_then(ip),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(value.len() + 4).unwrap();
        let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn addresses_are_read() {
        let mut payload = vec![INET, 24, 0x80, 0];
        payload.extend(3u32.to_ne_bytes());
        payload.extend(attribute(1, &[10, 0, 0, 5]));
        payload.extend(attribute(2, &[10, 0, 0, 5]));
        payload.extend(attribute(4, &[10, 0, 0, 255]));
        payload.extend(attribute(3, b"eth0:1\0"));
        payload.extend(attribute(8, &0x81u32.to_ne_bytes()));
        let address = read_address(&payload).unwrap();
        assert_eq!(
            address,
            Address {
                interface: 3,
                ip: "10.0.0.5".parse().unwrap(),
                peer: None,
                prefix: 24,
                broadcast: Some("10.0.0.255".parse().unwrap()),
                label: Some("eth0:1".to_owned()),
                scope: "global".to_owned(),
                is_secondary: true,
            }
        );
        for length in 0..payload.len() {
            let _ = read_address(&payload[..length]);
        }
    }

    #[test]
    fn local_routes_are_written_as_ip_writes_them() {
        let route = |bits: u8, kind: u8, address: &[u8]| {
            let mut payload = vec![INET, bits, 0, 0, 255, 0, 0, kind, 0, 0, 0, 0];
            payload.extend(attribute(1, address));
            read_local_route(&payload)
        };
        assert_eq!(route(8, RTN_LOCAL, &[127, 0, 0, 0]).as_deref(), Some("127.0.0.0/8"));
        assert_eq!(route(32, RTN_LOCAL, &[10, 0, 0, 1]).as_deref(), Some("10.0.0.1"));
        assert_eq!(route(32, RTN_UNICAST, &[10, 0, 0, 1]), None);
    }

    #[test]
    fn the_kernel_answers() {
        let mut netlink = Netlink::open().unwrap();
        let addresses = netlink.addresses();
        assert!(addresses.iter().any(|address| address.ip == IpAddr::V4(Ipv4Addr::LOCALHOST)));
        assert!(netlink.local_routes(INET).contains(&"127.0.0.1".to_owned()));
        let route = netlink.route_to("127.0.0.1".parse().unwrap());
        assert_eq!(route, None, "the loopback address is local, not unicast");
    }
}
