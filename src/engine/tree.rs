//! A directory of the controller with all that is in it.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::controller::failed;
use crate::modules::contract::Failed;
use crate::modules::{InTree, Links};
use crate::project::{self, Project};

/// What tells directories apart.
type Identity = (u64, u64);

/// What is below a directory, by relative path: what is directly in it, then each directory with what is in that.
pub(super) fn listed(root: &Path, links: Links, project: &Project) -> Result<Vec<(String, InTree)>, Failed> {
    let mut walk = Walk { root, links, project, inside: BTreeSet::new(), found: Vec::new() };
    walk.inside.extend(identity(root));
    walk.directory("")?;
    Ok(walk.found)
}

struct Walk<'a> {
    root: &'a Path,
    links: Links,
    project: &'a Project,
    /// The directories that the walk is in, from the root down: a link to one of them would have no end.
    inside: BTreeSet<Identity>,
    found: Vec<(String, InTree)>,
}

impl Walk<'_> {
    fn directory(&mut self, below: &str) -> Result<(), Failed> {
        let entries =
            self.project.entries(&self.root.join(below)).map_err(|wrong| failed(wrong.message.clone()))?;
        let mut directories = Vec::new();
        for entry in entries {
            let Some(name) = entry.file_name().and_then(|name| name.to_str()) else {
                return Err(failed(format!("`{}` has a name that is not UTF-8", entry.display())));
            };
            let relative = if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
            match self.kind(&entry)? {
                InTree::Directory => directories.push((entry, relative)),
                kind => self.found.push((relative, kind)),
            }
        }
        for (entry, relative) in directories {
            let entered = identity(&entry).filter(|entered| self.inside.insert(*entered));
            self.found.push((relative.clone(), InTree::Directory));
            self.directory(&relative)?;
            if let Some(entered) = entered {
                self.inside.remove(&entered);
            }
        }
        Ok(())
    }

    fn kind(&self, entry: &Path) -> Result<InTree, Failed> {
        let leads = if self.project.is_dir(entry) { InTree::Directory } else { InTree::File };
        let Ok(target) = std::fs::read_link(entry) else { return Ok(leads) };
        let followed = self.links == Links::Followed
            && match leads {
                InTree::Directory => identity(entry).is_some_and(|there| !self.inside.contains(&there)),
                InTree::File | InTree::Link(_) => self.project.is_file(entry),
            };
        if followed {
            return Ok(leads);
        }
        let text = target.to_str().map(str::to_owned);
        text.map(InTree::Link).ok_or_else(|| {
            failed(format!("the link `{}` has a text that is not UTF-8", project::shown(entry).display()))
        })
    }
}

fn identity(path: &Path) -> Option<Identity> {
    std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_in_circles_stay_links() {
        let room = tempfile::tempdir().unwrap();
        let (tree, outside) = (room.path().join("tree"), room.path().join("outside"));
        fs::create_dir_all(tree.join("deep")).unwrap();
        fs::create_dir_all(&outside).unwrap();
        fs::write(tree.join("file"), "x").unwrap();
        symlink("../", tree.join("deep/up")).unwrap();
        symlink("self", tree.join("self")).unwrap();
        symlink("file", tree.join("linked")).unwrap();
        symlink(&outside, tree.join("out")).unwrap();
        symlink("../tree", outside.join("back")).unwrap();
        let project = Project::new();
        let link = |text: &str| InTree::Link(text.to_owned());
        let of = |links| listed(&tree, links, &project).unwrap();
        let named = |all: &[(&str, InTree)]| -> Vec<(String, InTree)> {
            all.iter().map(|(name, kind)| ((*name).to_owned(), kind.clone())).collect()
        };
        let followed = [
            ("file", InTree::File),
            ("linked", InTree::File),
            ("self", link("self")),
            ("deep", InTree::Directory),
            ("deep/up", link("../")),
            ("out", InTree::Directory),
            ("out/back", link("../tree")),
        ];
        assert_eq!(of(Links::Followed), named(&followed));
        let out = outside.display().to_string();
        let kept = [
            ("file", InTree::File),
            ("linked", link("file")),
            ("out", link(&out)),
            ("self", link("self")),
            ("deep", InTree::Directory),
            ("deep/up", link("../")),
        ];
        assert_eq!(of(Links::Kept), named(&kept));
    }
}
