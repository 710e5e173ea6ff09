//! Which collectors a `gather_subset` selects, as `ansible.builtin.setup` selects them.

use std::collections::BTreeSet;

/// One of Ansible's fact collectors on Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Collector {
    /// Kernel, architecture, names, machine id.
    Platform,
    /// The distribution and its family.
    Distribution,
    /// Linux Standard Base.
    Lsb,
    /// SELinux.
    Selinux,
    /// AppArmor.
    Apparmor,
    /// Whether this is a chroot.
    Chroot,
    /// FIPS mode.
    Fips,
    /// The Python interpreter.
    Python,
    /// Capabilities of the process.
    Caps,
    /// The package manager.
    PkgMgr,
    /// The init system.
    ServiceMgr,
    /// The kernel's command line.
    Cmdline,
    /// Date, time and time zone.
    DateTime,
    /// The environment.
    Env,
    /// Load averages.
    LoadAvg,
    /// SSH host keys.
    SshPubKeys,
    /// The user.
    User,
    /// systemd's version and features.
    Systemd,
    /// Virtualisation.
    Virtual,
    /// Processors, memory, DMI, devices, mounts, LVM.
    Hardware,
    /// The resolver's configuration.
    Dns,
    /// Fibre channel ports.
    FibreChannel,
    /// Interfaces, addresses, default routes.
    Network,
    /// The iSCSI initiator.
    Iscsi,
    /// The NVMe host.
    Nvme,
    /// Local facts.
    Local,
    /// Puppet's facter.
    Facter,
    /// Chef's ohai.
    Ohai,
}

/// A collector, its name, and the further names that select it.
type Entry = (Collector, &'static str, &'static [&'static str]);

const COLLECTORS: &[Entry] = &[
    (
        Collector::Platform,
        "platform",
        &["system", "kernel", "kernel_version", "machine", "python_version", "architecture", "machine_id"],
    ),
    (
        Collector::Distribution,
        "distribution",
        &["distribution_version", "distribution_release", "distribution_major_version", "os_family"],
    ),
    (Collector::Lsb, "lsb", &[]),
    (Collector::Selinux, "selinux", &[]),
    (Collector::Apparmor, "apparmor", &[]),
    (Collector::Chroot, "chroot", &["is_chroot"]),
    (Collector::Fips, "fips", &[]),
    (Collector::Python, "python", &[]),
    (Collector::Caps, "caps", &["system_capabilities", "system_capabilities_enforced"]),
    (Collector::PkgMgr, "pkg_mgr", &[]),
    (Collector::ServiceMgr, "service_mgr", &[]),
    (Collector::Cmdline, "cmdline", &[]),
    (Collector::DateTime, "date_time", &[]),
    (Collector::Env, "env", &[]),
    (Collector::LoadAvg, "loadavg", &[]),
    (
        Collector::SshPubKeys,
        "ssh_pub_keys",
        &[
            "ssh_host_pub_keys",
            "ssh_host_key_dsa_public",
            "ssh_host_key_rsa_public",
            "ssh_host_key_ecdsa_public",
            "ssh_host_key_ed25519_public",
        ],
    ),
    (
        Collector::User,
        "user",
        &[
            "user_id",
            "user_uid",
            "user_gid",
            "user_gecos",
            "user_dir",
            "user_shell",
            "real_user_id",
            "effective_user_id",
            "effective_group_ids",
        ],
    ),
    (Collector::Systemd, "systemd", &[]),
    (
        Collector::Virtual,
        "virtual",
        &[
            "virtualization_type",
            "virtualization_role",
            "virtualization_tech_guest",
            "virtualization_tech_host",
        ],
    ),
    (
        Collector::Hardware,
        "hardware",
        &["processor", "processor_cores", "processor_count", "mounts", "devices"],
    ),
    (Collector::Dns, "dns", &[]),
    (Collector::FibreChannel, "fibre_channel_wwn", &[]),
    (
        Collector::Network,
        "network",
        &["interfaces", "default_ipv4", "default_ipv6", "all_ipv4_addresses", "all_ipv6_addresses"],
    ),
    (Collector::Iscsi, "iscsi", &[]),
    (Collector::Nvme, "nvme", &[]),
    (Collector::Local, "local", &[]),
    (Collector::Facter, "facter", &[]),
    (Collector::Ohai, "ohai", &[]),
];

/// What is gathered unless `!min` is given.
const MINIMAL: &[&str] = &[
    "apparmor",
    "caps",
    "cmdline",
    "date_time",
    "distribution",
    "dns",
    "env",
    "fips",
    "local",
    "lsb",
    "pkg_mgr",
    "platform",
    "python",
    "selinux",
    "service_mgr",
    "ssh_pub_keys",
    "user",
];

/// The collectors that a `gather_subset` selects, with those that they rest on.
pub(super) fn select(subset: &[String]) -> Result<BTreeSet<Collector>, String> {
    let valid: BTreeSet<&str> = COLLECTORS
        .iter()
        .flat_map(|(_, name, others)| std::iter::once(*name).chain(others.iter().copied()))
        .collect();
    let minimal: BTreeSet<&str> = MINIMAL.iter().copied().collect();
    let mut added = minimal.clone();
    let mut excluded = BTreeSet::new();
    let mut explicit = BTreeSet::new();

    let everything = ["all".to_owned()];
    for item in if subset.is_empty() { &everything } else { subset } {
        match (item.as_str(), item.strip_prefix('!')) {
            ("min", _) => added.extend(&minimal),
            ("all", _) => added.extend(&valid),
            (_, Some("min")) => excluded.extend(&minimal),
            (_, Some("all")) => excluded.extend(valid.difference(&minimal)),
            (_, Some(name)) => {
                // to exclude what is not known is no error in Ansible
                excluded.insert(name);
                excluded.extend(COLLECTORS.iter().filter(|entry| entry.1 == name).flat_map(|entry| entry.2));
            }
            (name, None) if valid.contains(name) => {
                explicit.insert(name);
                added.insert(name);
            }
            (name, None) => {
                let names: Vec<&str> = valid.into_iter().collect();
                return Err(format!(
                    "Bad subset '{name}' given to Ansible. gather_subset options allowed: all, {}",
                    names.join(", ")
                ));
            }
        }
    }
    added.retain(|name| !excluded.contains(name) || explicit.contains(name));

    let mut selected: BTreeSet<Collector> = COLLECTORS
        .iter()
        .filter(|(_, name, others)| added.contains(name) || others.iter().any(|other| added.contains(other)))
        .map(|(collector, ..)| *collector)
        .collect();
    let has = |collector| selected.contains(&collector);
    let platform = has(Collector::ServiceMgr) || has(Collector::Hardware) || has(Collector::Network);
    let distribution = has(Collector::ServiceMgr) || has(Collector::PkgMgr) || has(Collector::Network);
    selected.extend(platform.then_some(Collector::Platform));
    selected.extend(distribution.then_some(Collector::Distribution));
    Ok(selected)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(subset: &[&str]) -> BTreeSet<Collector> {
        select(&subset.iter().map(|&name| name.to_owned()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn all_is_everything_and_the_default() {
        assert_eq!(selected(&["all"]).len(), COLLECTORS.len());
        assert_eq!(selected(&[]), selected(&["all"]));
    }

    #[test]
    fn not_all_leaves_the_minimum() {
        let minimum = selected(&["!all"]);
        assert_eq!(minimum, selected(&["min"]));
        assert_eq!(minimum.len(), MINIMAL.len());
        assert!(!minimum.contains(&Collector::Hardware));
    }

    #[test]
    fn single_collectors_bring_what_they_rest_on() {
        assert_eq!(selected(&["!all", "!min"]), BTreeSet::new());
        assert_eq!(selected(&["!all", "!min", "distribution"]), [Collector::Distribution].into());
        assert_eq!(
            selected(&["!all", "!min", "pkg_mgr"]),
            [Collector::Distribution, Collector::PkgMgr].into()
        );
        assert_eq!(selected(&["!all", "!min", "mounts"]), [Collector::Platform, Collector::Hardware].into());
    }

    #[test]
    fn a_name_given_explicitly_survives_its_exclusion() {
        assert!(selected(&["all", "!hardware"]).iter().all(|collector| *collector != Collector::Hardware));
        assert!(selected(&["all", "hardware", "!hardware"]).contains(&Collector::Hardware));
        // one name of a collector excluded leaves it selected by its others
        assert!(selected(&["all", "!mounts"]).contains(&Collector::Hardware));
        assert!(selected(&["all", "!nonsense"]).contains(&Collector::Hardware));
    }

    #[test]
    fn an_unknown_subset_is_refused_in_ansibles_words() {
        let message = select(&["bogus".to_owned()]).unwrap_err();
        assert!(message.starts_with(
            "Bad subset 'bogus' given to Ansible. gather_subset options allowed: all, all_ipv4_addresses, "
        ));
        assert!(message.ends_with("virtualization_tech_host, virtualization_type"), "{message}");
    }
}
