//! The settings of ansible.cfg that are about inventories.

use crate::yaml::Duplicates;

/// How inventories are read. The default is ansible-core's, but that what cannot be read is an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `enable_plugins`: the plugins that may read a source, in the order in which they try.
    pub enabled: Vec<String>,
    /// `ignore_extensions`: endings of names that are passed over in inventory directories.
    pub ignore_extensions: Vec<String>,
    /// `ignore_patterns`: regular expressions for names that are passed over in inventory directories.
    pub ignore_patterns: Vec<String>,
    /// `yaml_valid_extensions`: the endings of inventories in YAML, with their dots.
    pub yaml_extensions: Vec<String>,
    /// The same of files below `group_vars` and `host_vars`, in the order in which they are looked for.
    pub vars_extensions: Vec<String>,
    /// `unparsed_is_failed`: whether it is an error that no source could be read.
    pub unparsed_is_failed: bool,
    /// `any_unparsed_is_failed`: whether it is an error that a source could not be read. Ansible's default is no, and
    /// then only warns; fleet's own commands do not run on half an inventory.
    pub any_unparsed_is_failed: bool,
    /// Whether a directory without inventories is fine, and a run without a source needs no warning: so it is for fleet's
    /// own commands, not for Ansible's.
    pub empty_is_fine: bool,
    /// `inventory_unparsed_warning`: whether there is a warning where no source could be read.
    pub unparsed_warning: bool,
    /// `force_valid_group_names`.
    pub group_names: GroupNames,
    /// `host_pattern_mismatch`.
    pub pattern_mismatch: Mismatch,
    /// `hash_behaviour=merge`.
    pub merge: bool,
    /// `always_show_stderr`: whether the standard error of scripts that succeed is shown.
    pub script_stderr: bool,
    /// `use_extra_vars`: whether `constructed` sees extra variables where its file does not say.
    pub use_extra_vars: bool,
    /// Whether an INI file whose path has a comma can be read: ansible-core 2.19 takes it for a list of hosts first, and
    /// then cannot.
    pub commas_in_paths: bool,
    /// `duplicate_dict_key`: what a key is that is twice in a mapping.
    pub duplicates: Duplicates,
}

/// What happens to characters of group names that names of variables cannot have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupNames {
    /// `always`: they become `_`, with a warning.
    Always,
    /// `never`: they stay, with a warning.
    #[default]
    Never,
    /// `ignore`: they stay.
    Ignore,
    /// `silently`: they become `_`.
    Silently,
}

/// What a host pattern that matches nothing is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mismatch {
    /// A warning.
    #[default]
    Warning,
    /// An error.
    Error,
    /// Nothing to speak of.
    Ignore,
}

/// Endings that are no inventories.
const IGNORED_EXTENSIONS: [&str; 12] =
    [".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg", ".retry"];

impl Default for Options {
    fn default() -> Self {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Self {
            enabled: texts(&["host_list", "script", "auto", "yaml", "ini", "toml"]),
            ignore_extensions: texts(&IGNORED_EXTENSIONS),
            ignore_patterns: Vec::new(),
            yaml_extensions: texts(&[".yaml", ".yml", ".json"]),
            vars_extensions: texts(&[".yml", ".yaml", ".json"]),
            unparsed_is_failed: false,
            any_unparsed_is_failed: true,
            empty_is_fine: true,
            unparsed_warning: true,
            group_names: GroupNames::default(),
            pattern_mismatch: Mismatch::default(),
            merge: false,
            script_stderr: true,
            use_extra_vars: false,
            commas_in_paths: true,
            duplicates: Duplicates::default(),
        }
    }
}

impl Options {
    /// Ansible's own defaults: a source that cannot be read is passed over with a warning.
    pub fn ansible() -> Self {
        Self { any_unparsed_is_failed: false, empty_is_fine: false, ..Self::default() }
    }
}

impl GroupNames {
    /// The value of the setting.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "always" => Some(Self::Always),
            "never" => Some(Self::Never),
            "ignore" => Some(Self::Ignore),
            "silently" => Some(Self::Silently),
            _ => None,
        }
    }

    /// The name that a group gets.
    pub(super) fn apply(self, name: &str) -> String {
        match self {
            Self::Always | Self::Silently => safe_name(name),
            Self::Never | Self::Ignore => name.to_owned(),
        }
    }
}

/// A name with `_` for each character that names of variables cannot have, and for a digit at its start.
pub(super) fn safe_name(name: &str) -> String {
    name.chars()
        .enumerate()
        .map(|(at, c)| {
            let fine = c == '_' || (c.is_alphanumeric() && !(at == 0 && c.is_numeric()));
            if fine { c } else { '_' }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_safe() {
        let table = [("web-1.x", "web_1_x"), ("1a", "_a"), ("a1", "a1"), ("é", "é"), ("", "")];
        for (name, expected) in table {
            assert_eq!(safe_name(name), expected);
        }
        assert_eq!(GroupNames::parse("always").unwrap().apply("a-b"), "a_b");
        assert_eq!(GroupNames::parse("ignore").unwrap().apply("a-b"), "a-b");
        assert_eq!(GroupNames::parse("sometimes"), None);
    }
}
