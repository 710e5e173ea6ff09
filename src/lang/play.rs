//! A play: hosts, keywords, variables, roles, and its lists of tasks in the order in which they run.

use std::path::Path;
use std::sync::Arc;

use super::attributes::Taken;
use super::entries::Level;
use super::items::Around;
use super::load::{Load, LoadedRole, PlayState, Section};
use super::shape::boolean;
use super::{Arguments, Block, Item, Keyword, Keywords, Located, Play, Scope, ScopeKind, Task};
use crate::base::{Diagnostic, Kind, Place, TextForm, Value};
use crate::vars::{self, Layer};
use crate::yaml::{Node, NodeKind};

/// What an `import_playbook` puts onto the plays that it imports.
#[derive(Clone, Debug, Default)]
pub(super) struct Imposed {
    /// Its variables, over the plays' own.
    pub(super) vars: Option<Arc<Layer>>,
    /// Conditions, before those of the tasks.
    pub(super) when: Vec<Located>,
    /// Tags, added to the plays'.
    pub(super) tags: Vec<Located>,
}

impl Load<'_, '_> {
    /// A play of a playbook in `directory`.
    pub(super) fn play(&mut self, node: &Node, directory: &Path, imposed: &Imposed) -> Option<Play> {
        let entries = self.entries(node, "a play")?;
        let mut keywords = Keywords::new();
        let (mut name, mut own_vars, mut vars_files) = (None, None, Vec::new());
        for entry in entries {
            if self.keyword(&mut keywords, entry, Level::Play) == Taken::Yes {
                continue;
            }
            match entry.name {
                "hosts" | "roles" | "pre_tasks" | "tasks" | "post_tasks" | "handlers" => {}
                "name" => name = self.name(entry.value),
                "vars" => own_vars = self.vars(entry.value, vars::Level::PlayVars),
                "vars_files" => vars_files = self.vars_files(entry.value),
                "user" => {
                    if let Some(remote_user) = node.get("remote_user") {
                        let message = "`user` and `remote_user` are the same: one of them is enough";
                        let diagnostic = Diagnostic::error(Kind::Structure, message).at(&entry.key.place);
                        self.push(diagnostic.note("`remote_user` is here", Some(&remote_user.place)));
                    }
                    self.keyword_value(&mut keywords, Keyword::RemoteUser, entry);
                }
                other => self.unknown_keyword(other, &entry.key.place, Level::Play),
            }
        }
        let hosts = self.hosts(node);
        impose(&mut keywords, imposed);
        let gather = keywords.get(&Keyword::GatherFacts).cloned();
        let force = keywords.get(&Keyword::ForceHandlers).and_then(|located| boolean(&located.value));
        let scope = Arc::new(Scope {
            parent: None,
            kind: ScopeKind::Play,
            keywords,
            vars: merged(own_vars, imposed.vars.as_ref()),
            directory: directory.to_owned(),
        });
        self.play = PlayState { vars_files: vars_files.clone(), ..PlayState::default() };
        let list = |load: &mut Self, list: &str, section: Section| {
            let around = Around { scope: &scope, section };
            node.get(list).map(|node| load.items(node, &format!("`{list}`"), around)).unwrap_or_default()
        };
        let mut role_items = Vec::new();
        let mut role_handlers = Vec::new();
        if let Some(node) = node.get("roles") {
            for loaded in self.role_list(node, "`roles`", &scope, None) {
                let LoadedRole { role: _, roles, items, handlers } = loaded;
                self.play.roles.extend(roles);
                role_items.extend(items);
                role_handlers.extend(handlers);
            }
        }
        let handlers = list(self, "handlers", Section::Handlers);
        let pre_tasks = list(self, "pre_tasks", Section::Tasks);
        let tasks = list(self, "tasks", Section::Tasks);
        let post_tasks = list(self, "post_tasks", Section::Tasks);

        let PlayState { vars_files: _, roles, imported, handlers: imported_handlers } =
            std::mem::take(&mut self.play);
        let mut items = Vec::new();
        match gathering(gather.as_ref(), self.loader.settings.gather_facts) {
            Gathering::No => {}
            Gathering::Yes => items.push(gather_facts(None, &node.place, &scope)),
            Gathering::When(when) => items.push(gather_facts(Some(when), &node.place, &scope)),
        }
        let forced = force.unwrap_or(self.loader.settings.force_handlers);
        role_items.extend(tasks);
        for section in [pre_tasks, role_items, post_tasks] {
            if forced {
                items.push(flushed(section, &node.place, &scope));
            } else {
                items.extend(section);
                items.push(Item::FlushHandlers);
            }
        }
        role_handlers.extend(handlers);
        role_handlers.extend(imported_handlers);

        let hosts = hosts?;
        Some(Play {
            place: node.place.clone(),
            directory: directory.to_owned(),
            name: name.unwrap_or_else(|| pattern_text(&hosts)),
            hosts,
            scope,
            vars_files,
            roles: [roles, imported].concat(),
            items: items.into(),
            handlers: role_handlers.into(),
        })
    }

    /// The host pattern: a text, or a list of texts.
    fn hosts(&mut self, play: &Node) -> Option<Located> {
        let Some(hosts) = play.get("hosts") else {
            self.error(Kind::Structure, &play.place, "a play needs `hosts`: there is none here");
            return None;
        };
        let empty = match &hosts.kind {
            NodeKind::Null => true,
            NodeKind::Str(text) => text.text.trim().is_empty(),
            NodeKind::Seq(items) => items.is_empty(),
            _ => {
                let message =
                    format!("`hosts` must be a host pattern or a list of them, not {}", hosts.describe());
                self.error(Kind::Structure, &hosts.place, message);
                return None;
            }
        };
        if empty {
            self.error(Kind::Structure, &hosts.place, "`hosts` must not be empty");
            return None;
        }
        let wrong: Vec<&Node> = hosts
            .as_seq()
            .unwrap_or_default()
            .iter()
            .filter(|item| item.as_str().is_none_or(|text| text.trim().is_empty()))
            .collect();
        for item in &wrong {
            let found = if item.as_str().is_some() { "an empty text" } else { item.describe() };
            let message = format!("an entry of `hosts` must be a host pattern, not {found}");
            self.error(Kind::Structure, &item.place, message);
        }
        wrong.is_empty().then(|| Located::of(hosts))
    }
}

fn pattern_text(hosts: &Located) -> Located {
    let value = match &hosts.value {
        Value::List(items) => {
            let patterns: Vec<String> = items.iter().map(Value::to_text).collect();
            Value::from(patterns.join(","))
        }
        one => one.clone(),
    };
    Located { value, place: hosts.place.clone() }
}

/// Puts what comes from an `import_playbook` onto a play's keywords.
fn impose(keywords: &mut Keywords, imposed: &Imposed) {
    let Imposed { vars: _, when, tags } = imposed;
    if let Some(first) = when.first() {
        let conditions = when.iter().flat_map(|located| listed(&located.value));
        keywords
            .insert(Keyword::When, Located { value: Value::list(conditions), place: first.place.clone() });
    }
    if let Some(first) = tags.first() {
        let own = keywords.get(&Keyword::Tags);
        let place = own.map_or(&first.place, |own| &own.place).clone();
        let all = own.into_iter().chain(tags).flat_map(|located| tag_list(&located.value));
        let value = Value::list(all);
        keywords.insert(Keyword::Tags, Located { value, place });
    }
}

fn listed(value: &Value) -> Vec<Value> {
    value.as_list().map_or_else(|| vec![value.clone()], <[Value]>::to_vec)
}

fn tag_list(value: &Value) -> Vec<Value> {
    match value {
        Value::Str(text) => text.split(',').map(|tag| Value::str(tag.trim())).collect(),
        other => listed(other),
    }
}

fn merged(own: Option<Arc<Layer>>, over: Option<&Arc<Layer>>) -> Option<Arc<Layer>> {
    match (own, over) {
        (Some(own), Some(over)) => {
            let mut vars = own.vars.clone();
            vars.extend(over.vars.clone());
            Some(Layer::new(vars::Level::PlayVars, vars))
        }
        (own, over) => own.or_else(|| over.cloned()),
    }
}

/// Whether facts are gathered at the start of a play.
#[derive(Clone, Debug)]
enum Gathering {
    No,
    Yes,
    /// On a condition: the keyword is a template.
    When(Located),
}

fn gathering(keyword: Option<&Located>, by_default: bool) -> Gathering {
    let either = |yes| if yes { Gathering::Yes } else { Gathering::No };
    let Some(located) = keyword else { return either(by_default) };
    match &located.value {
        Value::Null => either(by_default),
        Value::Template(template) if template.form == TextForm::Template => {
            let text = template.text.trim();
            let inner = text.strip_prefix("{{").and_then(|text| text.strip_suffix("}}"));
            let expression = inner.filter(|inner| !inner.contains("{{"));
            let value = expression.map_or_else(
                || located.value.clone(),
                |expression| Value::from(format!("({}) | bool", expression.trim())),
            );
            Gathering::When(Located { value, place: located.place.clone() })
        }
        literal => either(boolean(literal).unwrap_or(true)),
    }
}

/// A section of a play whose handlers run on hosts that failed in it, too.
fn flushed(section: Vec<Item>, place: &Place, scope: &Arc<Scope>) -> Item {
    Item::Block(Arc::new(Block {
        place: place.clone(),
        name: None,
        scope: Arc::new(Scope {
            parent: Some(Arc::clone(scope)),
            kind: ScopeKind::Block,
            keywords: Keywords::new(),
            vars: None,
            directory: scope.directory.clone(),
        }),
        tasks: section.into(),
        rescue: Arc::new([]),
        always: Arc::new([Item::FlushHandlers]),
    }))
}

/// The task that gathers facts at the start of a play.
fn gather_facts(when: Option<Located>, place: &Place, scope: &Arc<Scope>) -> Item {
    let mut keywords = Keywords::new();
    keywords
        .insert(Keyword::Tags, Located { value: Value::list([Value::str("always")]), place: place.clone() });
    if let Some(when) = when {
        keywords.insert(Keyword::When, when);
    }
    let mut args = Arguments::default();
    let options = [
        (Keyword::GatherSubset, "gather_subset"),
        (Keyword::GatherTimeout, "gather_timeout"),
        (Keyword::FactPath, "fact_path"),
    ];
    for (keyword, option) in options {
        if let Some(given) = scope.keywords.get(&keyword) {
            args.named.insert(Arc::from(option), given.clone());
            args.name_places.insert(Arc::from(option), given.place.clone());
        }
    }
    Item::Task(Arc::new(Task {
        place: place.clone(),
        name: Some(Located { value: Value::str("Gathering Facts"), place: place.clone() }),
        module: Arc::from("ansible.builtin.setup"),
        module_place: place.clone(),
        file: None,
        args,
        keywords,
        vars: None,
        looped: None,
        scope: Arc::clone(scope),
        listen: Vec::new(),
        directory: scope.directory.clone(),
    }))
}
