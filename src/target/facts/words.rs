//! Words of a text as Python's `shlex` splits them.

/// Splits as a POSIX shell: quotes and backslashes are taken off, `#` starts a comment. What follows a quote
/// that is not closed is one word.
pub(super) fn shell_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            c if c.is_ascii_whitespace() => words.extend(word.take()),
            '#' => {
                words.extend(word.take());
                characters.by_ref().find(|c| *c == '\n');
            }
            '\'' => word.get_or_insert_default().extend(characters.by_ref().take_while(|c| *c != '\'')),
            '"' => quoted(&mut characters, word.get_or_insert_default()),
            '\\' => word.get_or_insert_default().extend(characters.next()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

fn quoted(characters: &mut std::str::Chars<'_>, word: &mut String) {
    while let Some(c) = characters.next() {
        match c {
            '"' => return,
            '\\' => match characters.next() {
                Some(escaped @ ('"' | '\\')) => word.push(escaped),
                Some(other) => word.extend(['\\', other]),
                None => word.push('\\'),
            },
            c => word.push(c),
        }
    }
}

/// Splits at white space and keeps the quotes; a quote only binds at the start of a word and ends it. `None` if
/// such a quote is not closed.
pub(super) fn raw_words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            c if c.is_ascii_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            quote @ ('"' | '\'') if word.is_empty() => {
                word.push(quote);
                loop {
                    let c = characters.next()?;
                    word.push(c);
                    if c == quote {
                        break;
                    }
                }
                words.push(std::mem::take(&mut word));
            }
            c => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_words_lose_quotes_and_comments() {
        assert_eq!(
            shell_words("A=\"b \\\"c\\\" \\d\" # no\nE='f g'h i\\ j K="),
            ["A=b \"c\" \\d", "E=f gh", "i j", "K="]
        );
    }

    #[test]
    fn raw_words_keep_quotes() {
        let words = raw_words("a=\"b c\" 'd e' f").unwrap();
        assert_eq!(words, ["a=\"b", "c\"", "'d e'", "f"]);
        assert_eq!(raw_words("a 'b"), None);
    }
}
