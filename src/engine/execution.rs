//! A module's run on a machine: ask for what the plan needs, carry the plan out, make the result; or wait.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::ahead;
use super::controller::TaskController;
use super::event::{Event, FailureText};
use super::jobs::Detached;
use super::known::{Look, Wanted};
use super::machine::{Machine, Trouble, User};
use super::python;
use super::single::{Settings, Single};
use super::task::Turn;
use crate::base::{Key, Map, Unknown, Value, pyregex};
use crate::lang::{Keyword, short_name};
use crate::modules::{
    AnyModule, Context, Flow, Given, Halt, Plan, Planned, Side, Step, View, Wait, Wanted as Ends,
};
use crate::plan::bind::Stop;
use crate::wire::{
    Action, Change, CommandOutput, Content, Done, Failure, FailureKind, Observation, Outcome, Query,
};

/// How often a plan is made anew because the host changed under it, or because it asks for more.
const MOST_ROUNDS: usize = 64;

/// A module's run on a machine.
#[derive(Clone, Copy)]
pub(super) struct Execution<'a> {
    pub(super) turn: &'a Turn<'a>,
    pub(super) machine: &'a Arc<Machine>,
    pub(super) user: &'a User,
    pub(super) module: &'static dyn AnyModule,
    pub(super) given: &'a Given,
    pub(super) context: &'a Context,
    pub(super) controller: &'a TaskController<'a>,
    pub(super) settings: &'a Settings,
    pub(super) delegated: bool,
    /// How it is started without waiting for it (`async`).
    pub(super) detached: Option<&'a Detached>,
    /// When the task's `timeout` is over.
    pub(super) deadline: Option<Instant>,
}

/// The modules that Ansible's controller checks before it does anything: what is wrong with their parameters is no result
/// of theirs.
const SELF_CHECKED: &[&str] = &["assert", "debug", "pause", "script", "set_fact", "add_host", "template"];

/// Modules that have nothing to do where what they would edit or remove is not there.
const EDITS: &[&str] = &["blockinfile", "file", "ini_file", "lineinfile", "replace"];

/// What the module wants once nothing is missing, with the questions that it asked on the way; or its end.
pub(super) enum Next {
    Step(Box<Step>, indexmap::IndexSet<Query>),
    Ended(Box<Single>),
}

impl Execution<'_> {
    /// Plans until nothing is missing, then carries the plan out.
    pub(super) async fn run(&self) -> Result<Single, Trouble> {
        if let Some(detached) = self.detached {
            return Box::pin(self.start(detached)).await;
        }
        let mut stale = 0;
        loop {
            let (step, used) = match self.next().await? {
                Next::Step(step, used) => (*step, used),
                Next::Ended(single) => return Ok(*single),
            };
            match step {
                Step::Wait(wait) => return self.wait(wait).await,
                Step::Flow(flow) => {
                    let passes_time = matches!(flow, Flow::Pause(_));
                    let single = self.turn.flow(flow, self.settings).await;
                    if passes_time {
                        // for all hosts, though the task was taken for one
                        for (_, machine) in self.turn.run.machines() {
                            machine.store.spoil();
                        }
                    }
                    return Ok(single);
                }
                Step::Errand(errand) => return Box::pin(self.errand(errand)).await,
                Step::Plan(plan) => {
                    let told_only = self.settings.check_mode && !self.module.tells_all();
                    if plan.changes.is_empty() || told_only {
                        return Ok(self.without_changes(plan));
                    }
                    match self.perform(&plan, used).await? {
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
    }

    /// Plans until nothing is missing.
    pub(super) async fn next(&self) -> Result<Next, Trouble> {
        let ended = |single| Ok(Next::Ended(Box::new(single)));
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
                    self.machine.observe(wanted, self.user, &users).await?;
                }
                Err(Halt::Unknown(unknown)) => return ended(Single::unknown(unknown)),
                Err(Halt::Deferred) => return ended(Single::stopped(Stop::Deferred)),
                Err(Halt::Failed(mut failed)) => {
                    let name = self.module.doc().name;
                    failed.raised |= SELF_CHECKED.contains(&name) && failed.result.is_empty();
                    let single = self.doubted().map_or_else(|| Single::halted(*failed), Single::unknown);
                    return ended(single);
                }
                Ok(Step::Plan(plan))
                    if EDITS.contains(&self.module.doc().name)
                        && !plan.is_changed()
                        && self.machine.store.installs().is_some()
                        && let Some(unknown) = self.doubted() =>
                {
                    return ended(Single::unknown(unknown));
                }
                Ok(step) => return Ok(Next::Step(Box::new(step), look.1)),
            }
        }
        ended(Single::failed(FailureText {
            message: format!("the module did not come to an end in {MOST_ROUNDS} rounds of questions"),
            ..FailureText::default()
        }))
    }

    /// Check mode: the task that would have installed packages by now, or else have changed something.
    pub(super) fn making(&self) -> Option<Arc<Unknown>> {
        let options = &self.turn.run.options;
        (options.check_mode && !options.check_apart).then(|| self.machine.store.making()).flatten()
    }

    /// Check mode: the task that would have installed what the module fails for lack of, or finds nothing to do for
    /// lack of, where there is one.
    fn doubted(&self) -> Option<Arc<Unknown>> {
        let options = &self.turn.run.options;
        if !options.check_mode || options.check_apart || self.machine.store.brings().is_none() {
            return None;
        }
        let look = Look::doubtful(&self.machine.store, &self.user.key);
        match self.module.plan(self.given, &View::new(&look, self.controller, self.context)) {
            Err(Halt::Unknown(unknown)) => Some(unknown),
            Ok(_) | Err(Halt::Needed | Halt::Deferred | Halt::Failed(_)) => None,
        }
    }

    pub(super) fn busy(&self, what: &str) {
        self.turn.run.tell(Event::HostBusy { host: Arc::clone(self.turn.host), what: Some(what.to_owned()) });
    }

    /// What the tasks that follow will ask, seen through these changes.
    pub(super) fn ahead(&self, changes: &[Change]) -> (Wanted, Vec<User>) {
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

    pub(super) fn without_changes(&self, plan: Plan) -> Single {
        let changed = plan.is_changed();
        let Plan { changes, changed: _, summary, diffs, result, facts, warnings, opaque, skipped, tainted } =
            plan;
        if opaque && !changes.is_empty() && self.turn.run.options.check_apart {
            return self.not_run(result, warnings);
        }
        if opaque && !changes.is_empty() {
            // check mode does not run it, so nobody knows what it would give, and what it would make
            if !self.never_changes() || self.given.contains_key("creates") {
                self.machine.store.not_run(&self.turn.me());
            }
            return Single { summary, diffs, warnings, tainted, ..Single::unknown(self.turn.me()) };
        }
        let changes: Vec<Change> =
            changes.into_iter().filter(|c| c.side == Side::Host).map(|c| c.change).collect();
        // a task that alone is in check mode leaves the host as it is for those that follow
        if !changes.is_empty() && !self.turn.run.options.check_apart && self.turn.run.options.check_mode {
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
            tainted,
            ..Single::default()
        }
    }

    /// Check mode as Ansible's: what cannot be predicted is skipped, and its result looks as if nothing had come out.
    fn not_run(&self, mut result: Map, warnings: Vec<String>) -> Single {
        let module = short_name(&self.turn.task.module);
        let text = |name: &str| self.given.get(name).filter(|value| **value != Value::Null).cloned();
        let guarded = text("creates").or_else(|| text("removes")).is_some();
        let mut changed = false;
        match module {
            "command" | "shell" => {
                changed = guarded;
                let empty = [("stdout", ""), ("stderr", "")];
                result.extend(empty.map(|(name, value)| (Key::str(name), Value::from(value))));
                let lines = ["stdout_lines", "stderr_lines"].map(|name| (Key::str(name), Value::list([])));
                result.extend(lines);
                let none = ["start", "end", "delta"].map(|name| (Key::str(name), Value::Null));
                result.extend(none);
                result.insert(Key::str("rc"), Value::from(0));
                let words = text("_raw_params").or_else(|| text("cmd")).map(|value| value.to_text());
                let cmd = match (module, words, text("argv")) {
                    ("command", Some(words), _) => crate::base::shlex::split(&words).map_or_else(
                        |_| Value::from(words.as_str()),
                        |split| Value::list(split.iter().map(|w| Value::from(w.as_str()))),
                    ),
                    (_, Some(words), _) => Value::from(words),
                    (_, None, argv) => argv.unwrap_or_default(),
                };
                result.insert(Key::str("cmd"), cmd);
                let message = "Command would have run if not in check mode";
                result.insert(Key::str("msg"), Value::from(message));
            }
            "raw" => {}
            "script" => {
                result.insert(Key::str("msg"), Value::from("Check mode is not supported for this task."));
            }
            _ => {
                let message = format!("remote module ({module}) does not support check mode");
                result.insert(Key::str("msg"), Value::from(message));
            }
        }
        let single = Single { result, changed, warnings, ..Single::default() };
        if changed { single } else { Single { skipped: Some("not run in check mode".to_owned()), ..single } }
    }

    pub(super) async fn perform(
        &self,
        plan: &Plan,
        used: indexmap::IndexSet<Query>,
    ) -> Result<Performed, Trouble> {
        self.busy(&plan.summary);
        if matches!(self.module.doc().name, "user" | "group") {
            self.machine.close_others(self.user).await;
        }
        let changes: Vec<Change> = plan.changes.iter().map(|planned| planned.change.clone()).collect();
        let raw = changes.iter().find_map(|change| match &change.action {
            Action::Raw { text } => Some(text),
            _ => None,
        });
        let mut remembered = Vec::new();
        let mut warning = None;
        let outcomes = if let Some(text) = raw {
            vec![Ok(Done::Ran(self.machine.raw(self.user, text).await?))]
        } else {
            let (mut wanted, _) = self.ahead(&changes);
            wanted.add(&self.user.key, used.into_iter().filter(|query| !query.is_remote()));
            let then = wanted.take(&self.user.key);
            remembered = self.remembered();
            let remember = self.remember(&remembered);
            let left = self.time_left();
            let here = |planned: &&Planned| planned.side == Side::Controller;
            let of = |planned: &Planned| planned.change.clone();
            let on_controller: Vec<Change> = plan.changes.iter().filter(here).map(of).collect();
            let on_host: Vec<Change> = plan.changes.iter().filter(|planned| !here(planned)).map(of).collect();
            let outcomes = if on_host.is_empty() {
                Vec::new()
            } else {
                let (outcomes, told) =
                    self.machine.perform(self.user, remember, &on_host, then, left).await?;
                warning = told;
                outcomes
            };
            both_sides(plan, outcomes, on_controller).await?
        };
        match self.conclude(plan, outcomes).await? {
            // a command that runs in check mode too, and fails before what it needs is installed
            Performed::Done(single)
                if single.failed
                    && self.turn.run.options.check_mode
                    && !self.turn.run.options.check_apart
                    && let Some(task) = self.machine.store.installs() =>
            {
                Ok(Performed::Done(Box::new(Single::unknown(task))))
            }
            Performed::Done(mut single) => {
                single.remembered = remembered;
                single.warnings.extend(warning);
                Ok(Performed::Done(single))
            }
            stale @ Performed::Stale(_) => Ok(stale),
        }
    }

    /// Whether the task says that it changes nothing, whatever it runs.
    fn never_changes(&self) -> bool {
        let says = self.turn.task.keyword(Keyword::ChangedWhen);
        says.is_some_and(|says| says.value == Value::Bool(false))
    }

    /// The names of the handlers that it notifies, as they are remembered on the target.
    pub(super) fn remembered(&self) -> Vec<String> {
        let turn = self.turn;
        let notify = if self.never_changes() { &[][..] } else { &self.settings.notify };
        notify.iter().map(|name| format!("{}/{name}", turn.host)).collect()
    }

    /// What is to be remembered before a change.
    pub(super) fn remember(&self, names: &[String]) -> Option<(String, Vec<String>)> {
        if names.is_empty() {
            return None;
        }
        let journal = &self.turn.play.journal;
        self.turn.run.remembers(journal, names);
        Some((journal.clone(), names.to_vec()))
    }

    /// What is left of the task's time, a little more than that: the controller's clock has the first word.
    pub(super) fn time_left(&self) -> Option<Duration> {
        let left = self.deadline?.saturating_duration_since(Instant::now());
        Some(left + Duration::from_millis(50))
    }

    /// The task's result, made of what became of its changes.
    pub(super) async fn conclude(&self, plan: &Plan, outcomes: Vec<Outcome>) -> Result<Performed, Trouble> {
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
                    single.changed |= at > 0;
                    return Ok(Performed::Done(Box::new(single)));
                }
            }
        }
        let single = self.result(plan, &done).await?;
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
                Ok(result) if self.module.tells_all() => return Ok(python::single(result, plan)),
                Ok(result) => {
                    // a module that can tell only afterwards says so in its result
                    let told = result.get("changed").and_then(Value::as_bool);
                    return Ok(Single {
                        changed: told.unwrap_or_else(|| plan.is_changed()),
                        result,
                        summary: plan.summary.clone(),
                        diffs: plan.diffs.clone(),
                        warnings: plan.warnings.clone(),
                        facts: plan.facts.clone(),
                        tainted: plan.tainted,
                        ..Single::default()
                    });
                }
                Err(Halt::Needed) => {
                    let mut wanted = Wanted::default();
                    wanted.add(&self.user.key, needed);
                    self.machine.observe(wanted, self.user, std::slice::from_ref(self.user)).await?;
                }
                Err(Halt::Unknown(unknown)) => return Ok(Single::unknown(unknown)),
                Err(Halt::Deferred) => return Ok(Single::stopped(Stop::Deferred)),
                Err(Halt::Failed(failed)) => {
                    return Ok(Single {
                        changed: plan.is_changed(),
                        diffs: plan.diffs.clone(),
                        tainted: plan.tainted,
                        ..Single::halted(*failed)
                    });
                }
            }
        }
        Ok(Single::stopped(Stop::Deferred))
    }

    pub(super) async fn wait(&self, wait: Wait) -> Result<Single, Trouble> {
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
                self.machine.observe(all, self.user, &users).await?;
                self.machine.store.observed(&self.user.key, &query)
            };
            if observed.as_ref().is_some_and(|observation| ends(&wanted, observation)) {
                result.insert(Key::str("elapsed"), Value::from(started.elapsed().as_secs()));
                result.extend(
                    observed.as_ref().map(|observation| groups(&wanted, observation)).unwrap_or_default(),
                );
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

/// The outcomes of a plan's changes in its order, after those of the controller's side have been carried out; they are
/// not where one of the host's has failed.
async fn both_sides(
    plan: &Plan,
    on_host: Vec<Outcome>,
    on_controller: Vec<Change>,
) -> Result<Vec<Outcome>, Trouble> {
    if on_controller.is_empty() {
        return Ok(on_host);
    }
    let failed = on_host.iter().any(Result::is_err);
    let mut here = if failed {
        Vec::new()
    } else {
        let actions: Vec<Action> = on_controller.into_iter().map(|change| change.action).collect();
        let done = tokio::task::spawn_blocking(move || crate::target::act_here(&actions)).await;
        done.map_err(|error| Trouble { unreachable: false, message: error.to_string(), hint: None })?
    }
    .into_iter();
    let mut there = on_host.into_iter();
    let not_run = || Err(Failure::new(FailureKind::NotRun, "an earlier step failed"));
    Ok(plan
        .changes
        .iter()
        .map(|planned| match planned.side {
            Side::Host => there.next().unwrap_or_else(not_run),
            Side::Controller => here.next().unwrap_or_else(not_run),
        })
        .collect())
}

/// What became of a plan: its result, or that it was made of something that is not true any more.
pub(super) enum Performed {
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
    searched(pattern).is_some_and(|regex| regex.is_match(text).unwrap_or(false))
}

fn searched(pattern: &str) -> Option<fancy_regex::Regex> {
    let flags = pyregex::Flags { multi_line: true, ..pyregex::Flags::default() };
    pyregex::compile(pattern, flags).ok()
}

/// `match_groups` and `match_groupdict` of a text that was waited for.
fn groups(wanted: &Ends, observation: &Observation) -> Map {
    let text = match observation {
        Observation::Content(Content::Bytes(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        Observation::Command(output) => String::from_utf8_lossy(&output.stdout).into_owned(),
        _ => return Map::new(),
    };
    let Ends::Matches(pattern) = wanted else { return Map::new() };
    let Some(regex) = searched(pattern) else { return Map::new() };
    let Ok(Some(found)) = regex.captures(&text) else { return Map::new() };
    let group =
        |group: Option<fancy_regex::Match<'_>>| group.map_or(Value::Null, |group| group.as_str().into());
    let numbered = found.iter().skip(1).map(group);
    let named: Map =
        regex.capture_names().flatten().map(|name| (Key::from(name), group(found.name(name)))).collect();
    crate::map! {"match_groups" => Value::list(numbered), "match_groupdict" => named}
}
