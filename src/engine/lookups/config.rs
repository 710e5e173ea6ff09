//! `config`: what a setting of Ansible or an option of its plugins is: its environment variable, else its line in
//! `ansible.cfg`, else its default, by the configuration's own table.

use std::path::PathBuf;

use super::ask::Ask;
use super::{Found, failed, paths};
use crate::base::configparser::{Config, Rules};
use crate::base::{Value, names};
use crate::config::{self, Known};

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

/// A setting of Ansible: its name, its type, and the row of the configuration's table.
type Setting = (&'static str, Type, &'static str);

/// The settings that playbooks ask for.
const SETTINGS: &[Setting] = &[
    ("ALLOW_BROKEN_CONDITIONALS", Bool, "allow_broken_conditionals"),
    ("ANSIBLE_FORCE_COLOR", Bool, "force_color"),
    ("ANSIBLE_HOME", Path, "home"),
    ("ANSIBLE_NOCOLOR", Bool, "nocolor"),
    ("ANSIBLE_PIPELINING", Bool, "pipelining"),
    ("ANY_ERRORS_FATAL", Bool, "any_errors_fatal"),
    ("BECOME_ALLOW_SAME_USER", Bool, "become_allow_same_user"),
    ("CACHE_PLUGIN", Text, "fact_caching"),
    ("CACHE_PLUGIN_CONNECTION", Text, "fact_caching_connection"),
    ("CACHE_PLUGIN_TIMEOUT", Int, "fact_caching_timeout"),
    ("COLLECTIONS_PATHS", Paths, "collections_path"),
    ("DEFAULT_ACTION_PLUGIN_PATH", Paths, "action_plugins"),
    ("DEFAULT_ASK_PASS", Bool, "ask_pass"),
    ("DEFAULT_ASK_VAULT_PASS", Bool, "ask_vault_pass"),
    ("DEFAULT_BECOME", Bool, "become_"),
    ("DEFAULT_BECOME_ASK_PASS", Bool, "become_ask_pass"),
    ("DEFAULT_BECOME_EXE", Text, "become_exe"),
    ("DEFAULT_BECOME_FLAGS", Text, "become_flags"),
    ("DEFAULT_BECOME_METHOD", Text, "become_method"),
    ("DEFAULT_BECOME_USER", Text, "become_user"),
    ("DEFAULT_EXECUTABLE", Text, "executable"),
    ("DEFAULT_FORCE_HANDLERS", Bool, "force_handlers"),
    ("DEFAULT_FORKS", Int, "forks"),
    ("DEFAULT_GATHERING", Text, "gathering"),
    ("DEFAULT_HASH_BEHAVIOUR", Text, "hash_behaviour"),
    ("DEFAULT_HOST_LIST", Paths, "inventory"),
    ("DEFAULT_JINJA2_EXTENSIONS", List, "jinja2_extensions"),
    ("DEFAULT_JINJA2_NATIVE", Bool, "jinja2_native"),
    ("DEFAULT_LOCAL_TMP", Path, "local_tmp"),
    ("DEFAULT_LOG_PATH", Path, "log_path"),
    ("DEFAULT_MANAGED_STR", Text, "ansible_managed"),
    ("DEFAULT_MODULE_ARGS", Text, "module_args"),
    ("DEFAULT_MODULE_NAME", Text, "module_name"),
    ("DEFAULT_NO_LOG", Bool, "no_log"),
    ("DEFAULT_POLL_INTERVAL", Int, "poll_interval"),
    ("DEFAULT_PRIVATE_KEY_FILE", Path, "private_key_file"),
    ("DEFAULT_PRIVATE_ROLE_VARS", Bool, "private_role_vars"),
    ("DEFAULT_REMOTE_PORT", Int, "remote_port"),
    ("DEFAULT_REMOTE_USER", Text, "remote_user"),
    ("DEFAULT_ROLES_PATH", Paths, "roles_path"),
    ("DEFAULT_STDOUT_CALLBACK", Text, "stdout_callback"),
    ("DEFAULT_STRATEGY", Text, "strategy"),
    ("DEFAULT_TIMEOUT", Int, "timeout"),
    ("DEFAULT_TRANSPORT", Text, "transport"),
    ("DEFAULT_UNDEFINED_VAR_BEHAVIOR", Bool, "error_on_undefined_vars"),
    ("DEFAULT_VAULT_ENCRYPT_IDENTITY", Text, "vault_encrypt_identity"),
    ("DEFAULT_VAULT_IDENTITY", Text, "vault_identity"),
    ("DEFAULT_VAULT_IDENTITY_LIST", List, "vault_identity_list"),
    ("DEFAULT_VAULT_ID_MATCH", Bool, "vault_id_match"),
    ("DEFAULT_VAULT_PASSWORD_FILE", Path, "vault_password_file"),
    ("DEFAULT_VERBOSITY", Int, "verbosity"),
    ("DEPRECATION_WARNINGS", Bool, "deprecation_warnings"),
    ("DIFF_ALWAYS", Bool, "diff_always"),
    ("DIFF_CONTEXT", Int, "diff_context"),
    ("DISPLAY_SKIPPED_HOSTS", Bool, "display_skipped_hosts"),
    ("DUPLICATE_YAML_DICT_KEY", Text, "duplicate_dict_key"),
    ("ERROR_ON_MISSING_HANDLER", Bool, "error_on_missing_handler"),
    ("HOST_KEY_CHECKING", Bool, "host_key_checking"),
    ("INJECT_FACTS_AS_VARS", Bool, "inject_facts_as_vars"),
    ("INTERPRETER_PYTHON", Text, "interpreter_python"),
    ("INVENTORY_ANY_UNPARSED_IS_FAILED", Bool, "any_unparsed_is_failed"),
    ("INVENTORY_ENABLED", List, "enable_plugins"),
    ("INVENTORY_IGNORE_EXTS", List, "ignore_extensions"),
    ("INVENTORY_UNPARSED_IS_FAILED", Bool, "unparsed_is_failed"),
    ("LOCALHOST_WARNING", Bool, "localhost_warning"),
    ("MAX_FILE_SIZE_FOR_DIFF", Int, "max_diff_size"),
    ("PLAYBOOK_DIR", Path, "playbook_dir"),
    ("PLAYBOOK_VARS_ROOT", Text, "playbook_vars_root"),
    ("RETRY_FILES_ENABLED", Bool, "retry_files_enabled"),
    ("RETRY_FILES_SAVE_PATH", Path, "retry_files_save_path"),
    ("SHOW_CUSTOM_STATS", Bool, "show_custom_stats"),
    ("TAGS_RUN", List, "tags_run"),
    ("TAGS_SKIP", List, "tags_skip"),
    ("TASK_TIMEOUT", Int, "task_timeout"),
    ("TRANSFORM_INVALID_GROUP_CHARS", Text, "force_valid_group_names"),
    ("VARIABLE_PLUGINS_ENABLED", List, "vars_plugins_enabled"),
    ("YAML_FILENAME_EXTENSIONS", List, "yaml_valid_extensions"),
];

/// What Ansible has for a setting that nobody has set, where fleet's configuration does not say it.
const DEFAULTS: &[(&str, &str)] = &[
    ("ANSIBLE_PIPELINING", "false"),
    ("COLLECTIONS_PATHS", "@/collections:/usr/share/ansible/collections"),
    ("DEFAULT_BECOME_FLAGS", ""),
    ("DEFAULT_BECOME_USER", "root"),
    ("DEFAULT_LOCAL_TMP", "@/tmp"),
    ("DEFAULT_ROLES_PATH", "@/roles:/usr/share/ansible/roles:/etc/ansible/roles"),
];

/// The colours, which are settings only here: each with its default, its variable and its option.
const COLOURS: &[(&str, &str, &[&str], &[&str])] = &[
    ("COLOR_CHANGED", "yellow", &["ANSIBLE_COLOR_CHANGED"], &["colors.changed"]),
    ("COLOR_ERROR", "red", &["ANSIBLE_COLOR_ERROR"], &["colors.error"]),
    ("COLOR_OK", "green", &["ANSIBLE_COLOR_OK"], &["colors.ok"]),
    ("COLOR_SKIP", "cyan", &["ANSIBLE_COLOR_SKIP"], &["colors.skip"]),
    ("COLOR_UNREACHABLE", "bright red", &["ANSIBLE_COLOR_UNREACHABLE"], &["colors.unreachable"]),
    ("COLOR_WARN", "bright purple", &["ANSIBLE_COLOR_WARN"], &["colors.warn"]),
];

/// The options of plugins that playbooks ask for: the kind of plugin, its name, the option, its type, and the row of the
/// configuration's table.
const OPTIONS: &[(&str, &str, &str, Type, &str)] = &[
    ("become", "su", "become_exe", Text, "su_exe"),
    ("become", "su", "become_flags", Text, "su_flags"),
    ("become", "su", "become_user", Text, "su_user"),
    ("become", "sudo", "become_exe", Text, "sudo_exe"),
    ("become", "sudo", "become_flags", Text, "sudo_flags"),
    ("become", "sudo", "become_user", Text, "sudo_user"),
    ("callback", "default", "display_ok_hosts", Bool, "display_ok_hosts"),
    ("callback", "default", "display_skipped_hosts", Bool, "display_skipped_hosts"),
    ("callback", "default", "result_format", Text, "callback_result_format"),
    ("connection", "ssh", "host_key_checking", Bool, "host_key_checking"),
    ("connection", "ssh", "pipelining", Bool, "pipelining"),
    ("connection", "ssh", "port", Int, "remote_port"),
    ("connection", "ssh", "private_key_file", Path, "private_key_file"),
    ("connection", "ssh", "reconnection_retries", Int, "ssh_retries"),
    ("connection", "ssh", "remote_user", Text, "remote_user"),
    ("connection", "ssh", "ssh_args", Text, "ssh_args"),
    ("connection", "ssh", "ssh_common_args", Text, "ssh_common_args"),
    ("connection", "ssh", "ssh_extra_args", Text, "ssh_extra_args"),
    ("connection", "ssh", "timeout", Int, "timeout"),
    ("shell", "sh", "async_dir", Text, "async_dir"),
    ("shell", "sh", "remote_tmp", Text, "remote_tmp"),
];

/// What Ansible has for an option of a plugin that nobody has set, where it is not the setting's.
const OPTION_DEFAULTS: &[(&str, &str, &str)] = &[
    ("su", "become_exe", "su"),
    ("su", "become_flags", ""),
    ("su", "become_user", "root"),
    ("sudo", "become_exe", "sudo"),
    ("sudo", "become_flags", "-H -S -n"),
    ("sudo", "become_user", "root"),
];

pub(super) fn config(ask: &Ask<'_>) -> Found {
    let missing = ask.text("on_missing", "error");
    if !matches!(missing.as_str(), "error" | "warn" | "skip") {
        return Err(failed(format!("`on_missing` must be error, warn or skip, not `{missing}`")));
    }
    let (kind, plugin) = (ask.text("plugin_type", ""), ask.text("plugin_name", ""));
    if kind.is_empty() != plugin.is_empty() {
        let message = "Both plugin_type and plugin_name are required, cannot use one without the other.";
        return Err(failed(message));
    }
    let shows_origin = ask.flag("show_origin", false)?;
    let file = config_file();
    let mut found = Vec::new();
    for term in ask.terms {
        let Value::Str(name) = term else {
            return Err(failed(format!("invalid setting identifier, {} is not a text", term.to_repr())));
        };
        let wanted = if kind.is_empty() { setting(name) } else { option(&kind, &plugin, name) };
        let Some(wanted) = wanted else {
            if missing == "warn" {
                let warning = format!("Skipping {name}: No config definition exists for '{name}'.");
                crate::template::Lookups::warn(ask.world, warning);
            }
            if missing != "error" {
                continue;
            }
            let known = SETTINGS.iter().map(|(name, ..)| *name);
            let hint = names::did_you_mean(name, known).filter(|_| kind.is_empty());
            let hint = hint.map_or(String::new(), |hint| format!(" ({hint})"));
            return Err(failed(format!("No config definition exists for '{name}'.{hint}")));
        };
        let (value, origin) = value_of(&wanted, file.as_ref());
        found.push(if shows_origin { Value::list([value, Value::from(origin)]) } else { value });
    }
    Ok(found)
}

/// What is looked up: its type, its default, and where it may be set.
struct Wanted {
    kind: Type,
    default: Option<&'static str>,
    known: Known,
}

fn setting(name: &str) -> Option<Wanted> {
    if let Some((_, default, variables, options)) = COLOURS.iter().find(|(known, ..)| *known == name) {
        let known = Known { default: Some(default), variables, options };
        return Some(Wanted { kind: Text, default: known.default, known });
    }
    let (name, kind, row) = SETTINGS.iter().find(|(known, ..)| *known == name)?;
    let known = config::known(row)?;
    let own = DEFAULTS.iter().find(|(known, _)| known == name).map(|(_, default)| *default);
    Some(Wanted { kind: *kind, default: own.or(known.default), known })
}

fn option(kind: &str, plugin: &str, name: &str) -> Option<Wanted> {
    let plugin = plugin.strip_prefix("ansible.builtin.").unwrap_or(plugin);
    let (_, _, _, of, row) = OPTIONS.iter().find(|(a, b, c, ..)| (*a, *b, *c) == (kind, plugin, name))?;
    let known = config::known(row)?;
    let own = OPTION_DEFAULTS.iter().find(|(a, b, _)| (*a, *b) == (plugin, name));
    Some(Wanted { kind: *of, default: own.map(|(_, _, default)| *default).or(known.default), known })
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

fn value_of(wanted: &Wanted, file: Option<&(PathBuf, Config)>) -> (Value, String) {
    let Wanted { kind, default, known: Known { default: _, variables, options } } = wanted;
    // of several that are set the last wins
    for variable in variables.iter().rev() {
        if let Ok(value) = std::env::var(variable) {
            return (typed(*kind, &value), format!("env: {variable}"));
        }
    }
    for option in options.iter().rev() {
        if let (Some((section, key)), Some((path, config))) = (option.split_once('.'), file)
            && let Some(Some(value)) = config.get(section, key)
        {
            return (typed(*kind, value), path.display().to_string());
        }
    }
    let none = if let List = kind { Value::list([]) } else { Value::Null };
    (default.map_or(none, |default| typed(*kind, default)), "default".to_owned())
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
        assert!(OPTIONS.is_sorted_by_key(|option| (option.0, option.1, option.2)));
        for (name, ..) in SETTINGS {
            assert!(setting(name).is_some(), "{name} is no setting of the configuration");
        }
        for (kind, plugin, name, ..) in OPTIONS {
            assert!(option(kind, plugin, name).is_some(), "{kind} {plugin} {name} is no setting");
        }
        let forks = setting("DEFAULT_FORKS").unwrap();
        let config = Config::parse("[defaults]\nforks = 20\n", Rules::default()).unwrap();
        let (value, origin) = value_of(&forks, Some(&(PathBuf::from("/x/ansible.cfg"), config)));
        assert_eq!((value, origin.as_str()), (Value::from(20), "/x/ansible.cfg"));
        assert_eq!(typed(List, "a, b"), Value::list(["a", "b"].map(Value::from)));
        assert_eq!(typed(Paths, "/a:/b/../c"), Value::list(["/a", "/c"].map(Value::from)));
    }
}
