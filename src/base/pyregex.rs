//! Python's regular expressions: patterns are translated into those of `fancy-regex`, replacements are expanded as
//! Python's `Match.expand` does.

use std::fmt::Write;
use std::iter::Peekable;
use std::str::Chars;

use fancy_regex::Regex;

mod expand;

pub use expand::{expand, replace_all};

/// The flags of Python's `re` that change what a pattern means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as in Python's `re`")]
pub struct Flags {
    pub ascii: bool,
    pub ignore_case: bool,
    pub multi_line: bool,
    pub dot_all: bool,
    pub verbose: bool,
}

/// Compiles one of Python's patterns. The error says what is wrong with it.
pub fn compile(pattern: &str, flags: Flags) -> Result<Regex, String> {
    let translated = translate(pattern, flags)?;
    Regex::new(&translated).map_err(|error| format!("bad regular expression `{pattern}`: {error}"))
}

/// A pattern as `fancy-regex` takes it.
pub fn translate(pattern: &str, flags: Flags) -> Result<String, String> {
    let mut reader =
        Reader { chars: pattern.chars().peekable(), out: String::new(), flags, pattern, open: Vec::new() };
    let mut prefix = String::new();
    if flags.ignore_case {
        prefix.push('i');
    }
    if flags.dot_all {
        prefix.push('s');
    }
    if !prefix.is_empty() {
        let _ = write!(reader.out, "(?{prefix})");
    }
    reader.all()?;
    Ok(reader.out)
}

struct Reader<'a> {
    chars: Peekable<Chars<'a>>,
    out: String,
    flags: Flags,
    pattern: &'a str,
    /// The flags outside each open group.
    open: Vec<Flags>,
}

/// What an escape stands for.
enum Escape {
    /// One character.
    Char(char),
    /// A class: the text inside brackets, and whether it is negated.
    Class(&'static str, bool),
    /// Anything else, as it is written.
    Text(String),
}

impl Reader<'_> {
    fn wrong<T>(&self, why: &str) -> Result<T, String> {
        Err(format!("bad regular expression `{}`: {why}", self.pattern))
    }

    fn all(&mut self) -> Result<(), String> {
        while let Some(c) = self.chars.next() {
            match c {
                '\\' => match self.escape(Inside::Pattern)? {
                    Escape::Char(c) => self.literal(c),
                    Escape::Class(class, negated) => self.class_alone(class, negated),
                    Escape::Text(text) => self.out.push_str(&text),
                },
                '[' => self.class()?,
                '(' => self.group()?,
                ')' => {
                    self.out.push(')');
                    match self.open.pop() {
                        Some(flags) => self.flags = flags,
                        None => return self.wrong("unbalanced parenthesis"),
                    }
                }
                '$' if self.flags.multi_line => self.out.push_str("(?=\\n|\\z)"),
                '$' => self.out.push_str("(?=\\n?\\z)"),
                '^' if self.flags.multi_line => self.out.push_str("(?m:^)"),
                '^' => self.out.push_str("\\A"),
                '{' => self.braces(),
                '}' => self.out.push_str("\\}"),
                c if self.flags.verbose && c.is_whitespace() => {}
                '#' if self.flags.verbose => while self.chars.next().is_some_and(|c| c != '\n') {},
                '.' | '*' | '+' | '?' | '|' => self.out.push(c),
                c => self.literal(c),
            }
        }
        if self.open.is_empty() { Ok(()) } else { self.wrong("missing ), unterminated subpattern") }
    }

    fn literal(&mut self, c: char) {
        if c.is_ascii_punctuation()
            && !matches!(
                c,
                '_' | '/' | '\'' | '"' | ',' | ':' | ';' | '=' | '@' | '%' | '`' | '!' | '<' | '>'
            )
        {
            self.out.push('\\');
        }
        self.out.push(c);
    }

    fn class_alone(&mut self, class: &str, negated: bool) {
        let _ = write!(self.out, "[{}{class}]", if negated { "^" } else { "" });
    }

    /// A quantifier; any other brace is itself, as in Python.
    fn braces(&mut self) {
        let mut ahead = self.chars.clone();
        let inside: String = ahead.by_ref().take_while(|c| *c != '}').collect();
        let closed = self.chars.clone().any(|c| c == '}');
        let (low, high) = match inside.split_once(',') {
            Some((low, high)) => (low, Some(high)),
            None => (inside.as_str(), None),
        };
        let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
        let quantifier = closed && digits(low) && high.is_none_or(digits) && !inside.is_empty();
        if !quantifier {
            self.out.push_str("\\{");
            return;
        }
        let low = if low.is_empty() { "0" } else { low };
        let _ = match high {
            Some(high) => write!(self.out, "{{{low},{high}}}"),
            None => write!(self.out, "{{{low}}}"),
        };
        self.chars = ahead;
    }

    fn group(&mut self) -> Result<(), String> {
        if self.chars.peek() != Some(&'?') {
            self.open.push(self.flags);
            self.out.push('(');
            return Ok(());
        }
        self.chars.next();
        match self.chars.peek().copied() {
            Some('#') => {
                if self.chars.any(|c| c == ')') {
                    return Ok(());
                }
                return self.wrong("missing ), unterminated comment");
            }
            Some('P') => {
                self.chars.next();
                match self.chars.next() {
                    Some('<') => {
                        self.out.push_str("(?P<");
                        let name = self.until('>')?;
                        let _ = write!(self.out, "{name}>");
                    }
                    Some('=') => {
                        let name = self.until(')')?;
                        let _ = write!(self.out, "\\k<{name}>");
                        return Ok(());
                    }
                    _ => return self.wrong("unknown extension ?P"),
                }
            }
            Some('(') => {
                self.chars.next();
                let condition = self.until(')')?;
                if condition.chars().all(|c| c.is_ascii_digit()) {
                    let _ = write!(self.out, "(?({condition})");
                } else {
                    let _ = write!(self.out, "(?(<{condition}>)");
                }
            }
            Some(c @ (':' | '=' | '!' | '>')) => {
                self.chars.next();
                let _ = write!(self.out, "(?{c}");
            }
            Some('<') => {
                self.chars.next();
                match self.chars.next() {
                    Some(c @ ('=' | '!')) => {
                        let _ = write!(self.out, "(?<{c}");
                    }
                    _ => return self.wrong("unknown extension ?<"),
                }
            }
            _ => return self.inline_flags(),
        }
        self.open.push(self.flags);
        Ok(())
    }

    /// `(?im)` and `(?i-s:…)`.
    fn inline_flags(&mut self) -> Result<(), String> {
        let outside = self.flags;
        let (mut on, mut kept) = (true, [String::new(), String::new()]);
        loop {
            let Some(c) = self.chars.next() else { return self.wrong("missing flag") };
            match c {
                '-' => on = false,
                'i' => self.flags.ignore_case = on,
                's' => self.flags.dot_all = on,
                'm' => self.flags.multi_line = on,
                'x' => self.flags.verbose = on,
                'a' => self.flags.ascii = on,
                'u' => self.flags.ascii = !on,
                'L' => {}
                ')' | ':' => {
                    let [on, off] = &kept;
                    let off = if off.is_empty() { String::new() } else { format!("-{off}") };
                    if c == ':' {
                        let _ = write!(self.out, "(?{on}{off}:");
                        self.open.push(outside);
                    } else if !on.is_empty() {
                        let _ = write!(self.out, "(?{on})");
                    }
                    return Ok(());
                }
                c => return self.wrong(&format!("unknown extension ?{c}")),
            }
            // the other flags are seen to here
            if matches!(c, 'i' | 's')
                && let Some(kept) = kept.get_mut(usize::from(!on))
            {
                kept.push(c);
            }
        }
    }

    fn until(&mut self, end: char) -> Result<String, String> {
        let mut text = String::new();
        loop {
            match self.chars.next() {
                Some(c) if c == end => return Ok(text),
                Some(c) if c.is_alphanumeric() || c == '_' => text.push(c),
                _ => return self.wrong(&format!("missing {end}, unterminated name")),
            }
        }
    }

    /// A class in brackets; what is special in classes here and not in Python is escaped.
    fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.chars.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        let mut first = true;
        loop {
            let Some(c) = self.chars.next() else { return self.wrong("unterminated character set") };
            match c {
                ']' if !first => {
                    self.out.push(']');
                    return Ok(());
                }
                '\\' => match self.escape(Inside::Class)? {
                    Escape::Char(c) => self.class_member(c),
                    Escape::Class(class, negated) => {
                        let _ = if negated {
                            write!(self.out, "[^{class}]")
                        } else {
                            write!(self.out, "{class}")
                        };
                    }
                    Escape::Text(text) => self.out.push_str(&text),
                },
                // a range, or itself at either end
                '-' if !first && self.chars.peek().is_some_and(|next| *next != ']') => self.out.push('-'),
                c => self.class_member(c),
            }
            first = false;
        }
    }

    fn class_member(&mut self, c: char) {
        if c.is_ascii_punctuation() {
            self.out.push('\\');
        }
        self.out.push(c);
    }

    fn escape(&mut self, inside: Inside) -> Result<Escape, String> {
        let Some(c) = self.chars.next() else { return self.wrong("bad escape (end of pattern)") };
        let ascii = self.flags.ascii;
        Ok(match c {
            'd' if ascii => Escape::Class("0-9", false),
            'D' if ascii => Escape::Class("0-9", true),
            'w' if ascii => Escape::Class("a-zA-Z0-9_", false),
            'W' if ascii => Escape::Class("a-zA-Z0-9_", true),
            's' if ascii => Escape::Class(r"\t\n\r\x0b\x0c\x20", false),
            'S' if ascii => Escape::Class(r"\t\n\r\x0b\x0c\x20", true),
            'd' | 'D' | 'w' | 'W' | 's' | 'S' => Escape::Text(format!("\\{c}")),
            'b' if inside == Inside::Class => Escape::Char('\u{8}'),
            'b' | 'B' if ascii => {
                let word = "[a-zA-Z0-9_]";
                let edge = [format!("(?<={word})(?!{word})"), format!("(?<!{word})(?={word})")];
                let within = [format!("(?<={word})(?={word})"), format!("(?<!{word})(?!{word})")];
                let [one, other] = if c == 'b' { edge } else { within };
                Escape::Text(format!("(?:{one}|{other})"))
            }
            'b' | 'B' => Escape::Text(format!("\\{c}")),
            'A' => Escape::Text("\\A".to_owned()),
            'Z' => Escape::Text("\\z".to_owned()),
            'a' => Escape::Char('\u{7}'),
            'f' => Escape::Text("\\x0c".to_owned()),
            'n' => Escape::Text("\\n".to_owned()),
            'r' => Escape::Text("\\r".to_owned()),
            't' => Escape::Text("\\t".to_owned()),
            'v' => Escape::Text("\\x0b".to_owned()),
            'x' => self.code(2)?,
            'u' => self.code(4)?,
            'U' => self.code(8)?,
            '0' => self.octal(0),
            '1'..='9' if inside == Inside::Class => match c.to_digit(8) {
                Some(digit) => self.octal(digit),
                None => return self.wrong(&format!("bad escape \\{c}")),
            },
            '1'..='9' => self.reference(c),
            c if c.is_ascii_alphabetic() => return self.wrong(&format!("bad escape \\{c}")),
            c => Escape::Char(c),
        })
    }

    /// `\1`, `\12`; three octal digits are a character.
    fn reference(&mut self, first: char) -> Escape {
        let mut ahead = self.chars.clone();
        let next = [ahead.next(), ahead.next()];
        let octal = |c: Option<char>| c.and_then(|c| c.to_digit(8));
        if let (Some(a), [b, c]) = (octal(Some(first)), next)
            && let (Some(b), Some(c)) = (octal(b), octal(c))
        {
            self.chars = ahead;
            return character(a * 64 + b * 8 + c);
        }
        let mut number = first.to_string();
        number.extend(self.chars.next_if(char::is_ascii_digit));
        // braces keep a digit that follows apart
        Escape::Text(format!("(?:\\{number})"))
    }

    fn octal(&mut self, first: u32) -> Escape {
        let mut code = first;
        for _ in 0..2 {
            let Some(digit) = self.chars.next_if(|c| c.is_digit(8)).and_then(|c| c.to_digit(8)) else {
                break;
            };
            code = code * 8 + digit;
        }
        character(code)
    }

    fn code(&mut self, digits: usize) -> Result<Escape, String> {
        let mut code = 0;
        for _ in 0..digits {
            match self.chars.next().and_then(|c| c.to_digit(16)) {
                Some(digit) => code = code * 16 + digit,
                None => return self.wrong("incomplete escape"),
            }
        }
        char::from_u32(code)
            .map_or_else(|| self.wrong("bad escape: no such character"), |c| Ok(Escape::Char(c)))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Pattern,
    Class,
}

fn character(code: u32) -> Escape {
    char::from_u32(code).map_or(Escape::Text(String::new()), Escape::Char)
}

#[cfg(test)]
mod tests;
