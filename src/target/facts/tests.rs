//! Machines made of files, and this machine.

use std::path::Path;

use super::*;

/// A directory that looks like a machine.
pub(super) struct Machine {
    pub(super) system: System,
    _directory: tempfile::TempDir,
}

/// A machine that has just these files.
pub(super) fn machine(files: &[(&str, &str)]) -> Machine {
    let directory = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = directory.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    Machine { system: System::below(directory.path()), _directory: directory }
}

fn gathered(subset: &[&str]) -> Map {
    let subset: Vec<String> = subset.iter().map(|&name| name.to_owned()).collect();
    gather(&subset, "/etc/ansible/facts.d", 10).unwrap()
}

fn text(facts: &Map, name: &str) -> String {
    facts.get(name).unwrap_or_else(|| panic!("no fact `{name}`")).to_text()
}

#[test]
fn this_machine() {
    let facts = gathered(&["all"]);
    assert_eq!(text(&facts, "system"), "Linux");
    assert_eq!(text(&facts, "gather_subset"), "['all']");
    assert_eq!(text(&facts, "module_setup"), "True");
    assert_eq!(text(&facts, "kernel"), std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap().trim());
    assert_eq!(
        text(&facts, "nodename"),
        std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim()
    );
    let int =
        |name: &str| facts.get(name).and_then(Value::as_int).unwrap_or_else(|| panic!("`{name}` is no int"));
    assert!(int("memtotal_mb") > int("memfree_mb"));
    assert!(int("processor_vcpus") >= 1 && int("processor_nproc") >= 1);
    assert!(int("uptime_seconds") > 0);
    assert_eq!(int("real_user_id"), i128::from(rustix::process::getuid().as_raw()));
    let loopback = facts.get("lo").unwrap();
    assert_eq!(loopback.get("ipv4").unwrap().get("address").unwrap().as_str(), Some("127.0.0.1"));
    let epoch: u64 = facts.get("date_time").unwrap().get("epoch").unwrap().as_str().unwrap().parse().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert!(now.abs_diff(epoch) < 60);
    let path = std::env::var("PATH").unwrap();
    assert_eq!(facts.get("env").unwrap().get("PATH").unwrap().as_str(), Some(path.as_str()));
    if Path::new("/etc/os-release").exists() {
        assert_ne!(text(&facts, "distribution"), "OtherLinux");
    }
    for mount in facts.get("mounts").unwrap().as_list().unwrap() {
        let device = mount.get("device").unwrap().as_str().unwrap();
        assert!(device.starts_with('/') || device.contains(":/"), "{device}");
    }
    for name in
        ["architecture", "os_family", "pkg_mgr", "service_mgr", "fqdn", "domain", "cmdline", "dns", "local"]
    {
        assert!(facts.contains_key(name), "{name}");
    }
    assert!(facts.keys().all(|key| !key.as_str().unwrap().starts_with("ansible_")));
}

#[test]
fn a_subset_is_no_more_than_that() {
    let facts = gathered(&["!all", "!min", "fips"]);
    let names: Vec<String> = facts.keys().map(ToString::to_string).collect();
    assert_eq!(names, ["fips", "gather_subset", "module_setup"]);
    let facts = gathered(&["!all", "!min", "mounts"]);
    assert!(facts.contains_key("mounts") && facts.contains_key("kernel") && !facts.contains_key("env"));
}

#[test]
fn hyphens_in_names_become_underscores() {
    assert_eq!(fact_name(Key::str("br-lan")), Key::str("br_lan"));
    assert_eq!(fact_name(Key::str("eth0")), Key::str("eth0"));
}
