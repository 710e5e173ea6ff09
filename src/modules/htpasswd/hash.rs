//! The hashes of password files.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};

/// How a password is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// Apache's variant of MD5: `$apr1$`.
    Apr1,
    /// crypt(3)'s MD5: `$1$`.
    Md5,
    /// bcrypt: `$2b$`.
    Bcrypt,
    /// SHA-1 without salt: `{SHA}`.
    Sha1,
    /// Not at all.
    Plain,
}

impl Scheme {
    /// The scheme of that name.
    pub fn find(name: &str) -> Result<Self, String> {
        match name {
            "apr_md5_crypt" | "portable" | "portable_apache22" => Ok(Self::Apr1),
            "md5_crypt" => Ok(Self::Md5),
            "bcrypt" | "portable_apache24" => Ok(Self::Bcrypt),
            "ldap_sha1" => Ok(Self::Sha1),
            "plaintext" => Ok(Self::Plain),
            other => Err(format!("`hash_scheme` `{other}` of `htpasswd` is not supported yet")),
        }
    }
}

const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

fn letter(value: u32) -> char {
    ALPHABET.get((value & 63) as usize).map_or('.', |byte| char::from(*byte))
}

/// A salt of 16 bytes that hangs on these texts, so that a plan and its application write the same.
pub(super) fn salt(texts: &[&str]) -> [u8; 16] {
    let mut digest = sha2::Sha256::new();
    for text in texts {
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text.as_bytes());
    }
    let mut salt = [0; 16];
    salt.iter_mut().zip(digest.finalize()).for_each(|(to, from)| *to = from);
    salt
}

/// A password's hash.
pub(super) fn hash(scheme: Scheme, password: &str, salt: &[u8; 16]) -> Result<String, String> {
    let letters: String = salt.iter().take(8).map(|byte| letter(u32::from(*byte))).collect();
    Ok(match scheme {
        Scheme::Apr1 => md5_crypt(password, &letters, "$apr1$"),
        Scheme::Md5 => md5_crypt(password, &letters, "$1$"),
        Scheme::Bcrypt => {
            let parts = bcrypt::hash_with_salt(password, 12, *salt).map_err(|error| error.to_string())?;
            parts.format_for_version(bcrypt::Version::TwoB)
        }
        Scheme::Sha1 => format!("{{SHA}}{}", STANDARD.encode(sha1::Sha1::digest(password.as_bytes()))),
        Scheme::Plain => password.to_owned(),
    })
}

/// Whether a password is the one of a hash.
pub(super) fn verify(password: &str, hash: &str) -> Result<bool, String> {
    let hash = hash.trim();
    for magic in ["$apr1$", "$1$"] {
        if let Some((salt, _)) = hash.strip_prefix(magic).and_then(|rest| rest.split_once('$')) {
            return Ok(md5_crypt(password, salt, magic) == hash);
        }
    }
    if hash.starts_with("$2") {
        return Ok(bcrypt::verify(password, hash).unwrap_or(false));
    }
    if let Some(sum) = hash.strip_prefix("{SHA}") {
        return Ok(STANDARD.encode(sha1::Sha1::digest(password.as_bytes())) == sum);
    }
    if hash.starts_with('$') || hash.starts_with('{') {
        return Err("the password is hashed in a way that `htpasswd` does not know yet".to_owned());
    }
    Ok(hash == password)
}

/// crypt(3) with MD5, and Apache's variant, which differs in the magic only.
fn md5_crypt(password: &str, salt: &str, magic: &str) -> String {
    let salt: String = salt.chars().take(8).collect();
    let (key, salt_bytes) = (password.as_bytes(), salt.as_bytes());
    let mut inner = Md5::new();
    for part in [key, salt_bytes, key] {
        inner.update(part);
    }
    let inner = inner.finalize();
    let mut outer = Md5::new();
    for part in [key, magic.as_bytes(), salt_bytes] {
        outer.update(part);
    }
    for start in (0..key.len()).step_by(16) {
        outer.update(inner.get(..(key.len() - start).min(16)).unwrap_or_default());
    }
    let mut length = key.len();
    while length > 0 {
        outer.update(if length & 1 == 1 { &[0] } else { key.get(..1).unwrap_or_default() });
        length >>= 1;
    }
    let mut sum = outer.finalize();
    for round in 0..1000 {
        let mut digest = Md5::new();
        digest.update(if round % 2 == 1 { key } else { &sum[..] });
        if round % 3 != 0 {
            digest.update(salt_bytes);
        }
        if round % 7 != 0 {
            digest.update(key);
        }
        digest.update(if round % 2 == 1 { &sum[..] } else { key });
        sum = digest.finalize();
    }
    let byte = |at: usize| u32::from(sum.get(at).copied().unwrap_or_default());
    let mut text = format!("{magic}{salt}$");
    for (a, b, c) in [(0, 6, 12), (1, 7, 13), (2, 8, 14), (3, 9, 15), (4, 10, 5)] {
        let value = byte(a) << 16 | byte(b) << 8 | byte(c);
        (0..4).for_each(|place| text.push(letter(value >> (6 * place))));
    }
    let value = byte(11);
    (0..2).for_each(|place| text.push(letter(value >> (6 * place))));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_openssl() {
        // openssl passwd -apr1 -salt SALT PASSWORD, openssl passwd -1 …
        for (password, salt, magic, hash) in [
            ("myPassword", "r31abcde", "$apr1$", "$apr1$r31abcde$kl9eNjSys8oZ/nHjspdaj0"),
            ("", "xy", "$apr1$", "$apr1$xy$43..WIhbfuznGvwoCyUek/"),
            ("a much longer password than sixteen", "saltsalt", "$1$", "$1$saltsalt$n1r0aNDAY4SPx.B6m3gzD."),
        ] {
            assert_eq!(md5_crypt(password, salt, magic), hash);
            assert_eq!(verify(password, hash), Ok(true));
            assert_eq!(verify("other", hash), Ok(false));
        }
    }

    #[test]
    fn what_is_hashed_is_verified() {
        let salt = salt(&["web1", "/x", "ada"]);
        assert_ne!(salt, super::salt(&["web1", "/xa", "da"]));
        for scheme in [Scheme::Apr1, Scheme::Md5, Scheme::Sha1, Scheme::Plain] {
            assert_eq!(verify("p w", &hash(scheme, "p w", &salt).unwrap()), Ok(true), "{scheme:?}");
        }
        assert_eq!(verify("password", "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="), Ok(true));
        assert!(verify("x", "$6$salt$hash").is_err());
        assert!(Scheme::find("des_crypt").is_err());
    }
}
