//! Control groups: each host has one of its own, in every hierarchy that systemd uses. nspawn's `--keep-unit` makes
//! its groups below the one that it was started in: two hosts in the same one would share their services' groups.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::error::{LabError, Result};
use super::mounts::{self, Mount};
use super::names;

/// A host's groups.
pub(super) struct HostGroups {
    /// The host's directory in each hierarchy.
    directories: Vec<PathBuf>,
}

impl HostGroups {
    /// Makes the host's groups where they are missing.
    pub(super) fn make(lab: &str, host: &str) -> Result<Self> {
        let hierarchies = hierarchies()?;
        if hierarchies.is_empty() {
            return Err(LabError::new("no control groups are mounted on this machine")
                .with_hint("systemd needs them: mount -t cgroup2 cgroup2 /sys/fs/cgroup"));
        }
        let mut directories = Vec::new();
        for hierarchy in hierarchies {
            let group = hierarchy.join(names::control_group(lab));
            let directory = group.join(host);
            make(&group)?;
            pass_controllers(&group);
            make(&directory)?;
            directories.push(directory);
        }
        Ok(Self { directories })
    }

    /// Moves this process into the host's groups, for a program that it is about to start.
    pub(super) fn enter(&self) -> Result<()> {
        self.directories.iter().try_for_each(|directory| attach(directory))
    }

    /// Moves this process beside them: with processes of its own a group cannot pass controllers on.
    pub(super) fn leave(&self) -> Result<()> {
        for directory in &self.directories {
            let mut name = directory.file_name().unwrap_or_default().to_os_string();
            name.push("+supervisor");
            let beside = directory.with_file_name(name);
            make(&beside)?;
            attach(&beside)?;
        }
        Ok(())
    }

    /// Removes what an earlier boot of the host left inside.
    pub(super) fn clear(&self) {
        // What is busy stays, and is used again.
        self.directories.iter().flat_map(|directory| below(directory)).for_each(|group| {
            let _ = remove(&group);
        });
    }
}

/// Removes all groups of a lab. Its processes have ended; the kernel may take a moment to see it.
pub(super) fn remove_all(lab: &str) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(5);
    for hierarchy in hierarchies()? {
        let group = hierarchy.join(names::control_group(lab));
        while let Err(error) = remove(&group) {
            if Instant::now() > deadline {
                return Err(LabError::because(format!("cannot remove `{}`", group.display()))(error));
            }
            sleep(Duration::from_millis(20));
        }
    }
    Ok(())
}

/// The hierarchies that systemd may use: the unified one, and its named one where controllers are on version 1.
fn hierarchies() -> Result<Vec<PathBuf>> {
    let mut points: Vec<PathBuf> =
        mounts::all()?.into_iter().filter(is_systemds).map(|mount| mount.point).collect();
    points.dedup();
    Ok(points)
}

fn is_systemds(mount: &Mount) -> bool {
    let below = mount.point.starts_with("/sys/fs/cgroup");
    let named = mount.options.split(',').any(|option| option == "name=systemd");
    below && (mount.kind == "cgroup2" || mount.kind == "cgroup" && named)
}

fn make(group: &Path) -> Result<()> {
    match fs::create_dir(group) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(LabError::because(format!("cannot make the control group `{}`", group.display()))(error))
        }
        _ => Ok(()),
    }
}

fn attach(group: &Path) -> Result<()> {
    fs::write(group.join("cgroup.procs"), std::process::id().to_string())
        .map_err(LabError::because(format!("cannot enter the control group `{}`", group.display())))
}

/// Lets the hosts' groups have the controllers that the lab's group has, as far as the kernel allows it. (Which ones
/// the root passes on is the outer system's choice.)
fn pass_controllers(group: &Path) {
    let controllers = fs::read_to_string(group.join("cgroup.controllers")).unwrap_or_default();
    for controller in controllers.split_whitespace() {
        let _ = fs::write(group.join("cgroup.subtree_control"), format!("+{controller}"));
    }
}

/// All groups below this one, innermost first.
fn below(group: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(below(&entry.path()));
            found.push(entry.path());
        }
    }
    found
}

/// Removes a group and all below it.
fn remove(group: &Path) -> io::Result<()> {
    for group in below(group).into_iter().chain([group.to_path_buf()]) {
        match fs::remove_dir(&group) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(point: &str, kind: &str, options: &str) -> Mount {
        Mount { point: point.into(), kind: kind.into(), options: options.into() }
    }

    #[test]
    fn systemds_hierarchies_are_known() {
        assert!(is_systemds(&mount("/sys/fs/cgroup", "cgroup2", "rw,nsdelegate")));
        assert!(is_systemds(&mount("/sys/fs/cgroup/unified", "cgroup2", "rw")));
        assert!(is_systemds(&mount("/sys/fs/cgroup/systemd", "cgroup", "rw,xattr,name=systemd")));
        assert!(!is_systemds(&mount("/sys/fs/cgroup/memory", "cgroup", "rw,memory")));
        assert!(!is_systemds(&mount("/mnt/cgroup", "cgroup2", "rw")));
    }

    #[test]
    fn groups_are_removed_innermost_first() {
        let directory = tempfile::tempdir().unwrap();
        let group = directory.path().join("a");
        fs::create_dir_all(group.join("b/c")).unwrap();
        assert_eq!(below(&group), [group.join("b/c"), group.join("b")]);
        remove(&group).unwrap();
        assert!(!group.exists());
        remove(&group).unwrap();
    }
}
