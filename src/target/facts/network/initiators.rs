//! The names by which this host logs in at network storage.

use crate::base::{Map, Value};
use crate::map;

use super::System;

/// `fibre_channel_wwn`.
pub(in super::super) fn fibre_channel_facts(system: &System) -> Map {
    let ports = system
        .names("/sys/class/fc_host")
        .into_iter()
        .flat_map(|host| system.lines(format!("/sys/class/fc_host/{host}/port_name")));
    let names = ports.map(|name| Value::str(name.trim_end().get(2..).unwrap_or_default()));
    map! {"fibre_channel_wwn" => Value::list(names)}
}

/// `iscsi_iqn`.
pub(in super::super) fn iscsi_facts(system: &System) -> Map {
    let lines = system.lines("/etc/iscsi/initiatorname.iscsi");
    let name = lines.iter().find_map(|line| line.strip_prefix("InitiatorName="));
    map! {"iscsi_iqn" => name.unwrap_or_default()}
}

/// `hostnqn`.
pub(in super::super) fn nvme_facts(system: &System) -> Map {
    let lines = system.lines("/etc/nvme/hostnqn");
    let name = lines.iter().find(|line| line.starts_with("nqn."));
    map! {"hostnqn" => name.map_or("", String::as_str)}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::facts::tests::machine;

    #[test]
    fn names_are_found() {
        let machine = machine(&[
            ("sys/class/fc_host/host1/port_name", "0x21000014ff52a9bb\n"),
            ("etc/iscsi/initiatorname.iscsi", "## note\nInitiatorName=iqn.1993-08.org.debian:01:44\n"),
            ("etc/nvme/hostnqn", "nqn.2014-08.org.nvmexpress:uuid:1\n"),
        ]);
        let text = |facts: Map| Value::map(facts).to_text();
        assert_eq!(text(fibre_channel_facts(&machine.system)), "{'fibre_channel_wwn': ['21000014ff52a9bb']}");
        assert_eq!(text(iscsi_facts(&machine.system)), "{'iscsi_iqn': 'iqn.1993-08.org.debian:01:44'}");
        assert_eq!(text(nvme_facts(&machine.system)), "{'hostnqn': 'nqn.2014-08.org.nvmexpress:uuid:1'}");
        let empty = crate::target::facts::tests::machine(&[]);
        assert_eq!(text(nvme_facts(&empty.system)), "{'hostnqn': ''}");
    }
}
