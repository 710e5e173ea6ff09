//! Python literals, as `ast.literal_eval` reads the values of INI inventories.

use std::sync::Arc;

use crate::base::{Key, Map, Value};

/// How deep a literal may be nested.
const MAX_DEPTH: u32 = 50;

/// The value of a literal; tuples and sets are lists. `None` where the text is no literal: then it stands for itself.
pub(super) fn parse(text: &str) -> Option<Value> {
    let mut reader = Reader { rest: text.trim_start_matches([' ', '\t']), depth: 0 };
    let first = reader.item()?;
    let value = if reader.peek() == Some(',') { Value::list(reader.more(first, None)?) } else { first };
    reader.blanks();
    (reader.rest.is_empty() || reader.rest.starts_with('#')).then_some(value)
}

struct Reader<'t> {
    rest: &'t str,
    depth: u32,
}

impl Reader<'_> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\u{c}']);
    }

    /// The next character that is not blank.
    fn peek(&mut self) -> Option<char> {
        self.blanks();
        self.rest.chars().next()
    }

    fn take(&mut self, character: char) -> bool {
        self.blanks();
        match self.rest.strip_prefix(character) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn item(&mut self) -> Option<Value> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let value = match self.peek()? {
            '(' => self.parentheses(),
            '[' => {
                self.take('[');
                self.list(']')
            }
            '{' => self.braces(),
            '+' | '-' | '.' | '0'..='9' => self.number(),
            _ => self.word_or_string(),
        }?;
        self.depth -= 1;
        Some(value)
    }

    /// The items up to the closing character.
    fn list(&mut self, close: char) -> Option<Value> {
        if self.take(close) {
            return Some(Value::list([]));
        }
        let first = self.item()?;
        Some(Value::list(self.more(first, Some(close))?))
    }

    /// The items that follow a first one, with commas between, up to the closing character or the end.
    fn more(&mut self, first: Value, close: Option<char>) -> Option<Vec<Value>> {
        let mut items = vec![first];
        loop {
            if self.at_end(close) {
                return Some(items);
            }
            if !self.take(',') {
                return None;
            }
            if self.at_end(close) {
                return Some(items);
            }
            items.push(self.item()?);
        }
    }

    fn at_end(&mut self, close: Option<char>) -> bool {
        match close {
            Some(close) => self.take(close),
            None => self.peek().is_none_or(|c| c == '#'),
        }
    }

    fn parentheses(&mut self) -> Option<Value> {
        self.take('(');
        if self.take(')') {
            return Some(Value::list([]));
        }
        let first = self.item()?;
        if self.take(')') {
            return Some(first);
        }
        Some(Value::list(self.more(first, Some(')'))?))
    }

    /// A dict or a set.
    fn braces(&mut self) -> Option<Value> {
        self.take('{');
        if self.take('}') {
            return Some(Value::map(Map::new()));
        }
        let first = self.item()?;
        if !self.take(':') {
            let mut distinct: Vec<Value> = Vec::new();
            for item in self.more(first, Some('}'))? {
                if !distinct.contains(&item) {
                    distinct.push(item);
                }
            }
            return Some(Value::list(distinct));
        }
        let mut entries = Map::new();
        let mut key = first;
        loop {
            entries.insert(Key::from_value(&key)?, self.item()?);
            if self.take('}') {
                return Some(Value::map(entries));
            }
            if !self.take(',') {
                return None;
            }
            if self.take('}') {
                return Some(Value::map(entries));
            }
            key = self.item()?;
            if !self.take(':') {
                return None;
            }
        }
    }

    fn number(&mut self) -> Option<Value> {
        if let Some(rest) = self.rest.strip_prefix("...") {
            self.rest = rest;
            return Some(Value::from("..."));
        }
        let negative = self.take('-');
        if !negative {
            self.take('+');
        }
        self.blanks();
        let exponent_sign = |at: usize| {
            let before = self.rest.get(..at).unwrap_or_default();
            before.ends_with(['e', 'E']) && !before.starts_with("0x") && !before.starts_with("0X")
        };
        let end = self
            .rest
            .char_indices()
            .find(|(at, c)| {
                !(c.is_alphanumeric() || matches!(c, '_' | '.') || "+-".contains(*c) && exponent_sign(*at))
            })
            .map_or(self.rest.len(), |(at, _)| at);
        let (token, rest) = self.rest.split_at_checked(end)?;
        let value = number(token, negative)?;
        self.rest = rest;
        Some(value)
    }

    fn word_or_string(&mut self) -> Option<Value> {
        let end = self.rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end)?;
        if rest.starts_with(['\'', '"']) {
            return self.strings();
        }
        self.rest = rest;
        match word {
            "True" => Some(Value::Bool(true)),
            "False" => Some(Value::Bool(false)),
            "None" => Some(Value::Null),
            "set" => (self.take('(') && self.take(')')).then(|| Value::list([])),
            _ => None,
        }
    }

    /// Strings that stand side by side are one.
    fn strings(&mut self) -> Option<Value> {
        let mut text = String::new();
        let mut bytes = None;
        loop {
            self.blanks();
            let end = self.rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(self.rest.len());
            let (prefix, rest) = self.rest.split_at_checked(end)?;
            if !rest.starts_with(['\'', '"']) {
                return bytes.map(|_| Value::from(text));
            }
            let prefix = prefix.to_ascii_lowercase();
            if !matches!(prefix.as_str(), "" | "r" | "u" | "b" | "rb" | "br") {
                return None;
            }
            let is_bytes = prefix.contains('b');
            if bytes.is_some_and(|bytes| bytes != is_bytes) {
                return None;
            }
            bytes = Some(is_bytes);
            self.rest = rest;
            self.string(prefix.contains('r'), &mut text)?;
        }
    }

    fn string(&mut self, raw: bool, out: &mut String) -> Option<()> {
        let quote = ["'''", "\"\"\"", "'", "\""].into_iter().find(|quote| self.rest.starts_with(quote))?;
        self.rest = self.rest.get(quote.len()..)?;
        loop {
            if let Some(rest) = self.rest.strip_prefix(quote) {
                self.rest = rest;
                return Some(());
            }
            let mut chars = self.rest.chars();
            let character = chars.next()?;
            self.rest = chars.as_str();
            if character != '\\' {
                out.push(character);
            } else if raw {
                out.push('\\');
                out.push(chars.next()?);
                self.rest = chars.as_str();
            } else {
                self.escape(out)?;
            }
        }
    }

    fn escape(&mut self, out: &mut String) -> Option<()> {
        let mut chars = self.rest.chars();
        let character = chars.next()?;
        let after = chars.as_str();
        let (replacement, rest) = match character {
            '\\' | '\'' | '"' => (character, after),
            'a' => ('\u{7}', after),
            'b' => ('\u{8}', after),
            'f' => ('\u{c}', after),
            'n' => ('\n', after),
            'r' => ('\r', after),
            't' => ('\t', after),
            'v' => ('\u{b}', after),
            'x' => code(after, 2, 16)?,
            'u' => code(after, 4, 16)?,
            'U' => code(after, 8, 16)?,
            'N' => return None,
            '0'..='7' => {
                let digits = self.rest.bytes().take(3).take_while(|b| matches!(b, b'0'..=b'7')).count();
                code(self.rest, digits, 8)?
            }
            other => {
                out.push('\\');
                (other, after)
            }
        };
        out.push(replacement);
        self.rest = rest;
        Some(())
    }
}

fn code(text: &str, digits: usize, radix: u32) -> Option<(char, &str)> {
    let number = text.get(..digits).filter(|digits| !digits.starts_with('+'))?;
    Some((char::from_u32(u32::from_str_radix(number, radix).ok()?)?, text.get(digits..)?))
}

/// An imaginary number, which is no value of a variable: its text, as Python prints it.
fn imaginary(token: &str, negative: bool) -> Option<Value> {
    let (Value::Int(_) | Value::Float(_)) =
        number(token.trim_start_matches('0'), false).or_else(|| number(token, false))?
    else {
        return None;
    };
    let text = Value::Float(token.replace('_', "").parse().ok()?).to_repr();
    let text = text.strip_suffix(".0").unwrap_or(&text);
    Some(Value::from(if negative { format!("(-0-{text}j)") } else { format!("{text}j") }))
}

fn number(token: &str, negative: bool) -> Option<Value> {
    if let Some(token) = token.strip_suffix(['j', 'J']) {
        return imaginary(token, negative);
    }
    // underscores stand between digits only
    let neighbours_fit = token.char_indices().filter(|(_, c)| *c == '_').all(|(at, _)| {
        let before = token.get(..at).and_then(|text| text.chars().next_back());
        let after = token.get(at + 1..).and_then(|text| text.chars().next());
        before.is_some_and(char::is_alphanumeric) && after.is_some_and(char::is_alphanumeric)
    });
    if !neighbours_fit {
        return None;
    }
    let plain = token.replace('_', "");
    let lower = plain.to_ascii_lowercase();
    let radix = [("0x", 16), ("0o", 8), ("0b", 2)].into_iter().find(|(prefix, _)| lower.starts_with(prefix));
    let integer = match radix {
        Some((prefix, radix)) => i128::from_str_radix(lower.strip_prefix(prefix)?, radix).ok()?,
        None if plain.bytes().all(|b| b.is_ascii_digit()) => {
            if plain.starts_with('0') && plain.bytes().any(|b| b != b'0') {
                return None;
            }
            match plain.parse() {
                Ok(integer) => integer,
                // beyond 128 bits its digits are what templates and modules would see
                Err(_) if !plain.is_empty() => {
                    return Some(Value::Str(Arc::from(format!(
                        "{}{plain}",
                        if negative { "-" } else { "" }
                    ))));
                }
                Err(_) => return None,
            }
        }
        None => {
            let fits = lower.starts_with(|c: char| c.is_ascii_digit() || c == '.')
                && lower.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'+' | b'-'))
                && lower.bytes().any(|b| b.is_ascii_digit());
            let float: f64 = fits.then(|| lower.parse().ok())??;
            return Some(Value::Float(if negative { -float } else { float }));
        }
    };
    Some(Value::Int(if negative { -integer } else { integer }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expectations were taken from CPython 3.11's `ast.literal_eval`.
    #[test]
    fn literals_are_pythons() {
        let table: &[(&str, Option<&str>)] = &[
            ("12", Some("12")),
            (" -12 # c", Some("-12")),
            ("[1j, -1.5J, 010j]", Some("['1j', '(-0-1.5j)', '10j']")),
            ("0x1j", None),
            ("1_000", Some("1000")),
            ("0x1f", Some("31")),
            ("0o17", Some("15")),
            ("0b11", Some("3")),
            ("00", Some("0")),
            ("0123", None),
            ("1__0", None),
            ("1.5", Some("1.5")),
            (".5", Some("0.5")),
            ("1.", Some("1.0")),
            ("1e3", Some("1000.0")),
            ("1E-2", Some("0.01")),
            ("1.2.3", None),
            ("10.0.0.1", None),
            ("2020-01-02", None),
            ("1-2", None),
            ("--1", None),
            ("True", Some("True")),
            ("true", None),
            ("None", Some("None")),
            ("yes", None),
            ("'a' \"b\"", Some("'ab'")),
            ("'it\\'s\\n'", Some("\"it's\\n\"")),
            ("r'a\\n'", Some("'a\\\\n'")),
            ("b'x'", Some("'x'")),
            ("'a' b'x'", None),
            ("'\\x41\\u00e9\\101\\q'", Some("'AéA\\\\q'")),
            ("'open", None),
            ("[1, 'a', [2,],]", Some("[1, 'a', [2]]")),
            ("(1)", Some("1")),
            ("(1,)", Some("[1]")),
            ("1, 2", Some("[1, 2]")),
            ("1,", Some("[1]")),
            ("()", Some("[]")),
            ("{1, 1, 2}", Some("[1, 2]")),
            ("set()", Some("[]")),
            ("{'a': 1, 'b': {}}", Some("{'a': 1, 'b': {}}")),
            ("{'a' 1}", None),
            ("[1, 2", None),
            ("...", Some("'...'")),
            ("foo", None),
            ("", None),
            ("a b", None),
            ("{{ x }}", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text).map(|value| value.to_repr()).as_deref(), *expected, "{text:?}");
        }
        assert_eq!(parse(&"[".repeat(100_000)), None);
    }
}
