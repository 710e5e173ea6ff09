//! What is said about a text that is not YAML: the mistake that people usually made, and what to write instead.

use libyaml_safer::Error;

use super::position::Positions;
use crate::base::{Diagnostic, Kind, Place};

const TABS: &str = "indent with spaces: YAML does not allow tabs for that";
const ALIGN: &str =
    "compare the indentation with the lines above: entries that belong together start in the same column";

/// The diagnostic for an error of the parser.
pub(super) fn syntax(error: &Error, positions: &Positions<'_>) -> Diagnostic {
    let Some(mark) = error.problem_mark() else {
        return Diagnostic::error(Kind::Yaml, error.problem()).at(&positions.place(0));
    };
    let offset = mark.index as usize;
    let at_end = offset >= positions.text().trim_end().len();
    let place = if at_end { positions.last_character() } else { positions.place(offset) };
    let context = error.context_mark().map(|mark| positions.place(mark.index as usize));
    let spot = Spot { positions, offset, place, context };
    let context = error.context().unwrap_or_default();
    match error.problem() {
        "found character that cannot start any token" => spot.forbidden_start(),
        "mapping values are not allowed in this context" => spot.stray_colon(),
        "block sequence entries are not allowed in this context" => spot
            .report("a list cannot start on the line of its key")
            .hint("put each `- item` on a line of its own below the key"),
        "did not find expected key" => spot.no_key(),
        "did not find expected '-' indicator" => spot
            .inside("this line does not belong to the list above", "the list starts here")
            .hint("start it with `- `, or indent it like the key that it belongs to"),
        "did not find expected ',' or ']'" => spot.unclosed('['),
        "did not find expected ',' or '}'" => spot.unclosed('{'),
        "found unexpected end of stream" => spot.open_quote(),
        "could not find expected ':'" => spot.no_colon(),
        "did not find expected comment or line break" if context == "while scanning a block scalar" => {
            spot.report("text directly behind `|` or `>`").hint("the text starts on the next line, indented")
        }
        "found unknown escape character" => spot.report("unknown escape sequence").hint(
            "within double quotes a backslash is written `\\\\`; within single quotes it stands for itself",
        ),
        "found a tab character that violates indentation"
        | "found a tab character where an indentation space is expected" => {
            spot.report("a tab is used for indentation").hint(TABS)
        }
        "did not find expected node content" => spot.no_content(),
        "did not find expected alphabetic or numeric character" => spot
            .report("a name is missing after `*` or `&`")
            .hint("a text that starts with `*` or `&` has to be in quotes"),
        "found undefined tag handle" => spot
            .report("a tag with an unknown prefix")
            .hint("a text that starts with `!` has to be in quotes"),
        problem => spot.inside(&format!("this is not YAML: {problem}"), "while reading what starts here"),
    }
}

/// The diagnostic for `{{ x }}` without quotes, whose first brace stands at an offset.
pub(super) fn unquoted_template(offset: usize, positions: &Positions<'_>) -> Diagnostic {
    let rest = positions.text().get(offset..).unwrap_or_default();
    let line = rest.lines().next().unwrap_or_default();
    let template = line.find("}}").and_then(|end| line.get(..end + 2)).unwrap_or(line);
    // within brackets only the template itself is the value
    let after = line.get(template.len()..).unwrap_or_default().trim_start();
    let value = if after.starts_with([',', ']', '}']) { template } else { line.trim_end() };
    let quoted = if value.contains('"') { format!("'{value}'") } else { format!("\"{value}\"") };
    Diagnostic::error(Kind::Yaml, "a value that starts with a template has to be in quotes")
        .at(&positions.place(offset).with_length(template.chars().count() as u32))
        .hint(format!("write {quoted}"))
}

/// Where the parser stopped.
struct Spot<'p> {
    positions: &'p Positions<'p>,
    offset: usize,
    place: Place,
    /// Where the structure starts in which it stopped.
    context: Option<Place>,
}

impl Spot<'_> {
    fn report(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(Kind::Yaml, message).at(&self.place)
    }

    fn inside(&self, message: &str, note: &str) -> Diagnostic {
        let report = self.report(message);
        match &self.context {
            Some(context) if context.line != self.place.line => report.note(note, Some(context)),
            _ => report,
        }
    }

    fn line(&self) -> &str {
        self.positions.line(self.place.line)
    }

    /// The line up to the spot.
    fn before(&self) -> String {
        self.line().chars().take(self.place.column as usize - 1).collect()
    }

    fn character(&self) -> Option<char> {
        self.positions.text().get(self.offset..).and_then(|rest| rest.chars().next())
    }

    /// The nearest line above that has content, with its number.
    fn line_above(&self) -> Option<(u32, &str)> {
        (1..self.place.line)
            .rev()
            .map(|number| (number, self.positions.line(number)))
            .find(|(_, line)| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
    }

    fn forbidden_start(&self) -> Diagnostic {
        match self.character() {
            Some('\t') => self.report("a tab is used for indentation").hint(TABS),
            Some('%') => self.report("a value cannot start with `%`").hint(
                "put the whole value in quotes; a template that starts with `{%` has to be in quotes too",
            ),
            Some('`') => {
                self.report("a value cannot start with a backtick").hint("put the whole value in quotes")
            }
            Some(character) => self
                .report(format!("a value cannot start with `{character}`"))
                .hint("put the whole value in quotes"),
            None => self.report("the text ends unexpectedly"),
        }
    }

    /// A `: ` where no key can be.
    fn stray_colon(&self) -> Diagnostic {
        let before = self.before();
        let line = self.line();
        if let Some((key, value)) = split_key(&before) {
            if value.starts_with(['\'', '"']) {
                return self.report("a second `: ` on one line").hint(
                    "a value that starts with a quote has to end with it; put the whole value in quotes",
                );
            }
            let whole = split_key(line).map_or(line, |(_, value)| value).trim_end();
            let quoted = if whole.contains('"') { format!("'{whole}'") } else { format!("\"{whole}\"") };
            let hint = format!("a text that contains `: ` has to be in quotes: {key}: {quoted}");
            return self.report("a second `: ` on one line").hint(hint);
        }
        let Some((number, above)) = self.line_above() else {
            return self.report("a key is not expected here");
        };
        let trimmed = above.trim_start().trim_start_matches("- ");
        let missing_space = trimmed
            .split_once(':')
            .filter(|(key, value)| !value.is_empty() && !value.starts_with([' ', '/']) && is_name(key));
        if let Some((key, value)) = missing_space {
            let column =
                above.chars().take_while(|c| *c == ' ' || *c == '-').count() + key.chars().count() + 1;
            let place = Place::new(&self.place.source, number, column as u32);
            return Diagnostic::error(Kind::Yaml, "no space after the colon")
                .at(&place)
                .hint(format!("write `{key}: {value}`"));
        }
        let above_place = Place::new(&self.place.source, number, indentation(above) + 1);
        let place = Place::new(&self.place.source, self.place.line, indentation(line) + 1);
        let report = Diagnostic::error(Kind::Yaml, "a key is not expected here")
            .at(&place)
            .note("the value above", Some(&above_place));
        if indentation(line) > indentation(above) {
            report.hint(
                "this line is indented further than the line above, which has a value already; align the two",
            )
        } else {
            report.hint("the line above is no `key: value`; add its colon")
        }
    }

    fn no_key(&self) -> Diagnostic {
        let before = self.before();
        let value = split_key(&before).map_or(before.trim(), |(_, value)| value.trim());
        if value.starts_with("{{") {
            let start = self.offset.saturating_sub(before.len()) + before.find("{{").unwrap_or(0);
            return unquoted_template(start, self.positions);
        }
        if value.starts_with(['\'', '"']) {
            return self.report("text after the closing quote").hint(
                "a value that starts with a quote has to end with it; \
                 put the whole value in quotes, and use the other kind of quote inside",
            );
        }
        if self.character() == Some('\t') {
            return self.report("a tab is used for indentation").hint(TABS);
        }
        let message = if self.line().trim_start().starts_with("- ") {
            "a list item is not expected here"
        } else {
            "no key is found here"
        };
        self.inside(message, "the mapping starts here").hint(ALIGN)
    }

    fn unclosed(&self, bracket: char) -> Diagnostic {
        let what = if bracket == '[' { "list" } else { "mapping" };
        let context = self.context.clone().unwrap_or_else(|| self.place.clone());
        let rest: String =
            self.positions.line(context.line).chars().skip(context.column as usize - 1).collect();
        if rest.starts_with("{{") {
            let place = context.with_length(rest.chars().count() as u32);
            return Diagnostic::error(Kind::Yaml, "a value that starts with a template has to be in quotes")
                .at(&place)
                .hint(format!("write \"{}\"", rest.trim_end()));
        }
        let close = if bracket == '[' { ']' } else { '}' };
        Diagnostic::error(Kind::Yaml, format!("the {what} that starts with `{bracket}` is not closed"))
            .at(&context)
            .note("a comma or the end was expected here", Some(&self.place))
            .hint(format!("add `{close}`, or a comma between the items; a text that starts with `{bracket}` has to be in quotes"))
    }

    fn open_quote(&self) -> Diagnostic {
        let place = self.context.as_ref().unwrap_or(&self.place);
        let quote = self.positions.line(place.line).chars().nth(place.column as usize - 1).unwrap_or('"');
        let hint = if quote == '\'' {
            "close it with `'`; within single quotes a quote is written `''`"
        } else {
            "close it with `\"`; within double quotes a quote is written `\\\"`"
        };
        Diagnostic::error(Kind::Yaml, "this quote is never closed").at(place).hint(hint)
    }

    fn no_colon(&self) -> Diagnostic {
        let place = self.context.as_ref().unwrap_or(&self.place);
        let line = self.positions.line(place.line);
        let report =
            Diagnostic::error(Kind::Yaml, "this line is neither `key: value` nor `- item`").at(place);
        match line.split_once(':') {
            Some((key, value))
                if !value.is_empty() && !value.starts_with([' ', '/']) && is_name(key.trim()) =>
            {
                report.hint(format!("write a space after the colon: `{}: {value}`", key.trim()))
            }
            _ => report.hint("is a colon missing, or should it be indented to belong to the text above?"),
        }
    }

    fn no_content(&self) -> Diagnostic {
        match self.character() {
            Some(character @ (']' | '}' | ',')) => self
                .report(format!("`{character}` is not expected here"))
                .hint("a text that starts with it has to be in quotes"),
            Some(character @ ('-' | '?' | ':')) => self.report(format!("`{character}` is not expected here")),
            _ => self.inside("a value is expected here", "in what starts here"),
        }
    }
}

/// Key and value of a line that has both.
fn split_key(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let line = line.strip_prefix("- ").map_or(line, str::trim_start);
    let (key, value) = line.split_once(": ")?;
    Some((key, value.trim_start()))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

fn indentation(line: &str) -> u32 {
    line.chars().take_while(|c| *c == ' ').count() as u32
}
