//! `random_mac`, `unicode_normalize`, `version_sort`, `crc32`, `reveal_ansible_type`.

use unicode_normalization::UnicodeNormalization;

use crate::base::Value;
use crate::template::args::Args;
use crate::template::context::Ctx;
use crate::template::fail::{Fail, Res, bail};
use crate::template::filters::random;
use crate::template::predicates;
use crate::template::val::{Val, type_name};

pub(in crate::template::filters) fn unicode_normalize(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [form] = args.bind("unicode_normalize", ["form"])?;
    let form = form.map_or(Ok("NFC".into()), |form| ctx.text(&form))?;
    let Some(text) = value.as_str() else {
        return bail(format!("{} is not a valid input type", value.type_name()));
    };
    Ok(Val::from(match &*form {
        "NFC" => text.nfc().collect::<String>(),
        "NFD" => text.nfd().collect(),
        "NFKC" => text.nfkc().collect(),
        "NFKD" => text.nfkd().collect(),
        other => return bail(format!("{other} is not a valid form")),
    }))
}

pub(in crate::template::filters) fn version_sort(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [reverse] = args.bind("version_sort", ["reverse"])?;
    let reverse = reverse.map_or(Ok(false), |reverse| ctx.truth(&reverse))?;
    let mut sorted: Vec<(std::sync::Arc<str>, Val)> = Vec::new();
    for item in ctx.iterate(&value)? {
        let text = ctx.text(&item)?;
        let mut at = sorted.len();
        while let Some(before) = at.checked_sub(1) {
            let Some((other, _)) = sorted.get(before) else { break };
            let order = predicates::loose(&text, other)?;
            if if reverse { order.is_le() } else { order.is_ge() } {
                break;
            }
            at = before;
        }
        sorted.insert(at, (text, item));
    }
    Ok(Val::list(sorted.into_iter().map(|(_, item)| item)))
}

pub(in crate::template::filters) fn crc32(_: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("crc32")?;
    let Some(text) = value.as_str() else {
        return bail(format!("invalid value type ({}) for crc32", value.type_name()));
    };
    let mut crc = flate2::Crc::new();
    crc.update(text.as_bytes());
    Ok(Val::from(format!("{:x}", crc.sum())))
}

/// The numbers between which the rest of an address is drawn.
const LEAST: u64 = 68_719_476_736;
const MOST: u64 = 1_099_511_627_775;

pub(in crate::template::filters) fn random_mac(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [seed] = args.bind("random_mac", ["seed"])?;
    let Some(text) = value.as_str() else {
        return bail(format!("Invalid value type ({}) for random_mac", value.type_name()));
    };
    let text = text.to_lowercase();
    let items: Vec<&str> = text.split(':').collect();
    if items.len() > 5 {
        return bail(format!("Invalid value ({text}) for random_mac: 5 colon(:) separated items max"));
    }
    for item in &items {
        let mut chars = item.chars();
        let hex = |c: Option<char>| c.is_some_and(|c| c.is_ascii_hexdigit());
        if !hex(chars.next()) || !hex(chars.next()) {
            let problem =
                if item.is_empty() { "empty item".to_owned() } else { format!("{item} not hexa byte") };
            return bail(format!("Invalid value ({text}) for random_mac: {problem}"));
        }
    }
    let drawn = match seed.filter(|seed| !seed.is_none()) {
        Some(seed) => random::seeded_below(&ctx.force(&seed)?, u128::from(MOST - LEAST + 1)) as u64,
        None => {
            let bytes = random::random_bytes(ctx, 8)?;
            bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte)) % (MOST - LEAST + 1)
        }
    };
    let digits = format!("{:x}", LEAST + drawn);
    let digits: Vec<char> = digits.chars().take(2 * (6 - items.len())).collect();
    let mut mac = text.clone();
    for pair in digits.chunks(2) {
        mac.push(':');
        mac.extend(pair);
    }
    Ok(Val::from(mac))
}

pub(in crate::template::filters) fn reveal_ansible_type(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [alias] = args.bind("reveal_ansible_type", ["alias"])?;
    let alias = alias.filter(|alias| !alias.is_none()).map(|alias| ctx.force(&alias)).transpose()?;
    ansible_type(&ctx.force(&value)?, alias.as_ref()).map(Val::from)
}

/// The type of a value with those of its items: `list[int|str]`, `dict[str, int]`.
pub(in crate::template) fn ansible_type(value: &Value, alias: Option<&Value>) -> Res<String> {
    let alias = match alias {
        None => None,
        Some(Value::Map(alias)) => Some(alias),
        Some(_) => return Err(Fail::error("the alias of types is a dictionary")),
    };
    let named =
        |name: &str| alias.and_then(|alias| alias.get(name)).map_or_else(|| name.to_owned(), Value::to_text);
    let joined = |mut names: Vec<String>| {
        names.sort();
        names.dedup();
        names.join("|")
    };
    Ok(match value {
        Value::Str(_) => named("_AnsibleTaggedStr"),
        Value::Int(_) => named("_AnsibleTaggedInt"),
        Value::Float(_) => named("_AnsibleTaggedFloat"),
        Value::List(items) => {
            let names = items.iter().map(|item| named(type_name(item))).collect();
            format!("{}[{}]", named("list"), joined(names))
        }
        Value::Map(entries) => {
            let keys = entries.keys().map(|key| named(type_name(&key.to_value()))).collect();
            let values = entries.values().map(|value| named(type_name(value))).collect();
            format!("{}[{}, {}]", named("dict"), joined(keys), joined(values))
        }
        other => named(type_name(other)),
    })
}
