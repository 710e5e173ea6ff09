//! What check mode and `--diff` tell of a module's tasks.

/// How well check mode knows what a module would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Result and differences of a real run.
    Full,
    /// Whether there is anything to do, not what would come out; in these words.
    Unknown(&'static str),
}

/// What is shown of a module's changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Everything that it changes.
    Full,
    /// It changes nothing that could be shown.
    Nothing,
    /// Nobody can know what it changes; in these words.
    Unknown(&'static str),
}

/// Modules whose changes only a real run can tell.
const UNKNOWN: &[(&str, &str)] = &[
    (
        "archive",
        "The files that would be packed are told; size and checksum of the archive are not known before it is made.",
    ),
    (
        "command",
        "The command is not run: what it would give is unknown, and what depends on it is shown as uncertain. `creates` and `removes` are looked at.",
    ),
    (
        "docker_container_exec",
        "The command is not run: what it would give is unknown, and what depends on it is shown as uncertain.",
    ),
    ("docker_prune", "Nothing is removed: which things are unused by then is not known before the run."),
    (
        "expect",
        "The command is not run: what it would give is unknown, and what depends on it is shown as uncertain. `creates` and `removes` are looked at.",
    ),
    ("npm", "What is installed is looked at; which versions npm would choose is not known before the run."),
    ("openssh_keypair", "A new pair is told; the keys themselves are not known before the run."),
    ("openssl_privatekey", "A new key is told; the key itself is not known before the run."),
    ("pip", "What is installed is looked at; which versions pip would choose is not known before the run."),
    (
        "raw",
        "The command is not run: what it would give is unknown, and what depends on it is shown as uncertain.",
    ),
    (
        "script",
        "The script is not run: what it would give is unknown, and what depends on it is shown as uncertain. `creates` and `removes` are looked at.",
    ),
    (
        "shell",
        "The command is not run: what it would give is unknown, and what depends on it is shown as uncertain. `creates` and `removes` are looked at.",
    ),
    ("tempfile", "Nothing is made: the path is not known before the run."),
    (
        "uri",
        "No request is made: the answer is unknown, and what depends on it is shown as uncertain. `creates` and `removes` are looked at.",
    ),
];

/// Modules that show no differences because they change nothing on the host, or what they change is the run itself.
const NOTHING: &[&str] = &[
    "add_host",
    "assert",
    "async_status",
    "debug",
    "docker_container_info",
    "docker_host_info",
    "docker_image_info",
    "docker_network_info",
    "docker_volume_info",
    "fail",
    "find",
    "getent",
    "group_by",
    "include_vars",
    "package_facts",
    "pause",
    "ping",
    "reboot",
    "service_facts",
    "set_fact",
    "set_stats",
    "setup",
    "slurp",
    "stat",
    "validate_argument_spec",
    "wait_for",
    "wait_for_connection",
];

/// Modules that show no differences because nobody knows what their commands change.
const OPAQUE: &[&str] = &[
    "command",
    "docker_container_exec",
    "docker_prune",
    "expect",
    "raw",
    "script",
    "shell",
    "tempfile",
    "uri",
];

/// Parameters of the originals that modules know and refuse, by module.
const REFUSED: &[(&str, &[&str])] = &[
    ("acl", &["use_nfsv4_acls"]),
    ("docker_container", &["use_ssh_client"]),
    ("docker_container_exec", &["tty", "use_ssh_client"]),
    ("docker_container_info", &["use_ssh_client"]),
    ("docker_host_info", &["use_ssh_client"]),
    ("docker_image", &["use_ssh_client"]),
    ("docker_image_info", &["use_ssh_client"]),
    ("docker_login", &["use_ssh_client"]),
    ("docker_network", &["use_ssh_client"]),
    ("docker_network_info", &["use_ssh_client"]),
    ("docker_prune", &["use_ssh_client"]),
    ("docker_volume", &["use_ssh_client"]),
    ("docker_volume_info", &["use_ssh_client"]),
    ("get_url", &["ciphers", "use_gssapi"]),
    ("git", &["archive", "archive_prefix", "gpg_allowlist", "track_submodules"]),
    ("uri", &["ciphers", "decompress", "dest", "unredirected_headers", "use_gssapi"]),
    ("user", &["local"]),
    ("x509_certificate", &["acme_accountkey_path", "acme_chain", "acme_challenge_path", "acme_directory"]),
];

/// Parameters of which modules refuse some values: module and parameter, what is refused.
pub const IN_PART: &[(&str, &str)] = &[
    ("archive.exclusion_patterns", "not with `format: zip`"),
    ("docker_container.output_logs", "the log is that of the container alone"),
    ("docker_container.tls_hostname", "that of `docker_host`; likewise in the other modules of Docker"),
    ("hostname.use", "the strategies for systemd, Debian, Alpine and `generic`"),
    ("htpasswd.hash_scheme", "`apr_md5_crypt`, `md5_crypt`, `bcrypt`, `ldap_sha1`, `plaintext`, `portable`"),
    ("openssh_keypair.type", "not `rsa1`"),
    ("openssl_privatekey.format", "not `raw`"),
    ("package_facts.manager", "apt, apk, and all that are rpm underneath"),
    ("service.use", "systemd"),
    ("ufw.insert_relative_to", "`zero`"),
    ("wait_for.state", "not `drained`"),
    ("x509_certificate.provider", "not `acme`"),
];

/// Whether a module knows a parameter of its original and refuses it.
pub fn refuses(module: &str, parameter: &str) -> bool {
    REFUSED.iter().any(|(name, refused)| *name == module && refused.contains(&parameter))
}

/// How well check mode knows what a module would do.
pub fn check(module: &str) -> Check {
    UNKNOWN.iter().find(|(name, _)| *name == module).map_or(Check::Full, |(_, words)| Check::Unknown(words))
}

/// What is shown of a module's changes.
pub fn difference(module: &str) -> Difference {
    if NOTHING.contains(&module) {
        Difference::Nothing
    } else if OPAQUE.contains(&module) {
        Difference::Unknown("What it changes cannot be known, so nothing is shown.")
    } else {
        Difference::Full
    }
}

impl Check {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Full => "Full: what it tells in check mode is what the real run then does.",
            Self::Unknown(words) => words,
        }
    }

    /// In one word, for tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Unknown(_) => "result unknown",
        }
    }
}

impl Difference {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Full => "Full: all that changes is shown, before and after.",
            Self::Nothing => "It changes nothing on the host that could be shown.",
            Self::Unknown(words) => words,
        }
    }

    /// In one word, for tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Nothing => "nothing to show",
            Self::Unknown(_) => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::modules::MODULES;

    /// The sources of a module: its file, and those in the directory of its name.
    fn sources(name: &str) -> String {
        let room = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/modules");
        let mut text = std::fs::read_to_string(room.join(format!("{name}.rs"))).unwrap();
        for entry in std::fs::read_dir(room.join(name)).into_iter().flatten() {
            text += &std::fs::read_to_string(entry.unwrap().path()).unwrap_or_default();
        }
        text
    }

    /// The names of parameters that a source refuses: told by themselves, or in a list before the refusal.
    fn refused(text: &str) -> BTreeSet<String> {
        let alone = regex::Regex::new(r"parameter `([a-z_0-9]+)`[^;]* is not supported yet").unwrap();
        // those of a choice that is refused
        let within =
            regex::Regex::new(r"/// Of `[a-z]+`, which is not supported yet\.\s+([a-z_0-9]+):").unwrap();
        let listed = regex::Regex::new(r#"\(\s*"([a-z_0-9]+)","#).unwrap();
        let mut names: BTreeSet<String> = alone
            .captures_iter(text)
            .chain(within.captures_iter(text))
            .map(|found| found[1].to_owned())
            .filter(|name| name != "use" && name != "state")
            .collect();
        for (at, _) in text.match_indices("parameter `{name}` of `") {
            let before = &text[..at];
            let start = before.rfind("in [").max(before.rfind("= [")).unwrap();
            let list = &before[start..];
            let list = &list[..list.find(']').unwrap()];
            names.extend(listed.captures_iter(list).map(|found| found[1].to_owned()));
        }
        names
    }

    #[test]
    fn what_is_said_to_be_refused_is_what_the_modules_refuse() {
        for module in MODULES {
            let name = module.doc().name;
            let mut text = sources(name);
            if module.fields().iter().any(|field| field.name == "use_gssapi") {
                text += &sources("web");
            }
            if module.fields().iter().any(|field| field.name == "use_ssh_client") {
                let engine = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/modules/docker/api.rs");
                text += &std::fs::read_to_string(engine).unwrap();
            }
            let mut told: BTreeSet<String> = BTreeSet::new();
            told.extend(
                module
                    .fields()
                    .iter()
                    .map(|field| field.name)
                    .filter(|field| refuses(name, field))
                    .map(str::to_owned),
            );
            let mut refused = refused(&text);
            for rule in module.rules() {
                // what cannot be without what is refused is refused
                if let crate::modules::Rule::RequiredBy(by, needs) = rule
                    && needs.iter().any(|need| refused.contains(*need))
                {
                    refused.insert(by.to_owned());
                }
            }
            assert_eq!(refused, told, "{name}");
        }
        for (parameter, _) in IN_PART {
            let (module, parameter) = parameter.split_once('.').unwrap();
            let module = crate::modules::find(module).unwrap();
            assert!(module.fields().iter().any(|field| field.name == parameter), "{parameter}");
        }
    }

    #[test]
    fn what_is_said_of_check_mode_is_what_the_modules_do() {
        // what they do is known, and what comes of it is not
        const MADE_THERE: &[&str] = &["npm", "openssh_keypair", "openssl_privatekey"];
        for module in MODULES {
            let name = module.doc().name;
            if MADE_THERE.contains(&name) {
                assert!(check(name) != Check::Full, "{name}");
                continue;
            }
            // `shell` is `command`, given to a shell
            let text = sources(if name == "shell" { "command" } else { name });
            let opaque = text.contains("opaque: true") || text.contains("opaque = true");
            assert_eq!(opaque, check(name) != Check::Full, "{name}");
        }
    }

    #[test]
    fn what_is_said_of_differences_is_what_the_modules_do() {
        // these hand on to another module
        const HANDED_ON: &[&str] = &["package", "service"];
        for name in MODULES.iter().map(|module| module.doc().name) {
            let text = sources(name);
            let words = ["Diff::", "diffs", ".diff(", "write_file::{", "edit_file::"];
            let shows = HANDED_ON.contains(&name) || words.iter().any(|word| text.contains(word));
            assert_eq!(shows, difference(name) == Difference::Full, "{name}");
        }
    }
}
