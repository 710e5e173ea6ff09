//! Row 7: the command line: one file per command; wiring, exit codes, the one error printer.

pub mod adhoc;
pub mod apply;
pub mod check_project;
pub mod configuration;
pub mod discover;
pub mod doc;
pub mod execute;
pub mod exit;
pub mod explain;
pub mod extra;
pub mod inventory;
pub mod inventory_command;
mod inventory_dump;
mod inventory_text;
mod keys;
pub mod lab;
pub mod listing;
pub mod names;
pub mod options;
pub mod passwords;
pub mod prepare;
pub mod prompt;
pub mod schema;
pub mod scrubbed;
pub mod secret;
pub mod vault;
pub mod vault_options;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use exit::Exit;
use inventory::Manner;

/// Configures fleets of servers over SSH from Ansible's files, with nothing installed on them
#[derive(Debug, Parser)]
#[command(name = "fleet", version, arg_required_else_help = true, args_override_self = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Apply a playbook
    Apply(Box<apply::ApplyArgs>),
    /// Show what applying a playbook would change; changes nothing
    Plan(Box<apply::PlanArgs>),
    /// Show the inventory as it is understood: hosts, groups, variables
    Inventory(Box<inventory_command::InventoryArgs>),
    /// Tell where a variable of a host comes from, or why a task runs or is skipped; connects to nothing
    Explain(Box<explain::ExplainArgs>),
    /// List everything in a tree of playbooks and roles that fleet will not run; connects to nothing
    CheckProject(check_project::CheckProjectArgs),
    /// Run one task on the hosts of a pattern
    Run(Box<adhoc::AdHocArgs>),
    /// Show what a module does, its parameters and an example; `-l` lists the modules
    Doc(doc::DocArgs),
    /// Write a JSON schema of playbooks, task files, inventories and variables, for editors
    Schema(schema::SchemaArgs),
    /// Encrypt and decrypt files and texts, in Ansible's vault format
    Vault(Box<vault::VaultArgs>),
    /// Keep passwords in the keyring, or in an encrypted file
    Secret(Box<secret::SecretArgs>),
    /// Boot throw-away Debian hosts on this machine, to rehearse playbooks on
    Lab(lab::LabArgs),
}

/// Runs fleet with the process's arguments.
pub fn main() -> ExitCode {
    // what runs on hosts is this same program; it starts before anything else is set up
    if std::env::args_os().nth(1).is_some_and(|first| first == "remote") {
        return crate::target::remote_main();
    }
    crate::target::nss_setup();
    let arguments: Vec<std::ffi::OsString> = std::env::args_os().collect();
    if let Some(code) = names::run(&arguments) {
        return code;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Fine.into() };
        }
    };
    let done = match cli.command {
        Command::Apply(args) => apply::apply(*args, Manner::Fleet),
        Command::Plan(args) => apply::plan(*args),
        Command::Inventory(args) => inventory_command::run(&args, Manner::Fleet),
        Command::Explain(args) => explain::run(*args),
        Command::CheckProject(args) => check_project::run(args),
        Command::Run(args) => adhoc::run(*args, Manner::Fleet),
        Command::Doc(args) => doc::run(args),
        Command::Schema(args) => schema::run(args),
        Command::Vault(args) => vault::run(*args, Manner::Fleet),
        Command::Secret(args) => secret::run(*args),
        Command::Lab(args) => return lab_command(args),
    };
    match done {
        Ok(exit) => exit.into(),
        Err(error) => {
            exit::print(&error);
            exit::of(&error).into()
        }
    }
}

fn lab_command(args: lab::LabArgs) -> ExitCode {
    let hosts = |files: &[std::path::PathBuf], limit: Option<&str>| inventory::host_names(files, limit);
    match lab::run(args, &hosts) {
        Ok(code) => code,
        Err(error) => {
            exit::print(&error);
            exit::of(&error).into()
        }
    }
}
