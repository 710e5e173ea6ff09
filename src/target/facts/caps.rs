//! Capabilities of the process, as Ansible reads them off `capsh --print`.

use crate::base::{Map, Value};
use crate::map;

use super::system::System;

/// `system_capabilities` and `system_capabilities_enforced`; `N/A` where there is no capsh, as in Ansible.
pub(super) fn facts(system: &System) -> Map {
    let Some(capsh) = system.program("capsh") else { return made(Value::from("N/A"), "N/A") };
    let status = system.text("/proc/self/status").unwrap_or_default();
    let last = system.integer("/proc/sys/kernel/cap_last_cap").unwrap_or(40);
    match summary(&status, last) {
        Some(Summary::Full) => made(Value::list([]), "False"),
        Some(Summary::None) => made(Value::list([Value::from("")]), "True"),
        // which text a part of them gives depends on the version of libcap
        None => match system.run(&capsh, &["--print"]) {
            Some(answer) if answer.status == 0 => parse(&answer.text()),
            _ => made(Value::from("N/A"), "N/A"),
        },
    }
}

fn made(capabilities: Value, enforced: &str) -> Map {
    map! {"system_capabilities" => capabilities, "system_capabilities_enforced" => enforced}
}

enum Summary {
    Full,
    None,
}

/// Whether the process has all capabilities or none, from `/proc/self/status`; otherwise nothing.
fn summary(status: &str, last: i64) -> Option<Summary> {
    let set = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        u64::from_str_radix(line.trim(), 16).ok()
    };
    let full = if last >= 63 { u64::MAX } else { (1u64 << (last + 1)) - 1 };
    match (set("CapInh")?, set("CapPrm")?, set("CapEff")?) {
        (0, permitted, effective) if permitted == full && effective == full => Some(Summary::Full),
        (0, 0, 0) => Some(Summary::None),
        _ => None,
    }
}

/// Reads the line `Current:` as Ansible does, its oddities included.
fn parse(output: &str) -> Map {
    let Some(line) = output.lines().rfind(|line| line.starts_with("Current:")) else {
        return made(Value::list([]), "NA");
    };
    if line.split(':').nth(1).map(str::trim) == Some("=ep") {
        return made(Value::list([]), "False");
    }
    let names = line.split('=').nth(1).unwrap_or_default();
    made(Value::list(names.split(',').map(|name| Value::str(name.trim()))), "True")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(facts: &Map) -> String {
        Value::map(facts.clone()).to_text()
    }

    #[test]
    fn the_line_is_read_as_ansible_reads_it() {
        assert_eq!(
            text(&parse("Current: =ep cap_sys_resource-ep\nBounding set =cap_chown\n")),
            "{'system_capabilities': ['ep cap_sys_resource-ep'], 'system_capabilities_enforced': 'True'}"
        );
        assert_eq!(
            text(&parse("Current: = cap_chown,cap_kill+ep\n")),
            "{'system_capabilities': ['cap_chown', 'cap_kill+ep'], 'system_capabilities_enforced': 'True'}"
        );
        assert_eq!(
            text(&parse("Current: =ep\n")),
            "{'system_capabilities': [], 'system_capabilities_enforced': 'False'}"
        );
        assert_eq!(
            text(&parse("Current: =\n")),
            "{'system_capabilities': [''], 'system_capabilities_enforced': 'True'}"
        );
    }

    #[test]
    fn all_and_none_need_no_program() {
        let status = |set: &str| format!("CapInh:\t0000000000000000\nCapPrm:\t{set}\nCapEff:\t{set}\n");
        assert!(matches!(summary(&status("000001ffffffffff"), 40), Some(Summary::Full)));
        assert!(matches!(summary(&status("0000000000000000"), 40), Some(Summary::None)));
        assert!(summary(&status("000001fffeffffff"), 40).is_none());
    }
}
