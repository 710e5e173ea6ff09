//! What lspci says about the controller of a block device, from sysfs and the list of PCI ids.

use super::System;

/// The text after the address in a line of `lspci -D`: class, vendor, device, revision. Nothing if lspci is not
/// installed, since Ansible knows nothing then.
pub(super) fn describe(system: &System, address: &str) -> Option<String> {
    system.program("lspci")?;
    let id = |name: &str| {
        let text = system.text(format!("/sys/bus/pci/devices/{address}/{name}"))?;
        u32::from_str_radix(text.trim_start_matches("0x"), 16).ok()
    };
    let ids = ["/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids", "/usr/share/pci.ids"]
        .iter()
        .find_map(|path| system.text(path))
        .unwrap_or_default();
    Some(line(&ids, id("class")? >> 8, id("vendor")?, id("device")?, id("revision").unwrap_or(0)))
}

fn line(ids: &str, class: u32, vendor: u32, device: u32, revision: u32) -> String {
    let (base, sub) = (class >> 8, class & 0xff);
    let class_name = match lookup(ids, &format!("C {base:02x}  "), &format!("\t{sub:02x}  ")) {
        (_, Some(name)) => name.to_owned(),
        (Some(name), None) => format!("{name} [{class:04x}]"),
        (None, None) => format!("Class {class:04x}"),
    };
    let device_name = match lookup(ids, &format!("{vendor:04x}  "), &format!("\t{device:04x}  ")) {
        (Some(vendor), Some(device)) => format!("{vendor} {device}"),
        (Some(vendor), None) => format!("{vendor} Device {device:04x}"),
        (None, _) => format!("Device {vendor:04x}:{device:04x}"),
    };
    let revision = if revision == 0 { String::new() } else { format!(" (rev {revision:02x})") };
    format!("{class_name}: {device_name}{revision}")
}

/// The name of the entry with that prefix, and that of the entry below it.
fn lookup<'a>(ids: &'a str, outer: &str, inner: &str) -> (Option<&'a str>, Option<&'a str>) {
    let mut lines = ids.lines().skip_while(|line| !line.starts_with(outer));
    let name = lines.next().and_then(|line| line.strip_prefix(outer)).map(str::trim);
    let below = lines
        .take_while(|line| line.starts_with(['\t', '#']) || line.is_empty())
        .find_map(|line| line.strip_prefix(inner))
        .map(str::trim);
    (name, below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_lspcis() {
        let ids = "# list\n1af4  Red Hat, Inc.\n\t1001  Virtio block device\n\t\t1af4 0002  sub\n8086  Intel Corporation\n\
                   \t2922  82801IR SATA\nC 01  Mass storage controller\n\t00  SCSI storage controller\n\t06  SATA controller\n";
        assert_eq!(
            line(ids, 0x0100, 0x1af4, 0x1001, 0),
            "SCSI storage controller: Red Hat, Inc. Virtio block device"
        );
        assert_eq!(
            line(ids, 0x0106, 0x8086, 0x2922, 2),
            "SATA controller: Intel Corporation 82801IR SATA (rev 02)"
        );
        assert_eq!(line(ids, 0x0106, 0x8086, 0x9999, 0), "SATA controller: Intel Corporation Device 9999");
        assert_eq!(line("", 0x0106, 0x8086, 0x9999, 0), "Class 0106: Device 8086:9999");
    }
}
