//! The loader: what it needs from the rooms above, what it gives, and the state of one load.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::items::Around;
use super::library::Libraries;
use super::role::RoleUse;
use super::{Item, Located, Playbook, Role, Scope};
use crate::base::{Diagnostic, Diagnostics, Kind, Place, Severity, Value};
use crate::project::Project;
use crate::vars::{Layer, Layers, Level};
use crate::yaml::{self, Node};

/// What the user's configuration says about loading.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Directories that roles are looked up in, after `roles/` beside the playbook. Absolute.
    pub roles_path: Vec<PathBuf>,
    /// Directories with collections (`ansible_collections/NS/NAME`), after `collections/` beside the playbook.
    /// Absolute.
    pub collections_path: Vec<PathBuf>,
    /// Whether a play without `gather_facts` gathers facts (`gathering = implicit`).
    pub gather_facts: bool,
    /// Whether handlers run on hosts that failed, in plays that do not say it (`force_handlers`).
    pub force_handlers: bool,
    /// Where modules that are files lie.
    pub libraries: Libraries,
    /// What a key is that is twice in a mapping (`duplicate_dict_key`).
    pub duplicates: yaml::Duplicates,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            roles_path: Vec::new(),
            collections_path: Vec::new(),
            gather_facts: true,
            force_handlers: false,
            libraries: Libraries::default(),
            duplicates: yaml::Duplicates::default(),
        }
    }
}

/// The names of modules: the registry lies above and is given by `plan`.
pub trait ModuleNames: fmt::Debug + Send + Sync {
    /// Whether there is a module with that short or full name. Actions that the engine carries out itself (`meta`,
    /// `include_tasks`, `include_role`) count as modules where it does.
    fn is_module(&self, name: &str) -> bool;
    /// Whether the module takes a free-form text besides parameters (`command`, `set_fact` …).
    fn free_form(&self, name: &str) -> bool;
    /// All names, for near misses.
    fn names(&self) -> Vec<&str>;
}

/// Renders the names of static imports and roles.
pub trait Texts: fmt::Debug + Send + Sync {
    /// Renders a value to a text with what is known before a run: `known`, and extra variables.
    ///
    /// # Errors
    /// A variable that is not known before the run, or a mistake in the template.
    fn text(&self, value: &Value, place: &Place, known: &Layers) -> Result<String, Diagnostic>;
}

/// Whether tasks or handlers are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Tasks.
    Tasks,
    /// Handlers.
    Handlers,
}

impl Section {
    /// The directory of a role that they lie in.
    pub fn directory(self) -> &'static str {
        match self {
            Self::Tasks => "tasks",
            Self::Handlers => "handlers",
        }
    }
}

/// A role that `include_role` asks for, its options rendered.
#[derive(Clone, Debug)]
pub struct RoleRequest {
    /// Its name.
    pub name: Located,
    /// Which files of it, where not `main`.
    pub from: FromFiles,
    /// `allow_duplicates` of the include; Ansible's default for includes is true.
    pub allow_duplicates: bool,
    /// Whether argument specs are checked (`rolespec_validate`).
    pub validate: bool,
}

/// The files of a role that are used in place of `main`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FromFiles {
    /// `tasks_from`.
    pub tasks: Option<Arc<str>>,
    /// `vars_from`.
    pub vars: Option<Arc<str>>,
    /// `defaults_from`.
    pub defaults: Option<Arc<str>>,
    /// `handlers_from`.
    pub handlers: Option<Arc<str>>,
}

/// The tasks of a file, and what the roles that it imports bring to the play.
#[derive(Clone, Debug)]
pub struct LoadedTasks {
    /// What runs.
    pub items: Vec<Item>,
    /// Roles that were imported: their variables are the play's from now on.
    pub roles: Vec<Arc<Role>>,
    /// Their handlers.
    pub handlers: Vec<Item>,
}

/// A role with what it runs.
#[derive(Clone, Debug)]
pub struct LoadedRole {
    /// The role.
    pub role: Arc<Role>,
    /// Its dependencies in the order in which they run, itself, and roles that its tasks import.
    pub roles: Vec<Arc<Role>>,
    /// What runs: its dependencies, then its tasks, each followed by [`Item::RoleEnd`].
    pub items: Vec<Item>,
    /// Handlers, those of the dependencies first.
    pub handlers: Vec<Item>,
}

/// Loads playbooks, task files and roles. It keeps the files that it has read.
#[derive(Debug)]
pub struct Loader<'a> {
    pub(super) project: &'a Project,
    pub(super) settings: &'a Settings,
    pub(super) modules: &'a dyn ModuleNames,
    pub(super) texts: &'a dyn Texts,
    documents: Mutex<HashMap<PathBuf, Arc<Document>>>,
}

/// A file that was read: its root where it is YAML, and what is wrong with it.
#[derive(Debug)]
struct Document {
    root: Option<Node>,
    diagnostics: Diagnostics,
}

impl<'a> Loader<'a> {
    /// A loader over a project.
    pub fn new(
        project: &'a Project,
        settings: &'a Settings,
        modules: &'a dyn ModuleNames,
        texts: &'a dyn Texts,
    ) -> Self {
        Self { project, settings, modules, texts, documents: Mutex::default() }
    }

    /// Loads a playbook with all that it imports. The path is absolute. Without errors among the diagnostics
    /// the playbook is whole; with errors it is what could be understood; none where it cannot be read at all.
    pub fn playbook(&self, path: &Path) -> (Option<Playbook>, Diagnostics) {
        let mut load = Load::new(self);
        let playbook = load.playbook_file(path);
        (playbook, load.finish())
    }

    /// Loads a task file for `include_tasks`; `scope` is the include's (see [`super::include_scope`]).
    pub fn task_file(&self, path: &Path, scope: &Arc<Scope>, section: Section) -> (LoadedTasks, Diagnostics) {
        let mut load = Load::new(self);
        let items = load.tasks_of_file(path, None, Around { scope, section });
        let PlayState { vars_files: _, roles, imported, handlers } = std::mem::take(&mut load.play);
        (LoadedTasks { items, roles: [roles, imported].concat(), handlers }, load.finish())
    }

    /// The task file that an include or import names, as Ansible searches it: relative to the files that include
    /// it, then to the role or the playbook.
    ///
    /// # Errors
    /// With the paths that were tried.
    pub fn find_task_file(
        &self,
        name: &str,
        place: &Place,
        scope: &Arc<Scope>,
        section: Section,
    ) -> Result<PathBuf, Diagnostic> {
        super::include::find_task_file(self.project, name, place, scope, section)
    }

    /// Reads a file of variables (`vars_files`, `include_vars`): a mapping, or empty. None where it is neither.
    pub fn vars_file(&self, path: &Path, level: Level) -> (Option<Arc<Layer>>, Diagnostics) {
        let mut load = Load::new(self);
        let layer = load.vars_file(path, None).map(|vars| Layer::new(level, vars));
        (layer, load.finish())
    }

    /// Loads a role for `include_role`; `scope` is the include's (see [`super::include_scope`]).
    pub fn role(&self, request: &RoleRequest, scope: &Arc<Scope>) -> (Option<LoadedRole>, Diagnostics) {
        let mut load = Load::new(self);
        let loaded = load.role(RoleUse::included(request), scope).map(|mut loaded| {
            loaded.roles.extend(std::mem::take(&mut load.play.imported));
            loaded.handlers.extend(std::mem::take(&mut load.play.handlers));
            loaded
        });
        (loaded, load.finish())
    }
}

/// A file or role that is being loaded, to find what includes itself.
#[derive(Debug)]
pub(super) struct Frame {
    /// What makes two the same.
    key: String,
    /// As people know it.
    label: String,
}

/// What a play collects while it is loaded.
#[derive(Debug, Default)]
pub(super) struct PlayState {
    /// Its `vars_files`, for the names of static imports.
    pub(super) vars_files: Vec<Located>,
    /// The roles of `roles` in order, with their dependencies.
    pub(super) roles: Vec<Arc<Role>>,
    /// Roles that are imported, unless they are private.
    pub(super) imported: Vec<Arc<Role>>,
    /// Handlers of roles that are imported.
    pub(super) handlers: Vec<Item>,
}

/// How bad it is that a task cannot succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tolerance {
    /// The run cannot start.
    None,
    /// It may never run, or its failure may be meant (`ignore_errors`, `when`, `rescue`): a warning here, and the
    /// task's failure at its turn.
    Warning,
}

/// One load: its diagnostics, and what is being loaded.
#[derive(Debug)]
pub(super) struct Load<'l, 'a> {
    pub(super) loader: &'l Loader<'a>,
    pub(super) play: PlayState,
    /// For what makes the task at hand fail.
    pub(super) tolerance: Tolerance,
    /// How many blocks with `rescue` are around.
    pub(super) rescued: usize,
    diagnostics: Diagnostics,
    stack: Vec<Frame>,
}

impl<'l, 'a> Load<'l, 'a> {
    pub(super) fn new(loader: &'l Loader<'a>) -> Self {
        Self {
            loader,
            play: PlayState::default(),
            tolerance: Tolerance::None,
            rescued: 0,
            diagnostics: Diagnostics::default(),
            stack: Vec::new(),
        }
    }

    /// Adds a diagnostic.
    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Adds an error at a place.
    pub(super) fn error(&mut self, kind: Kind, place: &Place, message: impl Into<String>) {
        self.push(Diagnostic::error(kind, message).at(place));
    }

    /// Adds an error at a place, with a hint.
    pub(super) fn error_hint(
        &mut self,
        kind: Kind,
        place: &Place,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.push(Diagnostic::error(kind, message).at(place).hint(hint));
    }

    /// Adds what will make the task at hand fail: an error, unless that may be meant.
    pub(super) fn failure(&mut self, mut diagnostic: Diagnostic) {
        if self.tolerance == Tolerance::Warning {
            diagnostic.severity = Severity::Warning;
        }
        self.push(diagnostic);
    }

    /// Adds a warning at a place.
    pub(super) fn warn(&mut self, kind: Kind, place: &Place, message: impl Into<String>) {
        self.push(Diagnostic::warning(kind, message).at(place));
    }

    /// Everything that was found, file by file as they were first met, and from top to bottom. What a file that is
    /// used twice has wrong is there only once.
    pub(super) fn finish(self) -> Diagnostics {
        let mut seen = HashSet::new();
        let mut all = self.diagnostics.0;
        all.retain(|diagnostic| {
            let place = diagnostic.place.as_ref();
            let at = place.map(|place| (place.source.path.clone(), place.line, place.column));
            seen.insert((diagnostic.message.clone(), at))
        });
        let mut files: Vec<PathBuf> = Vec::new();
        for place in all.iter().filter_map(|diagnostic| diagnostic.place.as_ref()) {
            if !files.contains(&place.source.path) {
                files.push(place.source.path.clone());
            }
        }
        all.sort_by_key(|diagnostic| {
            let place = diagnostic.place.as_ref();
            place.map(|place| {
                let file = files.iter().position(|file| *file == place.source.path);
                (file, place.line, place.column)
            })
        });
        Diagnostics(all)
    }

    /// The root of a YAML file; none where it cannot be read, which is then among the diagnostics. `asked` is
    /// where the file is named.
    pub(super) fn document(&mut self, path: &Path, asked: Option<&Place>) -> Option<Node> {
        let kept = self.loader.documents().get(path).cloned();
        let document = kept.unwrap_or_else(|| {
            let read = Arc::new(read_document(self.loader, path));
            self.loader.documents().insert(path.to_owned(), Arc::clone(&read));
            read
        });
        for diagnostic in &document.diagnostics.0 {
            self.push(diagnostic.clone().at_if_unplaced(asked));
        }
        document.root.clone()
    }

    /// Runs `load` unless `key` is being loaded already, which is an error that shows the chain.
    pub(super) fn within<T>(
        &mut self,
        key: String,
        label: String,
        place: Option<&Place>,
        load: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        if let Some(first) = self.stack.iter().position(|frame| frame.key == key) {
            let chain: Vec<&str> = self
                .stack
                .iter()
                .skip(first)
                .map(|frame| frame.label.as_str())
                .chain([label.as_str()])
                .collect();
            let message = format!("{label} is loaded within itself");
            let diagnostic = Diagnostic::error(Kind::Structure, message)
                .at_if_unplaced(place)
                .note(format!("the chain is {}", chain.join(" → ")), None);
            self.push(diagnostic);
            return None;
        }
        self.stack.push(Frame { key, label });
        let loaded = load(self);
        self.stack.pop();
        loaded
    }
}

impl Loader<'_> {
    fn documents(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, Arc<Document>>> {
        self.documents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read_document(loader: &Loader<'_>, path: &Path) -> Document {
    let source = match loader.project.read(path) {
        Ok(source) => source,
        Err(diagnostic) => return Document { root: None, diagnostics: Diagnostics(vec![diagnostic]) },
    };
    let parsed = yaml::parse_single(&source);
    let mut diagnostics = parsed.diagnostics;
    loader.settings.duplicates.judge(&mut diagnostics);
    let root = parsed.documents.into_iter().next().filter(|_| !diagnostics.has_errors());
    Document { root, diagnostics }
}
