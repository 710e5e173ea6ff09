//! Installed collections: where they lie, what of theirs goes by which name, and what their `meta/runtime.yml` says.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::load::{Load, Loader};
use super::shape::is_variable_name;
use super::{Keyword, Keywords, ModuleFile, Scope, ScopeKind};
use crate::base::{Diagnostics, Value};
use crate::project::Project;
use crate::yaml::Node;

/// Collections that fleet has itself.
pub(super) const OWN: [&str; 2] = ["ansible.builtin", "ansible.legacy"];

/// How often a name is redirected at most.
pub(super) const REDIRECTS: usize = 10;

/// The full name of something in a collection: `ns.col.sub.name`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FullName<'n> {
    /// `ns.col`.
    pub(super) collection: &'n str,
    /// What is between the collection and the name, with dots; mostly nothing.
    subdirectories: &'n str,
    /// The name.
    pub(super) name: &'n str,
}

impl<'n> FullName<'n> {
    /// A name of at least three parts that are all identifiers.
    pub(super) fn parse(text: &'n str) -> Option<Self> {
        if text.split('.').count() < 3 || !text.split('.').all(is_variable_name) {
            return None;
        }
        let second_dot = text.match_indices('.').nth(1)?.0;
        let (collection, rest) = text.split_at_checked(second_dot)?;
        let rest = rest.trim_start_matches('.');
        let (subdirectories, name) = rest.rsplit_once('.').unwrap_or(("", rest));
        Some(Self { collection, subdirectories, name })
    }

    /// Its directory below one of the collection.
    pub(super) fn below(&self, directory: PathBuf) -> PathBuf {
        let parts = self.subdirectories.split('.').filter(|part| !part.is_empty());
        parts.fold(directory, |directory, part| directory.join(part))
    }
}

/// What the name of a module means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Resolved {
    /// A module that fleet has, by this name.
    Own(Arc<str>),
    /// A module that is a file.
    File(Arc<ModuleFile>),
    /// A module that is there, and cannot be run.
    Refused {
        /// Why.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// Nothing that is known.
    Unknown,
}

impl Resolved {
    /// The module's name and file, where there is one that can be run.
    pub(super) fn module(self) -> Option<(Arc<str>, Option<Arc<ModuleFile>>)> {
        match self {
            Self::Own(name) => Some((name, None)),
            Self::File(file) => Some((Arc::clone(&file.name), Some(file))),
            Self::Refused { .. } | Self::Unknown => None,
        }
    }
}

/// The directories that collections lie in for a play of a playbook in `directory`: beside the playbook, then as
/// configured; last, for the playbooks of a collection, where that lies itself.
fn roots(configured: &[PathBuf], directory: &Path) -> Vec<PathBuf> {
    let root = |path: PathBuf| {
        if path.ends_with("ansible_collections") { path } else { path.join("ansible_collections") }
    };
    let around = directory.ancestors().find(|path| path.ends_with("ansible_collections")).map(Path::to_owned);
    let beside = directory.join("collections");
    std::iter::once(beside).chain(configured.iter().cloned()).chain(around).map(root).collect()
}

/// Where a collection (`ns.col`) is installed.
fn installed(project: &Project, configured: &[PathBuf], name: &str, directory: &Path) -> Option<PathBuf> {
    let (namespace, own) = name.split_once('.')?;
    let candidates = roots(configured, directory).into_iter().map(|root| root.join(namespace).join(own));
    candidates.into_iter().find(|path| project.is_dir(path))
}

/// The file of a playbook that is named with its collection: `ns.col.playbook`, with or without an ending.
/// `configured` are the directories with collections, `directory` is that of the playbook that names it.
pub fn collection_playbook(
    project: &Project,
    configured: &[PathBuf],
    name: &str,
    directory: &Path,
) -> Option<PathBuf> {
    let stem = name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml")).unwrap_or(name);
    let full = FullName::parse(stem)?;
    let collection = installed(project, configured, full.collection, directory)?;
    let directory = full.below(collection.join("playbooks"));
    let given = name.strip_prefix(stem).unwrap_or_default();
    let endings = if given.is_empty() { ["", ".yml", ".yaml"] } else { [given, given, given] };
    let candidates = endings.map(|ending| directory.join(format!("{}{ending}", full.name)));
    candidates.into_iter().find(|path| project.is_file(path))
}

impl Loader<'_> {
    /// Where a collection (`ns.col`) is installed.
    pub(super) fn collection(&self, name: &str, directory: &Path) -> Option<PathBuf> {
        installed(self.project, &self.settings.collections_path, name, directory).or_else(|| {
            let installation = self.settings.libraries.installation.as_ref()?;
            let (namespace, own) = name.split_once('.')?;
            let roots = installation.collections().iter();
            roots.map(|root| root.join(namespace).join(own)).find(|path| self.project.is_dir(path))
        })
    }

    /// The full names of the modules of a group for `module_defaults` (`group/ns.col.NAME`, without `group/`), those
    /// of the groups that it extends included; none where there is no such group. `directory` is the playbook's.
    pub fn action_group(&self, name: &str, directory: &Path) -> (Option<Vec<Arc<str>>>, Diagnostics) {
        let mut load = Load::new(self);
        let mut seen = Vec::new();
        let found = load.action_group(name, directory, &mut seen);
        (found, load.finish())
    }
}

impl Load<'_, '_> {
    /// A collection's `meta/runtime.yml`.
    fn runtime(&mut self, collection: &str, directory: &Path) -> Option<Node> {
        let path = if OWN.contains(&collection) {
            let installation = self.loader.settings.libraries.installation.as_ref()?;
            installation.package()?.join("config/ansible_builtin_runtime.yml")
        } else {
            self.loader.collection(collection, directory)?.join("meta/runtime.yml")
        };
        if self.loader.project.is_file(&path) { self.document(&path, None) } else { None }
    }

    /// Where a collection sends the name of a module or role.
    pub(super) fn redirect(
        &mut self,
        kinds: &[&str],
        full: FullName<'_>,
        directory: &Path,
    ) -> Option<String> {
        let runtime = self.runtime(full.collection, directory)?;
        let routing = runtime.get("plugin_routing")?;
        let name = if full.subdirectories.is_empty() {
            full.name.to_owned()
        } else {
            format!("{}.{}", full.subdirectories, full.name)
        };
        let entry = |kind: &&str| routing.get(kind)?.get(&name)?.get("redirect")?.as_str();
        let target = kinds.iter().find_map(entry)?;
        let is_full = FullName::parse(target).is_some();
        Some(if is_full { target.to_owned() } else { format!("{}.{target}", full.collection) })
    }

    pub(super) fn action_group(
        &mut self,
        name: &str,
        directory: &Path,
        seen: &mut Vec<String>,
    ) -> Option<Vec<Arc<str>>> {
        let full = FullName::parse(name)?;
        if seen.iter().any(|known| known == name) {
            return Some(Vec::new());
        }
        seen.push(name.to_owned());
        let runtime = self.runtime(full.collection, directory)?;
        let group = runtime.get("action_groups")?.get(full.name)?;
        let qualified = |name: &str| match FullName::parse(name) {
            Some(_) => name.to_owned(),
            None => format!("{}.{name}", full.collection),
        };
        let mut modules: Vec<Arc<str>> = Vec::new();
        for entry in group.as_seq().unwrap_or_default() {
            if let Some(name) = entry.as_str() {
                modules.push(Arc::from(qualified(name)));
            }
            let extended = entry.get("metadata").and_then(|metadata| metadata.get("extend_group"));
            let extended = extended.map(|node| node.as_seq().unwrap_or(std::slice::from_ref(node)));
            for name in extended.unwrap_or_default().iter().filter_map(Node::as_str) {
                modules.extend(self.action_group(&qualified(name), directory, seen).unwrap_or_default());
            }
        }
        Some(modules)
    }

    /// A role of a collection: by its full name, along redirects, or by its short name in the collections of
    /// `search`. Its name, directory and collection.
    pub(super) fn collection_role(
        &mut self,
        name: &str,
        search: &[Arc<str>],
        directory: &Path,
    ) -> Option<(String, PathBuf, Arc<str>)> {
        if FullName::parse(name).is_none() {
            let own = |collection: &&Arc<str>| !OWN.contains(&&***collection);
            return search.iter().filter(own).find_map(|collection| {
                let path = self.loader.collection(collection, directory)?.join("roles").join(name);
                let found = self.loader.project.is_dir(&path);
                found.then(|| (name.to_owned(), path, Arc::clone(collection)))
            });
        }
        let mut name = name.to_owned();
        for _ in 0..REDIRECTS {
            let full = FullName::parse(&name)?;
            let path = self.loader.collection(full.collection, directory)?;
            let path = full.below(path.join("roles")).join(full.name);
            if self.loader.project.is_dir(&path) {
                return Some((full.name.to_owned(), path, Arc::from(full.collection)));
            }
            name = self.redirect(&["role", "roles"], full, directory)?;
        }
        None
    }
}

/// The directory of the playbook that a scope belongs to.
pub(super) fn playbook_directory(scope: &Arc<Scope>) -> PathBuf {
    scope.outwards().last().map(|play| play.directory.clone()).unwrap_or_default()
}

/// The collections that short names are searched in: those of the nearest `collections`, no further out than the
/// role around, which has its own.
pub(super) fn search_list(own: &Keywords, scope: &Arc<Scope>) -> Vec<Arc<str>> {
    let default = || default_collection(&playbook_directory(scope));
    let with_default = |mut names: Vec<Arc<str>>| {
        if let Some(name) = default().filter(|name| !names.contains(name)) {
            names.insert(0, name);
        }
        names
    };
    if let Some(located) = own.get(&Keyword::Collections) {
        return with_default(listed(&located.value));
    }
    for around in scope.outwards() {
        if let Some(located) = around.keywords.get(&Keyword::Collections) {
            return with_default(listed(&located.value));
        }
        if let ScopeKind::Role(role) = &around.kind {
            return role.collections.to_vec();
        }
    }
    with_default(Vec::new())
}

/// The collections that the tasks of a role search: its own collection, then those of its meta.
pub(super) fn of_role(own: Option<&Arc<str>>, in_meta: &[Arc<str>], scope: &Arc<Scope>) -> Arc<[Arc<str>]> {
    let default = default_collection(&playbook_directory(scope));
    let mut names: Vec<Arc<str>> = own.cloned().or(default).into_iter().collect();
    for name in in_meta {
        if !names.contains(name) {
            names.push(Arc::clone(name));
        }
    }
    names.into()
}

/// The names in the value of `collections`: a text or a list of texts.
pub(super) fn listed(value: &Value) -> Vec<Arc<str>> {
    let items = value.as_list().unwrap_or(std::slice::from_ref(value));
    items.iter().filter_map(Value::as_str).map(Arc::from).collect()
}

/// The collection that a playbook belongs to, from its directory: `…/ansible_collections/NS/COL/playbooks`.
pub(super) fn default_collection(directory: &Path) -> Option<Arc<str>> {
    let parts: Vec<&str> = directory.iter().filter_map(|part| part.to_str()).collect();
    let at = parts.iter().position(|part| *part == "ansible_collections")?;
    match parts.get(at + 1..)? {
        [namespace, name, ..] => Some(Arc::from(format!("{namespace}.{name}"))),
        _ => None,
    }
}

/// Near misses of a role's name: roles of the collection that it names.
pub(super) fn role_names(project: &Project, collection: &Path) -> Vec<String> {
    let entries = project.entries(&collection.join("roles")).unwrap_or_default();
    entries.iter().filter_map(|entry| Some(entry.file_name()?.to_str()?.to_owned())).collect()
}
