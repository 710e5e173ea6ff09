//! Runs this machine's programs: found by name, quiet, and with their own words in the error.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::error::{LabError, Result};

/// Where administrators' programs are, for a `PATH` that lacks them (as `su` without `-` leaves it).
const SYSTEM_PATH: [&str; 4] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// The path of a program, if it is installed.
pub(super) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .filter(|directory| directory.is_absolute())
        .chain(SYSTEM_PATH.iter().map(PathBuf::from))
        .map(|directory| directory.join(program))
        .find(|file| file.is_file())
}

/// A command of an installed program with its arguments, stdin from /dev/null.
pub(super) fn command<I, S>(program: &str, arguments: I) -> Result<Command>
where
    I: IntoIterator<Item = S>,
    S: AsRef<OsStr>,
{
    let path = find(program)
        .ok_or_else(|| LabError::new(format!("the program `{program}` is not installed on this machine")))?;
    let mut command = Command::new(path);
    command.args(arguments).stdin(Stdio::null());
    Ok(command)
}

/// Runs the command to its end and returns its output, if it succeeds.
pub(super) fn run(mut command: Command) -> Result<Vec<u8>> {
    let shown = shown(&command);
    let output = command.output().map_err(LabError::because(format!("cannot run `{shown}`")))?;
    checked(&shown, output)
}

/// As [`run`], with the text as its standard input.
pub(super) fn feed(mut command: Command, input: &str) -> Result<Vec<u8>> {
    let shown = shown(&command);
    let failed = || format!("cannot run `{shown}`");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(LabError::because(failed()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends without reading says why on its standard error.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(LabError::because(failed()))?;
    checked(&shown, output)
}

/// Runs a long command: all that it prints goes to the log, and line by line to `progress`.
pub(super) fn follow(mut command: Command, log: &Path, progress: &mut dyn FnMut(&str)) -> Result<()> {
    let shown = shown(&command);
    let cannot = |what: &str| format!("cannot {what} `{}`", log.display());
    let mut file =
        File::options().create(true).append(true).open(log).map_err(LabError::because(cannot("open")))?;
    let (reader, writer) = std::io::pipe().map_err(LabError::because("cannot make a pipe"))?;
    let errors = writer.try_clone().map_err(LabError::because("cannot make a pipe"))?;
    command.stdout(writer).stderr(errors);
    let mut child = command.spawn().map_err(LabError::because(format!("cannot run `{shown}`")))?;
    // The command keeps the pipe's other end open.
    drop(command);
    for line in BufReader::new(reader).split(b'\n') {
        let line = line.map_err(LabError::because(format!("cannot read from `{shown}`")))?;
        file.write_all(&line)
            .and_then(|()| file.write_all(b"\n"))
            .map_err(LabError::because(cannot("write")))?;
        progress(String::from_utf8_lossy(&line).trim_end());
    }
    let status = child.wait().map_err(LabError::because(format!("cannot wait for `{shown}`")))?;
    if status.success() {
        return Ok(());
    }
    Err(LabError::new(format!("`{shown}` failed ({status})")).with_log(log))
}

fn checked(shown: &str, output: Output) -> Result<Vec<u8>> {
    let Output { status, stdout, stderr } = output;
    if status.success() {
        return Ok(stdout);
    }
    let said = String::from_utf8_lossy(&stderr);
    let said = said.trim();
    let said = if said.is_empty() { "it said nothing" } else { said };
    Err(LabError::new(format!("`{shown}` failed ({status}): {said}")))
}

/// The command as an error names it: the program's name and its arguments, cut where they are long.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let mut words = vec![program.to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|argument| argument.to_string_lossy().into_owned()));
    let line = words.join(" ");
    match line.char_indices().nth(160) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_carries_the_programs_words() {
        let error = run(command("sh", ["-c", "echo no such thing >&2; exit 3"]).unwrap()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`sh -c echo no such thing >&2; exit 3` failed (exit status: 3): no such thing"
        );
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = command("no-such-program-here", [""]).unwrap_err();
        assert!(error.to_string().contains("`no-such-program-here` is not installed"));
    }

    #[test]
    fn a_long_command_is_followed_and_logged() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        let mut seen = Vec::new();
        let script = command("sh", ["-c", "echo one; echo two >&2; exit 1"]).unwrap();
        let error = follow(script, &log, &mut |line| seen.push(line.to_string())).unwrap_err();
        assert_eq!(seen, ["one", "two"]);
        assert!(error.to_string().contains("two"));
    }

    #[test]
    fn input_is_fed() {
        assert_eq!(feed(command("cat", [""; 0]).unwrap(), "text").unwrap(), b"text");
    }
}
