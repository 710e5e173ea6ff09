//! `import_tasks` and `import_role`, resolved while loading; `include_tasks` and `include_role`, checked here and
//! resolved at their turn.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::items::Around;
use super::load::{FromFiles, Load, Section};
use super::role::RoleUse;
use super::task::short_name;
use super::{Block, Item, Keyword, Located, Scope, ScopeKind, Task};
use crate::base::names::did_you_mean;
use crate::base::{Diagnostic, Kind, Place, Value};
use crate::project::{Project, shown};
use crate::vars::{self, Layer, VarMap};
use crate::yaml::Node;

/// The keywords that a dynamic include may have; what its tasks shall have goes into `apply`.
const ON_INCLUDES: &[Keyword] = &[
    Keyword::Collections,
    Keyword::Debugger,
    Keyword::IgnoreErrors,
    Keyword::NoLog,
    Keyword::Register,
    Keyword::RunOnce,
    Keyword::Tags,
    Keyword::Timeout,
    Keyword::When,
];

/// The options of `import_tasks` and `include_tasks`; `apply` only of the latter.
pub const TASK_FILE_OPTIONS: &[&str] = &["file", "apply"];
/// The options of `import_role` and `include_role`; `apply` only of the latter.
pub const ROLE_OPTIONS: &[&str] = &[
    "name",
    "role",
    "tasks_from",
    "vars_from",
    "defaults_from",
    "handlers_from",
    "apply",
    "public",
    "allow_duplicates",
    "rolespec_validate",
];

impl Load<'_, '_> {
    pub(super) fn import_tasks(&mut self, task: Task, around: Around<'_>) -> Vec<Item> {
        let file = self.task_file_option(&task);
        self.refuse_on_import(&task);
        let Some(file) = file else { return Vec::new() };
        let Some(name) = self.known_text(&file, around.scope) else { return Vec::new() };
        let project = self.loader.project;
        let path = match find_task_file(project, &name, &file.place, around.scope, around.section) {
            Ok(path) => path,
            Err(diagnostic) => {
                self.push(diagnostic);
                return Vec::new();
            }
        };
        let directory = path.parent().unwrap_or(Path::new("")).to_owned();
        let scope = import_scope(&task, around.scope, directory);
        let label = format!("`{}`", shown(&path).display());
        let inside = Around { scope: &scope, ..around };
        let items = self.within(path.display().to_string(), label, Some(&file.place), |load| {
            Some(load.tasks_of_file(&path, Some(&file.place), inside))
        });
        imported(&task, scope, items.unwrap_or_default(), around.section)
    }

    pub(super) fn import_role(&mut self, task: Task, around: Around<'_>) -> Vec<Item> {
        let name = self.role_options(&task, around.section);
        self.refuse_on_import(&task);
        let Some(name) = name else { return Vec::new() };
        let scope = import_scope(&task, around.scope, around.scope.directory.clone());
        let from = FromFiles {
            tasks: self.file_option(&task, "tasks_from", around.scope),
            vars: self.file_option(&task, "vars_from", around.scope),
            defaults: self.file_option(&task, "defaults_from", around.scope),
            handlers: self.file_option(&task, "handlers_from", around.scope),
        };
        let allowed = self.flag_option(&task, "allow_duplicates", around.scope).unwrap_or(true);
        let validate = self.flag_option(&task, "rolespec_validate", around.scope).unwrap_or(true);
        let public = self.flag_option(&task, "public", around.scope).unwrap_or(true);
        let Some(loaded) = self.role(RoleUse::imported(name, from, allowed, validate), &scope) else {
            return Vec::new();
        };
        if public {
            self.play.imported.extend(loaded.roles);
        }
        self.play.handlers.extend(loaded.handlers);
        imported(&task, scope, loaded.items, around.section)
    }

    pub(super) fn include_tasks(&mut self, task: Task, node: &Node, around: Around<'_>) -> Vec<Item> {
        self.refuse_on_include(&task, node, around.section);
        let file = self.task_file_option(&task);
        file.map(|_| Item::Task(Arc::new(task))).into_iter().collect()
    }

    pub(super) fn include_role(&mut self, task: Task, node: &Node, around: Around<'_>) -> Vec<Item> {
        self.refuse_on_include(&task, node, around.section);
        let name = self.role_options(&task, around.section);
        name.map(|_| Item::Task(Arc::new(task))).into_iter().collect()
    }

    /// The file that is included: the free-form text, or `file`.
    fn task_file_option(&mut self, task: &Task) -> Option<Located> {
        self.check_options(task, TASK_FILE_OPTIONS);
        let file = task.args.free_form.as_ref().or_else(|| task.args.named.get("file"));
        match file {
            Some(file) if matches!(file.value, Value::Str(_) | Value::Template(_)) => Some(file.clone()),
            Some(file) => {
                let message = format!("the file of `{}` must be a text", task.module);
                self.error(Kind::Parameters, &file.place, message);
                None
            }
            None if task.args.whole.is_some() => None,
            None => {
                let message = format!("`{}` names no file", task.module);
                self.error(Kind::Parameters, &task.module_place, message);
                None
            }
        }
    }

    fn role_options(&mut self, task: &Task, section: Section) -> Option<Located> {
        if section == Section::Handlers {
            let message = format!("`{}` cannot be a handler", task.module);
            self.error(Kind::Structure, &task.module_place, message);
            return None;
        }
        self.check_options(task, ROLE_OPTIONS);
        if let Some(text) = &task.args.free_form {
            let message = format!("`{}` takes `name=ROLE`, no free-form text", task.module);
            self.error(Kind::Parameters, &text.place, message);
        }
        for option in ["tasks_from", "vars_from", "defaults_from", "handlers_from"] {
            let given = task.args.named.get(option);
            if let Some(given) =
                given.filter(|given| !matches!(given.value, Value::Str(_) | Value::Template(_)))
            {
                self.error(Kind::Parameters, &given.place, format!("`{option}` must be a text"));
            }
        }
        let name = task.args.named.get("name").or_else(|| task.args.named.get("role"));
        match name {
            Some(name) if matches!(name.value, Value::Str(_) | Value::Template(_)) => Some(name.clone()),
            Some(name) => {
                self.error(Kind::Parameters, &name.place, "the name of a role must be a text");
                None
            }
            None => {
                let message = format!("`{}` needs the `name` of a role", task.module);
                self.error(Kind::Parameters, &task.module_place, message);
                None
            }
        }
    }

    fn check_options(&mut self, task: &Task, known: &[&str]) {
        for (name, given) in &task.args.named {
            let place = task.args.name_places.get(name).unwrap_or(&given.place);
            if !known.contains(&&**name) {
                let message = format!("`{name}` is not an option of `{}`", task.module);
                let hint = did_you_mean(name, known.iter().copied());
                self.push(Diagnostic::error(Kind::UnknownParameter, message).at(place).maybe_hint(hint));
            }
        }
        let Some(apply) = task.args.named.get("apply") else { return };
        let place = task.args.name_places.get("apply").unwrap_or(&apply.place);
        if short_name(&task.module).starts_with("import_") {
            let message = format!("`apply` is not an option of `{}`", task.module);
            self.error_hint(Kind::UnknownParameter, place, message, "put the keywords on the task itself");
        } else {
            match &apply.value {
                Value::Map(entries) => {
                    for key in entries.keys() {
                        self.check_applied(&key.to_string(), &apply.place);
                    }
                }
                _ => self.error(Kind::Parameters, &apply.place, "`apply` must be a mapping of keywords"),
            }
        }
    }

    fn check_applied(&mut self, name: &str, place: &Place) {
        let keyword = Keyword::parse(name).filter(|keyword| keyword.on().block);
        match keyword {
            Some(keyword) if keyword.support() == super::keyword::Support::Refused => {
                self.error(Kind::Unsupported, place, format!("`{name}` is not supported yet"));
            }
            Some(_) => {}
            None if matches!(name, "name" | "vars") => {}
            None => self.unknown_keyword(name, place, super::entries::Level::Block),
        }
    }

    /// A keyword that would not reach the included tasks is an error, as in Ansible.
    fn refuse_on_include(&mut self, task: &Task, node: &Node, section: Section) {
        let given = task.keywords.keys().filter(|keyword| !ON_INCLUDES.contains(keyword));
        for keyword in given {
            let name = keyword.name();
            let message = format!("`{name}` is not a keyword of `{}`", task.module);
            let hint = if keyword.on().block {
                format!("what the included tasks shall have goes into `apply`: `apply: {{{name}: …}}`")
            } else {
                format!("put it on the tasks of the file, or use `import_tasks` instead of `{}`", task.module)
            };
            self.push(Diagnostic::error(Kind::UnknownKeyword, message).at(key_place(node, name)).hint(hint));
        }
        if section == Section::Tasks && !task.listen.is_empty() {
            self.unknown_keyword("listen", key_place(node, "listen"), super::entries::Level::Task);
        }
    }

    /// Imports cannot be looped; what only a task that runs can have has no effect on them.
    fn refuse_on_import(&mut self, task: &Task) {
        if let Some(looped) = &task.looped {
            let instead = task.module.replace("import_", "include_");
            self.error_hint(
                Kind::Structure,
                &looped.over.place,
                format!("`{}` cannot be looped", task.module),
                format!("use `{instead}`"),
            );
        }
        for (keyword, located) in task.keywords.iter().filter(|(keyword, _)| !keyword.inherited()) {
            let message = format!("`{}` has no effect on `{}`", keyword.name(), task.module);
            self.warn(Kind::Structure, &located.place, message);
        }
    }

    /// An option that is a boolean, perhaps a template.
    fn flag_option(&mut self, task: &Task, option: &str, scope: &Arc<Scope>) -> Option<bool> {
        let given = task.args.named.get(option).filter(|given| given.value != Value::Null)?;
        let value = if given.value.is_literal() {
            given.value.clone()
        } else {
            Value::from(self.known_text(given, scope)?)
        };
        let flag = super::shape::boolean(&value);
        if flag.is_none() {
            let message = format!("`{option}` must be a boolean, not {}", super::shape::shown(&value));
            self.error(Kind::Parameters, &given.place, message);
        }
        flag
    }

    fn file_option(&mut self, task: &Task, option: &str, scope: &Arc<Scope>) -> Option<Arc<str>> {
        let given = task.args.named.get(option)?;
        self.known_text(given, scope).map(Arc::from)
    }
}

/// Where a keyword of a task stands.
fn key_place<'n>(node: &'n Node, name: &str) -> &'n Place {
    let keys = node.as_map().unwrap_or_default().iter().map(|(key, _)| key);
    let written = if name == "delegate_to" { ["delegate_to", "local_action"] } else { [name, name] };
    keys.into_iter()
        .find(|key| key.as_str().is_some_and(|key| written.contains(&key)))
        .map_or(&node.place, |key| &key.place)
}

/// The scope of a static import: what its tasks inherit.
fn import_scope(task: &Task, around: &Arc<Scope>, directory: PathBuf) -> Arc<Scope> {
    let keywords = task.keywords.iter().filter(|(keyword, _)| keyword.inherited());
    Arc::new(Scope {
        parent: Some(Arc::clone(around)),
        kind: ScopeKind::Include,
        keywords: keywords.map(|(keyword, located)| (*keyword, located.clone())).collect(),
        vars: relevelled(task, vars::Level::BlockVars),
        directory,
    })
}

fn imported(task: &Task, scope: Arc<Scope>, items: Vec<Item>, section: Section) -> Vec<Item> {
    if section == Section::Handlers {
        return items;
    }
    vec![Item::Block(Arc::new(Block {
        place: task.place.clone(),
        name: task.name.clone(),
        scope,
        tasks: items.into(),
        rescue: Arc::new([]),
        always: Arc::new([]),
    }))]
}

fn relevelled(task: &Task, level: vars::Level) -> Option<Arc<Layer>> {
    task.vars.as_ref().map(|layer| Layer::new(level, layer.vars.clone()))
}

/// The scope that the tasks of a dynamic include run in: the include's variables, `more` (its loop's), and what
/// `apply` gives. `directory` is that of the included file. `apply` is taken as rendered; keywords in it that do not
/// exist were refused when the include was loaded.
pub fn include_scope(task: &Task, apply: Option<&Value>, more: VarMap, directory: &Path) -> Arc<Scope> {
    let mut own = task.vars.as_ref().map(|layer| layer.vars.clone()).unwrap_or_default();
    own.extend(more);
    // what an include searches its collections for, its tasks do too
    let collections = task.keywords.get_key_value(&Keyword::Collections);
    let outer = Arc::new(Scope {
        parent: Some(Arc::clone(&task.scope)),
        kind: ScopeKind::Include,
        keywords: collections.map(|(keyword, located)| (*keyword, located.clone())).into_iter().collect(),
        vars: (!own.is_empty()).then(|| Layer::new(vars::Level::IncludeParams, own)),
        directory: directory.to_owned(),
    });
    let Some(entries) = apply.and_then(Value::as_map).filter(|entries| !entries.is_empty()) else {
        return outer;
    };
    let place = task.args.named.get("apply").map_or(&task.place, |apply| &apply.place);
    let keyword = |(key, value): (&crate::base::Key, &Value)| {
        let keyword = Keyword::parse(key.as_str()?)?;
        Some((keyword, Located { value: value.clone(), place: place.clone() }))
    };
    let vars = entries.get("vars").and_then(Value::as_map).map(|vars| {
        let named = vars.iter().filter_map(|(key, value)| {
            let variable = vars::Variable { value: value.clone(), place: Some(place.clone()) };
            Some((Arc::from(key.as_str()?), variable))
        });
        Layer::new(vars::Level::BlockVars, named.collect())
    });
    Arc::new(Scope {
        parent: Some(outer),
        kind: ScopeKind::Block,
        keywords: entries.iter().filter_map(keyword).collect(),
        vars,
        directory: directory.to_owned(),
    })
}

/// The task file that an include names: as Ansible, relative to the files around it from the inside out, then to
/// the role's tasks or handlers, the role, and the playbook.
pub(super) fn find_task_file(
    project: &Project,
    name: &str,
    place: &Place,
    scope: &Arc<Scope>,
    section: Section,
) -> Result<PathBuf, Diagnostic> {
    let mut tried: Vec<PathBuf> = Vec::new();
    let mut candidates = |path: PathBuf| {
        let path = normalized(&path);
        if !tried.contains(&path) {
            tried.push(path);
        }
    };
    if Path::new(name).is_absolute() {
        candidates(PathBuf::from(name));
    } else {
        for around in scope.outwards() {
            match &around.kind {
                ScopeKind::Include => candidates(around.directory.join(name)),
                ScopeKind::Role(role) => {
                    candidates(role.path.join(section.directory()).join(name));
                    candidates(role.path.join(Section::Tasks.directory()).join(name));
                    candidates(role.path.join(name));
                    break;
                }
                ScopeKind::Play | ScopeKind::Block => {}
            }
        }
        if let Some(play) = scope.outwards().last() {
            if scope.role().is_some() {
                candidates(play.directory.join(section.directory()).join(name));
            }
            candidates(play.directory.join(name));
        }
    }
    if let Some(found) = tried.iter().find(|path| project.is_file(path)) {
        return Ok(found.clone());
    }
    let mut diagnostic = Diagnostic::error(Kind::File, format!("there is no file `{name}`")).at(place);
    if let Some(last) = tried.last() {
        let path = last.display();
        diagnostic.told = Some(format!("Could not find or access '{path}' on the Ansible Controller."));
    }
    for path in &tried {
        diagnostic = diagnostic.note(format!("`{}` is not there", shown(path).display()), None);
    }
    Err(diagnostic.maybe_hint(similar_file(project, &tried)))
}

/// A file of nearly the same name beside one that was tried.
pub fn similar_file(project: &Project, tried: &[PathBuf]) -> Option<String> {
    tried.iter().find_map(|path| {
        let wanted = path.file_name()?.to_str()?;
        let entries = project.entries(path.parent()?).ok()?;
        let names: Vec<&str> = entries.iter().filter_map(|entry| entry.file_name()?.to_str()).collect();
        did_you_mean(wanted, names)
    })
}

/// A path without `.` and `..`, as far as that is possible without looking.
pub(super) fn normalized(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                if !out.pop() {
                    out.push("..");
                }
            }
            other => out.push(other),
        }
    }
    out
}
