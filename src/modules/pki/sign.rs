//! Signatures, by the host's `openssl`: the private key does not leave the host.

use super::der::{self, Item, tag};
use super::key::{Kind, Private, PublicKey};
use super::{openssl, wrap};
use crate::modules::contract::{Halt, fail};
use crate::modules::run;
use crate::modules::view::View;
use crate::wire::action::Bytes;
use crate::wire::command::FILES;

/// Hash function, and the identifiers of its signatures with RSA, elliptic curves and DSA.
const ALGORITHMS: &[(&str, &str, &str, &str)] = &[
    ("md5", "1.2.840.113549.1.1.4", "", ""),
    ("sha1", "1.2.840.113549.1.1.5", "1.2.840.10045.4.1", "1.2.840.10040.4.3"),
    ("sha256", "1.2.840.113549.1.1.11", "1.2.840.10045.4.3.2", "2.16.840.1.101.3.4.3.2"),
    ("sha384", "1.2.840.113549.1.1.12", "1.2.840.10045.4.3.3", "2.16.840.1.101.3.4.3.3"),
    ("sha512", "1.2.840.113549.1.1.13", "1.2.840.10045.4.3.4", "2.16.840.1.101.3.4.3.4"),
];

/// The algorithm with which a key signs, and its encoding. `unknown` is said where the hash function is not known.
pub fn algorithm(key: &PublicKey, digest: &str, unknown: &str) -> Result<Vec<u8>, Halt> {
    let row = ALGORITHMS.iter().find(|(name, ..)| *name == digest);
    let oid = match (key.kind, row) {
        (Kind::Ed25519, _) => "1.3.101.112",
        (Kind::Ed448, _) => "1.3.101.113",
        (Kind::Rsa, Some((_, rsa, _, _))) => rsa,
        (Kind::Ecc, Some((_, _, curve, _))) => curve,
        (Kind::Dsa, Some((_, _, _, dsa))) => dsa,
        (Kind::X25519 | Kind::X448, _) => return fail("this type of private key cannot sign"),
        (_, None) => "",
    };
    let Some(oid) = der::oid(oid) else { return fail(unknown) };
    let parameters = if key.kind == Kind::Rsa { der::put(tag::NULL, &[]) } else { Vec::new() };
    Ok(der::sequence([oid, parameters]))
}

/// `data` with its algorithm and its signature, as requests and certificates are.
pub fn signed(
    data: &[u8],
    algorithm: &[u8],
    private: &Private<'_>,
    key: &PublicKey,
    digest: &str,
    view: &View<'_>,
) -> Result<Vec<u8>, Halt> {
    let file = format!("{FILES}/data");
    let words: Vec<String> = if is_edwards(key) {
        let words = ["pkeyutl", "-sign", "-rawin", "-in", &file, "-inkey", &private.word()];
        words.iter().map(|word| (*word).to_owned()).chain(private.words()).collect()
    } else {
        let words = ["dgst".to_owned(), format!("-{digest}"), "-sign".to_owned(), private.word()];
        words.into_iter().chain(private.words()).chain([file]).collect()
    };
    let command = private.with(openssl(words)).file("data", Bytes::Inline(data.to_vec()));
    let output = view.run(command)?;
    if output.status != 0 {
        return fail(format!(
            "the host's `openssl` cannot sign: {}",
            run::stdout(&output).trim().to_owned() + String::from_utf8_lossy(&output.stderr).trim()
        ));
    }
    Ok(der::sequence([data, algorithm, &der::bit_string(&output.stdout)]))
}

fn is_edwards(key: &PublicKey) -> bool {
    matches!(key.kind, Kind::Ed25519 | Kind::Ed448)
}

/// Whether a request or certificate is signed with the private key of this public key.
pub fn is_signed(whole: &[u8], key: &PublicKey, view: &View<'_>) -> Result<bool, Halt> {
    let parts = der::only(whole).and_then(|whole| whole.items()).unwrap_or_default();
    let [data, algorithm, signature] = parts.as_slice() else { return Ok(false) };
    let (Some(oid), Some(signature)) = (algorithm_of(algorithm), signature.bits()) else { return Ok(false) };
    let (data_file, key_file, signature_file) =
        (format!("{FILES}/data"), format!("{FILES}/public"), format!("{FILES}/signature"));
    let words: Vec<&str> = if is_edwards(key) {
        vec![
            "pkeyutl",
            "-verify",
            "-rawin",
            "-in",
            &data_file,
            "-pubin",
            "-inkey",
            &key_file,
            "-sigfile",
            &signature_file,
        ]
    } else {
        let digest =
            ALGORITHMS.iter().find(|(_, rsa, curve, dsa)| [rsa, curve, dsa].contains(&&oid.as_str()));
        let Some((digest, ..)) = digest else { return Ok(false) };
        let digest = match *digest {
            "md5" => "-md5",
            "sha1" => "-sha1",
            "sha256" => "-sha256",
            "sha384" => "-sha384",
            _ => "-sha512",
        };
        vec!["dgst", digest, "-verify", &key_file, "-signature", &signature_file, &data_file]
    };
    let public = wrap(&key.bytes, "PUBLIC KEY").into_bytes();
    let command = openssl(words)
        .file("data", Bytes::Inline(data.whole.to_vec()))
        .file("public", Bytes::Inline(public))
        .file("signature", Bytes::Inline(signature.to_vec()));
    Ok(view.run(command)?.status == 0)
}

fn algorithm_of(algorithm: &Item<'_>) -> Option<String> {
    algorithm.items()?.first()?.oid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn algorithms_hang_on_the_key() {
        let key = |kind| PublicKey { bytes: Vec::new(), kind, size: 0, curve: None };
        let oid = |kind, digest| {
            let bytes = algorithm(&key(kind), digest, "no").ok()?;
            algorithm_of(&der::only(&bytes)?)
        };
        assert_eq!(oid(Kind::Rsa, "sha256").as_deref(), Some("1.2.840.113549.1.1.11"));
        assert_eq!(oid(Kind::Ecc, "sha384").as_deref(), Some("1.2.840.10045.4.3.3"));
        assert_eq!(oid(Kind::Ed25519, "whatever").as_deref(), Some("1.3.101.112"));
        assert_eq!(
            (oid(Kind::Rsa, "sha3"), oid(Kind::Ecc, "md5"), oid(Kind::X448, "sha256")),
            (None, None, None)
        );
    }
}
