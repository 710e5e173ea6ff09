//! What cannot be equal on two hosts or at two times is taken out of results: times, numbers that a kernel gives out,
//! addresses, the names of temporary files, and how either program reports about itself.

use regex::Regex;
use serde_json::{Map, Value as Json};

/// Keys that are left out wherever they stand.
const VOLATILE: &[&str] = &[
    // times
    "start", "end", "delta", "atime", "ctime", "mtime", "elapsed", "cache_update_time", "date", "last_modified",
    // what a file system gives out
    "inode", "dev",
    // how Ansible reports about itself
    "invocation", "warnings", "deprecations", "exception", "diff", "discovered_interpreter_python", "ansible_delegated_vars",
];

/// Facts that are compared; the others hang on the machine or the time.
const FACTS: &[&str] = &[
    "ansible_architecture", "ansible_distribution", "ansible_distribution_major_version",
    "ansible_distribution_release", "ansible_distribution_version", "ansible_dns", "ansible_domain", "ansible_fqdn",
    "ansible_hostname", "ansible_kernel", "ansible_machine", "ansible_nodename", "ansible_os_family",
    "ansible_pkg_mgr", "ansible_service_mgr", "ansible_system", "ansible_user_dir", "ansible_user_gecos",
    "ansible_user_gid", "ansible_user_id", "ansible_user_shell", "ansible_user_uid", "ansible_effective_user_id",
    "ansible_real_user_id", "ansible_userspace_architecture", "ansible_userspace_bits", "ansible_selinux_python_present",
    "ansible_virtualization_role", "ansible_virtualization_type", "ansible_processor_vcpus", "ansible_memtotal_mb",
    "ansible_all_ipv4_addresses", "ansible_local", "ansible_lsb", "ansible_is_chroot", "ansible_interfaces",
    "ansible_fips", "ansible_apparmor", "ansible_cmdline", "ansible_processor_count", "ansible_processor_cores",
    "ansible_swaptotal_mb", "gather_subset", "module_setup", "ansible_python_version",
];

/// Of a unit's properties, those that are compared.
const PROPERTIES: &[&str] =
    &["Id", "LoadState", "ActiveState", "SubState", "UnitFileState", "FragmentPath", "Description", "Type", "Result"];

/// Takes out what cannot be equal.
pub struct Normal {
    names: Vec<(String, &'static str)>,
    patterns: Vec<(Regex, &'static str)>,
}

impl Normal {
    /// With the texts that tell one twin from the other, and what stands for them.
    pub fn new(names: Vec<(String, &'static str)>) -> Self {
        let patterns = [
            (r"\.\d+\.\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d~", ".BACKUP~"),
            (r#"/[^ '"]*/\.ansible/tmp/[^ '"]*"#, "TEMPORARY"),
            (r"0x[0-9a-f]{8,}", "POINTER"),
        ];
        let patterns = patterns.into_iter().filter_map(|(text, stand_in)| Some((Regex::new(text).ok()?, stand_in)));
        Self { names, patterns: patterns.collect() }
    }

    /// A text without what cannot be equal.
    pub fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, stand_in) in &self.names {
            if text.contains(name.as_str()) {
                text = text.replace(name.as_str(), stand_in);
            }
        }
        for (pattern, stand_in) in &self.patterns {
            text = pattern.replace_all(&text, *stand_in).into_owned();
        }
        text
    }

    /// A task's result; none where the two programs report different things under that name.
    pub fn result(&self, module: &str, status: &str, result: Json) -> Option<Json> {
        let module = module.rsplit('.').next().unwrap_or(module);
        // an include is reported by Ansible as a result of its own only in part; what it includes is compared
        if matches!(module, "include_tasks" | "include_role" | "meta") && status != "skipped" && status != "failed" {
            return None;
        }
        let mut result = self.value(result);
        if let Some(map) = result.as_object_mut() {
            if matches!(module, "setup" | "gather_facts")
                && let Some(facts) = map.get_mut("ansible_facts").and_then(Json::as_object_mut)
            {
                facts.retain(|name, _| FACTS.contains(&name.as_str()));
            }
            // a task that is skipped says why in words of its own
            if status == "skipped" {
                map.retain(|name, _| matches!(name.as_str(), "results" | "skip_reason" | "false_condition"));
            }
        }
        Some(result)
    }

    fn value(&self, value: Json) -> Json {
        match value {
            Json::String(text) => Json::String(self.text(&text)),
            Json::Array(values) => values.into_iter().map(|value| self.value(value)).collect(),
            Json::Object(map) => Json::Object(self.map(map)),
            other => other,
        }
    }

    fn map(&self, map: Map<String, Json>) -> Map<String, Json> {
        let mut kept = Map::new();
        for (key, value) in map {
            let quiet = matches!(key.as_str(), "failed" | "changed" | "skipped" | "unreachable") && value == false;
            if quiet || key.starts_with("_ansible_") || VOLATILE.contains(&key.as_str()) {
                continue;
            }
            let mut value = self.value(value);
            if let Some(inner) = value.as_object_mut() {
                match key.as_str() {
                    // a file's generation number
                    "stat" => drop(inner.remove("version")),
                    "status" => inner.retain(|name, _| PROPERTIES.contains(&name.as_str())),
                    _ => {}
                }
            }
            kept.insert(key, value);
        }
        kept
    }
}
