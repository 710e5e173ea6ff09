//! The firmware's identification (DMI, or `/proc/sysinfo` on IBM Z).

use crate::base::{Key, Map, Value};

use super::System;

/// Facts and their files below `/sys/devices/virtual/dmi/id`.
const FIELDS: &[(&str, &str)] = &[
    ("bios_date", "bios_date"),
    ("bios_vendor", "bios_vendor"),
    ("bios_version", "bios_version"),
    ("board_asset_tag", "board_asset_tag"),
    ("board_name", "board_name"),
    ("board_serial", "board_serial"),
    ("board_vendor", "board_vendor"),
    ("board_version", "board_version"),
    ("chassis_asset_tag", "chassis_asset_tag"),
    ("chassis_serial", "chassis_serial"),
    ("chassis_vendor", "chassis_vendor"),
    ("chassis_version", "chassis_version"),
    ("form_factor", "chassis_type"),
    ("product_name", "product_name"),
    ("product_serial", "product_serial"),
    ("product_uuid", "product_uuid"),
    ("product_version", "product_version"),
    ("system_vendor", "sys_vendor"),
];

/// Chassis types by their numbers (DMI specification 3.2, 7.4.1), in Ansible's spelling.
const FORM_FACTORS: &[&str] = &[
    "Unknown",
    "Other",
    "Unknown",
    "Desktop",
    "Low Profile Desktop",
    "Pizza Box",
    "Mini Tower",
    "Tower",
    "Portable",
    "Laptop",
    "Notebook",
    "Hand Held",
    "Docking Station",
    "All In One",
    "Sub Notebook",
    "Space-saving",
    "Lunch Box",
    "Main Server Chassis",
    "Expansion Chassis",
    "Sub Chassis",
    "Bus Expansion Chassis",
    "Peripheral Chassis",
    "RAID Chassis",
    "Rack Mount Chassis",
    "Sealed-case PC",
    "Multi-system",
    "CompactPCI",
    "AdvancedTCA",
    "Blade",
    "Blade Enclosure",
    "Tablet",
    "Convertible",
    "Detachable",
    "IoT Gateway",
    "Embedded PC",
    "Mini PC",
    "Stick PC",
];

/// `bios_*`, `board_*`, `chassis_*`, `product_*`, `system_vendor`, `form_factor`: `NA` where unknown or not
/// readable for this user.
pub(super) fn facts(system: &System) -> Map {
    let mut facts: Map = FIELDS
        .iter()
        .map(|(fact, file)| {
            let text = system.text(format!("/sys/devices/virtual/dmi/id/{file}"));
            let text = if *file == "chassis_type" { text.map(form_factor) } else { text };
            (Key::str(fact), Value::from(text.unwrap_or_else(|| "NA".to_owned())))
        })
        .collect();
    if let Some(text) = system.text("/proc/sysinfo") {
        facts.extend(ibm_z(&text));
    }
    facts
}

fn form_factor(number: String) -> String {
    let name = number.parse::<usize>().ok().and_then(|number| FORM_FACTORS.get(number));
    name.map_or_else(|| format!("unknown ({number})"), |name| (*name).to_owned())
}

fn ibm_z(text: &str) -> Map {
    let get = |label: &str| text.lines().find_map(|line| line.strip_prefix(label)).map(str::trim);
    let serial = get("Sequence Code:").map(|code| code.trim_start_matches('0'));
    [
        ("system_vendor", get("Manufacturer:")),
        ("product_name", get("Type:")),
        ("product_serial", serial),
        ("product_version", None),
        ("product_uuid", None),
    ]
    .into_iter()
    .map(|(fact, value)| (Key::str(fact), Value::str(value.unwrap_or("NA"))))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::facts::tests::machine;

    #[test]
    fn what_is_not_there_is_na() {
        let id = "sys/devices/virtual/dmi/id";
        let machine = machine(&[
            (&format!("{id}/product_name"), "Standard PC (Q35 + ICH9, 2009)\n"),
            (&format!("{id}/chassis_type"), "23\n"),
        ]);
        let facts = facts(&machine.system);
        let text = |name: &str| facts.get(name).unwrap().to_text();
        assert_eq!(text("product_name"), "Standard PC (Q35 + ICH9, 2009)");
        assert_eq!((text("form_factor").as_str(), text("board_name").as_str()), ("Rack Mount Chassis", "NA"));
        assert_eq!(facts.len(), 18);
        assert_eq!(form_factor("99".to_owned()), "unknown (99)");
    }

    #[test]
    fn ibm_z_is_read_from_sysinfo() {
        let facts = ibm_z(
            "Manufacturer:         IBM\nType:                 2964\nSequence Code:        00000000000ABC12\n",
        );
        assert_eq!(
            Value::map(facts).to_text(),
            "{'system_vendor': 'IBM', 'product_name': '2964', 'product_serial': 'ABC12', 'product_version': 'NA', \
             'product_uuid': 'NA'}"
        );
    }
}
