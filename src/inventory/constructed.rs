//! The plugin `constructed`: variables and groups from expressions over the hosts that are there already.

use std::sync::Arc;

use super::load::{Loading, parent_of};
use super::options::safe_name;
use super::vars_files;
use crate::base::names::did_you_mean;
use crate::base::{Diagnostic, Diagnostics, Kind, Place, Value};
use crate::vars::{VarMap, Variable};
use crate::yaml::{Node, NodeKind};

const OPTIONS: [&str; 8] = [
    "plugin",
    "strict",
    "compose",
    "groups",
    "keyed_groups",
    "use_vars_plugins",
    "use_extra_vars",
    "leading_separator",
];

/// One of `keyed_groups`.
struct Keyed {
    place: Place,
    key: Option<Node>,
    prefix: String,
    separator: String,
    default_value: Option<String>,
    trailing_separator: Option<bool>,
    parent: Option<Node>,
}

/// What a file of the plugin says.
struct Config {
    strict: bool,
    compose: Vec<(Node, Node)>,
    groups: Vec<(Node, Node)>,
    keyed_groups: Vec<Keyed>,
    use_vars_plugins: bool,
    use_extra_vars: bool,
    leading_separator: bool,
}

impl Loading<'_> {
    /// Adds the variables and groups that a file of the plugin describes.
    pub(super) fn constructed(&mut self, root: &Node) {
        for (key, _) in root.as_map().unwrap_or_default() {
            let name = key.to_value().to_text();
            if !OPTIONS.contains(&name.as_str()) {
                let warning = Diagnostic::warning(
                    Kind::Structure,
                    format!("`{name}` is not an option of `constructed`"),
                )
                .at(&key.place)
                .maybe_hint(did_you_mean(&name, OPTIONS))
                .told_in_full("");
                self.builder.warn(warning);
            }
        }
        let done = self.config(root).and_then(|config| {
            let hosts: Vec<Arc<str>> = self.builder.inventory.hosts.keys().cloned().collect();
            hosts.iter().try_for_each(|host| self.construct(&config, host))
        });
        if let Err(error) = done {
            self.builder.warn(error);
        }
    }

    fn config(&self, root: &Node) -> Result<Config, Diagnostic> {
        let truth = |key: &str, default: bool| match root.get(key) {
            None => Ok(default),
            Some(node) => node.to_value().to_bool().ok_or_else(|| {
                wrong(
                    format!("`{key}` has to be a boolean, not `{}`", node.to_value().to_text()),
                    &node.place,
                )
            }),
        };
        let entries = |key: &str| match root.get(key).map(|node| (node, &node.kind)) {
            None | Some((_, NodeKind::Null)) => Ok(Vec::new()),
            Some((_, NodeKind::Map(entries))) => Ok(entries.to_vec()),
            Some((node, _)) => {
                Err(wrong(format!("`{key}` has to be a mapping, not {}", node.describe()), &node.place))
            }
        };
        let keyed_groups = match root.get("keyed_groups").map(|node| (node, &node.kind)) {
            None | Some((_, NodeKind::Null)) => Vec::new(),
            Some((_, NodeKind::Seq(items))) => items.iter().map(keyed).collect::<Result<_, _>>()?,
            Some((node, _)) => {
                let message = format!("`keyed_groups` has to be a list, not {}", node.describe());
                return Err(wrong(message, &node.place));
            }
        };
        Ok(Config {
            strict: truth("strict", false)?,
            compose: entries("compose")?,
            groups: entries("groups")?,
            keyed_groups,
            use_vars_plugins: truth("use_vars_plugins", false)?,
            use_extra_vars: truth("use_extra_vars", self.reading.options.use_extra_vars)?,
            leading_separator: truth("leading_separator", true)?,
        })
    }

    fn construct(&mut self, config: &Config, host: &Arc<str>) -> Result<(), Diagnostic> {
        let vars = self.host_vars(config, host)?;
        for (name, expression) in &config.compose {
            let name = name.to_value().to_text();
            match self.evaluate(expression, &self.with_extra(config, &vars)) {
                Ok(value) => {
                    let from = vars.values().map(|variable| &variable.value);
                    self.builder.inventory.untrusted.mark_made(&value, from);
                    self.builder.set_host_variable(host, &name, value, Some(&expression.place));
                }
                Err(error) => strict(config, format!("could not set `{name}` for host `{host}`"), error)?,
            }
        }
        let vars = self.host_vars(config, host)?;
        for (name, condition) in &config.groups {
            let group = safe_name(&name.to_value().to_text());
            match self.reading.outside.condition(&condition.to_value(), Some(&condition.place), &vars) {
                Ok(false) => {}
                Ok(true) => self.put(host, &group, &name.place),
                Err(error) => {
                    strict(config, format!("could not add host `{host}` to group `{group}`"), error)?;
                }
            }
        }
        let vars = self.with_extra(config, &vars);
        config.keyed_groups.iter().try_for_each(|keyed| self.keyed(config, keyed, host, &vars))
    }

    fn put(&mut self, host: &Arc<str>, group: &str, place: &Place) {
        let group = self.builder.add_group(group, Some(place));
        self.builder.inventory.join(host, &group);
    }

    fn keyed(
        &mut self,
        config: &Config,
        keyed: &Keyed,
        host: &Arc<str>,
        vars: &VarMap,
    ) -> Result<(), Diagnostic> {
        let Keyed { place, key, prefix, separator, default_value, trailing_separator, parent } = keyed;
        let what = || format!("could not generate a group for host `{host}`");
        let found = match key {
            Some(key) => self.evaluate(key, vars),
            None => Err(wrong("there is no `key` here", place)),
        };
        let found = match found {
            Ok(found) => found,
            Err(error) => return strict(config, what(), error),
        };
        if trailing_separator.is_some() && default_value.is_some() {
            return Err(wrong("`default_value` and `trailing_separator` exclude each other", place));
        }
        let is_empty = |value: &Value| matches!(value, Value::Null) || value.as_str() == Some("");
        let default = default_value.as_ref().filter(|_| is_empty(&found));
        if default.is_none() && is_falsy(&found) {
            // no items, no groups; anything else that is empty is a mistake
            let nothing = found.as_list().is_some() || found.as_map().is_some();
            let error = wrong("no key, or the key is empty", place);
            return if nothing { Ok(()) } else { strict(config, what(), error) };
        }
        let parent = match parent
            .as_ref()
            .map(|node| self.reading.outside.render(&node.to_value(), Some(&node.place), vars))
        {
            None => None,
            Some(Ok(Value::Null | Value::Omit)) => None,
            Some(Ok(value)) => Some(value.to_text()).filter(|name| !name.is_empty()),
            Some(Err(error)) => return strict(config, what(), error),
        };
        let or_default = |value: &Value| match default_value {
            Some(default) if is_empty(value) => default.clone(),
            _ => value.to_text(),
        };
        let names = match (&found, default) {
            (_, Some(default)) => vec![default.clone()],
            (Value::Str(text), _) => vec![text.to_string()],
            (Value::List(items), _) => items.iter().map(or_default).collect(),
            (Value::Map(entries), _) => entries
                .iter()
                .map(|(name, value)| {
                    if is_empty(value) && default_value.is_none() && *trailing_separator == Some(false) {
                        return name.to_string();
                    }
                    format!("{}{separator}{}", name.to_value().to_text(), or_default(value))
                })
                .collect(),
            (other, _) => {
                let message = format!(
                    "a group is named by a text, a list of texts or a mapping, not by {}",
                    other.type_name()
                );
                return Err(wrong(message, place));
            }
        };
        let separator = if prefix.is_empty() && !config.leading_separator { "" } else { separator };
        for name in names {
            let group =
                self.builder.add_group(&safe_name(&format!("{prefix}{separator}{name}")), Some(place));
            self.builder.inventory.join(host, &group);
            if let Some(parent) = &parent {
                let parent = self.builder.add_group(&safe_name(parent), Some(place));
                self.builder.add_child(&parent, &group, Some(place));
            }
        }
        Ok(())
    }

    fn evaluate(&self, expression: &Node, vars: &VarMap) -> Result<Value, Diagnostic> {
        match expression.as_str() {
            Some(text) => self.reading.outside.expression(text, Some(&expression.place), vars),
            None => Err(wrong(
                format!("an expression is a text, not {}", expression.describe()),
                &expression.place,
            )),
        }
    }

    fn with_extra(&self, config: &Config, vars: &VarMap) -> VarMap {
        let mut vars = vars.clone();
        if config.use_extra_vars {
            vars.extend(self.reading.extra.iter().map(|(name, value)| (Arc::clone(name), value.clone())));
        }
        vars
    }

    /// What is known of a host so far: from its groups, its own, its facts; not yet what belongs to `all` unless a
    /// source says so.
    fn host_vars(&mut self, config: &Config, host: &Arc<str>) -> Result<VarMap, Diagnostic> {
        let inventory = &mut self.builder.inventory;
        inventory.set_depths();
        let mut groups = inventory.groups_by_precedence(host);
        if inventory.is_below_all(host) {
            groups.splice(0..0, inventory.groups.get("all"));
        }
        let mut vars = VarMap::new();
        let mut add = |more: &VarMap| {
            for (name, variable) in more {
                super::build::set(&mut vars, name, variable.clone(), self.reading.options.merge);
            }
        };
        for group in &groups {
            add(&group.vars);
        }
        let mut dirs = Vec::new();
        if config.use_vars_plugins {
            for path in &self.processed {
                let dir = parent_of(path);
                if !dirs.contains(&dir) {
                    dirs.push(dir);
                }
            }
        }
        let mut found = Diagnostics::default();
        for dir in &dirs {
            for group in &groups {
                let read = vars_files::read(
                    self.reading.project,
                    self.reading.options,
                    dir,
                    "group_vars",
                    &group.name,
                    &mut found,
                );
                read.iter().for_each(&mut add);
            }
        }
        if let Some(host) = inventory.hosts.get(host) {
            add(&host.vars);
        }
        let short = if host.parse::<core::net::IpAddr>().is_ok() {
            host
        } else {
            host.split('.').next().unwrap_or(host)
        };
        let names = inventory.groups_of(host).into_iter().map(Value::from).collect::<Vec<_>>();
        let magic = [
            ("inventory_hostname", Value::Str(Arc::clone(host))),
            ("inventory_hostname_short", Value::from(short)),
            ("group_names", Value::from(names)),
        ];
        add(&magic
            .into_iter()
            .map(|(name, value)| (Arc::from(name), Variable { value, place: None }))
            .collect());
        for dir in &dirs {
            let read = vars_files::read(
                self.reading.project,
                self.reading.options,
                dir,
                "host_vars",
                host,
                &mut found,
            );
            read.iter().for_each(&mut add);
        }
        self.reading.outside.facts(host).iter().for_each(&mut add);
        match found.0.into_iter().find(|said| said.severity == crate::base::Severity::Error) {
            Some(error) => Err(error),
            None => Ok(vars),
        }
    }
}

fn keyed(node: &Node) -> Result<Keyed, Diagnostic> {
    if node.as_map().is_none_or(<[_]>::is_empty) {
        let message = format!("invalid keyed group entry, it must be a mapping, not {}", node.describe());
        return Err(wrong(message, &node.place));
    }
    let known = ["key", "prefix", "separator", "default_value", "trailing_separator", "parent_group"];
    for (name, _) in node.as_map().unwrap_or_default() {
        let text = name.to_value().to_text();
        if !known.contains(&text.as_str()) {
            let error = wrong(format!("`{text}` is not an option of `keyed_groups`"), &name.place);
            return Err(error.maybe_hint(did_you_mean(&text, known)));
        }
    }
    let text = |key: &str| {
        node.get(key).filter(|node| node.kind != NodeKind::Null).map(|node| node.to_value().to_text())
    };
    let trailing_separator = match node.get("trailing_separator") {
        None => None,
        Some(given) => Some(
            given
                .to_value()
                .to_bool()
                .ok_or_else(|| wrong("`trailing_separator` has to be a boolean", &given.place))?,
        ),
    };
    Ok(Keyed {
        place: node.place.clone(),
        key: node.get("key").cloned(),
        prefix: text("prefix").unwrap_or_default(),
        separator: text("separator").unwrap_or_else(|| "_".to_owned()),
        default_value: text("default_value"),
        trailing_separator,
        parent: node.get("parent_group").cloned(),
    })
}

/// An error where the file is strict, nothing where it is not.
fn strict(config: &Config, what: String, error: Diagnostic) -> Result<(), Diagnostic> {
    if !config.strict {
        return Ok(());
    }
    let message = format!("{what}: {}", error.message);
    Err(Diagnostic { message, ..error })
}

fn is_falsy(value: &Value) -> bool {
    match value {
        Value::Null | Value::Omit | Value::Bool(false) | Value::Int(0) => true,
        Value::Float(number) => *number == 0.0,
        Value::Str(text) => text.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        _ => false,
    }
}

fn wrong(message: impl Into<String>, place: &Place) -> Diagnostic {
    Diagnostic::error(Kind::Structure, message).at(place)
}
