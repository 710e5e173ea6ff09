//! One task or handler: which of its keys is the module, its keywords, what belongs to the language itself.

use std::sync::Arc;

use super::arguments::{Given, Named};
use super::attributes::Taken;
use super::collections::{self, Resolved};
use super::entries::{Entry, Level, elsewhere};
use super::items::Around;
use super::keyword::{META, Support};
use super::load::{Load, Section, Tolerance};
use super::looping::LoopParts;
use super::{Item, Keyword, Keywords, Located, Scope, Task};
use crate::base::names::{did_you_mean, nearest};
use crate::base::{Diagnostic, Kind, Value};
use crate::vars;
use crate::yaml::{Node, NodeKind};

/// The name of a module without the collections that every project has: `copy` for `ansible.builtin.copy`.
pub fn short_name(name: &str) -> &str {
    name.strip_prefix("ansible.builtin.").or_else(|| name.strip_prefix("ansible.legacy.")).unwrap_or(name)
}

/// Whether a name is one of the actions that the language itself defines. Imports are resolved by the loader; the
/// others are refused unless [`super::ModuleNames`] has them.
pub fn is_language_action(name: &str) -> bool {
    LANGUAGE_ACTIONS.contains(&short_name(name))
}

const LANGUAGE_ACTIONS: &[&str] = &["meta", "include_tasks", "import_tasks", "include_role", "import_role"];

/// Where the short names of modules are searched for a task.
#[derive(Clone, Copy, Debug)]
struct ModuleSearch<'s> {
    /// The collections, in order.
    collections: &'s [Arc<str>],
    /// What is around the task.
    scope: &'s Arc<Scope>,
}

/// A task as far as it stands in its own mapping.
#[derive(Debug, Default)]
struct Parts<'n> {
    name: Option<Located>,
    keywords: Keywords,
    vars: Option<Arc<vars::Layer>>,
    args: Option<&'n Node>,
    listen: Vec<Located>,
    looped: LoopParts<'n>,
    action: Option<Entry<'n>>,
    local_action: Option<Entry<'n>>,
    candidates: Vec<Entry<'n>>,
}

impl Load<'_, '_> {
    /// Reads a task or handler. Static imports give what they import.
    pub(super) fn task(&mut self, node: &Node, around: Around<'_>) -> Vec<Item> {
        let level = match around.section {
            Section::Tasks => Level::Task,
            Section::Handlers => Level::Handler,
        };
        let what = match around.section {
            Section::Tasks => "a task",
            Section::Handlers => "a handler",
        };
        let Some(entries) = self.entries(node, what) else { return Vec::new() };
        self.tolerance = self.tolerance_of(node, around);
        let items = self.task_of(node, entries, level, around);
        self.tolerance = Tolerance::None;
        items
    }

    /// Whether a task's failure may be meant.
    fn tolerance_of(&self, node: &Node, around: Around<'_>) -> Tolerance {
        const KEYWORDS: [Keyword; 2] = [Keyword::IgnoreErrors, Keyword::When];
        let own = KEYWORDS.iter().any(|keyword| node.get(keyword.name()).is_some());
        let inherited = || {
            let mut scopes = around.scope.outwards();
            scopes.any(|scope| KEYWORDS.iter().any(|keyword| scope.keywords.contains_key(keyword)))
        };
        if own || self.rescued > 0 || inherited() { Tolerance::Warning } else { Tolerance::None }
    }

    fn task_of(
        &mut self,
        node: &Node,
        entries: Vec<Entry<'_>>,
        level: Level,
        around: Around<'_>,
    ) -> Vec<Item> {
        let mut parts = self.parts(entries, level);
        let search = collections::search_list(&parts.keywords, around.scope);
        let names = ModuleSearch { collections: &search, scope: around.scope };
        let Some(named) = self.module(node, &mut parts, level, names) else {
            // what else is wrong with it is worth knowing too
            parts.looped.finish(self);
            return Vec::new();
        };
        let args = self.arguments(&named, parts.args);
        let Parts {
            name,
            keywords,
            vars,
            args: _,
            listen,
            looped,
            action: _,
            local_action: _,
            candidates: _,
        } = parts;
        let task = Task {
            place: node.place.clone(),
            name,
            module: named.name,
            module_place: named.place,
            file: named.file,
            args,
            keywords,
            vars,
            looped: looped.finish(self),
            scope: Arc::clone(around.scope),
            listen,
            directory: around.scope.directory.clone(),
        };
        let short = short_name(&task.module);
        let left_to_run = LANGUAGE_ACTIONS.contains(&short) && !short.starts_with("import_");
        if left_to_run && !self.loader.modules.is_module(&task.module) {
            let message = format!("`{}` is not supported yet", task.module);
            self.error(Kind::Unsupported, &task.module_place, message);
        }
        match short {
            "import_tasks" => self.import_tasks(task, around),
            "import_role" => self.import_role(task, around),
            "include_tasks" => self.include_tasks(task, node, around),
            "include_role" => self.include_role(task, node, around),
            "meta" => self.meta(task, around),
            _ => vec![Item::Task(Arc::new(task))],
        }
    }

    fn parts<'n>(&mut self, entries: Vec<Entry<'n>>, level: Level) -> Parts<'n> {
        let mut parts = Parts::default();
        for entry in entries {
            if self.keyword(&mut parts.keywords, entry, level) == Taken::Yes {
                continue;
            }
            match entry.name {
                "name" => parts.name = self.name(entry.value),
                "vars" => parts.vars = self.vars(entry.value, vars::Level::TaskVars),
                "args" => parts.args = Some(entry.value),
                "action" => parts.action = Some(entry),
                "local_action" => parts.local_action = Some(entry),
                "loop" => parts.looped.take(self, entry),
                "loop_control" => parts.looped.take_control(entry.value),
                "listen" if level == Level::Handler => parts.listen = self.listen(entry.value),
                name if name.starts_with("with_") => parts.looped.take(self, entry),
                _ => parts.candidates.push(entry),
            }
        }
        parts
    }

    /// The module of a task: from `action`, `local_action`, or the one key that is no keyword.
    fn module<'n>(
        &mut self,
        node: &Node,
        parts: &mut Parts<'n>,
        level: Level,
        names: ModuleSearch<'_>,
    ) -> Option<Named<'n>> {
        let (modules, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut parts.candidates).into_iter().partition(|entry| {
                matches!(self.resolved(entry.name, names), Resolved::Own(_) | Resolved::File(_))
            });
        let chosen: Vec<Entry<'n>> =
            [parts.action, parts.local_action].into_iter().flatten().chain(modules).collect();
        match chosen.as_slice() {
            [] => {
                self.no_module(node, &others, level, names);
                None
            }
            [entry] => {
                for other in others {
                    self.unknown_keyword(other.name, &other.key.place, level);
                }
                self.named(*entry, parts, names)
            }
            [first, second, ..] => {
                let message =
                    format!("a task has one module, this has two: `{}` and `{}`", first.name, second.name);
                self.push(
                    Diagnostic::error(Kind::Structure, message)
                        .at(&second.key.place)
                        .note("the first is here", Some(&first.key.place))
                        .hint("start each task with `- `"),
                );
                None
            }
        }
    }

    fn named<'n>(
        &mut self,
        entry: Entry<'n>,
        parts: &mut Parts<'n>,
        names: ModuleSearch<'_>,
    ) -> Option<Named<'n>> {
        if entry.name == "local_action" {
            let localhost = Located { value: Value::str("localhost"), place: entry.key.place.clone() };
            if parts.keywords.insert(Keyword::DelegateTo, localhost).is_some() {
                let message = "`delegate_to` has no effect beside `local_action`";
                self.warn(Kind::Structure, &entry.key.place, message);
            }
        }
        if matches!(entry.name, "action" | "local_action") {
            let mut named = self.action(entry.name, entry.value)?;
            if named.name.contains("{{") {
                return Some(named);
            }
            let Some((name, file)) = self.resolved(&named.name, names).module() else {
                self.unknown_module(&named.name, &named.place, names);
                return None;
            };
            (named.name, named.file) = (name, file);
            return Some(named);
        }
        let (name, file) = self.resolved(entry.name, names).module()?;
        if *name != *entry.name && parts.name.is_none() {
            // the task is shown as it is written
            parts.name = Some(Located { value: Value::str(entry.name), place: entry.key.place.clone() });
        }
        Some(Named { name, place: entry.key.place.clone(), file, given: Given::Node(entry.value) })
    }

    /// What the name of a module means where a task stands.
    fn resolved(&mut self, name: &str, names: ModuleSearch<'_>) -> Resolved {
        self.resolve_module(name, names.collections, names.scope)
    }

    /// No key is a module: either one is a module that does not exist, or there is none.
    fn no_module(&mut self, node: &Node, others: &[Entry<'_>], level: Level, names: ModuleSearch<'_>) {
        if others.is_empty() {
            self.error(Kind::Structure, &node.place, "a task needs a module: there is none here");
            return;
        }
        let mut module = None;
        for entry in others {
            let is_keyword = entry.name == "include"
                || elsewhere(entry.name, level).is_some()
                || (self.near_module(entry.name).is_none()
                    && nearest(entry.name, Keyword::ALL.iter().map(|keyword| keyword.name())).is_some());
            if is_keyword || module.is_some() {
                self.unknown_keyword(entry.name, &entry.key.place, level);
            } else {
                module = Some(entry);
            }
        }
        match module {
            Some(entry) => self.unknown_module(entry.name, &entry.key.place, names),
            None => self.error(Kind::Structure, &node.place, "a task needs a module: there is none here"),
        }
    }

    fn near_module(&self, name: &str) -> Option<String> {
        let names = self.loader.modules.names();
        let all = || names.iter().copied().chain(LANGUAGE_ACTIONS.iter().copied());
        did_you_mean(name, all()).or_else(|| {
            let bare = name.rsplit('.').next().filter(|bare| *bare != name)?;
            all().find(|known| *known == bare).map(|known| format!("did you mean `{known}`?"))
        })
    }

    fn unknown_module(&mut self, name: &str, place: &crate::base::Place, names: ModuleSearch<'_>) {
        if let Resolved::Refused { message, hint } = self.resolved(name, names) {
            self.push(Diagnostic::error(Kind::Unsupported, message).at(place).maybe_hint(hint));
            return;
        }
        let hint = self.near_module(short_name(name)).or_else(|| self.nobody_has(name));
        let message = format!("there is no module `{name}`");
        self.push(Diagnostic::error(Kind::UnknownModule, message).at(place).maybe_hint(hint));
    }

    fn listen(&mut self, node: &Node) -> Vec<Located> {
        let items = match &node.kind {
            NodeKind::Null => return Vec::new(),
            NodeKind::Seq(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let mut topics = Vec::new();
        for item in items {
            if item.as_str().is_some() {
                topics.push(Located::of(item));
            } else {
                let message = format!("`listen` must be a text or a list of texts, not {}", item.describe());
                self.error(Kind::BadValue, &item.place, message);
            }
        }
        topics
    }

    fn meta(&mut self, task: Task, around: Around<'_>) -> Vec<Item> {
        let action = task.args.free_form.as_ref().and_then(|text| text.value.as_str()).map(str::trim);
        let place = task.args.free_form.as_ref().map_or(&task.module_place, |text| &text.place);
        let Some(action) = action else {
            self.error(Kind::Parameters, place, "`meta` needs the name of an action");
            return Vec::new();
        };
        let problem = match META.iter().find(|(name, _)| *name == action) {
            None => {
                let hint = did_you_mean(action, META.iter().map(|(name, _)| *name));
                Some(
                    Diagnostic::error(Kind::BadValue, format!("`meta` has no action `{action}`"))
                        .plain()
                        .maybe_hint(hint),
                )
            }
            Some((_, Support::Refused)) => {
                Some(Diagnostic::error(Kind::Unsupported, format!("`meta: {action}` is not supported yet")))
            }
            Some((_, Support::Yes)) => None,
        };
        let misplaced = match (action, around.section) {
            ("end_role", Section::Handlers) => Some("`meta: end_role` cannot stand in a handler"),
            ("end_role", Section::Tasks) if around.scope.role().is_none() => {
                Some("`meta: end_role` cannot stand outside a role")
            }
            _ => None,
        };
        let misplaced = misplaced.map(|message| Diagnostic::error(Kind::Structure, message));
        if let Some(problem) = misplaced.or(problem) {
            self.push(problem.at(place));
        }
        vec![Item::Task(Arc::new(task))]
    }
}
