//! Splits a line into words as Python's `shlex.split(line, comments=True)`: POSIX quoting, `#` starts a comment.

/// The words of a line.
///
/// # Errors
/// What is not closed.
pub(super) fn split(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            // as there, even in the middle of a word
            '#' => break,
            '\\' => {
                let escaped = chars.next().ok_or("a backslash at the end of the line escapes nothing")?;
                word.get_or_insert_default().push(escaped);
            }
            '\'' | '"' => quoted(c, &mut chars, word.get_or_insert_default())?,
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

fn quoted(quote: char, chars: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), &'static str> {
    const OPEN: &str = "a quote is not closed";
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_shlexs() {
        let table: &[(&str, &[&str])] = &[
            ("web1 a=1  b='x y' # c", &["web1", "a=1", "b=x y"]),
            (r#"h k="'03#pa'" j=a\ b "" x=ab#c d"#, &["h", "k='03#pa'", "j=a b", "", "x=ab"]),
            (r#"h k="a\"b\n" l='a\'"#, &["h", r#"k=a"b\n"#, r"l=a\"]),
            ("# only", &[]),
        ];
        for (line, expected) in table {
            assert_eq!(split(line).unwrap(), *expected, "{line:?}");
        }
        assert!(split("a 'b").is_err());
        assert!(split("a \\").is_err());
    }
}
