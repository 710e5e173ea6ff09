//! fleet under Ansible's names: what the first word of the command line means.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::process::ExitCode;

use clap::{Args, CommandFactory, FromArgMatches, Parser};

use super::inventory::Manner;
use super::{adhoc, apply, exit, inventory_command, vault};

/// Commands of Ansible that fleet does not stand in for, and what to use.
const REFUSED: &[(&str, &str)] = &[
    ("ansible-config", "read the settings with `grep`; fleet says itself what it does not honour"),
    ("ansible-console", "use `ansible` or `fleet run`"),
    ("ansible-doc", "use `fleet doc`"),
    (
        "ansible-galaxy",
        "install roles and collections with ansible-galaxy itself; fleet reads what it installs",
    ),
    ("ansible-pull", "run `git pull` and `ansible-playbook`"),
];

#[derive(Debug, Parser)]
struct Alone<T: Args> {
    #[command(flatten)]
    args: T,
}

/// Runs the command of Ansible's that fleet was started as; nothing under fleet's own name.
pub fn run(arguments: &[OsString]) -> Option<ExitCode> {
    let first = arguments.first()?;
    let name = std::path::Path::new(first).file_name().and_then(OsStr::to_str)?;
    if !name.starts_with("ansible") {
        return None;
    }
    if arguments.iter().skip(1).any(|word| word == "--version") {
        return Some(version(name));
    }
    Some(match name {
        "ansible-playbook" => {
            command("ansible-playbook", arguments, |args| apply::apply(args, Manner::Ansible))
        }
        "ansible" => command("ansible", arguments, |args| adhoc::run(args, Manner::Ansible)),
        "ansible-vault" => vault::alone(arguments.iter().cloned()),
        "ansible-inventory" => inventory_command::ansible_inventory(arguments.iter().cloned()),
        name => refuse(name),
    })
}

/// Reads the options, runs, and ends as Ansible does: wrong options are 2.
fn command<T: Args>(
    name: &'static str,
    arguments: &[OsString],
    run: impl FnOnce(T) -> anyhow::Result<exit::Exit>,
) -> ExitCode {
    // as Python's argparse: of an option that is given twice the last one counts
    let parser = Alone::<T>::command().name(name).bin_name(name).args_override_self(true);
    let parsed =
        parser.try_get_matches_from(arguments).and_then(|found| Alone::<T>::from_arg_matches(&found));
    let args = match parsed {
        Ok(Alone { args }) => args,
        Err(error) if error.use_stderr() => return wrong_usage(name, &error),
        Err(error) => {
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
    };
    match run(args) {
        Ok(exit) => exit.into(),
        Err(error) => exit::end_as_ansible(&error),
    }
}

/// Tells of wrong options, and ends as Ansible's commands do.
pub fn wrong_usage(name: &str, error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    let mut out = anstream::stderr().lock();
    let _ = writeln!(out, "usage: {name} [-h] [options]\n{name}: error: {message}");
    ExitCode::from(2)
}

fn version(name: &str) -> ExitCode {
    let config = super::configuration::read(&crate::project::Project::new());
    let file = config.ok().and_then(|(config, _)| config.file.clone());
    let file = file.map_or_else(|| "None".to_owned(), |file| file.display().to_string());
    let place = std::env::current_exe().map_or_else(|_| name.to_owned(), |path| path.display().to_string());
    let text = format!(
        "{name} [core 2.19.14]\n  config file = {file}\n  executable location = {place}\n  fleet version = {}\n",
        env!("CARGO_PKG_VERSION")
    );
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn refuse(name: &str) -> ExitCode {
    let hint =
        REFUSED.iter().find(|(refused, _)| *refused == name).map(|(_, hint)| format!("\nhint: {hint}"));
    let error = anyhow::anyhow!("fleet does not stand in for `{name}`{}", hint.unwrap_or_default());
    exit::print(&error);
    exit::Exit::Usage.into()
}
