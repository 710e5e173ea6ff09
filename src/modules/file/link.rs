//! `state: link` and `state: hard`.

use super::{Task, on_host, previous, previous_or_absent};
use crate::base::Value;
use crate::modules::attributes::Wish;
use crate::modules::contract::{Failed, Halt, Plan, fail};
use crate::modules::diff::Diff;
use crate::modules::{located, paths};
use crate::wire::{Action, Attributes, Change, FileKind, Follow, Query, Stat};

impl Task<'_> {
    pub(super) fn link(self) -> Result<Plan, Halt> {
        let path = &self.path;
        let before = previous_or_absent(self.there.as_ref());
        let current = self.there.as_ref().and_then(|stat| stat.target.clone());
        let given = self.params.src.as_ref().map(|src| src.0.clone());
        let Some(src) = given.or_else(|| current.clone()) else {
            return fail("src is required for creating new symlinks");
        };
        let start = if before == "directory" { path.as_str() } else { paths::parent(path) };
        let target = paths::join(start, &src);
        let leads_to = self.view.stat(&target, Follow::Yes)?;
        if !self.params.force && self.params.src.is_some() && leads_to.is_none() {
            return fail(format!(
                "src file does not exist, use 'force=yes' if you really want to create the link: {target}"
            ));
        }
        match before {
            "directory" | "file" | "hard" if !self.params.force => {
                return fail(format!("refusing to convert from {before} to symlink for {}", self.given));
            }
            "directory" => {
                let inside = self.view.entries(&Query::List { path: path.clone() })?;
                if inside.is_some_and(|entries| !entries.is_empty()) {
                    let given = &self.given;
                    return fail(format!("the directory {given} is not empty, refusing to convert it"));
                }
            }
            _ => {}
        }
        let mut plan = Plan::default();
        let made = current.as_deref() != Some(src.as_str());
        let mut wish = self.wish(self.there.as_ref().or(leads_to.as_ref()))?;
        plan.warnings.append(&mut wish.warnings);
        if made {
            let attributes = if self.params.follow {
                Attributes::default()
            } else {
                Attributes { mode: None, ..wish.fresh(path, FileKind::Symlink).attributes }
            };
            let link = Action::Symlink { path: path.clone(), target: src.clone(), attributes };
            plan.changes.push(on_host(Change::new(link)));
            if before != "link" {
                plan.diffs.push(Diff::attribute(path, "state", before, "link"));
            }
            plan.diffs.push(Diff::attribute(path, "src", current.unwrap_or_default(), &src));
        }
        self.link_attributes(&mut plan, &wish, &target, leads_to.as_ref())?;
        plan.summary = match (made, plan.changes.is_empty()) {
            (true, _) => format!("link {path} to {src}"),
            (false, true) => format!("already a link to {src}"),
            (false, false) => format!("set attributes of {target}"),
        };
        let there = self.there.as_ref().filter(|stat| stat.kind == FileKind::Symlink);
        let plain = if self.params.follow { Wish::default() } else { wish };
        let user = &self.view.context().user;
        plan.result = plain.keys(there, FileKind::Symlink, src.len() as u64, user);
        Ok(plan.with("dest", self.given.as_str()).with("src", src))
    }

    /// Attributes of what a link leads to where links are followed, else of the link that is there.
    fn link_attributes(
        &self,
        plan: &mut Plan,
        wish: &Wish,
        target: &str,
        leads_to: Option<&Stat>,
    ) -> Result<(), Halt> {
        match (self.params.follow, leads_to, &self.there) {
            (true, Some(stat), _) => {
                let lstat = self.view.stat(target, Follow::No)?;
                let path = lstat.and_then(|stat| stat.resolved).unwrap_or_else(|| target.to_owned());
                self.settle(plan, wish, &path, stat)
            }
            (true, None, _) => {
                let warning = "Cannot set fs attributes on a non-existent symlink target. follow should be set to \
                               False to avoid this.";
                plan.warnings.push(warning.to_owned());
                Ok(())
            }
            (false, _, Some(stat)) if plan.changes.is_empty() && stat.kind == FileKind::Symlink => {
                self.settle(plan, wish, &self.path, stat)
            }
            (false, ..) => Ok(()),
        }
    }

    pub(super) fn hard(self) -> Result<Plan, Halt> {
        let path = &self.path;
        let before = previous_or_absent(self.there.as_ref());
        let given = self.params.src.as_ref().map(|src| src.0.clone());
        let place = given.as_ref().map(|src| located::placed(src, self.view)).transpose()?;
        let told = |message: &str| {
            let result = crate::map! {"dest" => self.given.as_str(), "src" => given.clone().map_or(Value::Null, Into::into)};
            Err(Failed { message: message.to_owned(), result, ..Failed::default() }.into())
        };
        let source = match &given {
            None if before != "hard" => return fail("src is required for creating new hardlinks"),
            None => None,
            Some(src) => match self.view.stat(place.as_deref().unwrap_or(src), Follow::Yes)? {
                None => return told("src does not exist"),
                Some(stat) => Some((src, stat)),
            },
        };
        let same = match (&self.there, &source) {
            // a predicted file has no inode: only one that the plan links has further links
            (Some(there), Some((_, stat))) => {
                let numbered = there.inode != 0 || there.links > 1;
                numbered && there.inode == stat.inode && there.device == stat.device
            }
            (Some(_), None) => true,
            (None, _) => false,
        };
        let same_text = self.there.as_ref().is_some_and(|stat| stat.target.is_some() && stat.target == given);
        let made = !same && (before != "link" || !same_text);
        if made && !self.params.force {
            match before {
                "hard" => return told("Cannot link, different hard link exists at destination"),
                "file" => return told("Cannot link, file exists at destination"),
                "directory" => return fail("Cannot link: different hard link exists at destination"),
                _ => {}
            }
        }
        if made && before == "directory" {
            return fail(format!("Error while replacing: [Errno 21] Is a directory: '{}'", self.given));
        }
        let mut plan = Plan::default();
        // a hard link has the attributes of the file that it becomes
        let file = match (&source, &self.there) {
            (Some((_, stat)), _) if made => Some(stat),
            (_, there) => there.as_ref(),
        };
        let wish = self.wish(file)?;
        if let (true, Some((src, _))) = (made, &source) {
            let target = place.as_ref().unwrap_or(src).clone();
            let link = Action::HardLink { path: path.clone(), target };
            plan.changes.push(on_host(Change::new(link)));
            plan.diffs.push(Diff::attribute(path, "state", before, "hard"));
            plan.diffs.push(Diff::attribute(path, "src", "", src));
        }
        if let Some(stat) = file {
            self.settle(&mut plan, &wish, path, stat)?;
        }
        plan.summary = match (made, plan.changes.is_empty()) {
            (true, _) => format!("link {path} to {}", given.as_deref().unwrap_or_default()),
            (false, true) => "already linked".to_owned(),
            (false, false) => format!("set attributes of {path}"),
        };
        plan.warnings.clone_from(&wish.warnings);
        let user = &self.view.context().user;
        let (kind, size) = file.map_or((FileKind::File, 0), |stat| (stat.kind, stat.size));
        plan.result = wish.keys(file, kind, size, user);
        plan = plan.with("state", file.map_or("hard", |stat| if made { "hard" } else { previous(stat) }));
        Ok(plan.with("dest", self.given.as_str()).with("src", given.map_or(Value::Null, Into::into)))
    }
}
