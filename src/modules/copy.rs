//! Copies files from the project, or a text, to the host.
//!
//! ```yaml
//! - name: The service has its settings
//!   ansible.builtin.copy:
//!     content: |
//!       listen = 127.0.0.1:8080
//!     dest: /etc/app.conf
//!     owner: root
//!     group: root
//!     mode: "0644"
//!     backup: true
//! ```

mod content;
mod remote;
mod tree;

use super::attributes::{FileAttributes, Wish};
use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::file::directory;
use super::params::{Given, Mode, ParamProblem, PathText, Raw, Rule};
use super::paths;
use super::view::{Search, View};
use super::write_file::{self, Replace, Show, Verdict, Write};
use crate::base::{Map, Value};
use crate::params;
use crate::wire::action::Bytes;
use crate::wire::{Done, Failure, Follow, Query};

/// As `ansible.builtin.copy`.
pub struct Copy;

params! {
    /// Parameters of `copy`.
    pub struct CopyParams {
        /// The file or directory that is copied: of the project, searched for in `files/`, or with `remote_src` of the
        /// host. A directory is copied with its name, with a trailing slash only what is in it.
        src: Option<PathText>;
        /// The text that the file shall have, instead of `src`. A mapping or list is written as JSON.
        content: Option<Raw>;
        /// Where it is copied to. With a trailing slash, or where a directory is, the file gets the name of `src` below
        /// it; directories that are missing below a trailing slash are made. For a directory `src` it is a directory.
        dest: PathText;
        /// Whether a file that is replaced is kept beside the new one, its name and the time in the name.
        backup: bool = false;
        /// Whether a file that is there is replaced where it differs. Otherwise only a missing one is made.
        force: bool = true;
        /// The permissions of directories that are made, as `mode`. Left out, the user's umask decides.
        directory_mode: Option<Mode>;
        /// Whether `src` is a path on the host.
        remote_src: bool = false;
        /// Whether, where the destination is a symbolic link, the file that it leads to is written. Otherwise the link
        /// is replaced.
        follow: bool = false;
        /// Whether links in a directory that is copied are followed: their content is copied. Otherwise they are made as
        /// links. Left out, they are followed in the project, and on the host they stay links.
        local_follow: Option<bool>;
        /// The SHA-1 that a file that is copied must have, in hexadecimal.
        checksum: Option<String>;
        /// Whether files that are encrypted with Ansible's vault are decrypted.
        decrypt: bool = true;
        /// A command that must accept the new file before it replaces the old one; `%s` stands for its path.
        validate: Option<String>;
    }
    include { attributes: FileAttributes }
    rules [Rule::RequiredOneOf(&["src", "content"]), Rule::MutuallyExclusive(&["src", "content"])]
}

impl Module for Copy {
    type Params = CopyParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "copy",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("copy.rs"),
        returns: &[
            ("dest", "the file that was written"),
            ("src", "the file that was copied"),
            ("checksum", "SHA-1 of the content"),
            ("md5sum", "MD5 of the content, where it was written"),
            ("backup_file", "the former file, where it was kept"),
            ("state", "what the path is now"),
            ("mode", "its permissions, in octal"),
            ("owner", "its owner's name"),
            ("group", "its group's name"),
            ("uid", "its owner's number"),
            ("gid", "its group's number"),
            ("size", "its size in bytes"),
        ],
    };

    fn refusal(given: &Given, problems: &[ParamProblem]) -> Option<String> {
        let there = |name: &str| given.get(name).is_some_and(|value| *value != Value::Null);
        let lacking = problems.iter().any(|problem| problem.parameter.is_none());
        match (there("src") || there("content"), there("dest")) {
            _ if !lacking => None,
            (false, _) => Some("src (or content) is required".to_owned()),
            (true, false) => Some("dest is required".to_owned()),
            (true, true) => Some("src and content are mutually exclusive".to_owned()),
        }
    }

    fn plan(params: &CopyParams, view: &View<'_>) -> Result<Step, Halt> {
        let dest = paths::checked("dest", &params.dest)?;
        let content = params.content.as_ref().filter(|content| content.0 != Value::Null);
        let plan = match (&params.src, content) {
            (_, Some(content)) => text(params, &content.0, &dest, view)?,
            (Some(src), None) if src.is_empty() => return fail("src (or content) is required"),
            (Some(src), None) if params.remote_src => remote::plan(params, src, &dest, view)?,
            (Some(src), None) => local(params, src, &dest, view)?,
            (None, None) => return fail("src (or content) is required"),
        };
        Ok(Step::Plan(plan))
    }

    fn result(_: &CopyParams, view: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        write_file::final_result(view, plan, outcomes)
    }

    fn failure(_: &CopyParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        write_file::failed(failure)
    }
}

/// What one copied file is.
struct One<'a> {
    sha1: &'a str,
    content: &'a dyn Fn() -> Result<Bytes, Halt>,
    show: Show,
    mode: Option<Mode>,
    follow: Follow,
}

fn follow(params: &CopyParams) -> Follow {
    if params.follow { Follow::Yes } else { Follow::No }
}

/// The wanted mode, `preserve` being that of the source.
fn mode(params: &CopyParams, source: u32) -> Option<Mode> {
    match &params.attributes.mode {
        Some(Mode::Preserve) => Some(Mode::Bits(source)),
        other => other.clone(),
    }
}

fn one(
    plan: &mut Plan,
    params: &CopyParams,
    dest: &str,
    one: &One<'_>,
    view: &View<'_>,
) -> Result<Verdict, Halt> {
    let write = Write {
        module: "copy",
        dest,
        sha1: one.sha1,
        content: one.content,
        known: None,
        show: one.show,
        attributes: &params.attributes,
        mode: one.mode.clone(),
        follow: one.follow,
        replace: if params.force { Replace::Differing } else { Replace::Never },
        backup: params.backup,
        validate: params.validate.as_deref(),
    };
    let verdict = write_file::write(plan, &write, view)?;
    if verdict == Verdict::Written
        && let Some(wanted) = &params.checksum
        && wanted != one.sha1
    {
        return fail("Copied file does not match the expected checksum. Transfer failed.");
    }
    Ok(verdict)
}

fn text(params: &CopyParams, value: &Value, dest: &str, view: &View<'_>) -> Result<Plan, Halt> {
    let with_directory = "can not use content with a dir as dest";
    if dest.ends_with('/') {
        return fail(with_directory);
    }
    view.want(write_file::queries(dest, &params.attributes));
    let text = content::text(value);
    let content = Bytes::Inline(text.text.into_bytes());
    if view.stat(dest, Follow::Yes)?.is_some_and(|stat| stat.kind == crate::wire::FileKind::Directory) {
        return fail(with_directory);
    }
    let mut plan = Plan::default();
    write_file::directory_is_there(&mut plan, dest, view)?;
    let sha1 = content.sha1();
    let content = || Ok(content.clone());
    let file = One {
        sha1: &sha1,
        content: &content,
        show: text.show,
        mode: mode(params, 0o600),
        follow: follow(params),
    };
    let verdict = one(&mut plan, params, dest, &file, view)?;
    // as the original, whose text comes from a file that is gone afterwards
    Ok(if verdict == Verdict::Same { plan } else { plan.with("src", "(content)") })
}

fn local(params: &CopyParams, src: &str, dest: &str, view: &View<'_>) -> Result<Plan, Halt> {
    let controller = view.controller();
    let source = controller.find(Search::Files, src)?;
    if controller.is_directory(&source) {
        return tree::plan(params, src, &source, dest, view);
    }
    let shown = source.display().to_string();
    let name = paths::basename(&shown);
    view.want(write_file::queries(
        &if dest.ends_with('/') { paths::join(dest, name) } else { dest.to_owned() },
        &params.attributes,
    ));
    if may_be_directory(dest) {
        view.want(write_file::queries(&paths::join(dest, name), &params.attributes));
    }
    let (content, bits) = controller.read(&source)?;
    let (content, show) =
        if params.decrypt { write_file::decrypted(content, &source, view)? } else { (content, Show::Text) };
    let file = write_file::destination(dest, name, view)?;
    let mut plan = Plan::default();
    prepare(&mut plan, params, dest, &file, view)?;
    let sha1 = content.sha1();
    let content = || Ok(content.clone());
    let copied =
        One { sha1: &sha1, content: &content, show, mode: mode(params, bits), follow: follow(params) };
    let verdict = one(&mut plan, params, &file, &copied, view)?;
    if verdict != Verdict::Same {
        plan = plan.with("src", shown);
    }
    Ok(plan)
}

/// Whether a destination without a trailing slash may well be a directory: asked for at once, it saves an exchange.
fn may_be_directory(dest: &str) -> bool {
    !dest.ends_with('/') && !paths::basename(dest).contains('.')
}

/// The directory of a new file: made below a trailing slash, else it has to be there.
fn prepare(
    plan: &mut Plan,
    params: &CopyParams,
    dest: &str,
    file: &str,
    view: &View<'_>,
) -> Result<(), Halt> {
    if dest.ends_with('/') && view.stat(paths::parent(file), Follow::Yes)?.is_none() {
        let wish = directory_wish(params, view)?;
        return directory::make(plan, paths::parent(file), &wish, view);
    }
    write_file::directory_is_there(plan, file, view)
}

/// What directories that are made shall have.
fn directory_wish(params: &CopyParams, view: &View<'_>) -> Result<Wish, Halt> {
    Ok(params.attributes.wish("copy", None, view)?.with_mode(params.directory_mode.clone()))
}

fn stat(path: &str, follow: Follow) -> Query {
    Query::Stat { path: path.to_owned(), follow }
}
