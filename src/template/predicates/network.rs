//! The tests of ansible.utils on addresses, and those of community.general.

use crate::base::Value;
use crate::template::args::{Args, required};
use crate::template::context::Ctx;
use crate::template::fail::{Res, bail};
use crate::template::filters;
use crate::template::net::Net;
use crate::template::val::Val;

/// An address.
fn address(ctx: &Ctx<'_>, value: &Val) -> Res<Option<Net>> {
    Ok(Net::address(&ctx.text(value)?))
}

/// An address or a network: no bits may be set beyond its prefix.
fn network(text: &str) -> Option<Net> {
    Net::parse(text).filter(|net| net.value == net.first())
}

macro_rules! tests {
    ($($function:ident($name:literal, $kind:ident) => |$net:ident| $holds:expr;)*) => {$(
        pub(super) fn $function(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
            args.none($name)?;
            let $net = tests!(@$kind ctx, value);
            Ok($net.is_some_and(|$net| $holds))
        }
    )*};
    (@address $ctx:ident, $value:ident) => { address($ctx, $value)? };
    (@network $ctx:ident, $value:ident) => { network(&$ctx.text($value)?) };
}

tests! {
    ip("ip", network) => |net| net.prefix <= net.width();
    ip_address("ip_address", address) => |net| net.prefix == net.width();
    ipv4("ipv4", network) => |net| net.version == 4;
    ipv4_address("ipv4_address", address) => |net| net.version == 4;
    ipv6("ipv6", network) => |net| net.version == 6;
    ipv6_address("ipv6_address", address) => |net| net.version == 6;
    ipv6_ipv4_mapped("ipv6_ipv4_mapped", address) => |net| net.version == 6 && net.value >> 32 == 0xffff;
    ipv6_sixtofour("ipv6_sixtofour", address) => |net| net.within(&["2002::/16"]);
    ipv6_teredo("ipv6_teredo", address) => |net| net.within(&["2001::/32"]);
    loopback("loopback", address) => |net| net.is_loopback();
    multicast("multicast", address) => |net| net.is_multicast();
    private("private", address) => |net| is_private(&net);
    public("public", address) => |net| !is_private(&net) && !net.within(&["100.64.0.0/10"]);
    reserved("reserved", address) => |net| net.within(RESERVED);
    unspecified("unspecified", address) => |net| net.value == 0;
}

/// What Python's `ipaddress` calls reserved.
const RESERVED: &[&str] = &[
    "240.0.0.0/4",
    "::/8",
    "100::/8",
    "200::/7",
    "400::/6",
    "800::/5",
    "1000::/4",
    "4000::/3",
    "6000::/3",
    "8000::/3",
    "a000::/3",
    "c000::/3",
    "e000::/4",
    "f000::/5",
    "f800::/6",
    "fe00::/9",
];

/// What Python's `ipaddress` calls private.
fn is_private(net: &Net) -> bool {
    const PRIVATE: &[&str] = &[
        "0.0.0.0/8",
        "10.0.0.0/8",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/29",
        "192.0.0.170/31",
        "192.0.2.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "240.0.0.0/4",
        "255.255.255.255/32",
        "::1/128",
        "::/128",
        "::ffff:0:0/96",
        "100::/64",
        "2001::/23",
        "2001:2::/48",
        "2001:db8::/32",
        "2001:10::/28",
        "fc00::/7",
        "fe80::/10",
    ];
    net.within(PRIVATE)
}

pub(super) fn ipv4_netmask(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    args.none("ipv4_netmask")?;
    let ones = |net: Net| (net.value as u32).leading_ones() == (net.value as u32).count_ones();
    Ok(address(ctx, value)?.is_some_and(|net| net.version == 4 && net.value != 0 && ones(net)))
}

pub(super) fn ipv4_hostmask(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    args.none("ipv4_hostmask")?;
    let ones = |net: Net| (net.value as u32).trailing_ones() == (net.value as u32).count_ones();
    Ok(address(ctx, value)?.is_some_and(|net| net.version == 4 && net.value != 0 && ones(net)))
}

pub(super) fn mac(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    args.none("mac")?;
    let text = ctx.text(value)?.to_lowercase();
    let hex =
        |part: &str, length: usize| part.len() == length && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let of = |separator: char, count: usize, length: usize| {
        let parts: Vec<&str> = text.split(separator).collect();
        parts.len() == count && parts.iter().all(|part| hex(part, length))
    };
    Ok(of(':', 6, 2) || of('-', 6, 2) || of('.', 3, 4) || hex(&text, 12))
}

fn pair(ctx: &Ctx<'_>, value: &Val, other: &Val) -> Res<Option<(Net, Net)>> {
    let (a, b) = (network(&ctx.text(value)?), network(&ctx.text(other)?));
    Ok(a.zip(b))
}

pub(super) fn in_network(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    let [other] = args.bind("in_network", ["network"])?;
    let other = required(other, "in_network", "network")?;
    Ok(pair(ctx, value, &other)?.is_some_and(|(inner, outer)| outer.contains(&inner)))
}

fn networks(ctx: &Ctx<'_>, value: &Val, args: &Args, name: &str) -> Res<usize> {
    let [others] = args.bind(name, ["networks"])?;
    let mut count = 0;
    for other in ctx.iterate(&required(others, name, "networks")?)? {
        count += usize::from(pair(ctx, value, &other)?.is_some_and(|(inner, outer)| outer.contains(&inner)));
    }
    Ok(count)
}

pub(super) fn in_any_network(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    Ok(networks(ctx, value, args, "in_any_network")? > 0)
}

pub(super) fn in_one_network(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    Ok(networks(ctx, value, args, "in_one_network")? == 1)
}

pub(super) fn subnet_of(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    let [other] = args.bind("subnet_of", ["network_b"])?;
    let other = required(other, "subnet_of", "network_b")?;
    Ok(pair(ctx, value, &other)?.is_some_and(|(inner, outer)| outer.contains(&inner)))
}

pub(super) fn supernet_of(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    let [other] = args.bind("supernet_of", ["network_b"])?;
    let other = required(other, "supernet_of", "network_b")?;
    Ok(pair(ctx, value, &other)?.is_some_and(|(outer, inner)| outer.contains(&inner)))
}

pub(super) fn ansible_type(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    let [wanted, alias] = args.bind("ansible_type", ["dtype", "alias"])?;
    let alias = alias.filter(|alias| !alias.is_none()).map(|alias| ctx.force(&alias)).transpose()?;
    let found = filters::ansible_type(&ctx.force(value)?, alias.as_ref())?;
    Ok(match ctx.force(&required(wanted, "ansible_type", "dtype")?)? {
        Value::List(all) => all.iter().any(|wanted| wanted.to_text() == found),
        wanted => wanted.to_text() == found,
    })
}

pub(super) fn fqdn_valid(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    let [min_labels, underscores] = args.bind("fqdn_valid", ["min_labels", "allow_underscores"])?;
    let least = min_labels.map_or(Ok(1), |least| ctx.int(&least))?;
    let underscores = underscores.map_or(Ok(false), |allowed| ctx.truth(&allowed))?;
    let Some(text) = value.as_str() else {
        return bail(format!("a name is a text, not {}", value.type_name()));
    };
    let name = text.strip_suffix('.').unwrap_or(text);
    let labels: Vec<&str> = name.split('.').collect();
    let plain = |label: &&str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || underscores && c == '_')
    };
    Ok(name.len() <= 253 && labels.len() as i128 >= least && labels.iter().all(plain))
}
