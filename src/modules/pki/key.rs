//! Keys: what a public key tells of its private key, and how the host's `openssl` is asked for it.

use super::der::{self, tag};
use super::openssl;
use crate::modules::contract::{Halt, fail};
use crate::modules::run;
use crate::modules::view::View;
use crate::wire::action::Bytes;
use crate::wire::command::FILES;
use crate::wire::{Command, Follow, Query, Sealed};

/// The variable that hands a passphrase to `openssl`.
const PASSPHRASE: &str = "FLEET_PASSPHRASE";

/// The types of keys, by the original's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Rsa,
    Dsa,
    Ecc,
    Ed25519,
    Ed448,
    X25519,
    X448,
}

/// A public key (SubjectPublicKeyInfo).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Its type.
    pub kind: Kind,
    /// Bits, where there are several sizes.
    pub size: usize,
    /// The identifier of its curve, for elliptic curves.
    pub curve: Option<String>,
}

impl PublicKey {
    /// Reads one; nothing where it is of a kind that is not known.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let parts = der::only(bytes)?.items()?;
        let [algorithm, key] = parts.as_slice() else { return None };
        let algorithm = algorithm.items()?;
        let parameters = algorithm.get(1);
        let bits = |number: &[u8]| {
            let number: Vec<u8> = number.iter().copied().skip_while(|byte| *byte == 0).collect();
            number.first().map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
        };
        let first_number = |bytes: &[u8]| Some(bits(der::only(bytes)?.items()?.first()?.of(tag::INTEGER)?));
        let (kind, size, curve) = match algorithm.first()?.oid()?.as_str() {
            "1.2.840.113549.1.1.1" => (Kind::Rsa, first_number(key.bits()?)?, None),
            "1.2.840.10040.4.1" => (Kind::Dsa, first_number(parameters?.whole)?, None),
            "1.2.840.10045.2.1" => (Kind::Ecc, 0, Some(parameters?.oid()?)),
            "1.3.101.110" => (Kind::X25519, 0, None),
            "1.3.101.111" => (Kind::X448, 0, None),
            "1.3.101.112" => (Kind::Ed25519, 0, None),
            "1.3.101.113" => (Kind::Ed448, 0, None),
            _ => return None,
        };
        Some(Self { bytes: bytes.to_vec(), kind, size, curve })
    }

    /// The SHA-1 of the key itself: its usual identifier.
    pub fn identifier(&self) -> Vec<u8> {
        let parts = der::only(&self.bytes).and_then(|whole| whole.items()).unwrap_or_default();
        let bits = parts.get(1).and_then(der::Item::bits).unwrap_or_default();
        <sha1::Sha1 as sha1::Digest>::digest(bits).to_vec()
    }

    /// Whether it can sign.
    pub fn signs(&self) -> bool {
        !matches!(self.kind, Kind::X25519 | Kind::X448)
    }
}

/// Where a private key is.
#[derive(Clone, Copy, Debug)]
pub struct Private<'a> {
    /// A file of the host.
    pub path: Option<&'a str>,
    /// The key itself.
    pub content: Option<&'a str>,
    /// What it is encrypted with.
    pub passphrase: Option<&'a str>,
}

impl Private<'_> {
    /// The word that names it in a call of `openssl`.
    pub fn word(&self) -> String {
        match (self.path, self.content) {
            (Some(path), _) => path.to_owned(),
            (None, _) => format!("{FILES}/key"),
        }
    }

    /// A call of `openssl` with what it needs beside it.
    pub fn with(&self, command: Command) -> Command {
        let mut command = command.env(PASSPHRASE, self.passphrase.unwrap_or_default());
        if let (None, Some(content)) = (self.path, self.content) {
            command = command.file("key", Bytes::Inline(content.as_bytes().to_vec()));
        }
        command
    }

    /// The words with which `openssl` takes the passphrase.
    pub fn words(&self) -> [String; 2] {
        ["-passin".to_owned(), format!("env:{PASSPHRASE}")]
    }

    /// The question for its public key.
    pub fn query(&self) -> Query {
        let words = ["pkey".to_owned(), "-in".to_owned(), self.word()].into_iter().chain(self.words());
        let more = ["-pubout", "-outform", "DER"].map(str::to_owned);
        Query::Command(self.with(openssl(words.chain(more))))
    }

    /// The queries of [`Self::public`].
    pub fn queries(&self) -> Vec<Query> {
        let stat = self.path.map(|path| Query::Stat { path: path.to_owned(), follow: Follow::Yes });
        stat.into_iter().chain([self.query()]).collect()
    }

    /// Its public key. `missing` is said where the file is not there.
    pub fn public(&self, missing: &str, view: &View<'_>) -> Result<PublicKey, Halt> {
        if let Some(path) = self.path {
            match view.stat(path, Follow::Yes)? {
                None => return fail(missing),
                Some(stat) if stat.predicted => drop(view.sha1(path)?),
                Some(_) => {}
            }
        }
        match ask(&self.query(), view)? {
            Asked::Key(key) => Ok(key),
            Asked::Unreadable(_) if self.passphrase.is_none() => {
                fail("Wrong or empty passphrase provided for private key")
            }
            Asked::Unreadable(why) => fail(format!(
                "Wrong passphrase provided for private key, or private key cannot be parsed: {why}"
            )),
        }
    }
}

/// A private key as `openssl` sees it.
pub enum Asked {
    /// Its public key.
    Key(PublicKey),
    /// Why there is none.
    Unreadable(String),
}

/// Asks for a public key.
pub fn ask(query: &Query, view: &View<'_>) -> Result<Asked, Halt> {
    let Query::Command(command) = query else { return fail("this is no question for a key") };
    let output = match view.run(command.clone()) {
        Ok(output) => output,
        Err(Halt::Failed(_)) => {
            return fail("the host has no `openssl`: install the package of that name there");
        }
        Err(halt) => return Err(halt),
    };
    Ok(match PublicKey::read(&output.stdout).filter(|_| output.status == 0) {
        Some(key) => Asked::Key(key),
        None => Asked::Unreadable(last_line(&String::from_utf8_lossy(&output.stderr))),
    })
}

fn last_line(text: &str) -> String {
    text.lines().last().unwrap_or_default().trim().to_owned()
}

/// The environment with which `openssl` encrypts with a passphrase, and its words for that.
pub fn sealing(passphrase: &str) -> ((String, Sealed), [String; 3]) {
    let words = ["-aes-256-cbc".to_owned(), "-passout".to_owned(), format!("env:{PASSPHRASE}")];
    ((PASSPHRASE.to_owned(), Sealed::text(passphrase)), words)
}

/// What a text says of a key: whether it is encrypted, and in which format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// `pkcs1` or `pkcs8`; nothing where it is something else.
    pub format: Option<&'static str>,
    /// Whether a passphrase is needed.
    pub encrypted: bool,
}

/// The lines of a key's file that tell how it is written: that question.
pub fn marks(path: &str) -> Command {
    run::reading(["grep", "-a", "-m", "2", "-E", "-e", "^-----BEGIN |^Proc-Type:", path])
}

/// How a key is written, from the lines of [`marks`].
pub fn written(lines: &str) -> Written {
    let name = lines
        .lines()
        .next()
        .and_then(|line| line.trim().strip_prefix("-----BEGIN ").and_then(|rest| rest.strip_suffix("-----")));
    let format = match name {
        Some("PRIVATE KEY" | "ENCRYPTED PRIVATE KEY") => Some("pkcs8"),
        Some(name) if name.ends_with(" PRIVATE KEY") => Some("pkcs1"),
        _ => None,
    };
    let encrypted = name == Some("ENCRYPTED PRIVATE KEY")
        || lines.contains("ENCRYPTED\n")
        || lines.ends_with("ENCRYPTED");
    Written { format, encrypted }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_key_is_stands_in_its_file() {
        let is = |lines| written(lines);
        assert_eq!(
            is("-----BEGIN RSA PRIVATE KEY-----\n"),
            Written { format: Some("pkcs1"), encrypted: false }
        );
        assert_eq!(
            is("-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"),
            Written { format: Some("pkcs1"), encrypted: true }
        );
        assert_eq!(is("-----BEGIN PRIVATE KEY-----\n"), Written { format: Some("pkcs8"), encrypted: false });
        assert_eq!(
            is("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"),
            Written { format: Some("pkcs8"), encrypted: true }
        );
        assert_eq!(is(""), Written { format: None, encrypted: false });
    }

    #[test]
    fn public_keys_are_read() {
        // openssl genpkey -algorithm ED25519 | openssl pkey -pubout
        let text = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";
        let bytes = super::super::unwrap(
            &format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n"),
            "PUBLIC KEY",
        );
        let key = PublicKey::read(&bytes.unwrap()).unwrap();
        assert_eq!(
            (key.kind, key.size, key.curve.as_deref(), key.identifier().len()),
            (Kind::Ed25519, 0, None, 20)
        );
        assert!(key.signs());
        // 1.2.840.10045.2.1 with secp256r1
        let ec = der::sequence([
            der::sequence([der::oid("1.2.840.10045.2.1").unwrap(), der::oid("1.2.840.10045.3.1.7").unwrap()]),
            der::bit_string(&[4; 65]),
        ]);
        assert_eq!(PublicKey::read(&ec).unwrap().curve.as_deref(), Some("1.2.840.10045.3.1.7"));
        // 1.2.840.113549.1.1.1 with a number of 9 bits
        let rsa = der::sequence([
            der::sequence([der::oid("1.2.840.113549.1.1.1").unwrap(), der::put(tag::NULL, &[])]),
            der::bit_string(&der::sequence([der::integer(257), der::integer(3)])),
        ]);
        assert_eq!(PublicKey::read(&rsa).unwrap().size, 9);
        assert_eq!(PublicKey::read(b"x"), None);
    }
}
