//! Certificate signing requests (PKCS #10) and certificates (X.509), read.

use super::der::{self, tag};
use super::extensions::{self, Extension};
use super::key::PublicKey;
use super::{names, times, unwrap};

/// The attribute that extensions of a request are.
pub const EXTENSION_REQUEST: &str = "1.2.840.113549.1.9.14";

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// All of it.
    pub whole: Vec<u8>,
    /// Its subject, encoded.
    pub subject: Vec<u8>,
    /// Its key.
    pub key: PublicKey,
    /// Its extensions.
    pub extensions: Vec<Extension>,
}

impl Request {
    /// Reads one from PEM.
    pub fn read(text: &str) -> Option<Self> {
        let whole = unwrap(text, "CERTIFICATE REQUEST")?;
        let parts = der::only(&whole)?.items()?;
        let info = parts.first()?.items()?;
        let [_, subject, key, rest @ ..] = info.as_slice() else { return None };
        let mut found = Vec::new();
        for attribute in rest.first().and_then(der::Item::items).unwrap_or_default() {
            let parts = attribute.items()?;
            let [name, values] = parts.as_slice() else { return None };
            if name.oid().as_deref() == Some(EXTENSION_REQUEST) {
                found = extensions::read(values.items()?.first()?)?;
            }
        }
        let key = PublicKey::read(key.whole)?;
        let subject = subject.whole.to_vec();
        Some(Self { subject, key, extensions: found, whole })
    }

    /// For the reader, by lines.
    pub fn shown(&self) -> String {
        let subject = names::read(&self.subject).unwrap_or_default();
        described(&format!("subject: {}\n", names::shown(&subject)), &self.key, &self.extensions)
    }
}

/// A certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// All of it.
    pub whole: Vec<u8>,
    /// The bytes of its serial number.
    pub serial: Vec<u8>,
    /// Its issuer, encoded.
    pub issuer: Vec<u8>,
    /// Its subject, encoded.
    pub subject: Vec<u8>,
    /// From when on it is valid, in seconds since the epoch.
    pub not_before: i64,
    /// Until when.
    pub not_after: i64,
    /// Its key.
    pub key: PublicKey,
    /// Its extensions.
    pub extensions: Vec<Extension>,
}

impl Certificate {
    /// Reads one from PEM.
    pub fn read(text: &str) -> Option<Self> {
        let whole = unwrap(text, "CERTIFICATE").or_else(|| unwrap(text, "X509 CERTIFICATE"))?;
        let parts = der::only(&whole)?.items()?;
        let mut fields = parts.first()?.items()?;
        if fields.first()?.tag == 0xa0 {
            fields.remove(0);
        }
        let [serial, _, issuer, validity, subject, key, rest @ ..] = fields.as_slice() else { return None };
        let validity = validity.items()?;
        let [not_before, not_after] = validity.as_slice() else { return None };
        let list = rest.iter().find(|item| item.tag == 0xa3).and_then(|item| der::only(item.body));
        Some(Self {
            serial: serial.of(tag::INTEGER)?.to_vec(),
            issuer: issuer.whole.to_vec(),
            subject: subject.whole.to_vec(),
            not_before: times::read(not_before)?,
            not_after: times::read(not_after)?,
            key: PublicKey::read(key.whole)?,
            extensions: list.map_or(Some(Vec::new()), |list| extensions::read(&list))?,
            whole: whole.clone(),
        })
    }

    /// For the reader, by lines.
    pub fn shown(&self) -> String {
        let name = |bytes: &[u8]| names::shown(&names::read(bytes).unwrap_or_default());
        let head = format!(
            "subject: {}\nissuer: {}\nserial number: {}\nnot before: {}\nnot after: {}\n",
            name(&self.subject),
            name(&self.issuer),
            der::decimal(&self.serial),
            times::shown(self.not_before),
            times::shown(self.not_after),
        );
        described(&head, &self.key, &self.extensions)
    }
}

fn described(head: &str, key: &PublicKey, extensions: &[Extension]) -> String {
    let sum = crate::wire::action::hex(&<sha2::Sha256 as sha2::Digest>::digest(&key.bytes));
    let mut out = format!("{head}public key: {:?}, sha256 {sum}\n", key.kind);
    for (name, text) in extensions.iter().map(Extension::shown) {
        out += &format!("{name}: {text}\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::pki::extensions::id;

    // openssl req -new -x509 -key k.pem -subj /CN=a -days 3650 -set_serial 4660 -addext subjectAltName=DNS:a and the
    // same as a request, with an Ed25519 key
    const CERTIFICATE: &str = include_str!("certificate.pem");
    const REQUEST: &str = include_str!("request.pem");

    #[test]
    fn requests_are_read() {
        let request = Request::read(REQUEST).unwrap();
        assert_eq!(names::read(&request.subject).unwrap(), [("2.5.4.3".to_owned(), "a".to_owned())]);
        assert!(extensions::find(&request.extensions, id::SUBJECT_ALT_NAME).is_some());
        assert!(request.shown().starts_with("subject: CN=a\npublic key: Ed25519, sha256 "));
        assert!(request.shown().ends_with("subject alternative name: DNS:a\n"));
        assert_eq!(Request::read(CERTIFICATE), None);
    }

    #[test]
    fn certificates_are_read() {
        let certificate = Certificate::read(CERTIFICATE).unwrap();
        assert_eq!(der::decimal(&certificate.serial), "4660");
        assert_eq!(certificate.not_after - certificate.not_before, 3650 * 86_400);
        assert_eq!(certificate.issuer, certificate.subject);
        assert_eq!(certificate.key, Request::read(REQUEST).unwrap().key);
        assert!(extensions::find(&certificate.extensions, id::SUBJECT_KEY).is_some());
        assert_eq!(Certificate::read(REQUEST), None);
    }
}
