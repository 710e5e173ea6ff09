//! The process `fleet remote`: frames on its standard input and output, nothing else.

use std::fs::File;
use std::io::{BufReader, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::session::{ServeError, Session};

static HUNG_UP: AtomicBool = AtomicBool::new(false);

/// Serves the controller on standard input and output. To be called before anything has used either.
///
/// When the pipe is lost (`SIGHUP`, or nobody reads the answers any more) the instruction at hand is finished, and
/// the process ends.
pub fn remote_main() -> ExitCode {
    handle_hang_up();
    let (input, output) = match private_pipes() {
        Ok(pipes) => pipes,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "fleet remote: cannot take over its pipes: {error}");
            return ExitCode::FAILURE;
        }
    };
    let is_lost = || HUNG_UP.load(Ordering::Relaxed) || is_unread(output.as_fd());
    match Session::new(BufReader::new(input), &output, None, &is_lost).run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ (ServeError::Frame(_) | ServeError::Io(_) | ServeError::Lost)) => {
            let _ = writeln!(std::io::stderr(), "fleet remote: {error}");
            ExitCode::FAILURE
        }
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

/// Notes a hang-up instead of dying of it. (`SIGPIPE` is ignored by Rust's start-up; children get both back.)
#[expect(unsafe_code, reason = "signal handlers are set through the C library")]
fn handle_hang_up() {
    extern "C" fn note(_signal: libc::c_int) {
        HUNG_UP.store(true, Ordering::Relaxed);
    }
    // SAFETY: an all-zero `sigaction` is valid (no flags, empty mask); the handler only stores to an atomic,
    // which is async-signal-safe, and lives for the whole process. A handler, unlike `SIG_IGN`, is not inherited
    // through exec.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = note as extern "C" fn(libc::c_int) as libc::sighandler_t;
        action.sa_flags = libc::SA_RESTART;
        libc::sigaction(libc::SIGHUP, &raw const action, std::ptr::null_mut());
    }
}
