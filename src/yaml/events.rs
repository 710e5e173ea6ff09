//! The parser's events for a text, with the parser's own faults kept in.
//!
//! `libyaml-safer` panics where a block scalar ends the text without a line break, and on a tag directly before a
//! comma (`[!,`). The first is avoided by [`Feed`]; whatever else panics is turned into an error here.

use std::borrow::Cow;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use libyaml_safer::{Encoding, Event, Parser};

/// What the parser is given for a text.
#[derive(Debug)]
pub(super) struct Feed<'t> {
    /// The text itself, without its byte order mark.
    pub(super) text: &'t str,
    /// The text as the parser reads it: it ends with a line break.
    fed: Cow<'t, str>,
}

impl<'t> Feed<'t> {
    /// Prepares a text.
    pub(super) fn new(text: &'t str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let fed = if text.is_empty() || text.ends_with(['\n', '\r']) {
            Cow::Borrowed(text)
        } else {
            Cow::Owned(format!("{text}\n"))
        };
        Self { text, fed }
    }

    /// Whether the last line break of a block scalar that ends at this offset is not one of the text.
    pub(super) fn lent_break(&self, value: &str, end: u64) -> bool {
        let lent =
            self.fed.len() > self.text.len() && usize::try_from(end).is_ok_and(|end| end > self.text.len());
        let Some(content) = value.strip_suffix('\n').filter(|_| lent) else { return false };
        let blank = |line: &str| line.bytes().all(|b| b == b' ' || b == b'\t');
        // a last line of blanks only is part of the scalar as far as it is indented deeper
        let last = |text: &str| text.rfind(['\n', '\r']).map_or(0, |at| at + 1);
        let text_is_blank = self.text.get(last(self.text)..).is_some_and(blank);
        !text_is_blank || content.get(last(content)..).is_some_and(blank)
    }

    /// The first character that YAML does not allow, with its byte offset.
    pub(super) fn forbidden(&self) -> Option<(usize, char)> {
        let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..);
        self.text.char_indices().find(|(_, c)| !allowed(*c))
    }

    /// Starts parsing.
    pub(super) fn events(&self) -> Events<'_> {
        let mut parser = Parser::new();
        // without this a text that starts with any character from U+F000 on is taken for a broken byte order mark
        parser.set_encoding(Encoding::Utf8);
        parser.set_input(self.fed.as_bytes());
        Events { parser }
    }
}

/// Why there is no next event.
#[derive(Debug)]
pub(super) enum Fault {
    /// The text is not YAML.
    Syntax(libyaml_safer::Error),
    /// The parser failed on it.
    Panic,
}

/// The events of one text, in order.
pub(super) struct Events<'f> {
    parser: Parser<&'f [u8]>,
}

impl Events<'_> {
    /// The next event. After a fault it must not be called again.
    pub(super) fn next(&mut self) -> Result<Event, Fault> {
        let parser = &mut self.parser;
        quietly(|| catch_unwind(AssertUnwindSafe(|| parser.parse())))
            .map_err(|_| Fault::Panic)?
            .map_err(Fault::Syntax)
    }
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs something whose panics are caught, without their message reaching the terminal.
fn quietly<T>(run: impl FnOnce() -> T) -> T {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                previous(info);
            }
        }));
    });
    QUIET.set(true);
    let result = run();
    QUIET.set(false);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_the_parser_is_an_error() {
        let feed = Feed::new("a: [!x, 1]");
        let mut events = feed.events();
        let fault = loop {
            match events.next() {
                Ok(_) => {}
                Err(fault) => break fault,
            }
        };
        assert!(matches!(fault, Fault::Panic));
    }

    #[test]
    fn forbidden_characters_are_found() {
        assert_eq!(Feed::new("a: b\0c").forbidden(), Some((4, '\0')));
        assert_eq!(Feed::new("a: \u{7f}").forbidden(), Some((3, '\u{7f}')));
        assert_eq!(Feed::new("\u{feff}ä: \u{1F600}\t\r\n").forbidden(), None);
    }
}
