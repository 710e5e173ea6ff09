//! Moments and spans of time, as Python's `datetime` and `timedelta` in templates.

use std::rc::Rc;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

use super::args::Args;
use super::context::Ctx;
use super::fail::{Fail, Res, bail};
use super::object::Object;
use super::tree::Operator;
use super::val::Val;
use crate::base::Value;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

fn civil(micros: i64) -> Option<DateTime> {
    Timestamp::from_microsecond(micros).ok().map(|moment| moment.to_zoned(TimeZone::UTC).datetime())
}

fn micros(moment: DateTime) -> Option<i64> {
    moment.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp().as_microsecond())
}

/// As Python's `str(datetime)`.
pub(super) fn text(at: i64) -> String {
    let format = if at.rem_euclid(SECOND) == 0 { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%d %H:%M:%S.%6f" };
    formatted(at, format).unwrap_or_default()
}

/// As `strftime`, in UTC.
pub(super) fn formatted(at: i64, format: &str) -> Res<String> {
    let Some(moment) = civil(at) else { return bail("the moment is out of range") };
    let format = spelled_out(format);
    let zoned = moment.to_zoned(TimeZone::UTC).map_err(|error| Fail::error(error.to_string()))?;
    strtime::format(&format, &zoned)
        .map_err(|error| Fail::error(format!("bad date format `{format}`: {error}")))
}

/// The format with what Python's C locale and jiff mean differently in jiff's terms.
fn spelled_out(format: &str) -> String {
    let mut out = String::with_capacity(format.len());
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        out.push(c);
        if c == '%' {
            match chars.next() {
                Some('c') => out.push_str("a %b %e %H:%M:%S %Y"),
                Some('x') => out.push_str("m/%d/%y"),
                Some('X') => out.push_str("H:%M:%S"),
                Some('f') => out.push_str("6f"),
                Some('Z') => {
                    out.pop();
                    out.push_str("GMT");
                }
                Some(other) => out.push(other),
                None => out.push('%'),
            }
        }
    }
    out
}

/// As `datetime.strptime`.
pub(super) fn parse(text: &str, format: &str) -> Res<i64> {
    let failed = || Fail::error(format!("time data '{text}' does not match format '{format}'"));
    let mut parsed = strtime::parse(format, text).map_err(|_| failed())?;
    if parsed.year().is_none() {
        let _ = parsed.set_year(Some(1900));
    }
    if parsed.month().is_none() && parsed.day_of_year().is_none() {
        let _ = parsed.set_month(Some(1));
    }
    if parsed.day().is_none() && parsed.day_of_year().is_none() {
        let _ = parsed.set_day(Some(1));
    }
    if parsed.hour().is_none() {
        let _ = parsed.set_hour(Some(0));
    }
    let moment = parsed.to_datetime().map_err(|_| failed())?;
    let shift = parsed.offset().map_or(0, |offset| i64::from(offset.seconds()) * SECOND);
    micros(moment).map(|at| at - shift).ok_or_else(failed)
}

/// As Python's `str(timedelta)`.
pub(super) fn duration_text(span: i64) -> String {
    let (days, rest) = (span.div_euclid(DAY), span.rem_euclid(DAY));
    let seconds = rest / SECOND;
    let clock = format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    let clock = if rest % SECOND == 0 { clock } else { format!("{clock}.{:06}", rest % SECOND) };
    match days {
        0 => clock,
        1 | -1 => format!("{days} day, {clock}"),
        _ => format!("{days} days, {clock}"),
    }
}

/// An attribute of a moment.
pub(super) fn attribute(at: i64, name: &str) -> Option<Val> {
    let moment = civil(at)?;
    Some(Val::from(i64::from(match name {
        "year" => i32::from(moment.year()),
        "month" => i32::from(moment.month()),
        "day" => i32::from(moment.day()),
        "hour" => i32::from(moment.hour()),
        "minute" => i32::from(moment.minute()),
        "second" => i32::from(moment.second()),
        "microsecond" => (at.rem_euclid(SECOND)) as i32,
        _ => return None,
    })))
}

/// An attribute of a span of time.
pub(super) fn duration_attribute(span: i64, name: &str) -> Option<Val> {
    Some(Val::from(match name {
        "days" => span.div_euclid(DAY),
        "seconds" => span.rem_euclid(DAY) / SECOND,
        "microseconds" => span.rem_euclid(SECOND),
        _ => return None,
    }))
}

/// A method of a moment or a span of time.
pub(super) fn method(ctx: &Ctx<'_>, of: &Rc<Object>, name: &str, args: &Args) -> Res<Val> {
    match (&**of, name) {
        (Object::Moment(at), "strftime") => {
            let [format] = args.bind(name, ["format"])?;
            let format = super::args::required(format, name, "format")?;
            formatted(*at, &ctx.text(&format)?).map(Val::from)
        }
        (Object::Moment(at), "isoformat") => {
            args.bind(name, ["sep"])?;
            Ok(Val::from(text(*at).replacen(' ', "T", 1)))
        }
        (Object::Moment(at), "timestamp") => {
            args.none(name)?;
            Ok(Val::from(*at as f64 / SECOND as f64))
        }
        (Object::Moment(at), "date") => {
            args.none(name)?;
            formatted(*at, "%Y-%m-%d").map(Val::from)
        }
        (Object::Moment(at), "weekday" | "isoweekday") => {
            args.none(name)?;
            let Some(moment) = civil(*at) else { return bail("the moment is out of range") };
            let weekday = i64::from(moment.weekday().to_monday_zero_offset());
            Ok(Val::from(if name == "weekday" { weekday } else { weekday + 1 }))
        }
        (Object::Duration(span), "total_seconds") => {
            args.none(name)?;
            Ok(Val::from(*span as f64 / SECOND as f64))
        }
        _ => bail(format!("object of type '{}' has no attribute '{name}'", of.type_name())),
    }
}

/// Sums and differences of moments and spans of time.
pub(super) fn arithmetic(operator: Operator, left: &Val, right: &Val) -> Option<Val> {
    let (Val::Object(left), Val::Object(right)) = (left, right) else { return None };
    Some(Val::object(match (operator, &**left, &**right) {
        (Operator::Sub, Object::Moment(a), Object::Moment(b)) => Object::Duration(a.checked_sub(*b)?),
        (Operator::Sub, Object::Moment(a), Object::Duration(b)) => Object::Moment(a.checked_sub(*b)?),
        (Operator::Add, Object::Moment(a), Object::Duration(b)) => Object::Moment(a.checked_add(*b)?),
        (Operator::Add, Object::Duration(a), Object::Duration(b)) => Object::Duration(a.checked_add(*b)?),
        (Operator::Sub, Object::Duration(a), Object::Duration(b)) => Object::Duration(a.checked_sub(*b)?),
        _ => return None,
    }))
}

/// What the clock says at the task's turn.
pub(super) fn now(ctx: &Ctx<'_>) -> Res<i64> {
    if ctx.run.lookups.is_ahead() { Err(Fail::Deferred) } else { Ok(ctx.run.lookups.now()) }
}

/// A moment from seconds since the epoch.
pub(super) fn of_seconds(ctx: &Ctx<'_>, seconds: &Val) -> Res<i64> {
    match ctx.force(seconds)? {
        Value::Null => now(ctx),
        _ => Ok((ctx.float(seconds)? * SECOND as f64) as i64),
    }
}
