//! The choice of a lab's network and its hosts' addresses: pure.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

/// Labs' networks are the /24s of 10.99.0.0/16, then of two more ranges that are seldom used.
const POOLS: [[u8; 2]; 3] = [[10, 99], [172, 30], [192, 168]];

/// Hosts' addresses end in 10 to 250; 1 is this machine's.
const FIRST_HOST: u8 = 10;
const LAST_HOST: u8 = 250;

/// How many hosts a lab can have.
pub(super) const MOST_HOSTS: usize = (LAST_HOST - FIRST_HOST) as usize + 1;

/// The first network that overlaps none of those that are taken.
pub(super) fn choose(taken: &[Ipv4Net]) -> Option<Ipv4Addr> {
    POOLS
        .iter()
        .flat_map(|[a, b]| (0..=u8::MAX).map(move |c| Ipv4Addr::new(*a, *b, c, 0)))
        .find(|network| taken.iter().all(|other| !overlaps(*other, *network)))
}

fn overlaps(other: Ipv4Net, network: Ipv4Addr) -> bool {
    let Some(ours) = lab_net(network) else { return true };
    other.contains(&ours.network()) || ours.contains(&other.network())
}

/// A lab's network.
pub(super) fn lab_net(network: Ipv4Addr) -> Option<Ipv4Net> {
    Ipv4Net::new(network, 24).ok()
}

/// The next address of the network that no host has.
pub(super) fn next_address(network: Ipv4Addr, used: &[Ipv4Addr]) -> Option<Ipv4Addr> {
    (FIRST_HOST..=LAST_HOST)
        .map(|last| Ipv4Addr::from(u32::from(network) | u32::from(last)))
        .find(|address| !used.contains(address))
}

/// The destinations of `ip -4 route show table all`, but the default route and what is no network of its own.
pub(super) fn routes(text: &str) -> Vec<Ipv4Net> {
    text.lines().filter_map(destination).collect()
}

/// `10.0.0.0/8 dev eth0 …`, `local 127.0.0.1 dev lo …`, `broadcast 10.0.0.255 …`, `unreachable 10.1.0.0/16`.
fn destination(line: &str) -> Option<Ipv4Net> {
    const KINDS: [&str; 9] = [
        "unicast",
        "local",
        "broadcast",
        "multicast",
        "throw",
        "unreachable",
        "prohibit",
        "blackhole",
        "nat",
    ];
    let mut words = line.split_whitespace();
    let mut word = words.next()?;
    if KINDS.contains(&word) {
        word = words.next()?;
    }
    let net = match word.parse::<Ipv4Net>() {
        Ok(net) => net,
        Err(_) => word.parse::<Ipv4Addr>().ok()?.into(),
    };
    (net.prefix_len() > 0).then_some(net)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nets(texts: &[&str]) -> Vec<Ipv4Net> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn the_first_free_network_is_chosen() {
        assert_eq!(choose(&[]), Some(Ipv4Addr::new(10, 99, 0, 0)));
        assert_eq!(choose(&nets(&["10.99.0.0/24", "10.99.1.7/32"])), Some(Ipv4Addr::new(10, 99, 2, 0)));
        assert_eq!(choose(&nets(&["10.0.0.0/8"])), Some(Ipv4Addr::new(172, 30, 0, 0)));
        assert_eq!(choose(&nets(&["0.0.0.0/1", "128.0.0.0/1"])), None);
    }

    #[test]
    fn routes_are_read() {
        let text = "default via 192.0.2.1 dev eth0 \n192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.2 \n\
                    local 127.0.0.0/8 dev lo table local proto kernel\nbroadcast 192.0.2.255 dev eth0 table local\n\
                    unreachable 10.99.0.0/16\n0.0.0.0/0 dev x\n\n";
        assert_eq!(routes(text), nets(&["192.0.2.0/24", "127.0.0.0/8", "192.0.2.255/32", "10.99.0.0/16"]));
    }

    #[test]
    fn addresses_are_given_in_order_and_filled_up() {
        let network = Ipv4Addr::new(10, 99, 4, 0);
        let first = next_address(network, &[]).unwrap();
        assert_eq!(first, Ipv4Addr::new(10, 99, 4, 10));
        assert_eq!(next_address(network, &[first]), Some(Ipv4Addr::new(10, 99, 4, 11)));
        let all: Vec<Ipv4Addr> = (10..=250).map(|last| Ipv4Addr::new(10, 99, 4, last)).collect();
        assert_eq!(all.len(), MOST_HOSTS);
        assert_eq!(next_address(network, &all), None);
    }
}
