//! Replaces all that a regular expression finds in a file.
//!
//! ```yaml
//! - name: The old name is gone
//!   ansible.builtin.replace:
//!     path: /etc/hosts
//!     regexp: '(\s+)old\.example\.com(\s+.*)?$'
//!     replace: '\1new.example.com\2'
//! ```

use super::attributes::FileAttributes;
use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::edit_file::{self, Editing};
use super::params::PathText;
use super::paths;
use super::view::View;
use super::write_file;
use crate::base::Map;
use crate::base::pyregex::{self, Flags};
use crate::params;
use crate::wire::{Done, Failure, FileKind, Follow};

/// As `ansible.builtin.replace`.
pub struct Replace;

params! {
    /// Parameters of `replace`.
    pub struct ReplaceParams {
        /// The file that is edited.
        path: PathText, aliases ["dest", "destfile", "name"];
        /// A regular expression, as Python's; `^` and `$` match at each line.
        regexp: String;
        /// What replaces each match; it may name groups (`\1`, `\g<name>`).
        replace: String = "";
        /// A regular expression; only what follows its first match is replaced in.
        after: Option<String>;
        /// A regular expression; only what stands before its match is replaced in.
        before: Option<String>;
        /// Whether the former file is kept beside the new one, its name and the time in the name.
        backup: bool = false;
        /// A command that must accept the new file before it replaces the old one; `%s` stands for its path.
        validate: Option<String>;
        /// The file's encoding: `utf-8`, `ascii` or `latin-1`.
        encoding: String = "utf-8";
    }
    include { attributes: FileAttributes }
}

impl Module for Replace {
    type Params = ReplaceParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "replace",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("replace.rs"),
        returns: &[
            ("msg", "what was done: `2 replacements made`"),
            ("backup_file", "the former file, where it was kept"),
            ("rc", "0"),
        ],
    };

    fn plan(params: &ReplaceParams, view: &View<'_>) -> Result<Step, Halt> {
        let given = paths::checked("path", &params.path)?;
        let path = paths::trimmed(&given);
        view.want(edit_file::queries(path, &params.attributes));
        match view.stat(path, Follow::Yes)? {
            Some(stat) if stat.kind == FileKind::Directory => {
                return refuse(256, format!("Path {given} is a directory !"));
            }
            Some(_) => {}
            None => return refuse(257, format!("Path {given} does not exist !")),
        }
        let mut editing = Editing::open("replace", path, &params.attributes, view)?;
        editing.backup = params.backup;
        editing.validate = params.validate.as_deref();
        let before = editing.before.clone().unwrap_or_default();
        let text = Text::read(&before, &params.encoding).or_else(fail)?;
        let Some((edited, count)) = edit(params, &text).or_else(fail)? else {
            let pattern = section(params).unwrap_or_default();
            let message = format!("Pattern for before/after params did not match the given file: {pattern}");
            let plan = Plan::nothing("the place is not in the file");
            return Ok(Step::Plan(plan.with("msg", message).with("rc", 0)));
        };
        let after = text.bytes(&edited);
        let message =
            if count > 0 && after != before { format!("{count} replacements made") } else { String::new() };
        let mut plan = Plan::default();
        editing.write(&mut plan, after, view)?;
        plan.summary = match (message.is_empty(), plan.changes.is_empty()) {
            (true, true) => "nothing to replace".to_owned(),
            (true, false) => plan.summary,
            (false, _) => message.clone(),
        };
        plan.result = crate::map! {"msg" => edit_file::with_settled(&message, &plan), "rc" => 0};
        Ok(Step::Plan(plan))
    }

    fn result(_: &ReplaceParams, _: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        let mut result = plan.result.clone();
        if let Some(backup) = write_file::backup(outcomes) {
            result.insert("backup_file".into(), backup.into());
        }
        Ok(result)
    }

    fn failure(_: &ReplaceParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        edit_file::refused(failure)
    }
}

fn refuse<T>(rc: i32, message: String) -> Result<T, Halt> {
    Err(Halt::Failed(Box::new(Failed { message, result: crate::map! {"rc" => rc}, ..Failed::default() })))
}

/// A file's text, and how it becomes bytes again.
struct Text {
    text: String,
    wide: bool,
}

impl Text {
    fn read(bytes: &[u8], encoding: &str) -> Result<Self, String> {
        match encoding.to_ascii_lowercase().replace('_', "-").as_str() {
            // what is not UTF-8 comes back whole, as with Python's `surrogateescape`
            "utf-8" | "utf8" => Ok(match std::str::from_utf8(bytes) {
                Ok(text) => Self { text: text.to_owned(), wide: false },
                Err(_) => Self { text: edit_file::wide(bytes), wide: true },
            }),
            "ascii" | "us-ascii" | "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" => {
                Ok(Self { text: edit_file::wide(bytes), wide: true })
            }
            other => Err(format!("the encoding `{other}` is not supported by `replace`")),
        }
    }

    fn bytes(&self, text: &str) -> Vec<u8> {
        if self.wide {
            // a replacement may bring characters beyond a byte
            text.chars()
                .flat_map(|c| match u8::try_from(u32::from(c)) {
                    Ok(byte) => vec![byte],
                    Err(_) => c.to_string().into_bytes(),
                })
                .collect()
        } else {
            text.as_bytes().to_vec()
        }
    }
}

/// The pattern of the part that is edited, where it is not the whole.
fn section(params: &ReplaceParams) -> Option<String> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    match (given(&params.after), given(&params.before)) {
        (Some(after), Some(before)) => Some(format!("{after}(?P<subsection>.*?){before}")),
        (Some(after), None) => Some(format!("{after}(?P<subsection>.*)")),
        (None, Some(before)) => Some(format!("(?P<subsection>.*){before}")),
        (None, None) => None,
    }
}

/// The new text and how many matches it replaced; `None` where the part to edit is not there.
fn edit(params: &ReplaceParams, text: &Text) -> Result<Option<(String, usize)>, String> {
    let whole = text.text.as_str();
    let mut range = 0..whole.len();
    if let Some(pattern) = section(params) {
        let flags = Flags { dot_all: true, ..Flags::default() };
        let regex = pyregex::compile(&pattern, flags)?;
        let found = regex.captures(whole).map_err(|error| error.to_string())?;
        match found.and_then(|found| found.name("subsection").map(|part| part.range())) {
            Some(part) => range = part,
            None => return Ok(None),
        }
    }
    let regex = pyregex::compile(&params.regexp, Flags { multi_line: true, ..Flags::default() })?;
    let part = whole.get(range.clone()).unwrap_or_default();
    let unable = |error: String| format!("Unable to process replace due to error: {error}");
    let (edited, count) = pyregex::replace_all(&regex, &params.replace, part).map_err(unable)?;
    let (before, after) = (whole.get(..range.start), whole.get(range.end..));
    Ok(Some((format!("{}{edited}{}", before.unwrap_or_default(), after.unwrap_or_default()), count)))
}
