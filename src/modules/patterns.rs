//! Shell-style patterns as Python's `fnmatch`, and paths that match one as Python's `glob`.

use super::contract::Halt;
use super::view::View;
use crate::wire::{Follow, Query};

/// Whether a name matches a pattern of `*`, `?`, `[seq]` and `[!seq]`, as `fnmatch.fnmatchcase`.
pub fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    matches_from(&pattern, &name)
}

fn matches_from(pattern: &[char], name: &[char]) -> bool {
    // where the last star stands and how much of the name it has taken
    let mut star: Option<(&[char], &[char])> = None;
    let (mut pattern, mut name) = (pattern, name);
    loop {
        match (pattern.split_first(), name.split_first()) {
            (Some(('*', rest)), _) => {
                star = Some((rest, name));
                pattern = rest;
                continue;
            }
            (None, None) => return true,
            (Some(_), Some((first, after))) => {
                if let Some(rest) = one(pattern, *first) {
                    (pattern, name) = (rest, after);
                    continue;
                }
            }
            _ => {}
        }
        match star {
            Some((rest, [_, taken @ ..])) => {
                star = Some((rest, taken));
                (pattern, name) = (rest, taken);
            }
            _ => return false,
        }
    }
}

/// What is left of the pattern when its first element matches a character.
fn one(pattern: &[char], c: char) -> Option<&[char]> {
    match pattern {
        ['?', rest @ ..] => Some(rest),
        ['[', set @ ..] => {
            let negated = set.first() == Some(&'!');
            let set = if negated { set.get(1..)? } else { set };
            // a bracket that closes at once is a member
            let Some(end) = set.iter().skip(1).position(|c| *c == ']').map(|at| at + 1) else {
                return (c == '[').then(|| pattern.get(1..)).flatten();
            };
            let (members, rest) = set.split_at_checked(end)?;
            (member(members, c) != negated).then(|| rest.get(1..)).flatten()
        }
        [first, rest @ ..] if *first == c => Some(rest),
        _ => None,
    }
}

fn member(members: &[char], c: char) -> bool {
    match members {
        [low, '-', high, rest @ ..] => (*low..=*high).contains(&c) || member(rest, c),
        [first, rest @ ..] => *first == c || member(rest, c),
        [] => false,
    }
}

/// Whether a text holds a pattern.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// Whether anything on the host matches a path that may be a pattern, as `glob.glob`.
pub fn any_path(view: &View<'_>, pattern: &str) -> Result<bool, Halt> {
    if !is_pattern(pattern) {
        // as glob: a plain path matches where lexists() holds
        return Ok(view.stat(pattern, Follow::No)?.is_some());
    }
    let (root, rest) = match pattern.strip_prefix('/') {
        Some(rest) => ("/", rest),
        None => ("", pattern),
    };
    let parts: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
    below(view, root, &parts)
}

fn below(view: &View<'_>, at: &str, parts: &[&str]) -> Result<bool, Halt> {
    let Some((first, rest)) = parts.split_first() else { return Ok(true) };
    let join = |name: &str| match at {
        "" => name.to_owned(),
        "/" => format!("/{name}"),
        at => format!("{at}/{name}"),
    };
    if !is_pattern(first) {
        let next = join(first);
        return if rest.iter().any(|part| is_pattern(part)) {
            below(view, &next, rest)
        } else {
            let path = rest.iter().fold(next, |path, part| format!("{path}/{part}"));
            Ok(view.stat(&path, Follow::No)?.is_some())
        };
    }
    let entries = view.entries(&Query::List { path: at.to_owned() })?.unwrap_or_default();
    let hidden = first.starts_with('.');
    let found = entries.iter().filter(|e| (hidden || !e.name.starts_with('.')) && matches(first, &e.name));
    for entry in found {
        if below(view, &join(&entry.name), rest)? {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_fnmatch_does() {
        for (pattern, yes, no) in [
            ("*", "anything", "\u{0}none"),
            ("a*c", "abbc", "abbd"),
            ("*_v4*", "ansible_v4_x", "v4"),
            ("a?c", "abc", "ac"),
            ("[a-c]x[!0-9]", "bxy", "bx1"),
            ("[]x]y", "]y", "ay"),
            ("[x", "[x", "x"),
            ("*a*b*c", "xxaxxbxxc", "xxaxxcxxb"),
        ] {
            assert!(matches(pattern, yes), "{pattern} {yes}");
            assert!(pattern == "*" || !matches(pattern, no), "{pattern} {no}");
        }
    }
}
