//! Ansible, asked once per contents of a case.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use crate::answer::{Answer, Run, Task};
use crate::case::{Case, directory};
use crate::collections;
use crate::environment::{VERSION, scratch};
use crate::normal::Normal;
use crate::program::{Ran, ran};
use crate::state;
use crate::world::{Pair, Side};

/// Raised when the same case would be answered in another form.
const FORM: &str = "3";

/// The virtual environment with Ansible.
pub fn environment() -> PathBuf {
    scratch(&format!("oracle-ansible-core-{VERSION}"))
}

/// Whether Ansible has answered this case before.
pub fn is_answered(case: &Case) -> bool {
    remembered(case).exists()
}

/// What Ansible says to a case: remembered, or asked now.
///
/// # Errors
/// If Ansible cannot be run, or has no answer.
pub fn answer(pair: &Pair<'_>, case: &Case) -> Result<Answer, String> {
    let remembered = remembered(case);
    if let Ok(text) = fs::read_to_string(&remembered) {
        return serde_json::from_str(&text).map_err(|error| format!("{}: {error}", remembered.display()));
    }
    let asked = ask(pair, case)?;
    let text = serde_json::to_string_pretty(&asked).map_err(|error| error.to_string())?;
    fs::create_dir_all(scratch("oracle-cache")).map_err(|error| error.to_string())?;
    fs::write(&remembered, text).map_err(|error| format!("{}: {error}", remembered.display()))?;
    Ok(asked)
}

/// Where the answer to a case is kept: by all that it hangs on.
fn remembered(case: &Case) -> PathBuf {
    let mut hash = Sha256::new();
    for text in [VERSION, FORM, &case.text, &state::script(case), include_str!("callback/oracle_lines.py")] {
        hash.update(text);
        hash.update([0]);
    }
    for path in support(&directory()) {
        hash.update(path.to_string_lossy().as_bytes());
        hash.update(fs::read(&path).unwrap_or_default());
    }
    let key: String = fleet::wire::action::hex(hash.finalize().get(..8).unwrap_or_default());
    scratch("oracle-cache").join(format!("{}-{key}.json", case.name))
}

/// The files that cases share: everything in the directories beside them.
fn support(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut left: Vec<PathBuf> = entries(directory).into_iter().filter(|path| path.is_dir()).collect();
    while let Some(path) = left.pop() {
        if path.is_dir() { left.extend(entries(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect()
}

fn ask(pair: &Pair<'_>, case: &Case) -> Result<Answer, String> {
    let work = tempfile::tempdir().map_err(|error| error.to_string())?;
    let inventory = work.path().join("hosts.yml");
    fs::write(&inventory, pair.inventory(Side::Ansible)?).map_err(|error| error.to_string())?;
    let settings = work.path().join("ansible.cfg");
    fs::write(&settings, "[defaults]\n").map_err(|error| error.to_string())?;
    let normal = Normal::new(pair.names(Side::Ansible)?);
    let mut runs = Vec::new();
    for (name, check) in case.runs() {
        let lines = work.path().join(format!("{name}.jsonl"));
        let mut command = Command::new(environment().join("bin/ansible-playbook"));
        command
            .arg("-i")
            .arg(&inventory)
            .arg(&case.path)
            .args(&case.arguments)
            .args(check.then_some("--check"));
        command.current_dir(work.path()).env_clear();
        for name in ["PATH", "HOME", "USER", "LANG"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
            .env("ANSIBLE_HOME", work.path().join("home"))
            .env("ANSIBLE_CONFIG", &settings)
            .env("ANSIBLE_PIPELINING", "1")
            .env("ANSIBLE_NOCOLOR", "1")
            .env("ANSIBLE_SSH_CONTROL_PATH_DIR", work.path().join("ssh"))
            .env(
                "ANSIBLE_CALLBACK_PLUGINS",
                Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/callback"),
            )
            .env("ANSIBLE_CALLBACKS_ENABLED", "oracle_lines")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("LC_ALL", "C.UTF-8")
            .env("ORACLE_LINES", &lines);
        if case.collections {
            command.env("ANSIBLE_COLLECTIONS_PATH", collections::directory());
        }
        let Ran { code, stdout, stderr } = ran(&mut command)?;
        let told = format!("{stdout}{stderr}");
        let text = fs::read_to_string(&lines).map_err(|error| format!("no answer ({error}):\n{told}"))?;
        let tasks: Result<Vec<Json>, _> = text.lines().map(serde_json::from_str).collect();
        let tasks = tasks.map_err(|error| format!("{}: {error}", lines.display()))?;
        if tasks.is_empty() {
            return Err(format!("Ansible ran no task of `{}`:\n{told}", case.name));
        }
        let mut tasks: Vec<Task> = tasks.into_iter().filter_map(|line| task(line, &normal)).collect();
        tasks.sort_by(|one, two| one.host.cmp(&two.host));
        runs.push(Run { name: name.to_owned(), code, told, tasks });
    }
    Ok(Answer { runs, state: state::read(pair, Side::Ansible, case, &normal)? })
}

fn task(mut line: Json, normal: &Normal) -> Option<Task> {
    let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
    let (host, name, module, status) = (text("host"), text("task"), text("module"), text("status"));
    let result = normal.result(&module, &status, line["result"].take())?;
    Some(Task { host, name: normal.text(&name), status, result })
}
