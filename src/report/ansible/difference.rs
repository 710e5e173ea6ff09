//! Differences as Ansible's callbacks print them: unified, attributes as JSON before and after.

use std::ops::Range;

use super::difflib;
use super::display::{Colour, Palette};
use super::json;
use crate::base::{Key, Map, Value};
use crate::modules::Diff;

/// All differences of a result as one text; empty where nothing is to be seen.
pub(super) fn text(diffs: &[Diff], module: &str, context: usize, palette: Palette) -> String {
    let mut out = String::new();
    let (mut before, mut after) = (Map::new(), Map::new());
    for diff in diffs {
        match diff {
            Diff::Attribute { subject, name, before: old, after: new } => {
                for (side, value) in [(&mut before, old), (&mut after, new)] {
                    side.insert(Key::str("path"), Value::from(subject.as_str()));
                    side.insert(Key::from(name.as_str()), Value::from(value.as_str()));
                }
            }
            Diff::Opaque { .. } => out.push_str("diff skipped: source file appears to be binary\n"),
            Diff::Text { subject, before, after } => {
                let header = match module {
                    "lineinfile" | "blockinfile" => format!("{subject} (content)"),
                    _ => subject.clone(),
                };
                let was = before.as_ref().map(|_| header.as_str());
                let (before, after) =
                    (before.as_deref().unwrap_or_default(), after.as_deref().unwrap_or_default());
                unified(before, after, was, Some(&header), context, palette, &mut out);
            }
        }
    }
    if !before.is_empty() {
        let side = |map: Map| format!("{}\n", json::dump(&Value::map(map), Some(4)));
        unified(&side(before), &side(after), None, None, context, palette, &mut out);
    }
    out
}

fn unified(
    before: &str,
    after: &str,
    before_header: Option<&str>,
    after_header: Option<&str>,
    context: usize,
    palette: Palette,
    out: &mut String,
) {
    let (before, after) = (lines(before), lines(after));
    let header = |side: &str, name: Option<&str>| match name {
        Some(name) => format!("{side}: {name}"),
        None => side.to_owned(),
    };
    let groups = difflib::groups(&before, &after, context);
    if groups.is_empty() {
        return;
    }
    let mut push = |colour: Option<Colour>, line: &str| match colour {
        Some(colour) => out.push_str(&palette.paint(colour, line)),
        None => out.push_str(line),
    };
    push(Some(Colour::Red), &format!("--- {}\n", header("before", before_header)));
    push(Some(Colour::Green), &format!("+++ {}\n", header("after", after_header)));
    for group in groups {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let position = format!(
            "@@ -{} +{} @@\n",
            range(&(first.before.start..last.before.end)),
            range(&(first.after.start..last.after.end))
        );
        push(Some(Colour::Cyan), &position);
        for part in &group {
            let taken = |lines: &[String], range: &Range<usize>| -> Vec<String> {
                lines.get(range.clone()).unwrap_or_default().to_vec()
            };
            if part.equal {
                for line in taken(&before, &part.before) {
                    push(None, &format!(" {line}"));
                }
                continue;
            }
            for line in taken(&before, &part.before) {
                push(Some(Colour::Red), &format!("-{line}"));
            }
            for line in taken(&after, &part.after) {
                push(Some(Colour::Green), &format!("+{line}"));
            }
        }
    }
    out.push('\n');
}

/// The lines with their ends; a last line without one says so.
fn lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    if let Some(last) = lines.last_mut().filter(|last| !last.ends_with('\n')) {
        last.push_str("\n\\ No newline at end of file\n");
    }
    lines
}

fn range(range: &Range<usize>) -> String {
    match range.len() {
        0 => format!("{},0", range.start),
        1 => (range.start + 1).to_string(),
        length => format!("{},{length}", range.start + 1),
    }
}
