//! Byte offsets of a text as places: lines and columns in characters, both counted from 1.

use std::cell::Cell;
use std::sync::Arc;

use crate::base::{Place, Source};

/// Finds places in one source. Lines end at `\n`, as [`Source::line`] counts them.
#[derive(Debug)]
pub(super) struct Positions<'s> {
    source: &'s Arc<Source>,
    /// The text without its byte order mark: what offsets are counted in.
    text: &'s str,
    starts: Vec<usize>,
    /// The last answer (line index, offset, column index): the next is usually further on in the same line.
    last: Cell<(usize, usize, u32)>,
}

impl<'s> Positions<'s> {
    /// For a source whose text without byte order mark is given.
    pub(super) fn new(source: &'s Arc<Source>, text: &'s str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { source, text, starts, last: Cell::new((0, 0, 0)) }
    }

    /// The text that offsets are counted in.
    pub(super) fn text(&self) -> &'s str {
        self.text
    }

    /// The place of a byte offset; what lies beyond the end is the end.
    pub(super) fn place(&self, offset: usize) -> Place {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.starts.partition_point(|start| *start <= offset).saturating_sub(1);
        let start = self.starts.get(line).copied().unwrap_or(0);
        let (last_line, last_offset, last_column) = self.last.get();
        let (from, before) =
            if last_line == line && last_offset <= offset { (last_offset, last_column) } else { (start, 0) };
        let column = before + self.text.get(from..offset).map_or(0, |part| part.chars().count() as u32);
        self.last.set((line, offset, column));
        Place::new(self.source, line as u32 + 1, column + 1)
    }

    /// The place of a range, as long as it is if it ends on the same line.
    pub(super) fn range(&self, from: usize, to: usize) -> Place {
        let place = self.place(from);
        match self.text.get(from..to.min(self.text.len())) {
            Some(part) if !part.contains('\n') => place.with_length(part.chars().count() as u32),
            _ => place,
        }
    }

    /// The last character of the text that is not white space: where an error at the end is shown.
    pub(super) fn last_character(&self) -> Place {
        let end = self.text.trim_end();
        self.place(end.char_indices().next_back().map_or(0, |(at, _)| at))
    }

    /// The line (counted from 1) without its line break.
    pub(super) fn line(&self, line: u32) -> &'s str {
        let index = (line as usize).saturating_sub(1);
        let start = self.starts.get(index).copied().unwrap_or(self.text.len());
        let end = self.starts.get(index + 1).copied().unwrap_or(self.text.len());
        self.text.get(start..end).unwrap_or_default().trim_end_matches(['\n', '\r'])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let source = Source::new("x.yml", "äö: ü\nb: c\n");
        let positions = Positions::new(&source, &source.text);
        let at = |offset| {
            let place = positions.place(offset);
            (place.line, place.column)
        };
        assert_eq!(at(0), (1, 1));
        assert_eq!(at(6), (1, 5));
        assert_eq!(at(4), (1, 3), "backwards on the same line");
        assert_eq!(at(9), (2, 1));
        assert_eq!(at(999), (3, 1));
        assert_eq!(positions.line(2), "b: c");
        assert_eq!(positions.range(9, 10).length, 1);
        assert_eq!(positions.last_character().column, 4);
    }
}
