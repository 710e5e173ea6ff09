//! Inventories in INI form, as Ansible's `ini` plugin reads them.

use std::sync::Arc;

use indexmap::IndexMap;

use super::build::Builder;
use super::{address, literal};
use crate::base::names::did_you_mean;
use crate::base::{Diagnostic, Kind, Place, Source, TemplateText, TextForm, Value, shlex};
use crate::yaml::has_markers;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Hosts,
    Vars,
    Children,
}

/// A group that is named before it is declared.
struct Pending {
    place: Place,
    /// Whether only its variables are named; then declaring it is all that is missing.
    vars_only: bool,
    parents: Vec<String>,
}

impl Builder {
    /// Adds what an INI file says.
    pub(super) fn add_ini(&mut self, source: &Arc<Source>) {
        let mut pending: IndexMap<String, Pending> = IndexMap::new();
        let mut group = "ungrouped".to_owned();
        let mut section = Some(Section::Hosts);
        let text = source.text.strip_prefix('\u{feff}').unwrap_or(&source.text);
        for (number, raw) in text.lines().enumerate() {
            let line = raw.trim();
            if line.is_empty() || line.starts_with([';', '#']) {
                continue;
            }
            let column = raw.chars().take_while(|c| c.is_whitespace()).count() as u32 + 1;
            let place =
                Place::new(source, number as u32 + 1, column).with_length(line.chars().count() as u32);
            if let Some((name, kind)) = section_header(line) {
                group = self.group_name(name, Some(&place));
                section = self.ini_section(&group, kind, &place, &mut pending);
                continue;
            }
            if line.starts_with('[') && line.ends_with(']') {
                let error = Diagnostic::error(Kind::Inventory, format!("`{line}` is not a section"))
                    .at(&place)
                    .hint("a section is `[group]`, `[group:vars]` or `[group:children]`, without spaces");
                self.warn(error);
                section = None;
                continue;
            }
            match section {
                Some(Section::Hosts) => self.ini_host(line, &group, &place),
                Some(Section::Vars) => self.ini_group_variable(line, &group, &place),
                Some(Section::Children) => self.ini_child(line, &group, &place, &mut pending),
                None => {}
            }
        }
        for (name, Pending { place, vars_only, parents }) in pending {
            let message = if vars_only {
                format!("`[{name}:vars]` gives variables to a group that does not exist")
            } else {
                let parent = parents.last().map(String::as_str).unwrap_or_default();
                format!("`[{parent}:children]` names the group `{name}`, which does not exist")
            };
            let known: Vec<&str> =
                self.inventory.groups.keys().map(|known| &**known).filter(|known| *known != name).collect();
            let hint = did_you_mean(&name, known)
                .unwrap_or_else(|| format!("add a section `[{name}]`, which may be empty"));
            self.warn(Diagnostic::error(Kind::Inventory, message).at(&place).hint(hint));
        }
    }

    fn ini_section(
        &mut self,
        group: &str,
        kind: Option<&str>,
        place: &Place,
        pending: &mut IndexMap<String, Pending>,
    ) -> Option<Section> {
        let section = match kind.unwrap_or("hosts") {
            "hosts" => Section::Hosts,
            "vars" => Section::Vars,
            "children" => Section::Children,
            other => {
                let error =
                    Diagnostic::error(Kind::Inventory, format!("a section `[{group}:{other}]` is unknown"))
                        .at(place)
                        .hint(did_you_mean(other, ["hosts", "vars", "children"]).unwrap_or_else(|| {
                            "a section is `[group]`, `[group:vars]` or `[group:children]`".to_owned()
                        }));
                self.warn(error);
                return None;
            }
        };
        if !self.has_group(group) {
            if section == Section::Vars && !pending.contains_key(group) {
                let waiting = Pending { place: place.clone(), vars_only: true, parents: Vec::new() };
                pending.insert(group.to_owned(), waiting);
            }
            self.add_group(group, Some(place));
        }
        if section != Section::Vars
            && let Some(waiting) = pending.shift_remove(group)
        {
            for parent in &waiting.parents {
                self.add_child(parent, group, Some(&waiting.place));
            }
        }
        Some(section)
    }

    fn ini_host(&mut self, line: &str, group: &str, place: &Place) {
        let words = match shlex::split_with(line, shlex::Hash::Comment) {
            Ok(words) => words,
            Err(problem) => {
                self.error(format!("{problem}: `{line}`"), Some(place));
                return;
            }
        };
        let Some((pattern, assignments)) = words.split_first() else { return };
        let (hosts, port) = match address::expand(pattern) {
            Ok(expanded) => expanded,
            Err(message) => {
                self.error(message.to_string(), Some(place));
                return;
            }
        };
        if pattern.ends_with(':') && port.is_none() {
            let error = Diagnostic::error(Kind::Inventory, format!("the host `{pattern}` ends with a colon"))
                .at(place)
                .hint(
                    "a colon announces a port; in YAML inventories hosts end with a colon, in INI files not",
                );
            self.warn(error);
            return;
        }
        if hosts.iter().any(|host| host == "---") {
            let error =
                Diagnostic::error(Kind::Inventory, "`---` starts a YAML file, this is read as INI").at(place);
            self.warn(error.hint("give the file the extension `.yml`"));
            return;
        }
        let mut variables = Vec::new();
        for word in assignments {
            match word.split_once('=') {
                Some((name, value)) => variables.push((name, value_of(value, place))),
                None => {
                    let error =
                        Diagnostic::error(Kind::Inventory, format!("`{word}` is not `variable=value`"));
                    self.warn(error.at(place).hint("one host per line, followed by its variables"));
                }
            }
        }
        for host in hosts {
            self.add_host(&host, Some(group), port, Some(place));
            for (name, value) in &variables {
                self.set_host_variable(&host, name, value.clone(), Some(place));
            }
        }
    }

    fn ini_group_variable(&mut self, line: &str, group: &str, place: &Place) {
        match line.split_once('=') {
            Some((name, value)) => {
                self.set_group_variable(group, name.trim(), value_of(value.trim(), place), Some(place));
            }
            None => self.error(format!("`{line}` is not `variable=value`"), Some(place)),
        }
    }

    fn ini_child(
        &mut self,
        line: &str,
        parent: &str,
        place: &Place,
        pending: &mut IndexMap<String, Pending>,
    ) {
        let name = line.split('#').next().unwrap_or_default().trim_end();
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || matches!(c, ':' | ']')) {
            let error =
                Diagnostic::error(Kind::Inventory, format!("`{line}` is not the name of a group")).at(place);
            self.warn(error.hint("below `[group:children]` stands one group per line, without variables"));
            return;
        }
        if self.has_group(name) {
            self.add_child(parent, name, Some(place));
            return;
        }
        pending
            .entry(name.to_owned())
            .or_insert_with(|| Pending { place: place.clone(), vars_only: false, parents: Vec::new() })
            .parents
            .push(parent.to_owned());
    }
}

/// `[group]` or `[group:kind]`, maybe with a comment behind it.
fn section_header(line: &str) -> Option<(&str, Option<&str>)> {
    let (inner, after) = line.strip_prefix('[')?.split_once(']')?;
    let after = after.trim_start();
    if !(after.is_empty() || after.starts_with('#')) {
        return None;
    }
    let (name, kind) = match inner.split_once(':') {
        Some((name, kind)) => (name, Some(kind)),
        None => (inner, None),
    };
    let kind_fits =
        kind.is_none_or(|kind| !kind.is_empty() && kind.chars().all(|c| c.is_alphanumeric() || c == '_'));
    (!name.is_empty() && !name.contains(char::is_whitespace) && kind_fits).then_some((name, kind))
}

/// A Python literal, or the text itself.
fn value_of(text: &str, place: &Place) -> Value {
    trusted(literal::parse(text).unwrap_or_else(|| Value::from(text)), place)
}

/// Texts with template markers are templates.
fn trusted(value: Value, place: &Place) -> Value {
    match value {
        Value::Str(text) if has_markers(&text) => Value::Template(Arc::new(TemplateText {
            text,
            place: Some(place.clone()),
            form: TextForm::Template,
        })),
        Value::List(items) => Value::list(items.iter().map(|item| trusted(item.clone(), place))),
        Value::Map(entries) => Value::map(
            entries.iter().map(|(key, value)| (key.clone(), trusted(value.clone(), place))).collect(),
        ),
        other => other,
    }
}
