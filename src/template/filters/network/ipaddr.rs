//! `ipaddr` with all its queries, `ipv4`, `ipv6` and `ipwrap`.

use crate::base::Value;
use crate::template::args::Args;
use crate::template::context::Ctx;
use crate::template::fail::{Res, bail};
use crate::template::net::Net;
use crate::template::val::Val;

/// Whether a text was an address or had a prefix.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    Address,
    Network,
}

pub(in crate::template::filters) fn ipaddr(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [query, version, _alias] = args.bind("ipaddr", ["query", "version", "alias"])?;
    let version = version
        .filter(|version| version.as_str() != Some(""))
        .map(|version| ctx.int(&version))
        .transpose()?;
    let version = version.and_then(|version| u8::try_from(version).ok()).filter(|version| *version != 0);
    asked(ctx, &value, query, version, "ipaddr")
}

pub(in crate::template::filters) fn ipv4(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [query] = args.bind("ipv4", ["query"])?;
    asked(ctx, &value, query, Some(4), "ipv4")
}

pub(in crate::template::filters) fn ipv6(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [query] = args.bind("ipv6", ["query"])?;
    asked(ctx, &value, query, Some(6), "ipv6")
}

fn asked(ctx: &Ctx<'_>, value: &Val, query: Option<Val>, version: Option<u8>, alias: &str) -> Res<Val> {
    let query = query.map_or(Ok("".into()), |query| ctx.text(&query))?;
    let value = ctx.force(value)?;
    if value == Value::Null {
        return bail(format!("the value of `{alias}` is missing"));
    }
    of_value(&value, &query, version, alias).map(Val::Data)
}

pub(in crate::template::filters) fn ipwrap(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [query] = args.bind("ipwrap", ["query"])?;
    let query = query.map_or(Ok("".into()), |query| ctx.text(&query))?;
    let wrap = |value: &Value| of_value(value, "wrap", None, "ipwrap").unwrap_or_else(|_| value.clone());
    let found = |value: &Value| of_value(value, &query, None, "ipwrap").ok().filter(truth);
    Ok(Val::Data(match ctx.force(&value)? {
        Value::List(items) => {
            let wrapped = |item: &Value| if found(item).is_some() { wrap(item) } else { item.clone() };
            Value::list(items.iter().map(wrapped))
        }
        value @ (Value::Str(_) | Value::Bool(_)) => found(&value).map_or(value, |found| wrap(&found)),
        other => return bail(format!("unrecognized type '{}' for ipwrap filter", other.type_name())),
    }))
}

fn truth(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false) | Value::Int(0)) && value.as_str() != Some("")
}

/// What `ipaddr` gives of a value.
pub(super) fn of_value(value: &Value, query: &str, version: Option<u8>, alias: &str) -> Res<Value> {
    if let Value::List(items) = value {
        let mut found = Vec::new();
        for item in items.iter() {
            let item = of_value(item, query, version, "ipaddr")?;
            if truth(&item) {
                found.push(item);
            }
        }
        return Ok(Value::from(found));
    }
    if !truth(value) || *value == Value::Bool(true) {
        return Ok(Value::Bool(false));
    }
    let text = value.to_text();
    let Some((net, written, value)) = read(&text, value, version) else { return Ok(Value::Bool(false)) };
    if version.is_some_and(|version| version != net.version) {
        return Ok(Value::Bool(false));
    }
    answer(&Asked { net, written, value: &value }, query, alias)
}

/// The network that a text stands for, how it was written, and the value that is given back for it.
fn read(text: &str, value: &Value, version: Option<u8>) -> Option<(Net, Written, Value)> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let net = of_number(text.parse().ok()?, version, None)?;
        return Some((net, Written::Address, Value::from(net.to_string())));
    }
    if let Some(net) = Net::parse(text) {
        let written = if text.contains('/') { Written::Network } else { Written::Address };
        return Some((net, written, value.clone()));
    }
    let (address, prefix) = text.split_once('/')?;
    let net = of_number(address.parse().ok()?, None, Some(prefix.parse().ok()?))?;
    Some((net, Written::Network, Value::from(net.to_string())))
}

fn of_number(number: u128, version: Option<u8>, prefix: Option<u8>) -> Option<Net> {
    let v4 = number <= u32::MAX.into() && prefix.is_none_or(|prefix| prefix <= 32) && version != Some(6);
    let version = if v4 { 4 } else { 6 };
    let width = if v4 { 32 } else { 128 };
    Some(Net { version, value: number, prefix: prefix.unwrap_or(width) }).filter(|net| net.prefix <= width)
}

struct Asked<'a> {
    net: Net,
    written: Written,
    value: &'a Value,
}

impl Asked<'_> {
    /// The first and the last address that hosts may have.
    fn usable(&self) -> Option<(u128, u128)> {
        match self.net.size() {
            0 | 1 => None,
            2 => Some((self.net.first(), self.net.last())),
            _ => Some((self.net.first() + 1, self.net.last() - 1)),
        }
    }

    fn ip(&self) -> Net {
        self.net.alone()
    }

    /// Whether it stands for the network as a whole.
    fn is_first(&self) -> bool {
        self.net.value == self.net.first()
    }

    fn value_if(&self, holds: bool) -> Value {
        if holds { self.value.clone() } else { Value::Null }
    }

    fn text_if(&self, holds: bool, text: impl Into<String>) -> Value {
        if holds { Value::from(text.into()) } else { Value::Null }
    }

    fn with_prefix(&self) -> String {
        self.net.to_string()
    }
}

fn answer(asked: &Asked<'_>, query: &str, alias: &str) -> Res<Value> {
    let net = &asked.net;
    let size = net.size();
    let text = |value: u128| Value::from(net.text_of(value));
    if matches!(
        query,
        "first_usable" | "last_usable" | "next_usable" | "peer" | "previous_usable" | "range_usable"
    ) && asked.written == Written::Address
    {
        return bail("Not a network address");
    }
    Ok(match query {
        "" => match asked.written {
            Written::Address => Value::from(net.ip()),
            Written::Network => Value::from(net.to_string()),
        },
        "6to4" => six_to_four(asked),
        "address" | "ip" => asked.text_if(
            size == 1 || !asked.is_first() || net.broadcast().is_none() || net.version == 6,
            net.ip(),
        ),
        "address/prefix" | "gateway" | "gw" | "host/prefix" | "hostnet" | "router" => {
            if size > 2 && (asked.is_first() || net.broadcast() == Some(net.value)) {
                Value::Bool(false)
            } else {
                Value::from(asked.with_prefix())
            }
        }
        "bool" => Value::Bool(true),
        "broadcast" if size > 2 => net.broadcast().map_or(Value::Null, text),
        "broadcast" => Value::Null,
        "cidr" => Value::from(net.to_string()),
        "first_usable" => asked.usable().map_or(Value::Null, |(first, _)| text(first)),
        "last_usable" => asked.usable().map_or(Value::Null, |(_, last)| text(last)),
        "range_usable" => asked.usable().map_or(Value::Null, |(first, last)| {
            Value::from(format!("{}-{}", net.text_of(first), net.text_of(last)))
        }),
        "host" => asked.text_if(size == 1 || !asked.is_first() || net.broadcast().is_none(), net.to_string()),
        "hostmask" | "wildcard" => text(net.hostmask()),
        "int" => match asked.written {
            Written::Address => Value::Int(net.value as i128),
            Written::Network => Value::from(format!("{}/{}", net.value, net.prefix)),
        },
        "ip/prefix" => asked.text_if(size == 2 || size > 1 && !asked.is_first(), asked.with_prefix()),
        "ip_netmask" => asked.text_if(
            size == 2 || size > 1 && !asked.is_first(),
            format!("{} {}", net.ip(), net.text_of(net.netmask())),
        ),
        "ipv4" | "v4" => in_four(asked),
        "ipv6" | "v6" => in_six(asked),
        "link-local" => asked.value_if(asked.ip().within(&["169.254.0.0/16", "fe80::/10"])),
        "lo" | "loopback" => asked.value_if(asked.ip().is_loopback()),
        "multicast" => asked.value_if(net.is_multicast()),
        "unicast" => asked.value_if(!net.is_multicast()),
        "net" => asked.text_if(size > 1 && asked.is_first(), net.to_string()),
        "next_usable" => neighbour(asked, net.value.checked_add(1)),
        "previous_usable" => neighbour(asked, net.value.checked_sub(1)),
        "netmask" => text(net.netmask()),
        "network" | "network_id" => text(net.first()),
        "network/prefix" | "subnet" => Value::from(net.cidr().to_string()),
        "network_netmask" => {
            Value::from(format!("{} {}", net.text_of(net.first()), net.text_of(net.netmask())))
        }
        "network_wildcard" => {
            Value::from(format!("{} {}", net.text_of(net.first()), net.text_of(net.hostmask())))
        }
        "peer" => match (size, net.value % 4) {
            (2, _) => text(net.value ^ 1),
            (4, 0) => return bail("Network address of /30 has no peer"),
            (4, 3) => return bail("Broadcast address of /30 has no peer"),
            (4, _) => text(net.value ^ 3),
            _ => return bail("Not a point-to-point network"),
        },
        "prefix" => Value::from(i64::from(net.prefix)),
        "private" => asked.value_if(!net.is_global()),
        "public" => {
            let ip = asked.ip();
            asked.value_if(!ip.is_multicast() && ip.is_global() && !ip.is_loopback() && !ip.is_mask())
        }
        "revdns" => Value::from(net.reverse_name()),
        "size" | "size_usable" if i128::try_from(size).is_err() => return bail("the number is too large"),
        "size" => Value::Int(size as i128),
        "size_usable" => Value::Int(match size {
            1 => 0,
            2 => 2,
            size => size as i128 - 2,
        }),
        "type" => Value::from(if size == 1 || !asked.is_first() { "address" } else { "network" }),
        "version" => Value::from(i64::from(net.version)),
        "wrap" if net.version == 6 => Value::from(match asked.written {
            Written::Address => format!("[{}]", net.ip()),
            Written::Network => format!("[{}]/{}", net.ip(), net.prefix),
        }),
        "wrap" => asked.value.clone(),
        other => return by_index_or_network(asked, other, alias),
    })
}

fn by_index_or_network(asked: &Asked<'_>, query: &str, alias: &str) -> Res<Value> {
    let net = &asked.net;
    let is_number = !query.is_empty() && query.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number && let Some(around) = Net::parse(query) {
        return Ok(asked.value_if(around.contains(net)));
    }
    if query.trim().parse::<f64>().is_err() {
        return bail(format!("{alias}: unknown filter type: {query}"));
    }
    if net.size() == 1 {
        return Ok(Value::from(match asked.written {
            Written::Address => net.ip(),
            Written::Network => net.to_string(),
        }));
    }
    Ok(match query.trim().parse::<i128>().ok().and_then(|index| at(net, index)) {
        Some(value) => Value::from(format!("{}/{}", net.text_of(value), net.prefix)),
        None => Value::Bool(false),
    })
}

/// The address of that number in the network; negative ones count from its end.
pub(super) fn at(net: &Net, index: i128) -> Option<u128> {
    let found = if index < 0 {
        net.last().checked_sub(index.unsigned_abs() - 1)
    } else {
        net.first().checked_add(index.unsigned_abs())
    };
    found.filter(|value| (net.first()..=net.last()).contains(value))
}

fn neighbour(asked: &Asked<'_>, value: Option<u128>) -> Value {
    match (asked.usable(), value) {
        (Some((first, last)), Some(value)) if (first..=last).contains(&value) => {
            Value::from(asked.net.text_of(value))
        }
        _ => Value::Null,
    }
}

fn six_to_four(asked: &Asked<'_>) -> Value {
    let net = &asked.net;
    if net.version == 4 {
        if net.size() > 1 && asked.is_first() {
            return Value::Bool(false);
        }
        let ip = asked.ip();
        if ip.is_global() && (ip.is_multicast() || ip.is_mask()) {
            return Value::Bool(false);
        }
        let [a, b, c, d] = (net.value as u32).to_be_bytes();
        return Value::from(format!("2002:{a:02x}{b:02x}:{c:02x}{d:02x}::1/48"));
    }
    let whole = asked.written == Written::Network && asked.is_first();
    if !whole && asked.ip().within(&["2002::/16"]) { asked.value.clone() } else { Value::Bool(false) }
}

fn in_four(asked: &Asked<'_>) -> Value {
    let net = &asked.net;
    if net.version == 4 {
        return asked.value.clone();
    }
    let low = net.value & u128::from(u32::MAX);
    match net.value >> 32 {
        // compatible and mapped addresses
        0 | 0xffff if net.prefix >= 96 => {
            Value::from(Net { version: 4, value: low, prefix: net.prefix - 96 }.to_string())
        }
        _ => Value::Bool(false),
    }
}

fn in_six(asked: &Asked<'_>) -> Value {
    let net = &asked.net;
    if net.version == 6 {
        return asked.value.clone();
    }
    let value = 0xffff_u128 << 32 | net.value;
    Value::from(Net { version: 6, value, prefix: net.prefix + 96 }.to_string())
}
