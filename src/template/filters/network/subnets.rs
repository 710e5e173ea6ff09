//! Networks in networks: `ipsubnet`, `nthhost`, `network_in_network` and their like.

use super::ipaddr::{at, of_value};
use crate::base::Value;
use crate::template::args::{Args, required};
use crate::template::context::Ctx;
use crate::template::fail::{Fail, Res, bail};
use crate::template::net::Net;
use crate::template::val::Val;

/// The network that a value stands for: an address as it is, else the network around it.
fn normalised(value: &Value) -> Option<Net> {
    let query = match of_value(value, "type", None, "ipaddr").ok()?.as_str()? {
        "address" => "cidr",
        _ => "subnet",
    };
    Net::parse(of_value(value, query, None, "ipaddr").ok()?.as_str()?)
}

/// The network around a value.
fn around(value: &Value) -> Option<Net> {
    normalised(value).map(|net| net.cidr())
}

pub(in crate::template::filters) fn nthhost(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [query] = args.bind("nthhost", ["query"])?;
    let query = query.map_or(Ok("".into()), |query| ctx.text(&query))?;
    let net = normalised(&ctx.force(&value)?);
    let found = match (net, query.trim().parse::<i128>()) {
        (Some(net), Ok(index)) if index < 0 || net.size() > index.unsigned_abs() => match at(&net, index) {
            Some(value) => Some(net.text_of(value)),
            None => return bail("index out range for address range size!"),
        },
        _ => None,
    };
    Ok(found.map_or(Val::from(false), Val::from))
}

fn usable(net: &Net) -> Option<(u128, u128)> {
    match net.size() {
        0 | 1 => None,
        2 => Some((net.first(), net.last())),
        _ => Some((net.first() + 1, net.last() - 1)),
    }
}

fn shifted(ctx: &Ctx<'_>, value: &Val, args: &Args, name: &str, sign: i128) -> Res<Val> {
    let [offset] = args.bind(name, ["offset"])?;
    let Val::Data(Value::Int(offset)) = required(offset, name, "offset")? else {
        return bail("Must pass in an integer");
    };
    let Some(net) = normalised(&ctx.force(value)?) else { return Ok(Val::from(false)) };
    let Some((first, last)) = usable(&net) else { return Ok(Val::NONE) };
    let moved = offset * sign;
    let found = if moved < 0 {
        net.value.checked_sub(moved.unsigned_abs())
    } else {
        net.value.checked_add(moved.unsigned_abs())
    };
    let found = found.filter(|value| (first..=last).contains(value));
    Ok(found.map_or(Val::NONE, |value| Val::from(net.text_of(value))))
}

pub(in crate::template::filters) fn next_nth_usable(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    shifted(ctx, &value, args, "next_nth_usable", 1)
}

pub(in crate::template::filters) fn previous_nth_usable(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    shifted(ctx, &value, args, "previous_nth_usable", -1)
}

fn needed(value: &Value) -> Res<Net> {
    match around(value) {
        Some(net) => Ok(net),
        None => bail(format!("'{}' is not a valid IP address or network", value.to_text())),
    }
}

pub(in crate::template::filters) fn network_in_network(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [test] = args.bind("network_in_network", ["test"])?;
    let outer = needed(&ctx.force(&value)?)?;
    let inner = needed(&ctx.force(&required(test, "network_in_network", "test")?)?)?;
    Ok(Val::from(outer.first() <= inner.first() && inner.last() <= outer.last()))
}

pub(in crate::template::filters) fn network_in_usable(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [test] = args.bind("network_in_usable", ["test"])?;
    let outer = needed(&ctx.force(&value)?)?;
    let inner = needed(&ctx.force(&required(test, "network_in_usable", "test")?)?)?;
    let (first, last) = usable(&outer).unwrap_or((outer.value, outer.value));
    Ok(Val::from(first <= inner.first() && inner.last() <= last))
}

pub(in crate::template::filters) fn reduce_on_network(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [network] = args.bind("reduce_on_network", ["network"])?;
    let network = needed(&ctx.force(&required(network, "reduce_on_network", "network")?)?)?;
    let mut kept = Vec::new();
    for item in ctx.iterate(&value)? {
        let inner = needed(&ctx.force(&item)?)?;
        if network.first() <= inner.first() && inner.last() <= network.last() {
            kept.push(item);
        }
    }
    Ok(Val::list(kept))
}

/// The most addresses that `usable_range` lists.
const MAX_LISTED: u128 = 1 << 17;

pub(in crate::template::filters) fn usable_range(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    args.none("usable_range")?;
    let text = ctx.text(&value)?;
    let Some(net) = Net::parse(&text).filter(|net| net.value == net.first()) else {
        return bail(format!("{text} does not appear to be an IPv4 or IPv6 network"));
    };
    if net.size() > MAX_LISTED {
        return bail(format!("the network {net} has too many addresses to list them"));
    }
    let addresses = (net.first()..=net.last()).map(|value| Val::from(net.text_of(value)));
    let mut map = crate::template::val::ValMap::new();
    map.insert("usable_ips".into(), Val::list(addresses));
    map.insert("number_of_ips".into(), Val::from(net.size() as i128));
    Ok(Val::dict(map))
}

pub(in crate::template::filters) fn ipsubnet(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [query, index] = args.bind("ipsubnet", ["query", "index"])?;
    let query = query.map_or(Ok("".into()), |query| ctx.text(&query))?;
    let index = index.filter(|index| !index.is_none()).map(|index| ctx.int(&index)).transpose()?;
    let Some(net) = around(&ctx.force(&value)?) else { return Ok(Val::from(false)) };
    if query.is_empty() {
        return Ok(Val::from(net.to_string()));
    }
    if !query.bytes().all(|byte| byte.is_ascii_digit()) {
        return rank(&net, &query);
    }
    let Some(prefix) = query.parse::<u8>().ok().filter(|prefix| *prefix <= net.width()) else {
        return Ok(Val::from(false));
    };
    if net.size() == 1 {
        // the networks around an address, the widest first
        let above = |prefix: u8| Net { prefix, ..net }.cidr().to_string();
        let widest = (prefix..net.width()).map(above).collect::<Vec<_>>();
        let index = index.unwrap_or(0);
        let (width, length) = (i128::from(net.width()), widest.len() as i128);
        if index > width + 1 - index || index < i128::from(prefix) - width {
            return Ok(Val::from(false));
        }
        let at = if index < 0 { index + length } else { index };
        return match usize::try_from(at).ok().and_then(|at| widest.get(at)) {
            Some(found) => Ok(Val::from(found.as_str())),
            None => bail("list index out of range"),
        };
    }
    let Some(more) = prefix.checked_sub(net.prefix) else {
        return bail(format!("Requested subnet size of {prefix} is invalid"));
    };
    let count = 1_i128.checked_shl(u32::from(more)).filter(|count| *count > 0);
    let count = count.ok_or_else(|| Fail::error("the number is too large"))?;
    let Some(index) = index else { return Ok(Val::from(count.to_string())) };
    let index = if index < 0 { index + count } else { index };
    if index < 0 || index >= count {
        return Ok(Val::from(false));
    }
    let offset = index.unsigned_abs() << (net.width() - prefix);
    Ok(Val::from(Net { value: net.first() + offset, prefix, ..net }.to_string()))
}

/// Which of the networks of its size in `query` a network is, from 1.
fn rank(net: &Net, query: &str) -> Res<Val> {
    let Some(outer) = normalised(&Value::from(query)) else {
        return bail(format!("You must pass a valid subnet or IP address; {query} is invalid"));
    };
    if !outer.cidr().contains(net) {
        return bail(format!("{} is not in the subnet {}", net.cidr(), outer.cidr()));
    }
    let rank = (net.value - outer.first()) >> (net.width() - net.prefix);
    Ok(Val::from((rank + 1).to_string()))
}
