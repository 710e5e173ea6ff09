//! Installs, upgrades and removes packages of SUSE's distributions.
//!
//! ```yaml
//! - name: The web server
//!   community.general.zypper:
//!     name: [nginx, "openssl>=3.0"]
//!     state: present
//! ```

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Planned, Side, Step, fail};
use super::run;
use super::view::View;
use crate::base::{Map, Value};
use crate::wire::{Action, Change, Command, CommandOutput, Content, Done, Failure, Follow, Query};
use crate::{choices, params};

mod xml;

use xml::Solvable;

/// As `community.general.zypper`. What `zypper` would do is always asked first (`--dry-run`).
pub struct Zypper;

choices! {
    /// How packages shall stand.
    pub enum ZypperState {
        Absent = "absent", DistUpgrade = "dist-upgrade", Installed = "installed", Latest = "latest",
        Present = "present", Removed = "removed",
    }
}
choices! {
    /// What is meant by a name.
    pub enum ZypperType {
        Application = "application", Package = "package", Patch = "patch", Pattern = "pattern", Product = "product",
        Srcpackage = "srcpackage",
    }
}

params! {
    /// Parameters of `zypper`.
    pub struct ZypperParams {
        /// Packages: a name, a name with a version (`nginx>=1.24`), with `+` or `-` before it to install or remove it, a
        /// URL or a file. `*` with `state: latest` upgrades everything.
        name: Vec<String>, aliases ["pkg"];
        /// `present` (`installed`), `latest`, `absent` (`removed`), or `dist-upgrade` with the name `*`.
        state: ZypperState = ZypperState::Present;
        /// What is meant by a name.
        r#type: ZypperType = ZypperType::Package;
        /// Further arguments before zypper's command.
        extra_args_precommand: Option<String>;
        /// Whether signatures are not checked.
        disable_gpg_check: bool = false;
        /// Whether new keys are trusted.
        auto_import_keys: bool = false;
        /// Whether only what is needed is installed too.
        disable_recommends: bool = true;
        /// Whether what is installed is installed again.
        force: bool = false;
        /// Whether zypper solves problems by itself.
        force_resolution: bool = false;
        /// Whether repositories are refreshed before.
        update_cache: bool = false, aliases ["refresh"];
        /// Whether a version may be replaced with an older one.
        oldpackage: bool = false;
        /// Further arguments after zypper's command.
        extra_args: Option<String>;
        /// Whether packages may come from another vendor, with `dist-upgrade`.
        allow_vendor_change: bool = false;
        /// Whether files of other packages may be replaced.
        replacefiles: bool = false;
        /// Whether what nothing needs any more is removed too.
        clean_deps: bool = false;
        /// Whether only zypper's messages are shown of what it said.
        simple_errors: bool = false;
        /// Whether zypper says little.
        quiet: bool = true;
        /// Whether scripts of packages that fail do not matter.
        skip_post_errors: bool = false;
    }
}

impl Module for Zypper {
    type Params = ZypperParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "zypper",
        collection: "community.general",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("zypper.rs"),
        returns: &[
            ("cmd", "the command"),
            ("name", "the packages"),
            ("rc", "its exit status"),
            ("state", "how they shall stand"),
            ("update_cache", "whether repositories were refreshed"),
        ],
    };

    fn plan(params: &ZypperParams, view: &View<'_>) -> Result<Step, Halt> {
        params.plan(view).map(Step::Plan)
    }

    fn result(params: &ZypperParams, _: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        let mut result = plan.result.clone();
        let Some(Done::Ran(output)) = outcomes.last().filter(|_| result.contains_key("cmd")) else {
            return Ok(result);
        };
        if !is_fine(output.status, params) {
            return Err(Halt::Failed(Box::new(params.failed(output, result.get("cmd").cloned()))));
        }
        let changed = matches!(output.status, 0 | 102) && !xml::solvables(&run::stdout(output)).is_empty();
        result.insert("rc".into(), output.status.into());
        result.insert("changed".into(), changed.into());
        if changed {
            result.extend(params.said(output));
        }
        Ok(result)
    }

    fn failure(params: &ZypperParams, plan: &Plan, _: usize, failure: &Failure) -> Failed {
        match &failure.output {
            Some(output) => params.failed(output, plan.result.get("cmd").cloned()),
            None => Failed { message: failure.message.clone(), ..Failed::default() },
        }
    }
}

/// Whether zypper's status is none of a failure.
fn is_fine(status: i32, params: &ZypperParams) -> bool {
    matches!(status, 0 | 102) || (status == 107 && params.skip_post_errors)
}

/// A package as the task names it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    name: String,
    version: String,
    /// Whether it shall be installed.
    installs: bool,
    /// Whether the task says so itself (`+`).
    explicit: bool,
}

impl Wanted {
    fn read(text: &str, removes: bool) -> Self {
        let (prefix, rest) = match text.split_at_checked(1) {
            Some((prefix @ ("-" | "~" | "+"), rest)) => (prefix, rest),
            _ => ("", text),
        };
        let at = rest.find(['<', '>', '=']).filter(|at| {
            let version = rest.get(*at..).unwrap_or_default().trim_start_matches(['<', '>', '=']);
            version.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-'))
        });
        let (name, version) = rest.split_at_checked(at.unwrap_or(rest.len())).unwrap_or((rest, ""));
        let installs = match prefix {
            "+" => true,
            "" => !removes,
            _ => false,
        };
        Self { name: name.to_owned(), version: version.to_owned(), installs, explicit: prefix == "+" }
    }

    fn word(&self) -> String {
        format!("{}{}{}", if self.installs { "+" } else { "-" }, self.name, self.version)
    }
}

impl ZypperParams {
    fn plan(&self, view: &View<'_>) -> Result<Plan, Halt> {
        let names: Vec<&String> = self.name.iter().filter(|name| !name.is_empty()).collect();
        let listed = names.iter().map(|name| Value::from(name.as_str()));
        let told = crate::map! {
            "name" => Value::list(listed), "state" => self.state.text(), "update_cache" => self.update_cache,
            "rc" => 0,
        };
        let all = matches!(names.as_slice(), [one] if *one == "*");
        let removes = matches!(self.state, ZypperState::Absent | ZypperState::Removed);
        let mut plan = Plan { result: told, ..Plan::default() };
        if self.update_cache {
            let words = self.call("refresh", &[], Mode::Real, view)?;
            plan.changes.push(Planned { side: Side::Host, change: run::change(view, words) });
            plan.changed = Some(false);
        }
        if all && matches!(self.state, ZypperState::Latest | ZypperState::DistUpgrade) {
            let verb = match (self.r#type, self.state) {
                (ZypperType::Patch, _) => "patch",
                (_, ZypperState::DistUpgrade) => "dist-upgrade",
                _ => "update",
            };
            return self.carried_out(plan, verb, Vec::new(), view);
        }
        if self.state == ZypperState::DistUpgrade {
            return fail("Can not dist-upgrade specific packages.");
        }
        let is_url = |name: &&&String| name.contains("://") || name.strip_suffix(".rpm").is_some();
        let urls: Vec<String> = names.iter().filter(is_url).map(|name| (*name).clone()).collect();
        let packages: Vec<Wanted> =
            names.iter().filter(|name| !is_url(name)).map(|name| Wanted::read(name, removes)).collect();
        if removes {
            if packages.iter().any(|package| package.explicit) {
                return fail("Can not combine '+' prefix with state=remove/absent.");
            }
            if !urls.is_empty() {
                return fail("Can not remove via URL.");
            }
            if self.r#type == ZypperType::Patch {
                return fail("Can not remove patches.");
            }
            let installed = self.installed(&packages, view)?;
            let left: Vec<String> = packages
                .iter()
                .filter(|package| installed.contains(&package.name))
                .map(|package| format!("{}{}", package.name, package.version))
                .collect();
            if left.is_empty() {
                plan.summary = "already removed".to_owned();
                return Ok(plan);
            }
            return self.carried_out(plan, "remove", left, view);
        }
        let mut left = packages.clone();
        if self.state != ZypperState::Latest {
            let plain: Vec<Wanted> =
                packages.into_iter().filter(|package| package.version.is_empty()).collect();
            let installed = if plain.is_empty() { Vec::new() } else { self.installed(&plain, view)? };
            left.retain(|package| {
                package.installs != (package.version.is_empty() && installed.contains(&package.name))
            });
        }
        if left.is_empty() && urls.is_empty() {
            plan.summary = "already installed".to_owned();
            return Ok(plan);
        }
        let words = ["--".to_owned()].into_iter().chain(urls).chain(left.iter().map(Wanted::word));
        self.carried_out(plan, "install", words.collect(), view)
    }

    /// The names of those that are installed.
    fn installed(&self, packages: &[Wanted], view: &View<'_>) -> Result<Vec<String>, Halt> {
        let mut words = ["--match-exact", "--details", "--installed-only"].map(str::to_owned).to_vec();
        words.extend(packages.iter().map(|package| package.name.clone()));
        let command = run::reading(self.call("search", &words, Mode::Real, view)?);
        let output = self.asked(command, view)?;
        match output.status {
            104 => Ok(Vec::new()),
            0 | 102 | 103 | 106 | 107 => {
                Ok(xml::solvables(&run::stdout(&output)).into_iter().map(|found| found.name).collect())
            }
            _ => Err(Halt::Failed(Box::new(self.failed(&output, None)))),
        }
    }

    fn asked(&self, command: Command, view: &View<'_>) -> Result<CommandOutput, Halt> {
        match view.run(command) {
            Ok(output) => Ok(output),
            Err(Halt::Failed(_)) => fail("Failed to find required executable \"zypper\""),
            Err(halt) => Err(halt),
        }
    }

    /// Asks what a call would do, and adds it where it does anything.
    fn carried_out(
        &self,
        mut plan: Plan,
        verb: &str,
        words: Vec<String>,
        view: &View<'_>,
    ) -> Result<Plan, Halt> {
        let question = run::reading(self.call(verb, &words, Mode::Dry, view)?);
        let output = self.asked(question.clone(), view)?;
        let call = self.call(verb, &words, Mode::Real, view)?;
        let mode = if view.context().check_mode { Mode::Dry } else { Mode::Real };
        let shown = self.call(verb, &words, mode, view)?;
        let cmd = Value::list(shown.iter().map(|word| Value::from(word.as_str())));
        if !matches!(output.status, 0 | 102 | 103 | 106 | 107) {
            return Err(Halt::Failed(Box::new(self.failed(&output, Some(cmd)))));
        }
        let text = run::stdout(&output);
        let found = xml::solvables(&text);
        plan.result.insert("cmd".into(), cmd);
        if found.is_empty() {
            plan.summary = "nothing to do".to_owned();
            return Ok(plan);
        }
        plan.diffs = found.iter().map(Solvable::diff).collect();
        plan.summary = format!("{verb} {}", crate::base::names::count(found.len(), "package"));
        plan.result.extend(self.said(&output));
        let mut command =
            run::argv(view, again(&call, self.skip_post_errors)).env("LC_ALL", "C").env("LANG", "C");
        command.must_succeed = false;
        let change = Change::new(Action::Run(command))
            .effect(run::will_print(question, "<?xml version='1.0'?>\n<stream>\n</stream>\n"));
        plan.changed = Some(true);
        plan.changes.push(Planned { side: Side::Host, change });
        Ok(plan)
    }

    /// What zypper said, as the results have it.
    fn said(&self, output: &CommandOutput) -> Map {
        let mut keys = super::view::output_keys(output);
        keys.shift_remove("rc");
        if self.simple_errors {
            let messages = xml::messages(&run::stdout(output));
            if !messages.is_empty() {
                keys.insert("stdout".into(), messages.join(" \n").into());
            }
        }
        keys
    }

    fn failed(&self, output: &CommandOutput, cmd: Option<Value>) -> Failed {
        let messages = xml::messages(&run::stdout(output));
        let message = match output.status {
            104 => messages.last().cloned().unwrap_or_else(|| "Zypper run failed.".to_owned()),
            103 | 106 | 107 => "Zypper run failed.".to_owned(),
            status => format!("Zypper run command failed with return code {status}."),
        };
        let mut result = self.said(output);
        result.insert("rc".into(), output.status.into());
        result.extend(cmd.map(|cmd| ("cmd".into(), cmd)));
        Failed { message, result, ..Failed::default() }
    }

    /// The words of a call.
    fn call(&self, verb: &str, words: &[String], mode: Mode, view: &View<'_>) -> Result<Vec<String>, Halt> {
        let installs = matches!(verb, "install" | "update" | "patch" | "dist-upgrade");
        let mut all: Vec<String> = Vec::new();
        if is_transactional(view)? && verb != "search" {
            let words = ["transactional-update", "--continue", "--drop-if-no-change", "--quiet", "run"];
            all.extend(words.map(str::to_owned));
        }
        all.extend(["zypper", "--non-interactive", "--xmlout"].map(str::to_owned));
        let mut add = |wanted: bool, option: &str| all.extend(wanted.then(|| option.to_owned()));
        add(self.quiet, "--quiet");
        for word in self.extra_args_precommand.iter().flat_map(|text| text.split_whitespace()) {
            add(true, word);
        }
        add((installs || verb == "refresh") && self.disable_gpg_check, "--no-gpg-checks");
        add(installs && self.auto_import_keys, "--gpg-auto-import-keys");
        add(verb == "search", "--disable-repositories");
        add(true, verb);
        if !matches!(verb, "patch" | "dist-upgrade" | "refresh") {
            add(true, "--type");
            add(true, self.r#type.text());
        }
        add(mode == Mode::Dry, "--dry-run");
        let versions = words.iter().any(|word| word.contains(['<', '>', '=']));
        add(installs, "--auto-agree-with-licenses");
        add(installs && self.disable_recommends, "--no-recommends");
        add(installs && self.force, "--force");
        add(installs && self.force_resolution, "--force-resolution");
        add(installs && (self.oldpackage || versions), "--oldpackage");
        add(installs && self.replacefiles, "--replacefiles");
        add(verb == "remove" && self.clean_deps, "--clean-deps");
        add(verb == "dist-upgrade" && self.allow_vendor_change, "--allow-vendor-change");
        for word in self.extra_args.iter().flat_map(|text| text.split(' ')) {
            add(true, word);
        }
        all.extend(words.iter().cloned());
        Ok(all)
    }
}

/// Whether zypper only tells what it would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Dry,
    Real,
}

/// A call that is repeated where zypper wants that: it has upgraded itself (103), or scripts failed that do not matter.
fn again(call: &[String], scripts: bool) -> Vec<String> {
    let statuses = if scripts { "103|107" } else { "103" };
    let text =
        format!("\"$@\"; status=$?; case $status in {statuses}) \"$@\"; status=$?;; esac; exit $status");
    ["sh".to_owned(), "-c".to_owned(), text, "sh".to_owned()]
        .into_iter()
        .chain(call.iter().cloned())
        .collect()
}

/// Whether the system is one that is changed by snapshots.
fn is_transactional(view: &View<'_>) -> Result<bool, Halt> {
    let program = "/usr/sbin/transactional-update";
    view.want([
        Query::Stat { path: program.to_owned(), follow: Follow::Yes },
        Query::Content { path: "/proc/mounts".to_owned(), limit: super::view::TEXT_LIMIT },
    ]);
    if view.stat(program, Follow::Yes)?.is_none() {
        return Ok(false);
    }
    let Content::Bytes(mounts) = view.content("/proc/mounts")? else { return Ok(false) };
    let mounts = String::from_utf8_lossy(&mounts).into_owned();
    let root = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let mut root = root.filter(|fields| fields.get(1) == Some(&"/"));
    Ok(root.next().is_some_and(|fields| {
        let read_only = fields.get(3).is_some_and(|options| options.split(',').any(|option| option == "ro"));
        fields.get(2) == Some(&"btrfs") && read_only
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_versions_and_prefixes() {
        let read = |text| Wanted::read(text, false).word();
        assert_eq!(read("nginx"), "+nginx");
        assert_eq!(read("docker>=1.10"), "+docker>=1.10");
        assert_eq!((read("-exim"), read("~exim")), ("-exim".to_owned(), "-exim".to_owned()));
        assert_eq!(Wanted::read("a=b", false).name, "a=b");
        assert!(!Wanted::read("nginx", true).installs && Wanted::read("+nginx", true).explicit);
    }
}
