//! Keeps a checkout of a git repository.
//!
//! ```yaml
//! - name: The application's source
//!   ansible.builtin.git:
//!     repo: https://git.example.com/app.git
//!     dest: /opt/app
//!     version: v1.2
//! ```

mod refs;

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::diff::Diff;
use super::params::{PathText, Rule};
use super::paths;
use super::run;
use super::view::View;
use super::words;
use crate::base::{Map, Value};
use crate::params;
use crate::wire::{Action, Change, Command, Done, Effect, Failure, FileKind, Follow, Query, Stat};
use refs::Refs;

/// As `ansible.builtin.git`.
pub struct Git;

params! {
    /// Parameters of `git`.
    pub struct GitParams {
        /// The repository: a URL, an SSH path, a path on the host.
        repo: String, aliases ["name"];
        /// The directory of the checkout. It may be left out with `clone: false`.
        dest: Option<PathText>;
        /// What is checked out: a branch, a tag, a commit's full hash, `HEAD`.
        version: String = "HEAD";
        /// The remote's name in the checkout.
        remote: String = "origin";
        /// A further refspec that is fetched.
        refspec: Option<String>;
        /// A repository on the host whose objects are borrowed.
        reference: Option<String>;
        /// Whether changes in the checkout are thrown away.
        force: bool = false;
        /// How many commits of the history are fetched.
        depth: Option<u32>;
        /// Whether a checkout that is not there is made.
        clone: bool = true;
        /// Whether a checkout that is there is brought up to date.
        update: bool = true;
        /// Whether a commit's or tag's signature is checked.
        verify_commit: bool = false;
        /// Fingerprints of keys whose signatures count; not supported.
        gpg_allowlist: Vec<String>, aliases ["gpg_whitelist"];
        /// Whether any key of the SSH host is accepted.
        accept_hostkey: bool = false;
        /// Whether the key of a new SSH host is accepted.
        accept_newhostkey: bool = false;
        /// The SSH key on the host that is used.
        key_file: Option<PathText>;
        /// Further options of ssh.
        ssh_opts: Option<String>;
        /// The git that is used.
        executable: Option<PathText>;
        /// Whether it is a bare repository.
        bare: bool = false;
        /// The mask of what is made.
        umask: Option<String>;
        /// Whether submodules are checked out too.
        recursive: bool = true;
        /// Whether only the history of the version is cloned.
        single_branch: bool = false;
        /// Whether submodules follow their branches.
        track_submodules: bool = false;
        /// A file that an archive of the version is written to.
        archive: Option<PathText>;
        /// The prefix of names in the archive.
        archive_prefix: Option<String>;
        /// Where the repository itself is, where it is not in the checkout.
        separate_git_dir: Option<PathText>;
    }
    rules [
        Rule::MutuallyExclusive(&["separate_git_dir", "bare"]),
        Rule::MutuallyExclusive(&["accept_hostkey", "accept_newhostkey"]),
        Rule::RequiredBy("archive_prefix", &["archive"]),
    ]
}

impl Module for Git {
    type Params = GitParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "git",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("git.rs"),
        returns: &[
            ("before", "the commit as it was"),
            ("after", "the commit that is checked out"),
            ("remote_url_changed", "whether the remote's URL was changed"),
        ],
    };

    fn plan(params: &GitParams, view: &View<'_>) -> Result<Step, Halt> {
        for (name, given) in [
            ("gpg_allowlist", !params.gpg_allowlist.is_empty()),
            ("archive", params.archive.is_some()),
            ("track_submodules", params.track_submodules),
        ] {
            if given {
                return fail(format!("parameter `{name}` of `git` is not supported yet"));
            }
        }
        let Some(dest) = &params.dest else {
            if params.clone {
                return fail("the destination directory must be specified unless clone=no");
            }
            let refs = Refs::ask(params, view)?;
            let after = refs.find(params).or_else(fail)?;
            let plan = Plan::nothing("looked at the repository")
                .with("after", after.commit)
                .with("before", Value::Null);
            return Ok(Step::Plan(Plan { changed: Some(true), ..plan }));
        };
        let dest = paths::trimmed(&paths::checked("dest", dest)?).to_owned();
        let task = Task { params, view, dest };
        task.plan().map(Step::Plan)
    }

    fn result(_: &GitParams, _: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        let mut result = plan.result.clone();
        if let Some(Done::Ran(output)) = outcomes.last() {
            let head = run::stdout(output);
            if let Some(commit) = head.lines().last().filter(|line| !line.is_empty()) {
                result.insert("after".into(), commit.into());
            }
        }
        Ok(result)
    }

    fn failure(_: &GitParams, plan: &Plan, _: usize, failure: &Failure) -> Failed {
        let failed = run::failed(&format!("Failed to {}", plan.summary), failure);
        Failed { result: failed.result, ..failed }
    }
}

impl GitParams {
    fn git(&self) -> String {
        self.executable.as_ref().map_or_else(|| "git".to_owned(), |path| path.0.clone())
    }

    /// A command with what git needs in its environment.
    fn within(&self, view: &View<'_>, command: Command) -> Result<Command, Halt> {
        let mut ssh = vec!["ssh".to_owned()];
        if let Some(options) = &self.ssh_opts {
            ssh.push(options.clone());
        }
        if let Some(key) = &self.key_file {
            ssh.push(format!("-i {} -o IdentitiesOnly=yes", words::quote(key)));
        }
        if self.accept_hostkey {
            ssh.push("-o StrictHostKeyChecking=no".to_owned());
        } else if self.accept_newhostkey {
            ssh.push("-o StrictHostKeyChecking=accept-new".to_owned());
        }
        ssh.push("-o BatchMode=yes".to_owned());
        let mut command = run::within(view, command).env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0");
        if !command.environment.iter().any(|(name, _)| name.starts_with("GIT_SSH")) {
            command = command.env("GIT_SSH_COMMAND", ssh.join(" "));
        }
        if let Some(mask) = &self.umask {
            let mask = u32::from_str_radix(mask.trim_start_matches("0o"), 8);
            command.umask = Some(mask.or_else(|_| fail("umask must be an octal integer"))?);
        }
        Ok(command)
    }
}

struct Task<'a> {
    params: &'a GitParams,
    view: &'a View<'a>,
    dest: String,
}

/// What the checkout is like.
struct Checkout {
    commit: Option<String>,
    url: String,
    modified: bool,
}

impl Task<'_> {
    fn look_command(&self) -> Command {
        let git = words::quote(&self.params.git());
        let remote = words::quote(&self.params.remote);
        let text = format!(
            "cd {} && {git} rev-parse HEAD; echo; {git} config --get remote.{remote}.url; echo; {git} status --porcelain \
             --untracked-files=no",
            paths::shell_word(&self.dest)
        );
        run::within(self.view, Command::shell(text)).env("LC_ALL", "C").may_fail()
    }

    fn look(&self) -> Result<Checkout, Halt> {
        let output = self.view.run(self.look_command())?;
        let said = run::stdout(&output);
        let mut parts = said.splitn(3, "\n\n");
        let mut next = || parts.next().unwrap_or_default().trim().to_owned();
        let (commit, url, status) = (next(), next(), next());
        let commit = Some(commit).filter(|commit| commit.len() >= 40 && !commit.contains(' '));
        Ok(Checkout { commit, url, modified: !status.is_empty() && !self.params.bare })
    }

    fn plan(&self) -> Result<Plan, Halt> {
        let Self { params, view, dest } = self;
        let inner = if params.bare { format!("{dest}/config") } else { format!("{dest}/.git") };
        view.want([Query::Stat { path: inner.clone(), follow: Follow::Yes }]);
        let there = view.stat(&inner, Follow::Yes)?;
        let before = |commit: Option<&str>| commit.map_or(Value::Null, Value::from);
        if there.is_none() {
            if !params.clone {
                let plan = Plan::nothing("there is no checkout").with("before", Value::Null);
                let after = Refs::ask(params, view)?.find(params).or_else(fail)?.commit;
                return Ok(Plan { changed: Some(true), ..plan.with("after", after) });
            }
            let found = Refs::ask(params, view)?.find(params).or_else(fail)?;
            let mut plan = Plan::nothing(format!("clone {}", params.repo));
            plan = plan.change(self.clone_it(&found)?.effect(Effect::Path(
                inner,
                Some(Stat::predicted(FileKind::Directory, 0o755, &view.context().user)),
            )));
            plan.diffs.push(Diff::attribute(dest, "commit", "", &found.commit));
            return Ok(plan.with("before", Value::Null).with("after", found.commit));
        }
        let is = self.look()?;
        if !params.update {
            let plan = Plan::nothing("there already, and `update` is off");
            let commit = before(is.commit.as_deref());
            return Ok(plan
                .with("before", commit.clone())
                .with("after", commit)
                .with("remote_url_changed", false));
        }
        if is.modified && !params.force {
            let message = format!("Local modifications exist in the destination: {dest} (force=no).");
            let result = crate::map! {"before" => before(is.commit.as_deref())};
            return Err(Failed { message, result, ..Failed::default() }.into());
        }
        let found = Refs::ask(params, view)?.find(params).or_else(fail)?;
        let moved = is.url != params.repo && !is.url.is_empty();
        let same = is.commit.as_deref() == Some(found.commit.as_str());
        if same && !moved && !is.modified {
            let plan = Plan::nothing(format!("already at {}", found.commit));
            return Ok(plan
                .with("before", before(is.commit.as_deref()))
                .with("after", found.commit)
                .with("remote_url_changed", false));
        }
        let mut plan = Plan::nothing(format!("check out {}", params.version));
        plan = plan.change(self.update_it(&found, &is, moved)?);
        plan.diffs.push(Diff::attribute(
            dest,
            "commit",
            is.commit.as_deref().unwrap_or_default(),
            &found.commit,
        ));
        if is.modified {
            let message = format!("Local modifications exist in the destination: {dest}");
            plan.result.insert("msg".into(), message.into());
        }
        if moved {
            plan.diffs.push(Diff::attribute(dest, "remote", &is.url, &params.repo));
        }
        Ok(plan
            .with("before", before(is.commit.as_deref()))
            .with("after", found.commit)
            .with("remote_url_changed", moved))
    }

    fn script(&self, lines: &[String], found: &refs::Found) -> Result<Change, Halt> {
        let text = format!("set -e\n{}\n", lines.join("\n"));
        let command = self.params.within(self.view, Command::shell(text))?;
        let after = format!("{}\n\n{}\n\n", found.commit, self.params.repo);
        Ok(Change::new(Action::Run(command)).effect(run::will_print(self.look_command(), after)))
    }

    fn clone_it(&self, found: &refs::Found) -> Result<Change, Halt> {
        let params = self.params;
        let git = words::quote(&params.git());
        let (dest, version) = (paths::shell_word(&self.dest), words::quote(&params.version));
        let mut clone = vec![git.clone(), "clone".to_owned()];
        if params.bare {
            clone.push("--bare".to_owned());
        } else {
            clone.push(format!("--origin {}", words::quote(&params.remote)));
        }
        let is_named = found.kind != refs::Kind::Commit && params.version != "HEAD";
        if let Some(depth) = params.depth
            && (is_named || (params.version == "HEAD" && params.refspec.is_none()))
        {
            clone.push(format!("--depth {depth}"));
        }
        if is_named && params.refspec.is_none() {
            clone.push(format!("--branch {version}"));
        }
        if params.single_branch {
            clone.push("--single-branch".to_owned());
        }
        if let Some(reference) = &params.reference {
            clone.push(format!("--reference {}", words::quote(reference)));
        }
        if let Some(directory) = &params.separate_git_dir {
            clone.push(format!("--separate-git-dir={}", paths::shell_word(directory)));
        }
        clone.extend([words::quote(&params.repo), dest.clone()]);
        let above = paths::shell_word(paths::parent(&self.dest));
        let mut lines = vec![format!("mkdir -p {above}"), clone.join(" "), format!("cd {dest}")];
        if params.bare && params.remote != "origin" {
            lines.push(format!(
                "{git} remote add {} {}",
                words::quote(&params.remote),
                words::quote(&params.repo)
            ));
        }
        if let Some(refspec) = &params.refspec {
            lines.push(format!("{git} fetch {} {}", words::quote(&params.remote), words::quote(refspec)));
        }
        if !params.bare && (found.kind == refs::Kind::Commit || params.refspec.is_some()) {
            lines.push(format!("{git} checkout --force {}", words::quote(&found.commit)));
        }
        self.finish(&mut lines, &git);
        self.script(&lines, found)
    }

    fn update_it(&self, found: &refs::Found, is: &Checkout, moved: bool) -> Result<Change, Halt> {
        let params = self.params;
        let git = words::quote(&params.git());
        let (remote, version) = (words::quote(&params.remote), words::quote(&params.version));
        let mut lines = vec![format!("cd {}", paths::shell_word(&self.dest))];
        if moved {
            lines.push(format!("{git} remote set-url {remote} {}", words::quote(&params.repo)));
        } else if is.url.is_empty() {
            lines.push(format!("{git} remote add {remote} {}", words::quote(&params.repo)));
        }
        if is.modified {
            lines.push(format!("{git} reset --hard HEAD"));
        }
        let depth = params.depth.map(|depth| format!("--depth {depth} ")).unwrap_or_default();
        let mut specs = Vec::new();
        if params.depth.is_some() && found.kind != refs::Kind::Commit {
            specs.push(match found.kind {
                refs::Kind::Branch => {
                    let name = if params.version == "HEAD" { &found.name } else { &params.version };
                    format!("+refs/heads/{name}:refs/remotes/{}/{name}", params.remote)
                }
                _ => format!("+refs/tags/{0}:refs/tags/{0}", params.version),
            });
        } else if params.bare {
            specs.push("+refs/heads/*:refs/heads/*".to_owned());
        }
        specs.extend(params.refspec.clone());
        let specs: String = specs.iter().flat_map(|spec| [" ".to_owned(), words::quote(spec)]).collect();
        lines.push(format!("{git} fetch {depth}--force --tags {remote}{specs}"));
        if specs.is_empty() {
            lines.push(format!("{git} fetch {depth}--force {remote}"));
        }
        if !params.bare {
            match found.kind {
                refs::Kind::Branch => {
                    let branch =
                        if params.version == "HEAD" { words::quote(&found.name) } else { version.clone() };
                    lines.push(format!(
                        "if {git} show-ref --verify --quiet refs/heads/{branch}; then {git} checkout --force {branch} --; \
                         else {git} checkout --force --track -b {branch} {remote}/{branch}; fi"
                    ));
                    lines.push(format!("{git} reset --hard {remote}/{branch} --"));
                }
                refs::Kind::Tag => lines.push(format!("{git} checkout --force {version}")),
                refs::Kind::Commit => {
                    lines.push(format!("{git} checkout --force {}", words::quote(&found.commit)));
                }
            }
        }
        self.finish(&mut lines, &git);
        self.script(&lines, found)
    }

    fn finish(&self, lines: &mut Vec<String>, git: &str) {
        let params = self.params;
        if params.verify_commit {
            lines.push(format!("{git} verify-commit HEAD"));
        }
        if params.recursive && !params.bare {
            lines.push(format!(
                "if [ -e .gitmodules ]; then {git} submodule sync; {git} submodule update --init --recursive; fi"
            ));
        }
        lines.push(format!("{git} rev-parse HEAD"));
    }
}
