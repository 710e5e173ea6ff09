//! Problems in files: place, source line with the spot marked, notes, hint.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::style::{Label, paint};
use crate::base::{Diagnostic, Place, Severity};

/// Writes a problem, each line after `indent`.
pub fn write(out: &mut impl Write, diagnostic: &Diagnostic, indent: &str) -> io::Result<()> {
    let Diagnostic { severity, kind: _, message, place, notes, hint, told: _, words: _, plain: _ } =
        diagnostic;
    let (label, word) = match severity {
        Severity::Error => (Label::Failed, "error"),
        Severity::Warning => (Label::Warning, "warning"),
    };
    let at = place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
    writeln!(out, "{indent}{at}{}: {message}", paint(label, word))?;
    if let Some(place) = place {
        excerpt(out, place, label, indent)?;
    }
    for note in notes {
        let at = note.place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
        writeln!(out, "{indent}{at}note: {}", note.message)?;
        if let Some(place) = &note.place {
            excerpt(out, place, Label::Hunk, indent)?;
        }
    }
    if let Some(hint) = hint {
        writeln!(out, "{indent}{}: {hint}", paint(Label::Heading, "hint"))?;
    }
    Ok(())
}

fn excerpt(out: &mut impl Write, place: &Place, label: Label, indent: &str) -> io::Result<()> {
    let Some(line) = place.source_line() else { return Ok(()) };
    let number = place.line.to_string();
    let gutter = " ".repeat(number.len());
    let column = place.column.saturating_sub(1) as usize;
    let shown: String = line.chars().map(|c| if c == '\t' || c.is_control() { ' ' } else { c }).collect();
    let before: String = shown.chars().take(column).collect();
    let meant: String = shown.chars().skip(column).take(place.length as usize).collect();
    let marks = "^".repeat(meant.width().max(1));
    writeln!(out, "{indent}  {}", paint(Label::Dim, &format!("{gutter} |")))?;
    writeln!(out, "{indent}  {} {shown}", paint(Label::Dim, &format!("{number} |")))?;
    let space = " ".repeat(before.width());
    writeln!(out, "{indent}  {} {space}{}", paint(Label::Dim, &format!("{gutter} |")), paint(label, &marks))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Kind, Source};

    #[test]
    fn the_spot_is_marked_also_after_wide_characters() {
        let source = Source::new("play.yml", "- hosts: all\n  名: tsks\n");
        let place = Place::new(&source, 2, 6).with_length(4);
        let diagnostic = Diagnostic::error(Kind::UnknownKeyword, "`tsks` is not a keyword of a play")
            .at(&place)
            .hint("did you mean `tasks`?");
        let mut out = anstream::StripStream::new(Vec::new());
        write(&mut out, &diagnostic, "").unwrap();
        assert_eq!(
            String::from_utf8(out.into_inner()).unwrap(),
            "play.yml:2:6: error: `tsks` is not a keyword of a play\n    |\n  2 |   名: tsks\n    |       ^^^^\nhint: \
             did you mean `tasks`?\n"
        );
    }
}
