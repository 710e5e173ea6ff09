//! The processes of a lab's hosts. They are known by a variable in their environment that names the host's
//! directory, not by stored numbers: nothing to go stale, no number that another process has taken over.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::error::{LabError, Result};
use super::mounts;

/// The variable; its value is a directory of the lab's (a host's, or a base that is being made).
pub(super) const MARK: &str = "FLEET_LAB_DIRECTORY";

/// The word in the supervisor's command line that tells it from other processes.
pub(super) const SUPERVISE: &str = "supervise";

/// What a marked process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// fleet itself, which boots the host again.
    Supervisor,
    /// The host's process 1: all others of the host end with it.
    Init,
    /// systemd-nspawn, or a builder's program.
    Other,
}

/// A marked process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub pid: Pid,
    pub role: Role,
}

/// The processes that carry the mark of this directory or of one below it.
pub(super) fn marked(directory: &Path) -> Vec<Found> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
        .filter_map(Pid::from_raw)
        .filter(|pid| pid.as_raw_nonzero().get() != std::process::id().cast_signed())
        .filter(|pid| has_mark(*pid, directory))
        .map(|pid| Found { pid, role: role(pid) })
        .collect()
}

/// Whether the host of this directory is up: its supervisor and its process 1 are there.
pub(super) fn is_up(directory: &Path) -> bool {
    let found = marked(directory);
    [Role::Supervisor, Role::Init].iter().all(|role| found.iter().any(|process| process.role == *role))
}

/// Ends all processes that carry the mark, and returns when they are gone.
pub(super) fn end(directory: &Path) -> Result<()> {
    let start = Instant::now();
    loop {
        let found = marked(directory);
        if found.is_empty() {
            return Ok(());
        }
        // With its process 1 a host ends; nspawn then tidies up after itself, and its supervisor ends with it. They
        // get a moment for that. The hosts are throw-aways: none is shut down in order.
        for process in &found {
            let now = match process.role {
                Role::Init => true,
                Role::Supervisor | Role::Other => start.elapsed() > Duration::from_secs(2),
            };
            if now {
                kill(process.pid, directory);
            }
        }
        if start.elapsed() > Duration::from_secs(15) {
            let pids: Vec<String> =
                found.iter().map(|process| process.pid.as_raw_nonzero().to_string()).collect();
            return Err(LabError::new(format!("cannot end the processes {}", pids.join(", "))));
        }
        sleep(Duration::from_millis(20));
    }
}

/// Kills a process, unless its number has become another's in the meantime.
fn kill(pid: Pid, directory: &Path) {
    if let Ok(handle) = pidfd_open(pid, PidfdFlags::empty())
        && has_mark(pid, directory)
    {
        // Gone already, or seen again by the caller's next look.
        let _ = pidfd_send_signal(handle, Signal::KILL);
    }
}

fn has_mark(pid: Pid, directory: &Path) -> bool {
    // Unreadable or empty: gone, a zombie, or a kernel thread.
    let environment = fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero())).unwrap_or_default();
    names_directory(&environment, mounts::bytes(directory))
}

/// Whether the environment (NUL-separated) marks the directory or one below it.
fn names_directory(environment: &[u8], directory: &[u8]) -> bool {
    environment.split(|byte| *byte == 0).any(|variable| {
        variable
            .strip_prefix(MARK.as_bytes())
            .and_then(|rest| rest.strip_prefix(b"="))
            .and_then(|value| value.strip_prefix(directory))
            .is_some_and(|rest| rest.first().is_none_or(|byte| *byte == b'/'))
    })
}

fn role(pid: Pid) -> Role {
    let pid = pid.as_raw_nonzero();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    if is_init(&status) {
        return Role::Init;
    }
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let supervises =
        arguments.split(|byte| *byte == 0).skip(1).take(2).any(|word| word == SUPERVISE.as_bytes());
    if supervises { Role::Supervisor } else { Role::Other }
}

/// Whether the process is number 1 of a namespace below ours (`NSpid:` lists its numbers, ours first).
fn is_init(status: &str) -> bool {
    let Some(line) = status.lines().find_map(|line| line.strip_prefix("NSpid:")) else { return false };
    let numbers: Vec<&str> = line.split_whitespace().collect();
    numbers.len() > 1 && numbers.last() == Some(&"1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn marks_name_a_directory_or_one_below() {
        let environment = b"A=1\0FLEET_LAB_DIRECTORY=/l/fleet/hosts/web1\0B=2\0";
        assert!(names_directory(environment, b"/l/fleet/hosts/web1"));
        assert!(names_directory(environment, b"/l/fleet"));
        assert!(!names_directory(environment, b"/l/fleet/hosts/web"));
        assert!(!names_directory(environment, b"/l/other"));
        assert!(!names_directory(b"", b"/l"));
    }

    #[test]
    fn process_1_of_a_namespace_is_known() {
        assert!(is_init("Name:\tsystemd\nNSpid:\t4711\t1\n"));
        assert!(!is_init("Name:\tsystemd\nNSpid:\t1\n"));
        assert!(!is_init("Name:\tbash\nNSpid:\t4712\t7\n"));
    }

    #[test]
    fn marked_processes_are_found_and_ended() {
        let directory = tempfile::tempdir().unwrap();
        let mut child =
            Command::new("sleep").arg("100").env(MARK, directory.path().join("web1")).spawn().unwrap();
        let found = marked(directory.path());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].role, Role::Other);
        let waiter = std::thread::spawn(move || child.wait().unwrap());
        end(directory.path()).unwrap();
        assert!(!waiter.join().unwrap().success());
    }
}
