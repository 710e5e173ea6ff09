//! The lookup `sequence`: `start=1 end=5 stride=2 format=web%02d`, or `1-5/2:web%02d`.

use super::args::Args;
use super::context::Ctx;
use super::fail::{Fail, Res, bail};
use super::format;
use super::val::Val;

/// The most items of one sequence.
const MAX: i128 = 1_000_000;

#[derive(Default)]
struct Sequence {
    start: Option<i128>,
    end: Option<i128>,
    count: Option<i128>,
    stride: Option<i128>,
    format: Option<String>,
}

/// The lookup.
pub(super) fn lookup(ctx: &Ctx<'_>, terms: &[Val], args: &mut Args) -> Res<Vec<Val>> {
    let mut named = Sequence::default();
    for (name, value) in std::mem::take(&mut args.named) {
        named.set(&name, &ctx.text(&value)?)?;
    }
    if terms.is_empty() {
        return named.items(ctx);
    }
    let mut all = Vec::new();
    for term in terms {
        all.extend(parse(&ctx.text(term)?)?.items(ctx)?);
    }
    Ok(all)
}

fn parse(term: &str) -> Res<Sequence> {
    let mut sequence = Sequence::default();
    if term.contains('=') {
        for pair in term.split_whitespace() {
            let Some((name, value)) = pair.split_once('=') else {
                return bail(format!("`{pair}` in a sequence is not `name=value`"));
            };
            sequence.set(name, value)?;
        }
        return Ok(sequence);
    }
    let (range, format) = term.split_once(':').map_or((term, None), |(range, format)| (range, Some(format)));
    let (range, stride) =
        range.split_once('/').map_or((range, None), |(range, stride)| (range, Some(stride)));
    let bounds = range.char_indices().skip(1).find(|(_, c)| *c == '-').map(|(at, _)| range.split_at(at));
    match bounds {
        Some((start, end)) => {
            sequence.set("start", start)?;
            sequence.set("end", end.trim_start_matches('-'))?;
        }
        None => sequence.set("end", range)?,
    }
    if let Some(stride) = stride {
        sequence.set("stride", stride)?;
    }
    sequence.format = format.map(ToOwned::to_owned);
    Ok(sequence)
}

fn integer(text: &str) -> Option<i128> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let number = match digits.strip_prefix("0x") {
        Some(hex) => i128::from_str_radix(hex, 16).ok()?,
        None if digits.len() > 1 && digits.starts_with('0') => i128::from_str_radix(digits, 8).ok()?,
        None => digits.parse().ok()?,
    };
    Some(if negative { -number } else { number })
}

impl Sequence {
    fn set(&mut self, name: &str, value: &str) -> Res<()> {
        let number = || {
            integer(value.trim())
                .map(Some)
                .ok_or_else(|| Fail::error(format!("can't parse {name}={value} as integer")))
        };
        match name {
            "start" => self.start = number()?,
            "end" => self.end = number()?,
            "count" => self.count = number()?,
            "stride" => self.stride = number()?,
            "format" => self.format = Some(value.to_owned()),
            _ => return bail(format!("unrecognized arguments to a sequence: `{name}`")),
        }
        Ok(())
    }

    fn items(self, ctx: &Ctx<'_>) -> Res<Vec<Val>> {
        let Self { start, end, count, stride, format } = self;
        let start = start.unwrap_or(1);
        let stride = stride.unwrap_or(1);
        let end = match (end, count) {
            (Some(_), Some(_)) => return bail("can't specify both count and end in a sequence"),
            (None, None) => return bail("must specify count or end in a sequence"),
            (None, Some(0)) => return Ok(Vec::new()),
            (None, Some(count)) => start.saturating_add(count.saturating_mul(stride)).saturating_sub(1),
            (Some(end), None) => end,
        };
        if stride == 0 {
            return Ok(Vec::new());
        }
        if stride > 0 && end < start {
            return bail("to count backwards make stride negative");
        }
        if stride < 0 && end > start {
            return bail("to count forward don't make stride negative");
        }
        if (end - start) / stride > MAX {
            return bail("the sequence is too long");
        }
        let mut items = Vec::new();
        let mut at = start;
        while (stride > 0 && at <= end) || (stride < 0 && at >= end) {
            items.push(match &format {
                Some(format) => Val::from(format::percent(ctx, format, &Val::from(at))?),
                None => Val::from(at.to_string()),
            });
            at = at.saturating_add(stride);
        }
        Ok(items)
    }
}
