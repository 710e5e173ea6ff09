//! The name of an address by DNS (RFC 1035, PTR), asked of the machine's own name servers.
//!
//! libc's reverse lookup is not used: it goes through NSS, whose modules a static binary cannot load safely.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use super::super::system::System;

const TYPE_PTR: u16 = 12;

/// The names of an address, by the name servers of `/etc/resolv.conf`; none if none answers within a second.
pub(in super::super) fn names(system: &System, address: IpAddr) -> Vec<String> {
    let Some(query) = encode(&reverse_name(address)) else { return Vec::new() };
    system
        .text("/etc/resolv.conf")
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.trim().strip_prefix("nameserver")?.trim().parse::<IpAddr>().ok())
        .take(3)
        .find_map(|server| ask(SocketAddr::new(server, 53), &query))
        .unwrap_or_default()
}

/// Asks one server: `None` if it does not answer.
fn ask(server: SocketAddr, query: &[u8]) -> Option<Vec<String>> {
    let any = if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any).ok()?;
    socket.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    socket.connect(server).ok()?;
    socket.send(query).ok()?;
    let mut buffer = [0u8; 1500];
    let length = socket.recv(&mut buffer).ok()?;
    let answer = buffer.get(..length)?;
    (answer.get(..2) == query.get(..2)).then(|| decode(answer).unwrap_or_default())
}

/// `4.3.2.1.in-addr.arpa`, or the nibbles below `ip6.arpa`.
fn reverse_name(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(address) => {
            let nibble = |octet: &u8| [octet & 0xf, octet >> 4].map(|nibble| format!("{nibble:x}"));
            let nibbles: Vec<String> = address.octets().iter().rev().flat_map(nibble).collect();
            format!("{}.ip6.arpa", nibbles.join("."))
        }
    }
}

/// A question for the PTR records of a name.
fn encode(name: &str) -> Option<Vec<u8>> {
    let id = (std::process::id() as u16).to_be_bytes();
    let mut query = vec![id[0], id[1], 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        query.push(u8::try_from(label.len()).ok()?);
        query.extend(label.bytes());
    }
    query.push(0);
    query.extend(TYPE_PTR.to_be_bytes());
    query.extend(1u16.to_be_bytes());
    Some(query)
}

/// The names in an answer.
fn decode(answer: &[u8]) -> Option<Vec<String>> {
    let word = |at: usize| Some(u16::from_be_bytes([*answer.get(at)?, *answer.get(at + 1)?]));
    let mut at = 12;
    for _ in 0..word(4)? {
        at = name_at(answer, at)?.1 + 4;
    }
    let mut names = Vec::new();
    for _ in 0..word(6)? {
        let fixed = name_at(answer, at)?.1;
        let data = fixed + 10;
        if word(fixed)? == TYPE_PTR {
            names.push(name_at(answer, data)?.0);
        }
        at = data + usize::from(word(fixed + 8)?);
    }
    Some(names)
}

/// The name at a position, and the position after it.
fn name_at(answer: &[u8], start: usize) -> Option<(String, usize)> {
    let (mut labels, mut at, mut end) = (Vec::new(), start, None);
    // a name has at most 127 labels; the bound also ends pointers in a circle
    for _ in 0..128 {
        match usize::from(*answer.get(at)?) {
            0 => return Some((labels.join("."), end.unwrap_or(at + 1))),
            length @ 1..=63 => {
                let label = answer.get(at + 1..at + 1 + length)?;
                labels.push(String::from_utf8_lossy(label).into_owned());
                at += 1 + length;
            }
            pointer @ 0xc0.. => {
                end.get_or_insert(at + 2);
                at = (pointer & 0x3f) << 8 | usize::from(*answer.get(at + 1)?);
            }
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_reverse_names() {
        assert_eq!(reverse_name("192.0.2.7".parse().unwrap()), "7.2.0.192.in-addr.arpa");
        let name = reverse_name("2001:db8::1".parse().unwrap());
        assert!(name.starts_with("1.0.0.0.") && name.ends_with("8.b.d.0.1.0.0.2.ip6.arpa"), "{name}");
    }

    #[test]
    fn answers_with_pointers_are_read() {
        let mut answer = encode("1.2.0.192.in-addr.arpa").unwrap();
        answer[7] = 1;
        answer.extend([0xc0, 12, 0, 12, 0, 1, 0, 0, 0, 60, 0, 15]);
        answer.extend(b"\x03web\x07example\x02de\x00");
        assert_eq!(decode(&answer).unwrap(), ["web.example.de"]);
        for length in 0..answer.len() {
            let _ = decode(&answer[..length]);
        }
        assert_eq!(name_at(&[0xc0, 0], 0), None);
    }

    #[test]
    fn a_server_that_answers_is_heard() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        let thread = std::thread::spawn(move || {
            let mut buffer = [0u8; 512];
            let (length, peer) = server.recv_from(&mut buffer).unwrap();
            let mut answer = buffer[..length].to_vec();
            answer[7] = 1;
            answer.extend([0xc0, 12, 0, 12, 0, 1, 0, 0, 0, 60, 0, 3, 1, b'a', 0]);
            server.send_to(&answer, peer).unwrap();
        });
        assert_eq!(ask(address, &encode("1.0.0.127.in-addr.arpa").unwrap()).unwrap(), ["a"]);
        thread.join().unwrap();
    }
}
