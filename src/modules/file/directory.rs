//! `state: directory`: made with all directories above it; with `recurse` everything below is settled too.

use super::{Task, on_host, previous};
use crate::modules::attributes::{Wish, set};
use crate::modules::contract::{Halt, Plan, fail};
use crate::modules::diff::Diff;
use crate::modules::paths;
use crate::modules::view::View;
use crate::wire::{Action, Change, FileKind, Follow, Query};

impl Task<'_> {
    pub(super) fn directory(self) -> Result<Plan, Halt> {
        let (path, there) = self.managed()?;
        let shown = if path == self.path { self.given.clone() } else { path.clone() };
        let wish = self.wish(there.as_ref())?;
        let Some(stat) = there else {
            let mut plan = Plan::nothing(format!("make the directory {path}"));
            make(&mut plan, &path, &wish, self.view)?;
            self.finish(&mut plan, &wish, &path)?;
            plan.warnings.clone_from(&wish.warnings);
            plan.result = wish.keys(None, FileKind::Directory, 4096, &self.view.context().user);
            plan.result.shift_remove("size");
            return Ok(plan.with("path", shown));
        };
        if stat.kind != FileKind::Directory {
            return fail(format!("{shown} already exists as a {}", previous(&stat)));
        }
        let mut plan = Plan::default();
        self.settle(&mut plan, &wish, &path, &stat)?;
        if self.params.recurse {
            self.below(&mut plan, &wish, &path)?;
        }
        let count = plan.changes.len();
        let mut plan = self.settled(plan, "path", &shown, &wish, &stat);
        if count > 1 {
            plan.summary = format!("set attributes of {count} paths in {path}");
        }
        Ok(plan)
    }

    /// Settles everything below a directory, and what links lead to where they are followed.
    fn below(&self, plan: &mut Plan, wish: &Wish, root: &str) -> Result<(), Halt> {
        let (mut roots, mut done) = (vec![root.to_owned()], Vec::new());
        while let Some(root) = roots.pop() {
            if done.contains(&root) {
                continue;
            }
            let tree = Query::Tree { path: root.clone() };
            let entries = self.view.entries(&tree)?.unwrap_or_default();
            let links: Vec<_> = entries
                .iter()
                .filter(|entry| self.params.follow && entry.stat.kind == FileKind::Symlink)
                .filter_map(|entry| entry.stat.resolved.clone())
                .collect();
            self.view.want(links.iter().map(|path| Query::Stat { path: path.clone(), follow: Follow::No }));
            for entry in &entries {
                self.settle(plan, wish, &paths::join(&root, &entry.name), &entry.stat)?;
            }
            for path in links {
                let Some(stat) = self.view.stat(&path, Follow::No)? else { continue };
                self.settle(plan, wish, &path, &stat)?;
                if stat.kind == FileKind::Directory {
                    roots.push(path);
                }
            }
            done.push(root);
        }
        Ok(())
    }
}

/// Plans a directory with the directories above it that are missing, each with the wanted attributes.
pub(in crate::modules) fn make(
    plan: &mut Plan,
    path: &str,
    wish: &Wish,
    view: &View<'_>,
) -> Result<(), Halt> {
    let mut missing = vec![path];
    if view.stat(paths::parent(path), Follow::Yes)?.is_none() {
        let above = paths::ancestors(path);
        view.want(above.iter().map(|path| Query::Stat { path: (*path).to_owned(), follow: Follow::Yes }));
        for above in above {
            match view.stat(above, Follow::Yes)? {
                None => missing.push(above),
                Some(stat) if stat.kind != FileKind::Directory => return not_a_directory(path),
                Some(_) => break,
            }
        }
    } else if view
        .stat(paths::parent(path), Follow::Yes)?
        .is_some_and(|stat| stat.kind != FileKind::Directory)
    {
        return not_a_directory(path);
    }
    for path in missing.into_iter().rev() {
        make_one(plan, path, wish);
    }
    Ok(())
}

/// Plans a directory whose parent is there or planned.
pub(in crate::modules) fn make_one(plan: &mut Plan, path: &str, wish: &Wish) {
    let fresh = wish.fresh(path, FileKind::Directory);
    let action = Action::MakeDirectory { path: path.to_owned(), attributes: fresh.attributes };
    plan.changes.push(on_host(Change::new(action)));
    plan.diffs.push(Diff::attribute(path, "state", "absent", "directory"));
    plan.diffs.extend(fresh.diffs);
}

/// Plans a directory as [`make`], or the attributes of the one that is there.
pub(in crate::modules) fn ensure(
    plan: &mut Plan,
    path: &str,
    wish: &Wish,
    view: &View<'_>,
) -> Result<(), Halt> {
    match view.stat(path, Follow::Yes)? {
        None => make(plan, path, wish, view),
        Some(stat) if stat.kind == FileKind::Directory => {
            let settled = wish.settle(path, &stat, view)?;
            plan.changes.extend(set(path, &settled).map(on_host));
            plan.diffs.extend(settled.diffs);
            Ok(())
        }
        Some(stat) => fail(format!("{path} already exists as a {}", previous(&stat))),
    }
}

fn not_a_directory<T>(path: &str) -> Result<T, Halt> {
    fail(format!("There was an issue creating {path} as requested: [Errno 20] Not a directory: '{path}'"))
}
