//! Plays: batches of hosts, tasks in lockstep (Ansible's `linear`) or each host by itself (`free`, `host_pinned`),
//! blocks, includes, handlers.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};

use super::ahead::Ahead;
use super::event::{Event, FailureText, Outcome, Status, TaskLabel};
use super::lookups;
use super::machine::Trouble;
use super::run::{Gone, Run};
use super::task::{Ended, Turn};
use crate::base::{Diagnostic, Key, Kind, Value, names};
use crate::config::Gathering;
use crate::lang::{Block, Item, Keyword, ScopeKind, Task, short_name};
use crate::plan::bind::{Binder, Stop};
use crate::plan::check::engine_action;
use crate::plan::variables::TaskVariables;
use crate::template::{Lookups, Variables};

pub(super) use super::play_run::{Handler, Host, Hosts, PlayRun, Strategy, lock};

impl Run {
    /// Runs a play on a batch of hosts.
    pub(super) async fn batch(&self, play: &PlayRun) {
        let live: Vec<Host> = play.vars.batch.iter().filter(|host| !self.is_gone(host)).cloned().collect();
        self.tell(Event::PlayStarted {
            name: Arc::from(play.play().name.value.to_text()),
            hosts: live.clone(),
        });
        let items = Arc::clone(&play.play().items);
        let start = |live: Vec<Host>| Hosts {
            live,
            failed: Vec::new(),
            failed_twice: Vec::new(),
            parked: Vec::new(),
            rescuing: false,
            closing: false,
            handler: Handler::No,
        };
        match play.strategy {
            Strategy::Linear => self.items(play, &items, &mut start(live), None).await,
            Strategy::Free | Strategy::HostPinned => {
                let at_once = if play.strategy == Strategy::Free { live.len() } else { self.options.forks };
                futures::stream::iter(live)
                    .for_each_concurrent(at_once.max(1), |host| {
                        let (items, mut hosts) = (&items, start(vec![host]));
                        async move { self.items(play, items, &mut hosts, None).await }
                    })
                    .await;
            }
        }
        for host in lock(&play.failed).iter() {
            self.lose(host, Gone::Failed);
        }
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
                self.muster(play, hosts);
                if hosts.live.is_empty() || play.is_broken() {
                    return;
                }
                match item {
                    Item::Task(task) => self.task(play, task, hosts, &ahead).await,
                    Item::Block(block) => self.block(play, block, hosts, &ahead).await,
                    Item::FlushHandlers if !self.flushes() => {}
                    Item::FlushHandlers => self.flush(play, hosts, &ahead).await,
                    Item::RoleEnd(role) => {
                        let of_role = |host: &Host| (Arc::clone(host), Arc::clone(&role.identity));
                        let begun = lock(&play.roles_begun);
                        let done = hosts.live.iter().map(of_role).filter(|key| begun.contains(key));
                        lock(&play.roles_done).extend(done);
                    }
                }
            }
            self.muster(play, hosts);
        })
    }

    /// Takes out the hosts that have ended, and those that fail with others.
    fn muster(&self, play: &PlayRun, hosts: &mut Hosts) {
        let ended = lock(&play.ended);
        let role_ended = lock(&play.role_ended);
        let mut doomed = lock(&play.doomed);
        if ended.is_empty() && role_ended.is_empty() && doomed.is_empty() {
            return;
        }
        for host in std::mem::take(&mut hosts.live) {
            if ended.contains(&host) {
            } else if doomed.remove(&host) {
                play.lost(&host);
                hosts.failed.push(host);
            } else if role_ended.contains(&host) {
                hosts.parked.push(host);
            } else {
                hosts.live.push(host);
            }
        }
    }

    /// Whether tags select anything of this.
    fn may_select(&self, play: &PlayRun, item: &Item) -> bool {
        match item {
            Item::Task(task) => self.selected(play, None, task),
            Item::Block(block) => [&block.tasks, &block.rescue, &block.always]
                .into_iter()
                .any(|part| part.iter().any(|item| self.may_select(play, item))),
            Item::FlushHandlers | Item::RoleEnd(_) => false,
        }
    }

    async fn block(&self, play: &PlayRun, block: &Block, hosts: &mut Hosts, ahead: &Ahead<'_>) {
        let mut on = hosts.live.clone();
        if let ScopeKind::Role(role) = &block.scope.kind
            && !role.allow_duplicates
        {
            let key = Arc::clone(&role.identity);
            let done = lock(&play.roles_done);
            on.retain(|host| !done.contains(&(Arc::clone(host), key.clone())));
        }
        if on.is_empty() {
            return;
        }
        let mut inner = hosts.part(on.clone());
        // as Ansible: a rescue of which no task is selected by tags rescues nothing
        let rescues = block.rescue.iter().any(|item| self.may_select(play, item));
        inner.rescuing |= rescues;
        inner.closing |= !block.always.is_empty();
        self.items(play, &block.tasks, &mut inner, Some(ahead)).await;
        let mut parked = std::mem::take(&mut inner.parked);
        let mut good = inner.live;
        let (mut failed, mut passing) = (inner.failed, inner.failed_twice);
        if rescues && !failed.is_empty() && !play.is_broken() {
            // in the play's order, not in that in which they failed
            let rescued = |host: &&Host| failed.contains(host) && !passing.contains(host);
            let to_rescue = on.iter().filter(rescued).cloned().collect();
            let mut rescue = hosts.part(to_rescue);
            rescue.closing |= !block.always.is_empty();
            self.items(play, &block.rescue, &mut rescue, Some(ahead)).await;
            good.extend(rescue.live);
            failed = std::mem::take(&mut passing);
            failed.extend(rescue.failed);
            passing = rescue.failed_twice;
            parked.extend(rescue.parked);
        }
        if !block.always.is_empty() && !play.is_broken() {
            let takes_part = |host: &&Host| good.contains(host) || failed.contains(host);
            let all = on.iter().filter(takes_part).filter(|host| !passing.contains(host)).cloned().collect();
            let mut always = hosts.part(all);
            self.items(play, &block.always, &mut always, Some(ahead)).await;
            always.failed.append(&mut passing);
            good.retain(|host| always.live.contains(host));
            failed.retain(|host| always.live.contains(host) || always.failed.contains(host));
            failed
                .extend(always.failed.into_iter().filter(|host| !failed.contains(host)).collect::<Vec<_>>());
            parked.extend(always.parked);
        }
        {
            // `meta: clear_host_errors` in the block lets a host that failed go on after it
            let mut cleared = lock(&play.cleared);
            let (again, still): (Vec<Host>, Vec<Host>) =
                failed.into_iter().partition(|host| cleared.remove(host));
            failed = still;
            good.extend(again);
        }
        if matches!(block.scope.kind, ScopeKind::Role(_)) {
            // where the role ends, `end_role` has done its work
            let mut role_ended = lock(&play.role_ended);
            role_ended.retain(|host| !parked.contains(host));
            good.append(&mut parked);
        }
        let (failed_twice, rescuing, closing) = (Vec::new(), false, false);
        let inner =
            Hosts { live: good, failed, failed_twice, parked, rescuing, closing, handler: Handler::No };
        hosts.absorb(&on, inner);
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
            clock: lookups::Clock::set_to(self.now()),
            warnings: Arc::default(),
        })
    }

    pub(super) fn variables(&self, play: &PlayRun, host: &Host, task: &Task) -> TaskVariables {
        let state = self.world.host(host).unwrap_or_else(super::run::unknown_host);
        TaskVariables::new(&self.world, &play.vars, host, &state, task)
    }

    pub(super) fn label(&self, play: &PlayRun, host: &Host, task: &Task, handler: Handler) -> Arc<TaskLabel> {
        let lookups = self.lookups(play, task);
        let binder = self.binder(&lookups, self.variables(play, host, task));
        let told = binder.faulty_name(task).map(|(shown, errors)| {
            let count = names::count(errors.len(), "template error");
            let told =
                (1..).zip(&errors).map(|(n, error)| format!("\nerror {n} - {}", error.in_ansibles_words()));
            let told = format!("Encountered {count}.{}", told.collect::<String>());
            for error in errors.into_iter().take(1) {
                let message = format!("the name of a task cannot be rendered: {}", error.message);
                let warning = Diagnostic::warning(error.kind, message).at_if_unplaced(error.place.as_ref());
                self.warn_of(warning.maybe_hint(error.hint).told_in_full(told.clone()));
            }
            Arc::from(shown)
        });
        Arc::new(TaskLabel {
            name: binder.name(task),
            told,
            // as Ansible: the inclusion of a role is titled by that role
            role: task
                .scope
                .role()
                .filter(|_| short_name(&task.module) != "include_role")
                .map(|role| role.full_name()),
            module: Arc::clone(&task.module),
            place: task.place.clone(),
            handler: handler == Handler::Yes,
            loud: match short_name(&task.module) {
                "debug" => true,
                "assert" => {
                    let quiet = task.args.named.get("quiet").and_then(|quiet| binder.known(quiet).ok());
                    quiet.and_then(|quiet| quiet.to_bool()) != Some(true)
                }
                _ => false,
            },
        })
    }

    async fn task(&self, play: &PlayRun, task: &Arc<Task>, hosts: &mut Hosts, ahead: &Ahead<'_>) {
        let Some(first) = hosts.live.first() else { return };
        if !self.selected(play, Some(first), task) || self.passed_over(play, first, task) {
            return;
        }
        if self.options.step && self.stepped_over(&self.label(play, first, task, hosts.handler)).await {
            return;
        }
        match engine_action(&task.module) {
            Some("meta") => self.meta(play, task, hosts, ahead).await,
            Some(_) => self.include(play, task, hosts, ahead).await,
            None if self.gathers_smartly(play, task) => {
                let known = |host: &Host| {
                    self.world.host(host).is_some_and(|vars| vars.facts.vars.contains_key("module_setup"))
                };
                let on: Vec<Host> = hosts.live.iter().filter(|host| !known(host)).cloned().collect();
                let mut inner = hosts.part(on.clone());
                self.module(play, task, &mut inner, ahead).await;
                hosts.absorb(&on, inner);
            }
            None => self.module(play, task, hosts, ahead).await,
        }
    }

    /// Whether a task is the gathering of facts at the start of a play, and hosts with known facts are left out of it
    /// (`gathering = smart`).
    fn gathers_smartly(&self, play: &PlayRun, task: &Task) -> bool {
        *self.options.config.gathering == Gathering::Smart
            && short_name(&task.module) == "setup"
            && task.place == play.play().place
    }

    /// Whether a task runs once for all hosts.
    pub(super) fn runs_once(
        &self,
        play: &PlayRun,
        host: &Host,
        task: &Task,
        lookups: &Arc<dyn Lookups>,
    ) -> bool {
        let once = self.asks_once(play, host, task, lookups);
        if once && play.strategy != Strategy::Linear {
            // as Ansible
            self.warn_once("`run_once` has no effect with this strategy: the task runs on every host");
            return false;
        }
        once || (RUN_ONCE.contains(&short_name(&task.module)) && play.strategy == Strategy::Linear)
    }

    /// Whether a task says that it runs once.
    fn asks_once(&self, play: &PlayRun, host: &Host, task: &Task, lookups: &Arc<dyn Lookups>) -> bool {
        let asked = || {
            let binder = self.binder(lookups, self.variables(play, host, task));
            binder.flag(task, Keyword::RunOnce).ok().flatten().unwrap_or(false)
        };
        task.keyword(Keyword::RunOnce).is_some() && asked()
    }

    /// A module's task on all hosts at once.
    pub(super) async fn module(
        &self,
        play: &PlayRun,
        task: &Arc<Task>,
        hosts: &mut Hosts,
        ahead: &Ahead<'_>,
    ) {
        let Some(first) = hosts.live.first().cloned() else { return };
        let label = self.label(play, &first, task, hosts.handler);
        let lookups = self.lookups(play, task);
        let once = self.runs_once(play, &first, task, &lookups);
        // as Ansible: a module that runs once of itself has run on its host only
        let shared = once && !RUN_ONCE.contains(&short_name(&task.module))
            || self.asks_once(play, &first, task, &lookups);
        let on: Vec<Host> = if once { vec![first.clone()] } else { hosts.live.clone() };
        self.tell(Event::TaskStarted { task: Arc::clone(&label), hosts: on.clone() });
        let binder = self.binder(&lookups, self.variables(play, &first, task));
        let throttle = match binder.number(task, Keyword::Throttle) {
            Ok(number) => number.map_or(0, |number| number as usize),
            Err(stop) => {
                let stop = unthrottled(stop);
                for host in on {
                    self.stopped(play, &label, &host, hosts, stop.clone());
                }
                return;
            }
        };
        let throttled = self.throttle(task, throttle);
        let mut running: FuturesUnordered<_> = on
            .iter()
            .map(|host| {
                let (label, throttled) = (Arc::clone(&label), throttled.as_ref());
                async move {
                    let _throttle = match throttled {
                        Some(throttled) => throttled.acquire().await.ok(),
                        None => None,
                    };
                    let _permit = self.permits.acquire().await;
                    let turn = Turn { run: self, play, task, label, host, ahead };
                    (host, turn.take().await)
                }
            })
            .collect();
        let mut lost = Vec::new();
        let mut fatal = false;
        while let Some((host, ended)) = running.next().await {
            self.tell(Event::HostBusy { host: Arc::clone(host), what: None });
            let everyone = if shared { hosts.live.clone() } else { vec![Arc::clone(host)] };
            match ended {
                Ok(ended) => {
                    if self.ended(play, task, &label, host, &everyone, ended, hosts.rescuing) {
                        fatal |= shared || self.is_fatal(play, host, task, &lookups);
                        if shared {
                            hosts
                                .failed_twice
                                .extend(everyone.iter().filter(|other| *other != host).cloned());
                        }
                        lost.extend(everyone);
                    }
                }
                Err(unreachable) => {
                    if self.unreachable(play, task, &label, host, unreachable, &lookups) {
                        fatal |= self.is_fatal(play, host, task, &lookups);
                        hosts.live.retain(|other| other != host);
                    }
                }
            }
        }
        drop(running);
        for host in lost {
            hosts.live.retain(|other| *other != host);
            if !hosts.failed.contains(&host) {
                let with_another = hosts.failed_twice.contains(&host);
                if !hosts.rescuing || with_another {
                    play.lost(&host);
                    if !hosts.closing || with_another {
                        lock(&play.out).insert(Arc::clone(&host));
                    }
                }
                hosts.failed.push(host);
            }
        }
        self.judge_failures(play, hosts, fatal);
    }

    /// Ends the run.
    fn abort(&self, play: &PlayRun, diagnostic: Diagnostic) {
        if play.abort() {
            self.tell(Event::Aborted { diagnostic: Box::new(diagnostic) });
        }
    }

    /// Whether the failure of a task is that of all hosts (`any_errors_fatal`).
    fn is_fatal(&self, play: &PlayRun, host: &Host, task: &Task, lookups: &Arc<dyn Lookups>) -> bool {
        let binder = self.binder(lookups, self.variables(play, host, task));
        let asked = binder.flag(task, Keyword::AnyErrorsFatal).ok().flatten();
        asked.unwrap_or(*self.options.config.any_errors_fatal)
    }

    /// What failures mean for the hosts that have not failed: `any_errors_fatal` and `max_fail_percentage`.
    fn judge_failures(&self, play: &PlayRun, hosts: &mut Hosts, fatal: bool) {
        if fatal {
            play.fail_all(self, hosts);
        }
        let Some(most) = play.max_fail else { return };
        let failed = lock(&play.out).iter().filter(|host| !self.is_gone(host)).count();
        if failed as f64 / play.vars.batch.len().max(1) as f64 > most && !play.is_broken() {
            play.broken.store(true, Ordering::Relaxed);
            play.fail_all(self, hosts);
        }
    }

    /// What a task that ended means; true if its hosts have failed.
    #[expect(clippy::too_many_arguments, reason = "what a task means depends on all of them")]
    pub(super) fn ended(
        &self,
        play: &PlayRun,
        task: &Arc<Task>,
        label: &Arc<TaskLabel>,
        host: &Host,
        everyone: &[Host],
        ended: Ended,
        rescuing: bool,
    ) -> bool {
        let Ended { outcome, delegate, looped, effects, notifies, notifies_maybe, included: _, broken: _ } =
            ended;
        for other in everyone {
            self.apply(play, other, &effects);
        }
        for name in &notifies {
            let found = self.handlers_named(play, host, name);
            if found.is_empty() && outcome.failure.is_none() {
                let words = format!(
                    "The requested handler '{name}' was not found in either the main handlers list nor in the \
                     listening handlers list"
                );
                if !*self.options.config.error_on_missing_handler {
                    self.warn_once(words);
                    continue;
                }
                let handlers = play.handlers();
                let known: Vec<Arc<str>> = handlers
                    .iter()
                    .enumerate()
                    .map(|(index, handler)| self.handler_name(play, host, index, handler))
                    .collect();
                let place = task.keyword(Keyword::Notify).map_or(&task.place, |located| &located.place);
                let hint = names::did_you_mean(name, known.iter().map(|name| &**name));
                // as Ansible: the run ends
                let message = format!("`{name}` is notified, and there is no handler of this name or topic");
                let diagnostic = Diagnostic::error(Kind::Handler, message).words(words).at(place);
                self.abort(play, diagnostic.maybe_hint(hint));
                continue;
            }
            let maybe = match &outcome.status {
                Status::MayChange(unknown) if notifies_maybe => Some(unknown),
                _ => None,
            };
            // as Ansible: `run_once` notifies on the host that it ran on
            let own = || Arc::clone(host);
            match maybe {
                // a handler that notifies another does so at once
                None if label.handler => lock(&play.notified).entry(own()).or_default().extend(found),
                Some(unknown) if label.handler => {
                    let maybe = found.into_iter().map(|index| (index, Arc::clone(unknown)));
                    lock(&play.maybe).entry(own()).or_default().extend(maybe);
                }
                None => {
                    let mut pending = lock(&play.pending);
                    pending.entry(own()).or_default().insert(Arc::from(name.as_str()), None);
                }
                Some(unknown) => {
                    let mut pending = lock(&play.pending);
                    let name = Arc::from(name.as_str());
                    pending
                        .entry(own())
                        .or_default()
                        .entry(name)
                        .or_insert_with(|| Some(Arc::clone(unknown)));
                }
            }
        }
        if let Some(role) = task.scope.role()
            && !matches!(outcome.status, Status::Skipped { .. })
        {
            lock(&play.roles_begun).insert((Arc::clone(host), Arc::clone(&role.identity)));
        }
        let failed = matches!(outcome.status, Status::Failed { ignored: false });
        if failed && rescuing {
            self.rescued(everyone, host, label, task, &outcome);
        } else {
            self.recap(host, &outcome);
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

    /// A failure that a block rescues: it counts as rescued, and the block may look at it.
    fn rescued(&self, everyone: &[Host], host: &Host, label: &TaskLabel, task: &Task, outcome: &Outcome) {
        self.count(host, |recap| recap.rescued += 1);
        let mut result = outcome.result.as_map().cloned().unwrap_or_default();
        result.entry(Key::str("exception")).or_insert_with(|| Value::from("(traceback unavailable)"));
        let result = Value::map(result);
        let args =
            task.args.named.iter().map(|(name, located)| (Key::Str(name.clone()), located.value.clone()));
        let described = Value::map(crate::map! {
            "name" => task.name.as_ref().map_or_else(|| Value::from(""), |_| Value::Str(Arc::clone(&label.name))),
            "action" => Value::Str(Arc::clone(&task.module)),
            "args" => Value::map(args.collect()),
        });
        for other in everyone {
            self.world.update(other, |vars| {
                vars.set("ansible_failed_task", described.clone());
                vars.set("ansible_failed_result", result.clone());
            });
        }
    }

    /// Counts and tells the end of a task that was not run by a module.
    pub(super) fn finish(&self, host: &Host, label: &Arc<TaskLabel>, outcome: Outcome) {
        self.finish_on(host, None, label, outcome);
    }

    /// As [`Self::finish`], of a task that was delegated.
    fn finish_on(&self, host: &Host, delegate: Option<Host>, label: &Arc<TaskLabel>, outcome: Outcome) {
        self.recap(host, &outcome);
        self.tell(Event::TaskFinished {
            host: Arc::clone(host),
            delegate,
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
            Status::Unreachable { ignored: true } => {
                recap.ok += 1;
                recap.ignored += 1;
            }
            Status::Failed { ignored: true } => {
                recap.ok += 1;
                recap.ignored += 1;
                recap.changed += u32::from(
                    outcome
                        .result
                        .as_map()
                        .is_some_and(|result| result.get("changed").and_then(Value::as_bool) == Some(true)),
                );
            }
            Status::Failed { ignored: false } => recap.failed += 1,
            Status::Unreachable { ignored: false } => recap.unreachable += 1,
        });
    }

    /// A host that cannot be reached; true if it takes no further part.
    fn unreachable(
        &self,
        play: &PlayRun,
        task: &Task,
        label: &Arc<TaskLabel>,
        host: &Host,
        unreachable: Trouble,
        lookups: &Arc<dyn Lookups>,
    ) -> bool {
        let Trouble { unreachable: _, message, hint } = unreachable;
        let binder = self.binder(lookups, self.variables(play, host, task));
        let ignored = binder.flag(task, Keyword::IgnoreUnreachable).ok().flatten().unwrap_or(false);
        let delegate = binder.text(task, Keyword::DelegateTo).ok().flatten().map(Host::from);
        let result = crate::map! {"unreachable" => true, "msg" => message.as_str(), "changed" => false};
        if !ignored {
            self.lose(host, Gone::Unreachable);
            play.gone(host);
        }
        let result = Value::map(result);
        if let Some(located) = task.keyword(Keyword::Register) {
            let name = located.value.to_text();
            self.world.update(host, |vars| vars.set(&name, result.clone()));
        }
        let failure = Some(FailureText { message, hint, diagnostic: None });
        let outcome = Outcome { result, failure, ..Outcome::plain(Status::Unreachable { ignored }) };
        self.finish_on(host, delegate, label, outcome);
        !ignored
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
        let told = failure.diagnostic.as_ref().and_then(|diagnostic| diagnostic.told.as_deref());
        let message = told.unwrap_or(&failure.message);
        let result = Value::map(crate::map! {"failed" => true, "msg" => message});
        let failed = Outcome::plain(Status::Failed { ignored: false });
        let outcome = Outcome { result: result.clone(), failure: Some(failure), ..failed };
        if hosts.rescuing {
            self.count(host, |recap| recap.rescued += 1);
            self.world.update(host, |vars| vars.set("ansible_failed_result", result));
            self.tell(Event::TaskFinished {
                host: Arc::clone(host),
                delegate: None,
                task: Arc::clone(label),
                looped: false,
                outcome: Box::new(outcome),
            });
        } else {
            self.finish(host, label, outcome);
            play.lost(host);
        }
        hosts.live.retain(|other| other != host);
        hosts.failed.push(Arc::clone(host));
    }
}

/// Modules that run once for all hosts, whatever is asked.
const RUN_ONCE: [&str; 2] = ["add_host", "pause"];

/// A `throttle` that is no number, in the words that Ansible's playbooks may look for.
fn unthrottled(stop: Stop) -> Stop {
    match stop {
        Stop::Failed(mut diagnostic) => {
            let why = match diagnostic.message.rsplit_once(", not ") {
                Some((_, value)) => format!("invalid literal for int() with base 10: {value}"),
                None => diagnostic.message.replace('`', "'"),
            };
            diagnostic.told = Some(format!("Failed to convert the throttle value to an integer: {why}"));
            Stop::Failed(diagnostic)
        }
        other => other,
    }
}
