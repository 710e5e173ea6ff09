//! The kernel's command line: `cmdline` keeps the last value of a word, `proc_cmdline` all of them.

use crate::base::{Key, Map, Value};
use crate::map;

use super::system::System;
use super::words::raw_words;

/// `cmdline` and `proc_cmdline`.
pub(super) fn facts(system: &System) -> Map {
    system.text("/proc/cmdline").map(|text| parse(&text)).unwrap_or_default()
}

fn parse(text: &str) -> Map {
    let (mut last, mut every) = (Map::new(), Map::new());
    for word in raw_words(text).unwrap_or_default() {
        let Some((name, value)) = word.split_once('=') else {
            last.insert(Key::str(&word), Value::Bool(true));
            every.insert(Key::str(&word), Value::Bool(true));
            continue;
        };
        last.insert(Key::str(name), Value::str(value));
        let merged = match every.get(name) {
            None => Value::str(value),
            Some(Value::List(values)) => Value::list(values.iter().cloned().chain([Value::str(value)])),
            Some(before) => Value::list([before.clone(), Value::str(value)]),
        };
        every.insert(Key::str(name), merged);
    }
    map! {"cmdline" => last, "proc_cmdline" => every}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_words_are_lists_in_proc_cmdline_only() {
        let facts =
            parse("BOOT_IMAGE=/vmlinuz root=UUID=1 ro console=tty0 console=ttyS0,115200 console=hvc0");
        let get = |fact: &str, name: &str| facts.get(fact).unwrap().get(name).cloned().unwrap();
        assert_eq!(get("cmdline", "root"), Value::from("UUID=1"));
        assert_eq!(get("cmdline", "ro"), Value::Bool(true));
        assert_eq!(get("cmdline", "console"), Value::from("hvc0"));
        assert_eq!(get("proc_cmdline", "console").to_text(), "['tty0', 'ttyS0,115200', 'hvc0']");
    }
}
