//! Processors, memory, firmware, block devices, LVM, mounts, uptime.

mod devices;
mod dmi;
mod lvm;
mod memory;
mod mounts;
mod pci;
mod processor;

use crate::base::{Key, Map, Value};
use crate::map;

use super::platform;
use super::system::System;
use super::text_or_null;

/// The facts of Ansible's `hardware` collector.
pub(super) fn facts(system: &System) -> Map {
    std::thread::scope(|scope| {
        // both may wait: for programs, for file systems over a network
        let lvm = scope.spawn(|| lvm::facts(system));
        let mounts = scope.spawn(|| mounts::facts(system));
        let mut facts = processor::facts(system, &platform::machine());
        facts.extend(memory::facts(system));
        facts.extend(dmi::facts(system));
        facts.extend(devices::facts(system));
        facts.extend(uptime_facts(system));
        facts.extend(lvm.join().unwrap_or_default());
        facts.extend(mounts.join().unwrap_or_default());
        facts
    })
}

fn uptime_facts(system: &System) -> Map {
    let text = system.text("/proc/uptime").unwrap_or_default();
    match text.split(['.', ' ']).next().and_then(|seconds| seconds.parse::<i64>().ok()) {
        Some(seconds) => map! {"uptime_seconds" => seconds},
        None => Map::new(),
    }
}

/// `loadavg`, in the kernel's full precision as Python has it.
pub(super) fn load_facts() -> Map {
    let mut loads =
        rustix::system::sysinfo().loads.into_iter().map(|load| Value::Float(load as f64 / 65536.0));
    let average: Map =
        ["1m", "5m", "15m"].iter().filter_map(|span| Some((Key::str(span), loads.next()?))).collect();
    map! {"loadavg" => average}
}
