//! The settings that fleet knows by type, one row each: name, type, default, what fleet makes of it, variables, and
//! options in the file.
//!
//! A row with `No(…)` is read, and reported where it is set to something else than its default. Whoever honours it
//! makes that `Yes` in the same commit.

use std::path::PathBuf;

use super::Setting;
use super::read::Honour::{Harmless, No, Yes};
use super::read::{Reader, Row};
use super::value::{CommaPaths, choice};

choice! {
    /// `gathering`: whether a play that does not say it gathers facts.
    Gathering {
        /// It does.
        Implicit = "implicit",
        /// It does not.
        Explicit = "explicit",
        /// Where there are none yet.
        Smart = "smart",
    }
}

choice! {
    /// `hash_behaviour`: what happens to a mapping that is defined twice.
    HashBehaviour {
        /// The one of higher precedence stays.
        Replace = "replace",
        /// They are merged, at every depth.
        Merge = "merge",
    }
}

choice! {
    /// `duplicate_dict_key`: a key that is twice in a mapping of YAML.
    DuplicateKeys {
        /// A warning; the last one counts.
        Warn = "warn",
        /// An error.
        Error = "error",
        /// The last one counts.
        Ignore = "ignore",
    }
}

choice! {
    /// `host_pattern_mismatch`: a pattern that matches no host.
    Mismatch {
        /// A warning.
        Warning = "warning",
        /// An error.
        Error = "error",
        /// Nothing.
        Ignore = "ignore",
    }
}

choice! {
    /// `force_valid_group_names`: characters of group names that names of variables cannot have.
    GroupNames {
        /// They become `_`, with a warning.
        Always = "always",
        /// They stay, with a warning.
        Never = "never",
        /// They stay.
        Ignore = "ignore",
        /// They become `_`.
        Silently = "silently",
    }
}

choice! {
    /// `callback_result_format`: how the default callback shows results.
    ResultFormat {
        /// As JSON.
        Json = "json",
        /// As YAML.
        Yaml = "yaml",
    }
}

choice! {
    /// `playbook_vars_root`: which playbook's `group_vars` and `host_vars` count.
    VarsRoot {
        /// The first playbook's.
        Top = "top",
        /// The last imported one's.
        Bottom = "bottom",
        /// All of them.
        All = "all",
    }
}

const ENGINE: &str = "fleet does not do this yet";

macro_rules! settings {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $default:expr, $honour:expr,
        [$($variable:literal),*], [$($option:literal),*];)+) => {
        /// What ansible.cfg and the environment say, each setting with its origin.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Config {
            /// The file that was read.
            pub file: Option<PathBuf>,
            $($(#[$doc])* pub $name: Setting<$type>,)+
        }

        impl Config {
            pub(super) fn read(reader: &mut Reader<'_>, file: Option<PathBuf>) -> Self {
                let mut rows = ROWS.iter();
                Self {
                    file,
                    $($name: {
                        let row = rows.next().unwrap_or(&EMPTY);
                        debug_assert_eq!(row.name, stringify!($name));
                        reader.setting(row)
                    },)+
                }
            }

            /// Every setting: its name, its value as Rust shows it, and where it comes from.
            pub fn all(&self) -> Vec<(&'static str, String, String)> {
                vec![$((stringify!($name), format!("{:?}", self.$name.value), self.$name.origin.to_string())),+]
            }
        }

        pub(super) const ROWS: &[Row] = &[$(Row {
            name: stringify!($name),
            default: $default,
            honour: $honour,
            variables: &[$($variable),*],
            options: &[$($option),*],
        }),+];
    };
}

const EMPTY: Row = Row { name: "", default: None, honour: Harmless, variables: &[], options: &[] };

settings! {
    /// Where Ansible keeps what is the user's: `~/.ansible`.
    home: PathBuf = Some("~/.ansible"), Yes, ["ANSIBLE_HOME"], ["defaults.home"];
    /// The inventories where `-i` names none.
    inventory: CommaPaths = Some("/etc/ansible/hosts"), Yes, ["ANSIBLE_INVENTORY"], ["defaults.inventory"];
    /// Where roles are looked up.
    roles_path: Vec<PathBuf> = Some("~/.ansible/roles:/usr/share/ansible/roles:/etc/ansible/roles"), Yes,
        ["ANSIBLE_ROLES_PATH"], ["defaults.roles_path"];
    /// Where collections are looked up.
    collections_path: Vec<PathBuf> = Some("~/.ansible/collections:/usr/share/ansible/collections"), Yes,
        ["ANSIBLE_COLLECTIONS_PATH"], ["defaults.collections_path"];
    /// How many hosts at once.
    forks: u64 = Some("5"), Yes, ["ANSIBLE_FORKS"], ["defaults.forks"];
    /// How hosts are reached: `ssh`, `local` …
    transport: String = Some("ssh"), Yes, ["ANSIBLE_TRANSPORT"], ["defaults.transport"];
    /// Seconds for connecting.
    timeout: u64 = Some("10"), Yes, ["ANSIBLE_TIMEOUT", "ANSIBLE_SSH_TIMEOUT"],
        ["defaults.timeout", "ssh_connection.timeout"];
    /// The login user.
    remote_user: Option<String> = None, Yes, ["ANSIBLE_REMOTE_USER"], ["defaults.remote_user"];
    /// The port.
    remote_port: Option<u16> = None, Yes, ["ANSIBLE_REMOTE_PORT"], ["defaults.remote_port"];
    /// The private key.
    private_key_file: Option<PathBuf> = None, Yes, ["ANSIBLE_PRIVATE_KEY_FILE"], ["defaults.private_key_file"];
    /// Whether a host's key must be known.
    host_key_checking: bool = Some("true"), Yes, ["ANSIBLE_HOST_KEY_CHECKING", "ANSIBLE_SSH_HOST_KEY_CHECKING"],
        ["defaults.host_key_checking", "ssh_connection.host_key_checking"];
    /// Options of OpenSSH's ssh.
    ssh_args: String = Some("-C -o ControlMaster=auto -o ControlPersist=60s"), Yes, ["ANSIBLE_SSH_ARGS"],
        ["ssh_connection.ssh_args"];
    /// Options of OpenSSH's ssh, scp and sftp.
    ssh_common_args: String = Some(""), Yes, ["ANSIBLE_SSH_COMMON_ARGS"], ["ssh_connection.ssh_common_args"];
    /// More options of OpenSSH's ssh.
    ssh_extra_args: String = Some(""), Yes, ["ANSIBLE_SSH_EXTRA_ARGS"], ["ssh_connection.ssh_extra_args"];
    /// How often connecting is tried again.
    ssh_retries: u64 = Some("0"), Yes, ["ANSIBLE_SSH_RETRIES"], ["connection.retries", "ssh_connection.retries"];
    /// Whether the login password is asked for.
    ask_pass: bool = Some("false"), Yes, ["ANSIBLE_ASK_PASS"], ["defaults.ask_pass"];
    /// A file with the login password.
    connection_password_file: Option<PathBuf> = None, Yes, ["ANSIBLE_CONNECTION_PASSWORD_FILE"],
        ["defaults.connection_password_file"];
    /// Whether tasks become another user.
    become_: bool = Some("false"), Yes, ["ANSIBLE_BECOME"], ["privilege_escalation.become"];
    /// How: `sudo`, `su` …
    become_method: String = Some("sudo"), Yes, ["ANSIBLE_BECOME_METHOD"], ["privilege_escalation.become_method"];
    /// Which user.
    become_user: Option<String> = None, Yes, ["ANSIBLE_BECOME_USER"], ["privilege_escalation.become_user"];
    /// The program.
    become_exe: Option<String> = None, Yes, ["ANSIBLE_BECOME_EXE"], ["privilege_escalation.become_exe"];
    /// Its flags.
    become_flags: Option<String> = None, Yes, ["ANSIBLE_BECOME_FLAGS"], ["privilege_escalation.become_flags"];
    /// sudo's own user.
    sudo_user: Option<String> = None, Yes, ["ANSIBLE_SUDO_USER"], ["sudo_become_plugin.user"];
    /// sudo's own program.
    sudo_exe: Option<String> = None, Yes, ["ANSIBLE_SUDO_EXE"], ["sudo_become_plugin.executable"];
    /// sudo's own flags.
    sudo_flags: Option<String> = None, Yes, ["ANSIBLE_SUDO_FLAGS"], ["sudo_become_plugin.flags"];
    /// su's own user.
    su_user: Option<String> = None, Yes, ["ANSIBLE_SU_USER"], ["su_become_plugin.user"];
    /// su's own program.
    su_exe: Option<String> = None, Yes, ["ANSIBLE_SU_EXE"], ["su_become_plugin.executable"];
    /// su's own flags.
    su_flags: Option<String> = None, Yes, ["ANSIBLE_SU_FLAGS"], ["su_become_plugin.flags"];
    /// Whether the become password is asked for.
    become_ask_pass: bool = Some("false"), Yes, ["ANSIBLE_BECOME_ASK_PASS"],
        ["privilege_escalation.become_ask_pass"];
    /// A file with the become password.
    become_password_file: Option<PathBuf> = None, Yes, ["ANSIBLE_BECOME_PASSWORD_FILE"],
        ["defaults.become_password_file"];
    /// The become password, from the environment or the file.
    become_pass: Option<String> = None, Yes, ["ANSIBLE_BECOME_PASS", "ANSIBLE_SU_PASS", "ANSIBLE_SUDO_PASS"],
        ["su_become_plugin.password", "sudo_become_plugin.password"];
    /// Whether the vault's password is asked for.
    ask_vault_pass: bool = Some("false"), Yes, ["ANSIBLE_ASK_VAULT_PASS"], ["defaults.ask_vault_pass"];
    /// A file with the vault's password, or a program that prints it.
    vault_password_file: Option<PathBuf> = None, Yes, ["ANSIBLE_VAULT_PASSWORD_FILE"],
        ["defaults.vault_password_file"];
    /// The vault's identities: `label@source`.
    vault_identity_list: Vec<String> = None, Yes, ["ANSIBLE_VAULT_IDENTITY_LIST"],
        ["defaults.vault_identity_list"];
    /// The label of a vault password without one.
    vault_identity: String = Some("default"), Yes, ["ANSIBLE_VAULT_IDENTITY"], ["defaults.vault_identity"];
    /// Whether only the identity that a text names is tried.
    vault_id_match: bool = Some("false"), Yes, ["ANSIBLE_VAULT_ID_MATCH"], ["defaults.vault_id_match"];
    /// The identity that encrypts where several are known.
    vault_encrypt_identity: Option<String> = None, Yes, ["ANSIBLE_VAULT_ENCRYPT_IDENTITY"],
        ["defaults.vault_encrypt_identity"];
    /// The salt to encrypt with, in place of a random one.
    vault_encrypt_salt: Option<String> = None, Yes, ["ANSIBLE_VAULT_ENCRYPT_SALT"],
        ["defaults.vault_encrypt_salt"];
    /// Whether plays gather facts.
    gathering: Gathering = Some("implicit"), Yes, ["ANSIBLE_GATHERING"],
        ["defaults.gathering"];
    /// Where facts are kept between runs: `memory`, `jsonfile`.
    fact_caching: String = Some("memory"), Yes, ["ANSIBLE_CACHE_PLUGIN"], ["defaults.fact_caching"];
    /// `jsonfile`'s directory.
    fact_caching_connection: Option<PathBuf> = None, Harmless, ["ANSIBLE_CACHE_PLUGIN_CONNECTION"],
        ["defaults.fact_caching_connection"];
    /// How the names of its files begin.
    fact_caching_prefix: String = Some("ansible_facts"), Harmless, ["ANSIBLE_CACHE_PLUGIN_PREFIX"],
        ["defaults.fact_caching_prefix"];
    /// Seconds after which kept facts no longer count; 0: never.
    fact_caching_timeout: u64 = Some("86400"), Harmless, ["ANSIBLE_CACHE_PLUGIN_TIMEOUT"],
        ["defaults.fact_caching_timeout"];
    /// Whether facts are variables of their own (`ansible_*`) too.
    inject_facts_as_vars: bool = Some("true"), Yes, ["ANSIBLE_INJECT_FACT_VARS"],
        ["defaults.inject_facts_as_vars"];
    /// What happens to a mapping that is defined twice.
    hash_behaviour: HashBehaviour = Some("replace"), Yes, ["ANSIBLE_HASH_BEHAVIOUR"],
        ["defaults.hash_behaviour"];
    /// A key that is twice in a mapping of YAML.
    duplicate_dict_key: DuplicateKeys = Some("warn"), Yes, ["ANSIBLE_DUPLICATE_YAML_DICT_KEY"],
        ["defaults.duplicate_dict_key"];
    /// Whether the first failure ends the play for all.
    any_errors_fatal: bool = Some("false"), Yes, ["ANSIBLE_ANY_ERRORS_FATAL"],
        ["defaults.any_errors_fatal"];
    /// Whether notified handlers run on hosts that failed.
    force_handlers: bool = Some("false"), Yes, ["ANSIBLE_FORCE_HANDLERS"], ["defaults.force_handlers"];
    /// Whether a handler that nobody has is an error.
    error_on_missing_handler: bool = Some("true"), Yes, ["ANSIBLE_ERROR_ON_MISSING_HANDLER"],
        ["defaults.error_on_missing_handler"];
    /// Whether a role's variables stay in it.
    private_role_vars: bool = Some("false"), No(ENGINE), ["ANSIBLE_PRIVATE_ROLE_VARS"],
        ["defaults.private_role_vars"];
    /// Whether a keyword that a task does not have is an error.
    invalid_task_attribute_failed: bool = Some("true"), No(ENGINE), ["ANSIBLE_INVALID_TASK_ATTRIBUTE_FAILED"],
        ["defaults.invalid_task_attribute_failed"];
    /// Conditions may have values that are no booleans.
    allow_broken_conditionals: bool = Some("false"), Yes, ["ANSIBLE_ALLOW_BROKEN_CONDITIONALS"],
        ["defaults.allow_broken_conditionals"];
    /// Nothing that tasks get or give is shown.
    no_log: bool = Some("false"), Yes, ["ANSIBLE_NO_LOG"], ["defaults.no_log"];
    /// Seconds that a task may take; 0: any time.
    task_timeout: u64 = Some("0"), Yes, ["ANSIBLE_TASK_TIMEOUT"], ["defaults.task_timeout"];
    /// Seconds between two looks at an asynchronous task.
    poll_interval: u64 = Some("15"), Yes, ["ANSIBLE_POLL_INTERVAL"], ["defaults.poll_interval"];
    /// Where the files of asynchronous tasks are on the host.
    async_dir: String = Some("~/.ansible_async"), Yes, ["ANSIBLE_ASYNC_DIR"], ["defaults.async_dir"];
    /// The order in which hosts and tasks go: `linear`, `free` …
    strategy: String = Some("linear"), Yes, ["ANSIBLE_STRATEGY"], ["defaults.strategy"];
    /// The shell of commands.
    executable: String = Some("/bin/sh"), No(ENGINE), ["ANSIBLE_EXECUTABLE"], ["defaults.executable"];
    /// The ad-hoc command's module.
    module_name: String = Some("command"), Yes, [], ["defaults.module_name"];
    /// The ad-hoc command's arguments.
    module_args: Option<String> = None, Yes, ["ANSIBLE_MODULE_ARGS"], ["defaults.module_args"];
    /// Where the target keeps temporary files.
    remote_tmp: String = Some("~/.ansible/tmp"), Yes, ["ANSIBLE_REMOTE_TEMP", "ANSIBLE_REMOTE_TMP"],
        ["defaults.remote_tmp"];
    /// The Python of modules that are Python.
    interpreter_python: String = Some("auto"), Yes, ["ANSIBLE_PYTHON_INTERPRETER"],
        ["defaults.interpreter_python"];
    /// `playbook_dir` where there is no playbook.
    playbook_dir: Option<PathBuf> = None, Yes, ["ANSIBLE_PLAYBOOK_DIR"], ["defaults.playbook_dir"];
    /// Which playbook's `group_vars` and `host_vars` count.
    playbook_vars_root: VarsRoot = Some("top"), No(ENGINE), ["ANSIBLE_PLAYBOOK_VARS_ROOT"],
        ["defaults.playbook_vars_root"];
    /// Tags that run where `--tags` names none.
    tags_run: Vec<String> = None, Yes, ["ANSIBLE_RUN_TAGS"], ["tags.run"];
    /// Tags that are left out where `--skip-tags` names none.
    tags_skip: Vec<String> = None, Yes, ["ANSIBLE_SKIP_TAGS"], ["tags.skip"];
    /// How many more `-v`.
    verbosity: u64 = Some("0"), Yes, ["ANSIBLE_VERBOSITY"], ["defaults.verbosity"];
    /// Whether differences are always shown.
    diff_always: bool = Some("false"), Yes, ["ANSIBLE_DIFF_ALWAYS"], ["diff.always"];
    /// Lines of context around a difference.
    diff_context: u64 = Some("3"), Yes, ["ANSIBLE_DIFF_CONTEXT"], ["diff.context"];
    /// Bytes above which a file's difference is not shown.
    max_diff_size: u64 = Some("104448"), No(ENGINE), ["ANSIBLE_MAX_DIFF_SIZE"], ["defaults.max_diff_size"];
    /// Whether skipped hosts are shown.
    display_skipped_hosts: bool = Some("true"), Yes, ["ANSIBLE_DISPLAY_SKIPPED_HOSTS"],
        ["defaults.display_skipped_hosts"];
    /// Whether hosts that are as they should be are shown.
    display_ok_hosts: bool = Some("true"), Yes, ["ANSIBLE_DISPLAY_OK_HOSTS"], ["defaults.display_ok_hosts"];
    /// Whether failures go to standard error.
    display_failed_stderr: bool = Some("false"), Yes, ["ANSIBLE_DISPLAY_FAILED_STDERR"],
        ["defaults.display_failed_stderr"];
    /// Whether a task's arguments are in its heading.
    display_args_to_stdout: bool = Some("false"), Yes, ["ANSIBLE_DISPLAY_ARGS_TO_STDOUT"],
        ["defaults.display_args_to_stdout"];
    /// Whether `set_stats` is shown at the end.
    show_custom_stats: bool = Some("false"), Yes, ["ANSIBLE_SHOW_CUSTOM_STATS"], ["defaults.show_custom_stats"];
    /// Whether the start of a task on a host is shown.
    show_per_host_start: bool = Some("false"), Yes, ["ANSIBLE_SHOW_PER_HOST_START"],
        ["defaults.show_per_host_start"];
    /// Whether a failed task's place is shown.
    show_task_path_on_failure: bool = Some("false"), Yes, ["ANSIBLE_SHOW_TASK_PATH_ON_FAILURE"],
        ["defaults.show_task_path_on_failure"];
    /// Whether headings say that it is check mode.
    check_mode_markers: bool = Some("false"), Yes, ["ANSIBLE_CHECK_MODE_MARKERS"],
        ["defaults.check_mode_markers"];
    /// How results are shown.
    callback_result_format: ResultFormat = Some("json"), Yes, ["ANSIBLE_CALLBACK_RESULT_FORMAT"],
        ["defaults.callback_result_format"];
    /// Whether results are spread over lines.
    callback_format_pretty: Option<bool> = None, Yes, ["ANSIBLE_CALLBACK_FORMAT_PRETTY"],
        ["defaults.callback_format_pretty"];
    /// A file that is told what is shown.
    log_path: Option<PathBuf> = None, Yes, ["ANSIBLE_LOG_PATH"], ["defaults.log_path"];
    /// Whether `-v` goes to standard error.
    verbose_to_stderr: bool = Some("false"), Harmless, ["ANSIBLE_VERBOSE_TO_STDERR"],
        ["defaults.verbose_to_stderr"];
    /// Whether colours are shown where there is no terminal.
    force_color: bool = Some("false"), Yes, ["ANSIBLE_FORCE_COLOR"], ["defaults.force_color"];
    /// Whether there are no colours.
    nocolor: bool = Some("false"), Yes, ["ANSIBLE_NOCOLOR", "NO_COLOR"], ["defaults.nocolor"];
    /// Whether what is deprecated is told.
    deprecation_warnings: bool = Some("true"), Yes, ["ANSIBLE_DEPRECATION_WARNINGS"],
        ["defaults.deprecation_warnings"];
    /// Whether a missing inventory is told.
    localhost_warning: bool = Some("true"), Yes, ["ANSIBLE_LOCALHOST_WARNING"], ["defaults.localhost_warning"];
    /// Whether an inventory that nothing can read is told.
    inventory_unparsed_warning: bool = Some("true"), Yes, ["ANSIBLE_INVENTORY_UNPARSED_WARNING"],
        ["inventory.inventory_unparsed_warning"];
    /// Whether no inventory that can be read is an error.
    unparsed_is_failed: bool = Some("false"), Yes, ["ANSIBLE_INVENTORY_UNPARSED_FAILED"],
        ["inventory.unparsed_is_failed"];
    /// Whether one inventory that cannot be read is an error.
    any_unparsed_is_failed: bool = Some("false"), Yes, ["ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED"],
        ["inventory.any_unparsed_is_failed"];
    /// The inventory plugins that may read, in order.
    enable_plugins: Vec<String> = Some("host_list,script,auto,yaml,ini,toml"), Yes,
        ["ANSIBLE_INVENTORY_ENABLED"], ["inventory.enable_plugins"];
    /// Names of files in inventory directories that are passed over.
    ignore_extensions: Option<Vec<String>> = None, Yes, ["ANSIBLE_INVENTORY_IGNORE"],
        ["defaults.inventory_ignore_extensions", "inventory.ignore_extensions"];
    /// The same as regular expressions.
    ignore_patterns: Vec<String> = None, Yes, ["ANSIBLE_INVENTORY_IGNORE_REGEX"],
        ["defaults.inventory_ignore_patterns", "inventory.ignore_patterns"];
    /// Endings of inventories in YAML, where they are others than those of files with variables.
    inventory_yaml_extensions: Option<Vec<String>> = None, Yes, ["ANSIBLE_INVENTORY_PLUGIN_EXTS"],
        ["inventory_plugin_yaml.yaml_valid_extensions"];
    /// Characters of group names that names of variables cannot have.
    force_valid_group_names: GroupNames = Some("never"), Yes, ["ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS"],
        ["defaults.force_valid_group_names"];
    /// Whether the standard error of inventory scripts that succeed is shown.
    inventory_plugin_script_stderr: bool = Some("true"), Yes, ["ANSIBLE_INVENTORY_PLUGIN_SCRIPT_STDERR"],
        ["inventory_plugin_script.always_show_stderr"];
    /// Whether `constructed` sees extra variables.
    inventory_use_extra_vars: bool = Some("false"), Yes, ["ANSIBLE_INVENTORY_USE_EXTRA_VARS"],
        ["inventory_plugins.use_extra_vars"];
    /// Whether `inventory --list` keeps the variables of groups and hosts apart.
    inventory_export: bool = Some("false"), Yes, ["ANSIBLE_INVENTORY_EXPORT"], ["inventory.export"];
    /// A pattern that matches no host.
    host_pattern_mismatch: Mismatch = Some("warning"), Yes, ["ANSIBLE_HOST_PATTERN_MISMATCH"],
        ["inventory.host_pattern_mismatch"];
    /// The order of `group_vars` and `host_vars`.
    precedence: Vec<String> = Some(
        "all_inventory,groups_inventory,all_plugins_inventory,all_plugins_play,groups_plugins_inventory,\
         groups_plugins_play"
    ), No(ENGINE), ["ANSIBLE_PRECEDENCE"], ["defaults.precedence"];
    /// Endings of files with variables.
    yaml_valid_extensions: Vec<String> = Some(".yml,.yaml,.json"), No(ENGINE), ["ANSIBLE_YAML_FILENAME_EXT"],
        ["defaults.yaml_valid_extensions"];
    /// Whether a list of hosts that failed is written.
    retry_files_enabled: bool = Some("false"), No(ENGINE), ["ANSIBLE_RETRY_FILES_ENABLED"],
        ["defaults.retry_files_enabled"];
    /// Where.
    retry_files_save_path: Option<PathBuf> = None, Harmless, ["ANSIBLE_RETRY_FILES_SAVE_PATH"],
        ["defaults.retry_files_save_path"];
    /// What shows the run.
    stdout_callback: String = Some("default"), Yes, ["ANSIBLE_STDOUT_CALLBACK"], ["defaults.stdout_callback"];
    /// Directories with modules that are files.
    library: Vec<PathBuf> = Some("~/.ansible/plugins/modules:/usr/share/ansible/plugins/modules"), Yes,
        ["ANSIBLE_LIBRARY"], ["defaults.library"];
    /// Whether modules that are files write no log on hosts.
    no_target_syslog: bool = Some("false"), Yes, ["ANSIBLE_NO_TARGET_SYSLOG"], ["defaults.no_target_syslog"];
    /// File systems whose security contexts cannot be set.
    special_context_filesystems: Vec<String> = Some("fuse, nfs, vboxsf, ramfs, 9p, vfat"), Yes,
        ["ANSIBLE_SELINUX_SPECIAL_FS"], ["selinux.special_context_filesystems"];
    /// The syslog facility that modules that are files use on hosts.
    syslog_facility: String = Some("LOG_USER"), Yes, ["ANSIBLE_SYSLOG_FACILITY"], ["defaults.syslog_facility"];
    /// What modules that are files add to their entries in the log of a host.
    target_log_info: Option<String> = None, Yes, ["ANSIBLE_TARGET_LOG_INFO"], ["defaults.target_log_info"];
    /// Whether a user is become that commands run as anyway.
    become_allow_same_user: bool = Some("false"), Yes, ["ANSIBLE_BECOME_ALLOW_SAME_USER"],
        ["privilege_escalation.become_allow_same_user"];
    /// As `verbosity`, for what goes to the log only.
    log_verbosity: u64 = Some("0"), Yes, ["ANSIBLE_LOG_VERBOSITY"], ["defaults.log_verbosity"];
    /// Whether the ad-hoc command is shown in that way too.
    bin_ansible_callbacks: bool = Some("false"), Yes, ["ANSIBLE_LOAD_CALLBACK_PLUGINS"],
        ["defaults.bin_ansible_callbacks"];
    /// The editor of `vault edit`.
    editor: String = Some("vi"), Yes, ["ANSIBLE_EDITOR", "EDITOR"], ["defaults.editor"];
}
