//! Finds many texts in one pass.

use aho_corasick::{AhoCorasick, Input, MatchKind};

use super::MASK;

/// Finds secrets in bytes. Making one costs time in proportion to all secrets, looking for them next to nothing.
#[derive(Debug)]
pub struct Finder {
    automaton: AhoCorasick,
    /// By number of the pattern: whether it is a number, which is found only where it is not a part of a longer one.
    numbers: Vec<bool>,
}

impl Finder {
    /// A finder of these texts; none where there are none.
    pub(super) fn new(patterns: Vec<Vec<u8>>) -> Option<Self> {
        if patterns.is_empty() {
            return None;
        }
        let numbers = patterns.iter().map(|pattern| pattern.iter().all(u8::is_ascii_digit)).collect();
        // the longest: a secret within another must not leave the rest of it
        let built = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(patterns);
        Some(Self { automaton: built.ok()?, numbers })
    }

    /// The bytes with [`MASK`] in place of every secret; `None` where there is none in them.
    pub fn scrub(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut scrubbed: Option<Vec<u8>> = None;
        let mut kept = 0;
        let mut at = 0;
        while let Some(found) = self.automaton.find(Input::new(bytes).range(at..)) {
            if self.by_chance(bytes, &found) {
                at = found.start() + 1;
                continue;
            }
            let out = scrubbed.get_or_insert_default();
            out.extend_from_slice(bytes.get(kept..found.start()).unwrap_or_default());
            out.extend_from_slice(MASK.as_bytes());
            kept = found.end();
            at = kept;
        }
        let mut out = scrubbed?;
        out.extend_from_slice(bytes.get(kept..).unwrap_or_default());
        Some(out)
    }

    /// Whether it is a part of a longer number.
    fn by_chance(&self, bytes: &[u8], found: &aho_corasick::Match) -> bool {
        let number = self.numbers.get(found.pattern().as_usize()).copied().unwrap_or_default();
        let is = |at: Option<usize>, what: fn(&u8) -> bool| at.and_then(|at| bytes.get(at)).is_some_and(what);
        let point = |byte: &u8| *byte == b'.';
        let before = |back: usize| found.start().checked_sub(back);
        let after = |on: usize| Some(found.end() + on);
        number
            && (is(before(1), u8::is_ascii_digit)
                || is(after(0), u8::is_ascii_digit)
                || (is(before(1), point) && is(before(2), u8::is_ascii_digit))
                || (is(after(0), point) && is(after(1), u8::is_ascii_digit)))
    }
}
