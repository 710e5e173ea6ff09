//! ansible-core from PyPI, in a virtual environment of its own below the target directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::program::{Ran, ran};

/// The version that is the oracle.
pub const VERSION: &str = "2.19.14";

/// A place of this name below the target directory.
pub fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Makes the virtual environment if it is not there yet, with these options of `venv` and these packages besides.
///
/// # Errors
/// Why it cannot be made.
pub fn install(environment: &Path, options: &[&str], packages: &[&str]) -> Result<(), String> {
    let complete = environment.join("complete");
    // its programs hold its absolute path: one that was moved is made anew
    let made = format!("{VERSION} at {}\n", environment.display());
    if fs::read_to_string(&complete).is_ok_and(|told| told == made) {
        return Ok(());
    }
    if let Err(problem) = make(environment, options, packages) {
        // Debian has Python without what makes virtual environments
        let install = "apt-get -qq update && apt-get -qq install -y python3 python3-venv";
        must(Command::new("sh").args(["-c", install]).env("DEBIAN_FRONTEND", "noninteractive"), &problem)?;
        make(environment, options, packages)?;
    }
    fs::write(&complete, made).map_err(|error| format!("{}: {error}", complete.display()))
}

fn make(environment: &Path, options: &[&str], packages: &[&str]) -> Result<(), String> {
    let python = ["python3", "python3.13", "python3.12", "python3.11"].into_iter().find(|python| {
        let old = "import sys; sys.exit(sys.version_info < (3, 11))";
        ran(Command::new(python).args(["-c", old])).is_ok_and(|ended| ended.code == 0)
    });
    let python = python.ok_or("the oracle needs Python 3.11 or newer")?;
    let _ = fs::remove_dir_all(environment);
    let mut venv = Command::new(python);
    venv.args(["-m", "venv"]).args(options).arg(environment);
    must(&mut venv, "a virtual environment cannot be made")?;
    let package = format!("ansible-core=={VERSION}");
    let mut pip = Command::new(environment.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", &package]).args(packages);
    must(&mut pip, "the oracle cannot be installed")
}

/// Runs a program that has to succeed.
///
/// # Errors
/// The problem, and what the program printed.
pub fn must(command: &mut Command, problem: &str) -> Result<(), String> {
    let Ran { code, stdout, stderr } = ran(command)?;
    if code == 0 { Ok(()) } else { Err(format!("{problem}: {}{}", stdout.trim(), stderr.trim())) }
}
