//! Writing one file with a known content: what `copy`, `template` and the modules that edit files share.

use std::path::Path;

use super::attributes::{self, FileAttributes, Origin, Wish};
use super::contract::{Failed, Halt, Plan, Planned, Side, fail};
use super::diff::Diff;
use super::params::Mode;
use super::paths;
use super::view::{TEXT_LIMIT, View};
use crate::base::{Map, Value};
use crate::wire::action::Bytes;
use crate::wire::{
    Action, Algorithm, Change, Content, Digest, Done, Expect, Failure, FailureKind, FileKind, Follow, Query,
    Stat,
};

/// The most bytes of a file that are read to be edited or copied on the host.
pub const EDIT_LIMIT: u64 = 16 << 20;

/// A file that is to have a content.
pub struct Write<'a> {
    /// The module's name, for messages.
    pub module: &'static str,
    /// The file's path.
    pub dest: &'a str,
    /// SHA-1 of the content.
    pub sha1: &'a str,
    /// The content; asked for where it differs from what is there.
    pub content: &'a dyn Fn() -> Result<Bytes, Halt>,
    /// What is there, where the module has read it already.
    pub known: Option<&'a [u8]>,
    /// Whether the content may be shown.
    pub show: Show,
    /// Attributes that are wanted, `mode` aside.
    pub attributes: &'a FileAttributes,
    /// Permissions that are wanted.
    pub mode: Option<Mode>,
    /// Whether a final link is followed.
    pub follow: Follow,
    /// Whether a file that is there is replaced.
    pub replace: Replace,
    /// Whether the former file is kept.
    pub backup: bool,
    /// A command that must accept the new file.
    pub validate: Option<&'a str>,
}

/// Whether a content may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// As text.
    Text,
    /// There is a secret in it, so that the whole task is hidden where secrets are.
    Hidden,
}

/// Whether a file that is there is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replace {
    /// Where it differs.
    Differing,
    /// Never (`force: false`).
    Never,
}

/// What became of a file in a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is there, and `force` is off.
    Kept,
    /// Its content is as wanted; attributes may be set.
    Same,
    /// It is written.
    Written,
}

/// What has to be read for a file to be written; for [`View::want`].
pub fn queries(dest: &str, attributes: &FileAttributes) -> Vec<Query> {
    let path = paths::trimmed(dest).to_owned();
    let mut wanted = path_queries(dest, attributes);
    wanted.push(Query::Digest { path, algorithm: Algorithm::Sha1, limit: None });
    wanted
}

/// As [`queries`], for a module that reads the content itself.
pub fn path_queries(dest: &str, attributes: &FileAttributes) -> Vec<Query> {
    let dest = paths::trimmed(dest);
    let stat = |path: &str, follow| Query::Stat { path: path.to_owned(), follow };
    let mut wanted =
        vec![stat(dest, Follow::No), stat(dest, Follow::Yes), stat(paths::parent(dest), Follow::Yes)];
    wanted.extend(attributes.queries());
    wanted.extend(Wish::flags_query(attributes, dest));
    wanted
}

/// Adds to a plan what makes the file as wanted. The plan's summary and result are those of this file.
pub fn write(plan: &mut Plan, write: &Write<'_>, view: &View<'_>) -> Result<Verdict, Halt> {
    let Write { dest, sha1, attributes, mode, follow, replace, validate, .. } = write;
    if validate.is_some_and(|command| !command.contains("%s")) {
        return fail(format!("validate must contain %s: {}", validate.unwrap_or_default()));
    }
    let there = view.stat(dest, Follow::No)?;
    if there.is_some() && *replace == Replace::Never {
        plan.summary = String::from("already there, and `force` is off");
        plan.result.insert("dest".into(), (*dest).into());
        return Ok(Verdict::Kept);
    }
    let file = File::find(dest, there, *follow, write.known, view)?;
    let wish = attributes.wish(write.module, file.stat.as_ref(), view)?.with_mode(mode.clone());
    for warning in &wish.warnings {
        if !plan.warnings.contains(warning) {
            plan.warnings.push(warning.clone());
        }
    }
    plan.tainted |= write.show == Show::Hidden;
    let user = &view.context().user;
    if let (Some(stat), Some((is, _))) = (&file.stat, &file.sum)
        && is == sha1
    {
        let before = plan.changes.len();
        settle(plan, &wish, &file.path, stat, view)?;
        plan.summary = if plan.changes.len() == before {
            format!("already the same content, {}", attributes::summary(stat))
        } else {
            format!("set attributes of {}", file.path)
        };
        plan.result.extend(wish.keys(Some(stat), stat.kind, stat.size, user));
        plan.result.extend(
            crate::map! {"path" => file.path.as_str(), "dest" => file.path.as_str(), "checksum" => *sha1},
        );
        return Ok(Verdict::Same);
    }
    let content = (write.content)()?;
    let size = content.size();
    if let Bytes::Inline(bytes) = &content {
        let md5 = crate::wire::action::hex(&<md5::Md5 as md5::Digest>::digest(bytes));
        plan.result.insert("md5sum".into(), md5.into());
    }
    plan.result.extend(wish.keys(file.stat.as_ref(), FileKind::File, size, user));
    plan.result.extend(crate::map! {"dest" => file.path.as_str(), "checksum" => *sha1});
    plan.summary = format!("{} {}", if file.stat.is_some() { "write" } else { "make" }, file.path);
    replace_content(plan, write, &file, &wish, content, view)?;
    Ok(Verdict::Written)
}

/// The file that is at a path, or that a link at it leads to.
struct File {
    path: String,
    /// The regular file's stat, where it is one.
    stat: Option<Stat>,
    /// SHA-1 and size of its content.
    sum: Option<(String, u64)>,
    /// What is in its place that is no regular file: Ansible's name for it.
    other: Option<&'static str>,
    follow: Follow,
}

impl File {
    fn find(
        dest: &str,
        there: Option<Stat>,
        follow: Follow,
        known: Option<&[u8]>,
        view: &View<'_>,
    ) -> Result<Self, Halt> {
        let mut file = Self { path: dest.to_owned(), stat: None, sum: None, other: None, follow: Follow::No };
        let Some(there) = there else { return Ok(file) };
        let stat = match (there.kind, follow, &there.resolved) {
            (FileKind::Symlink, Follow::Yes, Some(resolved)) => {
                file.path.clone_from(resolved);
                file.follow = Follow::Yes;
                view.stat(dest, Follow::Yes)?
            }
            _ => Some(there),
        };
        match stat {
            Some(stat) if stat.kind == FileKind::File => {
                file.sum = match known {
                    Some(bytes) => Some((Bytes::Inline(bytes.to_vec()).sha1(), bytes.len() as u64)),
                    None => match view.sha1(dest)? {
                        Digest::Hash { hex, size } => Some((hex, size)),
                        Digest::Absent | Digest::NotAFile(_) | Digest::TooLarge { .. } => None,
                    },
                };
                file.stat = Some(stat);
            }
            Some(stat) => file.other = Some(attributes::state(stat.kind, 1)),
            None => {}
        }
        Ok(file)
    }
}

/// Sets attributes of a file that keeps its content.
fn settle(plan: &mut Plan, wish: &Wish, path: &str, stat: &Stat, view: &View<'_>) -> Result<(), Halt> {
    let settled = wish.settle(path, stat, view)?;
    plan.changes.extend(attributes::set(path, &settled).map(on_host));
    plan.diffs.extend(settled.diffs);
    if let Some((change, diff)) = wish.flags(path, Origin::There, view)? {
        plan.changes.push(on_host(change));
        plan.diffs.push(diff);
    }
    Ok(())
}

fn replace_content(
    plan: &mut Plan,
    write: &Write<'_>,
    file: &File,
    wish: &Wish,
    content: Bytes,
    view: &View<'_>,
) -> Result<(), Halt> {
    let diff = content_diff(write, file, &content, view)?;
    let (attributes, diffs) = match &file.stat {
        Some(stat) => {
            let settled = wish.settle(&file.path, stat, view)?;
            (settled.attributes, settled.diffs)
        }
        None => {
            let fresh = wish.fresh(&file.path, FileKind::File);
            (fresh.attributes, fresh.diffs)
        }
    };
    let expect = match (&file.sum, file.other) {
        (Some((sha1, _)), _) => Expect::Sha1(sha1.clone()),
        (None, Some(_)) => Expect::Anything,
        (None, None) => Expect::Absent,
    };
    let action = Action::WriteFile {
        path: file.path.clone(),
        content,
        attributes,
        expect,
        backup: write.backup && (file.stat.is_some() || file.other.is_some()),
        validate: write.validate.map(str::to_owned),
        follow: Follow::No,
        in_place: write.attributes.unsafe_writes,
    };
    plan.changes.push(on_host(Change::new(action)));
    if let Some(other) = file.other {
        plan.diffs.push(Diff::attribute(&file.path, "state", other, "file"));
    }
    plan.diffs.push(diff);
    plan.diffs.extend(diffs);
    if let Some((change, diff)) = wish.flags(&file.path, Origin::Made, view)? {
        plan.changes.push(on_host(change));
        plan.diffs.push(diff);
    }
    Ok(())
}

/// The difference of the contents: as text where both are known, small and may be shown. What is there is read for it
/// only where differences are wanted.
fn content_diff(write: &Write<'_>, file: &File, content: &Bytes, view: &View<'_>) -> Result<Diff, Halt> {
    let opaque = || Diff::Opaque {
        subject: file.path.clone(),
        before: file.sum.as_ref().map(|(sha1, size)| (*size, sha1.clone())),
        after: Some((content.size(), write.sha1.to_owned())),
    };
    let Bytes::Inline(after) = content else { return Ok(opaque()) };
    let too_large = |size: u64| size > TEXT_LIMIT;
    let hidden = write.show == Show::Hidden && !view.context().shows_secrets;
    if hidden || too_large(after.len() as u64) {
        return Ok(opaque());
    }
    if let (Some(before), Some(_)) = (write.known, &file.sum) {
        return Ok(if too_large(before.len() as u64) {
            opaque()
        } else {
            Diff::content(&file.path, Some(before), Some(after))
        });
    }
    match &file.sum {
        None => Ok(Diff::content(&file.path, None, Some(after))),
        Some((_, size)) if !view.context().diff || too_large(*size) => Ok(opaque()),
        Some(_) => match view.content(&file.path)? {
            Content::Bytes(before) => Ok(Diff::content(&file.path, Some(&before), Some(after))),
            Content::Absent | Content::NotAFile(_) | Content::TooLarge { .. } => Ok(opaque()),
        },
    }
}

/// Fails, as the original, where the directory of a new file is not there. In check mode the original does not look:
/// what an earlier task installs may bring it; then it is a warning.
pub fn directory_is_there(plan: &mut Plan, dest: &str, view: &View<'_>) -> Result<(), Halt> {
    if view.stat(dest, Follow::No)?.is_some() {
        return Ok(());
    }
    let above = paths::parent(dest);
    if view.stat(above, Follow::Yes)?.is_some() {
        return Ok(());
    }
    let message = format!("Destination directory {above} does not exist");
    if view.context().check_mode {
        plan.warnings.push(format!("{message}: an earlier task has to bring it"));
        return Ok(());
    }
    fail(message)
}

/// The backup that a plan's writes made.
pub fn backup(outcomes: &[Done]) -> Option<String> {
    outcomes.iter().find_map(|outcome| match outcome {
        Done::Written { backup } => backup.clone(),
        Done::Plain | Done::Ran(_) | Done::Answered(_) | Done::Started { .. } => None,
    })
}

/// The failure of a write: where the validation refused the file, in the original's words with the command's output.
pub fn failed(failure: &Failure) -> Failed {
    let mut result = Map::new();
    let Some(output) = &failure.output else {
        return Failed { message: failure.message.clone(), ..Failed::default() };
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    result.extend(crate::map! {
        "exit_status" => output.status,
        "stdout" => text(&output.stdout),
        "stdout_lines" => Value::list(text(&output.stdout).lines().map(Value::from)),
        "stderr" => text(&output.stderr),
        "stderr_lines" => Value::list(text(&output.stderr).lines().map(Value::from)),
    });
    let message = match failure.kind {
        FailureKind::Validation => "failed to validate".to_owned(),
        _ => failure.message.clone(),
    };
    let hint = (failure.kind == FailureKind::Validation).then(|| {
        text(if output.stderr.is_empty() { &output.stdout } else { &output.stderr }).trim().to_owned()
    });
    Failed { message, hint: hint.filter(|hint| !hint.is_empty()), result, ..Failed::default() }
}

/// What `register` sees after the run: the plan's keys, with those of the path as it is now and the backup's name.
pub fn final_result(view: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
    let mut result = plan.result.clone();
    if let Some(backup) = backup(outcomes) {
        result.insert("backup_file".into(), backup.into());
    }
    if result.get("state").and_then(Value::as_str).is_none_or(|state| state == "absent") {
        return Ok(result);
    }
    let path = ["path", "dest"].into_iter().find_map(|key| result.get(key)?.as_str().map(str::to_owned));
    if let Some(path) = path
        && let Some(stat) = view.stat(paths::trimmed(&path), Follow::No)?
    {
        result.extend(attributes::path_keys(&stat));
    }
    Ok(result)
}

/// The file that a destination means: with a trailing slash or where a directory is, `name` below it.
pub fn destination(dest: &str, name: &str, view: &View<'_>) -> Result<String, Halt> {
    let mut file = if dest.ends_with('/') { paths::join(dest, name) } else { dest.to_owned() };
    if view.stat(&file, Follow::Yes)?.is_some_and(|stat| stat.kind == FileKind::Directory) {
        file = paths::join(&file, name);
    }
    Ok(file)
}

/// The content of a file of the project: where it is encrypted with vault what it holds, which must not be shown.
pub fn decrypted(content: Bytes, path: &Path, view: &View<'_>) -> Result<(Bytes, Show), Halt> {
    let is_plain = matches!(&content, Bytes::Inline(bytes) if !crate::secrets::is_sealed(bytes));
    let plain = if is_plain { None } else { view.controller().decrypted(path)? };
    Ok(plain.map_or((content, Show::Text), |plain| (Bytes::Inline(plain), Show::Hidden)))
}

fn on_host(change: Change) -> Planned {
    Planned { side: Side::Host, change }
}
