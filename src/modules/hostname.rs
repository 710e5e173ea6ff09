//! Sets the host's name, now and for good.
//!
//! ```yaml
//! - name: It is called web1
//!   ansible.builtin.hostname:
//!     name: web1
//! ```

use super::attributes::FileAttributes;
use super::contract::{FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::diff::Diff;
use super::edit_file::Editing;
use super::run;
use super::view::View;
use crate::base::Value;
use crate::wire::{Follow, Query};
use crate::{choices, params};

/// As `ansible.builtin.hostname`.
pub struct Hostname;

choices! {
    /// How the name is set.
    pub enum Use {
        Alpine = "alpine", Debian = "debian", FreeBsd = "freebsd", Generic = "generic", Macos = "macos", Macosx = "macosx",
        Darwin = "darwin", OpenBsd = "openbsd", OpenRc = "openrc", RedHat = "redhat", Sles = "sles", Solaris = "solaris",
        Systemd = "systemd",
    }
}

params! {
    /// Parameters of `hostname`.
    pub struct HostnameParams {
        /// The name.
        name: String;
        /// How it is set: through systemd, or in `/etc/hostname` (`debian`, `generic`, `alpine`). Left out, as the host is
        /// run.
        r#use: Option<Use>;
    }
}

impl Module for Hostname {
    type Params = HostnameParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "hostname",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("hostname.rs"),
        returns: &[
            ("name", "the name"),
            ("ansible_facts", "`ansible_hostname`, `ansible_nodename`, `ansible_fqdn`, `ansible_domain`"),
        ],
    };

    fn plan(params: &HostnameParams, view: &View<'_>) -> Result<Step, Halt> {
        let name = params.name.as_str();
        let status = |kind: &str| run::reading(["hostnamectl", kind, "status"]);
        let (fixed, transient) = (status("--static"), status("--transient"));
        view.want([Query::Stat { path: "/run/systemd/system".to_owned(), follow: Follow::Yes }]);
        view.want([&fixed, &transient].map(|command| Query::Command(command.clone())));
        let full = full_name(name, view)?;
        let is_systemd = match params.r#use {
            Some(Use::Systemd) => true,
            Some(Use::Debian | Use::Generic | Use::Alpine) => false,
            Some(other) => {
                return fail(format!("`use: {}` of `hostname` is not supported", other.text()));
            }
            None => view.stat("/run/systemd/system", Follow::Yes)?.is_some(),
        };
        let mut plan = Plan::default();
        let before = if is_systemd {
            let known = |command: &crate::wire::Command| match view.run(command.clone()) {
                Ok(output) if output.status == 0 => Ok(run::stdout(&output).trim().to_owned()),
                Ok(output) => {
                    let err = String::from_utf8_lossy(&output.stderr).into_owned();
                    let out = run::stdout(&output);
                    fail(format!("Command failed rc={}, out={out}, err={err}", output.status))
                }
                Err(halt) => Err(halt),
            };
            let (permanent, current) = (known(&fixed)?, known(&transient)?);
            if name.len() > 64 && (permanent != name || current != name) {
                return fail(
                    "name cannot be longer than 64 characters on systemd servers, try a shorter name",
                );
            }
            if permanent != name {
                let set = run::change(view, ["hostnamectl", "--pretty", "--static", "set-hostname", name]);
                plan = plan.change(set.effect(run::will_print(fixed, format!("{name}\n"))));
            }
            if current != name {
                let set = run::change(view, ["hostnamectl", "--transient", "set-hostname", name]);
                plan = plan.change(set.effect(run::will_print(transient, format!("{name}\n"))));
            }
            if current == name { permanent } else { current }
        } else {
            let attributes = FileAttributes::default();
            let editing = Editing::open("hostname", "/etc/hostname", &attributes, view)?;
            let before = editing.text().trim().to_owned();
            if before != name {
                editing.write(&mut plan, format!("{name}\n"), view)?;
                plan.diffs.clear();
                if params.r#use == Some(Use::Alpine) {
                    plan = plan.change(run::change(view, ["hostname", "-F", "/etc/hostname"]));
                }
            }
            before
        };
        plan.summary = if plan.changes.is_empty() {
            format!("already called {name}")
        } else {
            plan.diffs.push(Diff::attribute("host", "name", &before, name));
            format!("call it {name}")
        };
        let domain = full.split_once('.').map(|(_, domain)| domain).unwrap_or_default();
        let facts = crate::map! {
            "ansible_hostname" => name.split('.').next().unwrap_or_default(), "ansible_nodename" => name,
            "ansible_fqdn" => full.as_str(), "ansible_domain" => domain,
        };
        plan.result = crate::map! {"name" => name, "ansible_facts" => Value::map(facts.clone())};
        plan.facts = facts;
        Ok(Step::Plan(plan))
    }
}

/// The full name as `socket.getfqdn`: the first of the name's names that has a dot.
fn full_name(name: &str, view: &View<'_>) -> Result<String, Halt> {
    let found = run::read(view, ["getent", "hosts", name])?.map(|output| run::stdout(&output));
    let found = found.unwrap_or_default();
    let names: Vec<&str> = found.lines().next().unwrap_or_default().split_whitespace().skip(1).collect();
    let dotted = names.iter().find(|name| name.contains('.'));
    Ok(dotted.or(names.first()).map_or_else(|| name.to_owned(), |name| (*name).to_owned()))
}
