//! The settings of this machine's kernel that labs need, and their former values, which the last lab puts back.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::{LabError, Result};
use super::state;

/// Settings below `/proc/sys` and the value that each has to have at least.
const NEEDED: [(&str, u64); 2] = [
    // Hosts reach the outside through this machine.
    ("net/ipv4/ip_forward", 1),
    // Each host's systemd takes about a dozen of root's 128.
    ("fs/inotify/max_user_instances", 4096),
];

/// The former values, as written down beside the labs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Former {
    /// After a reboot of this machine nothing is left to put back.
    boot: String,
    values: BTreeMap<String, u64>,
}

/// Raises what is too low and writes down what it was. To be called under the machine's lock.
pub(super) fn raise(record: &Path) -> Result<()> {
    let boot = boot()?;
    let mut former = read(record)?
        .filter(|former| former.boot == boot)
        .unwrap_or(Former { boot, values: BTreeMap::new() });
    for (name, needed) in NEEDED {
        let value = get(name)?;
        if value < needed {
            former.values.entry(name.to_string()).or_insert(value);
            // First the record, then the change: a crash in between puts back what was there anyway.
            let text =
                serde_json::to_vec(&former).map_err(LabError::because("cannot encode the settings"))?;
            state::replace(record, &text)?;
            set(name, needed)?;
        }
    }
    Ok(())
}

/// Puts the former values back and removes the record. To be called under the machine's lock, by the last lab.
pub(super) fn put_back(record: &Path) -> Result<()> {
    let Some(Former { boot: then, values }) = read(record)? else { return Ok(()) };
    if then == boot()? {
        for (name, value) in &values {
            // Someone else's later change stays.
            let ours =
                NEEDED.iter().any(|(needed, ours)| needed == name && get(name).is_ok_and(|now| now == *ours));
            if ours {
                set(name, *value)?;
            }
        }
    }
    fs::remove_file(record).map_err(LabError::because(format!("cannot remove `{}`", record.display())))
}

fn read(record: &Path) -> Result<Option<Former>> {
    match fs::read(record) {
        Ok(text) => serde_json::from_slice(&text)
            .map(Some)
            .map_err(LabError::because(format!("cannot understand `{}`", record.display()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(LabError::because(format!("cannot read `{}`", record.display()))(error)),
    }
}

fn boot() -> Result<String> {
    let path = "/proc/sys/kernel/random/boot_id";
    let text = fs::read_to_string(path).map_err(LabError::because(format!("cannot read `{path}`")))?;
    Ok(text.trim().to_string())
}

fn path(name: &str) -> PathBuf {
    Path::new("/proc/sys").join(name)
}

fn get(name: &str) -> Result<u64> {
    let text = fs::read_to_string(path(name))
        .map_err(LabError::because(format!("cannot read the setting `{name}`")))?;
    text.trim().parse().map_err(LabError::because(format!("the setting `{name}` is no number")))
}

/// Sets one setting below `/proc/sys`.
pub(super) fn set(name: &str, value: u64) -> Result<()> {
    fs::write(path(name), format!("{value}\n"))
        .map_err(LabError::because(format!("cannot change the setting `{name}` of this machine's kernel")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_record_nothing_is_put_back() {
        let directory = tempfile::tempdir().unwrap();
        assert!(put_back(&directory.path().join("none")).is_ok());
    }

    #[test]
    fn a_record_of_an_earlier_boot_is_only_removed() {
        let directory = tempfile::tempdir().unwrap();
        let record = directory.path().join("settings");
        // Were it put back, setting this name would fail.
        fs::write(&record, r#"{"boot":"earlier","values":{"no/such/setting":5}}"#).unwrap();
        put_back(&record).unwrap();
        assert!(!record.exists());
    }

    #[test]
    fn a_broken_record_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let record = directory.path().join("settings");
        fs::write(&record, "{").unwrap();
        assert!(put_back(&record).unwrap_err().to_string().contains("cannot understand"));
    }
}
