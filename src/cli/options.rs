//! The options that `apply` and `plan` share; names and letters are ansible-playbook's.

use std::path::PathBuf;

use clap::Args;

/// Options of a run.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "options of a command line")]
pub struct RunArgs {
    /// The playbook
    #[arg(value_name = "PLAYBOOK")]
    pub playbook: PathBuf,
    /// An inventory: a file, a directory, or hosts separated by commas; may be given several times.
    /// Without it: `inventory/` or `inventory.yml` here, beside the playbook or above it
    #[arg(short, long, value_name = "INVENTORY", alias = "inventory-file")]
    pub inventory: Vec<String>,
    /// Only hosts that match this pattern too
    #[arg(short, long, value_name = "PATTERN")]
    pub limit: Option<String>,
    /// Variables that win over all others: `name=value`, YAML or JSON, or `@file`
    #[arg(short, long, value_name = "VARS")]
    pub extra_vars: Vec<String>,
    /// Only tasks with one of these tags
    #[arg(short, long, value_name = "TAGS", value_delimiter = ',')]
    pub tags: Vec<String>,
    /// No tasks with one of these tags
    #[arg(long, value_name = "TAGS", value_delimiter = ',')]
    pub skip_tags: Vec<String>,
    /// How many hosts at once
    #[arg(short, long, value_name = "NUMBER", default_value_t = 50)]
    pub forks: usize,
    /// Log in as this user
    #[arg(short, long, value_name = "USER")]
    pub user: Option<String>,
    /// Log in with this private key
    #[arg(long, value_name = "FILE", alias = "key-file")]
    pub private_key: Option<PathBuf>,
    /// How hosts are reached where they do not say it themselves: ssh or local
    #[arg(short, long, value_name = "CONNECTION")]
    pub connection: Option<String>,
    /// Options of OpenSSH's ssh, as one text
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    pub ssh_common_args: Option<String>,
    /// More options of OpenSSH's ssh, as one text
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    pub ssh_extra_args: Option<String>,
    /// Seconds for connecting to a host
    #[arg(short = 'T', long, value_name = "SECONDS", default_value_t = 10)]
    pub timeout: u64,
    /// Accept the key of a host that is not known yet, and remember it; a changed key is still refused
    #[arg(long)]
    pub accept_new: bool,
    /// Ask for the login password
    #[arg(short = 'k', long)]
    pub ask_pass: bool,
    /// Ask for the password for becoming another user
    #[arg(short = 'K', long)]
    pub ask_become_pass: bool,
    /// Boot a throw-away host for each host of the inventory on this machine, and use those instead
    #[arg(long)]
    pub lab: bool,
    /// The lab's name, with `--lab`
    #[arg(long, value_name = "NAME", requires = "lab")]
    pub lab_name: Option<String>,
    /// Write the events as JSON lines
    #[arg(long)]
    pub json: bool,
    /// Show what is as it should be, too, and why; twice: every result
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Show failures and the recap only
    #[arg(short, long)]
    pub quiet: bool,
}
