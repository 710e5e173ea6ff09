//! Installs and removes packages with the host's own package manager.
//!
//! ```yaml
//! - name: Time is kept
//!   ansible.builtin.package:
//!     name: chrony
//!     state: present
//! ```

use super::apt::{self, AptParams};
use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::view::View;
use crate::base::Map;
use crate::params;
use crate::wire::{Done, Failure, Follow, Query};

/// As `ansible.builtin.package`; with apt.
pub struct Package;

params! {
    /// Parameters of `package`; all others are those of `apt`.
    pub struct PackageParams {
        /// The package manager: `auto` or `apt`.
        r#use: String = "auto";
    }
    include { apt: AptParams }
}

/// Package managers by the program that shows them.
const MANAGERS: &[(&str, &str)] = &[
    ("/usr/bin/apt-get", "apt"),
    ("/usr/bin/dnf", "dnf"),
    ("/usr/bin/zypper", "zypper"),
    ("/sbin/apk", "apk"),
    ("/usr/bin/pacman", "pacman"),
];

impl Module for Package {
    type Params = PackageParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "package",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("package.rs"),
        returns: apt::RETURNS,
    };

    fn plan(params: &PackageParams, view: &View<'_>) -> Result<Step, Halt> {
        let PackageParams { r#use, apt } = params;
        let manager = match r#use.rsplit('.').next().unwrap_or_default() {
            "auto" => detect(view)?,
            other => other,
        };
        if manager != "apt" {
            return fail(format!("parameter `use` of `package`: `{manager}` is not supported yet"));
        }
        apt.plan(view).map(Step::Plan)
    }

    fn result(params: &PackageParams, view: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        params.apt.result(view, plan, outcomes)
    }

    fn failure(_: &PackageParams, plan: &Plan, at: usize, failure: &Failure) -> Failed {
        apt::failed(plan, at, failure)
    }
}

fn detect(view: &View<'_>) -> Result<&'static str, Halt> {
    let stat = |path: &str| Query::Stat { path: path.to_owned(), follow: Follow::Yes };
    view.want(MANAGERS.iter().map(|(path, _)| stat(path)));
    for (path, manager) in MANAGERS {
        if view.stat(path, Follow::Yes)?.is_some() {
            return Ok(manager);
        }
    }
    fail(
        "Could not find a matching action for the \"package\" module: no package manager that is known is on the host",
    )
}
