//! Which virtualisation this is a guest or a host of, found in Ansible's order: the first find is the type and
//! the role, all finds are in the lists.

use std::collections::BTreeSet;

use crate::base::{Map, Value};
use crate::map;

use super::system::System;

/// `virtualization_type`, `_role`, `_tech_guest`, `_tech_host`.
pub(super) fn facts(system: &System) -> Map {
    let mut search = Search::default();
    search.containers(system);
    search.xen(system);
    search.firmware(system);
    search.processors(system);
    search.kernel_modules(system);
    if system.text(DMI_PRODUCT).is_some_and(|name| name.contains("BHYVE")) {
        search.guest("bhyve");
    }
    if system.exists("/dev/kvm") {
        search.host("kvm");
    }
    search.facts()
}

const DMI_PRODUCT: &str = "/sys/devices/virtual/dmi/id/product_name";

/// What has been found so far.
#[derive(Default)]
struct Search {
    /// The first find: type and role. Once it is there it stays.
    first: Option<(String, &'static str)>,
    guest: BTreeSet<String>,
    host: BTreeSet<String>,
}

impl Search {
    fn guest(&mut self, technology: &str) {
        self.guest.insert(technology.to_owned());
        self.settle(technology, "guest");
    }

    fn host(&mut self, technology: &str) {
        self.host.insert(technology.to_owned());
        self.settle(technology, "host");
    }

    fn settle(&mut self, kind: &str, role: &'static str) {
        self.first.get_or_insert_with(|| (kind.to_owned(), role));
    }

    fn facts(self) -> Map {
        let Self { first, guest, host } = self;
        let (kind, role) = first.unwrap_or_else(|| ("NA".to_owned(), "NA"));
        map! {
            "virtualization_type" => kind,
            "virtualization_role" => role,
            "virtualization_tech_guest" => Value::list(guest.iter().map(Value::str)),
            "virtualization_tech_host" => Value::list(host.iter().map(Value::str)),
        }
    }

    fn containers(&mut self, system: &System) {
        for line in system.lines("/proc/1/cgroup") {
            if names_docker(&line) {
                self.guest("docker");
            }
            if line.contains("/lxc/") || line.contains("/machine.slice/machine-lxc") {
                self.guest("lxc");
            }
            if line.contains("/system.slice/containerd.service") {
                self.guest("containerd");
            }
        }
        // only root may read it
        for variable in system.text("/proc/1/environ").unwrap_or_default().split('\0') {
            for name in ["lxc", "podman"] {
                if variable.contains(&format!("container={name}")) {
                    self.guest(name);
                }
            }
            if variable.strip_prefix("container=").is_some_and(|name| !name.is_empty()) {
                self.guest("container");
            }
        }
        if system.exists("/proc/vz") && !system.exists("/proc/lve") {
            let is_host = system.exists("/proc/bc");
            if is_host {
                self.host("openvz");
            } else {
                self.guest("openvz");
            }
            // here the type is set even if there was one
            if let Some((kind, _)) = &mut self.first {
                "openvz".clone_into(kind);
            }
        }
        let systemd = system.text("/run/systemd/container");
        if let Some(name) = &systemd {
            self.guest(name);
        }
        if system.exists("/.dockerenv") || system.exists("/.dockerinit") {
            self.guest("docker");
        }
        let names = ["docker", "lxc", "podman", "openvz", "containerd"];
        if systemd.is_some() || names.iter().any(|name| self.guest.contains(*name)) {
            self.guest.insert("container".to_owned());
        }
    }

    fn xen(&mut self, system: &System) {
        if !system.exists("/proc/xen") {
            return;
        }
        if system.lines("/proc/xen/capabilities").iter().any(|line| line.contains("control_d")) {
            self.host("xen");
        } else {
            self.settle("xen", "guest");
        }
    }

    fn firmware(&mut self, system: &System) {
        let field =
            |name: &str| system.text(format!("/sys/devices/virtual/dmi/id/{name}")).unwrap_or_default();
        let (product, vendor, family) = (field("product_name"), field("sys_vendor"), field("product_family"));
        let bios = field("bios_vendor");
        let (product, vendor, bios) = (product.as_str(), vendor.as_str(), bios.as_str());
        let is_kvm = ["KVM", "KVM Server", "Bochs", "AHV", "CloudStack KVM Hypervisor"].contains(&product);
        let red_hat = vendor == "Red Hat";
        let finds = [
            (is_kvm, "kvm"),
            (vendor == "oVirt", "oVirt"),
            (red_hat && family == "RHV", "RHV"),
            (red_hat && family != "RHV" && product == "RHEV Hypervisor", "RHEV"),
            (product.starts_with("VMware"), "VMware"),
            (["OpenStack Compute", "OpenStack Nova"].contains(&product), "openstack"),
            (bios == "Xen", "xen"),
            (bios == "innotek GmbH", "virtualbox"),
            (["Amazon EC2", "DigitalOcean", "Hetzner", "Linode"].contains(&bios), "kvm"),
            (
                ["QEMU", "Amazon EC2", "DigitalOcean", "Google", "Scaleway", "Nutanix"].contains(&vendor),
                "kvm",
            ),
            (vendor == "KubeVirt", "KubeVirt"),
            // also Hyper-V, as in Ansible
            (vendor == "Microsoft Corporation", "VirtualPC"),
            (vendor == "Parallels Software International Inc.", "parallels"),
            (vendor == "OpenStack Foundation", "openstack"),
        ];
        for (_, technology) in finds.into_iter().filter(|(is_found, _)| *is_found) {
            self.guest(technology);
        }
    }

    fn processors(&mut self, system: &System) {
        for line in system.lines("/proc/self/status") {
            if let Some(context) = line.strip_prefix("VxID:").map(str::trim) {
                if context.starts_with('0') {
                    self.host("linux_vserver");
                } else {
                    self.guest("linux_vserver");
                }
            }
        }
        for line in system.lines("/proc/cpuinfo") {
            let says = |key: &str, text: &str| line.starts_with(key) && line.contains(text);
            if says("model name", "QEMU Virtual CPU")
                || says("machine", "CHRP IBM pSeries (emulated by qemu)")
            {
                self.guest("kvm");
            } else if says("vendor_id", "User Mode Linux") || says("model name", "UML") {
                self.guest("uml");
            } else if says("vendor_id", "PowerVM Lx86") {
                self.guest("powervm_lx86");
            } else if says("vendor_id", "IBM/S390") {
                self.ibm_z(system);
            }
        }
    }

    /// A partition of an IBM Z machine, and the hypervisor in it that lscpu tells, if any.
    fn ibm_z(&mut self, system: &System) {
        self.guest.insert("PR/SM".to_owned());
        let lscpu = system.program("lscpu").and_then(|program| system.run(&program, &[]));
        let output = lscpu.map(|answer| answer.text()).unwrap_or_default();
        let hypervisor = output.lines().find_map(|line| line.strip_prefix("Hypervisor:")).map(str::trim);
        match hypervisor {
            Some(name) => self.guest(name),
            None => self.settle("PR/SM", "LPAR"),
        }
    }

    fn kernel_modules(&mut self, system: &System) {
        let lines = system.lines("/proc/modules");
        let has = |name: &str| lines.iter().any(|line| line.split(' ').next() == Some(name));
        if has("kvm") {
            if system.is_dir("/rhev/") && runs_vdsm(system) {
                self.host.insert("RHEV".to_owned());
                self.settle("RHEV", "host");
            }
            self.host("kvm");
        }
        if has("vboxdrv") {
            self.host("virtualbox");
        }
        if has("virtio") {
            self.host.insert("kvm".to_owned());
            self.settle("kvm", "guest");
        }
    }
}

/// `/docker/…` or `/docker-<id>.scope`.
fn names_docker(line: &str) -> bool {
    line.split("/docker").skip(1).any(|rest| {
        rest.starts_with('/')
            || rest
                .strip_prefix('-')
                .and_then(|rest| rest.split_once(".scope"))
                .is_some_and(|(id, _)| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
    })
}

fn runs_vdsm(system: &System) -> bool {
    system.names("/proc").iter().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())).any(
        |process| matches!(system.text(format!("/proc/{process}/comm")).as_deref(), Some("vdsm" | "vdsmd")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::facts::tests::machine;

    fn found(files: &[(&str, &str)]) -> String {
        let facts = facts(&machine(files).system);
        let get = |name: &str| facts.get(format!("virtualization_{name}").as_str()).unwrap().to_text();
        format!("{} {} {} {}", get("type"), get("role"), get("tech_guest"), get("tech_host"))
    }

    #[test]
    fn containers() {
        assert_eq!(
            found(&[("proc/1/cgroup", "0::/system.slice/docker-0af3.scope\n")]),
            "docker guest ['container', 'docker'] []"
        );
        assert_eq!(
            found(&[
                ("proc/1/environ", "A=b\0container=systemd-nspawn\0"),
                ("run/systemd/container", "systemd-nspawn")
            ]),
            "container guest ['container', 'systemd-nspawn'] []"
        );
        assert_eq!(
            found(&[("proc/1/environ", "container=podman\0"), ("dev/kvm", "")]),
            "podman guest ['container', 'podman'] ['kvm']"
        );
        assert_eq!(found(&[(".dockerenv", "")]), "docker guest ['container', 'docker'] []");
        assert_eq!(found(&[("proc/1/cgroup", "1:cpu:/lxc/web\n")]), "lxc guest ['container', 'lxc'] []");
        assert_eq!(found(&[("proc/vz/x", "")]), "openvz guest ['container', 'openvz'] []");
    }

    #[test]
    fn machines() {
        let dmi = |name: &str| format!("sys/devices/virtual/dmi/id/{name}");
        assert_eq!(found(&[(&dmi("sys_vendor"), "QEMU\n")]), "kvm guest ['kvm'] []");
        assert_eq!(
            found(&[(&dmi("product_name"), "VMware7,1\n"), ("proc/modules", "kvm 1 0 -\n")]),
            "VMware guest ['VMware'] ['kvm']"
        );
        assert_eq!(found(&[("proc/modules", "kvm_intel 1\nkvm 1 0 -\n")]), "kvm host [] ['kvm']");
        assert_eq!(found(&[("proc/modules", "virtio 1\n")]), "kvm guest [] ['kvm']");
        assert_eq!(found(&[("proc/xen/capabilities", "control_d\n")]), "xen host [] ['xen']");
        assert_eq!(found(&[("proc/xen/capabilities", "")]), "xen guest [] []");
        assert_eq!(found(&[("proc/cpuinfo", "model name : QEMU Virtual CPU 2.5\n")]), "kvm guest ['kvm'] []");
        assert_eq!(found(&[]), "NA NA [] []");
    }
}
