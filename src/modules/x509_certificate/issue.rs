//! A certificate that is to be issued.

use sha2::Digest as _;

use super::Identifier;
use crate::modules::contract::{Halt, fail};
use crate::modules::pki::extensions::{self, Extension, id};
use crate::modules::pki::key::{Private, PublicKey};
use crate::modules::pki::request::{Certificate, Request};
use crate::modules::pki::{der, sign, times};
use crate::modules::run;
use crate::modules::view::View;
use crate::wire::Command;

/// What a certificate is made of.
pub(super) struct Issue<'a> {
    /// The hash function of the signature.
    pub(super) digest: &'a str,
    /// The key of the certificate, where it is given apart from the request.
    pub(super) own: Option<PublicKey>,
    /// The public key of the one that signs.
    pub(super) key: PublicKey,
    /// The key that signs.
    pub(super) private: Private<'a>,
    /// The request, where there is one.
    pub(super) request: Option<Request>,
    /// The authority; nothing where it signs itself.
    pub(super) authority: Option<Certificate>,
    /// When the identifier of the key is made from the key.
    pub(super) identifier: Identifier,
    /// Whether it names the authority's key.
    pub(super) names_authority: bool,
    /// From when on it is valid.
    pub(super) not_before: i64,
    /// Until when.
    pub(super) not_after: i64,
    /// What its number is made of.
    pub(super) random: String,
}

/// Asks for the time and for something random.
pub(super) fn moment() -> Command {
    run::reading(["sh", "-c", "date +%s && openssl rand -hex 20"])
}

/// The time of the host in seconds since the epoch, and something random.
pub(super) fn now(view: &View<'_>) -> Result<(i64, String), Halt> {
    let output = view.run(moment())?;
    let text = run::stdout(&output);
    let mut lines = text.lines();
    let (time, random) = (lines.next().and_then(|line| line.parse().ok()), lines.next());
    match (time, random) {
        (Some(time), Some(random)) => Ok((time, random.to_owned())),
        _ => fail("the host has no `openssl`: install the package of that name there"),
    }
}

impl Issue<'_> {
    /// The key that the certificate is for.
    fn subject_key(&self) -> &PublicKey {
        match (&self.authority, &self.request) {
            (Some(_), Some(request)) => &request.key,
            _ => &self.key,
        }
    }

    fn requested(&self) -> &[Extension] {
        self.request.as_ref().map_or(&[], |request| &request.extensions)
    }

    fn subject(&self) -> Vec<u8> {
        self.request.as_ref().map_or_else(|| der::sequence([[0u8; 0]; 0]), |request| request.subject.clone())
    }

    fn issuer(&self) -> Vec<u8> {
        self.authority.as_ref().map_or_else(|| self.subject(), |authority| authority.subject.clone())
    }

    /// The extension that names the authority's key.
    fn authority_key(&self) -> Option<Extension> {
        let authority = self.authority.as_ref().filter(|_| self.names_authority)?;
        let own = extensions::find(&authority.extensions, id::SUBJECT_KEY);
        let own = own.and_then(|own| Some(der::only(&own.value)?.body.to_vec()));
        let key = own.unwrap_or_else(|| authority.key.identifier());
        Some(Extension::new(id::AUTHORITY_KEY, false, extensions::authority_key(Some(&key), None, None)))
    }

    fn extensions(&self) -> Vec<Extension> {
        let is_left = |extension: &&Extension| match extension.oid.as_str() {
            id::SUBJECT_KEY => self.identifier != Identifier::Always,
            id::AUTHORITY_KEY => !self.names_authority || self.authority.is_none(),
            _ => true,
        };
        let mut all: Vec<Extension> = self.requested().iter().filter(is_left).cloned().collect();
        if self.identifier != Identifier::Never && extensions::find(&all, id::SUBJECT_KEY).is_none() {
            let value = der::put(der::tag::OCTET_STRING, &self.subject_key().identifier());
            all.push(Extension::new(id::SUBJECT_KEY, false, value));
        }
        all.extend(self.authority_key());
        all
    }

    /// Whether a certificate is the one that is wanted, but for its signatures.
    pub(super) fn is_as_wanted(&self, certificate: &Certificate, ignores_times: bool) -> bool {
        if self.own.as_ref().is_some_and(|own| *own != certificate.key) {
            return false;
        }
        if let Some(request) = &self.request
            && (request.key != certificate.key || request.subject != certificate.subject)
        {
            return false;
        }
        if certificate.issuer != self.issuer() && self.authority.is_some() {
            return false;
        }
        if self.request.is_some() && !self.has_requested(certificate) {
            return false;
        }
        if self.identifier != Identifier::Never {
            let is = extensions::find(&certificate.extensions, id::SUBJECT_KEY).map(|is| &is.value);
            let given = extensions::find(self.requested(), id::SUBJECT_KEY)
                .filter(|_| self.identifier == Identifier::IfNotProvided)
                .map(|given| given.value.clone());
            let wanted =
                given.unwrap_or_else(|| der::put(der::tag::OCTET_STRING, &certificate.key.identifier()));
            if is != Some(&wanted) {
                return false;
            }
        }
        if let Some(wanted) = self.authority_key()
            && extensions::find(&certificate.extensions, id::AUTHORITY_KEY).map(|is| &is.value)
                != Some(&wanted.value)
        {
            return false;
        }
        ignores_times || (certificate.not_before, certificate.not_after) == (self.not_before, self.not_after)
    }

    /// Whether a certificate has the extensions of the request, but for those that are made.
    fn has_requested(&self, certificate: &Certificate) -> bool {
        let is_compared = |extension: &&Extension| match extension.oid.as_str() {
            id::SUBJECT_KEY => self.identifier == Identifier::Never,
            id::AUTHORITY_KEY => !self.names_authority || self.authority.is_none(),
            _ => true,
        };
        let is: Vec<&Extension> = certificate.extensions.iter().filter(is_compared).collect();
        let wanted: Vec<&Extension> = self.requested().iter().filter(is_compared).collect();
        is.len() == wanted.len() && is.iter().all(|one| wanted.contains(one))
    }

    /// The certificate.
    pub(super) fn certificate(&self, view: &View<'_>) -> Result<Vec<u8>, Halt> {
        let unknown = format!("The digest {} is not supported with the cryptography backend", self.digest);
        let algorithm = sign::algorithm(&self.key, self.digest, &unknown)?;
        let list = self.extensions();
        let list = if list.is_empty() {
            Vec::new()
        } else {
            der::put(0xa3, &der::sequence(list.iter().map(Extension::write)))
        };
        let key = self.subject_key();
        let mut number = sha2::Sha256::new();
        number.update(self.random.as_bytes());
        number.update(&key.bytes);
        number.update(self.not_before.to_be_bytes());
        // 120 bits: a positive number that all who read results can hold
        let number = number.finalize();
        let number = number.get(..15).unwrap_or_default();
        let data = der::sequence([
            der::put(0xa0, &der::integer(2)),
            der::put(der::tag::INTEGER, &der::unsigned(number)),
            algorithm.clone(),
            self.issuer(),
            der::sequence([times::write(self.not_before), times::write(self.not_after)]),
            self.subject(),
            key.bytes.clone(),
            list,
        ]);
        sign::signed(&data, &algorithm, &self.private, &self.key, self.digest, view)
    }
}
