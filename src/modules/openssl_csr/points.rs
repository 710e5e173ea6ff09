//! Where lists of revoked certificates are (`crl_distribution_points`).

use crate::base::{Map, Value};
use crate::modules::contract::{Failed, Halt, fail};
use crate::modules::pki::{der, general, names};

/// Reasons by their bits; the first bit is not used.
const REASONS: [&str; 8] = [
    "key_compromise",
    "ca_compromise",
    "affiliation_changed",
    "superseded",
    "cessation_of_operation",
    "certificate_hold",
    "privilege_withdrawn",
    "aa_compromise",
];

/// The value of the extension.
pub(super) fn write(list: &[Value]) -> Result<Vec<u8>, Halt> {
    let points = list.iter().enumerate().map(|(at, point)| {
        one(point).map_err(|halt| match halt {
            Halt::Failed(failed) => {
                let message = format!("Error while parsing CRL distribution point #{at}: {}", failed.message);
                Halt::Failed(Box::new(Failed { message, ..*failed }))
            }
            other => other,
        })
    });
    Ok(der::sequence(points.collect::<Result<Vec<_>, Halt>>()?))
}

fn one(point: &Value) -> Result<Vec<u8>, Halt> {
    let Value::Map(point) = point else { return fail("it must be a dictionary") };
    let known = ["full_name", "relative_name", "crl_issuer", "reasons"];
    if let Some(name) = point.keys().filter_map(|key| key.as_str()).find(|name| !known.contains(name)) {
        return fail(format!("`{name}` is not supported, supported are: {}", known.join(", ")));
    }
    let full = texts(point, "full_name")?;
    let relative = texts(point, "relative_name")?;
    let issuer = texts(point, "crl_issuer")?;
    let name = match (&full, &relative) {
        (Some(_), Some(_)) => return fail("parameters are mutually exclusive: full_name|relative_name"),
        (None, None) if issuer.is_none() => {
            return fail("one of the following is required: full_name, relative_name, crl_issuer");
        }
        (Some(names), None) => der::gathered(0xa0, general::write_all(names, "full name")?),
        (None, Some(parts)) => {
            let parts =
                parts.iter().map(|part| names::parse_plain(part)).collect::<Result<Vec<_>, Halt>>()?;
            let mut parts = names::relative(&parts)?;
            parts.sort();
            der::gathered(0xa1, parts)
        }
        (None, None) => Vec::new(),
    };
    let name = if name.is_empty() { name } else { der::put(0xa0, &name) };
    let reasons = match texts(point, "reasons")? {
        None => Vec::new(),
        Some(reasons) => {
            let bit = |reason: &String| {
                let at = REASONS.iter().position(|known| known == reason);
                at.map_or_else(|| fail(format!("`{reason}` is no reason")), |at| Ok(at as u8 + 1))
            };
            der::put(0x81, &der::named_bits(&reasons.iter().map(bit).collect::<Result<Vec<_>, Halt>>()?))
        }
    };
    let issuer = match issuer {
        None => Vec::new(),
        Some(names) => der::gathered(0xa2, general::write_all(&names, "CRL issuer")?),
    };
    Ok(der::sequence([name, reasons, issuer]))
}

/// A list of texts; nothing where it is not given.
fn texts(point: &Map, name: &str) -> Result<Option<Vec<String>>, Halt> {
    match point.get(name) {
        None | Some(Value::Null | Value::Omit) => Ok(None),
        Some(Value::List(list)) if list.is_empty() => fail(format!("{name} must not be empty")),
        Some(Value::List(list)) => Ok(Some(list.iter().map(Value::to_text).collect())),
        Some(one) => Ok(Some(vec![one.to_text()])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(point: Map) -> Option<Vec<u8>> {
        write(&[Value::from(point)]).ok()
    }

    #[test]
    fn points_are_written() {
        let list = |text: &str| Value::list([Value::from(text)]);
        let point = crate::map! { "full_name" => list("URI:http://a/"), "reasons" => list("key_compromise") };
        // 30 len { 30 len { a0 { a0 { 86 … } } 81 { unused bits, bit 1 } } }
        let expected = b"\x30\x15\x30\x13\xa0\x0d\xa0\x0b\x86\x09http://a/\x81\x02\x06\x40";
        assert_eq!(written(point).as_deref(), Some(&expected[..]));
        assert_eq!(written(crate::map! { "reasons" => list("key_compromise") }), None);
        assert_eq!(
            written(crate::map! { "full_name" => list("URI:a"), "relative_name" => list("CN=a") }),
            None
        );
        assert_eq!(written(crate::map! { "full_names" => list("URI:a") }), None);
        assert!(written(crate::map! { "relative_name" => list("CN=a") }).is_some());
    }
}
