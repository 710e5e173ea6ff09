//! How a private key is made on the host: in a hidden file that only its user can read, then renamed.

use super::{KeyType, OpensslPrivatekeyParams};
use crate::modules::pki::{self, key};
use crate::modules::run;
use crate::modules::view::View;
use crate::modules::words;
use crate::wire::Command;

/// Curves: the original's name, OpenSSL's, the identifier.
pub(super) const CURVES: &[(&str, &str, &str)] = &[
    ("secp224r1", "secp224r1", "1.3.132.0.33"),
    ("secp256k1", "secp256k1", "1.3.132.0.10"),
    ("secp256r1", "prime256v1", "1.2.840.10045.3.1.7"),
    ("secp384r1", "secp384r1", "1.3.132.0.34"),
    ("secp521r1", "secp521r1", "1.3.132.0.35"),
    ("secp192r1", "prime192v1", "1.2.840.10045.3.1.1"),
    ("brainpoolP256r1", "brainpoolP256r1", "1.3.36.3.3.2.8.1.1.7"),
    ("brainpoolP384r1", "brainpoolP384r1", "1.3.36.3.3.2.8.1.1.11"),
    ("brainpoolP512r1", "brainpoolP512r1", "1.3.36.3.3.2.8.1.1.13"),
    ("sect163k1", "sect163k1", "1.3.132.0.1"),
    ("sect163r2", "sect163r2", "1.3.132.0.15"),
    ("sect233k1", "sect233k1", "1.3.132.0.26"),
    ("sect233r1", "sect233r1", "1.3.132.0.27"),
    ("sect283k1", "sect283k1", "1.3.132.0.16"),
    ("sect283r1", "sect283r1", "1.3.132.0.17"),
    ("sect409k1", "sect409k1", "1.3.132.0.36"),
    ("sect409r1", "sect409r1", "1.3.132.0.37"),
    ("sect571k1", "sect571k1", "1.3.132.0.38"),
    ("sect571r1", "sect571r1", "1.3.132.0.39"),
];

/// The curve of that name.
pub(super) fn curve(name: &str) -> Option<&'static (&'static str, &'static str, &'static str)> {
    CURVES.iter().find(|(known, ..)| *known == name)
}

/// The command that makes the key, or writes the one that is there in another way.
pub(super) fn command(
    params: &OpensslPrivatekeyParams,
    converts: bool,
    keeps: bool,
    view: &View<'_>,
) -> Command {
    let path: &str = &params.path;
    let source = if converts {
        let words: Vec<String> = params.private().words().to_vec();
        format!("openssl pkey -in \"$1\" {}", words::join(&words))
    } else {
        made(params)
    };
    let mut writes = vec!["openssl".to_owned(), "pkey".to_owned()];
    writes.extend((params.wanted_format() == "pkcs1").then(|| "-traditional".to_owned()));
    let (variable, words) = key::sealing(params.passphrase.as_deref().unwrap_or_default());
    if params.passphrase.is_some() {
        writes.extend(words);
    }
    let mut lines = vec!["umask 077".to_owned(), "set -e".to_owned()];
    lines.push("new=$(mktemp \"$2\")".to_owned());
    lines.push("trap 'rm -f -- \"$new\"' EXIT".to_owned());
    lines.push(format!("{source} | {} >\"$new\"", words::join(&writes)));
    lines.push("test -s \"$new\"".to_owned());
    lines.push("if test -e \"$1\"; then chown --reference=\"$1\" -- \"$new\"; fi".to_owned());
    lines.extend(keeps.then(|| pki::keeping().to_owned()));
    lines.push("mv -f -- \"$new\" \"$1\"".to_owned());
    let above = crate::modules::paths::parent(path);
    let hidden = crate::modules::paths::join(above, ".fleet.XXXXXX");
    let mut command = run::argv(view, ["sh", "-c", &lines.join("\n"), "sh", path, &hidden]);
    command.environment.push(variable);
    command
}

/// The commands that print a new key.
fn made(params: &OpensslPrivatekeyParams) -> String {
    let size = params.size;
    match params.r#type {
        KeyType::Rsa => format!("openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:{size}"),
        KeyType::Dsa => format!(
            "openssl genpkey -genparam -algorithm DSA -pkeyopt dsa_paramgen_bits:{size} | openssl genpkey -paramfile \
             /dev/stdin"
        ),
        KeyType::Ecc => {
            let name = params.curve.as_deref().and_then(curve).map_or("", |(_, name, _)| *name);
            format!(
                "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:{name} -pkeyopt ec_param_enc:named_curve"
            )
        }
        KeyType::Ed25519 => "openssl genpkey -algorithm ED25519".to_owned(),
        KeyType::Ed448 => "openssl genpkey -algorithm ED448".to_owned(),
        KeyType::X25519 => "openssl genpkey -algorithm X25519".to_owned(),
        KeyType::X448 => "openssl genpkey -algorithm X448".to_owned(),
    }
}
