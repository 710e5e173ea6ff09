//! Parameters written as one text: `src=a dest="b c" mode=0644`, as Ansible splits them: at blanks and line breaks,
//! but not within quotes or Jinja2's blocks; and what is no `key=value` stays the free-form text.

/// Whether `key=value` pairs are parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pairs {
    /// All of them.
    All,
    /// Only those that `command` and its kin know; the others belong to the command line.
    OfCommands,
}

/// The parameters that are recognised within the text of a command.
const OF_COMMANDS: &[&str] =
    &["creates", "removes", "chdir", "executable", "warn", "stdin", "stdin_add_newline", "strip_empty_ends"];

/// A part of a text, and where in the text it starts (in bytes).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) text: String,
    pub(super) at: usize,
}

/// One `key=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) key: Part,
    pub(super) value: Part,
}

/// A text taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FreeForm {
    pub(super) pairs: Vec<Pair>,
    /// What is left, if anything.
    pub(super) rest: Option<Part>,
}

/// Quotes or a block that do not end, and where they start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unbalanced(pub(super) usize);

/// Takes a text apart.
pub(super) fn parse(text: &str, pairs: Pairs) -> Result<FreeForm, Unbalanced> {
    let mut form = FreeForm::default();
    let mut rest: Vec<Part> = Vec::new();
    for token in split(text)? {
        let decoded = decode_escapes(&token.text);
        let Some(equals) = unescaped_equals(&decoded) else {
            let text = if decoded.get(1..).is_some_and(|text| text.contains('=')) {
                decoded.replace("\\=", "=")
            } else {
                token.text
            };
            rest.push(Part { text, at: token.at });
            continue;
        };
        let (key, value) = decoded.split_at(equals);
        let value = value.get(1..).unwrap_or_default();
        if pairs == Pairs::OfCommands && !OF_COMMANDS.contains(&key) {
            rest.push(token);
            continue;
        }
        let value_at = token.at + unescaped_equals(&token.text).unwrap_or(equals) + 1;
        let (value, quote) = unquote(value.trim());
        form.pairs.push(Pair {
            key: Part { text: key.trim().to_owned(), at: token.at },
            value: Part { text: value.to_owned(), at: value_at + quote },
        });
    }
    form.rest = join(&rest);
    Ok(form)
}

/// Pairs, and what is left.
type KeyValues = (Vec<(String, String)>, Option<String>);

/// The `name=value` pairs of a text, and what is left of it, as `-e` takes them apart. `None` where quotes or a block do
/// not end.
pub fn key_values(text: &str) -> Option<KeyValues> {
    let FreeForm { pairs, rest } = parse(text, Pairs::All).ok()?;
    let pairs = pairs.into_iter().map(|pair| (pair.key.text, pair.value.text)).collect();
    Some((pairs, rest.map(|rest| rest.text)))
}

/// The first word of a text and what follows it: `action: copy src=a`.
pub(super) fn first_word(text: &str) -> Result<Option<(Part, Part)>, Unbalanced> {
    let tokens = split(text)?;
    let Some((first, rest)) = tokens.split_first() else { return Ok(None) };
    let name = Part { text: first.text.trim().to_owned(), at: first.at };
    let at = rest.first().map_or(text.len(), |token| token.at);
    let text: Vec<&str> = rest.iter().map(|token| token.text.as_str()).collect();
    Ok(Some((name, Part { text: text.join(" "), at })))
}

/// The parts as one text again; line breaks that end a part are kept.
fn join(parts: &[Part]) -> Option<Part> {
    let first = parts.first()?;
    let mut text = String::new();
    for part in parts {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push(' ');
        }
        text.push_str(&part.text);
    }
    Some(Part { text, at: first.at })
}

/// Where the splitting stands: within which quotes and how deep in which blocks.
#[derive(Default)]
struct State {
    quote: Option<char>,
    depth: [usize; 3],
    opened: usize,
}

const BLOCKS: [(&str, &str); 3] = [("{{", "}}"), ("{%", "%}"), ("{#", "#}")];

impl State {
    fn in_block(&self) -> bool {
        self.depth.iter().any(|depth| *depth > 0)
    }

    fn read_quotes(&mut self, word: &str, at: usize) {
        let mut before = None;
        for (offset, c) in word.char_indices() {
            if (c == '"' || c == '\'') && before != Some('\\') {
                match self.quote {
                    Some(open) if open == c => self.quote = None,
                    Some(_) => {}
                    None => {
                        self.quote = Some(c);
                        self.note(at + offset);
                    }
                }
            }
            before = Some(c);
        }
    }

    /// Counts blocks that open and close; whether a depth changed.
    fn read_blocks(&mut self, word: &str, at: usize) -> bool {
        let was_in_block = self.in_block();
        let mut changed = false;
        for (depth, (open, close)) in self.depth.iter_mut().zip(BLOCKS) {
            let before = *depth;
            *depth = (before + word.matches(open).count()).saturating_sub(word.matches(close).count());
            changed |= *depth != before;
        }
        if !was_in_block && self.in_block() {
            let start = BLOCKS.iter().filter_map(|(open, _)| word.find(open)).min().unwrap_or(0);
            self.note(at + start);
        }
        changed
    }

    fn note(&mut self, at: usize) {
        self.opened = at;
    }
}

/// Splits a text at blanks and line breaks outside quotes and blocks. Further blanks stay at the end of a part, so
/// that the parts of a command line can be put together again as they were.
fn split(text: &str) -> Result<Vec<Part>, Unbalanced> {
    let mut parts: Vec<Part> = Vec::new();
    let mut state = State::default();
    let mut at = 0;
    let lines: Vec<&str> = text.split('\n').collect();
    let last_line = lines.len().saturating_sub(1);
    for (number, line) in lines.into_iter().enumerate() {
        let mut continued = false;
        for (index, word) in line.split(' ').enumerate() {
            let start = at;
            at += word.len() + 1;
            if word.is_empty() && index > 0 {
                append(&mut parts, " ", start);
                continue;
            }
            if word == "\\" && state.quote.is_none() {
                continued = true;
                continue;
            }
            let was_quoted = state.quote.is_some();
            let was_in_block = state.in_block();
            state.read_quotes(word, start);
            let is_quoted = state.quote.is_some();
            let goes_on = was_in_block || was_quoted;
            if goes_on {
                let spaced = index > 0;
                append(&mut parts, if spaced { " " } else { "" }, start);
                append(&mut parts, word, start);
                state.read_blocks(word, start);
            } else {
                let changed = state.read_blocks(word, start);
                if is_quoted || changed || !word.is_empty() {
                    parts.push(Part { text: word.to_owned(), at: start });
                }
            }
        }
        if number < last_line && !continued {
            append(&mut parts, "\n", at.saturating_sub(1));
        }
    }
    if state.quote.is_some() || state.in_block() { Err(Unbalanced(state.opened)) } else { Ok(parts) }
}

fn append(parts: &mut Vec<Part>, text: &str, at: usize) {
    match parts.last_mut() {
        Some(part) => part.text.push_str(text),
        None => parts.push(Part { text: text.to_owned(), at }),
    }
}

/// The first `=` that neither starts the text nor follows a backslash.
fn unescaped_equals(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    (1..bytes.len()).find(|&at| bytes.get(at) == Some(&b'=') && bytes.get(at - 1) != Some(&b'\\'))
}

/// Without the quotes around it, and how many bytes were dropped before it.
fn unquote(text: &str) -> (&str, usize) {
    for quote in ['"', '\''] {
        let inner = text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
        if let Some(inner) = inner.filter(|inner| !inner.ends_with('\\')) {
            return (inner, 1);
        }
    }
    (text, 0)
}

/// Python's escapes: `\n`, `\t`, `\x41`, `\u00e9` … Others stay as they are.
fn decode_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at..).unwrap_or_default();
        let mut chars = rest.chars().skip(1);
        let decoded = match chars.next() {
            Some('n') => Some(('\n', 2)),
            Some('t') => Some(('\t', 2)),
            Some('r') => Some(('\r', 2)),
            Some('a') => Some(('\u{7}', 2)),
            Some('b') => Some(('\u{8}', 2)),
            Some('f') => Some(('\u{c}', 2)),
            Some('v') => Some(('\u{b}', 2)),
            Some(c @ ('\\' | '\'' | '"')) => Some((c, 2)),
            Some('x') => hex(rest, 2),
            Some('u') => hex(rest, 4),
            Some('U') => hex(rest, 8),
            _ => None,
        };
        let (c, length) = decoded.unwrap_or(('\\', 1));
        out.push(c);
        rest = rest.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

fn hex(text: &str, digits: usize) -> Option<(char, usize)> {
    let number = text.get(2..2 + digits).filter(|number| number.bytes().all(|b| b.is_ascii_hexdigit()))?;
    Some((char::from_u32(u32::from_str_radix(number, 16).ok()?)?, 2 + digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str, pairs: Pairs) -> (Vec<(String, String, usize)>, Option<String>) {
        let form = parse(text, pairs).unwrap();
        let pairs =
            form.pairs.into_iter().map(|pair| (pair.key.text, pair.value.text, pair.value.at)).collect();
        (pairs, form.rest.map(|rest| rest.text))
    }

    fn one(key: &str, value: &str, at: usize) -> (String, String, usize) {
        (key.to_owned(), value.to_owned(), at)
    }

    #[test]
    fn pairs_with_quotes_and_blocks() {
        let (pairs, rest) = parsed(r#"src={{ a + ' b' }} dest="b c" mode=0644"#, Pairs::All);
        assert_eq!(pairs, [one("src", "{{ a + ' b' }}", 4), one("dest", "b c", 25), one("mode", "0644", 35)]);
        assert_eq!(rest, None);
        let (pairs, _) = parsed("msg=a\\nb other='x=y'", Pairs::All);
        assert_eq!(pairs, [one("msg", "a\nb", 4), one("other", "x=y", 16)]);
    }

    #[test]
    fn commands_keep_their_text() {
        let text = r#"echo hi chdir=/tmp foo=bar "a  b=c" creates="/x y""#;
        let (pairs, rest) = parsed(text, Pairs::OfCommands);
        assert_eq!(pairs, [one("chdir", "/tmp", 14), one("creates", "/x y", 45)]);
        assert_eq!(rest.as_deref(), Some(r#"echo hi foo=bar "a  b=c""#));
        let (_, rest) = parsed("for i in a  b; do\n  echo $i\ndone\n", Pairs::OfCommands);
        assert_eq!(rest.as_deref(), Some("for i in a  b; do\n  echo $i\ndone\n"));
        let (_, rest) = parsed("one \\\n  two", Pairs::OfCommands);
        assert_eq!(rest.as_deref(), Some("one  two"));
        let (_, rest) = parsed("a={{ x }} {% if y %} z {% endif %}", Pairs::OfCommands);
        assert_eq!(rest.as_deref(), Some("a={{ x }} {% if y %} z {% endif %}"));
    }

    #[test]
    fn escaped_equals_are_no_pairs() {
        assert_eq!(parsed("a\\=b", Pairs::All), (vec![], Some("a=b".to_owned())));
        assert_eq!(parsed("=b", Pairs::All), (vec![], Some("=b".to_owned())));
    }

    #[test]
    fn what_does_not_end_is_an_error_at_its_start() {
        assert_eq!(parse("a=1 b='x", Pairs::All), Err(Unbalanced(6)));
        assert_eq!(parse("a=1 b={{ x", Pairs::All), Err(Unbalanced(6)));
    }

    #[test]
    fn the_first_word_is_the_action() {
        let (name, rest) = first_word("copy src=a  dest=b").unwrap().unwrap();
        assert_eq!((name.text.as_str(), rest.text.as_str(), rest.at), ("copy", "src=a  dest=b", 5));
        assert_eq!(first_word("").unwrap(), None);
    }
}
