//! `config`: what a setting of Ansible is: its environment variable, else its line in `ansible.cfg`, else its default.

use std::path::PathBuf;

use super::ask::Ask;
use super::{Found, failed, paths};
use crate::base::configparser::{Config, Rules};
use crate::base::{Value, names};

/// What kind of value a setting has.
#[derive(Clone, Copy)]
enum Type {
    Text,
    Bool,
    Int,
    /// Texts, between commas.
    List,
    Path,
    /// Paths, between colons.
    Paths,
}

use Type::{Bool, Int, List, Path, Paths, Text};

/// A setting: its name, its type, its default, its environment variable, its section and key in `ansible.cfg`.
type Setting = (&'static str, Type, Option<&'static str>, &'static str, &'static str, &'static str);

/// The settings that playbooks ask for; `@` stands for `ANSIBLE_HOME`.
const SETTINGS: &[Setting] = &[
    (
        "ALLOW_BROKEN_CONDITIONALS",
        Bool,
        Some("false"),
        "ANSIBLE_ALLOW_BROKEN_CONDITIONALS",
        "defaults",
        "allow_broken_conditionals",
    ),
    ("ANSIBLE_FORCE_COLOR", Bool, Some("false"), "ANSIBLE_FORCE_COLOR", "defaults", "force_color"),
    ("ANSIBLE_HOME", Path, Some("~/.ansible"), "ANSIBLE_HOME", "defaults", "home"),
    ("ANSIBLE_NOCOLOR", Bool, Some("false"), "ANSIBLE_NOCOLOR", "defaults", "nocolor"),
    ("ANSIBLE_PIPELINING", Bool, Some("false"), "ANSIBLE_PIPELINING", "defaults", "pipelining"),
    ("ANY_ERRORS_FATAL", Bool, Some("false"), "ANSIBLE_ANY_ERRORS_FATAL", "defaults", "any_errors_fatal"),
    (
        "BECOME_ALLOW_SAME_USER",
        Bool,
        Some("false"),
        "ANSIBLE_BECOME_ALLOW_SAME_USER",
        "privilege_escalation",
        "become_allow_same_user",
    ),
    ("CACHE_PLUGIN", Text, Some("memory"), "ANSIBLE_CACHE_PLUGIN", "defaults", "fact_caching"),
    (
        "CACHE_PLUGIN_CONNECTION",
        Text,
        None,
        "ANSIBLE_CACHE_PLUGIN_CONNECTION",
        "defaults",
        "fact_caching_connection",
    ),
    (
        "CACHE_PLUGIN_TIMEOUT",
        Int,
        Some("86400"),
        "ANSIBLE_CACHE_PLUGIN_TIMEOUT",
        "defaults",
        "fact_caching_timeout",
    ),
    (
        "COLLECTIONS_PATHS",
        Paths,
        Some("@/collections:/usr/share/ansible/collections"),
        "ANSIBLE_COLLECTIONS_PATH",
        "defaults",
        "collections_path",
    ),
    ("COLOR_CHANGED", Text, Some("yellow"), "ANSIBLE_COLOR_CHANGED", "colors", "changed"),
    ("COLOR_ERROR", Text, Some("red"), "ANSIBLE_COLOR_ERROR", "colors", "error"),
    ("COLOR_OK", Text, Some("green"), "ANSIBLE_COLOR_OK", "colors", "ok"),
    ("COLOR_SKIP", Text, Some("cyan"), "ANSIBLE_COLOR_SKIP", "colors", "skip"),
    ("COLOR_UNREACHABLE", Text, Some("bright red"), "ANSIBLE_COLOR_UNREACHABLE", "colors", "unreachable"),
    ("COLOR_WARN", Text, Some("bright purple"), "ANSIBLE_COLOR_WARN", "colors", "warn"),
    ("DEFAULT_ASK_PASS", Bool, Some("false"), "ANSIBLE_ASK_PASS", "defaults", "ask_pass"),
    ("DEFAULT_ASK_VAULT_PASS", Bool, Some("false"), "ANSIBLE_ASK_VAULT_PASS", "defaults", "ask_vault_pass"),
    ("DEFAULT_BECOME", Bool, Some("false"), "ANSIBLE_BECOME", "privilege_escalation", "become"),
    (
        "DEFAULT_BECOME_ASK_PASS",
        Bool,
        Some("false"),
        "ANSIBLE_BECOME_ASK_PASS",
        "privilege_escalation",
        "become_ask_pass",
    ),
    ("DEFAULT_BECOME_EXE", Text, None, "ANSIBLE_BECOME_EXE", "privilege_escalation", "become_exe"),
    ("DEFAULT_BECOME_FLAGS", Text, Some(""), "ANSIBLE_BECOME_FLAGS", "privilege_escalation", "become_flags"),
    (
        "DEFAULT_BECOME_METHOD",
        Text,
        Some("sudo"),
        "ANSIBLE_BECOME_METHOD",
        "privilege_escalation",
        "become_method",
    ),
    ("DEFAULT_BECOME_USER", Text, Some("root"), "ANSIBLE_BECOME_USER", "privilege_escalation", "become_user"),
    ("DEFAULT_EXECUTABLE", Text, Some("/bin/sh"), "ANSIBLE_EXECUTABLE", "defaults", "executable"),
    ("DEFAULT_FORCE_HANDLERS", Bool, Some("false"), "ANSIBLE_FORCE_HANDLERS", "defaults", "force_handlers"),
    ("DEFAULT_FORKS", Int, Some("5"), "ANSIBLE_FORKS", "defaults", "forks"),
    ("DEFAULT_GATHERING", Text, Some("implicit"), "ANSIBLE_GATHERING", "defaults", "gathering"),
    ("DEFAULT_HASH_BEHAVIOUR", Text, Some("replace"), "ANSIBLE_HASH_BEHAVIOUR", "defaults", "hash_behaviour"),
    ("DEFAULT_HOST_LIST", Paths, Some("/etc/ansible/hosts"), "ANSIBLE_INVENTORY", "defaults", "inventory"),
    (
        "DEFAULT_JINJA2_EXTENSIONS",
        List,
        Some(""),
        "ANSIBLE_JINJA2_EXTENSIONS",
        "defaults",
        "jinja2_extensions",
    ),
    ("DEFAULT_JINJA2_NATIVE", Bool, Some("true"), "ANSIBLE_JINJA2_NATIVE", "defaults", "jinja2_native"),
    ("DEFAULT_LOCAL_TMP", Path, Some("@/tmp"), "ANSIBLE_LOCAL_TEMP", "defaults", "local_tmp"),
    ("DEFAULT_LOG_PATH", Path, None, "ANSIBLE_LOG_PATH", "defaults", "log_path"),
    ("DEFAULT_MANAGED_STR", Text, Some("Ansible managed"), "", "defaults", "ansible_managed"),
    ("DEFAULT_NO_LOG", Bool, Some("false"), "ANSIBLE_NO_LOG", "defaults", "no_log"),
    ("DEFAULT_POLL_INTERVAL", Int, Some("15"), "ANSIBLE_POLL_INTERVAL", "defaults", "poll_interval"),
    ("DEFAULT_PRIVATE_KEY_FILE", Path, None, "ANSIBLE_PRIVATE_KEY_FILE", "defaults", "private_key_file"),
    (
        "DEFAULT_PRIVATE_ROLE_VARS",
        Bool,
        Some("false"),
        "ANSIBLE_PRIVATE_ROLE_VARS",
        "defaults",
        "private_role_vars",
    ),
    ("DEFAULT_REMOTE_PORT", Int, None, "ANSIBLE_REMOTE_PORT", "defaults", "remote_port"),
    ("DEFAULT_REMOTE_USER", Text, None, "ANSIBLE_REMOTE_USER", "defaults", "remote_user"),
    (
        "DEFAULT_ROLES_PATH",
        Paths,
        Some("@/roles:/usr/share/ansible/roles:/etc/ansible/roles"),
        "ANSIBLE_ROLES_PATH",
        "defaults",
        "roles_path",
    ),
    (
        "DEFAULT_STDOUT_CALLBACK",
        Text,
        Some("default"),
        "ANSIBLE_STDOUT_CALLBACK",
        "defaults",
        "stdout_callback",
    ),
    ("DEFAULT_STRATEGY", Text, Some("linear"), "ANSIBLE_STRATEGY", "defaults", "strategy"),
    ("DEFAULT_TIMEOUT", Int, Some("10"), "ANSIBLE_TIMEOUT", "defaults", "timeout"),
    ("DEFAULT_TRANSPORT", Text, Some("ssh"), "ANSIBLE_TRANSPORT", "defaults", "transport"),
    (
        "DEFAULT_UNDEFINED_VAR_BEHAVIOR",
        Bool,
        Some("true"),
        "ANSIBLE_ERROR_ON_UNDEFINED_VARS",
        "defaults",
        "error_on_undefined_vars",
    ),
    ("DEFAULT_VAULT_IDENTITY", Text, Some("default"), "ANSIBLE_VAULT_IDENTITY", "defaults", "vault_identity"),
    (
        "DEFAULT_VAULT_IDENTITY_LIST",
        List,
        Some(""),
        "ANSIBLE_VAULT_IDENTITY_LIST",
        "defaults",
        "vault_identity_list",
    ),
    (
        "DEFAULT_VAULT_PASSWORD_FILE",
        Path,
        None,
        "ANSIBLE_VAULT_PASSWORD_FILE",
        "defaults",
        "vault_password_file",
    ),
    ("DEFAULT_VERBOSITY", Int, Some("0"), "ANSIBLE_VERBOSITY", "defaults", "verbosity"),
    ("DIFF_ALWAYS", Bool, Some("false"), "ANSIBLE_DIFF_ALWAYS", "diff", "always"),
    ("DIFF_CONTEXT", Int, Some("3"), "ANSIBLE_DIFF_CONTEXT", "diff", "context"),
    (
        "DISPLAY_SKIPPED_HOSTS",
        Bool,
        Some("true"),
        "ANSIBLE_DISPLAY_SKIPPED_HOSTS",
        "defaults",
        "display_skipped_hosts",
    ),
    (
        "DUPLICATE_YAML_DICT_KEY",
        Text,
        Some("warn"),
        "ANSIBLE_DUPLICATE_YAML_DICT_KEY",
        "defaults",
        "duplicate_dict_key",
    ),
    ("HOST_KEY_CHECKING", Bool, Some("true"), "ANSIBLE_HOST_KEY_CHECKING", "defaults", "host_key_checking"),
    (
        "INJECT_FACTS_AS_VARS",
        Bool,
        Some("true"),
        "ANSIBLE_INJECT_FACT_VARS",
        "defaults",
        "inject_facts_as_vars",
    ),
    (
        "INTERPRETER_PYTHON",
        Text,
        Some("auto"),
        "ANSIBLE_PYTHON_INTERPRETER",
        "defaults",
        "interpreter_python",
    ),
    (
        "INVENTORY_ENABLED",
        List,
        Some("host_list,script,auto,yaml,ini,toml"),
        "ANSIBLE_INVENTORY_ENABLED",
        "inventory",
        "enable_plugins",
    ),
    ("MAX_FILE_SIZE_FOR_DIFF", Int, Some("104448"), "ANSIBLE_MAX_DIFF_SIZE", "defaults", "max_diff_size"),
    ("PLAYBOOK_DIR", Path, None, "ANSIBLE_PLAYBOOK_DIR", "defaults", "playbook_dir"),
    ("PLAYBOOK_VARS_ROOT", Text, Some("top"), "ANSIBLE_PLAYBOOK_VARS_ROOT", "defaults", "playbook_vars_root"),
    (
        "RETRY_FILES_ENABLED",
        Bool,
        Some("false"),
        "ANSIBLE_RETRY_FILES_ENABLED",
        "defaults",
        "retry_files_enabled",
    ),
    (
        "RETRY_FILES_SAVE_PATH",
        Path,
        None,
        "ANSIBLE_RETRY_FILES_SAVE_PATH",
        "defaults",
        "retry_files_save_path",
    ),
    ("SHOW_CUSTOM_STATS", Bool, Some("false"), "ANSIBLE_SHOW_CUSTOM_STATS", "defaults", "show_custom_stats"),
    ("TAGS_RUN", List, Some(""), "ANSIBLE_RUN_TAGS", "tags", "run"),
    ("TAGS_SKIP", List, Some(""), "ANSIBLE_SKIP_TAGS", "tags", "skip"),
    ("TASK_TIMEOUT", Int, Some("0"), "ANSIBLE_TASK_TIMEOUT", "defaults", "task_timeout"),
    (
        "TRANSFORM_INVALID_GROUP_CHARS",
        Text,
        Some("never"),
        "ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS",
        "defaults",
        "force_valid_group_names",
    ),
    (
        "VARIABLE_PLUGINS_ENABLED",
        List,
        Some("host_group_vars"),
        "ANSIBLE_VARS_ENABLED",
        "defaults",
        "vars_plugins_enabled",
    ),
    (
        "YAML_FILENAME_EXTENSIONS",
        List,
        Some(".yml,.yaml,.json"),
        "ANSIBLE_YAML_FILENAME_EXT",
        "defaults",
        "yaml_valid_extensions",
    ),
];

pub(super) fn config(ask: &Ask<'_>) -> Found {
    ask.refuse(&["plugin_type", "plugin_name"])?;
    let missing = ask.text("on_missing", "error");
    if !matches!(missing.as_str(), "error" | "warn" | "skip") {
        return Err(failed(format!("`on_missing` must be error, warn or skip, not `{missing}`")));
    }
    let shows_origin = ask.flag("show_origin", false)?;
    let file = config_file();
    let mut found = Vec::new();
    for term in ask.terms {
        let Value::Str(name) = term else {
            return Err(failed(format!("invalid setting identifier, {} is not a text", term.to_repr())));
        };
        let Some(setting) = SETTINGS.iter().find(|(known, ..)| *known == &**name) else {
            if missing == "warn" {
                let warning = format!("Skipping {name}: No config definition exists for '{name}'.");
                crate::template::Lookups::warn(ask.world, warning);
            }
            if missing != "error" {
                continue;
            }
            let hint = names::did_you_mean(name, SETTINGS.iter().map(|(name, ..)| *name));
            let hint = hint.map_or(String::new(), |hint| format!(", {hint}"));
            return Err(failed(format!("there is no setting '{name}' that fleet knows{hint}")));
        };
        let (value, origin) = value_of(setting, file.as_ref());
        found.push(if shows_origin { Value::list([value, Value::from(origin)]) } else { value });
    }
    Ok(found)
}

/// The `ansible.cfg` that counts, with its path.
fn config_file() -> Option<(PathBuf, Config)> {
    let named = std::env::var_os("ANSIBLE_CONFIG").map(PathBuf::from);
    let named = named.map(|path| if path.is_dir() { path.join("ansible.cfg") } else { path });
    let usual = ["ansible.cfg", "~/.ansible.cfg", "/etc/ansible/ansible.cfg"].map(paths::expanded);
    let path = named.into_iter().chain(usual).find(|path| path.is_file())?;
    let text = std::fs::read_to_string(&path).ok()?;
    let rules = Rules { case_sensitive: false, allow_no_value: false };
    Some((paths::normalised(&path), Config::parse(&text, rules).ok()?))
}

fn value_of(setting: &Setting, file: Option<&(PathBuf, Config)>) -> (Value, String) {
    let (_, kind, default, variable, section, key) = setting;
    if let Some(value) = std::env::var(variable).ok().filter(|_| !variable.is_empty()) {
        return (typed(*kind, &value), format!("env: {variable}"));
    }
    if let Some((path, config)) = file
        && let Some(Some(value)) = config.get(section, key)
    {
        return (typed(*kind, value), path.display().to_string());
    }
    (default.map_or(Value::Null, |default| typed(*kind, default)), "default".to_owned())
}

fn typed(kind: Type, text: &str) -> Value {
    let path = |text: &str| {
        let text = match text.strip_prefix('@') {
            Some(rest) => {
                let home = std::env::var("ANSIBLE_HOME").unwrap_or_else(|_| "~/.ansible".to_owned());
                format!("{home}{rest}")
            }
            None => text.to_owned(),
        };
        Value::from(paths::normalised(&paths::expanded(&text)).display().to_string())
    };
    let parts = |separator: char| text.split(separator).map(str::trim).filter(|part| !part.is_empty());
    match kind {
        Text => Value::from(text),
        Bool => Value::from(text).to_bool().map_or_else(|| Value::from(text), Value::Bool),
        Int => text.trim().parse().map_or_else(|_| Value::from(text), Value::Int),
        List => Value::list(parts(',').map(Value::from)),
        Path => path(text),
        Paths => Value::list(parts(':').map(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_sorted_and_typed() {
        assert!(SETTINGS.is_sorted_by(|a, b| a.0 < b.0));
        let forks = SETTINGS.iter().find(|setting| setting.0 == "DEFAULT_FORKS").unwrap();
        let config = Config::parse("[defaults]\nforks = 20\n", Rules::default()).unwrap();
        let (value, origin) = value_of(forks, Some(&(PathBuf::from("/x/ansible.cfg"), config)));
        assert_eq!((value, origin.as_str()), (Value::from(20), "/x/ansible.cfg"));
        assert_eq!(typed(List, "a, b"), Value::list(["a", "b"].map(Value::from)));
        assert_eq!(typed(Paths, "/a:/b/../c"), Value::list(["/a", "/c"].map(Value::from)));
    }
}
