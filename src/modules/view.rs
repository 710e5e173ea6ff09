//! What a module sees: the host and the controller, as far as they are known.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::contract::{Failed, Halt, fail};
use crate::base::{Diagnostic, Map, Unknown, Value};
use crate::wire::action::Bytes;
use crate::wire::{
    Algorithm, Command, CommandOutput, Content, Digest, Entry, Follow, GroupEntry, Observation, PackageState,
    Query, Stat, UnitState, UserEntry,
};

/// The most bytes of a file that are read for a diff.
pub const TEXT_LIMIT: u64 = 1 << 20;

/// What is known of a host.
pub trait Known {
    /// The answer to a query, or that it has now been noted as needed.
    fn ask(&self, query: &Query) -> Asked;
}

/// How a query stands.
#[derive(Clone, Debug)]
pub enum Asked {
    /// The answer.
    Known(Arc<Observation>),
    /// Not known; noted.
    Needed,
    /// Cannot be known before that task has run.
    Unknown(Arc<Unknown>),
}

/// What surrounds a task.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Whether nothing may be changed.
    pub check_mode: bool,
    /// Whether differences are wanted (text is read for them).
    pub diff: bool,
    /// Whether they are shown where a secret went in, as Ansible does.
    pub shows_secrets: bool,
    /// Name of the user that the task's actions run as.
    pub user: String,
    /// That user's home directory, as soon as the host has told it.
    pub home: Option<String>,
    /// The task's `environment`, rendered.
    pub environment: Vec<(String, String)>,
    /// The host's name in the inventory.
    pub host: String,
    /// How often `-v` was given.
    pub verbosity: u8,
    /// The module, where it is a file.
    pub packed: Option<Arc<super::foreign::Packed>>,
    /// The other side, for `synchronize`.
    pub peer: Option<Arc<super::synchronize::Peer>>,
}

/// Where a file of the project is searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    /// In `files/` of the role, the task file, the playbook.
    Files,
    /// In `templates/` of the role, the task file, the playbook.
    Templates,
}

/// What is done with links below a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// They are what they lead to, but those that lead nowhere, or back to a directory which they are in.
    Followed,
    /// They are links.
    Kept,
}

/// What is below a directory of the controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InTree {
    /// A directory.
    Directory,
    /// A file.
    File,
    /// A symbolic link, with its text.
    Link(String),
}

/// How the template module wants a file rendered (parameters of `ansible.builtin.template`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the parameters")]
pub struct TemplateOptions {
    pub trim_blocks: bool,
    pub lstrip_blocks: bool,
    pub newline_sequence: String,
    pub block_start_string: Option<String>,
    pub block_end_string: Option<String>,
    pub variable_start_string: Option<String>,
    pub variable_end_string: Option<String>,
    pub comment_start_string: Option<String>,
    pub comment_end_string: Option<String>,
    /// The template as the task names it: `template_path`.
    pub source: String,
    /// Where it goes: `template_destpath`.
    pub destination: String,
}

/// A rendered file.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// The text.
    pub text: Arc<str>,
    /// The unknown that was read on the way, if any.
    pub unknown: Option<Arc<Unknown>>,
    /// Whether a secret was read on the way.
    pub tainted: bool,
}

/// The controller's side: the project's files and the task's variables. Answers at once.
pub trait Controller {
    /// Finds a file or directory of the project; the error is a message in Ansible's words.
    fn find(&self, search: Search, name: &str) -> Result<PathBuf, Failed>;
    /// A path of the controller as a task names it: absolute, from the home directory, or below the playbook's directory.
    fn place(&self, name: &str) -> PathBuf;
    /// A regular file's content and permission bits.
    fn read(&self, path: &Path) -> Result<(Bytes, u32), Failed>;
    /// What a regular file holds that is encrypted with vault as a whole; nothing where it is not encrypted.
    ///
    /// # Errors
    /// If it cannot be decrypted.
    fn decrypted(&self, path: &Path) -> Result<Option<Vec<u8>>, Failed>;
    /// Whether a path that was found is a directory (links are followed).
    fn is_directory(&self, path: &Path) -> bool;
    /// What is below a directory, by relative path, each directory before what is in it.
    fn tree(&self, path: &Path, links: Links) -> Result<Vec<(String, InTree)>, Failed>;
    /// A template file, rendered with the task's variables.
    fn render(&self, path: &Path, options: &TemplateOptions) -> Result<Rendered, Halt>;
    /// Whether a condition (text, boolean, list) holds.
    fn condition(&self, condition: &Value) -> Result<bool, Halt>;
    /// The value of an expression, to be looked at: what is not defined in it is told in its place, and apart.
    fn evaluate(&self, expression: &str) -> Result<(Value, Vec<String>), Halt>;
    /// The value of a variable of the task; none where there is no such variable.
    fn variable(&self, name: &str) -> Result<Option<Value>, Halt>;
    /// Whether this is look-ahead: then nothing large may be read.
    fn looking_ahead(&self) -> bool;
}

/// What a module sees.
#[derive(Clone, Copy)]
pub struct View<'a> {
    known: &'a dyn Known,
    controller: &'a dyn Controller,
    context: &'a Context,
}

impl<'a> View<'a> {
    /// A view.
    pub fn new(known: &'a dyn Known, controller: &'a dyn Controller, context: &'a Context) -> Self {
        Self { known, controller, context }
    }

    /// What surrounds the task.
    pub fn context(&self) -> &'a Context {
        self.context
    }

    /// The controller's side.
    pub fn controller(&self) -> &'a dyn Controller {
        self.controller
    }

    /// Notes several queries at once, so that what is not known of them is fetched in one exchange. Call it before
    /// reading them one by one.
    pub fn want(&self, queries: impl IntoIterator<Item = Query>) {
        for query in queries {
            let _ = self.known.ask(&query);
        }
    }

    /// The answer to any query; an answer that failed fails the task with its cause.
    pub fn ask(&self, query: &Query) -> Result<Arc<Observation>, Halt> {
        match self.known.ask(query) {
            Asked::Known(observation) => match &*observation {
                Observation::Failed(error) => {
                    let about = query.path().map(|path| format!("`{path}`: ")).unwrap_or_default();
                    fail(format!("{about}{}", error.message))
                }
                _ => Ok(observation),
            },
            Asked::Needed => Err(Halt::Needed),
            Asked::Unknown(unknown) => Err(Halt::Unknown(unknown)),
        }
    }

    /// What a path is.
    pub fn stat(&self, path: &str, follow: Follow) -> Result<Option<Stat>, Halt> {
        match &*self.ask(&Query::Stat { path: path.to_owned(), follow })? {
            Observation::Stat(stat) => Ok(stat.clone()),
            other => mismatch(other),
        }
    }

    /// A file's SHA-1.
    pub fn sha1(&self, path: &str) -> Result<Digest, Halt> {
        self.digest(path, Algorithm::Sha1)
    }

    /// A file's hash.
    pub fn digest(&self, path: &str, algorithm: Algorithm) -> Result<Digest, Halt> {
        match &*self.ask(&Query::Digest { path: path.to_owned(), algorithm, limit: None })? {
            Observation::Digest(digest) => Ok(digest.clone()),
            other => mismatch(other),
        }
    }

    /// A file's content up to [`TEXT_LIMIT`].
    pub fn content(&self, path: &str) -> Result<Content, Halt> {
        match &*self.ask(&Query::Content { path: path.to_owned(), limit: TEXT_LIMIT })? {
            Observation::Content(content) => Ok(content.clone()),
            other => mismatch(other),
        }
    }

    /// The entries of a directory, or what is below it.
    pub fn entries(&self, query: &Query) -> Result<Option<Vec<Entry>>, Halt> {
        match &*self.ask(query)? {
            Observation::Entries(entries) => Ok(entries.clone()),
            other => mismatch(other),
        }
    }

    /// A user.
    pub fn user(&self, name: &str) -> Result<Option<UserEntry>, Halt> {
        match &*self.ask(&Query::User { name: name.to_owned() })? {
            Observation::User(user) => Ok(user.clone()),
            other => mismatch(other),
        }
    }

    /// A group.
    pub fn group(&self, name: &str) -> Result<Option<GroupEntry>, Halt> {
        match &*self.ask(&Query::Group { name: name.to_owned() })? {
            Observation::Group(group) => Ok(group.clone()),
            other => mismatch(other),
        }
    }

    /// A package.
    pub fn package(&self, name: &str) -> Result<PackageState, Halt> {
        match &*self.ask(&Query::Package { name: name.to_owned() })? {
            Observation::Package(state) => Ok(state.clone()),
            other => mismatch(other),
        }
    }

    /// A unit of the system manager, or of a user's.
    pub fn unit(&self, name: &str, user: Option<&str>) -> Result<UnitState, Halt> {
        match &*self.ask(&Query::Unit { name: name.to_owned(), user: user.map(str::to_owned) })? {
            Observation::Unit(state) => Ok(state.clone()),
            other => mismatch(other),
        }
    }

    /// The output of a command that only reads.
    pub fn run(&self, command: Command) -> Result<CommandOutput, Halt> {
        match &*self.ask(&Query::Command(command))? {
            Observation::Command(output) => Ok(output.clone()),
            other => mismatch(other),
        }
    }
}

fn mismatch<T>(found: &Observation) -> Result<T, Halt> {
    fail(format!("the target gave an answer of another kind: {found:?}"))
}

/// `rc`, `stdout`, `stdout_lines`, `stderr`, `stderr_lines` of a command's output, as Ansible registers them.
pub fn output_keys(output: &CommandOutput) -> Map {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end_matches(['\r', '\n']).to_owned();
    let lines = |text: &str| Value::list(text.lines().map(Value::from));
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    let (stdout_lines, stderr_lines) = (lines(&stdout), lines(&stderr));
    crate::map! {
        "rc" => output.status,
        "stdout" => stdout,
        "stdout_lines" => stdout_lines,
        "stderr" => stderr,
        "stderr_lines" => stderr_lines,
    }
}

impl From<Diagnostic> for Halt {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Failed(Box::new(Failed {
            message: diagnostic.message.clone(),
            hint: diagnostic.hint.clone(),
            diagnostic: Some(diagnostic),
            raised: true,
            ..Failed::default()
        }))
    }
}

impl From<Failed> for Halt {
    fn from(failed: Failed) -> Self {
        Self::Failed(Box::new(failed))
    }
}

/// A [`Known`] over a fixed set of answers, for tests and case files: what is asked beyond them is noted.
#[derive(Debug, Default)]
pub struct Fixed {
    /// The answers.
    pub answers: std::collections::HashMap<Query, Arc<Observation>>,
    /// What was asked and not there.
    pub needed: RefCell<Vec<Query>>,
}

impl Known for Fixed {
    fn ask(&self, query: &Query) -> Asked {
        match self.answers.get(query) {
            Some(answer) => Asked::Known(Arc::clone(answer)),
            None => {
                let mut needed = self.needed.borrow_mut();
                if !needed.contains(query) {
                    needed.push(query.clone());
                }
                Asked::Needed
            }
        }
    }
}
