//! Moments and spans of time, as Python's `datetime` and `timedelta` in templates.

use jiff::civil::{Date, Time};
use jiff::fmt::strtime;
use jiff::tz::{Offset, TimeZone};

use super::args::Args;
use super::context::Ctx;
use super::fail::{Fail, Res, bail};
use super::object::Object;
use super::tree::Operator;
use super::val::Val;
use crate::base::{Moment, MomentForm, Value, offset_text};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// A moment without a time zone, from microseconds since 1970.
pub(super) fn naive(micros: i64) -> Res<Moment> {
    Moment::naive(micros).ok_or_else(|| Fail::error("date value out of range"))
}

/// As `strftime`.
pub(super) fn formatted(moment: Moment, format: &str) -> Res<String> {
    let zone = match moment.form {
        MomentForm::Offset(ahead) => Offset::from_seconds(ahead).map(TimeZone::fixed),
        MomentForm::Date | MomentForm::Naive => Ok(TimeZone::UTC),
    };
    let format = spelled_out(format, moment.form);
    let zoned =
        zone.and_then(|zone| moment.at.to_zoned(zone)).map_err(|error| Fail::error(error.to_string()))?;
    strtime::format(&format, &zoned)
        .map_err(|error| Fail::error(format!("bad date format `{format}`: {error}")))
}

/// The format with what Python's C locale and jiff mean differently in jiff's terms.
fn spelled_out(format: &str, form: MomentForm) -> String {
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
                Some('Z' | 'z') if !matches!(form, MomentForm::Offset(_)) => {
                    out.pop();
                }
                Some('Z') => {
                    out.pop();
                    let MomentForm::Offset(ahead) = form else { continue };
                    out.push_str(&zone_name(ahead));
                }
                Some(other) => out.push(other),
                None => out.push('%'),
            }
        }
    }
    out
}

/// As `datetime.strptime`.
pub(super) fn parse(text: &str, format: &str) -> Res<Moment> {
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
    let at = parsed.to_datetime().map_err(|_| failed())?;
    let form = parsed.offset().map_or(MomentForm::Naive, |offset| MomentForm::Offset(offset.seconds()));
    Ok(Moment { at, form })
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
pub(super) fn attribute(of: Moment, name: &str) -> Option<Val> {
    let Moment { at, form } = of;
    let number = match name {
        "year" => i32::from(at.year()),
        "month" => i32::from(at.month()),
        "day" => i32::from(at.day()),
        _ if !of.has_time() => return None,
        "hour" => i32::from(at.hour()),
        "minute" => i32::from(at.minute()),
        "second" => i32::from(at.second()),
        "microsecond" => at.subsec_nanosecond() / 1000,
        "fold" => 0,
        "tzinfo" => {
            return Some(match form {
                MomentForm::Offset(ahead) => Val::from(zone_name(ahead)),
                MomentForm::Date | MomentForm::Naive => Val::NONE,
            });
        }
        _ => return None,
    };
    Some(Val::from(i64::from(number)))
}

/// As Python names a zone that is so many seconds ahead of UTC.
fn zone_name(ahead: i32) -> String {
    if ahead == 0 { "UTC".to_owned() } else { format!("UTC{}", offset_text(ahead)) }
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

/// The methods of moments.
pub(super) const METHODS: &[&str] = &[
    "astimezone",
    "ctime",
    "date",
    "isocalendar",
    "isoformat",
    "isoweekday",
    "replace",
    "strftime",
    "time",
    "timestamp",
    "toordinal",
    "tzname",
    "utcoffset",
    "weekday",
];

/// The methods of moments that dates have too.
const OF_DATES: &[&str] =
    &["ctime", "isocalendar", "isoformat", "isoweekday", "replace", "strftime", "toordinal", "weekday"];

/// The methods that a moment has.
pub(super) fn methods(of: Moment) -> &'static [&'static str] {
    if of.has_time() { METHODS } else { OF_DATES }
}

/// A method of a moment.
pub(super) fn method(ctx: &Ctx<'_>, of: Moment, name: &str, args: &Args) -> Res<Val> {
    let Moment { at, form } = of;
    match name {
        "strftime" => {
            let [format] = args.bind(name, ["format"])?;
            let format = super::args::required(format, name, "format")?;
            return formatted(of, &ctx.text(&format)?).map(Val::from);
        }
        "isoformat" => {
            let [between] = args.bind(name, ["sep"])?;
            let between = between.map_or(Ok("T".into()), |between| ctx.text(&between))?;
            return Ok(Val::from(of.text_with(between.chars().next().unwrap_or('T'))));
        }
        "replace" => return replaced(ctx, of, args),
        "astimezone" => return bail("`astimezone` is not supported"),
        _ => args.none(name)?,
    }
    let weekday = i64::from(at.weekday().to_monday_zero_offset());
    Ok(match (name, form) {
        ("timestamp", MomentForm::Offset(_)) => Val::from(of.instant() as f64 / SECOND as f64),
        ("timestamp", _) => {
            let ahead = i64::from(ctx.run.lookups.ahead_of_utc(of.micros()));
            Val::from((of.micros() - ahead * SECOND) as f64 / SECOND as f64)
        }
        ("date", _) => {
            Val::Data(Value::Moment(Moment { at: at.date().at(0, 0, 0, 0), form: MomentForm::Date }))
        }
        ("time", _) => Val::from(of.text_with('T').split_once('T').map_or("", |(_, time)| time)),
        ("weekday", _) => Val::from(weekday),
        ("isoweekday", _) => Val::from(weekday + 1),
        ("toordinal", _) => Val::from(of.micros().div_euclid(DAY) + 719_163),
        ("isocalendar", _) => {
            let week = at.iso_week_date();
            Val::tuple([i64::from(week.year()), i64::from(week.week()), weekday + 1].map(Val::from))
        }
        ("ctime", _) => Val::from(formatted(of, "%a %b %e %H:%M:%S %Y")?),
        ("utcoffset", MomentForm::Offset(ahead)) => Val::object(Object::Duration(i64::from(ahead) * SECOND)),
        ("tzname", MomentForm::Offset(ahead)) => Val::from(zone_name(ahead)),
        _ => Val::NONE,
    })
}

fn replaced(ctx: &Ctx<'_>, of: Moment, args: &Args) -> Res<Val> {
    let names = ["year", "month", "day", "hour", "minute", "second", "microsecond", "tzinfo"];
    let [year, month, day, hour, minute, second, micros, zone] = args.bind("replace", names)?;
    let Moment { at, mut form } = of;
    let number = |given: Option<Val>, now: i64, name: &str| -> Res<i64> {
        let Some(given) = given else { return Ok(now) };
        i64::try_from(ctx.int(&given)?).map_err(|_| Fail::error(format!("{name} is out of range")))
    };
    let year = number(year, i64::from(at.year()), "year")?;
    let month = number(month, i64::from(at.month()), "month")?;
    let day = number(day, i64::from(at.day()), "day")?;
    let hour = number(hour, i64::from(at.hour()), "hour")?;
    let minute = number(minute, i64::from(at.minute()), "minute")?;
    let second = number(second, i64::from(at.second()), "second")?;
    let micros = number(micros, i64::from(at.subsec_nanosecond()) / 1000, "microsecond")?;
    match zone {
        None => {}
        Some(zone) if zone.is_none() => form = MomentForm::Naive,
        Some(_) => return bail("`replace` takes no other `tzinfo` than none"),
    }
    let small = |number: i64| i8::try_from(number).ok();
    let at = (|| {
        let date = Date::new(i16::try_from(year).ok()?, small(month)?, small(day)?).ok()?;
        let fraction = i32::try_from(micros.checked_mul(1000)?).ok()?;
        Some(date.to_datetime(Time::new(small(hour)?, small(minute)?, small(second)?, fraction).ok()?))
    })();
    match at {
        Some(at) => Ok(Val::Data(Value::Moment(Moment { at, form }))),
        None => bail("day is out of range for month"),
    }
}

/// A method of a span of time.
pub(super) fn duration_method(span: i64, name: &str, args: &Args) -> Res<Val> {
    match name {
        "total_seconds" => {
            args.none(name)?;
            Ok(Val::from(span as f64 / SECOND as f64))
        }
        _ => bail(format!("object of type 'timedelta' has no attribute '{name}'")),
    }
}

/// Sums and differences of moments and spans of time.
pub(super) fn arithmetic(operator: Operator, left: &Val, right: &Val) -> Option<Val> {
    let span = |value: &Val| match value {
        Val::Object(object) => match &**object {
            Object::Duration(span) => Some(*span),
            _ => None,
        },
        _ => None,
    };
    let moved = |of: Moment, by: i64| {
        let by = if of.has_time() { by } else { by.div_euclid(DAY) * DAY };
        let Moment { at, form: _ } = Moment::naive(of.micros().checked_add(by)?)?;
        Some(Val::Data(Value::Moment(Moment { at, form: of.form })))
    };
    match (operator, left, right) {
        (Operator::Sub, Val::Data(Value::Moment(a)), Val::Data(Value::Moment(b))) => {
            a.order(*b)?;
            Some(Val::object(Object::Duration(a.instant().checked_sub(b.instant())?)))
        }
        (Operator::Sub, Val::Data(Value::Moment(a)), b) => moved(*a, span(b)?.checked_neg()?),
        (Operator::Add, Val::Data(Value::Moment(a)), b) => moved(*a, span(b)?),
        (Operator::Add, a, Val::Data(Value::Moment(b))) => moved(*b, span(a)?),
        _ => {
            let (a, b) = (span(left)?, span(right)?);
            Some(Val::object(Object::Duration(match operator {
                Operator::Add => a.checked_add(b)?,
                Operator::Sub => a.checked_sub(b)?,
                _ => return None,
            })))
        }
    }
}

/// What the clock says at the task's turn.
pub(super) fn now(ctx: &Ctx<'_>) -> Res<i64> {
    if ctx.run.lookups.is_ahead() { Err(Fail::Deferred) } else { Ok(ctx.run.lookups.now()) }
}

/// A moment without a time zone: that of so many microseconds since the epoch, in UTC or where the controller is.
pub(super) fn shown(ctx: &Ctx<'_>, at: i64, utc: bool) -> Res<Moment> {
    let ahead = if utc { 0 } else { i64::from(ctx.run.lookups.ahead_of_utc(at)) };
    naive(at.saturating_add(ahead * SECOND))
}

/// Microseconds since the epoch, of seconds; of none, now.
pub(super) fn of_seconds(ctx: &Ctx<'_>, seconds: &Val) -> Res<i64> {
    match ctx.force(seconds)? {
        Value::Null => now(ctx),
        _ => Ok((ctx.float(seconds)? * SECOND as f64) as i64),
    }
}
