//! Words of a command line, split and joined as Python's `shlex` does it.

/// What a `#` outside quotes means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// A character like any other.
    Plain,
    /// The rest of the line is a comment, even in the middle of a word.
    Comment,
}

/// Splits a text into words as `shlex.split` (POSIX rules, no comments).
///
/// # Errors
/// A quote that is not closed, or a backslash at the end, in Python's words.
pub fn split(text: &str) -> Result<Vec<String>, &'static str> {
    split_with(text, Hash::Plain)
}

/// As [`split`], with a say in what `#` means (`shlex.split(line, comments=True)`).
///
/// # Errors
/// As [`split`].
pub fn split_with(text: &str, hash: Hash) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '#' if hash == Hash::Comment => break,
            '\'' | '"' => quoted(c, &mut chars, word.get_or_insert_default())?,
            '\\' => word.get_or_insert_default().push(chars.next().ok_or("No escaped character")?),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

fn quoted(quote: char, chars: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), &'static str> {
    const OPEN: &str = "No closing quotation";
    loop {
        match chars.next().ok_or(OPEN)? {
            c if c == quote => return Ok(()),
            '\\' if quote == '"' => match chars.next().ok_or(OPEN)? {
                c @ ('"' | '\\') => word.push(c),
                c => word.extend(['\\', c]),
            },
            c => word.push(c),
        }
    }
}

/// One word so that a POSIX shell reads it back unchanged, as `shlex.quote`.
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\"'\"'"))
    }
}

/// Words as one text for a POSIX shell.
pub fn join<S: AsRef<str>>(words: &[S]) -> String {
    words.iter().map(|word| quote(word.as_ref())).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_shlex_does() {
        for (text, words) in [
            ("a  b\tc\n", vec!["a", "b", "c"]),
            ("echo 'a b' \"c \\\"d\\\" \\x\" e\\ f", vec!["echo", "a b", "c \"d\" \\x", "e f"]),
            ("a'' '' \"\"", vec!["a", "", ""]),
            ("x#y # z", vec!["x#y", "#", "z"]),
            ("", vec![]),
        ] {
            assert_eq!(split(text).unwrap(), words, "{text}");
        }
        assert_eq!(split("echo 'x"), Err("No closing quotation"));
        assert_eq!(split("echo \\"), Err("No escaped character"));
    }

    #[test]
    fn what_is_joined_is_split_again() {
        let words = ["a b", "it's", "", "$HOME", "plain-1.2", "\"", "\\", "é\n"];
        assert_eq!(split(&join(&words)).unwrap(), words);
        assert_eq!(join(&["ls", "-l", "/x y"]), "ls -l '/x y'");
    }

    #[test]
    fn comments_end_a_line() {
        let table: &[(&str, &[&str])] = &[
            ("web1 a=1  b='x y' # c", &["web1", "a=1", "b=x y"]),
            (r#"h k="'03#pa'" j=a\ b "" x=ab#c d"#, &["h", "k='03#pa'", "j=a b", "", "x=ab"]),
            (r#"h k="a\"b\n" l='a\'"#, &["h", r#"k=a"b\n"#, r"l=a\"]),
            ("# only", &[]),
        ];
        for (line, expected) in table {
            assert_eq!(split_with(line, Hash::Comment).unwrap(), *expected, "{line:?}");
        }
        assert!(split("a 'b").is_err());
        assert!(split("a \\").is_err());
    }

    #[test]
    fn words_are_pythons() {
        assert_eq!(split(r#"visudo -cf "%s""#).unwrap(), ["visudo", "-cf", "%s"]);
        assert_eq!(split(r#"a'b c'd "" \  "x\n\"""#).unwrap(), ["ab cd", "", " ", "x\\n\""]);
        assert_eq!(split("'open").unwrap_err(), "No closing quotation");
        assert_eq!(split("end\\").unwrap_err(), "No escaped character");
        assert!(split("  ").unwrap().is_empty());
    }
}
