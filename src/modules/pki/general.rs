//! General names: `DNS:example.com`, `IP:192.0.2.1`, …

use core::net::IpAddr;

use super::der::{self, Item, tag};
use super::{colons, from_colons, names};
use crate::modules::contract::{Failed, Halt, fail};

const OTHER: u8 = 0xa0;
const EMAIL: u8 = 0x81;
const DNS: u8 = 0x82;
const DIRECTORY: u8 = 0xa4;
const URI: u8 = 0x86;
const IP: u8 = 0x87;
const RID: u8 = 0x88;

/// A name as the parameters write it, encoded; `what` is what it is about, for messages.
pub fn write(name: &str, what: &str) -> Result<Vec<u8>, Halt> {
    let wrong = |why: &str| fail(format!("Cannot parse {what} \"{name}\": {why}"));
    let Some((kind, value)) = name.split_once(':') else {
        return fail(format!("Cannot parse {what} \"{name}\" (forgot \"DNS:\" prefix?)"));
    };
    if matches!(kind, "DNS" | "email" | "URI") && !value.is_ascii() {
        return wrong("names that are not ASCII are not supported yet: give them in punycode (`xn--…`)");
    }
    Ok(match kind {
        "DNS" => der::put(DNS, value.as_bytes()),
        "email" => der::put(EMAIL, value.as_bytes()),
        "URI" => der::put(URI, value.as_bytes()),
        "IP" => match address(value) {
            Some(bytes) => der::put(IP, &bytes),
            None => return wrong(&format!("'{value}' does not appear to be an IPv4 or IPv6 address")),
        },
        "RID" => match der::oid(value).as_deref().and_then(der::only) {
            Some(oid) => der::put(RID, oid.body),
            None => return fail(format!("Cannot parse {what} \"{name}\"")),
        },
        "dirName" => {
            let mut attributes = names::parse(value).map_err(|halt| prefixed(halt, what, name))?;
            attributes.reverse();
            der::put(DIRECTORY, &names::write(&attributes)?)
        }
        "otherName" => {
            let Some((oid, value)) = value.split_once(';') else {
                return wrong("must be in the format \"otherName:<OID>;<hex string>\"");
            };
            let Some(oid) = der::oid(oid) else { return wrong("it has no object identifier") };
            let value = match value.split_once(':') {
                Some(("UTF8" | "UTF8String", text)) => der::put(tag::UTF8, text.as_bytes()),
                Some(("IA5" | "IA5STRING", text)) => der::put(tag::IA5, text.as_bytes()),
                Some(("PRINTABLE" | "PRINTABLESTRING", text)) => der::put(tag::PRINTABLE, text.as_bytes()),
                _ => match from_colons(value) {
                    Some(bytes) => bytes,
                    None => {
                        return wrong("only `UTF8:`, `IA5:`, `PRINTABLE:` and hexadecimal are supported yet");
                    }
                },
            };
            der::gathered(OTHER, [oid, der::put(0xa0, &value)])
        }
        _ => {
            return fail(format!(
                "Cannot parse {what} \"{name}\" (potentially unsupported by cryptography backend)"
            ));
        }
    })
}

/// Names as the parameters write them, encoded.
pub fn write_all(names: &[String], what: &str) -> Result<Vec<Vec<u8>>, Halt> {
    names.iter().map(|name| write(name, what)).collect()
}

fn prefixed(halt: Halt, what: &str, name: &str) -> Halt {
    match halt {
        Halt::Failed(failed) => {
            let message = format!("Cannot parse {what} \"{name}\": {}", failed.message);
            Halt::Failed(Box::new(Failed { message, ..*failed }))
        }
        other => other,
    }
}

/// An address, or a network as its address with its mask.
fn address(text: &str) -> Option<Vec<u8>> {
    let octets = |address: IpAddr| match address {
        IpAddr::V4(four) => four.octets().to_vec(),
        IpAddr::V6(six) => six.octets().to_vec(),
    };
    if !text.contains('/') {
        return Some(octets(text.parse().ok()?));
    }
    let network: ipnet::IpNet = text.parse().ok()?;
    Some([octets(network.addr()), octets(network.netmask())].concat())
}

/// A name as the parameters write it.
pub fn read(item: &Item<'_>) -> String {
    let text = || String::from_utf8_lossy(item.body).into_owned();
    match item.tag {
        DNS => format!("DNS:{}", text()),
        EMAIL => format!("email:{}", text()),
        URI => format!("URI:{}", text()),
        IP => shown_address(item.body).map_or_else(|| colons(item.body), |shown| format!("IP:{shown}")),
        RID => format!("RID:{}", der::oid_text(item.body).unwrap_or_default()),
        DIRECTORY => {
            let mut attributes = names::read(item.body).unwrap_or_default();
            attributes.reverse();
            format!("dirName:{}", names::shown(&attributes))
        }
        _ => format!("otherName:{}", colons(item.body)),
    }
}

fn shown_address(bytes: &[u8]) -> Option<String> {
    let address = |bytes: &[u8]| -> Option<IpAddr> {
        Some(match bytes.len() {
            4 => IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?),
            16 => IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?),
            _ => return None,
        })
    };
    if matches!(bytes.len(), 4 | 16) {
        return address(bytes).map(|address| address.to_string());
    }
    let (network, mask) = bytes.split_at_checked(bytes.len() / 2)?;
    let ones: u32 = mask.iter().map(|byte| byte.count_ones()).sum();
    Some(format!("{}/{ones}", address(network)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_as_written() {
        for name in [
            "DNS:*.example.com",
            "IP:192.0.2.1",
            "IP:2001:db8::1",
            "IP:192.0.2.0/24",
            "email:a@example.com",
            "URI:https://example.com/x",
            "RID:1.2.3.4",
            "dirName:CN=a",
        ] {
            let bytes = write(name, "name").ok().unwrap();
            assert_eq!(read(&der::only(&bytes).unwrap()), name);
        }
        let other = write("otherName:1.2.3.4;UTF8:abc", "name").ok().unwrap();
        assert_eq!(other, b"\xa0\x0c\x06\x03\x2a\x03\x04\xa0\x05\x0c\x03abc");
        for name in ["example.com", "IP:300.1.1.1", "X:y", "otherName:x", "DNS:bücher.example"] {
            assert!(write(name, "name").is_err(), "{name}");
        }
    }
}
