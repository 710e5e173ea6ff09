//! From options, configuration and files to a run that is ready to go.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};

use super::exit::{FilesAreWrong, WrongOptions, print_diagnostics};
use super::inventory::Manner;
use super::inventory_command::say_as_ansible;
use super::options::{BecomeArgs, ConnectArgs, RunArgs, TaskArgs};
use super::vault_options::{self, VaultOptions};
use super::{configuration, extra, inventory, passwords, prompt, scrubbed};
use crate::base::{Diagnostic, Diagnostics, Kind, Map, Value};
use crate::config::{Config, Gathering};
use crate::engine::{self, BecomeDefaults, ConnectDefaults, Event, Options, Prepared, Sources};
use crate::inventory::Inventory;
use crate::lang::{Libraries, Settings};
use crate::plan::tags::Selection;
use crate::project::Project;
use crate::report::Reporter;
use crate::secrets::{Known, Vault};
use crate::transport::{Connector, HostKeyChecking, Watch};

/// The name of the playbook that the ad-hoc command stands for.
pub const ADHOC: &str = "__adhoc_playbook__";

/// How a run goes, besides what the options say.
#[derive(Clone, Copy, Debug)]
pub struct Mode {
    /// Under whose name.
    pub manner: Manner,
    /// Nothing is changed.
    pub check: bool,
    /// Differences are shown.
    pub diff: bool,
    /// Nothing is run, so that nobody has to be asked for a password.
    pub listing: bool,
}

/// Where events go: the reporter is made once the run is prepared.
pub type Sink = Arc<Mutex<Option<Box<dyn Reporter>>>>;

/// What all runs of a command share.
pub struct Ground {
    /// The project's files.
    pub project: Arc<Project>,
    /// ansible.cfg and the environment.
    pub config: Arc<Config>,
    /// What there is to say about the configuration.
    pub told: Diagnostics,
}

/// Reads the configuration, and the vault passwords that are given.
pub fn ground(vault: &VaultOptions, manner: Manner) -> Result<Ground> {
    let (config, told) = configuration::read(&Project::new())?;
    let project = vault_options::project(vault.clone(), &config, manner)?;
    Ok(Ground { project, config, told })
}

/// Loads and checks a playbook. What is wrong in any file is printed together.
pub fn prepare(
    ground: &mut Ground,
    run: &RunArgs,
    tasks: &TaskArgs,
    mode: Mode,
    playbook: &Path,
) -> Result<(Prepared, Sink)> {
    let Ground { project, config, told } = ground;
    let mut diagnostics = std::mem::take(told);
    let sources = inventory::sources(project, &run.hosts.inventory, config, Some(playbook), mode.manner);
    let extra = extra::read(&run.extra_vars, project)?;
    let reading = inventory::options(config, mode.manner);
    let loaded = inventory::read(project, &sources, &reading, &extra);
    let hosts = loaded.inventory;
    publish(project.vault().known(), &hosts, run);
    diagnostics.extend(loaded.diagnostics);
    let single = playbook.ends_with(ADHOC);
    if hosts.hosts.is_empty() && mode.manner == Manner::Ansible && *config.localhost_warning && !single {
        let message = "provided hosts list is empty, only localhost is available. Note that the implicit localhost \
                       does not match 'all'";
        let mut warning = Diagnostic::warning(Kind::Inventory, message);
        warning.told = Some(message.to_owned());
        diagnostics.push(warning);
    }
    if run.verbose >= 3 {
        use std::io::Write;
        for remark in loaded.remarks {
            let _ = writeln!(anstream::stdout().lock(), "{remark}");
        }
    }
    let limited = (!run.hosts.limit.is_empty()).then(|| run.hosts.limit.join(","));
    let limit = inventory::limit(project, limited.as_deref())?;
    let selection = selection(tasks, config);
    let options = Options {
        check_mode: mode.check,
        diff: mode.diff,
        verbosity: verbosity(run, config),
        forks: forks(run, config, mode.manner),
        selection: selection.clone(),
        limit,
        connect: connect(&run.connect, &run.become_, config, mode, project.vault())?,
        become_: become_defaults(&run.become_, config),
        start_at_task: tasks.start_at_task.clone(),
        step: tasks.step,
        check_apart: mode.manner == Manner::Ansible,
        listing: mode.listing && mode.manner == Manner::Ansible,
        flush_cache: run.hosts.flush_cache,
        config: Arc::clone(config),
        prompter: Arc::new(prompt::Terminal { manner: mode.manner }),
        refresh: Some(inventory::refresh(sources, reading, extra.clone())),
    };
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
    let mut reaching = crate::transport::Options::new(serve_locally);
    reaching.same_user = *config.become_allow_same_user;
    if options.verbosity >= 3 || *config.log_verbosity >= 3 {
        let events = Arc::clone(&events);
        reaching.watch = Some(Watch(Arc::new(move |host, command| {
            events(Event::ProgramStarted { host: host.to_owned(), command: command.to_owned() });
        })));
    }
    let connector = Connector::new(reaching);
    if let Some(warning) = connector.warning() {
        warn(warning);
    }
    let sources = Sources {
        constants: constants(&options, &selection, &run.hosts.inventory, limited.as_deref(), &hosts.dirs),
        settings: settings(playbook, config, tasks),
        playbook: std::path::absolute(playbook).context("cannot tell where the playbook is")?,
        project: Arc::clone(project),
        inventory: Arc::new(hosts),
        extra,
        now: jiff::Timestamp::now().as_microsecond(),
    };
    let (prepared, found) = engine::prepare(sources, options, Arc::new(connector), events);
    diagnostics.extend(found);
    match prepared {
        Some(prepared) if !diagnostics.has_errors() => {
            let mut out = scrubbed::stderr();
            match mode.manner {
                Manner::Fleet => print_diagnostics(&mut out, &diagnostics),
                Manner::Ansible => say_as_ansible(&mut out, &diagnostics),
            }
            .context("cannot write")?;
            Ok((prepared, sink))
        }
        _ => Err(FilesAreWrong(diagnostics).into()),
    }
}

/// Names that are shown anyway, whatever else they are used for.
fn publish(known: &Known, inventory: &Inventory, run: &RunArgs) {
    let names = inventory.hosts.keys().chain(inventory.groups.keys());
    names.for_each(|name| known.publish(name));
    run.connect.user.iter().chain(&run.become_.user).for_each(|name| known.publish(name));
}

/// A warning in Ansible's form, on standard error.
pub fn warn(text: &str) {
    use std::io::Write;
    let _ = writeln!(scrubbed::stderr(), "[WARNING]: {text}");
}

/// Says which configuration counts, where more is to be said.
pub fn say_config(run: &RunArgs, config: &Config) -> Result<()> {
    if verbosity(run, config) == 0 {
        return Ok(());
    }
    let text = match &config.file {
        Some(file) => format!("Using {} as config file", file.display()),
        None => "No config file found; using defaults".to_owned(),
    };
    writeln!(std::io::stdout(), "{text}").context("cannot write")
}

/// How often `-v` counts.
pub fn verbosity(run: &RunArgs, config: &Config) -> u8 {
    run.verbose.saturating_add(u8::try_from(*config.verbosity).unwrap_or(u8::MAX))
}

fn forks(run: &RunArgs, config: &Config, manner: Manner) -> usize {
    let configured = match manner {
        Manner::Ansible => Some(*config.forks),
        Manner::Fleet => config.forks.given().copied(),
    };
    usize::try_from(run.forks.or(configured).unwrap_or(50)).unwrap_or(usize::MAX).max(1)
}

/// The tags that were asked for, on the command line or in the configuration.
pub fn selection(tasks: &TaskArgs, config: &Config) -> Selection {
    let or = |given: &[String], configured: &[String]| {
        if given.is_empty() { configured.to_vec() } else { given.to_vec() }
    };
    let trimmed = |tags: Vec<String>| tags.into_iter().map(|tag| tag.trim().to_owned()).collect();
    Selection {
        only: trimmed(or(&tasks.tags, &config.tags_run)),
        skip: trimmed(or(&tasks.skip_tags, &config.tags_skip)),
    }
}

fn connect(
    args: &ConnectArgs,
    become_: &BecomeArgs,
    config: &Config,
    mode: Mode,
    vault: &Vault,
) -> Result<ConnectDefaults> {
    let checking = if args.accept_new {
        Some(HostKeyChecking::AcceptNew)
    } else {
        config
            .host_key_checking
            .given()
            .map(|checking| if *checking { HostKeyChecking::Strict } else { HostKeyChecking::Off })
    };
    let (passwords, become_passwords) =
        if mode.listing { Default::default() } else { passwords::both(args, become_, config, vault)? };
    // what a task prints of `ansible_password` is shown under Ansible's names
    passwords.all().for_each(|found| vault.known().add(found.reveal()));
    become_passwords.all().for_each(|found| vault.known().add_password(found.reveal()));
    let transport = config.transport.given().filter(|name| *name != "smart").cloned();
    Ok(ConnectDefaults {
        connection: args.connection.clone().or(transport),
        user: args.user.clone().or_else(|| config.remote_user.value.clone()),
        port: *config.remote_port,
        private_key: args.private_key.clone().or_else(|| config.private_key_file.value.clone()),
        host_key_checking: checking,
        timeout: args.timeout.unwrap_or(*config.timeout),
        retries: config.ssh_retries.given().map_or(3, |retries| u32::try_from(*retries).unwrap_or(u32::MAX)),
        ssh_args: ssh_args(args, config)?,
        passwords,
        become_passwords,
        known: Arc::clone(vault.known()),
        lab: HashMap::new(),
    })
}

fn ssh_args(args: &ConnectArgs, config: &Config) -> Result<Vec<String>> {
    let mut all = Vec::new();
    let common = args.ssh_common_args.as_ref().or(config.ssh_common_args.given());
    let extra = args.ssh_extra_args.as_ref().or(config.ssh_extra_args.given());
    for text in [config.ssh_args.given(), common, extra].into_iter().flatten() {
        let words = crate::base::shlex::split(text)
            .map_err(|error| WrongOptions(format!("the ssh options `{text}` cannot be read: {error}")))?;
        all.extend(words);
    }
    Ok(all)
}

fn become_defaults(args: &BecomeArgs, config: &Config) -> BecomeDefaults {
    let method = args.method.clone().unwrap_or_else(|| config.become_method.value.clone());
    let short = method.rsplit('.').next().unwrap_or_default();
    // a method's own setting counts more than the one for all
    let own = |for_sudo: &Option<String>, for_su: &Option<String>, for_all: &Option<String>| {
        let own = match short {
            "sudo" => for_sudo.clone(),
            "su" => for_su.clone(),
            _ => None,
        };
        own.or_else(|| for_all.clone())
    };
    BecomeDefaults {
        wanted: args.wanted || *config.become_,
        user: args.user.clone().or_else(|| own(&config.sudo_user, &config.su_user, &config.become_user)),
        executable: own(&config.sudo_exe, &config.su_exe, &config.become_exe),
        flags: own(&config.sudo_flags, &config.su_flags, &config.become_flags),
        method,
    }
}

fn serve_locally(reader: Box<dyn std::io::Read + Send>, writer: Box<dyn std::io::Write + Send>) {
    // the other end sees the pipe close and says so
    let _ = crate::target::serve(reader, writer);
}

/// Where roles are: in the directories that the configuration names, and in `roles/` in the directory above the
/// playbook's and in the working directory.
pub fn settings(playbook: &Path, config: &Config, tasks: &TaskArgs) -> Settings {
    let above = playbook.canonicalize().ok().and_then(|path| Some(path.parent()?.parent()?.to_owned()));
    let near = [above, std::env::current_dir().ok()].into_iter().flatten();
    let near: Vec<PathBuf> = near.map(|directory| directory.join("roles")).collect();
    let configured = config.roles_path.value.clone();
    // what somebody has set comes before what nobody has
    let paths = match config.roles_path.given() {
        Some(_) => configured.into_iter().chain(near).collect::<Vec<_>>(),
        None => near.into_iter().chain(configured).collect(),
    };
    let forced = std::env::var(FORCED).unwrap_or_default();
    let forced =
        forced.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
    Settings {
        roles_path: paths.into_iter().filter_map(|path| path.canonicalize().ok()).collect(),
        collections_path: collections_path(playbook, config),
        gather_facts: *config.gathering != Gathering::Explicit,
        force_handlers: tasks.force_handlers || *config.force_handlers,
        libraries: Libraries::new(config.library.value.clone(), forced, engine::python::installation()),
        duplicates: inventory::duplicates(config),
    }
}

/// Full names of modules, between commas, that are run as Ansible's files though fleet has them itself: for comparing.
const FORCED: &str = "FLEET_PYTHON_MODULES";

/// Where collections are: in `collections/` beside the playbook that is run, then as configured.
fn collections_path(playbook: &Path, config: &Config) -> Vec<PathBuf> {
    let beside = playbook.canonicalize().ok().and_then(|path| Some(path.parent()?.join("collections")));
    let paths = beside.into_iter().chain(config.collections_path.value.iter().cloned());
    paths.filter_map(|path| path.canonicalize().ok()).collect()
}

/// Magic variables that are the same for a whole run.
fn constants(
    options: &Options,
    selection: &Selection,
    given: &[String],
    limit: Option<&str>,
    inventory_directories: &[PathBuf],
) -> Map {
    let texts = |texts: &[String]| Value::list(texts.iter().map(|text| Value::from(text.as_str())));
    let only = if selection.only.is_empty() { vec!["all".to_owned()] } else { selection.only.clone() };
    let mut constants = crate::map! {
        "ansible_check_mode" => options.check_mode,
        "ansible_diff_mode" => options.diff,
        "ansible_forks" => options.forks,
        "ansible_verbosity" => i32::from(options.verbosity),
        "ansible_run_tags" => texts(&only),
        "ansible_skip_tags" => texts(&selection.skip),
        "ansible_version" => crate::map! {
            "string" => "2.19.14", "full" => "2.19.14", "major" => 2, "minor" => 19, "revision" => 14,
        },
    };
    let sources: Vec<String> = given
        .iter()
        .map(|source| match std::path::absolute(source) {
            Ok(path) if path.exists() => path.display().to_string(),
            _ => source.clone(),
        })
        .collect();
    constants.insert("ansible_inventory_sources".into(), texts(&sources));
    if let Some(limit) = limit {
        constants.insert("ansible_limit".into(), Value::from(limit));
    }
    // what playbooks use as the interpreter of tasks on this machine
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let python = std::env::split_paths(&paths).map(|directory| directory.join("python3"));
    if let Some(python) = python.into_iter().find(|path| path.exists()) {
        constants.insert("ansible_playbook_python".into(), Value::from(python.display().to_string()));
    }
    if let Some(file) = &options.config.file {
        constants.insert("ansible_config_file".into(), Value::from(file.display().to_string()));
    }
    if let Some(directory) = inventory_directories.first().and_then(|directory| directory.canonicalize().ok())
    {
        constants.insert("inventory_dir".into(), Value::from(directory.display().to_string()));
    }
    constants
}
