//! What a module is: a pure function from its parameters and a view of what is known to a step.
//!
//! A module never does anything. It reads through [`View`]; where an answer is missing the view records the need and
//! the module ends with [`Halt::Needed`]; the engine fetches everything that is needed and calls it again.

use std::marker::PhantomData;
use std::sync::Arc;

use super::diff::Diff;
use super::located::located;
use super::params::{Field, Given, ParamProblem, Params, Rule};
use super::view::View;
use crate::base::{Key, Kind, Map, Unknown, Value};
use crate::wire::{Change, Done, Failure, Query};

/// Where a change happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// On the host.
    Host,
    /// On the controller.
    Controller,
}

/// A change with its side.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// Where it happens.
    pub side: Side,
    /// What happens.
    pub change: Change,
}

/// What a module wants to do, and what it would give.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// What is to be done, in order; nothing where all is as it should be.
    pub changes: Vec<Planned>,
    /// Whether the task counts as changed; `None`: if there are changes.
    pub changed: Option<bool>,
    /// In a few words: why there is nothing to do (`already at 0644`), or what is done (`start nginx.service`).
    pub summary: String,
    /// What differs, for the reader.
    pub diffs: Vec<Diff>,
    /// What `register` sees, besides `changed` and `failed`; as predicted. [`Module::result`] has the last word
    /// once the changes have run.
    pub result: Map,
    /// Facts for the host (`ansible_facts`).
    pub facts: Map,
    /// Warnings for the user.
    pub warnings: Vec<String>,
    /// That the changes cannot be predicted (`command`): check mode does not run them and their result is unknown.
    pub opaque: bool,
    /// That the task counts as skipped (`creates` exists …).
    pub skipped: bool,
    /// That a secret went into it, which the parameters do not show.
    pub tainted: bool,
}

/// Waiting for something on the host. The clock belongs to the engine.
#[derive(Clone, Debug)]
pub struct Wait {
    /// Asked again and again.
    pub query: Query,
    /// What ends the wait.
    pub wanted: Wanted,
    /// Seconds before the first question.
    pub delay: f64,
    /// Seconds between questions.
    pub sleep: f64,
    /// Seconds after which it has failed.
    pub timeout: f64,
    /// The message when time ran out.
    pub message: String,
    /// What `register` sees when it has succeeded (the engine adds `elapsed`).
    pub result: Map,
}

/// What ends a wait.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// A flag with this value.
    Flag(bool),
    /// The path is there (or not).
    Present(bool),
    /// Content or output that this regular expression (Python's) finds something in.
    Matches(String),
    /// A command that ends with 0.
    Succeeds,
}

/// What changes the run instead of the host: only the engine can do it.
#[derive(Clone, Debug, PartialEq)]
pub enum Flow {
    /// A host for the rest of the run (`add_host`).
    AddHost {
        /// Its name, perhaps with a port.
        name: String,
        /// Its groups, made where they are not there.
        groups: Vec<String>,
        /// Its variables.
        vars: Map,
    },
    /// The host into a group (`group_by`).
    GroupBy {
        /// The group, made where it is not there.
        key: String,
        /// The groups above it.
        parents: Vec<String>,
    },
    /// Numbers and texts for the end of the run (`set_stats`).
    Stats {
        /// By name.
        data: Map,
        /// For each host by itself instead of for the run.
        per_host: bool,
        /// Added to what is there instead of replacing it.
        aggregate: bool,
    },
    /// Files of variables for the host (`include_vars`).
    IncludeVars(IncludeVars),
    /// Time, or an answer from the terminal (`pause`).
    Pause(Pause),
}

/// Which files of variables are read, as the parameters of `include_vars` say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncludeVars {
    /// One file.
    pub file: Option<String>,
    /// A directory of files.
    pub dir: Option<String>,
    /// The variable that holds all of them instead.
    pub name: Option<String>,
    /// How many directories deep; 0 is without an end.
    pub depth: u32,
    /// Only files whose names this regular expression (Python's) finds something in.
    pub files_matching: Option<String>,
    /// Not the files with these names or regular expressions.
    pub ignore_files: Vec<String>,
    /// The endings of files that are read.
    pub extensions: Vec<String>,
    /// Files with other endings are passed over in silence.
    pub ignore_unknown_extensions: bool,
    /// Mappings are merged with what the host has instead of replacing it; `None`: as the configuration says.
    pub merge: Option<bool>,
}

/// A pause.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pause {
    /// Seconds; without it an answer is waited for.
    pub seconds: Option<u64>,
    /// Whether the seconds were given as minutes, for the message.
    pub minutes: bool,
    /// What is asked.
    pub prompt: Option<String>,
    /// Whether what is typed is shown.
    pub echo: bool,
}

/// What the engine does with a host's connection, and with jobs there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Errand {
    /// How a job stands (`async_status`).
    JobStatus {
        /// The job's name.
        id: String,
    },
    /// The end of what tells of a job (`async_status` with `mode: cleanup`).
    JobCleanup {
        /// The job's name.
        id: String,
    },
    /// A new connection (`wait_for_connection`).
    Reconnect(Reconnect),
    /// A reboot (`reboot`).
    Reboot(RebootHost),
}

/// Until the host can be worked on over a new connection. All in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconnect {
    /// For one try to connect.
    pub connect_timeout: u32,
    /// Before the first try.
    pub delay: u32,
    /// Between tries.
    pub sleep: u32,
    /// After which it has failed.
    pub timeout: u32,
}

/// A reboot, as the parameters of `reboot` say. Times are in seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RebootHost {
    /// Prints something else after every boot.
    pub boot_time_command: Option<String>,
    /// For one try to connect.
    pub connect_timeout: Option<u32>,
    /// Shown to the host's users.
    pub message: String,
    /// After the host was told to reboot.
    pub delay_after: u32,
    /// Before the reboot.
    pub delay_before: u32,
    /// For the reboot, and then again for the test.
    pub timeout: u32,
    /// Where the command is looked for.
    pub search_paths: Vec<String>,
    /// Succeeds once the host is ready.
    pub test_command: Option<String>,
    /// The command that reboots, with its arguments.
    pub command: Option<String>,
}

/// A module's answer when nothing is missing.
#[derive(Clone, Debug)]
pub enum Step {
    /// Do this.
    Plan(Plan),
    /// Wait for this.
    Wait(Wait),
    /// The engine does this.
    Flow(Flow),
    /// The engine does this with the host.
    Errand(Errand),
}

/// Why a module could not answer.
#[derive(Clone, Debug)]
pub enum Halt {
    /// Something is not known yet; the view has recorded what.
    Needed,
    /// It hangs on a task that has not run (check mode).
    Unknown(Arc<Unknown>),
    /// The task fails: `msg` and further keys of the result.
    Failed(Box<Failed>),
    /// Look-ahead came upon something that is only done at the task's turn.
    Deferred,
}

/// How a task fails.
#[derive(Clone, Debug, Default)]
pub struct Failed {
    /// Ansible's `msg`.
    pub message: String,
    /// A hint for the reader.
    pub hint: Option<String>,
    /// What went wrong in one of the project's files, with its place.
    pub diagnostic: Option<crate::base::Diagnostic>,
    /// Further keys of the result (`rc`, `stdout` …).
    pub result: Map,
    /// Whether the task could not begin, for a file or a template on the controller: `failed_when` does not judge it,
    /// and `until` does not try again.
    pub raised: bool,
    /// Warnings for the user.
    pub warnings: Vec<String>,
}

/// Fails the task with a message.
pub fn fail<T>(message: impl Into<String>) -> Result<T, Halt> {
    Err(Halt::Failed(Box::new(Failed { message: message.into(), ..Failed::default() })))
}

impl Plan {
    /// Nothing to do, and why.
    pub fn nothing(why: impl Into<String>) -> Self {
        Self { summary: why.into(), ..Self::default() }
    }

    /// With a change on the host.
    pub fn change(mut self, change: Change) -> Self {
        self.changes.push(Planned { side: Side::Host, change });
        self
    }

    /// With a difference for the reader.
    pub fn diff(mut self, diff: Diff) -> Self {
        self.diffs.push(diff);
        self
    }

    /// With one more key of the result.
    pub fn with(mut self, key: impl Into<Key>, value: impl Into<Value>) -> Self {
        self.result.insert(key.into(), value.into());
        self
    }

    /// Whether the task counts as changed.
    pub fn is_changed(&self) -> bool {
        self.changed.unwrap_or(!self.changes.is_empty())
    }
}

/// A module, for those who write one.
pub trait Module: Send + Sync + 'static {
    /// Its parameters.
    type Params: Params;

    /// Its names and its text.
    const DOC: ModuleDoc;

    /// What is to be done. Called again, with more known, as long as it halts with [`Halt::Needed`].
    fn plan(params: &Self::Params, view: &View<'_>) -> Result<Step, Halt>;

    /// What `register` sees once the changes have run: one outcome for each change of the plan, in order. The
    /// default is the plan's prediction.
    fn result(params: &Self::Params, view: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        let _ = (params, view, outcomes);
        Ok(plan.result.clone())
    }

    /// What `register` sees where the parameters are wrong, if the original has words of its own for it.
    fn refusal(given: &Given, problems: &[ParamProblem]) -> Option<String> {
        let _ = (given, problems);
        None
    }

    /// The failure of the task when a change of the plan failed. The default has the failure's message and, of
    /// a command, `rc`, `stdout` and `stderr`.
    fn failure(params: &Self::Params, plan: &Plan, at: usize, failure: &Failure) -> Failed {
        let _ = (params, plan, at);
        let mut result = Map::new();
        if let Some(output) = &failure.output {
            result = super::view::output_keys(output);
        }
        Failed { message: failure.message.clone(), result, ..Failed::default() }
    }
}

/// A module's names and text.
#[derive(Clone, Copy, Debug)]
pub struct ModuleDoc {
    /// The short name.
    pub name: &'static str,
    /// Namespace and collection of the original: `ansible.builtin`.
    pub collection: &'static str,
    /// Further short names.
    pub aliases: &'static [&'static str],
    /// What a free-form text means to it.
    pub free_form: FreeForm,
    /// The module's source file, whose `//!` head holds the summary (first line) and the example (a YAML block).
    pub source: &'static str,
    /// What the result holds, by key.
    pub returns: &'static [(&'static str, &'static str)],
}

/// What a free-form text means to a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FreeForm {
    /// `key=value` pairs only.
    Pairs,
    /// A raw text; the parameter that takes it. `key=value` pairs of known names at any place are parameters.
    Raw(&'static str),
}

impl ModuleDoc {
    /// The full name: `ansible.builtin.copy`.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.collection, self.name)
    }

    /// The head's first line.
    pub fn summary(&self) -> &'static str {
        self.source.lines().next().unwrap_or_default().trim_start_matches("//!").trim()
    }

    /// The YAML block in the head.
    pub fn example(&self) -> String {
        let head = self.source.lines().take_while(|line| line.starts_with("//!"));
        let text = head.map(|line| line.trim_start_matches("//!").strip_prefix(' ').unwrap_or_default());
        text.skip_while(|line| !line.starts_with("```yaml"))
            .skip(1)
            .take_while(|line| !line.starts_with("```"))
            .fold(String::new(), |all, line| all + line + "\n")
    }
}

/// A module, for those who use one.
pub trait AnyModule: Send + Sync {
    /// Its names and its text.
    fn doc(&self) -> ModuleDoc;
    /// Its parameters.
    fn fields(&self) -> Vec<Field>;
    /// The rules between them.
    fn rules(&self) -> Vec<Rule> {
        Vec::new()
    }
    /// Whether any other name is a parameter too.
    fn open(&self) -> bool {
        false
    }
    /// What is wrong with these parameters.
    fn check(&self, given: &Given) -> Vec<ParamProblem>;
    /// As [`Module::plan`].
    fn plan(&self, given: &Given, view: &View<'_>) -> Result<Step, Halt>;
    /// As [`Module::result`].
    fn result(&self, given: &Given, view: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt>;
    /// As [`Module::failure`].
    fn failure(&self, given: &Given, plan: &Plan, at: usize, failure: &Failure) -> Failed;
    /// Whether what it does in check mode, and all about its end (`failed`, `changed`, facts, differences), is for the
    /// module itself to say: it is run in check mode, too, and its result holds everything.
    fn tells_all(&self) -> bool {
        false
    }
}

/// Puts a [`Module`] into the registry.
pub struct Registered<M>(PhantomData<M>);

impl<M> Registered<M> {
    /// The registry's entry of a module.
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<M> Default for Registered<M> {
    fn default() -> Self {
        Self::new()
    }
}

fn parse<M: Module>(given: &Given) -> Result<M::Params, Halt> {
    super::params::parse::<M::Params>(given).map_err(|problems| {
        let message = problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>().join("; ");
        let hint = problems.iter().find_map(|problem| problem.hint.clone());
        let mut result = Map::new();
        if let Some(told) = M::refusal(given, &problems).or_else(|| unsupported::<M>(&problems)) {
            result.insert(Key::str("msg"), Value::from(told));
        }
        Halt::Failed(Box::new(Failed { message, hint, result, ..Failed::default() }))
    })
}

/// Modules that are actions without a specification of their parameters in Ansible, which tells an unknown one in other
/// words there.
const UNSPECIFIED: &[&str] = &["fail", "group_by", "reboot", "set_stats", "wait_for_connection"];

/// What Ansible says of parameters that a module does not have, where nothing else is wrong.
fn unsupported<M: Module>(problems: &[ParamProblem]) -> Option<String> {
    let known = |problem: &ParamProblem| problem.kind != Kind::UnknownParameter;
    if problems.iter().any(known) {
        return None;
    }
    let mut names: Vec<&str> = unknown(problems).collect();
    names.sort_unstable();
    let names = names.join(", ");
    let module = M::DOC.name;
    if UNSPECIFIED.contains(&module) {
        return Some(format!("Invalid options for {module}: {names}"));
    }
    Some(unsupported_in(module, &M::Params::fields(), &names))
}

/// The names of parameters that there are not.
pub fn unknown(problems: &[ParamProblem]) -> impl Iterator<Item = &str> {
    let unknown = problems.iter().filter(|problem| problem.kind == Kind::UnknownParameter);
    unknown.filter_map(|problem| problem.parameter.as_deref())
}

/// That a module with these parameters does not have those of these names, in Ansible's words.
pub fn unsupported_in(module: &str, fields: &[Field], names: &str) -> String {
    let sorted = |mut all: Vec<&'static str>| {
        all.sort_unstable();
        all.join(", ")
    };
    let supported = sorted(fields.iter().map(|field| field.name).collect());
    let aliases = sorted(fields.iter().flat_map(|field| field.aliases).copied().collect());
    let aliases = if aliases.is_empty() { aliases } else { format!(" ({aliases})") };
    format!(
        "Unsupported parameters for ({module}) module: {names}. Supported parameters include: {supported}{aliases}."
    )
}

impl<M: Module> AnyModule for Registered<M> {
    fn doc(&self) -> ModuleDoc {
        M::DOC
    }

    fn fields(&self) -> Vec<Field> {
        M::Params::fields()
    }

    fn rules(&self) -> Vec<Rule> {
        M::Params::rules()
    }

    fn open(&self) -> bool {
        M::Params::open()
    }

    fn check(&self, given: &Given) -> Vec<ParamProblem> {
        super::params::check::<M::Params>(given)
    }

    fn plan(&self, given: &Given, view: &View<'_>) -> Result<Step, Halt> {
        let given = located(M::DOC.name, &M::Params::fields(), given, view)?;
        M::plan(&parse::<M>(&given)?, view)
    }

    fn result(&self, given: &Given, view: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        let given = located(M::DOC.name, &M::Params::fields(), given, view)?;
        M::result(&parse::<M>(&given)?, view, plan, outcomes)
    }

    fn failure(&self, given: &Given, plan: &Plan, at: usize, failure: &Failure) -> Failed {
        match parse::<M>(given) {
            Ok(params) => M::failure(&params, plan, at, failure),
            Err(_) => Failed { message: failure.message.clone(), ..Failed::default() },
        }
    }
}
