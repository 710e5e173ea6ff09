//! Keeps secrets that were met out of whatever is written, whoever writes it.

use std::io::{self, Write};
use std::sync::Arc;

use serde_json::Value as Json;

use crate::secrets::{Finder, Known, MASK, Reach};

/// Writes whole lines on, with a mask in place of every secret. As long as no secret is known nothing is held back.
#[derive(Debug)]
pub struct Scrubbing<W: Write> {
    out: W,
    known: Arc<Known>,
    reach: Reach,
    /// The newest finder, and the version of what is known that it was made from.
    finder: (usize, Option<Arc<Finder>>),
    line: Vec<u8>,
}

impl<W: Write> Scrubbing<W> {
    /// Before `out`.
    pub fn new(out: W, known: Arc<Known>, reach: Reach) -> Self {
        Self { out, known, reach, finder: (0, None), line: Vec::new() }
    }

    /// What finds the secrets that are known now.
    fn finder(&mut self) -> Option<Arc<Finder>> {
        let version = self.known.version();
        if self.finder.0 != version {
            self.finder = (version, self.known.finder(self.reach));
        }
        self.finder.1.clone()
    }

    fn pass_on(&mut self) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        match self.finder().and_then(|finder| finder.scrub(&line)) {
            Some(scrubbed) => self.out.write_all(&scrubbed),
            None => self.out.write_all(&line),
        }
    }
}

impl<W: Write> Write for Scrubbing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.line.is_empty() && self.finder().is_none() {
            self.out.write_all(bytes)?;
            return Ok(bytes.len());
        }
        let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let (lines, rest) = bytes.split_at(end);
        if !lines.is_empty() {
            self.line.extend_from_slice(lines);
            self.pass_on()?;
        }
        self.line.extend_from_slice(rest);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        // the rest of a line may still become a secret: its end is waited for
        self.out.flush()
    }
}

impl<W: Write> Drop for Scrubbing<W> {
    fn drop(&mut self) {
        // whoever reads may be gone
        let _ = self.pass_on();
        let _ = self.out.flush();
    }
}

/// Masks secrets in all texts of a JSON value, and numbers that are one, so that it stays JSON.
pub fn json(value: &mut Json, finder: &Finder) {
    let masked = |text: &str| {
        finder.scrub(text.as_bytes()).map(|scrubbed| String::from_utf8_lossy(&scrubbed).into_owned())
    };
    match value {
        Json::Null | Json::Bool(_) => {}
        Json::Number(number) => {
            if masked(&number.to_string()).is_some_and(|masked| masked == MASK) {
                *value = Json::from(MASK);
            }
        }
        Json::String(text) => {
            if let Some(masked) = masked(text) {
                *text = masked;
            }
        }
        Json::Array(items) => items.iter_mut().for_each(|item| json(item, finder)),
        Json::Object(entries) => {
            if entries.keys().any(|key| masked(key).is_some()) {
                let all = std::mem::take(entries);
                entries.extend(all.into_iter().map(|(key, item)| (masked(&key).unwrap_or(key), item)));
            }
            entries.values_mut().for_each(|item| json(item, finder));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(known: &Arc<Known>, reach: Reach, pieces: &[&str]) -> String {
        let mut out = Vec::new();
        {
            let mut scrubbing = Scrubbing::new(&mut out, Arc::clone(known), reach);
            for piece in pieces {
                scrubbing.write_all(piece.as_bytes()).unwrap();
            }
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_secret_is_masked_however_it_is_cut_into_writes() {
        let known = Arc::new(Known::default());
        known.add("correct horse");
        let pieces = ["a corr", "ect ho", "rse b\nplain", "\n", "correct horse\ncorrect ", "horse"];
        let shown = "a ‹secret› b\nplain\n‹secret›\n‹secret›";
        assert_eq!(written(&known, Reach::Everything, &pieces), shown);
    }

    #[test]
    fn what_becomes_known_later_is_masked_from_then_on() {
        let known = Arc::new(Known::default());
        let mut out = Vec::new();
        {
            let mut scrubbing = Scrubbing::new(&mut out, Arc::clone(&known), Reach::Everything);
            writeln!(scrubbing, "hunter22").unwrap();
            known.add("hunter22");
            writeln!(scrubbing, "hunter22").unwrap();
        }
        assert_eq!(String::from_utf8(out).unwrap(), "hunter22\n‹secret›\n");
    }

    #[test]
    fn values_are_shown_where_only_passwords_are_kept_out() {
        let known = Arc::new(Known::default());
        known.add("a value");
        known.add_password("pa55word");
        assert_eq!(written(&known, Reach::Passwords, &["a value, pa55word"]), "a value, ‹secret›");
        assert_eq!(written(&known, Reach::Everything, &["a value, pa55word"]), "‹secret›, ‹secret›");
    }

    #[test]
    fn json_stays_json() {
        let known = Known::default();
        known.add("12345678");
        known.add("the \"key\"");
        let mut value = serde_json::json!({
            "id": 12_345_678, "other": 123_456_789, "text": "is 12345678", "the \"key\"": ["the \"key\"", 1.5],
            "nested": r#"{"k": "the \"key\""}"#,
        });
        json(&mut value, &known.finder(Reach::Everything).unwrap());
        let shown = serde_json::json!({
            "id": MASK, "other": 123_456_789, "text": format!("is {MASK}"), MASK: [MASK, 1.5],
            "nested": format!(r#"{{"k": "{MASK}"}}"#),
        });
        assert_eq!(value, shown);
    }
}
