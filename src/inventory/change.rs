//! Changes to an inventory: while it is built, and at run time as `add_host` and `group_by` make them.
//!
//! What is returned is whether something changed, as Ansible counts it. An error leaves the inventory as it was.

use std::sync::Arc;

use super::{Group, Host, Inventory, build};
use crate::base::names::did_you_mean;
use crate::base::{Diagnostic, Kind};
use crate::vars::VarMap;

/// A change at run time that a refresh makes again.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Dynamic {
    Host { name: String, groups: Vec<String>, vars: VarMap },
    Grouping { host: String, group: String, parents: Vec<String> },
}

impl Inventory {
    /// Does again what `add_host` and `group_by` had done to another inventory, after it was read anew for
    /// `meta: refresh_inventory`. Hosts that are gone are in no group any more.
    pub fn carry_over(&mut self, before: &Self) {
        for change in &before.dynamic {
            // what cannot be done any more (a group that would now be its own parent) is left out
            let _ = match change {
                Dynamic::Host { name, groups, vars } => self.add_host(name, groups, vars),
                Dynamic::Grouping { host, group, parents } => self.group_by(host, group, parents),
            };
        }
        self.dynamic.clone_from(&before.dynamic);
    }

    /// Adds a host or changes it, as `add_host` does: its variables are set, and it becomes a member of the groups, which
    /// are made where they are missing.
    ///
    /// # Errors
    /// A host or group without a name.
    pub fn add_host(
        &mut self,
        name: &str,
        groups: &[impl AsRef<str>],
        vars: &VarMap,
    ) -> Result<bool, Diagnostic> {
        if name.is_empty() || groups.iter().any(|group| group.as_ref().is_empty()) {
            return Err(nameless(if name.is_empty() { "host" } else { "group" }));
        }
        self.dynamic.push(Dynamic::Host {
            name: name.to_owned(),
            groups: groups.iter().map(|group| group.as_ref().to_owned()).collect(),
            vars: vars.clone(),
        });
        let merge = self.options.merge;
        let mut changed = false;
        if !self.hosts.contains_key(name) {
            self.hosts.insert(Arc::from(name), Host::new(name, None, None));
            self.join(name, "all");
            changed = true;
        }
        if let Some(host) = self.hosts.get_mut(name) {
            for (key, variable) in vars {
                let before = host.vars.get(key).map(|known| known.value.clone());
                build::set(&mut host.vars, key, variable.clone(), merge);
                changed |= host.vars.get(key).map(|now| &now.value) != before.as_ref();
            }
        }
        for group in groups {
            let group = self.options.group_names.apply(group.as_ref());
            changed |= self.add_group(&group)?;
            changed |= self.join(name, &group);
        }
        if changed {
            self.settle(name);
        }
        Ok(changed)
    }

    /// Adds a group below `all` if it is not there yet.
    ///
    /// # Errors
    /// A group without a name.
    pub fn add_group(&mut self, name: &str) -> Result<bool, Diagnostic> {
        if name.is_empty() {
            return Err(nameless("group"));
        }
        if self.groups.contains_key(name) {
            return Ok(false);
        }
        self.groups.insert(Arc::from(name), Group::new(name, None));
        self.link("all", name)?;
        self.set_depths();
        Ok(true)
    }

    /// Puts a group below another; both are made where they are missing.
    ///
    /// # Errors
    /// A group without a name, or a loop, with its chain.
    pub fn add_child(&mut self, parent: &str, child: &str) -> Result<bool, Diagnostic> {
        if parent.is_empty() || child.is_empty() {
            return Err(nameless("group"));
        }
        self.check_link(parent, child)?;
        let mut changed = self.add_group(parent)?;
        changed |= self.add_group(child)?;
        if self.link(parent, child)? {
            self.set_depths();
            changed = true;
        }
        Ok(changed)
    }

    /// Makes a host a member of a group, which is made where it is missing; a member of a group below it is one already.
    /// The implicit localhost can be a member too.
    ///
    /// # Errors
    /// A group without a name, or a host that does not exist.
    pub fn add_host_to_group(&mut self, host: &str, group: &str) -> Result<bool, Diagnostic> {
        if group.is_empty() {
            return Err(nameless("group"));
        }
        let Some(host) = self.host(host).map(|host| Arc::clone(&host.name)) else {
            let message = format!("there is no host `{host}` to put into the group `{group}`");
            let hint = did_you_mean(host, self.hosts.keys().map(|name| &**name));
            return Err(Diagnostic::error(Kind::Inventory, message).maybe_hint(hint));
        };
        if self.is_implicit(&host) && self.implicit.is_none() {
            self.implicit = Some(Host::implicit_localhost(&host));
        }
        self.add_group(group)?;
        if self.group_members(group).contains(&host) {
            return Ok(false);
        }
        let changed = self.join(&host, group);
        self.settle(&host);
        Ok(changed)
    }

    /// Makes a host a member of a group below other groups, as `group_by` does. Groups that are missing are made.
    ///
    /// # Errors
    /// As [`Self::add_host_to_group`] and [`Self::add_child`].
    pub fn group_by(
        &mut self,
        host: &str,
        group: &str,
        parents: &[impl AsRef<str>],
    ) -> Result<bool, Diagnostic> {
        for parent in parents.iter().map(AsRef::as_ref) {
            if parent.is_empty() || group.is_empty() {
                return Err(nameless("group"));
            }
            self.check_link(parent, group)?;
        }
        self.dynamic.push(Dynamic::Grouping {
            host: host.to_owned(),
            group: group.to_owned(),
            parents: parents.iter().map(|parent| parent.as_ref().to_owned()).collect(),
        });
        let mut changed = false;
        for parent in parents {
            changed |= self.add_child(parent.as_ref(), group)?;
        }
        Ok(self.add_host_to_group(host, group)? || changed)
    }

    /// The warning that a name is both a host's and a group's, where it is.
    pub fn conflict(&self, name: &str) -> Option<Diagnostic> {
        let (host, group) = (self.hosts.get(name)?, self.groups.get(name)?);
        let message = format!("`{name}` is both a group and a host");
        let warning = Diagnostic::warning(Kind::Inventory, message).at_if_unplaced(host.place.as_ref());
        let told = format!("Found both group and host with same name: {name}");
        Some(warning.note("the group", group.place.as_ref()).told_in_full(told))
    }

    /// Makes a host a direct member of a group; both exist.
    pub(super) fn join(&mut self, host: &str, group: &str) -> bool {
        let host = self.hosts.get_mut(host).or(self.implicit.as_mut().filter(|own| &*own.name == host));
        let (Some(host), Some(group)) = (host, self.groups.get_mut(group)) else { return false };
        // a host is in few groups, but a group may have many hosts
        if host.groups.contains(&group.name) {
            return false;
        }
        group.hosts.push(Arc::clone(&host.name));
        host.groups.push(Arc::clone(&group.name));
        true
    }

    /// Puts a group below another; both exist. Depths are set by [`Self::set_depths`].
    pub(super) fn link(&mut self, parent: &str, child: &str) -> Result<bool, Diagnostic> {
        self.check_link(parent, child)?;
        let known =
            self.groups.get(parent).is_some_and(|group| group.children.iter().any(|name| &**name == child));
        if known || !self.groups.contains_key(parent) {
            return Ok(false);
        }
        let Some(child) = self.groups.get_mut(child).map(|group| {
            group.parents.push(Arc::from(parent));
            Arc::clone(&group.name)
        }) else {
            return Ok(false);
        };
        if let Some(group) = self.groups.get_mut(parent) {
            group.children.push(child);
        }
        Ok(true)
    }

    fn check_link(&self, parent: &str, child: &str) -> Result<(), Diagnostic> {
        let error = |message: String| Err(Diagnostic::error(Kind::Inventory, message));
        if parent == child {
            return error(format!("group `{parent}` is its own child"));
        }
        let Some(path) = self.path_down(child, parent) else { return Ok(()) };
        let chain: Vec<String> = std::iter::once(parent)
            .chain(path.iter().map(|name| &**name))
            .map(|name| format!("`{name}`"))
            .collect();
        error(format!(
            "group `{child}` cannot be a child of `{parent}`: that makes a loop, {}",
            chain.join(" → ")
        ))
    }

    /// Whoever is in no other group is in `ungrouped`, the implicit localhost excepted.
    pub(super) fn settle(&mut self, host: &str) {
        if self.groups_of(host).iter().any(|group| &**group != "ungrouped") {
            self.leave_ungrouped(host);
        } else if !self.is_implicit(host) {
            self.join(host, "ungrouped");
        }
    }

    fn leave_ungrouped(&mut self, host: &str) {
        let is_member = |host: &Host| host.groups.iter().any(|group| &**group == "ungrouped");
        if !self.hosts.get(host).is_some_and(is_member) {
            return;
        }
        if let Some(group) = self.groups.get_mut("ungrouped") {
            group.hosts.retain(|name| &**name != host);
        }
        if let Some(host) = self.hosts.get_mut(host) {
            host.groups.retain(|name| &**name != "ungrouped");
        }
    }
}

fn nameless(what: &str) -> Diagnostic {
    Diagnostic::error(Kind::Inventory, format!("a {what} without a name"))
}

#[cfg(test)]
mod tests {
    use super::super::build::Builder;
    use super::*;
    use crate::base::{Source, Value};
    use crate::vars::Variable;

    fn inventory() -> Inventory {
        let mut builder = Builder::new();
        builder.add_ini(&Source::new("hosts", "h1\n[web]\nw1\n[site:children]\nweb\n".to_owned()));
        builder.finish().0
    }

    fn vars(entries: &[(&str, &str)]) -> VarMap {
        let variable = |text: &str| Variable { value: Value::from(text), place: None };
        entries.iter().map(|(name, value)| (Arc::from(*name), variable(value))).collect()
    }

    fn texts(names: &[Arc<str>]) -> Vec<&str> {
        names.iter().map(|name| &**name).collect()
    }

    #[test]
    fn hosts_are_added_as_add_host_does() {
        let mut inventory = inventory();
        assert!(inventory.add_host("new", &["web", "fresh"], &vars(&[("a", "1")])).unwrap());
        assert!(!inventory.add_host("new", &["fresh"], &vars(&[("a", "1")])).unwrap());
        assert!(inventory.add_host("new", &[] as &[&str], &vars(&[("a", "2")])).unwrap());
        assert_eq!(inventory.hosts["new"].vars["a"].value, Value::from("2"));
        assert_eq!(texts(&inventory.groups_of("new")), ["fresh", "site", "web"]);
        assert_eq!(texts(&inventory.match_pattern(&["site"], None).hosts), ["w1", "new"]);
        // a host that was added stands in `all` itself, and so before the others
        assert_eq!(texts(&inventory.match_pattern(&["all"], None).hosts), ["new", "h1", "w1"]);
        assert!(inventory.add_host("alone", &[] as &[&str], &VarMap::new()).unwrap());
        assert_eq!(texts(&inventory.group_members("ungrouped")), ["h1", "alone"]);
        assert!(inventory.add_host("h1", &["web"], &VarMap::new()).unwrap());
        assert_eq!(texts(&inventory.group_members("ungrouped")), ["alone"]);
        assert_eq!(inventory.groups["fresh"].depth, 1);
    }

    #[test]
    fn groups_are_made_as_group_by_does() {
        let mut inventory = inventory();
        assert!(inventory.group_by("w1", "os_a", &["os"]).unwrap());
        assert!(!inventory.group_by("w1", "os_a", &["os"]).unwrap());
        assert!(!inventory.group_by("w1", "site", &[] as &[&str]).unwrap(), "it is there through `web`");
        assert_eq!((inventory.groups["os"].depth, inventory.groups["os_a"].depth), (1, 2));
        assert!(inventory.group_by("localhost", "here", &[] as &[&str]).unwrap());
        assert_eq!(texts(&inventory.groups_of("localhost")), ["here"]);
        assert_eq!(texts(&inventory.match_pattern(&["here"], None).hosts), ["localhost"]);
        assert_eq!(texts(&inventory.match_pattern(&["all"], None).hosts), ["h1", "w1"]);
    }

    #[test]
    fn mistakes_change_nothing() {
        let mut inventory = inventory();
        let before = (inventory.hosts.clone(), inventory.groups.clone());
        let told = [
            inventory.group_by("w1", "site", &["fresh", "web"]).unwrap_err(),
            inventory.add_child("web", "web").unwrap_err(),
            inventory.add_host("", &["web"], &VarMap::new()).unwrap_err(),
            inventory.add_host("new", &[""], &VarMap::new()).unwrap_err(),
            inventory.add_host_to_group("w2", "new").unwrap_err(),
        ];
        assert_eq!(
            told.map(|error| error.message),
            [
                "group `site` cannot be a child of `web`: that makes a loop, `web` → `site` → `web`",
                "group `web` is its own child",
                "a host without a name",
                "a group without a name",
                "there is no host `w2` to put into the group `new`",
            ]
        );
        assert_eq!((inventory.hosts.clone(), inventory.groups.clone()), before);
        assert!(inventory.add_host("web", &[] as &[&str], &VarMap::new()).unwrap());
        assert_eq!(inventory.conflict("web").unwrap().message, "`web` is both a group and a host");
    }
}
