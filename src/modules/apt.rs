//! Installs, upgrades and removes packages with apt.
//!
//! ```yaml
//! - name: The web server, from fresh package lists
//!   ansible.builtin.apt:
//!     name: [nginx, ssl-cert]
//!     update_cache: true
//!     cache_valid_time: 3600
//! ```

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::params::{PathText, Rule};
use super::view::View;
use super::words;
use crate::base::{Map, Value};
use crate::wire::{Action, Done, Failure, Program, Query};
use crate::{choices, params};

mod command;
mod install;
mod simulate;
mod version;

pub use install::units;

/// As `ansible.builtin.apt`; always with `apt-get`, never with aptitude.
pub struct Apt;

choices! {
    /// How packages shall stand.
    pub enum State {
        Absent = "absent", BuildDep = "build-dep", Latest = "latest", Present = "present", Fixed = "fixed",
    }
}

choices! {
    /// What is upgraded.
    pub enum Upgrade { Dist = "dist", Full = "full", No = "no", Safe = "safe", Yes = "yes" }
}

params! {
    /// Parameters of `apt`.
    pub struct AptParams {
        /// Packages: `nginx`, `nginx=1.22*` (a version or a pattern of versions), `nginx>=1.20`, `nginx-*`.
        name: Vec<String>, aliases ["package", "pkg"];
        /// `present` installs what is missing, `latest` upgrades too, `build-dep` installs what building them needs,
        /// `fixed` installs and repairs broken dependencies.
        state: State = State::Present;
        /// Whether the package lists are refreshed first.
        update_cache: bool = false, aliases ["update-cache"];
        /// Seconds for which the package lists are fresh enough; implies `update_cache`.
        cache_valid_time: u32 = 0u32;
        /// How often a refresh is tried.
        update_cache_retries: u32 = 5u32;
        /// Most seconds between two tries; the first pause is one second, each following twice as long.
        update_cache_retry_max_delay: u32 = 12u32;
        /// Whether configuration files are removed with a package.
        purge: bool = false;
        /// Package files to install, with commas between them: of the host, or URLs.
        deb: Option<PathText>;
        /// The release that packages are taken from, as `apt-get -t`.
        default_release: Option<String>, aliases ["default-release"];
        /// Whether recommended packages are installed too. By default as apt is configured.
        install_recommends: Option<bool>, aliases ["install-recommends"];
        /// Whether `--force-yes` is given, which can break the system.
        force: bool = false;
        /// `yes` and `safe` upgrade without removing packages, `full` and `dist` may remove some.
        upgrade: Upgrade = Upgrade::No;
        /// Options for dpkg, with commas and without leading dashes.
        dpkg_options: String = "force-confdef,force-confold";
        /// Whether packages that nothing needs any more are removed; alone, or with what else is done.
        autoremove: bool = false;
        /// Whether package files that can no longer be downloaded are removed from the cache.
        autoclean: bool = false;
        /// Whether all package files are removed from the cache.
        clean: bool = false;
        /// Whether the task fails rather than removing a package.
        fail_on_autoremove: bool = false;
        /// Exit status of `/usr/sbin/policy-rc.d` while packages are installed: 101 keeps services from starting.
        policy_rc_d: Option<u32>;
        /// Whether only what is installed is upgraded.
        only_upgrade: bool = false;
        /// Without effect: aptitude is never used.
        force_apt_get: bool = false;
        /// Whether packages that cannot be authenticated are accepted.
        allow_unauthenticated: bool = false, aliases ["allow-unauthenticated"];
        /// Whether a version may be replaced with an older one.
        allow_downgrade: bool = false, aliases ["allow-downgrade", "allow_downgrades", "allow-downgrades"];
        /// Whether packages that are held may change.
        allow_change_held_packages: bool = false;
        /// Seconds to wait for another process that holds apt's lock.
        lock_timeout: u32 = 60u32;
        /// Without effect: nothing is needed on the host.
        auto_install_module_deps: bool = true;
    }
    rules [Rule::MutuallyExclusive(&["deb", "name", "upgrade"])]
}

/// What the results of `apt` and `package` hold.
pub const RETURNS: &[(&str, &str)] = &[
    ("cache_updated", "whether the package lists were refreshed"),
    ("cache_update_time", "when they were refreshed last, in seconds since the epoch"),
    ("stdout", "what apt-get said"),
    ("stderr", "what apt-get said on standard error"),
];

impl Module for Apt {
    type Params = AptParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "apt",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("apt.rs"),
        returns: RETURNS,
    };

    fn plan(params: &AptParams, view: &View<'_>) -> Result<Step, Halt> {
        params.plan(view).map(Step::Plan)
    }

    fn result(params: &AptParams, view: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        params.result(view, plan, outcomes)
    }

    fn failure(_: &AptParams, plan: &Plan, at: usize, failure: &Failure) -> Failed {
        failed(plan, at, failure)
    }
}

/// Whether the package lists will be fresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lists {
    /// They are used as they are.
    Kept,
    /// They are refreshed first, so nothing is known yet of what they will offer.
    Refreshed,
}

impl AptParams {
    /// What is to be done.
    pub fn plan(&self, view: &View<'_>) -> Result<Plan, Halt> {
        if let Some(files) = &self.deb {
            return self.install_files(view, files);
        }
        let asked = [
            !self.name.is_empty(),
            self.autoremove,
            self.autoclean,
            self.clean,
            self.update_cache || self.cache_valid_time > 0,
            self.upgrade != Upgrade::No,
        ];
        if !asked.contains(&true) {
            return fail("one of the following is required: autoremove, deb, name, update_cache, upgrade");
        }
        let names: Vec<String> =
            self.name.iter().map(|name| name.trim().to_owned()).filter(|name| name != "*").collect();
        let everything = names.len() != self.name.len();
        view.want(names.iter().filter_map(|spec| install::query(spec)));
        let (lists, updated) = self.lists(view)?;
        let mut plan = Plan::default();
        if self.clean {
            plan = Self::clean(view, plan);
        }
        if lists == Lists::Refreshed {
            plan = plan.change(self.update(view));
            "refresh the package lists".clone_into(&mut plan.summary);
        }
        let only_lists = names.is_empty() && self.upgrade == Upgrade::No && !everything;
        plan.changed = Some(self.clean && only_lists);
        let mut plan = if everything && self.state == State::Latest {
            if !names.is_empty() {
                return fail("unable to install additional packages when upgrading all installed packages");
            }
            self.simulated(view, plan, &["upgrade", "--with-new-pkgs"], lists)?
        } else {
            match (self.upgrade, self.state) {
                (Upgrade::Dist | Upgrade::Full, _) => self.simulated(view, plan, &["dist-upgrade"], lists)?,
                (Upgrade::Safe | Upgrade::Yes, _) => {
                    self.simulated(view, plan, &["upgrade", "--with-new-pkgs"], lists)?
                }
                (Upgrade::No, _) if names.is_empty() => {
                    // as the original: a refresh alone counts as a change
                    if lists == Lists::Refreshed {
                        plan.changed = Some(true);
                    }
                    let cached = self.update_cache || self.cache_valid_time > 0;
                    if self.autoclean && !cached {
                        self.simulated(view, plan, &["autoclean"], lists)?
                    } else if self.autoremove && !cached {
                        self.simulated(view, plan, &["autoremove"], lists)?
                    } else {
                        plan
                    }
                }
                (Upgrade::No, State::Absent) => self.remove(view, plan, &names)?,
                (Upgrade::No, State::BuildDep) => {
                    let words: Vec<&str> =
                        std::iter::once("build-dep").chain(names.iter().map(String::as_str)).collect();
                    self.simulated(view, plan, &words, lists)?
                }
                (Upgrade::No, State::Latest | State::Present | State::Fixed) => {
                    self.install(view, plan, &names, lists)?
                }
            }
        };
        if plan.summary.is_empty() {
            "the package lists are fresh enough".clone_into(&mut plan.summary);
        }
        // as the original: a removal does not tell how old the lists are
        if self.upgrade != Upgrade::No || self.state != State::Absent || names.is_empty() {
            plan.result.insert("cache_updated".into(), (lists == Lists::Refreshed).into());
            plan.result.insert("cache_update_time".into(), updated.unwrap_or_default().into());
        }
        Ok(plan)
    }

    /// `deb`: package files, of the host or from URLs, with what they need.
    fn install_files(&self, view: &View<'_>, files: &str) -> Result<Plan, Halt> {
        let (lists, _) = self.lists(view)?;
        let mut plan = Plan::default();
        if lists == Lists::Refreshed {
            plan = plan.change(self.update(view));
        }
        let (mut words, mut beside) = (vec!["install".to_owned()], Vec::new());
        for (number, file) in files.split(',').map(str::trim).enumerate() {
            if !file.contains("://") {
                if view.stat(file, crate::wire::Follow::Yes)?.is_none() {
                    return fail(format!("Unable to install package: there is no file `{file}`"));
                }
                words.push(file.to_owned());
                continue;
            }
            let web = super::web::UrlParams { validate_certs: true, ..super::web::UrlParams::default() };
            let download = super::web::download(web.request(file, &Map::new(), 300)?, view)?;
            let Some(content) = download.content else {
                return fail(format!("Failure downloading {file}, {}", super::web::said(&download.answer)));
            };
            let name = format!("{number}.deb");
            words.push(format!("{}/{name}", crate::wire::command::FILES));
            beside.push((name, content));
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut plan = self.simulated_beside(view, plan, &words, Lists::Kept, beside)?;
        if lists == Lists::Refreshed {
            plan.result.insert("cache_updated".into(), true.into());
        }
        Ok(plan)
    }

    /// Whether the lists have to be refreshed, and when they were last.
    fn lists(&self, view: &View<'_>) -> Result<(Lists, Option<i64>), Halt> {
        if !self.update_cache && self.cache_valid_time == 0 {
            return Ok((Lists::Kept, None));
        }
        let clock = command::clock(view);
        view.want([Query::PackageListsAge, Query::Command(clock.clone())]);
        let updated = command::lists_age(view)?;
        if self.cache_valid_time == 0 {
            return Ok((Lists::Refreshed, updated));
        }
        let output = view.run(clock)?;
        let now: i64 = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or(i64::MAX);
        let valid = updated.unwrap_or_default().saturating_add(i64::from(self.cache_valid_time)) >= now;
        Ok((if valid { Lists::Kept } else { Lists::Refreshed }, updated))
    }

    /// What `register` sees.
    pub fn result(&self, view: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        let mut result = plan.result.clone();
        if let Some(Done::Ran(output)) = outcomes.last()
            && self.is_main(plan)
        {
            result.extend(super::run::timed_keys(output, super::run::Ends::Kept));
            for key in ["rc", "start", "end", "delta"] {
                result.shift_remove(key);
            }
            let said = String::from_utf8_lossy(&output.stdout);
            if plan.changed == Some(false) && simulate::changes_something(&said) {
                // fresh lists brought something that could not be foreseen
                result.insert("changed".into(), true.into());
            }
        }
        if plan.result.get("cache_updated").is_some_and(|updated| updated.as_bool() == Some(true))
            && let Some(updated) = command::lists_age(view)?
        {
            // as the original: lists that are the same as before do not count
            let before = plan.result.get("cache_update_time").and_then(Value::as_int).unwrap_or_default();
            result.insert("cache_update_time".into(), updated.into());
            if i128::from(updated) == before {
                result.insert("cache_updated".into(), false.into());
                if !self.clean && !self.is_main(plan) {
                    result.insert("changed".into(), false.into());
                }
            }
        }
        Ok(result)
    }

    /// Whether the last change is more than the refresh of the lists.
    fn is_main(&self, plan: &Plan) -> bool {
        match plan.changes.last().map(|planned| &planned.change.action) {
            Some(Action::Run(command)) => !command::is_update(command),
            _ => false,
        }
    }
}

/// The failure of an `apt-get` call in Ansible's words.
pub fn failed(plan: &Plan, at: usize, failure: &Failure) -> Failed {
    let program = plan.changes.get(at).and_then(|planned| match &planned.change.action {
        Action::Run(command) => Some((command::is_update(command), &command.program)),
        _ => None,
    });
    let message = match program {
        Some((true, _)) => "Failed to update apt cache".to_owned(),
        Some((false, Program::Argv(argv))) => format!("'{}' failed", words::join(argv)),
        Some((false, Program::Shell { .. })) => "'apt-get' failed".to_owned(),
        None => "apt failed".to_owned(),
    };
    super::run::failed(&message, failure)
}
