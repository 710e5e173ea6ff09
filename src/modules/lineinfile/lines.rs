//! The edit itself: bytes to bytes.
//!
//! Patterns work on bytes, as the original's. Each byte is taken as the character of its number, pattern and line
//! alike, so that a text in any encoding is edited and comes back whole.

use super::{LineParams, State};
use crate::base::pyregex::{self, Flags};

/// What came of an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edited {
    /// The new content.
    pub(super) bytes: Vec<u8>,
    /// What was done, in the original's words; empty where nothing was.
    pub(super) message: String,
    /// With `absent`: how many lines matched.
    pub(super) found: usize,
}

/// Edits a content. The error says what is wrong with a pattern.
pub(super) fn edit(params: &LineParams, before: &[u8]) -> Result<Edited, String> {
    let text: String = before.iter().map(|byte| char::from(*byte)).collect();
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let (message, found) = match params.state {
        State::Present => (present(params, &mut lines)?, 0),
        State::Absent => {
            let count = lines.len();
            absent(params, &mut lines)?;
            let found = count - lines.len();
            (if found > 0 { format!("{found} line(s) removed") } else { String::new() }, found)
        }
    };
    // every character came from a byte
    let bytes = lines.concat().chars().filter_map(|c| u8::try_from(u32::from(c)).ok()).collect();
    Ok(Edited { bytes, message, found })
}

fn wide(text: &str) -> String {
    text.bytes().map(char::from).collect()
}

/// A pattern, with its error in words.
struct Pattern(fancy_regex::Regex);

impl Pattern {
    fn new(pattern: &str) -> Result<Self, String> {
        let flags = Flags { ascii: true, ..Flags::default() };
        pyregex::compile(&wide(pattern), flags).map(Self)
    }

    fn finds(&self, line: &str) -> Result<bool, String> {
        self.0.is_match(line).map_err(|error| error.to_string())
    }

    fn expand(&self, template: &str, line: &str) -> Result<String, String> {
        match self.0.captures(line).map_err(|error| error.to_string())? {
            Some(captures) => pyregex::expand(template, &self.0, &captures),
            None => Ok(template.to_owned()),
        }
    }
}

fn without_break(line: &str) -> &str {
    line.trim_end_matches(['\r', '\n'])
}

fn with_break(line: &str) -> String {
    if line.ends_with('\n') { line.to_owned() } else { format!("{line}\n") }
}

/// Whether a line is one that `regexp` or `search_string` is about; `None` where neither is given.
fn matches(params: &LineParams, pattern: Option<&Pattern>, line: &str) -> Result<Option<bool>, String> {
    match (pattern, &params.search_string) {
        (Some(pattern), _) => pattern.finds(line).map(Some),
        (None, Some(text)) => Ok(Some(line.contains(&wide(text)))),
        (None, None) => Ok(None),
    }
}

fn absent(params: &LineParams, lines: &mut Vec<String>) -> Result<(), String> {
    let pattern = params.regexp.as_deref().map(Pattern::new).transpose()?;
    let wanted = params.line.as_deref().map(wide);
    let mut kept = Vec::with_capacity(lines.len());
    for line in lines.drain(..) {
        let goes = match matches(params, pattern.as_ref(), &line)? {
            Some(found) => found,
            None => Some(without_break(&line)) == wanted.as_deref(),
        };
        if !goes {
            kept.push(line);
        }
    }
    *lines = kept;
    Ok(())
}

/// Where a line that is not there yet goes.
enum Place<'a> {
    Start,
    End,
    After(&'a str),
    Before(&'a str),
}

fn place(params: &LineParams) -> Place<'_> {
    match (params.insertafter.as_deref(), params.insertbefore.as_deref()) {
        (Some("BOF"), _) | (_, Some("BOF")) => Place::Start,
        (Some("EOF" | ""), _) | (None, None | Some("")) => Place::End,
        (Some(pattern), _) => Place::After(pattern),
        (None, Some(pattern)) => Place::Before(pattern),
    }
}

fn present(params: &LineParams, lines: &mut Vec<String>) -> Result<String, String> {
    let wanted = wide(params.line.as_deref().unwrap_or_default());
    let pattern = params.regexp.as_deref().map(Pattern::new).transpose()?;
    let place = place(params);
    let anchor = match place {
        Place::After(anchor) | Place::Before(anchor) => Some(Pattern::new(anchor)?),
        Place::Start | Place::End => None,
    };

    let mut matched = None;
    for (number, line) in lines.iter().enumerate() {
        if matches(params, pattern.as_ref(), line)? == Some(true) {
            matched = Some(number);
            if params.firstmatch {
                break;
            }
        }
    }
    // without a match the line itself is looked for, and on the way the place for it
    let (mut exact, mut anchored) = (None, None);
    if matched.is_none() {
        for (number, line) in lines.iter().enumerate() {
            if without_break(line) == wanted {
                exact = Some(number);
            } else if let Some(anchor) = &anchor
                && anchor.finds(line)?
            {
                anchored = Some(number);
                if params.firstmatch {
                    break;
                }
            }
        }
    }

    if let Some(line) = matched.or(exact).and_then(|number| lines.get_mut(number)) {
        let new = match &pattern {
            Some(pattern) if params.backrefs && matched.is_some() => pattern.expand(&wanted, line)?,
            _ => wanted,
        };
        let new = with_break(&new);
        if *line == new {
            return Ok(String::new());
        }
        *line = new;
        return Ok("line replaced".to_owned());
    }
    if params.backrefs {
        // without a match there is nothing to fill the groups with
        return Ok(String::new());
    }
    let at = match (place, anchored) {
        (Place::Start, _) => 0,
        (Place::After(_), Some(number)) => number + 1,
        (Place::Before(_), Some(number)) => number,
        (Place::End, _) | (_, None) => lines.len(),
    };
    if at == lines.len()
        && let Some(last) = lines.last_mut()
        && !last.ends_with(['\n', '\r'])
    {
        last.push('\n');
    }
    lines.insert(at, format!("{wanted}\n"));
    Ok("line added".to_owned())
}

#[cfg(test)]
mod tests;
