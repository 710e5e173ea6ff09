//! Host patterns: `web:&prod:!web3`, `db[0]`, `~web\d+`, and `--limit`.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use super::glob::Matcher;
use super::{Inventory, LOCALHOST, Mismatch, address};
use crate::base::names::nearest;
use crate::base::{Diagnostic, Diagnostics, Kind};
use crate::project::{Project, cause, shown};

/// What patterns matched.
#[derive(Clone, Debug, Default)]
pub struct Matches {
    /// The hosts, each once, in inventory order within each pattern.
    pub hosts: Vec<Arc<str>>,
    /// Patterns that match nothing (warnings), or cannot be read (errors).
    pub diagnostics: Diagnostics,
}

/// The patterns of `--limit`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limit(Vec<String>);

impl Limit {
    /// Splits the argument of `--limit`; `@FILE` stands for the lines of a file (as retry files have them).
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn parse(project: &Project, text: &str) -> Result<Self, Diagnostic> {
        let mut patterns = Vec::new();
        for pattern in split(text) {
            let Some(path) = pattern.strip_prefix('@').map(Path::new) else {
                patterns.push(pattern);
                continue;
            };
            if project.is_dir(path) {
                let message =
                    format!("the limit `{}` must be a file, not a directory", shown(path).display());
                return Err(Diagnostic::error(Kind::File, message));
            }
            let bytes = project.bytes(path).map_err(|error| {
                let message = format!("cannot read the limit `{}`: {}", shown(path).display(), cause(&error));
                let told = format!("Unable to find limit file b'{}'", path.display());
                Diagnostic::error(Kind::File, message).told_in_full(told)
            })?;
            let text = String::from_utf8_lossy(&bytes);
            patterns.extend(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned));
        }
        Ok(Self(patterns))
    }
}

impl Inventory {
    /// The hosts of a play: those that the patterns match (the text or the list of `hosts`) and the limit allows.
    pub fn match_pattern(&self, patterns: &[impl AsRef<str>], limit: Option<&Limit>) -> Matches {
        let patterns: Vec<String> = patterns.iter().flat_map(|pattern| split(pattern.as_ref())).collect();
        let mut search = Search { inventory: self, diagnostics: Diagnostics::default() };
        let mut hosts = search.evaluate(&patterns);
        if let Some(Limit(limit)) = limit {
            let allowed: HashSet<Arc<str>> = search.evaluate(limit).into_iter().collect();
            hosts.retain(|host| allowed.contains(host));
        }
        let mut seen = HashSet::new();
        hosts.retain(|host| seen.insert(Arc::clone(host)));
        Matches { hosts, diagnostics: search.diagnostics }
    }
}

/// Splits at commas; where there are none, and it is not an address or a range, at colons.
fn split(pattern: &str) -> Vec<String> {
    let parts: Vec<String> = if pattern.contains(',') {
        pattern.split(',').map(|part| part.trim().to_owned()).collect()
    } else if address::parse_address(pattern).is_some() {
        vec![pattern.trim().to_owned()]
    } else {
        split_at_colons(pattern)
    };
    parts.into_iter().filter(|part| !part.is_empty()).collect()
}

/// Colons in brackets do not split.
fn split_at_colons(pattern: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut rest = pattern;
    while let Some(character) = rest.chars().next() {
        let mut length = character.len_utf8();
        let bracketed = (character == '[').then(|| rest.find(']')).flatten().map(|end| end + 1);
        if let Some(end) = bracketed {
            length = end;
        }
        let piece = rest.get(..length).unwrap_or_default();
        rest = rest.get(length..).unwrap_or_default();
        let separates =
            bracketed.is_none() && (character.is_whitespace() || matches!(character, ':' | '[' | ']'));
        if separates {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push_str(piece);
        }
    }
    parts
}

/// What stands in brackets at the end of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subscript {
    Index(i64),
    /// From, and the last one, which belongs to it.
    Slice(usize, Option<usize>),
}

struct Search<'i> {
    inventory: &'i Inventory,
    diagnostics: Diagnostics,
}

impl Search<'_> {
    /// First what is named, then `&`, then `!`. Where nothing is named, all hosts.
    fn evaluate(&mut self, patterns: &[String]) -> Vec<Arc<str>> {
        let is = |prefix: char| move |pattern: &&String| pattern.starts_with(prefix);
        let named: Vec<&String> = patterns
            .iter()
            .filter(|pattern| !pattern.is_empty() && !pattern.starts_with(['!', '&']))
            .collect();
        let mut hosts = Vec::new();
        if named.is_empty() {
            hosts = self.inventory.group_members("all");
        }
        for pattern in named {
            match self.inventory.hosts.get(pattern.as_str()) {
                Some(host) => hosts.push(Arc::clone(&host.name)),
                None => {
                    let known: HashSet<Arc<str>> = hosts.iter().cloned().collect();
                    hosts.extend(self.one(pattern).into_iter().filter(|host| !known.contains(host)));
                }
            }
        }
        for pattern in patterns.iter().filter(is('&')) {
            let allowed: HashSet<Arc<str>> =
                self.one(pattern.get(1..).unwrap_or_default()).into_iter().collect();
            hosts.retain(|host| allowed.contains(host));
        }
        for pattern in patterns.iter().filter(is('!')) {
            let excluded: HashSet<Arc<str>> =
                self.one(pattern.get(1..).unwrap_or_default()).into_iter().collect();
            hosts.retain(|host| !excluded.contains(host));
        }
        hosts
    }

    fn one(&mut self, pattern: &str) -> Vec<Arc<str>> {
        let (expression, subscript) = split_subscript(pattern);
        if let (Some(_), Some(inner)) = (subscript, pattern.get(expression.len()..))
            && inner.get(2..).is_some_and(|inner| inner.contains('-'))
        {
            let message = format!("`{inner}` in the host pattern `{pattern}` is written the old way");
            let hint = format!("write `{}`", inner.replace('-', ":"));
            self.diagnostics.push(Diagnostic::warning(Kind::Pattern, message).hint(hint));
        }
        let hosts = self.enumerate(expression);
        match subscript {
            None => hosts,
            Some(_) if hosts.is_empty() => hosts,
            Some(Subscript::Index(index)) => {
                let count = hosts.len();
                let at = if index < 0 { i64::try_from(count).unwrap_or(i64::MAX) + index } else { index };
                let host = usize::try_from(at).ok().and_then(|at| hosts.get(at));
                if host.is_none() {
                    let message = format!(
                        "`{pattern}` is out of range: `{expression}` has {}",
                        crate::base::names::count(count, "host")
                    );
                    let told = format!("No hosts matched the subscripted pattern '{pattern}'");
                    self.diagnostics.push(Diagnostic::error(Kind::Pattern, message).told_in_full(told));
                }
                host.cloned().into_iter().collect()
            }
            Some(Subscript::Slice(from, to)) => {
                let end = to.map_or(hosts.len(), |to| to.saturating_add(1)).min(hosts.len());
                hosts.get(from..end).map(<[Arc<str>]>::to_vec).unwrap_or_default()
            }
        }
    }

    fn enumerate(&mut self, expression: &str) -> Vec<Arc<str>> {
        let matcher = match Matcher::new(expression) {
            Ok(matcher) => matcher,
            Err(problem) => {
                let message = format!("the host pattern `{expression}` cannot be read: {problem}");
                self.diagnostics.push(Diagnostic::error(Kind::Pattern, message));
                return Vec::new();
            }
        };
        let inventory = self.inventory;
        let groups: Vec<&Arc<str>> = inventory.groups.keys().filter(|name| matcher.matches(name)).collect();
        let mut hosts: Vec<Arc<str>> =
            groups.iter().flat_map(|group| inventory.group_members(group)).collect();
        if groups.is_empty() || expression.starts_with('~') || expression.contains(['.', '?', '*', '[']) {
            hosts.extend(inventory.hosts.keys().filter(|name| matcher.matches(name)).cloned());
        }
        if hosts.is_empty() && LOCALHOST.contains(&expression) {
            hosts.extend(inventory.host(expression).map(|host| Arc::clone(&host.name)));
        }
        if hosts.is_empty() && groups.is_empty() && expression != "all" {
            self.nothing(expression);
        }
        hosts
    }

    fn nothing(&mut self, expression: &str) {
        let names = self.inventory.groups.keys().chain(self.inventory.hosts.keys()).map(|name| &**name);
        let hint = match nearest(expression, names) {
            Some(name) => format!("did you mean `{name}`?"),
            None if self.inventory.hosts.is_empty() => "the inventory has no hosts".to_owned(),
            None => "the inventory has neither a group nor a host of that name".to_owned(),
        };
        let message = format!("the host pattern `{expression}` matches nothing");
        let told = format!("Could not match supplied host pattern, ignoring: {expression}");
        let warning = match self.inventory.options.pattern_mismatch {
            Mismatch::Warning => Diagnostic::warning(Kind::Pattern, message).hint(hint).told_in_full(told),
            Mismatch::Error => Diagnostic::error(Kind::Pattern, message).hint(hint).told_in_full(told),
            Mismatch::Ignore => return,
        };
        if !self.diagnostics.0.contains(&warning) {
            self.diagnostics.push(warning);
        }
    }
}

/// `name[0]`, `name[-1]`, `name[1:3]`, `name[1:]`; not for regular expressions.
fn split_subscript(pattern: &str) -> (&str, Option<Subscript>) {
    let split = || {
        let (expression, inner) = pattern.strip_suffix(']')?.rsplit_once('[')?;
        if expression.is_empty() || pattern.starts_with('~') {
            return None;
        }
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if digits(inner.strip_prefix('-').unwrap_or(inner)) {
            return Some((expression, Subscript::Index(inner.parse().ok()?)));
        }
        let (from, to) = inner.split_once([':', '-'])?;
        if !digits(from) || !(to.is_empty() || digits(to)) {
            return None;
        }
        let to = if to.is_empty() { None } else { Some(to.parse().ok()?) };
        // Ansible takes an end of 0 for none given: `[2:0]` is the host `[2]`
        let subscript = if to == Some(0) {
            Subscript::Index(from.parse().ok()?)
        } else {
            Subscript::Slice(from.parse().ok()?, to)
        };
        Some((expression, subscript))
    };
    split().map_or((pattern, None), |(expression, subscript)| (expression, Some(subscript)))
}
