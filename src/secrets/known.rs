//! The secrets that were met in this run, and how they are kept out of whatever is shown: as they are, and escaped as
//! JSON, URLs and the shell do it, in base64, and line by line.

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

use base64::Engine as _;

/// What stands in place of a secret.
pub const MASK: &str = "‹secret›";

/// Shorter texts would be found in the middle of ordinary words.
const SHORTEST: usize = 5;
/// In an encrypted file not every value is a secret: short ones are names and words.
const SHORTEST_OF_FILE: usize = 8;
/// Numbers appear by chance.
const SHORTEST_NUMBER: usize = 12;

/// Secrets that were met. Shared by all that reads them and all that shows something.
#[derive(Default)]
pub struct Known {
    /// Longest first, so that a secret within another does not leave the rest of it.
    patterns: RwLock<Vec<String>>,
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Known")
    }
}

impl Known {
    /// Notes a secret.
    pub fn add(&self, secret: &str) {
        self.note(secret, SHORTEST);
    }

    /// Notes a text from a file that is encrypted as a whole.
    pub fn add_from_file(&self, text: &str) {
        self.note(text, SHORTEST_OF_FILE);
    }

    fn note(&self, secret: &str, shortest: usize) {
        let mut forms = BTreeSet::new();
        let lines = secret.lines().map(str::trim).filter(|line| *line != secret);
        for text in std::iter::once(secret.trim()).chain(lines) {
            let number = text.chars().all(|c| c.is_ascii_digit() || "+-.:".contains(c));
            if text.chars().count() >= if number { SHORTEST_NUMBER } else { shortest } {
                forms.extend(forms_of(text));
            }
        }
        if forms.is_empty() {
            return;
        }
        let mut patterns = self.patterns.write().unwrap_or_else(PoisonError::into_inner);
        for form in forms {
            if !patterns.contains(&form) {
                patterns.push(form);
            }
        }
        patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.len()));
    }

    /// Whether no secret was met: then nothing needs to be looked for.
    pub fn is_empty(&self) -> bool {
        self.patterns.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// A text with [`MASK`] in place of every secret in it; `None` where there is none in it.
    pub fn scrub(&self, text: &str) -> Option<String> {
        let patterns = self.patterns.read().unwrap_or_else(PoisonError::into_inner);
        let mut scrubbed: Option<String> = None;
        for pattern in patterns.iter() {
            let current = scrubbed.as_deref().unwrap_or(text);
            if current.contains(pattern.as_str()) {
                scrubbed = Some(current.replace(pattern.as_str(), MASK));
            }
        }
        scrubbed
    }
}

/// The forms in which a text may appear.
fn forms_of(text: &str) -> BTreeSet<String> {
    let mut forms = BTreeSet::from([text.to_owned()]);
    let json = serde_json::Value::from(text).to_string();
    forms.insert(json.trim_matches('"').to_owned());
    // a JSON text within a JSON text
    forms.insert(serde_json::Value::from(json.as_str()).to_string().trim_matches(['"', '\\']).to_owned());
    forms.insert(text.replace('\'', r#"'"'"'"#));
    forms.insert(text.replace('\'', r"'\''"));
    forms.insert(text.replace('\'', "''"));
    for keep in ["-_.~", "-_.~/"] {
        forms.insert(url_escaped(text, keep));
    }
    forms.insert(url_escaped(text, "-_.~").replace("%20", "+"));
    if text.len() >= 8 {
        forms.extend(base64_forms(text.as_bytes()));
    }
    // an escaped form that is cut short by trimming must not be found everywhere
    forms.retain(|form| form.chars().count() >= SHORTEST);
    forms
}

fn url_escaped(text: &str, keep: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    for byte in text.bytes() {
        let character = char::from(byte);
        if character.is_ascii_alphanumeric() || keep.contains(character) {
            out.push(character);
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The digits that a text has in base64 wherever it stands: at each of the three offsets, without the digits that hang
/// on what is around it.
fn base64_forms(text: &[u8]) -> Vec<String> {
    let encoded = |offset: usize| {
        let mut bytes = vec![0; offset];
        bytes.extend_from_slice(text);
        let digits = base64::engine::general_purpose::STANDARD_NO_PAD.encode(&bytes);
        // the first digits have bits of what stands before, the last one of what stands behind
        let from = [0, 2, 3].get(offset).copied().unwrap_or_default();
        let to = bytes.len() * 8 / 6;
        digits.get(from..to).unwrap_or_default().to_owned()
    };
    (0..3).map(encoded).collect()
}
