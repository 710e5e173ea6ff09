//! `include_tasks` and `include_role`: files and roles that are known only at run time.

use std::path::Path;
use std::sync::{Arc, PoisonError};

use indexmap::IndexMap;

use super::ahead::Ahead;
use super::event::{Event, Status};
use super::play::{Handler, Host, Hosts, PlayRun};
use super::run::{LoadTexts, Run};
use super::single::Single;
use super::task::Turn;
use crate::base::{Diagnostic, Diagnostics, Key, Kind, Map, Severity, Value, names};
use crate::lang::{
    FromFiles, Item, LoadedRole, LoadedTasks, Loader, Located, Role, RoleRequest, Section, Task,
    include_scope, short_name,
};
use crate::modules::Given;
use crate::plan::bind::{Binder, Stop};
use crate::plan::check;
use crate::vars::{VarMap, Variable};

/// What an include brings: the tasks of a file, or a role.
#[derive(Debug)]
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
pub(super) type Included = (Arc<Bundle>, Option<String>);

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
        let on = if once { vec![first.clone()] } else { hosts.live.clone() };
        let label = self.label(play, &first, task, hosts.handler);
        self.tell(Event::TaskStarted { task: Arc::clone(&label), hosts: hosts.live.clone() });
        // an item that includes what an item before it did includes it once more
        let mut groups: IndexMap<(usize, usize), (Included, Vec<Host>)> = IndexMap::new();
        for host in on {
            let label = self.label(play, &host, task, hosts.handler);
            let turn = Turn { run: self, play, task, label: Arc::clone(&label), host: &host, ahead };
            let mut ended = match turn.take().await {
                Ok(ended) => ended,
                Err(trouble) => {
                    let diagnostic = Diagnostic::error(Kind::Structure, trouble.message).at(&task.place);
                    self.stopped(play, &label, &host, hosts, Stop::from(diagnostic));
                    continue;
                }
            };
            let included = std::mem::take(&mut ended.included);
            // as Ansible counts: every file of a loop, and a failure that is ignored besides
            let counted = u32::from(ended.outcome.status == Status::Ok);
            let more = u32::try_from(included.len()).unwrap_or(u32::MAX).saturating_sub(counted);
            self.count(&host, |recap| recap.ok += more);
            // as Ansible counts: what cannot be included is a failure, even where it is rescued or ignored
            let rescuing = hosts.rescuing && !ended.broken;
            if self.ended(play, task, &label, &host, std::slice::from_ref(&host), ended, rescuing) {
                hosts.live.retain(|other| *other != host);
                if !hosts.rescuing {
                    play.lost(&host);
                }
                hosts.failed.push(Arc::clone(&host));
                continue;
            }
            for included in included {
                let bundle = Arc::as_ptr(&included.0) as usize;
                let mut time = 0;
                while groups.get(&(bundle, time)).is_some_and(|(_, on)| on.contains(&host)) {
                    time += 1;
                }
                let group = groups.entry((bundle, time)).or_insert_with(|| (included, Vec::new()));
                group.1.push(Arc::clone(&host));
            }
        }
        for ((bundle, label), on) in groups.values() {
            play.add_handlers(&bundle.handlers);
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
            if short_name(&task.module) == "include_role" {
                let mut included = play.vars.included.write().unwrap_or_else(PoisonError::into_inner);
                included.insert(Arc::from(bundle.name.as_str()));
            }
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

    /// One inclusion, with the variables of a loop's item: the task's result says what is included, as Ansible's does.
    pub(super) fn inclusion(
        &self,
        task: &Arc<Task>,
        binder: &Binder<'_>,
        item: &Map,
        handler: Handler,
    ) -> Single {
        let role = short_name(&task.module) == "include_role";
        let mut given = match include_arguments(task, binder) {
            Ok(given) => given,
            Err(stop) => return Single::stopped(stop),
        };
        let bundle = match self.load(task, &given, item, handler) {
            Ok(bundle) => bundle,
            Err(stop) => return Single { broken: true, ..Single::stopped(stop) },
        };
        let summary = format!("included {}", names::count(1, "file"));
        let file = if role { None } else { given.shift_remove("file") };
        let mut result: Map = file.map(|file| (Key::str("include"), file)).into_iter().collect();
        let given = given.into_iter().map(|(name, value)| (Key::Str(name), value));
        result.insert(Key::str("include_args"), Value::map(given.collect()));
        Single { result, summary, included: Some(bundle), ..Single::default() }
    }

    /// What an include brings without a loop, where that is known: for who looks ahead.
    pub(super) fn bundle(
        &self,
        task: &Arc<Task>,
        binder: &Binder<'_>,
        handler: Handler,
    ) -> Result<Arc<Bundle>, Stop> {
        self.load(task, &include_arguments(task, binder)?, &Map::new(), handler)
    }

    /// What an include brings, loaded once for the same arguments and variables.
    fn load(
        &self,
        task: &Arc<Task>,
        given: &Given,
        item: &Map,
        handler: Handler,
    ) -> Result<Arc<Bundle>, Stop> {
        let role = short_name(&task.module) == "include_role";
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
            Value::map(given.iter().map(|(k, v)| (Key::Str(k.clone()), v.clone())).collect()).to_repr(),
            Value::map(item.clone()).to_repr()
        );
        if let Some(loaded) = self.included.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(loaded));
        }
        let texts = LoadTexts { vault: self.project.vault(), templar: &self.templar, world: &self.world };
        let loader = Loader::new(&self.project, &self.settings, &check::Names, &texts);
        let loaded = if role {
            self.role_bundle(&loader, task, given, more)
        } else {
            self.file_bundle(&loader, task, given, more, handler)
        };
        let (bundle, mut diagnostics) = loaded.map_err(Stop::Failed)?;
        diagnostics.extend(check::items(&bundle.items, &self.templar));
        diagnostics.extend(check::items(&bundle.handlers, &self.templar));
        if diagnostics.has_errors() {
            return Err(first_error(diagnostics));
        }
        let bundle = Arc::new(bundle);
        self.included.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&bundle));
        Ok(bundle)
    }

    fn file_bundle(
        &self,
        loader: &Loader<'_>,
        task: &Arc<Task>,
        given: &Given,
        more: VarMap,
        handler: Handler,
    ) -> Result<(Bundle, Diagnostics), Box<Diagnostic>> {
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
    ) -> Result<(Bundle, Diagnostics), Box<Diagnostic>> {
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
                    Err(Box::new(Diagnostic::error(Kind::Role, message).at(place)))
                }
            };
        };
        let public = if flag("public", false) { roles } else { Vec::new() };
        Ok((Bundle { items, handlers, name: name.to_string(), public }, diagnostics))
    }
}

/// The arguments of an include, rendered.
fn include_arguments(task: &Task, binder: &Binder<'_>) -> Result<Given, Stop> {
    let role = short_name(&task.module) == "include_role";
    let bound = binder.arguments(task, (!role).then_some("file"))?;
    match bound.unknown {
        Some(unknown) => Err(Stop::Unknown(unknown)),
        None => Ok(bound.given),
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
