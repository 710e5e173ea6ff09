//! Distinguished names.

use super::der::{self, Item, tag};
use super::oids;
use crate::base::Value;
use crate::modules::contract::{Halt, fail};

/// An attribute of a name: its identifier and its text.
pub type Attribute = (String, String);

/// Identifiers whose texts are printable strings.
const PRINTABLE: &[&str] = &["2.5.4.5", "2.5.4.6", "2.5.4.46", "1.3.6.1.4.1.311.60.2.1.3"];
/// Identifiers whose texts are ASCII strings.
const ASCII: &[&str] = &["1.2.840.113549.1.9.1", "0.9.2342.19200300.100.1.25"];

/// A name's attributes, in order; nothing where it is none.
pub fn read(name: &[u8]) -> Option<Vec<Attribute>> {
    let mut found = Vec::new();
    for part in der::only(name)?.items()? {
        for attribute in part.items()? {
            let [oid, text] = attribute.items()?.try_into().ok()?;
            found.push((oid.oid()?, text_of(&text)?));
        }
    }
    Some(found)
}

fn text_of(item: &Item<'_>) -> Option<String> {
    Some(match item.tag {
        tag::BMP => {
            let units = item
                .body
                .chunks_exact(2)
                .map(|pair| pair.iter().fold(0u16, |unit, byte| (unit << 8) | u16::from(*byte)));
            char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        tag::TELETEX => item.body.iter().map(|byte| char::from(*byte)).collect(),
        _ => String::from_utf8_lossy(item.body).into_owned(),
    })
}

/// One attribute as it stands in a name.
fn attribute((oid, text): &Attribute) -> Result<Vec<u8>, Halt> {
    let kind = match oid.as_str() {
        oid if PRINTABLE.contains(&oid) => tag::PRINTABLE,
        oid if ASCII.contains(&oid) => tag::IA5,
        _ => tag::UTF8,
    };
    if matches!(oid.as_str(), "2.5.4.6" | "1.3.6.1.4.1.311.60.2.1.3") && text.chars().count() != 2 {
        return fail("Country name must be a 2 character country code");
    }
    let Some(oid) = der::oid(oid) else { return fail(format!("Cannot find OID for \"{oid}\"")) };
    Ok(der::sequence([oid, der::put(kind, text.as_bytes())]))
}

/// A name of these attributes.
pub fn write(attributes: &[Attribute]) -> Result<Vec<u8>, Halt> {
    let parts = attributes.iter().map(|one| Ok(der::set(vec![attribute(one)?])));
    Ok(der::sequence(parts.collect::<Result<Vec<_>, Halt>>()?))
}

/// One part of a name that has all of these attributes.
pub fn relative(attributes: &[Attribute]) -> Result<Vec<Vec<u8>>, Halt> {
    attributes.iter().map(attribute).collect()
}

/// A name in the notation `/CN=a/O=b` or `CN=a,O=b`.
pub fn parse(text: &str) -> Result<Vec<Attribute>, Halt> {
    let wrong = |why: &str| fail(format!("Error while parsing distinguished name '{text}': {why}"));
    let name = text.trim_start();
    let (separator, mut rest) = match name.strip_prefix('/') {
        Some(rest) => ('/', rest),
        None => (',', name),
    };
    let mut found = Vec::new();
    while !rest.is_empty() {
        let Some((attribute, after)) = component(rest, separator)? else {
            return wrong(&format!("cannot start part in \"{rest}\""));
        };
        found.push(attribute);
        rest = match after.strip_prefix(separator) {
            Some(after) if !after.is_empty() => after,
            _ if after.is_empty() => after,
            _ => return wrong("unexpected end of string"),
        };
    }
    Ok(found)
}

/// `CN = text` and what follows it, up to the separator where it has no backslash before it.
fn component(text: &str, separator: char) -> Result<Option<(Attribute, &str)>, Halt> {
    let Some((name, value)) = text.split_once('=') else { return Ok(None) };
    let name = name.trim_matches(' ');
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '.') {
        return Ok(None);
    }
    let oid = oids::find(name)?;
    let value = value.trim_start_matches(' ');
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(c) = value.get(at..).and_then(|rest| rest.chars().next()) {
        if c == separator {
            break;
        }
        at += c.len_utf8();
        if c != '\\' {
            out.extend(c.to_string().bytes());
            continue;
        }
        let rest = value.get(at..).unwrap_or_default();
        let hex = rest.get(..2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match (hex, rest.chars().next()) {
            (Some(byte), _) => {
                out.push(byte);
                at += 2;
            }
            (None, Some(escaped)) => {
                out.extend(escaped.to_string().bytes());
                at += escaped.len_utf8();
            }
            (None, None) => {}
        }
    }
    let text = String::from_utf8_lossy(&out).into_owned();
    Ok(Some(((oid, text), value.get(at..).unwrap_or_default())))
}

/// One attribute, `CN=text`, whose text has no escapes.
pub fn parse_plain(text: &str) -> Result<Attribute, Halt> {
    match text.split_once('=') {
        Some((name, value)) => {
            Ok((oids::find(name.trim_matches(' '))?, value.trim_start_matches(' ').to_owned()))
        }
        None => fail(format!(
            "Error while parsing relative distinguished name '{text}': cannot start part in \"{text}\""
        )),
    }
}

/// A name for the reader: `CN=a, O=b`.
pub fn shown(attributes: &[Attribute]) -> String {
    let one = |(oid, text): &Attribute| format!("{}={text}", oids::short(oid));
    attributes.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The entries of a mapping from names to a text or several: `subject`.
pub fn fields(value: &Value, of: &str) -> Result<Vec<(String, String)>, Halt> {
    let Value::Map(entries) = value else {
        return fail(format!("{of} must be a dictionary"));
    };
    let mut found = Vec::new();
    for (key, value) in entries.iter() {
        let key = key.as_str().unwrap_or_default().to_owned();
        let list = match value {
            Value::List(list) => {
                if list.iter().any(|entry| entry.as_str().is_none_or(str::is_empty)) {
                    return fail(format!("Values for {key} in {of} must not be empty strings"));
                }
                list.to_vec()
            }
            Value::Map(_) | Value::Null => {
                return fail(format!("Value for {key} in {of} must be either a string or a list of strings"));
            }
            one if one.to_text().is_empty() => {
                return fail(format!("Value for {key} in {of} must not be an empty string"));
            }
            one => vec![one.clone()],
        };
        found.extend(list.iter().map(|text| (key.clone(), text.to_text())));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(list: &[(&str, &str)]) -> Vec<Attribute> {
        list.iter().map(|(oid, text)| ((*oid).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn names_come_back_whole() {
        let name =
            attributes(&[("2.5.4.6", "DE"), ("2.5.4.10", "Ä & Co"), ("1.2.840.113549.1.9.1", "a@b.c")]);
        let bytes = write(&name).ok().unwrap();
        assert_eq!(read(&bytes), Some(name.clone()));
        assert_eq!(shown(&name), "C=DE, O=Ä & Co, emailAddress=a@b.c");
        // openssl req -subj /C=DE
        assert_eq!(
            write(&attributes(&[("2.5.4.6", "DE")])).ok().unwrap(),
            b"0\r1\x0b0\t\x06\x03U\x04\x06\x13\x02DE"
        );
        assert!(write(&attributes(&[("2.5.4.6", "Germany")])).is_err());
    }

    #[test]
    fn notations_of_names() {
        let expected = attributes(&[("2.5.4.3", "a,b"), ("2.5.4.10", "c/d")]);
        assert_eq!(parse("CN = a\\,b,O=c/d").ok(), Some(expected.clone()));
        assert_eq!(parse("/CN=a,b/O=c\\2fd").ok(), Some(expected));
        assert_eq!(parse("").ok(), Some(Vec::new()));
        assert!(parse("nothing").is_err() && parse("XX=1").is_err() && parse("CN=a,").is_err());
    }
}
