//! The layers of variables that the inventory gives to a host, in Ansible's order.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Group, Host, Inventory, InventorySource, vars_files};
use crate::base::names::did_you_mean;
use crate::base::{Diagnostic, Diagnostics, Kind, Value};
use crate::project::{Project, shown};
use crate::vars::{Layer, Level, VarMap, Variable};

/// What was read from files, and the layers of groups: shared among all hosts.
#[derive(Debug, Default)]
pub(super) struct Cache {
    files: Arc<Mutex<HashMap<File, Read>>>,
    groups: Mutex<HashMap<Arc<str>, Arc<Layer>>>,
}

/// Directory, `group_vars` or `host_vars`, and the name.
type File = (PathBuf, &'static str, Arc<str>);

/// The variables of one name in one directory, as layers of the two levels that they may stand at.
#[derive(Clone, Debug, Default)]
struct Read {
    layers: HashMap<Level, Arc<Layer>>,
    vars: Option<Arc<VarMap>>,
    diagnostics: Diagnostics,
}

impl Clone for Cache {
    /// A copy may be changed, so its groups start anew; what was read from files is shared.
    fn clone(&self) -> Self {
        Self { files: Arc::clone(&self.files), groups: Mutex::default() }
    }
}

impl Inventory {
    /// The layers of a host, lowest precedence first: variables of groups from the inventory, `group_vars` beside it
    /// and beside the playbook, then the same for the host. Groups go by depth, priority and name.
    ///
    /// # Errors
    /// Everything that is wrong with the files of variables.
    pub fn host_layers(
        &self,
        project: &Project,
        host: &str,
        playbook_dirs: &[PathBuf],
    ) -> Result<Vec<Arc<Layer>>, Diagnostics> {
        let mut collected =
            Collected { inventory: self, project, layers: Vec::new(), errors: Diagnostics::default() };
        let groups = self.groups_by_precedence(host);
        let all = self.groups.get("all");
        for group in all.into_iter().chain(groups.iter().copied()) {
            collected.push(self.group_layer(group));
        }
        let all: Vec<Arc<str>> = vec![Arc::from("all")];
        let groups: Vec<Arc<str>> = groups.iter().map(|group| Arc::clone(&group.name)).collect();
        collected.files(&self.dirs, "group_vars", &all, Level::InventoryGroupVarsAll);
        collected.files(playbook_dirs, "group_vars", &all, Level::PlaybookGroupVarsAll);
        collected.files(&self.dirs, "group_vars", &groups, Level::InventoryGroupVarsFiles);
        collected.files(playbook_dirs, "group_vars", &groups, Level::PlaybookGroupVars);
        if let Some(host) = self.host(host) {
            collected.push(host_layer(&host));
            let name = [Arc::clone(&host.name)];
            collected.files(&self.dirs, "host_vars", &name, Level::InventoryHostVarsFiles);
            collected.files(playbook_dirs, "host_vars", &name, Level::PlaybookHostVars);
        }
        if collected.errors.has_errors() { Err(collected.errors) } else { Ok(collected.layers) }
    }

    /// The layers of a group itself, lowest precedence first: from the inventory, from `group_vars` beside it and beside
    /// the playbook.
    ///
    /// # Errors
    /// Everything that is wrong with the files of variables.
    pub fn group_layers(
        &self,
        project: &Project,
        group: &str,
        playbook_dirs: &[PathBuf],
    ) -> Result<Vec<Arc<Layer>>, Diagnostics> {
        let mut collected =
            Collected { inventory: self, project, layers: Vec::new(), errors: Diagnostics::default() };
        if let Some(group) = self.groups.get(group) {
            collected.push(self.group_layer(group));
            let name = [Arc::clone(&group.name)];
            collected.files(&self.dirs, "group_vars", &name, Level::InventoryGroupVarsFiles);
            collected.files(playbook_dirs, "group_vars", &name, Level::PlaybookGroupVars);
        }
        if collected.errors.has_errors() { Err(collected.errors) } else { Ok(collected.layers) }
    }

    /// Whether a text may not be templated although it looks like any other: it is `!unsafe`, or what a plugin computed.
    pub fn is_untrusted(&self, text: &Arc<str>) -> bool {
        self.untrusted.has(text)
    }

    /// Reads the files of variables of all hosts and groups and gives everything that is wrong with them: errors,
    /// warnings, and files whose name misses that of a group or host by a slip.
    pub fn check_vars_files(&self, project: &Project, playbook_dirs: &[PathBuf]) -> Diagnostics {
        let mut diagnostics = Diagnostics::default();
        let mut dirs: Vec<&PathBuf> = Vec::new();
        for dir in self.dirs.iter().chain(playbook_dirs) {
            if !dirs.contains(&dir) {
                dirs.push(dir);
            }
        }
        for dir in dirs {
            for (kind, names) in [
                ("group_vars", self.groups.keys().cloned().collect::<Vec<_>>()),
                ("host_vars", self.hosts.keys().cloned().collect()),
            ] {
                if !project.is_dir(&dir.join(kind)) {
                    continue;
                }
                for name in &names {
                    self.read(project, dir, kind, name, |read| diagnostics.extend(read.diagnostics.clone()));
                }
                near_misses(project, &dir.join(kind), &names, &mut diagnostics);
            }
        }
        diagnostics
    }

    fn group_layer(&self, group: &Group) -> Arc<Layer> {
        let mut groups = self.layers.groups.lock().unwrap_or_else(PoisonError::into_inner);
        let layer = groups
            .entry(Arc::clone(&group.name))
            .or_insert_with(|| Layer::new(Level::InventoryGroupVars, group.vars.clone()));
        Arc::clone(layer)
    }

    fn read<T>(
        &self,
        project: &Project,
        dir: &Path,
        kind: &'static str,
        name: &Arc<str>,
        then: impl FnOnce(&mut Read) -> T,
    ) -> T {
        let mut files = self.layers.files.lock().unwrap_or_else(PoisonError::into_inner);
        let read = files.entry((dir.to_owned(), kind, Arc::clone(name))).or_insert_with(|| {
            let mut diagnostics = Diagnostics::default();
            let vars =
                vars_files::read(project, &self.options, dir, kind, name, &mut diagnostics).map(Arc::new);
            Read { layers: HashMap::new(), vars, diagnostics }
        });
        then(read)
    }
}

struct Collected<'i> {
    inventory: &'i Inventory,
    project: &'i Project,
    layers: Vec<Arc<Layer>>,
    errors: Diagnostics,
}

impl Collected<'_> {
    fn push(&mut self, layer: Arc<Layer>) {
        if !layer.vars.is_empty() {
            self.layers.push(layer);
        }
    }

    fn files(&mut self, dirs: &[PathBuf], kind: &'static str, names: &[Arc<str>], level: Level) {
        for dir in dirs {
            for name in names {
                let layer = self.inventory.read(self.project, dir, kind, name, |read| {
                    if read.diagnostics.has_errors() {
                        return Err(read.diagnostics.clone());
                    }
                    Ok(read.vars.as_ref().map(|vars| {
                        let layer = read
                            .layers
                            .entry(level)
                            .or_insert_with(|| Layer::new(level, VarMap::clone(vars)));
                        Arc::clone(layer)
                    }))
                });
                match layer {
                    Ok(Some(layer)) => self.push(layer),
                    Ok(None) => {}
                    Err(diagnostics) => self.errors.extend(diagnostics),
                }
            }
        }
    }
}

/// A host's own variables, and where the inventory first names it.
fn host_layer(host: &Host) -> Arc<Layer> {
    let mut vars = VarMap::new();
    let (file, dir) = match &host.source {
        Some(InventorySource::Path(path)) => {
            let path = super::absolute(path);
            let dir = path.parent().map(|parent| Value::from(parent.to_string_lossy().into_owned()));
            (Value::from(path.to_string_lossy().into_owned()), dir.unwrap_or_default())
        }
        Some(InventorySource::Hosts(list)) => (Value::from(list.as_str()), Value::Null),
        None => (Value::Null, Value::Null),
    };
    for (name, value) in [("inventory_file", file), ("inventory_dir", dir)] {
        vars.insert(Arc::from(name), Variable { value, place: None });
    }
    vars.extend(host.vars.iter().map(|(name, variable)| (Arc::clone(name), variable.clone())));
    Layer::new(Level::InventoryHostVars, vars)
}

/// Warns of files that belong to no group or host, where one of a similar name exists.
fn near_misses(project: &Project, dir: &Path, names: &[Arc<str>], diagnostics: &mut Diagnostics) {
    for path in project.entries(dir).unwrap_or_default() {
        let Some(file_name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let name = [".yml", ".yaml", ".json"]
            .iter()
            .find_map(|ending| file_name.strip_suffix(ending))
            .unwrap_or(file_name);
        if name.starts_with('.') || names.iter().any(|known| &**known == name) {
            continue;
        }
        if let Some(hint) = did_you_mean(name, names.iter().map(|known| &**known)) {
            let message = format!("`{}` belongs to nothing in the inventory", shown(&path).display());
            diagnostics.push(Diagnostic::warning(Kind::Inventory, message).hint(hint));
        }
    }
}
