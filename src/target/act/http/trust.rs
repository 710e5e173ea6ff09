//! The certificate authorities that the host trusts.

use std::fs;
use std::path::PathBuf;

use ureq::tls::{Certificate, PemItem, RootCerts, parse_pem};

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
        let certificates: Vec<Certificate<'static>> = parse_pem(&bytes)
            .filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            })
            .collect();
        if !certificates.is_empty() {
            return RootCerts::from(certificates);
        }
    }
    RootCerts::WebPki
}
