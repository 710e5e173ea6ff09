//! Reads inventory sources: which plugin of Ansible's would read a file, and what a directory holds.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::build::Builder;
use super::{Inventory, InventorySource, address};
use crate::base::{Diagnostic, Diagnostics, Kind, Place, Source};
use crate::project::{Project, shown};
use crate::yaml;

/// Names in an inventory directory that end so are no inventories.
const IGNORED_ENDINGS: [&str; 12] =
    [".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg", ".retry"];
/// Names in an inventory directory that are no inventories.
const IGNORED_NAMES: [&str; 3] = ["host_vars", "group_vars", "vars_plugins"];

pub(super) fn load(project: &Project, sources: &[InventorySource]) -> (Inventory, Diagnostics) {
    let mut builder = Builder::new();
    let mut dirs: Vec<PathBuf> = Vec::new();
    for source in sources {
        match source {
            InventorySource::Hosts(list) => builder.add_host_list(list),
            InventorySource::Path(path) => {
                let dir = if project.is_dir(path) { path.clone() } else { parent_of(path) };
                // the same directory again counts where it comes last
                dirs.retain(|known| *known != dir);
                dirs.push(dir);
                builder.add_path(project, path);
            }
        }
    }
    let (mut inventory, diagnostics) = builder.finish();
    inventory.dirs = dirs;
    (inventory, diagnostics)
}

fn parent_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

impl Builder {
    fn add_path(&mut self, project: &Project, path: &Path) {
        if project.is_dir(path) {
            match project.entries(path) {
                Ok(entries) => {
                    entries
                        .iter()
                        .filter(|entry| !is_ignored(entry))
                        .for_each(|entry| self.add_path(project, entry));
                }
                Err(diagnostic) => self.warn(diagnostic),
            }
            return;
        }
        if !project.is_file(path) {
            let error =
                Diagnostic::error(Kind::File, format!("there is no inventory `{}`", shown(path).display()))
                    .hint("a list of hosts needs a comma, if only behind the last one: `-i web1,`");
            self.warn(error);
            return;
        }
        self.source = Some(InventorySource::Path(path.to_owned()));
        match project.read(path) {
            Ok(source) => self.add_file(path, &source),
            Err(diagnostic) => self.warn(diagnostic),
        }
        self.source = None;
    }

    fn add_file(&mut self, path: &Path, source: &Arc<Source>) {
        let unsupported =
            |message: &str| Diagnostic::error(Kind::Unsupported, message).at(&Place::start_of(source));
        if source.text.starts_with("#!") {
            let error = unsupported("inventory scripts are not supported")
                .hint("save what `ansible-inventory --list --yaml` prints and use that file");
            self.warn(error);
            return;
        }
        if source.text.starts_with("$ANSIBLE_VAULT;") {
            self.warn(unsupported("files encrypted with vault are not supported yet"));
            return;
        }
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("yml" | "yaml" | "json") => self.add_yaml_text(source),
            Some("toml") => self.warn(unsupported("inventories in TOML are not supported")),
            None => self.add_file_without_extension(source),
            Some(_) => self.add_ini(source),
        }
    }

    /// Ansible tries YAML first, then INI.
    fn add_file_without_extension(&mut self, source: &Arc<Source>) {
        let parsed = yaml::parse_single(source);
        let is_mapping = parsed.documents.first().is_some_and(|root| root.as_map().is_some());
        if (is_mapping && !parsed.diagnostics.has_errors()) || looks_like_yaml(&source.text) {
            self.add_parsed(source, parsed);
        } else {
            self.add_ini(source);
        }
    }

    fn add_yaml_text(&mut self, source: &Arc<Source>) {
        self.add_parsed(source, yaml::parse_single(source));
    }

    fn add_parsed(&mut self, source: &Arc<Source>, parsed: yaml::Parsed) {
        let failed = parsed.diagnostics.has_errors();
        self.diagnostics.extend(parsed.diagnostics);
        if let Some(root) = parsed.documents.first().filter(|_| !failed) {
            self.add_yaml(source, root);
        }
    }

    fn add_host_list(&mut self, list: &str) {
        self.source = Some(InventorySource::Hosts(list.to_owned()));
        for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let (host, port) = match address::parse_address(name) {
                Some((host, port)) if !host.contains('[') => (host, port),
                _ => (name, None),
            };
            if !self.inventory.hosts.contains_key(host) {
                self.add_host(host, "ungrouped", port, None);
            }
        }
        self.source = None;
    }
}

fn is_ignored(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return true };
    name.starts_with('.')
        || IGNORED_NAMES.contains(&name)
        || IGNORED_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Whether a text that cannot be read as YAML was meant to be: its first line that is neither empty nor a comment is `---`, or
/// ends with a colon, or opens a brace.
fn looks_like_yaml(text: &str) -> bool {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with(['#', ';']));
    line.is_some_and(|line| {
        let content = line.split(" #").next().unwrap_or_default().trim_end();
        content == "---"
            || content.ends_with(':')
            || content.starts_with('{')
            || content.starts_with("plugin: ")
    })
}
