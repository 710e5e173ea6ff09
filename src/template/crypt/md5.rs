//! MD5-crypt, as FreeBSD's `crypt` introduced it.

use md5::{Digest, Md5};

use super::alphabet;

const MAGIC: &str = "$1$";

pub(super) fn crypt(password: &str, salt: &str) -> String {
    let (password, salt_bytes) = (password.as_bytes(), salt.as_bytes());
    let mixed = Md5::new().chain_update(password).chain_update(salt_bytes).chain_update(password).finalize();
    let mut first = Md5::new();
    first.update(password);
    first.update(MAGIC);
    first.update(salt_bytes);
    for at in 0..password.len() {
        first.update(mixed.get(at % 16..=at % 16).unwrap_or_default());
    }
    let mut length = password.len();
    while length > 0 {
        first.update(if length & 1 == 1 { b"\0" } else { password.get(..1).unwrap_or_default() });
        length >>= 1;
    }
    let mut digest = first.finalize();
    for round in 0..1000 {
        let mut next = Md5::new();
        next.update(if round & 1 == 1 { password } else { &digest });
        if round % 3 != 0 {
            next.update(salt_bytes);
        }
        if round % 7 != 0 {
            next.update(password);
        }
        next.update(if round & 1 == 1 { &digest } else { password });
        digest = next.finalize();
    }
    let byte = |at: usize| digest.get(at).copied().unwrap_or(0);
    let mut text = format!("{MAGIC}{salt}$");
    for [a, b, c] in [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]] {
        alphabet::push(&mut text, [byte(a), byte(b), byte(c)], 4);
    }
    alphabet::push(&mut text, [0, 0, byte(11)], 2);
    text
}
