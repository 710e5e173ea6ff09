//! `password_hash`.

use super::random::random_bytes;
use crate::base::Value;
use crate::template::args::Args;
use crate::template::context::Ctx;
use crate::template::crypt::{Method, Recipe};
use crate::template::fail::{Fail, Res, bail};
use crate::template::val::Val;

/// The characters of a salt: as many as six bits can tell apart.
const SALT: &[u8; 64] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./";

pub(super) fn password_hash(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [kind, salt, salt_size, rounds, ident] =
        args.bind("password_hash", ["hashtype", "salt", "salt_size", "rounds", "ident"])?;
    let Some(password) = value.as_str() else {
        return bail(format!("secret must be unicode or bytes, not {}", value.type_name()));
    };
    let given = |value: Option<Val>| value.filter(|value| !value.is_none());
    let kind = given(kind).map_or(Ok("sha512".into()), |kind| ctx.text(&kind))?;
    let method = Method::named(&kind).map_err(Fail::error)?;
    let rounds = given(rounds).map(|rounds| ctx.int(&rounds)).transpose()?;
    let salt = match given(salt).map(|salt| ctx.text(&salt)).transpose()?.filter(|salt| !salt.is_empty()) {
        Some(salt) => salt.to_string(),
        None => {
            let size = given(salt_size).map(|size| ctx.int(&size)).transpose()?;
            let size = size.and_then(|size| usize::try_from(size).ok()).unwrap_or(method.salt_size());
            let drawn = random_bytes(ctx, size)?;
            drawn.iter().filter_map(|byte| SALT.get(usize::from(byte & 63))).map(|c| char::from(*c)).collect()
        }
    };
    let recipe = Recipe {
        salt,
        rounds: rounds.map(|rounds| u64::try_from(rounds).unwrap_or(0)).filter(|rounds| *rounds != 0),
        ident: given(ident).map(|ident| ctx.text(&ident)).transpose()?.map(|ident| ident.to_string()),
    };
    let hash = method.hash(password, &recipe).map_err(Fail::error)?;
    Ok(Val::Data(Value::from(hash)))
}
