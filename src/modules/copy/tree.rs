//! A directory of the project with all that is in it.

use std::collections::BTreeSet;
use std::path::Path;

use super::{CopyParams, One, directory_wish, follow, mode, one, stat};
use crate::modules::contract::{Halt, Plan};
use crate::modules::file::directory;
use crate::modules::paths;
use crate::modules::view::{InTree, Links, View};
use crate::modules::write_file::{self, Show, Verdict};
use crate::wire::Follow;

pub(super) fn plan(
    params: &CopyParams,
    src: &str,
    source: &Path,
    dest: &str,
    view: &View<'_>,
) -> Result<Plan, Halt> {
    let follows = if params.local_follow == Some(false) { Links::Kept } else { Links::Followed };
    let mut entries: Vec<(String, bool)> = Vec::new();
    let mut links: Vec<(String, String)> = Vec::new();
    for (below, kind) in view.controller().tree(source, follows)? {
        match kind {
            InTree::Directory => entries.push((below, true)),
            InTree::File => entries.push((below, false)),
            InTree::Link(text) => links.push((below, text)),
        }
    }
    let shown = source.display().to_string();
    // without a trailing slash the directory itself is copied, by its name
    let root = paths::trimmed(dest);
    let root = if src.ends_with('/') { root.to_owned() } else { paths::join(root, paths::basename(&shown)) };
    let place = |below: &str| paths::join(&root, below);
    for (below, is_directory) in &entries {
        if *is_directory {
            view.want([stat(&place(below), Follow::Yes), stat(&place(below), Follow::No)]);
        } else {
            view.want(write_file::queries(&place(below), &params.attributes));
        }
    }
    let mut plan = Plan::default();
    let mut made = BTreeSet::new();
    let wish = directory_wish(params, view)?;
    // the root is made where something is to be in it; one that is there is left alone
    if !(entries.is_empty() && links.is_empty()) && view.stat(&root, Follow::Yes)?.is_none() {
        directory::make(&mut plan, &root, &wish, view)?;
        made.insert(root.clone());
    }
    let follow =
        if entries.iter().any(|(_, is_directory)| *is_directory) { Follow::No } else { follow(params) };
    let (mut written, mut files) = (0_usize, 0_usize);
    for (below, is_directory) in &entries {
        let path = place(below);
        if *is_directory {
            if made.contains(paths::parent(&path)) {
                directory::make_one(&mut plan, &path, &wish);
                made.insert(path);
            } else if view.stat(&path, Follow::Yes)?.is_none() {
                directory::make(&mut plan, &path, &wish, view)?;
                made.insert(path);
            } else {
                directory::ensure(&mut plan, &path, &wish, view)?;
            }
            continue;
        }
        files += 1;
        let (content, bits) = view.controller().read(&source.join(below))?;
        let (content, show) = if params.decrypt {
            write_file::decrypted(content, &source.join(below), view)?
        } else {
            (content, Show::Text)
        };
        let sha1 = content.sha1();
        let content = || Ok(content.clone());
        let file = One { sha1: &sha1, content: &content, show, mode: mode(params, bits), follow };
        let before = plan.changes.len();
        let verdict = one(&mut plan, params, &path, &file, view)?;
        written += usize::from(verdict == Verdict::Written || plan.changes.len() > before);
    }
    for (below, target) in &links {
        super::remote::link(
            &mut plan,
            &place(below),
            target,
            &params.attributes.wish("copy", None, view)?,
            view,
        )?;
    }
    plan.summary = if plan.changes.is_empty() {
        format!("already the same {}", crate::base::names::count(files, "file"))
    } else {
        format!("copy {written} of {} to {root}", crate::base::names::count(files, "file"))
    };
    if files != 1 || !links.is_empty() {
        // as the original: the keys of a single file make no sense for many
        plan.result.clear();
        plan = plan.with("dest", paths::join(dest, "")).with("src", shown);
    }
    Ok(plan)
}
