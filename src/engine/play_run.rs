//! The state of a play on a batch of hosts: who is live, who has failed, what is notified.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use indexmap::{IndexMap, IndexSet};

use super::run::Run;
use crate::base::Unknown;
use crate::lang::{Item, Play, ScopeKind, Task};
use crate::plan::variables::PlayVars;

pub(super) type Host = Arc<str>;

/// How the hosts of a batch go through a play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strategy {
    /// All at a task together.
    Linear,
    /// Each at its own pace.
    Free,
    /// Each at its own pace, and no more of them begun than there are forks.
    HostPinned,
}

/// Names that have been notified, with what a name hangs on that is notified only perhaps.
type Names = IndexMap<Arc<str>, Option<Arc<Unknown>>>;

/// A play on a batch of hosts.
pub(super) struct PlayRun {
    pub(super) vars: Arc<PlayVars>,
    /// The key under which notifications are remembered on the targets.
    pub(super) journal: String,
    /// Whether names in `vars_files` hang on the host.
    pub(super) own_files: bool,
    pub(super) strategy: Strategy,
    /// The part of a batch that may fail before all of it counts as failed.
    pub(super) max_fail: Option<f64>,
    /// In the order in which they run; files that are included at run time may bring more.
    handlers: RwLock<Arc<Vec<Arc<Task>>>>,
    /// The names of the handlers, rendered once each.
    pub(super) handler_names: Mutex<HashMap<usize, Arc<str>>>,
    pub(super) notified: Mutex<HashMap<Host, IndexSet<usize>>>,
    /// What tasks have notified since the last flush.
    pub(super) pending: Mutex<HashMap<Host, Names>>,
    /// Check mode: handlers that perhaps are notified.
    pub(super) maybe: Mutex<HashMap<Host, HashMap<usize, Arc<Unknown>>>>,
    pub(super) roles_done: Mutex<HashSet<(Host, Arc<str>)>>,
    /// Roles of which a task has run on a host: one that was all skipped may run once more.
    pub(super) roles_begun: Mutex<HashSet<(Host, Arc<str>)>>,
    /// Hosts that take no further part in the play (`end_host`, `end_batch`, `end_play`).
    pub(super) ended: Mutex<HashSet<Host>>,
    /// Hosts that have ended the role at hand (`end_role`).
    pub(super) role_ended: Mutex<HashSet<Host>>,
    /// Hosts that have failed and were not rescued.
    pub(super) failed: Mutex<IndexSet<Host>>,
    /// Hosts that count as failed for `max_fail_percentage`: as with Ansible not those whose `always` was to come.
    pub(super) out: Mutex<HashSet<Host>>,
    /// Hosts whose failures `meta: clear_host_errors` has taken back.
    pub(super) cleared: Mutex<HashSet<Host>>,
    /// Hosts that fail with another one (`any_errors_fatal`), as soon as it is their turn.
    pub(super) doomed: Mutex<HashSet<Host>>,
    pub(super) play_ended: AtomicBool,
    /// More hosts have failed than the play allows: no further batch and no further play.
    pub(super) broken: AtomicBool,
    aborted: AtomicBool,
}

/// The hosts that a list of items runs on.
pub(super) struct Hosts {
    /// Those that go on.
    pub(super) live: Vec<Host>,
    /// Those that failed in it.
    pub(super) failed: Vec<Host>,
    /// Of those the ones that failed with the host of a `run_once` and then once more, as that fails the play for all: they
    /// pass over the `rescue` of the block, or over its `always`.
    pub(super) failed_twice: Vec<Host>,
    /// Those that have ended the role around it.
    pub(super) parked: Vec<Host>,
    /// Whether a block around it has a `rescue`: a failure is not one yet.
    pub(super) rescuing: bool,
    /// Whether a block around it has an `always` that is still to come: who fails is not out yet.
    pub(super) closing: bool,
    /// Whether the items run as handlers.
    pub(super) handler: Handler,
}

impl Hosts {
    /// A part of these hosts, for a list inside.
    pub(super) fn part(&self, live: Vec<Host>) -> Self {
        let (failed, failed_twice, parked) = (Vec::new(), Vec::new(), Vec::new());
        let Self { rescuing, closing, handler, .. } = *self;
        Self { live, failed, failed_twice, parked, rescuing, closing, handler }
    }

    /// Takes up how a list inside ended on some of these hosts: those that are still live keep their place.
    pub(super) fn absorb(&mut self, on: &[Host], inner: Hosts) {
        let Hosts { live, failed, failed_twice: _, parked, rescuing: _, closing: _, handler: _ } = inner;
        self.live.retain(|host| !on.contains(host) || live.contains(host));
        self.failed.extend(failed);
        self.parked.extend(parked);
    }
}

/// What a play says about its run.
#[derive(Clone, Debug)]
pub(super) struct Conduct {
    pub(super) strategy: Strategy,
    /// `max_fail_percentage`, as a part of 1.
    pub(super) max_fail: Option<f64>,
}

impl PlayRun {
    pub(super) fn new(vars: Arc<PlayVars>, journal: String, conduct: &Conduct, own_files: bool) -> Self {
        let Conduct { strategy, max_fail } = *conduct;
        let mut handlers = Vec::new();
        flatten(&vars.play.handlers, &mut handlers);
        Self {
            vars,
            journal,
            own_files,
            strategy,
            max_fail,
            handlers: RwLock::new(Arc::new(handlers)),
            handler_names: Mutex::default(),
            notified: Mutex::default(),
            pending: Mutex::default(),
            maybe: Mutex::default(),
            roles_done: Mutex::default(),
            roles_begun: Mutex::default(),
            ended: Mutex::default(),
            role_ended: Mutex::default(),
            failed: Mutex::default(),
            out: Mutex::default(),
            cleared: Mutex::default(),
            doomed: Mutex::default(),
            play_ended: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            aborted: AtomicBool::new(false),
        }
    }

    /// Whether `meta: end_play` has ended it for good.
    pub(super) fn has_ended(&self) -> bool {
        self.play_ended.load(Ordering::Relaxed)
    }

    /// Whether more hosts have failed than the play allows: nothing more runs.
    /// Ends it and the run. Whether it had not been ended so before.
    pub(super) fn abort(&self) -> bool {
        self.broken.store(true, Ordering::Relaxed);
        !self.aborted.swap(true, Ordering::Relaxed)
    }

    /// Whether the run ends with it.
    pub(super) fn aborted(&self) -> bool {
        self.aborted.load(Ordering::Relaxed)
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    pub(super) fn handlers(&self) -> Arc<Vec<Arc<Task>>> {
        Arc::clone(&self.handlers.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds the handlers of an included file: each time that it is included.
    pub(super) fn add_handlers(&self, items: &[Item]) {
        let mut handlers = self.handlers.write().unwrap_or_else(PoisonError::into_inner);
        flatten(items, Arc::make_mut(&mut handlers));
    }

    pub(super) fn play(&self) -> &Arc<Play> {
        &self.vars.play
    }

    /// Where a task's files and templates are searched, nearest first.
    pub(super) fn search(&self, task: &Task) -> Vec<PathBuf> {
        let mut search = IndexSet::new();
        for scope in task.scope.outwards() {
            if let ScopeKind::Role(role) = &scope.kind {
                search.insert(role.path.clone());
                search.insert(role.path.join("tasks"));
            }
        }
        search.insert(task.directory.clone());
        search.insert(self.play().directory.clone());
        search.into_iter().collect()
    }

    /// A host has failed where no block rescues it: it is not among `ansible_play_hosts` any more.
    pub(super) fn lost(&self, host: &Host) {
        lock(&self.failed).insert(Arc::clone(host));
        self.gone(host);
    }

    pub(super) fn gone(&self, host: &Host) {
        self.vars.gone.write().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(host));
    }

    /// All hosts of the batch that still take part fail with one that has failed: these hosts now, the others when
    /// it is their turn. As with Ansible they take no part in later plays, even where a block rescues them.
    pub(super) fn fail_all(&self, run: &Run, hosts: &mut Hosts) {
        let failed = lock(&self.failed).clone();
        let ended = lock(&self.ended).clone();
        let others = self.vars.batch.iter().filter(|host| {
            !hosts.live.contains(host)
                && !hosts.failed.contains(host)
                && !failed.contains(*host)
                && !ended.contains(*host)
                && !run.is_gone(host)
        });
        let others: Vec<Host> = others.cloned().collect();
        lock(&self.out).extend(others.iter().chain(&hosts.live).cloned());
        lock(&self.doomed).extend(others);
        for host in std::mem::take(&mut hosts.live) {
            self.lost(&host);
            hosts.failed.push(host);
        }
    }
}

fn flatten(items: &[Item], into: &mut Vec<Arc<Task>>) {
    for item in items {
        match item {
            Item::Task(task) => into.push(Arc::clone(task)),
            Item::Block(block) => flatten(&block.tasks, into),
            Item::FlushHandlers | Item::RoleEnd(_) => {}
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a task runs as a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handler {
    Yes,
    No,
}
