//! What cannot be equal on two hosts or at two times is taken out of results: times, numbers that a kernel gives out,
//! addresses, the names of temporary files, and how either program reports about itself.

use regex::Regex;
use serde_json::{Map, Value as Json};

/// Keys that are left out wherever they stand.
const VOLATILE: &[&str] = &[
    // times
    "start",
    "end",
    "delta",
    "atime",
    "ctime",
    "mtime",
    "elapsed",
    "cache_update_time",
    "date",
    "last_modified",
    // names of jobs
    "ansible_job_id",
    "results_file",
    "erased",
    "child_pid",
    // what a file system gives out
    "inode",
    "dev",
    // how Ansible reports about itself
    "invocation",
    "warnings",
    "deprecations",
    "exception",
    "diff",
    "discovered_interpreter_python",
    "ansible_delegated_vars",
    "failed_when_suppressed_exception",
];

/// Facts that are compared; the others hang on the machine or the time.
const FACTS: &[&str] = &[
    "ansible_architecture",
    "ansible_distribution",
    "ansible_distribution_major_version",
    "ansible_distribution_release",
    "ansible_distribution_version",
    "ansible_dns",
    "ansible_domain",
    "ansible_fqdn",
    "ansible_hostname",
    "ansible_kernel",
    "ansible_machine",
    "ansible_nodename",
    "ansible_os_family",
    "ansible_pkg_mgr",
    "ansible_service_mgr",
    "ansible_system",
    "ansible_user_dir",
    "ansible_user_gecos",
    "ansible_user_gid",
    "ansible_user_id",
    "ansible_user_shell",
    "ansible_user_uid",
    "ansible_effective_user_id",
    "ansible_real_user_id",
    "ansible_userspace_architecture",
    "ansible_userspace_bits",
    "ansible_selinux_python_present",
    "ansible_virtualization_role",
    "ansible_virtualization_type",
    "ansible_processor_vcpus",
    "ansible_memtotal_mb",
    "ansible_all_ipv4_addresses",
    "ansible_local",
    "ansible_lsb",
    "ansible_is_chroot",
    "ansible_interfaces",
    "ansible_fips",
    "ansible_apparmor",
    "ansible_cmdline",
    "ansible_processor_count",
    "ansible_processor_cores",
    "ansible_swaptotal_mb",
    "gather_subset",
    "module_setup",
    "ansible_python_version",
];

/// Of a unit's properties, those that are compared.
const PROPERTIES: &[&str] = &[
    "Id",
    "LoadState",
    "ActiveState",
    "SubState",
    "UnitFileState",
    "FragmentPath",
    "Description",
    "Type",
    "Result",
];

/// What Docker gives out: addresses, numbers and names that no two Engines give alike.
const GIVEN_OUT: &[&str] =
    &["EndpointID", "ExecIDs", "Health", "Log", "MacAddress", "NetworkID", "Pid", "SandboxID", "SandboxKey"];

/// Takes out what no two Docker Engines can tell alike.
struct Docker {
    patterns: Vec<(Regex, &'static str)>,
}

impl Docker {
    fn new() -> Self {
        let patterns = [
            (r"\b[0-9a-f]{64}\b", "HASH"),
            (r"\b[0-9a-f]{12}\b", "HASH"),
            (r"\d{4}-\d\d-\d\dT[\d:.]+Z?", "TIME"),
            // how the request went that failed
            (r"(Client|Server) Error for \S+: ", ""),
        ];
        let patterns = patterns.into_iter().filter_map(|(text, by)| Some((Regex::new(text).ok()?, by)));
        Self { patterns: patterns.collect() }
    }

    fn text(&self, text: &str) -> String {
        let replace =
            |text: String, (pattern, by): &(Regex, &str)| pattern.replace_all(&text, *by).into_owned();
        self.patterns.iter().fold(text.to_owned(), replace)
    }

    fn value(&self, value: Json) -> Json {
        match value {
            Json::String(text) => Json::String(self.text(&text)),
            Json::Array(values) => values.into_iter().map(|value| self.value(value)).collect(),
            Json::Object(map) => {
                let kept = map.into_iter().filter(|(key, _)| !GIVEN_OUT.contains(&key.as_str()));
                let entry = |(key, value): (String, Json)| {
                    let mut value = self.value(value);
                    // in no order
                    if let Some(items) =
                        value.as_array_mut().filter(|_| matches!(key.as_str(), "Mounts" | "Aliases"))
                    {
                        items.sort_by_key(Json::to_string);
                    }
                    (self.text(&key), value)
                };
                Json::Object(kept.map(entry).collect())
            }
            other => other,
        }
    }
}

/// Takes out what cannot be equal.
pub struct Normal {
    names: Vec<(String, &'static str)>,
    patterns: Vec<(Regex, &'static str)>,
    frames: Vec<Regex>,
}

impl Normal {
    /// With the texts that tell one twin from the other, and what stands for them.
    pub fn new(names: Vec<(String, &'static str)>) -> Self {
        let patterns = [
            (r"\.\d+\.\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d~", ".BACKUP~"),
            (r#"/[^ '"]*/\.ansible/tmp/[^ '"]*"#, "TEMPORARY"),
            // what apt says about its downloads, and its progress
            (r"(?m)^(Get:\d+ |Fetched |Need to get |\(Reading database ).*\n?", ""),
            (r"\d+(us|ms|s) ago", "TIME ago"),
            (r"^Paused for (\d+)(\.\d+)? (seconds|minutes)$", "Paused for $1 $3"),
            (r"(?m)^(\s+(Main PID|Process|CPU|Active|Tasks|Memory):).*$", "$1"),
            (r"(?m)^\w{3} \d+ [\d:]{8} \w+ \w+\[\d+\]:", "JOURNAL:"),
        ];
        let patterns =
            patterns.into_iter().filter_map(|(text, stand_in)| Some((Regex::new(text).ok()?, stand_in)));
        let frames = [
            r"^Task failed: ",
            r"^Module failed: ",
            r"^Finalization of task args for '[^']*' failed: ",
            r"^Error while resolving value for '[^']*': ",
            r"^Error while evaluating conditional: ",
        ];
        let frames = frames.iter().filter_map(|text| Regex::new(text).ok());
        Self { names, patterns: patterns.collect(), frames: frames.collect() }
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
        if matches!(module, "include_tasks" | "include_role" | "meta")
            && status != "skipped"
            && status != "failed"
        {
            return None;
        }
        if result.get("censored").is_some() {
            return Some(Json::Null);
        }
        let mut result = self.value(result);
        if let Some(map) = result.as_object_mut() {
            // the status says it
            map.remove("failed");
            // the name of a temporary file with Ansible
            if matches!(module, "copy" | "template") {
                map.remove("src");
                let items = map.get_mut("results").and_then(Json::as_array_mut).into_iter().flatten();
                for item in items.filter_map(Json::as_object_mut) {
                    item.remove("src");
                }
            }
            if matches!(status, "failed" | "ignored")
                && let Some(message) = map.get_mut("msg")
                && let Some(text) = message.as_str()
            {
                *message = Json::String(self.message(text));
            }
            if matches!(module, "setup" | "gather_facts")
                && let Some(facts) = map.get_mut("ansible_facts").and_then(Json::as_object_mut)
            {
                facts.retain(|name, _| FACTS.contains(&name.as_str()));
                // in no order
                let names = facts.get_mut("ansible_interfaces").and_then(Json::as_array_mut);
                if let Some(names) = names {
                    names.sort_by_key(Json::to_string);
                }
            }
            // progress, split where its carriage returns are
            if matches!(module, "apt" | "package") {
                map.retain(|name, _| !matches!(name.as_str(), "stdout_lines" | "stderr_lines"));
            }
            if module.starts_with("docker_") {
                let docker = Docker::new();
                let known = std::mem::take(map);
                map.extend(known.into_iter().map(|(key, value)| (docker.text(&key), docker.value(value))));
            }
            // a task that is skipped says why in words of its own
            if status == "skipped" {
                map.retain(|name, _| {
                    matches!(name.as_str(), "results" | "skip_reason" | "skipped_reason" | "false_condition")
                });
            }
        }
        Some(result)
    }

    /// A failure's message without the frame that Ansible 2.19 puts around every one, and with one kind of quotes.
    fn message(&self, text: &str) -> String {
        let mut text = text.replace('`', "'");
        for frame in &self.frames {
            text = frame.replace(&text, "").into_owned();
        }
        text
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
            let quiet =
                matches!(key.as_str(), "failed" | "changed" | "skipped" | "unreachable") && value == false;
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
