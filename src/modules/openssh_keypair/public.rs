//! A public key of OpenSSH: `ssh-ed25519 AAAA… comment`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Public {
    /// Its algorithm, as it is written.
    pub(super) kind: String,
    /// The key itself (RFC 4253 §6.6).
    pub(super) blob: Vec<u8>,
    /// What follows it.
    pub(super) comment: String,
}

impl Public {
    /// Reads a line; nothing where it is none.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut words = text.trim_matches([' ', '\n']).splitn(3, ' ');
        let (kind, blob) = (words.next()?.to_owned(), STANDARD.decode(words.next()?).ok()?);
        Some(Self { kind, blob, comment: words.next().unwrap_or_default().to_owned() })
    }

    /// The line.
    pub(super) fn line(&self) -> String {
        format!("{} {} {}", self.kind, STANDARD.encode(&self.blob), self.comment).trim_end().to_owned()
    }

    /// Algorithm and size, as the parameters have them.
    fn size(&self) -> (&'static str, usize) {
        let bits = |field: Option<&[u8]>| {
            let number: Vec<u8> =
                field.unwrap_or_default().iter().copied().skip_while(|byte| *byte == 0).collect();
            number.first().map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
        };
        let fields = fields(&self.blob);
        match self.kind.as_str() {
            "ssh-rsa" => ("rsa", bits(fields.get(2).copied())),
            "ssh-dss" => ("dsa", bits(fields.get(1).copied())),
            "ssh-ed25519" => ("ed25519", 256),
            "ecdsa-sha2-nistp256" => ("ecdsa", 256),
            "ecdsa-sha2-nistp384" => ("ecdsa", 384),
            "ecdsa-sha2-nistp521" => ("ecdsa", 521),
            _ => ("", 0),
        }
    }

    /// Whether it is of this algorithm and size.
    pub(super) fn is(&self, kind: &str, size: u32) -> bool {
        self.size() == (kind, size as usize)
    }

    /// For the reader: `rsa 4096`.
    pub(super) fn described(&self) -> String {
        let (kind, size) = self.size();
        format!("{kind} {size}")
    }
}

/// The fields of a key, each after its length.
fn fields(mut blob: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while let Some((length, rest)) = blob.split_first_chunk::<4>() {
        let Some((field, after)) = rest.split_at_checked(u32::from_be_bytes(*length) as usize) else { break };
        found.push(field);
        blob = after;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_what_they_are() {
        let ed25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBm/RAlphM3+hUG6wWfcO5bIUIaqMLa2ywxcOK1wMWbh a b";
        let key = Public::read(&format!("{ed25519}\n")).unwrap();
        assert_eq!((key.comment.as_str(), key.described().as_str()), ("a b", "ed25519 256"));
        assert_eq!(key.line(), ed25519);
        assert!(key.is("ed25519", 256) && !key.is("rsa", 256));
        let rsa: Vec<u8> = [&b"ssh-rsa"[..], &[1, 0, 1], &[0, 0x80, 0]]
            .iter()
            .flat_map(|field| (field.len() as u32).to_be_bytes().into_iter().chain(field.iter().copied()))
            .collect();
        let key = Public { kind: "ssh-rsa".to_owned(), blob: rsa, comment: String::new() };
        assert_eq!(key.described(), "rsa 16");
        assert_eq!((Public::read("ssh-rsa"), Public::read("a !")), (None, None));
    }
}
