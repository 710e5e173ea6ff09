//! Inventories in TOML, as Ansible's `toml` plugin reads them.

use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::build::Builder;
use crate::base::{Diagnostic, Kind, Place, Source};
use crate::yaml::{Node, NodeKind, Text};

impl Builder {
    /// Adds what a TOML file says.
    pub(super) fn add_toml(&mut self, source: &Arc<Source>) {
        let places = Places { source };
        let table = match DeTable::parse(&source.text) {
            Ok(table) => table,
            Err(error) => {
                let place = places.at(error.span().map_or(0, |span| span.start));
                let message = format!("this is not TOML: {}", error.message());
                self.warn(Diagnostic::error(Kind::Structure, message).at(&place));
                return;
            }
        };
        let start = Place::start_of(source);
        if table.get_ref().is_empty() {
            self.error("this inventory is empty", Some(&start));
            return;
        }
        let entries = places.entries(table.get_ref());
        if let Some((_, plugin)) = entries.iter().find(|(name, _)| name.as_str() == Some("plugin")) {
            let message = "inventory plugins cannot be configured in TOML";
            self.warn(Diagnostic::error(Kind::Unsupported, message).at(&plugin.place));
            return;
        }
        for (name, body) in &entries {
            self.toml_group(name, body);
        }
    }

    fn toml_group(&mut self, name: &Node, body: &Node) {
        let group = name.as_str().unwrap_or_default();
        let Some(sections) = body.as_map() else {
            let message = format!("`{group}` is not a group: it is {}", body.describe());
            self.warn(Diagnostic::warning(Kind::Structure, message).at(&body.place));
            return;
        };
        let group = &self.add_group(group, Some(&name.place));
        for (key, section) in sections {
            let wanted = |what: &str| {
                let key = key.as_str().unwrap_or_default();
                let message =
                    format!("`{key}` of group `{group}` has to be {what}, not {}", section.describe());
                Diagnostic::error(Kind::Structure, message).at(&section.place)
            };
            match (key.as_str(), &section.kind) {
                (Some("vars" | "hosts"), NodeKind::Map(_)) => self.add_yaml_section(group, key, section),
                (Some("vars" | "hosts"), _) => self.warn(wanted("a table")),
                (Some("children"), NodeKind::Seq(children)) => {
                    for child in children.iter() {
                        let Some(name) = child.as_str() else {
                            let message = format!("a group is named by a text, not by {}", child.describe());
                            self.warn(Diagnostic::error(Kind::Structure, message).at(&child.place));
                            continue;
                        };
                        let name = self.add_group(name, Some(&child.place));
                        self.add_child(group, &name, Some(&child.place));
                    }
                }
                (Some("children"), _) => self.warn(wanted("a list")),
                _ => self.add_yaml_section(group, key, section),
            }
        }
    }
}

/// TOML's values as nodes with their places.
struct Places<'s> {
    source: &'s Arc<Source>,
}

impl Places<'_> {
    fn at(&self, offset: usize) -> Place {
        let before = self.source.text.get(..offset).unwrap_or_default();
        let line = before.matches('\n').count() as u32 + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() as u32 + 1;
        Place::new(self.source, line, column)
    }

    fn entries(&self, table: &DeTable<'_>) -> Vec<(Node, Node)> {
        table
            .iter()
            .map(|(key, value)| {
                let place = self.at(key.span().start);
                (self.text(key.get_ref(), place), self.node(value.get_ref(), self.at(value.span().start)))
            })
            .collect()
    }

    fn text(&self, text: &str, place: Place) -> Node {
        let inner = Text::new(Arc::from(text), place.clone());
        Node { place, tag: None, kind: NodeKind::Str(inner) }
    }

    fn node(&self, value: &DeValue<'_>, place: Place) -> Node {
        let kind = match value {
            DeValue::String(text) => return self.text(text, place),
            DeValue::Integer(number) => match i128::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => NodeKind::Int(number),
                Err(_) => return self.text(number.as_str(), place),
            },
            DeValue::Float(number) => match number.as_str().parse() {
                Ok(number) => NodeKind::Float(number),
                Err(_) => return self.text(number.as_str(), place),
            },
            DeValue::Boolean(value) => NodeKind::Bool(*value),
            DeValue::Datetime(moment) => return self.text(&moment.to_string(), place),
            DeValue::Array(items) => NodeKind::Seq(Arc::new(
                items.iter().map(|item| self.node(item.get_ref(), self.at(item.span().start))).collect(),
            )),
            DeValue::Table(table) => NodeKind::Map(Arc::new(self.entries(table))),
        };
        Node { place, tag: None, kind }
    }
}
