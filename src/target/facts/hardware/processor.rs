//! Processors, from `/proc/cpuinfo`.

use indexmap::IndexMap;

use crate::base::{Map, Value};
use crate::map;

use super::System;

/// `processor` and its counts; `flags` on x86.
pub(super) fn facts(system: &System, machine: &str) -> Map {
    let Some(text) = system.text("/proc/cpuinfo") else { return Map::new() };
    let is_xen = system.exists("/proc/xen")
        || system.lines("/sys/hypervisor/type").first().is_some_and(|kind| kind.trim() == "xen");
    let allowed = system.text("/proc/self/status").as_deref().and_then(allowed_processors);
    parse(&text, machine, is_xen, allowed)
}

/// How many processors the scheduler lets this process use, as `sched_getaffinity` tells.
fn allowed_processors(status: &str) -> Option<i64> {
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    list.trim()
        .split(',')
        .map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            Some(last.parse::<i64>().ok()? - first.parse::<i64>().ok()? + 1)
        })
        .sum()
}

/// What the lines of cpuinfo add up to.
#[derive(Default)]
struct Counts {
    entries: i64,
    vendors: i64,
    models: i64,
    processors: i64,
    sockets: IndexMap<String, i64>,
    cores: IndexMap<String, i64>,
    s390_processors: i64,
    s390_threads: i64,
}

fn parse(text: &str, machine: &str, is_xen: bool, allowed: Option<i64>) -> Map {
    let mut counts = Counts::default();
    let mut names = Vec::new();
    let mut flags = None;
    let mut is_paravirtual = false;
    let (mut socket, mut core) = (String::new(), String::new());
    for line in text.lines() {
        let (key, value) = line.split_once(':').unwrap_or((line, ""));
        let (key, value) = (key.trim(), value.trim());
        let number = || value.parse::<i64>().unwrap_or(0);
        match key {
            "flags" => {
                // Xen's paravirtual guests lack this flag, and their cpuinfo shows one core only
                is_paravirtual |= is_xen && !value.contains("vme");
                flags = Some(Value::list(value.split_whitespace().map(Value::str)));
            }
            "model name" | "Processor" | "vendor_id" | "cpu" | "Vendor" | "processor" => {
                names.push(Value::str(value));
                counts.vendors += i64::from(key == "vendor_id");
                counts.models += i64::from(key == "model name");
                counts.processors += i64::from(key == "processor");
                counts.entries += 1;
            }
            "physical id" => {
                value.clone_into(&mut socket);
                counts.sockets.entry(socket.clone()).or_insert(1);
            }
            "core id" => {
                value.clone_into(&mut core);
                if !counts.sockets.contains_key(value) {
                    counts.cores.insert(core.clone(), 1);
                }
            }
            "cpu cores" => {
                counts.sockets.insert(socket.clone(), number());
            }
            "siblings" => {
                counts.cores.insert(core.clone(), number());
            }
            "# processors" => counts.s390_processors = number(),
            "max thread id" => counts.s390_threads = number() + 1,
            "ncpus active" => counts.entries = number(),
            _ => {}
        }
    }
    if counts.vendors > 0 && counts.vendors == counts.models {
        counts.entries = counts.vendors;
    }
    if ["armv", "aarch", "ppc"].iter().any(|prefix| machine.starts_with(prefix)) {
        counts.entries = counts.processors;
    }
    let mut facts = map! {"processor" => Value::list(names)};
    if let Some(flags) = flags {
        facts.insert("flags".into(), flags);
    }
    let Topology { sockets, cores, threads, vcpus, nproc } = topology(&counts, machine, is_paravirtual);
    facts.extend(map! {
        "processor_count" => sockets,
        "processor_cores" => cores,
        "processor_threads_per_core" => threads,
        "processor_vcpus" => vcpus,
        "processor_nproc" => allowed.unwrap_or(nproc),
    });
    facts
}

struct Topology {
    sockets: i64,
    cores: i64,
    threads: i64,
    vcpus: i64,
    nproc: i64,
}

fn topology(counts: &Counts, machine: &str, is_paravirtual: bool) -> Topology {
    if machine == "s390x" {
        let (processors, threads) = (counts.s390_processors, counts.s390_threads);
        let cores = divided(processors, threads);
        return Topology { sockets: 1, cores, threads, vcpus: processors, nproc: processors };
    }
    if is_paravirtual {
        let count = counts.entries;
        return Topology { sockets: count, cores: count, threads: 1, vcpus: count, nproc: count };
    }
    let sockets = if counts.sockets.is_empty() { counts.entries } else { counts.sockets.len() as i64 };
    let cores = counts.sockets.values().next().copied().filter(|cores| *cores != 0).unwrap_or(1);
    let threads = divided(counts.cores.values().next().copied().unwrap_or(1), cores);
    Topology { sockets, cores, threads, vcpus: threads * sockets * cores, nproc: counts.processors }
}

/// Python's `round(a / b)`: halves go to the even number.
fn divided(a: i64, b: i64) -> i64 {
    if b == 0 { 0 } else { (a as f64 / b as f64).round_ties_even() as i64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// processor_count, cores, threads_per_core, vcpus, nproc.
    fn counts(facts: &Map) -> [i128; 5] {
        ["count", "cores", "threads_per_core", "vcpus", "nproc"]
            .map(|name| facts.get(format!("processor_{name}").as_str()).unwrap().as_int().unwrap())
    }

    /// One processor of a two-socket x86 machine.
    fn x86(processor: u32, socket: u32, core: u32) -> String {
        format!(
            "processor\t: {processor}\nvendor_id\t: GenuineIntel\nmodel name\t: Intel(R) Xeon(R)\n\
             physical id\t: {socket}\nsiblings\t: 4\ncore id\t\t: {core}\ncpu cores\t: 2\nflags\t\t: fpu vme\n\n"
        )
    }

    #[test]
    fn two_sockets_with_two_cores_and_two_threads() {
        let text: String = (0..8).map(|n| x86(n, n / 4, n % 2)).collect();
        let facts = parse(&text, "x86_64", false, Some(6));
        assert_eq!(counts(&facts), [2, 2, 2, 8, 6]);
        assert_eq!(facts.get("flags").unwrap().to_text(), "['fpu', 'vme']");
        let names = facts.get("processor").unwrap().as_list().unwrap();
        assert_eq!(names.len(), 24);
        assert_eq!(
            names[..3].iter().map(Value::to_text).collect::<Vec<_>>(),
            ["0", "GenuineIntel", "Intel(R) Xeon(R)"]
        );
    }

    #[test]
    fn arm_counts_processors() {
        let one = |n: u32| {
            format!("processor\t: {n}\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\n\n")
        };
        let facts = parse(&(0..4).map(one).collect::<String>(), "aarch64", false, None);
        assert_eq!(counts(&facts), [4, 1, 1, 4, 4]);
        assert_eq!(facts.get("flags"), None);
    }

    #[test]
    fn xens_paravirtual_guests_count_entries() {
        let one = "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: x\nflags\t\t: fpu tsc\n\n";
        let facts = parse(&one.repeat(3), "x86_64", true, None);
        assert_eq!(counts(&facts), [3, 3, 1, 3, 3]);
    }

    #[test]
    fn the_scheduler_tells_how_many_may_be_used() {
        assert_eq!(allowed_processors("Name:\tx\nCpus_allowed_list:\t0-2,5,8-9\n"), Some(6));
        assert_eq!(allowed_processors("Name:\tx\n"), None);
        assert_eq!((divided(3, 2), divided(1, 2), divided(5, 2)), (2, 0, 2));
    }
}
