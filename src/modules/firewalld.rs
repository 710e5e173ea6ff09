//! Keeps services, ports and rules of firewalld.
//!
//! ```yaml
//! - name: The web server is reached
//!   ansible.posix.firewalld:
//!     service: https
//!     zone: public
//!     permanent: true
//!     immediate: true
//!     state: enabled
//! ```

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Planned, Side, Step, fail};
use super::diff::Diff;
use super::params::{Raw, Rule};
use super::run;
use super::view::View;
use crate::wire::{Action, Change, Command, Failure, Query};
use crate::{choices, params};

mod subject;

use subject::Subject;

/// As `ansible.posix.firewalld`, with the host's `firewall-cmd`, or `firewall-offline-cmd` where firewalld does not run.
pub struct Firewalld;

choices! {
    /// How it shall be.
    pub enum FirewalldState { Absent = "absent", Disabled = "disabled", Enabled = "enabled", Present = "present" }
}

params! {
    /// Parameters of `firewalld`.
    pub struct FirewalldParams {
        /// A service, by its name.
        service: Option<String>;
        /// A protocol.
        protocol: Option<String>;
        /// A port or range with its protocol: `8080/tcp`, `1000-1010/udp`.
        port: Option<String>;
        /// A port that is forwarded: one mapping with `port`, `proto`, `toport` and perhaps `toaddr`.
        port_forward: Option<Raw>;
        /// A rule in firewalld's language.
        rich_rule: Option<String>;
        /// Addresses that the zone is for.
        source: Option<String>;
        /// An interface that the zone is for.
        interface: Option<String>;
        /// A type of ICMP that is blocked.
        icmp_block: Option<String>;
        /// Whether all types of ICMP but those are blocked.
        icmp_block_inversion: Option<bool>;
        /// The zone; by default the host's.
        zone: Option<String>;
        /// Whether it holds after a reload and a boot.
        permanent: bool = false;
        /// Whether it holds now; so it does where it is not permanent.
        immediate: bool = false;
        /// How it shall be; `present` and `absent` are about zones and their targets.
        state: FirewalldState;
        /// Seconds after which it is taken back, where it is not permanent.
        timeout: u32 = 0u32;
        /// Whether packets are forwarded within the zone.
        forward: Option<bool>;
        /// Whether addresses are translated.
        masquerade: Option<bool>;
        /// Whether it may be set while firewalld does not run.
        offline: bool = false;
        /// What becomes of packets that no rule is about.
        target: Option<String>;
    }
    rules [
        Rule::RequiredBy("interface", &["zone"]),
        Rule::RequiredBy("target", &["zone"]),
        Rule::RequiredBy("source", &["permanent"]),
        Rule::MutuallyExclusive(&[
            "icmp_block", "icmp_block_inversion", "service", "protocol", "port", "port_forward", "rich_rule",
            "interface", "forward", "masquerade", "source", "target",
        ]),
    ]
}

impl Module for Firewalld {
    type Params = FirewalldParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "firewalld",
        collection: "ansible.posix",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("firewalld.rs"),
        returns: &[("msg", "what was done")],
    };

    fn plan(params: &FirewalldParams, view: &View<'_>) -> Result<Step, Halt> {
        params.plan(view).map(Step::Plan)
    }

    fn failure(_: &FirewalldParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        let failed = run::failed("", failure);
        let said = failed.message.trim_start_matches(": ").trim_start_matches("Error: ").to_owned();
        Failed { message: format!("ERROR: Exception caught: {said}"), ..failed }
    }
}

/// Where a setting stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// In force now.
    Now,
    /// In the configuration.
    Kept,
}

impl FirewalldParams {
    fn plan(&self, view: &View<'_>) -> Result<Plan, Halt> {
        let Some(subject) = Subject::of(self)? else {
            if !matches!(self.state, FirewalldState::Absent | FirewalldState::Present) {
                return Ok(Plan::nothing("there is nothing to set").with("msg", ""));
            }
            let Some(zone) = self.zone.clone() else {
                return fail("`zone` is needed for `state: present` and `state: absent`");
            };
            return self.carried_out(&Subject::Zone(zone), view);
        };
        if matches!(self.state, FirewalldState::Absent | FirewalldState::Present)
            && !matches!(subject, Subject::Target(_))
        {
            return fail("absent and present state can only be used in zone level operations");
        }
        self.carried_out(&subject, view)
    }

    fn carried_out(&self, subject: &Subject, view: &View<'_>) -> Result<Plan, Halt> {
        if self.offline && !self.permanent {
            return fail("offline cannot be enabled unless permanent changes are allowed");
        }
        let questions = |zone: &str, levels: &[Level], is_offline: bool| -> Vec<Command> {
            levels.iter().map(|level| subject.asks(zone, *level, is_offline)).collect()
        };
        let levels = |immediate: bool| -> Vec<Level> {
            let both = [(self.permanent, Level::Kept), (immediate, Level::Now)];
            both.into_iter().filter_map(|(wanted, level)| wanted.then_some(level)).collect()
        };
        let immediate = self.immediate || !self.permanent;
        let guess = levels(immediate && !subject.is_kept_only());
        let mut wanted: Vec<Command> = self.zone.is_none().then(|| default_zone(false)).into_iter().collect();
        wanted.extend(self.zone.iter().flat_map(|zone| questions(zone, &guess, false)));
        view.want(wanted.iter().cloned().map(Query::Command));
        let is_offline = match wanted.into_iter().next() {
            Some(first) => is_stopped(first, view)?,
            None => is_stopped(default_zone(false), view)?,
        };
        let immediate = immediate && !(self.permanent && self.offline && is_offline);
        if immediate && is_offline {
            return fail(
                "firewall is not currently running, unable to perform immediate actions without a running firewall \
                 daemon",
            );
        }
        if immediate && subject.is_kept_only() {
            return fail(
                "Zone operations must be permanent. Make sure you didn't set the 'permanent' flag to 'false' or the \
                 'immediate' flag to 'true'.",
            );
        }
        let zone = match &self.zone {
            Some(zone) => zone.clone(),
            None => run::stdout(&view.run(default_zone(is_offline))?).trim().to_owned(),
        };
        let levels = levels(immediate);
        let asked = questions(&zone, &levels, is_offline);
        view.want(asked.iter().cloned().map(Query::Command));
        let wants = subject.wants(self.state);
        let mut plan = Plan::default();
        let place = format!("zone {zone}");
        for (level, question) in levels.iter().zip(&asked) {
            let output = view.run(question.clone())?;
            let is = subject.is(&run::stdout(&output), output.status).map_err(|said| {
                let said = format!("{said}{}", String::from_utf8_lossy(&output.stderr));
                let said = said.trim().trim_start_matches("Error: ");
                let message = format!("ERROR: Exception caught: {said}");
                Halt::Failed(Box::new(Failed { message, ..Failed::default() }))
            })?;
            if is == wants {
                continue;
            }
            let words = subject.sets(&zone, *level, is_offline, wants, self.timeout);
            let mut change = Change::new(Action::Run(run::argv(view, words)));
            let (answer, status) = subject.answer(wants, &run::stdout(&output));
            let mut effect = run::will_print(question.clone(), answer);
            if let crate::wire::Effect::Answer(_, crate::wire::Observation::Command(output)) = &mut effect {
                output.status = status;
            }
            change = change.effect(effect);
            let word = |on: bool| if on { "enabled" } else { "disabled" };
            let name = match level {
                Level::Now => subject.name(),
                Level::Kept => format!("{} (permanent)", subject.name()),
            };
            plan.diffs.push(Diff::attribute(place.clone(), name, word(is), word(wants)));
            plan.changes.push(Planned { side: Side::Host, change });
        }
        let mut told = vec![
            match levels.as_slice() {
                [Level::Kept] => "Permanent operation",
                [Level::Now] => "Non-permanent operation",
                _ => "Permanent and Non-Permanent(immediate) operation",
            }
            .to_owned(),
        ];
        if plan.changes.is_empty() {
            plan.summary = format!("{} of {place} is as wanted", subject.name());
        } else {
            plan.summary = format!("set {} of {place}", subject.name());
            told.extend(subject.told(&zone, wants));
            told.extend(subject.changed(&zone, self.state));
        }
        told.extend(is_offline.then(|| "(offline operation: only on-disk configs were altered)".to_owned()));
        Ok(plan.with("msg", told.join(", ")))
    }
}

/// The status of `firewall-cmd` where firewalld does not run.
const NOT_RUNNING: i32 = 252;

/// Whether firewalld does not run, as a call of `firewall-cmd` tells.
fn is_stopped(call: Command, view: &View<'_>) -> Result<bool, Halt> {
    match view.run(call) {
        Ok(output) => Ok(output.status == NOT_RUNNING),
        Err(Halt::Failed(_)) => fail(
            "Failed to import the required Python library (firewall) on this host's Python. Version 0.2.11 or newer \
             required (0.3.9 or newer for offline operations): the host has no firewalld",
        ),
        Err(halt) => Err(halt),
    }
}

fn default_zone(offline: bool) -> Command {
    run::reading([program(offline), "--get-default-zone"])
}

/// The program that sets things.
pub(super) fn program(offline: bool) -> &'static str {
    if offline { "firewall-offline-cmd" } else { "firewall-cmd" }
}
