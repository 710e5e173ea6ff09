//! Programs, run to their end.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

/// What a program printed.
pub struct Ran {
    /// The exit code.
    pub code: i32,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// Runs a program to its end.
///
/// # Errors
/// If it cannot be started.
pub fn ran(command: &mut Command) -> Result<Ran, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut started = command.stdin(Stdio::null()).output();
    for _ in 0..100 {
        // the copy of fleet is still open for writing in a child that another trial is about to start
        if !matches!(&started, Err(error) if error.kind() == ErrorKind::ExecutableFileBusy) {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
        started = command.output();
    }
    let output = started.map_err(|error| format!("`{name}` does not start: {error}"))?;
    Ok(Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Fleet's own program: a copy, so that all cases run with the same one whatever is built meanwhile.
pub fn fleet() -> Command {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| {
        let built = Path::new(env!("CARGO_BIN_EXE_fleet"));
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("oracle-program");
        let copy = directory.join("fleet");
        let _ = fs::remove_file(&copy);
        let copied = fs::create_dir_all(&directory).and_then(|()| fs::copy(built, &copy));
        if copied.is_ok() { copy } else { built.to_owned() }
    });
    let mut command = Command::new(program);
    command.env_remove("ANSIBLE_INVENTORY").env_remove("RUST_BACKTRACE").env("NO_COLOR", "1");
    command
}
