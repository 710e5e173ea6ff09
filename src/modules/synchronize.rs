//! Keeps a directory or file equal to another, with rsync.
//!
//! ```yaml
//! - name: The site's pages
//!   ansible.posix.synchronize:
//!     src: site/
//!     dest: /srv/www
//!     delete: true
//!     rsync_opts:
//!       - "--exclude=.git"
//! ```

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::view::View;
use super::{run, words};
use crate::base::{Map, Value, names};
use crate::wire::action::Bytes;
use crate::wire::{Action, Change, Command, CommandOutput, Done, Failure, Sealed};
use crate::{choices, params};

mod itemized;
mod peer;

pub use peer::{Peer, Place};

/// As `ansible.posix.synchronize`: rsync runs on the controller, or on the host that the task is delegated to, and logs in
/// through OpenSSH as fleet itself does. What it would do is always asked first (`--dry-run`).
pub struct Synchronize;

choices! {
    /// Which way files go.
    pub enum Mode { Pull = "pull", Push = "push" }
}

params! {
    /// Parameters of `synchronize`.
    pub struct SynchronizeParams {
        /// What is copied; a slash at its end means what is in it.
        src: String;
        /// Where it goes.
        dest: String;
        /// The port that is connected to; by default as fleet connects.
        dest_port: Option<u16>;
        /// Whether files go to the host (`push`) or come from it (`pull`).
        mode: Mode = Mode::Push;
        /// Whether everything is kept: below directories, links, permissions, times, owner, group, devices.
        archive: bool = true;
        /// Whether contents are compared by checksum instead of size and time.
        checksum: bool = false;
        /// Whether what is sent is compressed.
        compress: bool = true;
        /// Whether only files that are there already are brought up to date.
        existing_only: bool = false;
        /// Whether what is not in `src` is removed from `dest`.
        delete: bool = false;
        /// Whether directories are copied without what is in them.
        dirs: bool = false;
        /// Whether what is below directories is copied; by default as `archive`.
        recursive: Option<bool>;
        /// Whether links are copied as links; by default as `archive`.
        links: Option<bool>;
        /// Whether what links lead to is copied in their place.
        copy_links: bool = false;
        /// Whether permissions are kept; by default as `archive`.
        perms: Option<bool>;
        /// Whether times are kept; by default as `archive`.
        times: Option<bool>;
        /// Whether owners are kept; by default as `archive`.
        owner: Option<bool>;
        /// Whether groups are kept; by default as `archive`.
        group: Option<bool>;
        /// The rsync on the other side.
        rsync_path: Option<String>;
        /// Seconds without anything received after which rsync gives up.
        rsync_timeout: u32 = 0u32;
        /// Whether the login user is named.
        set_remote_user: bool = true;
        /// Whether OpenSSH may share a connection that is there.
        ssh_connection_multiplexing: bool = false;
        /// Further options of rsync.
        rsync_opts: Vec<String>;
        /// Whether files that came in part only are kept.
        partial: bool = false;
        /// Whether only a host whose key is known is connected to; by default as fleet itself connects.
        verify_host: bool = false;
        /// The private key for logging in; by default as fleet logs in.
        private_key: Option<String>;
        /// Directories with files that are linked to where they are equal.
        link_dest: Option<Vec<String>>;
        /// Whether files take their places all together at the end.
        delay_updates: bool = true;
        /// Whether the options of `ansible_ssh_common_args` count, where a host that the task is delegated to connects;
        /// from the controller they always do.
        use_ssh_args: bool = false;
    }
}

/// Stands before each line that tells of a change.
const MARK: &str = "<<CHANGED>>";
/// The variable that hands the password to the program that OpenSSH asks.
const PASSWORD: &str = "FLEET_SYNCHRONIZE_PASSWORD";
/// That program.
const ASKED: &[u8] = b"#!/bin/sh\nprintf '%s\\n' \"$FLEET_SYNCHRONIZE_PASSWORD\"\n";

impl Module for Synchronize {
    type Params = SynchronizeParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "synchronize",
        collection: "ansible.posix",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("synchronize.rs"),
        returns: &[
            ("cmd", "the command"),
            ("msg", "what rsync said"),
            ("rc", "its exit status"),
            ("stdout_lines", "what rsync said, by lines"),
        ],
    };

    fn plan(params: &SynchronizeParams, view: &View<'_>) -> Result<Step, Halt> {
        if view.controller().looking_ahead() {
            return Err(Halt::Deferred);
        }
        let peer = view.context().peer.as_deref().cloned().unwrap_or_default();
        let ends = Ends::find(params, &peer, view)?;
        let dry = params.command(&ends, &peer, Run::Dry, view)?;
        let Some(output) = read(view, &dry)? else {
            return fail(format!("Failed to find required executable \"{}\"", dry.program));
        };
        let mode = if view.context().check_mode { Run::Dry } else { Run::Real };
        let call = params.command(&ends, &peer, mode, view)?;
        if output.status != 0 {
            return Err(Halt::Failed(Box::new(failed(&output, &call.text))));
        }
        let mut said = run::stdout(&output);
        if mode == Run::Real {
            said = said.replace(" (DRY RUN)", "");
        }
        let result = params.told(&said, output.status, &call.text);
        let mut plan = Plan { result, changed: Some(params.changes(&said)), ..Plan::default() };
        plan.warnings.extend(params.rsync_opts.iter().any(String::is_empty).then(|| {
            "The empty string is present in rsync_opts which will cause rsync to transfer the current working \
             directory. If this is intended, use \".\" instead to get rid of this warning. If this is unintended, \
             check for problems in your playbook leading to empty string in rsync_opts."
                .to_owned()
        }));
        let (root, items) = (params.dest.trim_end_matches('/'), itemized::read(&said));
        if items.is_empty() {
            plan.summary = format!("{} is as {}", ends.dest, ends.src);
            return Ok(Step::Plan(plan));
        }
        plan.diffs = items.iter().map(|item| item.diff(root)).collect();
        plan.summary = format!("bring {} of {} up to date", names::count(items.len(), "path"), ends.dest);
        let change = Change::new(Action::Run(call.command)).effect(run::will_print(dry.command, ""));
        Ok(Step::Plan(plan.change(change)))
    }

    fn result(params: &SynchronizeParams, _: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        let Some(Done::Ran(output)) = outcomes.last() else { return Ok(plan.result.clone()) };
        let cmd = plan.result.get("cmd").map(Value::to_text).unwrap_or_default();
        let said = run::stdout(output);
        let mut result = params.told(&said, output.status, &cmd);
        result.insert("changed".into(), params.changes(&said).into());
        Ok(result)
    }

    fn failure(_: &SynchronizeParams, plan: &Plan, _: usize, failure: &Failure) -> Failed {
        let cmd = plan.result.get("cmd").map(Value::to_text).unwrap_or_default();
        match &failure.output {
            Some(output) => failed(output, &cmd),
            None => Failed { message: failure.message.clone(), ..Failed::default() },
        }
    }
}

/// What rsync would do; nothing where it cannot be started.
fn read(view: &View<'_>, call: &Call) -> Result<Option<CommandOutput>, Halt> {
    match view.run(call.command.clone()) {
        Ok(output) => Ok(Some(output)),
        Err(Halt::Failed(_)) => Ok(None),
        Err(halt) => Err(halt),
    }
}

fn failed(output: &CommandOutput, cmd: &str) -> Failed {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let result = crate::map! { "msg" => said.as_str(), "rc" => output.status, "cmd" => cmd };
    Failed { message: said.trim().to_owned(), result, ..Failed::default() }
}

/// Whether rsync only tells what it would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run {
    Dry,
    Real,
}

/// Both ends as rsync takes them.
struct Ends {
    src: String,
    dest: String,
}

/// A call of rsync.
struct Call {
    program: String,
    /// As one line.
    text: String,
    command: Command,
}

impl Ends {
    fn find(params: &SynchronizeParams, peer: &Peer, view: &View<'_>) -> Result<Self, Halt> {
        let SynchronizeParams { src, dest, mode, set_remote_user, .. } = params;
        let here = |path: &str| absolute(path, view);
        if peer.place == Place::Same {
            return Ok(Self { src: here(src), dest: here(dest) });
        }
        let there = |path: &str| peer.path(path, *set_remote_user);
        let ends = match mode {
            Mode::Push => Self { src: here(src), dest: there(dest) },
            Mode::Pull => Self { src: there(src), dest: here(dest) },
        };
        if ends.src.starts_with("rsync://") && ends.dest.starts_with("rsync://") {
            return fail("either src or dest must be a localhost");
        }
        Ok(ends)
    }

    /// Whether OpenSSH is needed.
    fn log_in(&self) -> bool {
        let Self { src, dest } = self;
        let daemon = src.starts_with("rsync://") || dest.starts_with("rsync://");
        !daemon && (src.contains(':') || dest.contains(':'))
    }
}

/// A path of the controller: a relative one is looked for where files are.
fn absolute(path: &str, view: &View<'_>) -> String {
    if path.contains(':') || path.starts_with('/') {
        return path.to_owned();
    }
    let controller = view.controller();
    let found = controller.find(super::view::Search::Files, path);
    let mut whole = found.unwrap_or_else(|_| controller.place(path)).display().to_string();
    if path.ends_with('/') && !whole.ends_with('/') {
        whole.push('/');
    }
    whole
}

impl SynchronizeParams {
    /// Whether what rsync said tells of a change.
    fn changes(&self, said: &str) -> bool {
        if self.link_dest.is_some() { !said.contains("<<CHANGED>>.") } else { said.contains(MARK) }
    }

    fn told(&self, said: &str, status: i32, cmd: &str) -> Map {
        let clean = said.replace(MARK, "");
        let lines = Value::list(clean.split('\n').filter(|line| !line.is_empty()).map(Value::from));
        crate::map! {
            "msg" => clean.as_str(), "rc" => status, "cmd" => cmd, "stdout_lines" => lines,
        }
    }

    /// The options that `archive` brings, and those that take something away from it or stand in its place.
    fn kept(&self) -> impl Iterator<Item = String> + '_ {
        let Self { archive, recursive, links, perms, times, owner, group, .. } = self;
        let each = [
            ("recursive", recursive),
            ("links", links),
            ("perms", perms),
            ("times", times),
            ("owner", owner),
            ("group", group),
        ];
        let archive = *archive;
        let own = each.into_iter().filter_map(move |(name, wanted)| match (archive, *wanted) {
            (true, Some(false)) => Some(format!("--no-{name}")),
            (false, Some(true)) => Some(format!("--{name}")),
            _ => None,
        });
        archive.then(|| "--archive".to_owned()).into_iter().chain(own)
    }

    fn command(&self, ends: &Ends, peer: &Peer, run: Run, view: &View<'_>) -> Result<Call, Halt> {
        let program = view.controller().variable("ansible_rsync_path")?.map(|path| path.to_text());
        let program = program.filter(|path| !path.is_empty()).unwrap_or_else(|| "rsync".to_owned());
        let mut argv = vec![program.clone()];
        let mut add = |wanted: bool, option: &str| {
            if wanted {
                argv.push(option.to_owned());
            }
        };
        add(self.delay_updates, "--delay-updates");
        add(self.delay_updates, "-F");
        add(self.compress, "--compress");
        add(self.rsync_timeout != 0, &format!("--timeout={}", self.rsync_timeout));
        add(run == Run::Dry, "--dry-run");
        add(self.delete, "--delete-after");
        add(self.existing_only, "--existing");
        add(self.checksum, "--checksum");
        add(self.copy_links, "--copy-links");
        argv.extend(self.kept());
        argv.extend(self.dirs.then(|| "--dirs".to_owned()));
        let logs_in = ends.log_in();
        if logs_in && !self.rsync_opts.iter().any(|option| option.contains("--rsh")) {
            argv.push(format!("--rsh={}", words::join(&peer.ssh(self))));
        }
        let path = self.rsync_path.clone().filter(|path| !path.is_empty());
        if let Some(path) = path.or(peer.elevated()?) {
            argv.push(format!("--rsync-path={path}"));
        }
        for option in &self.rsync_opts {
            argv.extend(words::split(option).or_else(fail)?);
        }
        argv.extend(self.partial.then(|| "--partial".to_owned()));
        if let Some(links) = &self.link_dest {
            argv.extend(["-H", "-vv"].map(str::to_owned));
            let above = super::paths::parent(super::paths::trimmed(&ends.dest));
            for link in links {
                let link = super::paths::trimmed(link);
                if above.starts_with(link) {
                    return fail(format!(
                        "Hardlinking into a subdirectory of the source would cause recursion. {above} and {}",
                        ends.dest
                    ));
                }
                argv.push(format!("--link-dest={link}"));
            }
        }
        argv.push(format!("--out-format={MARK}%i %n%L"));
        argv.extend([ends.src.clone(), ends.dest.clone()]);
        let text = words::join(&argv);
        let secret = peer.secret.as_ref().filter(|_| logs_in);
        if secret.is_some() {
            let asked = format!("SSH_ASKPASS={}/asked", crate::wire::command::FILES);
            argv.splice(0..0, ["env".to_owned(), asked]);
        }
        let mut command = run::argv(view, argv);
        if let Some(secret) = secret {
            command = command.env("SSH_ASKPASS_REQUIRE", "force").env("DISPLAY", "none");
            command.environment.push((PASSWORD.to_owned(), Sealed::new(secret.clone())));
            command = command.file("asked", Bytes::Inline(ASKED.to_vec()));
        }
        command.must_succeed = run == Run::Real;
        Ok(Call { program, text, command })
    }
}
