//! LVM's volume groups, logical and physical volumes.

use std::os::unix::fs::FileTypeExt;
use std::path::PathBuf;

use crate::base::{Key, Map, Value};
use crate::map;

use super::System;

/// `lvm`: `N/A` without the tools or without root, as in Ansible.
pub(super) fn facts(system: &System) -> Map {
    let tool = |name: &str| system.program(name);
    let (Some(vgs), true) = (tool("vgs"), rustix::process::getuid().is_root()) else {
        return map! {"lvm" => "N/A"};
    };
    if !may_have_volumes(system) {
        return map! {"lvm" => map! {"lvs" => Map::new(), "vgs" => Map::new(), "pvs" => Map::new()}};
    }
    std::thread::scope(|scope| {
        let lvs = scope.spawn(|| report(system, tool("lvs")));
        let pvs = scope.spawn(|| report(system, tool("pvs")));
        let vgs = groups(&report(system, Some(vgs)));
        let lvs = volumes(&lvs.join().unwrap_or_default());
        let pvs = physical(system, &pvs.join().unwrap_or_default());
        map! {"lvm" => map! {"lvs" => lvs, "vgs" => vgs, "pvs" => pvs}}
    })
}

/// Whether a block device may be a physical volume: as udev's database tells; where there is none (containers),
/// whether there is any device that LVM could look at.
fn may_have_volumes(system: &System) -> bool {
    let records: Vec<String> =
        system.names("/run/udev/data").into_iter().filter(|name| name.starts_with('b')).collect();
    if records.is_empty() {
        return has_block_devices(system);
    }
    records.iter().any(|name| {
        let record = system.text(format!("/run/udev/data/{name}")).unwrap_or_default();
        record.contains("ID_FS_TYPE=LVM2_member") || record.contains("DM_UUID=LVM-")
    })
}

fn has_block_devices(system: &System) -> bool {
    ["/dev", "/dev/mapper"].iter().any(|directory| {
        std::fs::read_dir(system.path(directory)).is_ok_and(|entries| {
            entries.flatten().any(|entry| entry.file_type().is_ok_and(|kind| kind.is_block_device()))
        })
    })
}

/// A tool's rows, split at commas.
fn report(system: &System, program: Option<PathBuf>) -> Vec<Vec<String>> {
    let arguments = ["--noheadings", "--nosuffix", "--units", "g", "--separator", ","];
    let text = program.and_then(|program| system.run(&program, &arguments)).map(|answer| answer.text());
    text.unwrap_or_default()
        .lines()
        .map(|line| line.trim().split(',').map(str::to_owned).collect())
        .filter(|row: &Vec<String>| row.len() > 1)
        .collect()
}

fn field(row: &[String], index: usize) -> Value {
    row.get(index).map_or(Value::Null, Value::str)
}

fn name(row: &[String]) -> Key {
    Key::str(row.first().map_or("", String::as_str))
}

/// VG, #PV, #LV, #SN, Attr, VSize, VFree.
fn groups(rows: &[Vec<String>]) -> Map {
    let value = |row: &Vec<String>| {
        Value::map(map! {
            "size_g" => field(row, row.len().saturating_sub(2)),
            "free_g" => field(row, row.len().saturating_sub(1)),
            "num_lvs" => field(row, 2),
            "num_pvs" => field(row, 1),
        })
    };
    rows.iter().map(|row| (name(row), value(row))).collect()
}

/// LV, VG, Attr, LSize …
fn volumes(rows: &[Vec<String>]) -> Map {
    rows.iter()
        .map(|row| (name(row), Value::map(map! {"size_g" => field(row, 3), "vg" => field(row, 1)})))
        .collect()
}

/// PV, VG, Fmt, Attr, PSize, PFree.
fn physical(system: &System, rows: &[Vec<String>]) -> Map {
    rows.iter()
        .map(|row| {
            let device = row.first().map_or("", String::as_str);
            // a device mapper's volume goes by its name
            let mapped = device
                .strip_prefix("/dev/")
                .filter(|block| block.starts_with("dm-"))
                .and_then(|block| system.text(format!("/sys/block/{block}/dm/name")))
                .map(|name| format!("/dev/mapper/{name}"));
            let value = map! {"size_g" => field(row, 4), "free_g" => field(row, 5), "vg" => field(row, 1)};
            (Key::from(mapped.unwrap_or_else(|| device.to_owned())), Value::map(value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::facts::tests::machine;

    #[test]
    fn rows_become_facts() {
        let rows = |text: &str| vec![text.split(',').map(str::to_owned).collect::<Vec<_>>()];
        assert_eq!(
            Value::map(groups(&rows("vg0,1,2,0,wz--n-,99.50,10.25"))).to_text(),
            "{'vg0': {'size_g': '99.50', 'free_g': '10.25', 'num_lvs': '2', 'num_pvs': '1'}}"
        );
        assert_eq!(
            Value::map(volumes(&rows("root,vg0,-wi-ao----,20.00,,,,,,,,"))).to_text(),
            "{'root': {'size_g': '20.00', 'vg': 'vg0'}}"
        );
        let machine = machine(&[("sys/block/dm-3/dm/name", "crypt\n")]);
        assert_eq!(
            Value::map(physical(&machine.system, &rows("/dev/dm-3,vg0,lvm2,a--,99.50,10.25"))).to_text(),
            "{'/dev/mapper/crypt': {'size_g': '99.50', 'free_g': '10.25', 'vg': 'vg0'}}"
        );
    }

    #[test]
    fn udev_tells_whether_lvm_need_be_asked() {
        assert!(!may_have_volumes(&machine(&[]).system));
        assert!(!may_have_volumes(&machine(&[("run/udev/data/b8:1", "E:ID_FS_TYPE=ext4\n")]).system));
        assert!(may_have_volumes(&machine(&[("run/udev/data/b8:2", "E:ID_FS_TYPE=LVM2_member\n")]).system));
    }
}
