//! Splits a text into words as a POSIX shell would without expansions: Python's `shlex.split`.

/// The words of a text: blanks separate, quotes group, a backslash escapes (in double quotes only `"` and `\`).
///
/// # Errors
/// A quote that is not closed, or a backslash at the end, in Python's words.
pub fn split(text: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next() {
                        Some('\'') => break,
                        Some(inner) => word.push(inner),
                        None => return Err("No closing quotation"),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next() {
                        Some('"') => break,
                        Some('\\') => match characters.next() {
                            Some(escaped @ ('"' | '\\')) => word.push(escaped),
                            Some(other) => word.extend(['\\', other]),
                            None => return Err("No escaped character"),
                        },
                        Some(inner) => word.push(inner),
                        None => return Err("No closing quotation"),
                    }
                }
            }
            '\\' => match characters.next() {
                Some(escaped) => word.get_or_insert_default().push(escaped),
                None => return Err("No escaped character"),
            },
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_pythons() {
        assert_eq!(split(r#"visudo -cf "%s""#).unwrap(), ["visudo", "-cf", "%s"]);
        assert_eq!(split(r#"a'b c'd "" \  "x\n\"""#).unwrap(), ["ab cd", "", " ", "x\\n\""]);
        assert_eq!(split("'open").unwrap_err(), "No closing quotation");
        assert_eq!(split("end\\").unwrap_err(), "No escaped character");
        assert!(split("  ").unwrap().is_empty());
    }
}
