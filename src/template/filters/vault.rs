//! `vault` and `unvault`: texts encrypted with a password that the template names.

use super::random::random_bytes;
use crate::base::Value;
use crate::secrets::{self, Password, Vault};
use crate::template::args::{Args, required};
use crate::template::context::Ctx;
use crate::template::fail::{Fail, Res, bail};
use crate::template::val::Val;

/// The vault id of what a filter encrypts.
const FILTER_ID: &str = "filter_default";

fn text(value: &Val, otherwise: &str) -> Res<String> {
    match value.as_str() {
        Some(text) => Ok(text.to_owned()),
        None => bail(format!("{otherwise}, not '{}'", value.type_name())),
    }
}

/// `vault(secret, salt, vault_id, wrap_object)`.
pub(super) fn vault(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [secret, salt, id, wrap, old_id] =
        args.bind("vault", ["secret", "salt", "vault_id", "wrap_object", "vaultid"])?;
    let wrapped = wrap.map_or(Ok(false), |wrap| ctx.truth(&wrap))?;
    let secret = text(&required(secret, "vault", "secret")?, "the secret of `vault` is a text")?;
    let plain = text(&value, "`vault` encrypts texts")?;
    let id = id.or(old_id).map_or(Ok(FILTER_ID.into()), |id| ctx.text(&id))?;
    let salt = match salt.filter(|salt| !salt.is_none()) {
        Some(salt) => ctx.text(&salt)?.as_bytes().to_vec(),
        None => random_bytes(ctx, 32)?,
    };
    if salt.is_empty() {
        return bail("the salt of `vault` is empty");
    }
    let sealed = Password::new(&*id, secret.as_bytes()).seal(plain.as_bytes(), Some(&id), &salt);
    let sealed = sealed.map_err(|fault| Fail::error(format!("unable to encrypt: {fault}")))?;
    let Some(vault) = ctx.run.lookups.vault().filter(|_| wrapped) else { return Ok(Val::from(sealed)) };
    // the plain text, which knows its encrypted form, as the documentation has it; ansible-core 2.19 gives the password
    ctx.run.tainted.set(true);
    Ok(Val::Data(Value::Str(vault.sealed_as(&plain, &sealed))))
}

/// `unvault(secret)`: what is not encrypted stays as it is.
pub(super) fn unvault(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [secret, id, old_id] = args.bind("unvault", ["secret", "vault_id", "vaultid"])?;
    let secret = text(&required(secret, "unvault", "secret")?, "the secret of `unvault` is a text")?;
    let plain = text(&value, "`unvault` decrypts texts")?;
    let id = id.or(old_id).map_or(Ok(FILTER_ID.into()), |id| ctx.text(&id))?;
    let sealed = match &value {
        Val::Data(Value::Str(text)) => ctx.sealed_form(text).map(|sealed| sealed.to_string()),
        _ => None,
    };
    let sealed = sealed.unwrap_or(plain);
    if !secrets::is_sealed(sealed.as_bytes()) {
        return Ok(Val::from(sealed));
    }
    ctx.run.tainted.set(true);
    let opened = Vault::new(vec![Password::new(&*id, secret.as_bytes())], false).open(sealed.as_bytes());
    let opened = opened.map_err(|fault| Fail::error(format!("unable to decrypt: {fault}")))?;
    match String::from_utf8(opened.plain) {
        Ok(plain) => {
            if let Some(vault) = ctx.run.lookups.vault() {
                vault.known().add(&plain);
            }
            Ok(Val::from(plain))
        }
        Err(_) => bail("what is decrypted is not UTF-8 text"),
    }
}
