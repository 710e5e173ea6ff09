//! Calculating with addresses: `ipmath`, `ipcut`, `ip4_hex`, `ipv6form`, `cidr_merge`, `slaac`.

use super::hwaddr::Mac;
use super::ipaddr::of_value;
use crate::base::Value;
use crate::template::args::{Args, required};
use crate::template::context::Ctx;
use crate::template::fail::{Fail, Res, bail};
use crate::template::net::Net;
use crate::template::val::Val;

fn address(text: &str) -> Res<Net> {
    let parsed =
        if text.contains('/') { Net::parse(text).map(|net| net.alone()) } else { Net::address(text) };
    parsed.ok_or_else(|| Fail::error(format!("You must pass a valid IP address; {text} is invalid")))
}

fn amount(args: &Args, name: &str) -> Res<i128> {
    let [amount] = args.bind(name, ["amount"])?;
    match required(amount, name, "amount")? {
        Val::Data(Value::Int(amount)) => Ok(amount),
        Val::Data(other) => bail(format!(
            "You must pass an integer for arithmetic; {} is not a valid integer",
            other.to_text()
        )),
        _ => bail("You must pass an integer for arithmetic"),
    }
}

pub(in crate::template::filters) fn ipmath(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let net = address(&ctx.text(&value)?)?;
    let amount = amount(args, "ipmath")?;
    let moved = if amount < 0 {
        net.value.checked_sub(amount.unsigned_abs())
    } else {
        net.value.checked_add(amount.unsigned_abs())
    };
    match moved.filter(|value| *value <= net.max()) {
        Some(value) => Ok(Val::from(net.text_of(value))),
        None => bail("result outside valid IP address boundary!"),
    }
}

pub(in crate::template::filters) fn ip4_hex(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [delimiter] = args.bind("ip4_hex", ["delimiter"])?;
    let delimiter = delimiter.map_or(Ok("".into()), |delimiter| ctx.text(&delimiter))?;
    let net = address(&ctx.text(&value)?)?;
    if net.version != 4 {
        return bail(format!("You must pass a valid IP address; {} is invalid", net.ip()));
    }
    let bytes = (net.value as u32).to_be_bytes().map(|byte| format!("{byte:02x}"));
    Ok(Val::from(bytes.join(&delimiter)))
}

pub(in crate::template::filters) fn ipcut(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let net = address(&ctx.text(&value)?)?;
    let amount = amount(args, "ipcut")?;
    let width = usize::from(net.width());
    let all = format!("{:0width$b}", net.value);
    let count = usize::try_from(amount.unsigned_abs()).unwrap_or(width).min(width);
    let bits = if amount < 0 { all.get(width - count..) } else { all.get(..count) };
    let bits: Vec<char> = bits.unwrap_or_default().chars().collect();
    let (size, separator) = if net.version == 6 { (16, ":") } else { (8, ".") };
    let parts = bits.chunks(size).map(|chunk| {
        let number = chunk.iter().fold(0_u32, |number, bit| number << 1 | u32::from(*bit == '1'));
        if net.version == 6 { format!("{number:x}") } else { number.to_string() }
    });
    Ok(Val::from(parts.collect::<Vec<_>>().join(separator)))
}

pub(in crate::template::filters) fn ipv6form(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [format] = args.bind("ipv6form", ["format"])?;
    let format = ctx.text(&required(format, "ipv6form", "format")?)?;
    let net = address(&ctx.text(&value)?)?;
    let groups = |width: usize| {
        let groups = (0..8).rev().map(|group| format!("{:0width$x}", net.value >> (group * 16) & 0xffff));
        groups.collect::<Vec<_>>().join(":")
    };
    Ok(Val::from(match &*format {
        _ if net.version == 4 => net.ip(),
        "expand" => groups(4),
        "x509" => groups(1),
        "compress" => net.ip(),
        other => return bail(format!("You must pass valid format; {other} is not a valid format")),
    }))
}

pub(in crate::template::filters) fn cidr_merge(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [action] = args.bind("cidr_merge", ["action"])?;
    let action = action.map_or(Ok("merge".into()), |action| ctx.text(&action))?;
    let mut nets = Vec::new();
    for item in ctx.iterate(&value)? {
        let text = ctx.text(&item)?;
        let net = Net::parse(&text)
            .ok_or_else(|| Fail::error(format!("cidr_merge: error in netaddr: invalid IPNetwork {text}")))?;
        nets.push(net);
    }
    match &*action {
        "merge" => Ok(Val::list(merged(&nets).iter().map(|net| Val::from(net.to_string())))),
        "span" => Ok(match nets.as_slice() {
            [] => Val::NONE,
            [one] => Val::from(one.to_string()),
            _ => Val::from(spanning(&nets)?.to_string()),
        }),
        other => bail(format!("cidr_merge: invalid action '{other}'")),
    }
}

fn spanning(nets: &[Net]) -> Res<Net> {
    let (Some(first), Some(last)) =
        (nets.iter().min_by_key(|net| net.first()), nets.iter().max_by_key(|net| net.last()))
    else {
        return bail("IP sequence must contain at least 2 elements!");
    };
    if nets.iter().any(|net| net.version != first.version) {
        return bail("IP sequence cannot contain both IPv4 and IPv6!");
    }
    let mut around = first.cidr();
    while around.last() < last.last() {
        around.prefix = around.prefix.saturating_sub(1);
        around = around.cidr();
    }
    Ok(around)
}

/// The fewest networks that have just these addresses, IPv4 first.
fn merged(nets: &[Net]) -> Vec<Net> {
    let mut ranges: Vec<(u8, u128, u128)> =
        nets.iter().map(|net| (net.version, net.first(), net.last())).collect();
    ranges.sort_unstable();
    let mut joined: Vec<(u8, u128, u128)> = Vec::new();
    for (version, first, last) in ranges {
        match joined.last_mut() {
            Some((known, _, end)) if *known == version && first <= end.saturating_add(1) => {
                *end = last.max(*end);
            }
            _ => joined.push((version, first, last)),
        }
    }
    let mut found = Vec::new();
    for (version, first, last) in joined {
        let width: u8 = if version == 4 { 32 } else { 128 };
        let mut at = first;
        loop {
            let mut net = Net { version, value: at, prefix: width };
            while net.prefix > 0 {
                let wider = Net { prefix: net.prefix - 1, ..net };
                if wider.first() != at || wider.last() > last {
                    break;
                }
                net = wider;
            }
            found.push(net);
            match net.last().checked_add(1) {
                Some(next) if next <= last => at = next,
                _ => break,
            }
        }
    }
    found
}

pub(in crate::template::filters) fn slaac(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [query] = args.bind("slaac", ["query"])?;
    let query = query.map_or(Ok("".into()), |query| ctx.text(&query))?;
    let value = ctx.force(&value)?;
    let subnet = of_value(&value, "subnet", Some(6), "slaac").ok();
    let net = subnet.as_ref().and_then(Value::as_str).and_then(Net::parse);
    let (Some(net), Some(mac)) = (net, Mac::parse(&query)) else { return Ok(Val::from(false)) };
    let network =
        if of_value(&value, "type", None, "slaac").is_ok_and(|kind| kind.as_str() == Some("address")) {
            Net::parse(&value.to_text()).map_or(net.value, |net| net.value)
        } else {
            net.first()
        };
    Ok(Val::from(net.text_of(network.wrapping_add(mac.interface_id()))))
}
