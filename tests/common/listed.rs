//! Files that list what is not as it should be: an entry a line, `name | … | reason`. Whoever reads one fails where an
//! entry does not apply any more, so that the file says what is.

use std::path::Path;

/// One entry.
pub struct Entry {
    /// The number of its line.
    pub number: usize,
    /// What it is about: a case, a target.
    pub name: String,
    /// What stands between the name and the reason.
    pub what: String,
    /// Why it is so.
    pub reason: String,
}

/// The entries of a file below the project, of which each has a name that is `known`. `form` is how an entry looks.
///
/// # Errors
/// If an entry has another form, no reason, or a name that is not known.
pub fn entries(file: &str, form: &str, known: impl Fn(&str) -> bool) -> Result<Vec<Entry>, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{file}: {error}"))?;
    let mut entries = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let parts = line.split_once('|').and_then(|(name, rest)| {
            let (what, reason) = rest.rsplit_once('|')?;
            Some((name, what, reason))
        });
        let Some((name, what, reason)) = parts else {
            return Err(format!("{file}:{number}: {form} is expected"));
        };
        let [name, what, reason] = [name, what, reason].map(|part| part.trim().to_owned());
        if reason.is_empty() {
            return Err(format!("{file}:{number}: a reason is missing"));
        }
        if !known(&name) {
            return Err(format!("{file}:{number}: there is no `{name}`"));
        }
        entries.push(Entry { number, name, what, reason });
    }
    Ok(entries)
}

/// What there is to say of the entries that have not applied.
pub fn idle(file: &str, entries: &[&Entry], applied: &[bool]) -> Vec<String> {
    let idle = entries.iter().zip(applied).filter(|(_, applied)| !**applied);
    let say = |entry: &Entry| {
        let Entry { number, name, what, reason } = entry;
        format!("{file}:{number}: `{name} | {what}` does not differ any more ({reason})")
    };
    idle.map(|(entry, _)| say(entry)).collect()
}

/// Whether a text is as a pattern says; `*` is any text.
pub fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut left) = text.strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(found) = left.find(part) else { return false };
        left = left.get(found + part.len()..).unwrap_or_default();
    }
    left.ends_with(end)
}
