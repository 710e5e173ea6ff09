//! Plays: batches of hosts, tasks in lockstep (Ansible's `linear`), blocks, includes, handlers.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use indexmap::IndexSet;

use super::ahead::Ahead;
use super::event::{Event, FailureText, Outcome, Status, TaskLabel};
use super::lookups;
use super::machine::Trouble;
use super::run::{Gone, Run};
use super::task::{Ended, Turn};
use crate::base::{Key, Map, Unknown, Value, names};
use crate::lang::{Block, Item, Keyword, Play, ScopeKind, Task};
use crate::plan::bind::{Binder, Stop, When};
use crate::plan::check::engine_action;
use crate::plan::variables::{PlayVars, TaskVariables};
use crate::template::{Lookups, Variables};

pub(super) type Host = Arc<str>;

/// A play on a batch of hosts.
pub(super) struct PlayRun {
    pub(super) vars: Arc<PlayVars>,
    /// The key under which notifications are remembered on the targets.
    pub(super) journal: String,
    /// In the order in which they run; files that are included at run time may bring more.
    handlers: RwLock<Vec<Arc<Task>>>,
    pub(super) notified: Mutex<HashMap<Host, IndexSet<usize>>>,
    /// Check mode: handlers that perhaps are notified.
    pub(super) maybe: Mutex<HashMap<Host, HashMap<usize, Arc<Unknown>>>>,
    roles_done: Mutex<HashSet<(Host, Arc<str>)>>,
    ended: Mutex<HashSet<Host>>,
    play_ended: Mutex<bool>,
}

/// The hosts that a list of items runs on.
pub(super) struct Hosts {
    /// Those that go on.
    pub(super) live: Vec<Host>,
    /// Those that failed in it.
    pub(super) failed: Vec<Host>,
}

impl PlayRun {
    pub(super) fn new(vars: Arc<PlayVars>, journal: String) -> Self {
        let mut handlers = Vec::new();
        flatten(&vars.play.handlers, &mut handlers);
        Self {
            vars,
            journal,
            handlers: RwLock::new(handlers),
            notified: Mutex::default(),
            maybe: Mutex::default(),
            roles_done: Mutex::default(),
            ended: Mutex::default(),
            play_ended: Mutex::new(false),
        }
    }

    pub(super) fn handlers(&self) -> Vec<Arc<Task>> {
        self.handlers.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds the handlers of an included file, once.
    pub(super) fn add_handlers(&self, items: &[Item]) {
        let mut more = Vec::new();
        flatten(items, &mut more);
        let mut handlers = self.handlers.write().unwrap_or_else(PoisonError::into_inner);
        for handler in more {
            if !handlers.iter().any(|known| Arc::ptr_eq(known, &handler)) {
                handlers.push(handler);
            }
        }
    }

    fn play(&self) -> &Arc<Play> {
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

impl Run {
    /// Runs a play on a batch of hosts. Gives the hosts of the batch that are still there.
    pub(super) async fn batch(&self, play: &PlayRun) -> Vec<Host> {
        let live: Vec<Host> = play.vars.batch.iter().filter(|host| !self.is_gone(host)).cloned().collect();
        self.tell(Event::PlayStarted {
            name: Arc::from(play.play().name.value.to_text()),
            hosts: live.clone(),
        });
        let mut hosts = Hosts { live, failed: Vec::new() };
        let items = Arc::clone(&play.play().items);
        self.items(play, &items, &mut hosts, None).await;
        hosts.live
    }

    pub(super) fn items<'a>(
        &'a self,
        play: &'a PlayRun,
        items: &'a [Item],
        hosts: &'a mut Hosts,
        then: Option<&'a Ahead<'a>>,
    ) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            for (index, item) in items.iter().enumerate() {
                let rest = items.get(index + 1..).unwrap_or_default();
                let ahead = Ahead { items: rest, then };
                {
                    let ended = lock(&play.ended);
                    hosts.live.retain(|host| !ended.contains(host));
                }
                if hosts.live.is_empty() || *lock(&play.play_ended) {
                    return;
                }
                match item {
                    Item::Task(task) => self.task(play, task, hosts, &ahead).await,
                    Item::Block(block) => self.block(play, block, hosts, &ahead).await,
                    Item::FlushHandlers => self.flush(play, hosts, &ahead).await,
                    Item::RoleEnd(role) => {
                        let key = Arc::clone(&role.identity);
                        let mut done = lock(&play.roles_done);
                        done.extend(hosts.live.iter().map(|host| (Arc::clone(host), key.clone())));
                    }
                }
            }
        })
    }

    async fn block(&self, play: &PlayRun, block: &Block, hosts: &mut Hosts, ahead: &Ahead<'_>) {
        let mut live = hosts.live.clone();
        if let ScopeKind::Role(role) = &block.scope.kind
            && !role.allow_duplicates
        {
            let key = Arc::clone(&role.identity);
            let done = lock(&play.roles_done);
            live.retain(|host| !done.contains(&(Arc::clone(host), key.clone())));
        }
        if live.is_empty() {
            return;
        }
        let bystanders: Vec<Host> = hosts.live.iter().filter(|host| !live.contains(host)).cloned().collect();
        let mut inner = Hosts { live, failed: Vec::new() };
        self.items(play, &block.tasks, &mut inner, Some(ahead)).await;
        let mut failed = Vec::new();
        let mut good = inner.live;
        if block.rescue.is_empty() {
            failed = inner.failed;
        } else if !inner.failed.is_empty() {
            for host in &inner.failed {
                // a failure that is rescued is not one
                self.count(host, |recap| {
                    recap.failed = recap.failed.saturating_sub(1);
                    recap.rescued += 1;
                });
            }
            let mut rescue = Hosts { live: inner.failed, failed: Vec::new() };
            self.items(play, &block.rescue, &mut rescue, Some(ahead)).await;
            good.extend(rescue.live);
            failed = rescue.failed;
        }
        if !block.always.is_empty() {
            let all: Vec<Host> = good.iter().chain(&failed).cloned().collect();
            let mut always = Hosts { live: all, failed: Vec::new() };
            self.items(play, &block.always, &mut always, Some(ahead)).await;
            good.retain(|host| always.live.contains(host));
            failed
                .extend(always.failed.into_iter().filter(|host| !failed.contains(host)).collect::<Vec<_>>());
        }
        let order = std::mem::take(&mut hosts.live);
        hosts.live =
            order.into_iter().filter(|host| good.contains(host) || bystanders.contains(host)).collect();
        hosts.failed.extend(failed);
    }

    pub(super) fn binder<'a>(
        &'a self,
        lookups: &'a Arc<dyn Lookups>,
        variables: TaskVariables,
    ) -> Binder<'a> {
        Binder { templar: &self.templar, lookups, variables: Arc::new(variables) as Arc<dyn Variables> }
    }

    pub(super) fn lookups(&self, play: &PlayRun, task: &Task) -> Arc<dyn Lookups> {
        Arc::new(lookups::World {
            project: Arc::clone(&self.project),
            search: play.search(task),
            ahead: false,
            now: self.now(),
        })
    }

    pub(super) fn variables(&self, play: &PlayRun, host: &Host, task: &Task) -> TaskVariables {
        let state = self.world.host(host).unwrap_or_else(super::run::unknown_host);
        TaskVariables::new(&self.world, &play.vars, host, &state, task)
    }

    pub(super) fn label(&self, play: &PlayRun, host: &Host, task: &Task, handler: Handler) -> Arc<TaskLabel> {
        let lookups = self.lookups(play, task);
        let binder = self.binder(&lookups, self.variables(play, host, task));
        Arc::new(TaskLabel {
            name: binder.name(task),
            role: task.scope.role().map(|role| Arc::clone(&role.name)),
            module: Arc::clone(&task.module),
            place: task.place.clone(),
            handler: handler == Handler::Yes,
        })
    }

    async fn task(&self, play: &PlayRun, task: &Arc<Task>, hosts: &mut Hosts, ahead: &Ahead<'_>) {
        if !self.selected(task) {
            return;
        }
        match engine_action(&task.module) {
            Some("meta") => self.meta(play, task, hosts, ahead).await,
            Some(_) => self.include(play, task, hosts, ahead).await,
            None => self.module(play, task, hosts, ahead, Handler::No).await,
        }
    }

    /// A module's task on all hosts at once.
    pub(super) async fn module(
        &self,
        play: &PlayRun,
        task: &Arc<Task>,
        hosts: &mut Hosts,
        ahead: &Ahead<'_>,
        handler: Handler,
    ) {
        let Some(first) = hosts.live.first().cloned() else { return };
        let label = self.label(play, &first, task, handler);
        let lookups = self.lookups(play, task);
        let once = self
            .binder(&lookups, self.variables(play, &first, task))
            .flag(task, Keyword::RunOnce)
            .ok()
            .flatten()
            .unwrap_or(false);
        let on: Vec<Host> = if once { vec![first] } else { hosts.live.clone() };
        self.tell(Event::TaskStarted { task: Arc::clone(&label), hosts: on.clone() });
        let permits = tokio::sync::Semaphore::new(self.options.forks.max(1));
        let mut running: FuturesUnordered<_> = on
            .iter()
            .map(|host| {
                let (label, permits) = (Arc::clone(&label), &permits);
                async move {
                    let _permit = permits.acquire().await;
                    let turn = Turn { run: self, play, task, label, host, ahead };
                    (host, turn.take().await)
                }
            })
            .collect();
        let mut lost = Vec::new();
        while let Some((host, ended)) = running.next().await {
            self.tell(Event::HostBusy { host: Arc::clone(host), what: None });
            let everyone = if once { hosts.live.clone() } else { vec![Arc::clone(host)] };
            match ended {
                Ok(ended) => {
                    if self.ended(play, task, &label, host, &everyone, ended) {
                        lost.extend(everyone);
                    }
                }
                Err(unreachable) => {
                    self.unreachable(&label, host, unreachable);
                    play.vars.gone.write().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(host));
                    hosts.live.retain(|other| other != host);
                }
            }
        }
        drop(running);
        for host in lost {
            hosts.live.retain(|other| *other != host);
            if !hosts.failed.contains(&host) {
                hosts.failed.push(host);
            }
        }
    }

    /// What a task that ended means; true if its hosts have failed.
    pub(super) fn ended(
        &self,
        play: &PlayRun,
        task: &Arc<Task>,
        label: &Arc<TaskLabel>,
        host: &Host,
        everyone: &[Host],
        ended: Ended,
    ) -> bool {
        let Ended { mut outcome, delegate, looped, effects, notifies, notifies_maybe } = ended;
        for other in everyone {
            self.apply(other, &effects);
        }
        for name in &notifies {
            let found = self.handlers_named(play, host, name);
            if found.is_empty() && outcome.failure.is_none() {
                let known: Vec<Arc<str>> =
                    play.handlers().iter().map(|h| self.handler_name(play, host, h)).collect();
                outcome.status = Status::Failed { ignored: false };
                outcome.failure = Some(FailureText {
                    message: format!(
                        "the requested handler '{name}' was not found in either the main handlers list nor in the \
                         listening handlers list"
                    ),
                    hint: names::did_you_mean(name, known.iter().map(|name| &**name)),
                    diagnostic: None,
                });
            }
            for other in everyone {
                match &outcome.status {
                    Status::MayChange(unknown) if notifies_maybe => {
                        let maybe = found.iter().map(|index| (*index, Arc::clone(unknown)));
                        lock(&play.maybe).entry(Arc::clone(other)).or_default().extend(maybe);
                    }
                    _ => lock(&play.notified)
                        .entry(Arc::clone(other))
                        .or_default()
                        .extend(found.iter().copied()),
                }
            }
        }
        let failed = matches!(outcome.status, Status::Failed { ignored: false });
        self.recap(host, &outcome);
        if failed {
            let result = outcome.result.clone();
            let mut described = Map::new();
            described.insert(Key::str("name"), Value::Str(Arc::clone(&label.name)));
            described.insert(Key::str("action"), Value::Str(Arc::clone(&task.module)));
            let described = Value::map(described);
            for other in everyone {
                self.world.update(other, |vars| {
                    vars.set("ansible_failed_task", described.clone());
                    vars.set("ansible_failed_result", result.clone());
                });
                play.vars.gone.write().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(other));
            }
        }
        self.tell(Event::TaskFinished {
            host: Arc::clone(host),
            delegate,
            task: Arc::clone(label),
            looped,
            outcome: Box::new(outcome),
        });
        failed
    }

    /// Counts and tells the end of a task that was not run by a module.
    pub(super) fn finish(&self, host: &Host, label: &Arc<TaskLabel>, outcome: Outcome) {
        self.recap(host, &outcome);
        self.tell(Event::TaskFinished {
            host: Arc::clone(host),
            delegate: None,
            task: Arc::clone(label),
            looped: false,
            outcome: Box::new(outcome),
        });
    }

    pub(super) fn recap(&self, host: &Host, outcome: &Outcome) {
        self.count(host, |recap| match &outcome.status {
            Status::Ok => recap.ok += 1,
            Status::Changed => {
                recap.ok += 1;
                recap.changed += 1;
            }
            Status::Skipped { .. } => recap.skipped += 1,
            Status::MayChange(_) => {
                recap.ok += 1;
                recap.may_change += 1;
            }
            Status::Failed { ignored: true } => {
                recap.ok += 1;
                recap.ignored += 1;
            }
            Status::Failed { ignored: false } => recap.failed += 1,
            Status::Unreachable => recap.unreachable += 1,
        });
    }

    fn unreachable(&self, label: &Arc<TaskLabel>, host: &Host, unreachable: Trouble) {
        let Trouble { unreachable: _, message, hint } = unreachable;
        self.lose(host, Gone::Unreachable);
        let result = Value::map(crate::map! {
            "unreachable" => true, "msg" => message.as_str(), "changed" => false,
        });
        let failure = Some(FailureText { message, hint, diagnostic: None });
        self.finish(host, label, Outcome { result, failure, ..Outcome::plain(Status::Unreachable) });
    }

    async fn meta(&self, play: &PlayRun, task: &Arc<Task>, hosts: &mut Hosts, ahead: &Ahead<'_>) {
        let action = task.args.free_form.as_ref().map(|text| text.value.to_text()).unwrap_or_default();
        let lookups = self.lookups(play, task);
        let mut on = Vec::new();
        let mut failed = Vec::new();
        for host in hosts.live.clone() {
            match self.binder(&lookups, self.variables(play, &host, task)).when(task) {
                Ok(When::Run) => on.push(host),
                Ok(When::Skip { .. } | When::Unknown(_)) => {}
                Err(stop) => failed.push((host, stop)),
            }
        }
        for (host, stop) in failed {
            let label = self.label(play, &host, task, Handler::No);
            self.stopped(play, &label, &host, hosts, stop);
        }
        if on.is_empty() {
            return;
        }
        match action.as_str() {
            "flush_handlers" => self.flush(play, hosts, ahead).await,
            "end_host" => lock(&play.ended).extend(on),
            "end_play" => *lock(&play.play_ended) = true,
            "clear_facts" => {
                for host in on {
                    self.world.update(&host, crate::plan::variables::HostVars::clear_facts);
                }
            }
            "clear_host_errors" => self.clear_errors(),
            "reset_connection" => {
                for host in on {
                    let binder = self.binder(&lookups, self.variables(play, &host, task));
                    if let Ok((machine, _)) = self.machine(&host, None, &binder, Some(task)) {
                        machine.reset().await;
                    }
                }
            }
            _ => {}
        }
    }

    /// A task that failed before its module was run.
    pub(super) fn stopped(
        &self,
        play: &PlayRun,
        label: &Arc<TaskLabel>,
        host: &Host,
        hosts: &mut Hosts,
        stop: Stop,
    ) {
        let failure = match stop {
            Stop::Failed(diagnostic) => FailureText {
                message: diagnostic.message.clone(),
                hint: diagnostic.hint.clone(),
                diagnostic: Some(*diagnostic),
            },
            Stop::Unknown(unknown) => FailureText {
                message: format!("this hangs on the task `{}`, which has not run", unknown.task),
                ..FailureText::default()
            },
            Stop::Deferred => FailureText { message: "put off".to_owned(), ..FailureText::default() },
        };
        let result = Value::map(crate::map! {"failed" => true, "msg" => failure.message.as_str()});
        let failed = Outcome::plain(Status::Failed { ignored: false });
        self.finish(host, label, Outcome { result, failure: Some(failure), ..failed });
        play.vars.gone.write().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(host));
        hosts.live.retain(|other| other != host);
        hosts.failed.push(Arc::clone(host));
    }
}

/// Whether a task runs as a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handler {
    Yes,
    No,
}
