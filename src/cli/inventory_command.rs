//! `fleet inventory`, and what runs under the name `ansible-inventory`: shows the inventory as it is understood.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Parser};

use super::exit::{self, Exit, FilesAreWrong, WrongOptions, print_diagnostics};
use super::inventory::{self, Manner};
use super::inventory_dump::{Dump, Form};
use super::vault_options::{self, VaultOptions};
use super::{configuration, extra, inventory_text, scrubbed};
use crate::base::{Diagnostic, Diagnostics, Kind, Severity};
use crate::inventory::{Inventory, Loaded};
use crate::project::Project;
use crate::vars::Layer;

/// Arguments of `fleet inventory`; names and letters are ansible-inventory's.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "options of a command line")]
pub struct InventoryArgs {
    /// With `--graph`: the group to start at
    #[arg(value_name = "GROUP")]
    group: Option<String>,
    /// All hosts and groups, as an inventory script prints them
    #[arg(long, group = "action")]
    list: bool,
    /// The variables of one host; `--limit` does not count
    #[arg(long, value_name = "HOST", group = "action")]
    host: Option<String>,
    /// The groups as a tree; `--limit` does not count
    #[arg(long, group = "action")]
    graph: bool,
    /// An inventory: a file, a directory, or hosts separated by commas; may be given several times
    #[arg(short, long, value_name = "INVENTORY", alias = "inventory-file")]
    inventory: Vec<String>,
    /// Only hosts that match this pattern
    #[arg(short, long, value_name = "PATTERN")]
    limit: Option<String>,
    /// As YAML
    #[arg(short, long, conflicts_with = "toml")]
    yaml: bool,
    /// As TOML
    #[arg(long)]
    toml: bool,
    /// With `--graph`: variables too
    #[arg(long)]
    vars: bool,
    /// With `--list`: the variables of groups and hosts stay apart, as they are defined
    #[arg(long)]
    export: bool,
    /// Write to this file
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Variables that win over all others: `name=value`, YAML or JSON, or `@file`
    #[arg(short, long, value_name = "VARS")]
    extra_vars: Vec<String>,
    /// The directory whose `group_vars` and `host_vars` count as those beside a playbook
    #[arg(long, value_name = "DIRECTORY", alias = "basedir")]
    playbook_dir: Option<PathBuf>,
    #[command(flatten)]
    vault: VaultOptions,
    /// Say more
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Has no meaning here; inventories are never kept
    #[arg(long, hide = true)]
    flush_cache: bool,
}

/// Shows the inventory as Ansible sees it
#[derive(Debug, Parser)]
#[command(name = "ansible-inventory", version)]
struct AnsibleInventory {
    #[command(flatten)]
    args: InventoryArgs,
}

/// What fleet does under the name `ansible-inventory`. The arguments start with the program's name.
pub fn ansible_inventory(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = match AnsibleInventory::try_parse_from(arguments) {
        Ok(AnsibleInventory { args }) => args,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    match run(&args, Manner::Ansible) {
        Ok(exit) => exit.into(),
        Err(error) => {
            if let Some(FilesAreWrong(diagnostics)) = error.downcast_ref() {
                let _ = say_as_ansible(&mut scrubbed::stderr(), diagnostics);
                // as Ansible: what cannot be decrypted ends it otherwise than the rest
                let sealed = diagnostics.0.iter().any(|found| found.kind == Kind::Vault);
                return if sealed { Exit::Files.into() } else { Exit::Error.into() };
            }
            exit::end_as_ansible(&error)
        }
    }
}

/// Runs the command.
pub fn run(args: &InventoryArgs, manner: Manner) -> Result<Exit> {
    let text = shown(args, manner)?;
    let Some(text) = text else { return Ok(Exit::Error) };
    match &args.output {
        Some(path) => {
            std::fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
        }
        None => {
            let end = if text.ends_with('\n') { "" } else { "\n" };
            write!(anstream::stdout().lock(), "{text}{end}").context("cannot write")?;
        }
    }
    Ok(Exit::Fine)
}

/// The text to show; none where there is nothing.
fn shown(args: &InventoryArgs, manner: Manner) -> Result<Option<String>> {
    let wrong = |message: &str| anyhow::Error::from(WrongOptions(message.to_owned()));
    if !args.list && !args.graph && args.host.is_none() {
        return Err(wrong(
            "No action selected, at least one of --host, --graph or --list needs to be specified.",
        ));
    }
    let (config, mut diagnostics) = configuration::read(&Project::new())?;
    let project = vault_options::project(args.vault.clone(), &config, manner)?;
    let extra = extra::read(&args.extra_vars, &project)?;
    let sources = inventory::sources(&project, &args.inventory, &config, None, manner);
    let options = inventory::options(&config, manner);
    let Loaded { inventory, diagnostics: found, remarks } =
        inventory::read(&project, &sources, &options, &extra);
    diagnostics.extend(found);
    if args.verbose >= 3 {
        for remark in remarks {
            writeln!(anstream::stderr().lock(), "{remark}").context("cannot write")?;
        }
    }
    let limit = if args.host.is_none() { inventory::limit(&project, args.limit.as_deref())? } else { None };
    let pattern = args.host.as_deref().unwrap_or("all");
    let matches = inventory.match_pattern(&[pattern], limit.as_ref());
    diagnostics.extend(matches.diagnostics);
    // as Ansible: where no playbook is named, the working directory counts as a playbook's
    let playbook_dir = args.playbook_dir.as_ref().or(config.playbook_dir.value.as_ref());
    let playbook_dirs = vec![playbook_dir.cloned().unwrap_or_else(|| PathBuf::from("."))];
    let form = match (args.yaml, args.toml) {
        (true, _) => Form::Yaml,
        (_, true) => Form::Toml,
        _ => Form::Json,
    };
    let dump = Dump {
        project: &project,
        inventory: &inventory,
        playbook_dirs: &playbook_dirs,
        extra: Layer::new(crate::vars::Level::ExtraVars, extra),
        export: args.export || *config.inventory_export,
        merge: options.merge,
        available: matches.hosts.iter().cloned().collect::<HashSet<_>>(),
        order: &matches.hosts,
    };
    tell(&diagnostics, manner)?;
    if args.host.is_some() {
        let [host] = matches.hosts.as_slice() else {
            return Err(wrong("You must pass a single valid host to --host parameter"));
        };
        let vars = dump.host(host, form).map_err(FilesAreWrong)?;
        return Ok(Some(inventory_text::write(&vars.into(), form)?));
    }
    if args.graph {
        let start = args.group.as_deref().unwrap_or("all");
        if !inventory.groups.contains_key(start) {
            return Err(unknown_group(&inventory, start, manner));
        }
        return Ok(Some(dump.graph(start, args.vars).map_err(FilesAreWrong)?));
    }
    let listed = dump.list(form).map_err(FilesAreWrong)?;
    let text = inventory_text::write(&listed.into(), form)?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

fn unknown_group(inventory: &Inventory, name: &str, manner: Manner) -> anyhow::Error {
    let known = inventory.groups.keys().map(|known| &**known);
    let hint = crate::base::names::did_you_mean(name, known).map(|hint| format!("; {hint}"));
    let message = "Pattern must be valid group name when using --graph";
    match manner {
        Manner::Fleet => WrongOptions(format!("{message}: `{name}`{}", hint.unwrap_or_default())).into(),
        Manner::Ansible => WrongOptions(message.to_owned()).into(),
    }
}

fn tell(diagnostics: &Diagnostics, manner: Manner) -> Result<()> {
    if diagnostics.has_errors() {
        return Err(FilesAreWrong(diagnostics.clone()).into());
    }
    let mut out = scrubbed::stderr();
    match manner {
        Manner::Fleet => print_diagnostics(&mut out, diagnostics),
        Manner::Ansible => say_as_ansible(&mut out, diagnostics),
    }
    .context("cannot write")
}

/// Prints problems in the form in which Ansible prints its own: `[WARNING]: …` on standard error.
pub fn say_as_ansible(out: &mut impl Write, diagnostics: &Diagnostics) -> std::io::Result<()> {
    let mut said = HashSet::new();
    for Diagnostic { severity, kind: _, message, place, notes, hint, told, words, plain: _ } in &diagnostics.0
    {
        let word = if *severity == Severity::Error { "ERROR" } else { "WARNING" };
        match told.as_ref().or(words.as_ref()) {
            // what Ansible says it says once
            Some(told) if told.is_empty() || !said.insert(told) => continue,
            Some(told) => writeln!(out, "[{word}]: {told}")?,
            None => writeln!(out, "[{word}]: {}", in_ansibles_form(message))?,
        }
        if let Some(place) = place {
            writeln!(out, "{}\n", crate::report::ansible::origin(place))?;
        }
        for note in notes {
            writeln!(out, "{}", in_ansibles_form(&note.message))?;
        }
        if let Some(hint) = hint {
            writeln!(out, "{}", in_ansibles_form(hint))?;
        }
    }
    Ok(())
}

/// A message with a capital at its start, and names in single quotes.
fn in_ansibles_form(message: &str) -> String {
    let text = message.replace('`', "'");
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

#[cfg(test)]
#[path = "inventory_command_test.rs"]
mod tests;
