//! The process `fleet remote`: frames on its standard input and output, nothing else.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::process::ExitCode;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::session::{ServeError, Session};
use super::{job, terminal};

static HUNG_UP: AtomicBool = AtomicBool::new(false);
/// Whether the next frame is waited for: then nothing is under way that has to be finished.
static IDLE: AtomicBool = AtomicBool::new(false);
static OUTPUT: OnceLock<File> = OnceLock::new();

/// Serves the controller on standard input and output. To be called before anything has used either. As
/// `fleet remote job …` it is the supervisor of a job instead, as `fleet remote terminal …` the keeper of a terminal.
///
/// When the pipe is lost (`SIGHUP`, `SIGTERM`, or nobody reads the answers any more) the instruction at hand is
/// finished, and the process ends.
pub fn remote_main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(2);
    match arguments.next() {
        Some(first) if first == "job" => return job::supervise(arguments),
        Some(first) if first == "terminal" => return terminal::run(arguments),
        _ => {}
    }
    note(libc::SIGHUP);
    note(libc::SIGTERM);
    let (input, output) = match private_pipes() {
        Ok((input, output)) => (input, OUTPUT.get_or_init(|| output)),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "fleet remote: cannot take over its pipes: {error}");
            return ExitCode::FAILURE;
        }
    };
    match Session::new(BufReader::new(Waiting(input)), output, None, &is_lost).watching(is_lost).run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ (ServeError::Frame(_) | ServeError::Io(_) | ServeError::Lost)) => {
            let _ = writeln!(std::io::stderr(), "fleet remote: {error}");
            ExitCode::FAILURE
        }
    }
}

fn is_lost() -> bool {
    HUNG_UP.load(Ordering::Relaxed) || OUTPUT.get().is_some_and(|output| is_unread(output.as_fd()))
}

/// An input that says when it is waited for.
struct Waiting(File);

impl Read for Waiting {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        IDLE.store(true, Ordering::Relaxed);
        if HUNG_UP.load(Ordering::Relaxed) {
            return Ok(0);
        }
        let read = self.0.read(buffer);
        IDLE.store(false, Ordering::Relaxed);
        read
    }
}

/// Moves standard input and output to descriptors that no child inherits, and leaves `/dev/null` in their place.
fn private_pipes() -> std::io::Result<(File, File)> {
    let input = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    let output = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?;
    let null = File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    Ok((File::from(input), File::from(output)))
}

/// Whether the reading end of a pipe is closed.
fn is_unread(output: BorrowedFd<'_>) -> bool {
    let mut polled = [PollFd::from_borrowed_fd(output, PollFlags::empty())];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut polled, Some(&now)).is_ok_and(|count| count > 0)
        && polled.iter().any(|fd| fd.revents().intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL))
}

/// Notes a signal instead of dying of it, except where nothing is under way. (`SIGPIPE` is ignored by Rust's start-up;
/// children get both back.)
#[expect(unsafe_code, reason = "signal handlers are set through the C library")]
pub(super) fn note(signal: libc::c_int) {
    extern "C" fn noted(signal: libc::c_int) {
        HUNG_UP.store(true, Ordering::Relaxed);
        if IDLE.load(Ordering::Relaxed) {
            // SAFETY: `_exit` is async-signal-safe.
            unsafe { libc::_exit(128 + signal) }
        }
    }
    // SAFETY: an all-zero `sigaction` is valid (no flags, empty mask); the handler only touches atomics and may call
    // `_exit`, which are async-signal-safe, and lives for the whole process. A handler, unlike `SIG_IGN`, is not
    // inherited through exec.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = noted as extern "C" fn(libc::c_int) as libc::sighandler_t;
        action.sa_flags = libc::SA_RESTART;
        libc::sigaction(signal, &raw const action, std::ptr::null_mut());
    }
}
