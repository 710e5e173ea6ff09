//! `to_time_unit` and its like: `1h 30m` in minutes.

use crate::template::args::Args;
use crate::template::context::Ctx;
use crate::template::fail::{Fail, Res, bail};
use crate::template::val::Val;

/// The short name of a unit, of which an `s` at the end does not count.
fn short(unit: &str) -> &str {
    match unit.trim_end_matches('s') {
        "millisecond" | "msec" | "msecond" => "ms",
        "second" | "sec" => "s",
        "minute" | "min" => "m",
        "hour" => "h",
        "day" => "d",
        "week" => "w",
        "month" => "mo",
        "year" => "y",
        _ => unit,
    }
}

/// Milliseconds of a unit.
fn factor(unit: &str, days_of_month: f64, days_of_year: f64) -> Option<f64> {
    const DAY: f64 = 86_400_000.0;
    Some(match unit {
        "ms" => 1.0,
        "s" => 1000.0,
        "m" => 60_000.0,
        "h" => 3_600_000.0,
        "d" => DAY,
        "w" => 7.0 * DAY,
        "mo" => days_of_month * DAY,
        "y" => days_of_year * DAY,
        _ => return None,
    })
}

fn converted(ctx: &Ctx<'_>, value: &Val, unit: &str, args: &mut Args) -> Res<Val> {
    let Some(text) = value.as_str() else {
        return bail(format!("'{}' object has no attribute 'split'", value.type_name()));
    };
    if text == "0" {
        return Ok(Val::from(0));
    }
    let number = |value: Option<Val>, default: f64| value.map_or(Ok(default), |value| ctx.float(&value));
    let year = number(args.take("year"), 365.0)?;
    let month = number(args.take("month"), 30.0)?;
    if let Some((name, _)) = args.named.first() {
        return bail(format!("to_time_unit() got unknown keyword arguments: {name}"));
    }
    let Some(divisor) = factor(short(unit), month, year) else {
        return bail(format!("to_time_unit() can not convert to the following unit: {unit}"));
    };
    let unreadable = || Fail::error(format!("to_time_unit() can not interpret following string: {text}"));
    let mut sum = 0.0;
    for part in text.split_whitespace() {
        let signed = part.strip_prefix('-').unwrap_or(part);
        let digits = signed.len() - signed.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let count: f64 =
            signed.get(..digits).and_then(|digits| digits.parse().ok()).ok_or_else(unreadable)?;
        let rest = signed.get(digits..).unwrap_or_default();
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let unit = rest.get(..end).unwrap_or_default();
        let factor = factor(short(unit), month, year).ok_or_else(unreadable)?;
        sum += if part.starts_with('-') { -count * factor } else { count * factor };
    }
    let places = 1e12;
    let quotient = sum / divisor;
    let rounded = (quotient * places).round() / places;
    Ok(Val::from(if rounded.is_finite() { rounded } else { quotient }))
}

pub(in crate::template::filters) fn to_time_unit(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let mut args = args.clone();
    let unit = match args.take("unit") {
        Some(unit) => ctx.text(&unit)?,
        None if args.positional.is_empty() => "ms".into(),
        None => ctx.text(&args.positional.remove(0))?,
    };
    converted(ctx, &value, &unit, &mut args)
}

macro_rules! units {
    ($($function:ident => $unit:literal;)*) => {$(
        pub(in crate::template::filters) fn $function(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
            if !args.positional.is_empty() {
                return bail(concat!("`", stringify!($function), "` takes no argument without a name"));
            }
            converted(ctx, &value, $unit, &mut args.clone())
        }
    )*};
}

units! {
    to_milliseconds => "ms";
    to_seconds => "s";
    to_minutes => "m";
    to_hours => "h";
    to_days => "d";
    to_weeks => "w";
    to_months => "mo";
    to_years => "y";
}
