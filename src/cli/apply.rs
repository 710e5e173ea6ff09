//! `fleet apply` and `fleet plan`.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use clap::Args;

use super::exit::{Exit, FilesAreWrong, WrongOptions, print_diagnostics};
use super::options::RunArgs;
use super::{extra, inventory, lab, prompt};
use crate::base::{Map, Value};
use crate::config::{Config, Gathering};
use crate::engine::{self, ConnectDefaults, Event, LabTarget, Options, Prepared, Sources};
use crate::lab::LabOptions;
use crate::lang::Settings;
use crate::plan::tags::Selection;
use crate::project::Project;
use crate::report::Reporter;
use crate::report::json::JsonLines;
use crate::report::live::Live;
use crate::report::terminal::{self, Terminal};
use crate::transport::{Connector, HostKeyChecking};

/// Arguments of `fleet apply`.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    #[command(flatten)]
    run: RunArgs,
    /// Change nothing; say what would change
    #[arg(short = 'C', long)]
    check: bool,
    /// Show differences (they are shown unless `--no-diff` is given)
    #[arg(short = 'D', long, overrides_with = "no_diff")]
    diff: bool,
    /// Do not show differences
    #[arg(long)]
    no_diff: bool,
    /// Only check the files; connect to no host
    #[arg(long)]
    syntax_check: bool,
    /// Only list the hosts of the plays; connect to no host
    #[arg(long)]
    list_hosts: bool,
}

/// Arguments of `fleet plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    #[command(flatten)]
    run: RunArgs,
    /// Exit with 0 if nothing would change, 1 on an error, 2 if something would change
    #[arg(long)]
    detailed_exitcode: bool,
}

/// Runs `fleet apply`.
pub fn apply(args: ApplyArgs) -> Result<Exit> {
    let ApplyArgs { run, check, diff: _, no_diff, syntax_check, list_hosts } = args;
    let (prepared, sink) = prepare(&run, check, !no_diff)?;
    if syntax_check {
        return Ok(Exit::Fine);
    }
    if list_hosts {
        let mut out = anstream::stdout().lock();
        for host in prepared.hosts() {
            use std::io::Write;
            writeln!(out, "{host}").context("cannot write")?;
        }
        return Ok(Exit::Fine);
    }
    let summary = execute(&run, prepared, &sink)?;
    Ok(Exit::of_summary(&summary))
}

/// Runs `fleet plan`.
pub fn plan(args: PlanArgs) -> Result<Exit> {
    let PlanArgs { run, detailed_exitcode } = args;
    let planned = prepare(&run, true, true).and_then(|(prepared, sink)| execute(&run, prepared, &sink));
    let summary = match planned {
        Ok(summary) => summary,
        Err(error) if detailed_exitcode => {
            super::exit::print(&error);
            return Ok(Exit::Error);
        }
        Err(error) => return Err(error),
    };
    let exit = Exit::of_summary(&summary);
    if !detailed_exitcode {
        return Ok(exit);
    }
    let pending = summary.recap.values().any(|recap| recap.changed + recap.may_change > 0);
    Ok(match exit {
        Exit::Fine if pending => Exit::Pending,
        Exit::Fine => Exit::Fine,
        _ => Exit::Error,
    })
}

/// Where events go: the reporter is made once the run is prepared.
type Sink = Arc<Mutex<Option<Box<dyn Reporter>>>>;

fn prepare(args: &RunArgs, check_mode: bool, diff: bool) -> Result<(Prepared, Sink)> {
    let project = Arc::new(Project::new());
    let (config, mut diagnostics) = super::configuration::read(&project)?;
    let playbook = playbook(&args.playbook, &project, &config)?;
    let sources = inventory::sources(&project, &args.inventory, &config, Some(&playbook));
    let extra = extra::read(&args.extra_vars, &project)?;
    let reading = inventory::options(&config, inventory::Manner::Fleet);
    let loaded = inventory::read(&project, &sources, &reading, &extra);
    let hosts = loaded.inventory;
    diagnostics.extend(loaded.diagnostics);
    let limit = inventory::limit(&project, args.limit.as_deref())?;
    let connect = ConnectDefaults {
        connection: args.connection.clone(),
        user: args.user.clone(),
        private_key: args.private_key.clone(),
        host_key_checking: args.accept_new.then_some(HostKeyChecking::AcceptNew),
        timeout: args.timeout,
        retries: 3,
        ssh_args: ssh_args(args)?,
        password: args.ask_pass.then(|| prompt::password("SSH password")).transpose()?,
        become_password: args.ask_become_pass.then(|| prompt::password("become password")).transpose()?,
        lab: HashMap::new(),
    };
    let options = Options {
        check_mode,
        diff,
        verbosity: args.verbose,
        forks: args.forks.max(1),
        selection: Selection { only: args.tags.clone(), skip: args.skip_tags.clone() },
        limit,
        connect,
        config: Arc::clone(&config),
        flush_cache: false,
        prompter: Arc::new(prompt::Terminal),
        refresh: Some(inventory::refresh(sources, reading, extra.clone())),
    };
    let connector = Connector::new(crate::transport::Options::new(serve_locally));
    if let Some(warning) = connector.warning() {
        use std::io::Write;
        let _ = writeln!(anstream::stderr().lock(), "warning: {warning}");
    }
    let sink: Sink = Arc::default();
    let events = {
        let sink = Arc::clone(&sink);
        Arc::new(move |event: Event| {
            if let Some(reporter) = sink.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
                // a closed pipe must not end a run in its middle
                let _ = reporter.event(&event);
            }
        })
    };
    let sources = Sources {
        constants: constants(args, check_mode, diff, &hosts.dirs),
        settings: settings(&playbook, &config),
        playbook: std::path::absolute(&playbook).context("cannot tell where the playbook is")?,
        project,
        inventory: Arc::new(hosts),
        extra,
        now: jiff::Timestamp::now().as_microsecond(),
    };
    let (prepared, found) = engine::prepare(sources, options, Arc::new(connector), events);
    diagnostics.extend(found);
    match prepared {
        Some(prepared) if !diagnostics.has_errors() => {
            print_diagnostics(&mut anstream::stderr().lock(), &diagnostics).context("cannot write")?;
            if args.limit.is_some() && prepared.hosts().is_empty() {
                anyhow::bail!("the inventory, the plays' host patterns and `--limit` leave no host");
            }
            Ok((prepared, sink))
        }
        _ => Err(FilesAreWrong(diagnostics).into()),
    }
}

fn ssh_args(args: &RunArgs) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for text in [&args.ssh_common_args, &args.ssh_extra_args].into_iter().flatten() {
        let words = crate::base::shlex::split(text)
            .map_err(|error| WrongOptions(format!("the ssh options `{text}` cannot be read: {error}")))?;
        all.extend(words);
    }
    Ok(all)
}

fn serve_locally(reader: Box<dyn std::io::Read + Send>, writer: Box<dyn std::io::Write + Send>) {
    // the other end sees the pipe close and says so
    let _ = crate::target::serve(reader, writer);
}

/// The playbook's file: the path as given, or that of a collection's playbook (`ns.col.playbook`).
fn playbook(given: &Path, project: &Project, config: &Config) -> Result<PathBuf> {
    let directory = std::env::current_dir().context("cannot tell the working directory")?;
    let of_collection = given.to_str().and_then(|name| {
        crate::lang::collection_playbook(project, &config.collections_path.value, name, &directory)
    });
    match of_collection {
        Some(path) => Ok(path),
        None if given.exists() => Ok(given.to_owned()),
        None => Err(WrongOptions(format!("there is no playbook `{}`", given.display())).into()),
    }
}

/// Where roles and collections are: roles in the directories that the configuration names, and in `roles/` in the directory above the
/// playbook's and in the working directory.
fn settings(playbook: &Path, config: &Config) -> Settings {
    let above = playbook.canonicalize().ok().and_then(|path| Some(path.parent()?.parent()?.to_owned()));
    let near = [above, std::env::current_dir().ok()].into_iter().flatten();
    let near: Vec<PathBuf> = near.map(|directory| directory.join("roles")).collect();
    let configured = config.roles_path.value.clone();
    // what somebody has set comes before what nobody has
    let paths = match config.roles_path.given() {
        Some(_) => configured.into_iter().chain(near).collect::<Vec<_>>(),
        None => near.into_iter().chain(configured).collect(),
    };
    Settings {
        roles_path: paths.into_iter().filter_map(|path| path.canonicalize().ok()).collect(),
        collections_path: collections_path(playbook, config),
        gather_facts: *config.gathering != Gathering::Explicit,
        force_handlers: *config.force_handlers,
    }
}

/// Where collections are: in `collections/` beside the playbook that is run, then as configured.
fn collections_path(playbook: &Path, config: &Config) -> Vec<PathBuf> {
    let beside = playbook.canonicalize().ok().and_then(|path| Some(path.parent()?.join("collections")));
    let paths = beside.into_iter().chain(config.collections_path.value.iter().cloned());
    paths.filter_map(|path| path.canonicalize().ok()).collect()
}

/// Magic variables that are the same for a whole run.
fn constants(args: &RunArgs, check_mode: bool, diff: bool, inventory_directories: &[PathBuf]) -> Map {
    let texts = |texts: &[String]| Value::list(texts.iter().map(|text| Value::from(text.as_str())));
    let only = if args.tags.is_empty() { vec!["all".to_owned()] } else { args.tags.clone() };
    let mut constants = crate::map! {
        "ansible_check_mode" => check_mode,
        "ansible_diff_mode" => diff,
        "ansible_forks" => args.forks,
        "ansible_verbosity" => i32::from(args.verbose),
        "ansible_run_tags" => texts(&only),
        "ansible_skip_tags" => texts(&args.skip_tags),
        "ansible_version" => crate::map! {
            "full" => "2.19.14", "string" => "2.19.14", "major" => 2, "minor" => 19, "revision" => 14,
        },
    };
    let sources: Vec<String> = args
        .inventory
        .iter()
        .map(|source| match std::path::absolute(source) {
            Ok(path) if path.exists() => path.display().to_string(),
            _ => source.clone(),
        })
        .collect();
    constants.insert("ansible_inventory_sources".into(), texts(&sources));
    if let Some(limit) = &args.limit {
        constants.insert("ansible_limit".into(), Value::from(limit.as_str()));
    }
    // what playbooks use as the interpreter of tasks on this machine
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let python = std::env::split_paths(&paths).map(|directory| directory.join("python3"));
    if let Some(python) = python.into_iter().find(|path| path.exists()) {
        constants.insert("ansible_playbook_python".into(), Value::from(python.display().to_string()));
    }
    if let Some(directory) = inventory_directories.first().and_then(|directory| directory.canonicalize().ok())
    {
        constants.insert("inventory_dir".into(), Value::from(directory.display().to_string()));
    }
    constants
}

fn execute(args: &RunArgs, mut prepared: Prepared, sink: &Sink) -> Result<engine::Summary> {
    if args.lab {
        prepared.set_lab(boot(args, &prepared)?);
    }
    *sink.lock().unwrap_or_else(PoisonError::into_inner) = Some(reporter(args));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let summary = runtime.block_on(prepared.execute());
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    *sink.lock().unwrap_or_else(PoisonError::into_inner) = None;
    if args.lab && !args.json {
        use std::io::Write;
        let name = args.lab_name.as_deref().unwrap_or(crate::lab::DEFAULT_NAME);
        let flag = if name == crate::lab::DEFAULT_NAME { String::new() } else { format!(" --name {name}") };
        let _ = writeln!(
            anstream::stderr().lock(),
            "the lab stays up: `fleet lab ssh{flag} HOST` logs in, `fleet lab down{flag}` ends it"
        );
    }
    Ok(summary)
}

fn reporter(args: &RunArgs) -> Box<dyn Reporter> {
    if args.json {
        return Box::new(JsonLines::new(std::io::stdout()));
    }
    let settings = terminal::Settings { verbosity: args.verbose, quiet: args.quiet, diff: true };
    let terminal = Terminal::new(anstream::stdout(), settings);
    if std::io::stderr().is_terminal() && std::io::stdout().is_terminal() {
        Box::new(Live::new(terminal))
    } else {
        Box::new(terminal)
    }
}

fn boot(args: &RunArgs, prepared: &Prepared) -> Result<HashMap<Arc<str>, LabTarget>> {
    crate::lab::can_run().map_err(|reason| WrongOptions(format!("the lab cannot run here: {reason}")))?;
    let options = LabOptions {
        name: args.lab_name.clone().unwrap_or_else(|| crate::lab::DEFAULT_NAME.to_owned()),
        ..LabOptions::default()
    };
    let hosts: Vec<String> = prepared.lab_hosts().iter().map(ToString::to_string).collect();
    let lab = lab::up_with_progress(&options, &hosts)?;
    Ok(lab
        .hosts
        .iter()
        .map(|host| {
            let target = LabTarget {
                address: host.address,
                port: host.port,
                user: host.user.clone(),
                private_key: lab.private_key.clone(),
                known_hosts: lab.known_hosts.clone(),
            };
            (Arc::from(host.name.as_str()), target)
        })
        .collect())
}
