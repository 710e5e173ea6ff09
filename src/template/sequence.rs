//! The lookup `sequence`: `start=1 end=5 stride=2 format=web%02d`, or `1-5/2:web%02d`.

use super::args::Args;
use super::context::Ctx;
use super::fail::{Fail, Res, bail};
use super::format;
use super::val::Val;
use crate::base::shlex;

/// The most items of one sequence.
const MAX: i128 = 1_000_000;

#[derive(Clone, Default)]
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
    let is_asked = !args.named.is_empty();
    for (name, value) in std::mem::take(&mut args.named) {
        named.set(&name, &ctx.text(&value)?)?;
    }
    if terms.is_empty() {
        return if is_asked { named.items(ctx) } else { Ok(Vec::new()) };
    }
    let mut all = Vec::new();
    for term in terms {
        all.extend(parse(&ctx.text(term)?, named.clone())?.items(ctx)?);
    }
    Ok(all)
}

/// A term over the options by name.
fn parse(term: &str, mut sequence: Sequence) -> Res<Sequence> {
    if term.contains('=') {
        let words =
            shlex::split(term).unwrap_or_else(|_| term.split_whitespace().map(ToOwned::to_owned).collect());
        for pair in &words {
            let Some((name, value)) = pair.split_once('=') else {
                return bail("unrecognized arguments to with_sequence: ['_raw_params']");
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
    if let Some(format) = format {
        sequence.format = Some(format.to_owned());
    }
    Ok(sequence)
}

impl Sequence {
    fn set(&mut self, name: &str, value: &str) -> Res<()> {
        let number = || {
            value.trim().parse().map(Some).map_err(|_| {
                Fail::error(format!(
                    "the option '{name}' of 'sequence' has an invalid value: '{value}' is no integer"
                ))
            })
        };
        match name {
            "start" => self.start = number()?,
            "end" => self.end = number()?,
            "count" => self.count = number()?,
            "stride" => self.stride = number()?,
            "format" => self.format = Some(value.to_owned()),
            _ => return bail(format!("unrecognized arguments to with_sequence: ['{name}']")),
        }
        Ok(())
    }

    fn items(self, ctx: &Ctx<'_>) -> Res<Vec<Val>> {
        let Self { start, end, count, stride, format } = self;
        let start = start.unwrap_or(1);
        let stride = stride.unwrap_or(1);
        let end = match (end, count) {
            (Some(_), Some(_)) => return bail("can't specify both count and end in with_sequence"),
            (None, None) => return bail("must specify count or end in with_sequence"),
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
        if let Some(format) = &format
            && format.matches('%').count() != 1
        {
            return bail(format!("bad formatting string: {format}"));
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
