//! The times of certificates.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::DateTime;
use regex::Regex;

use super::der::{self, Item, tag};
use crate::modules::contract::{Halt, fail};

static RELATIVE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^([+-])(?:(\d+)[wW])?(?:(\d+)[dD])?(?:(\d+)[hH])?(?:(\d+)[mM])?(?:(\d+)[sS]?)?$").ok()
});

/// A time as the parameter `name` gives it, in seconds since the epoch: `+365d`, `20300101000000Z`.
pub fn parse(text: &str, name: &str, now: i64) -> Result<i64, Halt> {
    if text.starts_with(['+', '-']) {
        let found = RELATIVE.as_ref().filter(|_| text.len() > 1).and_then(|pattern| pattern.captures(text));
        let Some(found) = found else {
            return fail(format!("The timespec \"{text}\" for {name} is invalid"));
        };
        let units = [604_800, 86_400, 3_600, 60, 1];
        let offset: i64 = units
            .iter()
            .enumerate()
            .filter_map(|(at, unit)| Some(found.get(at + 2)?.as_str().parse::<i64>().ok()? * unit))
            .sum();
        return Ok(if text.starts_with('+') { now + offset } else { now - offset });
    }
    let (digits, zone) =
        text.split_at_checked(text.find(['Z', '+', '-']).unwrap_or(text.len())).unwrap_or((text, ""));
    let digits = if digits.len() == 12 { format!("{digits}00") } else { digits.to_owned() };
    let offset = match zone {
        "Z" => Some(0),
        zone => offset(zone),
    };
    match (seconds(&digits), offset) {
        (Some(seconds), Some(offset)) => Ok(seconds - offset),
        _ => fail(format!("The time spec \"{text}\" for {name} is invalid")),
    }
}

/// `+0130` in seconds.
fn offset(zone: &str) -> Option<i64> {
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = digits.split_at_checked(2).filter(|_| digits.len() == 4)?;
    Some(sign * (hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60))
}

/// `20300101000000` in seconds since the epoch.
fn seconds(digits: &str) -> Option<i64> {
    if digits.len() != 14 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, to: usize| digits.get(from..to)?.parse::<i8>().ok();
    let year = digits.get(..4)?.parse().ok()?;
    let date =
        DateTime::new(year, part(4, 6)?, part(6, 8)?, part(8, 10)?, part(10, 12)?, part(12, 14)?, 0).ok()?;
    Some(date.in_tz("UTC").ok()?.timestamp().as_second())
}

fn digits(time: i64) -> String {
    Timestamp::from_second(time).map(|time| time.strftime("%Y%m%d%H%M%S").to_string()).unwrap_or_default()
}

/// A time as the results have it: `20300101000000Z`.
pub fn shown(time: i64) -> String {
    format!("{}Z", digits(time))
}

/// A time as it stands in a certificate (RFC 5280 §4.1.2.5).
pub fn write(time: i64) -> Vec<u8> {
    let text = digits(time);
    match text.get(2..) {
        Some(short) if text.as_str() >= "1950" && text.as_str() < "2050" => {
            der::put(tag::UTC_TIME, format!("{short}Z").as_bytes())
        }
        _ => der::put(tag::GENERALIZED_TIME, format!("{text}Z").as_bytes()),
    }
}

/// A time of a certificate in seconds since the epoch.
pub fn read(item: &Item<'_>) -> Option<i64> {
    let text = std::str::from_utf8(item.body).ok()?.strip_suffix('Z')?;
    match item.tag {
        tag::UTC_TIME => seconds(&format!("{}{text}", if text < "50" { "20" } else { "19" })),
        tag::GENERALIZED_TIME => seconds(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_relative_or_absolute() {
        let at = |text: &str| parse(text, "x", 1_000_000).ok();
        assert_eq!(at("+0s"), Some(1_000_000));
        assert_eq!(at("+1w2d3h4m5"), Some(1_000_000 + 604_800 + 172_800 + 10_800 + 240 + 5));
        assert_eq!(at("-1d"), Some(1_000_000 - 86_400));
        assert_eq!(at("20300101000000Z"), Some(1_893_456_000));
        assert_eq!(at("203001010000Z"), Some(1_893_456_000));
        assert_eq!(at("20300101020000+0200"), Some(1_893_456_000));
        assert_eq!((at("+"), at("+1x"), at("2030"), at("20301301000000Z")), (None, None, None, None));
    }

    #[test]
    fn times_come_back_whole() {
        for time in [0, 1_893_456_000, 4_000_000_000] {
            let bytes = write(time);
            assert_eq!(read(&der::only(&bytes).unwrap()), Some(time));
        }
        assert_eq!(shown(1_893_456_000), "20300101000000Z");
        assert_eq!(write(1_893_456_000), b"\x17\x0d300101000000Z");
    }
}
