//! Words of a command line, split and joined as Python's `shlex` does it.

/// Splits a text into words as `shlex.split` (POSIX rules, no comments). The error is Python's.
pub fn split(text: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('\'') => break,
                        Some(c) => word.push(c),
                        None => return Err("No closing quotation"),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('"') => break,
                        Some('\\') => match chars.next() {
                            Some(c @ ('"' | '\\')) => word.push(c),
                            Some(c) => word.extend(['\\', c]),
                            None => return Err("No closing quotation"),
                        },
                        Some(c) => word.push(c),
                        None => return Err("No closing quotation"),
                    }
                }
            }
            '\\' => match chars.next() {
                Some(c) => word.get_or_insert_default().push(c),
                None => return Err("No escaped character"),
            },
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
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
}
