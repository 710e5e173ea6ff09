//! YAML 1.1's implicit types, decided as PyYAML's resolver and constructor decide them.

use jiff::civil::{Date, Time};

use super::NodeKind;
use crate::base::{Moment, MomentForm};

/// What a plain scalar is, by its text alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Implicit {
    Null,
    Bool,
    Int,
    Float,
    Str,
    /// A date or date and time.
    Timestamp,
    /// `<<`
    Merge,
    /// `=`
    Value,
}

/// The type of a plain scalar.
pub(super) fn implicit(text: &str) -> Implicit {
    let Some(first) = text.bytes().next() else { return Implicit::Null };
    match first {
        b'~' | b'n' | b'N' | b'y' | b'Y' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' => word(text),
        b'<' if text == "<<" => Implicit::Merge,
        b'=' if text == "=" => Implicit::Value,
        b'-' | b'+' | b'.' | b'0'..=b'9' => {
            if is_float(text) {
                Implicit::Float
            } else if is_int(text) {
                Implicit::Int
            } else if is_timestamp(text) {
                Implicit::Timestamp
            } else {
                Implicit::Str
            }
        }
        _ => Implicit::Str,
    }
}

fn word(text: &str) -> Implicit {
    match text {
        "~" | "null" | "Null" | "NULL" => Implicit::Null,
        "yes" | "Yes" | "YES" | "no" | "No" | "NO" | "true" | "True" | "TRUE" | "false" | "False"
        | "FALSE" | "on" | "On" | "ON" | "off" | "Off" | "OFF" => Implicit::Bool,
        _ => Implicit::Str,
    }
}

/// The boolean of a word in any casing; what `!!bool` accepts too.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" | "on" => Some(true),
        "no" | "false" | "off" => Some(false),
        _ => None,
    }
}

/// The integer that PyYAML makes of a text: `0b1`, `0x1f`, `017`, `1:30`, with underscores.
/// `None` where it is none, or does not fit into 128 bits.
pub(super) fn integer(text: &str) -> Option<i128> {
    let text = text.replace('_', "");
    let (negative, digits) = split_sign(&text);
    let magnitude = if digits == "0" {
        0
    } else if let Some(binary) = digits.strip_prefix("0b") {
        radix(binary, 2)?
    } else if let Some(hexadecimal) = digits.strip_prefix("0x") {
        radix(hexadecimal, 16)?
    } else if digits.starts_with('0') {
        radix(digits, 8)?
    } else if digits.contains(':') {
        digits.split(':').try_fold(0_i128, |sum, part| sum.checked_mul(60)?.checked_add(radix(part, 10)?))?
    } else {
        radix(digits, 10)?
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// The decimal digits of an integer that does not fit into 128 bits. `None` for what is no number at all, and for
/// more than a thousand digits.
pub(super) fn large_integer(text: &str) -> Option<String> {
    let text = text.replace('_', "");
    let (negative, digits) = split_sign(&text);
    let (digits, radix) = match digits.get(..2) {
        Some("0b") => (digits.get(2..)?, 2),
        Some("0x") => (digits.get(2..)?, 16),
        _ if digits.starts_with('0') => (digits, 8),
        _ => (digits, 10),
    };
    if digits.is_empty() || digits.len() > 1000 {
        return None;
    }
    // base 10⁹, the lowest part first
    let mut parts: Vec<u64> = vec![0];
    for digit in digits.chars() {
        let mut carry = u64::from(digit.to_digit(radix)?);
        for part in &mut parts {
            let sum = *part * u64::from(radix) + carry;
            *part = sum % 1_000_000_000;
            carry = sum / 1_000_000_000;
        }
        if carry > 0 {
            parts.push(carry);
        }
    }
    let decimal = parts.iter().rev().fold(String::new(), |text, part| format!("{text}{part:09}"));
    Some(format!("{}{}", if negative { "-" } else { "" }, decimal.trim_start_matches('0')))
}

/// The float that PyYAML makes of a text: `1.5`, `.inf`, `1:30.5`, with underscores.
pub(super) fn float(text: &str) -> Option<f64> {
    let text = text.replace('_', "").to_ascii_lowercase();
    let (negative, digits) = split_sign(&text);
    let magnitude = match digits {
        ".inf" => f64::INFINITY,
        ".nan" => f64::NAN,
        _ if digits.contains(':') => {
            digits.split(':').try_fold(0.0, |sum: f64, part| Some(sum.mul_add(60.0, python_float(part)?)))?
        }
        _ => python_float(digits)?,
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// A number as JSON writes it, for files that are JSON: there `1e3` is a number.
pub(super) fn json_number(text: &str) -> Option<NodeKind> {
    match text.parse::<i128>() {
        Ok(number) => Some(NodeKind::Int(number)),
        Err(_) if text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => {
            text.parse().ok().map(NodeKind::Float)
        }
        Err(_) => None,
    }
}

fn split_sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// Digits only: no second sign, not empty.
fn radix(digits: &str, radix: u32) -> Option<i128> {
    if digits.starts_with(['+', '-']) {
        return None;
    }
    i128::from_str_radix(digits, radix).ok()
}

fn python_float(text: &str) -> Option<f64> {
    text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'+' | b'-')).then(|| text.parse().ok())?
}

/// The characters after those that satisfy a condition, and how many those were.
fn skip(text: &str, accept: impl Fn(u8) -> bool) -> (&str, usize) {
    let count = text.bytes().take_while(|b| accept(*b)).count();
    (text.get(count..).unwrap_or_default(), count)
}

fn digit(b: u8) -> bool {
    b.is_ascii_digit()
}

fn digit_or_underscore(b: u8) -> bool {
    b.is_ascii_digit() || b == b'_'
}

fn is_int(text: &str) -> bool {
    let (_, digits) = split_sign(text);
    if let Some(rest) = digits.strip_prefix("0b")
        && !rest.is_empty()
        && rest.bytes().all(|b| matches!(b, b'0' | b'1' | b'_'))
    {
        return true;
    }
    if let Some(rest) = digits.strip_prefix("0x")
        && !rest.is_empty()
        && rest.bytes().all(|b| b.is_ascii_hexdigit() || b == b'_')
    {
        return true;
    }
    if let Some(rest) = digits.strip_prefix('0') {
        return rest.bytes().all(|b| matches!(b, b'0'..=b'7' | b'_'));
    }
    let (rest, count) = skip(digits, digit_or_underscore);
    count > 0 && !digits.starts_with('_') && (rest.is_empty() || sexagesimal(rest).is_some_and(str::is_empty))
}

/// Skips `(:[0-5]?[0-9])+`; `None` where there is not even one.
fn sexagesimal(text: &str) -> Option<&str> {
    let mut rest = text;
    let mut found = false;
    while let Some(after) = rest.strip_prefix(':') {
        let (after_digits, count) = skip(after, digit);
        let fits = match count {
            1 => true,
            2 => after.starts_with(|c| ('0'..='5').contains(&c)),
            _ => false,
        };
        if !fits {
            break;
        }
        found = true;
        rest = after_digits;
    }
    found.then_some(rest)
}

fn is_exponent(text: &str) -> bool {
    if text.is_empty() {
        return true;
    }
    let Some(rest) = text.strip_prefix(['e', 'E']).and_then(|rest| rest.strip_prefix(['+', '-'])) else {
        return false;
    };
    !rest.is_empty() && rest.bytes().all(digit)
}

fn is_float(text: &str) -> bool {
    let (_, unsigned) = split_sign(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    if let Some(rest) = text.strip_prefix('.') {
        let (after, _) = skip(rest, digit_or_underscore);
        return rest.starts_with(|c: char| c.is_ascii_digit()) && is_exponent(after);
    }
    if !unsigned.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let (rest, _) = skip(unsigned, digit_or_underscore);
    if let Some(fraction) = rest.strip_prefix('.') {
        return is_exponent(skip(fraction, digit_or_underscore).0);
    }
    sexagesimal(rest)
        .and_then(|rest| rest.strip_prefix('.'))
        .is_some_and(|fraction| fraction.bytes().all(digit_or_underscore))
}

fn is_timestamp(text: &str) -> bool {
    let Some((rest, (month, day))) = date(text) else { return false };
    if rest.is_empty() {
        return month == 2 && day == 2;
    }
    time(rest).is_some()
}

/// Skips `YYYY-M-D`; the rest, and with how many digits month and day are written.
fn date(text: &str) -> Option<(&str, (usize, usize))> {
    let (rest, year) = skip(text, digit);
    let (rest, month) = skip(rest.strip_prefix('-')?, digit);
    let (rest, day) = skip(rest.strip_prefix('-')?, digit);
    (year == 4 && (1..=2).contains(&month) && (1..=2).contains(&day)).then_some((rest, (month, day)))
}

fn time(text: &str) -> Option<()> {
    let blank = |b: u8| b == b' ' || b == b'\t';
    let rest = match text.strip_prefix(['T', 't']) {
        Some(rest) => rest,
        None => {
            let (rest, count) = skip(text, blank);
            (count > 0).then_some(rest)?
        }
    };
    let (rest, hours) = skip(rest, digit);
    let (rest, minutes) = skip(rest.strip_prefix(':')?, digit);
    let (rest, seconds) = skip(rest.strip_prefix(':')?, digit);
    if !(1..=2).contains(&hours) || minutes != 2 || seconds != 2 {
        return None;
    }
    let rest = rest.strip_prefix('.').map_or(rest, |fraction| skip(fraction, digit).0);
    let (zone, _) = skip(rest, blank);
    if rest.is_empty() || zone == "Z" {
        return Some(());
    }
    let (rest, hours) = skip(zone.strip_prefix(['+', '-'])?, digit);
    let minutes_fit =
        rest.is_empty() || rest.strip_prefix(':').is_some_and(|m| m.len() == 2 && m.bytes().all(digit));
    ((1..=2).contains(&hours) && minutes_fit).then_some(())
}

/// The date or moment that PyYAML makes of a text. `None` where the calendar or the clock has none such.
pub(super) fn moment(text: &str) -> Option<Moment> {
    let digits = |text: &str| {
        let end = text.bytes().position(|byte| !digit(byte)).unwrap_or(text.len());
        text.split_at_checked(end).map(|(number, rest)| (number.to_owned(), rest.to_owned()))
    };
    let (year, rest) = digits(text)?;
    let (month, rest) = digits(rest.strip_prefix('-')?)?;
    let (day, rest) = digits(rest.strip_prefix('-')?)?;
    let date = Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?;
    if rest.is_empty() {
        return Some(Moment { at: date.at(0, 0, 0, 0), form: MomentForm::Date });
    }
    let (hour, rest) = digits(rest.trim_start_matches(['T', 't', ' ', '\t']))?;
    let (minute, rest) = digits(rest.strip_prefix(':')?)?;
    let (second, rest) = digits(rest.strip_prefix(':')?)?;
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => digits(rest)?,
        None => (String::new(), rest),
    };
    // microseconds, as many as Python has
    let fraction: i32 = format!("{:0<6}", fraction.get(..6).unwrap_or(&fraction)).parse().ok()?;
    let time = Time::new(hour.parse().ok()?, minute.parse().ok()?, second.parse().ok()?, fraction * 1000);
    let zone = rest.trim_matches([' ', '\t']);
    let form = match (zone, zone.strip_prefix(['+', '-'])) {
        ("", _) => MomentForm::Naive,
        (_, None) => MomentForm::Offset(0),
        (_, Some(span)) => {
            let (hours, minutes) = span.split_once(':').unwrap_or((span, "0"));
            let ahead = hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60;
            MomentForm::Offset(if zone.starts_with('-') { -ahead } else { ahead })
        }
    };
    Some(Moment { at: date.to_datetime(time.ok()?), form })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expectations were taken from PyYAML 6.0.2.
    #[test]
    fn types_are_pyyamls() {
        use Implicit::{Bool, Float, Int, Merge, Null, Str, Timestamp, Value};
        let table: &[(Implicit, &[&str])] = &[
            (Null, &["", "~", "null", "Null", "NULL"]),
            (Bool, &["yes", "Yes", "YES", "no", "on", "On", "OFF", "true", "True", "FALSE"]),
            (Int, &["0", "-0", "12", "+12", "1_000", "0b101", "0x1F", "-0x1f", "017", "0_", "0777_", "1:30"]),
            (Int, &["-1:30:59", "190:20:30", "1__2", "00", "0b_", "0x_"]),
            (
                Float,
                &["1.", "1.5", ".5", "-1.5", "+1.5", "1.5e+3", "1.5E-3", "1_0.5", ".inf", "-.INF", "+.Inf"],
            ),
            (Float, &[".nan", ".NaN", ".NAN", "190:20:30.15", "1:30.", "0.", "01.5", ".5_", "1.e+3"]),
            (
                Timestamp,
                &["2001-01-02", "2001-1-2 3:04:05", "2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43 Z"],
            ),
            (Timestamp, &["2001-12-15T02:59:43.1Z", "2001-12-15 02:59:43 +1"]),
            (Merge, &["<<"]),
            (Value, &["="]),
            (
                Str,
                &[
                    "y", "n", "yEs", "tRue", "nULL", "~x", "08", "09", "0o17", "1e3", "1.5e3", "-.5", "+.5",
                    ".",
                ],
            ),
            (
                Str,
                &["-", "+", "_1", "1:60", "1:2:3x", "0b", "0b2", "0x", "0xg", "-.nan", "1.2.3", "127.0.0.1"],
            ),
            (
                Str,
                &[
                    "2001-1-2",
                    "2001-01-02T",
                    "2001-01-02 3:4:5",
                    "12:30:45:99x",
                    "1:300",
                    "<",
                    "==",
                    "0:30",
                    "._5",
                ],
            ),
        ];
        for (expected, texts) in table {
            for text in *texts {
                assert_eq!(implicit(text), *expected, "{text:?}");
            }
        }
    }

    #[test]
    fn numbers_are_pyyamls() {
        let integers: &[(&str, Option<i128>)] = &[
            ("0", Some(0)),
            ("-0", Some(0)),
            ("+12", Some(12)),
            ("1_000", Some(1000)),
            ("0b101", Some(5)),
            ("-0x1F", Some(-31)),
            ("017", Some(15)),
            ("0_", Some(0)),
            ("1:30", Some(90)),
            ("-1:30:59", Some(-5459)),
            ("0x_", None),
            ("--1", None),
            ("99999999999999999999999999999999999999999", None),
        ];
        for (text, expected) in integers {
            assert_eq!(integer(text), *expected, "{text:?}");
        }
        assert_eq!(
            large_integer("0x9FED2BCBDCD29CDF762678CBAED4B06F473041FA").as_deref(),
            Some("913018624372181515852045686656911815980348359162"),
        );
        assert_eq!(large_integer("0x_"), None);
        let floats: &[(&str, f64)] =
            &[("1.", 1.0), (".5", 0.5), ("-1_0.5", -10.5), ("1.5e+3", 1500.0), ("190:20:30.15", 685_230.15)];
        for (text, expected) in floats {
            assert_eq!(float(text), Some(*expected), "{text:?}");
        }
        assert_eq!(float("-.INF"), Some(f64::NEG_INFINITY));
        assert!(float(".nan").is_some_and(f64::is_nan));
        assert_eq!(float("infinity"), None);
        assert_eq!(boolean("tRUE"), Some(true));
    }

    #[test]
    fn timestamps_are_moments() {
        for (text, shown) in [
            ("2001-01-02", "2001-01-02"),
            ("2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43.100000-05:00"),
            ("2001-12-14 21:59:43.10 -5", "2001-12-14 21:59:43.100000-05:00"),
            ("2001-12-15T02:59:43.1Z", "2001-12-15 02:59:43.100000+00:00"),
            ("2001-1-2 3:04:05", "2001-01-02 03:04:05"),
            ("2001-12-14 21:59:43.123456789", "2001-12-14 21:59:43.123456"),
        ] {
            assert_eq!(moment(text).map(Moment::to_text).as_deref(), Some(shown), "{text}");
        }
        assert_eq!(moment("2001-02-30"), None);
        assert_eq!(moment("2001-01-01 25:00:00"), None);
    }
}
