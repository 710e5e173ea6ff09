//! Who belongs to whom: members, ancestors, the order of groups.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use super::{Group, Host, Inventory, LOCALHOST};

impl Inventory {
    /// A host of the inventory, or the implicit localhost: if the inventory has a host under one of the names for
    /// this machine, the other names mean that one.
    pub fn host(&self, name: &str) -> Option<Cow<'_, Host>> {
        if let Some(host) = self.hosts.get(name) {
            return Some(Cow::Borrowed(host));
        }
        if !LOCALHOST.contains(&name) {
            return None;
        }
        match self.hosts.values().find(|host| LOCALHOST.contains(&&*host.name)).or(self.implicit.as_ref()) {
            Some(known) => Some(Cow::Borrowed(known)),
            None => Some(Cow::Owned(Host::implicit_localhost(name))),
        }
    }

    /// Whether a host stands in the inventory; the implicit localhost does not.
    pub fn is_implicit(&self, name: &str) -> bool {
        !self.hosts.contains_key(name)
    }

    /// The groups that a host belongs to, directly or through others, sorted and without `all`: `group_names`.
    pub fn groups_of(&self, host: &str) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> =
            self.groups_with_ancestors(host).into_iter().filter(|name| &**name != "all").collect();
        names.sort();
        names
    }

    /// The hosts of a group and of all groups below it, in inventory order; none for an unknown group. The implicit
    /// localhost may be in any group but counts for none as a member of `all`.
    pub fn group_members(&self, name: &str) -> Vec<Arc<str>> {
        let mut seen = HashSet::new();
        let mut members = Vec::new();
        for group in self.with_descendants(name) {
            for host in &group.hosts {
                if (name != "all" || !self.is_implicit(host)) && seen.insert(Arc::clone(host)) {
                    members.push(Arc::clone(host));
                }
            }
        }
        members
    }

    /// The groups of a host but `all`, lowest precedence first: by depth, then priority, then name.
    pub(super) fn groups_by_precedence(&self, host: &str) -> Vec<&Group> {
        let mut groups: Vec<&Group> = self
            .groups_with_ancestors(host)
            .into_iter()
            .filter(|name| &**name != "all")
            .filter_map(|name| self.groups.get(&name))
            .collect();
        groups.sort_by(|a, b| (a.depth, a.priority, &a.name).cmp(&(b.depth, b.priority, &b.name)));
        groups
    }

    /// A host of the inventory, or the implicit localhost where it is in a group.
    fn known_host(&self, name: &str) -> Option<&Host> {
        self.hosts.get(name).or_else(|| self.implicit.as_ref().filter(|host| &*host.name == name))
    }

    fn groups_with_ancestors(&self, host: &str) -> HashSet<Arc<str>> {
        let mut names = HashSet::new();
        let mut open: Vec<Arc<str>> =
            self.known_host(host).map(|host| host.groups.clone()).unwrap_or_default();
        while let Some(name) = open.pop() {
            let parents = self.groups.get(&name).map(|group| group.parents.clone()).unwrap_or_default();
            if names.insert(name) {
                open.extend(parents);
            }
        }
        names
    }

    /// A group and all groups below it, level by level.
    fn with_descendants(&self, group: &str) -> Vec<&Group> {
        let mut seen = HashSet::new();
        let mut found: Vec<&Group> = Vec::new();
        let mut level: Vec<&Group> = self.groups.get(group).into_iter().collect();
        while !level.is_empty() {
            level.retain(|group| seen.insert(Arc::clone(&group.name)));
            found.extend(&level);
            level = level
                .iter()
                .flat_map(|group| &group.children)
                .filter_map(|child| self.groups.get(child))
                .collect();
        }
        found
    }

    /// Whether a group is the other or lies below it.
    pub(super) fn path_down(&self, from: &str, to: &str) -> Option<Vec<Arc<str>>> {
        let group = self.groups.get(from)?;
        let mut stack = vec![vec![Arc::clone(&group.name)]];
        let mut seen = HashSet::new();
        while let Some(path) = stack.pop() {
            let Some(last) = path.last() else { continue };
            if &**last == to {
                return Some(path);
            }
            if !seen.insert(Arc::clone(last)) {
                continue;
            }
            for child in self.groups.get(last).map(|group| group.children.as_slice()).unwrap_or_default() {
                let mut longer = path.clone();
                longer.push(Arc::clone(child));
                stack.push(longer);
            }
        }
        None
    }

    /// Whether a host belongs to `all` through one of its groups: until everything is read not all do.
    pub(super) fn is_below_all(&self, host: &str) -> bool {
        self.groups_with_ancestors(host).iter().any(|name| &**name == "all")
    }

    /// Sets every group's depth: the longest way down from `all`, or from a group that is not below it yet.
    pub(super) fn set_depths(&mut self) {
        let roots = self.groups.values().filter(|group| group.parents.is_empty());
        let mut open: Vec<(Arc<str>, u32)> = roots.map(|group| (Arc::clone(&group.name), 0)).collect();
        // each round goes one level down; there are no loops, so it ends
        while !open.is_empty() {
            let mut next: indexmap::IndexMap<Arc<str>, u32> = indexmap::IndexMap::new();
            for (name, depth) in open {
                if let Some(group) = self.groups.get_mut(&name) {
                    group.depth = group.depth.max(depth);
                    // a root that is further down already must not lift its children
                    let depth = group.depth;
                    next.extend(group.children.iter().map(|child| (Arc::clone(child), depth + 1)));
                }
            }
            open = next.into_iter().collect();
        }
    }
}
