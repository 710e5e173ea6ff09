//! Facts that are kept between runs: `fact_caching = jsonfile`, in Ansible's form, so that both read
//! what the other has kept: one JSON file per host.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::base::{Key, Map, Value};
use crate::config::Config;

/// Where facts are kept, and how long they count.
#[derive(Clone, Debug)]
pub(super) struct FactCache {
    directory: PathBuf,
    prefix: String,
    /// `None`: for ever.
    lifetime: Option<Duration>,
}

impl FactCache {
    /// As the configuration says; `None` where facts are kept in memory only.
    ///
    /// # Errors
    /// A cache that fleet does not have, or one without a place.
    pub(super) fn of(config: &Config) -> Result<Option<Self>, String> {
        let name = config.fact_caching.as_str();
        match name.strip_prefix("ansible.builtin.").unwrap_or(name) {
            "memory" => Ok(None),
            "jsonfile" => {
                let Some(directory) = config.fact_caching_connection.clone().value else {
                    return Err(
                        "`fact_caching = jsonfile` needs `fact_caching_connection`, a directory".to_owned()
                    );
                };
                let seconds = *config.fact_caching_timeout;
                Ok(Some(Self {
                    directory,
                    prefix: config.fact_caching_prefix.given().cloned().unwrap_or_default(),
                    lifetime: (seconds > 0).then(|| Duration::from_secs(seconds)),
                }))
            }
            other => Err(format!("the fact cache `{other}` is not supported: `memory` and `jsonfile` are")),
        }
    }

    fn path(&self, host: &str) -> PathBuf {
        // Ansible 2.19's version of the form is a part of the name
        self.directory.join(format!("{}s1_{host}", self.prefix))
    }

    /// The facts of a host, under the names that Ansible keeps them by (`ansible_…`); none where there are none, or
    /// where they are too old.
    pub(super) fn read(&self, host: &str) -> Option<Map> {
        let path = self.path(host);
        let changed = std::fs::metadata(&path).ok()?.modified().ok()?;
        let age = SystemTime::now().duration_since(changed).unwrap_or_default();
        if self.lifetime.is_some_and(|lifetime| age > lifetime) {
            return None;
        }
        let json: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
        let inner: serde_json::Value = match json.get("__payload__").and_then(serde_json::Value::as_str) {
            Some(text) => serde_json::from_str(text).ok()?,
            None => json,
        };
        Value::from_json(&inner).as_map().cloned()
    }

    /// Keeps the facts of a host.
    ///
    /// # Errors
    /// Why they could not be written.
    pub(super) fn write(&self, host: &str, facts: &Map) -> std::io::Result<()> {
        std::fs::create_dir_all(&self.directory)?;
        let sorted: std::collections::BTreeMap<String, serde_json::Value> =
            facts.iter().map(|(key, value)| (key.to_string(), value.to_json())).collect();
        let text = serde_json::json!({"__payload__": serde_json::to_string(&sorted)?}).to_string();
        let path = self.path(host);
        let new = self.directory.join(format!(".{}{host}.{}", self.prefix, std::process::id()));
        std::fs::write(&new, text)?;
        std::fs::rename(&new, &path)
    }

    /// Forgets the facts of a host.
    pub(super) fn forget(&self, host: &str) {
        // there may be none
        let _ = std::fs::remove_file(self.path(host));
    }
}

/// All facts of a host as they are kept: with their prefix.
pub(super) fn kept(facts: &crate::vars::Layer) -> Map {
    let own = facts.vars.iter().filter(|(name, _)| &***name != "ansible_facts");
    own.map(|(name, variable)| (Key::Str(name.clone()), variable.value.clone())).collect()
}
