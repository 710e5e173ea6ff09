//! Encodings of text by the names that Python gives them.

use encoding_rs::Encoding as Table;

/// An encoding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// Seven bits.
    Ascii,
    /// ISO 8859-1: every byte is the character of that number.
    Latin1,
    /// UTF-16.
    Utf16(Order),
    /// One of the encodings of the web.
    Table(&'static Table),
}

/// The order of bytes in UTF-16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As the mark at the start says; written with the mark, the low byte first.
    Marked,
    /// The low byte first.
    Little,
    /// The high byte first.
    Big,
}

impl Encoding {
    /// The encoding of that name.
    pub fn find(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase().replace(['_', ' '], "-");
        Some(match name.as_str() {
            "" | "utf-8" | "utf8" | "u8" => Self::Utf8,
            "ascii" | "us-ascii" | "646" => Self::Ascii,
            "latin-1" | "latin1" | "l1" | "iso-8859-1" | "iso8859-1" | "8859" | "cp819" => Self::Latin1,
            "utf-16" | "utf16" | "u16" => Self::Utf16(Order::Marked),
            "utf-16-le" | "utf-16le" => Self::Utf16(Order::Little),
            "utf-16-be" | "utf-16be" => Self::Utf16(Order::Big),
            other => Self::Table(Table::for_label(other.as_bytes()).filter(|table| {
                // those of the web that stand for something else than they say
                *table != encoding_rs::REPLACEMENT && *table != encoding_rs::X_USER_DEFINED
            })?),
        })
    }

    /// The text of bytes; nothing where they are none in this encoding.
    pub fn decode(self, bytes: &[u8]) -> Option<String> {
        let units = |order: fn([u8; 2]) -> u16, bytes: &[u8]| -> Option<String> {
            let pairs = bytes.chunks_exact(2);
            let whole = pairs.remainder().is_empty();
            let units: Vec<u16> = pairs.filter_map(|pair| Some(order(pair.try_into().ok()?))).collect();
            String::from_utf16(&units).ok().filter(|_| whole)
        };
        match self {
            Self::Utf8 => String::from_utf8(bytes.to_vec()).ok(),
            Self::Ascii => bytes.is_ascii().then(|| String::from_utf8_lossy(bytes).into_owned()),
            Self::Latin1 => Some(bytes.iter().map(|byte| char::from(*byte)).collect()),
            Self::Utf16(Order::Little) => units(u16::from_le_bytes, bytes),
            Self::Utf16(Order::Big) => units(u16::from_be_bytes, bytes),
            Self::Utf16(Order::Marked) => match bytes {
                [0xfe, 0xff, rest @ ..] => units(u16::from_be_bytes, rest),
                [0xff, 0xfe, rest @ ..] => units(u16::from_le_bytes, rest),
                rest => units(u16::from_le_bytes, rest),
            },
            Self::Table(table) => table
                .decode_without_bom_handling_and_without_replacement(bytes)
                .map(std::borrow::Cow::into_owned),
        }
    }

    /// The bytes of a text; nothing where this encoding lacks one of its characters.
    pub fn encode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Utf8 => Some(text.as_bytes().to_vec()),
            Self::Ascii => text.is_ascii().then(|| text.as_bytes().to_vec()),
            Self::Latin1 => text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect(),
            Self::Utf16(Order::Little) => Some(text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
            Self::Utf16(Order::Big) => Some(text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
            Self::Utf16(Order::Marked) => {
                Some([0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect())
            }
            Self::Table(table) => {
                let (bytes, _, lacking) = table.encode(text);
                (!lacking).then(|| bytes.into_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_from_every_encoding() {
        for (name, text, bytes) in [
            ("UTF_8", "\u{e9}", &b"\xc3\xa9"[..]),
            ("latin1", "\u{e9}", b"\xe9"),
            ("iso-8859-1", "\u{80}", b"\x80"),
            ("windows-1252", "\u{20ac}", b"\x80"),
            ("cp1252", "\u{201c}", b"\x93"),
            ("gbk", "\u{4f60}\u{597d}", b"\xc4\xe3\xba\xc3"),
            ("utf-16", "a", b"\xff\xfea\0"),
            ("utf-16-be", "a", b"\0a"),
            ("koi8-r", "\u{42f}", b"\xf1"),
        ] {
            let encoding = Encoding::find(name).unwrap();
            assert_eq!(encoding.encode(text).as_deref(), Some(bytes), "{name}");
            assert_eq!(encoding.decode(bytes).as_deref(), Some(text), "{name}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(Encoding::find("no-such"), None);
        assert_eq!(Encoding::Ascii.encode("\u{e9}"), None);
        assert_eq!(Encoding::find("cp1252").unwrap().encode("\u{4f60}"), None);
        assert_eq!(Encoding::Utf8.decode(b"\xff"), None);
        assert_eq!(Encoding::Utf16(Order::Little).decode(b"a"), None);
    }
}
