//! Memory, from `/proc/meminfo`, in whole mebibytes.

use crate::base::{Key, Map, Value};
use crate::map;

use super::System;

/// `memtotal_mb`, `memfree_mb`, `swaptotal_mb`, `swapfree_mb` and `memory_mb`.
pub(super) fn facts(system: &System) -> Map {
    system.text("/proc/meminfo").map(|text| parse(&text)).unwrap_or_default()
}

fn parse(text: &str) -> Map {
    let get = |name: &str| -> Option<i64> {
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(value.split_whitespace().next()?.parse::<i64>().ok()? / 1024)
    };
    let (total, free) = (get("MemTotal"), get("MemFree"));
    let (swap_total, swap_free) = (get("SwapTotal"), get("SwapFree"));
    let mut facts = Map::new();
    let original = [
        ("memtotal_mb", total),
        ("memfree_mb", free),
        ("swaptotal_mb", swap_total),
        ("swapfree_mb", swap_free),
    ];
    for (name, value) in original {
        if let Some(value) = value {
            facts.insert(Key::str(name), Value::from(value));
        }
    }
    let number = |value: Option<i64>| value.map_or(Value::Null, Value::from);
    let less = |a: Option<i64>, b: Option<i64>| Some(a? - b?);
    let without_cache = (|| Some(get("Cached")? + free? + get("Buffers")?))();
    facts.extend(map! {"memory_mb" => map! {
        "real" => map! {"total" => number(total), "used" => number(less(total, free)), "free" => number(free)},
        "nocache" => map! {"free" => number(without_cache), "used" => number(less(total, without_cache))},
        "swap" => map! {
            "total" => number(swap_total),
            "free" => number(swap_free),
            "used" => number(less(swap_total, swap_free)),
            "cached" => number(get("SwapCached")),
        },
    }});
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_rounded_down_before_they_are_added() {
        let facts = parse(
            "MemTotal:       2048000 kB\nMemFree:         1024500 kB\nMemAvailable:   1500000 kB\nBuffers:  1023 kB\n\
             Cached:   10240 kB\nSwapCached:  0 kB\nSwapTotal:  4096 kB\nSwapFree:   2048 kB\n",
        );
        assert_eq!(
            Value::map(facts).to_text(),
            "{'memtotal_mb': 2000, 'memfree_mb': 1000, 'swaptotal_mb': 4, 'swapfree_mb': 2, 'memory_mb': {\
             'real': {'total': 2000, 'used': 1000, 'free': 1000}, 'nocache': {'free': 1010, 'used': 990}, \
             'swap': {'total': 4, 'free': 2, 'used': 2, 'cached': 0}}}"
        );
    }
}
