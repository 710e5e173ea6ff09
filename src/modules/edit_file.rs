//! Editing one file: reading what is there and writing what it shall be; what the modules that edit files share.

use super::attributes::{FileAttributes, Wish};
use super::contract::{Failed, Halt, Plan, fail};
use super::diff::Diff;
use super::file::directory;
use super::params::Mode;
use super::paths;
use super::view::View;
use super::write_file::{self, EDIT_LIMIT, Replace, Show, Verdict, Write};
use crate::wire::action::Bytes;
use crate::wire::{Action, Content, Failure, FailureKind, FileKind, Follow, Observation, Query};

/// What a module says when owner, group or mode were set.
const SETTLED: &str = "ownership, perms or SE linux context changed";

/// A file that is edited.
pub struct Editing<'a> {
    /// The module's name, for messages.
    pub module: &'static str,
    /// The file's path.
    pub path: &'a str,
    /// Its content; nothing where there is no file.
    pub before: Option<Vec<u8>>,
    /// Attributes that are wanted.
    pub attributes: &'a FileAttributes,
    /// The mode of a file that is made, where the task does not say.
    pub fresh_mode: Option<u32>,
    /// Whether the former file is kept.
    pub backup: bool,
    /// A command that must accept the new file.
    pub validate: Option<&'a str>,
    /// Whether the content may be shown.
    pub show: Show,
    /// Whether a final link is followed.
    pub follow: Follow,
}

/// What has to be read before a file is edited; for [`View::want`].
pub fn queries(path: &str, attributes: &FileAttributes) -> Vec<Query> {
    let mut wanted = write_file::path_queries(path, attributes);
    wanted.push(content_query(path));
    wanted
}

fn content_query(path: &str) -> Query {
    Query::Content { path: paths::trimmed(path).to_owned(), limit: EDIT_LIMIT }
}

/// The content of a file that is to be edited, nothing where there is none.
pub fn read(path: &str, view: &View<'_>) -> Result<Option<Vec<u8>>, Halt> {
    match &*view.ask(&content_query(path))? {
        Observation::Content(Content::Bytes(bytes)) => Ok(Some(bytes.clone())),
        Observation::Content(Content::Absent) => Ok(None),
        Observation::Content(Content::TooLarge { size }) => fail(format!(
            "editing a file of {size} bytes is not supported yet: `{path}`, the limit is {EDIT_LIMIT}"
        )),
        // as `/dev/null`: there is nothing in it
        Observation::Content(Content::NotAFile(FileKind::CharDevice)) => Ok(Some(Vec::new())),
        _ => fail(format!("`{path}` is not a regular file")),
    }
}

/// As [`read`], as text; what is not UTF-8 is replaced.
pub fn read_text(path: &str, view: &View<'_>) -> Result<Option<String>, Halt> {
    Ok(read(path, view)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

impl<'a> Editing<'a> {
    /// Reads a file that is to be edited.
    pub fn open(
        module: &'static str,
        path: &'a str,
        attributes: &'a FileAttributes,
        view: &View<'_>,
    ) -> Result<Self, Halt> {
        view.want(queries(path, attributes));
        let before = read(path, view)?;
        Ok(Self {
            module,
            path,
            before,
            attributes,
            fresh_mode: None,
            backup: false,
            validate: None,
            show: Show::Text,
            follow: Follow::Yes,
        })
    }

    /// The content as text, empty where there is no file.
    pub fn text(&self) -> String {
        self.before.as_deref().map(String::from_utf8_lossy).unwrap_or_default().into_owned()
    }

    /// Adds to a plan what makes the file's content this, in a directory that is there or made.
    pub fn write(
        &self,
        plan: &mut Plan,
        after: impl Into<Vec<u8>>,
        view: &View<'_>,
    ) -> Result<Verdict, Halt> {
        let content = Bytes::Inline(after.into());
        if self.before.is_none() {
            let above = paths::parent(paths::trimmed(self.path));
            let is_planned = plan.changes.iter().any(|planned| {
                matches!(&planned.change.action, Action::MakeDirectory { path, .. } if path == above)
            });
            if !is_planned && view.stat(above, Follow::Yes)?.is_none() {
                directory::make(plan, above, &Wish::default(), view)?;
            }
        }
        let fresh = self.fresh_mode.filter(|_| self.before.is_none()).map(Mode::Bits);
        let sha1 = content.sha1();
        let write = Write {
            module: self.module,
            dest: paths::trimmed(self.path),
            sha1: &sha1,
            content: &|| Ok(content.clone()),
            known: self.before.as_deref(),
            show: self.show,
            attributes: self.attributes,
            mode: self.attributes.mode.clone().or(fresh),
            follow: self.follow,
            replace: Replace::Differing,
            backup: self.backup,
            validate: self.validate,
        };
        write_file::write(plan, &write, view)
    }
}

/// A message with what is added where owner, group or mode of the file are set too.
pub fn with_settled(message: &str, plan: &Plan) -> String {
    let settled = plan.diffs.iter().any(|diff| {
        matches!(diff, Diff::Attribute { name, .. }
            if matches!(name.as_str(), "owner" | "group" | "mode" | "attributes"))
    });
    match (message.is_empty(), settled) {
        (_, false) => message.to_owned(),
        (true, true) => SETTLED.to_owned(),
        (false, true) => format!("{message} and {SETTLED}"),
    }
}

/// The failure of a write, a validation's in one line as the original has it.
pub fn refused(failure: &Failure) -> Failed {
    let mut failed = write_file::failed(failure);
    if let (FailureKind::Validation, Some(output)) = (failure.kind, &failure.output) {
        let stderr = String::from_utf8_lossy(&output.stderr);
        failed.message = format!("failed to validate: rc:{} error:{stderr}", output.status);
        failed.result.clear();
    }
    failed
}

/// Bytes as a text of as many characters: what is edited comes back whole in any encoding.
pub fn wide(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// The bytes of a text that [`wide`] made.
pub fn narrow(text: &str) -> Vec<u8> {
    text.chars().filter_map(|c| u8::try_from(u32::from(c)).ok()).collect()
}

/// Splits after each line break of `bytes.splitlines(True)`: `\n`, `\r` and both together.
pub fn lines_with_breaks(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = match rest.find(['\n', '\r']) {
            None => rest.len(),
            Some(at) if rest.get(at..).is_some_and(|after| after.starts_with("\r\n")) => at + 2,
            Some(at) => at + 1,
        };
        let (line, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        lines.push(line.to_owned());
        rest = after;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_whole() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(narrow(&wide(&bytes)), bytes);
        assert_eq!(lines_with_breaks("a\r\nb\rc\n\nd"), ["a\r\n", "b\r", "c\n", "\n", "d"]);
    }
}
