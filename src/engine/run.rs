//! What all plays, hosts and tasks of a run share.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use indexmap::IndexMap;

use super::controller::Files;
use super::destination::{self, ConnectDefaults};
use super::event::{Cost, Event, Recap};
use super::fact_cache::{self, FactCache};
use super::include::Bundle;
use super::machine::{Machine, User};
use super::play::PlayRun;
use super::task::Effect;
use crate::base::{Diagnostic, Diagnostics, Kind, Map, Place, Source, Value};
use crate::config::Config;
use crate::inventory::{Inventory, Limit};
use crate::lang::{Keyword, Located, Settings, Task, Texts};
use crate::plan::bind::{BecomeDefaults, Binder, Stop};
use crate::plan::tags::{Selection, tags_of};
use crate::plan::variables::{HostVars, TaskVariables, World};
use crate::project::Project;
use crate::secrets::{Reach, Vault};
use crate::template::{LookupError, Lookups, Templar, Variables};
use crate::transport::{Connector, Destination};
use crate::vars::Layers;

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
    /// How tasks become another user where neither they nor their host's variables say it.
    pub become_: BecomeDefaults,
    /// `--start-at-task`: the name of the task to begin with; what stands before it is passed over.
    pub start_at_task: Option<String>,
    /// `--step`: every task is asked about first.
    pub step: bool,
    /// Check mode looks at hosts as they are, task by task, as Ansible's does, instead of through its own predictions:
    /// under Ansible's names.
    pub check_apart: bool,
    /// Nothing is run, under an Ansible name: variables of hosts that cannot be decrypted are not needed.
    pub listing: bool,
    /// ansible.cfg and `ANSIBLE_*`: what is not in a field of its own here or in `connect`.
    pub config: Arc<Config>,
    /// `--flush-cache`: facts of earlier runs do not count.
    pub flush_cache: bool,
    /// Asks people (`vars_prompt`, `pause`).
    pub prompter: Arc<dyn Prompter>,
    /// Reads the inventory again (`meta: refresh_inventory`); `None` where that is not possible.
    pub refresh: Option<Refresh>,
}

/// Reads the inventory again.
#[derive(Clone)]
pub struct Refresh(pub Arc<dyn Fn() -> (Inventory, Diagnostics) + Send + Sync>);

impl std::fmt::Debug for Refresh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Refresh")
    }
}

/// Asks people on a terminal.
pub trait Prompter: std::fmt::Debug + Send + Sync {
    /// Asks and waits for a line, without its end; `None` where nobody can be asked (no terminal).
    ///
    /// # Errors
    /// Why the answer could not be read, or that it was refused (Ctrl-C).
    fn ask(&self, prompt: &str, echo: bool) -> Result<Option<String>, String>;

    /// Says that an answer and its confirmation differ; they are asked for again.
    ///
    /// # Errors
    /// Why that could not be shown.
    fn differ(&self) -> Result<(), String>;

    /// Waits for a line, or for a time; gives what was typed, or nothing where nobody can be asked. Ctrl+C and `c` end
    /// it early.
    ///
    /// # Errors
    /// That it was broken off (Ctrl+C and `a`), or why it could not be shown.
    fn pause(&self, pause: &Pausing) -> Result<Option<String>, String>;
}

/// What `pause` shows, and how long it waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pausing {
    /// The task's name.
    pub task: String,
    /// What is asked for, if anything.
    pub asked: Option<String>,
    /// Seconds; without them a line is waited for.
    pub seconds: Option<u64>,
    /// Whether what is typed is shown.
    pub echo: bool,
}

/// Nobody can be asked.
#[derive(Debug)]
pub struct NoPrompter;

impl Prompter for NoPrompter {
    fn ask(&self, _: &str, _: bool) -> Result<Option<String>, String> {
        Ok(None)
    }

    fn differ(&self) -> Result<(), String> {
        Ok(())
    }

    fn pause(&self, pause: &Pausing) -> Result<Option<String>, String> {
        std::thread::sleep(std::time::Duration::from_secs(pause.seconds.unwrap_or(0)));
        Ok(None)
    }
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
    /// What includes have brought, by task, arguments and variables.
    pub(super) included: Mutex<HashMap<String, Arc<Bundle>>>,
    /// How many hosts are worked on at once.
    pub(super) permits: tokio::sync::Semaphore,
    /// Directories with playbooks, whose `group_vars` and `host_vars` count.
    pub(super) directories: Vec<PathBuf>,
    /// What `set_stats` has set: for the run, and for hosts.
    pub(super) stats: Mutex<IndexMap<Option<Arc<str>>, Map>>,
    /// Where facts are kept between runs.
    pub(super) cache: Option<FactCache>,
    /// Packs modules in Python.
    pub(super) packer: Arc<super::python::Packer>,
    /// The Pythons of hosts.
    pub(super) interpreters: super::python::Interpreters,
    /// Check mode: what jobs that were not started would have given, by their names.
    pub(super) jobs: Mutex<HashMap<String, super::single::Single>>,
    warned: Mutex<HashSet<String>>,
    /// The turns of tasks with `throttle`, by task: with free strategies hosts come to one at different times.
    throttles: Mutex<HashMap<usize, Arc<tokio::sync::Semaphore>>>,
    /// `--start-at-task`, until the task has been met.
    pub(super) start_at: Mutex<Option<String>>,
    /// `--step`, until it is told to go on.
    pub(super) stepping: std::sync::atomic::AtomicBool,
    /// What this run itself has remembered on targets, by journal and name.
    remembered: Mutex<HashSet<(String, String)>>,
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
        directories: Vec<PathBuf>,
    ) -> Self {
        let forks = options.forks.max(1);
        let (start_at, step) = (options.start_at_task.clone(), options.step);
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
            permits: tokio::sync::Semaphore::new(forks),
            directories,
            stats: Mutex::default(),
            cache: None,
            packer: Arc::default(),
            interpreters: super::python::Interpreters::default(),
            jobs: Mutex::default(),
            warned: Mutex::default(),
            throttles: Mutex::default(),
            start_at: Mutex::new(start_at),
            stepping: std::sync::atomic::AtomicBool::new(step),
            remembered: Mutex::default(),
            recaps: Mutex::default(),
            gone: Mutex::default(),
        }
    }

    /// Takes over what the run of an earlier playbook leaves: all but what belongs to its files. What the files of this
    /// playbook say about hosts that were added is read; the diagnostics are what is wrong there.
    pub(super) fn carry_on(&mut self, earlier: Self) -> Vec<Diagnostic> {
        let Self {
            options: _,
            project: _,
            settings: _,
            templar: _,
            world,
            connector: _,
            files: _,
            started: _,
            began: _,
            events: _,
            machines,
            included: _,
            permits: _,
            directories: _,
            stats,
            cache: _,
            packer: _,
            interpreters,
            jobs,
            warned,
            throttles: _,
            start_at,
            stepping,
            remembered,
            recaps,
            gone,
        } = earlier;
        (self.machines, self.stats, self.jobs, self.warned) = (machines, stats, jobs, warned);
        (self.start_at, self.stepping, self.remembered) = (start_at, stepping, remembered);
        (self.recaps, self.gone, self.interpreters) = (recaps, gone, interpreters);
        let added = self.world.carry_over(&world);
        let read = |host: &Arc<str>| self.reload_host(host).err();
        added.iter().filter_map(read).flat_map(|diagnostics| diagnostics.0).collect()
    }

    /// Tells the reporters.
    pub(super) fn tell(&self, event: Event) {
        (self.events)(event);
    }

    /// Microseconds since the epoch.
    pub(super) fn now(&self) -> i64 {
        self.began + i64::try_from(self.started.elapsed().as_micros()).unwrap_or(0)
    }

    /// The turns of a task that no more than so many hosts take at once; none where that is not limited.
    pub(super) fn throttle(&self, task: &Arc<Task>, most: usize) -> Option<Arc<tokio::sync::Semaphore>> {
        let mut throttles = self.throttles.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || Arc::new(tokio::sync::Semaphore::new(most));
        (most > 0).then(|| Arc::clone(throttles.entry(Arc::as_ptr(task) as usize).or_insert_with(fresh)))
    }

    /// A warning about the project's files.
    pub(super) fn warn(&self, diagnostic: Diagnostic) {
        let message = diagnostic.message.clone();
        self.tell(Event::Warning { message, diagnostic: Some(Box::new(diagnostic)) });
    }

    /// A warning, told once.
    pub(super) fn warn_once(&self, message: impl Into<String>) {
        let message = message.into();
        let fresh = self.warned.lock().unwrap_or_else(PoisonError::into_inner).insert(message.clone());
        if fresh {
            self.tell(Event::Warning { message, diagnostic: None });
        }
    }

    /// A warning about something in a file, told once.
    pub(super) fn warn_of(&self, diagnostic: Diagnostic) {
        let fresh = self.warned.lock().unwrap_or_else(PoisonError::into_inner).insert(diagnostic.to_string());
        if fresh {
            self.warn(diagnostic);
        }
    }

    /// Whether the tags that were asked for select a task. Tags that are templates are rendered with the variables of
    /// `host`.
    pub(super) fn selected(&self, play: &PlayRun, host: Option<&Arc<str>>, task: &Task) -> bool {
        let chain = task.keyword_chain(Keyword::Tags);
        let rendered = |located: &Located| match host {
            Some(host) if !located.value.is_literal() => {
                let lookups = self.lookups(play, task);
                let binder = self.binder(&lookups, self.variables(play, host, task));
                binder.known(located).unwrap_or_else(|_| located.value.clone())
            }
            _ => located.value.clone(),
        };
        let tags: Vec<String> = chain.into_iter().flat_map(|located| tags_of(&rendered(located))).collect();
        self.options.selection.runs(&tags)
    }

    /// Whether the tags that were asked for let handlers run between the sections of a play: a task of Ansible's own
    /// does that, which is tagged `always`.
    pub(super) fn flushes(&self) -> bool {
        self.options.selection.runs(&["always".to_owned()])
    }

    /// The machine that a task's actions on a host go to, and the user that they run as.
    pub(super) fn machine(
        &self,
        host: &Arc<str>,
        delegate: Option<&str>,
        binder: &Binder<'_>,
        task: Option<&Task>,
    ) -> Result<(Arc<Machine>, User), Stop> {
        let defaults = &self.options.become_;
        let (name, destination, password, user) = match delegate {
            None => {
                let (destination, password) = destination::of(host, binder, task, &self.options.connect)?;
                let user = task.map(|task| binder.become_spec(task, None, defaults)).transpose()?.flatten();
                (Arc::clone(host), destination, password, user)
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
                // whom it becomes there is that host's to say, but for the task's own keywords
                let user =
                    task.map(|task| binder.become_spec(task, Some(&own), defaults)).transpose()?.flatten();
                (name, destination, password, user)
            }
        };
        let user = User::new(user);
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

    /// The controller as a machine: what runs beside a host (`synchronize`) runs there.
    pub(super) fn here(&self) -> Arc<Machine> {
        let mut machines = self.machines.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, machine) = machines.entry("the controller".to_owned()).or_insert_with(|| {
            let machine = Machine::new(Destination::local("localhost"), Arc::clone(&self.connector), None);
            (Arc::from("localhost"), Arc::new(machine))
        });
        Arc::clone(machine)
    }

    /// The machines that have been used so far.
    pub(super) fn machines(&self) -> Vec<Named> {
        self.machines.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Notes what this run remembers on a target: it is not left by another run.
    pub(super) fn remembers(&self, journal: &str, names: &[String]) {
        let mut all = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(names.iter().map(|name| (journal.to_owned(), name.clone())));
    }

    /// Whether this run itself has remembered a name.
    pub(super) fn has_remembered(&self, journal: &str, name: &str) -> bool {
        let all = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        all.contains(&(journal.to_owned(), name.to_owned()))
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
    pub(super) fn apply(&self, play: &PlayRun, host: &Arc<str>, effects: &[Effect]) {
        let mut facts_changed = false;
        for effect in effects {
            let (target, effect) = match effect {
                Effect::Of(target, effect) => (target, &**effect),
                effect => (host, effect),
            };
            facts_changed |= target == host && matches!(effect, Effect::Facts(_));
            self.world.update(target, |vars| effect.apply(vars));
            if matches!(effect, Effect::Facts(_)) {
                self.keep_facts(target);
            }
        }
        if facts_changed {
            self.read_own_files(play, host);
        }
    }

    /// Keeps a host's facts for later runs, but for those that have a secret in them.
    fn keep_facts(&self, host: &str) {
        let Some((cache, vars)) = self.cache.as_ref().zip(self.world.host(host)) else { return };
        let mut facts = fact_cache::kept(&vars.facts);
        let reach = if self.options.check_apart { Reach::Passwords } else { Reach::Everything };
        if let Some(finder) = self.project.vault().known().finder(reach) {
            facts.retain(|name, value| {
                let secret = finder.scrub(value.to_json().to_string().as_bytes()).is_some();
                if secret {
                    self.warn_once(format!(
                        "the fact `{name}` is not kept for later runs: a secret is in it"
                    ));
                }
                !secret
            });
        }
        if let Err(error) = cache.write(host, &facts) {
            self.warn_once(format!(
                "the facts of `{host}` cannot be kept: {}",
                crate::project::cause(&error)
            ));
        }
    }

    /// Reads a host's variables from inventory files again: it has come to be, or into another group.
    pub(super) fn reload_host(&self, host: &str) -> Result<(), Diagnostics> {
        let layers = self
            .world
            .inventory(|inventory| inventory.host_layers(&self.project, host, &self.directories))?;
        let mut stack = Layers::default();
        stack.extend(layers);
        self.world.update(host, |vars| vars.inventory = Arc::new(stack));
        Ok(())
    }

    /// `meta: refresh_inventory`.
    pub(super) fn refresh_inventory(&self) {
        let Some(refreshed) = self.options.refresh.as_ref().map(|refresh| (refresh.0)()) else {
            self.warn_once("`meta: refresh_inventory` has no effect: the inventory cannot be read again");
            return;
        };
        let (mut inventory, diagnostics) = refreshed;
        for diagnostic in diagnostics.0 {
            self.warn(diagnostic);
        }
        let names: Vec<Arc<str>> = self.world.change_inventory(|known| {
            inventory.carry_over(known);
            *known = inventory;
            known.hosts.keys().cloned().collect()
        });
        for host in names {
            if let Err(diagnostics) = self.reload_host(&host) {
                for diagnostic in diagnostics.0 {
                    self.warn(diagnostic);
                }
            }
        }
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
    pub(super) fn clear_errors(&self, hosts: &[Arc<str>]) {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner).retain(|host, _| !hosts.contains(host));
    }

    /// Whether hosts are lost because they failed, and because they cannot be reached.
    pub(super) fn lost(&self) -> (bool, bool) {
        let gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
        let any = |why| gone.values().any(|known| *known == why);
        (any(Gone::Failed), any(Gone::Unreachable))
    }

    /// Whether a host takes no further part.
    pub(super) fn is_gone(&self, host: &str) -> bool {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner).contains_key(host)
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
    pub(super) vault: &'a Arc<Vault>,
    pub(super) templar: &'a Templar,
    pub(super) world: &'a Arc<World>,
}

impl Texts for LoadTexts<'_> {
    fn text(&self, value: &Value, place: &Place, known: &Layers) -> Result<String, Diagnostic> {
        let state = HostVars::new(known.clone());
        let variables = TaskVariables::of_host(self.world, None, &Arc::from(""), &state);
        let lookups: Arc<dyn Lookups> = Arc::new(NoLookups(Arc::clone(self.vault)));
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
pub(super) struct NoLookups(pub(super) Arc<Vault>);

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

    fn vault(&self) -> Option<&Arc<Vault>> {
        Some(&self.0)
    }
}
