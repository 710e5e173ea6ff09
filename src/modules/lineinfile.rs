//! Sees to it that a line is in a file, in place of one that matches or at a place of its own, or that it is not.
//!
//! ```yaml
//! - name: Root does not log in with a password
//!   ansible.builtin.lineinfile:
//!     path: /etc/ssh/sshd_config
//!     regexp: '^#?\s*PermitRootLogin\b'
//!     line: PermitRootLogin prohibit-password
//!     validate: sshd -t -f %s
//! ```

mod lines;

use super::attributes::FileAttributes;
use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::file::directory;
use super::params::{PathText, Rule};
use super::paths;
use super::view::View;
use super::write_file::{self, EDIT_LIMIT, Replace, Show, Verdict, Write};
use crate::base::Map;
use crate::wire::action::Bytes;
use crate::wire::{Content, Done, Failure, FileKind, Follow, Observation, Query};
use crate::{choices, params};
use lines::Edited;

/// As `ansible.builtin.lineinfile`.
pub struct LineInFile;

choices! {
    /// Whether the line shall be there.
    pub enum State { Absent = "absent", Present = "present" }
}

params! {
    /// Parameters of `lineinfile`.
    pub struct LineParams {
        /// The file that is edited.
        path: PathText, aliases ["dest", "destfile", "name"];
        /// Whether the line shall be there. With `absent` all lines go that match, or that are equal to `line`.
        state: State = State::Present;
        /// A regular expression, as Python's: the last line in which it finds something is replaced by `line`.
        regexp: Option<String>, aliases ["regex"];
        /// A plain text to look for in place of `regexp`.
        search_string: Option<String>;
        /// The line, without its line break. With `backrefs` it may name groups of `regexp` (`\1`, `\g<name>`).
        line: Option<String>, aliases ["value"];
        /// Where a new line goes: after the last line in which this regular expression finds something, at the end of
        /// the file (`EOF`) or its beginning (`BOF`). Left out, and where nothing matches, it is the end.
        insertafter: Option<String>;
        /// Where a new line goes: before the last line in which this regular expression finds something, or at the
        /// beginning of the file (`BOF`). Where nothing matches it is the end.
        insertbefore: Option<String>;
        /// Whether `line` may name groups of `regexp`. Where `regexp` finds nothing, the file stays as it is.
        backrefs: bool = false;
        /// Whether a file that is not there is made, with the directories above it.
        create: bool = false;
        /// Whether the former file is kept beside the new one, its name and the time in the name.
        backup: bool = false;
        /// Whether the first line that matches counts, instead of the last.
        firstmatch: bool = false;
        /// A command that must accept the new file before it replaces the old one; `%s` stands for its path.
        validate: Option<String>;
    }
    include { attributes: FileAttributes }
    rules [
        Rule::MutuallyExclusive(&["insertbefore", "insertafter"]),
        Rule::MutuallyExclusive(&["regexp", "search_string"]),
        Rule::MutuallyExclusive(&["backrefs", "search_string"]),
    ]
}

impl Module for LineInFile {
    type Params = LineParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "lineinfile",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("lineinfile.rs"),
        returns: &[
            ("msg", "what was done: `line added`, `line replaced`, `2 line(s) removed`"),
            ("backup", "the former file, where it was kept, else empty"),
            ("found", "with `absent`: the number of lines that matched"),
        ],
    };

    fn plan(params: &LineParams, view: &View<'_>) -> Result<Step, Halt> {
        let given = paths::checked("path", &params.path)?;
        let path = paths::trimmed(&given);
        let content = Query::Content { path: path.to_owned(), limit: EDIT_LIMIT };
        view.want(write_file::path_queries(path, &params.attributes));
        view.want([content.clone()]);
        let mut plan = Plan { warnings: warnings(params), ..Plan::default() };
        let there = view.stat(path, Follow::Yes)?;
        if there.as_ref().is_some_and(|stat| stat.kind == FileKind::Directory) {
            return refuse(256, format!("Path {given} is a directory !"));
        }
        complete(params)?;
        let before = match &*view.ask(&content)? {
            Observation::Content(Content::Bytes(bytes)) => Some(bytes.clone()),
            Observation::Content(Content::Absent) => None,
            Observation::Content(Content::TooLarge { size }) => {
                return fail(format!(
                    "editing a file of {size} bytes is not supported yet: `{given}`, the limit is {EDIT_LIMIT}"
                ));
            }
            _ => return fail(format!("`{given}` is not a regular file")),
        };
        if before.is_none() {
            if params.state == State::Absent {
                let plan = Plan::nothing("file not present").with("msg", "file not present");
                return Ok(Step::Plan(plan));
            }
            if !params.create {
                return refuse(257, format!("Destination {given} does not exist !"));
            }
            let above = paths::parent(path);
            if view.stat(above, Follow::Yes)?.is_none() {
                directory::make(&mut plan, above, &super::attributes::Wish::default(), view)?;
            }
        }
        let edited = lines::edit(params, before.as_deref().unwrap_or_default()).or_else(fail)?;
        write(&mut plan, params, path, before.as_deref(), &edited, view)?;
        Ok(Step::Plan(plan))
    }

    fn result(_: &LineParams, _: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        let mut result = plan.result.clone();
        result.insert("backup".into(), write_file::backup(outcomes).unwrap_or_default().into());
        Ok(result)
    }

    fn failure(_: &LineParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        super::edit_file::refused(failure)
    }
}

fn refuse<T>(rc: i32, message: String) -> Result<T, Halt> {
    Err(Halt::Failed(Box::new(Failed { message, result: crate::map! {"rc" => rc}, ..Failed::default() })))
}

/// What belongs together, in the original's words.
fn complete(params: &LineParams) -> Result<(), Halt> {
    let LineParams { state, regexp, search_string, line, backrefs, .. } = params;
    match state {
        State::Present if *backrefs && regexp.is_none() => fail("regexp is required with backrefs=true"),
        State::Present if line.is_none() => fail("line is required with state=present"),
        State::Absent if regexp.is_none() && search_string.is_none() && line.is_none() => {
            fail("one of line, search_string, or regexp is required with state=absent")
        }
        State::Present | State::Absent => Ok(()),
    }
}

fn warnings(params: &LineParams) -> Vec<String> {
    let empty = |text: &Option<String>| text.as_deref() == Some("");
    let (name, more) = if empty(&params.regexp) {
        let more = " If this is desired, use '^' to match every line in the file and avoid this warning.";
        ("regular expression", more)
    } else if empty(&params.search_string) {
        ("search string", "")
    } else {
        return Vec::new();
    };
    vec![format!(
        "The {name} is an empty string, which will match every line in the file. This may have unintended \
         consequences, such as replacing the last line in the file rather than appending.{more}"
    )]
}

fn write(
    plan: &mut Plan,
    params: &LineParams,
    path: &str,
    before: Option<&[u8]>,
    edited: &Edited,
    view: &View<'_>,
) -> Result<(), Halt> {
    let Edited { bytes, message, found } = edited;
    let content = Bytes::Inline(bytes.clone());
    if before.is_none() && message.is_empty() {
        // as the original: nothing was to be inserted, so no file is made
        plan.changes.clear();
        plan.diffs.clear();
        plan.summary = String::from("nothing to insert");
    } else {
        let sha1 = content.sha1();
        let file = Write {
            module: "lineinfile",
            dest: path,
            sha1: &sha1,
            content: &|| Ok(content.clone()),
            known: before,
            show: Show::Text,
            attributes: &params.attributes,
            mode: params.attributes.mode.clone(),
            follow: Follow::Yes,
            replace: Replace::Differing,
            backup: params.backup,
            validate: params.validate.as_deref(),
        };
        let verdict = write_file::write(plan, &file, view)?;
        if verdict == Verdict::Same && plan.changes.is_empty() {
            plan.summary = match params.state {
                State::Present => "the line is there".to_owned(),
                State::Absent => "no such line is there".to_owned(),
            };
        }
    }
    let message = super::edit_file::with_settled(message, plan);
    if !message.is_empty() && !edited.message.is_empty() {
        plan.summary.clone_from(&edited.message);
    }
    plan.result = crate::map! {"msg" => message, "backup" => ""};
    if params.state == State::Absent {
        plan.result.insert("found".into(), (*found).into());
    }
    Ok(())
}
