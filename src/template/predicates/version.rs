//! `version`: loose, strict, semantic versions and PEP 440.

use std::cmp::Ordering;

use crate::template::args::{Args, required};
use crate::template::context::Ctx;
use crate::template::fail::{Fail, Res, bail};
use crate::template::val::Val;

pub(super) fn version(ctx: &Ctx<'_>, value: &Val, args: &Args) -> Res<bool> {
    let [other, operator, strict, kind] =
        args.bind("version", ["version", "operator", "strict", "version_type"])?;
    let version = ctx.text(value)?;
    let other = ctx.text(&required(other, "version", "version")?)?;
    if version.is_empty() {
        return bail("Input version value cannot be empty");
    }
    if other.is_empty() {
        return bail("Version parameter to compare against cannot be empty");
    }
    let operator = operator.map_or(Ok("eq".into()), |operator| ctx.text(&operator))?;
    let strict = match strict.filter(|strict| !strict.is_none()) {
        Some(strict) => Some(ctx.truth(&strict)?),
        None => None,
    };
    let kind = match kind.filter(|kind| !kind.is_none()) {
        Some(_) if strict.is_some() => return bail("Cannot specify both 'strict' and 'version_type'"),
        Some(kind) => ctx.text(&kind)?,
        None => (if strict == Some(true) { "strict" } else { "loose" }).into(),
    };
    let invalid = |text: &str| {
        let kind = if kind.starts_with("sem") { "semantic version" } else { "version" };
        Fail::error(format!("Version comparison failed: invalid {kind} '{text}'"))
    };
    let order = match &*kind {
        "loose" => loose(&version, &other)?,
        "strict" => {
            let parsed = |text: &str| strict_parts(text).ok_or_else(|| invalid(text));
            parsed(&version)?.cmp(&parsed(&other)?)
        }
        "semver" | "semantic" => {
            let parsed = |text: &str| semantic(text).ok_or_else(|| invalid(text));
            parsed(&version)?.cmp(&parsed(&other)?)
        }
        "pep440" => {
            let parsed = |text: &str| pep440(text).ok_or_else(|| invalid(text));
            parsed(&version)?.cmp(&parsed(&other)?)
        }
        other => {
            return bail(format!(
                "Invalid version type ({other}). Must be one of 'loose', 'strict', 'semver', 'semantic', 'pep440'"
            ));
        }
    };
    Ok(match &*operator {
        "==" | "=" | "eq" => order.is_eq(),
        "<" | "lt" => order.is_lt(),
        "<=" | "le" => order.is_le(),
        ">" | "gt" => order.is_gt(),
        ">=" | "ge" => order.is_ge(),
        "!=" | "<>" | "ne" => order.is_ne(),
        other => {
            return bail(format!(
                "Invalid operator type ({other}). Must be one of '==', '=', 'eq', '<', 'lt', '<=', 'le', '>', 'gt', \
                 '>=', 'ge', '!=', '<>', 'ne'"
            ));
        }
    })
}

#[derive(PartialEq, Eq, Debug)]
enum Part {
    Number(u128),
    Text(String),
}

/// Digits, letters and what is neither, without dots.
fn loose_parts(version: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = version;
    while let Some(first) = rest.chars().next() {
        let same: fn(char) -> bool = match first {
            c if c.is_ascii_digit() => |c| c.is_ascii_digit(),
            c if c.is_ascii_lowercase() => |c| c.is_ascii_lowercase(),
            '.' => |c| c == '.',
            _ => |c| !c.is_ascii_digit() && !c.is_ascii_lowercase() && c != '.',
        };
        let end = rest.find(|c| !same(c)).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        rest = after;
        if first != '.' {
            parts.push(part.parse().map_or_else(|_| Part::Text(part.to_owned()), Part::Number));
        }
    }
    parts
}

/// The order of two versions as `LooseVersion` has it.
pub(in crate::template) fn loose(a: &str, b: &str) -> Res<Ordering> {
    let (left, right) = (loose_parts(a), loose_parts(b));
    for pair in left.iter().zip(&right) {
        let order = match pair {
            (Part::Number(a), Part::Number(b)) => a.cmp(b),
            (Part::Text(a), Part::Text(b)) => a.cmp(b),
            (Part::Number(_), Part::Text(_)) => {
                return bail(
                    "version comparison failed: '<' not supported between instances of 'int' and 'str'",
                );
            }
            (Part::Text(_), Part::Number(_)) => {
                return bail(
                    "version comparison failed: '<' not supported between instances of 'str' and 'int'",
                );
            }
        };
        if order.is_ne() {
            return Ok(order);
        }
    }
    Ok(left.len().cmp(&right.len()))
}

/// `1.2`, `1.2.3`, with `a1` or `b1` at the end: pre-releases come first.
fn strict_parts(version: &str) -> Option<(Vec<u64>, bool, char, u64)> {
    let (numbers, pre) = match version.find(['a', 'b']) {
        Some(at) => {
            let (numbers, pre) = version.split_at(at);
            let mut chars = pre.chars();
            (numbers, Some((chars.next()?, chars.as_str().parse().ok()?)))
        }
        None => (version, None),
    };
    let mut numbers: Vec<u64> = numbers.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    if !(2..=3).contains(&numbers.len()) {
        return None;
    }
    numbers.resize(3, 0);
    let (letter, number) = pre.unwrap_or(('z', 0));
    Some((numbers, pre.is_none(), letter, number))
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(u64),
    Text(String),
}

/// Semantic versions (semver.org, 2.0.0): a release comes after its pre-releases, build metadata does not count.
fn semantic(version: &str) -> Option<(Vec<u64>, bool, Vec<Identifier>)> {
    let version = version.split_once('+').map_or(version, |(version, _)| version);
    let (core, pre) = version.split_once('-').map_or((version, None), |(core, pre)| (core, Some(pre)));
    let numbers: Vec<u64> = core.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    if numbers.len() != 3 {
        return None;
    }
    let identifiers = pre
        .into_iter()
        .flat_map(|pre| pre.split('.'))
        .map(|part| part.parse().map_or_else(|_| Identifier::Text(part.to_owned()), Identifier::Number));
    Some((numbers, pre.is_none(), identifiers.collect()))
}

/// What PEP 440 orders by: epoch, release, then pre-, final, post- and development releases.
type Pep440 = (u64, Vec<u64>, (i8, u64), u64, (bool, u64));

fn pep440(version: &str) -> Option<Pep440> {
    let version = version.trim().to_lowercase().replace(['_', '-'], ".");
    let version = version.strip_prefix('v').unwrap_or(&version);
    let version = version.split_once('+').map_or(version, |(version, _)| version);
    let (epoch, version) =
        version.split_once('!').map_or((Some(0), version), |(epoch, rest)| (epoch.parse().ok(), rest));
    let release_end = version.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(version.len());
    let (release, mut rest) = version.split_at(release_end);
    let mut release: Vec<u64> =
        release.trim_end_matches('.').split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    while release.len() > 1 && release.last() == Some(&0) {
        release.pop();
    }
    let (mut pre, mut post, mut dev) = (None, None, None);
    while !rest.is_empty() {
        rest = rest.trim_start_matches('.');
        let word_end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let (word, after) = rest.split_at(word_end);
        let after = after.trim_start_matches('.');
        let number_end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let (digits, after) = after.split_at(number_end);
        let number = if digits.is_empty() { 0 } else { digits.parse::<u64>().ok()? };
        match word {
            "a" | "alpha" => pre = Some((-3, number)),
            "b" | "beta" => pre = Some((-2, number)),
            "rc" | "c" | "pre" | "preview" => pre = Some((-1, number)),
            "post" | "rev" | "r" => post = Some(number),
            "" if !digits.is_empty() => post = Some(number),
            "dev" => dev = Some(number),
            _ => return None,
        }
        rest = after;
    }
    let pre = pre.unwrap_or(if dev.is_some() && post.is_none() { (-4, 0) } else { (0, 0) });
    let dev = dev.map_or((true, 0), |number| (false, number));
    Some((epoch?, release, pre, post.map_or(0, |number| number + 1), dev))
}
