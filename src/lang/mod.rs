//! Row 3: from YAML to plays, blocks, tasks and roles, with the place of everything. Module names and parameters
//! are checked in `plan`.

use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::base::{Place, Value};
use crate::vars::Layer;

mod arguments;
mod attributes;
mod collections;
mod entries;
mod freeform;
mod include;
mod items;
pub mod keyword;
mod known;
mod library;
mod load;
mod locate;
mod looping;
mod modules;
mod play;
mod playbook;
mod role;
mod role_files;
mod role_meta;
mod role_spec;
mod shape;
mod task;
mod variables;

#[cfg(test)]
mod tests;

pub use attributes::PROMPT_KEYS;
pub use collections::collection_playbook;
pub use freeform::key_values;
pub use include::{ROLE_OPTIONS, TASK_FILE_OPTIONS, include_scope, similar_file};
pub use keyword::Keyword;
pub use library::{Installation, JSON_PLACE, Libraries, ModuleFile, REPLACED, Style};
pub use load::{
    FromFiles, LoadedRole, LoadedTasks, Loader, ModuleNames, RoleRequest, Section, Settings, Texts,
};
pub use looping::{CONTROLS, LOOKUPS, MOVED};
pub use modules::CONTROLLER_ACTIONS;
pub use shape::{Shape, is_variable_name, shape};
pub use task::{is_language_action, short_name};
pub use variables::{is_reserved, reserved};

/// A value with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Located {
    /// The value, not rendered.
    pub value: Value,
    /// Where it stands.
    pub place: Place,
}

/// The keywords that stand on one play, role, block or task.
pub type Keywords = IndexMap<Keyword, Located>;

/// A playbook, imports of playbooks resolved.
#[derive(Clone, Debug)]
pub struct Playbook {
    /// Its file.
    pub path: PathBuf,
    /// Its plays in order.
    pub plays: Vec<Arc<Play>>,
}

/// A play.
#[derive(Clone, Debug)]
pub struct Play {
    /// Where it stands.
    pub place: Place,
    /// Directory of the playbook that it stands in (`playbook_dir`).
    pub directory: PathBuf,
    /// Name; the host pattern where it has none.
    pub name: Located,
    /// Host pattern: a text or a list of texts, perhaps templated.
    pub hosts: Located,
    /// Its scope: keywords and vars that its tasks inherit.
    pub scope: Arc<Scope>,
    /// `vars_files`: each a text or a list of texts of which the first that exists is read.
    pub vars_files: Vec<Located>,
    /// The static roles in the order in which they run, dependencies included, for defaults and vars.
    pub roles: Vec<Arc<Role>>,
    /// What runs, in order: fact gathering, pre_tasks, roles, tasks, post_tasks, and flushes between them.
    pub items: Arc<[Item]>,
    /// Handlers in order: the roles' first, then the play's.
    pub handlers: Arc<[Item]>,
}

/// One thing that runs.
#[derive(Clone, Debug)]
pub enum Item {
    /// A task.
    Task(Arc<Task>),
    /// A block; also what a role and a static import become.
    Block(Arc<Block>),
    /// Handlers that are notified run here.
    FlushHandlers,
    /// A role that was run to its end: it does not run again unless it allows duplicates.
    RoleEnd(Arc<Role>),
}

/// Tasks that belong together.
#[derive(Clone, Debug)]
pub struct Block {
    /// Where it stands.
    pub place: Place,
    /// Its name.
    pub name: Option<Located>,
    /// Keywords and vars that its tasks inherit.
    pub scope: Arc<Scope>,
    /// What runs.
    pub tasks: Arc<[Item]>,
    /// What runs when a task of it failed.
    pub rescue: Arc<[Item]>,
    /// What runs in any case.
    pub always: Arc<[Item]>,
}

/// What a scope comes from.
#[derive(Clone, Debug)]
pub enum ScopeKind {
    /// A play.
    Play,
    /// A role.
    Role(Arc<Role>),
    /// A block.
    Block,
    /// A task that includes or imports tasks.
    Include,
}

/// Keywords and variables that everything inside inherits.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The scope around it; none for a play.
    pub parent: Option<Arc<Scope>>,
    /// What it comes from.
    pub kind: ScopeKind,
    /// Its own keywords.
    pub keywords: Keywords,
    /// Its own variables.
    pub vars: Option<Arc<Layer>>,
    /// Directory that files and includes are looked up from (that of the task file).
    pub directory: PathBuf,
}

/// A task.
#[derive(Clone, Debug)]
pub struct Task {
    /// Where it stands.
    pub place: Place,
    /// Its name, perhaps templated.
    pub name: Option<Located>,
    /// The module's name as written, and its place.
    pub module: Arc<str>,
    /// Where the module's name stands.
    pub module_place: Place,
    /// The module's file, where fleet does not have the module itself.
    pub file: Option<Arc<ModuleFile>>,
    /// The module's parameters.
    pub args: Arguments,
    /// Own keywords.
    pub keywords: Keywords,
    /// Own variables.
    pub vars: Option<Arc<Layer>>,
    /// Its loop.
    pub looped: Option<Loop>,
    /// What is around it.
    pub scope: Arc<Scope>,
    /// Names a handler answers to besides its own.
    pub listen: Vec<Located>,
    /// Task file that it stands in.
    pub directory: PathBuf,
}

/// Parameters as written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arguments {
    /// By name, with places.
    pub named: IndexMap<Arc<str>, Located>,
    /// The free-form text of `command`, `shell`, `raw`, `script`, `meta`, `include_tasks` …
    pub free_form: Option<Located>,
    /// Where the arguments are one template for a whole mapping (`args: "{{ … }}"`).
    pub whole: Option<Located>,
    /// Where the names of the parameters stand; [`Located`] holds the places of their values.
    pub name_places: IndexMap<Arc<str>, Place>,
}

/// A loop over a task.
#[derive(Clone, Debug, PartialEq)]
pub struct Loop {
    /// `loop` or the lookup of `with_LOOKUP`.
    pub kind: LoopKind,
    /// What is looped over.
    pub over: Located,
    /// `loop_control`, by name.
    pub control: IndexMap<Arc<str>, Located>,
}

/// How a loop gets its items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoopKind {
    /// `loop`: the list itself.
    Loop,
    /// `with_NAME`: the lookup NAME of the terms.
    With(Arc<str>),
}

/// A role as it is used in a play: its files, and the parameters that it is used with.
#[derive(Clone, Debug)]
pub struct Role {
    /// Name as Ansible's `role_name`.
    pub name: Arc<str>,
    /// The collection that it belongs to (`ns.col`).
    pub collection: Option<Arc<str>>,
    /// The collections in which its tasks' short names of modules and roles are searched.
    pub collections: Arc<[Arc<str>]>,
    /// Its directory.
    pub path: PathBuf,
    /// Where it is used.
    pub place: Place,
    /// defaults/main.yml (or `defaults_from`).
    pub defaults: Arc<Layer>,
    /// vars/main.yml (or `vars_from`).
    pub vars: Arc<Layer>,
    /// Parameters given where it is used.
    pub params: Arc<Layer>,
    /// The role that depends on it, where one does.
    pub dependant: Option<Arc<Role>>,
    /// `allow_duplicates` in its meta.
    pub allow_duplicates: bool,
    /// Equal for two uses that are the same to Ansible (path, parameters, `vars`, `when`, `tags`, files): such a
    /// role runs once unless it allows duplicates.
    pub identity: Arc<str>,
}

impl Role {
    /// Its name with its collection (`ansible_role_name`).
    pub fn full_name(&self) -> Arc<str> {
        match &self.collection {
            Some(collection) => Arc::from(format!("{collection}.{}", self.name)),
            None => Arc::clone(&self.name),
        }
    }

    /// What a task or handler of it goes by beside its own name: `role : name`, with the collection's name and
    /// without.
    pub fn titles(&self, name: &str) -> Vec<String> {
        let short = format!("{} : {name}", self.name);
        let collection = self.collection.as_ref();
        std::iter::once(short.clone()).chain(collection.map(|its| format!("{its}.{short}"))).collect()
    }
}

impl Scope {
    /// This scope and those around it, from the inside out.
    pub fn outwards(self: &Arc<Self>) -> impl Iterator<Item = &Arc<Scope>> {
        std::iter::successors(Some(self), |scope| scope.parent.as_ref())
    }

    /// The nearest role around.
    pub fn role(self: &Arc<Self>) -> Option<&Arc<Role>> {
        self.outwards().find_map(|scope| match &scope.kind {
            ScopeKind::Role(role) => Some(role),
            ScopeKind::Play | ScopeKind::Block | ScopeKind::Include => None,
        })
    }
}

impl Task {
    /// The keyword on the task itself or else on what is nearest around it, for keywords that are inherited.
    pub fn keyword(&self, keyword: Keyword) -> Option<&Located> {
        self.keyword_outwards(keyword).next()
    }

    /// The keyword wherever it stands and is inherited from, from the task to the outermost scope.
    pub fn keyword_outwards(&self, keyword: Keyword) -> impl Iterator<Item = &Located> {
        let around = keyword.inherited().then(|| self.scope.outwards());
        let around = around.into_iter().flatten().filter_map(move |scope| scope.keywords.get(&keyword));
        self.keywords.get(&keyword).into_iter().chain(around)
    }

    /// The keyword wherever it stands, from the outermost scope to the task: for those that add up (`when`,
    /// `tags`, `environment`).
    pub fn keyword_chain(&self, keyword: Keyword) -> Vec<&Located> {
        let mut chain: Vec<&Located> =
            self.scope.outwards().filter_map(|scope| scope.keywords.get(&keyword)).collect();
        chain.reverse();
        chain.extend(self.keywords.get(&keyword));
        chain
    }
}
