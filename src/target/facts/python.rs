//! The Python interpreter that Ansible would run, found without running it: its exact version stands in its
//! executable or in its library.

use std::path::{Path, PathBuf};

use regex::bytes::Regex;

use crate::base::{Map, Value};
use crate::map;

use super::system::System;

/// Ansible's `INTERPRETER_PYTHON_FALLBACK`, in its order.
const NAMES: &[&str] =
    &["python3.13", "python3.12", "python3.11", "python3.10", "python3.9", "python3.8", "python3"];

/// An interpreter of CPython.
#[derive(Debug, PartialEq)]
pub(super) struct Python {
    executable: String,
    version: Version,
    has_ssl: bool,
}

/// Python's `sys.version_info`.
#[derive(Debug, PartialEq)]
struct Version {
    major: u32,
    minor: u32,
    micro: u32,
    level: &'static str,
    serial: u32,
}

impl Python {
    /// `python_version`.
    pub(super) fn version_facts(&self) -> Map {
        let Version { major, minor, micro, level, serial } = &self.version;
        let mark = match *level {
            "alpha" => "a",
            "beta" => "b",
            "candidate" => "rc",
            _ => return map! {"python_version" => format!("{major}.{minor}.{micro}")},
        };
        map! {"python_version" => format!("{major}.{minor}.{micro}{mark}{serial}")}
    }

    /// `python`.
    pub(super) fn facts(&self) -> Map {
        let Version { major, minor, micro, level, serial } = &self.version;
        let info = [
            Value::from(*major),
            Value::from(*minor),
            Value::from(*micro),
            Value::from(*level),
            Value::from(*serial),
        ];
        map! {"python" => map! {
            "version" => map! {
                "major" => *major,
                "minor" => *minor,
                "micro" => *micro,
                "releaselevel" => *level,
                "serial" => *serial,
            },
            "version_info" => Value::list(info),
            "executable" => self.executable.as_str(),
            "has_sslcontext" => self.has_ssl,
            "type" => "cpython",
        }}
    }
}

/// The first interpreter of Ansible's list that is there.
pub(super) fn discover(system: &System) -> Option<Python> {
    NAMES.iter().flat_map(|name| system.programs(name)).find_map(|program| examine(system, &program))
}

fn examine(system: &System, program: &Path) -> Option<Python> {
    let real = std::fs::canonicalize(system.path(program)).ok()?;
    let content = std::fs::read(&real).ok()?;
    if !content.starts_with(b"\x7fELF") {
        return None; // a wrapper script: what it starts cannot be told from the file
    }
    let series = real.file_name()?.to_str()?.strip_prefix("python")?.trim_end_matches(char::is_alphabetic);
    if !series.starts_with("3.") {
        return None;
    }
    let prefix = real.parent()?.parent()?;
    let library = || {
        let name = format!("libpython{series}.so.1.0");
        library_directories(prefix).iter().find_map(|directory| std::fs::read(directory.join(&name)).ok())
    };
    let version = find_version(&content, series)
        .or_else(|| library().and_then(|content| find_version(&content, series)))?;
    let has_ssl = ["lib", "lib64"].iter().any(|directory| {
        let modules = prefix.join(directory).join(format!("python{series}/lib-dynload"));
        std::fs::read_dir(modules).is_ok_and(|entries| {
            entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("_ssl."))
        })
    });
    Some(Python { executable: program.to_string_lossy().into_owned(), version, has_ssl })
}

/// Where the library of an interpreter can be.
fn library_directories(prefix: &Path) -> Vec<PathBuf> {
    let library = prefix.join("lib");
    let triples: Vec<PathBuf> = std::fs::read_dir(&library)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().contains("-linux-"))
        .map(|entry| entry.path())
        .collect();
    [vec![library, prefix.join("lib64")], triples].concat()
}

/// The version of a series (`3.11`) as it stands in a binary, a string of its own.
fn find_version(content: &[u8], series: &str) -> Option<Version> {
    let (major, minor) = series.split_once('.')?;
    let pattern = format!(r"(?-u)\x00{}\.([0-9]+)(?:(a|b|rc)([0-9]+))?\+?\x00", regex::escape(series));
    let found = Regex::new(&pattern).ok()?.captures(content)?;
    let text = |group: usize| found.get(group).and_then(|part| std::str::from_utf8(part.as_bytes()).ok());
    let level = match text(2) {
        Some("a") => "alpha",
        Some("b") => "beta",
        Some("rc") => "candidate",
        _ => "final",
    };
    Some(Version {
        major: major.parse().ok()?,
        minor: minor.parse().ok()?,
        micro: text(1)?.parse().ok()?,
        level,
        serial: text(3).and_then(|serial| serial.parse().ok()).unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_binaries() {
        let content = b"\x7fELF\x003.1\x003.11\x00lib3.11.9\x003.11.2\x00\x003.11.5\x00";
        let version = find_version(content, "3.11").unwrap();
        assert_eq!((version.micro, version.level, version.serial), (2, "final", 0));
        assert_eq!(find_version(content, "3.12"), None);
        let version = find_version(b"\x003.13.0rc1+\x00", "3.13").unwrap();
        assert_eq!((version.micro, version.level, version.serial), (0, "candidate", 1));
    }

    #[test]
    fn facts_are_those_of_version_info() {
        let version = Version { major: 3, minor: 13, micro: 0, level: "candidate", serial: 1 };
        let python = Python { executable: "/usr/bin/python3.13".into(), version, has_ssl: true };
        assert_eq!(python.version_facts().get("python_version").unwrap(), &Value::from("3.13.0rc1"));
        assert_eq!(
            python.facts().get("python").unwrap().get("version_info").unwrap().to_text(),
            "[3, 13, 0, 'candidate', 1]"
        );
    }
}
