//! A terminal for a program that asks for its password nowhere else (doas): `fleet remote terminal PROGRAM …`.
//!
//! The program keeps the standard streams and gets a new terminal beside them. What it writes there goes to standard
//! error; when that is a prompt, one line of standard input is typed in for it. The rest of the input is the program's.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitCode};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::pty::OpenptFlags;

/// How often is looked whether the program has ended.
const LOOK: Duration = Duration::from_millis(100);

/// Runs the program to its end, and ends as it does.
pub fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    match watch(arguments) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(io::stderr(), "fleet remote terminal: {error}");
            ExitCode::from(127)
        }
    }
}

fn watch(mut arguments: impl Iterator<Item = OsString>) -> io::Result<ExitCode> {
    let program = arguments.next().ok_or(io::ErrorKind::InvalidInput)?;
    let terminal = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    rustix::pty::grantpt(&terminal)?;
    rustix::pty::unlockpt(&terminal)?;
    let name = rustix::pty::ptsname(&terminal, Vec::new())?;
    let other_end = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
    let mut command = Command::new(program);
    command.args(arguments);
    control(&mut command, &other_end);
    let mut child = command.spawn()?;
    let mut master = std::fs::File::from(terminal);
    let mut typed = false;
    let mut said = Vec::new();
    loop {
        if let Some(status) = child.try_wait()? {
            drain(&mut master, &mut said)?;
            let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(1));
            return Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)));
        }
        drain(&mut master, &mut said)?;
        if !typed && is_prompt(&said) {
            typed = true;
            match line(io::stdin().as_fd().try_clone_to_owned()?)? {
                Some(line) => master.write_all(&line)?,
                None => return ended(&mut child),
            }
        }
    }
}

/// Nobody answers: the program is not to wait for ever.
fn ended(child: &mut Child) -> io::Result<ExitCode> {
    let _ = child.kill();
    child.wait()?;
    Ok(ExitCode::FAILURE)
}

/// Whether a text ends with a question.
fn is_prompt(said: &[u8]) -> bool {
    String::from_utf8_lossy(said).trim_end_matches(' ').ends_with([':', '：'])
}

/// Passes on what was written to the terminal, waiting for it a little.
fn drain(master: &mut std::fs::File, said: &mut Vec<u8>) -> io::Result<()> {
    let wait = Timespec { tv_sec: 0, tv_nsec: LOOK.subsec_nanos().into() };
    let ready = {
        let mut polled = [PollFd::new(&*master, PollFlags::IN)];
        poll(&mut polled, Some(&wait)).unwrap_or(0)
    };
    let mut buffer = [0; 4096];
    if ready > 0
        && let Ok(count) = master.read(&mut buffer)
    {
        let more = buffer.get(..count).unwrap_or_default();
        said.extend_from_slice(more);
        said.drain(..said.len().saturating_sub(4096));
        io::stderr().write_all(more)?;
    }
    Ok(())
}

/// One line of an input, and not a byte more.
fn line(input: OwnedFd) -> io::Result<Option<Vec<u8>>> {
    let mut input = std::fs::File::from(input);
    let (mut line, mut byte) = (Vec::new(), [0]);
    while input.read(&mut byte)? > 0 {
        line.extend_from_slice(&byte);
        if byte == *b"\n" {
            return Ok(Some(line));
        }
    }
    Ok(None)
}

/// Makes the program the leader of a session whose terminal this is.
#[expect(unsafe_code, reason = "a controlling terminal can only be taken between fork and exec")]
pub(super) fn control(command: &mut Command, terminal: &OwnedFd) {
    let terminal = terminal.as_raw_fd();
    // SAFETY: between fork and exec only async-signal-safe functions may be called, and no memory may be allocated:
    // setsid(2) and ioctl(2) are plain system calls on numbers. The descriptor is open until after the spawn.
    unsafe {
        command.pre_exec(move || {
            if libc::setsid() < 0 || libc::ioctl(terminal, libc::TIOCSCTTY, 0) < 0 {
                return Err(io::Error::last_os_error());
            }
            Ok(())
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_told_from_other_words() {
        assert!(is_prompt(b"doas (ada@web1) password: ") && is_prompt("口令：".as_bytes()));
        assert!(!is_prompt(b"") && !is_prompt(b"Password:\r\nwelcome\r\n"));
    }

    #[test]
    fn one_line_is_taken_and_the_rest_is_left() {
        let (input, output) = rustix::pipe::pipe().unwrap();
        std::fs::File::from(output).write_all(b"secret\nrest").unwrap();
        let copy = input.try_clone().unwrap();
        assert_eq!(line(copy).unwrap().unwrap(), b"secret\n");
        assert_eq!(line(input).unwrap(), None);
    }
}
