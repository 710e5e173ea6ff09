//! Row 5: runs a playbook: hosts in parallel, tasks in order, look-ahead, handlers, events. Time and concurrency live
//! here and in `transport`.

mod ahead;
mod controller;
pub mod destination;
pub mod event;
mod execution;
mod handlers;
mod include;
mod known;
mod lookups;
mod machine;
mod play;
mod run;
mod single;
mod task;
mod template_file;

use std::path::PathBuf;
use std::sync::{Arc, RwLock};

use indexmap::IndexMap;

use crate::base::{Diagnostic, Diagnostics, Kind, Map, Value};
use crate::inventory::{Inventory, Limit, Matches};
use crate::lang::{Loader, Play, Playbook, Settings};
use crate::plan::bind::{Binder, Stop};
use crate::plan::check;
use crate::plan::variables::{HostVars, PlayVars, TaskVariables, World};
use crate::project::Project;
use crate::template::{Lookups, Templar, Variables};
use crate::transport::Connector;
use crate::vars::{Layer, Layers, Level, VarMap};

pub use destination::{ConnectDefaults, LabTarget};
pub use event::{Cost, Event, Recap};
pub use run::Options;

/// What a run needs, loaded and checked; nothing has been connected to.
pub struct Prepared {
    run: run::Run,
    playbook: Playbook,
    /// For each play the hosts that it is about, before `serial`.
    hosts: Vec<Vec<Arc<str>>>,
}

/// The hosts that a play runs on at once.
type Batch = Vec<Arc<str>>;

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
}

/// Loads and checks a playbook with its inventory. Every problem of all files is in the diagnostics; the run is
/// there if none of them is an error.
pub fn prepare(
    sources: Sources,
    options: Options,
    connector: Arc<Connector>,
    events: Arc<dyn Fn(Event) + Send + Sync>,
) -> (Option<Prepared>, Diagnostics) {
    let Sources { project, playbook, settings, inventory, extra, constants, now } = sources;
    let templar = Templar::new();
    let extra = Layer::new(Level::ExtraVars, extra);
    let mut diagnostics = Diagnostics::default();
    let empty = Arc::new(World {
        inventory: Arc::clone(&inventory),
        hosts: IndexMap::new(),
        extra: Arc::clone(&extra),
        constants: constants.clone(),
    });
    let lookups: Arc<dyn Lookups> = Arc::new(run::NoLookups);
    let loading: Arc<dyn Variables> =
        Arc::new(TaskVariables::of_host(&empty, None, &Arc::from(""), &HostVars::new(Layers::default())));
    let binder = Binder { templar: &templar, lookups: &lookups, variables: Arc::clone(&loading) };
    let texts = run::LoadTexts { templar: &templar, world: &empty };
    let (loaded, found) = Loader::new(&project, &settings, &check::Names, &texts).playbook(&playbook);
    diagnostics.extend(found);
    let Some(playbook) = loaded else { return (None, diagnostics) };
    diagnostics.extend(check::playbook(&playbook, &templar));
    let mut hosts = Vec::new();
    for play in &playbook.plays {
        match pattern(&binder, play, &inventory, options.limit.as_ref()) {
            Ok(Matches { hosts: found, diagnostics: told }) => {
                diagnostics.extend(told);
                hosts.push(found);
            }
            Err(diagnostic) => diagnostics.push(diagnostic),
        }
    }
    let mut directories: Vec<PathBuf> = playbook.plays.iter().map(|play| play.directory.clone()).collect();
    directories.dedup();
    diagnostics.extend(inventory.check_vars_files(&project, &directories));
    let mut all: IndexMap<Arc<str>, RwLock<HostVars>> = IndexMap::new();
    let named = inventory.hosts.keys().cloned().chain(hosts.iter().flatten().cloned());
    for host in named.collect::<indexmap::IndexSet<_>>() {
        match inventory.host_layers(&project, &host, &directories) {
            Ok(layers) => {
                let mut stack = Layers::default();
                stack.extend(layers);
                all.insert(host, RwLock::new(HostVars::new(stack)));
            }
            Err(found) => {
                for diagnostic in found.0 {
                    if !diagnostics.0.contains(&diagnostic) {
                        diagnostics.push(diagnostic);
                    }
                }
            }
        }
    }
    if diagnostics.has_errors() {
        return (None, diagnostics);
    }
    let world = Arc::new(World { inventory, hosts: all, extra, constants });
    let run = run::Run::new(options, project, settings, templar, world, connector, now, events);
    (Some(Prepared { run, playbook, hosts }), diagnostics)
}

/// The hosts of a play.
fn pattern(
    binder: &Binder<'_>,
    play: &Play,
    inventory: &Inventory,
    limit: Option<&Limit>,
) -> Result<Matches, Diagnostic> {
    let place = &play.hosts.place;
    let with_vars = play.scope.vars.clone();
    let variables: Arc<dyn Variables> = match with_vars {
        Some(layer) => Arc::new(Over { layer, below: Arc::clone(&binder.variables) }),
        None => Arc::clone(&binder.variables),
    };
    let binder = Binder { templar: binder.templar, lookups: binder.lookups, variables };
    let value = binder.known(&play.hosts).map_err(|stop| match stop {
        Stop::Failed(diagnostic) => *diagnostic,
        Stop::Unknown(_) | Stop::Deferred => {
            Diagnostic::error(Kind::Pattern, "the hosts of a play must be known before it runs").at(place)
        }
    })?;
    let patterns: Vec<String> = match &value {
        Value::List(items) => items.iter().map(Value::to_text).collect(),
        other => vec![other.to_text()],
    };
    let mut matches = inventory.match_pattern(&patterns, limit);
    let placed = std::mem::take(&mut matches.diagnostics.0).into_iter();
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

impl Prepared {
    /// The playbook.
    pub fn playbook(&self) -> &Playbook {
        &self.playbook
    }

    /// Every host of any play, in the inventory's order.
    pub fn hosts(&self) -> Vec<Arc<str>> {
        let wanted: indexmap::IndexSet<&Arc<str>> = self.hosts.iter().flatten().collect();
        let order = self.run.world.hosts.keys();
        order.filter(|host| wanted.contains(host)).cloned().collect()
    }

    /// The hosts of the inventory that a lab stands in for: all that `--limit` leaves, but not the controller.
    pub fn lab_hosts(&self) -> Vec<Arc<str>> {
        self.run.world.inventory.match_pattern(&["all"], self.run.options.limit.as_ref()).hosts
    }

    /// Replaces the connection of these hosts.
    pub fn set_lab(&mut self, lab: std::collections::HashMap<Arc<str>, LabTarget>) {
        self.run.options.connect.lab = lab;
    }

    /// Runs all plays.
    pub async fn execute(self) -> Summary {
        let run = &self.run;
        run.tell(Event::RunStarted {
            playbook: crate::project::shown(&self.playbook.path).display().to_string(),
            check_mode: run.options.check_mode,
            diff: run.options.diff,
        });
        'plays: for (play, all) in self.playbook.plays.iter().zip(&self.hosts) {
            let all: Vec<Arc<str>> = all.iter().filter(|host| !run.is_gone(host)).cloned().collect();
            if all.is_empty() {
                run.tell(Event::PlayWithoutHosts { name: Arc::from(play.name.value.to_text()) });
                continue;
            }
            let (files, batches) = match self.set_up(play, &all) {
                Ok(set_up) => set_up,
                Err(diagnostic) => {
                    for host in &all {
                        run.lose(host, run::Gone::Failed);
                        run.count(host, |recap| recap.failed += 1);
                    }
                    run.tell(Event::Warning {
                        message: diagnostic.message.clone(),
                        diagnostic: Some(Box::new(diagnostic)),
                    });
                    break;
                }
            };
            for batch in batches {
                let vars = Arc::new(PlayVars {
                    play: Arc::clone(play),
                    files: files.clone(),
                    all_hosts: all.clone(),
                    batch: batch.clone(),
                    gone: RwLock::default(),
                });
                let playbook = self.playbook.path.file_name().unwrap_or_default().to_string_lossy();
                let journal = format!("notified:{playbook}:{}", play.name.value.to_text());
                let live = run.batch(&play::PlayRun::new(vars, journal)).await;
                for host in &batch {
                    if !live.contains(host)
                        && !run.is_gone(host)
                        && run.recaps().get(host).is_some_and(|r| r.failed > 0)
                    {
                        run.lose(host, run::Gone::Failed);
                    }
                }
                if batch.iter().all(|host| run.is_gone(host)) {
                    // as Ansible: no hosts are left
                    run.tell(Event::NoHostsLeft);
                    break 'plays;
                }
            }
        }
        let costs = run.close().await;
        let recaps = run.recaps();
        let recap: IndexMap<_, _> = run
            .world
            .hosts
            .keys()
            .filter_map(|host| Some((Arc::clone(host), recaps.get(host)?.clone())))
            .collect();
        run.tell(Event::RunFinished {
            recap: recap.iter().map(|(host, recap)| (Arc::clone(host), recap.clone())).collect(),
            costs,
            stats: Vec::new(),
            elapsed: run.started.elapsed(),
        });
        Summary { recap }
    }

    /// A play's files of variables and its batches.
    fn set_up(
        &self,
        play: &Arc<Play>,
        all: &[Arc<str>],
    ) -> Result<(Vec<Arc<Layer>>, Vec<Batch>), Diagnostic> {
        let run = &self.run;
        let lookups: Arc<dyn Lookups> = Arc::new(run::NoLookups);
        let state = HostVars::new(Layers::default());
        let below: Arc<dyn Variables> =
            Arc::new(TaskVariables::of_host(&run.world, None, &Arc::from(""), &state));
        let variables: Arc<dyn Variables> = match play.scope.vars.clone() {
            Some(layer) => Arc::new(Over { layer, below }),
            None => below,
        };
        let binder = Binder { templar: &run.templar, lookups: &lookups, variables };
        let mut files = Vec::new();
        for located in &play.vars_files {
            let value = binder.known(located).map_err(|stop| match stop {
                Stop::Failed(diagnostic) => *diagnostic,
                Stop::Unknown(_) | Stop::Deferred => Diagnostic::error(
                    Kind::Unsupported,
                    "a name in `vars_files` that depends on the host is not supported yet",
                )
                .at(&located.place),
            })?;
            let candidates: Vec<String> = match &value {
                Value::List(items) => items.iter().map(Value::to_text).collect(),
                other => vec![other.to_text()],
            };
            let path = candidates
                .iter()
                .map(|name| play.directory.join(name))
                .find(|path| run.project.is_file(path))
                .ok_or_else(|| {
                    let message = format!("could not find `{}` of `vars_files`", candidates.join("`, `"));
                    Diagnostic::error(Kind::File, message).at(&located.place)
                })?;
            let texts = run::LoadTexts { templar: &run.templar, world: &run.world };
            let loader = Loader::new(&run.project, &run.settings, &check::Names, &texts);
            let (layer, diagnostics) = loader.vars_file(&path, Level::PlayVarsFiles);
            if let Some(error) =
                diagnostics.0.into_iter().find(|d| d.severity == crate::base::Severity::Error)
            {
                return Err(error);
            }
            files.extend(layer);
        }
        let serial = play.scope.keywords.get(&crate::lang::Keyword::Serial);
        let sizes = match serial {
            None => Vec::new(),
            Some(located) => {
                let value = binder.known(located).map_err(|stop| match stop {
                    Stop::Failed(diagnostic) => *diagnostic,
                    Stop::Unknown(_) | Stop::Deferred => {
                        Diagnostic::error(Kind::BadValue, "`serial` must be known before the play")
                            .at(&located.place)
                    }
                })?;
                let items = match &value {
                    Value::List(items) => (**items).clone(),
                    other => vec![other.clone()],
                };
                items.iter().map(|item| serial_size(item, all.len())).collect::<Option<Vec<_>>>().ok_or_else(
                    || {
                        let message =
                            format!("`serial` must be numbers or percentages, not {}", value.to_repr());
                        Diagnostic::error(Kind::BadValue, message).at(&located.place)
                    },
                )?
            }
        };
        Ok((files, batches(all, &sizes)))
    }
}

/// The hosts in batches of these sizes; the last size repeats; 0 and no size at all mean all.
fn batches(all: &[Arc<str>], sizes: &[usize]) -> Vec<Batch> {
    let mut left = all;
    let mut batches = Vec::new();
    let mut sizes = sizes.iter().copied().peekable();
    let mut size = all.len();
    while !left.is_empty() {
        if let Some(next) = sizes.next() {
            size = next;
        }
        let take = if size == 0 { left.len() } else { size.min(left.len()) };
        let (batch, rest) = left.split_at(take);
        batches.push(batch.to_vec());
        left = rest;
    }
    batches
}

fn serial_size(value: &Value, all: usize) -> Option<usize> {
    match value {
        Value::Int(number) => usize::try_from(*number).ok(),
        other => {
            let text = other.as_str()?.trim();
            match text.strip_suffix('%') {
                Some(percent) => {
                    let percent: f64 = percent.trim().parse().ok()?;
                    Some(((percent / 100.0 * all as f64) as usize).max(1))
                }
                None => text.parse().ok(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_makes_batches() {
        let hosts: Vec<Arc<str>> = (1..=5).map(|n| Arc::from(format!("h{n}"))).collect();
        let sizes = |sizes: &[usize]| batches(&hosts, sizes).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(&[]), [5]);
        assert_eq!(sizes(&[2]), [2, 2, 1]);
        assert_eq!(sizes(&[1, 3]), [1, 3, 1]);
        assert_eq!(sizes(&[0]), [5]);
        assert_eq!(serial_size(&Value::from("30%"), 5), Some(1));
        assert_eq!(serial_size(&Value::from("50%"), 5), Some(2));
        assert_eq!(serial_size(&Value::from("2"), 5), Some(2));
        assert_eq!(serial_size(&Value::from("many"), 5), None);
    }
}
