//! Keys and certificates: what the modules about them share. What is public is read and written here; private keys stay
//! on the host, where its `openssl` makes them and signs with them.

pub mod der;
pub mod extensions;
pub mod fingerprint;
pub mod general;
pub mod key;
pub mod names;
pub mod oids;
pub mod request;
pub mod sign;
pub mod times;

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::contract::{Failed, Halt, Plan};
use super::diff::Diff;
use super::view::View;
use super::{paths, run};
use crate::base::Map;
use crate::wire::{Action, Change, Command, Done, FileKind, Follow, Query};

/// The first block of a PEM text whose label ends like this: its bytes.
pub fn unwrap(text: &str, label: &str) -> Option<Vec<u8>> {
    let mut lines = text.lines().map(str::trim);
    let is_mark = |line: &str, verb: &str| {
        line.strip_prefix("-----").and_then(|rest| rest.strip_prefix(verb)).is_some_and(|rest| {
            rest.strip_suffix("-----").is_some_and(|name| name.trim_start() == label || name.ends_with(label))
        })
    };
    lines.find(|line| is_mark(line, "BEGIN "))?;
    let body: String = lines.take_while(|line| !line.starts_with("-----")).collect();
    STANDARD.decode(body).ok()
}

/// Bytes as a PEM text.
pub fn wrap(bytes: &[u8], label: &str) -> String {
    let text = STANDARD.encode(bytes);
    let mut out = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(64).unwrap_or((rest, ""));
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    out + &format!("-----END {label}-----\n")
}

/// Fails, in the original's words, where the directory of a file is not there.
pub fn directory_is_there(path: &str, view: &View<'_>) -> Result<(), Halt> {
    let above = match paths::parent(path) {
        "" => ".",
        above => above,
    };
    if view.stat(above, Follow::Yes)?.is_some_and(|stat| stat.kind == FileKind::Directory) {
        return Ok(());
    }
    let message = format!("The directory {above} does not exist or the file is not a directory");
    let result = crate::map! { "name" => above };
    Err(Halt::Failed(Box::new(Failed { message, result, ..Failed::default() })))
}

/// The queries of [`directory_is_there`].
pub fn directory_query(path: &str) -> Query {
    let above = match paths::parent(path) {
        "" => ".",
        above => above,
    };
    Query::Stat { path: above.to_owned(), follow: Follow::Yes }
}

/// Copies the file `$1` to where the original keeps it, and prints that name.
const KEEP: &str =
    "kept=\"$1.$$.$(date +%Y-%m-%d@%H:%M:%S)~\"; cp -p -- \"$1\" \"$kept\" && printf '%s\\n' \"$kept\"";

/// The text of a shell that keeps a copy of the file `$1` and prints its name.
pub fn keeping() -> &'static str {
    KEEP
}

/// The plan that removes a file, after a copy of it was kept where that is wanted.
pub fn removed(path: &str, is_there: bool, backup: Backup, what: &str) -> Plan {
    let mut plan = Plan::nothing(format!("{path} is not there"));
    if !is_there {
        return plan;
    }
    plan.summary = format!("remove {path}");
    plan.diffs.push(Diff::attribute(format!("{what} {path}"), "state", "present", "absent"));
    if backup == Backup::Kept {
        plan = plan.change(Change::new(Action::Run(Command::argv(["sh", "-c", KEEP, "sh", path]))));
    }
    plan.change(Change::new(Action::Remove { path: path.to_owned() }))
}

/// Whether the former file is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backup {
    /// A copy of it is.
    Kept,
    /// It is not.
    None,
}

impl Backup {
    /// As the parameter `backup` says.
    pub fn of(wanted: bool) -> Self {
        if wanted { Self::Kept } else { Self::None }
    }
}

/// The result of a plan with the name of the copy that was kept.
pub fn with_backup(plan: &Plan, outcomes: &[Done]) -> Map {
    let mut result = plan.result.clone();
    let kept = outcomes.iter().find_map(|outcome| match outcome {
        Done::Ran(output) => Some(run::stdout(output).trim().to_owned()).filter(|name| !name.is_empty()),
        Done::Written { backup } => backup.clone(),
        Done::Plain | Done::Answered(_) | Done::Started { .. } => None,
    });
    if let Some(kept) = kept {
        result.insert("backup_file".into(), kept.into());
    }
    result
}

/// Shows what a file says in place of its encoding.
pub fn show(plan: &mut Plan, path: &str, before: Option<String>, after: String) {
    for diff in &mut plan.diffs {
        if matches!(diff, Diff::Text { .. } | Diff::Opaque { .. }) {
            let before = before.as_deref().map(Arc::from);
            *diff = Diff::Text { subject: path.to_owned(), before, after: Some(Arc::from(after.as_str())) };
        }
    }
}

/// Bytes in hexadecimal with colons between them.
pub fn colons(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

/// Hexadecimal with or without colons as bytes.
pub fn from_colons(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b':').collect();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// A call of `openssl` that only reads.
pub fn openssl<S: Into<String>>(words: impl IntoIterator<Item = S>) -> Command {
    run::reading(std::iter::once("openssl".to_owned()).chain(words.into_iter().map(Into::into)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_come_back_whole() {
        let bytes: Vec<u8> = (0..100).collect();
        let text = wrap(&bytes, "CERTIFICATE");
        assert!(text.lines().all(|line| line.len() <= 64));
        assert_eq!(unwrap(&format!("text before\n{text}"), "CERTIFICATE").as_deref(), Some(&bytes[..]));
        assert_eq!(unwrap(&text, "CERTIFICATE REQUEST"), None);
        let request = wrap(&bytes, "NEW CERTIFICATE REQUEST");
        assert_eq!(unwrap(&request, "CERTIFICATE REQUEST").as_deref(), Some(&bytes[..]));
        assert_eq!(
            (colons(&[1, 255]).as_str(), from_colons("01:fF"), from_colons("1")),
            ("01:ff", Some(vec![1, 255]), None)
        );
    }
}
