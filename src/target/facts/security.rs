//! SELinux, AppArmor, FIPS, chroot and SSH host keys.

use std::os::unix::fs::MetadataExt;

use crate::base::{Key, Map, Value};
use crate::map;

use super::system::System;

/// `selinux` and `selinux_python_present` (which tells whether libselinux is there: Ansible uses it through
/// ctypes and knows nothing about SELinux without it).
pub(super) fn selinux_facts(system: &System) -> Map {
    if !has_libselinux(system) {
        return map! {
            "selinux" => map! {"status" => "Missing selinux Python library"},
            "selinux_python_present" => false,
        };
    }
    let config = system.text("/etc/selinux/config");
    let enabled = system.exists("/sys/fs/selinux/enforce") && config.is_some();
    let facts = if enabled {
        let config = config.unwrap_or_default();
        let setting = |name: &str| {
            config
                .lines()
                .filter_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='))
                .next_back()
                .map_or_else(|| "unknown".to_owned(), |value| value.trim().to_owned())
        };
        let mode = match system.text("/sys/fs/selinux/enforce").as_deref() {
            Some("1") => "enforcing",
            Some("0") => "permissive",
            _ => "unknown",
        };
        let version = system.integer("/sys/fs/selinux/policyvers");
        map! {
            "status" => "enabled",
            "policyvers" => version.map_or_else(|| Value::from("unknown"), Value::from),
            "config_mode" => setting("SELINUX").to_lowercase(),
            "mode" => mode,
            "type" => setting("SELINUXTYPE"),
        }
    } else {
        map! {"status" => "disabled"}
    };
    map! {"selinux" => facts, "selinux_python_present" => true}
}

fn has_libselinux(system: &System) -> bool {
    const NAME: &str = "libselinux.so.1";
    ["/usr/lib64", "/usr/lib", "/lib64", "/lib"].iter().any(|directory| {
        system.exists(format!("{directory}/{NAME}"))
            || system
                .names(directory)
                .iter()
                .any(|name| name.contains("-linux-") && system.exists(format!("{directory}/{name}/{NAME}")))
    })
}

/// `apparmor`.
pub(super) fn apparmor_facts(system: &System) -> Map {
    let status = if system.exists("/sys/kernel/security/apparmor") { "enabled" } else { "disabled" };
    map! {"apparmor" => map! {"status" => status}}
}

/// `fips`.
pub(super) fn fips_facts(system: &System) -> Map {
    map! {"fips" => system.text("/proc/sys/crypto/fips_enabled").as_deref() == Some("1")}
}

/// `is_chroot`: whether our root is not that of process 1; where that may not be looked at, whether it lacks the
/// inode number of a file system's root.
pub(super) fn chroot_facts(system: &System) -> Map {
    const BTRFS: u64 = 0x9123_683e;
    const XFS: u64 = 0x5846_5342;
    if std::env::var_os("debian_chroot").is_some_and(|value| !value.is_empty()) {
        return map! {"is_chroot" => true};
    }
    let Ok(own) = std::fs::metadata(system.path("/")) else { return map! {"is_chroot" => Value::Null} };
    let is_chroot = match std::fs::metadata(system.path("/proc/1/root/.")) {
        Ok(first) => (own.ino(), own.dev()) != (first.ino(), first.dev()),
        Err(_) => {
            let kind = rustix::fs::statfs(system.path("/")).map_or(0, |info| info.f_type as u64);
            let root_inode = match kind {
                BTRFS => 256,
                XFS => 128,
                _ => 2,
            };
            own.ino() != root_inode
        }
    };
    map! {"is_chroot" => is_chroot}
}

/// `ssh_host_key_*_public` and their key types, of the first directory that has any.
pub(super) fn host_key_facts(system: &System) -> Map {
    ["/etc/ssh", "/etc/openssh", "/etc"]
        .iter()
        .map(|directory| host_keys_in(system, directory))
        .find(|facts| !facts.is_empty())
        .unwrap_or_default()
}

fn host_keys_in(system: &System, directory: &str) -> Map {
    let mut facts = Map::new();
    for algorithm in ["dsa", "rsa", "ecdsa", "ed25519"] {
        let Some(line) = system.text(format!("{directory}/ssh_host_{algorithm}_key.pub")) else { continue };
        let mut words = line.split_ascii_whitespace();
        if let (Some(kind), Some(key)) = (words.next(), words.next()) {
            let name = format!("ssh_host_key_{algorithm}_public");
            facts.insert(Key::from(format!("{name}_keytype")), Value::str(kind));
            facts.insert(Key::from(name), Value::str(key));
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::facts::tests::machine;

    #[test]
    fn selinux_is_read_from_its_file_system() {
        let without = machine(&[]);
        assert_eq!(
            selinux_facts(&without.system).get("selinux_python_present").unwrap(),
            &Value::Bool(false)
        );
        let disabled = machine(&[("usr/lib/x86_64-linux-gnu/libselinux.so.1", "")]);
        let facts = selinux_facts(&disabled.system);
        assert_eq!(facts.get("selinux").unwrap().to_text(), "{'status': 'disabled'}");
        let enabled = machine(&[
            ("lib64/libselinux.so.1", ""),
            ("etc/selinux/config", "# SELINUX=x\nSELINUX=enforcing\nSELINUXTYPE=targeted\n"),
            ("sys/fs/selinux/enforce", "0"),
            ("sys/fs/selinux/policyvers", "33"),
        ]);
        assert_eq!(
            selinux_facts(&enabled.system).get("selinux").unwrap().to_text(),
            "{'status': 'enabled', 'policyvers': 33, 'config_mode': 'enforcing', 'mode': 'permissive', \
             'type': 'targeted'}"
        );
    }

    #[test]
    fn host_keys_come_from_one_directory() {
        let machine = machine(&[
            ("etc/ssh/ssh_host_ed25519_key.pub", "ssh-ed25519 AAAA root@x\n"),
            ("etc/ssh_host_rsa_key.pub", "ssh-rsa BBBB\n"),
        ]);
        let facts = host_key_facts(&machine.system);
        assert_eq!(facts.len(), 2);
        assert_eq!(facts.get("ssh_host_key_ed25519_public").unwrap(), &Value::from("AAAA"));
        assert_eq!(facts.get("ssh_host_key_ed25519_public_keytype").unwrap(), &Value::from("ssh-ed25519"));
    }
}
