//! Fingerprints of public keys: one for each hash function that Python guarantees.

use sha3::Digest as _;

use super::colons;
use crate::base::Map;

/// The fingerprints of bytes, by the names of hash functions.
pub fn of(bytes: &[u8]) -> Map {
    use shake::{ExtendableOutput as _, Shake128, Shake256, Update as _, XofReader as _};
    let (mut shake_128, mut shake_256) = ([0; 32], [0; 32]);
    let mut hash = Shake128::default();
    hash.update(bytes);
    hash.finalize_xof().read(&mut shake_128);
    let mut hash = Shake256::default();
    hash.update(bytes);
    hash.finalize_xof().read(&mut shake_256);
    let older = |hash: &[u8]| colons(hash);
    crate::map! {
        "blake2b" => colons(&blake2::Blake2b512::digest(bytes)),
        "blake2s" => colons(&blake2::Blake2s256::digest(bytes)),
        "md5" => older(&<md5::Md5 as md5::Digest>::digest(bytes)),
        "sha1" => older(&<sha1::Sha1 as sha1::Digest>::digest(bytes)),
        "sha224" => older(&<sha2::Sha224 as sha2::Digest>::digest(bytes)),
        "sha256" => older(&<sha2::Sha256 as sha2::Digest>::digest(bytes)),
        "sha384" => older(&<sha2::Sha384 as sha2::Digest>::digest(bytes)),
        "sha3_224" => colons(&sha3::Sha3_224::digest(bytes)),
        "sha3_256" => colons(&sha3::Sha3_256::digest(bytes)),
        "sha3_384" => colons(&sha3::Sha3_384::digest(bytes)),
        "sha3_512" => colons(&sha3::Sha3_512::digest(bytes)),
        "sha512" => older(&<sha2::Sha512 as sha2::Digest>::digest(bytes)),
        "shake_128" => colons(&shake_128),
        "shake_256" => colons(&shake_256),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Value;

    #[test]
    fn fingerprints_are_those_of_python() {
        // hashlib.new(NAME, b"abc").hexdigest()
        let all = of(b"abc");
        let start = |name: &str| all.get(name).map(Value::to_text).unwrap().get(..11).unwrap().to_owned();
        for (name, expected) in [
            ("blake2b", "ba:80:a5:3f"),
            ("blake2s", "50:8c:5e:8c"),
            ("md5", "90:01:50:98"),
            ("sha1", "a9:99:3e:36"),
            ("sha3_256", "3a:98:5d:a7"),
            ("sha256", "ba:78:16:bf"),
            ("shake_128", "58:81:09:2d"),
            ("shake_256", "48:33:66:60"),
        ] {
            assert_eq!(start(name), expected, "{name}");
        }
        assert_eq!(all.len(), 14);
    }
}
