//! What `ansible-inventory` shows: hosts, groups and variables in the shapes of its forms.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use crate::base::{Diagnostic, Diagnostics, Key, Kind, Map, TextForm, Value};
use crate::inventory::{Group, Inventory};
use crate::project::Project;
use crate::vars::{Layer, Layers, Level};

/// The form of what is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// JSON as an inventory script prints it.
    Json,
    /// An inventory in YAML.
    Yaml,
    /// An inventory in TOML.
    Toml,
}

/// Variables that exist while Ansible runs only: they are not shown.
const INTERNAL: [&str; 34] = [
    "ansible_async_path",
    "ansible_collection_name",
    "ansible_config_file",
    "ansible_dependent_role_names",
    "ansible_diff_mode",
    "ansible_facts",
    "ansible_forks",
    "ansible_inventory_sources",
    "ansible_limit",
    "ansible_play_batch",
    "ansible_play_hosts",
    "ansible_play_hosts_all",
    "ansible_play_role_names",
    "ansible_playbook_python",
    "ansible_role_name",
    "ansible_role_names",
    "ansible_run_tags",
    "ansible_skip_tags",
    "ansible_verbosity",
    "ansible_version",
    "inventory_dir",
    "inventory_file",
    "inventory_hostname",
    "inventory_hostname_short",
    "groups",
    "group_names",
    "hostvars",
    "playbook_dir",
    "play_hosts",
    "role_name",
    "role_names",
    "role_path",
    "role_uuid",
    "omit",
];

/// What is shown of an inventory.
pub struct Dump<'a> {
    /// The files of variables.
    pub project: &'a Project,
    /// The inventory.
    pub inventory: &'a Inventory,
    /// `--playbook-dir`.
    pub playbook_dirs: &'a [PathBuf],
    /// `-e`.
    pub extra: Arc<Layer>,
    /// `--export`: groups have variables, and hosts their own only.
    pub export: bool,
    /// `hash_behaviour=merge`.
    pub merge: bool,
    /// The hosts that `--limit` leaves.
    pub available: HashSet<Arc<str>>,
    /// The same in their order.
    pub order: &'a [Arc<str>],
}

type Found<T> = Result<T, Diagnostics>;

impl Dump<'_> {
    /// The variables of a host: all that it has, or with `--export` its own.
    pub fn host_vars(&self, host: &str) -> Found<Map> {
        let all = self.inventory.host_layers(self.project, host, self.playbook_dirs)?;
        let own = |level| {
            matches!(
                level,
                Level::InventoryHostVars | Level::InventoryHostVarsFiles | Level::PlaybookHostVars
            )
        };
        let mut layers = Layers::default();
        layers.extend(all.into_iter().filter(|layer| !self.export || own(layer.level)));
        if !self.export {
            layers.push(Arc::clone(&self.extra));
        }
        Ok(self.flat(&layers))
    }

    /// The variables of a host as they are shown alone.
    pub fn host(&self, host: &str, form: Form) -> Found<Map> {
        let vars = self.host_vars(host)?;
        Ok(if form == Form::Json {
            vars.into_iter().map(|(key, value)| (key, sealed(value))).collect()
        } else {
            vars
        })
    }

    /// The variables of a group itself.
    fn group_vars(&self, group: &Group) -> Found<Map> {
        let mut layers = Layers::default();
        layers.extend(self.inventory.group_layers(self.project, &group.name, self.playbook_dirs)?);
        let mut vars = self.flat(&layers);
        if group.priority != 1 {
            vars.insert(Key::from("ansible_group_priority"), Value::from(group.priority));
        }
        Ok(vars)
    }

    fn flat(&self, layers: &Layers) -> Map {
        let names = layers.names().into_iter().filter(|name| !INTERNAL.contains(&&**name));
        let value = |name: &Arc<str>| layers.value(name, self.merge).unwrap_or_default();
        names.map(|name| (Key::Str(Arc::clone(&name)), value(&name))).collect()
    }

    /// All groups and hosts.
    pub fn list(&self, form: Form) -> Found<Map> {
        let Some(all) = self.inventory.groups.get("all") else { return Ok(Map::new()) };
        match form {
            Form::Json => self.json(all),
            Form::Yaml => {
                let mut seen = Seen::default();
                self.yaml_group(all, &mut seen)
            }
            Form::Toml => {
                let mut seen = Seen::default();
                let mut groups = Map::new();
                self.toml_group(all, &mut seen, &mut groups)?;
                Ok(groups)
            }
        }
    }

    fn children<'i>(&'i self, group: &'i Group) -> impl Iterator<Item = &'i Group> {
        group.children.iter().filter_map(|name| self.inventory.groups.get(name))
    }

    fn members<'i>(&'i self, group: &'i Group) -> impl Iterator<Item = &'i Arc<str>> {
        let own = if &*group.name == "all" { [].as_slice() } else { group.hosts.as_slice() };
        own.iter().filter(|host| self.available.contains(*host))
    }

    fn json(&self, all: &Group) -> Found<Map> {
        let mut groups = Map::new();
        self.json_group(all, &mut HashSet::new(), &mut groups)?;
        let mut hostvars = Map::new();
        for host in self.order {
            let vars = self.marked(self.host_vars(host)?);
            if !vars.is_empty() {
                hostvars.insert(Key::Str(Arc::clone(host)), Value::map(vars));
            }
        }
        let meta = crate::map! { "hostvars" => hostvars, "profile" => "inventory_legacy" };
        groups.insert(Key::from("_meta"), Value::map(meta));
        Ok(groups)
    }

    fn json_group<'i>(
        &'i self,
        group: &'i Group,
        seen: &mut HashSet<&'i str>,
        groups: &mut Map,
    ) -> Found<()> {
        let children: Vec<&Group> = self.children(group).collect();
        let names = |names: &mut dyn Iterator<Item = &Arc<str>>| {
            Value::list(names.map(|name| Value::Str(Arc::clone(name))))
        };
        let mut entry = Map::new();
        entry.insert(Key::from("hosts"), names(&mut self.members(group)));
        entry.insert(Key::from("children"), names(&mut children.iter().map(|child| &child.name)));
        if self.export {
            entry.insert(Key::from("vars"), Value::map(self.marked(self.group_vars(group)?)));
        }
        for child in children {
            if seen.insert(&child.name) {
                self.json_group(child, seen, groups)?;
            }
        }
        put(groups, group, entry);
        Ok(())
    }

    /// Texts that are encrypted or may not be templated, in the form in which scripts mark them.
    fn marked(&self, vars: Map) -> Map {
        vars.into_iter().map(|(key, value)| (key, self.mark(sealed(value)))).collect()
    }

    fn mark(&self, value: Value) -> Value {
        match value {
            Value::Str(text) if self.inventory.is_untrusted(&text) => {
                Value::map(crate::map! { "__ansible_unsafe" => text })
            }
            Value::List(items) => Value::list(items.iter().map(|item| self.mark(item.clone()))),
            Value::Map(entries) => {
                Value::map(entries.iter().map(|(key, item)| (key.clone(), self.mark(item.clone()))).collect())
            }
            other => other,
        }
    }

    /// Variables with what is encrypted in them decrypted.
    fn opened(&self, vars: Map) -> Found<Map> {
        vars.into_iter().map(|(key, value)| Ok((key, self.open(value)?))).collect()
    }

    fn open(&self, value: Value) -> Found<Value> {
        Ok(match value {
            Value::Template(sealed) if sealed.form == TextForm::Sealed => {
                let opened = self.project.vault().value(&sealed.text).map_err(|fault| {
                    let found = Diagnostic::error(Kind::Vault, fault.to_string()).plain();
                    Diagnostics(vec![found.at_if_unplaced(sealed.place.as_ref()).told_in_full(fault.told())])
                })?;
                Value::from(opened.reveal())
            }
            Value::List(items) => {
                Value::list(items.iter().map(|item| self.open(item.clone())).collect::<Found<Vec<_>>>()?)
            }
            Value::Map(entries) => Value::map(self.opened((*entries).clone())?),
            other => other,
        })
    }

    fn yaml_group<'i>(&'i self, group: &'i Group, seen: &mut Seen<'i>) -> Found<Map> {
        let mut children = Map::new();
        for child in self.children(group).filter(|child| &*child.name != "all") {
            if seen.groups.contains(&*child.name) {
                children.insert(Key::Str(Arc::clone(&child.name)), Value::map(Map::new()));
            } else {
                children.extend(self.yaml_group(child, seen)?);
                seen.groups.insert(&child.name);
            }
        }
        let mut entry = Map::new();
        entry.insert(Key::from("children"), Value::map(children));
        entry.insert(Key::from("hosts"), Value::map(self.hosts_once(group, seen)?));
        if self.export {
            entry.insert(Key::from("vars"), Value::map(self.group_vars(group)?));
        }
        let mut groups = Map::new();
        put(&mut groups, group, entry);
        Ok(groups)
    }

    fn toml_group<'i>(&'i self, group: &'i Group, seen: &mut Seen<'i>, groups: &mut Map) -> Found<()> {
        let ungrouped = self.inventory.groups.get("ungrouped").is_some_and(|group| !group.hosts.is_empty());
        let name = Key::Str(Arc::clone(&group.name));
        // the place of a group is that of its first mention
        groups.insert(name.clone(), Value::map(Map::new()));
        let mut children = Vec::new();
        for child in self.children(group).filter(|child| ungrouped || &*child.name != "ungrouped") {
            if &*group.name != "all" {
                children.push(Value::Str(Arc::clone(&child.name)));
            }
            self.toml_group(child, seen, groups)?;
        }
        let mut entry = Map::new();
        entry.insert(Key::from("children"), Value::list(children));
        entry.insert(Key::from("hosts"), Value::map(self.hosts_once(group, seen)?));
        if self.export {
            entry.insert(Key::from("vars"), Value::map(self.group_vars(group)?));
        }
        entry.retain(|_, value| !is_empty(value));
        if entry.is_empty() {
            groups.shift_remove(&name);
        } else {
            groups.insert(name, Value::map(entry));
        }
        Ok(())
    }

    /// The hosts of a group with their variables, which stand where a host is first named only.
    fn hosts_once<'i>(&'i self, group: &'i Group, seen: &mut Seen<'i>) -> Found<Map> {
        let mut hosts = Map::new();
        for host in self.members(group) {
            let vars = if seen.hosts.insert(host) { self.host_vars(host)? } else { Map::new() };
            hosts.insert(Key::Str(Arc::clone(host)), Value::map(vars));
        }
        Ok(hosts)
    }

    /// The tree below a group.
    pub fn graph(&self, start: &str, with_vars: bool) -> Found<String> {
        let mut lines = Vec::new();
        if let Some(group) = self.inventory.groups.get(start) {
            self.graph_group(group, 0, with_vars, &mut lines)?;
        }
        Ok(lines.join("\n"))
    }

    fn graph_group(
        &self,
        group: &Group,
        depth: usize,
        with_vars: bool,
        lines: &mut Vec<String>,
    ) -> Found<()> {
        lines.push(branch(&format!("@{}:", group.name), depth));
        for child in self.children(group) {
            self.graph_group(child, depth + 1, with_vars, lines)?;
        }
        let own = if &*group.name == "all" { [].as_slice() } else { group.hosts.as_slice() };
        for host in own {
            lines.push(branch(host, depth + 1));
            if with_vars {
                lines.extend(vars_lines(&self.opened(self.host_vars(host)?)?, depth + 2));
            }
        }
        if with_vars {
            lines.extend(vars_lines(&self.opened(self.group_vars(group)?)?, depth + 1));
        }
        Ok(())
    }
}

/// A value with its encrypted texts in the form in which scripts mark them.
fn sealed(value: Value) -> Value {
    match value {
        Value::Template(text) if text.form == TextForm::Sealed => {
            Value::map(crate::map! { "__ansible_vault" => Arc::clone(&text.text) })
        }
        Value::List(items) => Value::list(items.iter().cloned().map(sealed)),
        Value::Map(entries) => {
            Value::map(entries.iter().map(|(key, item)| (key.clone(), sealed(item.clone()))).collect())
        }
        other => other,
    }
}

/// What has been shown already.
#[derive(Default)]
struct Seen<'i> {
    groups: HashSet<&'i str>,
    hosts: HashSet<&'i str>,
}

fn is_empty(value: &Value) -> bool {
    value.as_list().is_some_and(<[_]>::is_empty) || value.as_map().is_some_and(Map::is_empty)
}

/// Adds what is not empty of a group, if anything is.
fn put(groups: &mut Map, group: &Group, mut entry: Map) {
    entry.retain(|_, value| !is_empty(value));
    if !entry.is_empty() {
        groups.insert(Key::Str(Arc::clone(&group.name)), Value::map(entry));
    }
}

fn branch(name: &str, depth: usize) -> String {
    if depth == 0 { name.to_owned() } else { format!("{}--{name}", "  |".repeat(depth)) }
}

fn vars_lines(vars: &Map, depth: usize) -> Vec<String> {
    let mut vars: Vec<(String, &Value)> = vars.iter().map(|(key, value)| (key.to_string(), value)).collect();
    vars.sort_by(|a, b| a.0.cmp(&b.0));
    vars.iter().map(|(name, value)| branch(&format!("{{{name} = {}}}", value.to_text()), depth)).collect()
}
