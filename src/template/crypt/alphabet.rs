//! The alphabets in which hashes and salts are written.

/// The alphabet of `crypt`.
const CRYPT: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The alphabet of bcrypt: the same characters in another order.
const BCRYPT: &[u8; 64] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Whether salts may have a character.
pub(super) fn contains(c: char) -> bool {
    u8::try_from(c).is_ok_and(|byte| CRYPT.contains(&byte))
}

/// Appends bytes, the first the highest, as `length` characters of six bits each, the lowest first.
pub(super) fn push(text: &mut String, bytes: [u8; 3], length: usize) {
    let mut bits = u32::from(bytes[0]) << 16 | u32::from(bytes[1]) << 8 | u32::from(bytes[2]);
    for _ in 0..length {
        text.extend(CRYPT.get((bits & 63) as usize).map(|byte| char::from(*byte)));
        bits >>= 6;
    }
}

/// The bytes of bcrypt's salt; the bits beyond the last byte do not count.
pub(super) fn bcrypt_salt(salt: &str) -> Option<[u8; 16]> {
    if salt.len() != 22 {
        return None;
    }
    let mut bits = 0_u128;
    let mut digits = salt.bytes().map(|byte| BCRYPT.iter().position(|known| *known == byte));
    for _ in 0..21 {
        bits = bits << 6 | digits.next()?? as u128;
    }
    let last = digits.next()?? as u128;
    Some((bits << 2 | last >> 4).to_be_bytes())
}
