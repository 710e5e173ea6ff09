//! Where a span of a template's text stands in its file.

use super::tree::Span;
use crate::base::Place;

/// The place of a span of a text that begins at `start`.
///
/// YAML folds, unescapes and unindents, so offsets do not carry over; the snippet is looked for instead: the
/// k-th time that it occurs in the text is the k-th time that it occurs in the source after the text's start.
pub(super) fn of_span(text: &str, start: &Place, at: Span) -> Place {
    let (from, to) = (at.start as usize, at.end as usize);
    let Some(snippet) = text.get(from..to).map(|snippet| snippet.lines().next().unwrap_or("")) else {
        return start.clone();
    };
    let Some((line_start, tail)) = tail_of(start) else { return start.clone() };
    if tail.starts_with(text) {
        return at_offset(start, line_start, from, snippet);
    }
    if snippet.is_empty() {
        return start.clone();
    }
    let earlier = text.get(..from).map_or(0, |before| before.matches(snippet).count());
    match tail.match_indices(snippet).nth(earlier) {
        Some((offset, _)) => at_offset(start, line_start, offset, snippet),
        None => start.clone(),
    }
}

/// The byte where the place stands in its source, and the source's text from there.
fn tail_of(start: &Place) -> Option<(usize, &str)> {
    let text = &start.source.text;
    let lines_before = (start.line as usize).checked_sub(1)?;
    let line_start = match lines_before.checked_sub(1) {
        None => 0,
        Some(nth) => text.match_indices('\n').nth(nth)?.0 + 1,
    };
    let line = text.get(line_start..)?;
    let column = (start.column as usize).saturating_sub(1);
    let offset = line.char_indices().nth(column).map_or(line.len(), |(offset, _)| offset);
    Some((line_start + offset, line.get(offset..)?))
}

fn at_offset(start: &Place, begins: usize, offset: usize, snippet: &str) -> Place {
    let text = &start.source.text;
    let before = text.get(..begins + offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    Place::new(&start.source, line as u32, column as u32).with_length(snippet.chars().count() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Source;

    #[test]
    fn found_in_block_scalars_and_folded_texts() {
        let source = Source::new("a.yml", "x: |\n    one\n    {{ two }} {{ two }}\n");
        let start = Place::new(&source, 2, 5);
        let text = "one\n{{ two }} {{ two }}\n";
        let second = text.rfind("two").unwrap() as u32;
        let place = of_span(text, &start, Span { start: second, end: second + 3 });
        assert_eq!((place.line, place.column, place.length), (3, 18, 3));
    }

    #[test]
    fn a_plain_text_maps_directly() {
        let source = Source::new("a.yml", "x: é{{ two }}\n");
        let place = of_span("é{{ two }}", &Place::new(&source, 1, 4), Span { start: 5, end: 8 });
        assert_eq!((place.line, place.column), (1, 8));
    }
}
