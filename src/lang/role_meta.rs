//! `meta/main.yml` of a role.

use std::path::Path;
use std::sync::Arc;

use super::load::Load;
use super::role_files::{self, Main};
use super::shape::boolean;
use super::{Keyword, Keywords, Located, collections};
use crate::base::names::did_you_mean;
use crate::base::{Diagnostic, Kind, Place};
use crate::yaml::{Node, NodeKind};

/// What a role's meta says.
#[derive(Debug, Default)]
pub(super) struct Meta {
    pub(super) allow_duplicates: bool,
    /// The list of dependencies.
    pub(super) dependencies: Option<Node>,
    /// Argument specs that stand in it.
    pub(super) argument_specs: Option<Node>,
    /// The collections in which its tasks' short names are searched.
    pub(super) collections: Vec<Arc<str>>,
}

const KNOWN: &[&str] = &["allow_duplicates", "dependencies", "galaxy_info", "argument_specs", "collections"];

impl Load<'_, '_> {
    /// `meta/main.yml`; nothing where there is none.
    pub(super) fn role_meta(&mut self, path: &Path, place: &Place) -> Meta {
        let mut meta = Meta::default();
        let Some(root) = self.meta_file(path, None, place) else { return meta };
        if root.is_nothing() {
            return meta;
        }
        for entry in self.entries(&root, "the meta of a role").unwrap_or_default() {
            match entry.name {
                "allow_duplicates" => {
                    let Located { value, place } = Located::of(entry.value);
                    meta.allow_duplicates = boolean(&value).unwrap_or_else(|| {
                        if !entry.value.is_nothing() {
                            let found = entry.value.describe();
                            let message = format!("`allow_duplicates` should be a boolean, not {found}");
                            self.warn(Kind::BadValue, &place, message);
                        }
                        // as Ansible: what is not nothing counts as yes
                        !entry.value.is_nothing()
                    });
                }
                "dependencies" if entry.value.is_nothing() => {}
                "dependencies" => meta.dependencies = Some(entry.value.clone()),
                "argument_specs" => meta.argument_specs = Some(entry.value.clone()),
                "galaxy_info" => {
                    if !matches!(entry.value.kind, NodeKind::Map(_) | NodeKind::Null) {
                        let message =
                            format!("`galaxy_info` should be a mapping, not {}", entry.value.describe());
                        self.warn(Kind::Structure, &entry.value.place, message);
                    }
                }
                "collections" => {
                    let mut keywords = Keywords::new();
                    self.keyword_value(&mut keywords, Keyword::Collections, entry);
                    let given = keywords.get(&Keyword::Collections);
                    meta.collections =
                        given.map(|given| collections::listed(&given.value)).unwrap_or_default();
                }
                name if Keyword::parse(name).is_some_and(is_common) || name == "vars" => {
                    let message = format!("`{name}` has no effect in the meta of a role");
                    self.warn(Kind::Structure, &entry.key.place, message);
                }
                "name" => {}
                name => {
                    let message = format!("`{name}` is not a key of the meta of a role");
                    let hint = did_you_mean(name, KNOWN.iter().copied())
                        .or_else(|| galaxy(name).then(|| "it belongs below `galaxy_info`".to_owned()));
                    self.push(
                        Diagnostic::error(Kind::UnknownKeyword, message)
                            .at(&entry.key.place)
                            .maybe_hint(hint),
                    );
                }
            }
        }
        meta
    }

    /// A file of a role's meta; none where it is not there.
    pub(super) fn meta_file(&mut self, path: &Path, name: Option<&str>, place: &Place) -> Option<Node> {
        match role_files::find(self.loader.project, &path.join("meta"), name, Main::File) {
            Ok(files) => self.document(files.first()?, Some(place)),
            Err(diagnostic) => {
                self.push(diagnostic.at_if_unplaced(Some(place)));
                None
            }
        }
    }
}

/// Keys that people put beside `galaxy_info` instead of into it.
fn galaxy(name: &str) -> bool {
    matches!(
        name,
        "author"
            | "description"
            | "license"
            | "company"
            | "min_ansible_version"
            | "platforms"
            | "galaxy_tags"
            | "role_name"
            | "namespace"
            | "standalone"
    )
}

/// Keywords that everything in a playbook has, and so the meta of a role too, where they mean nothing.
fn is_common(keyword: Keyword) -> bool {
    let on = keyword.on();
    on.play && on.task && keyword != Keyword::Tags
}
