//! What a request shall say.

use super::{OpensslCsrParams, points};
use crate::base::Value;
use crate::modules::contract::{Halt, fail};
use crate::modules::params::Raw;
use crate::modules::pki::extensions::{self, Extension, id};
use crate::modules::pki::key::PublicKey;
use crate::modules::pki::names::Attribute;
use crate::modules::pki::request::Request;
use crate::modules::pki::{der, from_colons, general, names, oids};

/// The extensions that the module decides on; what else a request has is left to whoever made it.
const DECIDED: [&str; 9] = [
    id::SUBJECT_ALT_NAME,
    id::KEY_USAGE,
    id::EXTENDED_KEY_USAGE,
    id::BASIC_CONSTRAINTS,
    id::TLS_FEATURE,
    id::SUBJECT_KEY,
    id::AUTHORITY_KEY,
    id::NAME_CONSTRAINTS,
    id::CRL_POINTS,
];

/// Subject and extensions, as the parameters have them.
pub(super) struct Wanted {
    /// The subject's fields by the names that the parameters have.
    pub(super) named: Vec<(String, String)>,
    /// The same by their identifiers.
    pub(super) subject: Vec<Attribute>,
    ordered: bool,
    /// The further names.
    pub(super) alt_names: Option<Vec<String>>,
    fixed: Vec<Extension>,
    late: Vec<Extension>,
    creates_identifier: bool,
}

impl Wanted {
    pub(super) fn of(params: &OpensslCsrParams) -> Result<Self, Halt> {
        let (named, ordered) = subject(params)?;
        let of = |(name, text): &(String, String)| Ok((oids::find(name)?, text.clone()));
        let subject = named.iter().map(of).collect::<Result<Vec<_>, Halt>>()?;
        let given = |list: &Option<Vec<String>>| list.clone().filter(|list| !list.is_empty());
        let common = || {
            let common = named.iter().find(|(name, _)| name == "CN" || name == "commonName");
            common.filter(|_| params.use_common_name_for_san).map(|(_, text)| vec![format!("DNS:{text}")])
        };
        let alt_names = match given(&params.subject_alt_name).or_else(common) {
            None => params.subject_alt_name.clone(),
            some => some,
        };
        let mut fixed = Vec::new();
        let mut add =
            |oid: &str, critical: bool, value: Vec<u8>| fixed.push(Extension::new(oid, critical, value));
        if let Some(list) = given(&alt_names) {
            let list = general::write_all(&list, "Subject Alternative Name")?;
            add(id::SUBJECT_ALT_NAME, params.subject_alt_name_critical, der::sequence(list));
        }
        if let Some(list) = given(&params.key_usage) {
            add(id::KEY_USAGE, params.key_usage_critical, extensions::key_usage(&list)?);
        }
        if let Some(list) = given(&params.extended_key_usage) {
            let value = extensions::extended_key_usage(&list)?;
            add(id::EXTENDED_KEY_USAGE, params.extended_key_usage_critical, value);
        }
        if let Some(list) = given(&params.basic_constraints) {
            let value = extensions::basic_constraints(&list)?;
            add(id::BASIC_CONSTRAINTS, params.basic_constraints_critical, value);
        }
        if params.ocsp_must_staple {
            add(id::TLS_FEATURE, params.ocsp_must_staple_critical, der::sequence([der::integer(5)]));
        }
        let permitted = given(&params.name_constraints_permitted).unwrap_or_default();
        let excluded = given(&params.name_constraints_excluded).unwrap_or_default();
        if !permitted.is_empty() || !excluded.is_empty() {
            let value = extensions::name_constraints(&permitted, &excluded)?;
            add(id::NAME_CONSTRAINTS, params.name_constraints_critical, value);
        }
        Ok(Self {
            named,
            subject,
            ordered,
            alt_names,
            fixed,
            late: late(params)?,
            creates_identifier: params.create_subject_key_identifier,
        })
    }

    /// The extensions for a key, in the original's order.
    pub(super) fn extensions(&self, key: &PublicKey) -> Result<Vec<Extension>, Halt> {
        let mut all = self.fixed.clone();
        if self.creates_identifier {
            let value = der::put(der::tag::OCTET_STRING, &key.identifier());
            all.push(Extension::new(id::SUBJECT_KEY, false, value));
        }
        all.extend(self.late.iter().cloned());
        Ok(all)
    }

    /// Whether a request says all that, and is for that key.
    pub(super) fn is_in(&self, request: &Request, key: &PublicKey) -> bool {
        let (Some(subject), Ok(wanted)) = (names::read(&request.subject), self.extensions(key)) else {
            return false;
        };
        let has_subject = if self.ordered {
            subject == self.subject
        } else {
            self.subject.iter().all(|one| subject.contains(one))
                && subject.iter().all(|one| self.subject.contains(one))
        };
        has_subject
            && request.key == *key
            && DECIDED.iter().all(|oid| {
                match (extensions::find(&request.extensions, oid), extensions::find(&wanted, oid)) {
                    (None, None) => true,
                    (Some(is), Some(wanted)) => is.says_as(wanted),
                    _ => false,
                }
            })
    }
}

/// The subject's fields, and whether their order counts.
fn subject(params: &OpensslCsrParams) -> Result<(Vec<(String, String)>, bool), Halt> {
    let own = [
        ("C", &params.country_name),
        ("ST", &params.state_or_province_name),
        ("L", &params.locality_name),
        ("O", &params.organization_name),
        ("OU", &params.organizational_unit_name),
        ("CN", &params.common_name),
        ("emailAddress", &params.email_address),
    ];
    let own = own.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text.clone()?)));
    let mut named: Vec<(String, String)> = own.filter(|(_, text)| !text.is_empty()).collect();
    if let Some(Raw(subject)) = &params.subject {
        named.extend(names::fields(subject, "subject")?);
    }
    let Some(Raw(Value::List(parts))) = &params.subject_ordered else { return Ok((named, false)) };
    if parts.is_empty() {
        return Ok((named, false));
    }
    if !named.is_empty() {
        return fail("subject_ordered cannot be combined with any other subject field");
    }
    for (at, part) in parts.iter().enumerate() {
        let is_one = matches!(part, Value::Map(entries) if entries.len() == 1);
        if !is_one {
            return fail(format!(
                "Entry #{} in subject_ordered must be a dictionary with exactly one key-value pair",
                at + 1
            ));
        }
        named.extend(names::fields(part, "subject_ordered")?);
    }
    Ok((named, true))
}

/// The extensions that come after the key's own identifier.
fn late(params: &OpensslCsrParams) -> Result<Vec<Extension>, Halt> {
    let mut late = Vec::new();
    let hex = |name: &str, text: &str| {
        from_colons(text)
            .map_or_else(|| fail(format!("Cannot parse {name}: Non-hexadecimal digit found")), Ok)
    };
    if let Some(text) = &params.subject_key_identifier {
        if params.create_subject_key_identifier {
            return fail(
                "subject_key_identifier cannot be specified if create_subject_key_identifier is true",
            );
        }
        let value = der::put(der::tag::OCTET_STRING, &hex("subject_key_identifier", text)?);
        late.push(Extension::new(id::SUBJECT_KEY, false, value));
    }
    let key = params.authority_key_identifier.as_deref();
    let key = key.map(|text| hex("authority_key_identifier", text)).transpose()?;
    let issuer = params.authority_cert_issuer.as_deref();
    let issuer = issuer.map(|names| general::write_all(names, "authority cert issuer")).transpose()?;
    let serial = match params.authority_cert_serial_number.as_deref().map(str::parse::<u128>) {
        None => None,
        Some(Ok(number)) => Some(number),
        Some(Err(_)) => return fail("`authority_cert_serial_number` is no number of up to 128 bits"),
    };
    if key.is_some() || issuer.is_some() || serial.is_some() {
        let value = extensions::authority_key(key.as_deref(), issuer.as_deref(), serial);
        late.push(Extension::new(id::AUTHORITY_KEY, false, value));
    }
    if let Some(Raw(Value::List(list))) = &params.crl_distribution_points
        && !list.is_empty()
    {
        late.push(Extension::new(id::CRL_POINTS, false, points::write(list)?));
    }
    Ok(late)
}
