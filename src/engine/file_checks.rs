//! Checks playbooks and roles without an inventory and without a run: for `fleet check-project`.

use std::path::Path;
use std::sync::Arc;

use super::run::LoadTexts;
use crate::base::{Diagnostic, Diagnostics, Map, Place, Source, Value};
use crate::inventory::Inventory;
use crate::lang::{
    FromFiles, Keywords, Loader, Located, ModuleFile, RoleRequest, Scope, ScopeKind, Settings,
};
use crate::plan::check;
use crate::plan::variables::{AllHosts, World};
use crate::project::Project;
use crate::template::Templar;
use crate::vars::{Layer, Level, VarMap};

/// What is checked with.
pub struct FileChecks<'a> {
    project: &'a Project,
    settings: &'a Settings,
    templar: Templar,
    world: Arc<World>,
    files: Vec<(Arc<ModuleFile>, Place)>,
}

impl<'a> FileChecks<'a> {
    /// Over a project; `extra` are extra variables, which names of imports may use.
    pub fn new(project: &'a Project, settings: &'a Settings, extra: VarMap) -> Self {
        let extra = Layer::new(Level::ExtraVars, extra);
        let world = World::new(Inventory::default(), AllHosts::new(), extra, Map::new());
        Self { project, settings, templar: Templar::new(), world: Arc::new(world), files: Vec::new() }
    }

    /// Everything that is wrong with a playbook and what it brings.
    pub fn playbook(&mut self, path: &Path) -> Diagnostics {
        let texts = LoadTexts { vault: self.project.vault(), templar: &self.templar, world: &self.world };
        let (loaded, mut diagnostics) =
            Loader::new(self.project, self.settings, &check::Names, &texts).playbook(path);
        if let Some(playbook) = loaded {
            diagnostics.extend(check::playbook(&playbook, &self.templar));
            for play in &playbook.plays {
                self.files.extend(check::module_files(play.items.iter().chain(&*play.handlers)));
            }
        }
        diagnostics
    }

    /// The file of the module that a name means to a playbook in `directory`; none where fleet has it itself.
    ///
    /// # Errors
    /// There is no such module, or it cannot be run.
    pub fn module_file(&self, name: &str, directory: &Path) -> Result<Option<Arc<ModuleFile>>, Diagnostic> {
        let texts = LoadTexts { vault: self.project.vault(), templar: &self.templar, world: &self.world };
        Loader::new(self.project, self.settings, &check::Names, &texts).module_file_in(name, directory)
    }

    /// The modules that are files of all that was checked, with their places.
    pub fn files(self) -> Vec<(Arc<ModuleFile>, Place)> {
        self.files
    }

    /// Everything that is wrong with a role, by its directory: its main files, and every file of tasks in it.
    pub fn role(&mut self, path: &Path) -> Diagnostics {
        let texts = LoadTexts { vault: self.project.vault(), templar: &self.templar, world: &self.world };
        let loader = Loader::new(self.project, self.settings, &check::Names, &texts);
        let source = Source::new(crate::project::shown(path), "");
        let place = Place::start_of(&source);
        // as if a playbook beside `roles/` had it
        let parent = path.parent().unwrap_or(path);
        let beside = if parent.ends_with("roles") { parent.parent().unwrap_or(parent) } else { parent };
        let scope = Arc::new(Scope {
            parent: None,
            kind: ScopeKind::Play,
            keywords: Keywords::new(),
            vars: None,
            directory: beside.to_owned(),
        });
        let mut diagnostics = Diagnostics::default();
        for tasks in self.entry_points(path) {
            let request = RoleRequest {
                name: Located { value: Value::from(path.display().to_string()), place: place.clone() },
                from: FromFiles { tasks, ..FromFiles::default() },
                allow_duplicates: true,
                validate: true,
            };
            let (loaded, found) = loader.role(&request, &scope);
            diagnostics.extend(found);
            if let Some(loaded) = loaded {
                diagnostics.extend(check::items(&loaded.items, &self.templar));
                diagnostics.extend(check::items(&loaded.handlers, &self.templar));
                self.files.extend(check::module_files(loaded.items.iter().chain(&loaded.handlers)));
            }
        }
        diagnostics
    }

    /// The files of tasks of a role: main, and those that something may include.
    fn entry_points(&self, role: &Path) -> Vec<Option<Arc<str>>> {
        let mut points = vec![None];
        let entries = self.project.entries(&role.join("tasks")).unwrap_or_default();
        for entry in entries {
            let ending = entry.extension().and_then(|ending| ending.to_str());
            let stem = entry.file_stem().and_then(|stem| stem.to_str());
            if let (Some("yml" | "yaml"), Some(stem)) = (ending, stem)
                && stem != "main"
            {
                points.push(Some(Arc::from(stem)));
            }
        }
        points
    }
}
