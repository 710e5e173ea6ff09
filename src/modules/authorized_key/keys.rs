//! The lines of a file with keys.

use super::{AuthorizedKeyParams, KeyState};

/// The types of keys that sshd knows, for finding where a line's options end.
const TYPES: [&str; 23] = [
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp384-cert-v01@openssh.com",
    "ecdsa-sha2-nistp521",
    "ecdsa-sha2-nistp521-cert-v01@openssh.com",
    "rsa-sha2-256",
    "rsa-sha2-256-cert-v01@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-512-cert-v01@openssh.com",
    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "sk-ssh-ed25519-cert-v01@openssh.com",
    "sk-ssh-ed25519@openssh.com",
    "ssh-dss",
    "ssh-dss-cert-v01@openssh.com",
    "ssh-ed25519",
    "ssh-ed25519-cert-v01@openssh.com",
    "ssh-rsa",
    "ssh-rsa-cert-v01@openssh.com",
    "ssh-xmss-cert-v01@openssh.com",
    "ssh-xmss@openssh.com",
    "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
];

type Options = Vec<(String, Option<String>)>;

/// A line with a key.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    options: Options,
    kind: String,
    hash: String,
    comment: String,
}

#[derive(Clone, Debug)]
enum Line {
    Key(Key),
    /// A comment, or what is no key.
    Other(String),
}

/// The lines of a file.
pub(super) struct Keys {
    lines: Vec<Line>,
}

impl Key {
    fn read(line: &str) -> Option<Self> {
        let line = line.replace("\\#", "#");
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.first().is_some_and(|word| word.starts_with('#')) {
            return None;
        }
        let at = words.iter().position(|word| TYPES.contains(word))?;
        let options = words.get(..at).unwrap_or_default().join(" ");
        Some(Self {
            options: options_of(&options),
            kind: (*words.get(at)?).to_owned(),
            hash: (*words.get(at + 1)?).to_owned(),
            comment: words.get(at + 2..).unwrap_or_default().join(" "),
        })
    }

    fn text(&self) -> String {
        let option = |(name, value): &(String, Option<String>)| match value {
            Some(value) => format!("{name}={value}"),
            None => name.clone(),
        };
        let mut options = self.options.iter().map(option).collect::<Vec<_>>().join(",");
        if !options.is_empty() {
            options.push(' ');
        }
        format!("{options}{} {} {}\n", self.kind, self.hash, self.comment)
    }

    fn is_like(&self, other: &Self) -> bool {
        let sorted = |options: &Options| {
            let mut options = options.clone();
            options.sort();
            options
        };
        self.kind == other.kind
            && self.comment == other.comment
            && sorted(&self.options) == sorted(&other.options)
    }
}

/// Options at commas that are not in quotes.
fn options_of(text: &str) -> Options {
    let mut options = Vec::new();
    let (mut part, mut quote) = (String::new(), None);
    for c in text.chars().chain([',']) {
        match (c, quote) {
            (',', None) => {
                let part = std::mem::take(&mut part);
                match part.split_once('=') {
                    Some((name, value)) => options.push((name.to_owned(), Some(value.to_owned()))),
                    None if !part.is_empty() => options.push((part, None)),
                    None => {}
                }
                continue;
            }
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            _ => {}
        }
        part.push(c);
    }
    options
}

impl Keys {
    pub(super) fn read(text: &str) -> Self {
        let mut lines: Vec<Line> = Vec::new();
        for line in text.split_inclusive('\n') {
            match Key::read(line) {
                // of the same key twice the last counts, at the place of the first
                Some(key) => match lines.iter_mut().find(|line| is_key(line, &key.hash)) {
                    Some(known) => *known = Line::Key(key),
                    None => lines.push(Line::Key(key)),
                },
                None => lines.push(Line::Other(line.to_owned())),
            }
        }
        Self { lines }
    }

    pub(super) fn text(&self) -> String {
        self.lines
            .iter()
            .map(|line| match line {
                Line::Key(key) => key.text(),
                Line::Other(text) => text.clone(),
            })
            .collect()
    }

    /// Adds or removes keys; whether anything changed. The error says what is no key.
    pub(super) fn edit(&mut self, params: &AuthorizedKeyParams, wanted: &str) -> Result<bool, String> {
        let mut changed = false;
        let mut stay = Vec::new();
        for text in wanted.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let mut key = Key::read(text).ok_or_else(|| format!("invalid key specified: {text}"))?;
            if let Some(options) = &params.key_options {
                key.options = options_of(options);
            }
            if let Some(comment) = &params.comment {
                key.comment.clone_from(comment);
            }
            let at = self.lines.iter().position(|line| is_key(line, &key.hash));
            match params.state {
                KeyState::Absent => {
                    if let Some(at) = at {
                        self.lines.remove(at);
                        changed = true;
                    }
                }
                KeyState::Present => {
                    stay.push(key.hash.clone());
                    let same = at
                        .and_then(|at| self.lines.get(at))
                        .is_some_and(|line| matches!(line, Line::Key(known) if known.is_like(&key)));
                    if !same {
                        if let Some(at) = at {
                            self.lines.remove(at);
                        }
                        self.lines.push(Line::Key(key));
                        changed = true;
                    }
                }
            }
        }
        if params.exclusive && params.state == KeyState::Present {
            let before = self.lines.len();
            self.lines.retain(|line| matches!(line, Line::Key(key) if stay.contains(&key.hash)));
            changed |= self.lines.len() < before;
        }
        if changed && let Some(Line::Other(last)) = self.lines.iter_mut().rev().nth(1) {
            // a line without its break before a new one
            if !last.ends_with('\n') {
                last.push('\n');
            }
        }
        Ok(changed)
    }
}

fn is_key(line: &Line, hash: &str) -> bool {
    matches!(line, Line::Key(key) if key.hash == hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_options_and_comments() {
        let key = Key::read("command=\"a, b\",no-pty ssh-rsa AAAA me @ here").unwrap();
        assert_eq!(key.options, [("command".into(), Some("\"a, b\"".into())), ("no-pty".into(), None)]);
        assert_eq!((key.hash.as_str(), key.comment.as_str()), ("AAAA", "me @ here"));
        assert_eq!(key.text(), "command=\"a, b\",no-pty ssh-rsa AAAA me @ here\n");
        assert!(Key::read("# ssh-rsa AAAA").is_none() && Key::read("nonsense").is_none());
    }

    #[test]
    fn comments_stay() {
        let text = "# mine\nssh-rsa AAAA me\nbroken\n";
        assert_eq!(Keys::read(text).text(), text);
    }
}
