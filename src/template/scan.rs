//! What is done before minijinja reads a template: nesting is checked, and texts are spelled as it expects them.
//!
//! minijinja forgives tags that are never closed and refuses escapes that Python keeps (`'\.'`). Also
//! limits the size of expressions, so that no input can exhaust the stack.

use super::options::Markers;
use super::tree::Span;

/// How backslashes in texts are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Backslashes {
    /// As in Python, everywhere: template files, expressions.
    Python,
    /// Inside of `{{ }}` they stand for themselves: texts from YAML, which has its own escapes.
    Literal,
}

/// A template that is ready to be parsed.
#[derive(Debug)]
pub(super) struct Scanned {
    /// The text to parse.
    pub text: String,
    /// Where offsets shift: from this offset in `text` on, take this off to get the original's.
    shifts: Vec<(usize, isize)>,
}

/// A mistake, and where.
#[derive(Debug, PartialEq)]
pub(super) struct ScanError {
    /// What is wrong.
    pub message: String,
    /// Where.
    pub at: Span,
}

const MAX_OPERATORS: usize = 120;
const MAX_BRACKETS: usize = 60;
const MAX_BLOCKS: usize = 60;
const MAX_BRANCHES: usize = 200;

impl Scanned {
    /// The span in the original text.
    pub(super) fn original(&self, start: u32, end: u32) -> Span {
        Span { start: self.unshift(start), end: self.unshift(end) }
    }

    fn unshift(&self, offset: u32) -> u32 {
        let index = self.shifts.partition_point(|(from, _)| *from <= offset as usize);
        let shift = index.checked_sub(1).and_then(|i| self.shifts.get(i)).map_or(0, |(_, by)| *by);
        u32::try_from(offset as isize - shift).unwrap_or(0)
    }
}

struct Scanner<'a> {
    source: &'a str,
    markers: &'a Markers,
    at: usize,
    out: String,
    shifts: Vec<(usize, isize)>,
    open: Vec<(&'static str, Span, usize)>,
}

/// What ends the expression that is scanned.
enum End<'a> {
    Marker(&'a str),
    Text,
}

struct Tokens<'a> {
    first: Option<&'a str>,
    assigns: bool,
    lists: bool,
    /// Where the iterable of a loop begins in the output.
    iterable: Option<usize>,
}

/// Scans a template.
pub(super) fn template(
    source: &str,
    markers: &Markers,
    backslashes: Backslashes,
) -> Result<Scanned, ScanError> {
    let mut scanner = Scanner::new(source, markers);
    scanner.template(backslashes)?;
    Ok(scanner.finish())
}

/// Scans an expression without markers.
pub(super) fn expression(source: &str, markers: &Markers) -> Result<Scanned, ScanError> {
    let mut scanner = Scanner::new(source, markers);
    scanner.expression(&End::Text, Backslashes::Python)?;
    Ok(scanner.finish())
}

/// The tags that are closed by an `end` tag.
const PAIRED: &[(&str, &str)] = &[
    ("for", "endfor"),
    ("if", "endif"),
    ("with", "endwith"),
    ("set", "endset"),
    ("autoescape", "endautoescape"),
    ("filter", "endfilter"),
    ("block", "endblock"),
    ("macro", "endmacro"),
    ("call", "endcall"),
];

const SINGLE: &[&str] = &["include", "import", "from", "extends", "do", "break", "continue"];

impl<'a> Scanner<'a> {
    fn new(source: &'a str, markers: &'a Markers) -> Self {
        Self {
            source,
            markers,
            at: 0,
            out: String::with_capacity(source.len()),
            shifts: Vec::new(),
            open: Vec::new(),
        }
    }

    fn finish(self) -> Scanned {
        Scanned { text: self.out, shifts: self.shifts }
    }

    fn rest(&self) -> &'a str {
        self.source.get(self.at..).unwrap_or("")
    }

    fn copy(&mut self, bytes: usize) {
        let piece = self.rest().get(..bytes).unwrap_or_else(|| self.rest());
        self.out.push_str(piece);
        self.at += piece.len();
    }

    fn error<T>(&self, message: impl Into<String>, start: usize, length: usize) -> Result<T, ScanError> {
        let end = (start + length).min(self.source.len());
        Err(ScanError { message: message.into(), at: Span { start: start as u32, end: end as u32 } })
    }

    /// The nearest marker: its distance and which it is (the longest that matches there).
    fn next_marker(&self) -> Option<(usize, &'a str)> {
        [&self.markers.variable_start, &self.markers.block_start, &self.markers.comment_start]
            .into_iter()
            .filter_map(|marker| Some((self.rest().find(marker.as_str())?, marker.as_str())))
            .min_by_key(|(distance, marker)| (*distance, usize::MAX - marker.len()))
    }

    fn template(&mut self, backslashes: Backslashes) -> Result<(), ScanError> {
        while let Some((distance, marker)) = self.next_marker() {
            self.copy(distance);
            let start = self.at;
            if marker == self.markers.comment_start {
                match self.rest().get(marker.len()..).and_then(|rest| rest.find(&self.markers.comment_end)) {
                    Some(length) => self.copy(marker.len() + length + self.markers.comment_end.len()),
                    None => return self.error("the comment is never closed", start, marker.len()),
                }
            } else if marker == self.markers.variable_start {
                self.copy(marker.len() + sign(self.rest(), marker));
                let begins = self.out.len();
                let tokens = self
                    .expression(&End::Marker(&self.markers.variable_end), backslashes)
                    .map_err(|error| self.unclosed(error, start, marker))?;
                if tokens.lists {
                    self.parenthesise(begins, &self.markers.variable_end);
                }
            } else if !self.raw(marker)? {
                self.copy(marker.len());
                let tokens = self
                    .expression(&End::Marker(&self.markers.block_end), Backslashes::Python)
                    .map_err(|error| self.unclosed(error, start, marker))?;
                if let (Some(begins), true) = (tokens.iterable, tokens.lists) {
                    self.parenthesise(begins, &self.markers.block_end);
                }
                self.tag(&tokens, start)?;
            }
        }
        self.copy(self.rest().len());
        match self.open.last() {
            Some((name, at, _)) => Err(ScanError {
                message: format!("`{name}` is never closed: `end{name}` is missing"),
                at: *at,
            }),
            None => Ok(()),
        }
    }

    fn unclosed(&self, error: ScanError, start: usize, marker: &str) -> ScanError {
        if (error.at.start as usize) < self.source.len() || error.message.contains("never") {
            return error;
        }
        ScanError { at: Span { start: start as u32, end: (start + marker.len()) as u32 }, ..error }
    }

    /// Copies a raw block, if one starts here.
    fn raw(&mut self, marker: &str) -> Result<bool, ScanError> {
        let start = self.at;
        let rest = self.rest().get(marker.len()..).unwrap_or("");
        let Some(length) = raw_tag(rest, "raw", &self.markers.block_end) else { return Ok(false) };
        let mut at = marker.len() + length;
        while let Some(distance) = self.rest().get(at..).and_then(|rest| rest.find(marker)) {
            at += distance + marker.len();
            if let Some(length) =
                self.rest().get(at..).and_then(|rest| raw_tag(rest, "endraw", &self.markers.block_end))
            {
                self.copy(at + length);
                return Ok(true);
            }
        }
        self.error("`raw` is never closed: `endraw` is missing", start, marker.len())
    }

    fn tag(&mut self, tokens: &Tokens<'a>, start: usize) -> Result<(), ScanError> {
        let length = self.at - start;
        let at = Span { start: start as u32, end: self.at as u32 };
        let Some(name) = tokens.first else { return self.error("expected a tag name", start, length) };
        if let Some((opener, _)) = PAIRED.iter().find(|(opener, _)| *opener == name) {
            if name != "set" || !tokens.assigns {
                self.open.push((opener, at, 0));
            }
            if self.open.len() > MAX_BLOCKS {
                return self.error("blocks are nested too deeply", start, length);
            }
            return Ok(());
        }
        if SINGLE.contains(&name) {
            return Ok(());
        }
        let innermost = self.open.last_mut();
        match name {
            "else" | "elif" => match innermost {
                Some(("if", _, branches)) if *branches < MAX_BRANCHES => {
                    *branches += 1;
                    Ok(())
                }
                Some(("if", _, _)) => self.error("too many branches", start, length),
                Some(("for", _, _)) if name == "else" => Ok(()),
                _ => self.error(format!("`{name}` without an `if` that it belongs to"), start, length),
            },
            _ => match (PAIRED.iter().find(|(_, closer)| *closer == name), innermost) {
                (Some((opener, _)), Some((open, _, _))) if open == opener => {
                    self.open.pop();
                    Ok(())
                }
                (Some(_), Some((open, _, _))) => {
                    let message = format!("encountered `{name}`, but the innermost open block is `{open}`");
                    self.error(message, start, length)
                }
                (Some((opener, _)), None) => {
                    self.error(format!("`{name}` without an open `{opener}`"), start, length)
                }
                (None, _) => self.error(format!("encountered unknown tag `{name}`"), start, length),
            },
        }
    }

    /// Copies an expression up to its end; texts are spelled anew where they have backslashes.
    fn expression(&mut self, end: &End<'_>, backslashes: Backslashes) -> Result<Tokens<'a>, ScanError> {
        let start = self.at;
        let mut tokens = Tokens { first: None, assigns: false, lists: false, iterable: None };
        let mut brackets: Vec<char> = Vec::new();
        let mut operators = vec![0_usize];
        let mut last: Option<char> = None;
        loop {
            let rest = self.rest();
            if let End::Marker(marker) = end
                && brackets.is_empty()
            {
                let signed = rest.strip_prefix(['-', '+']).is_some_and(|rest| rest.starts_with(marker));
                if signed || rest.starts_with(marker) {
                    self.copy(marker.len() + usize::from(signed));
                    return Ok(tokens);
                }
            }
            let Some(c) = rest.chars().next() else {
                return match end {
                    End::Text if brackets.is_empty() => Ok(tokens),
                    End::Text => self.error(
                        "unexpected end of the expression: a bracket is never closed",
                        start,
                        self.at,
                    ),
                    End::Marker(marker) => self.error(
                        format!("unexpected end of the template: `{marker}` is missing"),
                        self.at,
                        1,
                    ),
                };
            };
            let mut width = c.len_utf8();
            let is_operator = match c {
                '\'' | '"' => {
                    self.text(c, backslashes)?;
                    last = Some(c);
                    continue;
                }
                '(' | '[' | '{' => {
                    brackets.push(c);
                    if brackets.len() > MAX_BRACKETS {
                        return self.error("brackets are nested too deeply", self.at, 1);
                    }
                    self.copy(1);
                    if let Some(count) = operators.last_mut() {
                        *count += 1;
                    }
                    operators.push(0);
                    last = Some(c);
                    continue;
                }
                ')' | ']' | '}' => {
                    let opener = match c {
                        ')' => '(',
                        ']' => '[',
                        _ => '{',
                    };
                    if brackets.pop() != Some(opener) {
                        return self.error(format!("unexpected `{c}`"), self.at, 1);
                    }
                    operators.pop();
                    self.copy(1);
                    last = Some(c);
                    continue;
                }
                ',' | ':' => {
                    tokens.lists |= c == ',' && brackets.is_empty();
                    if let Some(count) = operators.last_mut() {
                        *count = 0;
                    }
                    false
                }
                '=' if rest.starts_with("==") => {
                    width = 2;
                    true
                }
                '!' | '<' | '>' if rest.get(1..2) == Some("=") => {
                    width = 2;
                    true
                }
                '=' => {
                    tokens.assigns |= brackets.is_empty();
                    false
                }
                '+' if matches!(
                    last,
                    None | Some(
                        '(' | '[' | '{' | ',' | ':' | '=' | '+' | '-' | '*' | '/' | '%' | '~' | '<' | '>'
                    )
                ) =>
                {
                    // a sign that changes nothing, which minijinja does not know
                    self.out.push(' ');
                    self.at += 1;
                    if let Some(count) = operators.last_mut() {
                        *count += 1;
                    }
                    width = 0;
                    true
                }
                '+' | '-' | '*' | '/' | '%' | '~' | '|' | '.' | '<' | '>' => true,
                c if c == '_' || c.is_alphanumeric() => {
                    width = rest.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(rest.len());
                    let word = rest.get(..width).unwrap_or("");
                    tokens.first.get_or_insert(word);
                    match word {
                        "in" if tokens.first == Some("for") && brackets.is_empty() => {
                            tokens.iterable.get_or_insert(self.out.len() + width);
                            tokens.lists = false;
                        }
                        // a condition ends the iterable
                        "if" | "recursive" => tokens.iterable = None,
                        _ => {}
                    }
                    matches!(word, "not" | "and" | "or" | "in" | "is" | "if" | "else")
                }
                _ => false,
            };
            if is_operator && let Some(count) = operators.last_mut() {
                *count += 1;
            }
            if operators.last().is_some_and(|count| *count > MAX_OPERATORS) {
                return self.error("the expression is too long", start, self.at - start);
            }
            self.copy(width);
            if !c.is_whitespace() {
                last = Some(c);
            }
        }
    }

    /// Puts parentheses around the tuple that begins there and ends at the marker that was copied last.
    fn parenthesise(&mut self, begins: usize, end: &str) {
        let ends = self.out.len() - end.len();
        let ends = ends - usize::from(self.out.get(..ends).is_some_and(|text| text.ends_with(['-', '+'])));
        self.out.insert(ends, ')');
        self.out.insert(begins, '(');
        let before = self.shifts.partition_point(|(from, _)| *from <= begins);
        let mut by = before.checked_sub(1).and_then(|at| self.shifts.get(at)).map_or(0, |(_, by)| *by);
        for shift in self.shifts.iter_mut().skip(before) {
            *shift = (shift.0 + 1, shift.1 + 1);
            by = shift.1 - 1;
        }
        let first = before.checked_sub(1).and_then(|at| self.shifts.get(at)).map_or(0, |(_, by)| *by);
        self.shifts.insert(before, (begins + 1, first + 1));
        self.shifts.push((ends + 2, by + 2));
    }

    /// Copies a quoted text.
    fn text(&mut self, quote: char, backslashes: Backslashes) -> Result<(), ScanError> {
        let rest = self.rest();
        let mut escaped = false;
        let mut has_escapes = false;
        let length = rest.char_indices().skip(1).find_map(|(index, c)| {
            let ends = c == quote && !escaped;
            escaped = c == '\\' && !escaped;
            has_escapes |= c == '\\';
            ends.then_some(index + 1)
        });
        let Some(length) = length else { return self.error("the text is never closed", self.at, 1) };
        if !has_escapes {
            self.copy(length);
            return Ok(());
        }
        let inner = rest.get(1..length - 1).unwrap_or("");
        let meant = match backslashes {
            Backslashes::Python => super::escapes::python(inner),
            Backslashes::Literal => inner.to_owned(),
        };
        self.out.push(quote);
        for c in meant.chars() {
            if c == '\\' || c == quote {
                self.out.push('\\');
            }
            self.out.push(c);
        }
        self.out.push(quote);
        self.at += length;
        self.shifts.push((self.out.len(), self.out.len() as isize - self.at as isize));
        Ok(())
    }
}

/// The width of the sign after a start marker.
fn sign(rest: &str, marker: &str) -> usize {
    usize::from(rest.get(marker.len()..).is_some_and(|rest| rest.starts_with(['-', '+'])))
}

/// The length of what follows a block's start, if it is this tag and nothing else.
fn raw_tag(rest: &str, name: &str, block_end: &str) -> Option<usize> {
    let inner = rest.strip_prefix(['-', '+']).unwrap_or(rest).trim_start().strip_prefix(name)?.trim_start();
    let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner);
    Some(rest.len() - inner.strip_prefix(block_end)?.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(source: &str) -> String {
        template(source, &Markers::default(), Backslashes::Python).map_or_else(|e| e.message, |s| s.text)
    }

    #[test]
    fn nesting_is_checked() {
        assert_eq!(message("{% if a %}x"), "`if` is never closed: `endif` is missing");
        assert_eq!(
            message("{% for a in b %}{% endif %}"),
            "encountered `endif`, but the innermost open block is `for`"
        );
        assert_eq!(message("{% endif %}"), "`endif` without an open `if`");
        assert_eq!(message("{% frob %}"), "encountered unknown tag `frob`");
        assert_eq!(message("{{ a"), "unexpected end of the template: `}}` is missing");
        assert_eq!(message("{% raw %}{{"), "`raw` is never closed: `endraw` is missing");
        assert_eq!(message("{% raw %}{{{% endraw %}"), "{% raw %}{{{% endraw %}");
        assert_eq!(message("{% set a = 1 %}{{ {'a': {}} }}"), "{% set a = 1 %}{{ {'a': {}} }}");
    }

    #[test]
    fn texts_are_spelled_anew_and_places_are_kept() {
        let source = r"{{ 'a\.b' ~ zz }}";
        let scanned = template(source, &Markers::default(), Backslashes::Literal).unwrap();
        assert_eq!(scanned.text, r"{{ 'a\\.b' ~ zz }}");
        let at = scanned.text.find("zz").unwrap() as u32;
        assert_eq!(scanned.original(at, at + 2).start as usize, source.find("zz").unwrap());
    }

    #[test]
    fn bare_tuples_get_parentheses_and_places_are_kept() {
        let source = r"{{ 'a\.b', zz, 'c\.d' }} {{ yy }}";
        let scanned = template(source, &Markers::default(), Backslashes::Literal).unwrap();
        assert_eq!(scanned.text, r"{{( 'a\\.b', zz, 'c\\.d' )}} {{ yy }}");
        for name in ["zz", "yy"] {
            let at = scanned.text.find(name).unwrap() as u32;
            assert_eq!(scanned.original(at, at + 2).start as usize, source.find(name).unwrap());
        }
    }

    #[test]
    fn endless_expressions_are_refused() {
        assert_eq!(message(&format!("{{{{ {}1 }}}}", "not ".repeat(100_000))), "the expression is too long");
        assert_eq!(message(&format!("{{{{ {}1 }}}}", "-".repeat(100_000))), "the expression is too long");
        assert_eq!(message(&format!("{{{{ {}", "(".repeat(1000))), "brackets are nested too deeply");
    }
}
