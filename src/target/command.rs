//! Runs a command in its own process group and collects what it writes.
//!
//! A command is over when its process has exited and its pipes are closed, or quiet while something that it left
//! behind (a daemon) still holds them.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant, SystemTime};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions};

use super::cause;
use crate::wire::{Command, CommandOutput, Program};

/// How long pipes must be quiet after the exit when something else still holds them.
const QUIET: Duration = Duration::from_millis(250);
/// How long is listened after the exit to something that holds the pipes and goes on writing.
const LISTEN_AT_MOST: Duration = Duration::from_secs(5);
/// How long a process group has between `SIGTERM` and `SIGKILL`.
const GRACE: Duration = Duration::from_secs(2);
/// How long a killed process may take to be gone before it is given up (uninterruptible sleep).
const GIVE_UP: Duration = Duration::from_secs(5);
/// How often is looked where the kernel has no process descriptors.
const LOOK: Duration = Duration::from_millis(10);
/// The most bytes of output that are kept, so that the answer fits into a frame.
const MOST_OUTPUT: usize = 56 << 20;
/// Where programs are looked for after `PATH`: sessions of ordinary users lack these.
const SYSTEM_DIRECTORIES: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// How long a command may go on once nobody listens any more: what is under way (a package installation) shall come to
/// its end, but nothing may run for ever.
const AFTER_LOSS: Duration = Duration::from_mins(10);
/// How often is looked whether somebody still listens.
const LISTEN: Duration = Duration::from_secs(5);

/// What bounds a command besides its own time-out.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// When its process group is killed.
    pub deadline: Option<Instant>,
    /// Whether the controller is gone; it may then go on for ten minutes.
    pub is_lost: fn() -> bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { deadline: None, is_lost: || false }
    }
}

impl Limits {
    /// Whether the deadline has passed.
    pub fn is_over(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// Why a command did not run to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotRun {
    /// errno where the system gave one.
    pub errno: Option<i32>,
    /// The cause, without the command.
    pub message: String,
}

impl NotRun {
    /// The cause of an error of the system.
    pub(super) fn of(error: &io::Error) -> Self {
        Self { errno: error.raw_os_error(), message: cause::words(error) }
    }

    fn because(message: impl Into<String>) -> Self {
        Self { errno: None, message: message.into() }
    }
}

/// Runs a command of fleet's own that only reads, in the C locale. `timeout` is in seconds.
///
/// # Errors
/// As [`run`].
pub fn quiet(argv: &[&str], timeout: u32) -> Result<CommandOutput, NotRun> {
    let mut command = Command::argv(argv.iter().copied()).env("LC_ALL", "C").env("SYSTEMD_COLORS", "0");
    command.timeout = Some(timeout);
    run(&command, None)
}

/// The name by which a command is called in messages: its program, without arguments.
pub fn called(command: &Command) -> &str {
    match &command.program {
        Program::Argv(argv) => argv.first().map_or("", String::as_str),
        Program::Shell { executable, .. } => executable,
    }
}

/// Runs a command in `directory` (the command's own, expanded) and waits for it.
///
/// # Errors
/// It cannot be started (`ENOENT` where there is no such program), or writes more than fits into an answer.
pub fn run(command: &Command, directory: Option<&Path>) -> Result<CommandOutput, NotRun> {
    run_within(command, directory, Limits::default())
}

/// The same within limits.
///
/// # Errors
/// As [`run`].
pub fn run_within(
    command: &Command,
    directory: Option<&Path>,
    limits: Limits,
) -> Result<CommandOutput, NotRun> {
    let Command { program, directory: _, environment, stdin, timeout, umask, must_succeed: _, files: _ } =
        command;
    if let Some(directory) = directory {
        let found = std::fs::metadata(directory)
            .and_then(|found| if found.is_dir() { Ok(()) } else { Err(cause::errno(libc::ENOTDIR)) });
        found.map_err(|error| NotRun {
            errno: error.raw_os_error(),
            message: format!("cannot change to `{}`: {}", directory.display(), cause::words(&error)),
        })?;
    }
    let (name, arguments): (&str, Vec<&str>) = match program {
        Program::Argv(argv) => match argv.split_first() {
            Some((name, rest)) => (name, rest.iter().map(String::as_str).collect()),
            None => return Err(NotRun::because("no command given")),
        },
        Program::Shell { text, executable } => (executable, vec!["-c", text]),
    };
    let spawn = |program: &str| {
        let mut process = std::process::Command::new(program);
        process.arg0(name).args(&arguments).process_group(0);
        process.envs(environment.iter().map(|(name, value)| (name.as_str(), value.open())));
        if let Some(directory) = directory {
            process.current_dir(directory);
        }
        process.stdout(Stdio::piped()).stderr(Stdio::piped());
        process.stdin(if stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        if let Some(mask) = umask {
            set_umask(&mut process, *mask);
        }
        process.spawn()
    };
    if let Some((name, _)) = environment
        .iter()
        .find(|(name, value)| name.is_empty() || name.contains(['=', '\0']) || value.open().contains('\0'))
    {
        return Err(NotRun::because(format!("`{name}` cannot be set in an environment")));
    }
    let started = SystemTime::now();
    let child = match patiently(|| spawn(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && !name.contains('/') && !name.is_empty() => {
            let elsewhere = SYSTEM_DIRECTORIES
                .into_iter()
                .map(|directory| format!("{directory}/{name}"))
                .find(|path| Path::new(path).is_file());
            elsewhere.map_or(Err(error), |path| patiently(|| spawn(&path)))
        }
        other => other,
    };
    let child = child.map_err(|error| NotRun::of(&error))?;
    let deadline = timeout.map(|seconds| Instant::now() + Duration::from_secs(seconds.into()));
    let stdin = stdin.as_ref().map(|text| text.open().as_bytes()).unwrap_or_default();
    let limits = Limits { deadline: deadline.into_iter().chain(limits.deadline).min(), ..limits };
    let collected = Running::new(child, stdin, limits).and_then(Running::collect);
    let Collected { status, stdout, stderr, timed_out, dropped } =
        collected.map_err(|error| NotRun::of(&error))?;
    if dropped > 0 {
        return Err(NotRun::because(format!(
            "it wrote more than the {} MiB of output that are kept",
            MOST_OUTPUT >> 20
        )));
    }
    Ok(CommandOutput {
        status,
        stdout,
        stderr,
        started: micros(started),
        ended: micros(SystemTime::now()),
        utc_offset: utc_offset(),
        timed_out,
    })
}

/// Starts a program, again where its file is said to be busy: another thread's child may have inherited the descriptor
/// through which it was written just before, and loses it at its own start.
fn patiently(spawn: impl Fn() -> io::Result<Child>) -> io::Result<Child> {
    for _ in 0..20 {
        match spawn() {
            Err(error) if error.raw_os_error() == Some(libc::ETXTBSY) => std::thread::sleep(LOOK),
            other => return other,
        }
    }
    spawn()
}

#[expect(unsafe_code, reason = "the mask of the child alone can only be set between fork and exec")]
fn set_umask(process: &mut std::process::Command, mask: u32) {
    // SAFETY: between fork and exec only async-signal-safe functions may be called, and no memory may be
    // allocated: umask(2) is a plain system call on a number.
    unsafe {
        process.pre_exec(move || {
            libc::umask(mask & 0o777);
            Ok(())
        });
    }
}

/// Microseconds since the epoch.
pub(super) fn micros(time: SystemTime) -> i64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64)
}

/// The offset from UTC in seconds.
pub(super) fn utc_offset() -> i32 {
    jiff::tz::TimeZone::system().to_offset(jiff::Timestamp::now()).seconds()
}

/// What a process that ended has left.
struct Collected {
    status: i32,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    timed_out: bool,
    /// Bytes of output beyond the limit.
    dropped: usize,
}

/// A stream that the process writes, until it is closed.
struct Stream<R> {
    pipe: Option<R>,
    bytes: Vec<u8>,
}

impl<R: Read + AsFd> Stream<R> {
    /// Reads what is there; returns how many bytes.
    fn drain(&mut self, room: usize, dropped: &mut usize) -> io::Result<usize> {
        let mut total = 0;
        let mut buffer = [0; 16 << 10];
        while let Some(pipe) = &mut self.pipe {
            match pipe.read(&mut buffer) {
                Ok(0) => self.pipe = None,
                Ok(count) => {
                    let kept = count.min(room.saturating_sub(self.bytes.len()));
                    self.bytes.extend(buffer.iter().take(kept));
                    *dropped += count - kept;
                    total += count;
                    // whoever writes without end must not keep the clock from being looked at
                    if total >= 1 << 20 {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(total)
    }
}

/// Where the killing of a process group that ran out of time stands.
#[derive(Clone, Copy, PartialEq)]
enum Kill {
    Not,
    Asked(Instant),
    Forced(Instant),
}

struct Running<'a> {
    child: Child,
    pid: Pid,
    descriptor: Option<OwnedFd>,
    stdin: Option<std::process::ChildStdin>,
    input: &'a [u8],
    stdout: Stream<std::process::ChildStdout>,
    stderr: Stream<std::process::ChildStderr>,
    limits: Limits,
    /// Whether nobody listens any more.
    lost: bool,
    kill: Kill,
    dropped: usize,
}

impl<'a> Running<'a> {
    fn new(mut child: Child, input: &'a [u8], limits: Limits) -> io::Result<Self> {
        let pid = Pid::from_raw(child.id() as i32).ok_or_else(|| cause::errno(libc::ESRCH))?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        for pipe in [stdin.as_ref().map(AsFd::as_fd), stdout.as_ref().map(AsFd::as_fd)]
            .into_iter()
            .chain([stderr.as_ref().map(AsFd::as_fd)])
            .flatten()
        {
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        Ok(Self {
            child,
            pid,
            descriptor: rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok(),
            stdin,
            input,
            stdout: Stream { pipe: stdout, bytes: Vec::new() },
            stderr: Stream { pipe: stderr, bytes: Vec::new() },
            limits,
            lost: false,
            kill: Kill::Not,
            dropped: 0,
        })
    }

    fn collect(mut self) -> io::Result<Collected> {
        let mut exited: Option<Instant> = None;
        let mut heard = Instant::now();
        loop {
            self.write_input();
            if self.read_output()? > 0 {
                heard = Instant::now();
            }
            let open = self.stdout.pipe.is_some() || self.stderr.pipe.is_some();
            let now = Instant::now();
            match exited {
                None if self.has_exited() => {
                    exited = Some(now);
                    heard = now;
                    self.stdin = None;
                    continue;
                }
                None => {
                    if self.enforce_deadline(now) {
                        break;
                    }
                }
                Some(at) => {
                    if !open || now - heard >= QUIET || now - at >= LISTEN_AT_MOST {
                        break;
                    }
                }
            }
            self.wait(exited.map(|_| heard + QUIET))?;
        }
        if self.kill != Kill::Not {
            // what ignored the first signal, before its leader is reaped and the group's number can be reused
            let _ = rustix::process::kill_process_group(self.pid, Signal::KILL);
        }
        let status = match exited {
            Some(_) => {
                let status = self.child.wait()?;
                status.code().unwrap_or_else(|| -status.signal().unwrap_or(1))
            }
            None => -libc::SIGKILL,
        };
        Ok(Collected {
            status,
            stdout: self.stdout.bytes,
            stderr: self.stderr.bytes,
            timed_out: self.kill != Kill::Not,
            dropped: self.dropped,
        })
    }

    /// Whether the process has exited; it is not reaped yet.
    fn has_exited(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        // an error says that there is nothing left to wait for
        !matches!(rustix::process::waitid(WaitId::Pid(self.pid), options), Ok(None))
    }

    /// Kills the group when its time is over. Whether a killed process is given up.
    fn enforce_deadline(&mut self, now: Instant) -> bool {
        if !self.lost && (self.limits.is_lost)() {
            self.lost = true;
            let last = now + AFTER_LOSS;
            self.limits.deadline = Some(self.limits.deadline.map_or(last, |deadline| deadline.min(last)));
        }
        match self.kill {
            Kill::Not if self.limits.deadline.is_some_and(|deadline| now >= deadline) => {
                let _ = rustix::process::kill_process_group(self.pid, Signal::TERM);
                self.kill = Kill::Asked(now);
            }
            Kill::Asked(at) if now - at >= GRACE => {
                let _ = rustix::process::kill_process_group(self.pid, Signal::KILL);
                self.kill = Kill::Forced(now);
            }
            Kill::Forced(at) => return now - at >= GIVE_UP,
            Kill::Not | Kill::Asked(_) => {}
        }
        false
    }

    fn write_input(&mut self) {
        while let Some(pipe) = &mut self.stdin {
            if self.input.is_empty() {
                self.stdin = None;
                break;
            }
            match pipe.write(self.input) {
                Ok(count) => self.input = self.input.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // it does not want to read
                Err(_) => self.stdin = None,
            }
        }
    }

    fn read_output(&mut self) -> io::Result<usize> {
        let room = MOST_OUTPUT.saturating_sub(self.stderr.bytes.len());
        let first = self.stdout.drain(room, &mut self.dropped)?;
        let room = MOST_OUTPUT.saturating_sub(self.stdout.bytes.len());
        Ok(first + self.stderr.drain(room, &mut self.dropped)?)
    }

    /// Waits until something can be done, at most until `quiet`.
    fn wait(&self, quiet: Option<Instant>) -> io::Result<()> {
        let exited = quiet.is_some();
        let mut waited = Vec::with_capacity(4);
        waited.extend(self.stdout.pipe.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        waited.extend(self.stderr.pipe.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        waited.extend(self.stdin.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::OUT)));
        if !exited {
            waited.extend(self.descriptor.as_ref().map(|process| PollFd::new(process, PollFlags::IN)));
        }
        let until = quiet.or(match self.kill {
            Kill::Not => {
                let look = Instant::now() + LISTEN;
                Some(self.limits.deadline.map_or(look, |deadline| deadline.min(look)))
            }
            Kill::Asked(at) => Some(at + GRACE),
            Kill::Forced(at) => Some(at + GIVE_UP),
        });
        let mut longest = until.map(|until| until.saturating_duration_since(Instant::now()));
        if !exited && self.descriptor.is_none() {
            longest = Some(longest.map_or(LOOK, |longest| longest.min(LOOK)));
        }
        // a millisecond more than the rest, so that the clock has passed it
        let longest = longest.map(|longest| longest + Duration::from_millis(1));
        let longest = longest.map(|longest| Timespec {
            tv_sec: longest.as_secs() as i64,
            tv_nsec: longest.subsec_nanos().into(),
        });
        match poll(&mut waited, longest.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests;
