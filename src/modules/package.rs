//! Installs and removes packages with the host's own package manager.
//!
//! ```yaml
//! - name: Time is kept
//!   ansible.builtin.package:
//!     name: chrony
//!     state: present
//! ```

use super::contract::{
    AnyModule, Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail, unsupported_in,
};
use super::params::{Field, Given, ParamProblem, Params, Rule, read_field};
use super::registry;
use super::view::View;
use crate::base::{Kind, Map, names};
use crate::wire::{Done, Failure, Follow, Query};

/// As `ansible.builtin.package`: the host's package manager does it, with the parameters as they are.
pub struct Package;

/// Package managers by the program that shows them, as the fact `pkg_mgr` names them.
const MANAGERS: &[(&str, &str)] = &[
    ("/usr/bin/apt-get", "apt"),
    ("/usr/bin/dnf", "dnf"),
    ("/usr/bin/yum", "yum"),
    ("/usr/bin/zypper", "zypper"),
    ("/sbin/apk", "apk"),
    ("/usr/bin/pacman", "pacman"),
];

/// Parameters of `package`: every other one is the package manager's.
#[derive(Clone, Debug)]
pub struct PackageParams {
    /// The package manager's module, or `auto`.
    manager: String,
    /// What it is given.
    given: Given,
}

/// The modules of package managers that there are.
fn modules() -> impl Iterator<Item = &'static dyn AnyModule> {
    MANAGERS.iter().filter_map(|(_, name)| registry::find(name))
}

impl Params for PackageParams {
    fn fields() -> Vec<Field> {
        let field = |name, kind, required, default: Option<fn() -> String>, doc| Field {
            name,
            aliases: &[],
            kind,
            elements: None,
            required,
            default,
            choices: &[],
            doc,
            secret: false,
        };
        vec![
            field("name", "raw", false, None, "Packages, as the package manager names them.\n"),
            field(
                "state",
                "raw",
                false,
                None,
                "`present`, `absent`, or another state of the package manager.\n",
            ),
            field(
                "use",
                "str",
                false,
                Some(|| "auto".to_owned()),
                "The package manager's module. By default the one that is on the host. Every other parameter is that module's.\n",
            ),
        ]
    }

    fn rules() -> Vec<Rule> {
        Vec::new()
    }

    fn open() -> bool {
        true
    }

    fn read(given: &Given, problems: &mut Vec<ParamProblem>) -> Option<Self> {
        let manager: String = read_field("use", given, Some("auto".to_owned()), problems)?;
        let all: Vec<Field> = modules().flat_map(AnyModule::fields).collect();
        let known =
            || all.iter().flat_map(|field| std::iter::once(field.name).chain(field.aliases.iter().copied()));
        for name in given.keys().filter(|name| &***name != "use" && !known().any(|known| known == &***name)) {
            problems.push(ParamProblem {
                parameter: Some(name.to_string()),
                kind: Kind::UnknownParameter,
                message: format!("unsupported parameter `{name}`: no package manager has it"),
                hint: names::did_you_mean(name, known()),
            });
        }
        let given = given.iter().filter(|(name, _)| &***name != "use");
        Some(Self { manager, given: given.map(|(name, value)| (name.clone(), value.clone())).collect() })
    }
}

impl Module for Package {
    type Params = PackageParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "package",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("package.rs"),
        returns: &[],
    };

    fn plan(params: &PackageParams, view: &View<'_>) -> Result<Step, Halt> {
        params.module(view)?.plan(&params.given, view)
    }

    fn result(params: &PackageParams, view: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        params.module(view)?.result(&params.given, view, plan, outcomes)
    }

    fn failure(params: &PackageParams, plan: &Plan, at: usize, failure: &Failure) -> Failed {
        // which package manager it was is not at hand here: all tell a failed call in the same way
        match modules().find(|module| module.check(&params.given).is_empty()) {
            Some(module) => module.failure(&params.given, plan, at, failure),
            None => Failed { message: failure.message.clone(), ..Failed::default() },
        }
    }
}

impl PackageParams {
    /// The package manager's module, if it has all of these parameters.
    fn module(&self, view: &View<'_>) -> Result<&'static dyn AnyModule, Halt> {
        let name = match self.manager.as_str() {
            "auto" | "" => match view.controller().variable("ansible_package_use")? {
                Some(name) => name.to_text(),
                None => detect(view)?.to_owned(),
            },
            other => other.to_owned(),
        };
        let Some(module) = registry::find(&name) else {
            return fail(format!("Could not find a matching action for the \"{name}\" package manager."));
        };
        let fields = module.fields();
        let known =
            |name: &str| fields.iter().any(|field| field.name == name || field.aliases.contains(&name));
        let mut unknown: Vec<&str> =
            self.given.keys().map(|name| &**name).filter(|name| !known(name)).collect();
        if unknown.is_empty() {
            return Ok(module);
        }
        unknown.sort_unstable();
        let name = format!("ansible.legacy.{}", module.doc().name);
        fail(unsupported_in(&name, &fields, &unknown.join(", ")))
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
    fail("Could not detect which package manager to use. Try gathering facts or setting the \"use\" option.")
}
