//! Where a part of a text scalar stands in its file: the text is what is left of the source after folding and
//! escapes, so both are walked side by side.

use crate::base::Place;
use crate::yaml::Text;

/// The place of the byte `offset` of a text, `length` characters long. Where text and source cannot be brought
/// together, the text's own place.
pub(super) fn place_in(text: &Text, offset: usize, length: usize) -> Place {
    let length = u32::try_from(length).unwrap_or(1);
    walk(text, offset).unwrap_or_else(|| text.place.clone()).with_length(length)
}

fn walk(text: &Text, offset: usize) -> Option<Place> {
    let source = source_from(&text.place)?;
    let mut cursor = Cursor { rest: source, line: text.place.line, column: text.place.column };
    let mut blanks = false;
    for (at, c) in text.text.char_indices() {
        if at >= offset && !c.is_whitespace() {
            cursor.skip_blanks();
            return (cursor.peek() == Some(c) || cursor.peek() == Some('\\'))
                .then(|| cursor.place(&text.place));
        }
        if c.is_whitespace() {
            blanks = true;
            continue;
        }
        if blanks {
            cursor.skip_blanks();
            blanks = false;
        }
        cursor.take(c)?;
    }
    None
}

/// The source from a place on.
fn source_from(place: &Place) -> Option<&str> {
    let text = place.source.text.as_str();
    let mut start = 0;
    for _ in 1..place.line {
        start += text.get(start..)?.find('\n')? + 1;
    }
    let line = text.get(start..)?;
    let column = usize::try_from(place.column).ok()?.checked_sub(1)?;
    let (offset, _) = line.char_indices().nth(column)?;
    line.get(offset..)
}

struct Cursor<'s> {
    rest: &'s str,
    line: u32,
    column: u32,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next()?;
        self.rest = chars.as_str();
        if c == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
        Some(c)
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.next();
        }
    }

    /// Takes one character of the text: itself, or an escape or doubled quote that stands for it.
    fn take(&mut self, wanted: char) -> Option<()> {
        let first = self.next()?;
        if first == '\'' && wanted == '\'' && self.peek() == Some('\'') {
            self.next();
        }
        if first == wanted && !(first == '\\' && self.peek() == Some('\\')) {
            return Some(());
        }
        if first == '\\' {
            let escaped = self.next()?;
            if escaped == wanted {
                return Some(());
            }
        }
        None
    }

    fn place(&self, of: &Place) -> Place {
        Place::new(&of.source, self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Source;
    use std::sync::Arc;

    fn at(source: &str, line: u32, column: u32, text: &str, part: &str) -> (u32, u32) {
        let source = Source::new("x.yml", source);
        let text = Text::new(Arc::from(text), Place::new(&source, line, column));
        let place = place_in(&text, text.text.find(part).unwrap(), part.len());
        (place.line, place.column)
    }

    #[test]
    fn plain_texts_and_folded_ones() {
        assert_eq!(at("- copy: src=a dest=b\n", 1, 9, "src=a dest=b", "dest"), (1, 15));
        assert_eq!(at("- copy: src=a\n    dest=b\n", 1, 9, "src=a dest=b", "dest"), (2, 5));
        assert_eq!(at("- copy: >\n    src=a\n    dest=b\n", 2, 5, "src=a dest=b\n", "b\n"), (3, 10));
    }

    #[test]
    fn quoted_texts() {
        assert_eq!(at("- copy: \"a=\\\"x y\\\" b=1\"\n", 1, 10, "a=\"x y\" b=1", "b="), (1, 20));
        assert_eq!(at("- copy: 'a=''x'' b=1'\n", 1, 10, "a='x' b=1", "b="), (1, 18));
    }

    #[test]
    fn what_cannot_be_found_is_the_text_itself() {
        assert_eq!(at("- copy: \"a\\u0041 b\"\n", 1, 10, "aA b", "b"), (1, 10));
    }
}
