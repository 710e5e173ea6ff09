//! Builds an inventory step by step, with the checks that every source shares.

use std::sync::Arc;

use super::options::safe_name;
use super::{Group, GroupNames, Host, Inventory, InventorySource, LOCALHOST, Options};
use crate::base::{Diagnostic, Diagnostics, Kind, Place, Severity, Value};
use crate::vars::{VarMap, Variable, merged};

/// An inventory under construction.
#[derive(Debug)]
pub(super) struct Builder {
    pub(super) inventory: Inventory,
    pub(super) diagnostics: Diagnostics,
    /// The source that is being read.
    pub(super) source: Option<InventorySource>,
    /// Whether the source that is being read is given up: nothing more is taken from it.
    pub(super) broken: bool,
    /// Groups whose names were made safe, as they were given.
    replaced: Vec<(String, Option<Place>)>,
}

impl Builder {
    /// With the groups that always exist, and the settings that nobody has changed.
    #[cfg(test)]
    pub(super) fn new() -> Self {
        Self::with_options(&Options::default())
    }

    /// With the groups that always exist.
    pub(super) fn with_options(options: &Options) -> Self {
        let mut builder = Self {
            inventory: Inventory { options: Arc::new(options.clone()), ..Inventory::default() },
            diagnostics: Diagnostics::default(),
            source: None,
            broken: false,
            replaced: Vec::new(),
        };
        builder.add_group("all", None);
        builder.add_group("ungrouped", None);
        builder.add_child("all", "ungrouped", None);
        builder
    }

    /// Without hosts and groups; what was said stays.
    pub(super) fn emptied(self) -> Self {
        let diagnostics = self.diagnostics;
        Self { diagnostics, ..Self::with_options(&self.inventory.options) }
    }

    pub(super) fn error(&mut self, message: impl Into<String>, place: Option<&Place>) {
        self.warn(Diagnostic::error(Kind::Inventory, message).at_if_unplaced(place));
    }

    /// Tells of an error or a warning. Where the run goes on without the source, an error ends its reading.
    pub(super) fn warn(&mut self, diagnostic: Diagnostic) {
        let tolerant = !self.inventory.options.any_unparsed_is_failed;
        self.broken |= tolerant && diagnostic.severity == Severity::Error;
        self.diagnostics.push(diagnostic);
    }

    pub(super) fn has_group(&self, name: &str) -> bool {
        self.inventory.groups.contains_key(name)
    }

    /// The name that a group gets, which the settings may have made safe.
    pub(super) fn group_name(&mut self, name: &str, place: Option<&Place>) -> String {
        let safe = self.inventory.options.group_names.apply(name);
        if safe != name && !self.replaced.iter().any(|(known, _)| known == name) {
            self.replaced.push((name.to_owned(), place.cloned()));
        }
        safe
    }

    /// Adds a group if it is not there yet; the name that it has, which the settings may have made safe.
    pub(super) fn add_group(&mut self, name: &str, place: Option<&Place>) -> String {
        if self.has_group(name) || self.broken {
            return name.to_owned();
        }
        let safe = self.group_name(name, place);
        if !self.has_group(&safe) {
            self.inventory.groups.insert(Arc::from(safe.as_str()), Group::new(&safe, place.cloned()));
        }
        safe
    }

    /// Adds a host if it is not there yet, and makes it a member of a group. The port counts for a new host only.
    pub(super) fn add_host(
        &mut self,
        name: &str,
        group: Option<&str>,
        port: Option<u32>,
        place: Option<&Place>,
    ) {
        if name.is_empty() {
            self.error("a host without a name", place);
            return;
        }
        if self.broken {
            return;
        }
        if !self.inventory.hosts.contains_key(name) {
            let mut host = Host::new(name, place.cloned(), self.source.clone());
            if let Some(port) = port.filter(|port| *port > 0) {
                let port = Variable { value: Value::from(port), place: place.cloned() };
                host.vars.insert(Arc::from("ansible_port"), port);
            }
            self.inventory.hosts.insert(Arc::from(name), host);
        }
        if let Some(group) = group {
            self.inventory.join(name, group);
        }
    }

    /// Puts a group below another. A loop is an error that shows its chain.
    pub(super) fn add_child(&mut self, parent: &str, child: &str, place: Option<&Place>) {
        if self.broken {
            return;
        }
        if let Err(error) = self.inventory.link(parent, child) {
            self.warn(error.at_if_unplaced(place));
        }
    }

    /// Sets a variable of a group.
    pub(super) fn set_group_variable(
        &mut self,
        group: &str,
        name: &str,
        value: Value,
        place: Option<&Place>,
    ) {
        self.check_variable_name(name, place);
        let merge = self.inventory.options.merge;
        let Some(group) = self.inventory.groups.get_mut(group).filter(|_| !self.broken) else { return };
        if name != "ansible_group_priority" {
            set(&mut group.vars, name, Variable { value, place: place.cloned() }, merge);
            return;
        }
        let priority = match &value {
            Value::Str(text) => text.trim().parse().ok(),
            Value::Bool(value) => Some(i64::from(*value)),
            Value::Float(number) => Some(*number as i64),
            other => other.as_int().and_then(|number| i64::try_from(number).ok()),
        };
        match priority {
            Some(priority) => group.priority = priority,
            None => self.error("`ansible_group_priority` has to be an integer", place),
        }
    }

    /// Sets a variable of a host; where a group has the same name, of that group, as Ansible does.
    pub(super) fn set_host_variable(&mut self, host: &str, name: &str, value: Value, place: Option<&Place>) {
        if self.has_group(host) {
            self.set_group_variable(host, name, value, place);
            return;
        }
        self.check_variable_name(name, place);
        let merge = self.inventory.options.merge;
        if let Some(host) = self.inventory.hosts.get_mut(host).filter(|_| !self.broken) {
            set(&mut host.vars, name, Variable { value, place: place.cloned() }, merge);
        }
    }

    fn check_variable_name(&mut self, name: &str, place: Option<&Place>) {
        if !is_variable_name(name) {
            let warning =
                Diagnostic::warning(Kind::Inventory, format!("`{name}` is not a valid name for a variable"))
                    .at_if_unplaced(place)
                    .hint("use letters, digits and underscores, and start with a letter or an underscore");
            self.warn(warning);
        }
    }

    /// Brings everything below `all` and every host into a group, and checks the names.
    pub(super) fn finish(mut self) -> (Inventory, Diagnostics) {
        let names: Vec<Arc<str>> = self.inventory.groups.keys().cloned().collect();
        for name in &names {
            let orphan = self.inventory.groups.get(name).is_some_and(|group| group.parents.is_empty());
            if orphan && &**name != "all" {
                self.add_child("all", name, None);
            }
        }
        let hosts: Vec<Arc<str>> = self.inventory.hosts.keys().cloned().collect();
        for name in &hosts {
            self.inventory.settle(name);
        }
        self.inventory.set_depths();
        self.check_names();
        self.tell_replaced();
        (self.inventory, self.diagnostics)
    }

    fn tell_replaced(&mut self) {
        if self.inventory.options.group_names != GroupNames::Always {
            return;
        }
        if let Some((first, place)) = self.replaced.first() {
            let names: Vec<String> = self.replaced.iter().map(|(name, _)| format!("`{name}`")).collect();
            let message = format!("group names with invalid characters were changed: {}", names.join(", "));
            let warning = Diagnostic::warning(Kind::Inventory, message)
                .at_if_unplaced(place.as_ref())
                .hint(format!("`{first}` is now `{}`", safe_name(first)));
            self.diagnostics.push(warning);
        }
    }

    fn check_names(&mut self) {
        let told = self.inventory.options.group_names != GroupNames::Ignore;
        let groups = self.inventory.groups.values();
        let odd: Vec<&Group> = groups.filter(|group| told && !is_variable_name(&group.name)).collect();
        if let Some(first) = odd.first() {
            let names: Vec<String> = odd.iter().map(|group| format!("`{}`", group.name)).collect();
            let message = if names.len() == 1 {
                format!(
                    "the group name {} has characters that names of variables cannot have",
                    names.concat()
                )
            } else {
                format!(
                    "group names with characters that names of variables cannot have: {}",
                    names.join(", ")
                )
            };
            let warning = Diagnostic::warning(Kind::Inventory, message)
                .at_if_unplaced(first.place.as_ref())
                .hint(format!("in templates they need brackets: `groups['{}']`", first.name))
                .told_in_full(
                    "Invalid characters were found in group names but not replaced, use -vvvv to see details",
                );
            self.diagnostics.push(warning);
        }
        let conflicts = self.inventory.groups.keys().filter_map(|name| self.inventory.conflict(name));
        self.diagnostics.0.extend(conflicts);
        let locals: Vec<&Host> =
            self.inventory.hosts.values().filter(|host| LOCALHOST.contains(&&*host.name)).collect();
        if let [first, second, ..] = locals.as_slice() {
            let message = format!("both `{}` and `{}` name this machine", first.name, second.name);
            let warning = Diagnostic::warning(Kind::Inventory, message).at_if_unplaced(second.place.as_ref());
            self.diagnostics.push(warning);
        }
    }
}

/// Sets a variable; with `merge` a mapping is merged into the one that is there.
pub(super) fn set(vars: &mut VarMap, name: &str, variable: Variable, merge: bool) {
    match vars.get_mut(name) {
        Some(known) if merge => {
            known.value = merged(&known.value, variable.value);
            known.place = variable.place;
        }
        _ => {
            vars.insert(Arc::from(name), variable);
        }
    }
}

/// Whether a name can be that of a variable: letters, digits and underscores, no digit first.
pub(super) fn is_variable_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_numeric())
        && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}
