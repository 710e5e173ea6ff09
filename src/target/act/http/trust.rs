//! The certificate authorities that the host trusts.

use std::fs;
use std::path::PathBuf;

use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, parse_pem};

use crate::wire::{Failure, FailureKind};

/// Where distributions keep the bundle.
const BUNDLES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/var/lib/ca-certificates/ca-bundle.pem",
];

/// The host's bundle (`SSL_CERT_FILE`, else the distribution's); Mozilla's, built in, where there is none.
pub fn roots() -> RootCerts {
    let given = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let bundles = given.into_iter().chain(BUNDLES.into_iter().map(PathBuf::from));
    for bundle in bundles {
        let Ok(bytes) = fs::read(&bundle) else { continue };
        let certificates = certificates(&bytes);
        if !certificates.is_empty() {
            return RootCerts::from(certificates);
        }
    }
    RootCerts::WebPki
}

fn certificates(bytes: &[u8]) -> Vec<Certificate<'static>> {
    let one = |item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    };
    parse_pem(bytes).filter_map(one).collect()
}

fn read(path: &str) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| crate::target::cause::failed("cannot read", path.as_ref(), &error))
}

/// The authorities in a file.
///
/// # Errors
/// It cannot be read, or there is none in it.
pub fn of_file(path: &str) -> Result<RootCerts, Failure> {
    let found = certificates(&read(path)?);
    if found.is_empty() {
        return Err(Failure::new(FailureKind::Other, format!("there is no certificate in `{path}`")));
    }
    Ok(RootCerts::from(found))
}

/// A client's certificate with its key.
///
/// # Errors
/// They cannot be read, or are none.
pub fn client(certificate: &str, key: Option<&str>) -> Result<ClientCert, Failure> {
    let key = key.unwrap_or(certificate);
    let none =
        |what: &str, path: &str| Failure::new(FailureKind::Other, format!("there is no {what} in `{path}`"));
    let chain = certificates(&read(certificate)?);
    if chain.is_empty() {
        return Err(none("certificate", certificate));
    }
    let private = PrivateKey::from_pem(&read(key)?).map_err(|_| none("private key", key))?;
    Ok(ClientCert::new_with_certs(&chain, private))
}
