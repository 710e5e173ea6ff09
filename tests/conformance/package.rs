//! ansible-core's source package, which carries the targets: from PyPI, checked against its hash, never committed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::environment::{VERSION, install, must, scratch};

/// The SHA-256 of the source package of that version.
const SHA256: &str = "1e7612788eaa6b3c87a3670ce86c64b830eba0ae2b3fcb25a772f276704163b4";

/// What targets need on the controller besides ansible-core: ansible-test's set-up targets install it.
pub const EXTRA: [&str; 1] = ["passlib==1.7.4"];

/// The virtual environment of the controller. It sees the system's packages, as those of `pip install --user`, which a
/// target uses.
pub fn environment() -> PathBuf {
    scratch(&format!("conformance-ansible-core-{VERSION}"))
}

/// Where it is unpacked: the directory with `test` in it.
pub fn directory() -> PathBuf {
    scratch("ansible-core-source").join(format!("ansible_core-{VERSION}"))
}

/// The directory of a target.
pub fn target(name: &str) -> PathBuf {
    directory().join("test/integration/targets").join(name)
}

/// Makes the environment, fetches and unpacks the package, if they are not there yet.
///
/// # Errors
/// Why it cannot be fetched.
pub fn fetch() -> Result<(), String> {
    install(&environment(), &["--system-site-packages"], &EXTRA)?;
    must(Command::new("sh").args(["-c", &link(&environment())]), "ansible-core is not in its environment")?;
    let complete = directory().join("complete");
    if complete.exists() {
        return Ok(());
    }
    let parent = scratch("ansible-core-source");
    let _ = fs::remove_dir_all(&parent);
    fs::create_dir_all(&parent).map_err(|error| format!("{}: {error}", parent.display()))?;
    let requirements = parent.join("requirements.txt");
    fs::write(&requirements, format!("ansible-core=={VERSION} --hash=sha256:{SHA256}\n"))
        .map_err(|error| format!("{}: {error}", requirements.display()))?;
    let mut pip = Command::new(environment().join("bin/pip"));
    pip.args(["download", "--quiet", "--disable-pip-version-check", "--no-deps"])
        .args(["--no-binary", "ansible-core", "--require-hashes", "-r"])
        .arg(&requirements)
        .arg("-d")
        .arg(&parent);
    must(&mut pip, "ansible-core's source package cannot be fetched")?;
    let archive = parent.join(format!("ansible_core-{VERSION}.tar.gz"));
    let mut tar = Command::new("tar");
    tar.arg("-xzf").arg(&archive).arg("-C").arg(&parent);
    must(&mut tar, "ansible-core's source package cannot be unpacked")?;
    fs::write(&complete, VERSION).map_err(|error| format!("{}: {error}", complete.display()))
}

/// A command that makes `ansible` in an environment lead to ansible-core's Python package: the targets' own programs
/// import it.
pub fn link(environment: &Path) -> String {
    let there = environment.display();
    format!("test -e {there}/ansible || ln -s {there}/lib/python3*/site-packages/ansible {there}/ansible")
}

/// The wheels from which a lab host makes an environment of its own, without an index.
///
/// # Errors
/// Why they cannot be fetched.
pub fn wheels(python: &str) -> Result<PathBuf, String> {
    let directory = scratch("ansible-core-wheels").join(python);
    let complete = directory.join("complete");
    if !complete.exists() {
        let mut pip = Command::new(environment().join("bin/pip"));
        pip.args(["download", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"])
            .args(["--python-version", python])
            .arg(format!("ansible-core=={VERSION}"))
            .args(EXTRA)
            .arg("-d")
            .arg(&directory);
        must(&mut pip, "the wheels of ansible-core cannot be fetched")?;
        fs::write(&complete, VERSION).map_err(|error| format!("{}: {error}", complete.display()))?;
    }
    Ok(directory)
}
