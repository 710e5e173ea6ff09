//! IP addresses with a prefix, as netaddr's `IPNetwork` has them.

use core::net::{Ipv4Addr, Ipv6Addr};
use std::fmt;

/// An address in a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Net {
    /// 4 or 6.
    pub version: u8,
    /// The address.
    pub value: u128,
    /// The length of the prefix.
    pub prefix: u8,
}

impl Net {
    /// Reads `ADDRESS` or `ADDRESS/PREFIX`; the prefix may be a netmask or hostmask.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let mut net = Self::address(address)?;
        if let Some(prefix) = prefix {
            net.prefix = match prefix.parse::<u8>() {
                Ok(prefix) if prefix <= net.width() => prefix,
                Ok(_) => return None,
                Err(_) => net.prefix_of_mask(prefix)?,
            };
        }
        Some(net)
    }

    /// Reads an address.
    pub(super) fn address(text: &str) -> Option<Self> {
        match text.parse::<Ipv4Addr>() {
            Ok(address) => Some(Self { version: 4, value: u32::from(address).into(), prefix: 32 }),
            Err(_) => {
                let address: Ipv6Addr = text.parse().ok()?;
                Some(Self { version: 6, value: address.into(), prefix: 128 })
            }
        }
    }

    fn prefix_of_mask(&self, mask: &str) -> Option<u8> {
        let mask = Self::address(mask).filter(|mask| mask.version == self.version)?;
        let ones = |mask: u128| {
            let shifted = mask << (128 - u32::from(self.width()));
            let ones = shifted.leading_ones();
            (shifted.count_ones() == ones).then(|| u8::try_from(ones).ok()).flatten()
        };
        // a hostmask is the other way round; `0.0.0.0` is a netmask
        ones(mask.value).or_else(|| ones(!mask.value & self.max()))
    }

    /// How many bits an address has.
    pub(super) fn width(&self) -> u8 {
        if self.version == 4 { 32 } else { 128 }
    }

    /// The highest address there is.
    pub(super) fn max(&self) -> u128 {
        if self.version == 4 { u32::MAX.into() } else { u128::MAX }
    }

    fn host_bits(&self) -> u128 {
        let bits = u32::from(self.width() - self.prefix);
        if bits == 128 { u128::MAX } else { (1 << bits) - 1 }
    }

    /// The first address of the network.
    pub(super) fn first(&self) -> u128 {
        self.value & !self.host_bits()
    }

    /// The last address of the network.
    pub(super) fn last(&self) -> u128 {
        self.value | self.host_bits()
    }

    /// How many addresses the network has; all of IPv6 count as one less.
    pub(super) fn size(&self) -> u128 {
        self.host_bits().saturating_add(1)
    }

    /// The broadcast address, where there is one.
    pub(super) fn broadcast(&self) -> Option<u128> {
        (self.version == 6 || self.width() - self.prefix > 1).then(|| self.last())
    }

    /// The netmask.
    pub(super) fn netmask(&self) -> u128 {
        !self.host_bits() & self.max()
    }

    /// The hostmask.
    pub(super) fn hostmask(&self) -> u128 {
        self.host_bits()
    }

    /// Whether an address or network lies in this network.
    pub(super) fn contains(&self, other: &Self) -> bool {
        self.version == other.version && self.first() <= other.first() && other.last() <= self.last()
    }

    /// The network itself.
    pub(super) fn cidr(&self) -> Self {
        Self { value: self.first(), ..*self }
    }

    /// The address alone.
    pub(super) fn alone(&self) -> Self {
        Self { prefix: self.width(), ..*self }
    }

    /// The address as text.
    pub(super) fn ip(&self) -> String {
        self.text_of(self.value)
    }

    /// Any address of the same kind as text.
    pub(super) fn text_of(&self, value: u128) -> String {
        if self.version == 4 {
            Ipv4Addr::from(value as u32).to_string()
        } else if value >> 32 == 0 && value > 0xffff {
            format!("::{}", Ipv4Addr::from(value as u32))
        } else {
            Ipv6Addr::from(value).to_string()
        }
    }

    /// Whether it lies in one of several networks.
    pub(super) fn within(&self, networks: &[&str]) -> bool {
        networks.iter().filter_map(|network| Self::parse(network)).any(|network| network.contains(self))
    }

    /// Whether it is a multicast address.
    pub(super) fn is_multicast(&self) -> bool {
        self.within(&["224.0.0.0/4", "ff00::/8"])
    }

    /// Whether it is a loopback address.
    pub(super) fn is_loopback(&self) -> bool {
        self.within(&["127.0.0.0/8", "::1/128"])
    }

    /// Whether the address can be reached from everywhere (IANA's registries of special purposes).
    pub(super) fn is_global(&self) -> bool {
        const NOT: &[&str] = &[
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "240.0.0.0/4",
            "::1/128",
            "::/128",
            "::ffff:0:0/96",
            "64:ff9b:1::/48",
            "100::/64",
            "2001::/23",
            "2001:db8::/32",
            "2002::/16",
            "fc00::/7",
            "fe80::/10",
        ];
        const BUT: &[&str] = &[
            "192.0.0.9/32",
            "192.0.0.10/32",
            "2001:1::1/128",
            "2001:1::2/128",
            "2001:3::/32",
            "2001:4:112::/48",
            "2001:20::/28",
            "2001:30::/28",
        ];
        let alone = self.alone();
        !alone.within(NOT) || alone.within(BUT)
    }

    /// Whether the address could be a netmask or a hostmask.
    pub(super) fn is_mask(&self) -> bool {
        let power = |number: u128| number & number.wrapping_sub(1) == 0;
        power(self.value.wrapping_add(1)) || power((self.value ^ self.max()).wrapping_add(1))
    }

    /// The name that the address has in the reverse zones of the DNS.
    pub(super) fn reverse_name(&self) -> String {
        if self.version == 4 {
            let [a, b, c, d] = (self.value as u32).to_be_bytes();
            return format!("{d}.{c}.{b}.{a}.in-addr.arpa.");
        }
        let mut name = String::new();
        for digit in format!("{:032x}", self.value).chars().rev() {
            name.extend([digit, '.']);
        }
        name + "ip6.arpa."
    }
}

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ip(), self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_and_taken_apart() {
        let net = Net::parse("192.168.1.5/255.255.255.0").unwrap();
        assert_eq!((net.to_string().as_str(), net.size()), ("192.168.1.5/24", 256));
        assert_eq!(net.text_of(net.first()), "192.168.1.0");
        assert_eq!(Net::parse("10.0.0.0/0.0.0.255").unwrap().prefix, 24);
        assert_eq!(Net::parse("::/0").unwrap().size(), u128::MAX);
        for bad in ["1.2.3", "01.2.3.4", "1.2.3.4/33", "1.2.3.4/255.0.255.0", "x", "::1/129", "fe80::1%eth0"]
        {
            assert_eq!(Net::parse(bad), None, "{bad}");
        }
        assert!(Net::parse("8.8.8.8").unwrap().is_global() && !Net::parse("10.1.1.1").unwrap().is_global());
    }
}
