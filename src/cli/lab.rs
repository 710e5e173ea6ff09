//! `fleet lab`: boots throw-away hosts, shows them, logs in, takes them away.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use crate::lab::{self, DEFAULT_NAME, HostState, Lab, LabOptions, LabStatus, Progress, Release};

/// Boot throw-away Debian hosts on this machine, to rehearse playbooks on
#[derive(Debug, Args)]
pub struct LabArgs {
    #[command(subcommand)]
    command: LabCommand,
}

#[derive(Debug, Subcommand)]
enum LabCommand {
    /// Boot a host for each host of an inventory
    Up(UpArgs),
    /// Boot hosts without an inventory: a number of them, or these names
    Run(RunArgs),
    /// Show the labs and their hosts
    Status,
    /// Log in on a host of a lab, or run a command there
    Ssh(SshArgs),
    /// End a lab's hosts and put back what it changed on this machine
    Down(DownArgs),
    /// Keep a host running (started by fleet itself)
    #[command(hide = true)]
    Supervise {
        /// The lab's name
        lab: String,
        /// The host's name
        host: String,
    },
}

#[derive(Debug, Args)]
struct LabName {
    /// The lab's name; labs of different names stand side by side
    #[arg(long, value_name = "NAME", default_value = DEFAULT_NAME)]
    name: String,
}

#[derive(Debug, Args)]
struct BootArgs {
    #[command(flatten)]
    name: LabName,
    /// The hosts' Debian release: bullseye, bookworm or trixie
    #[arg(long, default_value_t)]
    release: Release,
    /// How long a host may take until its sshd answers
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    boot_timeout: u64,
}

#[derive(Debug, Args)]
struct UpArgs {
    /// The inventory whose hosts to boot
    #[arg(short, long, value_name = "FILE", required = true)]
    inventory: Vec<PathBuf>,
    /// Only the hosts that match this pattern
    #[arg(short, long, value_name = "PATTERN")]
    limit: Option<String>,
    #[command(flatten)]
    boot: BootArgs,
}

#[derive(Debug, Args)]
struct RunArgs {
    /// A number of hosts (host1, host2 …), or names of hosts
    #[arg(value_name = "N|NAME", required = true)]
    hosts: Vec<String>,
    #[command(flatten)]
    boot: BootArgs,
}

#[derive(Debug, Args)]
struct SshArgs {
    #[command(flatten)]
    name: LabName,
    /// The user to log in as; root is allowed too
    #[arg(short, long, value_name = "USER")]
    user: Option<String>,
    /// The host
    host: String,
    /// The command to run there
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

#[derive(Debug, Args)]
struct DownArgs {
    #[command(flatten)]
    name: LabName,
    /// All labs of this machine
    #[arg(long, conflicts_with = "name")]
    all: bool,
}

/// Gives the hosts of these inventory files that match the pattern (all of them without one).
pub type InventoryHosts<'a> = &'a dyn Fn(&[PathBuf], Option<&str>) -> Result<Vec<String>>;

/// Runs `fleet lab`.
///
/// # Errors
/// If the command fails; a hint, where there is one, stands on a line of its own.
pub fn run(arguments: LabArgs, inventory_hosts: InventoryHosts<'_>) -> Result<ExitCode> {
    let LabArgs { command } = arguments;
    match command {
        LabCommand::Up(UpArgs { inventory, limit, boot }) => {
            let hosts = inventory_hosts(&inventory, limit.as_deref())?;
            up(boot, &hosts)
        }
        LabCommand::Run(RunArgs { hosts, boot }) => up(boot, &host_names(&hosts)?),
        LabCommand::Status => status(),
        LabCommand::Ssh(arguments) => ssh(arguments),
        LabCommand::Down(arguments) => down(arguments),
        LabCommand::Supervise { lab, host } => {
            // Its standard error is the host's log.
            let Err(error) = lab::supervise(&lab, &host) else { return Ok(ExitCode::SUCCESS) };
            writeln!(std::io::stderr(), "supervisor: {error}").context("cannot write to the log")?;
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Boots a lab's hosts and shows its progress on standard error: also for `apply --lab`.
///
/// # Errors
/// As [`lab::up`].
pub fn up_with_progress(options: &LabOptions, hosts: &[String]) -> Result<Lab> {
    let shown = Shown::start();
    let lab = lab::up(options, hosts, &mut |step| shown.show(&step));
    shown.finish();
    lab.map_err(explained)
}

fn up(arguments: BootArgs, hosts: &[String]) -> Result<ExitCode> {
    if hosts.is_empty() {
        bail!("no hosts to boot");
    }
    let BootArgs { name: LabName { name }, release, boot_timeout } = arguments;
    let options = LabOptions {
        name,
        release,
        boot_timeout: Duration::from_secs(boot_timeout),
        ..LabOptions::default()
    };
    let lab = up_with_progress(&options, hosts)?;
    let example = hosts.first().map_or("HOST", String::as_str);
    let name = name_option(&lab.name);
    say(&format!(
        "{} up; log in with `fleet lab ssh{name} {example}`, end with `fleet lab down{name}`\n",
        counted(hosts.len())
    ))
}

/// Numbers as that many names, names as they are.
fn host_names(words: &[String]) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for word in words {
        match word.parse::<u16>() {
            Ok(0) => bail!("no host to boot: `0`"),
            Ok(count) => names.extend((1..=count).map(|number| format!("host{number}"))),
            Err(_) => names.push(word.clone()),
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    Ok(names)
}

fn status() -> Result<ExitCode> {
    let labs = lab::list().map_err(explained)?;
    if labs.is_empty() {
        return say("no labs; `fleet lab up -i INVENTORY` or `fleet lab run N` boots one\n");
    }
    say(&table(&labs))
}

fn table(labs: &[LabStatus]) -> String {
    let mut rows = vec![["LAB", "HOST", "ADDRESS", "RELEASE", "STATE"].map(str::to_string)];
    for LabStatus { name, lab, states } in labs {
        let Some(lab) = lab else {
            rows.push([name.as_str(), "-", "-", "-", "broken: take it down"].map(str::to_string));
            continue;
        };
        if lab.hosts.is_empty() {
            rows.push([name.as_str(), "-", "-", lab.release.name(), "no hosts"].map(str::to_string));
        }
        for (host, state) in lab.hosts.iter().zip(states) {
            let state = match state {
                HostState::Up => "up",
                HostState::Running => "running, sshd does not answer",
                HostState::Stopped => "stopped",
            };
            let address = host.address.to_string();
            rows.push([name, &host.name, &address, lab.release.name(), state].map(str::to_string));
        }
    }
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..5).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", cells.join("  ").trim_end());
    }
    text
}

/// Becomes OpenSSH's client, with the lab's key and known hosts.
fn ssh(arguments: SshArgs) -> Result<ExitCode> {
    let SshArgs { name: LabName { name }, user, host, command } = arguments;
    let lab = lab::open(&name)
        .map_err(explained)?
        .ok_or_else(|| anyhow!("there is no lab `{name}`\nhint: `fleet lab status` shows the labs"))?;
    if lab.host(&host).is_none() {
        let names: Vec<&str> = lab.hosts.iter().map(|host| host.name.as_str()).collect();
        bail!("the lab `{name}` has no host `{host}`\nhint: it has {}", names.join(", "));
    }
    let mut ssh = Command::new("ssh");
    ssh.arg("-F").arg(&lab.ssh_config);
    if let Some(user) = user {
        ssh.args(["-l", &user]);
    }
    // exec returns only if it fails.
    Err(ssh.arg(&host).arg("--").args(command).exec()).context("cannot run `ssh`")
}

fn down(arguments: DownArgs) -> Result<ExitCode> {
    let DownArgs { name: LabName { name }, all } = arguments;
    let labs = if all { lab::list().map_err(explained)? } else { Vec::new() };
    let mut names: Vec<String> = labs.into_iter().map(|status| status.name).collect();
    // Even where there is no lab, a killed fleet may have left something.
    if names.is_empty() {
        names.push(name);
    }
    for name in names {
        let lab::Down { found, hosts } = lab::down(&name).map_err(explained)?;
        if found {
            say(&format!("took the lab `{name}` down ({})\n", counted(hosts.len())))?;
        } else {
            say(&format!("there is no lab `{name}`\n"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn counted(hosts: usize) -> String {
    if hosts == 1 { "1 host".to_string() } else { format!("{hosts} hosts") }
}

fn name_option(name: &str) -> String {
    if name == DEFAULT_NAME { String::new() } else { format!(" --name {name}") }
}

fn say(text: &str) -> Result<ExitCode> {
    anstream::stdout().write_all(text.as_bytes()).context("cannot write to standard output")?;
    Ok(ExitCode::SUCCESS)
}

/// The lab's error with its hint as a line of its own.
fn explained(error: lab::LabError) -> anyhow::Error {
    match error.hint() {
        Some(hint) => anyhow!("{error}\nhint: {hint}"),
        None => anyhow!(error),
    }
}

/// Progress on standard error: on a terminal with a line for what is passing, else only the steps.
struct Shown {
    bar: Option<ProgressBar>,
}

impl Shown {
    fn start() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        Self { bar }
    }

    fn show(&self, step: &Progress) {
        match (&self.bar, step) {
            (Some(bar), Progress::Detail { .. } | Progress::Booting { .. }) => {
                bar.set_message(step.to_string());
            }
            (Some(bar), _) => bar.println(step.to_string()),
            (None, Progress::Detail { .. } | Progress::Booting { .. }) => {}
            // A closed standard error is no reason to fail.
            (None, _) => drop(writeln!(anstream::stderr(), "{step}")),
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        lab: LabArgs,
    }

    fn parse(line: &str) -> Result<LabCommand, clap::Error> {
        Cli::try_parse_from(std::iter::once("fleet").chain(line.split_whitespace()))
            .map(|cli| cli.lab.command)
    }

    #[test]
    fn the_command_line_is_read() {
        let Ok(LabCommand::Ssh(ssh)) = parse("ssh --name x web1 -- systemctl is-active nginx") else {
            panic!()
        };
        assert_eq!((ssh.name.name.as_str(), ssh.host.as_str(), ssh.command.len()), ("x", "web1", 3));
        let Ok(LabCommand::Run(run)) = parse("run 3 --release trixie") else { panic!() };
        assert_eq!(run.boot.release, Release::Trixie);
        assert!(parse("run 3 --release sid").is_err());
        assert!(parse("up").is_err());
        assert!(parse("down --all --name x").is_err());
        assert!(parse("down --all").is_ok());
    }

    #[test]
    fn numbers_and_names() {
        let words = |line: &str| line.split_whitespace().map(str::to_string).collect::<Vec<_>>();
        assert_eq!(host_names(&words("2 lb host1")).unwrap(), ["host1", "host2", "lb"]);
        assert!(host_names(&words("0")).is_err());
    }

    #[test]
    fn a_broken_lab_is_shown_too() {
        let text = table(&[LabStatus { name: "x".into(), lab: None, states: vec![] }]);
        assert_eq!(
            text,
            "LAB  HOST  ADDRESS  RELEASE  STATE\nx    -     -        -        broken: take it down\n"
        );
    }
}
