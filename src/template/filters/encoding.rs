//! Base64, hashes, quoting, identifiers.

use std::fmt::Write;

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use crate::template::args::{Args, required};
use crate::template::context::Ctx;
use crate::template::fail::{Fail, Res, bail};
use crate::template::val::Val;

/// `encoding` and `urlsafe`, of which only UTF-8 and its subsets can be meant.
fn url_safe(ctx: &Ctx<'_>, args: &Args, name: &str) -> Res<bool> {
    let [encoding, url_safe] = args.bind(name, ["encoding", "urlsafe"])?;
    if let Some(encoding) = encoding {
        let encoding = ctx.text(&encoding)?.to_lowercase().replace('_', "-");
        if !matches!(encoding.as_str(), "utf-8" | "utf8" | "ascii" | "us-ascii") {
            return bail(format!("the encoding `{encoding}` is not supported, only `utf-8` is"));
        }
    }
    url_safe.map_or(Ok(false), |flag| ctx.truth(&flag))
}

pub(super) fn b64encode(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let url_safe = url_safe(ctx, args, "b64encode")?;
    let text = ctx.text(&value)?;
    Ok(Val::from(if url_safe { URL_SAFE.encode(&*text) } else { STANDARD.encode(&*text) }))
}

pub(super) fn b64decode(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let url_safe = url_safe(ctx, args, "b64decode")?;
    let mut text = ctx.text(&value)?.to_string();
    if url_safe {
        text = text.replace('-', "+").replace('_', "/");
    }
    // Python skips whatever is not in the alphabet
    text.retain(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '='));
    let lenient = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical)
        .with_decode_allow_trailing_bits(true);
    let bytes = GeneralPurpose::new(&alphabet::STANDARD, lenient)
        .decode(&text)
        .map_err(|error| Fail::error(format!("cannot decode base64: {error}")))?;
    // what is no text keeps its length at least: values are texts here, where Python smuggles bytes through them
    Ok(Val::from(String::from_utf8_lossy(&bytes).into_owned()))
}

fn hex<D: Digest>(text: &str) -> String {
    let mut out = String::new();
    for byte in D::digest(text.as_bytes()) {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

pub(super) fn md5(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("md5")?;
    Ok(Val::from(hex::<Md5>(&ctx.text(&value)?)))
}

pub(super) fn sha1(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("sha1")?;
    Ok(Val::from(hex::<Sha1>(&ctx.text(&value)?)))
}

pub(super) fn hash(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [kind] = args.bind("hash", ["hashtype"])?;
    let kind = kind.map_or(Ok("sha1".into()), |kind| ctx.text(&kind))?;
    let text = ctx.text(&value)?;
    Ok(Val::from(match &*kind {
        "md5" => hex::<Md5>(&text),
        "sha1" => hex::<Sha1>(&text),
        "sha224" => hex::<Sha224>(&text),
        "sha256" => hex::<Sha256>(&text),
        "sha384" => hex::<Sha384>(&text),
        "sha512" => hex::<Sha512>(&text),
        other => {
            return bail(format!(
                "the hash `{other}` is not supported (md5, sha1, sha224, sha256, sha384, sha512)"
            ));
        }
    }))
}

pub(super) fn quote(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("quote")?;
    if value.is_none() {
        return Ok(Val::from("''"));
    }
    let text = ctx.text(&value)?;
    let safe = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if text.is_empty() {
        return Ok(Val::from("''"));
    }
    if text.chars().all(safe) {
        return Ok(Val::from(text));
    }
    Ok(Val::from(format!("'{}'", text.replace('\'', r#"'"'"'"#))))
}

/// Ansible's namespace: 361E6D51-FAEC-444A-9079-341386DA8E2E.
const NAMESPACE: &str = "361E6D51-FAEC-444A-9079-341386DA8E2E";

/// A name-based identifier (RFC 4122 §4.3, version 5).
pub(super) fn to_uuid(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [namespace] = args.bind("to_uuid", ["namespace"])?;
    let namespace = namespace.map_or(Ok(NAMESPACE.into()), |namespace| ctx.text(&namespace))?;
    let digits: String = namespace.chars().filter(char::is_ascii_hexdigit).collect();
    let parsed = u128::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 32);
    let Some(parsed) = parsed else {
        return bail(format!(
            "invalid value '{namespace}' for 'namespace': badly formed hexadecimal UUID string"
        ));
    };
    let mut hasher = Sha1::new();
    hasher.update(parsed.to_be_bytes());
    hasher.update(ctx.text(&required(Some(value), "to_uuid", "string")?)?.as_bytes());
    let digest = hasher.finalize();
    let mut number = digest.iter().take(16).fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    number = number & !(0xf << 76) | (5 << 76);
    number = number & !(0b11 << 62) | (0b10 << 62);
    let hex = format!("{number:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or("");
    Ok(Val::from(format!(
        "{}-{}-{}-{}-{}",
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32)
    )))
}
