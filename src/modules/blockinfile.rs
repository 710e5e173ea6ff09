//! Sees to it that a block of lines between two marker lines is in a file, or that it is not.
//!
//! ```yaml
//! - name: The addresses of the cluster
//!   ansible.builtin.blockinfile:
//!     path: /etc/hosts
//!     marker: "# {mark} cluster"
//!     block: |
//!       10.0.0.1 node1
//!       10.0.0.2 node2
//! ```

use super::attributes::FileAttributes;
use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::edit_file::{self, Editing, lines_with_breaks, narrow, wide};
use super::params::{PathText, Rule};
use super::paths;
use super::view::View;
use super::write_file;
use crate::base::Map;
use crate::base::pyregex::{self, Flags};
use crate::wire::{Done, Failure, FileKind, Follow};
use crate::{choices, params};

/// As `ansible.builtin.blockinfile`.
pub struct BlockInFile;

choices! {
    /// Whether the block shall be there.
    pub enum BlockState { Absent = "absent", Present = "present" }
}

params! {
    /// Parameters of `blockinfile`.
    pub struct BlockParams {
        /// The file that is edited.
        path: PathText, aliases ["dest", "destfile", "name"];
        /// Whether the block shall be there. An empty block is as `absent`.
        state: BlockState = BlockState::Present;
        /// The marker lines; `{mark}` in it is replaced by `marker_begin` and `marker_end`.
        marker: String = "# {mark} ANSIBLE MANAGED BLOCK";
        /// The lines of the block, without the markers.
        block: String = "", aliases ["content"];
        /// Where a new block goes: after the last line in which this regular expression finds something, or at the end
        /// of the file (`EOF`). Left out, and where nothing matches, it is the end.
        insertafter: Option<String>;
        /// Where a new block goes: before the last line in which this regular expression finds something, or at the
        /// beginning of the file (`BOF`). Where nothing matches it is the end.
        insertbefore: Option<String>;
        /// Whether a file that is not there is made, with the directories above it.
        create: bool = false;
        /// Whether the former file is kept beside the new one, its name and the time in the name.
        backup: bool = false;
        /// A command that must accept the new file before it replaces the old one; `%s` stands for its path.
        validate: Option<String>;
        /// What `{mark}` is in the first marker line.
        marker_begin: String = "BEGIN";
        /// What `{mark}` is in the last marker line.
        marker_end: String = "END";
        /// Whether an empty line follows the block, where it is not at the end of the file.
        append_newline: bool = false;
        /// Whether an empty line stands before the block, where it is not at the beginning of the file.
        prepend_newline: bool = false;
    }
    include { attributes: FileAttributes }
    rules [Rule::MutuallyExclusive(&["insertbefore", "insertafter"])]
}

impl Module for BlockInFile {
    type Params = BlockParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "blockinfile",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("blockinfile.rs"),
        returns: &[
            ("msg", "what was done: `Block inserted`, `Block removed`, `File created`"),
            ("backup_file", "the former file, where it was kept"),
        ],
    };

    fn plan(params: &BlockParams, view: &View<'_>) -> Result<Step, Halt> {
        let given = paths::checked("path", &params.path)?;
        let path = paths::trimmed(&given);
        view.want(edit_file::queries(path, &params.attributes));
        let there = view.stat(path, Follow::Yes)?;
        if there.as_ref().is_some_and(|stat| stat.kind == FileKind::Directory) {
            return refuse(256, format!("Path {given} is a directory !"));
        }
        if there.is_none() && !params.create {
            return refuse(257, format!("Path {given} does not exist !"));
        }
        if there.is_none() && params.state == BlockState::Absent {
            let message = format!("File {given} not present");
            return Ok(Step::Plan(Plan::nothing("the file is not there").with("msg", message)));
        }
        let mut editing = Editing::open("blockinfile", path, &params.attributes, view)?;
        editing.backup = params.backup;
        editing.validate = params.validate.as_deref();
        let after = edit(params, editing.before.as_deref().unwrap_or_default()).or_else(fail)?;
        let is_block = params.state == BlockState::Present && !params.block.is_empty();
        let message = match &editing.before {
            Some(before) if *before == after => "",
            None => "File created",
            Some(_) if is_block => "Block inserted",
            Some(_) => "Block removed",
        };
        let mut plan = Plan::default();
        editing.write(&mut plan, after, view)?;
        if message.is_empty() && plan.changes.is_empty() {
            plan.summary = if is_block { "the block is there" } else { "no such block is there" }.to_owned();
        } else if !message.is_empty() {
            plan.summary = message.to_lowercase();
        }
        plan.result = crate::map! {"msg" => edit_file::with_settled(message, &plan)};
        Ok(Step::Plan(plan))
    }

    fn result(_: &BlockParams, _: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        let mut result = plan.result.clone();
        if let Some(backup) = write_file::backup(outcomes) {
            result.insert("backup_file".into(), backup.into());
        }
        Ok(result)
    }

    fn failure(_: &BlockParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        edit_file::refused(failure)
    }
}

fn refuse<T>(rc: i32, message: String) -> Result<T, Halt> {
    Err(Halt::Failed(Box::new(Failed { message, result: crate::map! {"rc" => rc}, ..Failed::default() })))
}

/// The new content.
fn edit(params: &BlockParams, before: &[u8]) -> Result<Vec<u8>, String> {
    let present = params.state == BlockState::Present;
    let text = wide(before);
    let mut lines = lines_with_breaks(&text);
    let marker = |mark: &str| wide(format!("{}\n", params.marker.replace("{mark}", mark)).as_bytes());
    let (first, last) = (marker(&params.marker_begin), marker(&params.marker_end));
    let mut block = Vec::new();
    if present && !params.block.is_empty() {
        let mut inner = wide(params.block.as_bytes());
        if !inner.ends_with('\n') {
            inner.push('\n');
        }
        block.push(first.clone());
        block.extend(lines_with_breaks(&inner));
        block.push(last.clone());
    }
    let found = (lines.iter().rposition(|line| *line == first), lines.iter().rposition(|line| *line == last));
    let at = match found {
        (Some(begin), Some(end)) => {
            let (low, high) = (begin.min(end), begin.max(end));
            lines.drain(low..=high);
            low
        }
        _ => place(params, &text, &lines)?,
    };
    if let Some(line) = at.checked_sub(1).and_then(|before| lines.get_mut(before))
        && !line.ends_with('\n')
    {
        line.push('\n');
    }
    let mut at = at;
    let is_blank = |line: Option<&String>| line.is_none_or(|line| line == "\n");
    if params.prepend_newline && present && at > 0 && !is_blank(lines.get(at - 1)) {
        lines.insert(at, "\n".to_owned());
        at += 1;
    }
    let end = at + block.len();
    lines.splice(at..at, block);
    if params.append_newline && present && !is_blank(lines.get(end)) {
        lines.insert(end, "\n".to_owned());
    }
    Ok(narrow(&lines.concat()))
}

/// The line before which a new block goes.
fn place(params: &BlockParams, text: &str, lines: &[String]) -> Result<usize, String> {
    let after = params.insertafter.as_deref();
    let before = params.insertbefore.as_deref();
    let (pattern, is_after) = match (after, before) {
        (Some("EOF") | None, None) => return Ok(lines.len()),
        (None, Some("BOF")) => return Ok(0),
        (Some(pattern), _) => (pattern, true),
        (None, Some(pattern)) => (pattern, false),
    };
    let regex = pyregex::compile(&wide(pattern.as_bytes()), Flags { ascii: true, ..Flags::default() })?;
    let said = |error: fancy_regex::Error| error.to_string();
    let flags = pattern.strip_prefix("(?").and_then(|rest| rest.split_once(')'));
    let several =
        flags.is_some_and(|(flags, _)| flags.contains('m') && flags.chars().all(|c| c.is_ascii_alphabetic()));
    let mut found = None;
    if several {
        if let Some(matched) = regex.find(text).map_err(said)? {
            let end = if is_after { matched.end() } else { matched.start() };
            found = Some(text.get(..end).unwrap_or_default().matches('\n').count());
        }
    } else {
        for (number, line) in lines.iter().enumerate() {
            if regex.is_match(line).map_err(said)? {
                found = Some(number);
            }
        }
    }
    Ok(found.map_or(lines.len(), |line| (line + usize::from(is_after)).min(lines.len())))
}
