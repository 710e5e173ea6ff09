//! The keywords of plays, roles, blocks and tasks: one table, as in Ansible's "Playbook Keywords".

/// Where a keyword may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct On {
    /// On a play.
    pub play: bool,
    /// On a role in `roles`.
    pub role: bool,
    /// On a block.
    pub block: bool,
    /// On a task.
    pub task: bool,
}

/// Whether fleet honours it yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// Yes.
    Yes,
    /// Not yet: a file that uses it is refused by name.
    Refused,
}

macro_rules! keywords {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, [$($on:ident)*], $inherited:literal, $support:ident;)*) => {
        /// A keyword.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Keyword { $(#[doc = concat!("`", $name, "`")] $variant,)* }

        impl Keyword {
            /// All of them.
            pub const ALL: &'static [Keyword] = &[$(Self::$variant,)*];

            /// Its name in files.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Where it may stand.
            pub fn on(self) -> On {
                match self {
                    $(Self::$variant => {
                        #[allow(unused_mut, reason = "a keyword that stands nowhere but in special code")]
                        let mut on = On { play: false, role: false, block: false, task: false };
                        $(on.$on = true;)*
                        on
                    })*
                }
            }

            /// Whether tasks inherit it from what is around them.
            pub fn inherited(self) -> bool {
                match self { $(Self::$variant => $inherited,)* }
            }

            /// Whether fleet honours it.
            pub fn support(self) -> Support {
                match self { $(Self::$variant => Support::$support,)* }
            }
        }
    };
}

keywords! {
    AnyErrorsFatal = "any_errors_fatal", [play role block task], true, Yes;
    Async = "async", [task], false, Yes;
    Become = "become", [play role block task], true, Yes;
    BecomeExe = "become_exe", [play role block task], true, Yes;
    BecomeFlags = "become_flags", [play role block task], true, Yes;
    BecomeMethod = "become_method", [play role block task], true, Yes;
    BecomeUser = "become_user", [play role block task], true, Yes;
    ChangedWhen = "changed_when", [task], false, Yes;
    CheckMode = "check_mode", [play role block task], true, Yes;
    Collections = "collections", [play role block task], true, Yes;
    Connection = "connection", [play role block task], true, Yes;
    Debugger = "debugger", [play role block task], true, Refused;
    Delay = "delay", [task], false, Yes;
    DelegateFacts = "delegate_facts", [role block task], true, Yes;
    DelegateTo = "delegate_to", [role block task], true, Yes;
    Diff = "diff", [play role block task], true, Yes;
    Environment = "environment", [play role block task], true, Yes;
    FactPath = "fact_path", [play], false, Yes;
    FailedWhen = "failed_when", [task], false, Yes;
    ForceHandlers = "force_handlers", [play], false, Yes;
    GatherFacts = "gather_facts", [play], false, Yes;
    GatherSubset = "gather_subset", [play], false, Yes;
    GatherTimeout = "gather_timeout", [play], false, Yes;
    IgnoreErrors = "ignore_errors", [play role block task], true, Yes;
    IgnoreUnreachable = "ignore_unreachable", [play role block task], true, Yes;
    MaxFailPercentage = "max_fail_percentage", [play], false, Yes;
    ModuleDefaults = "module_defaults", [play role block task], true, Yes;
    NoLog = "no_log", [play role block task], true, Yes;
    Notify = "notify", [block task], true, Yes;
    Order = "order", [play], false, Yes;
    Poll = "poll", [task], false, Yes;
    Port = "port", [play role block task], true, Yes;
    Register = "register", [task], false, Yes;
    RemoteUser = "remote_user", [play role block task], true, Yes;
    Retries = "retries", [task], false, Yes;
    RunOnce = "run_once", [play role block task], true, Yes;
    Serial = "serial", [play], false, Yes;
    Strategy = "strategy", [play], false, Yes;
    Tags = "tags", [play role block task], true, Yes;
    Throttle = "throttle", [play role block task], true, Yes;
    Timeout = "timeout", [play role block task], true, Yes;
    Until = "until", [task], false, Yes;
    VarsPrompt = "vars_prompt", [play], false, Yes;
    When = "when", [role block task], true, Yes;
}

/// Words that may stand on a play, role, block or task and are not keywords of the table: they have a structure of
/// their own and are read by the loader.
pub const STRUCTURAL_PLAY: &[&str] =
    &["name", "hosts", "vars", "vars_files", "roles", "pre_tasks", "tasks", "post_tasks", "handlers"];
/// On imports of playbooks.
pub const STRUCTURAL_IMPORT: &[&str] = &["import_playbook", "name", "vars", "when", "tags"];
/// On blocks.
pub const STRUCTURAL_BLOCK: &[&str] = &["name", "vars", "block", "rescue", "always"];
/// On tasks.
pub const STRUCTURAL_TASK: &[&str] =
    &["name", "vars", "action", "local_action", "args", "loop", "loop_control", "listen"];

/// The actions of `meta`, and whether fleet honours them.
pub const META: &[(&str, Support)] = &[
    ("clear_facts", Support::Yes),
    ("clear_host_errors", Support::Yes),
    ("end_batch", Support::Yes),
    ("end_host", Support::Yes),
    ("end_play", Support::Yes),
    ("end_role", Support::Yes),
    ("flush_handlers", Support::Yes),
    ("noop", Support::Yes),
    ("refresh_inventory", Support::Yes),
    ("reset_connection", Support::Yes),
];

impl Keyword {
    /// The keyword with that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|keyword| keyword.name() == name)
    }
}
