//! ansible-core from PyPI, in a virtual environment of its own below the target directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::program::{Ran, ran};

/// The version that is the oracle.
pub const VERSION: &str = "2.19.14";

/// The version of the package with collections.
const COLLECTIONS: &str = "12.2.0";

/// The collections that are taken out of it.
const TAKEN: [&str; 2] = ["community/general", "community/mysql"];

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

/// The directory with collections.
pub fn collections() -> PathBuf {
    scratch(&format!("oracle-collections-{COLLECTIONS}"))
}

/// Fetches collections if they are not there yet: of the package that has them all, only those that are used.
///
/// # Errors
/// Why they cannot be had.
pub fn install_collections(environment: &Path) -> Result<(), String> {
    let place = collections();
    let complete = place.join("complete");
    if complete.exists() {
        return Ok(());
    }
    let _ = fs::remove_dir_all(&place);
    let mut pip = Command::new(environment.join("bin/pip"));
    pip.args(["download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"]);
    pip.arg("--dest").arg(&place).arg(format!("ansible=={COLLECTIONS}"));
    must(&mut pip, "the collections cannot be fetched")?;
    let take = "import glob, sys, zipfile\nfor path in glob.glob(sys.argv[1] + '/ansible-*.whl'):\n    \
        with zipfile.ZipFile(path) as whole:\n        starts = tuple('ansible_collections/%s/' % name for name in \
        sys.argv[2:])\n        whole.extractall(sys.argv[1], [n for n in whole.namelist() if n.startswith(starts)])\n";
    let mut python = Command::new(environment.join("bin/python"));
    must(python.args(["-c", take]).arg(&place).args(TAKEN), "the collections cannot be unpacked")?;
    fs::write(&complete, COLLECTIONS).map_err(|error| format!("{}: {error}", complete.display()))
}

/// Runs a program that has to succeed.
///
/// # Errors
/// The problem, and what the program printed.
pub fn must(command: &mut Command, problem: &str) -> Result<(), String> {
    let Ran { code, stdout, stderr } = ran(command)?;
    if code == 0 { Ok(()) } else { Err(format!("{problem}: {}{}", stdout.trim(), stderr.trim())) }
}
