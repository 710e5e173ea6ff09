//! Tells the state of all services as facts.
//!
//! ```yaml
//! - name: What runs
//!   ansible.builtin.service_facts:
//! - name: Is it there
//!   ansible.builtin.debug:
//!     msg: "{{ ansible_facts.services['ssh.service'].state }}"
//! ```

use super::contract::{FreeForm, Halt, Module, ModuleDoc, Plan, Step};
use super::run;
use super::view::View;
use crate::base::{Key, Map, Value};
use crate::params;
use crate::wire::{Follow, Query};

/// As `ansible.builtin.service_facts`.
pub struct ServiceFacts;

params! {
    /// Parameters of `service_facts`: none.
    pub struct ServiceFactsParams {
    }
}

const UNITS: [&str; 7] = ["systemctl", "list-units", "--no-pager", "--type", "service", "--all", "--plain"];
const FILES: [&str; 6] = ["systemctl", "list-unit-files", "--no-pager", "--type", "service", "--all"];
const SCRIPTS: [&str; 2] = ["service", "--status-all"];
/// What a unit is whatever else is said of it.
const BAD: [&str; 3] = ["not-found", "masked", "failed"];

impl Module for ServiceFacts {
    type Params = ServiceFactsParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "service_facts",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("service_facts.rs"),
        returns: &[("ansible_facts", "`services`: name, state, status and source of each service, by name")],
    };

    fn plan(_: &ServiceFactsParams, view: &View<'_>) -> Result<Step, Halt> {
        let places = ["/run/systemd/system", "/dev/.run/systemd", "/dev/.systemd"];
        view.want(places.map(|path| Query::Stat { path: path.to_owned(), follow: Follow::Yes }));
        view.want(
            [UNITS.as_slice(), &FILES, &SCRIPTS]
                .map(|words| Query::Command(run::reading(words.iter().copied()))),
        );
        let mut services = indexmap::IndexMap::new();
        if let Some(output) = run::read(view, SCRIPTS)? {
            scripts(&run::stdout(&output), &mut services);
        }
        let mut is_systemd = false;
        for place in places {
            is_systemd |= view.stat(place, Follow::Yes)?.is_some();
        }
        if is_systemd && let Some(output) = run::read(view, UNITS)? {
            if output.status == 0 {
                units(&run::stdout(&output), &mut services);
            }
            let files = run::read(view, FILES)?.map(|output| run::stdout(&output)).unwrap_or_default();
            unit_files(&files, &mut services, view)?;
        }
        let count = crate::base::names::count(services.len(), "service");
        if services.is_empty() {
            let message = "Failed to find any services. This can be due to privileges or some other \
                           configuration issue.";
            let plan = Plan { skipped: true, ..Plan::nothing(count) };
            return Ok(Step::Plan(plan.with("msg", message)));
        }
        let services: Map = services
            .into_iter()
            .map(|(name, service)| (Key::from(name.as_str()), Value::map(service.keys(&name))))
            .collect();
        let mut plan = Plan::nothing(count);
        plan.facts = crate::map! {"services" => Value::map(services)};
        plan.result = crate::map! {"ansible_facts" => Value::map(plan.facts.clone())};
        Ok(Step::Plan(plan))
    }
}

struct Service {
    state: String,
    status: Option<String>,
    source: &'static str,
}

type Services = indexmap::IndexMap<String, Service>;

impl Service {
    fn keys(&self, name: &str) -> Map {
        let mut keys = crate::map! {"name" => name, "state" => self.state.as_str()};
        if let Some(status) = &self.status {
            keys.insert("status".into(), status.as_str().into());
        }
        keys.insert("source".into(), self.source.into());
        keys
    }
}

/// ` [ + ]  cron`.
fn scripts(text: &str, services: &mut Services) {
    for line in text.lines() {
        let Some((sign, name)) = line
            .trim()
            .strip_prefix("[ ")
            .and_then(|rest| rest.split_once(" ]"))
            .filter(|(sign, _)| matches!(*sign, "+" | "-"))
        else {
            continue;
        };
        let state = if sign == "+" { "running" } else { "stopped" };
        let service = Service { state: state.to_owned(), status: None, source: "sysv" };
        services.insert(name.trim().to_owned(), service);
    }
}

/// `ssh.service loaded active running OpenBSD Secure Shell server`.
fn units(text: &str, services: &mut Services) {
    for line in text.lines().filter(|line| line.contains(".service")) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let Some((name, [_, active, sub, ..])) = fields.split_first() else { continue };
        let but_last = fields.split_last().map(|(_, rest)| rest).unwrap_or_default();
        let bad = BAD.iter().find(|bad| but_last.contains(bad));
        let state = if *sub == "running" { "running" } else { "stopped" };
        let status = bad.unwrap_or(active);
        let service =
            Service { state: state.to_owned(), status: Some((*status).to_owned()), source: "systemd" };
        services.insert((*name).to_owned(), service);
    }
}

/// `ssh.service enabled enabled`.
fn unit_files(text: &str, services: &mut Services, view: &View<'_>) -> Result<(), Halt> {
    let mut others = Vec::new();
    for line in text.lines().filter(|line| line.contains(".service")) {
        let mut fields = line.split_whitespace();
        let (Some(name), Some(status)) = (fields.next(), fields.next()) else { continue };
        match services.get_mut(name) {
            Some(service) => {
                let known = service.status.as_deref().unwrap_or_default();
                if !BAD.contains(&known) {
                    service.status = Some(status.to_owned());
                }
            }
            None => others.push((name.to_owned(), status.to_owned())),
        }
    }
    // a template has no state of its own
    let shown: Vec<&str> =
        others.iter().map(|(name, _)| name.as_str()).filter(|name| !name.contains("@.")).collect();
    let mut states = Vec::new();
    if !shown.is_empty() {
        let words = ["systemctl", "show", "--property=ActiveState"].into_iter().chain(shown.iter().copied());
        let text = run::read(view, words)?.map(|output| run::stdout(&output)).unwrap_or_default();
        states =
            text.lines().filter_map(|line| line.strip_prefix("ActiveState=").map(str::to_owned)).collect();
    }
    for (name, status) in &others {
        let state = shown.iter().position(|shown| shown == name).and_then(|at| states.get(at).cloned());
        let state = state.unwrap_or_else(|| "unknown".to_owned());
        let service = Service { state, status: Some(status.clone()), source: "systemd" };
        services.insert(name.clone(), service);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_services_are_read() {
        let mut services = Services::new();
        scripts(" [ + ]  cron\n [ - ]  ssh\n [ ? ]  odd\n", &mut services);
        units(
            "UNIT LOAD ACTIVE SUB DESCRIPTION\na.service loaded active running A\nb.service not-found inactive dead b.service\n",
            &mut services,
        );
        let shown: Vec<_> = services
            .iter()
            .map(|(name, s)| format!("{name} {} {:?} {}", s.state, s.status.as_deref(), s.source))
            .collect();
        assert_eq!(
            shown,
            [
                "cron running None sysv",
                "ssh stopped None sysv",
                "a.service running Some(\"active\") systemd",
                "b.service stopped Some(\"not-found\") systemd",
            ]
        );
    }
}
