//! The text of an SSH configuration as lines of words, each with its place.

use std::sync::Arc;

use crate::base::{Diagnostic, Kind, Place, Source};

/// One word of a line, quotes taken off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) place: Place,
}

/// A keyword with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// In lower case.
    pub(crate) keyword: String,
    /// As it is written.
    pub(crate) spelled: String,
    pub(crate) arguments: Vec<Word>,
    /// Everything after the keyword, as it is written: for commands.
    pub(crate) rest: String,
    pub(crate) place: Place,
}

/// All lines of a text that say something.
pub(crate) fn lines(source: &Arc<Source>) -> Result<Vec<Line>, Box<Diagnostic>> {
    let numbered = source.text.lines().zip(1_u32..);
    numbered.filter_map(|(text, number)| line(source, text, number).transpose()).collect()
}

/// One line: `Keyword arguments` or `Keyword=arguments`; `None` when it is empty or a comment.
pub(crate) fn line(source: &Arc<Source>, text: &str, number: u32) -> Result<Option<Line>, Box<Diagnostic>> {
    let characters: Vec<char> = text.chars().collect();
    let is_space = |at: usize| characters.get(at).is_some_and(|c| c.is_whitespace());
    let mut at = 0;
    while is_space(at) {
        at += 1;
    }
    let start = at;
    while characters.get(at).is_some_and(|c| !c.is_whitespace() && *c != '=') {
        at += 1;
    }
    let spelled: String = characters.get(start..at).unwrap_or_default().iter().collect();
    if spelled.is_empty() || spelled.starts_with('#') {
        return Ok(None);
    }
    while is_space(at) {
        at += 1;
    }
    if characters.get(at) == Some(&'=') {
        at += 1;
    }
    let rest: String = characters.get(at..).unwrap_or_default().iter().collect();
    let place = |column: usize, length: usize| {
        Place::new(source, number, column as u32 + 1).with_length(length as u32)
    };
    let mut arguments = Vec::new();
    loop {
        while is_space(at) {
            at += 1;
        }
        let begin = at;
        let mut word = String::new();
        let mut quote: Option<char> = None;
        match characters.get(at) {
            None | Some('#') => break,
            Some(_) => {}
        }
        while let Some(character) = characters.get(at) {
            let next = characters.get(at + 1);
            match (character, quote) {
                ('\\', _)
                    if matches!(next, Some('"' | '\'' | '\\')) || (quote.is_none() && next == Some(&' ')) =>
                {
                    word.extend(next);
                    at += 1;
                }
                (c, Some(open)) if *c == open => quote = None,
                ('"' | '\'', None) => quote = Some(*character),
                (c, None) if c.is_whitespace() => break,
                (c, _) => word.push(*c),
            }
            at += 1;
        }
        if quote.is_some() {
            let message = format!("a quote is not closed in the arguments of `{spelled}`");
            return Err(Box::new(Diagnostic::error(Kind::BadValue, message).at(&place(begin, at - begin))));
        }
        arguments.push(Word { text: word, place: place(begin, at - begin) });
    }
    let length = spelled.chars().count();
    Ok(Some(Line {
        keyword: spelled.to_ascii_lowercase(),
        spelled,
        arguments,
        rest: rest.trim().to_owned(),
        place: place(start, length),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> (String, Vec<String>) {
        let source = Source::new("config", text);
        let line = lines(&source).unwrap().remove(0);
        (line.keyword, line.arguments.into_iter().map(|word| word.text).collect())
    }

    #[test]
    fn words_quotes_and_comments() {
        assert_eq!(words("  HostName = a.example # why"), ("hostname".into(), vec!["a.example".into()]));
        assert_eq!(words("Port=22"), ("port".into(), vec!["22".into()]));
        assert_eq!(
            words(r#"IdentityFile "~/my keys/id""#),
            ("identityfile".into(), vec!["~/my keys/id".into()])
        );
        assert_eq!(words(r"Host a\ b c#d"), ("host".into(), vec!["a b".into(), "c#d".into()]));
        let source = Source::new("config", "\n# nothing\n\tUser\tada\n");
        let all = lines(&source).unwrap();
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].place.to_string(), "config:3:2");
        assert_eq!(all[0].arguments[0].place.to_string(), "config:3:7");
    }

    #[test]
    fn an_open_quote_is_an_error_with_its_place() {
        let source = Source::new("config", "Host \"a b");
        assert_eq!(
            lines(&source).unwrap_err().to_string(),
            "config:1:6: a quote is not closed in the arguments of `Host`"
        );
    }
}
