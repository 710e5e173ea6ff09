//! One line of a file of known keys, as sshd(8) "SSH_KNOWN_HOSTS FILE FORMAT".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use russh::keys::ssh_key::public::KeyData;
use russh::keys::{PublicKey, ssh_key};
use sha1::{Digest as _, Sha1};

use crate::transport::ssh_config::pattern::matches_any;

/// What a line says about its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marker {
    /// It is the host's key.
    Plain,
    /// It signs the keys of hosts.
    CertAuthority,
    /// It must not be accepted.
    Revoked,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Names {
    Patterns(Vec<String>),
    Hashed { salt: Vec<u8>, hash: Vec<u8> },
}

/// A line that holds a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) number: u32,
    pub(crate) marker: Marker,
    names: Names,
    pub(crate) key: KeyData,
}

impl Line {
    /// Reads a line. `None` for an empty one, a comment, and, as OpenSSH does, for one that does not hold a key of a
    /// kind that is understood.
    pub(crate) fn parse(text: &str, number: u32) -> Option<Self> {
        let mut words = text.split([' ', '\t', '\r']).filter(|word| !word.is_empty());
        let mut first = words.next().filter(|word| !word.starts_with('#'))?;
        let marker = match first {
            "@cert-authority" => Marker::CertAuthority,
            "@revoked" => Marker::Revoked,
            _ if first.starts_with('@') => return None,
            _ => Marker::Plain,
        };
        if marker != Marker::Plain {
            first = words.next()?;
        }
        let names = match first.strip_prefix("|1|") {
            Some(hashed) => {
                let (salt, hash) = hashed.split_once('|')?;
                Names::Hashed { salt: STANDARD.decode(salt).ok()?, hash: STANDARD.decode(hash).ok()? }
            }
            None => Names::Patterns(first.split(',').map(str::to_lowercase).collect()),
        };
        let (algorithm, blob) = (words.next()?, words.next()?);
        let key = PublicKey::from_openssh(&format!("{algorithm} {blob}")).ok()?;
        Some(Self { number, marker, names, key: key.key_data().clone() })
    }

    /// Whether the line is about this name (`host`, or `[host]:port` off port 22; in lower case).
    pub(crate) fn is_about(&self, name: &str) -> bool {
        match &self.names {
            Names::Patterns(patterns) => matches_any(patterns.iter().map(String::as_str), name),
            Names::Hashed { salt, hash } => hmac_sha1(salt, name.as_bytes()).as_slice() == hash.as_slice(),
        }
    }
}

/// The text of a line for a new key.
pub(super) fn format(name: &str, key: &PublicKey, salt: Option<[u8; 20]>) -> Result<String, ssh_key::Error> {
    let key = PublicKey::new(key.key_data().clone(), "").to_openssh()?;
    let name = match salt {
        Some(salt) => {
            let hash = STANDARD.encode(hmac_sha1(&salt, name.as_bytes()));
            format!("|1|{}|{hash}", STANDARD.encode(salt))
        }
        None => name.to_owned(),
    };
    Ok(format!("{name} {}\n", key.trim()))
}

/// HMAC-SHA1, RFC 2104.
fn hmac_sha1(key: &[u8], text: &[u8]) -> [u8; 20] {
    let mut block = [0_u8; 64];
    let digest = Sha1::digest(key);
    let key = if key.len() > block.len() { digest.as_slice() } else { key };
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    let inner = Sha1::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(text).finalize();
    Sha1::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

    #[test]
    fn hmac_as_rfc_2202() {
        let hex = crate::wire::action::hex;
        assert_eq!(hex(&hmac_sha1(&[0x0b; 20], b"Hi There")), "b617318655057264e28bc0b6fb378c8ef146be00");
        assert_eq!(
            hex(&hmac_sha1(&[0xaa; 80], b"Test Using Larger Than Block-Size Key - Hash Key First")),
            "aa4ae5e15272d00e95705637ce8a3b55ed402112"
        );
    }

    #[test]
    fn names_patterns_and_markers() {
        let line = |names: &str| Line::parse(&format!("{names}\t{KEY} comment"), 1).unwrap();
        assert!(line("a.example,10.0.0.1").is_about("10.0.0.1"));
        assert!(line("*.Example,!bad.example").is_about("good.example"));
        assert!(!line("*.example,!bad.example").is_about("bad.example"));
        assert!(line("[a.example]:2222").is_about("[a.example]:2222"));
        assert!(!line("[a.example]:2222").is_about("a.example"));
        assert_eq!(line("@revoked *").marker, Marker::Revoked);
        assert_eq!(line("@cert-authority *.example").marker, Marker::CertAuthority);
        assert!(Line::parse("# comment", 1).is_none());
        assert!(Line::parse("@unknown a ssh-ed25519 AAAA", 1).is_none());
        assert!(Line::parse("a ssh-ed25519 broken", 1).is_none());
    }

    #[test]
    fn hashed_names_go_there_and_back() {
        let key = PublicKey::from_openssh(KEY).unwrap();
        let text = format("[a]:2222", &key, Some([7; 20])).unwrap();
        assert!(text.starts_with("|1|BwcHBwc") && text.ends_with('\n'));
        let line = Line::parse(text.trim_end(), 3).unwrap();
        assert!(line.is_about("[a]:2222") && !line.is_about("a"));
        assert_eq!(&line.key, key.key_data());
    }
}
