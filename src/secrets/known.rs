//! The secrets that were met in this run, and how they are kept out of whatever is shown: as they are, and in the forms in
//! which programs write them down.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::finder::Finder;
use super::forms;
use crate::base::Value;

/// What stands in place of a secret.
pub const MASK: &str = "‹secret›";

/// Shorter texts would be found in the middle of ordinary words: they are not looked for.
const SHORTEST: usize = 4;
/// The same for lines of a text of several lines.
const SHORTEST_LINE: usize = 6;
/// In an encrypted file not every value is a secret: short ones are names and words.
const SHORTEST_OF_FILE: usize = 8;

/// Words that are found everywhere and are nobody's secret, whatever they are used for.
const WORDS: &[&str] = &[
    "true",
    "false",
    "none",
    "null",
    "root",
    "localhost",
    "present",
    "absent",
    "started",
    "stopped",
    "restarted",
    "reloaded",
    "latest",
    "enabled",
    "disabled",
    "default",
];

/// What is kept out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Passwords for becoming another user, and of vault: under Ansible's names, where values of encrypted variables and
    /// `ansible_password` are shown as Ansible shows them.
    Passwords,
    /// These and all values that are secret.
    Everything,
}

/// Secrets that were met. Shared by all that reads them and all that shows something.
#[derive(Default)]
pub struct Known {
    texts: Mutex<Texts>,
    /// How often something was added: whoever holds a finder sees whether it is the newest.
    version: AtomicUsize,
}

#[derive(Default)]
struct Texts {
    /// Names that are shown anyway: hosts, groups, users.
    public: HashSet<String>,
    /// What was added: each is taken apart once, however often it is met.
    met: HashMap<String, Reach>,
    /// Forms to look for, with the narrowest reach in which they are.
    forms: HashMap<Vec<u8>, Reach>,
    passwords: Option<Made>,
    everything: Option<Made>,
}

/// A finder, and the version of the secrets that it was made from.
type Made = (usize, Option<Arc<Finder>>);

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Known")
    }
}

impl Known {
    fn held(&self) -> MutexGuard<'_, Texts> {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a name is shown anyway. A value of an encrypted file that is nothing but such a name, or a password that
    /// is its user's name, is not looked for.
    pub fn publish(&self, name: &str) {
        self.held().public.insert(name.to_owned());
    }

    /// Notes a password for becoming another user, or of vault.
    pub fn add_password(&self, password: &str) {
        self.note(password, Reach::Passwords, SHORTEST);
    }

    /// Notes a secret value, or a password for logging in.
    pub fn add(&self, secret: &str) {
        self.note(secret, Reach::Everything, SHORTEST);
    }

    /// Notes the texts and numbers in a value from a file that is encrypted as a whole. Those that are short are looked
    /// for only where their name says that they are secret.
    pub fn add_from_file(&self, name: &str, value: &Value) {
        let shortest = if sounds_secret(name) { SHORTEST } else { SHORTEST_OF_FILE };
        match value {
            Value::Str(text) => self.note(text, Reach::Everything, shortest),
            Value::Int(number) => self.note(&number.to_string(), Reach::Everything, shortest),
            Value::List(items) => items.iter().for_each(|item| self.add_from_file(name, item)),
            Value::Map(entries) => {
                for (key, item) in entries.iter() {
                    let inner = if sounds_secret(name) { name } else { key.as_str().unwrap_or_default() };
                    self.add_from_file(inner, item);
                }
            }
            Value::Null
            | Value::Bool(_)
            | Value::Float(_)
            | Value::Moment(_)
            | Value::Template(_)
            | Value::Secret(_)
            | Value::Unknown(_)
            | Value::Omit => {}
        }
    }

    fn note(&self, secret: &str, reach: Reach, shortest: usize) {
        let secret = secret.trim();
        let mut texts = self.held();
        if texts.met.get(secret).is_some_and(|met| *met == Reach::Passwords || *met == reach)
            || texts.public.contains(secret)
            || WORDS.contains(&secret.to_ascii_lowercase().as_str())
        {
            return;
        }
        let mut found = Vec::new();
        if secret.chars().count() >= shortest {
            found.extend(forms::of(secret));
        }
        if secret.contains('\n') {
            let lines = secret.lines().map(str::trim).filter(|line| !line.starts_with("-----"));
            let lines = lines
                .filter(|line| line.chars().count() >= SHORTEST_LINE.max(shortest.min(SHORTEST_OF_FILE)));
            found.extend(lines.flat_map(forms::of));
        }
        if found.is_empty() {
            return;
        }
        texts.met.insert(secret.to_owned(), reach);
        for form in found {
            let held = texts.forms.entry(form).or_insert(reach);
            if reach == Reach::Passwords {
                *held = reach;
            }
        }
        self.version.fetch_add(1, Ordering::Release);
    }

    /// Changes whenever something is added.
    pub fn version(&self) -> usize {
        self.version.load(Ordering::Acquire)
    }

    /// What finds all secrets that have been met so far; none where there are none.
    pub fn finder(&self, reach: Reach) -> Option<Arc<Finder>> {
        let version = self.version();
        if version == 0 {
            return None;
        }
        let mut texts = self.held();
        let Texts { forms, passwords, everything, .. } = &mut *texts;
        let slot = match reach {
            Reach::Passwords => passwords,
            Reach::Everything => everything,
        };
        match slot {
            Some((made, finder)) if *made == version => finder.clone(),
            _ => {
                let wanted = forms.iter().filter(|(_, of)| reach == Reach::Everything || **of == reach);
                let finder = Finder::new(wanted.map(|(form, _)| form.clone()).collect()).map(Arc::new);
                *slot = Some((version, finder.clone()));
                finder
            }
        }
    }

    /// A text with [`MASK`] in place of every secret in it.
    pub fn scrubbed(&self, text: &str, reach: Reach) -> String {
        match self.finder(reach).and_then(|finder| finder.scrub(text.as_bytes())) {
            Some(scrubbed) => String::from_utf8_lossy(&scrubbed).into_owned(),
            None => text.to_owned(),
        }
    }
}

/// Whether a variable's name says that its value is a secret.
fn sounds_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let words = ["pass", "secret", "token", "cred", "private", "apikey", "api_key"];
    words.iter().any(|word| name.contains(word))
        || name.split(['_', '-', '.']).any(|part| ["key", "pin", "pw", "pwd", "auth", "salt"].contains(&part))
}
