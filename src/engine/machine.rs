//! A machine that is reached in one way: its connection, a session for each user, and what is known of it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::event::Cost;
use super::known::{Store, Wanted};
use crate::base::Secret;
use crate::plan::bind::BecomeSpec;
use crate::transport::{
    Become, BecomeMethod, ConnectError, Connection, Connector, Destination, Kind, Session, SessionError,
};
use crate::wire::{
    Action, Change, CommandOutput, Failure, FailureKind, Observation, Outcome, Query, Step, StepAnswer,
};

/// What the target needs beyond a program's time: to end a process group and to answer.
pub(super) const SLACK: Duration = Duration::from_secs(8);

/// Why a host could not be worked on.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    /// Whether the host counts as unreachable; else the task has failed.
    pub(super) unreachable: bool,
    /// The cause.
    pub(super) message: String,
    /// What to do about it.
    pub(super) hint: Option<String>,
}

impl From<&ConnectError> for Trouble {
    fn from(error: &ConnectError) -> Self {
        Self { unreachable: true, message: error.to_string(), hint: error.hint() }
    }
}

impl From<SessionError> for Trouble {
    fn from(error: SessionError) -> Self {
        Self { unreachable: error.is_unreachable(), message: error.to_string(), hint: error.hint() }
    }
}

/// A user's session, by a name that tells users apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct User {
    /// The key under which observations are kept.
    pub(super) key: Arc<str>,
    /// How to become that user; `None`: the login user.
    pub(super) spec: Option<BecomeSpec>,
}

impl User {
    /// The login user, or the user that is become.
    pub(super) fn new(spec: Option<BecomeSpec>) -> Self {
        let key = match &spec {
            None => Arc::from(""),
            Some(BecomeSpec { method, user, executable, flags }) => Arc::from(format!(
                "{user}\0{method}\0{}\0{}",
                executable.as_deref().unwrap_or_default(),
                flags.as_deref().unwrap_or_default()
            )),
        };
        Self { key, spec }
    }
}

/// What a session's greeting told: session, key, names.
type Remembered = (Arc<str>, String, Vec<String>);
/// A key and one name under it.
type KeyAndName = (String, String);

/// A machine.
pub(super) struct Machine {
    pub(super) destination: Destination,
    connector: Arc<Connector>,
    /// Made once; a failure stands until the connection is dropped.
    connection: tokio::sync::Mutex<Option<Result<Arc<Connection>, Trouble>>>,
    sessions: tokio::sync::Mutex<HashMap<Arc<str>, Arc<Session>>>,
    users: Mutex<HashMap<Arc<str>, User>>,
    become_password: Option<Secret>,
    /// What is known of it.
    pub(super) store: Store,
    /// What interrupted runs have left remembered, by session; taken once.
    remembered: Mutex<Vec<Remembered>>,
    /// All that is remembered on the target as far as is known: session, key, name.
    noted: Mutex<Vec<(Arc<str>, String, String)>>,
    /// Names to be forgotten with the next program, by session.
    forgets: Mutex<HashMap<Arc<str>, Vec<KeyAndName>>>,
    /// Exchanges that are under way.
    under_way: AtomicUsize,
    /// What connections that were dropped have cost.
    spent: Mutex<Option<Cost>>,
    /// Jobs that change the machine while other tasks run, and until when at the latest.
    jobs: Mutex<HashMap<String, Instant>>,
}

/// Counts an exchange as under way until it is dropped.
struct UnderWay<'a>(&'a AtomicUsize);

impl<'a> UnderWay<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Machine {
    /// A machine that is not connected to yet.
    pub(super) fn new(
        destination: Destination,
        connector: Arc<Connector>,
        become_password: Option<Secret>,
    ) -> Self {
        Self {
            destination,
            connector,
            connection: tokio::sync::Mutex::default(),
            sessions: tokio::sync::Mutex::default(),
            users: Mutex::default(),
            become_password,
            store: Store::default(),
            remembered: Mutex::default(),
            noted: Mutex::default(),
            forgets: Mutex::default(),
            under_way: AtomicUsize::new(0),
            spent: Mutex::default(),
            jobs: Mutex::default(),
        }
    }

    /// Whether it is the controller itself.
    pub(super) fn is_local(&self) -> bool {
        self.destination.kind == Kind::Local
    }

    /// Whether it is being talked to.
    pub(super) fn is_talking(&self) -> bool {
        self.under_way.load(Ordering::Relaxed) > 0
    }

    /// A job runs there, no longer than this.
    pub(super) fn job_started(&self, id: &str, longest: Duration) {
        let until = Instant::now() + longest;
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), until);
    }

    /// A job has ended.
    pub(super) fn job_ended(&self, id: &str) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        self.store.spoil();
    }

    /// Whether jobs may be changing it: then what was observed earlier is not believed.
    pub(super) fn is_restless(&self) -> bool {
        let now = Instant::now();
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).values().any(|until| *until > now)
    }

    /// The name of the user whose session this is, as far as it is known.
    pub(super) fn user_name(&self, user: &User) -> String {
        match &user.spec {
            Some(spec) => spec.user.clone(),
            None => self.destination.user.clone().unwrap_or_default(),
        }
    }

    async fn connection(&self) -> Result<Arc<Connection>, Trouble> {
        let mut connection = self.connection.lock().await;
        if let Some(known) = &*connection {
            return known.clone();
        }
        let made = self.connect(&self.destination).await;
        *connection = Some(made.clone());
        made
    }

    async fn connect(&self, destination: &Destination) -> Result<Arc<Connection>, Trouble> {
        let made = self.connector.connect(destination).await;
        made.map(Arc::new).map_err(|error| Trouble::from(&error))
    }

    /// Connects anew and has the user's session answer. One try to connect may take `connect_timeout`.
    pub(super) async fn reconnect(
        &self,
        user: &User,
        connect_timeout: Option<Duration>,
    ) -> Result<(), Trouble> {
        self.drop_connection().await;
        let mut destination = self.destination.clone();
        destination.retries = 0;
        destination.connect_timeout = connect_timeout.unwrap_or(destination.connect_timeout);
        let made = self.connect(&destination).await?;
        *self.connection.lock().await = Some(Ok(made));
        let root = Query::Stat { path: "/".to_owned(), follow: crate::wire::Follow::Yes };
        self.ask(user, root).await.map(drop)
    }

    /// Drops the sessions and the connection; what is done next connects anew.
    pub(super) async fn drop_connection(&self) {
        if let Some(cost) = self.close_connection().await {
            let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
            *spent = Some(added(spent.unwrap_or_default(), cost));
        }
        self.store.spoil();
    }

    /// The answer to one question, now.
    pub(super) async fn ask(&self, user: &User, query: Query) -> Result<Observation, Trouble> {
        let answers = self.exchange(user, vec![Step::Observe(query)], None).await?;
        match answers.into_iter().next() {
            Some(StepAnswer::Observed(observation)) => Ok(observation),
            Some(StepAnswer::Changed(_) | StepAnswer::NotRun) | None => Err(Trouble {
                unreachable: false,
                message: "the target did not answer a question".to_owned(),
                hint: None,
            }),
        }
    }

    /// The home directory of a user whose session has answered.
    pub(super) async fn home(&self, user: &User) -> Option<String> {
        let sessions = self.sessions.lock().await;
        sessions.get(&user.key)?.hello().map(|hello| hello.home.clone())
    }

    /// The home directory of a user, whose session is begun where there is none yet.
    pub(super) async fn asked_home(&self, user: &User) -> Result<Option<String>, Trouble> {
        if self.home(user).await.is_none() {
            self.exchange(user, Vec::new(), None).await?;
        }
        Ok(self.home(user).await)
    }

    /// As [`Self::home`], without waiting for it.
    pub(super) fn known_home(&self, user: &User) -> Option<String> {
        let sessions = self.sessions.try_lock().ok()?;
        sessions.get(&user.key)?.hello().map(|hello| hello.home.clone())
    }

    async fn session(&self, user: &User) -> Result<Arc<Session>, Trouble> {
        let connection = self.connection().await?;
        self.users.lock().unwrap_or_else(PoisonError::into_inner).insert(Arc::clone(&user.key), user.clone());
        let mut sessions = self.sessions.lock().await;
        if let Some(session) = sessions.get(&user.key) {
            return Ok(Arc::clone(session));
        }
        let become_ = user.spec.as_ref().map(|spec| self.become_of(spec)).transpose()?;
        let session = Arc::new(connection.session(become_.as_ref()).await?);
        sessions.insert(Arc::clone(&user.key), Arc::clone(&session));
        Ok(session)
    }

    fn become_of(&self, spec: &BecomeSpec) -> Result<Become, Trouble> {
        let BecomeSpec { method, user, executable, flags } = spec;
        let method = match method.rsplit('.').next().unwrap_or_default() {
            "sudo" => BecomeMethod::Sudo,
            "su" => BecomeMethod::Su,
            "doas" => BecomeMethod::Doas,
            _ => {
                return Err(Trouble {
                    unreachable: false,
                    message: format!("the become method `{method}` is not supported"),
                    hint: Some("supported are `sudo`, `su` and `doas`".to_owned()),
                });
            }
        };
        Ok(Become {
            method,
            user: user.clone(),
            executable: executable.clone(),
            flags: flags.as_deref().unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
            password: self.become_password.clone(),
        })
    }

    async fn exchange(
        &self,
        user: &User,
        steps: Vec<Step>,
        timeout: Option<Duration>,
    ) -> Result<Vec<StepAnswer>, Trouble> {
        let session = self.session(user).await?;
        let first = session.hello().is_none();
        let _under_way = UnderWay::new(&self.under_way);
        let patience = timeout.map(|timeout| timeout + SLACK);
        let answers = match session.exchange_within(steps, timeout, patience).await {
            Ok(answers) => answers,
            Err(error) => {
                self.sessions.lock().await.remove(&user.key);
                return Err(error.into());
            }
        };
        if first && let Some(hello) = session.hello() {
            for (key, names) in &hello.remembered {
                self.note(&user.key, key, names);
            }
            let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
            remembered.extend(
                hello
                    .remembered
                    .iter()
                    .map(|(key, names)| (Arc::clone(&user.key), key.clone(), names.clone())),
            );
        }
        Ok(answers)
    }

    /// Asks all that is wanted, each user's session in one exchange, all sessions at once. What the user `own` asks
    /// must be answered; for the others look-ahead asks, and one of them may be a user that is still to be made: what is
    /// wrong there shows at its task's turn.
    pub(super) async fn observe(
        &self,
        wanted: Wanted,
        own: &User,
        known_users: &[User],
    ) -> Result<(), Trouble> {
        let generation = self.store.generation();
        let all =
            wanted.0.into_iter().filter(|(_, queries)| !queries.is_empty()).filter_map(|(key, queries)| {
                let user = known_users.iter().find(|user| user.key == key)?;
                Some((user, queries))
            });
        futures::future::try_join_all(all.map(|(user, queries)| async move {
            let steps = queries.iter().cloned().map(Step::Observe).collect();
            match self.exchange(user, steps, None).await {
                Ok(answers) => self.keep(user, generation, queries, answers),
                Err(trouble) if user.key == own.key || trouble.unreachable => return Err(trouble),
                Err(_) => {}
            }
            Ok(())
        }))
        .await
        .map(|_: Vec<()>| ())
    }

    fn keep(
        &self,
        user: &User,
        generation: u64,
        queries: impl IntoIterator<Item = Query>,
        answers: impl IntoIterator<Item = StepAnswer>,
    ) {
        let pairs = queries.into_iter().zip(answers).filter_map(|(query, answer)| match answer {
            StepAnswer::Observed(observation) => Some((query, observation)),
            StepAnswer::Changed(_) | StepAnswer::NotRun => None,
        });
        self.store.keep(&user.key, generation, pairs);
    }

    /// Carries out changes in order and observes what is wanted afterwards, in one exchange. `remember` is written
    /// before the first change; where that is not possible (a user without a directory of its own) the changes are
    /// carried out all the same, and the warning says so. The outcomes are those of the changes; after a failure the
    /// rest is `NotRun`.
    pub(super) async fn perform(
        &self,
        user: &User,
        remember: Option<(String, Vec<String>)>,
        changes: &[Change],
        then: Vec<Query>,
        timeout: Option<Duration>,
    ) -> Result<(Vec<Outcome>, Option<String>), Trouble> {
        let mut lead = self.forget_steps(user);
        if let Some((key, names)) = remember {
            self.note(&user.key, &key, &names);
            lead.push(Step::Change(Action::Remember { key, names }));
        }
        match self.perform_after(user, lead, changes, then.clone(), timeout).await? {
            Ok(outcomes) => Ok((outcomes, None)),
            Err(failure) => {
                // no change has been reached
                let warning = format!(
                    "what is notified cannot be written down on the host, a run that is interrupted now would forget \
                     it: {}",
                    failure.message
                );
                match self.perform_after(user, Vec::new(), changes, then, timeout).await? {
                    Ok(outcomes) => Ok((outcomes, Some(warning))),
                    Err(failure) => Ok((vec![Err(failure)], None)),
                }
            }
        }
    }

    /// Fleet's own steps, then changes and observations; the inner error is that of fleet's own steps.
    async fn perform_after(
        &self,
        user: &User,
        mut steps: Vec<Step>,
        changes: &[Change],
        then: Vec<Query>,
        timeout: Option<Duration>,
    ) -> Result<Result<Vec<Outcome>, Failure>, Trouble> {
        let lead = steps.len();
        steps.extend(changes.iter().map(|change| Step::Change(change.action.clone())));
        steps.extend(then.iter().cloned().map(Step::Observe));
        let answers = self.exchange(user, steps, timeout).await;
        // whatever became of it: what was known may be wrong now
        let generation = self.store.spoil();
        let mut answers = answers?.into_iter();
        for answer in answers.by_ref().take(lead) {
            if let StepAnswer::Changed(Err(failure)) = answer {
                return Ok(Err(failure));
            }
        }
        let not_run = || Failure::new(FailureKind::NotRun, "an earlier step failed");
        let outcomes = answers
            .by_ref()
            .take(changes.len())
            .map(|answer| match answer {
                StepAnswer::Changed(outcome) => outcome,
                StepAnswer::NotRun => Err(not_run()),
                StepAnswer::Observed(_) => {
                    Err(Failure::new(FailureKind::Other, "the target answered a change with an observation"))
                }
            })
            .collect();
        self.keep(user, generation, then, answers);
        Ok(Ok(outcomes))
    }

    /// Runs a text with the shell over the bare connection.
    pub(super) async fn raw(&self, user: &User, text: &str) -> Result<CommandOutput, Trouble> {
        let connection = self.connection().await?;
        let who = user.spec.as_ref().map(|spec| self.become_of(spec)).transpose()?;
        let output = connection.raw(text, who.as_ref(), None, None).await;
        self.store.spoil();
        Ok(output?)
    }

    /// Has a name forgotten by the users for whom it was remembered, with the next program or at the end.
    pub(super) fn forget_everywhere(&self, key: &str, name: &str) {
        let noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let mut forgets = self.forgets.lock().unwrap_or_else(PoisonError::into_inner);
        for (user, noted_key, noted_name) in noted.iter() {
            if noted_key == key && noted_name == name {
                forgets.entry(Arc::clone(user)).or_default().push((key.to_owned(), name.to_owned()));
            }
        }
    }

    fn note(&self, user: &Arc<str>, key: &str, names: &[String]) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        for name in names {
            let entry = (Arc::clone(user), key.to_owned(), name.clone());
            if !noted.contains(&entry) {
                noted.push(entry);
            }
        }
    }

    fn forget_steps(&self, user: &User) -> Vec<Step> {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let mut forgets = self.forgets.lock().unwrap_or_else(PoisonError::into_inner);
        let mut by_key: HashMap<String, Vec<String>> = HashMap::new();
        for (key, name) in forgets.remove(&user.key).unwrap_or_default() {
            noted.retain(|(of, noted_key, noted_name)| {
                (of, noted_key, noted_name) != (&user.key, &key, &name)
            });
            by_key.entry(key).or_default().push(name);
        }
        by_key.into_iter().map(|(key, names)| Step::Change(Action::Forget { key, names })).collect()
    }

    /// What interrupted runs have left under a key; told once.
    pub(super) fn take_remembered(&self, key: &str) -> Vec<(Arc<str>, String)> {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let (found, rest): (Vec<_>, Vec<_>) = remembered.drain(..).partition(|(_, of, _)| of == key);
        *remembered = rest;
        found
            .into_iter()
            .flat_map(|(user, _, names)| names.into_iter().map(move |name| (Arc::clone(&user), name)))
            .collect()
    }

    /// What is still to be forgotten is forgotten now.
    pub(super) async fn settle(&self) -> Result<(), Trouble> {
        let users: Vec<User> =
            self.users.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        for user in users {
            let steps = self.forget_steps(&user);
            if !steps.is_empty() {
                self.exchange(&user, steps, None).await?;
            }
        }
        Ok(())
    }

    /// Ends sessions and connection, and tells what they cost; `None` where there was no connection.
    pub(super) async fn close(&self) -> Option<Cost> {
        let cost = self.close_connection().await;
        let spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (cost, spent) {
            (Some(cost), Some(spent)) => Some(added(cost, spent)),
            (cost, spent) => cost.or(spent),
        }
    }

    async fn close_connection(&self) -> Option<Cost> {
        self.close_sessions().await;
        let connection = self.connection.lock().await.take()?.ok()?;
        let counters = connection.counters();
        if let Some(connection) = Arc::into_inner(connection) {
            connection.close().await;
        }
        Some(Cost {
            connections: counters.connections,
            exchanges: counters.exchanges,
            bytes_sent: counters.bytes_sent,
            bytes_received: counters.bytes_received,
        })
    }

    /// Closes the sessions of other users: a user whose process runs cannot be removed, and groups count at login.
    pub(super) async fn close_others(&self, own: &User) {
        let mut sessions = self.sessions.lock().await;
        let others: Vec<Arc<str>> = sessions.keys().filter(|key| **key != own.key).cloned().collect();
        for key in others {
            if let Some(session) = sessions.remove(&key).and_then(Arc::into_inner) {
                session.close().await;
            }
        }
    }

    async fn close_sessions(&self) {
        let sessions: Vec<_> = self.sessions.lock().await.drain().collect();
        for (_, session) in sessions {
            // one that is still in use ends with its last user
            if let Some(session) = Arc::into_inner(session) {
                session.close().await;
            }
        }
    }

    /// Closes the sessions, so that the next task opens them anew (groups, PAM, limits may have changed).
    pub(super) async fn reset(&self) {
        self.close_sessions().await;
        self.store.spoil();
    }
}

fn added(one: Cost, other: Cost) -> Cost {
    let Cost { connections, exchanges, bytes_sent, bytes_received } = one;
    Cost {
        connections: connections + other.connections,
        exchanges: exchanges + other.exchanges,
        bytes_sent: bytes_sent + other.bytes_sent,
        bytes_received: bytes_received + other.bytes_received,
    }
}
