//! Extensions of requests and certificates.

use super::der::{self, Item, tag};
use super::{colons, general, oids};
use crate::modules::contract::{Halt, fail};

pub mod id {
    //! Identifiers, named as in RFC 5280.
    pub const SUBJECT_KEY: &str = "2.5.29.14";
    pub const KEY_USAGE: &str = "2.5.29.15";
    pub const SUBJECT_ALT_NAME: &str = "2.5.29.17";
    pub const BASIC_CONSTRAINTS: &str = "2.5.29.19";
    pub const NAME_CONSTRAINTS: &str = "2.5.29.30";
    pub const CRL_POINTS: &str = "2.5.29.31";
    pub const AUTHORITY_KEY: &str = "2.5.29.35";
    pub const EXTENDED_KEY_USAGE: &str = "2.5.29.37";
    pub const TLS_FEATURE: &str = "1.3.6.1.5.5.7.1.24";
}

/// An extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// Its identifier.
    pub oid: String,
    /// Whether who does not know it must refuse the certificate.
    pub critical: bool,
    /// What it says, encoded.
    pub value: Vec<u8>,
}

impl Extension {
    /// An extension.
    pub fn new(oid: &str, critical: bool, value: Vec<u8>) -> Self {
        Self { oid: oid.to_owned(), critical, value }
    }

    /// As it stands in a list of extensions.
    pub fn write(&self) -> Vec<u8> {
        let critical = if self.critical { der::put(tag::BOOLEAN, &[0xff]) } else { Vec::new() };
        der::sequence([
            der::oid(&self.oid).unwrap_or_default(),
            critical,
            der::put(tag::OCTET_STRING, &self.value),
        ])
    }

    /// Whether it says the same, in whatever order where order means nothing.
    pub fn says_as(&self, other: &Self) -> bool {
        self.oid == other.oid && self.critical == other.critical && self.canonical() == other.canonical()
    }

    fn canonical(&self) -> Vec<u8> {
        let sorted = |body: &[u8]| -> Option<Vec<u8>> {
            let mut parts: Vec<&[u8]> = der::items(body)?.iter().map(|item| item.whole).collect();
            parts.sort_unstable();
            parts.dedup();
            Some(parts.concat())
        };
        let whole = der::only(&self.value);
        let canonical = match self.oid.as_str() {
            id::SUBJECT_ALT_NAME | id::EXTENDED_KEY_USAGE => whole.and_then(|item| sorted(item.body)),
            id::NAME_CONSTRAINTS => whole.and_then(|item| item.items()).and_then(|sides| {
                let sides = sides.iter().map(|side| Some(der::put(side.tag, &sorted(side.body)?)));
                sides.collect::<Option<Vec<_>>>().map(|sides| sides.concat())
            }),
            _ => None,
        };
        canonical.unwrap_or_else(|| self.value.clone())
    }

    /// What it says, for the reader.
    pub fn shown(&self) -> (String, String) {
        let whole = der::only(&self.value);
        let items = || whole.and_then(|item| item.items()).unwrap_or_default();
        let (name, text) = match self.oid.as_str() {
            id::SUBJECT_ALT_NAME => {
                ("subject alternative name", items().iter().map(general::read).collect::<Vec<_>>().join(", "))
            }
            id::KEY_USAGE => {
                let bits =
                    whole.and_then(|item| item.of(tag::BIT_STRING)).map(der::set_bits).unwrap_or_default();
                let names = bits.iter().filter_map(|bit| USAGES.get(usize::from(*bit)));
                ("key usage", names.map(|(name, _)| *name).collect::<Vec<_>>().join(", "))
            }
            id::EXTENDED_KEY_USAGE => {
                let oids: Vec<String> = items().iter().filter_map(Item::oid).collect();
                let names: Vec<&str> = oids.iter().map(|oid| oids::short(oid)).collect();
                ("extended key usage", names.join(", "))
            }
            id::BASIC_CONSTRAINTS => {
                let (ca, length) = constraints(&self.value);
                let length = length.map(|length| format!(", pathlen:{length}")).unwrap_or_default();
                ("basic constraints", format!("CA:{}{length}", if ca { "TRUE" } else { "FALSE" }))
            }
            id::SUBJECT_KEY => {
                ("subject key identifier", whole.map(|item| colons(item.body)).unwrap_or_default())
            }
            id::AUTHORITY_KEY => {
                let key = items().iter().find(|item| item.tag == 0x80).map(|item| colons(item.body));
                ("authority key identifier", key.unwrap_or_else(|| colons(&self.value)))
            }
            id::TLS_FEATURE => ("TLS feature", "status request".to_owned()),
            other => (other, colons(&self.value)),
        };
        let critical = if self.critical { " (critical)" } else { "" };
        (format!("{name}{critical}"), text)
    }
}

/// A list of extensions; nothing where it is none.
pub fn read(list: &Item<'_>) -> Option<Vec<Extension>> {
    let one = |item: &Item<'_>| {
        let parts = item.items()?;
        let (oid, critical, value) = match parts.as_slice() {
            [oid, value] => (oid, false, value),
            [oid, critical, value] => (oid, critical.body.iter().any(|byte| *byte != 0), value),
            _ => return None,
        };
        Some(Extension { oid: oid.oid()?, critical, value: value.of(tag::OCTET_STRING)?.to_vec() })
    };
    list.items()?.iter().map(one).collect()
}

/// The one with an identifier.
pub fn find<'a>(list: &'a [Extension], oid: &str) -> Option<&'a Extension> {
    list.iter().find(|extension| extension.oid == oid)
}

/// The names of usages, in the order of their bits, with OpenSSL's long names.
const USAGES: [(&str, &str); 9] = [
    ("digitalSignature", "Digital Signature"),
    ("nonRepudiation", "Non Repudiation"),
    ("keyEncipherment", "Key Encipherment"),
    ("dataEncipherment", "Data Encipherment"),
    ("keyAgreement", "Key Agreement"),
    ("keyCertSign", "Certificate Sign"),
    ("cRLSign", "CRL Sign"),
    ("encipherOnly", "Encipher Only"),
    ("decipherOnly", "Decipher Only"),
];

/// Usages of a key by their names.
pub fn key_usage(names: &[String]) -> Result<Vec<u8>, Halt> {
    let bit = |name: &String| {
        let at = USAGES.iter().position(|(short, long)| name == short || name == long);
        at.map_or_else(|| fail(format!("Unknown key usage \"{name}\"")), |at| Ok(at as u8))
    };
    let bits: Vec<u8> = names.iter().map(bit).collect::<Result<_, Halt>>()?;
    Ok(der::put(tag::BIT_STRING, &der::named_bits(&bits)))
}

/// Purposes of a key by their names or identifiers.
pub fn extended_key_usage(names: &[String]) -> Result<Vec<u8>, Halt> {
    let one = |name: &String| Ok(der::oid(&oids::find(name)?).unwrap_or_default());
    Ok(der::sequence(names.iter().map(one).collect::<Result<Vec<_>, Halt>>()?))
}

/// `CA:TRUE`, `pathlen:1`.
pub fn basic_constraints(texts: &[String]) -> Result<Vec<u8>, Halt> {
    let (mut ca, mut length) = (false, None);
    for text in texts {
        match text.split_once(':') {
            Some(("CA", "TRUE")) => ca = true,
            Some(("CA", "FALSE")) => ca = false,
            Some(("CA", other)) => return fail(format!("Unknown basic constraint value \"{other}\" for CA")),
            Some(("pathlen", number)) => match number.trim().parse::<u32>() {
                Ok(number) => length = Some(number),
                Err(_) => {
                    return fail(format!(
                        "Cannot parse path length constraint \"{number}\" (invalid literal for int() with base 10: \
                         '{number}')"
                    ));
                }
            },
            _ => return fail(format!("Unknown basic constraint \"{text}\"")),
        }
    }
    if length.is_some() && !ca {
        return fail("path_length must be None when ca is False");
    }
    let ca = if ca { der::put(tag::BOOLEAN, &[0xff]) } else { Vec::new() };
    let length = length.map(|length| der::integer(u128::from(length))).unwrap_or_default();
    Ok(der::sequence([ca, length]))
}

/// What basic constraints say.
fn constraints(value: &[u8]) -> (bool, Option<u64>) {
    let items = der::only(value).and_then(|item| item.items()).unwrap_or_default();
    let ca = items.iter().any(|item| item.tag == tag::BOOLEAN && item.body != [0]);
    let length = items.iter().find_map(|item| item.of(tag::INTEGER));
    (ca, length.map(|body| body.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte))))
}

/// Names that are allowed below an authority, and those that are not.
pub fn name_constraints(permitted: &[String], excluded: &[String]) -> Result<Vec<u8>, Halt> {
    let side = |tag: u8, names: &[String], what: &str| -> Result<Vec<u8>, Halt> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let trees = general::write_all(names, what)?.into_iter().map(|name| der::sequence([name]));
        Ok(der::gathered(tag, trees))
    };
    let permitted = side(0xa0, permitted, "name constraints permitted")?;
    let excluded = side(0xa1, excluded, "name constraints excluded")?;
    Ok(der::sequence([permitted, excluded]))
}

/// Who signs: by the identifier of the key, or by name and serial number.
pub fn authority_key(key: Option<&[u8]>, issuer: Option<&[Vec<u8>]>, serial: Option<u128>) -> Vec<u8> {
    let key = key.map(|key| der::put(0x80, key)).unwrap_or_default();
    let issuer = issuer.map(|names| der::gathered(0xa1, names)).unwrap_or_default();
    let serial =
        serial.map(|number| der::put(0x82, &der::unsigned(&number.to_be_bytes()))).unwrap_or_default();
    der::sequence([key, issuer, serial])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn order_means_nothing_in_sets() {
        let names = |list: &[&str]| {
            let names = general::write_all(&texts(list), "name").ok().unwrap();
            Extension::new(id::SUBJECT_ALT_NAME, false, der::sequence(names))
        };
        let (one, two) = (names(&["DNS:a", "DNS:b"]), names(&["DNS:b", "DNS:a", "DNS:b"]));
        assert!(one.says_as(&two) && !one.says_as(&names(&["DNS:a"])));
        assert!(!one.says_as(&Extension { critical: true, ..one.clone() }));
        assert_eq!(one.shown(), ("subject alternative name".to_owned(), "DNS:a, DNS:b".to_owned()));
    }

    #[test]
    fn extensions_come_back_whole() {
        let usage = key_usage(&texts(&["digitalSignature", "Key Encipherment"])).ok().unwrap();
        // openssl: keyUsage = critical, digitalSignature, keyEncipherment
        assert_eq!(usage, [3, 2, 5, 0xa0]);
        let constraints = basic_constraints(&texts(&["CA:TRUE", "pathlen:0"])).ok().unwrap();
        assert_eq!(constraints, [0x30, 6, 1, 1, 0xff, 2, 1, 0]);
        let list = [
            Extension::new(id::KEY_USAGE, true, usage),
            Extension::new(id::BASIC_CONSTRAINTS, false, constraints),
        ];
        let bytes = der::sequence(list.iter().map(Extension::write));
        assert_eq!(read(&der::only(&bytes).unwrap()).unwrap(), list);
        let shown: Vec<String> = list.iter().map(|one| one.shown().1).collect();
        assert_eq!(shown, ["digitalSignature, keyEncipherment", "CA:TRUE, pathlen:0"]);
        assert!(key_usage(&texts(&["signing"])).is_err());
        assert!(basic_constraints(&texts(&["CA:MAYBE"])).is_err());
        assert!(basic_constraints(&texts(&["pathlen:1"])).is_err());
    }
}
