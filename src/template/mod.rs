//! Row 3: Ansible's templating: native types, strict undefined, filters, tests and lookups.
//!
//! minijinja reads the templates; its syntax tree is evaluated here, with Python's semantics. Its own machine
//! could not: it has no way to see what is compared or tested (so unknowns would count as different or true),
//! its lists cannot be appended to, and what is undefined has no name.
//!
//! Pure: files, commands and the clock are reached only through [`Lookups`], which `engine` provides.

use std::borrow::Cow;
use std::sync::Arc;

use crate::base::{Diagnostic, Map, Place, Source, Unknown, Value};
use crate::secrets::Vault;

mod access;
mod args;
mod call;
mod collections;
mod context;
mod convert;
pub mod crypt;
mod escapes;
mod eval;
mod exec;
mod fail;
mod filters;
mod format;
mod globals;
mod lookup;
mod lower;
mod methods;
mod moment;
mod net;
mod object;
mod ops;
mod options;
mod pattern;
mod place;
mod predicates;
mod scan;
mod sequence;
mod templar;
#[cfg(test)]
mod tests;
mod tree;
mod trust;
mod val;

pub use filters::seeded_choices;
pub use options::{FileOptions, Markers};
pub use templar::Templar;

/// The variables that a template is rendered with.
type Scope = Arc<dyn Variables>;

/// The variables of one task on one host, not rendered. Templates among them are rendered when they are read.
pub trait Variables: Send + Sync + std::fmt::Debug {
    /// The definition that wins, not rendered.
    fn get(&self, name: &str) -> Option<Value>;
    /// Where that definition stands.
    fn place(&self, name: &str) -> Option<Place>;
    /// All names that are defined.
    fn names(&self) -> Vec<Arc<str>>;
    /// The variables of another host, for `hostvars`.
    fn host(&self, name: &str) -> Option<Arc<dyn Variables>>;
    /// The hosts that `hostvars` has.
    fn hosts(&self) -> Vec<Arc<str>>;
}

/// What templates may ask of the world outside: lookups that read files, run commands or look at the clock.
///
/// Beside the lookups of Ansible that are not pure (`file`, `env`, `pipe`, `first_found` …) it is asked
/// - `random_choice` by the filters `random` and `shuffle` where they have no seed, `env` by `expanduser` and
///   `expandvars`, `fileglob` by the filter of that name;
/// - `fleet.path_test` with the name of a test (`exists`, `file`, `directory`, `link`, `link_exists`, `mount`,
///   `same_file`, `vaulted_file`) and its paths: a boolean;
/// - `fleet.realpath` with a path: a text.
pub trait Lookups: Send + Sync + std::fmt::Debug {
    /// Runs a lookup. Terms and options are rendered.
    ///
    /// # Errors
    /// A message without a place (the caller knows the place).
    fn lookup(
        &self,
        name: &str,
        terms: &[Value],
        options: &Map,
        variables: &Arc<dyn Variables>,
    ) -> Result<Value, LookupError>;
    /// Microseconds since the epoch, for `now()`.
    fn now(&self) -> i64;
    /// How many seconds the controller's clock on the wall is ahead of UTC at that moment.
    fn ahead_of_utc(&self, _at: i64) -> i32 {
        0
    }
    /// Whether this is look-ahead: what is something else each time is not evaluated.
    fn is_ahead(&self) -> bool {
        false
    }
    /// The text of a template that is included, imported or extended.
    fn template(&self, name: &str) -> Option<Arc<Source>>;
    /// The names of the lookups that it has, for near misses.
    fn names(&self) -> Vec<&'static str> {
        Vec::new()
    }
    /// The template of the lookup of that name, or why it cannot be read; nothing where there is none.
    fn found_template(
        &self,
        _name: &str,
        _variables: &Arc<dyn Variables>,
    ) -> Option<Result<FoundTemplate, String>> {
        None
    }
    /// What decrypts values that are encrypted with vault.
    fn vault(&self) -> Option<&Arc<Vault>> {
        None
    }
    /// Takes a warning: a lookup failed whose `errors` is `warn`.
    fn warn(&self, _message: String) {}
    /// Takes note of something that Ansible is going to give up.
    fn deprecate(&self, _deprecation: Deprecation) {}
    /// What was noted since the last time that it was asked for, each once.
    fn deprecations(&self) -> Vec<Deprecation> {
        Vec::new()
    }
    /// The warnings since the last time that they were asked for.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What Ansible is going to give up.
#[derive(Clone, Debug, PartialEq)]
pub struct Deprecation {
    /// What is done, in Ansible's words.
    pub message: Cow<'static, str>,
    /// The version of ansible-core that will refuse it.
    pub version: &'static str,
    /// Where it is done.
    pub place: Option<Place>,
}

/// The option that tells a lookup that it is asked by `with_NAME`.
pub const WITH: &str = "fleet.with";

/// A template that `lookup('template')` renders.
#[derive(Debug)]
pub struct FoundTemplate {
    /// Its text.
    pub source: Arc<Source>,
    /// The variables that it sees.
    pub variables: Arc<dyn Variables>,
    /// What it can ask for: what it includes lies beside it.
    pub lookups: Arc<dyn Lookups>,
}

/// Why a lookup gave nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum LookupError {
    /// There is no such lookup.
    NoSuchLookup,
    /// It may not be evaluated now (look-ahead never evaluates what is impure).
    Deferred,
    /// It depends on a task that has not run.
    Unknown(Arc<Unknown>),
    /// It failed.
    Failed(String),
}

/// What rendering gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// The value. [`Value::Unknown`] where it depends on a task that has not run and is nothing but that.
    pub value: Value,
    /// The unknown that was read on the way, if any: then the value is not certain.
    pub unknown: Option<Arc<Unknown>>,
    /// Whether a secret was read on the way.
    pub tainted: bool,
}

/// What a condition gave.
#[derive(Clone, Debug, PartialEq)]
pub enum Truth {
    /// It holds.
    Yes,
    /// It does not hold.
    No,
    /// It depends on a task that has not run.
    Unknown(Arc<Unknown>),
}

/// Why rendering failed.
#[derive(Clone, Debug, PartialEq)]
pub enum TemplateError {
    /// With its place where one is known.
    Failed(Box<Diagnostic>),
    /// Look-ahead met something that may only be evaluated at the task's turn.
    Deferred,
}
