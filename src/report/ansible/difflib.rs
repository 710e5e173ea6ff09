//! Which lines of two texts are the same, as Python's `difflib.SequenceMatcher` finds them: the longest block first,
//! then what is left and right of it.

use std::collections::HashMap;
use std::ops::Range;

/// A stretch of both sides, equal or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) equal: bool,
    pub(super) before: Range<usize>,
    pub(super) after: Range<usize>,
}

/// The parts of both sides in groups with `context` equal lines around them, as `get_grouped_opcodes`.
pub(super) fn groups(before: &[String], after: &[String], context: usize) -> Vec<Vec<Part>> {
    let mut parts = parts(before, after);
    if parts.is_empty() {
        return Vec::new();
    }
    let last = parts.len() - 1;
    for (index, part) in parts.iter_mut().enumerate() {
        if !part.equal {
            continue;
        }
        let length = part.before.len();
        if index == 0 && length > context {
            part.before.start = part.before.end - context;
            part.after.start = part.after.end - context;
        }
        if index == last && part.before.len() > context {
            part.before.end = part.before.start + context;
            part.after.end = part.after.start + context;
        }
    }
    let mut groups = Vec::new();
    let mut group: Vec<Part> = Vec::new();
    for mut part in parts {
        if part.equal && part.before.len() > 2 * context && !group.is_empty() {
            group.push(Part {
                equal: true,
                before: part.before.start..part.before.start + context,
                after: part.after.start..part.after.start + context,
            });
            groups.push(std::mem::take(&mut group));
            part.before.start = part.before.end - context;
            part.after.start = part.after.end - context;
        }
        group.push(part);
    }
    groups.push(group);
    groups.retain(|group| group.iter().any(|part| !part.equal));
    groups
}

fn parts(before: &[String], after: &[String]) -> Vec<Part> {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, line) in after.iter().enumerate() {
        places.entry(line).or_default().push(index);
    }
    if after.len() >= 200 {
        // lines that are everywhere say nothing, as `difflib` has it
        let most = after.len() / 100 + 1;
        places.retain(|_, at| at.len() <= most);
    }
    let mut blocks = Vec::new();
    let mut left = vec![(0..before.len(), 0..after.len())];
    while let Some((ours, theirs)) = left.pop() {
        let (start, other, length) = longest(before, after, &places, &ours, &theirs);
        if length == 0 {
            continue;
        }
        blocks.push((start, other, length));
        left.push((ours.start..start, theirs.start..other));
        left.push((start + length..ours.end, other + length..theirs.end));
    }
    blocks.sort_unstable();
    blocks.push((before.len(), after.len(), 0));
    let mut parts: Vec<Part> = Vec::new();
    let (mut at, mut other_at) = (0, 0);
    for (start, other, length) in blocks {
        if at < start || other_at < other {
            parts.push(Part { equal: false, before: at..start, after: other_at..other });
        }
        if length > 0 {
            match parts.last_mut().filter(|part| part.equal) {
                Some(part) => {
                    part.before.end = start + length;
                    part.after.end = other + length;
                }
                None => parts.push(Part {
                    equal: true,
                    before: start..start + length,
                    after: other..other + length,
                }),
            }
        }
        (at, other_at) = (start + length, other + length);
    }
    parts
}

/// The longest equal block within two ranges, the earliest of several.
fn longest(
    before: &[String],
    after: &[String],
    places: &HashMap<&str, Vec<usize>>,
    ours: &Range<usize>,
    theirs: &Range<usize>,
) -> (usize, usize, usize) {
    let mut best = (ours.start, theirs.start, 0);
    let mut lengths: HashMap<usize, usize> = HashMap::new();
    for (index, line) in before.iter().enumerate().take(ours.end).skip(ours.start) {
        let mut now = HashMap::new();
        for other in places.get(line.as_str()).into_iter().flatten().copied() {
            if !theirs.contains(&other) {
                continue;
            }
            let length = 1 + other.checked_sub(1).and_then(|left| lengths.get(&left)).copied().unwrap_or(0);
            now.insert(other, length);
            if length > best.2 {
                best = (index + 1 - length, other + 1 - length, length);
            }
        }
        lengths = now;
    }
    let (mut start, mut other, mut length) = best;
    // also over lines that are everywhere
    while start > ours.start && other > theirs.start && before.get(start - 1) == after.get(other - 1) {
        (start, other, length) = (start - 1, other - 1, length + 1);
    }
    while start + length < ours.end
        && other + length < theirs.end
        && before.get(start + length) == after.get(other + length)
    {
        length += 1;
    }
    (start, other, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.chars().map(String::from).collect()
    }

    #[test]
    fn the_longest_block_comes_first() {
        let equal: Vec<(usize, usize, usize)> = parts(&lines("qabxcd"), &lines("abycdf"))
            .into_iter()
            .filter(|part| part.equal)
            .map(|part| (part.before.start, part.after.start, part.before.len()))
            .collect();
        assert_eq!(equal, [(1, 0, 2), (4, 3, 2)]);
    }

    #[test]
    fn far_changes_are_groups_of_their_own() {
        let before: Vec<String> = (1..40).map(|number| number.to_string()).collect();
        let mut after = before.clone();
        after[7] = "x".into();
        after.insert(30, "y".into());
        let shown: Vec<(Range<usize>, Range<usize>)> = groups(&before, &after, 3)
            .into_iter()
            .map(|group| {
                let (first, last) = (group.first().unwrap(), group.last().unwrap());
                (first.before.start..last.before.end, first.after.start..last.after.end)
            })
            .collect();
        assert_eq!(shown, [(4..11, 4..11), (27..33, 27..34)]);
        assert!(groups(&before, &before, 3).is_empty());
    }
}
