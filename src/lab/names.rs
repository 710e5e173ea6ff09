//! The names of labs and hosts, and the names of all that a lab makes on this machine, which follow from its own.

use std::net::Ipv4Addr;

use sha2::{Digest, Sha256};

use super::error::{LabError, Result};

/// Names of interfaces have at most 15 bytes (`IFNAMSIZ` with its NUL is 16).
const INTERFACE_LENGTH: usize = 15;

/// A lab's name goes into paths, an interface and a table: lower case letters, digits and hyphens.
pub(super) fn check_lab(name: &str) -> Result<()> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let edges = name.starts_with(|c: char| c.is_ascii_alphanumeric()) && !name.ends_with('-');
    if edges && name.len() <= 40 && name.chars().all(fits) {
        return Ok(());
    }
    Err(LabError::new(format!("`{name}` cannot be the name of a lab"))
        .with_hint("a lab's name has lower case letters, digits and hyphens, at most 40, and starts with a letter or digit"))
}

/// A host's name goes into a path and, as far as it can, into the host's own name.
pub(super) fn check_host(name: &str) -> Result<()> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && name.len() <= 200
        && name.chars().all(fits)
        && !name.contains("..")
    {
        return Ok(());
    }
    Err(LabError::new(format!("`{name}` cannot be the name of a host in the lab"))
        .with_hint("a host's name there has letters, digits, dots, hyphens and underscores, and starts with a letter or digit"))
}

/// The lab's bridge.
pub(super) fn bridge(lab: &str) -> String {
    let name = format!("lab-{lab}");
    if name.len() <= INTERFACE_LENGTH {
        return name;
    }
    // No lab's name has an underscore, so a shortened name never equals a whole one.
    format!("{}_{}", name.get(..8).unwrap_or(&name), digest(lab, 6))
}

/// The lab's nftables table (family `ip`).
pub(super) fn table(lab: &str) -> String {
    format!("fleet_lab_{}", lab.replace('-', "_"))
}

/// The lab's control group, below the root of each hierarchy.
pub(super) fn control_group(lab: &str) -> String {
    format!("fleet-lab-{lab}")
}

/// nspawn's name for a host. It has to be unique on this machine, and `vb-NAME` is the host's interface on the
/// bridge, which systemd before 247 cuts off at 15 bytes: so it is the address, not the host's name.
pub(super) fn machine(address: Ipv4Addr) -> String {
    format!("lab{:08x}", u32::from(address))
}

/// The host's interface on the bridge, as nspawn names it.
pub(super) fn interface(address: Ipv4Addr) -> String {
    format!("vb-{}", machine(address))
}

/// The first label of a host's own name, as the kernel and DNS want it (RFC 1123 §2.1).
pub(super) fn host_label(name: &str) -> String {
    if name.parse::<Ipv4Addr>().is_ok() {
        return format!("host-{}", name.replace('.', "-"));
    }
    let label: String = name
        .split('.')
        .next()
        .unwrap_or_default()
        .chars()
        .map(|c| if c == '_' { '-' } else { c.to_ascii_lowercase() })
        .take(63)
        .collect();
    let label = label.trim_matches('-');
    if label.is_empty() { "host".to_string() } else { label.to_string() }
}

/// The first `length` hexadecimal digits of the text's SHA-256.
pub(super) fn digest(text: &str, length: usize) -> String {
    let bytes = Sha256::digest(text.as_bytes());
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_labs() {
        for name in ["fleet", "a", "test-1-2", "0"] {
            assert!(check_lab(name).is_ok(), "{name}");
        }
        for name in ["", "-a", "a-", "A", "a_b", "../x", "a/b", &"x".repeat(41)] {
            assert!(check_lab(name).is_err(), "{name}");
        }
    }

    #[test]
    fn names_of_hosts() {
        for name in ["web1", "web1.example.com", "db_1", "10.0.0.1", "WEB"] {
            assert!(check_host(name).is_ok(), "{name}");
        }
        for name in ["", "..", ".x", "a/b", "a..b", "a b", "fe80::1", "-x"] {
            assert!(check_host(name).is_err(), "{name}");
        }
    }

    #[test]
    fn bridges_fit_and_differ() {
        assert_eq!(bridge("fleet"), "lab-fleet");
        assert_eq!(bridge("abcdefghijk"), "lab-abcdefghijk");
        let long = bridge("abcdefghijkl");
        assert_eq!(long.len(), INTERFACE_LENGTH);
        assert_ne!(long, bridge("abcdefghijkm"));
        assert_eq!(table("a-b"), "fleet_lab_a_b");
    }

    #[test]
    fn machines_leave_room_for_the_interface() {
        assert_eq!(machine(Ipv4Addr::new(10, 99, 0, 10)), "lab0a63000a");
        assert!(interface(Ipv4Addr::BROADCAST).len() <= INTERFACE_LENGTH);
    }

    #[test]
    fn digests_are_sha256_in_hexadecimal() {
        assert_eq!(digest("abc", 12), "ba7816bf8f01");
        assert_eq!(digest("", 99).len(), 64);
    }

    #[test]
    fn labels() {
        assert_eq!(host_label("web1.example.com"), "web1");
        assert_eq!(host_label("DB_1"), "db-1");
        assert_eq!(host_label("10.1.2.3"), "host-10-1-2-3");
        assert_eq!(host_label("_"), "host");
    }
}
