//! One task on one host at its turn: bind, plan, change, result; loops, retries, register.
//!
//! Long because the steps of a turn share its state and are read in one go.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::ahead::Ahead;
use super::controller::TaskController;
use super::differences;
use super::event::{Event, FailureText, Outcome, TaskLabel};
use super::execution::Execution;
use super::include::Included;
use super::looping::{extended, position};
use super::machine::Trouble;
use super::perhaps::rests_on_missing;
use super::play::{Handler, PlayRun};
use super::python::Making;
use super::run::Run;
use super::single::{Settings, Single, registered_deprecation, shown};
use crate::base::{Key, Map, Unknown, Value};
use crate::lang::{Keyword, Task, is_reserved, reserved, short_name};
use crate::modules::located::names_home;
use crate::modules::{Context, FreeForm};
use crate::plan::bind::{Binder, Bound, Items, Stop, When};
use crate::plan::check::engine_action;
use crate::plan::variables::{HostVars, TaskVariables};
use crate::template::{Lookups, Truth};
use crate::vars::Layer;

/// A task's turn on a host.
pub(super) struct Turn<'a> {
    pub(super) run: &'a Run,
    pub(super) play: &'a PlayRun,
    pub(super) task: &'a Arc<Task>,
    pub(super) label: Arc<TaskLabel>,
    pub(super) host: &'a Arc<str>,
    pub(super) ahead: &'a Ahead<'a>,
}

/// What a turn means for variables; applied to the host, and under `run_once` to all hosts.
#[derive(Clone, Debug)]
pub(super) enum Effect {
    /// `register`, `set_fact`.
    Set(Arc<str>, Value),
    /// Facts, with their prefix.
    Facts(Map),
    /// `include_vars`.
    Include(Arc<Layer>),
    /// On another host (`delegate_facts`).
    Of(Arc<str>, Box<Effect>),
}

impl Effect {
    /// Applies it to a host's variables.
    pub(super) fn apply(&self, vars: &mut HostVars) {
        match self {
            Self::Set(name, value) => vars.set(name, value.clone()),
            Self::Facts(facts) => vars.add_facts(facts),
            Self::Include(layer) => vars.include(layer),
            Self::Of(_, effect) => effect.apply(vars),
        }
    }
}

/// How a turn ended.
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) delegate: Option<Arc<str>>,
    pub(super) looped: bool,
    pub(super) effects: Vec<Effect>,
    /// The handlers that it notifies, as written in `notify`; empty where nothing changed.
    pub(super) notifies: Vec<String>,
    /// Check mode: that it is not certain whether it notifies.
    pub(super) notifies_maybe: bool,
    /// What an include brings, item by item.
    pub(super) included: Vec<Included>,
    /// Whether what is to be included cannot be loaded.
    pub(super) broken: bool,
}

impl Turn<'_> {
    fn variables(&self) -> TaskVariables {
        self.run.variables(self.play, self.host, self.task)
    }

    /// This task as something that is not known yet.
    pub(super) fn me(&self) -> Arc<Unknown> {
        Arc::new(Unknown { task: Arc::clone(&self.label.name), place: Some(self.task.place.clone()) })
    }

    /// Runs the task on the host; the error is that it cannot be reached.
    pub(super) async fn take(&self) -> Result<Ended, Trouble> {
        let started = Instant::now();
        let lookups = self.run.lookups(self.play, self.task);
        let mut ended = self.take_or_fail(&lookups, started).await?;
        ended.outcome.warnings.extend(lookups.warnings());
        Ok(ended)
    }

    async fn take_or_fail(&self, lookups: &Arc<dyn Lookups>, started: Instant) -> Result<Ended, Trouble> {
        match self.take_with(lookups, started).await {
            Err(trouble) if !trouble.unreachable => {
                let Trouble { unreachable: _, message, hint } = trouble;
                let binder =
                    Binder { templar: &self.run.templar, lookups, variables: Arc::new(self.variables()) };
                let settings = self.settings(&binder).unwrap_or_else(|_| Settings::unread(self.task));
                let failure = FailureText { message, hint, diagnostic: None };
                Ok(self.end(Single::failed(failure), &settings, None, &binder, started))
            }
            other => other,
        }
    }

    async fn take_with(&self, lookups: &Arc<dyn Lookups>, started: Instant) -> Result<Ended, Trouble> {
        let variables = self.variables();
        let binder = Binder { templar: &self.run.templar, lookups, variables: Arc::new(variables.clone()) };
        let settings = match self.settings(&binder) {
            Ok(settings) => settings,
            Err(stop) => {
                let settings = Settings::unread(self.task);
                return Ok(self.end(Single::stopped(stop), &settings, None, &binder, started));
            }
        };
        let items = match binder.looped(self.task) {
            Ok(items) => items,
            Err(stop) => {
                // as Ansible: a loop that cannot be evaluated does not matter where the condition is false
                if let Ok(When::Skip { condition }) = binder.when(self.task)
                    && !rests_on_missing(
                        &stop,
                        &condition,
                        &binder.loop_names(self.task).map_or_else(|_| "item".to_owned(), |names| names.0),
                    )
                {
                    let single = Single::condition(&condition);
                    return Ok(self.end(single, &settings, None, &binder, started));
                }
                return Ok(self.end(Single::stopped(stop), &settings, None, &binder, started));
            }
        };
        match items {
            None => {
                let (single, delegate) = self.attempts(lookups, variables, &Map::new(), &settings).await?;
                Ok(self.end(single, &settings, delegate, &binder, started))
            }
            Some(items) => self.take_loop(lookups, &binder, items, &settings, started).await,
        }
    }

    async fn take_loop(
        &self,
        lookups: &Arc<dyn Lookups>,
        binder: &Binder<'_>,
        items: Items,
        settings: &Settings,
        started: Instant,
    ) -> Result<Ended, Trouble> {
        let (name, index_name) = match binder.loop_names(self.task) {
            Ok(names) => names,
            Err(stop) => return Ok(self.end(Single::stopped(stop), settings, None, binder, started)),
        };
        let Items { items, own, tainted } = items;
        if items.is_empty() {
            let single = Single {
                result: crate::map! {
                    "results" => Vec::new(),
                    "skipped_reason" => "No items in the list",
                },
                looped: true,
                ..Single::skipped("the loop has no items")
            };
            return Ok(self.end(single, settings, None, binder, started));
        }
        self.warn_of_hidden(&binder.variables, &name);
        let mut whole = Single {
            skipped: Some("every item was skipped".to_owned()),
            looped: true,
            tainted,
            ..Single::default()
        };
        let mut results = Vec::new();
        let mut effects = Vec::new();
        let mut included = Vec::new();
        let mut delegate = None;
        let count = items.len();
        let (extended, every) = match extended(self.task, binder) {
            Ok(found) => found,
            Err(stop) => return Ok(self.end(Single::stopped(stop), settings, None, binder, started)),
        };
        let all = if extended { items.clone() } else { Vec::new() };
        for (index, item) in items.into_iter().enumerate() {
            let begun = Instant::now();
            let mut about = Map::new();
            // variables anew: an item may have set facts
            let variables = self.variables();
            let mut variables = match (own.get(index), &self.task.looped) {
                (Some(true), Some(looped)) => {
                    variables.with_own_item(&name, item.clone(), &looped.over.place)
                }
                _ => variables.with(&name, item.clone()),
            };
            variables = variables.with("ansible_loop_var", Value::from(name.as_str()));
            if let Some(index_name) = &index_name {
                about.insert(Key::from(index_name.as_str()), Value::from(index));
                about.insert(Key::str("ansible_index_var"), Value::from(index_name.as_str()));
                variables = variables
                    .with(index_name, Value::from(index))
                    .with("ansible_index_var", Value::from(index_name.as_str()));
            }
            if extended {
                variables = variables.with("ansible_loop", position(&all, index, every));
                about.insert(Key::str("ansible_loop"), position(&all, index, every));
            }
            let broken = variables.clone();
            let mut bound = about.clone();
            bound.insert(Key::from(name.as_str()), item.clone());
            bound.insert(Key::str("ansible_loop_var"), Value::from(name.as_str()));
            let (mut single, to) = self.attempts(lookups, variables, &bound, settings).await?;
            single.tainted |= tainted;
            let label = self.label_of(lookups, &broken, &item, &mut single);
            delegate = delegate.or_else(|| to.clone());
            whole.broken |= single.broken;
            included.extend(single.included.clone().map(|bundle| (bundle, Some(label.clone()))));
            let mut value = match single.registered() {
                Value::Map(entries) => (*entries).clone(),
                other => {
                    whole.unknown = whole.unknown.or(single.unknown.clone());
                    crate::map! {"unknown" => other}
                }
            };
            if single.included.is_some() {
                value.shift_remove("changed");
            }
            value.insert(Key::from(name.as_str()), item);
            value.insert(Key::str("ansible_loop_var"), Value::from(name.as_str()));
            value.extend(about);
            let value = Value::map(value);
            results.push(value.clone());
            let value = shown(value);
            whole.changed |= single.changed;
            whole.spared |= single.spared;
            if single.skipped.is_none() {
                whole.skipped = None;
            }
            if single.failed && !whole.failed {
                whole.failed = true;
                whole.failure = Some(FailureText {
                    message: "one or more items failed".to_owned(),
                    ..FailureText::default()
                });
            }
            whole.tainted |= single.tainted;
            whole.foreign |= single.foreign;
            whole.censored |= single.censored;
            whole.remembered.extend(single.remembered.iter().cloned());
            let facts_of = self.facts_of(binder, to.as_ref());
            let own =
                if single.skipped.is_some() { Vec::new() } else { self.effects(&single, facts_of.as_ref()) };
            self.run.apply(self.play, self.host, &own);
            effects.extend(own);
            let breaks = self.breaks(lookups, &broken, &single);
            if single.included.is_none() {
                // what is included tells of itself
                let outcome = self.outcome(single, settings, value, begun);
                self.run.tell(Event::ItemFinished {
                    host: Arc::clone(self.host),
                    delegate: to,
                    task: Arc::clone(&self.label),
                    label,
                    outcome: Box::new(outcome),
                });
            }
            match breaks {
                Ok(false) => {}
                Ok(true) => break,
                Err(stop) => {
                    let stopped = Single::stopped(stop);
                    (whole.failed, whole.failure) = (true, stopped.failure);
                    break;
                }
            }
            let pause = self.task.looped.as_ref().and_then(|looped| looped.control.get("pause"));
            if let Some(pause) = pause.and_then(|located| binder.known(located).ok())
                && index + 1 < count
                && let Ok(seconds) = pause.to_text().parse::<f64>()
            {
                tokio::time::sleep(Duration::from_secs_f64(seconds.max(0.0))).await;
            }
        }
        if whole.unknown.is_some() {
            // what is known of the items stays known
            whole.result.insert(Key::str("results"), Value::list(results));
        } else {
            whole.result.insert(Key::str("results"), Value::list(results));
            let message = if whole.failed || whole.spared {
                "One or more items failed"
            } else if whole.skipped.is_some() {
                "All items skipped"
            } else {
                "All items completed"
            };
            whole.result.insert(Key::str("msg"), Value::from(message));
        }
        let mut ended = self.end(whole, settings, delegate, binder, started);
        ended.looped = true;
        ended.included = included;
        effects.extend(std::mem::take(&mut ended.effects));
        ended.effects = effects;
        Ok(ended)
    }

    /// The label of a loop's item: `loop_control`'s, which may hang on the item's result, else the item. An item whose
    /// label cannot be rendered has failed.
    fn label_of(
        &self,
        lookups: &Arc<dyn Lookups>,
        variables: &TaskVariables,
        item: &Value,
        single: &mut Single,
    ) -> String {
        let label = self.task.looped.as_ref().and_then(|looped| looped.control.get("label"));
        let Some(located) = label else { return item.to_text() };
        let seen = self.with_result(variables, single);
        let binder = Binder { templar: &self.run.templar, lookups, variables: Arc::new(seen) };
        match binder.known(located) {
            Ok(label) => label.to_text(),
            Err(Stop::Unknown(_) | Stop::Deferred) => item.to_text(),
            Err(Stop::Failed(diagnostic)) => {
                let message = format!("Failed to template loop_control.label: {}", diagnostic.message);
                single.result.insert(Key::str("msg"), Value::from(message.replace('`', "'")));
                single.failed = true;
                single.failure = Some(FailureText {
                    message,
                    hint: diagnostic.hint.clone(),
                    diagnostic: Some(*diagnostic),
                });
                Value::Null.to_text()
            }
        }
    }

    fn settings(&self, binder: &Binder<'_>) -> Result<Settings, Stop> {
        let flag = |keyword| binder.flag(self.task, keyword);
        let options = &self.run.options;
        let mut notify = Vec::new();
        if let Some(located) = self.task.keyword(Keyword::Notify) {
            match binder.known(located)? {
                Value::List(names) => notify.extend(names.iter().map(Value::to_text)),
                Value::Null | Value::Omit => {}
                name => notify.push(name.to_text()),
            }
        }
        Ok(Settings {
            check_mode: flag(Keyword::CheckMode)?.unwrap_or(options.check_mode),
            diff: flag(Keyword::Diff)?.unwrap_or(options.diff),
            ignore_errors: flag(Keyword::IgnoreErrors)?.unwrap_or(false),
            censored: flag(Keyword::NoLog)?.unwrap_or(*options.config.no_log),
            notify,
        })
    }

    /// The task with these variables, of which some are a loop's for its `item`: its condition, then as many tries as `until` asks for.
    async fn attempts(
        &self,
        lookups: &Arc<dyn Lookups>,
        variables: TaskVariables,
        item: &Map,
        settings: &Settings,
    ) -> Result<(Single, Option<Arc<str>>), Trouble> {
        let bind = |variables: &TaskVariables| Binder {
            templar: &self.run.templar,
            lookups,
            variables: Arc::new(variables.clone()),
        };
        let binder = bind(&variables);
        match binder.when(self.task) {
            Ok(When::Run) => {}
            Ok(When::Skip { condition }) => {
                return Ok((Single::condition(&condition), None));
            }
            Ok(When::Unknown(unknown)) => {
                let effects = self.perhaps_set(&binder, settings, &unknown).await?;
                return Ok((Single { effects, ..Single::unknown(unknown) }, None));
            }
            Err(stop) => return Ok((Single::stopped(stop), None)),
        }
        let delegate = match binder.text(self.task, Keyword::DelegateTo) {
            Ok(delegate) => delegate.map(Arc::<str>::from),
            Err(stop) => return Ok((Single::stopped(stop), None)),
        };
        let variables = match &delegate {
            Some(to) => variables.delegated(to),
            None => variables,
        };
        let binder = bind(&variables);
        let until = self.task.keyword(Keyword::Until);
        let tries = match binder.number(self.task, Keyword::Retries) {
            Ok(Some(retries)) => retries.max(0.0) as u32 + 1,
            Ok(None) if until.is_some() => 4,
            Ok(None) => 1,
            Err(stop) => return Ok((Single::stopped(stop), delegate)),
        };
        let delay = match binder.number(self.task, Keyword::Delay) {
            Ok(delay) => delay.unwrap_or(5.0).max(0.0),
            Err(stop) => return Ok((Single::stopped(stop), delegate)),
        };
        let mut left = tries;
        let begun = Instant::now();
        loop {
            left -= 1;
            let mut single = if engine_action(&self.task.module).is_some() {
                self.run.inclusion(
                    self.task,
                    &binder,
                    item,
                    if self.label.handler { Handler::Yes } else { Handler::No },
                )
            } else {
                self.within_time(&binder, settings, delegate.as_deref()).await?
            };
            if tries > 1 {
                single.result.insert(Key::str("attempts"), Value::from(tries - left));
            }
            if single.stopped {
                return Ok((single, delegate));
            }
            self.judge(&mut single, &variables, lookups);
            if tries == 1 || single.unknown.is_some() || single.skipped.is_some() {
                return Ok((single, delegate));
            }
            let done = match until {
                None => !single.failed,
                Some(until) => {
                    let seen = self.with_result(&variables, &single);
                    match bind(&seen).condition(&until.value, &until.place) {
                        Ok(Truth::Yes) => true,
                        Ok(Truth::No) => false,
                        Ok(Truth::Unknown(unknown)) => return Ok((Single::unknown(unknown), delegate)),
                        Err(stop) => return Ok((Single::stopped(stop), delegate)),
                    }
                }
            };
            if done {
                return Ok((single, delegate));
            }
            if left == 0 {
                single.spared = single.result.get("failed_when_result") == Some(&Value::Bool(false));
                single.failed = !single.spared;
                // as Ansible counts them: the tries after the first
                single.result.insert(Key::str("attempts"), Value::from(tries - 1));
                if single.failed {
                    single.failure.get_or_insert_with(|| FailureText {
                        message: format!("`until` did not hold in {tries} tries"),
                        ..FailureText::default()
                    });
                }
                return Ok((single, delegate));
            }
            self.run.tell(Event::TaskRetry {
                host: Arc::clone(self.host),
                task: Arc::clone(&self.label),
                left,
                outcome: {
                    single.result.insert(Key::str("retries"), Value::from(tries));
                    let result = single.value();
                    Box::new(self.outcome(single, settings, result, begun))
                },
            });
            tokio::time::sleep(Duration::from_secs_f64(delay)).await;
            if let Ok((machine, _)) =
                self.run.machine(self.host, delegate.as_deref(), &binder, Some(self.task))
            {
                machine.store.spoil();
            }
        }
    }

    pub(super) fn with_result(&self, variables: &TaskVariables, single: &Single) -> TaskVariables {
        let seen = variables.clone();
        match self.task.keyword(Keyword::Register) {
            Some(located) => seen.with(&located.value.to_text(), single.value()),
            None => seen,
        }
    }

    /// `changed_when` and `failed_when`.
    fn judge(&self, single: &mut Single, variables: &TaskVariables, lookups: &Arc<dyn Lookups>) {
        if single.skipped.is_some() {
            return;
        }
        for keyword in [Keyword::ChangedWhen, Keyword::FailedWhen] {
            let Some(located) = self.task.keyword(keyword) else { continue };
            // conditions that do not look at the result hold for a result that is not known, too
            let seen = self.with_result(variables, single);
            let binder = Binder { templar: &self.run.templar, lookups, variables: Arc::new(seen) };
            let conditions: Vec<Value> = match &located.value {
                Value::List(items) => (**items).clone(),
                other => vec![other.clone()],
            };
            let mut holds = true;
            for condition in &conditions {
                match binder.condition(condition, &located.place) {
                    Ok(Truth::Yes) => {}
                    Ok(Truth::No) => holds = false,
                    Ok(Truth::Unknown(unknown)) => {
                        single.unknown.get_or_insert(unknown);
                        return;
                    }
                    Err(stop) => {
                        let stopped = Single::stopped(stop);
                        let message =
                            stopped.failure.as_ref().map(|failure| failure.message.replace('`', "'"));
                        let key = format!("{}_result", keyword.name());
                        single.result.insert(Key::from(key), Value::from(message.unwrap_or_default()));
                        single.failed = true;
                        single.failure = stopped.failure;
                        return;
                    }
                }
            }
            match keyword {
                Keyword::ChangedWhen => {
                    if single.unknown.is_some() && !holds {
                        // not run in check mode, and it says that it never changes anything
                        single.summary = String::from("not run in check mode");
                    } else if single.unknown.is_none() {
                        single.changed = holds;
                    }
                }
                _ => {
                    if single.unknown.is_none() {
                        single.suppressed = single.failed && !holds;
                        single.failed = holds;
                        single.result.insert(Key::str("failed_when_result"), Value::Bool(holds));
                        if holds {
                            single.failure.get_or_insert_with(|| FailureText {
                                message: single
                                    .result
                                    .get("msg")
                                    .map(Value::to_text)
                                    .filter(|message| !message.is_empty())
                                    .unwrap_or_else(|| "`failed_when` holds".to_owned()),
                                ..FailureText::default()
                            });
                        } else if let Some(failure) = single.failure.take() {
                            let words = Value::from(failure.message);
                            single.result.entry(Key::str("msg")).or_insert(words);
                        }
                    }
                }
            }
        }
    }

    /// The module, once, and no longer than the task's `timeout`.
    async fn within_time(
        &self,
        binder: &Binder<'_>,
        settings: &Settings,
        delegate: Option<&str>,
    ) -> Result<Single, Trouble> {
        let seconds = match binder.number(self.task, Keyword::Timeout) {
            Ok(seconds) => seconds.unwrap_or(*self.run.options.config.task_timeout as f64),
            Err(stop) => return Ok(Single::stopped(stop)),
        };
        // what is asynchronous has a time of its own
        let detached = binder.number(self.task, Keyword::Async).is_ok_and(|limit| limit.unwrap_or(0.0) > 0.0);
        if seconds <= 0.0 || detached {
            return Box::pin(self.once(binder, settings, delegate, None)).await;
        }
        let limit = Duration::from_secs_f64(seconds);
        let deadline = Instant::now().checked_add(limit);
        let mut work = Box::pin(self.once(binder, settings, delegate, deadline));
        if let Ok(done) = tokio::time::timeout(limit, &mut work).await {
            return done;
        }
        if let Ok((machine, _)) = self.run.machine(self.host, delegate, binder, Some(self.task))
            && machine.is_talking()
        {
            // the host ends what it does by itself, and can then be asked again
            let answered = tokio::time::timeout(super::machine::SLACK, work).await;
            if answered.is_err() {
                machine.reset().await;
            }
            machine.store.spoil();
        }
        // as Python prints numbers
        let period = if seconds.fract() == 0.0 { Value::from(seconds as i64) } else { Value::from(seconds) };
        let message = format!("Task failed: Timed out after {} second(s).", period.to_text());
        let frame = "Configure `DISPLAY_TRACEBACK` to see a traceback on timeout errors.";
        let result = crate::map! {
            "timedout" => crate::map! {"frame" => frame, "period" => period}, "msg" => message.as_str(),
        };
        Ok(Single { result, ..Single::failed(FailureText { message, ..FailureText::default() }) })
    }

    /// The module, once.
    pub(super) async fn once(
        &self,
        binder: &Binder<'_>,
        settings: &Settings,
        delegate: Option<&str>,
        deadline: Option<Instant>,
    ) -> Result<Single, Trouble> {
        let name = match binder.module(self.task) {
            Ok(name) => name,
            Err(stop) => return Ok(Single::stopped(stop)),
        };
        let (module, file) = match self.chosen(&name) {
            Ok(chosen) => chosen,
            Err(diagnostic) => return Ok(Single::stopped(Stop::Failed(Box::new(diagnostic)))),
        };
        let free_form = match module.doc().free_form {
            FreeForm::Raw(parameter) => Some(parameter),
            FreeForm::Pairs => None,
        };
        let Bound { given, tainted, unknown } = match binder.arguments(self.task, free_form) {
            Ok(bound) => bound,
            Err(stop) => return Ok(Single::stopped(stop)),
        };
        if let Some(unknown) = unknown
            && !matches!(module.doc().name, "debug" | "set_fact")
        {
            return Ok(Single::unknown(unknown));
        }
        let (machine, user) = match self.run.machine(self.host, delegate, binder, Some(self.task)) {
            Ok(found) => found,
            Err(stop) => return Ok(Single::stopped(stop)),
        };
        let beside = match self.beside(module.doc().name, binder, delegate, &machine) {
            Ok(beside) => beside,
            Err(stop) => return Ok(Single::stopped(stop)),
        };
        let (machine, user) = match &beside {
            None => (machine, user),
            Some(beside) => beside.runs_on(&user),
        };
        let environment = match binder.environment(self.task) {
            Ok(environment) => environment,
            Err(stop) => return Ok(Single::stopped(stop)),
        };
        if machine.is_restless() {
            machine.store.spoil();
        }
        let detached = match self.detached(binder, &environment) {
            Ok(detached) => detached,
            Err(stop) => return Ok(Single::stopped(stop)),
        };

        let making = Making { given: &given, binder, settings, machine: &machine, user: &user, delegate };
        let made = match self.made(file.as_ref(), making).await {
            Ok(made) => made,
            Err(cause) => {
                return cause.single().map(|single| Single { tainted, foreign: true, ..single });
            }
        };
        let pinged = if file.is_none() && module.doc().name == "ping" && self.run.options.check_apart {
            match self.pinged(making).await {
                Ok(found) => Some(found),
                Err(cause) => return cause.single(),
            }
        } else {
            None
        };
        let context = Context {
            packed: made.as_ref().map(|made| Arc::clone(&made.packed)),
            shows_secrets: self.run.options.check_apart,
            check_mode: settings.check_mode,
            diff: settings.diff,
            user: machine.user_name(&user),
            // who cannot be become fails with the task's own first question
            home: if names_home(&module.fields(), &given) {
                machine.asked_home(&user).await.ok().flatten()
            } else {
                None
            },
            environment,
            host: self.host.to_string(),
            verbosity: self.run.options.verbosity,
            peer: beside.as_ref().map(|beside| Arc::clone(&beside.peer)),
        };
        let controller = TaskController {
            binder: binder.clone(),
            project: &self.run.project,
            files: &self.run.files,
            search: self.play.search(self.task),
            ahead: false,
        };
        let execution = Execution {
            turn: self,
            machine: &machine,
            user: &user,
            module,
            given: &given,
            context: &context,
            controller: &controller,
            settings,
            delegated: delegate.is_some() || beside.is_some(),
            detached: detached.as_ref(),
            deadline,
        };
        let mut single = match execution.run().await {
            // check mode: who is to be become may be one of those that would have been made by now
            Err(trouble) if !trouble.unreachable && user.spec.is_some() => match execution.making() {
                Some(task) => Single::unknown(task),
                None => return Err(trouble),
            },
            ended => ended?,
        };
        if module.doc().name == "setup" {
            self.name_python(binder, &mut single, delegate);
        }
        if let Some(beside) = &beside {
            beside.note(&single, settings.check_mode, &self.me());
        }
        single.cacheable = given.get("cacheable").and_then(Value::to_bool).unwrap_or(false);
        single.tainted |= tainted;
        if let Some(made) = made {
            made.note(&mut single, delegate);
        }
        if let Some(found) = pinged {
            found.note(&mut single, delegate);
        }
        Ok(single)
    }

    /// What a run of the module means for variables; facts go to the host `facts_of` where that is another one.
    pub(super) fn effects(&self, single: &Single, facts_of: Option<&Arc<str>>) -> Vec<Effect> {
        let mut effects = single.effects.clone();
        if !single.facts.is_empty() {
            if short_name(&self.task.module) == "set_fact" {
                let named = single.facts.iter().filter_map(|(key, value)| Some((key.as_str()?, value)));
                for (name, _) in named.clone().filter(|(name, _)| is_reserved(name)) {
                    let place = self.task.args.name_places.get(name).unwrap_or(&self.task.place);
                    self.run.warn_of(reserved(name, place));
                }
                effects.extend(named.map(|(name, value)| Effect::Set(Arc::from(name), value.clone())));
                if single.cacheable {
                    effects.push(Effect::Facts(single.facts.clone()));
                }
            } else {
                effects.push(Effect::Facts(single.facts.clone()));
            }
        }
        match facts_of {
            None => effects,
            Some(host) => {
                effects.into_iter().map(|effect| Effect::Of(Arc::clone(host), Box::new(effect))).collect()
            }
        }
    }

    /// The host that facts belong to, where it is not the task's (`delegate_facts`).
    fn facts_of(&self, binder: &Binder<'_>, delegate: Option<&Arc<str>>) -> Option<Arc<str>> {
        let delegate = delegate?;
        let asked = binder.flag(self.task, Keyword::DelegateFacts).ok().flatten();
        (asked == Some(true)).then(|| Arc::clone(delegate))
    }

    fn registers(&self, mut value: Value) -> Option<Effect> {
        // as Ansible: only items of loops keep it
        if let Value::Map(entries) = &mut value
            && entries.contains_key(&Key::str("invocation"))
        {
            Arc::make_mut(entries).shift_remove(&Key::str("invocation"));
        }
        let located = self.task.keyword(Keyword::Register)?;
        let name = located.value.to_text();
        (!name.is_empty() && located.value != Value::Null).then(|| Effect::Set(Arc::from(name), value))
    }

    fn outcome(&self, single: Single, settings: &Settings, result: Value, started: Instant) -> Outcome {
        Outcome {
            status: single.status(settings.ignore_errors),
            summary: single.summary,
            diffs: single.diffs,
            result,
            failure: single.failure,
            warnings: single.warnings,
            censored: settings.censored || single.censored,
            tainted: single.tainted,
            diff: settings.diff,
            elapsed: started.elapsed(),
        }
    }

    /// The end of the turn. `binder` has the variables of the task without an item.
    fn end(
        &self,
        mut single: Single,
        settings: &Settings,
        delegate: Option<Arc<str>>,
        binder: &Binder<'_>,
        started: Instant,
    ) -> Ended {
        let deprecations = binder.lookups.deprecations();
        if !deprecations.is_empty() && !single.looped && single.unknown.is_none() {
            let told = deprecations.iter().map(registered_deprecation);
            single.result.insert(Key::str("deprecations"), Value::list(told));
        }
        for deprecation in deprecations {
            self.run.tell(Event::Deprecated { task: Arc::clone(&self.label), deprecation });
        }
        if settings.diff
            && (self.run.options.check_apart || self.task.keyword(Keyword::Diff).is_some())
            && !single.diffs.is_empty()
        {
            let told = || differences::registered(&single.diffs);
            single.result.entry(Key::str("diff")).or_insert_with(told);
        }
        let value = single.value();
        if single.foreign && single.skipped.is_none() {
            self.run.count(self.host, |recap| recap.python += 1);
        }
        let changed = single.changed && !single.failed && single.skipped.is_none();
        let maybe = single.unknown.is_some() && settings.check_mode;
        let facts_of = self.facts_of(binder, delegate.as_ref());
        let mut effects = self.effects(&single, facts_of.as_ref());
        if single.skipped.is_some() {
            effects.clear();
        }
        effects.extend(self.registers(single.registered()));
        if !changed {
            // remembered for a change that did not happen
            for name in &single.remembered {
                self.run.forget(self.host, &self.play.journal, name);
            }
        }
        Ended {
            delegate,
            looped: false,
            effects,
            notifies: if changed || maybe { settings.notify.clone() } else { Vec::new() },
            notifies_maybe: maybe,
            included: single.included.clone().map(|bundle| (bundle, None)).into_iter().collect(),
            broken: single.broken,
            outcome: self.outcome(single, settings, value, started),
        }
    }
}
