//! Takes a lab away, whole or in pieces.

use super::base;
use super::control_groups;
use super::error::{LabError, Result};
use super::lock::Lock;
use super::mounts;
use super::names;
use super::network;
use super::permission::can_run;
use super::processes;
use super::settings;
use super::state::{Labs, State};
use super::supervisor;

/// What was taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Down {
    /// Whether there was a lab of this name.
    pub found: bool,
    /// The hosts that were written down, whether they ran or not.
    pub hosts: Vec<String>,
}

/// Ends all hosts of the lab and puts back what `up` changed on this machine: processes, mounts, control groups,
/// bridge, table, directory, and with the last lab the kernel's settings. It goes by names and by what is there, so
/// it works after any crash. The base stays in the cache.
///
/// # Errors
/// If something cannot be taken away; what else can be is taken away all the same.
pub fn down(name: &str) -> Result<Down> {
    names::check_lab(name)?;
    can_run().map_err(|reason| LabError::new(format!("a lab cannot be taken away: {reason}")))?;
    let labs = Labs::of_this_machine();
    let lock = Lock::take(&labs.lab_lock(name), &mut || {})?;
    let directory = labs.lab(name);
    let found = directory.path().exists();
    // A record that cannot be read names no hosts, and is taken away like any other.
    let state = State::read(&directory).ok().flatten();
    let hosts =
        state.map(|state| state.hosts.into_iter().map(|host| host.name).collect()).unwrap_or_default();
    let mut errors = sweep(&labs, name, found);
    errors.extend(put_settings_back(&labs).err());
    errors.extend(base::discard_unfinished().err());
    lock.remove();
    labs.remove_if_empty();
    LabError::all(errors).map_or(Ok(Down { found, hosts }), Err)
}

/// Takes away what a lab of this name left, of which nothing is written down. To be called under the lab's lock.
pub(super) fn sweep_unknown(labs: &Labs, name: &str) -> Result<()> {
    let found = labs.lab(name).path().exists();
    LabError::all(sweep(labs, name, found)).map_or(Ok(()), Err)
}

/// Takes the lab's pieces away. A bridge of its name is the lab's only if the lab's directory was `found`.
fn sweep(labs: &Labs, name: &str, found: bool) -> Vec<LabError> {
    let directory = labs.lab(name);
    let ended = processes::end(directory.path());
    let mut errors = Vec::new();
    for host in State::read(&directory).ok().flatten().iter().flat_map(|state| &state.hosts) {
        supervisor::remove_nspawn_leftovers(&directory, host);
    }
    if found {
        errors.extend(network::take_down(name).err());
    }
    errors.extend(control_groups::remove_all(name).err());
    match ended {
        // The directory goes last: as long as it is there, the lab is known.
        Ok(()) if errors.is_empty() => errors.extend(mounts::remove_tree(directory.path()).err()),
        Ok(()) => errors.extend(mounts::unmount_below(directory.path()).err()),
        // Not under the feet of processes that could not be ended.
        Err(error) => errors.push(error),
    }
    errors
}

/// The kernel's settings, once no lab needs them.
fn put_settings_back(labs: &Labs) -> Result<()> {
    let lock = Lock::take(&labs.machine_lock(), &mut || {})?;
    if !labs.names().is_empty() {
        return Ok(());
    }
    settings::put_back(&labs.settings())?;
    lock.remove();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_stay_while_a_lab_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let labs = Labs::at(directory.path());
        std::fs::create_dir(directory.path().join("other")).unwrap();
        std::fs::write(labs.settings(), r#"{"boot":"earlier","values":{}}"#).unwrap();
        put_settings_back(&labs).unwrap();
        assert!(labs.settings().exists());
        std::fs::remove_dir(directory.path().join("other")).unwrap();
        put_settings_back(&labs).unwrap();
        assert!(!labs.settings().exists());
        assert!(!labs.machine_lock().exists());
    }

    #[test]
    fn a_bad_name_takes_nothing_away() {
        assert!(down("../..").is_err());
    }
}
