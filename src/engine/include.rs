//! `include_tasks` and `include_role`: files and roles that are known only at run time.

use std::path::Path;
use std::sync::{Arc, PoisonError};

use indexmap::IndexMap;

use super::ahead::Ahead;
use super::event::{Event, Outcome, Status};
use super::play::{Handler, Host, Hosts, PlayRun};
use super::run::{LoadTexts, Run};
use super::single::Single;
use crate::base::{Diagnostics, Key, Map, Severity, Value, names};
use crate::lang::{
    FromFiles, Item, LoadedRole, LoadedTasks, Loader, Located, Role, RoleRequest, Section, Task,
    include_scope, short_name,
};
use crate::modules::Given;
use crate::plan::bind::{Binder, Stop, When};
use crate::plan::check;
use crate::vars::{VarMap, Variable};

/// What an include brings: the tasks of a file, or a role.
pub(super) struct Bundle {
    /// What runs.
    pub(super) items: Vec<Item>,
    /// Handlers that it brings to the play.
    handlers: Vec<Item>,
    /// The file or the role, as shown.
    name: String,
    /// Roles whose variables are the play's once it has run.
    public: Vec<Arc<Role>>,
}

/// One include of a host: what it brings, and the label of the loop's item.
type Included = (Arc<Bundle>, Option<String>);

impl Run {
    /// Each host's files or roles; hosts with the same ones run them together.
    pub(super) async fn include(
        &self,
        play: &PlayRun,
        task: &Arc<Task>,
        hosts: &mut Hosts,
        ahead: &Ahead<'_>,
    ) {
        let lookups = self.lookups(play, task);
        let Some(first) = hosts.live.first().cloned() else { return };
        let once = self.runs_once(play, &first, task, &lookups);
        let on = if once { vec![first] } else { hosts.live.clone() };
        let mut groups: IndexMap<usize, (Included, Vec<Host>)> = IndexMap::new();
        let mut begun = false;
        for host in on {
            let binder = self.binder(&lookups, self.variables(play, &host, task));
            let label = self.label(play, &host, task, hosts.handler);
            if !begun {
                self.tell(Event::TaskStarted { task: Arc::clone(&label), hosts: hosts.live.clone() });
                begun = true;
            }
            match self.include_on(play, task, &host, &binder, hosts.handler) {
                Ok(included) => {
                    let (status, summary) = if included.is_empty() {
                        (Status::Skipped { reason: "nothing is included".to_owned() }, String::new())
                    } else {
                        (Status::Ok, format!("included {}", names::count(included.len(), "file")))
                    };
                    let skipped = match binder.when(task) {
                        Ok(When::Skip { condition }) if included.is_empty() && task.looped.is_none() => {
                            Some(condition)
                        }
                        _ => None,
                    };
                    // as Ansible counts: every file of a loop
                    let more = u32::try_from(included.len()).unwrap_or(u32::MAX).saturating_sub(1);
                    self.count(&host, |recap| recap.ok += more);
                    let result = skipped.map_or_else(
                        || Value::map(crate::map! {"changed" => false}),
                        |condition| Single::condition(&condition).value(),
                    );
                    self.register(&host, task, &result);
                    for included in included {
                        play.add_handlers(&included.0.handlers);
                        let key = Arc::as_ptr(&included.0) as usize;
                        groups.entry(key).or_insert_with(|| (included, Vec::new())).1.push(Arc::clone(&host));
                    }
                    self.finish(&host, &label, Outcome { summary, result, ..Outcome::plain(status) });
                }
                Err(NotIncluded::Stopped(stop)) => self.stopped(play, &label, &host, hosts, stop),
                Err(NotIncluded::Broken(stop)) => {
                    // as Ansible counts: what cannot be included is a failure, even where it is rescued
                    let rescuing = std::mem::replace(&mut hosts.rescuing, false);
                    self.stopped(play, &label, &host, hosts, stop);
                    hosts.rescuing = rescuing;
                    if rescuing {
                        play.found(&host);
                    }
                }
            }
        }
        for ((bundle, label), on) in groups.values() {
            self.tell(Event::Included {
                name: bundle.name.clone(),
                hosts: on.clone(),
                item: label.clone(),
                role: short_name(&task.module) == "include_role",
            });
        }
        for ((bundle, _), on) in groups.into_values() {
            let live: Vec<Host> = on.into_iter().filter(|host| hosts.live.contains(host)).collect();
            if live.is_empty() {
                continue;
            }
            let mut inner = hosts.part(live.clone());
            self.items(play, &bundle.items, &mut inner, Some(ahead)).await;
            if !bundle.public.is_empty() {
                let mut public = play.vars.public.write().unwrap_or_else(PoisonError::into_inner);
                for role in &bundle.public {
                    public.extend(inner.live.iter().map(|host| (Arc::clone(host), Arc::clone(role))));
                }
            }
            hosts.absorb(&live, inner);
        }
    }

    fn register(&self, host: &Host, task: &Task, result: &Value) {
        if let Some(located) = task.keyword(crate::lang::Keyword::Register) {
            self.world.update(host, |vars| vars.set(&located.value.to_text(), result.clone()));
        }
    }

    fn include_on(
        &self,
        play: &PlayRun,
        task: &Arc<Task>,
        host: &Host,
        binder: &Binder<'_>,
        handler: Handler,
    ) -> Result<Vec<Included>, NotIncluded> {
        let runs = |binder: &Binder<'_>| -> Result<bool, Stop> {
            match binder.when(task)? {
                When::Run => Ok(true),
                When::Skip { .. } => Ok(false),
                When::Unknown(unknown) => Err(Stop::Unknown(unknown)),
            }
        };
        let items = match binder.loop_items(task) {
            Ok(None) => {
                return Ok(if runs(binder)? {
                    let bundle = self.bundle(task, binder, &Map::new(), handler).map_err(NotIncluded::of)?;
                    bundle.map(|bundle| (bundle, None)).into_iter().collect()
                } else {
                    Vec::new()
                });
            }
            Ok(Some(items)) => items,
            Err(stop) => return if runs(binder)? { Err(stop.into()) } else { Ok(Vec::new()) },
        };
        let (name, index_name) = binder.loop_names(task)?;
        let (extended, every) = super::task::extended(task, binder)?;
        let mut included = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let mut vars = Map::new();
            vars.insert(Key::from(name.as_str()), item.clone());
            vars.insert(Key::str("ansible_loop_var"), Value::from(name.as_str()));
            if let Some(index_name) = &index_name {
                vars.insert(Key::from(index_name.as_str()), Value::from(index));
                vars.insert(Key::str("ansible_index_var"), Value::from(index_name.as_str()));
            }
            if extended {
                vars.insert(Key::str("ansible_loop"), super::task::position(&items, index, every));
            }
            let mut variables = self.variables(play, host, task);
            for (name, value) in &vars {
                variables = variables.with(name.as_str().unwrap_or_default(), value.clone());
            }
            let label = super::task::label_of(self, task, binder.lookups, &variables, item);
            let binder =
                Binder { templar: binder.templar, lookups: binder.lookups, variables: Arc::new(variables) };
            if let When::Skip { condition } = binder.when(task)? {
                self.skip_item(play, host, task, label, &condition, &vars);
                continue;
            }
            if runs(&binder)?
                && let Some(bundle) = self.bundle(task, &binder, &vars, handler).map_err(NotIncluded::of)?
            {
                included.push((bundle, Some(label)));
            }
        }
        Ok(included)
    }

    /// Tells of an item for which nothing is included.
    fn skip_item(
        &self,
        play: &PlayRun,
        host: &Host,
        task: &Task,
        label: String,
        condition: &Value,
        about: &Map,
    ) {
        let single = Single::condition(condition);
        let mut result = single.value().as_map().cloned().unwrap_or_default();
        result.extend(about.clone());
        let status = single.status(false);
        self.tell(Event::ItemFinished {
            host: Arc::clone(host),
            delegate: None,
            task: self.label(play, host, task, Handler::No),
            label,
            outcome: Box::new(Outcome { result: Value::map(result), ..Outcome::plain(status) }),
        });
    }

    /// What an include brings, loaded once for the same variables; `None` where its name is not known yet.
    pub(super) fn bundle(
        &self,
        task: &Arc<Task>,
        binder: &Binder<'_>,
        item: &Map,
        handler: Handler,
    ) -> Result<Option<Arc<Bundle>>, Stop> {
        let role = short_name(&task.module) == "include_role";
        let bound = binder.arguments(task, (!role).then_some("file"))?;
        if let Some(unknown) = bound.unknown {
            return Err(Stop::Unknown(unknown));
        }
        let more: VarMap = item
            .iter()
            .filter_map(|(name, value)| {
                Some((Arc::from(name.as_str()?), Variable { value: value.clone(), place: None }))
            })
            .collect();
        let key = format!(
            "{:x} {:?} {} {}",
            Arc::as_ptr(task) as usize,
            handler,
            Value::map(bound.given.iter().map(|(k, v)| (Key::Str(k.clone()), v.clone())).collect()).to_repr(),
            Value::map(item.clone()).to_repr()
        );
        if let Some(loaded) = self.included.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Some(Arc::clone(loaded)));
        }
        let texts = LoadTexts { vault: self.project.vault(), templar: &self.templar, world: &self.world };
        let loader = Loader::new(&self.project, &self.settings, &check::Names, &texts);
        let loaded = if role {
            self.role_bundle(&loader, task, &bound.given, more)
        } else {
            self.file_bundle(&loader, task, &bound.given, more, handler)
        };
        let (bundle, mut diagnostics) = loaded.map_err(|found| first_error(Diagnostics(vec![*found])))?;
        diagnostics.extend(check::items(&bundle.items, &self.templar));
        diagnostics.extend(check::items(&bundle.handlers, &self.templar));
        if diagnostics.has_errors() {
            return Err(first_error(diagnostics));
        }
        let bundle = Arc::new(bundle);
        self.included.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&bundle));
        Ok(Some(bundle))
    }

    fn file_bundle(
        &self,
        loader: &Loader<'_>,
        task: &Arc<Task>,
        given: &Given,
        more: VarMap,
        handler: Handler,
    ) -> Result<(Bundle, Diagnostics), Box<crate::base::Diagnostic>> {
        let section = if handler == Handler::Yes { Section::Handlers } else { Section::Tasks };
        let name = given.get("file").map(Value::to_text).unwrap_or_default();
        let named = task.args.free_form.as_ref().or_else(|| task.args.named.get("file"));
        let place = named.map_or(&task.module_place, |located| &located.place);
        let found = loader.find_task_file(&name, place, &task.scope, section).map_err(Box::new)?;
        let directory = found.parent().unwrap_or(Path::new(""));
        let scope = include_scope(task, given.get("apply"), more, directory);
        let (LoadedTasks { items, roles: _, handlers }, diagnostics) =
            loader.task_file(&found, &scope, section);
        let name = found.display().to_string();
        Ok((Bundle { items, handlers, name, public: Vec::new() }, diagnostics))
    }

    fn role_bundle(
        &self,
        loader: &Loader<'_>,
        task: &Arc<Task>,
        given: &Given,
        more: VarMap,
    ) -> Result<(Bundle, Diagnostics), Box<crate::base::Diagnostic>> {
        let text = |option: &str| given.get(option).map(|value| Arc::<str>::from(value.to_text()));
        let flag = |option: &str, default| given.get(option).and_then(Value::to_bool).unwrap_or(default);
        let option = if given.contains_key("name") { "name" } else { "role" };
        let place = task.args.named.get(option).map_or(&task.module_place, |located| &located.place);
        let name = text(option).unwrap_or_default();
        let request = RoleRequest {
            name: Located { value: Value::Str(Arc::clone(&name)), place: place.clone() },
            from: FromFiles {
                tasks: text("tasks_from"),
                vars: text("vars_from"),
                defaults: text("defaults_from"),
                handlers: text("handlers_from"),
            },
            allow_duplicates: flag("allow_duplicates", true),
            validate: flag("rolespec_validate", true),
        };
        let scope = include_scope(task, given.get("apply"), more, &task.directory);
        let (loaded, diagnostics) = loader.role(&request, &scope);
        let Some(LoadedRole { role: _, roles, items, handlers }) = loaded else {
            return match first_error(diagnostics) {
                Stop::Failed(diagnostic) => Err(diagnostic),
                Stop::Unknown(_) | Stop::Deferred => {
                    let message = format!("the role `{name}` cannot be loaded");
                    Err(Box::new(crate::base::Diagnostic::error(crate::base::Kind::Role, message).at(place)))
                }
            };
        };
        let public = if flag("public", false) { roles } else { Vec::new() };
        Ok((Bundle { items, handlers, name: name.to_string(), public }, diagnostics))
    }
}

/// Why an include brings nothing.
enum NotIncluded {
    /// Its condition, loop or arguments are wrong or not known.
    Stopped(Stop),
    /// The file or role cannot be loaded.
    Broken(Stop),
}

impl From<Stop> for NotIncluded {
    fn from(stop: Stop) -> Self {
        Self::Stopped(stop)
    }
}

impl NotIncluded {
    fn of(stop: Stop) -> Self {
        match stop {
            Stop::Failed(_) => Self::Broken(stop),
            Stop::Unknown(_) | Stop::Deferred => Self::Stopped(stop),
        }
    }
}

/// The first error of several diagnostics, with a note how many more there are.
fn first_error(mut diagnostics: Diagnostics) -> Stop {
    let errors = diagnostics.0.iter().filter(|d| d.severity == Severity::Error).count();
    let first = diagnostics.0.iter().position(|d| d.severity == Severity::Error);
    match first {
        Some(at) => {
            let mut first = diagnostics.0.swap_remove(at);
            if errors > 1 {
                first = first.note(format!("and {} more", names::count(errors - 1, "error")), None);
            }
            Stop::from(first)
        }
        None => Stop::Deferred,
    }
}
