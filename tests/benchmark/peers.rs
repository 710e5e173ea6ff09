//! What the benchmarks share: the peer (ansible-core, pinned) and where they ran.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const ANSIBLE: &str = "ansible-core==2.19.14";

/// Runs a command that has to succeed.
pub fn quietly(command: &mut Command, what: &str) {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(
        output.status.success(),
        "{what} failed:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// ansible-playbook of the pinned version, in a virtual environment below the target directory.
pub fn ansible_playbook() -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ansible-2.19.14");
    let program = place.join("bin/ansible-playbook");
    if !program.exists() {
        quietly(Command::new("python3").args(["-m", "venv"]).arg(&place), "python3 -m venv");
        quietly(
            Command::new(place.join("bin/pip")).args(["install", "-q", ANSIBLE]),
            "pip install ansible-core",
        );
    }
    program
}

/// The first line of what a program prints.
pub fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|o| [o.stdout, o.stderr].concat()).unwrap_or_default();
    String::from_utf8_lossy(&text).lines().next().unwrap_or("?").trim().to_owned()
}

/// When, where and with which versions it ran, as a list.
pub fn surroundings(ansible: &str) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "- date: {}", said("date", &["-u", "+%Y-%m-%d"]));
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("?");
    let model = model.trim_start_matches(['\t', ' ', ':']);
    let _ = writeln!(text, "- machine: {} cores, {model}", said("nproc", &[]));
    let _ = writeln!(text, "- kernel: {}", said("uname", &["-r"]));
    let _ = writeln!(text, "- fleet: {}", said(env!("CARGO_BIN_EXE_fleet"), &["--version"]));
    let _ = writeln!(text, "- Ansible: {}", said(ansible, &["--version"]));
    text
}
