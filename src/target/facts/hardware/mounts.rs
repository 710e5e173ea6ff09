//! Mounted file systems.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::sync::mpsc;
use std::thread;

use crate::base::{Key, Map, Value};
use crate::map;

use super::System;

/// One line of mtab.
#[derive(Clone, Debug, PartialEq)]
struct Mount {
    device: String,
    point: String,
    kind: String,
    options: String,
    dump: i64,
    pass: i64,
}

/// `mounts`: what lies on a device or comes over a network.
pub(super) fn facts(system: &System) -> Map {
    let table = if system.exists("/etc/mtab") { "/etc/mtab" } else { "/proc/mounts" };
    let bound = bind_mounts(&system.text("/proc/self/mountinfo").unwrap_or_default());
    let mounts = parse(&system.text(table).unwrap_or_default(), &bound);
    let uuids = uuids(system);
    map! {"mounts" => Value::list(mounts.into_iter().map(|mount| describe(system, mount, &uuids)))}
}

/// The mounts that Ansible lists; a later one at the same place replaces the earlier.
fn parse(table: &str, bound: &[String]) -> Vec<Mount> {
    let mut mounts: Vec<Mount> = Vec::new();
    for line in table.lines() {
        let mut fields = line.split_ascii_whitespace().map(unescape);
        let (Some(device), Some(point), Some(kind), Some(mut options)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let mut number = || fields.next().and_then(|field| field.parse().ok()).unwrap_or(0);
        let (dump, pass) = (number(), number());
        if !device.starts_with(['/', '\\']) && !device.contains(":/") || kind == "none" {
            continue;
        }
        if bound.contains(&point) {
            options.push_str(",bind");
        }
        let mount = Mount { device, point, kind, options, dump, pass };
        match mounts.iter_mut().find(|known| known.point == mount.point) {
            Some(known) => *known = mount,
            None => mounts.push(mount),
        }
    }
    mounts
}

/// The mount points that show a directory of a file system and not its root, as findmnt tells.
fn bind_mounts(mountinfo: &str) -> Vec<String> {
    mountinfo
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(3);
            let (root, point) = (fields.next()?, fields.next()?);
            (root != "/").then(|| unescape(point))
        })
        .collect()
}

/// Takes off the octal escapes of mtab.
fn unescape(field: &str) -> String {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if let (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..]) = (first, after) {
            bytes.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
            rest = tail;
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn describe(system: &System, mount: Mount, uuids: &HashMap<(u32, u32), String>) -> Value {
    let size = size(system, &mount);
    let Mount { device, point, kind, options, dump, pass } = mount;
    let mut facts = map! {
        "mount" => point,
        "device" => device.as_str(),
        "fstype" => kind,
        "options" => options,
        "dump" => dump,
        "passno" => pass,
    };
    match size {
        Ok(size) => {
            let number = std::fs::metadata(system.path(&device)).map(|meta| device_number(meta.rdev())).ok();
            let uuid = number.and_then(|number| uuids.get(&number)).map_or("N/A", String::as_str);
            facts.extend(size);
            facts.insert(Key::str("uuid"), Value::str(uuid));
        }
        Err(note) => {
            facts.insert(Key::str("note"), Value::str(note));
        }
    }
    Value::map(facts)
}

/// Its sizes. A file system behind a network or a daemon is asked in a thread of its own, left behind if it hangs.
fn size(system: &System, mount: &Mount) -> Result<Map, &'static str> {
    const LOCAL: &[&str] =
        &["ext2", "ext3", "ext4", "xfs", "btrfs", "vfat", "tmpfs", "squashfs", "overlay", "f2fs"];
    let path = system.path(&mount.point);
    if LOCAL.contains(&mount.kind.as_str()) {
        return Ok(statvfs(&path));
    }
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(statvfs(&path)));
    receiver.recv_timeout(system.timeout).map_err(|_| "Could not get extra information due to timeout")
}

fn statvfs(path: &std::path::Path) -> Map {
    let Ok(info) = rustix::fs::statvfs(path) else { return Map::new() };
    map! {
        "size_total" => info.f_frsize * info.f_blocks,
        "size_available" => info.f_frsize * info.f_bavail,
        "block_size" => info.f_bsize,
        "block_total" => info.f_blocks,
        "block_available" => info.f_bavail,
        "block_used" => info.f_blocks.saturating_sub(info.f_bavail),
        "inode_total" => info.f_files,
        "inode_available" => info.f_favail,
        "inode_used" => info.f_files.saturating_sub(info.f_favail),
    }
}

fn device_number(device: u64) -> (u32, u32) {
    (rustix::fs::major(device), rustix::fs::minor(device))
}

/// The file systems' UUIDs by device number: from udev's database, which lsblk reads too, else from its links.
fn uuids(system: &System) -> HashMap<(u32, u32), String> {
    let from_links = system.names("/dev/disk/by-uuid").into_iter().filter_map(|uuid| {
        let device = std::fs::metadata(system.path(format!("/dev/disk/by-uuid/{uuid}"))).ok()?;
        Some((device_number(device.rdev()), uuid))
    });
    let mut uuids: HashMap<_, _> = from_links.collect();
    for name in system.names("/run/udev/data") {
        let Some((major, minor)) = name.strip_prefix('b').and_then(|number| number.split_once(':')) else {
            continue;
        };
        let (Ok(major), Ok(minor)) = (major.parse(), minor.parse()) else { continue };
        let record = system.text(format!("/run/udev/data/{name}")).unwrap_or_default();
        if let Some(uuid) = record.lines().find_map(|line| line.strip_prefix("E:ID_FS_UUID=")) {
            uuids.insert((major, minor), uuid.to_owned());
        }
    }
    uuids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_devices_and_networks_are_listed() {
        let table = "proc /proc proc rw 0 0\n/dev/sda1 / ext4 rw,relatime 0 1\nnas:/export /mnt/a\\040b nfs4 rw 0 0\n\
                     overlay /x overlay rw 0 0\n/dev/sda1 /srv ext4 rw 0 0\n/dev/sdb1 /srv xfs ro 0 0\nbroken line\n";
        let mountinfo = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 22 8:1 /var/a\\040b /mnt/a\\040b rw - ext4 /dev/sda1 rw\n";
        let bound = bind_mounts(mountinfo);
        assert_eq!(bound, ["/mnt/a b"]);
        let mounts = parse(table, &bound);
        let shown: Vec<_> =
            mounts.iter().map(|mount| (mount.device.as_str(), mount.point.as_str())).collect();
        assert_eq!(shown, [("/dev/sda1", "/"), ("nas:/export", "/mnt/a b"), ("/dev/sdb1", "/srv")]);
        assert_eq!((mounts[0].dump, mounts[0].pass, mounts[1].options.as_str()), (0, 1, "rw,bind"));
    }

    #[test]
    fn octal_escapes_are_bytes() {
        assert_eq!(unescape("a\\040b\\134c\\303\\244\\9"), "a b\\cä\\9");
    }
}
