//! What either program answers to a case: the exit code and the text of each command.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::case::Case;
use crate::environment::{VERSION, install, must, scratch};
use crate::program::{self, Ran, ran};

/// Raised when the same case would be answered in another form.
const FORM: &str = "3";

/// The commands that fleet stands in for.
const NAMES: &[&str] = &["ansible", "ansible-inventory", "ansible-playbook", "ansible-vault"];

/// The longest that a command may take.
const SECONDS: &str = "60";

/// The least exit code that is the shell's or `timeout`'s own.
const LOST: i32 = 124;

/// What stands in a text for the directory of the case.
pub const WORK: &str = "{work}";

/// The end of one command.
#[derive(Debug, Serialize, Deserialize)]
pub struct Ended {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

fn environment() -> PathBuf {
    scratch(&format!("oracle-ansible-core-{VERSION}"))
}

/// Installs Ansible, if it is not there yet.
///
/// # Errors
/// Why that is not possible.
pub fn prepare() -> Result<(), String> {
    install(&environment(), &[], &[])
}

/// What Ansible answers: remembered, or asked now.
///
/// # Errors
/// If it cannot be run.
pub fn ansible(case: &Case) -> Result<Vec<Ended>, String> {
    let remembered = remembered(case);
    if let Ok(text) = fs::read_to_string(&remembered) {
        return serde_json::from_str(&text).map_err(|error| format!("{}: {error}", remembered.display()));
    }
    let ended = run(case, &environment().join("bin"))?;
    if let Some(lost) = ended.iter().find(|ended| ended.code >= LOST) {
        return Err(format!("Ansible did not run: {}{}", lost.out, lost.err));
    }
    let text = serde_json::to_string_pretty(&ended).map_err(|error| error.to_string())?;
    let directory = remembered.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    fs::write(&remembered, text).map_err(|error| format!("{}: {error}", remembered.display()))?;
    Ok(ended)
}

/// Where Ansible's answer is kept: by all that it hangs on.
fn remembered(case: &Case) -> PathBuf {
    let mut hash = Sha256::new();
    for text in [VERSION, FORM].into_iter().chain(case.commands.iter().map(String::as_str)) {
        hash.update(text);
        hash.update([0]);
    }
    for (relative, path) in case.files() {
        hash.update(relative.to_string_lossy().as_bytes());
        hash.update([0]);
        hash.update(fs::read(&path).unwrap_or_default());
    }
    let key: String = fleet::wire::action::hex(hash.finalize().get(..8).unwrap_or_default());
    scratch("language-cache").join(format!("{}-{key}.json", case.name))
}

/// What fleet answers.
///
/// # Errors
/// If it cannot be run.
pub fn fleet(case: &Case) -> Result<Vec<Ended>, String> {
    static BIN: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let bin = BIN.get_or_init(|| {
        let bin = scratch("language-bin");
        fs::create_dir_all(&bin).map_err(|error| format!("{}: {error}", bin.display()))?;
        for name in NAMES {
            let link = bin.join(name);
            let _ = fs::remove_file(&link);
            symlink(program::fleet().get_program(), &link)
                .map_err(|error| format!("{}: {error}", link.display()))?;
        }
        Ok(bin)
    });
    run(case, bin.as_ref().map_err(String::clone)?)
}

/// Runs the commands in a copy of the case.
fn run(case: &Case, bin: &Path) -> Result<Vec<Ended>, String> {
    let work = tempfile::Builder::new().prefix("language-").tempdir().map_err(|error| error.to_string())?;
    let directory = work.path().join("case");
    let mut copy = Command::new("cp");
    if case.path.is_dir() {
        copy.arg("-r").arg(&case.path).arg(&directory);
    } else {
        fs::create_dir(&directory).map_err(|error| error.to_string())?;
        copy.arg(&case.path).arg(&directory);
    }
    must(&mut copy, "the case cannot be copied")?;
    let home = work.path().join("home");
    fs::create_dir(&home).map_err(|error| error.to_string())?;
    let path = format!("{}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", bin.display());
    let mut ended = Vec::new();
    for command in &case.commands {
        let mut shell = Command::new("timeout");
        shell.args([SECONDS, "sh", "-c", command]).current_dir(&directory).env_clear();
        shell
            .env("PATH", &path)
            .env("HOME", &home)
            .env("USER", "root")
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .env("ANSIBLE_NOCOLOR", "1")
            // with several, Ansible's order of hosts is that in which they are ready
            .env("ANSIBLE_FORKS", "1")
            // what Ansible plans to remove from itself
            .env("ANSIBLE_DEPRECATION_WARNINGS", "0")
            .env("ANSIBLE_PYTHON_INTERPRETER", environment().join("bin/python"))
            // what packs modules that are files of Python
            .env("FLEET_PYTHON", environment().join("bin/python"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONHASHSEED", "0")
            .env("PYTHONWARNINGS", "ignore");
        let Ran { code, stdout, stderr } = ran(&mut shell)?;
        let place = directory.display().to_string();
        let text = |text: String| text.replace(&place, WORK);
        ended.push(Ended { code, out: text(stdout), err: text(stderr) });
    }
    Ok(ended)
}
