//! Row 5: runs a playbook: hosts in parallel, tasks in order, look-ahead, handlers, events. Time and concurrency live
//! here and in `transport`.

mod ahead;
mod controller;
pub mod destination;
mod differences;
pub mod event;
mod execution;
pub mod explain;
mod fact_cache;
pub mod file_checks;
mod flow;
mod handlers;
mod include;
mod jobs;
mod known;
mod lookups;
mod looping;
mod machine;
mod meta;
mod outside;
mod perhaps;
mod play;
mod play_run;
pub mod python;
mod reboot;
mod run;
mod setup;
mod single;
mod steps;
mod synchronize;
mod task;
mod template_file;
mod tree;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};

use indexmap::IndexMap;

use crate::base::{Diagnostic, Diagnostics, Kind, Map, Severity, Value};
use crate::inventory::{Inventory, Limit, Matches};
use crate::lang::{Loader, Play, Playbook, Settings, Task, is_reserved, reserved};
use crate::plan::bind::{Binder, Stop};
use crate::plan::check;
use crate::plan::variables::{AllHosts, HostVars, PlayVars, TaskVariables, World};
use crate::project::Project;
use crate::secrets::Passwords;
use crate::template::{Lookups, Templar, Variables};
use crate::transport::Connector;
use crate::vars::{Layer, Layers, Level, VarMap};

pub use crate::plan::bind::BecomeDefaults;
pub use destination::{ConnectDefaults, LabTarget};
pub use event::{Cost, Event, Recap};
pub use outside::InventoryOutside;
pub use run::{NoPrompter, Options, Pausing, Prompter, Refresh};

/// What a run needs, loaded and checked; nothing has been connected to.
pub struct Prepared {
    run: run::Run,
    playbook: Playbook,
    /// For each play the hosts that it is about, before `serial`.
    hosts: Vec<Vec<Arc<str>>>,
    /// For each play its host patterns, rendered as far as they are known.
    patterns: Vec<Vec<String>>,
    /// Warnings about host patterns that have been told.
    told: HashSet<String>,
}

/// A run that has ended: another playbook of the same command goes on from it.
pub struct Ended(run::Run);

/// What to prepare a run from.
pub struct Sources {
    /// The project's files.
    pub project: Arc<Project>,
    /// The playbook.
    pub playbook: PathBuf,
    /// Where roles are.
    pub settings: Settings,
    /// The inventory.
    pub inventory: Arc<Inventory>,
    /// `-e`.
    pub extra: VarMap,
    /// Magic variables that do not change in a run.
    pub constants: Map,
    /// Microseconds since the epoch.
    pub now: i64,
}

/// How a run ended.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// The counts of each host.
    pub recap: IndexMap<Arc<str>, Recap>,
    /// Whether a host failed for good, or a play could not begin.
    pub failed: bool,
    /// Whether a host could not be reached, and that was not ignored.
    pub unreachable: bool,
    /// Where it broke off.
    pub broken: Option<Broken>,
}

/// Why a run broke off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// A play could not begin.
    Play,
    /// What a task says cannot be done: a handler that it notifies is not there; or an error of a play that Ansible has no
    /// kind for.
    Task,
}

/// Loads and checks a playbook with its inventory. Every problem of all files is in the diagnostics; the run is
/// there if none of them is an error.
pub fn prepare(
    sources: Sources,
    options: Options,
    connector: Arc<Connector>,
    events: Arc<dyn Fn(Event) + Send + Sync>,
) -> (Option<Prepared>, Diagnostics) {
    let Sources { project, playbook, settings, inventory, extra, mut constants, now } = sources;
    constants.extend(from_options(&options));
    let templar = Templar::new();
    if *options.config.allow_broken_conditionals {
        templar.allow_broken_conditionals();
    }
    let extra = Layer::new(Level::ExtraVars, extra);
    let mut diagnostics = Diagnostics::default();
    let none = (Inventory::clone(&inventory), AllHosts::new());
    let empty = Arc::new(World::new(none.0, none.1, Arc::clone(&extra), constants.clone()));
    let lookups: Arc<dyn Lookups> = Arc::new(run::NoLookups(Arc::clone(project.vault())));
    let loading: Arc<dyn Variables> =
        Arc::new(TaskVariables::of_host(&empty, None, &Arc::from(""), &HostVars::new(Layers::default())));
    let binder = Binder { templar: &templar, lookups: &lookups, variables: Arc::clone(&loading) };
    let texts = run::LoadTexts { vault: project.vault(), templar: &templar, world: &empty };
    let (loaded, found) = Loader::new(&project, &settings, &check::Names, &texts).playbook(&playbook);
    diagnostics.extend(found);
    let Some(playbook) = loaded else { return (None, diagnostics) };
    diagnostics.extend(check::playbook(&playbook, &templar));
    let mut hosts = Vec::new();
    let mut patterns = Vec::new();
    let mut told = HashSet::new();
    let dynamic = check::changes_inventory(&playbook);
    for play in &playbook.plays {
        patterns.push(pattern(&binder, play).unwrap_or_else(|_| self::texts(&play.hosts.value)));
        match matches(&binder, play, &inventory, options.limit.as_ref()) {
            Ok(Matches { hosts: found, diagnostics: warnings }) => {
                // what the inventory does not have yet may be added by a task
                if !dynamic {
                    told.extend(warnings.0.iter().map(|warning| warning.message.clone()));
                    diagnostics.extend(warnings);
                }
                hosts.push(found);
            }
            // what hangs on the hosts of earlier plays is known when the play begins
            Err(_) if !play.hosts.value.is_literal() => hosts.push(Vec::new()),
            Err(diagnostic) => diagnostics.push(diagnostic),
        }
    }
    let mut directories: Vec<PathBuf> = playbook.plays.iter().map(|play| play.directory.clone()).collect();
    directories.dedup();
    let mut unread = inventory.check_vars_files(&project, &directories);
    let needless = |found: &Diagnostic| options.listing && found.kind == Kind::Vault;
    for found in unread.0.iter_mut().filter(|found| needless(found)) {
        found.severity = Severity::Warning;
    }
    diagnostics.extend(unread);
    let mut all = AllHosts::new();
    let mut seen = HashSet::new();
    let localhost = inventory.host("localhost").filter(|host| !inventory.hosts.contains_key(&host.name));
    let implicit = localhost.map(|host| Arc::clone(&host.name));
    let named = inventory.hosts.keys().cloned().chain(hosts.iter().flatten().cloned()).chain(implicit);
    for host in named.collect::<indexmap::IndexSet<_>>() {
        match inventory.host_layers(&project, &host, &directories) {
            Ok(layers) => {
                let mut stack = Layers::default();
                stack.extend(layers);
                diagnostics.extend(reserved_names(&stack, &mut seen));
                all.insert(host, HostVars::new(stack));
            }
            Err(found) => {
                for mut diagnostic in found.0 {
                    if needless(&diagnostic) {
                        diagnostic.severity = Severity::Warning;
                        all.entry(Arc::clone(&host)).or_insert_with(|| HostVars::new(Layers::default()));
                    }
                    if !diagnostics.0.contains(&diagnostic) {
                        diagnostics.push(diagnostic);
                    }
                }
            }
        }
    }
    let cache = match fact_cache::FactCache::of(&options.config) {
        Ok(cache) => cache,
        Err(message) => {
            let diagnostic = Diagnostic::error(Kind::BadValue, message);
            let place = match &options.config.fact_caching.origin {
                crate::config::Origin::File(place) => Some(place),
                crate::config::Origin::Default | crate::config::Origin::Variable(_) => None,
            };
            diagnostics.push(diagnostic.at_if_unplaced(place));
            None
        }
    };
    if diagnostics.has_errors() {
        return (None, diagnostics);
    }
    if let Some(cache) = &cache {
        for (host, vars) in &mut all {
            if options.flush_cache {
                cache.forget(host);
            } else if let Some(facts) = cache.read(host) {
                vars.add_facts(&facts);
            }
        }
    }
    let world = Arc::new(World::new(Inventory::clone(&inventory), all, extra, constants));
    let mut run =
        run::Run::new(options, project, settings, templar, world, connector, now, events, directories);
    run.cache = cache;
    (Some(Prepared { run, playbook, hosts, patterns, told }), diagnostics)
}

/// Magic variables that come from the options of the run. Names with `fleet_` are for `TaskVariables` only.
/// The warnings of variables of hosts that have names of Ansible's own. Layers that were seen are passed over: hosts share
/// those of their groups.
fn reserved_names(stack: &Layers, seen: &mut HashSet<*const Layer>) -> Diagnostics {
    let mut found = Diagnostics::default();
    for layer in stack.iter().filter(|layer| seen.insert(Arc::as_ptr(layer))) {
        let names = layer.vars.iter().filter(|(name, _)| is_reserved(name));
        let placed = names.filter_map(|(name, variable)| Some((name, variable.place.as_ref()?)));
        placed.for_each(|(name, place)| found.push(reserved(name, place)));
    }
    found
}

fn from_options(options: &Options) -> Map {
    let config = &options.config;
    let file = config.file.as_ref().map(|file| file.display().to_string()).unwrap_or_default();
    let mut constants = crate::map! {"ansible_config_file" => file};
    let mut add = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            constants.insert(name.into(), value);
        }
    };
    add("fleet_connection", options.connect.connection.clone().map(Value::from));
    add("fleet_user", options.connect.user.clone().map(Value::from));
    add(
        "fleet_private_key",
        options.connect.private_key.as_ref().map(|key| key.display().to_string().into()),
    );
    // Ansible shows the password to whoever asks for the variable; fleet's own commands never do
    let Passwords { given, kept: _, asked } = &options.connect.passwords;
    let password = given.as_ref().or(asked.as_ref());
    add(
        "fleet_password",
        password.map(|password| {
            if options.check_apart { Value::from(password.reveal()) } else { Value::Secret(password.clone()) }
        }),
    );
    let merge = *config.hash_behaviour == crate::config::HashBehaviour::Merge;
    add("fleet_merge_hashes", merge.then_some(Value::Bool(true)));
    add("fleet_facts_apart", (!*config.inject_facts_as_vars).then_some(Value::Bool(true)));
    constants
}

/// The host patterns of a play.
fn pattern(binder: &Binder<'_>, play: &Play) -> Result<Vec<String>, Diagnostic> {
    // the play's own variables count, but not those of hosts
    let with_vars = play.scope.vars.clone();
    let variables: Arc<dyn Variables> = match with_vars {
        Some(layer) => Arc::new(Over { layer, below: Arc::clone(&binder.variables) }),
        None => Arc::clone(&binder.variables),
    };
    let binder = Binder { templar: binder.templar, lookups: binder.lookups, variables };
    let value = binder.known(&play.hosts).map_err(|stop| match stop {
        Stop::Failed(diagnostic) => *diagnostic,
        Stop::Unknown(_) | Stop::Deferred => {
            let message = "the hosts of a play must be known before it runs";
            Diagnostic::error(Kind::Pattern, message).at(&play.hosts.place)
        }
    })?;
    Ok(texts(&value))
}

/// A text or a list of texts.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::List(items) => items.iter().map(Value::to_text).collect(),
        other => vec![other.to_text()],
    }
}

/// The hosts of a play.
fn matches(
    binder: &Binder<'_>,
    play: &Play,
    inventory: &Inventory,
    limit: Option<&Limit>,
) -> Result<Matches, Diagnostic> {
    let mut matches = inventory.match_pattern(&pattern(binder, play)?, limit);
    let placed = std::mem::take(&mut matches.diagnostics.0).into_iter();
    let place = &play.hosts.place;
    matches.diagnostics.0 = placed.map(|diagnostic| diagnostic.at_if_unplaced(Some(place))).collect();
    Ok(matches)
}

/// Variables over others: a play's vars while its host pattern is read.
#[derive(Debug)]
struct Over {
    layer: Arc<Layer>,
    below: Arc<dyn Variables>,
}

impl Variables for Over {
    fn get(&self, name: &str) -> Option<Value> {
        let own = || self.layer.vars.get(name).map(|variable| variable.value.clone());
        // extra variables win
        self.below.get(name).or_else(own)
    }

    fn place(&self, name: &str) -> Option<crate::base::Place> {
        self.layer.vars.get(name).and_then(|variable| variable.place.clone())
    }

    fn names(&self) -> Vec<Arc<str>> {
        let mut names = self.below.names();
        names.extend(self.layer.vars.keys().cloned());
        names
    }

    fn host(&self, name: &str) -> Option<Arc<dyn Variables>> {
        self.below.host(name)
    }

    fn hosts(&self) -> Vec<Arc<str>> {
        self.below.hosts()
    }
}

impl run::Run {
    /// The hosts of a play as the inventory is now.
    fn hosts_of(&self, play: &Play, prompted: Option<&Arc<Layer>>) -> Result<Matches, Diagnostic> {
        let lookups: Arc<dyn Lookups> = Arc::new(lookups::World::outside(&self.project, self.now()));
        let state = HostVars::new(Layers::default());
        let mut variables: Arc<dyn Variables> =
            Arc::new(TaskVariables::of_host(&self.world, None, &Arc::from(""), &state));
        if let Some(layer) = prompted {
            variables = Arc::new(Over { layer: Arc::clone(layer), below: variables });
        }
        let binder = Binder { templar: &self.templar, lookups: &lookups, variables };
        self.world.inventory(|inventory| matches(&binder, play, inventory, self.options.limit.as_ref()))
    }
}

impl Prepared {
    /// The secrets that are met: whatever shows the run keeps them out.
    pub fn secrets(&self) -> &Arc<crate::secrets::Known> {
        self.run.project.vault().known()
    }

    /// The playbook.
    pub fn playbook(&self) -> &Playbook {
        &self.playbook
    }

    /// The plays, each with its hosts before `serial`.
    pub fn plays(&self) -> impl Iterator<Item = (&Arc<Play>, &Vec<Arc<str>>)> {
        self.playbook.plays.iter().zip(&self.hosts)
    }

    /// The tags of a play's task, its own and inherited ones: templates are rendered with what the play knows.
    pub fn tags(&self, play: &Play, task: &Task) -> Vec<String> {
        self.run.tags_in(play, task)
    }

    /// Whether a play has the task that the run is to start at.
    pub fn starts(&self) -> bool {
        self.playbook.plays.iter().any(|play| self.run.starts_in(play))
    }

    /// For each play its host patterns; those that hang on earlier plays as they are written.
    pub fn patterns(&self) -> impl Iterator<Item = &Vec<String>> {
        self.patterns.iter()
    }

    /// Every host of any play, in the inventory's order.
    pub fn hosts(&self) -> Vec<Arc<str>> {
        let wanted: indexmap::IndexSet<&Arc<str>> = self.hosts.iter().flatten().collect();
        self.run.world.host_names().into_iter().filter(|host| wanted.contains(host)).collect()
    }

    /// Whether the inventory has a host.
    pub fn knows(&self, host: &str) -> bool {
        self.run.world.inventory(|inventory| inventory.host(host).is_some())
    }

    /// The hosts of the inventory that a lab stands in for: all that `--limit` leaves, but not the controller.
    pub fn lab_hosts(&self) -> Vec<Arc<str>> {
        let limit = self.run.options.limit.as_ref();
        self.run.world.inventory(|inventory| inventory.match_pattern(&["all"], limit)).hosts
    }

    /// Replaces the connection of these hosts.
    pub fn set_lab(&mut self, lab: std::collections::HashMap<Arc<str>, LabTarget>) {
        self.run.options.connect.lab = lab;
    }

    /// Goes on where an earlier playbook of the same command has ended: with the facts and variables that hosts have
    /// got, the hosts and groups that were added, the counts, and the connections.
    pub fn go_on_from(&mut self, earlier: Ended) {
        for diagnostic in self.run.carry_on(earlier.0) {
            self.run.warn(diagnostic);
        }
    }

    /// Runs all plays. The connections stay open where another playbook goes on from here, unless a host has failed.
    pub async fn execute(self, another: bool) -> (Summary, Ended) {
        let run = &self.run;
        run.tell(Event::RunStarted {
            playbook: crate::project::shown(&self.playbook.path).display().to_string(),
            plays: self.playbook.plays.len(),
            check_mode: run.options.check_mode,
            diff: run.options.diff,
        });
        let mut broken = None;
        for play in &self.playbook.plays {
            match self.play(play).await {
                Went::On => {}
                Went::Out => break,
                Went::Wrong(why) => {
                    broken = Some(why);
                    break;
                }
            }
        }
        let (failed, unreachable) = run.lost();
        let failed = failed || broken.is_some();
        let stays = another && !failed && !unreachable;
        let costs = if stays { Vec::new() } else { run.close().await };
        let recaps = run.recaps();
        let mut order = run.world.host_names();
        order.extend(recaps.keys().filter(|host| !order.contains(host)).cloned().collect::<Vec<_>>());
        let recap: IndexMap<_, _> = order
            .into_iter()
            .filter_map(|host| Some((Arc::clone(&host), recaps.get(&host)?.clone())))
            .collect();
        let stats = play_run::lock(&run.stats).clone();
        run.tell(Event::RunFinished {
            recap: recap.iter().map(|(host, recap)| (Arc::clone(host), recap.clone())).collect(),
            costs,
            stats: stats.into_iter().collect(),
            elapsed: run.started.elapsed(),
        });
        (Summary { recap, failed, unreachable, broken }, Ended(self.run))
    }

    /// Runs a play.
    async fn play(&self, play: &Arc<Play>) -> Went {
        let run = &self.run;
        let mut matched = Vec::new();
        let ready = run.ready(play, setup::Prompts::Asked, |prompted| {
            let found = run.hosts_of(play, prompted)?;
            for diagnostic in found.diagnostics.0 {
                if !self.told.contains(&diagnostic.message) {
                    run.warn(diagnostic);
                }
            }
            for host in &found.hosts {
                if run.world.host(host).is_none()
                    && let Err(mut diagnostics) = run.reload_host(host)
                {
                    return Err(diagnostics.0.swap_remove(0));
                }
            }
            matched.clone_from(&found.hosts);
            Ok(found.hosts)
        });
        let ready = match ready {
            Ok(ready) => ready,
            Err(diagnostic) => {
                for host in &matched {
                    run.lose(host, run::Gone::Failed);
                    run.count(host, |recap| recap.failed += 1);
                }
                let broken = if diagnostic.plain { Broken::Task } else { Broken::Play };
                run.tell(Event::PlayFailed {
                    name: Arc::from(play.name.value.to_text()),
                    diagnostic: Box::new(diagnostic),
                });
                return Went::Wrong(broken);
            }
        };
        let setup::Ready { prompted, files, hosts, batches, conduct } = ready;
        // as Ansible: hosts that have failed before count where a play is divided into batches
        let (lost, live): (Vec<_>, Vec<_>) = hosts.iter().cloned().partition(|host| run.is_gone(host));
        if live.is_empty() {
            run.tell(Event::PlayWithoutHosts { name: Arc::from(play.name.value.to_text()) });
            return Went::On;
        }
        let gone = Arc::new(RwLock::new(lost));
        if !run.starts_in(play) {
            run.tell(Event::PlayStarted { name: Arc::from(play.name.value.to_text()), hosts: live });
            return Went::On;
        }
        for batch in batches {
            let gone_before = batch.iter().filter(|host| run.is_gone(host)).count();
            let vars = Arc::new(PlayVars {
                play: Arc::clone(play),
                prompted: prompted.clone(),
                files: files.clone().unwrap_or_default(),
                own_files: RwLock::default(),
                all_hosts: matched.clone(),
                batch: batch.clone(),
                gone: Arc::clone(&gone),
                public: RwLock::default(),
                included: RwLock::default(),
            });
            let playbook = self.playbook.path.file_name().unwrap_or_default().to_string_lossy();
            let journal = format!("notified:{playbook}:{}", play.name.value.to_text());
            let play_run = play_run::PlayRun::new(vars, journal, &conduct, files.is_none());
            for host in batch.iter().filter(|host| !run.is_gone(host)) {
                run.read_own_files(&play_run, host);
            }
            run.batch(&play_run).await;
            let gone_now = batch.iter().filter(|host| run.is_gone(host)).count();
            let all_gone = gone_now - gone_before == batch.len();
            let broken = play_run.is_broken();
            if play_run.aborted() {
                return Went::Wrong(Broken::Task);
            }
            if broken {
                run.tell(Event::NoHostsLeft);
            }
            if play_run.has_ended() && !broken {
                // as Ansible: other plays go on, even where all hosts of this one have failed
                break;
            }
            if all_gone || broken {
                // as Ansible: no hosts are left
                return Went::Out;
            }
        }
        Went::On
    }
}

/// How a run goes on after a play.
enum Went {
    /// With the next one.
    On,
    /// It ends: no hosts are left, or too many have failed.
    Out,
    /// It breaks off.
    Wrong(Broken),
}
