//! Replacements, as Python's `re` expands them.

use std::iter::Peekable;
use std::str::Chars;

use fancy_regex::{Captures, Regex};

/// Refuses a replacement with an escape that Python does not know, whether anything matches or not.
fn check(template: &str) -> Result<(), String> {
    let mut chars = template.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            continue;
        }
        match chars.next() {
            None => return Err(format!("bad escape (end of pattern) in replacement `{template}`")),
            Some(c) if c.is_ascii_alphabetic() && !"abfgnrtv".contains(c) => {
                return Err(format!("bad escape \\{c} in replacement `{template}`"));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Replaces every match as Python's `re.subn`: the text and how many were replaced.
pub fn replace_all(regex: &Regex, template: &str, text: &str) -> Result<(String, usize), String> {
    check(template)?;
    let mut out = String::with_capacity(text.len());
    let (mut end, mut count) = (0, 0);
    for found in regex.captures_iter(text) {
        let found = found.map_err(|error| error.to_string())?;
        let Some(whole) = found.get(0) else { continue };
        out.push_str(text.get(end..whole.start()).unwrap_or_default());
        out.push_str(&expand(template, regex, &found)?);
        end = whole.end();
        count += 1;
    }
    out.push_str(text.get(end..).unwrap_or_default());
    Ok((out, count))
}

/// Expands a replacement as Python's `Match.expand`: `\1`, `\g<name>`, `\g<0>`, `\n`, octal escapes. A group that took
/// no part in the match is empty. The error says what is wrong with the replacement.
pub fn expand(template: &str, regex: &Regex, captures: &Captures<'_, str>) -> Result<String, String> {
    let mut out = String::with_capacity(template.len());
    let mut chars = template.chars().peekable();
    let number = |number: usize| {
        if number >= captures.len() {
            return Err(format!("invalid group reference {number} in replacement `{template}`"));
        }
        Ok(captures.get(number).map_or("", |found| found.as_str()))
    };
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let Some(c) = chars.next() else {
            return Err(format!("bad escape (end of pattern) in replacement `{template}`"));
        };
        match c {
            'g' => {
                let missing = || format!("missing group name in replacement `{template}`");
                if chars.next() != Some('<') {
                    return Err(missing());
                }
                let mut name = String::new();
                loop {
                    match chars.next() {
                        Some('>') => break,
                        Some(c) => name.push(c),
                        None => return Err(missing()),
                    }
                }
                match name.parse() {
                    Ok(group) => out.push_str(number(group)?),
                    Err(_) => match captures.name(&name) {
                        Some(found) => out.push_str(found.as_str()),
                        None if regex.capture_names().flatten().any(|known| known == name) => {}
                        None => {
                            return Err(format!("unknown group name `{name}` in replacement `{template}`"));
                        }
                    },
                }
            }
            '0'..='9' => {
                let mut digits = c.to_string();
                let more = |chars: &mut Peekable<Chars<'_>>| chars.next_if(char::is_ascii_digit);
                if c == '0' {
                    digits.extend(chars.next_if(|c| c.is_digit(8)));
                    digits.extend(chars.next_if(|c| c.is_digit(8)));
                    out.extend(u32::from_str_radix(&digits, 8).ok().and_then(char::from_u32));
                    continue;
                }
                digits.extend(more(&mut chars));
                let octal = digits.len() == 2 && digits.chars().all(|c| c.is_digit(8)) && c <= '3';
                if octal && let Some(third) = chars.next_if(|c| c.is_digit(8)) {
                    digits.push(third);
                    out.extend(u32::from_str_radix(&digits, 8).ok().and_then(char::from_u32));
                    continue;
                }
                out.push_str(number(digits.parse().unwrap_or(usize::MAX))?);
            }
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'a' => out.push('\u{7}'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'v' => out.push('\u{b}'),
            '\\' => out.push('\\'),
            c if c.is_ascii_alphabetic() => {
                return Err(format!("bad escape \\{c} in replacement `{template}`"));
            }
            c => {
                out.push('\\');
                out.push(c);
            }
        }
    }
    Ok(out)
}
