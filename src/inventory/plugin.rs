//! The inventory plugins of ansible-core: their names, which sources each wants, and how each reads one.

use std::path::Path;
use std::sync::Arc;

use super::load::Loading;
use super::outside::Reading;
use super::{InventorySource, address};
use crate::base::names::did_you_mean;
use crate::base::{Diagnostic, Kind, Place, Source};
use crate::yaml::{self, Node};

/// An inventory plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plugin {
    AdvancedHostList,
    Auto,
    Constructed,
    Generator,
    HostList,
    Ini,
    Script,
    Toml,
    Yaml,
}

const ALL: [Plugin; 9] = [
    Plugin::AdvancedHostList,
    Plugin::Auto,
    Plugin::Constructed,
    Plugin::Generator,
    Plugin::HostList,
    Plugin::Ini,
    Plugin::Script,
    Plugin::Toml,
    Plugin::Yaml,
];

impl Plugin {
    /// Its short name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::AdvancedHostList => "advanced_host_list",
            Self::Auto => "auto",
            Self::Constructed => "constructed",
            Self::Generator => "generator",
            Self::HostList => "host_list",
            Self::Ini => "ini",
            Self::Script => "script",
            Self::Toml => "toml",
            Self::Yaml => "yaml",
        }
    }

    /// The plugin of a name, short or with `ansible.builtin.` before it.
    pub(super) fn named(name: &str) -> Option<Self> {
        let short = short_name(name);
        ALL.into_iter().find(|plugin| plugin.name() == short)
    }

    /// Whether it tries a source at all.
    pub(super) fn wants(self, source: &InventorySource, reading: &Reading<'_>) -> bool {
        let path = match source {
            InventorySource::Hosts(_) => return matches!(self, Self::HostList | Self::AdvancedHostList),
            InventorySource::Path(path) => path,
        };
        if !reading.project.is_readable(path) {
            return false;
        }
        let ending = ending(path);
        let is_yaml = |ending: &String| reading.options.yaml_extensions.contains(ending);
        match self {
            Self::HostList | Self::AdvancedHostList => false,
            Self::Script => reading.outside.is_executable(path),
            Self::Auto => matches!(ending.as_deref(), Some(".yml" | ".yaml")),
            Self::Constructed | Self::Generator => {
                ending.is_none_or(|ending| ending == ".config" || is_yaml(&ending))
            }
            Self::Yaml => ending.is_none_or(|ending| is_yaml(&ending)),
            Self::Ini => ending.as_deref() != Some(".toml"),
            Self::Toml => ending.as_deref() == Some(".toml"),
        }
    }
}

fn short_name(name: &str) -> &str {
    name.strip_prefix("ansible.builtin.").or_else(|| name.strip_prefix("ansible.legacy.")).unwrap_or(name)
}

/// A hint for a name that no plugin has.
pub(super) fn suggestion(name: &str) -> Option<String> {
    did_you_mean(short_name(name), ALL.iter().map(|plugin| plugin.name()))
}

/// The ending of a file's name with its dot.
pub(super) fn ending(path: &Path) -> Option<String> {
    path.extension().and_then(|extension| extension.to_str()).map(|extension| format!(".{extension}"))
}

impl Loading<'_> {
    /// Reads a source with a plugin. Errors are among the diagnostics.
    pub(super) fn read_with(&mut self, plugin: Plugin, source: &InventorySource) {
        let path = match source {
            InventorySource::Hosts(list) => {
                if plugin == Plugin::AdvancedHostList {
                    self.advanced_host_list(list);
                } else {
                    self.host_list(list);
                }
                return;
            }
            InventorySource::Path(path) => path,
        };
        if plugin == Plugin::Script {
            self.script(path);
            return;
        }
        let Some(text) = self.text(path) else { return };
        match plugin {
            Plugin::Ini => self.ini(&text),
            Plugin::Toml => self.builder.add_toml(&text),
            Plugin::Yaml => {
                if let Some(root) = self.parsed(&text) {
                    self.builder.add_yaml(&text, &root);
                }
            }
            Plugin::Auto => self.auto(path, &text),
            Plugin::Constructed | Plugin::Generator => {
                if let Some(root) = self.parsed(&text)
                    && self.is_config_of(plugin, &text, &root)
                {
                    self.configured(plugin, &root);
                }
            }
            Plugin::Script | Plugin::HostList | Plugin::AdvancedHostList => {}
        }
    }

    fn parsed(&mut self, text: &Arc<Source>) -> Option<Node> {
        let mut parsed = yaml::parse_single(text);
        self.reading.options.duplicates.judge(&mut parsed.diagnostics);
        let failed = parsed.diagnostics.has_errors();
        self.builder.diagnostics.extend(parsed.diagnostics);
        parsed.documents.into_iter().next().filter(|_| !failed)
    }

    fn ini(&mut self, text: &Arc<Source>) {
        if !self.reading.options.commas_in_paths && text.path.to_string_lossy().contains(',') {
            let error = Diagnostic::error(
                Kind::Inventory,
                "ansible-core 2.19 cannot read an INI file whose path has a comma",
            );
            self.builder.warn(error.hint("under its own name fleet can"));
            return;
        }
        let content = |line: &str| !line.trim().is_empty() && line.trim() != "---";
        self.builder.add_ini(text);
        // `-i /dev/null` is no inventory on purpose
        if !text.text.lines().any(content) && text.path != Path::new("/dev/null") {
            let warning = Diagnostic::warning(Kind::Inventory, "this inventory is empty");
            self.builder.warn(warning.at(&Place::start_of(text)).told_in_full(""));
        }
    }

    /// A file that names its plugin itself.
    fn auto(&mut self, path: &Path, text: &Arc<Source>) {
        let Some(root) = self.parsed(text) else { return };
        let Some(named) = root.get("plugin") else {
            let error = Diagnostic::error(Kind::Inventory, "there is no key `plugin` in this file");
            self.builder.warn(error.at(&root.place));
            return;
        };
        let name = named.as_str().unwrap_or("?");
        let plugin = match Plugin::named(name) {
            Some(plugin @ (Plugin::Constructed | Plugin::Generator)) => plugin,
            Some(other) => {
                let message = format!("the inventory plugin `{}` has no files that name it", other.name());
                let hint = format!("take the line away; `{}` reads `{}`", other.name(), path.display());
                self.builder.warn(Diagnostic::error(Kind::Inventory, message).at(&named.place).hint(hint));
                return;
            }
            None => {
                let hint = suggestion(name).unwrap_or_else(|| {
                    "save what `ansible-inventory --list --yaml` prints and use that file".to_owned()
                });
                let message = format!("the inventory plugin `{name}` is not supported");
                self.builder.warn(Diagnostic::error(Kind::Unsupported, message).at(&named.place).hint(hint));
                return;
            }
        };
        self.configured(plugin, &root);
    }

    fn is_config_of(&mut self, plugin: Plugin, text: &Arc<Source>, root: &Node) -> bool {
        let named = root.get("plugin").and_then(Node::as_str);
        if named.and_then(Plugin::named) == Some(plugin) {
            return true;
        }
        let message = format!("this is no file for the inventory plugin `{}`", plugin.name());
        let error = Diagnostic::error(Kind::Inventory, message).at(&Place::start_of(text));
        self.builder.warn(error.hint(format!("such a file has `plugin: {}`", plugin.name())));
        false
    }

    fn configured(&mut self, plugin: Plugin, root: &Node) {
        if plugin == Plugin::Generator {
            self.generator(root);
        } else {
            self.constructed(root);
        }
    }

    fn host_list(&mut self, list: &str) {
        for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let (host, port) = match address::parse_address(name) {
                Some((host, port)) if !host.contains('[') => (host, port),
                _ => (name, None),
            };
            self.listed(host, port);
        }
    }

    fn advanced_host_list(&mut self, list: &str) {
        for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            match address::expand(name) {
                Ok((hosts, port)) => hosts.iter().for_each(|host| self.listed(host, port)),
                // what is odd about a bound stops everything, what is odd about the form does not
                Err(problem) if problem.is_bound() => {
                    self.builder.error(format!("invalid data from string, could not parse: {problem}"), None);
                    return;
                }
                Err(problem) => {
                    self.remarks
                        .push(format!("Unable to parse address from hostname, leaving unchanged: {problem}"));
                    self.listed(name, None);
                }
            }
        }
    }

    fn listed(&mut self, host: &str, port: Option<u32>) {
        if !self.builder.inventory.hosts.contains_key(host) {
            self.builder.add_host(host, Some("ungrouped"), port, None);
        }
    }
}

/// Whether a text that cannot be read as YAML was meant to be: its first line that is neither empty nor a comment is `---`, or
/// ends with a colon, or opens a brace.
pub(super) fn looks_like_yaml(text: &str) -> bool {
    first_line(text).is_some_and(|line| line == "---" || line.ends_with(':') || line.starts_with('{'))
}

/// Whether a text names a plugin.
pub(super) fn looks_like_plugin(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("plugin:"))
}

fn first_line(text: &str) -> Option<&str> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with(['#', ';']))?;
    Some(line.split(" #").next().unwrap_or_default().trim_end())
}
