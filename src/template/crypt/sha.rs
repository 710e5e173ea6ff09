//! SHA-crypt (Drepper, "Unix crypt using SHA-256 and SHA-512").

use sha_crypt::Params;

use super::alphabet;

/// The number of rounds that is not written down.
const IMPLICIT: u32 = 5000;

pub(super) fn crypt256(password: &str, salt: &str, rounds: u32) -> String {
    let digest = sha_crypt::sha256_crypt(password.as_bytes(), salt.as_bytes(), params(rounds));
    let mut text = prefix('5', salt, rounds);
    let byte = |at: usize| digest.get(at).copied().unwrap_or(0);
    let mut order = [0, 10, 20];
    for _ in 0..10 {
        alphabet::push(&mut text, order.map(byte), 4);
        order = [order[2] + 1, order[0] + 1, order[1] + 1];
    }
    alphabet::push(&mut text, [0, byte(31), byte(30)], 3);
    text
}

pub(super) fn crypt512(password: &str, salt: &str, rounds: u32) -> String {
    let digest = sha_crypt::sha512_crypt(password.as_bytes(), salt.as_bytes(), params(rounds));
    let mut text = prefix('6', salt, rounds);
    let byte = |at: usize| digest.get(at).copied().unwrap_or(0);
    let mut order = [0, 21, 42];
    for _ in 0..21 {
        alphabet::push(&mut text, order.map(byte), 4);
        order = [order[1] + 1, order[2] + 1, order[0] + 1];
    }
    alphabet::push(&mut text, [0, 0, byte(63)], 2);
    text
}

fn params(rounds: u32) -> Params {
    Params::new(rounds).unwrap_or_default()
}

fn prefix(id: char, salt: &str, rounds: u32) -> String {
    if rounds == IMPLICIT { format!("${id}${salt}$") } else { format!("${id}$rounds={rounds}${salt}$") }
}
