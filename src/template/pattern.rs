//! Python's regular expressions in filters and tests; compiled ones are kept.

use std::sync::{Arc, PoisonError};

use fancy_regex::{Captures, Regex};

use super::context::Ctx;
use super::fail::{Fail, Res};
use crate::base::pyregex;
pub(super) use crate::base::pyregex::Flags;

/// How many compiled patterns are kept.
const MAX_KEPT: usize = 1_000;

/// A compiled pattern.
pub(super) struct Pattern(Arc<Regex>);

/// Compiles a pattern of Python's `re`.
pub(super) fn compile(ctx: &Ctx<'_>, pattern: &str, flags: Flags) -> Res<Pattern> {
    let kept = &ctx.run.cache.patterns;
    if let Some(found) = kept
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .get(pattern)
        .and_then(|all| all.iter().find(|(known, _)| *known == flags))
    {
        return Ok(Pattern(Arc::clone(&found.1)));
    }
    let regex = Arc::new(pyregex::compile(pattern, flags).map_err(Fail::error)?);
    let mut all = kept.write().unwrap_or_else(PoisonError::into_inner);
    if all.len() >= MAX_KEPT {
        all.clear();
    }
    all.entry(pattern.to_owned()).or_default().push((flags, Arc::clone(&regex)));
    Ok(Pattern(regex))
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

    /// Whether it has a group of that name.
    pub(super) fn has_group(&self, name: &str) -> bool {
        self.0.capture_names().flatten().any(|known| known == name)
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
            out.push_str(&pyregex::expand(replacement, &self.0, &found).map_err(Fail::error)?);
            end = whole.end();
            replaced += 1;
        }
        out.push_str(text.get(end..).unwrap_or(""));
        Ok((out, replaced))
    }
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
