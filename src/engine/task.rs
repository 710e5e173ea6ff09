//! One task on one host at its turn: bind, plan, change, result; loops, retries, register.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::ahead::{self, Ahead};
use super::controller::TaskController;
use super::event::{Event, FailureText, Outcome, Status, TaskLabel};
use super::known::{Look, Wanted};
use super::lookups;
use super::machine::{Machine, Trouble, User};
use super::play::PlayRun;
use super::run::Run;
use crate::base::{Key, Map, Unknown, Value};
use crate::lang::{Keyword, Task};
use crate::modules::contract::Failed;
use crate::modules::{AnyModule, Context, FreeForm, Given, Halt, Plan, Side, Step, View, Wait, Wanted as Ends, registry};
use crate::plan::bind::{Binder, Bound, Stop, When};
use crate::plan::variables::TaskVariables;
use crate::template::{Lookups, Truth};
use crate::wire::{Action, Change, CommandOutput, Content, Done, FailureKind, Observation, Query};

/// How often a plan is made anew because the host changed under it, or because it asks for more.
const MOST_ROUNDS: usize = 64;

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
}

/// One run of the module.
#[derive(Debug, Default)]
struct Single {
    result: Map,
    changed: bool,
    failed: bool,
    skipped: Option<String>,
    unknown: Option<Arc<Unknown>>,
    summary: String,
    diffs: Vec<crate::modules::Diff>,
    warnings: Vec<String>,
    failure: Option<FailureText>,
    facts: Map,
    /// The names that are remembered on the target for this task's handlers.
    remembered: Vec<String>,
    tainted: bool,
}

impl Single {
    fn failed(failure: FailureText) -> Self {
        Self { failed: true, failure: Some(failure), ..Self::default() }
    }

    fn unknown(unknown: Arc<Unknown>) -> Self {
        Self { unknown: Some(unknown), ..Self::default() }
    }

    fn skipped(reason: impl Into<String>) -> Self {
        Self { skipped: Some(reason.into()), ..Self::default() }
    }

    fn stopped(stop: Stop) -> Self {
        match stop {
            Stop::Unknown(unknown) => Self::unknown(unknown),
            Stop::Deferred => Self::failed(FailureText {
                message: "something was put off that should be done now".to_owned(),
                ..FailureText::default()
            }),
            Stop::Failed(diagnostic) => Self::failed(FailureText {
                message: diagnostic.message.clone(),
                hint: diagnostic.hint.clone(),
                diagnostic: Some(*diagnostic),
            }),
        }
    }

    fn halted(failed: Failed) -> Self {
        let Failed { message, hint, diagnostic, result } = failed;
        Self { result, ..Self::failed(FailureText { message, hint, diagnostic }) }
    }

    /// What `register` sees.
    fn value(&self) -> Value {
        if let Some(unknown) = &self.unknown {
            return Value::Unknown(Arc::clone(unknown));
        }
        let mut map = self.result.clone();
        map.insert(Key::str("changed"), Value::Bool(self.changed));
        map.insert(Key::str("failed"), Value::Bool(self.failed));
        if let Some(reason) = &self.skipped {
            map.insert(Key::str("skipped"), Value::Bool(true));
            map.entry(Key::str("skip_reason")).or_insert_with(|| Value::from(reason.as_str()));
        }
        if let Some(failure) = &self.failure {
            map.entry(Key::str("msg")).or_insert_with(|| Value::from(failure.message.as_str()));
        }
        if !self.facts.is_empty() {
            let facts = self.facts.iter().map(|(key, value)| (key.clone(), value.clone())).collect::<Map>();
            map.insert(Key::str("ansible_facts"), Value::map(facts));
        }
        Value::map(map)
    }

    fn status(&self, ignored: bool) -> Status {
        match self {
            Self { failed: true, .. } => Status::Failed { ignored },
            Self { unknown: Some(unknown), .. } => Status::MayChange(Arc::clone(unknown)),
            Self { skipped: Some(reason), .. } => Status::Skipped { reason: reason.clone() },
            Self { changed: true, .. } => Status::Changed,
            _ => Status::Ok,
        }
    }
}

/// A task's settings, rendered.
struct Settings {
    check_mode: bool,
    diff: bool,
    ignore_errors: bool,
    censored: bool,
    notify: Vec<String>,
}

impl Settings {
    /// Where they could not be rendered: nothing is shown that perhaps must not be.
    fn unread(task: &Task) -> Self {
        let censored = task.keyword(Keyword::NoLog).is_some();
        Self { check_mode: true, diff: false, ignore_errors: false, censored, notify: Vec::new() }
    }
}

impl Turn<'_> {
    fn variables(&self) -> TaskVariables {
        let state = self.run.world.host(self.host).unwrap_or_else(|| self.run.unknown_host());
        TaskVariables::new(&self.run.world, &self.play.vars, self.host, &state, self.task)
    }

    fn me(&self) -> Arc<Unknown> {
        Arc::new(Unknown { task: Arc::clone(&self.label.name), place: Some(self.task.place.clone()) })
    }

    fn lookups(&self) -> Arc<dyn Lookups> {
        Arc::new(lookups::World {
            project: Arc::clone(&self.run.project),
            search: self.play.search(self.task),
            ahead: false,
            now: self.run.now(),
        })
    }

    /// Runs the task on the host; the error is that it cannot be reached.
    pub(super) async fn take(&self) -> Result<Ended, Trouble> {
        let started = Instant::now();
        let lookups = self.lookups();
        match self.take_with(&lookups, started).await {
            Err(trouble) if !trouble.unreachable => {
                let Trouble { unreachable: _, message, hint } = trouble;
                let binder = Binder {
                    templar: &self.run.templar,
                    lookups: &lookups,
                    variables: Arc::new(self.variables()),
                };
                let settings = self.settings(&binder).unwrap_or_else(|_| Settings::unread(self.task));
                let failure = FailureText { message, hint, diagnostic: None };
                Ok(self.end(Single::failed(failure), &settings, None, started))
            }
            other => other,
        }
    }

    async fn take_with(&self, lookups: &Arc<dyn Lookups>, started: Instant) -> Result<Ended, Trouble> {
        let variables = self.variables();
        let binder =
            Binder { templar: &self.run.templar, lookups, variables: Arc::new(variables.clone()) };
        let settings = match self.settings(&binder) {
            Ok(settings) => settings,
            Err(stop) => {
                let settings = Settings::unread(self.task);
                return Ok(self.end(Single::stopped(stop), &settings, None, started));
            }
        };
        let items = match binder.loop_items(self.task) {
            Ok(items) => items,
            Err(stop) => {
                // as Ansible: a loop that cannot be evaluated does not matter where the condition is false
                if let Ok(When::Skip { condition }) = binder.when(self.task) {
                    let single = Single::skipped(format!("the condition `{condition}` is false"));
                    return Ok(self.end(single, &settings, None, started));
                }
                return Ok(self.end(Single::stopped(stop), &settings, None, started));
            }
        };
        match items {
            None => {
                let (single, delegate) = self.attempts(lookups, variables, &settings).await?;
                Ok(self.end(single, &settings, delegate, started))
            }
            Some(items) => self.take_loop(lookups, &binder, items, &settings, started).await,
        }
    }

    async fn take_loop(
        &self,
        lookups: &Arc<dyn Lookups>,
        binder: &Binder<'_>,
        items: Vec<Value>,
        settings: &Settings,
        started: Instant,
    ) -> Result<Ended, Trouble> {
        let (name, index_name) = match binder.loop_names(self.task) {
            Ok(names) => names,
            Err(stop) => return Ok(self.end(Single::stopped(stop), settings, None, started)),
        };
        if items.is_empty() {
            let single = Single { result: crate::map! {"results" => Vec::new()}, ..Single::skipped("the loop has no items") };
            return Ok(self.end(single, settings, None, started));
        }
        let mut whole = Single { skipped: Some("every item was skipped".to_owned()), ..Single::default() };
        let mut results = Vec::new();
        let mut effects = Vec::new();
        let mut delegate = None;
        let count = items.len();
        for (index, item) in items.into_iter().enumerate() {
            let begun = Instant::now();
            // variables anew: an item may have set facts
            let mut variables = self.variables().with(&name, item.clone());
            variables = variables.with("ansible_loop_var", Value::from(name.as_str()));
            if let Some(index_name) = &index_name {
                variables = variables.with(index_name, Value::from(index)).with("ansible_index_var", Value::from(index_name.as_str()));
            }
            let label = self.label_of(lookups, &variables, &item);
            let (single, to) = self.attempts(lookups, variables, settings).await?;
            delegate = delegate.or(to);
            let mut value = match single.value() {
                Value::Map(entries) => (*entries).clone(),
                other => {
                    whole.unknown = whole.unknown.or(single.unknown.clone());
                    crate::map! {"unknown" => other}
                }
            };
            value.insert(Key::from(name.as_str()), item);
            value.insert(Key::str("ansible_loop_var"), Value::from(name.as_str()));
            let value = Value::map(value);
            results.push(value.clone());
            whole.changed |= single.changed;
            if single.skipped.is_none() {
                whole.skipped = None;
            }
            if single.failed && !whole.failed {
                whole.failed = true;
                whole.failure = Some(FailureText { message: "one or more items failed".to_owned(), ..FailureText::default() });
            }
            whole.tainted |= single.tainted;
            whole.remembered.extend(single.remembered.iter().cloned());
            let own = self.effects(&single, None);
            self.run.apply(self.host, &own);
            effects.extend(own);
            let outcome = self.outcome(single, settings, value, begun);
            self.run.tell(Event::ItemFinished {
                host: Arc::clone(self.host),
                task: Arc::clone(&self.label),
                label,
                outcome: Box::new(outcome),
            });
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
            let message = if whole.failed {
                "One or more items failed"
            } else if whole.skipped.is_some() {
                "All items skipped"
            } else {
                "All items completed"
            };
            whole.result.insert(Key::str("msg"), Value::from(message));
        }
        let mut ended = self.end(whole, settings, delegate, started);
        ended.looped = true;
        effects.extend(std::mem::take(&mut ended.effects));
        ended.effects = effects;
        Ok(ended)
    }

    fn label_of(&self, lookups: &Arc<dyn Lookups>, variables: &TaskVariables, item: &Value) -> String {
        let label = self.task.looped.as_ref().and_then(|looped| looped.control.get("label"));
        let binder = Binder { templar: &self.run.templar, lookups, variables: Arc::new(variables.clone()) };
        label.and_then(|located| binder.known(located).ok()).unwrap_or_else(|| item.clone()).to_text()
    }

    fn settings(&self, binder: &Binder<'_>) -> Result<Settings, Stop> {
        let flag = |keyword| binder.flag(self.task, keyword);
        let options = &self.run.options;
        let mut notify = Vec::new();
        for located in self.task.keyword(Keyword::Notify) {
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
            censored: flag(Keyword::NoLog)?.unwrap_or(false),
            notify,
        })
    }

    /// The task with these variables: its condition, then as many tries as `until` asks for.
    async fn attempts(
        &self,
        lookups: &Arc<dyn Lookups>,
        variables: TaskVariables,
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
                let mut single = Single::skipped(format!("the condition `{condition}` is false"));
                single.result.insert(Key::str("skip_reason"), Value::from("Conditional result was False"));
                single.result.insert(Key::str("false_condition"), Value::from(condition));
                return Ok((single, None));
            }
            Ok(When::Unknown(unknown)) => return Ok((Single::unknown(unknown), None)),
            Err(stop) => return Ok((Single::stopped(stop), None)),
        }
        let delegate = match binder.text(self.task, Keyword::DelegateTo) {
            Ok(delegate) => delegate.map(Arc::<str>::from),
            Err(stop) => return Ok((Single::stopped(stop), None)),
        };
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
        loop {
            left -= 1;
            let mut single = self.once(&binder, settings, delegate.as_deref()).await?;
            if tries > 1 {
                single.result.insert(Key::str("attempts"), Value::from(tries - left));
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
                if until.is_some() && single.failed && self.task.keyword(Keyword::FailedWhen).is_none() {
                    // as Ansible: when `until` holds, the module's failure stands
                }
                return Ok((single, delegate));
            }
            if left == 0 {
                single.failed = true;
                single.failure.get_or_insert_with(|| FailureText {
                    message: format!("`until` did not hold in {tries} tries"),
                    ..FailureText::default()
                });
                return Ok((single, delegate));
            }
            self.run.tell(Event::TaskRetry { host: Arc::clone(self.host), task: Arc::clone(&self.label), left });
            tokio::time::sleep(Duration::from_secs_f64(delay)).await;
            if let Ok((machine, _)) = self.run.machine(self.host, delegate.as_deref(), &binder, Some(self.task)) {
                machine.store.spoil();
            }
        }
    }

    fn with_result(&self, variables: &TaskVariables, single: &Single) -> TaskVariables {
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
                        single.summary = "not run in check mode".to_owned();
                    } else if single.unknown.is_none() {
                        single.changed = holds;
                    }
                }
                _ => {
                    if single.unknown.is_none() {
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
                        } else {
                            single.failure = None;
                        }
                    }
                }
            }
        }
    }

    /// The module, once.
    async fn once(
        &self,
        binder: &Binder<'_>,
        settings: &Settings,
        delegate: Option<&str>,
    ) -> Result<Single, Trouble> {
        let Some(module) = registry::find(&self.task.module) else {
            return Ok(Single::failed(FailureText {
                message: format!("there is no module `{}`", self.task.module),
                ..FailureText::default()
            }));
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
        let environment = match binder.environment(self.task) {
            Ok(environment) => environment,
            Err(stop) => return Ok(Single::stopped(stop)),
        };
        let context = Context {
            check_mode: settings.check_mode,
            diff: settings.diff,
            user: machine.user_name(&user),
            environment,
            host: self.host.to_string(),
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
            delegated: delegate.is_some(),
        };
        let mut single = execution.run().await?;
        single.tainted |= tainted;
        Ok(single)
    }

    fn effects(&self, single: &Single, registered: Option<Value>) -> Vec<Effect> {
        let mut effects = Vec::new();
        if !single.facts.is_empty() {
            let short = self.task.module.rsplit('.').next().unwrap_or_default();
            if short == "set_fact" {
                let named = single.facts.iter().filter_map(|(key, value)| Some((key.as_str()?, value)));
                effects.extend(named.map(|(name, value)| Effect::Set(Arc::from(name), value.clone())));
            } else {
                effects.push(Effect::Facts(single.facts.clone()));
            }
        }
        if let (Some(located), Some(value)) = (self.task.keyword(Keyword::Register), registered) {
            effects.push(Effect::Set(Arc::from(located.value.to_text()), value));
        }
        effects
    }

    fn outcome(&self, single: Single, settings: &Settings, result: Value, started: Instant) -> Outcome {
        Outcome {
            status: single.status(settings.ignore_errors),
            summary: single.summary,
            diffs: single.diffs,
            result,
            failure: single.failure,
            warnings: single.warnings,
            censored: settings.censored || single.tainted,
            elapsed: started.elapsed(),
        }
    }

    fn end(&self, single: Single, settings: &Settings, delegate: Option<Arc<str>>, started: Instant) -> Ended {
        let value = single.value();
        let changed = single.changed && !single.failed && single.skipped.is_none();
        let maybe = single.unknown.is_some() && settings.check_mode;
        let mut effects = self.effects(&single, Some(value.clone()));
        if !single.failed && single.skipped.is_some() {
            effects.retain(|effect| matches!(effect, Effect::Set(..)));
        }
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
            outcome: self.outcome(single, settings, value, started),
        }
    }
}

/// A module's run on a machine.
struct Execution<'a> {
    turn: &'a Turn<'a>,
    machine: &'a Arc<Machine>,
    user: &'a User,
    module: &'static dyn AnyModule,
    given: &'a Given,
    context: &'a Context,
    controller: &'a TaskController<'a>,
    settings: &'a Settings,
    delegated: bool,
}

impl Execution<'_> {
    async fn run(&self) -> Result<Single, Trouble> {
        let mut stale = 0;
        for _ in 0..MOST_ROUNDS {
            let (step, look) = {
                let look = Look::now(&self.machine.store, &self.user.key);
                let step = self.module.plan(self.given, &View::new(&look, self.controller, self.context));
                (step, (look.needed(), look.used()))
            };
            match step {
                Err(Halt::Needed) => {
                    let (mut wanted, users) = self.ahead(&[]);
                    wanted.add(&self.user.key, look.0);
                    self.busy("asking");
                    self.machine.observe(wanted, &users).await?;
                }
                Err(Halt::Unknown(unknown)) => return Ok(Single::unknown(unknown)),
                Err(Halt::Deferred) => return Ok(Single::stopped(Stop::Deferred)),
                Err(Halt::Failed(failed)) => return Ok(Single::halted(*failed)),
                Ok(Step::Wait(wait)) => return self.wait(wait).await,
                Ok(Step::Plan(plan)) => {
                    if plan.changes.is_empty() || self.settings.check_mode {
                        return Ok(self.without_changes(plan));
                    }
                    match self.perform(&plan, look.1).await? {
                        Performed::Done(single) => return Ok(*single),
                        Performed::Stale(message) => {
                            stale += 1;
                            if stale > 3 {
                                return Ok(Single::failed(FailureText {
                                    message,
                                    hint: Some("something else keeps changing it".to_owned()),
                                    diagnostic: None,
                                }));
                            }
                        }
                    }
                }
            }
        }
        Ok(Single::failed(FailureText {
            message: format!("the module did not come to an end in {MOST_ROUNDS} rounds of questions"),
            ..FailureText::default()
        }))
    }

    fn busy(&self, what: &str) {
        self.turn.run.tell(Event::HostBusy { host: Arc::clone(self.turn.host), what: Some(what.to_owned()) });
    }

    /// What the tasks that follow will ask, seen through these changes.
    fn ahead(&self, changes: &[Change]) -> (Wanted, Vec<User>) {
        let (wanted, mut users) = if self.delegated {
            (Wanted::default(), Vec::new())
        } else {
            ahead::wanted(self.turn, self.machine, self.user, changes, &self.context.user)
        };
        if !users.contains(self.user) {
            users.push(self.user.clone());
        }
        (wanted, users)
    }

    fn without_changes(&self, plan: Plan) -> Single {
        let changed = plan.is_changed();
        let Plan { changes, changed: _, summary, diffs, result, facts, warnings, opaque, skipped } = plan;
        if opaque && !changes.is_empty() {
            // check mode does not run it, so nobody knows what it would give
            return Single { summary, diffs, warnings, ..Single::unknown(self.turn.me()) };
        }
        let changes: Vec<Change> = changes.into_iter().filter(|c| c.side == Side::Host).map(|c| c.change).collect();
        if !changes.is_empty() {
            let me = self.turn.me();
            self.machine.store.predict(&self.user.key, &changes, &self.context.user, &me);
        }
        Single {
            result,
            changed,
            skipped: skipped.then(|| summary.clone()),
            summary,
            diffs,
            warnings,
            facts,
            ..Single::default()
        }
    }

    async fn perform(&self, plan: &Plan, used: indexmap::IndexSet<Query>) -> Result<Performed, Trouble> {
        let turn = self.turn;
        self.busy(&plan.summary);
        let changes: Vec<Change> = plan.changes.iter().map(|planned| planned.change.clone()).collect();
        let raw = changes.iter().find_map(|change| match &change.action {
            Action::Raw { text } => Some(text),
            _ => None,
        });
        let mut remembered = Vec::new();
        let outcomes = if let Some(text) = raw {
            vec![Ok(Done::Ran(self.machine.raw(text).await?))]
        } else {
            let (mut wanted, _) = self.ahead(&changes);
            wanted.add(&self.user.key, used);
            let then = wanted.take(&self.user.key);
            let never = turn.task.keyword(Keyword::ChangedWhen).is_some_and(|w| w.value == Value::Bool(false));
            let remember = if self.settings.notify.is_empty() || never {
                None
            } else {
                remembered =
                    self.settings.notify.iter().map(|name| format!("{}/{name}", turn.host)).collect();
                Some((turn.play.journal.clone(), remembered.clone()))
            };
            self.machine.perform(self.user, remember, &changes, then, None).await?
        };
        let mut done = Vec::new();
        for (at, outcome) in outcomes.into_iter().enumerate() {
            match outcome {
                Ok(outcome) => done.push(outcome),
                Err(failure) if failure.kind == FailureKind::Stale => {
                    return Ok(Performed::Stale(failure.message));
                }
                Err(failure) => {
                    let failed = self.module.failure(self.given, plan, at, &failure);
                    let mut single = Single::halted(failed);
                    single.remembered = remembered;
                    single.changed = at > 0;
                    return Ok(Performed::Done(Box::new(single)));
                }
            }
        }
        let mut single = self.result(plan, &done).await?;
        single.remembered = remembered;
        Ok(Performed::Done(Box::new(single)))
    }

    async fn result(&self, plan: &Plan, done: &[Done]) -> Result<Single, Trouble> {
        for _ in 0..MOST_ROUNDS {
            let (result, needed) = {
                let look = Look::now(&self.machine.store, &self.user.key);
                let view = View::new(&look, self.controller, self.context);
                (self.module.result(self.given, &view, plan, done), look.needed())
            };
            match result {
                Ok(result) => {
                    return Ok(Single {
                        result,
                        changed: plan.is_changed(),
                        summary: plan.summary.clone(),
                        diffs: plan.diffs.clone(),
                        warnings: plan.warnings.clone(),
                        facts: plan.facts.clone(),
                        ..Single::default()
                    });
                }
                Err(Halt::Needed) => {
                    let mut wanted = Wanted::default();
                    wanted.add(&self.user.key, needed);
                    self.machine.observe(wanted, std::slice::from_ref(self.user)).await?;
                }
                Err(Halt::Unknown(unknown)) => return Ok(Single::unknown(unknown)),
                Err(Halt::Deferred) => return Ok(Single::stopped(Stop::Deferred)),
                Err(Halt::Failed(failed)) => {
                    return Ok(Single {
                        changed: plan.is_changed(),
                        diffs: plan.diffs.clone(),
                        ..Single::halted(*failed)
                    });
                }
            }
        }
        Ok(Single::stopped(Stop::Deferred))
    }

    async fn wait(&self, wait: Wait) -> Result<Single, Trouble> {
        let Wait { query, wanted, delay, sleep, timeout, message, mut result } = wait;
        if self.settings.check_mode {
            return Ok(Single { result, ..Single::skipped("nothing is waited for in check mode") });
        }
        let started = Instant::now();
        if delay > 0.0 {
            tokio::time::sleep(Duration::from_secs_f64(delay)).await;
            self.machine.store.spoil();
        }
        loop {
            let observed = self.machine.store.observed(&self.user.key, &query);
            let observed = if observed.is_some() {
                observed
            } else {
                let (mut all, users) = self.ahead(&[]);
                all.add(&self.user.key, [query.clone()]);
                self.busy(&format!("waiting, {:.0} s", started.elapsed().as_secs_f64()));
                self.machine.observe(all, &users).await?;
                self.machine.store.observed(&self.user.key, &query)
            };
            if observed.as_ref().is_some_and(|observation| ends(&wanted, observation)) {
                result.insert(Key::str("elapsed"), Value::from(started.elapsed().as_secs()));
                return Ok(Single { result, summary: "there already".to_owned(), ..Single::default() });
            }
            if started.elapsed().as_secs_f64() >= timeout {
                let elapsed = started.elapsed().as_secs();
                let result = crate::map! {"elapsed" => elapsed};
                let failure = FailureText { message, ..FailureText::default() };
                return Ok(Single { result, ..Single::failed(failure) });
            }
            tokio::time::sleep(Duration::from_secs_f64(sleep.max(0.05))).await;
            self.machine.store.spoil();
        }
    }
}

enum Performed {
    Done(Box<Single>),
    Stale(String),
}

fn ends(wanted: &Ends, observation: &Observation) -> bool {
    let text = |output: &CommandOutput| String::from_utf8_lossy(&output.stdout).into_owned();
    match (wanted, observation) {
        (Ends::Flag(wanted), Observation::Flag(found)) => wanted == found,
        (Ends::Present(wanted), Observation::Stat(found)) => *wanted == found.is_some(),
        (Ends::Succeeds, Observation::Command(output)) => output.status == 0,
        (Ends::Matches(pattern), Observation::Content(Content::Bytes(bytes))) => {
            finds(pattern, &String::from_utf8_lossy(bytes))
        }
        (Ends::Matches(pattern), Observation::Command(output)) => finds(pattern, &text(output)),
        _ => false,
    }
}

fn finds(pattern: &str, text: &str) -> bool {
    crate::base::pyregex::compile(pattern, crate::base::pyregex::MULTILINE)
        .is_ok_and(|regex| regex.is_match(text).unwrap_or(false))
}
