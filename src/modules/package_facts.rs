//! Tells all installed packages as facts.
//!
//! ```yaml
//! - name: What is installed
//!   ansible.builtin.package_facts:
//!     manager: auto
//! - name: Its version
//!   ansible.builtin.debug:
//!     msg: "{{ ansible_facts.packages['openssh-server'][0].version }}"
//! ```

use super::contract::{FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::run;
use super::view::View;
use crate::base::{Key, Map, Value};
use crate::wire::{Command, Query};
use crate::{choices, params};

/// As `ansible.builtin.package_facts`.
pub struct PackageFacts;

choices! {
    /// Which of the package managers are asked.
    pub enum Strategy { All = "all", First = "first" }
}

params! {
    /// Parameters of `package_facts`.
    pub struct PackageFactsParams {
        /// The package managers that are asked: `apt`, `rpm`, `apk`, or `auto` for those that are there.
        manager: Vec<String> = vec!["auto".to_owned()];
        /// Whether all that have packages are told of, or the first.
        strategy: Strategy = Strategy::First;
    }
}

const DPKG: &str = "${db:Status-Status}\\t${Package}\\t${Version}\\t${Architecture}\\t${Section}\\n";
const ORIGINS: &str = "dpkg --print-architecture; apt-cache policy; echo; echo ==; \
                       dpkg-query -W -f '${Package}:${Architecture}\\n' | sed 's/:all$//' | xargs apt-cache policy";
const RPM: &str = "%{NAME}\\t%{VERSION}\\t%{RELEASE}\\t%{EPOCH}\\t%{ARCH}\\n";

impl Module for PackageFacts {
    type Params = PackageFactsParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "package_facts",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("package_facts.rs"),
        returns: &[("ansible_facts", "`packages`: by name a list of what is installed under it")],
    };

    fn plan(params: &PackageFactsParams, view: &View<'_>) -> Result<Step, Halt> {
        let mut managers: Vec<String> = params.manager.iter().map(|name| name.to_lowercase()).collect();
        let is_auto = managers.iter().any(|name| name == "auto");
        if is_auto {
            managers.retain(|name| name != "auto");
            managers.extend(["apk", "apt", "rpm"].map(str::to_owned));
        }
        view.want([
            Query::Command(run::reading(["dpkg-query", "-W", "-f", DPKG])),
            Query::Command(origins()),
        ]);
        let mut packages: indexmap::IndexMap<String, Vec<Value>> = indexmap::IndexMap::new();
        let mut warnings = Vec::new();
        let mut asked: Vec<&str> = Vec::new();
        for manager in &managers {
            if params.strategy == Strategy::First && !packages.is_empty() {
                break;
            }
            let manager = match manager.as_str() {
                "yum" | "dnf" | "dnf5" | "zypper" => "rpm",
                other => other,
            };
            if asked.contains(&manager) {
                continue;
            }
            asked.push(manager);
            let found = match manager {
                "apt" => apt(view)?,
                "rpm" => rpm(view)?,
                "apk" => apk(view)?,
                other => {
                    return fail(format!(
                        "the package manager `{other}` is not supported by `package_facts` yet"
                    ));
                }
            };
            if found.is_empty() && params.manager.iter().any(|wanted| wanted == manager) {
                warnings.push(format!("Found \"{manager}\" but no associated packages"));
            }
            for (name, package) in found {
                packages.entry(name).or_default().push(package);
            }
        }
        if packages.is_empty() {
            return fail(format!(
                "Could not detect a supported package manager from the following list: {}, or the required Python \
                 library is not installed. Check warnings for details.",
                Value::list(managers.iter().map(|name| Value::from(name.as_str()))).to_text()
            ));
        }
        let mut plan = Plan::nothing(crate::base::names::count(packages.len(), "package"));
        let packages: Map =
            packages.into_iter().map(|(name, all)| (Key::from(name.as_str()), Value::list(all))).collect();
        plan.facts = crate::map! {"packages" => Value::map(packages)};
        plan.result = crate::map! {"ansible_facts" => Value::map(plan.facts.clone())};
        plan.warnings = warnings;
        Ok(Step::Plan(plan))
    }
}

type Packages = Vec<(String, Value)>;

fn origins() -> Command {
    Command::shell(ORIGINS).env("LC_ALL", "C").may_fail()
}

fn apt(view: &View<'_>) -> Result<Packages, Halt> {
    let Some(output) = run::read(view, ["dpkg-query", "-W", "-f", DPKG])? else { return Ok(Vec::new()) };
    let policy = match view.run(origins()) {
        Ok(output) => run::stdout(&output),
        Err(Halt::Failed(_)) => String::new(),
        Err(halt) => return Err(halt),
    };
    let (native, origins) = origins_of(&policy);
    let text = run::stdout(&output);
    Ok(text
        .lines()
        .filter_map(|line| {
            let mut fields = line.split('\t');
            let mut next = || fields.next().unwrap_or_default();
            let (status, name, version, arch, section) = (next(), next(), next(), next(), next());
            if status != "installed" {
                return None;
            }
            let shown =
                if arch == native || arch == "all" { name.to_owned() } else { format!("{name}:{arch}") };
            let origin = origins.get(shown.as_str()).copied().unwrap_or_default();
            let package = crate::map! {
                "name" => shown.as_str(), "version" => version, "arch" => arch, "category" => section,
                "origin" => origin, "source" => "apt",
            };
            Some((shown, Value::map(package)))
        })
        .collect())
}

/// The host's own architecture, and by package the origin of the installed version's first source.
fn origins_of(policy: &str) -> (&str, std::collections::HashMap<&str, &str>) {
    let (head, packages) = policy.split_once("\n==\n").unwrap_or((policy, ""));
    let native = head.lines().next().unwrap_or_default();
    let mut sources: Vec<(&str, &str)> = Vec::new();
    let mut source = "";
    for line in head.lines() {
        let line = line.trim();
        if let Some(release) = line.strip_prefix("release ") {
            let origin = release.split(',').find_map(|part| part.strip_prefix("o=")).unwrap_or_default();
            sources.push((source, origin));
        } else if let Some((_, rest)) = line.split_once(' ').filter(|(n, _)| n.parse::<i64>().is_ok()) {
            source = rest.trim();
        }
    }
    let mut origins = std::collections::HashMap::new();
    let (mut name, mut is_installed) = ("", false);
    for line in packages.lines() {
        if let Some(package) = line.strip_suffix(':').filter(|_| !line.starts_with(' ')) {
            (name, is_installed) = (package, false);
        } else if line.starts_with(" ***") {
            is_installed = true;
        } else if is_installed && let Some((_, rest)) = line.trim().split_once(' ') {
            is_installed = false;
            let origin = sources.iter().find(|(source, _)| *source == rest.trim());
            origins.insert(name, origin.map(|(_, origin)| *origin).unwrap_or_default());
        }
    }
    (native, origins)
}

fn rpm(view: &View<'_>) -> Result<Packages, Halt> {
    let Some(output) = run::read(view, ["rpm", "-qa", "--qf", RPM])? else { return Ok(Vec::new()) };
    let text = run::stdout(&output);
    Ok(text
        .lines()
        .filter_map(|line| {
            let mut fields = line.split('\t');
            let mut next = || fields.next().filter(|field| *field != "(none)");
            let name = next()?;
            let (version, release, epoch, arch) = (next(), next(), next(), next());
            let value = |field: Option<&str>| field.map_or(Value::Null, Value::from);
            let epoch = epoch.and_then(|epoch| epoch.parse::<i64>().ok()).map_or(Value::Null, Value::from);
            let package = crate::map! {
                "name" => name, "version" => value(version), "release" => value(release), "epoch" => epoch,
                "arch" => value(arch), "source" => "rpm",
            };
            Some((name.to_owned(), Value::map(package)))
        })
        .collect())
}

/// `musl-1.2.4-r2`.
fn apk(view: &View<'_>) -> Result<Packages, Halt> {
    let Some(output) = run::read(view, ["apk", "info", "-v"])? else { return Ok(Vec::new()) };
    let text = run::stdout(&output);
    Ok(text
        .lines()
        .filter_map(|line| {
            let (rest, release) = line.rsplit_once('-')?;
            let (name, version) = rest.rsplit_once('-')?;
            let package = crate::map! {
                "name" => name, "version" => version, "release" => release, "source" => "apk",
            };
            Some((name.to_owned(), Value::map(package)))
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_follow_from_apts_policy() {
        let policy = "amd64\nPackage files:\n 100 /var/lib/dpkg/status\n     release a=now\n 500 http://m/debian \
                      bookworm/main amd64 Packages\n     release v=12,o=Debian,a=stable\n     origin m\nPinned \
                      packages:\n\n==\nbash:\n  Installed: 5\n  Version table:\n *** 5 500\n        500 http://m/debian \
                      bookworm/main amd64 Packages\n        100 /var/lib/dpkg/status\nown:\n  Version table:\n *** 1 100\n\
                      \u{20}       100 /var/lib/dpkg/status\n";
        let (native, origins) = origins_of(policy);
        assert_eq!(native, "amd64");
        assert_eq!((origins.get("bash"), origins.get("own")), (Some(&"Debian"), Some(&"")));
    }
}
