//! Facts about the machine, named and typed as `ansible.builtin.setup` of ansible-core 2.19 names and types them
//! on Linux, without the `ansible_` prefix.
//!
//! They are read from `/proc`, `/sys`, `/etc` and netlink. A program is run only where no file says it: `capsh`
//! for a reduced set of capabilities, `ethtool`, the LVM tools where there are physical volumes, `lsb_release`
//! outside Debian's family, and local facts that are executable.

mod caps;
mod cmdline;
mod date_time;
mod distribution;
mod hardware;
mod ini;
mod local;
mod lsb;
mod managers;
mod network;
mod platform;
mod python;
mod security;
mod subset;
mod system;
mod user;
mod virtualization;
mod words;

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use crate::base::{Key, Map, Value};

use distribution::Distribution;
use subset::Collector;
use system::System;

/// Gathers the facts of a subset.
///
/// `subset` is Ansible's `gather_subset` (`all`, `min`, `!hardware`, `network`, `mounts` …; empty is `all`),
/// `fact_path` its `fact_path`, `timeout` the seconds that each slow collector may take.
///
/// # Errors
/// A subset that Ansible does not know, in Ansible's words. What cannot be read is left out, as Ansible does.
pub fn gather(subset: &[String], fact_path: &str, timeout: u32) -> Result<Map, String> {
    let selected = subset::select(subset)?;
    let seconds = if timeout == 0 { 10 } else { timeout };
    let system = System::host(Duration::from_secs(u64::from(seconds)));
    let mut facts = collect(&system, &selected, fact_path);
    let names =
        if subset.is_empty() { vec![Value::str("all")] } else { subset.iter().map(Value::str).collect() };
    facts.insert(Key::str("gather_subset"), Value::list(names));
    facts.insert(Key::str("module_setup"), Value::Bool(true));
    Ok(facts)
}

/// Runs the collectors, the slow ones each in a thread of its own, and puts their facts together in a fixed order.
fn collect(system: &System, selected: &BTreeSet<Collector>, fact_path: &str) -> Map {
    thread::scope(|scope| {
        let slow: Vec<_> = selected
            .iter()
            .filter(|collector| is_slow(**collector))
            .map(|&collector| (collector, scope.spawn(move || run_slow(collector, system, fact_path))))
            .collect();
        let python_wanted = selected.contains(&Collector::Python) || selected.contains(&Collector::Platform);
        let python = python_wanted.then(|| scope.spawn(|| python::discover(system)));

        let distribution = if selected.contains(&Collector::Distribution) {
            Distribution::read(system)
        } else {
            Distribution::default()
        };
        let mut parts: Vec<(Collector, Map)> = selected
            .iter()
            .filter(|collector| !is_slow(**collector))
            .map(|&collector| (collector, run_quick(collector, system, &distribution)))
            .collect();
        // a collector that failed leaves its facts out, as in Ansible
        parts.extend(
            slow.into_iter().filter_map(|(collector, handle)| Some((collector, handle.join().ok()?))),
        );
        if let Some(python) = python.and_then(|handle| handle.join().ok().flatten()) {
            if selected.contains(&Collector::Platform) {
                parts.push((Collector::Platform, python.version_facts()));
            }
            if selected.contains(&Collector::Python) {
                parts.push((Collector::Python, python.facts()));
            }
        }
        parts.sort_by_key(|(collector, _)| *collector);
        parts.into_iter().flat_map(|(_, facts)| facts).map(|(key, value)| (fact_name(key), value)).collect()
    })
}

/// Ansible writes underscores for hyphens in the names of facts (an interface `br-lan` is `ansible_br_lan`).
fn fact_name(key: Key) -> Key {
    match key {
        Key::Str(name) if name.contains('-') => Key::from(name.replace('-', "_")),
        other => other,
    }
}

/// Whether it may wait for a program, the network or a device.
fn is_slow(collector: Collector) -> bool {
    use Collector as C;
    matches!(
        collector,
        C::Platform | C::Lsb | C::Caps | C::Systemd | C::Hardware | C::Network | C::Local | C::PkgMgr
    )
}

fn run_slow(collector: Collector, system: &System, fact_path: &str) -> Map {
    use Collector as C;
    match collector {
        C::Platform => platform::facts(system),
        C::Lsb => lsb::facts(system),
        C::Caps => caps::facts(system),
        C::Systemd => managers::systemd_facts(system),
        C::Hardware => hardware::facts(system),
        C::Network => network::facts(system),
        C::Local => local::facts(system, fact_path),
        C::PkgMgr => managers::package_manager_facts(system, &Distribution::read(system)),
        _ => Map::new(),
    }
}

fn run_quick(collector: Collector, system: &System, distribution: &Distribution) -> Map {
    use Collector as C;
    match collector {
        C::Distribution => distribution.facts(),
        C::Selinux => security::selinux_facts(system),
        C::Apparmor => security::apparmor_facts(system),
        C::Chroot => security::chroot_facts(system),
        C::Fips => security::fips_facts(system),
        C::ServiceMgr => managers::service_manager_facts(system, distribution),
        C::Cmdline => cmdline::facts(system),
        C::DateTime => date_time::facts(),
        C::Env => user::environment_facts(),
        C::LoadAvg => hardware::load_facts(),
        C::SshPubKeys => security::host_key_facts(system),
        C::User => user::facts(system),
        C::Virtual => virtualization::facts(system),
        C::Dns => network::dns_facts(system),
        C::FibreChannel => network::fibre_channel_facts(system),
        C::Iscsi => network::iscsi_facts(system),
        C::Nvme => network::nvme_facts(system),
        // those programs are not asked: as where they are absent
        C::Facter | C::Ohai => Map::new(),
        C::Python | C::Platform | C::Lsb | C::Caps | C::Systemd | C::Hardware | C::Network | C::Local => {
            Map::new()
        }
        C::PkgMgr => Map::new(),
    }
}

/// A text, or null where there is none.
fn text_or_null(text: Option<String>) -> Value {
    text.map_or(Value::Null, Value::from)
}

#[cfg(test)]
mod tests;
