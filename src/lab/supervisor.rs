//! A host's supervisor: a process of its own that boots the host, and boots it again when it reboots.
//!
//! It ends when the host is powered off, or by SIGKILL; it handles no signals, and its host dies with it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Stdio;

use super::command::{command, run};
use super::control_groups::HostGroups;
use super::error::{LabError, Result};
use super::names;
use super::processes::MARK;
use super::state::{HostState, LabDirectory, Labs, State};

/// nspawn's exit code when the host asks for a reboot and `--keep-unit` leaves it to others (systemd-nspawn(1)).
const REBOOT: i32 = 133;

/// Where nspawn keeps what it needs while a host runs, and leaves it when it is killed.
const NSPAWN_STATE: &str = "/run/systemd/nspawn";

/// Runs a host until it is powered off. The process that calls this is the host's supervisor, started by
/// [`up`](super::up) as `fleet lab supervise LAB HOST`, and does nothing else.
///
/// # Errors
/// If the lab or host is not known, or the host cannot be booted; they belong in the host's log.
pub fn supervise(lab: &str, host: &str) -> Result<()> {
    names::check_lab(lab)?;
    let directory = Labs::of_this_machine().lab(lab);
    let state = State::read(&directory)?.ok_or_else(|| LabError::new(format!("there is no lab `{lab}`")))?;
    let host = state
        .hosts
        .iter()
        .find(|known| known.name == host)
        .ok_or_else(|| LabError::new(format!("the lab `{lab}` has no host `{host}`")))?;
    // Away from the terminal of whoever ran `up`. Fails only for a process group's leader, which is away already.
    let _ = rustix::process::setsid();
    let groups = HostGroups::make(lab, &host.name)?;
    loop {
        groups.enter()?;
        groups.clear();
        remove_nspawn_leftovers(&directory, host);
        note(&directory, host, "booting");
        let mut nspawn = nspawn(&state, &directory, host)?;
        let mut child = nspawn.spawn().map_err(LabError::because("cannot start `systemd-nspawn`"))?;
        groups.leave()?;
        let status = child.wait().map_err(LabError::because("cannot wait for `systemd-nspawn`"))?;
        match status.code() {
            Some(REBOOT) => note(&directory, host, "it reboots"),
            Some(0) => {
                note(&directory, host, "powered off");
                return Ok(());
            }
            _ => return Err(LabError::new(format!("systemd-nspawn failed ({status})")).on_host(&host.name)),
        }
    }
}

/// The command that boots a host. `setpriv` lets it die with the supervisor.
fn nspawn(state: &State, directory: &LabDirectory, host: &HostState) -> Result<std::process::Command> {
    let host_directory = directory.host(&host.name);
    let option = |name: &str, value: &Path| format!("--{name}={}", value.display());
    let mut nspawn = command("setpriv", ["--pdeathsig", "KILL", "systemd-nspawn", "--quiet", "--boot"])?;
    nspawn
        .arg(option("directory", &host_directory.root()))
        .arg(format!("--machine={}", names::machine(host.address)))
        .arg(format!("--hostname={}", names::host_label(&host.name)))
        .arg(format!("--network-bridge={}", names::bridge(&state.name)))
        // There may be no systemd outside to register with, or to make a unit.
        .args(["--register=no", "--keep-unit"])
        // The host's own files count, not this machine's.
        .args(["--resolv-conf=off", "--timezone=off", "--link-journal=no", "--console=read-only"])
        // For firewalls and containers inside.
        .arg("--capability=CAP_NET_ADMIN,CAP_AUDIT_CONTROL")
        .arg("--system-call-filter=bpf keyctl add_key")
        .arg(format!("--setenv={MARK}={}", host_directory.path().display()))
        // Without it a container engine inside finds no control groups it can use, where this machine has version 1.
        .env("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1")
        .stdin(Stdio::null());
    Ok(nspawn)
}

/// Removes what a killed nspawn left: the interface on the bridge (the kernel takes its time with it) and folders by
/// the host's address, the lock by the disk's number (as long as the disk is mounted).
pub(super) fn remove_nspawn_leftovers(directory: &LabDirectory, host: &HostState) {
    let machine = names::machine(host.address);
    for folder in ["propagate", "unix-export"] {
        // Nothing there, in the usual case.
        let _ = fs::remove_dir_all(Path::new(NSPAWN_STATE).join(folder).join(&machine));
    }
    let interface = names::interface(host.address);
    if Path::new("/sys/class/net").join(&interface).exists() {
        // It may go by itself in between; if it stays, nspawn says so.
        let _ = command("ip", ["link", "delete", &interface]).and_then(run);
    }
    if let Ok(root) = fs::metadata(directory.host(&host.name).root()) {
        let lock = format!("inode-{}:{}", root.dev(), root.ino());
        let _ = fs::remove_file(Path::new(NSPAWN_STATE).join("locks").join(lock));
    }
}

/// A line of the supervisor's own in the host's log.
fn note(directory: &LabDirectory, host: &HostState, what: &str) {
    let log = directory.host(&host.name).log();
    // A full disk must not end the host.
    let _ = fs::File::options()
        .create(true)
        .append(true)
        .open(log)
        .and_then(|mut log| writeln!(log, "supervisor: {}: {what}", host.name));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::Release;
    use std::net::Ipv4Addr;

    #[test]
    fn the_command_names_all_that_is_the_hosts() {
        let mut state = State::new("a-lab", Release::Bookworm, "/base".into(), Ipv4Addr::new(10, 99, 0, 0));
        state
            .hosts
            .push(HostState { name: "web1.example.com".into(), address: Ipv4Addr::new(10, 99, 0, 10) });
        let directory = Labs::at(Path::new("/labs")).lab("a-lab");
        let Ok(command) = nspawn(&state, &directory, &state.hosts[0]) else { return };
        let line: Vec<_> = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        for word in [
            "--directory=/labs/a-lab/hosts/web1.example.com/root",
            "--machine=lab0a63000a",
            "--hostname=web1",
            "--network-bridge=lab-a-lab",
            "--setenv=FLEET_LAB_DIRECTORY=/labs/a-lab/hosts/web1.example.com",
            "--keep-unit",
        ] {
            assert!(line.iter().any(|argument| argument == word), "{word}");
        }
    }

    #[test]
    fn an_unknown_lab_is_an_error() {
        assert!(
            supervise("no-such-lab-here", "x").unwrap_err().to_string().contains("no lab `no-such-lab-here`")
        );
        assert!(supervise("../x", "x").is_err());
    }
}
