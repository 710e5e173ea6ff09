//! ASN.1 in its distinguished encoding (X.690), as far as requests and certificates need it.

pub mod tag {
    //! Named as in X.680.
    pub const BOOLEAN: u8 = 0x01;
    pub const INTEGER: u8 = 0x02;
    pub const BIT_STRING: u8 = 0x03;
    pub const OCTET_STRING: u8 = 0x04;
    pub const NULL: u8 = 0x05;
    pub const OID: u8 = 0x06;
    pub const UTF8: u8 = 0x0c;
    pub const PRINTABLE: u8 = 0x13;
    pub const TELETEX: u8 = 0x14;
    pub const IA5: u8 = 0x16;
    pub const UTC_TIME: u8 = 0x17;
    pub const GENERALIZED_TIME: u8 = 0x18;
    pub const BMP: u8 = 0x1e;
    pub const SEQUENCE: u8 = 0x30;
    pub const SET: u8 = 0x31;
}

/// An element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// Its tag.
    pub tag: u8,
    /// What is in it.
    pub body: &'a [u8],
    /// All of it.
    pub whole: &'a [u8],
}

impl<'a> Item<'a> {
    /// The elements in it.
    pub fn items(&self) -> Option<Vec<Item<'a>>> {
        items(self.body)
    }

    /// Its body, where it has that tag.
    pub fn of(&self, tag: u8) -> Option<&'a [u8]> {
        (self.tag == tag).then_some(self.body)
    }

    /// The bytes of a bit string that has no unused bits.
    pub fn bits(&self) -> Option<&'a [u8]> {
        self.of(tag::BIT_STRING)?.split_first().filter(|(unused, _)| **unused == 0).map(|(_, bits)| bits)
    }

    /// An object identifier with dots.
    pub fn oid(&self) -> Option<String> {
        self.of(tag::OID).and_then(oid_text)
    }
}

/// The first element, and what follows it.
pub fn first(bytes: &[u8]) -> Option<(Item<'_>, &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (short, rest) = rest.split_first()?;
    let (length, rest) = match short {
        0..=0x7f => (usize::from(*short), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(short & 0x7f))?;
            (digits.iter().fold(0, |length, digit| (length << 8) | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (body, after) = rest.split_at_checked(length)?;
    let whole = bytes.get(..bytes.len() - after.len())?;
    Some((Item { tag: *tag, body, whole }, after))
}

/// The one element that these bytes are.
pub fn only(bytes: &[u8]) -> Option<Item<'_>> {
    first(bytes).filter(|(_, after)| after.is_empty()).map(|(item, _)| item)
}

/// Elements one after another.
pub fn items(mut bytes: &[u8]) -> Option<Vec<Item<'_>>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let (item, after) = first(bytes)?;
        found.push(item);
        bytes = after;
    }
    Some(found)
}

/// An element.
pub fn put(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = body.len();
    if length < 0x80 {
        out.push(length as u8);
    } else {
        let digits = length.to_be_bytes();
        let digits: Vec<u8> = digits.into_iter().skip_while(|digit| *digit == 0).collect();
        out.push(0x80 | digits.len() as u8);
        out.extend(digits);
    }
    out.extend_from_slice(body);
    out
}

/// A sequence.
pub fn sequence<T: AsRef<[u8]>>(parts: impl IntoIterator<Item = T>) -> Vec<u8> {
    gathered(tag::SEQUENCE, parts)
}

/// An element of other elements.
pub fn gathered<T: AsRef<[u8]>>(tag: u8, parts: impl IntoIterator<Item = T>) -> Vec<u8> {
    let body = parts.into_iter().fold(Vec::new(), |mut body, part| {
        body.extend_from_slice(part.as_ref());
        body
    });
    put(tag, &body)
}

/// A set, its elements in their order.
pub fn set(mut parts: Vec<Vec<u8>>) -> Vec<u8> {
    parts.sort();
    gathered(tag::SET, parts)
}

/// The body of a number without sign, most significant byte first.
pub fn unsigned(bytes: &[u8]) -> Vec<u8> {
    let mut body: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
    if body.first().is_none_or(|byte| *byte >= 0x80) {
        body.insert(0, 0);
    }
    body
}

/// A number without sign.
pub fn integer(number: u128) -> Vec<u8> {
    put(tag::INTEGER, &unsigned(&number.to_be_bytes()))
}

/// A bit string of whole bytes.
pub fn bit_string(bytes: &[u8]) -> Vec<u8> {
    put(tag::BIT_STRING, &[&[0], bytes].concat())
}

/// The body of a bit string of named bits: those with these numbers are set.
pub fn named_bits(numbers: &[u8]) -> Vec<u8> {
    let Some(last) = numbers.iter().max() else { return vec![0] };
    let mut bytes = vec![0u8; usize::from(last / 8) + 1];
    for number in numbers {
        if let Some(byte) = bytes.get_mut(usize::from(number / 8)) {
            *byte |= 0x80 >> (number % 8);
        }
    }
    let mut body = vec![7 - last % 8];
    body.append(&mut bytes);
    body
}

/// The numbers of the bits that are set in the body of a bit string.
pub fn set_bits(body: &[u8]) -> Vec<u8> {
    let bytes = body.get(1..).unwrap_or_default();
    let bits = bytes.iter().enumerate().flat_map(|(at, byte)| {
        (0..8u8).filter(move |bit| byte & (0x80 >> bit) != 0).map(move |bit| at as u8 * 8 + bit)
    });
    bits.collect()
}

/// An object identifier; nothing where the text is none.
pub fn oid(text: &str) -> Option<Vec<u8>> {
    let numbers: Vec<u64> = text.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [first, second, rest @ ..] = numbers.as_slice() else { return None };
    if *first > 2 || (*first < 2 && *second > 39) {
        return None;
    }
    let mut body = Vec::new();
    for number in std::iter::once(first * 40 + second).chain(rest.iter().copied()) {
        let mut digits = vec![(number & 0x7f) as u8];
        let mut left = number >> 7;
        while left > 0 {
            digits.push(0x80 | (left & 0x7f) as u8);
            left >>= 7;
        }
        body.extend(digits.into_iter().rev());
    }
    Some(put(tag::OID, &body))
}

/// The body of an object identifier with dots.
pub fn oid_text(body: &[u8]) -> Option<String> {
    let mut numbers: Vec<u64> = Vec::new();
    let mut number: u64 = 0;
    for byte in body {
        number = number.checked_shl(7)? | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            numbers.push(number);
            number = 0;
        }
    }
    let (first, rest) = numbers.split_first()?;
    let (one, two) = match first {
        0..=39 => (0, *first),
        40..=79 => (1, first - 40),
        _ => (2, first - 80),
    };
    let all = [one, two].into_iter().chain(rest.iter().copied());
    Some(all.map(|number| number.to_string()).collect::<Vec<_>>().join("."))
}

/// A number without sign, most significant byte first, in decimal.
pub fn decimal(bytes: &[u8]) -> String {
    let mut digits: Vec<u8> = vec![0];
    for byte in bytes {
        let mut carry = u32::from(*byte);
        for digit in &mut digits {
            let value = u32::from(*digit) * 256 + carry;
            *digit = (value % 10) as u8;
            carry = value / 10;
        }
        while carry > 0 {
            digits.push((carry % 10) as u8);
            carry /= 10;
        }
    }
    digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_come_back_whole() {
        let long = vec![7u8; 300];
        let bytes = sequence([put(tag::OCTET_STRING, &long), integer(128), integer(0)]);
        let parts = only(&bytes).and_then(|item| item.items()).unwrap();
        assert_eq!(parts.first().unwrap().body, &long[..]);
        assert_eq!(parts.get(1).unwrap().body, [0, 128]);
        assert_eq!(parts.get(2).unwrap().body, [0]);
        assert_eq!((only(&[0x30, 0x05, 0x00]), only(&[0x30, 0x80]), first(&[])), (None, None, None));
    }

    #[test]
    fn identifiers_are_read_and_written() {
        for text in
            ["1.2.840.113549.1.1.11", "2.5.29.17", "2.16.840.1.101.3.4.3.2", "0.9.2342.19200300.100.1.25"]
        {
            let bytes = oid(text).unwrap();
            assert_eq!(only(&bytes).unwrap().oid().as_deref(), Some(text));
        }
        assert_eq!(oid("2.5.4.3").unwrap(), [6, 3, 0x55, 4, 3]);
        assert_eq!((oid("1"), oid("a.b"), oid("1.40")), (None, None, None));
    }

    #[test]
    fn bits_and_numbers() {
        assert_eq!(named_bits(&[0, 2]), [5, 0xa0]);
        assert_eq!(named_bits(&[8]), [7, 0, 0x80]);
        assert_eq!((named_bits(&[]), set_bits(&[5, 0xa0])), (vec![0], vec![0, 2]));
        assert_eq!((decimal(&[1, 0]).as_str(), decimal(&[]).as_str()), ("256", "0"));
        assert_eq!(decimal(&[0xff; 16]), u128::MAX.to_string());
    }
}
