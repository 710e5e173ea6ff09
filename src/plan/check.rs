//! What can be said of a playbook before any connection is made: module names, literal parameters, the syntax of
//! templates and conditions.

use std::sync::Arc;

use crate::base::{Diagnostic, Diagnostics, Kind, Place, Severity, TextForm, Value, names};
use crate::lang::{Item, Keyword, Keywords, Located, ModuleFile, Playbook, Scope, Task};
use crate::modules::{FreeForm, Given, registry};
use crate::template::Templar;
use crate::vars::Layer;

/// What the engine does itself: it is not in the registry of modules.
pub const ENGINE_ACTIONS: &[&str] = &["include_role", "include_tasks", "meta"];

/// The short name of an engine action: `ansible.builtin.meta` is `meta`.
pub fn engine_action(name: &str) -> Option<&'static str> {
    let short = name
        .strip_prefix("ansible.builtin.")
        .or_else(|| name.strip_prefix("ansible.legacy."))
        .unwrap_or(name);
    ENGINE_ACTIONS.iter().copied().find(|action| *action == short)
}

/// The names that the loader takes for modules.
#[derive(Clone, Copy, Debug, Default)]
pub struct Names;

impl crate::lang::ModuleNames for Names {
    fn is_module(&self, name: &str) -> bool {
        engine_action(name).is_some() || registry::find(name).is_some()
    }

    fn free_form(&self, name: &str) -> bool {
        engine_action(name).is_some()
            || registry::find(name).is_some_and(|module| matches!(module.doc().free_form, FreeForm::Raw(_)))
    }

    fn names(&self) -> Vec<&str> {
        registry::names().chain(ENGINE_ACTIONS.iter().copied()).collect()
    }
}

/// Checks a playbook.
pub fn playbook(playbook: &Playbook, templar: &Templar) -> Diagnostics {
    let mut checker = Checker { templar, found: Diagnostics::default(), lenient: 0, forgiving: false };
    for play in &playbook.plays {
        checker.value(&play.hosts);
        checker.value(&play.name);
        checker.scope(&play.scope);
        checker.items(&play.items);
        checker.items(&play.handlers);
    }
    checker.found
}

/// Whether tasks of a playbook may change its inventory: then patterns that match nothing yet may do so later.
pub fn changes_inventory(playbook: &Playbook) -> bool {
    fn any(items: &[Item]) -> bool {
        items.iter().any(|item| match item {
            Item::Task(task) => {
                match crate::lang::short_name(&task.module) {
                    "add_host" | "group_by" | "include_role" | "include_tasks" => true,
                    "meta" => task.args.free_form.as_ref().is_some_and(|action| {
                        action.value.as_str().map(str::trim) == Some("refresh_inventory")
                    }),
                    _ => false,
                }
            }
            Item::Block(block) => any(&block.tasks) || any(&block.rescue) || any(&block.always),
            Item::FlushHandlers | Item::RoleEnd(_) => false,
        })
    }
    playbook.plays.iter().any(|play| any(&play.items) || any(&play.handlers))
}

/// The modules of tasks that are files, each with its place; blocks and handlers included.
pub fn module_files<'i>(items: impl IntoIterator<Item = &'i Item>) -> Vec<(Arc<ModuleFile>, Place)> {
    let mut found = Vec::new();
    for item in items {
        match item {
            Item::Task(task) => {
                let file = task.file.as_ref().map(|file| (Arc::clone(file), task.module_place.clone()));
                found.extend(file);
            }
            Item::Block(block) => {
                let parts = block.tasks.iter().chain(&*block.rescue).chain(&*block.always);
                found.extend(module_files(parts));
            }
            Item::FlushHandlers | Item::RoleEnd(_) => {}
        }
    }
    found
}

/// Checks tasks that were included at run time.
pub fn items(items: &[Item], templar: &Templar) -> Diagnostics {
    let mut checker = Checker { templar, found: Diagnostics::default(), lenient: 0, forgiving: false };
    checker.items(items);
    checker.found
}

struct Checker<'a> {
    templar: &'a Templar,
    found: Diagnostics,
    /// Inside a block with a `rescue`: mistakes are that task's failure at its turn.
    lenient: u32,
    /// Whether what is looked at may never be evaluated, or its failure may be meant: mistakes are warnings here.
    forgiving: bool,
}

impl Checker<'_> {
    fn items(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::Task(task) => self.task(task),
                Item::Block(block) => {
                    self.scope(&block.scope);
                    let lenient = u32::from(!block.rescue.is_empty());
                    self.lenient += lenient;
                    self.items(&block.tasks);
                    self.lenient -= lenient;
                    self.items(&block.rescue);
                    self.items(&block.always);
                }
                Item::FlushHandlers | Item::RoleEnd(_) => {}
            }
        }
    }

    fn scope(&mut self, scope: &Arc<Scope>) {
        self.keywords(&scope.keywords);
        self.variables(scope.vars.as_ref());
    }

    /// Variables are rendered when they are used, and perhaps never.
    fn variables(&mut self, layer: Option<&Arc<Layer>>) {
        let before = std::mem::replace(&mut self.forgiving, true);
        for variable in layer.iter().flat_map(|layer| layer.vars.values()) {
            self.text(&variable.value, variable.place.as_ref());
        }
        self.forgiving = before;
    }

    fn tell(&mut self, problem: Option<Diagnostic>) {
        let Some(mut problem) = problem else { return };
        if self.forgiving {
            problem.severity = Severity::Warning;
        }
        self.found.push(problem);
    }

    fn keywords(&mut self, keywords: &Keywords) {
        for (keyword, located) in keywords {
            match keyword {
                Keyword::When | Keyword::ChangedWhen | Keyword::FailedWhen | Keyword::Until => {
                    self.condition(&located.value, &located.place);
                }
                _ => self.value(located),
            }
        }
    }

    fn condition(&mut self, value: &Value, place: &Place) {
        match value {
            Value::Str(text) => {
                let checked = self.templar.check_condition(text, Some(place));
                self.tell(checked.err());
            }
            Value::Template(template) if template.form == TextForm::Template => {
                let place = template.place.as_ref().unwrap_or(place);
                let checked = self.templar.check_condition(&template.text, Some(place));
                self.tell(checked.err());
            }
            Value::List(items) => items.iter().for_each(|item| self.condition(item, place)),
            other => self.text(other, Some(place)),
        }
    }

    fn value(&mut self, located: &Located) {
        self.text(&located.value, Some(&located.place));
    }

    fn text(&mut self, value: &Value, place: Option<&Place>) {
        match value {
            // what is encrypted is a plain text
            Value::Template(template) if template.form != TextForm::Template => {}
            Value::Template(template) => {
                let place = template.place.as_ref().or(place);
                let checked = self.templar.check_text(&template.text, place);
                self.tell(checked.err());
            }
            Value::List(items) => items.iter().for_each(|item| self.text(item, place)),
            Value::Map(entries) => entries.values().for_each(|value| self.text(value, place)),
            _ => {}
        }
    }

    fn task(&mut self, task: &Task) {
        // Ansible meets a mistake when it comes to it, if it ever does
        self.forgiving = self.lenient > 0
            || task.keyword(Keyword::IgnoreErrors).is_some_and(|located| located.value != Value::Bool(false))
            || !task.keyword_chain(Keyword::When).is_empty();
        self.task_of(task);
        self.forgiving = false;
    }

    fn task_of(&mut self, task: &Task) {
        self.keywords(&task.keywords);
        if let Some(name) = &task.name {
            self.value(name);
        }
        self.variables(task.vars.as_ref());
        if let Some(looped) = &task.looped {
            self.value(&looped.over);
        }
        let all = task.args.named.values().chain(&task.args.free_form).chain(&task.args.whole);
        all.for_each(|located| self.value(located));
        // a name that is a template is known at the task's turn
        if engine_action(&task.module).is_none() && !task.module.contains("{{") {
            self.parameters(task);
        }
    }

    fn parameters(&mut self, task: &Task) {
        if task.module.contains("{{") {
            // shows only when its name is rendered
            return;
        }
        if task.file.is_some() {
            // it checks them itself
            return;
        }
        let Some(module) = registry::find(&task.module) else {
            let hint = names::did_you_mean(&task.module, registry::names());
            let message = format!("there is no module `{}`", task.module);
            self.found.push(
                Diagnostic::error(Kind::UnknownModule, message).at(&task.module_place).maybe_hint(hint),
            );
            return;
        };
        if task.args.whole.is_some() {
            return;
        }
        let mut given = Given::new();
        match (&task.args.free_form, module.doc().free_form) {
            (Some(text), FreeForm::Raw(parameter)) => {
                given.insert(Arc::from(parameter), text.value.clone());
            }
            (Some(text), FreeForm::Pairs) => {
                let message = format!("`{}` takes no free-form text", task.module);
                let hint = "write parameters as `key=value` or as a mapping";
                self.tell(Some(Diagnostic::error(Kind::Parameters, message).at(&text.place).hint(hint)));
            }
            (None, _) => {}
        }
        given.extend(task.args.named.iter().map(|(name, located)| (Arc::clone(name), located.value.clone())));
        let defaults = !task.keyword_chain(Keyword::ModuleDefaults).is_empty();
        // what is missing may be among the defaults
        for problem in module.check(&given).into_iter().filter(|it| !defaults || it.parameter.is_some()) {
            let place = problem
                .parameter
                .as_deref()
                .and_then(|name| match problem.kind {
                    Kind::UnknownParameter => task.args.name_places.get(name),
                    _ => task.args.named.get(name).map(|located| &located.place),
                })
                .unwrap_or(&task.module_place);
            let message = format!("`{}`: {}", task.module, problem.message);
            let mut diagnostic = Diagnostic::error(problem.kind, message).at(place).maybe_hint(problem.hint);
            if self.forgiving {
                diagnostic.severity = Severity::Warning;
            }
            self.found.push(diagnostic);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::{Loader, Settings, Texts};
    use crate::modules::MODULES;
    use crate::project::Project;
    use crate::vars::Layers;

    #[derive(Debug)]
    struct Literal;

    impl Texts for Literal {
        fn text(&self, value: &Value, _: &Place, _: &Layers) -> Result<String, Diagnostic> {
            Ok(value.to_text())
        }
    }

    fn found(tasks: &str) -> Vec<String> {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("site.yml");
        let indented = tasks.lines().fold(String::new(), |all, line| all + "    " + line + "\n");
        std::fs::write(&path, format!("- hosts: all\n  tasks:\n{indented}")).unwrap();
        let (project, settings) = (Project::new(), Settings::default());
        let (loaded, mut diagnostics) = Loader::new(&project, &settings, &Names, &Literal).playbook(&path);
        diagnostics.extend(playbook(&loaded.unwrap(), &Templar::new()));
        diagnostics.0.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_modules_example_is_right() {
        for module in MODULES {
            let doc = module.doc();
            assert_eq!(found(&doc.example()), Vec::<String>::new(), "the example of {}", doc.name);
        }
    }

    #[test]
    fn what_is_wrong_is_found() {
        assert_eq!(found("- ping: {dta: x}").len(), 1);
        assert!(found("- ping: {data: x}").is_empty());
        assert!(found("- pnig:").iter().any(|text| text.contains("pnig")));
        assert!(found("- debug: {msg: '{{ 1 | upperr }}'}").iter().any(|text| text.contains("upperr")));
    }
}
