//! The Linux distribution: its name, version, release and family, as Ansible derives them from os-release and
//! the older release files.

mod family;
mod files;
mod guess;

use crate::base::{Key, Map, Value};
use crate::map;

use super::system::System;

pub(super) use guess::OsRelease;

/// What is known about the distribution.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Distribution {
    name: String,
    version: String,
    release: String,
    major_version: String,
    minor_version: Option<String>,
    file: Option<ReleaseFile>,
    search_string: Option<&'static str>,
}

/// The file that told the distribution.
#[derive(Clone, Debug, PartialEq)]
struct ReleaseFile {
    path: &'static str,
    variety: &'static str,
    parsed: bool,
}

impl Distribution {
    /// Reads the machine's release files.
    pub(super) fn read(system: &System) -> Self {
        files::refine(system, guess::guess(system))
    }

    /// `distribution`.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// `os_family`.
    pub(super) fn family(&self) -> &str {
        family::of(&self.name)
    }

    /// The facts of Ansible's `distribution` collector.
    pub(super) fn facts(&self) -> Map {
        let Self { name, version, release, major_version, minor_version, file, search_string } = self;
        let mut facts = map! {
            "distribution" => name.as_str(),
            "distribution_release" => release.as_str(),
            "distribution_version" => version.as_str(),
            "distribution_major_version" => major_version.as_str(),
            "os_family" => self.family(),
        };
        let mut add = |name: &str, value: Value| facts.insert(Key::str(name), value);
        if let Some(minor) = minor_version {
            add("distribution_minor_version", Value::str(minor));
        }
        if let Some(ReleaseFile { path, variety, parsed }) = file {
            add("distribution_file_path", Value::str(path));
            add("distribution_file_variety", Value::str(variety));
            if *parsed {
                add("distribution_file_parsed", Value::Bool(true));
            }
        }
        if let Some(text) = search_string {
            add("distribution_file_search_string", Value::str(text));
        }
        facts
    }
}

#[cfg(test)]
mod tests;
