//! Row 2: ansible.cfg and the `ANSIBLE_*` variables as one typed [`Config`], each setting with where it comes from.
//!
//! Pure over the file's text and the environment; `cli` reads both. Every setting of ansible-core 2.19 is known by
//! name: what fleet does not honour is reported where it is set to something else than its default.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::{Diagnostics, Place, Source};

mod find;
mod ini;
mod others;
mod read;
mod settings;
mod value;

pub use find::{Candidate, candidates};
pub use read::{Known, known, load};
pub use settings::{
    Config, DuplicateKeys, Gathering, GroupNames, HashBehaviour, Mismatch, ResultFormat, VarsRoot,
};
pub use value::CommaPaths;

/// What a configuration is read in.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The environment.
    pub environment: BTreeMap<String, String>,
    /// The user's home directory.
    pub home: PathBuf,
    /// The working directory.
    pub directory: PathBuf,
}

/// Where a setting comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody has set it.
    Default,
    /// A variable of the environment.
    Variable(Arc<str>),
    /// A line of a file.
    File(Place),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Variable(name) => f.write_str(name),
            Self::File(place) => place.fmt(f),
        }
    }
}

/// A setting's value with its origin.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub origin: Origin,
}

impl<T> Setting<T> {
    /// The value where somebody has set it, and nothing where it is the default.
    pub fn given(&self) -> Option<&T> {
        (self.origin != Origin::Default).then_some(&self.value)
    }
}

impl<T> Deref for Setting<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl Default for Config {
    /// The defaults, as without file and variables.
    fn default() -> Self {
        load(&Surroundings::default(), None).0
    }
}

/// A configuration file that was read.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    /// Its absolute path: paths in it start at its directory.
    pub path: PathBuf,
    /// Its text.
    pub source: Arc<Source>,
}

impl ConfigFile {
    fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }
}

/// A configuration with what there is to say about it.
pub type Loaded = (Config, Diagnostics);

#[cfg(test)]
mod tests;
