//! Differences as text: unified diffs with the changed words marked, attributes as before → after.

use std::io::{self, Write};

use similar::{ChangeTag, TextDiff};

use super::style::{Label, paint};
use crate::modules::Diff;

/// Above this many changed lines a diff is cut on the terminal.
pub const MOST_LINES: usize = 200;
/// Lines of context.
const CONTEXT: usize = 3;

/// Writes differences, each line after `indent`. `most` is the number of lines after which a text diff is cut.
pub fn write_all(out: &mut impl Write, diffs: &[Diff], indent: &str, most: usize) -> io::Result<()> {
    for diff in diffs {
        write_one(out, diff, indent, most)?;
    }
    Ok(())
}

fn write_one(out: &mut impl Write, diff: &Diff, indent: &str, most: usize) -> io::Result<()> {
    match diff {
        Diff::Attribute { subject, name, before, after } => {
            writeln!(out, "{indent}{subject}  {name}: {}", arrow(before, after))
        }
        Diff::Opaque { subject, before, after } => {
            let show = |side: &Option<(u64, String)>| match side {
                Some((size, sum)) if sum.is_empty() => format!("{size} bytes"),
                Some((size, sum)) => format!("{size} bytes, sha1 {}", sum.get(..12).unwrap_or(sum)),
                None => "absent".to_owned(),
            };
            writeln!(out, "{indent}{subject}  content: {}", arrow(&show(before), &show(after)))
        }
        Diff::Text { subject, before, after } => {
            let name = |side: &Option<std::sync::Arc<str>>| match side {
                Some(_) => subject.clone(),
                None => "/dev/null".to_owned(),
            };
            writeln!(out, "{indent}{}", paint(Label::Removed, &format!("--- {}", name(before))))?;
            writeln!(out, "{indent}{}", paint(Label::Added, &format!("+++ {}", name(after))))?;
            let (before, after) =
                (before.as_deref().unwrap_or_default(), after.as_deref().unwrap_or_default());
            hunks(out, before, after, indent, most)
        }
    }
}

fn arrow(before: &str, after: &str) -> String {
    match (before.is_empty(), after.is_empty()) {
        (true, _) => paint(Label::Added, &format!("+ {after}")),
        (_, true) => paint(Label::Removed, &format!("- {before}")),
        _ => format!("{} → {}", paint(Label::Removed, before), paint(Label::Added, after)),
    }
}

fn hunks(out: &mut impl Write, before: &str, after: &str, indent: &str, most: usize) -> io::Result<()> {
    let diff = TextDiff::from_lines(before, after);
    let mut written = 0;
    for group in diff.grouped_ops(CONTEXT) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let old = first.old_range().start..last.old_range().end;
        let new = first.new_range().start..last.new_range().end;
        writeln!(out, "{indent}{}", paint(Label::Hunk, &format!("@@ -{} +{} @@", range(&old), range(&new))))?;
        for op in &group {
            for change in diff.iter_inline_changes(op) {
                if written >= most {
                    let note = format!("… the diff goes on; `--json` has all of it ({most} lines shown)");
                    return writeln!(out, "{indent}{}", paint(Label::Dim, &note));
                }
                written += 1;
                let (sign, plain, part) = match change.tag() {
                    ChangeTag::Delete => ("-", Some(Label::Removed), Label::RemovedPart),
                    ChangeTag::Insert => ("+", Some(Label::Added), Label::AddedPart),
                    ChangeTag::Equal => (" ", None, Label::Dim),
                };
                let mut line = plain.map_or_else(|| sign.to_owned(), |label| paint(label, sign));
                for (emphasised, text) in change.iter_strings_lossy() {
                    let text = visible(text.trim_end_matches(['\n', '\r']));
                    line += &match (emphasised, plain) {
                        (_, None) => text,
                        (true, Some(_)) => paint(part, &text),
                        (false, Some(label)) => paint(label, &text),
                    };
                }
                writeln!(out, "{indent}{line}")?;
                if change.missing_newline() {
                    writeln!(out, "{indent}{}", paint(Label::Dim, "\\ no newline at end of file"))?;
                }
            }
        }
    }
    Ok(())
}

/// Control characters must not reach the terminal.
fn visible(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' => '\t',
            c if (c as u32) < 0x20 => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'),
            '\u{7f}' => '\u{2421}',
            c => c,
        })
        .collect()
}

fn range(range: &std::ops::Range<usize>) -> String {
    let length = range.end - range.start;
    let start = if length == 0 { range.start } else { range.start + 1 };
    if length == 1 { start.to_string() } else { format!("{start},{length}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(diffs: &[Diff], most: usize) -> String {
        let mut out = anstream::StripStream::new(Vec::new());
        write_all(&mut out, diffs, "  ", most).unwrap();
        String::from_utf8(out.into_inner()).unwrap()
    }

    #[test]
    fn a_text_diff_is_unified() {
        let before = ["1", "2", "3", "4", "5", "6", "7", "8", "9"].map(|n| format!("line {n}\n")).concat();
        let after = before.replace("line 5\n", "line five\n");
        let shown = plain(&[Diff::content("/etc/x", Some(before.as_bytes()), Some(after.as_bytes()))], 100);
        assert_eq!(
            shown,
            "  --- /etc/x\n  +++ /etc/x\n  @@ -2,7 +2,7 @@\n   line 2\n   line 3\n   line 4\n  -line 5\n  \
             +line five\n   line 6\n   line 7\n   line 8\n"
        );
    }

    #[test]
    fn a_new_file_and_a_missing_newline() {
        let shown = plain(&[Diff::content("/etc/x", None, Some(b"a"))], 100);
        assert_eq!(
            shown,
            "  --- /dev/null\n  +++ /etc/x\n  @@ -0,0 +1 @@\n  +a\n  \\ no newline at end of file\n"
        );
    }

    #[test]
    fn attributes_and_binaries() {
        let diffs = [
            Diff::attribute("/etc/x", "mode", "0600", "0644"),
            Diff::attribute("user app", "shell", "", "/bin/sh"),
            Diff::content("/bin/x", None, Some(b"\0\x01")),
        ];
        assert_eq!(
            plain(&diffs, 100),
            "  /etc/x  mode: 0600 → 0644\n  user app  shell: + /bin/sh\n  /bin/x  content: absent → 2 bytes, sha1 \
             3f29546453678b855931c174a97d6c0894b8f546\n"
                .replace("3f29546453678b855931c174a97d6c0894b8f546", "3f2954645367")
        );
    }

    #[test]
    fn a_large_diff_is_cut_and_says_so() {
        let after = "x\n".repeat(500);
        let shown = plain(&[Diff::content("/x", None, Some(after.as_bytes()))], 10);
        assert_eq!(shown.lines().count(), 3 + 10 + 1);
        assert!(shown.ends_with("(10 lines shown)\n"));
    }

    #[test]
    fn control_characters_are_made_visible() {
        let shown = plain(&[Diff::content("/x", None, Some(b"a\x1b[31mb\n"))], 10);
        assert!(shown.contains("a␛[31mb"), "{shown}");
    }
}
