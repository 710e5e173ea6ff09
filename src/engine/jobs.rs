//! Asynchronous tasks: a plan that is handed to the host as a job, and what becomes of it.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use base64::Engine as _;

use super::event::{Event, FailureText, JobState};
use super::execution::{Execution, Next, Performed};
use super::machine::Trouble;
use super::play::lock;
use super::single::Single;
use super::task::Turn;
use crate::base::{Key, Map, Value};
use crate::lang::{CONTROLLER_ACTIONS, Keyword, short_name};
use crate::modules::{AnyModule as _, Errand, FOREIGN, Given, Plan, Planned, Side, Step, find, foreign};
use crate::plan::bind::{Binder, Stop};
use crate::wire::{Action, Change, Content, Done, Job, JobRecord, Observation, Query, Recipe, frame};

/// The most bytes of a job's file that are read.
const MOST: u64 = 60 << 20;

/// How a task is started without waiting for its end.
#[derive(Clone, Debug)]
pub(super) struct Detached {
    /// How long it may run.
    seconds: u32,
    /// Seconds between two looks; 0: nobody looks.
    poll: f64,
    /// Where its file is.
    directory: String,
}

/// The file of a job.
enum Told {
    Missing,
    /// It is there and says nothing yet.
    Nothing,
    Text(Map),
}

fn failure(message: impl Into<String>) -> FailureText {
    FailureText { message: message.into(), ..FailureText::default() }
}

/// A name for a job: nobody else has it.
fn new_id() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("j{}.{}", random() % 999_999_999_999, random() % 4_000_000 + 1)
}

/// What a job's file is called.
fn file_of(directory: &str, id: &str) -> String {
    format!("{}/{id}", directory.trim_end_matches('/'))
}

/// The keys that every result about a job has; those that are there win.
fn with_output(mut keys: Map) -> Map {
    for name in ["stdout", "stderr"] {
        let lines = match keys.get(name) {
            Some(Value::Str(text)) => Value::list(text.lines().map(Value::from)),
            _ => Value::list([]),
        };
        keys.entry(Key::str(name)).or_insert_with(|| Value::from(""));
        keys.entry(Key::str(format!("{name}_lines"))).or_insert(lines);
    }
    keys
}

/// What can be written down of a value.
fn plain(value: &Value) -> Value {
    match value {
        Value::Secret(_) => Value::from("VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"),
        Value::Unknown(_) | Value::Omit => Value::Null,
        Value::Template(_) => Value::from(value.to_text()),
        Value::List(items) => Value::list(items.iter().map(plain)),
        Value::Map(entries) => Value::map(plain_map(entries)),
        Value::Moment(moment) => Value::from(moment.to_iso()),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) => value.clone(),
    }
}

fn plain_map(map: &Map) -> Map {
    map.iter().map(|(key, value)| (key.clone(), plain(value))).collect()
}

impl Turn<'_> {
    /// Whether the task is asynchronous, and how.
    pub(super) fn detached(
        &self,
        binder: &Binder<'_>,
        environment: &[(String, String)],
    ) -> Result<Option<Detached>, Stop> {
        let seconds = binder.number(self.task, Keyword::Async)?.unwrap_or(0.0);
        if seconds <= 0.0 {
            return Ok(None);
        }
        let config = &self.run.options.config;
        let poll = binder.number(self.task, Keyword::Poll)?.unwrap_or(*config.poll_interval as f64);
        let directory = self.job_directory(binder, environment)?;
        Ok(Some(Detached { seconds: seconds.ceil() as u32, poll, directory }))
    }

    /// Where the files of jobs are.
    fn job_directory(&self, binder: &Binder<'_>, environment: &[(String, String)]) -> Result<String, Stop> {
        let given = binder.variable("ansible_async_dir")?.map(|value| value.to_text());
        let own = || {
            let own = environment.iter().find(|(name, _)| name == "ANSIBLE_ASYNC_DIR");
            own.map(|(_, directory)| directory.clone())
        };
        Ok(given.or_else(own).unwrap_or_else(|| self.run.options.config.async_dir.to_string()))
    }
}

impl Execution<'_> {
    /// Starts the task as a job, and waits for it where that is asked for.
    pub(super) async fn start(&self, detached: &Detached) -> Result<Single, Trouble> {
        let action = &self.turn.task.module;
        let refused = || Single::failed(failure(format!("This action ({action}) does not support async.")));
        let short = short_name(action);
        if short == "gather_facts" || CONTROLLER_ACTIONS.contains(&short) {
            return Ok(refused());
        }
        let id = new_id();
        let mut plan = match self.next().await? {
            Next::Ended(single) => return self.settled(detached, &id, *single).await,
            Next::Step(step, _) => match *step {
                Step::Plan(plan) => plan,
                Step::Wait(wait) if detached.poll > 0.0 => {
                    let longest = Duration::from_secs(detached.seconds.into());
                    return match tokio::time::timeout(longest, self.wait(wait)).await {
                        Ok(single) => self.settled(detached, &id, single?).await,
                        Err(_) => Ok(out_of_time(detached, &self.keys(detached, &id, Finished::No).await)),
                    };
                }
                Step::Wait(_) => {
                    let message = format!("`{action}` cannot be started with `poll: 0` yet");
                    return Ok(Single::failed(failure(message)));
                }
                Step::Flow(_) | Step::Errand(_) => return Ok(refused()),
            },
        };
        if self.settings.check_mode && self.module.tells_all() {
            let single = match self.perform(&plan, indexmap::IndexSet::new()).await? {
                Performed::Done(single) => *single,
                Performed::Stale(message) => Single::failed(failure(message)),
            };
            return self.settled(detached, &id, single).await;
        }
        if plan.changes.is_empty() || self.settings.check_mode {
            let single = self.without_changes(plan);
            return self.settled(detached, &id, single).await;
        }
        if plan
            .changes
            .iter()
            .any(|c| c.side == Side::Controller || matches!(c.change.action, Action::Raw { .. }))
        {
            return Ok(refused());
        }
        if self.module.tells_all() {
            plan.result.insert(Key::str(foreign::JOB), Value::Bool(true));
        }
        let actions: Vec<Action> = plan.changes.iter().map(|planned| planned.change.action.clone()).collect();
        let recipe = Recipe {
            module: self.module.doc().full_name(),
            given: self.given.iter().map(|(name, value)| (name.to_string(), plain(value))).collect(),
            actions: actions.iter().map(Action::thinned).collect(),
            changed: plan.is_changed(),
            summary: plan.summary.clone(),
            result: plain_map(&plan.result),
            facts: plain_map(&plan.facts),
            warnings: plan.warnings.clone(),
            tainted: self.settings.censored,
            settled: false,
            failure: None,
        };
        let started = self.hand_over(detached, &id, actions, &recipe).await?;
        if started.failed || detached.poll <= 0.0 {
            return Ok(started);
        }
        let mut single = self.poll(detached, &id, &plan).await?;
        single.remembered = started.remembered;
        Ok(single)
    }

    /// Gives the job to the host.
    async fn hand_over(
        &self,
        detached: &Detached,
        id: &str,
        actions: Vec<Action>,
        recipe: &Recipe,
    ) -> Result<Single, Trouble> {
        let Detached { seconds, poll: _, directory } = detached;
        let recipe = match frame::encode(recipe) {
            Ok(recipe) => recipe,
            Err(error) => return Ok(Single::failed(failure(format!("the job cannot be sent: {error}")))),
        };
        let runs = !actions.is_empty();
        let job = Job { id: id.to_owned(), directory: directory.clone(), seconds: *seconds, actions, recipe };
        let change = Change::new(Action::StartJob(Box::new(job)));
        let remembered = self.remembered();
        self.busy("starting a job");
        let (outcomes, warning) = self
            .machine
            .perform(self.user, self.remember(&remembered), &[change], Vec::new(), self.time_left())
            .await?;
        let mut single = match outcomes.into_iter().next() {
            Some(Ok(Done::Started { .. })) => {
                if runs {
                    self.machine.job_started(id, Duration::from_secs((*seconds).into()));
                }
                self.started(detached, id).await
            }
            Some(Err(cause)) => Single::failed(failure(cause.message)),
            Some(Ok(_)) | None => Single::failed(failure("the target did not start the job")),
        };
        single.remembered = remembered;
        single.warnings.extend(warning);
        Ok(single)
    }

    /// The result of a task that was started and not waited for.
    async fn started(&self, detached: &Detached, id: &str) -> Single {
        Single {
            result: self.keys(detached, id, Finished::No).await,
            changed: true,
            summary: format!("started as job {id}"),
            ..Single::default()
        }
    }

    /// `ansible_job_id`, `results_file`, `started`, `finished`.
    async fn keys(&self, detached: &Detached, id: &str, finished: Finished) -> Map {
        crate::map! {
            "ansible_job_id" => id,
            "results_file" => self.absolute(&file_of(&detached.directory, id)).await,
            "started" => true,
            "finished" => finished == Finished::Yes,
        }
    }

    /// A path with the home directory in place of `~`.
    async fn absolute(&self, path: &str) -> String {
        match (path.strip_prefix("~/"), self.machine.home(self.user).await) {
            (Some(rest), Some(home)) => format!("{}/{rest}", home.trim_end_matches('/')),
            _ => path.to_owned(),
        }
    }

    /// A task for which nothing was left to do, or that check mode does not do: its result is there at once. Where it
    /// is not waited for it is kept for `async_status`.
    async fn settled(&self, detached: &Detached, id: &str, single: Single) -> Result<Single, Trouble> {
        if detached.poll > 0.0 {
            let keys = self.keys(detached, id, Finished::Yes).await;
            return Ok(finished(single, keys));
        }
        if self.settings.check_mode {
            lock(&self.turn.run.jobs).insert(id.to_owned(), single);
            // the session knows the home directory
            self.read(&file_of(&detached.directory, id)).await?;
            return Ok(self.started(detached, id).await);
        }
        let recipe = Recipe {
            module: self.module.doc().full_name(),
            changed: single.changed,
            summary: single.summary.clone(),
            result: plain_map(&single.result),
            facts: plain_map(&single.facts),
            warnings: single.warnings.clone(),
            tainted: self.settings.censored || single.tainted,
            settled: true,
            failure: single.failure.map(|failure| failure.message),
            ..Recipe::default()
        };
        self.hand_over(detached, id, Vec::new(), &recipe).await
    }

    /// Looks at the job until it has ended, and then removes its file.
    async fn poll(&self, detached: &Detached, id: &str, plan: &Plan) -> Result<Single, Trouble> {
        let file = file_of(&detached.directory, id);
        let pause = Duration::from_secs_f64(detached.poll);
        let mut left = f64::from(detached.seconds);
        while left > 0.0 {
            self.busy(&format!("waiting for job {id}"));
            tokio::time::sleep(pause).await;
            left -= detached.poll;
            match self.read(&file).await {
                Ok(Told::Text(told)) if is_finished(&told) => {
                    self.machine.job_ended(id);
                    let keys = self.keys(detached, id, Finished::Yes).await;
                    let single = match outcomes(&told) {
                        Some(record) => match self.conclude(plan, record.outcomes).await? {
                            Performed::Done(single) => *single,
                            Performed::Stale(message) => Single::failed(failure(message)),
                        },
                        None => foreign(told),
                    };
                    self.remove(&file).await?;
                    self.polled(id, if single.failed { JobState::Failed } else { JobState::Ended });
                    return Ok(finished(single, keys));
                }
                Ok(Told::Missing) => {
                    let keys = self.keys(detached, id, Finished::Yes).await;
                    return Ok(finished(Single::failed(failure("could not find job")), keys));
                }
                Ok(Told::Text(_) | Told::Nothing) => self.polled(id, JobState::Running),
                // the job goes on without us
                Err(trouble) if trouble.unreachable && left > 0.0 => self.machine.drop_connection().await,
                Err(trouble) => return Err(trouble),
            }
        }
        self.polled(id, JobState::Failed);
        Ok(out_of_time(detached, &self.keys(detached, id, Finished::No).await))
    }

    fn polled(&self, id: &str, state: JobState) {
        let host = std::sync::Arc::clone(self.turn.host);
        self.turn.run.tell(Event::JobPolled { host, job: id.to_owned(), state });
    }

    async fn read(&self, file: &str) -> Result<Told, Trouble> {
        let query = Query::Content { path: file.to_owned(), limit: MOST };
        Ok(match self.machine.ask(self.user, query).await? {
            Observation::Content(Content::Bytes(bytes)) => {
                let json: Option<serde_json::Value> = serde_json::from_slice(&bytes).ok();
                json.and_then(|json| Value::from_json(&json).as_map().cloned())
                    .map_or(Told::Nothing, Told::Text)
            }
            Observation::Content(Content::Absent) => Told::Missing,
            Observation::Failed(error) => {
                return Err(Trouble {
                    unreachable: false,
                    message: format!("`{file}`: {}", error.message),
                    hint: None,
                });
            }
            other => {
                return Err(Trouble {
                    unreachable: false,
                    message: format!("`{file}` cannot be read: {other:?}"),
                    hint: None,
                });
            }
        })
    }

    async fn remove(&self, file: &str) -> Result<(), Trouble> {
        let (mut wanted, _) = self.ahead(&[]);
        let then = wanted.take(&self.user.key);
        let change = Change::new(Action::Remove { path: file.to_owned() });
        self.machine.perform(self.user, None, &[change], then, None).await.map(drop)
    }

    /// Does what concerns the connection and jobs.
    pub(super) async fn errand(&self, errand: Errand) -> Result<Single, Trouble> {
        match errand {
            Errand::JobStatus { id } => self.status(&id, Asked::Status).await,
            Errand::JobCleanup { id } => self.status(&id, Asked::Cleanup).await,
            Errand::Reconnect(reconnect) => self.wait_for_connection(reconnect).await,
            Errand::Reboot(reboot) => self.reboot(reboot).await,
        }
    }

    /// `async_status`.
    async fn status(&self, id: &str, asked: Asked) -> Result<Single, Trouble> {
        let directory = match self.turn.job_directory(&self.controller.binder, &self.context.environment) {
            Ok(directory) => directory,
            Err(stop) => return Ok(Single::stopped(stop)),
        };
        let file = file_of(&directory, id);
        let told = if id.contains('/') || id.is_empty() { Told::Missing } else { self.read(&file).await? };
        let shown = self.absolute(&file).await;
        let about = |finished: Finished| -> Map {
            let mut keys = crate::map! {"ansible_job_id" => id, "finished" => finished == Finished::Yes};
            let (name, started) = match asked {
                Asked::Status => ("results_file", true),
                Asked::Cleanup => ("erased", false),
            };
            keys.insert(Key::str(name), Value::from(shown.as_str()));
            keys.insert(Key::str("started"), Value::from(started));
            keys
        };
        let virtual_job = {
            let mut jobs = lock(&self.turn.run.jobs);
            match asked {
                Asked::Status => jobs.get(id).cloned(),
                Asked::Cleanup => jobs.remove(id),
            }
        };
        match (virtual_job, told, asked) {
            (Some(single), _, Asked::Status) => Ok(finished(single, about(Finished::Yes))),
            (Some(_), _, Asked::Cleanup) => Ok(erased(about(Finished::No))),
            (None, Told::Missing, _) => {
                let mut keys = about(Finished::Yes);
                keys.insert(Key::str("started"), Value::from(true));
                Ok(Single { result: with_output(keys), ..Single::failed(failure("could not find job")) })
            }
            (None, _, Asked::Cleanup) => {
                if !self.settings.check_mode {
                    self.remove(&file).await?;
                }
                Ok(erased(about(Finished::No)))
            }
            (None, Told::Text(told), Asked::Status) if is_finished(&told) => {
                self.machine.job_ended(id);
                let single = match outcomes(&told) {
                    Some(record) => self.rebuilt(record).await?,
                    None => foreign(told),
                };
                Ok(finished(single, about(Finished::Yes)))
            }
            (None, Told::Text(_) | Told::Nothing, Asked::Status) => Ok(Single {
                result: with_output(about(Finished::No)),
                summary: "it has not ended".to_owned(),
                ..Single::default()
            }),
        }
    }

    /// The result of a job that this run need not have started.
    async fn rebuilt(&self, record: JobRecord) -> Result<Single, Trouble> {
        let JobRecord { recipe, outcomes } = record;
        let recipe: Option<Recipe> = frame::read(&mut recipe.as_slice()).ok().flatten();
        let Some(recipe) = recipe else {
            let message = "the job was started by another version of fleet, its result cannot be read";
            return Ok(Single::failed(failure(message)));
        };
        let Recipe {
            module,
            given,
            actions,
            changed,
            summary,
            result,
            facts,
            warnings,
            tainted,
            settled,
            failure: message,
        } = recipe;
        if settled {
            let failed = message.map(failure);
            return Ok(Single {
                result,
                changed,
                failed: failed.is_some(),
                failure: failed,
                summary,
                warnings,
                facts,
                tainted,
                ..Single::default()
            });
        }
        let known = find(&module).or_else(|| (module == FOREIGN.doc().full_name()).then_some(&FOREIGN as _));
        let Some(module) = known else {
            return Ok(Single::failed(failure(format!("there is no module `{module}`"))));
        };
        let given: Given = given.into_iter().map(|(name, value)| (name.into(), value)).collect();
        let changes =
            actions.into_iter().map(|action| Planned { side: Side::Host, change: Change::new(action) });
        let plan = Plan {
            changes: changes.collect(),
            changed: Some(changed),
            summary,
            result,
            facts,
            warnings,
            ..Plan::default()
        };
        let of_job = Execution { module, given: &given, ..*self };
        let mut single = match of_job.conclude(&plan, outcomes).await? {
            Performed::Done(single) => *single,
            Performed::Stale(message) => Single::failed(failure(message)),
        };
        single.tainted |= tainted;
        Ok(single)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Finished {
    Yes,
    No,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Status,
    Cleanup,
}

/// Whether a job's file says that it has ended; one that does not even say that it was started is the module's result.
fn is_finished(told: &Map) -> bool {
    !told.contains_key(&Key::str("started")) || told.get("finished").and_then(Value::to_bool).unwrap_or(false)
}

/// What became of the actions of a job, from its file.
fn outcomes(told: &Map) -> Option<JobRecord> {
    let text = told.get("fleet")?.as_str()?.to_owned();
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
    frame::read(&mut bytes.as_slice()).ok().flatten()
}

/// The result of a job that says it itself: one that ran out of time, or that Ansible started.
fn foreign(mut told: Map) -> Single {
    let is = |told: &Map, name: &str| told.get(name).and_then(Value::to_bool).unwrap_or(false);
    let (changed, failed) = (is(&told, "changed"), is(&told, "failed"));
    let message = told.get("msg").map(Value::to_text).unwrap_or_default();
    told.shift_remove(&Key::str("fleet"));
    let failure = failed.then(|| failure(message));
    Single { result: told, changed, failed, failure, ..Single::default() }
}

/// The result of a job that has ended, with the keys about it.
fn finished(mut single: Single, keys: Map) -> Single {
    single.result.extend(keys);
    single.result = with_output(single.result);
    single
}

fn erased(keys: Map) -> Single {
    Single { result: with_output(keys), summary: "its file is removed".to_owned(), ..Single::default() }
}

fn out_of_time(detached: &Detached, keys: &Map) -> Single {
    let seconds = detached.seconds;
    let message = format!("async task did not complete within the requested time - {seconds}s");
    let result = crate::map! {"async_result" => Value::map(with_output(keys.clone()))};
    Single { result, ..Single::failed(failure(message)) }
}
