//! Inventories in YAML, as Ansible's `yaml` plugin reads them.

use std::sync::Arc;

use super::address;
use super::build::Builder;
use crate::base::names::did_you_mean;
use crate::base::{Diagnostic, Kind, Place, Source, Value};
use crate::yaml::{Node, NodeKind};

const SECTIONS: [&str; 3] = ["hosts", "vars", "children"];

impl Builder {
    /// Adds what the document of an inventory file says.
    pub(super) fn add_yaml(&mut self, source: &Arc<Source>, root: &Node) {
        let entries = match &root.kind {
            NodeKind::Null => {
                self.error("this inventory is empty", Some(&Place::start_of(source)));
                return;
            }
            NodeKind::Map(entries) if entries.is_empty() => {
                self.error("this inventory is empty", Some(&root.place));
                return;
            }
            NodeKind::Map(entries) => entries,
            _ => {
                let message = format!("an inventory has to be a mapping of groups, not {}", root.describe());
                let error = Diagnostic::error(Kind::Structure, message).at(&root.place);
                let play =
                    root.as_seq().is_some_and(|items| items.iter().any(|item| item.get("hosts").is_some()));
                self.warn(error.maybe_hint(play.then(|| "this looks like a playbook".to_owned())));
                return;
            }
        };
        if let Some(plugin) = root.get("plugin").filter(|plugin| !is_falsy(plugin)) {
            let error = Diagnostic::error(Kind::Inventory, "this file names its inventory plugin");
            self.warn(error.at(&plugin.place).hint("only `auto` and that plugin can read it"));
            return;
        }
        for (name, body) in entries.iter() {
            self.add_yaml_group(name, body, None);
        }
    }

    /// Adds a group, and as the child of another where one is given.
    fn add_yaml_group(&mut self, name: &Node, body: &Node, parent: Option<&str>) {
        let place = &name.place;
        let Some(group) = name.as_str().filter(|name| !name.is_empty()) else {
            let message = format!("a group is named by a text, not by {}", name.describe());
            self.warn(Diagnostic::error(Kind::Structure, message).at(place).hint("put it in quotes"));
            return;
        };
        let entries: &[(Node, Node)] = match &body.kind {
            NodeKind::Null => &[],
            NodeKind::Map(entries) => entries,
            _ => {
                let message = format!(
                    "group `{group}` has to be a mapping with `hosts`, `vars` and `children`, not {}",
                    body.describe()
                );
                let known = self.has_group(group);
                let diagnostic = if parent.is_some() && !known {
                    Diagnostic::error(Kind::Structure, message)
                } else {
                    let told = format!("Skipping '{group}' as this is not a valid group definition");
                    Diagnostic::warning(Kind::Structure, message).told_in_full(told)
                };
                self.warn(diagnostic.at(&body.place));
                return;
            }
        };
        let group = self.add_group(group, Some(place));
        for (key, section) in entries {
            self.add_yaml_section(&group, key, section);
        }
        if let Some(parent) = parent {
            self.add_child(parent, &group, Some(place));
        }
    }

    pub(super) fn add_yaml_section(&mut self, group: &str, key: &Node, section: &Node) {
        let name = key.as_str().unwrap_or_default();
        let known = SECTIONS.contains(&name);
        // a text stands for the one entry that it names
        let single;
        let entries: &[(Node, Node)] = match &section.kind {
            NodeKind::Null => &[],
            NodeKind::Map(entries) => entries,
            NodeKind::Str(_) if known => {
                let nothing = Node { place: section.place.clone(), tag: None, kind: NodeKind::Null };
                single = [(section.clone(), nothing)];
                &single
            }
            _ if known => {
                let message =
                    format!("`{name}` of group `{group}` has to be a mapping, not {}", section.describe());
                let error = Diagnostic::error(Kind::Structure, message).at(&section.place);
                let hint = section.as_seq().map(|items| {
                    let first = items.first().and_then(Node::as_str).unwrap_or("name");
                    format!("write `{first}:` in place of `- {first}`")
                });
                self.warn(error.maybe_hint(hint));
                return;
            }
            _ => &[],
        };
        match name {
            "vars" => {
                for (name, value) in entries {
                    if let Some(name) = self.variable_name(name) {
                        let plain = self.value_of(value);
                        self.set_group_variable(group, &name, plain, Some(&value.place));
                    }
                }
            }
            "children" => {
                for (name, body) in entries {
                    self.add_yaml_group(name, body, Some(group));
                }
            }
            "hosts" => {
                for (name, vars) in entries {
                    self.add_yaml_hosts(group, name, vars);
                }
            }
            _ => {
                let shown = key.to_value().to_text();
                let hint = did_you_mean(&shown, SECTIONS).unwrap_or_else(|| {
                    "a group has `hosts`, `vars` and `children`; groups below it belong into `children`"
                        .to_owned()
                });
                let message = format!("`{shown}` in group `{group}` is ignored");
                let told = format!(
                    "Skipping unexpected key ({shown}) in group ({group}), only \"vars\", \"children\" and \"hosts\" are valid"
                );
                self.warn(
                    Diagnostic::warning(Kind::Structure, message)
                        .at(&key.place)
                        .hint(hint)
                        .told_in_full(told),
                );
            }
        }
    }

    fn add_yaml_hosts(&mut self, group: &str, name: &Node, vars: &Node) {
        let Some(pattern) = name.as_str() else {
            let message = format!("host pattern {} must be a string", name.to_value().to_text());
            self.warn(Diagnostic::error(Kind::Structure, message).at(&name.place).hint("put it in quotes"));
            return;
        };
        let (hosts, port) = match address::expand(pattern) {
            Ok(expanded) => expanded,
            Err(message) => {
                self.error(message.to_string(), Some(&name.place));
                return;
            }
        };
        let entries = match &vars.kind {
            NodeKind::Map(entries) => entries.as_slice(),
            _ if is_falsy(vars) => &[],
            _ => {
                let message = format!(
                    "the variables of host `{pattern}` have to be a mapping, not {}",
                    vars.describe()
                );
                self.warn(Diagnostic::error(Kind::Structure, message).at(&vars.place));
                &[]
            }
        };
        let vars: Vec<_> = entries
            .iter()
            .filter_map(|(name, value)| Some((self.variable_name(name)?, self.value_of(value), &value.place)))
            .collect();
        for host in hosts {
            self.add_host(&host, Some(group), port, Some(&name.place));
            for (name, value, place) in &vars {
                self.set_host_variable(&host, name, value.clone(), Some(place));
            }
        }
    }

    fn variable_name(&mut self, name: &Node) -> Option<Arc<str>> {
        if let NodeKind::Str(text) = &name.kind {
            return Some(Arc::clone(&text.text));
        }
        let message = format!("a variable is named by a text, not by {}", name.describe());
        self.warn(Diagnostic::error(Kind::Structure, message).at(&name.place));
        None
    }

    /// The value, with its `!unsafe` texts remembered.
    pub(super) fn value_of(&mut self, node: &Node) -> Value {
        let value = node.to_value();
        self.inventory.untrusted.mark_tagged(node, &value);
        value
    }
}

/// What Python counts as false: such a value stands for no variables.
fn is_falsy(node: &Node) -> bool {
    match &node.kind {
        NodeKind::Null | NodeKind::Bool(false) | NodeKind::Int(0) => true,
        NodeKind::Float(number) => *number == 0.0,
        NodeKind::Str(text) => text.text.is_empty(),
        NodeKind::Seq(items) => items.is_empty(),
        NodeKind::Bool(true) | NodeKind::Int(_) | NodeKind::Map(_) => false,
    }
}
