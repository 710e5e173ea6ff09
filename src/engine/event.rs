//! What happens during a run, as typed events. Reporters consume them; nothing else prints.

use std::sync::Arc;
use std::time::Duration;

use crate::base::{Diagnostic, Map, Place, Unknown, Value};
use crate::modules::Diff;
use crate::template::Deprecation;

/// Which task it is about.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskLabel {
    /// The name as shown: rendered where that is possible, else the module's name.
    pub name: Arc<str>,
    /// The name as Ansible shows it, where that is another one.
    pub told: Option<Arc<str>>,
    /// The role it comes from.
    pub role: Option<Arc<str>>,
    /// The module's name as written.
    pub module: Arc<str>,
    /// Where it stands.
    pub place: Place,
    /// Whether it runs as a handler.
    pub handler: bool,
    /// Whether its result is meant to be read: `debug`, and `assert` unless it is `quiet`.
    pub loud: bool,
}

impl TaskLabel {
    /// `role : name`, as Ansible shows a task.
    pub fn title(&self) -> String {
        match &self.role {
            Some(role) => format!("{role} : {}", self.name),
            None => self.name.to_string(),
        }
    }

    /// The same with the name that Ansible shows.
    pub fn told_title(&self) -> String {
        match &self.told {
            Some(told) => Self { name: Arc::clone(told), ..self.clone() }.title(),
            None => self.title(),
        }
    }
}

/// How a task (or one item of its loop) ended on a host.
#[derive(Clone, Debug, PartialEq)]
pub enum Status {
    /// As it should be already.
    Ok,
    /// Changed; in check mode: would be changed.
    Changed,
    /// Not run, and why (`condition …`, `no items`).
    Skipped {
        /// Why.
        reason: String,
    },
    /// Check mode: whether it changes anything hangs on a task that has not run.
    MayChange(Arc<Unknown>),
    /// Failed.
    Failed {
        /// Whether `ignore_errors` lets the host go on.
        ignored: bool,
    },
    /// The host could not be reached.
    Unreachable {
        /// Whether `ignore_unreachable` lets the host go on.
        ignored: bool,
    },
}

/// Why a task failed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FailureText {
    /// Ansible's `msg`.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// What is wrong in one of the project's files.
    pub diagnostic: Option<Diagnostic>,
}

/// The end of a task, or of one item of its loop, on a host.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// How.
    pub status: Status,
    /// In a few words: why nothing changed, or what was done.
    pub summary: String,
    /// What differs.
    pub diffs: Vec<Diff>,
    /// What `register` sees.
    pub result: Value,
    /// Why it failed.
    pub failure: Option<FailureText>,
    /// Warnings.
    pub warnings: Vec<String>,
    /// `no_log`: result, diffs and message must not be shown.
    pub censored: bool,
    /// A secret went into it: result and differences are not shown, unless as Ansible shows them.
    pub tainted: bool,
    /// Whether differences were asked for (`--diff`, or the keyword `diff`).
    pub diff: bool,
    /// How long it took.
    pub elapsed: Duration,
}

impl Outcome {
    /// An outcome with nothing but its status.
    pub fn plain(status: Status) -> Self {
        Self {
            status,
            summary: String::new(),
            diffs: Vec::new(),
            result: Value::Null,
            failure: None,
            warnings: Vec::new(),
            censored: false,
            tainted: false,
            diff: false,
            elapsed: Duration::ZERO,
        }
    }
}

/// The counts of one host, as in Ansible's recap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in Ansible's recap")]
pub struct Recap {
    pub ok: u32,
    pub changed: u32,
    pub unreachable: u32,
    pub failed: u32,
    pub skipped: u32,
    pub rescued: u32,
    pub ignored: u32,
    /// Check mode: tasks that may change, depending on tasks that have not run.
    pub may_change: u32,
    /// Tasks whose module was a file that an interpreter ran on the host (Python).
    pub python: u32,
}

/// What the transport cost for one host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Connections made.
    pub connections: u64,
    /// Request and response pairs, session starts included.
    pub exchanges: u64,
    /// Bytes sent.
    pub bytes_sent: u64,
    /// Bytes received.
    pub bytes_received: u64,
}

/// How a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// It runs.
    Running,
    /// It has ended well.
    Ended,
    /// It has failed, or has not ended in its time.
    Failed,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A run begins.
    RunStarted {
        /// The playbook's path as shown.
        playbook: String,
        /// How many plays it has.
        plays: usize,
        /// Whether nothing is changed.
        check_mode: bool,
        /// Whether differences are shown.
        diff: bool,
    },
    /// A play begins on a batch of hosts.
    PlayStarted {
        /// Its name.
        name: Arc<str>,
        /// The hosts of the batch.
        hosts: Vec<Arc<str>>,
    },
    /// A play has no hosts.
    PlayWithoutHosts {
        /// Its name.
        name: Arc<str>,
    },
    /// A play cannot begin: its hosts, prompts or files of variables are wrong.
    PlayFailed {
        /// Its name.
        name: Arc<str>,
        /// What is wrong.
        diagnostic: Box<Diagnostic>,
    },
    /// A task begins on some hosts.
    TaskStarted {
        /// The task.
        task: Arc<TaskLabel>,
        /// The hosts it runs on.
        hosts: Vec<Arc<str>>,
    },
    /// What a host is doing now, for a live view (`connecting`, `apt`, `waiting for …`); `None`: nothing.
    HostBusy {
        /// The host.
        host: Arc<str>,
        /// What it does.
        what: Option<String>,
    },
    /// One item of a loop ended on a host.
    ItemFinished {
        /// The host.
        host: Arc<str>,
        /// The host it was delegated to.
        delegate: Option<Arc<str>>,
        /// The task.
        task: Arc<TaskLabel>,
        /// The item's label.
        label: String,
        /// How it ended.
        outcome: Box<Outcome>,
    },
    /// A task ended on a host.
    TaskFinished {
        /// The host.
        host: Arc<str>,
        /// The host it was delegated to.
        delegate: Option<Arc<str>>,
        /// The task.
        task: Arc<TaskLabel>,
        /// Whether it was a loop whose items have been reported one by one.
        looped: bool,
        /// How it ended.
        outcome: Box<Outcome>,
    },
    /// An include has brought a file or a role to hosts.
    Included {
        /// The file's path, or the role's name.
        name: String,
        /// The hosts that go through it together.
        hosts: Vec<Arc<str>>,
        /// The label of the loop's item.
        item: Option<String>,
        /// Whether it is a role.
        role: bool,
    },
    /// A task will be tried again.
    TaskRetry {
        /// The host.
        host: Arc<str>,
        /// The task.
        task: Arc<TaskLabel>,
        /// How many tries are left.
        left: u32,
        /// How the last one ended.
        outcome: Box<Outcome>,
    },
    /// A job that is waited for (`async` with `poll`) was looked at.
    JobPolled {
        /// The host.
        host: Arc<str>,
        /// Its name.
        job: String,
        /// How it was found.
        state: JobState,
    },
    /// So many hosts have failed that the play ends for all (`max_fail_percentage`).
    NoHostsLeft,
    /// The run cannot go on: what one of the files says cannot be done.
    Aborted {
        /// Why.
        diagnostic: Box<Diagnostic>,
    },
    /// A handler that an interrupted run has left notified will run.
    HandlerLeft {
        /// The host.
        host: Arc<str>,
        /// The handler.
        handler: String,
    },
    /// A program was started on a host. Told from `-vvv` on.
    ProgramStarted {
        /// The host.
        host: String,
        /// The command line.
        command: String,
    },
    /// A host's Python is looked for. Told from `-vvv` on.
    PythonSought {
        /// The host.
        host: String,
    },
    /// Something was evaluated that Ansible is going to give up.
    Deprecated {
        /// The task.
        task: Arc<TaskLabel>,
        /// What.
        deprecation: Deprecation,
    },
    /// A warning about the run itself.
    Warning {
        /// The text.
        message: String,
        /// In a file, where.
        diagnostic: Option<Box<Diagnostic>>,
    },
    /// The run is over.
    RunFinished {
        /// The counts of each host, in the inventory's order.
        recap: Vec<(Arc<str>, Recap)>,
        /// What the transport cost for each host that was connected to.
        costs: Vec<(Arc<str>, Cost)>,
        /// What `set_stats` has set: for the run (`None`), and for hosts.
        stats: Vec<(Option<Arc<str>>, Map)>,
        /// How long it took.
        elapsed: Duration,
    },
}
