//! Block devices and the links that name them.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{Key, Map, Value};
use crate::map;

use super::{System, pci, text_or_null};

/// Names by device.
type Links = BTreeMap<String, BTreeSet<String>>;

/// `devices` and `device_links`.
pub(super) fn facts(system: &System) -> Map {
    let links = [
        ("ids", links_in(system, "/dev/disk/by-id")),
        ("uuids", links_in(system, "/dev/disk/by-uuid")),
        ("labels", links_in(system, "/dev/disk/by-label")),
        ("masters", masters(system)),
    ];
    let all_links: Map = links
        .iter()
        .map(|(kind, links)| {
            let names: Map = links.keys().map(|device| (Key::str(device), names_of(links, device))).collect();
            (Key::str(kind), Value::map(names))
        })
        .collect();
    let devices: Map = system
        .names("/sys/block")
        .iter()
        .filter_map(|block| {
            // a link, on every kernel of the last years
            let target = system.link(format!("/sys/block/{block}"))?;
            Some((Key::str(block), Value::map(device(system, block, &target, &links))))
        })
        .collect();
    map! {"devices" => devices, "device_links" => all_links}
}

fn links_in(system: &System, directory: &str) -> Links {
    let mut links = Links::new();
    for name in system.names(directory) {
        if let Some(device) = system.link_name(format!("{directory}/{name}")) {
            links.entry(device).or_default().insert(name);
        }
    }
    links
}

/// The devices that are made of each device.
fn masters(system: &System) -> Links {
    let mut links = Links::new();
    for device in system.names("/sys/block") {
        for slave in system.names(format!("/sys/block/{device}/slaves")) {
            links.entry(slave).or_default().insert(device.clone());
        }
    }
    links
}

fn names_of(links: &Links, device: &str) -> Value {
    Value::list(links.get(device).into_iter().flatten().map(Value::str))
}

fn links_of(links: &[(&str, Links)], device: &str) -> Map {
    links.iter().map(|(kind, links)| (Key::str(kind), names_of(links, device))).collect()
}

fn device(system: &System, block: &str, target: &str, links: &[(&str, Links)]) -> Map {
    let base = format!("/sys/block/{block}");
    let file = |name: &str| system.text(format!("{base}/{name}"));
    let mut facts = map! {"virtual" => 1, "links" => links_of(links, block)};
    for key in ["vendor", "model", "sas_address", "sas_device_handle"] {
        facts.insert(Key::str(key), text_or_null(file(&format!("device/{key}"))));
    }
    let serial = match system.program("sg_inq") {
        Some(program) => system
            .run(&program, &[&format!("/dev/{block}")])
            .filter(|answer| answer.status == 0)
            .and_then(|answer| serial_number(&answer.text())),
        None => file("device/serial"),
    };
    if let Some(serial) = serial {
        facts.insert(Key::str("serial"), Value::from(serial));
    }
    let discard = match file("queue/discard_max_hw_bytes").as_deref() {
        Some("0") => Some("0".to_owned()),
        _ => file("queue/discard_granularity"),
    };
    let wwn = links
        .first()
        .and_then(|(_, ids)| ids.get(block)?.iter().filter_map(|id| id.strip_prefix("wwn-")).next_back());
    if let Some(wwn) = wwn {
        facts.insert(Key::str("wwn"), Value::str(wwn));
    }
    let partitions: Map = system
        .names(&base)
        .iter()
        .filter(|name| is_partition(block, name))
        .map(|name| (Key::str(name), Value::map(partition(system, &base, name, links))))
        .collect();
    let scheduler = file("queue/scheduler").unwrap_or_default();
    let mode =
        scheduler.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map_or("", |(mode, _)| mode);
    let sector = file("queue/logical_block_size").or_else(|| file("queue/hw_sector_size"));
    let sector_size = sector.as_deref().and_then(|size| size.parse::<i64>().ok()).unwrap_or(512);
    let sectors = sectors(file("size"), sector_size);
    let host = pci_address(target).and_then(|address| pci::describe(system, address)).unwrap_or_default();
    facts.extend(map! {
        "removable" => text_or_null(file("removable")),
        "support_discard" => text_or_null(discard),
        "partitions" => partitions,
        "rotational" => text_or_null(file("queue/rotational")),
        "scheduler_mode" => mode,
        "sectorsize" => sector.map_or_else(|| Value::from(512), Value::from),
        "sectors" => sectors,
        "size" => human_size(sectors * sector_size),
        "host" => host,
        "holders" => holders(system, &base),
    });
    facts
}

fn partition(system: &System, base: &str, name: &str, links: &[(&str, Links)]) -> Map {
    let file = |file: &str| system.text(format!("{base}/{name}/{file}"));
    let sector = file("queue/logical_block_size").or_else(|| file("queue/hw_sector_size"));
    let sector_size = sector.as_deref().and_then(|size| size.parse::<i64>().ok()).unwrap_or(512);
    let sectors = sectors(file("size"), sector_size);
    let uuid = links
        .iter()
        .find(|(kind, _)| *kind == "uuids")
        .and_then(|(_, uuids)| uuids.get(name)?.first().cloned());
    map! {
        "links" => links_of(links, name),
        "start" => file("start").map_or_else(|| Value::from(0), Value::from),
        "sectorsize" => sector.map_or_else(|| Value::from(512), Value::from),
        "sectors" => sectors,
        "size" => human_size(sectors * sector_size),
        "uuid" => text_or_null(uuid),
        "holders" => holders(system, &format!("{base}/{name}")),
    }
}

/// sysfs counts sectors of 512 bytes, whatever the device's are.
fn sectors(size: Option<String>, sector_size: i64) -> i64 {
    let size = size.and_then(|size| size.parse::<i64>().ok()).unwrap_or(0);
    (size * 512).checked_div(sector_size).unwrap_or(0)
}

/// `sda1` of `sda`, `nvme0n1p2` of `nvme0n1`.
fn is_partition(block: &str, name: &str) -> bool {
    name.strip_prefix(block)
        .map(|rest| rest.strip_prefix('p').unwrap_or(rest))
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The device mapper's volumes that use a device.
fn holders(system: &System, base: &str) -> Value {
    Value::list(
        system.names(format!("{base}/holders")).into_iter().filter(|name| name.starts_with("dm-")).map(
            |name| {
                let mapped = system.text(format!("{base}/holders/{name}/dm/name"));
                Value::from(mapped.unwrap_or(name))
            },
        ),
    )
}

/// The last PCI address on the way to a device: domain, bus, slot, function.
fn pci_address(target: &str) -> Option<&str> {
    let is_address = |part: &&str| {
        matches!(part.as_bytes(), [d0, d1, d2, d3, b':', b0, b1, b':', b'0' | b'1', s1, b'.', b'0'..=b'7']
            if [d0, d1, d2, d3, b0, b1, s1].iter().all(|byte| byte.is_ascii_hexdigit()))
    };
    target.split('/').rev().skip(1).find(is_address)
}

fn serial_number(text: &str) -> Option<String> {
    let line = text.lines().find_map(|line| {
        line.split_once("Unit serial number:")
            .or_else(|| line.split_once("Serial number:"))
            .map(|(_, rest)| rest)
    })?;
    line.split_whitespace().next().map(str::to_owned)
}

/// Ansible's `bytes_to_human`.
fn human_size(bytes: i64) -> String {
    let units = [
        (1i64 << 60, "EB"),
        (1 << 50, "PB"),
        (1 << 40, "TB"),
        (1 << 30, "GB"),
        (1 << 20, "MB"),
        (1 << 10, "KB"),
    ];
    match units.iter().find(|(limit, _)| bytes >= *limit) {
        Some((limit, unit)) => format!("{:.2} {unit}", bytes as f64 / *limit as f64),
        None => format!("{:.2} Bytes", bytes as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::facts::tests::machine;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_disk_with_a_partition() {
        let disk = "sys/devices/pci0000:00/0000:00:1f.2/ata1/block/sda";
        let file = |name: &str| format!("{disk}/{name}");
        let machine = machine(&[
            (&file("size"), "2097152"),
            (&file("removable"), "0"),
            (&file("device/vendor"), "ATA     "),
            (&file("queue/logical_block_size"), "4096"),
            (&file("queue/scheduler"), "none [mq-deadline] bfq"),
            (&file("queue/rotational"), "1"),
            (&file("queue/discard_granularity"), "512"),
            (&file("queue/discard_max_hw_bytes"), "0"),
            (&file("sda1/start"), "2048"),
            (&file("sda1/size"), "1024000"),
            (&file("sda1/holders/dm-0/dm/name"), "vg-root"),
            (&file("sdax/start"), "1"),
            ("sys/block/.keep", ""),
            ("dev/disk/by-uuid/.keep", ""),
            ("dev/disk/by-id/.keep", ""),
        ]);
        let link = |target: &str, path: &str| symlink(target, machine.system.path(path)).unwrap();
        link("../devices/pci0000:00/0000:00:1f.2/ata1/block/sda", "/sys/block/sda");
        link("../../sda1", "/dev/disk/by-uuid/1234-ABCD");
        link("../../sda", "/dev/disk/by-id/wwn-0x5000");
        let facts = facts(&machine.system);
        let sda = facts.get("devices").unwrap().get("sda").unwrap();
        let get = |name: &str| sda.get(name).unwrap().to_text();
        assert_eq!((get("sectors").as_str(), get("size").as_str()), ("262144", "1.00 GB"));
        assert_eq!((get("scheduler_mode").as_str(), get("support_discard").as_str()), ("mq-deadline", "0"));
        assert_eq!(
            (get("vendor").as_str(), get("model").as_str(), get("wwn").as_str()),
            ("ATA", "None", "0x5000")
        );
        assert_eq!(
            sda.get("partitions").unwrap().to_text(),
            "{'sda1': {'links': {'ids': [], 'uuids': ['1234-ABCD'], 'labels': [], 'masters': []}, 'start': '2048', \
             'sectorsize': 512, 'sectors': 1024000, 'size': '500.00 MB', 'uuid': '1234-ABCD', 'holders': ['vg-root']}}"
        );
        assert_eq!(
            facts.get("device_links").unwrap().to_text(),
            "{'ids': {'sda': ['wwn-0x5000']}, 'uuids': {'sda1': ['1234-ABCD']}, 'labels': {}, 'masters': {}}"
        );
    }

    #[test]
    fn addresses_sizes_and_serials() {
        assert_eq!(pci_address("../devices/pci0000:00/0000:00:1f.2/ata1/block/sda"), Some("0000:00:1f.2"));
        assert_eq!(pci_address("../devices/virtual/block/loop0"), None);
        assert_eq!(human_size(0), "0.00 Bytes");
        assert_eq!(human_size(274_877_906_944), "256.00 GB");
        assert!(is_partition("nvme0n1", "nvme0n1p2") && !is_partition("sda", "sdap"));
        assert_eq!(serial_number("  Unit serial number: S3Z9 x\n").as_deref(), Some("S3Z9"));
    }
}
