//! The text of a vault: a header, and salt, HMAC and cipher text as lines of hexadecimal digits.

use super::Fault;

/// How every vault text begins.
pub const HEADER: &str = "$ANSIBLE_VAULT";

/// Digits per line.
const WIDTH: usize = 80;

/// Whether this is (the beginning of) a vault text.
pub fn is_sealed(bytes: &[u8]) -> bool {
    bytes.starts_with(HEADER.as_bytes())
}

/// A vault text, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The vault id, where the header has one (format 1.2).
    pub id: Option<String>,
    /// The salt of the keys.
    pub salt: Vec<u8>,
    /// The HMAC of the cipher text.
    pub mac: Vec<u8>,
    /// The cipher text.
    pub data: Vec<u8>,
}

impl Sealed {
    /// Reads a vault text of format 1.1 or 1.2.
    ///
    /// # Errors
    /// If it is none, or is damaged.
    pub fn parse(text: &[u8]) -> Result<Self, Fault> {
        if !is_sealed(text) {
            return Err(Fault::NotSealed);
        }
        let text = std::str::from_utf8(text).map_err(|_| Fault::Damaged("it has bytes that are no text"))?;
        let (header, body) = text.split_once(['\n', '\r']).unwrap_or((text, ""));
        let mut parts = header.split(';').map(str::trim);
        let (_, version, cipher) = (parts.next(), parts.next(), parts.next());
        let (Some(_), Some(cipher)) = (version, cipher) else { return Err(Fault::Header) };
        if cipher != "AES256" {
            return Err(Fault::Cipher(cipher.to_owned()));
        }
        let id = parts.next().filter(|id| !id.is_empty()).map(str::to_owned);
        let digits: String = body.split_whitespace().collect();
        let inner = from_hex(digits.as_bytes())
            .ok_or(Fault::Damaged("its lines are not pairs of hexadecimal digits"))?;
        let mut parts = inner.splitn(3, |byte| *byte == b'\n');
        let (Some(salt), Some(mac), Some(data)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Fault::Damaged("it is cut off"));
        };
        let part = |digits| from_hex(digits).ok_or(Fault::Damaged("its parts are not hexadecimal"));
        Ok(Self { id, salt: part(salt)?, mac: part(mac)?, data: part(data)? })
    }

    /// As a text: format 1.2 where there is a vault id other than `default`, else 1.1.
    pub fn to_text(&self) -> String {
        let Self { id, salt, mac, data } = self;
        let mut text = match id.as_deref() {
            Some(id) if id != super::DEFAULT_ID => format!("{HEADER};1.2;AES256;{id}\n"),
            _ => format!("{HEADER};1.1;AES256\n"),
        };
        let inner = [to_hex(salt), to_hex(mac), to_hex(data)].join("\n");
        let digits = to_hex(inner.as_bytes());
        for line in digits.as_bytes().chunks(WIDTH) {
            text.extend(line.iter().map(|digit| char::from(*digit)));
            text.push('\n');
        }
        text
    }
}

fn to_hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn from_hex(digits: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = digits.chunks(2);
    pairs
        .map(|pair| match *pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        })
        .collect()
}
