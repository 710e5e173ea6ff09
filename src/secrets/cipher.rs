//! The cipher `AES256` of Ansible's vault: keys by PBKDF2 with HMAC-SHA-256, AES-256 in counter mode, PKCS#7 padding
//! (RFC 5652 §6.3), and an HMAC-SHA-256 over the cipher text.

use aes::Aes256;
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit as _, StreamCipher as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2_of_vault::Sha256;

const ROUNDS: u32 = 10_000;
const BLOCK: usize = 16;
const LENGTH: usize = 32 + 32 + BLOCK;

/// The keys that a password and a salt give. Deriving them is slow on purpose.
#[derive(Clone)]
pub(super) struct Keys([u8; LENGTH]);

impl Keys {
    /// Derives the keys.
    pub(super) fn derive(password: &[u8], salt: &[u8]) -> Self {
        let mut keys = [0; LENGTH];
        pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, ROUNDS, &mut keys);
        Self(keys)
    }

    fn stream(&self, data: &mut [u8]) {
        let (keys, start) = self.0.split_at(LENGTH - BLOCK);
        let (key, _) = keys.split_at(32);
        // the lengths are those of the key and the counter
        if let Ok(mut stream) = Ctr128BE::<Aes256>::new_from_slices(key, start) {
            stream.apply_keystream(data);
        }
    }

    fn mac(&self, data: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.get(32..64)?).ok()?;
        mac.update(data);
        Some(mac)
    }

    /// The HMAC and the cipher text.
    pub(super) fn seal(&self, plain: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let pad = BLOCK - plain.len() % BLOCK;
        let mut data = plain.to_vec();
        data.resize(plain.len() + pad, u8::try_from(pad).unwrap_or_default());
        self.stream(&mut data);
        let mac = self.mac(&data).map(|mac| mac.finalize().into_bytes().to_vec()).unwrap_or_default();
        (mac, data)
    }

    /// The plain text, if the HMAC is right.
    pub(super) fn open(&self, mac: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        self.mac(data)?.verify_slice(mac).ok()?;
        let mut plain = data.to_vec();
        self.stream(&mut plain);
        let pad = usize::from(*plain.last()?);
        let kept = plain.len().checked_sub(pad)?;
        let whole =
            (1..=BLOCK).contains(&pad) && plain.iter().skip(kept).all(|byte| usize::from(*byte) == pad);
        plain.truncate(kept);
        whole.then_some(plain)
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}
