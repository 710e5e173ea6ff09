//! The resolver's configuration, resolv.conf(5).

use crate::base::{Key, Map, Value};
use crate::map;

use super::System;

/// `dns`.
pub(in super::super) fn facts(system: &System) -> Map {
    map! {"dns" => parse(&system.text("/etc/resolv.conf").unwrap_or_default())}
}

fn parse(text: &str) -> Map {
    let mut facts = Map::new();
    for line in text.lines().filter(|line| !line.starts_with(['#', ';'])) {
        let mut words = line.split_whitespace();
        let Some(name) = words.next() else { continue };
        let list = |words: std::str::SplitWhitespace<'_>| words.map(Value::str).collect::<Vec<_>>();
        match name {
            "nameserver" => {
                let before = facts.get("nameservers").and_then(Value::as_list).unwrap_or_default().to_vec();
                facts.insert(Key::str("nameservers"), Value::list(before.into_iter().chain(list(words))));
            }
            "domain" => facts.extend(words.next().map(|domain| (Key::str("domain"), Value::str(domain)))),
            "search" | "sortlist" => {
                facts.insert(Key::str(name), Value::list(list(words)));
            }
            "options" => {
                let option = |word: &str| match word.split_once(':') {
                    Some((name, value)) if !value.is_empty() => (Key::str(name), Value::str(value)),
                    Some((name, _)) => (Key::str(name), Value::Bool(true)),
                    None => (Key::str(word), Value::Bool(true)),
                };
                facts.insert(Key::str("options"), Value::map(words.map(option).collect()));
            }
            _ => {}
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyword() {
        let text = "# comment\n; other\nnameserver 10.0.0.1\nnameserver ::1\ndomain example.org\nsearch a.example b.example\n\
                    sortlist 10.0.0.0/8\noptions ndots:2 rotate\n";
        assert_eq!(
            Value::map(parse(text)).to_text(),
            "{'nameservers': ['10.0.0.1', '::1'], 'domain': 'example.org', 'search': ['a.example', 'b.example'], \
             'sortlist': ['10.0.0.0/8'], 'options': {'ndots': '2', 'rotate': True}}"
        );
        assert_eq!(parse(""), Map::new());
    }
}
