//! Offload features and time stamping, as ethtool prints them, where it is installed.

use std::path::Path;

use indexmap::IndexMap;

use crate::base::{Key, Map, Value};

use super::System;

/// Adds `features`, `timestamping`, `hw_timestamp_filters` and `phc_index` to each interface.
pub(super) fn add(system: &System, devices: &mut IndexMap<String, Map>) {
    let Some(program) = system.program("ethtool") else { return };
    std::thread::scope(|scope| {
        let asked: Vec<_> = devices
            .iter_mut()
            .filter(|(_, facts)| facts.contains_key("device"))
            .map(|(name, facts)| {
                let program = &program;
                let features = scope.spawn(move || run(system, program, "-k", name));
                let stamping = scope.spawn(move || run(system, program, "-T", name));
                (facts, features, stamping)
            })
            .collect();
        for (facts, features_output, stamping_output) in asked {
            if let Ok(Some(output)) = features_output.join() {
                facts.insert(Key::str("features"), Value::map(features(&output)));
            }
            if let Ok(Some(output)) = stamping_output.join() {
                facts.extend(stamping(&output));
            }
        }
    });
}

fn run(system: &System, program: &Path, option: &str, name: &str) -> Option<String> {
    let answer = system.run(program, &[option, name])?;
    (answer.status == 0).then(|| answer.text())
}

fn features(output: &str) -> Map {
    output
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.trim().replace('-', "_"), value.trim()))
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (Key::from(name), Value::str(value)))
        .collect()
}

fn stamping(output: &str) -> Map {
    let words = |prefix: &str| {
        let found = output.split(prefix).skip(1).map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            Value::from(rest.get(..end).unwrap_or_default().to_lowercase())
        });
        Value::list(found)
    };
    let mut facts = crate::map! {
        "timestamping" => words("SOF_TIMESTAMPING_"),
        "hw_timestamp_filters" => words("HWTSTAMP_FILTER_"),
    };
    let clock = output
        .split_once("PTP Hardware Clock: ")
        .and_then(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<i64>().ok());
    if let Some(clock) = clock {
        facts.insert(Key::str("phc_index"), Value::from(clock));
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_read() {
        let text =
            "Features for eth0:\nrx-checksumming: on [fixed]\ntx-checksumming: on\n\ttx-checksum-ipv4: off\n";
        assert_eq!(
            Value::map(features(text)).to_text(),
            "{'rx_checksumming': 'on [fixed]', 'tx_checksumming': 'on', 'tx_checksum_ipv4': 'off'}"
        );
        let text = "Time stamping parameters for eth0:\nCapabilities:\n\thardware-transmit     (SOF_TIMESTAMPING_TX_HARDWARE)\n\
                    \tsoftware (SOF_TIMESTAMPING_SOFTWARE)\nPTP Hardware Clock: 3\nfilters:\n\tnone (HWTSTAMP_FILTER_NONE)\n";
        assert_eq!(
            Value::map(stamping(text)).to_text(),
            "{'timestamping': ['tx_hardware', 'software'], 'hw_timestamp_filters': ['none'], 'phc_index': 3}"
        );
        assert_eq!(stamping("PTP Hardware Clock: none\n").get("phc_index"), None);
    }
}
