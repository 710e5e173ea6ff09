//! Python's regular expressions on fancy-regex.

use std::fmt::Write;

use fancy_regex::{Captures, Regex};

use super::fail::{Fail, Res, bail};

/// How a pattern is read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flags {
    /// `re.IGNORECASE`
    pub ignore_case: bool,
    /// `re.MULTILINE`
    pub multiline: bool,
}

/// A compiled pattern.
pub(super) struct Pattern(Regex);

/// Compiles a pattern of Python's `re`.
pub(super) fn compile(pattern: &str, flags: Flags) -> Res<Pattern> {
    let mut translated = translate(pattern);
    let set = match (flags.ignore_case, flags.multiline) {
        (true, true) => "(?im)",
        (true, false) => "(?i)",
        (false, true) => "(?m)",
        (false, false) => "",
    };
    translated.insert_str(0, set);
    match Regex::new(&translated) {
        Ok(regex) => Ok(Pattern(regex)),
        Err(error) => bail(format!("invalid regular expression '{pattern}': {error}")),
    }
}

/// The same pattern in fancy-regex's notation.
fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars().peekable();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('Z') if !in_class => out.push_str(r"\z"),
                Some(
                    c @ ('<' | '>' | '"' | '\'' | '/' | ' ' | '%' | '@' | '!' | ',' | ';' | ':' | '=' | '`'
                    | '_'),
                ) => {
                    push_literal(c, in_class, &mut out);
                }
                Some('0') => {
                    let mut code = 0;
                    for _ in 0..2 {
                        match chars.next_if(|c| c.is_digit(8)).and_then(|c| c.to_digit(8)) {
                            Some(digit) => code = code * 8 + digit,
                            None => break,
                        }
                    }
                    let _ = write!(out, "\\x{code:02x}");
                }
                Some(c) => {
                    out.push('\\');
                    out.push(c);
                }
                None => out.push('\\'),
            },
            '[' if !in_class => {
                in_class = true;
                out.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                if chars.next_if_eq(&']').is_some() {
                    out.push_str(r"\]");
                }
            }
            // a bracket inside of a class is only a bracket in Python
            '[' => out.push_str(r"\["),
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            '&' | '~' if in_class => {
                out.push('\\');
                out.push(c);
            }
            '-' if in_class && chars.peek() == Some(&'-') => out.push_str(r"\-"),
            // `$` also matches before a line break at the end of the text
            '$' if !in_class => out.push_str(r"(?:$|(?=\n\z))"),
            _ => out.push(c),
        }
    }
    out
}

fn push_literal(c: char, in_class: bool, out: &mut String) {
    if c == '-' && in_class {
        out.push('\\');
    }
    out.push(c);
}

fn failed(error: &fancy_regex::Error) -> Fail {
    Fail::error(format!("the regular expression failed: {error}"))
}

impl Pattern {
    /// Whether it matches anywhere.
    pub(super) fn is_match(&self, text: &str) -> Res<bool> {
        self.0.is_match(text).map_err(|error| failed(&error))
    }

    /// The first match.
    pub(super) fn find<'t>(&self, text: &'t str) -> Res<Option<Captures<'t, str>>> {
        self.0.captures(text).map_err(|error| failed(&error))
    }

    /// All matches.
    pub(super) fn all<'t>(&self, text: &'t str) -> Res<Vec<Captures<'t, str>>> {
        self.0.captures_iter(text).map(|found| found.map_err(|error| failed(&error))).collect()
    }

    /// The number of groups, without the whole.
    pub(super) fn groups(&self) -> usize {
        self.0.captures_len() - 1
    }

    /// Replaces matches (`count` 0: all). Returns the text and how many were replaced.
    pub(super) fn replace(&self, text: &str, replacement: &str, count: usize) -> Res<(String, usize)> {
        let mut out = String::with_capacity(text.len());
        let (mut end, mut replaced) = (0, 0);
        for found in self.0.captures_iter(text) {
            let found = found.map_err(|error| failed(&error))?;
            if count > 0 && replaced == count {
                break;
            }
            let Some(whole) = found.get(0) else { continue };
            out.push_str(text.get(end..whole.start()).unwrap_or(""));
            expand(replacement, &found, &mut out)?;
            end = whole.end();
            replaced += 1;
        }
        out.push_str(text.get(end..).unwrap_or(""));
        Ok((out, replaced))
    }
}

/// Python's replacement templates: `\1`, `\g<name>`, `\n`.
fn expand(replacement: &str, found: &Captures<'_, str>, out: &mut String) -> Res<()> {
    let mut chars = replacement.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('g') if chars.next_if_eq(&'<').is_some() => {
                let name: String = chars.by_ref().take_while(|c| *c != '>').collect();
                let group = match name.parse::<usize>() {
                    Ok(index) if index < found.len() => found.get(index),
                    Ok(_) => return bail(format!("invalid group reference {name}")),
                    Err(_) => found.name(&name),
                };
                out.push_str(group.map_or("", |group| group.as_str()));
            }
            Some('0') => out.push('\0'),
            Some(digit @ '1'..='9') => {
                let mut index = digit as usize - '0' as usize;
                if let Some(next) = chars.next_if(char::is_ascii_digit) {
                    index = index * 10 + (next as usize - '0' as usize);
                }
                if index >= found.len() {
                    return bail(format!("invalid group reference {index}"));
                }
                out.push_str(found.get(index).map_or("", |group| group.as_str()));
            }
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('f') => out.push('\x0c'),
            Some('v') => out.push('\x0b'),
            Some('a') => out.push('\x07'),
            Some('b') => out.push('\x08'),
            Some('\\') | None => out.push('\\'),
            Some(c) if c.is_ascii_alphabetic() => return bail(format!("bad escape \\{c}")),
            Some(c) => {
                out.push('\\');
                out.push(c);
            }
        }
    }
    Ok(())
}

/// Python's `re.escape`.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r"()[]{}?*+-|^$\.&~# ".contains(c) || "\t\n\r\x0b\x0c".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
