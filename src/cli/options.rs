//! The options that commands which run something share; names and letters are Ansible's.

use std::path::PathBuf;

use clap::{ArgAction, Args};

use super::vault_options::VaultOptions;

/// Which hosts.
#[derive(Clone, Debug, Default, Args)]
pub struct HostArgs {
    /// An inventory: a file, a directory, or hosts separated by commas; may be given several times.
    /// Without it: the configuration's, or `inventory/` or `inventory.yml` here, beside the playbook or above it
    #[arg(short, long, value_name = "INVENTORY", alias = "inventory-file")]
    pub inventory: Vec<String>,
    /// Only hosts that match this pattern too
    #[arg(short, long, value_name = "PATTERN")]
    pub limit: Vec<String>,
    /// Only list the hosts; connect to none
    #[arg(long)]
    pub list_hosts: bool,
    /// Forget the facts that earlier runs have kept
    #[arg(long)]
    pub flush_cache: bool,
}

/// How hosts are reached.
#[derive(Clone, Debug, Default, Args)]
pub struct ConnectArgs {
    /// Log in as this user
    #[arg(short, long, value_name = "USER")]
    pub user: Option<String>,
    /// Log in with this private key
    #[arg(long, value_name = "FILE", alias = "key-file")]
    pub private_key: Option<PathBuf>,
    /// How hosts are reached where they do not say it themselves: ssh or local
    #[arg(short, long, value_name = "CONNECTION")]
    pub connection: Option<String>,
    /// Seconds for connecting to a host
    #[arg(short = 'T', long, value_name = "SECONDS")]
    pub timeout: Option<u64>,
    /// Options of OpenSSH's ssh, as one text
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    pub ssh_common_args: Option<String>,
    /// More options of OpenSSH's ssh, as one text
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    pub ssh_extra_args: Option<String>,
    /// Taken for Ansible's sake; fleet does not use sftp
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    pub sftp_extra_args: Option<String>,
    /// Taken for Ansible's sake; fleet does not use scp
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    pub scp_extra_args: Option<String>,
    /// Accept the key of a host that is not known yet, and remember it; a changed key is still refused
    #[arg(long)]
    pub accept_new: bool,
    /// Ask for the login password
    #[arg(short = 'k', long, conflicts_with = "connection_password_file")]
    pub ask_pass: bool,
    /// A file with the login password, or a program that prints it
    #[arg(long, value_name = "FILE", alias = "conn-pass-file")]
    pub connection_password_file: Option<PathBuf>,
}

/// Becoming another user.
#[derive(Clone, Debug, Default, Args)]
pub struct BecomeArgs {
    /// Become another user where a task does not say otherwise
    #[arg(id = "become", short = 'b', long = "become")]
    pub wanted: bool,
    /// How: sudo, su …
    #[arg(id = "become_method", long = "become-method", value_name = "METHOD")]
    pub method: Option<String>,
    /// Which user
    #[arg(id = "become_user", long = "become-user", value_name = "USER")]
    pub user: Option<String>,
    /// Ask for the password for becoming another user
    #[arg(
        id = "ask_become_pass",
        short = 'K',
        long = "ask-become-pass",
        conflicts_with = "become_password_file"
    )]
    pub ask: bool,
    /// A file with the password for becoming another user, or a program that prints it
    #[arg(
        id = "become_password_file",
        long = "become-password-file",
        value_name = "FILE",
        alias = "become-pass-file"
    )]
    pub password_file: Option<PathBuf>,
}

/// Which tasks of a playbook.
#[derive(Clone, Debug, Default, Args)]
pub struct TaskArgs {
    /// Only tasks with one of these tags
    #[arg(short, long, value_name = "TAGS", value_delimiter = ',')]
    pub tags: Vec<String>,
    /// No tasks with one of these tags
    #[arg(long, value_name = "TAGS", value_delimiter = ',')]
    pub skip_tags: Vec<String>,
    /// Begin with the task of this name
    #[arg(long, value_name = "NAME")]
    pub start_at_task: Option<String>,
    /// Ask before each task
    #[arg(long)]
    pub step: bool,
    /// Run notified handlers also on hosts that failed
    #[arg(long)]
    pub force_handlers: bool,
}

/// Options of a run.
#[derive(Clone, Debug, Default, Args)]
pub struct RunArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "what it flattens is documented")]
    pub hosts: HostArgs,
    /// Variables that win over all others: `name=value`, YAML or JSON, or `@file`
    #[arg(short, long, value_name = "VARS")]
    pub extra_vars: Vec<String>,
    /// How many hosts at once
    #[arg(short, long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub forks: Option<u64>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "what it flattens is documented")]
    pub connect: ConnectArgs,
    #[command(flatten)]
    #[expect(missing_docs, reason = "what it flattens is documented")]
    pub become_: BecomeArgs,
    /// Directories of modules in Python; fleet has its own, and runs none of these
    #[arg(short = 'M', long, value_name = "PATHS")]
    pub module_path: Vec<String>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "what it flattens is documented")]
    pub vault: VaultOptions,
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
    #[arg(short, long, action = ArgAction::Count)]
    pub verbose: u8,
    /// Show failures and the recap only
    #[arg(short, long)]
    pub quiet: bool,
}
