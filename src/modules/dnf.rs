//! Installs, upgrades and removes packages with dnf.
//!
//! ```yaml
//! - name: The web server
//!   ansible.builtin.dnf:
//!     name: [nginx, 'openssl >= 3.0']
//!     state: present
//!     disablerepo: epel
//! ```

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::params::PathText;
use super::params::Rule;
use super::view::View;
use super::words;
use crate::base::Value;
use crate::wire::{Action, Change, Failure, Program};
use crate::{choices, params};

mod call;
mod installed;
mod list;
mod manage;
mod transaction;

/// As `ansible.builtin.dnf`; with the program `dnf`, nothing else is needed on the host.
pub struct Dnf;

choices! {
    /// How packages shall stand.
    pub enum State {
        Absent = "absent", Installed = "installed", Latest = "latest", Present = "present", Removed = "removed",
    }
}

choices! {
    /// Which generation of dnf the original would use.
    pub enum Backend {
        Auto = "auto", Dnf = "dnf", Yum = "yum", Yum4 = "yum4", Dnf4 = "dnf4", Dnf5 = "dnf5",
    }
}

params! {
    /// Parameters of `dnf`.
    pub struct DnfParams {
        /// Packages: a name, a name with version (`nginx-1.24`), a comparison (`nginx >= 1.24`), a pattern (`nginx-*`),
        /// a path that a package brings, a group or module (`@development-tools`), a package file of the host or
        /// a URL. `*` with `state: latest` upgrades everything.
        name: Vec<String>, aliases ["pkg"];
        /// `present` (`installed`) installs what is missing, `latest` upgrades too, `absent` (`removed`) removes. By
        /// default `present`, and `absent` where only `autoremove` is given.
        state: Option<State>;
        /// Instead of changing anything: `installed`, `updates`, `available`, `repos`, or a package.
        list: Option<String>;
        /// Whether packages that nothing needs any more are removed too; alone, or with `state: absent`.
        autoremove: bool = false;
        /// Whether a version may be replaced with an older one.
        allow_downgrade: bool = false;
        /// Whether other packages may be removed to solve dependencies.
        allowerasing: bool = false;
        /// Whether only the best version of a package will do. By default as dnf is configured.
        best: Option<bool>;
        /// Whether a version other than the best will do. By default as dnf is configured.
        nobest: Option<bool>;
        /// Whether only fixes of bugs are installed, with `state: latest`.
        bugfix: bool = false;
        /// Whether only fixes of security are installed, with `state: latest`.
        security: bool = false;
        /// Whether only the cache is used, without refreshing it.
        cacheonly: bool = false;
        /// The configuration file.
        conf_file: Option<PathText>;
        /// Excludes that are not honoured: `all`, `main`, or a repository.
        disable_excludes: Option<String>;
        /// Whether signatures are not checked.
        disable_gpg_check: bool = false;
        /// Plugins that are not loaded.
        disable_plugin: Vec<String>;
        /// Plugins that are loaded.
        enable_plugin: Vec<String>;
        /// Repositories that are not used, by name or pattern.
        disablerepo: Vec<String>;
        /// Repositories that are used, by name or pattern, after `disablerepo`.
        enablerepo: Vec<String>;
        /// Whether packages are downloaded only.
        download_only: bool = false;
        /// Where they are downloaded to.
        download_dir: Option<PathText>;
        /// Packages that are not touched, by name or pattern.
        exclude: Vec<String>;
        /// The root directory of the system.
        installroot: PathText = PathText("/".to_owned());
        /// Without effect.
        install_repoquery: bool = true;
        /// Whether recommended packages are installed too.
        install_weak_deps: bool = true;
        /// The release whose packages are taken.
        releasever: Option<String>;
        /// Whether packages that cannot be installed are passed over.
        skip_broken: bool = false;
        /// Whether the cache is refreshed before it is asked.
        update_cache: bool = false, aliases ["expire-cache"];
        /// Whether only what is installed is upgraded, with `state: latest`.
        update_only: bool = false;
        /// Without effect: dnf itself fetches package files from URLs.
        validate_certs: bool = true;
        /// Whether certificates of repositories are checked.
        sslverify: bool = true;
        /// Without effect: dnf waits for another process that holds its lock.
        lock_timeout: u32 = 30u32;
        /// Without effect: the `dnf` that is on the host is used.
        use_backend: Backend = Backend::Auto;
    }
    rules [
        Rule::MutuallyExclusive(&["name", "list"]),
        Rule::MutuallyExclusive(&["best", "nobest"]),
    ]
}

/// What the results of `dnf` hold.
const RETURNS: &[(&str, &str)] = &[
    ("msg", "that there was nothing to do, or what went wrong"),
    ("rc", "0, or 1 where it failed"),
    ("results", "what was installed and removed, or with `list` the packages"),
    ("failures", "what could not be installed, and why"),
];

impl Module for Dnf {
    type Params = DnfParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "dnf",
        collection: "ansible.builtin",
        aliases: &["dnf5", "yum"],
        free_form: FreeForm::Pairs,
        source: include_str!("dnf.rs"),
        returns: RETURNS,
    };

    fn plan(params: &DnfParams, view: &View<'_>) -> Result<Step, Halt> {
        params.plan(view).map(Step::Plan)
    }

    fn failure(_: &DnfParams, plan: &Plan, at: usize, failure: &Failure) -> Failed {
        failed(plan, at, failure)
    }
}

impl DnfParams {
    /// What is to be done.
    fn plan(&self, view: &View<'_>) -> Result<Plan, Halt> {
        let names: Vec<&str> = listed(&self.name);
        let spaced = |name: &&str| name.contains(' ') && !name.contains(['@', '>', '<', '=']);
        if names.iter().any(spaced) {
            return fail(
                "It appears that a space separated string of packages was passed in as an argument. To operate on \
                 several packages, pass a comma separated string of packages or a list of packages.",
            );
        }
        if let Some(what) = &self.list {
            return self.told(view, what);
        }
        let removes = matches!(self.state, Some(State::Absent | State::Removed));
        if self.autoremove && self.state.is_some() && !removes {
            return fail("Autoremove should be used alone or with state=absent");
        }
        if names.is_empty() && !self.autoremove {
            if !self.update_cache {
                return fail("one of the following is required: name, list, update_cache");
            }
            return Ok(self.refreshed(view));
        }
        if !self.download_only && view.context().user != "root" {
            return fail("This command has to be run under the root user.");
        }
        if names.is_empty() || removes {
            return self.remove(view, &names);
        }
        if self.state == Some(State::Latest) {
            return self.upgrade(view, &names);
        }
        self.install(view, &names)
    }

    /// The refresh of the cache, which counts as no change.
    fn refreshed(&self, view: &View<'_>) -> Plan {
        let words = self.words("makecache", &[], call::Answer::Yes);
        let plan = Plan { changed: Some(false), summary: "refresh the cache".to_owned(), ..Plan::default() };
        plan.change(Change::new(Action::Run(call::within(view, words))))
            .with("msg", "Cache updated")
            .with("results", Value::list([]))
            .with("rc", 0)
    }
}

/// The words of a list, with commas between them or not.
fn listed(texts: &[String]) -> Vec<&str> {
    texts.iter().flat_map(|text| text.split(',')).map(str::trim).filter(|name| !name.is_empty()).collect()
}

/// The failure of a call of `dnf`.
fn failed(plan: &Plan, at: usize, failure: &Failure) -> Failed {
    let program = plan.changes.get(at).and_then(|planned| match &planned.change.action {
        Action::Run(command) => Some(&command.program),
        _ => None,
    });
    let message = match program {
        Some(Program::Argv(argv)) => format!("'{}' failed", words::join(argv)),
        Some(Program::Shell { .. }) | None => "'dnf' failed".to_owned(),
    };
    let mut failed = super::run::failed(&message, failure);
    failed.result.insert("results".into(), Value::list([]));
    failed
}
