//! `remote_src`: from one place on the host to another.

use super::{CopyParams, One, follow, may_be_directory, mode, one, prepare, stat};
use crate::base::Value;
use crate::modules::attributes::{self, Wish};
use crate::modules::contract::{Halt, Plan, Planned, Side, fail};
use crate::modules::diff::Diff;
use crate::modules::file::directory;
use crate::modules::params::Mode;
use crate::modules::view::{TEXT_LIMIT, View};
use crate::modules::write_file::{self, Show};
use crate::modules::{located, paths};
use crate::wire::action::Bytes;
use crate::wire::{
    Action, Algorithm, Change, Content, Digest, Entry, FileKind, Follow, Observation, Query, Stat,
};

pub(super) fn plan(params: &CopyParams, given: &str, dest: &str, view: &View<'_>) -> Result<Plan, Halt> {
    let src = located::placed(given, view)?;
    let name = paths::basename(&src);
    let md5 = Query::Digest { path: src.clone(), algorithm: Algorithm::Md5, limit: None };
    view.want([stat(&src, Follow::Yes), sum(&src), md5]);
    if !dest.ends_with('/') {
        view.want(write_file::queries(dest, &params.attributes));
    }
    if dest.ends_with('/') || may_be_directory(dest) {
        view.want(write_file::queries(&paths::join(dest, name), &params.attributes));
    }
    let Some(source) = view.stat(&src, Follow::Yes)? else {
        return fail(format!("Source {given} not found"));
    };
    if !source.readable {
        return fail(format!("Source {given} not readable"));
    }
    match source.kind {
        FileKind::File => {}
        FileKind::Directory => return Ok(tree(params, &src, dest, view)?.with("src", given)),
        _ => return fail(format!("Cannot copy invalid source '{given}': not a file")),
    }
    let Digest::Hash { hex: sha1, size } = view.sha1(&src)? else {
        return fail(format!("Source {given} not readable"));
    };
    if params.checksum.as_ref().is_some_and(|wanted| *wanted != sha1) {
        return fail("Copied file does not match the expected checksum. Transfer failed.");
    }
    let file = write_file::destination(dest, name, view)?;
    let mut plan = Plan::default();
    prepare(&mut plan, params, dest, &file, view)?;
    let content = || content(&src, &sha1, size, view);
    // a file that is written has the mode of its source, as one copied with its stat
    let same = view.sha1(&file)?;
    let written = !matches!(&same, Digest::Hash { hex, .. } if *hex == sha1);
    let mode = mode(params, source.mode).or_else(|| written.then_some(Mode::Bits(source.mode)));
    let copied = One { sha1: &sha1, content: &content, show: Show::Text, mode, follow: follow(params) };
    one(&mut plan, params, &file, &copied, view)?;
    plan.result.shift_remove("path");
    if let Digest::Hash { hex, .. } = view.digest(&src, Algorithm::Md5)? {
        plan.result.insert("md5sum".into(), hex.into());
    }
    Ok(plan.with("src", given))
}

fn sum(path: &str) -> Query {
    Query::Digest { path: path.to_owned(), algorithm: Algorithm::Sha1, limit: None }
}

/// A file's content: a small one is read, for the difference; of a larger one the host makes the copy.
fn content(src: &str, sha1: &str, size: u64, view: &View<'_>) -> Result<Bytes, Halt> {
    let on_host = Bytes::OnHost { path: src.to_owned(), sha1: sha1.to_owned(), size };
    if size > TEXT_LIMIT || !view.context().diff {
        return Ok(on_host);
    }
    match &*view.ask(&Query::Content { path: src.to_owned(), limit: TEXT_LIMIT })? {
        Observation::Content(Content::Bytes(bytes)) => Ok(Bytes::Inline(bytes.clone())),
        _ => Ok(on_host),
    }
}

/// A directory of the host with all that is in it.
fn tree(params: &CopyParams, src: &str, dest: &str, view: &View<'_>) -> Result<Plan, Halt> {
    let source = paths::trimmed(src);
    let given = paths::trimmed(dest);
    let root =
        if src.ends_with('/') { given.to_owned() } else { paths::join(given, paths::basename(source)) };
    let wish = params.attributes.wish("copy", None, view)?;
    let below = Query::Tree { path: source.to_owned() };
    view.want([below.clone(), Query::Tree { path: root.clone() }, stat(source, Follow::Yes)]);
    view.want([stat(&root, Follow::Yes), stat(given, Follow::Yes)]);
    if view.stat(given, Follow::Yes)?.is_some_and(|there| there.kind != FileKind::Directory) {
        return fail(format!("cannot copy the directory '{src}' over '{given}', which is none"));
    }
    let mut entries = view.entries(&below)?.unwrap_or_default();
    if params.local_follow == Some(true) {
        entries = followed(source, entries, view)?;
    }
    let files = entries.iter().filter(|entry| entry.stat.kind == FileKind::File);
    view.want(files.flat_map(|entry| {
        let place = paths::join(&root, &entry.name);
        [
            sum(&paths::join(source, &entry.name)),
            sum(&place),
            stat(&place, Follow::No),
            stat(&place, Follow::Yes),
        ]
    }));
    let mut plan = Plan::default();
    let top = view.stat(source, Follow::Yes)?;
    let mut made = Vec::new();
    directory_as(&mut plan, &root, top.as_ref(), &wish, &mut made, view)?;
    let mut count = 0_usize;
    for entry in &entries {
        let (from, to) = (paths::join(source, &entry.name), paths::join(&root, &entry.name));
        match entry.stat.kind {
            FileKind::Directory => directory_as(&mut plan, &to, Some(&entry.stat), &wish, &mut made, view)?,
            FileKind::Symlink => {
                link(&mut plan, &to, entry.stat.target.as_deref().unwrap_or_default(), &wish, view)?;
            }
            FileKind::File => {
                count += 1;
                file(&mut plan, params, (&from, &to), &entry.stat, view)?;
            }
            _ => return fail(format!("cannot copy `{from}`: it is neither a file nor a directory")),
        }
    }
    top_mode(&mut plan, params, given, view)?;
    plan.summary = if plan.changes.is_empty() {
        format!("already the same {}", crate::base::names::count(count, "file"))
    } else {
        format!("copy {} to {root}", crate::base::names::count(count, "file"))
    };
    // the place that the original tells of: of a directory that is there, or with a slash, what is in it
    let at = if dest.ends_with('/') || view.stat(given, Follow::Yes)?.is_some() {
        paths::join(dest, paths::basename(src))
    } else {
        dest.to_owned()
    };
    plan.result = crate::map! {"checksum" => Value::Null, "md5sum" => Value::Null, "state" => "directory"};
    if let (true, Some(there)) = (plan.changes.is_empty(), view.stat(paths::trimmed(&at), Follow::No)?) {
        plan.result.extend(attributes::path_keys(&there));
    }
    Ok(plan.with("dest", at))
}

/// With links replaced by what they lead to.
fn followed(source: &str, entries: Vec<Entry>, view: &View<'_>) -> Result<Vec<Entry>, Halt> {
    let links = || entries.iter().filter(|entry| entry.stat.kind == FileKind::Symlink);
    view.want(links().map(|entry| stat(&paths::join(source, &entry.name), Follow::Yes)));
    let mut all = Vec::new();
    for entry in &entries {
        if entry.stat.kind != FileKind::Symlink {
            all.push(entry.clone());
            continue;
        }
        let path = paths::join(source, &entry.name);
        let Some(stat) = view.stat(&path, Follow::Yes)? else {
            return fail(format!("cannot copy `{path}`: the link leads nowhere"));
        };
        let is_directory = stat.kind == FileKind::Directory;
        all.push(Entry { name: entry.name.clone(), stat });
        if is_directory {
            let inside = view.entries(&Query::Tree { path: path.clone() })?.unwrap_or_default();
            let inside = followed(&path, inside, view)?;
            all.extend(
                inside
                    .into_iter()
                    .map(|below| Entry { name: paths::join(&entry.name, &below.name), stat: below.stat }),
            );
        }
    }
    Ok(all)
}

/// A directory: made with the mode of its source, or its owner and group set.
fn directory_as(
    plan: &mut Plan,
    path: &str,
    source: Option<&Stat>,
    wish: &Wish,
    made: &mut Vec<String>,
    view: &View<'_>,
) -> Result<(), Halt> {
    let below_made = made.iter().any(|above| paths::parent(path) == above);
    let there = if below_made { None } else { view.stat(path, Follow::Yes)? };
    match there {
        Some(there) => {
            let settled = wish.with_mode(None).settle(path, &there, view)?;
            plan.changes.extend(attributes::set(path, &settled).map(on_host));
            plan.diffs.extend(settled.diffs);
        }
        None => {
            let wish = wish.with_mode(source.map(|source| Mode::Bits(source.mode)));
            let above = paths::parent(path);
            if !below_made && view.stat(above, Follow::Yes)?.is_none() {
                directory::make(plan, above, &Wish::default(), view)?;
            }
            directory::make_one(plan, path, &wish);
            made.push(path.to_owned());
        }
    }
    Ok(())
}

fn file(
    plan: &mut Plan,
    params: &CopyParams,
    (from, to): (&str, &str),
    source: &Stat,
    view: &View<'_>,
) -> Result<(), Halt> {
    let Digest::Hash { hex: sha1, size } = view.sha1(from)? else {
        return fail(format!("Source {from} not readable"));
    };
    let content = || content(from, &sha1, size, view);
    let same = matches!(view.sha1(to)?, Digest::Hash { hex, .. } if hex == sha1);
    let mode = (!same).then_some(Mode::Bits(source.mode));
    let copied = One { sha1: &sha1, content: &content, show: Show::Text, mode, follow: Follow::No };
    one(plan, params, to, &copied, view).map(drop)
}

/// A link with this text.
pub(super) fn link(
    plan: &mut Plan,
    path: &str,
    target: &str,
    wish: &Wish,
    view: &View<'_>,
) -> Result<(), Halt> {
    let there = view.stat(path, Follow::No)?;
    if let Some(there) = there.as_ref().filter(|there| there.target.as_deref() == Some(target)) {
        let settled = wish.settle(path, there, view)?;
        plan.changes.extend(attributes::set(path, &settled).map(on_host));
        plan.diffs.extend(settled.diffs);
        return Ok(());
    }
    if there.as_ref().is_some_and(|there| there.kind == FileKind::Directory) {
        return fail(format!("cannot make a link of the directory `{path}`"));
    }
    let fresh = wish.fresh(path, FileKind::Symlink);
    let before = there.map_or("absent", |there| attributes::state(there.kind, there.links));
    let action =
        Action::Symlink { path: path.to_owned(), target: target.to_owned(), attributes: fresh.attributes };
    plan.changes.push(on_host(Change::new(action)));
    plan.diffs.push(Diff::attribute(path, "state", before, format!("link to {target}")));
    Ok(())
}

/// The mode that the task gives is that of the destination itself.
fn top_mode(plan: &mut Plan, params: &CopyParams, path: &str, view: &View<'_>) -> Result<(), Halt> {
    let Some(wanted) = &params.attributes.mode else { return Ok(()) };
    if *wanted == Mode::Preserve {
        return Ok(());
    }
    let wish = Wish::default().with_mode(Some(wanted.clone()));
    let settled = match view.stat(path, Follow::Yes)? {
        Some(there) => wish.settle(path, &there, view)?,
        None => wish.fresh(path, FileKind::Directory),
    };
    plan.changes.extend(attributes::set(path, &settled).map(on_host));
    plan.diffs.extend(settled.diffs);
    Ok(())
}

fn on_host(change: Change) -> Planned {
    Planned { side: Side::Host, change }
}
