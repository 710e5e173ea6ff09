//! Keeps rules, defaults and state of the firewall ufw.
//!
//! ```yaml
//! - name: SSH is let in, and not too often
//!   community.general.ufw:
//!     rule: limit
//!     port: ssh
//!     proto: tcp
//! - name: Nothing else is
//!   community.general.ufw:
//!     state: enabled
//!     policy: deny
//! ```

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Planned, Side, Step, fail};
use super::diff::Diff;
use super::params::Rule;
use super::run;
use super::view::View;
use super::words;
use crate::base::{Map, Value};
use crate::wire::{Command, Done, Effect, Failure, Query};
use crate::{choices, params};

/// As `community.general.ufw`.
pub struct Ufw;

choices! {
    /// The firewall's state.
    pub enum UfwState { Disabled = "disabled", Enabled = "enabled", Reloaded = "reloaded", Reset = "reset" }
}

choices! {
    /// What becomes of a packet.
    pub enum UfwRule { Allow = "allow", Deny = "deny", Limit = "limit", Reject = "reject" }
}

choices! {
    /// What becomes of a packet that no rule is for.
    pub enum UfwPolicy { Allow = "allow", Deny = "deny", Reject = "reject" }
}

choices! {
    /// The way of a packet.
    pub enum Direction { In = "in", Incoming = "incoming", Out = "out", Outgoing = "outgoing", Routed = "routed" }
}

choices! {
    /// How much is logged.
    pub enum Logging { Full = "full", High = "high", Low = "low", Medium = "medium", Off = "off", On = "on" }
}

params! {
    /// Parameters of `ufw`.
    pub struct UfwParams {
        /// The firewall's state.
        state: Option<UfwState>;
        /// What becomes of a packet that no rule is for.
        default: Option<UfwPolicy>, aliases ["policy"];
        /// The way of the packets.
        direction: Option<Direction>;
        /// How much is logged.
        logging: Option<Logging>;
        /// What becomes of a packet.
        rule: Option<UfwRule>;
        /// Whether the rule is for packets that are passed on.
        route: bool = false;
        /// The number before which a rule is inserted.
        insert: Option<i64>;
        /// What the number counts from; only `zero` is supported.
        insert_relative_to: String = "zero";
        /// Whether the rule is removed.
        delete: bool = false;
        /// Only packets that come in or go out over this interface, as `direction` says.
        interface: Option<String>, aliases ["if"];
        /// The interface that packets come in by.
        interface_in: Option<String>, aliases ["if_in"];
        /// The interface that packets go out by.
        interface_out: Option<String>, aliases ["if_out"];
        /// Whether matching packets are logged.
        log: bool = false;
        /// The source's address.
        from_ip: String = "any", aliases ["from", "src"];
        /// The source's port.
        from_port: Option<String>;
        /// The destination's address.
        to_ip: String = "any", aliases ["to", "dest"];
        /// The destination's port.
        to_port: Option<String>, aliases ["port"];
        /// Only packets of this protocol: `tcp`, `udp`, `esp`, `ah`, `gre` … ; `any` is all of them.
        proto: Option<String>, aliases ["protocol"];
        /// An application of `/etc/ufw/applications.d`.
        name: Option<String>, aliases ["app"];
        /// A comment that is kept with the rule.
        comment: Option<String>;
    }
    rules [
        Rule::RequiredOneOf(&["state", "default", "rule", "logging"]),
        Rule::MutuallyExclusive(&["name", "proto", "logging"]),
        Rule::RequiredBy("interface", &["direction"]),
    ]
}

impl Module for Ufw {
    type Params = UfwParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "ufw",
        collection: "community.general",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("ufw.rs"),
        returns: &[("msg", "the firewall's rules afterwards"), ("commands", "the commands")],
    };

    fn plan(params: &UfwParams, view: &View<'_>) -> Result<Step, Halt> {
        if params.insert_relative_to != "zero" && params.insert.is_some() {
            return fail("`insert_relative_to` of `ufw` other than `zero` is not supported yet");
        }
        let status = run::reading(["ufw", "status", "verbose"]);
        view.want([Query::Command(status.clone())]);
        let Some(found) = run::read(view, ["ufw", "status", "verbose"])? else {
            return fail("Failed to find required executable \"ufw\" on the host");
        };
        if found.status != 0 {
            return fail(format!("ufw: {}", String::from_utf8_lossy(&found.stderr).trim()));
        }
        let status_text = run::stdout(&found);
        let mut plan = Plan::default();
        let mut commands = Vec::new();
        if let Some(state) = params.state {
            state_of(&mut plan, &mut commands, state, &status_text, &status, view);
        }
        if let Some(level) = params.logging {
            let is = status_text.lines().find_map(|line| line.strip_prefix("Logging: ")).unwrap_or_default();
            let same = match level {
                Logging::Off => is == "off",
                Logging::On => is.starts_with("on"),
                other => is == format!("on ({})", other.text()),
            };
            if !same {
                act(&mut plan, &mut commands, vec!["logging".into(), level.text().into()], None, view);
            }
        }
        if let Some(policy) = params.default {
            let direction = match params.direction {
                Some(Direction::Out | Direction::Outgoing) => "outgoing",
                Some(Direction::Routed) => "routed",
                _ => "incoming",
            };
            let wanted = format!("{} ({direction})", policy.text());
            let defaults = status_text.lines().find_map(|line| line.strip_prefix("Default: "));
            if !defaults.is_some_and(|line| line.split(", ").any(|one| one == wanted)) {
                let words = vec!["default".into(), policy.text().into(), direction.into()];
                act(&mut plan, &mut commands, words, None, view);
            }
        }
        if params.rule.is_some() {
            rule(&mut plan, &mut commands, params, view)?;
        }
        plan.summary = if plan.changes.is_empty() {
            "already so".to_owned()
        } else {
            format!("run `{}`", commands.join("`, `"))
        };
        let list = commands.iter().map(|command| Value::from(command.as_str()));
        plan.result = crate::map! {"commands" => Value::list(list), "msg" => status_text.trim()};
        Ok(Step::Plan(plan))
    }

    fn result(_: &UfwParams, view: &View<'_>, plan: &Plan, _: &[Done]) -> Result<Map, Halt> {
        let mut result = plan.result.clone();
        if let Some(output) = run::read(view, ["ufw", "status", "verbose"])? {
            result.insert("msg".into(), run::stdout(&output).trim().into());
        }
        Ok(result)
    }

    fn failure(_: &UfwParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        run::failed("ufw failed", failure)
    }
}

fn act(
    plan: &mut Plan,
    commands: &mut Vec<String>,
    words: Vec<String>,
    effect: Option<Effect>,
    view: &View<'_>,
) {
    let mut all = vec!["ufw".to_owned()];
    all.extend(words);
    commands.push(words::join(&all));
    plan.diffs.push(Diff::attribute("ufw", commands.last().cloned().unwrap_or_default(), "", "done"));
    let mut change = run::change(view, all);
    change.effects.extend(effect);
    plan.changes.push(Planned { side: Side::Host, change });
}

fn state_of(
    plan: &mut Plan,
    commands: &mut Vec<String>,
    state: UfwState,
    text: &str,
    status: &Command,
    view: &View<'_>,
) {
    let active = text.lines().any(|line| line == "Status: active");
    let will = |after: &str| Some(run::will_print(status.clone(), after));
    let (word, effect) = match state {
        UfwState::Enabled if !active => {
            ("enable", will(&text.replacen("Status: inactive", "Status: active", 1)))
        }
        UfwState::Disabled if active => ("disable", will("Status: inactive\n")),
        UfwState::Reloaded if active => ("reload", None),
        UfwState::Reset => ("reset", will("Status: inactive\n")),
        UfwState::Enabled | UfwState::Disabled | UfwState::Reloaded => return,
    };
    act(plan, commands, vec!["-f".into(), word.into()], effect, view);
}

/// A rule: ufw itself says, without doing anything, whether it would change something.
fn rule(
    plan: &mut Plan,
    commands: &mut Vec<String>,
    params: &UfwParams,
    view: &View<'_>,
) -> Result<(), Halt> {
    let words = rule_words(params);
    let dry = ["ufw", "--dry-run"].into_iter().map(str::to_owned).chain(words.clone());
    let dry = run::reading(dry);
    let output = view.run(dry.clone())?;
    let said = run::stdout(&output) + &String::from_utf8_lossy(&output.stderr);
    if output.status != 0 {
        let message = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default().to_owned();
        return fail(format!("ufw refuses the rule: {message}"));
    }
    // of both kinds of addresses each may be there or not
    let skips =
        |line: &&str| line.starts_with("Skipping") || line.starts_with("Could not delete non-existent");
    let skipped = said.lines().filter(skips).count();
    let done = said.lines().filter(|line| line.starts_with("### tuple")).count();
    if skipped > 0 && (done == 0 || !said.contains("*filter")) {
        return Ok(());
    }
    let after = Effect::Answer(
        Query::Command(dry),
        crate::wire::Observation::Command(crate::wire::CommandOutput {
            stdout: b"Skipping adding existing rule\n".to_vec(),
            ..output
        }),
    );
    act(plan, commands, words, Some(after), view);
    Ok(())
}

fn rule_words(params: &UfwParams) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut put = |words: &[&str]| out.extend(words.iter().map(|word| (*word).to_owned()));
    if params.route {
        put(&["route"]);
    }
    if params.delete {
        put(&["delete"]);
    }
    if let Some(number) = params.insert {
        put(&["insert", &number.to_string()]);
    }
    put(&[params.rule.map_or("", UfwRule::text)]);
    match params.direction {
        Some(Direction::In | Direction::Incoming) => put(&["in"]),
        Some(Direction::Out | Direction::Outgoing) => put(&["out"]),
        Some(Direction::Routed) | None => {}
    }
    if let Some(interface) = &params.interface {
        put(&["on", interface]);
    }
    if let Some(interface) = &params.interface_in {
        put(&["in", "on", interface]);
    }
    if let Some(interface) = &params.interface_out {
        put(&["out", "on", interface]);
    }
    if params.log {
        put(&["log"]);
    }
    put(&["from", &params.from_ip]);
    if let Some(port) = &params.from_port {
        put(&["port", port]);
    }
    put(&["to", &params.to_ip]);
    if let Some(port) = &params.to_port {
        put(&["port", port]);
    }
    if let Some(protocol) = &params.proto {
        put(&["proto", protocol]);
    }
    if let Some(name) = &params.name {
        put(&["app", name]);
    }
    if let Some(comment) = &params.comment {
        put(&["comment", comment]);
    }
    out
}
