//! Host names as inventories write them: with a port, with ranges.

use core::net::Ipv6Addr;
use std::fmt;

/// How many hosts one entry may stand for.
const MAX_HOSTS: usize = 100_000;

/// What is wrong with a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RangeError {
    /// It is not written as a range is.
    Form(String),
    /// A bound is neither a number nor a letter.
    Bound(String),
}

impl RangeError {
    /// Whether a bound is wrong, and not the form.
    pub(super) fn is_bound(&self) -> bool {
        matches!(self, Self::Bound(_))
    }
}

impl fmt::Display for RangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(message) | Self::Bound(message) => f.write_str(message),
        }
    }
}

/// A host name or address, and the port where one is given. `None` where the text is neither.
///
/// A port follows a colon; an IPv6 address with a port is in brackets. Ranges (`[1:3]`) may stand for parts.
pub(super) fn parse_address(text: &str) -> Option<(&str, Option<u32>)> {
    let (address, port) = split_port(text);
    (is_ipv4(address) || is_ipv6(address) || is_hostname(address)).then_some((address, port))
}

fn split_port(text: &str) -> (&str, Option<u32>) {
    let Some((before, digits)) = text.rsplit_once(':') else { return (text, None) };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return (text, None);
    }
    let Ok(port) = digits.parse() else { return (text, None) };
    if let Some(inner) = before.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'))
        && !inner.is_empty()
    {
        return (inner, Some(port));
    }
    let plain = without_ranges(before).is_some_and(|rest| !rest.contains([':', '[', ']']));
    if plain { (before, Some(port)) } else { (text, None) }
}

/// The text with each `[…]` taken out. `None` where one is not closed.
fn without_ranges(text: &str) -> Option<String> {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        plain.push_str(before);
        rest = after.split_once(']')?.1;
    }
    plain.push_str(rest);
    Some(plain)
}

/// The text with each range that the condition accepts replaced by a digit. `None` where another is there.
fn with_ranges_as_digit(text: &str, accept: impl Fn(&str) -> bool) -> Option<String> {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        let (range, after) = after.split_once(']')?;
        if !is_range(range, &accept) {
            return None;
        }
        plain.push_str(before);
        plain.push('1');
        rest = after;
    }
    plain.push_str(rest);
    Some(plain)
}

/// `begin:end` or `begin:end:step`.
fn is_range(range: &str, accept: impl Fn(&str) -> bool) -> bool {
    let mut parts = range.split(':');
    let (Some(begin), Some(end)) = (parts.next(), parts.next()) else { return false };
    let step = parts.next().is_none_or(digits);
    accept(begin) && accept(end) && step && parts.next().is_none()
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_ipv4(text: &str) -> bool {
    let Some(plain) = with_ranges_as_digit(text, digits) else { return false };
    let parts: Vec<&str> = plain.split('.').collect();
    parts.len() == 4
        && parts.iter().all(|part| {
            part.len() <= 3 && digits(part) && part.parse::<u16>().is_ok_and(|number| number < 256)
        })
}

fn is_ipv6(text: &str) -> bool {
    let hexadecimal = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
    with_ranges_as_digit(text, hexadecimal).is_some_and(|plain| plain.parse::<Ipv6Addr>().is_ok())
}

/// Labels of word characters and dashes with dots between them; none starts with a dash or ends with `-` or `_`.
fn is_hostname(text: &str) -> bool {
    let letter = |text: &str| text.len() == 1 && text.bytes().all(|b| b.is_ascii_alphabetic());
    let Some(plain) = with_ranges_as_digit(text, |bound| digits(bound) || letter(bound)) else {
        return false;
    };
    plain.split('.').all(|label| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with(['-', '_'])
            && label.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
    })
}

/// The hosts that an entry stands for, and their port.
///
/// # Errors
/// What is wrong with a range.
pub(super) fn expand(pattern: &str) -> Result<(Vec<String>, Option<u32>), RangeError> {
    let (pattern, port) = parse_address(pattern).unwrap_or((pattern, None));
    let mut names = vec![pattern.to_owned()];
    while names.first().is_some_and(|name| name.contains('[')) {
        let mut expanded = Vec::new();
        for name in &names {
            expand_first(name, &mut expanded)?;
            if expanded.len() > MAX_HOSTS {
                let message = format!("`{pattern}` stands for more than {MAX_HOSTS} hosts");
                return Err(RangeError::Bound(message));
            }
        }
        names = expanded;
    }
    Ok((names, port))
}

fn expand_first(name: &str, out: &mut Vec<String>) -> Result<(), RangeError> {
    let message = || format!("the range in `{name}` has to be `[begin:end]` or `[begin:end:step]`");
    let malformed = || RangeError::Form(message());
    let bound = || RangeError::Bound(message());
    let backwards = || RangeError::Form(format!("the range in `{name}` ends before it begins"));
    let (head, rest) = name.split_once('[').ok_or_else(malformed)?;
    let (range, tail) = rest.split_once(']').ok_or_else(malformed)?;
    let bounds: Vec<&str> = range.split(':').collect();
    let (begin, end, step) = match bounds.as_slice() {
        [begin, end] => (*begin, *end, "1"),
        [begin, end, step] => (*begin, *end, *step),
        _ => return Err(malformed()),
    };
    let begin = if begin.is_empty() { "0" } else { begin };
    if end.is_empty() {
        return Err(RangeError::Form(format!("host range must specify end value: `{name}`")));
    }
    let step: usize = step.parse().ok().filter(|step| *step > 0).ok_or_else(bound)?;
    let width = if begin.starts_with('0') && begin.len() > 1 { begin.len() } else { 0 };
    if width > 0 && end.len() != width {
        let message =
            format!("begin and end of the range in `{name}` have to have the same number of digits");
        return Err(RangeError::Form(message));
    }
    if let (Some(first), Some(last)) = (letter_index(begin), letter_index(end)) {
        if first > last {
            return Err(backwards());
        }
        out.extend(
            (first..=last).step_by(step).filter_map(letter_at).map(|letter| format!("{head}{letter}{tail}")),
        );
        return Ok(());
    }
    let (Ok(first), Ok(last)) = (begin.parse::<u64>(), end.parse::<u64>()) else { return Err(bound()) };
    if first > last {
        return Err(backwards());
    }
    let numbers = (first..=last).step_by(step).take(MAX_HOSTS + 1);
    out.extend(numbers.map(|number| format!("{head}{number:0width$}{tail}")));
    Ok(())
}

const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

fn letter_index(text: &str) -> Option<usize> {
    (text.len() == 1).then(|| LETTERS.find(text))?
}

fn letter_at(index: usize) -> Option<char> {
    LETTERS.chars().nth(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_with_ports() {
        let table = [
            ("web1", Some(("web1", None))),
            ("web1.example.com:2222", Some(("web1.example.com", Some(2222)))),
            ("10.0.0.1:22", Some(("10.0.0.1", Some(22)))),
            ("[2001:db8::1]:22", Some(("2001:db8::1", Some(22)))),
            ("2001:db8::1", Some(("2001:db8::1", None))),
            ("::1", Some(("::1", None))),
            ("web[01:03]:22", Some(("web[01:03]", Some(22)))),
            ("10.0.0.[1:3]", Some(("10.0.0.[1:3]", None))),
            ("web:&prod", None),
            ("web*", None),
            ("-web", None),
            ("web-", None),
            ("a:b", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse_address(text), expected, "{text:?}");
        }
    }

    #[test]
    fn ranges_expand() {
        let table: &[(&str, &[&str])] = &[
            ("web[01:03]", &["web01", "web02", "web03"]),
            ("web[8:11]", &["web8", "web9", "web10", "web11"]),
            ("[a:c]x", &["ax", "bx", "cx"]),
            ("n[0:10:5]", &["n0", "n5", "n10"]),
            ("n[:1]", &["n0", "n1"]),
            ("r[1:2]n[a:b]", &["r1na", "r1nb", "r2na", "r2nb"]),
        ];
        for (text, expected) in table {
            assert_eq!(expand(text).unwrap().0, *expected, "{text:?}");
        }
        assert_eq!(expand("web[01:02]:2222").unwrap().1, Some(2222));
        for text in ["n[1]", "n[1:]", "n[01:100]", "n[3:1]", "n[c:a]", "n[x1:x3]", "n[1:2:0]", "n[1:9999999]"]
        {
            assert!(expand(text).is_err(), "{text:?}");
        }
    }
}
