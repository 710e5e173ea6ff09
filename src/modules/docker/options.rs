//! Parameters that are mappings with entries of their own, and how sizes and durations are written.

use crate::base::{Map, Value};
use crate::modules::params::ParamValue;

/// A mapping with known entries.
pub struct Entries<'a>(&'a Map);

impl<'a> Entries<'a> {
    /// The mapping; an entry that is not known is refused.
    pub fn of(value: &'a Value, known: &[&str]) -> Result<Self, String> {
        let map = value
            .as_map()
            .ok_or_else(|| format!("we were unable to convert to dict: {}", value.to_text()))?;
        let unknown =
            map.keys().map(|key| key.to_value().to_text()).find(|key| !known.contains(&key.as_str()));
        match unknown {
            Some(key) => {
                let mut known = known.to_vec();
                known.sort_unstable();
                let known = known.join(", ");
                Err(format!("has an unsupported entry `{key}`; supported entries include: {known}"))
            }
            None => Ok(Self(map)),
        }
    }

    /// An entry, where it is given.
    pub fn get<T: ParamValue>(&self, name: &str) -> Result<Option<T>, String> {
        let given = self.0.get(name).filter(|value| !matches!(value, Value::Null | Value::Omit));
        given
            .map(|value| T::read(value).map_err(|message| format!("its entry `{name}`: {message}")))
            .transpose()
    }

    /// An entry that must be given.
    pub fn need<T: ParamValue>(&self, name: &str) -> Result<T, String> {
        self.get(name)?.ok_or_else(|| format!("lacks the entry `{name}`"))
    }

    /// An entry that has one of a few values.
    pub fn choice(&self, name: &str, choices: &[&str]) -> Result<Option<String>, String> {
        let given: Option<String> = self.get(name)?;
        match given {
            Some(text) if !choices.contains(&text.as_str()) => {
                Err(format!("its entry `{name}` must be one of: {}, got: {text}", choices.join(", ")))
            }
            other => Ok(other),
        }
    }
}

/// A size as Ansible reads it: `512`, `64M`, `1.5GB`.
pub fn bytes(text: &str) -> Result<i64, String> {
    let wrong = || format!("human_to_bytes() can't interpret following string: {text}");
    let trimmed = text.trim();
    let end = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at_checked(end).ok_or_else(wrong)?;
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let mut letters = unit.trim().chars();
    let power = match letters.next().map(|letter| letter.to_ascii_uppercase()) {
        None | Some('B') => 0,
        Some('K') => 1,
        Some('M') => 2,
        Some('G') => 3,
        Some('T') => 4,
        Some('P') => 5,
        Some('E') => 6,
        Some(_) => return Err(wrong()),
    };
    let rest = letters.as_str();
    if power > 0 && !matches!(rest, "" | "B") || power == 0 && !matches!(rest, "" | "ytes" | "yte") {
        return Err(wrong());
    }
    Ok((number * 1024_f64.powi(power)).round() as i64)
}

/// A duration as Docker writes it, in nanoseconds: `1m30s`, `500ms`.
pub fn nanoseconds(text: &str) -> Result<i64, String> {
    let wrong = || format!("Invalid time duration - {text}");
    let (mut rest, mut total, mut last) = (text, 0_i64, usize::MAX);
    const UNITS: [(&str, i64); 5] = [
        ("us", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("m", 60_000_000_000),
        ("h", 3_600_000_000_000),
    ];
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, after) = rest.split_at_checked(end).ok_or_else(wrong)?;
        let stop = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(stop).ok_or_else(wrong)?;
        let at =
            UNITS.iter().position(|(name, _)| *name == unit).filter(|at| *at < last).ok_or_else(wrong)?;
        let (_, factor) = UNITS.get(at).ok_or_else(wrong)?;
        total += number.parse::<i64>().map_err(|_| wrong())? * factor;
        (rest, last) = (after, at);
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations() {
        for (text, expected) in [
            ("0", Some(0)),
            ("64M", Some(64 << 20)),
            ("1.5GB", Some(3 << 29)),
            ("1k", Some(1024)),
            ("1x", None),
        ] {
            assert_eq!(bytes(text).ok(), expected, "{text}");
        }
        for (text, expected) in
            [("1m30s", Some(90_000_000_000)), ("500ms", Some(500_000_000)), ("10", None), ("1s1m", None)]
        {
            assert_eq!(nanoseconds(text).ok(), expected, "{text}");
        }
    }
}
