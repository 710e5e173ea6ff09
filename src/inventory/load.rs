//! Reads inventory sources: what a directory holds, and which plugins try a source until one can read it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fancy_regex::Regex;

use super::build::Builder;
use super::outside::Reading;
use super::plugin::{self, Plugin};
use super::{Inventory, InventorySource, Options};
use crate::base::{Diagnostic, Diagnostics, Kind, Severity, Source};
use crate::project::{Project, shown};

/// Names in an inventory directory that are never inventories.
const IGNORED_NAMES: [&str; 3] = ["host_vars", "group_vars", "vars_plugins"];

/// An inventory as it was read.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The inventory; with errors it holds what could be read.
    pub inventory: Inventory,
    /// What is wrong, and what is worth a warning.
    pub diagnostics: Diagnostics,
    /// What `-vvv` tells.
    pub remarks: Vec<String>,
}

pub(super) fn load(reading: &Reading<'_>) -> Loaded {
    let mut loading = Loading {
        reading,
        builder: Builder::with_options(reading.options),
        ignored: Vec::new(),
        processed: Vec::new(),
        remarks: Vec::new(),
    };
    loading.compile_ignored();
    let mut dirs: Vec<PathBuf> = Vec::new();
    let mut parsed = false;
    for source in reading.sources {
        if let InventorySource::Path(path) = source {
            let dir = if reading.project.is_dir(path) { path.clone() } else { parent_of(path) };
            // the same directory again counts where it comes last
            dirs.retain(|known| *known != dir);
            dirs.push(dir);
        }
        parsed |= loading.source(source);
    }
    let Loading { mut builder, remarks, .. } = loading;
    if !parsed {
        builder = builder.emptied();
        if reading.options.unparsed_is_failed {
            let told = "No inventory was parsed, please check your configuration and options.";
            builder.warn(Diagnostic::error(Kind::Inventory, "no inventory was parsed").told_in_full(told));
        } else if reading.options.unparsed_warning
            && !builder.diagnostics.has_errors()
            && !(reading.sources.is_empty() && reading.options.empty_is_fine)
        {
            let message = "no inventory was parsed, only implicit localhost is available";
            builder.warn(Diagnostic::warning(Kind::Inventory, message));
        }
    }
    let (mut inventory, diagnostics) = builder.finish();
    inventory.dirs = dirs;
    Loaded { inventory, diagnostics, remarks }
}

/// The directory of a file.
pub(super) fn parent_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Reading under way.
pub(super) struct Loading<'a> {
    pub(super) reading: &'a Reading<'a>,
    pub(super) builder: Builder,
    ignored: Vec<Regex>,
    /// The files that were read, for `constructed`.
    pub(super) processed: Vec<PathBuf>,
    pub(super) remarks: Vec<String>,
}

/// What a plugin that could not read a source says.
struct Failure {
    plugin: Plugin,
    diagnostics: Vec<Diagnostic>,
}

impl Loading<'_> {
    fn options(&self) -> &Options {
        self.reading.options
    }

    fn project(&self) -> &Project {
        self.reading.project
    }

    fn compile_ignored(&mut self) {
        for pattern in &self.reading.options.ignore_patterns {
            match Regex::new(pattern) {
                Ok(regex) => self.ignored.push(regex),
                Err(error) => {
                    let message =
                        format!("the pattern `{pattern}` of `ignore_patterns` cannot be read: {error}");
                    self.builder.error(message, None);
                }
            }
        }
    }

    /// Whether the source could be read; of a directory, any of its files.
    fn source(&mut self, source: &InventorySource) -> bool {
        let parsed = match source {
            InventorySource::Path(path) if self.project().is_dir(path) => self.directory(path),
            _ => self.single(source),
        };
        if let (InventorySource::Path(path), true) = (source, parsed)
            && !self.project().is_dir(path)
        {
            self.processed.push(path.clone());
        }
        parsed
    }

    fn directory(&mut self, path: &Path) -> bool {
        let entries = match self.project().entries(path) {
            Ok(entries) => entries,
            Err(diagnostic) => {
                self.builder.warn(diagnostic);
                return false;
            }
        };
        let mut parsed = false;
        for entry in entries {
            if !self.is_ignored(&entry) {
                parsed |= self.source(&InventorySource::Path(entry));
            }
        }
        if !parsed {
            self.unparsed(&InventorySource::Path(path.to_owned()), Vec::new());
        }
        parsed
    }

    fn is_ignored(&self, path: &Path) -> bool {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return true };
        name.starts_with('.')
            || IGNORED_NAMES.contains(&name)
            || self.options().ignore_extensions.iter().any(|ending| name.ends_with(ending.as_str()))
            || self.ignored.iter().any(|regex| regex.is_match(name).unwrap_or(false))
    }

    /// A file or a list of hosts: every enabled plugin may try.
    fn single(&mut self, source: &InventorySource) -> bool {
        self.builder.source = Some(source.clone());
        let mut failures = Vec::new();
        let mut parsed = false;
        for name in &self.reading.options.enabled {
            let Some(plugin) = Plugin::named(name) else {
                let message =
                    format!("the inventory plugin `{name}` of `enable_plugins` does not exist here");
                let warning =
                    Diagnostic::warning(Kind::Unsupported, message).maybe_hint(plugin::suggestion(name));
                if !self.builder.diagnostics.0.contains(&warning) {
                    self.builder.warn(warning);
                }
                continue;
            };
            if !plugin.wants(source, self.reading) {
                continue;
            }
            match self.attempt(plugin, source) {
                Ok(()) => {
                    parsed = true;
                    break;
                }
                Err(diagnostics) => failures.push(Failure { plugin, diagnostics }),
            }
        }
        self.builder.source = None;
        if !parsed {
            self.unparsed(source, failures);
        }
        parsed
    }

    /// Lets a plugin read; what it says counts only where it succeeds.
    fn attempt(&mut self, plugin: Plugin, source: &InventorySource) -> Result<(), Vec<Diagnostic>> {
        let before = self.builder.diagnostics.0.len();
        self.builder.broken = false;
        self.read_with(plugin, source);
        self.builder.broken = false;
        let said = self.builder.diagnostics.0.get(before..).unwrap_or_default();
        if said.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
            return Err(self.builder.diagnostics.0.split_off(before));
        }
        Ok(())
    }

    /// The text of a source that is a file.
    pub(super) fn text(&mut self, path: &Path) -> Option<Arc<Source>> {
        match self.project().read(path) {
            Ok(source) => Some(source),
            Err(diagnostic) => {
                self.builder.warn(diagnostic);
                None
            }
        }
    }

    /// No plugin could read a source: an error or warnings, as the settings want it.
    fn unparsed(&mut self, source: &InventorySource, failures: Vec<Failure>) {
        let (name, whole) = match source {
            InventorySource::Path(path) => {
                (shown(path).display().to_string(), super::absolute(path).display().to_string())
            }
            InventorySource::Hosts(list) => (list.clone(), list.clone()),
        };
        let builder = &mut self.builder;
        let is_directory = matches!(source, InventorySource::Path(path) if self.reading.project.is_dir(path));
        if is_directory && self.reading.options.empty_is_fine {
            let message = format!("the directory `{name}` holds no inventory");
            builder.warn(Diagnostic::warning(Kind::Inventory, message));
            return;
        }
        if !self.reading.options.any_unparsed_is_failed {
            for Failure { plugin, diagnostics } in failures {
                // a plugin of Ansible's ends at the first mistake
                let is_error = |said: &Diagnostic| said.severity == Severity::Error;
                let (errors, mut said): (Vec<_>, Vec<_>) = diagnostics.into_iter().partition(is_error);
                said.extend(errors.into_iter().next().map(|error| as_warning(plugin, error)));
                builder.diagnostics.0.extend(said);
            }
            let message = format!("unable to parse `{name}` as an inventory source");
            let told = format!("Unable to parse {whole} as an inventory source");
            builder.warn(Diagnostic::warning(Kind::Inventory, message).told_in_full(told));
            return;
        }
        let message = match source {
            InventorySource::Path(path) if !is_directory && !self.reading.project.is_readable(path) => {
                let error = Diagnostic::error(Kind::File, format!("there is no inventory `{name}`"))
                    .told_in_full(format!("Completely failed to parse inventory source {whole}"))
                    .hint("a list of hosts needs a comma, if only behind the last one: `-i web1,`");
                builder.warn(error);
                return;
            }
            _ => format!("no enabled plugin reads the inventory source `{name}`"),
        };
        match self.pertinent(source, failures) {
            Some(failure) => self.builder.diagnostics.0.extend(failure.diagnostics),
            None => self.builder.error(message, None),
        }
    }

    /// The plugin that the source was written for: only what that one says helps.
    fn pertinent(&self, source: &InventorySource, mut failures: Vec<Failure>) -> Option<Failure> {
        let InventorySource::Path(path) = source else { return failures.pop() };
        let text = self.project().read(path).ok();
        let text = text.as_ref().map(|source| source.text.as_str()).unwrap_or_default();
        let wanted: &[Plugin] = if text.starts_with("#!") && self.reading.outside.is_executable(path) {
            &[Plugin::Script]
        } else if plugin::looks_like_plugin(text) {
            &[Plugin::Auto, Plugin::Constructed, Plugin::Generator]
        } else if plugin::ending(path).is_some_and(|ending| self.options().yaml_extensions.contains(&ending))
            || (plugin::ending(path).is_none() && plugin::looks_like_yaml(text))
        {
            &[Plugin::Yaml]
        } else if plugin::ending(path).as_deref() == Some(".toml") {
            &[Plugin::Toml]
        } else {
            &[Plugin::Ini]
        };
        let at =
            wanted.iter().find_map(|plugin| failures.iter().position(|failure| failure.plugin == *plugin));
        let mut failure = match at {
            Some(at) => failures.swap_remove(at),
            None => failures.pop()?,
        };
        if text.starts_with("#!")
            && !self.reading.outside.is_executable(path)
            && let Some(first) = failure.diagnostics.first_mut()
        {
            let message = "this looks like an inventory script; such a file has to be executable";
            *first = first.clone().note(message, None);
        }
        Some(failure)
    }
}

/// What a plugin says where the run goes on without the source.
fn as_warning(plugin: Plugin, said: Diagnostic) -> Diagnostic {
    if said.severity == Severity::Warning {
        return said;
    }
    // Ansible's own messages start with a capital, and scripts look for them
    let mut characters = said.message.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    let capital: String = first.chain(characters).collect();
    let message = format!("failed to parse inventory with `{}` plugin: {capital}", plugin.name());
    Diagnostic { severity: Severity::Warning, message, told: None, words: None, ..said }
}
