//! The way through directories, as `os.walk` from the top.

use std::collections::VecDeque;

use super::{Filter, FindParams, content_query, sum_of, told};
use crate::base::{Map, Value};
use crate::modules::contract::Halt;
use crate::modules::paths;
use crate::modules::view::View;
use crate::wire::{Entry, FileKind, Follow, Query};

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) files: Vec<Value>,
    pub(super) examined: usize,
    pub(super) skipped: Map,
    pub(super) warnings: Vec<String>,
    pub(super) limited: bool,
}

impl Found {
    fn skip(&mut self, path: &str, why: String) {
        self.warnings.push(format!("Skipped '{path}' path due to this access issue: {why}\n"));
        self.skipped.insert(path.into(), why.into());
    }
}

/// Searches one directory.
pub(super) fn walk(
    params: &FindParams,
    path: &str,
    found: &mut Found,
    filter: &Filter<'_>,
    view: &View<'_>,
) -> Result<(), Halt> {
    let root = paths::trimmed(path).to_owned();
    let query =
        if params.recurse { Query::Tree { path: root.clone() } } else { Query::List { path: root.clone() } };
    view.want([Query::Stat { path: root.clone(), follow: Follow::Yes }, query.clone()]);
    if view.stat(&root, Follow::Yes)?.is_none_or(|stat| stat.kind != FileKind::Directory) {
        found.skip(path, format!("'{path}' is not a directory"));
        return Ok(());
    }
    let entries = match view.entries(&query) {
        Ok(entries) => entries.unwrap_or_default(),
        Err(Halt::Failed(failed)) => {
            found.skipped.insert(path.into(), failed.message.clone().into());
            return Ok(());
        }
        Err(halt) => return Err(halt),
    };
    let mut taken: Vec<(String, Entry)> = Vec::new();
    let mut waiting = VecDeque::from([(root.clone(), entries, 1_u32)]);
    let mut seen = vec![root.clone()];
    while let Some((root, entries, level)) = waiting.pop_front() {
        // in the order of os.walk: a directory, then each below it to its end
        let mut directories = vec![(String::new(), level)];
        while let Some((below, level)) = directories.pop() {
            let here = inside(&entries, &below);
            found.examined += here.len();
            let (mut next, mut links) = (Vec::new(), Vec::new());
            let is_deep = params.depth.is_some_and(|depth| depth > 0 && level > depth);
            for entry in here.iter().filter(|_| !is_deep) {
                let name = entry.name.rsplit('/').next().unwrap_or_default();
                let full = paths::join(&root, &entry.name);
                match entry.stat.kind {
                    FileKind::Directory => {
                        if params.recurse && !entry.stat.readable {
                            let why = format!("[Errno 13] Permission denied: '{full}'");
                            found.skipped.insert(full.as_str().into(), why.into());
                        }
                        next.push((entry.name.clone(), level + 1));
                    }
                    FileKind::Symlink if params.follow && params.recurse => links.push(full.clone()),
                    _ => {}
                }
                if (params.hidden || !name.starts_with('.')) && filter.takes(name, &entry.stat) {
                    taken.push((full, (*entry).clone()));
                }
            }
            if params.recurse {
                directories.extend(next.into_iter().rev());
                follow(&links, level, &mut waiting, &mut seen, view)?;
            }
        }
    }
    tell(params, path, taken, found, filter, view)
}

/// What is directly in a directory of a tree: files first.
fn inside<'a>(entries: &'a [Entry], below: &str) -> Vec<&'a Entry> {
    let prefix = if below.is_empty() { String::new() } else { format!("{below}/") };
    let mut here: Vec<&Entry> = entries
        .iter()
        .filter(|entry| entry.name.strip_prefix(&prefix).is_some_and(|rest| !rest.contains('/')))
        .collect();
    here.sort_by_key(|entry| entry.stat.kind == FileKind::Directory);
    here
}

/// The trees that links lead to.
fn follow(
    links: &[String],
    level: u32,
    waiting: &mut VecDeque<(String, Vec<Entry>, u32)>,
    seen: &mut Vec<String>,
    view: &View<'_>,
) -> Result<(), Halt> {
    view.want(links.iter().map(|path| Query::Stat { path: path.clone(), follow: Follow::Yes }));
    for path in links {
        let Some(stat) = view.stat(path, Follow::Yes)? else { continue };
        let place = stat.resolved.clone().unwrap_or_else(|| path.clone());
        if stat.kind == FileKind::Directory && !seen.contains(&place) {
            seen.push(place);
            let entries = view.entries(&Query::Tree { path: path.clone() })?.unwrap_or_default();
            waiting.push_back((path.clone(), entries, level + 1));
        }
    }
    Ok(())
}

/// Looks into the files that were taken and tells what they are.
fn tell(
    params: &FindParams,
    path: &str,
    taken: Vec<(String, Entry)>,
    found: &mut Found,
    filter: &Filter<'_>,
    view: &View<'_>,
) -> Result<(), Halt> {
    let is_file = |entry: &Entry| entry.stat.kind == FileKind::File;
    let looks_in = params.contains.is_some() && params.file_type == super::FileType::File;
    let files = || taken.iter().filter(|(_, entry)| is_file(entry)).map(|(path, _)| path);
    if looks_in {
        view.want(files().map(|path| content_query(path)));
    }
    if params.get_checksum {
        let sum =
            |path: &String| Query::Digest { path: path.clone(), algorithm: sum_of(params), limit: None };
        view.want(files().map(sum));
    }
    let limit = params.limit.and_then(|limit| usize::try_from(limit).ok());
    for (file, entry) in &taken {
        if looks_in {
            match filter.contains(file, view)? {
                Ok(true) => {}
                Ok(false) => continue,
                Err(why) => {
                    found.skip(path, why);
                    return Ok(());
                }
            }
        }
        found.files.push(Value::map(told(params, file, &entry.stat, view)?));
        if limit == Some(found.files.len()) {
            found.limited = true;
            break;
        }
    }
    Ok(())
}
