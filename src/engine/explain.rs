//! Explains without running: where a variable of a host is defined and which definition wins, and why a task runs or
//! is skipped. Nothing is connected to: what hangs on facts or results says so.

use std::sync::{Arc, RwLock};

use super::Prepared;
use super::play_run::{Conduct, Handler, PlayRun, Strategy};
use super::setup::{Prompts, Ready};
use crate::base::{Place, Secret, TextForm, Value};
use crate::lang::{Item, Keyword, Play, Role, Scope, ScopeKind, Task, short_name};
use crate::plan::bind::{Binder, Stop};
use crate::plan::check::engine_action;
use crate::plan::tags::tags_of;
use crate::plan::variables::{PlayVars, TaskVariables};
use crate::template::{Truth, Variables as _};
use crate::vars::{Layer, Level, Variable};

/// One definition of a variable.
#[derive(Clone, Debug)]
pub struct Definition {
    /// What kind of definition it is, which decides who wins.
    pub level: Level,
    /// Where it stands.
    pub place: Option<Place>,
    /// Its value as written.
    pub value: Value,
    /// The part of the playbook that it counts in, where that is not all of a play (`role app`, `task "…"`).
    pub within: Option<String>,
    /// How it comes to be set at run time (`registered by …`), where it is not written.
    pub set_by: Option<String>,
}

/// What is known of a variable.
#[derive(Clone, Debug)]
pub struct ExplainedVariable {
    /// Every definition, from the winner down.
    pub definitions: Vec<Definition>,
    /// Its value outside any task, rendered; the error says why it cannot be.
    pub value: Option<Result<Value, String>>,
}

/// One thing that decides about a task.
#[derive(Clone, Debug)]
pub struct Reason {
    /// Whether it lets the task run; `None`: that is known at run time only.
    pub holds: Option<bool>,
    /// What it is, and how it came out.
    pub text: String,
    /// Where it stands.
    pub place: Option<Place>,
}

/// Why a task runs or does not.
#[derive(Clone, Debug)]
pub struct ExplainedTask {
    /// Its title.
    pub title: String,
    /// Its play.
    pub play: String,
    /// Where it stands.
    pub place: Place,
    /// Everything that decides, in the order in which it is asked.
    pub reasons: Vec<Reason>,
}

impl ExplainedTask {
    /// Whether the task runs; `None`: that is known at run time only.
    pub fn runs(&self) -> Option<bool> {
        if self.reasons.iter().any(|reason| reason.holds == Some(false)) {
            return Some(false);
        }
        self.reasons.iter().all(|reason| reason.holds == Some(true)).then_some(true)
    }
}

/// A task with the list that it stands in.
struct Found {
    task: Arc<Task>,
    handler: Handler,
    section: &'static str,
}

impl Prepared {
    /// Every definition of a variable for a host, as far as files say it.
    pub fn explain_variable(&self, host: &str, name: &str) -> ExplainedVariable {
        let run = &self.run;
        let host: Arc<str> = Arc::from(host);
        let mut definitions = Vec::new();
        let state = run.world.host(&host).unwrap_or_else(super::run::unknown_host);
        let outside = TaskVariables::of_host(&run.world, None, &host, &state);
        for (level, variable) in outside.definitions(name) {
            definitions.push(Definition::of(level, variable, None));
        }
        for (play, hosts) in self.playbook.plays.iter().zip(&self.hosts) {
            if !hosts.contains(&host) {
                continue;
            }
            let shown = format!("play \"{}\"", play.name.value.to_text());
            if let Ok(ready) = run.ready(play, Prompts::NotAsked, |_| Ok(hosts.clone())) {
                for layer in ready.files.iter().flatten() {
                    push(&mut definitions, layer, name, Some(shown.clone()));
                }
            }
            self.in_play(play, &shown, name, &mut definitions);
        }
        // the definition that was found last wins among equals
        definitions.reverse();
        definitions.sort_by_key(|definition| std::cmp::Reverse(definition.level));
        let mut seen: Vec<(Level, Option<Place>, String)> = Vec::new();
        definitions.retain(|definition| {
            let key = (definition.level, definition.place.clone(), definition.value.to_repr());
            let fresh = !seen.contains(&key);
            seen.push(key);
            fresh
        });
        let lookups: Arc<dyn crate::template::Lookups> =
            Arc::new(super::lookups::World::outside(&run.project, run.now()));
        let binder = run.binder(&lookups, outside);
        let value = crate::template::Variables::get(&*binder.variables, name).map(|value| {
            match binder.value(&value) {
                Ok(rendered) if rendered.tainted => Ok(Value::Secret(Secret::new(rendered.value.to_text()))),
                Ok(rendered) => Ok(rendered.value),
                Err(stop) => Err(words(&stop)),
            }
        });
        ExplainedVariable { definitions, value }
    }

    fn in_play(&self, play: &Arc<Play>, shown: &str, name: &str, found: &mut Vec<Definition>) {
        if let Some(layer) = &play.scope.vars {
            push(found, layer, name, Some(shown.to_owned()));
        }
        for prompt in prompts(play) {
            if prompt.0 == name {
                found.push(Definition {
                    level: Level::PlayVarsPrompt,
                    place: Some(prompt.1),
                    value: Value::Null,
                    within: Some(shown.to_owned()),
                    set_by: Some("asked for by `vars_prompt`".to_owned()),
                });
            }
        }
        for role in &play.roles {
            of_role(found, role, name, None);
        }
        let mut scopes: Vec<*const Scope> = Vec::new();
        for Found { task, .. } in self.tasks(play) {
            for scope in task.scope.outwards() {
                if scopes.contains(&Arc::as_ptr(scope)) || matches!(scope.kind, ScopeKind::Play) {
                    continue;
                }
                scopes.push(Arc::as_ptr(scope));
                if let ScopeKind::Role(role) = &scope.kind {
                    of_role(found, role, name, Some(format!("role {}", role.name)));
                }
                if let Some(layer) = &scope.vars {
                    let within = match &scope.kind {
                        ScopeKind::Role(role) => format!("role {}", role.name),
                        ScopeKind::Include => "an include".to_owned(),
                        ScopeKind::Block | ScopeKind::Play => "a block".to_owned(),
                    };
                    push(found, layer, name, Some(within));
                }
            }
            let title = title(&task);
            // those of an include are the scope's that it opens
            let include = matches!(engine_action(&task.module), Some("include_tasks" | "include_role"));
            if let Some(layer) = task.vars.as_ref().filter(|_| !include) {
                push(found, layer, name, Some(format!("task \"{title}\"")));
            }
            set_by(found, &task, name, &title);
        }
    }

    /// All tasks of a play, those of dynamic includes as far as they are known.
    fn tasks(&self, play: &Arc<Play>) -> Vec<Found> {
        let mut all = Vec::new();
        self.collect(&play.items, Handler::No, "tasks", &mut all, 0);
        self.collect(&play.handlers, Handler::Yes, "handlers", &mut all, 0);
        all
    }

    fn collect(
        &self,
        items: &[Item],
        handler: Handler,
        section: &'static str,
        all: &mut Vec<Found>,
        depth: usize,
    ) {
        /// Includes that include themselves end somewhere.
        const DEEPEST: usize = 20;
        for item in items {
            match item {
                Item::Task(task) => {
                    all.push(Found { task: Arc::clone(task), handler, section });
                    if depth < DEEPEST
                        && matches!(engine_action(&task.module), Some("include_tasks" | "include_role"))
                    {
                        let lookups: Arc<dyn crate::template::Lookups> =
                            Arc::new(super::run::NoLookups(Arc::clone(self.run.project.vault())));
                        let state = super::run::unknown_host();
                        let variables = TaskVariables::of_host(&self.run.world, None, &Arc::from(""), &state);
                        let binder = self.run.binder(&lookups, variables);
                        if let Ok(bundle) = self.run.bundle(task, &binder, handler) {
                            self.collect(&bundle.items, handler, section, all, depth + 1);
                        }
                    }
                }
                Item::Block(block) => {
                    self.collect(&block.tasks, handler, section, all, depth);
                    self.collect(&block.rescue, handler, "rescue", all, depth);
                    self.collect(&block.always, handler, section, all, depth);
                }
                Item::FlushHandlers | Item::RoleEnd(_) => {}
            }
        }
    }

    /// Why the tasks with a name run or are skipped on a host. The name is a title, or a part of one.
    pub fn explain_tasks(&self, host: &str, name: &str) -> Vec<ExplainedTask> {
        let host: Arc<str> = Arc::from(host);
        let wanted = name.to_lowercase();
        let mut exact = Vec::new();
        let mut partly = Vec::new();
        for (play, hosts) in self.playbook.plays.iter().zip(&self.hosts) {
            let ready = self.run.ready(play, Prompts::NotAsked, |_| Ok(hosts.clone()));
            let Ok(Ready { files, .. }) = ready else { continue };
            let vars = Arc::new(PlayVars {
                play: Arc::clone(play),
                prompted: None,
                files: files.clone().unwrap_or_default(),
                own_files: RwLock::default(),
                all_hosts: hosts.clone(),
                batch: hosts.clone(),
                gone: Arc::default(),
                public: RwLock::default(),
                included: RwLock::default(),
            });
            let conduct = Conduct { strategy: Strategy::Linear, max_fail: None };
            let play_run = PlayRun::new(vars, String::new(), &conduct, files.is_none());
            self.run.read_own_files(&play_run, &host);
            let tasks = self.tasks(play);
            for found in &tasks {
                let label = self.run.label(&play_run, &host, &found.task, found.handler).title();
                let title = label.to_lowercase();
                let own = self.name_of(&found.task).to_lowercase();
                if title != wanted && own != wanted && !title.contains(&wanted) {
                    continue;
                }
                let explained = ExplainedTask {
                    title: label,
                    play: play.name.value.to_text(),
                    place: found.task.place.clone(),
                    reasons: self.reasons(play, &play_run, hosts, &host, found, &tasks),
                };
                if title == wanted || own == wanted {
                    exact.push(explained);
                } else {
                    partly.push(explained);
                }
            }
        }
        if exact.is_empty() { partly } else { exact }
    }

    fn name_of(&self, task: &Task) -> String {
        task.name.as_ref().map_or_else(|| task.module.to_string(), |name| name.value.to_text())
    }

    /// The names of the variables that a host has outside any task.
    pub fn variable_names(&self, host: &str) -> Vec<String> {
        let host: Arc<str> = Arc::from(host);
        let state = self.run.world.host(&host).unwrap_or_else(super::run::unknown_host);
        let outside = TaskVariables::of_host(&self.run.world, None, &host, &state);
        outside.names().iter().map(ToString::to_string).collect()
    }

    /// The titles of all tasks, for near misses.
    pub fn task_titles(&self) -> Vec<String> {
        self.playbook.plays.iter().flat_map(|play| self.tasks(play)).map(|found| title(&found.task)).collect()
    }

    fn reasons(
        &self,
        play: &Play,
        play_run: &PlayRun,
        hosts: &[Arc<str>],
        host: &Arc<str>,
        found: &Found,
        all: &[Found],
    ) -> Vec<Reason> {
        let run = &self.run;
        let task = &found.task;
        let mut reasons = Vec::new();
        let mut tell = |holds: Option<bool>, text: String, place: Option<&Place>| {
            reasons.push(Reason { holds, text, place: place.cloned() });
        };
        let pattern = play.hosts.value.to_text();
        if hosts.contains(host) {
            tell(Some(true), format!("the host is in `hosts: {pattern}`"), Some(&play.hosts.place));
        } else {
            let limited = run.options.limit.is_some();
            let limit = if limited { ", or `--limit` leaves it out" } else { "" };
            tell(
                Some(false),
                format!("the host is not in `hosts: {pattern}`{limit}"),
                Some(&play.hosts.place),
            );
        }
        let tags: Vec<String> =
            task.keyword_chain(Keyword::Tags).iter().flat_map(|located| tags_of(&located.value)).collect();
        let selected = run.selected(play_run, Some(host), task);
        let selection = &run.options.selection;
        if !selected || !selection.only.is_empty() || !selection.skip.is_empty() {
            let shown =
                if tags.is_empty() { "no tags".to_owned() } else { format!("the tags {}", tags.join(", ")) };
            let word = if selected { "select" } else { "do not select" };
            tell(Some(selected), format!("it has {shown}; `--tags` and `--skip-tags` {word} it"), None);
        }
        if found.section == "rescue" {
            tell(None, "it is in a `rescue`: it runs where a task of the block fails".to_owned(), None);
        }
        if found.handler == Handler::Yes {
            let names: Vec<String> = notifiers(task, all);
            let by = if names.is_empty() { "nothing notifies it".to_owned() } else { names.join(", ") };
            let holds = if names.is_empty() { Some(false) } else { None };
            tell(holds, format!("it is a handler, notified by: {by}"), None);
        }
        let lookups = run.lookups(play_run, task);
        let variables = run.variables(play_run, host, task);
        let binder = run.binder(&lookups, variables);
        if binder.flag(task, Keyword::RunOnce).ok().flatten() == Some(true)
            && let Some(first) = hosts.first()
            && first != host
        {
            tell(Some(false), format!("`run_once`: it runs on `{first}` for all hosts"), None);
        }
        let (looped, items) = loop_reason(&binder, task);
        reasons.extend(looped);
        let binder = items.map_or_else(
            || binder.clone(),
            |(name, item)| run.binder(&lookups, run.variables(play_run, host, task).with(&name, item)),
        );
        for located in task.keyword_chain(Keyword::When) {
            let conditions: Vec<Value> = match &located.value {
                Value::List(items) => (**items).clone(),
                single => vec![single.clone()],
            };
            for condition in conditions {
                reasons.push(condition_reason(&binder, &condition, &located.place));
            }
        }
        reasons
    }
}

impl Definition {
    fn of(level: Level, variable: &Variable, within: Option<String>) -> Self {
        Self { level, place: variable.place.clone(), value: masked(&variable.value), within, set_by: None }
    }
}

/// A value as it may be shown: what is from an encrypted file is a secret.
fn masked(value: &Value) -> Value {
    match value {
        Value::Template(template) if template.form == TextForm::Hidden => {
            Value::Secret(Secret::new(Arc::clone(&template.text)))
        }
        Value::List(items) => Value::list(items.iter().map(masked)),
        Value::Map(entries) => {
            Value::map(entries.iter().map(|(key, item)| (key.clone(), masked(item))).collect())
        }
        other => other.clone(),
    }
}

fn push(found: &mut Vec<Definition>, layer: &Layer, name: &str, within: Option<String>) {
    if let Some(variable) = layer.vars.get(name) {
        found.push(Definition::of(layer.level, variable, within));
    }
}

fn of_role(found: &mut Vec<Definition>, role: &Role, name: &str, within: Option<String>) {
    for layer in [&role.defaults, &role.vars, &role.params] {
        push(found, layer, name, within.clone().or_else(|| Some(format!("role {}", role.name))));
    }
}

/// How a task sets the variable when it runs.
fn set_by(found: &mut Vec<Definition>, task: &Task, name: &str, title: &str) {
    if let Some(register) = task.keywords.get(&Keyword::Register)
        && register.value.as_str() == Some(name)
    {
        found.push(Definition {
            level: Level::SetFacts,
            place: Some(register.place.clone()),
            value: Value::Null,
            within: None,
            set_by: Some(format!("registered by the task \"{title}\"")),
        });
    }
    if short_name(&task.module) == "set_fact"
        && let Some(given) = task.args.named.get(name)
    {
        found.push(Definition {
            level: Level::SetFacts,
            place: Some(given.place.clone()),
            value: given.value.clone(),
            within: None,
            set_by: Some(format!("set by the task \"{title}\"")),
        });
    }
}

fn prompts(play: &Play) -> Vec<(String, Place)> {
    let Some(located) = play.scope.keywords.get(&Keyword::VarsPrompt) else { return Vec::new() };
    let items = located.value.as_list().map_or_else(|| vec![located.value.clone()], <[Value]>::to_vec);
    let names = items.iter().filter_map(|item| item.as_map()?.get("name").map(Value::to_text));
    names.map(|name| (name, located.place.clone())).collect()
}

fn title(task: &Task) -> String {
    task.name.as_ref().map_or_else(|| task.module.to_string(), |name| name.value.to_text())
}

/// The tasks that notify a handler, by their titles.
fn notifiers(handler: &Task, all: &[Found]) -> Vec<String> {
    let own = title(handler);
    let mut names = vec![own.clone()];
    names.extend(handler.scope.role().into_iter().flat_map(|role| role.titles(&own)));
    names.extend(handler.listen.iter().map(|topic| topic.value.to_text()));
    let notifies = |task: &Task| {
        task.keyword(Keyword::Notify).is_some_and(|located| match &located.value {
            Value::List(items) => items.iter().any(|item| names.contains(&item.to_text())),
            other => names.contains(&other.to_text()),
        })
    };
    all.iter()
        .filter(|found| notifies(&found.task))
        .map(|found| format!("\"{}\"", title(&found.task)))
        .collect()
}

/// What the loop says, and the first item for conditions that look at it.
fn loop_reason(binder: &Binder<'_>, task: &Task) -> (Option<Reason>, Option<(String, Value)>) {
    let Some(looped) = &task.looped else { return (None, None) };
    let place = Some(looped.over.place.clone());
    let reason = |holds, text: String| Some(Reason { holds, text, place: place.clone() });
    match (binder.loop_items(task), binder.loop_names(task)) {
        (Ok(Some(items)), Ok((name, _))) => {
            let count = crate::base::names::count(items.len(), "item");
            let shown = if items.is_empty() {
                "the loop has no items".to_owned()
            } else {
                format!("it loops over {count}; conditions are shown for the first")
            };
            (reason(Some(!items.is_empty()), shown), items.into_iter().next().map(|item| (name, item)))
        }
        (Ok(_), _) => (None, None),
        (Err(stop), _) => (reason(None, format!("its loop is known at run time: {}", words(&stop))), None),
    }
}

fn condition_reason(binder: &Binder<'_>, condition: &Value, place: &Place) -> Reason {
    let text = condition.to_text();
    let held = binder.condition(condition, place);
    let place = Some(place.clone());
    match held {
        Ok(Truth::Yes) => Reason { holds: Some(true), text: format!("`{text}` is true"), place },
        Ok(Truth::No) => Reason { holds: Some(false), text: format!("`{text}` is false"), place },
        Ok(Truth::Unknown(_)) => {
            Reason { holds: None, text: format!("`{text}` is known at run time"), place }
        }
        Err(stop) => {
            Reason { holds: None, text: format!("`{text}` is known at run time: {}", words(&stop)), place }
        }
    }
}

/// Why something cannot be rendered now, in words.
fn words(stop: &Stop) -> String {
    match stop {
        Stop::Failed(diagnostic) => diagnostic.message.clone(),
        Stop::Unknown(unknown) => format!("it hangs on the task `{}`", unknown.task),
        Stop::Deferred => "it asks for something that is only done in a run".to_owned(),
    }
}
