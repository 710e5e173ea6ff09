//! `hwaddr` and `macaddr`.

use crate::template::args::Args;
use crate::template::context::Ctx;
use crate::template::fail::{Res, bail};
use crate::template::val::Val;

/// A hardware address: 48 bits, or 64.
#[derive(Clone, Copy)]
pub(super) struct Mac {
    value: u64,
    bytes: usize,
}

impl Mac {
    /// Reads an address in any of the usual notations.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split([':', '-', '.']).collect();
        let width = match parts.len() {
            1 => 0,
            2 => 6,
            3 | 4 => 4,
            _ => 2,
        };
        let digits = parts.iter().map(|part| format!("{part:0>width$}")).collect::<Vec<_>>().concat();
        let bytes = digits.len() / 2;
        if !matches!(digits.len(), 12 | 16) || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        Some(Self { value: u64::from_str_radix(&digits, 16).ok()?, bytes })
    }

    fn octets(self) -> Vec<u8> {
        self.value.to_be_bytes().into_iter().skip(8 - self.bytes).collect()
    }

    fn joined(self, size: usize, separator: &str, write: fn(u8) -> String) -> String {
        let octets = self.octets();
        let groups =
            octets.chunks(size).map(|group| group.iter().map(|byte| write(*byte)).collect::<String>());
        groups.collect::<Vec<_>>().join(separator)
    }

    /// The lower half of an address that a host gives itself (RFC 4291, appendix A).
    pub(super) fn interface_id(self) -> u128 {
        let id = match self.bytes {
            6 => (self.value >> 24) << 40 | 0xff_fe00_0000 | self.value & 0xff_ffff,
            _ => self.value,
        };
        u128::from(id ^ 1 << 57)
    }
}

pub(in crate::template::filters) fn hwaddr(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [query, alias] = args.bind("hwaddr", ["query", "alias"])?;
    let alias = alias
        .filter(|alias| alias.as_str() != Some(""))
        .map_or(Ok("hwaddr".into()), |alias| ctx.text(&alias))?;
    asked(ctx, &value, query, &alias)
}

pub(in crate::template::filters) fn macaddr(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [query] = args.bind("macaddr", ["query"])?;
    asked(ctx, &value, query, "macaddr")
}

fn asked(ctx: &Ctx<'_>, value: &Val, query: Option<Val>, alias: &str) -> Res<Val> {
    let query = query.map_or(Ok("".into()), |query| ctx.text(&query))?;
    let text = ctx.text(value)?;
    let lower = |byte: u8| format!("{byte:02x}");
    let upper = |byte: u8| format!("{byte:02X}");
    let Some(mac) = Mac::parse(&text) else {
        return match &*query {
            "" | "bool" => Ok(Val::NONE),
            _ => bail(format!("{alias}: not a hardware address: {text}")),
        };
    };
    Ok(match &*query {
        "" => value.clone(),
        "bool" => Val::from(true),
        "int" => Val::from(i128::from(mac.value)),
        "bare" => Val::from(mac.joined(8, "", upper)),
        "cisco" => Val::from(mac.joined(2, ".", lower)),
        "eui48" | "win" => Val::from(mac.joined(1, "-", upper)),
        "linux" => Val::from(mac.joined(1, ":", lower)),
        "unix" => Val::from(mac.joined(1, ":", |byte| format!("{byte:x}"))),
        "pgsql" | "postgresql" | "psql" => Val::from(mac.joined(3, ":", lower)),
        other => return bail(format!("{alias}: unknown filter type: {other}")),
    })
}
