//! The lookups that reach outside: files, environment, commands, the network, the clock.
//!
//! One file for each lookup or family; what only calculates is in `template::lookup`.

mod ask;
mod commands;
mod config;
mod csvfile;
mod environment;
mod files;
mod filetree;
mod first_found;
mod hosts;
mod ini;
mod password;
mod paths;
mod random;
mod url;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use ask::Ask;

use super::template_file::{Beside, FileVariables};
use crate::base::{Map, Source, Value};
use crate::project::Project;
use crate::secrets::Vault;
use crate::template::{Deprecation, FoundTemplate, LookupError, Lookups, Variables};

/// The world outside, as templates may ask for it.
#[derive(Clone, Debug)]
pub(super) struct World {
    /// The project.
    pub(super) project: Arc<Project>,
    /// Directories that files are searched in, nearest first; the playbook's is the last.
    pub(super) search: Vec<PathBuf>,
    /// Look-ahead evaluates nothing that is impure.
    pub(super) ahead: bool,
    /// What `now()` reads.
    pub(super) clock: Clock,
    /// What has not been told yet.
    pub(super) warnings: Arc<Mutex<Untold>>,
}

/// What there is to tell of what was evaluated, each once.
#[derive(Debug, Default)]
pub(super) struct Untold {
    warnings: Vec<String>,
    deprecations: Vec<Deprecation>,
}

/// A clock: the time at which it was set, in microseconds since the epoch, and since when it has run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    set_to: i64,
    running: Instant,
}

impl Clock {
    /// A clock that says this now.
    pub(super) fn set_to(now: i64) -> Self {
        Self { set_to: now, running: Instant::now() }
    }

    /// What it says, in microseconds since the epoch.
    pub(super) fn now(&self) -> i64 {
        self.set_to.saturating_add(i64::try_from(self.running.elapsed().as_micros()).unwrap_or(i64::MAX))
    }
}

/// What a lookup found.
type Found = Result<Vec<Value>, LookupError>;

/// A lookup.
type Lookup = fn(&Ask<'_>) -> Found;

/// Whether a lookup may be evaluated ahead of the task's turn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purity {
    /// It only reads what a run does not change.
    Reads,
    /// It does something, or gives something else each time.
    Acts,
}

/// All lookups, by name; those of ansible.builtin without its name.
const LOOKUPS: &[(&str, Purity, Lookup)] = &[
    ("community.general.filetree", Purity::Reads, filetree::filetree),
    ("community.general.random_string", Purity::Acts, random::random_string),
    ("config", Purity::Reads, config::config),
    ("csvfile", Purity::Reads, csvfile::csvfile),
    ("env", Purity::Reads, environment::env),
    ("file", Purity::Reads, files::file),
    ("fileglob", Purity::Reads, files::fileglob),
    ("first_found", Purity::Reads, first_found::first_found),
    ("fleet.path_test", Purity::Reads, paths::path_test),
    ("fleet.random_bytes", Purity::Acts, random::random_bytes),
    ("fleet.realpath", Purity::Reads, paths::realpath),
    ("ini", Purity::Reads, ini::ini),
    ("inventory_hostnames", Purity::Reads, hosts::inventory_hostnames),
    ("lines", Purity::Acts, commands::lines),
    ("password", Purity::Acts, password::password),
    ("pipe", Purity::Acts, commands::pipe),
    ("random_choice", Purity::Acts, random::random_choice),
    ("unvault", Purity::Reads, files::unvault),
    ("url", Purity::Acts, url::url),
];

fn failed(message: impl Into<String>) -> LookupError {
    LookupError::Failed(message.into())
}

impl World {
    /// Outside any task: nothing is searched for.
    pub(super) fn outside(project: &Arc<Project>, now: i64) -> Self {
        Self {
            project: Arc::clone(project),
            search: Vec::new(),
            ahead: false,
            clock: Clock::set_to(now),
            warnings: Arc::default(),
        }
    }

    /// A file or directory as Ansible searches it: in `folder` of each directory, then in the directory itself.
    fn find(&self, folder: &str, name: &str) -> Option<PathBuf> {
        let path = paths::expanded(name);
        if path.is_absolute() {
            return Some(paths::normalised(&path)).filter(|path| path.exists());
        }
        let beside = |base: &PathBuf| {
            let own = base.join(&path);
            if folder.is_empty() { vec![own] } else { vec![base.join(folder).join(&path), own] }
        };
        self.search.iter().flat_map(beside).find(|path| path.exists()).map(|path| paths::normalised(&path))
    }

    /// The playbook's directory.
    fn playbook_directory(&self) -> &Path {
        self.search.last().map_or(Path::new("."), PathBuf::as_path)
    }
}

impl Lookups for World {
    fn lookup(
        &self,
        name: &str,
        terms: &[Value],
        options: &Map,
        variables: &Arc<dyn Variables>,
    ) -> Result<Value, LookupError> {
        let name = name.strip_prefix("ansible.builtin.").unwrap_or(name);
        let Some((name, purity, lookup)) = LOOKUPS.iter().find(|(known, ..)| *known == name) else {
            return Err(LookupError::NoSuchLookup);
        };
        if self.ahead && *purity == Purity::Acts {
            return Err(LookupError::Deferred);
        }
        lookup(&Ask { world: self, name, terms, options, variables }).map(Value::from)
    }

    fn names(&self) -> Vec<&'static str> {
        LOOKUPS.iter().map(|(name, ..)| *name).filter(|name| !name.starts_with("fleet.")).collect()
    }

    fn vault(&self) -> Option<&Arc<Vault>> {
        Some(self.project.vault())
    }

    fn now(&self) -> i64 {
        self.clock.now()
    }

    fn ahead_of_utc(&self, at: i64) -> i32 {
        jiff::Timestamp::from_microsecond(at)
            .map_or(0, |at| jiff::tz::TimeZone::system().to_offset(at).seconds())
    }

    fn is_ahead(&self) -> bool {
        self.ahead
    }

    fn warn(&self, message: String) {
        let mut untold = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        if !untold.warnings.contains(&message) {
            untold.warnings.push(message);
        }
    }

    fn warnings(&self) -> Vec<String> {
        std::mem::take(&mut self.warnings.lock().unwrap_or_else(PoisonError::into_inner).warnings)
    }

    fn deprecate(&self, deprecation: Deprecation) {
        let mut untold = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        if !untold.deprecations.contains(&deprecation) {
            untold.deprecations.push(deprecation);
        }
    }

    fn deprecations(&self) -> Vec<Deprecation> {
        std::mem::take(&mut self.warnings.lock().unwrap_or_else(PoisonError::into_inner).deprecations)
    }

    fn template(&self, name: &str) -> Option<Arc<Source>> {
        let path = self.find("templates", name)?;
        self.project.read(&path).ok()
    }

    fn found_template(
        &self,
        name: &str,
        variables: &Arc<dyn Variables>,
    ) -> Option<Result<FoundTemplate, String>> {
        let path = self.find("templates", name)?;
        let own: Arc<dyn Lookups> = Arc::new(self.clone());
        Some(self.project.read(&path).map_err(|diagnostic| diagnostic.message.clone()).map(|source| {
            FoundTemplate {
                source,
                variables: Arc::new(FileVariables::of_lookup(variables, &path, name, self.clock.now())),
                lookups: Arc::new(Beside::new(&own, &self.project, &path)),
            }
        }))
    }
}

#[cfg(test)]
mod tests;
