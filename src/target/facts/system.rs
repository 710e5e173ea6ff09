//! The machine as the collectors read it: files below a root directory, and programs.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The machine that is looked at. In tests, a directory that looks like one.
pub(super) struct System {
    root: PathBuf,
    /// How long one slow thing may take.
    pub(super) timeout: Duration,
}

/// What a program answered.
pub(super) struct Answer {
    /// Its exit status; minus the signal's number if a signal ended it.
    pub(super) status: i32,
    /// Its output.
    pub(super) stdout: Vec<u8>,
    /// Its errors.
    pub(super) stderr: Vec<u8>,
}

impl System {
    /// This machine.
    pub(super) fn host(timeout: Duration) -> Self {
        Self { root: PathBuf::from("/"), timeout }
    }

    /// A directory that looks like a machine.
    #[cfg(test)]
    pub(super) fn below(root: &Path) -> Self {
        Self { root: root.to_owned(), timeout: Duration::from_secs(10) }
    }

    /// Where an absolute path is.
    pub(super) fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// The bytes of a file; never waits for a pipe or a device.
    pub(super) fn bytes(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        let mut file =
            fs::OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(self.path(path)).ok()?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// The text of a file without the white space around it; nothing if it is empty or cannot be read.
    pub(super) fn text(&self, path: impl AsRef<Path>) -> Option<String> {
        let bytes = self.bytes(path)?;
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// The lines of [`System::text`].
    pub(super) fn lines(&self, path: impl AsRef<Path>) -> Vec<String> {
        self.text(path).map(|text| text.lines().map(str::to_owned).collect()).unwrap_or_default()
    }

    /// The integer that a file holds.
    pub(super) fn integer(&self, path: impl AsRef<Path>) -> Option<i64> {
        self.text(path)?.parse().ok()
    }

    /// Whether there is something, through links.
    pub(super) fn exists(&self, path: impl AsRef<Path>) -> bool {
        self.path(path).exists()
    }

    /// Whether it is a directory, through links.
    pub(super) fn is_dir(&self, path: impl AsRef<Path>) -> bool {
        self.path(path).is_dir()
    }

    /// What a symbolic link says.
    pub(super) fn link(&self, path: impl AsRef<Path>) -> Option<String> {
        Some(fs::read_link(self.path(path)).ok()?.to_string_lossy().into_owned())
    }

    /// The last part of what a symbolic link says.
    pub(super) fn link_name(&self, path: impl AsRef<Path>) -> Option<String> {
        let target = self.link(path)?;
        Some(target.rsplit('/').next().unwrap_or(&target).to_owned())
    }

    /// The names in a directory, sorted; none if it cannot be read.
    pub(super) fn names(&self, directory: impl AsRef<Path>) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path(directory)) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    /// Where a program is: in `PATH` or in an sbin directory, as Ansible's `get_bin_path`.
    pub(super) fn program(&self, name: &str) -> Option<PathBuf> {
        self.programs(name).into_iter().next()
    }

    /// All the places of [`System::program`], in order.
    pub(super) fn programs(&self, name: &str) -> Vec<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let sbin = ["/sbin", "/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
        std::env::split_paths(&path)
            .filter(|directory| !directory.as_os_str().is_empty())
            .chain(sbin)
            .map(|directory| directory.join(name))
            .filter(|program| {
                fs::metadata(self.path(program))
                    .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
            })
            .collect()
    }

    /// Runs a program in the C locale; nothing if it cannot be started or takes too long.
    pub(super) fn run(&self, program: &Path, arguments: &[&str]) -> Option<Answer> {
        let child = spawn(Command::new(program).args(arguments).env("LANG", "C").env("LC_ALL", "C")).ok()?;
        wait(child, Some(self.timeout))
    }
}

/// Starts a program with its output taken up, in a process group of its own.
pub(super) fn spawn(command: &mut Command) -> std::io::Result<Child> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn()
}

/// Waits for a program's output and end; after the time-out its process group is killed and there is no answer.
pub(super) fn wait(mut child: Child, timeout: Option<Duration>) -> Option<Answer> {
    let (mut out, mut err) = (child.stdout.take()?, child.stderr.take()?);
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let errors = thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = err.read_to_end(&mut bytes);
            bytes
        });
        let mut bytes = Vec::new();
        let _ = out.read_to_end(&mut bytes);
        let _ = sender.send((bytes, errors.join().unwrap_or_default()));
    });
    let answer = match timeout {
        Some(timeout) => receiver.recv_timeout(timeout).ok(),
        None => receiver.recv().ok(),
    };
    if answer.is_none() {
        let group = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(group) = group {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
    let status = child.wait().ok()?;
    let (stdout, stderr) = answer?;
    let status = status.code().unwrap_or_else(|| -status.signal().unwrap_or(1));
    Some(Answer { status, stdout, stderr })
}

/// The texts of command lines' output: lossy where it is not UTF-8.
impl Answer {
    /// The output as text.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn texts_are_trimmed_and_empty_ones_are_none() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("a"), " x\ny \n").unwrap();
        fs::write(directory.path().join("b"), "\n").unwrap();
        let system = System::below(directory.path());
        assert_eq!(system.text("/a").as_deref(), Some("x\ny"));
        assert_eq!(system.text("/b"), None);
        assert_eq!(system.lines("/a"), ["x", "y"]);
        assert_eq!(system.names("/"), ["a", "b"]);
        assert_eq!(system.bytes("/missing"), None);
    }

    #[test]
    fn a_program_that_hangs_is_killed() {
        let started = Instant::now();
        let child = spawn(Command::new("/bin/sh").args(["-c", "sleep 30 & sleep 30"])).unwrap();
        assert!(wait(child, Some(Duration::from_millis(100))).is_none());
        assert!(started.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn status_is_pythons() {
        let answer =
            |script: &str| wait(spawn(Command::new("/bin/sh").args(["-c", script])).unwrap(), None).unwrap();
        let failed = answer("echo out; echo err >&2; exit 3");
        assert_eq!(
            (failed.status, failed.text().as_str(), failed.stderr.as_slice()),
            (3, "out\n", &b"err\n"[..])
        );
        assert_eq!(answer("kill -9 $$").status, -9);
    }
}
