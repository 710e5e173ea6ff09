//! What all plays, hosts and tasks of a run share.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use indexmap::IndexMap;

use super::controller::Files;
use super::destination::{self, ConnectDefaults};
use super::event::{Cost, Event, Recap};
use super::machine::{Machine, User};
use super::task::Effect;
use crate::base::{Diagnostic, Diagnostics, Kind, Map, Place, Source, Value};
use crate::config::Config;
use crate::inventory::Limit;
use crate::lang::{Keyword, LoadedTasks, Loader, Located, Section, Settings, Task, Texts, include_scope};
use crate::plan::bind::{Binder, Stop};
use crate::plan::check;
use crate::plan::tags::{Selection, tags_of};
use crate::plan::variables::{HostVars, TaskVariables, World};
use crate::project::Project;
use crate::template::{LookupError, Lookups, Templar, Variables};
use crate::transport::Connector;
use crate::vars::{Layers, Variable};

/// How a run is to go.
#[derive(Clone, Debug)]
pub struct Options {
    /// `--check`: nothing is changed.
    pub check_mode: bool,
    /// `--diff`.
    pub diff: bool,
    /// How often `-v` was given.
    pub verbosity: u8,
    /// How many hosts at once.
    pub forks: usize,
    /// `--tags`, `--skip-tags`.
    pub selection: Selection,
    /// `--limit`.
    pub limit: Option<Limit>,
    /// How hosts are connected to.
    pub connect: ConnectDefaults,
    /// ansible.cfg and `ANSIBLE_*`: what is not in a field of its own here or in `connect`.
    pub config: Arc<Config>,
}

/// A machine with the name of the host that first led to it.
type Named = (Arc<str>, Arc<Machine>);

/// A run.
pub(super) struct Run {
    pub(super) options: Options,
    pub(super) project: Arc<Project>,
    pub(super) settings: Settings,
    pub(super) templar: Templar,
    pub(super) world: Arc<World>,
    pub(super) connector: Arc<Connector>,
    pub(super) files: Files,
    pub(super) started: Instant,
    /// Microseconds since the epoch at the start.
    pub(super) began: i64,
    pub(super) events: Arc<dyn Fn(Event) + Send + Sync>,
    machines: Mutex<IndexMap<String, Named>>,
    included: Mutex<HashMap<(PathBuf, usize, String), Arc<LoadedTasks>>>,
    recaps: Mutex<HashMap<Arc<str>, Recap>>,
    /// Hosts that have failed or cannot be reached: they take no further part.
    gone: Mutex<HashMap<Arc<str>, Gone>>,
}

/// Why a host takes no further part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gone {
    Failed,
    Unreachable,
}

/// The variables of a host that the inventory does not have.
pub(super) fn unknown_host() -> HostVars {
    HostVars::new(Layers::default())
}

impl Run {
    #[expect(clippy::too_many_arguments, reason = "it is made in one place")]
    pub(super) fn new(
        options: Options,
        project: Arc<Project>,
        settings: Settings,
        templar: Templar,
        world: Arc<World>,
        connector: Arc<Connector>,
        began: i64,
        events: Arc<dyn Fn(Event) + Send + Sync>,
    ) -> Self {
        Self {
            options,
            project,
            settings,
            templar,
            world,
            connector,
            files: Files::default(),
            started: Instant::now(),
            began,
            events,
            machines: Mutex::default(),
            included: Mutex::default(),
            recaps: Mutex::default(),
            gone: Mutex::default(),
        }
    }

    /// Tells the reporters.
    pub(super) fn tell(&self, event: Event) {
        (self.events)(event);
    }

    /// Microseconds since the epoch.
    pub(super) fn now(&self) -> i64 {
        self.began + i64::try_from(self.started.elapsed().as_micros()).unwrap_or(0)
    }

    /// Whether the tags that were asked for select a task.
    pub(super) fn selected(&self, task: &Task) -> bool {
        let tags: Vec<String> = task
            .keyword_chain(Keyword::Tags)
            .into_iter()
            .flat_map(|located| tags_of(&located.value))
            .collect();
        self.options.selection.runs(&tags)
    }

    /// The machine that a task's actions on a host go to, and the user that they run as.
    pub(super) fn machine(
        &self,
        host: &Arc<str>,
        delegate: Option<&str>,
        binder: &Binder<'_>,
        task: Option<&Task>,
    ) -> Result<(Arc<Machine>, User), Stop> {
        let user = User::new(task.map(|task| binder.become_spec(task)).transpose()?.flatten());
        let (name, destination, password) = match delegate {
            None => {
                let (destination, password) = destination::of(host, binder, task, &self.options.connect)?;
                (Arc::clone(host), destination, password)
            }
            Some(delegate) => {
                let name: Arc<str> = Arc::from(delegate);
                let state = self.world.host(delegate).unwrap_or_else(unknown_host);
                let variables = TaskVariables::of_host(&self.world, None, &name, &state);
                let own = Binder {
                    templar: binder.templar,
                    lookups: binder.lookups,
                    variables: Arc::new(variables),
                };
                let (destination, password) = destination::of(&name, &own, None, &self.options.connect)?;
                (name, destination, password)
            }
        };
        let key = format!(
            "{:?} {} {:?} {:?} {:?}",
            destination.kind, destination.host, destination.port, destination.user, destination.common_args
        );
        let mut machines = self.machines.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, machine) = machines.entry(key).or_insert_with(|| {
            (name, Arc::new(Machine::new(destination, Arc::clone(&self.connector), password)))
        });
        Ok((Arc::clone(machine), user))
    }

    /// The machines that have been used so far.
    pub(super) fn machines(&self) -> Vec<Named> {
        self.machines.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Has a remembered name forgotten wherever it was remembered.
    pub(super) fn forget(&self, host: &Arc<str>, journal: &str, name: &str) {
        for (machine_host, machine) in self.machines() {
            if machine_host == *host || name.starts_with(&format!("{host}/")) {
                machine.forget_everywhere(journal, name);
            }
        }
    }

    /// Applies what a task means for a host's variables.
    pub(super) fn apply(&self, host: &str, effects: &[Effect]) {
        if effects.is_empty() {
            return;
        }
        self.world.update(host, |vars| {
            for effect in effects {
                match effect {
                    Effect::Set(name, value) => vars.set(name, value.clone()),
                    Effect::Facts(facts) => vars.add_facts(facts),
                }
            }
        });
    }

    /// Counts for the recap.
    pub(super) fn count(&self, host: &Arc<str>, count: impl FnOnce(&mut Recap)) {
        let mut recaps = self.recaps.lock().unwrap_or_else(PoisonError::into_inner);
        count(recaps.entry(Arc::clone(host)).or_default());
    }

    /// The counts so far.
    pub(super) fn recaps(&self) -> HashMap<Arc<str>, Recap> {
        self.recaps.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes a host out of the rest of the run.
    pub(super) fn lose(&self, host: &Arc<str>, why: Gone) {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner).insert(Arc::clone(host), why);
    }

    /// Lets hosts that failed take part again (`meta: clear_host_errors`).
    pub(super) fn clear_errors(&self) {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Whether a host takes no further part.
    pub(super) fn is_gone(&self, host: &str) -> bool {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner).contains_key(host)
    }

    /// The tasks that an `include_tasks` brings, loaded once; `None` where it names no file.
    pub(super) fn included(
        &self,
        task: &Arc<Task>,
        binder: &Binder<'_>,
        item: &Map,
    ) -> Result<Option<Arc<LoadedTasks>>, Diagnostics> {
        let broken = |stop: Stop| match stop {
            Stop::Failed(diagnostic) => Diagnostics(vec![*diagnostic]),
            Stop::Unknown(_) | Stop::Deferred => Diagnostics::default(),
        };
        let bound = binder.arguments(task, Some("file")).map_err(broken)?;
        let Some(name) = bound.given.get("file").filter(|_| bound.unknown.is_none()) else { return Ok(None) };
        let name = name.to_text();
        let place = task
            .args
            .free_form
            .as_ref()
            .or_else(|| task.args.named.get("file"))
            .map_or(&task.module_place, |located| &located.place);
        let texts = LoadTexts { templar: &self.templar, world: &self.world };
        let loader = Loader::new(&self.project, &self.settings, &check::Names, &texts);
        let found = loader
            .find_task_file(&name, place, &task.scope, Section::Tasks)
            .map_err(|diagnostic| Diagnostics(vec![diagnostic]))?;
        let key = (found.clone(), Arc::as_ptr(task) as usize, Value::map(item.clone()).to_repr());
        if let Some(loaded) = self.included.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Some(Arc::clone(loaded)));
        }
        let more = item
            .iter()
            .filter_map(|(name, value)| {
                Some((Arc::from(name.as_str()?), Variable { value: value.clone(), place: None }))
            })
            .collect();
        let apply = bound.given.get("apply");
        let directory = found.parent().unwrap_or(Path::new(""));
        let scope = include_scope(task, apply, more, directory);
        let (loaded, mut diagnostics) = loader.task_file(&found, &scope, Section::Tasks);
        diagnostics.extend(check::items(&loaded.items, &self.templar));
        diagnostics.extend(check::items(&loaded.handlers, &self.templar));
        if diagnostics.has_errors() {
            return Err(diagnostics);
        }
        let loaded = Arc::new(loaded);
        self.included.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&loaded));
        Ok(Some(loaded))
    }

    /// Ends every connection.
    pub(super) async fn close(&self) -> Vec<(Arc<str>, Cost)> {
        let closing = self.machines().into_iter().map(|(name, machine)| async move {
            let settled = tokio::time::timeout(std::time::Duration::from_secs(20), machine.settle()).await;
            let _ = settled;
            Some((name, machine.close().await?))
        });
        futures::future::join_all(closing).await.into_iter().flatten().collect()
    }
}

/// Renders the names of static imports and roles with what is known without a host.
#[derive(Debug)]
pub(super) struct LoadTexts<'a> {
    pub(super) templar: &'a Templar,
    pub(super) world: &'a Arc<World>,
}

impl Texts for LoadTexts<'_> {
    fn text(&self, value: &Value, place: &Place, known: &Layers) -> Result<String, Diagnostic> {
        let state = HostVars::new(known.clone());
        let variables = TaskVariables::of_host(self.world, None, &Arc::from(""), &state);
        let lookups: Arc<dyn Lookups> = Arc::new(NoLookups);
        let binder = Binder { templar: self.templar, lookups: &lookups, variables: Arc::new(variables) };
        let located = Located { value: value.clone(), place: place.clone() };
        match binder.known(&located) {
            Ok(value) => Ok(value.to_text()),
            Err(Stop::Failed(diagnostic)) => Err(*diagnostic),
            Err(Stop::Unknown(_) | Stop::Deferred) => {
                let message = "the name of a static import must be known when the file is read";
                Err(Diagnostic::error(Kind::Structure, message).at(place))
            }
        }
    }
}

/// Lookups where nothing outside may be asked: while files are loaded.
#[derive(Debug)]
pub(super) struct NoLookups;

impl Lookups for NoLookups {
    fn lookup(&self, _: &str, _: &[Value], _: &Map, _: &Arc<dyn Variables>) -> Result<Value, LookupError> {
        Err(LookupError::Deferred)
    }

    fn now(&self) -> i64 {
        0
    }

    fn template(&self, _: &str) -> Option<Arc<Source>> {
        None
    }
}
