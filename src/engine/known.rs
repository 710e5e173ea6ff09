//! What is known of a machine: observations by user, and in check mode the overlay of what would have been done.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indexmap::IndexSet;

use crate::base::Unknown;
use crate::modules::{Asked, Known};
use crate::wire::overlay::Overlaid;
use crate::wire::{Change, Content, Digest, Effect, Observation, Overlay, Query};

/// Look-ahead does not have files larger than this many bytes hashed.
const AHEAD_HASH_LIMIT: u64 = 64 << 20;

/// Observations of one machine.
#[derive(Debug, Default)]
pub(super) struct Store {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// By the name of the session (which user asked), then by query.
    observations: HashMap<Arc<str>, HashMap<Query, Arc<Observation>>>,
    /// Check mode's changes so far.
    overlay: Overlay,
    /// The task whose change made something unknowable last.
    unknown: Option<Arc<Unknown>>,
    /// The task that installs packages: what they bring is known when it has run.
    installs: Option<Arc<Unknown>>,
    /// The last task with a command that check mode does not run: nobody knows what it would have made.
    runs: Option<Arc<Unknown>>,
    /// Grows with every change: answers to questions from before a change are not kept.
    generation: u64,
}

impl Inner {
    fn brings(&self) -> Option<Arc<Unknown>> {
        self.installs.clone().or_else(|| self.runs.clone())
    }
}

impl Store {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of changes so far.
    pub(super) fn generation(&self) -> u64 {
        self.lock().generation
    }

    /// Keeps answers to questions that were asked in that generation.
    pub(super) fn keep(
        &self,
        session: &Arc<str>,
        generation: u64,
        answers: impl IntoIterator<Item = (Query, Observation)>,
    ) {
        let mut inner = self.lock();
        if inner.generation != generation {
            return;
        }
        let observations = inner.observations.entry(Arc::clone(session)).or_default();
        for (query, observation) in answers {
            let observation = Arc::new(observation);
            // an answer within look-ahead's limit is the answer without a limit too
            if let (Query::Digest { path, algorithm, limit: Some(_) }, Observation::Digest(digest)) =
                (&query, &*observation)
                && !matches!(digest, Digest::TooLarge { .. })
            {
                let unlimited = Query::Digest { path: path.clone(), algorithm: *algorithm, limit: None };
                observations.insert(unlimited, Arc::clone(&observation));
            }
            observations.insert(query, observation);
        }
    }

    /// Forgets all observations: something has changed, or time has passed.
    pub(super) fn spoil(&self) -> u64 {
        let mut inner = self.lock();
        inner.observations.clear();
        inner.generation += 1;
        inner.generation
    }

    /// Check mode: lays changes over what is known.
    pub(super) fn predict(&self, session: &Arc<str>, changes: &[Change], user: &str, task: &Arc<Unknown>) {
        let mut inner = self.lock();
        let Inner { observations, overlay, unknown, installs, runs: _, generation: _ } = &mut *inner;
        let own = observations.get(session);
        let observed =
            |query: &Query| own.and_then(|all| all.get(query)).map(|observation| (**observation).clone());
        for change in changes {
            overlay.apply(change, user, &observed);
            if change.effects.iter().any(|effect| matches!(effect, Effect::Package(..))) {
                *installs = Some(Arc::clone(task));
            }
        }
        *unknown = Some(Arc::clone(task));
    }

    /// In check mode, the task that would have installed packages by now: nobody knows yet what they bring.
    pub(super) fn installs(&self) -> Option<Arc<Unknown>> {
        self.lock().installs.clone()
    }

    /// Check mode: that a task's command is not run.
    pub(super) fn not_run(&self, task: &Arc<Unknown>) {
        self.lock().runs = Some(Arc::clone(task));
    }

    /// In check mode, the task that may have brought by now what is absent.
    pub(super) fn brings(&self) -> Option<Arc<Unknown>> {
        self.lock().brings()
    }

    /// In check mode, the task that would have installed packages by now, or else the one that would have changed
    /// something last.
    pub(super) fn making(&self) -> Option<Arc<Unknown>> {
        let inner = self.lock();
        inner.brings().or_else(|| inner.unknown.clone())
    }

    /// A copy of the overlay, for look-ahead to lay more on.
    pub(super) fn overlay(&self) -> Overlay {
        self.lock().overlay.clone()
    }

    /// The observation of a query, below any overlay.
    pub(super) fn observed(&self, session: &Arc<str>, query: &Query) -> Option<Observation> {
        let inner = self.lock();
        inner
            .observations
            .get(session)
            .and_then(|all| all.get(query))
            .map(|observation| (**observation).clone())
    }
}

/// One look at a machine through one session: answers what is known and notes what is needed.
pub(super) struct Look<'a> {
    store: &'a Store,
    session: Arc<str>,
    /// Look-ahead's own overlay; `None`: the store's.
    overlay: Option<&'a RefCell<Overlay>>,
    /// Whether what is absent counts as unknown, for it may come with a package.
    absent: Absent,
    needed: RefCell<IndexSet<Query>>,
    used: RefCell<IndexSet<Query>>,
}

/// What the absence of something on the host means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Absent {
    /// It is not there.
    Certain,
    /// A package that is to be installed may bring it.
    Doubtful,
}

impl<'a> Look<'a> {
    /// At a task's turn.
    pub(super) fn now(store: &'a Store, session: &Arc<str>) -> Self {
        Self {
            store,
            session: Arc::clone(session),
            overlay: None,
            absent: Absent::Certain,
            needed: RefCell::default(),
            used: RefCell::default(),
        }
    }

    /// In look-ahead, through predictions.
    pub(super) fn ahead(store: &'a Store, session: &Arc<str>, overlay: &'a RefCell<Overlay>) -> Self {
        Self { overlay: Some(overlay), ..Self::now(store, session) }
    }

    /// At a task's turn, once more: what is absent is taken for unknown.
    pub(super) fn doubtful(store: &'a Store, session: &Arc<str>) -> Self {
        Self { absent: Absent::Doubtful, ..Self::now(store, session) }
    }

    /// What was asked and is not known.
    pub(super) fn needed(&self) -> IndexSet<Query> {
        self.needed.borrow().clone()
    }

    /// All that was asked of the host, known or not.
    pub(super) fn used(&self) -> IndexSet<Query> {
        self.used.borrow().clone()
    }
}

/// The task that a query's answer hangs on.
fn cause(inner: &Inner, query: &Query) -> Option<Arc<Unknown>> {
    let installs = inner.installs.as_ref().filter(|_| matches!(query, Query::Unit { .. }));
    installs.or(inner.unknown.as_ref()).cloned()
}

/// Whether an observation says that something is not there, or is what a program said that may be another then.
fn is_absent(observation: &Observation) -> bool {
    matches!(
        observation,
        Observation::Stat(None)
            | Observation::Digest(Digest::Absent)
            | Observation::Content(Content::Absent)
            | Observation::Entries(None)
            | Observation::User(None)
            | Observation::Group(None)
            | Observation::Command(_)
            | Observation::Failed(_)
    )
}

impl Known for Look<'_> {
    fn ask(&self, query: &Query) -> Asked {
        let inner = self.store.lock();
        let own = inner.observations.get(&self.session);
        let lookup = |query: &Query| own.and_then(|all| all.get(query)).cloned();
        let observed = |query: &Query| lookup(query).map(|observation| (*observation).clone());
        let overlaid = match self.overlay {
            Some(overlay) => overlay.borrow().answer(query, &observed),
            None => inner.overlay.answer(query, &observed),
        };
        match overlaid {
            Overlaid::Known(observation) => Asked::Known(Arc::new(observation)),
            Overlaid::Unknown => {
                Asked::Unknown(cause(&inner, query).unwrap_or_else(|| {
                    Arc::new(Unknown { task: Arc::from("an earlier change"), place: None })
                }))
            }
            Overlaid::Ask(query) => {
                if let Some(observation) = lookup(&query) {
                    if self.absent == Absent::Doubtful
                        && is_absent(&observation)
                        && let Some(task) = inner.brings()
                    {
                        return Asked::Unknown(task);
                    }
                    self.used.borrow_mut().insert(query);
                    return Asked::Known(observation);
                }
                let query = match (query, self.overlay) {
                    (Query::Digest { path, algorithm, limit: None }, Some(_)) => {
                        Query::Digest { path, algorithm, limit: Some(AHEAD_HASH_LIMIT) }
                    }
                    (query, _) => query,
                };
                self.used.borrow_mut().insert(query.clone());
                if lookup(&query).is_none() {
                    self.needed.borrow_mut().insert(query);
                }
                Asked::Needed
            }
        }
    }
}

/// Queries by session.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted(pub(super) HashMap<Arc<str>, IndexSet<Query>>);

impl Wanted {
    /// Adds queries of a session.
    pub(super) fn add(&mut self, session: &Arc<str>, queries: impl IntoIterator<Item = Query>) {
        self.0.entry(Arc::clone(session)).or_default().extend(queries);
    }

    /// Takes the queries of a session out.
    pub(super) fn take(&mut self, session: &Arc<str>) -> Vec<Query> {
        self.0.remove(session).unwrap_or_default().into_iter().collect()
    }
}
