//! What is set in a zone, and how `firewall-cmd` is asked for it and told to set it.

use super::{FirewalldParams, FirewalldState, Level, program};
use crate::base::{Map, Value};
use crate::modules::contract::{Halt, fail};
use crate::modules::params::Raw;
use crate::modules::run;
use crate::wire::Command;

/// What is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// Something that a zone has or not: firewall-cmd's word for it (`service`), its value, the original's word for
    /// messages.
    Item(&'static str, String, &'static str),
    /// A switch of a zone, and whether `state: enabled` means on.
    Switch(&'static str, bool),
    /// What becomes of packets that no rule is about.
    Target(String),
    /// The zone itself.
    Zone(String),
}

impl Subject {
    /// What the parameters are about; nothing where only a zone is named.
    pub(super) fn of(params: &FirewalldParams) -> Result<Option<Self>, Halt> {
        let FirewalldParams { service, protocol, port, port_forward, rich_rule, source, interface, .. } =
            params;
        let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let items = [
            ("icmp-block", text(&params.icmp_block), "icmp-block"),
            ("service", text(service), "service"),
            ("protocol", text(protocol), "protocol"),
            ("source", text(source), ""),
            ("rich-rule", text(rich_rule), "rich_rule"),
            ("interface", text(interface), ""),
        ];
        if let Some((word, Some(value), told)) = items.into_iter().find(|(_, value, _)| value.is_some()) {
            return Ok(Some(Self::Item(word, value, told)));
        }
        if let Some(port) = port {
            if port.trim().split_once('/').is_none_or(|(_, protocol)| protocol.is_empty()) {
                return fail("improper port format (missing protocol?)");
            }
            return Ok(Some(Self::Item("port", port.trim().to_owned(), "port")));
        }
        if let Some(Raw(forward)) = port_forward {
            return Ok(Some(Self::Item("forward-port", forwarded(forward)?, "port_forward")));
        }
        let switches = [
            ("icmp-block-inversion", params.icmp_block_inversion),
            ("forward", params.forward),
            ("masquerade", params.masquerade),
        ];
        if let Some((word, Some(meaning))) = switches.into_iter().find(|(_, meaning)| meaning.is_some()) {
            return Ok(Some(Self::Switch(word, meaning)));
        }
        match &params.target {
            None => Ok(None),
            Some(target) if ["default", "ACCEPT", "DROP", "%%REJECT%%"].contains(&target.as_str()) => {
                Ok(Some(Self::Target(target.clone())))
            }
            Some(target) => fail(format!(
                "value of target must be one of: default, ACCEPT, DROP, %%REJECT%%, got: {target}"
            )),
        }
    }

    /// For the reader.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Item(word, value, _) => format!("{word} {value}"),
            Self::Switch(word, _) => (*word).to_owned(),
            Self::Target(target) => format!("target {target}"),
            Self::Zone(_) => "itself".to_owned(),
        }
    }

    /// Whether it stands in the configuration only.
    pub(super) fn is_kept_only(&self) -> bool {
        matches!(self, Self::Target(_) | Self::Zone(_))
    }

    /// Whether it shall be on.
    pub(super) fn wants(&self, state: FirewalldState) -> bool {
        let on = matches!(state, FirewalldState::Enabled | FirewalldState::Present);
        match self {
            Self::Switch(_, meaning) => on == *meaning,
            _ => on,
        }
    }

    fn words(zone: &str, level: Level, offline: bool) -> Vec<String> {
        let mut words = vec![program(offline).to_owned()];
        words.extend((level == Level::Kept && !offline).then(|| "--permanent".to_owned()));
        words.push(format!("--zone={zone}"));
        words
    }

    /// The question for it.
    pub(super) fn asks(&self, zone: &str, level: Level, offline: bool) -> Command {
        let mut words = Self::words(zone, level, offline);
        match self {
            Self::Item(word, value, _) => words.push(format!("--query-{word}={value}")),
            Self::Switch(word, _) => words.push(format!("--query-{word}")),
            Self::Target(_) => words.push("--get-target".to_owned()),
            Self::Zone(_) => {
                words.retain(|word| !word.starts_with("--zone="));
                words.push("--get-zones".to_owned());
            }
        }
        run::reading(words)
    }

    /// Whether it is on, by the answer to [`Self::asks`]; the error is what was said instead.
    pub(super) fn is(&self, said: &str, status: i32) -> Result<bool, String> {
        let said = said.trim();
        match self {
            Self::Item(..) | Self::Switch(..) => match (said, status) {
                ("yes", _) | ("", 0) => Ok(true),
                ("no", _) | ("", 1) => Ok(false),
                _ => Err(said.to_owned()),
            },
            Self::Target(target) if status == 0 => Ok(said == target),
            Self::Zone(zone) if status == 0 => Ok(said.split_whitespace().any(|name| name == zone)),
            Self::Target(_) | Self::Zone(_) => Err(said.to_owned()),
        }
    }

    /// What the question will be answered with.
    pub(super) fn answer(&self, wants: bool, before: &str) -> (String, i32) {
        match self {
            Self::Item(..) | Self::Switch(..) if wants => ("yes\n".to_owned(), 0),
            Self::Item(..) | Self::Switch(..) => ("no\n".to_owned(), 1),
            Self::Target(target) if wants => (format!("{target}\n"), 0),
            Self::Target(_) => ("default\n".to_owned(), 0),
            Self::Zone(zone) => {
                let others = before.split_whitespace().filter(|name| name != zone);
                let mut names: Vec<&str> = others.collect();
                names.extend(wants.then_some(zone.as_str()));
                (names.join(" ") + "\n", 0)
            }
        }
    }

    /// The command that sets it.
    pub(super) fn sets(
        &self,
        zone: &str,
        level: Level,
        offline: bool,
        wants: bool,
        timeout: u32,
    ) -> Vec<String> {
        let mut words = Self::words(zone, level, offline);
        let verb = if wants { "add" } else { "remove" };
        match self {
            // without `-from-zone` it is an option of another program that is emulated
            Self::Item("service", value, _) if offline && !wants => {
                words.push(format!("--remove-service-from-zone={value}"));
            }
            Self::Item("interface", value, _) if wants => words.push(format!("--change-interface={value}")),
            Self::Item(word, value, _) => {
                words.push(format!("--{verb}-{word}={value}"));
                let timed =
                    wants && level == Level::Now && timeout > 0 && !matches!(*word, "source" | "interface");
                words.extend(timed.then(|| format!("--timeout={timeout}")));
            }
            Self::Switch(word, _) => words.push(format!("--{verb}-{word}")),
            Self::Target(target) => {
                words.push(format!("--set-target={}", if wants { target } else { "default" }));
            }
            Self::Zone(zone) => {
                words.retain(|word| !word.starts_with("--zone="));
                words.push(format!("--{}-zone={zone}", if wants { "new" } else { "delete" }));
            }
        }
        words
    }

    /// What the original tells first of a change.
    pub(super) fn told(&self, zone: &str, wants: bool) -> Option<String> {
        match (self, wants) {
            (Self::Item("interface", value, _), true) => Some(format!("Changed {value} to zone {zone}")),
            (Self::Item("interface", value, _), false) => Some(format!("Removed {value} from zone {zone}")),
            (Self::Item("source", value, _), true) => Some(format!("Added {value} to zone {zone}")),
            (Self::Item("source", value, _), false) => Some(format!("Removed {value} from zone {zone}")),
            (Self::Switch(word @ ("forward" | "masquerade"), _), true) => {
                Some(format!("Added {word} to zone {zone}"))
            }
            (Self::Switch(word @ ("forward" | "masquerade"), _), false) => {
                Some(format!("Removed {word} from zone {zone}"))
            }
            (Self::Target(target), true) => Some(format!("Set zone {zone} target to {target}")),
            (Self::Target(_), false) => Some(format!("Reset zone {zone} target to default")),
            (Self::Zone(zone), true) => Some(format!("Added zone {zone}")),
            (Self::Zone(zone), false) => Some(format!("Removed zone {zone}")),
            (Self::Item(..) | Self::Switch(..), _) => None,
        }
    }

    /// What it tells then.
    pub(super) fn changed(&self, zone: &str, state: FirewalldState) -> Option<String> {
        let state = state.text();
        match self {
            Self::Item(_, _, "") | Self::Target(_) => None,
            Self::Item(_, value, told) => Some(format!("Changed {told} {value} to {state}")),
            Self::Switch("icmp-block-inversion", meaning) => {
                let meaning = if *meaning { "True" } else { "False" };
                Some(format!("Changed icmp-block-inversion {meaning} to {state}"))
            }
            Self::Switch(..) => None,
            Self::Zone(_) => Some(format!("Changed zone {zone} to {state}")),
        }
    }
}

/// A forwarded port as firewall-cmd takes it.
fn forwarded(list: &Value) -> Result<String, Halt> {
    let one: &Map = match list {
        Value::List(list) if list.len() > 1 => return fail("Only one port forward supported at a time"),
        Value::List(list) => match list.first() {
            Some(Value::Map(one)) => one,
            _ => return fail("`port_forward` is a list of one mapping"),
        },
        Value::Map(one) => one,
        _ => return fail("`port_forward` is a list of one mapping"),
    };
    let known = ["port", "proto", "toport", "toaddr"];
    if let Some(name) = one.keys().filter_map(|key| key.as_str()).find(|name| !known.contains(name)) {
        return fail(format!(
            "`{name}` of `port_forward` is not supported, supported are: {}",
            known.join(", ")
        ));
    }
    let part = |name: &str, what: &str| match one.get(name) {
        Some(value) => Ok(value.to_text()),
        None => fail(format!("{what} must be specified for port forward")),
    };
    let (port, proto, to) =
        (part("port", "port")?, part("proto", "proto udp/tcp")?, part("toport", "toport")?);
    let address = one.get("toaddr").map(Value::to_text).unwrap_or_default();
    Ok(format!("port={port}:proto={proto}:toport={to}:toaddr={address}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let item = Subject::Item("service", "http".to_owned(), "service");
        assert_eq!((item.is("yes\n", 0), item.is("no\n", 1)), (Ok(true), Ok(false)));
        assert!(item.is("Error: INVALID_ZONE", 112).is_err());
        let zone = Subject::Zone("dmz".to_owned());
        assert_eq!((zone.is("block dmz", 0), zone.is("block", 0)), (Ok(true), Ok(false)));
        assert_eq!(zone.answer(false, "block dmz").0, "block\n");
        assert_eq!(zone.answer(true, "block").0, "block dmz\n");
        assert_eq!(Subject::Target("DROP".to_owned()).is("DROP\n", 0), Ok(true));
    }

    #[test]
    fn ports_are_forwarded_one_at_a_time() {
        let one = crate::map! { "port" => 80, "proto" => "tcp", "toport" => 8080 };
        let list = |ones: &[&Map]| Value::list(ones.iter().map(|one| Value::from((*one).clone())));
        assert_eq!(forwarded(&list(&[&one])).ok().as_deref(), Some("port=80:proto=tcp:toport=8080:toaddr="));
        assert!(forwarded(&list(&[&one, &one])).is_err());
        assert!(forwarded(&list(&[&crate::map! { "port" => 80 }])).is_err());
        assert!(forwarded(&list(&[&crate::map! { "ports" => 80 }])).is_err());
    }
}
