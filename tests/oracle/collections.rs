//! Some of the collections of the package `ansible` from PyPI, below the target directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::environment::{must, scratch};

/// The version of the package.
const COLLECTIONS: &str = "12.2.0";

/// The collections that are taken out of it.
const TAKEN: [&str; 6] = [
    "ansible/posix",
    "community/crypto",
    "community/docker",
    "community/general",
    "community/library_inventory_filtering_v1",
    "community/mysql",
];

/// The directory with collections.
pub fn directory() -> PathBuf {
    scratch(&format!("oracle-collections-{COLLECTIONS}"))
}

/// Fetches collections if they are not there yet: of the package that has them all, only those that are used.
///
/// # Errors
/// Why they cannot be had.
pub fn install(environment: &Path) -> Result<(), String> {
    let place = directory();
    let complete = place.join("complete");
    let taken = TAKEN.join(" ");
    if fs::read_to_string(&complete).is_ok_and(|there| there == taken) {
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
    fs::write(&complete, taken).map_err(|error| format!("{}: {error}", complete.display()))
}
