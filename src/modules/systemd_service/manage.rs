//! What has to be done to a unit so that it stands as wished; shared with `service`.

use super::{Scope, State};
use crate::base::{Map, Value};
use crate::modules::contract::{Failed, Halt, Plan, fail};
use crate::modules::diff::Diff;
use crate::modules::view::View;
use crate::modules::{run, words};
use crate::wire::{Action, Change, Command, CommandOutput, Effect, Follow, Observation, Query, UnitState};

/// How a unit shall stand; what is `None` stays as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wish {
    /// What it shall do.
    pub state: Option<State>,
    /// Whether it starts at boot.
    pub enabled: Option<bool>,
    /// Whether it is masked.
    pub masked: Option<bool>,
}

/// Collects what is to be done with `systemctl`.
pub struct Manager {
    scope: Scope,
    flags: Vec<String>,
    user: Option<String>,
    runtime: Option<String>,
    plan: Plan,
    done: Vec<String>,
    changed: bool,
}

/// Directories with unit files, by precedence.
const UNIT_DIRECTORIES: &[&str] = &[
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

const SUFFIXES: &[&str] = &[
    "service",
    "socket",
    "device",
    "mount",
    "automount",
    "swap",
    "target",
    "path",
    "timer",
    "slice",
    "scope",
    "snapshot",
];

/// The full name of a unit: a name without a suffix is a service.
pub fn full_name(name: &str) -> String {
    match name.rsplit_once('.') {
        Some((_, suffix)) if SUFFIXES.contains(&suffix) => name.to_owned(),
        _ => format!("{name}.service"),
    }
}

impl Manager {
    /// Nothing is to be done yet.
    pub fn new(view: &View<'_>, scope: Scope, flags: Vec<String>) -> Result<Self, Halt> {
        let context = view.context();
        let user = (scope == Scope::User).then(|| context.user.clone());
        let given = context.environment.iter().any(|(name, _)| name == "XDG_RUNTIME_DIR");
        let uid = match &user {
            Some(user) if !given => view.user(user)?.and_then(|entry| entry.uid),
            _ => None,
        };
        let runtime = uid.map(|uid| format!("/run/user/{uid}"));
        Ok(Self { scope, flags, user, runtime, plan: Plan::default(), done: Vec::new(), changed: false })
    }

    fn arguments(&self, verb: &str, unit: Option<&str>) -> Vec<String> {
        let words = std::iter::once("systemctl".to_owned()).chain(self.flags.iter().cloned());
        words.chain([verb.to_owned()]).chain(unit.map(str::to_owned)).collect()
    }

    fn with_runtime(&self, view: Option<&View<'_>>, command: Command) -> Command {
        let command = match &self.runtime {
            Some(runtime) => command.env("XDG_RUNTIME_DIR", runtime),
            None => command,
        };
        match view {
            Some(view) => run::within(view, command),
            None => command,
        }
    }

    /// Something for the whole manager; it does not count as a change.
    pub fn whole(&mut self, verb: &str) {
        let command = self.with_runtime(None, Command::argv(self.arguments(verb, None)));
        self.push(verb.to_owned(), Change::new(Action::Run(command)));
    }

    fn push(&mut self, what: String, change: Change) {
        self.done.push(what);
        self.plan = std::mem::take(&mut self.plan).change(change);
    }

    fn act(&mut self, view: &View<'_>, verb: &str, unit: &str, after: &UnitState) {
        let arguments = self.arguments(verb, Some(unit));
        let command = match verb {
            // the unit's own words say why it did not start
            "start" | "restart" | "reload" => {
                let status = words::join(&self.status_arguments(unit));
                Command::shell(format!(
                    "{} || {{ code=$?; {status}; exit \"$code\"; }}",
                    words::join(&arguments)
                ))
            }
            _ => Command::argv(arguments),
        };
        let command = self.with_runtime(Some(view), command);
        let mut after = after.clone();
        if after.load == "loaded" {
            // the error of a unit that was not there before
            after.properties.remove("LoadError");
        }
        let effect = match self.scope {
            Scope::System => Effect::Unit(unit.to_owned(), after),
            Scope::User => {
                let query = Query::Unit { name: unit.to_owned(), user: self.user.clone() };
                Effect::Answer(query, Observation::Unit(after.clone()))
            }
            Scope::Global => {
                let output = CommandOutput {
                    status: i32::from(after.enabled != "enabled"),
                    stdout: format!("{}\n", after.enabled).into_bytes(),
                    stderr: Vec::new(),
                    started: 0,
                    ended: 0,
                    utc_offset: 0,
                    timed_out: false,
                };
                Effect::Answer(Query::Command(globally_enabled(view, unit)), Observation::Command(output))
            }
        };
        self.changed = true;
        self.push(format!("{verb} {unit}"), Change::new(Action::Run(command)).effect(effect));
    }

    fn status_arguments(&self, unit: &str) -> Vec<String> {
        let scope = (self.scope != Scope::System).then(|| format!("--{}", self.scope.text()));
        let words = std::iter::once("systemctl".to_owned()).chain(scope);
        words.chain(["status", "--no-pager", "--full", "--lines=10", unit].map(str::to_owned)).collect()
    }

    /// The plan.
    pub fn plan(mut self, view: &View<'_>, name: Option<&str>, wish: Wish) -> Result<Plan, Halt> {
        let Some(name) = name else {
            let mut plan = self.plan;
            plan.summary = self.done.join(", ");
            plan.changed = Some(false);
            return Ok(plan.with("name", Value::Null).with("status", Map::new()));
        };
        let unit = full_name(name);
        let mut now = self.observe(view, &unit)?;
        let status: Map =
            now.properties.iter().map(|(key, value)| (key.as_str().into(), value.as_str().into())).collect();
        if let Some(error) = now.properties.get("LoadError").filter(|error| !error.is_empty())
            && !matches!(now.load.as_str(), "not-found" | "masked")
        {
            return fail(format!("Error loading unit file '{name}': {error}"));
        }
        let found = now.load != "not-found" || self.is_written(view, &unit, &mut now)?;
        let mut reasons = Vec::new();
        let subject = format!("unit {unit}");
        let mut diffs = Vec::new();

        if let Some(masked) = wish.masked {
            let is = now.enabled == "masked";
            if is == masked {
                reasons.push(if masked { "already masked" } else { "not masked" }.to_owned());
            } else {
                let after = if masked { "masked" } else { "disabled" };
                diffs.push(Diff::attribute(&subject, "enabled", &now.enabled, after));
                after.clone_into(&mut now.enabled);
                if masked { "masked" } else { "loaded" }.clone_into(&mut now.load);
                self.act(view, if masked { "mask" } else { "unmask" }, &unit, &now);
            }
        }
        if (wish.enabled.is_some() || wish.state.is_some()) && !found {
            return Err(missing(name));
        }
        if let Some(enabled) = wish.enabled {
            let is = matches!(now.enabled.as_str(), "enabled" | "static" | "generated");
            if is == enabled {
                let state = if now.enabled.is_empty() { "disabled" } else { &now.enabled };
                reasons.push(format!("already {state}"));
            } else {
                let after = if enabled { "enabled" } else { "disabled" };
                diffs.push(Diff::attribute(&subject, "enabled", &now.enabled, after));
                after.clone_into(&mut now.enabled);
                self.act(view, if enabled { "enable" } else { "disable" }, &unit, &now);
            }
            self.plan.result.insert("enabled".into(), enabled.into());
        }
        if let Some(state) = wish.state {
            if self.scope == Scope::Global {
                return Err(Failed {
                    message: "Service is in unknown state".to_owned(),
                    ..Failed::default()
                }
                .into());
            }
            let runs = matches!(now.active.as_str(), "active" | "activating");
            let verb = match state {
                State::Started | State::Restarted | State::Reloaded if !runs => Some("start"),
                State::Started => None,
                State::Restarted => Some("restart"),
                State::Reloaded => Some("reload"),
                State::Stopped => (runs || now.active == "deactivating").then_some("stop"),
            };
            let after = if state == State::Stopped { "inactive" } else { "active" };
            match verb {
                None if state == State::Started => reasons.push(format!("already {}", now.active)),
                None => reasons.push(format!(
                    "already {}",
                    if now.active.is_empty() { "inactive" } else { &now.active }
                )),
                Some(verb) => {
                    if matches!(verb, "restart" | "reload") {
                        diffs.push(Diff::attribute(&subject, "state", &now.active, format!("{verb}ed")));
                    } else {
                        diffs.push(Diff::attribute(&subject, "state", &now.active, after));
                    }
                    after.clone_into(&mut now.active);
                    if state == State::Stopped { "dead" } else { "running" }.clone_into(&mut now.sub);
                    now.properties.insert("ActiveState".to_owned(), now.active.clone());
                    now.properties.insert("SubState".to_owned(), now.sub.clone());
                    self.act(view, verb, &unit, &now);
                }
            }
            let shown = if state == State::Stopped { "stopped" } else { "started" };
            self.plan.result.insert("state".into(), shown.into());
        }

        let Self { mut plan, done, changed, .. } = self;
        plan.summary = match (done.is_empty(), reasons.is_empty()) {
            (true, true) => "nothing asked for".to_owned(),
            (true, false) => reasons.join(", "),
            (false, _) => done.join(", "),
        };
        plan.changed = Some(changed);
        plan.diffs = diffs;
        Ok(plan.with("name", name).with("status", status))
    }

    fn observe(&self, view: &View<'_>, unit: &str) -> Result<UnitState, Halt> {
        if self.scope != Scope::Global {
            return view.unit(unit, self.user.as_deref());
        }
        // the settings for all users have no state, only whether a unit is enabled
        let output = view.run(globally_enabled(view, unit))?;
        let enabled = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let load = if enabled.is_empty() || enabled == "not-found" { "not-found" } else { "loaded" };
        Ok(UnitState {
            load: load.to_owned(),
            active: String::new(),
            sub: String::new(),
            enabled,
            properties: std::collections::BTreeMap::new(),
        })
    }

    /// Whether a unit that systemd does not know has a file: one that an earlier task of the plan writes.
    fn is_written(&self, view: &View<'_>, unit: &str, now: &mut UnitState) -> Result<bool, Halt> {
        if self.scope != Scope::System {
            return Ok(false);
        }
        let template = unit
            .split_once('@')
            .and_then(|(base, rest)| rest.rsplit_once('.').map(|(_, suffix)| format!("{base}@.{suffix}")));
        let paths: Vec<String> = UNIT_DIRECTORIES
            .iter()
            .flat_map(|directory| {
                std::iter::once(format!("{directory}/{unit}"))
                    .chain(template.iter().map(move |template| format!("{directory}/{template}")))
            })
            .collect();
        view.want(paths.iter().map(|path| Query::Stat { path: path.clone(), follow: Follow::Yes }));
        for path in paths {
            if view.stat(&path, Follow::Yes)?.is_some() {
                "loaded".clone_into(&mut now.load);
                "inactive".clone_into(&mut now.active);
                "dead".clone_into(&mut now.sub);
                "disabled".clone_into(&mut now.enabled);
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn globally_enabled(view: &View<'_>, unit: &str) -> Command {
    run::within(view, Command::argv(["systemctl", "--global", "is-enabled", unit]).may_fail())
}

fn missing(name: &str) -> Halt {
    let message = format!("Could not find the requested service {name}: host");
    let hint = "no unit of that name is known to systemd on the host, and no task before this one brings it";
    Failed { message, hint: Some(hint.to_owned()), ..Failed::default() }.into()
}
