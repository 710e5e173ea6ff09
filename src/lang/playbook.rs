//! A playbook: plays, and other playbooks that it imports.

use std::path::Path;
use std::sync::Arc;

use super::collections::{FullName, collection_playbook};
use super::entries::{Entry, Level};
use super::include::normalized;
use super::load::Load;
use super::play::Imposed;
use super::task::short_name;
use super::{Keyword, Keywords, Located, Play, Playbook, Scope, ScopeKind};
use crate::base::names::did_you_mean;
use crate::base::{Diagnostic, Kind};
use crate::project::shown;
use crate::vars::{self, Layer};
use crate::yaml::{Node, NodeKind};

impl Load<'_, '_> {
    /// A playbook with all that it imports.
    pub(super) fn playbook_file(&mut self, path: &Path) -> Option<Playbook> {
        let path = normalized(path);
        let key = path.display().to_string();
        let label = format!("`{}`", shown(&path).display());
        let plays =
            self.within(key, label, None, |load| load.plays_of_file(&path, None, &Imposed::default()))?;
        Some(Playbook { path, plays: plays.into_iter().map(Arc::new).collect() })
    }

    fn plays_of_file(
        &mut self,
        path: &Path,
        asked: Option<&Located>,
        imposed: &Imposed,
    ) -> Option<Vec<Play>> {
        let root = self.document(path, asked.map(|asked| &asked.place))?;
        let nodes = match &root.kind {
            NodeKind::Seq(nodes) if !nodes.is_empty() => nodes,
            NodeKind::Seq(_) | NodeKind::Null => {
                self.error(Kind::Structure, &root.place, "the playbook is empty: it needs at least one play");
                return None;
            }
            _ => {
                self.no_list_of_plays(&root);
                return None;
            }
        };
        let directory = path.parent().unwrap_or(Path::new(""));
        self.loader.settings.libraries.meet(directory);
        let mut plays = Vec::new();
        for node in nodes.iter() {
            match import_key(node) {
                Some(_) => plays.extend(self.import_playbook(node, directory, imposed)),
                None if self.is_task(node) => {}
                None => plays.extend(self.play(node, directory, imposed)),
            }
        }
        Some(plays)
    }

    /// What stands where a playbook should.
    fn no_list_of_plays(&mut self, root: &Node) {
        let has = |key: &str| root.get(key).is_some();
        let hint = if ["all", "children", "ungrouped"].into_iter().any(has) {
            Some("this looks like an inventory: it is given with `-i`")
        } else if ["hosts", "tasks", "roles", "import_playbook"].into_iter().any(has) {
            Some("start each play with `- `")
        } else {
            root.as_map().map(|_| "this looks like a file of variables")
        };
        let message = format!("a playbook must be a list of plays, not {}", root.describe());
        let hint = hint.map(str::to_owned);
        self.push(Diagnostic::error(Kind::Structure, message).at(&root.place).maybe_hint(hint));
    }

    /// Whether an entry of a playbook is a task rather than a play, which is an error.
    fn is_task(&mut self, node: &Node) -> bool {
        if ["hosts", "tasks", "roles", "pre_tasks", "post_tasks", "handlers"]
            .iter()
            .any(|key| node.get(key).is_some())
        {
            return false;
        }
        let keys = node.as_map().unwrap_or_default().iter().map(|(key, _)| key);
        let module = keys.into_iter().find(|key| {
            key.as_str().is_some_and(|name| {
                super::task::is_language_action(name)
                    || self.loader.modules.is_module(name)
                    || matches!(name, "block" | "include")
            })
        });
        let Some(module) = module else { return false };
        let name = module.as_str().unwrap_or_default();
        let (message, hint) = if name == "include" {
            ("`include` is not a keyword of a play".to_owned(), "use `import_playbook`")
        } else {
            (
                format!("`{name}` makes this a task, but a playbook is a list of plays"),
                "put the tasks into a list below `tasks` of a play with `hosts`",
            )
        };
        self.error_hint(Kind::Structure, &module.place, message, hint);
        true
    }

    fn import_playbook(&mut self, node: &Node, directory: &Path, outer: &Imposed) -> Vec<Play> {
        let mut file = None;
        let mut keywords = Keywords::new();
        let mut own_vars = None;
        for entry in self.entries(node, "`import_playbook`").unwrap_or_default() {
            match entry.name {
                name if short_name(name) == "import_playbook" => match &file {
                    None => file = Some(entry),
                    Some(_) => {
                        self.error(Kind::Structure, &entry.key.place, "two playbooks are imported at once");
                    }
                },
                "name" => {
                    self.name(entry.value);
                }
                "vars" => own_vars = self.vars(entry.value, vars::Level::PlayVars),
                "when" => self.keyword_value(&mut keywords, Keyword::When, entry),
                "tags" => self.keyword_value(&mut keywords, Keyword::Tags, entry),
                _ => self.other_on_import(entry),
            }
        }
        let Some(file) = file.map(|entry| Located::of(entry.value)) else { return Vec::new() };
        if !matches!(file.value, crate::base::Value::Str(_) | crate::base::Value::Template(_)) {
            self.error(Kind::Structure, &file.place, "`import_playbook` must be a path");
            return Vec::new();
        }
        let scope = Arc::new(Scope {
            parent: None,
            kind: ScopeKind::Play,
            keywords: Keywords::new(),
            vars: own_vars.clone(),
            directory: directory.to_owned(),
        });
        let Some(name) = self.known_text(&file, &scope) else { return Vec::new() };
        let of_collection = collection_playbook(
            self.loader.project,
            &self.loader.settings.collections_path,
            &name,
            directory,
        );
        let path = of_collection.unwrap_or_else(|| normalized(&directory.join(&name)));
        if !self.loader.project.is_file(&path) {
            self.no_playbook(&name, &path, &file);
            return Vec::new();
        }
        let imposed = over(outer, own_vars, &keywords);
        let label = format!("`{}`", shown(&path).display());
        self.within(path.display().to_string(), label, Some(&file.place), |load| {
            load.plays_of_file(&path, Some(&file), &imposed)
        })
        .unwrap_or_default()
    }

    fn other_on_import(&mut self, entry: Entry<'_>) {
        if Keyword::parse(entry.name).is_some_and(|keyword| keyword.on().play && keyword.inherited()) {
            let message = format!("`{}` has no effect on `import_playbook`", entry.name);
            self.warn(Kind::Structure, &entry.key.place, message);
        } else {
            self.unknown_keyword(entry.name, &entry.key.place, Level::Import);
        }
    }

    fn no_playbook(&mut self, name: &str, path: &Path, file: &Located) {
        let full_name = name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml")).unwrap_or(name);
        let directory = file.place.source.path.parent().unwrap_or(Path::new(""));
        let collection = FullName::parse(full_name).map(|full| {
            let installed = self.loader.collection(full.collection, directory);
            match installed {
                Some(path) => format!("the collection lies in `{}`", shown(&path).display()),
                None => format!("the collection `{}` is not installed", full.collection),
            }
        });
        let entries =
            path.parent().and_then(|parent| self.loader.project.entries(parent).ok()).unwrap_or_default();
        let names: Vec<&str> = entries.iter().filter_map(|entry| entry.file_name()?.to_str()).collect();
        let hint = path.file_name().and_then(|own| did_you_mean(own.to_str()?, names));
        let diagnostic =
            Diagnostic::error(Kind::File, format!("there is no playbook `{name}`")).at(&file.place);
        let note = format!("`{}` is not there", shown(path).display());
        let diagnostic = collection
            .into_iter()
            .fold(diagnostic.note(note, None), |diagnostic, note| diagnostic.note(note, None));
        self.push(diagnostic.maybe_hint(hint));
    }
}

/// What an import puts onto its plays: its own, within what is put onto itself.
fn over(outer: &Imposed, own_vars: Option<Arc<Layer>>, keywords: &Keywords) -> Imposed {
    let mut imposed = outer.clone();
    imposed.when.extend(keywords.get(&Keyword::When).cloned());
    imposed.tags.extend(keywords.get(&Keyword::Tags).cloned());
    imposed.vars = match (own_vars, imposed.vars) {
        (Some(own), Some(outer)) => {
            let mut vars = own.vars.clone();
            vars.extend(outer.vars.clone());
            Some(Layer::new(vars::Level::PlayVars, vars))
        }
        (own, outer) => own.or(outer),
    };
    imposed
}

/// The key that makes an entry of a playbook an import.
fn import_key(node: &Node) -> Option<&Node> {
    let keys = node.as_map()?.iter().map(|(key, _)| key);
    keys.into_iter().find(|key| key.as_str().is_some_and(|name| short_name(name) == "import_playbook"))
}
