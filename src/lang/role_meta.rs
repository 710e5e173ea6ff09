//! `meta/main.yml` of a role, and its argument specs.

use std::path::Path;

use super::load::Load;
use super::role_files::{self, Main};
use super::shape::boolean;
use super::{Keyword, Located};
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
}

const KNOWN: &[&str] = &["allow_duplicates", "dependencies", "galaxy_info", "argument_specs", "collections"];

impl Load<'_, '_> {
    /// `meta/main.yml`; nothing where there is none.
    pub(super) fn role_meta(&mut self, path: &Path, place: &Place) -> Meta {
        let mut meta = Meta::default();
        let Some(root) = self.meta_file(path, None, place) else { return meta };
        if matches!(root.kind, NodeKind::Null) {
            return meta;
        }
        for entry in self.entries(&root, "the meta of a role").unwrap_or_default() {
            match entry.name {
                "allow_duplicates" => {
                    let Located { value, place } = Located::of(entry.value);
                    match boolean(&value) {
                        Some(allowed) => meta.allow_duplicates = allowed,
                        None => self.error(
                            Kind::BadValue,
                            &place,
                            format!("`allow_duplicates` must be a boolean, not {}", entry.value.describe()),
                        ),
                    }
                }
                "dependencies" => meta.dependencies = Some(entry.value.clone()),
                "argument_specs" => meta.argument_specs = Some(entry.value.clone()),
                "galaxy_info" => {
                    if !matches!(entry.value.kind, NodeKind::Map(_) | NodeKind::Null) {
                        let message =
                            format!("`galaxy_info` must be a mapping, not {}", entry.value.describe());
                        self.error(Kind::Structure, &entry.value.place, message);
                    }
                }
                "collections" => {
                    if entry.value.as_seq().is_none_or(|collections| !collections.is_empty()) {
                        self.error(Kind::Unsupported, &entry.key.place, "`collections` is not supported yet");
                    }
                }
                name if Keyword::parse(name).is_some_and(|keyword| keyword.on().play) || name == "vars" => {
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

    fn meta_file(&mut self, path: &Path, name: Option<&str>, place: &Place) -> Option<Node> {
        match role_files::find(self.loader.project, &path.join("meta"), name, Main::File) {
            Ok(files) => self.document(files.first()?, Some(place)),
            Err(diagnostic) => {
                self.push(diagnostic.at_if_unplaced(Some(place)));
                None
            }
        }
    }

    /// Refuses a role whose arguments would have to be checked: its own file of specs, else those in its meta.
    pub(super) fn refuse_argument_specs(
        &mut self,
        path: &Path,
        in_meta: Option<&Node>,
        tasks_from: Option<&str>,
        place: &Place,
    ) {
        let own = self.meta_file(path, Some("argument_specs"), place);
        let own = own.as_ref().map(|root| root.get("argument_specs"));
        let specs = own.unwrap_or(in_meta);
        let spec = specs.and_then(|specs| specs.get(tasks_from.unwrap_or("main")));
        if let Some(spec) = spec.filter(|spec| spec.as_map().is_some_and(|entries| !entries.is_empty())) {
            self.error(Kind::Unsupported, &spec.place, "argument specs of roles are not supported yet");
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
