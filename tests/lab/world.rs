//! The lab that all tests share, and how a test runs the real binary.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value as Json;

/// The hosts that are booted; each test takes those that it names.
pub const HOSTS: &[&str] = &[
    "web1", "web2", "lb", "plan1", "many1", "many2", "kill1", "fault1", "fault2", "fault3", "boot1", "raw1",
    "nohome1", "job1", "job2", "secret1",
];

/// The lab.
pub struct World {
    name: String,
    config: PathBuf,
}

/// What a run of the binary gave.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

pub fn fleet() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fleet"));
    command
        .env_remove("ANSIBLE_INVENTORY")
        .env_remove("RUST_BACKTRACE")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null());
    command
}

pub fn ran(command: &mut Command) -> Ran {
    let Output { status, stdout, stderr } = command.output().expect("fleet starts");
    Ran {
        code: status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&stdout).into_owned(),
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
    }
}

impl Ran {
    /// Asserts the exit code, showing everything where it is another.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr);
        self
    }

    /// The events of a run with `--json`.
    pub fn events(&self) -> Vec<Json> {
        self.stdout.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
    }

    /// The counts of a host in a run with `--json`.
    pub fn recap(&self, host: &str, count: &str) -> u64 {
        let events = self.events();
        let last = events.last().expect("there are events");
        last["hosts"][host][count].as_u64().unwrap_or_else(|| panic!("no {count} of {host} in {last}"))
    }

    /// The names of the tasks that changed something on a host, or would.
    pub fn changed(&self, host: &str) -> Vec<String> {
        self.events()
            .iter()
            .filter(|event| event["event"] == "task_finished" && event["host"] == host)
            .filter(|event| event["outcome"]["status"] == "changed")
            .map(|event| event["task"]["name"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// What the transport cost for a host.
    pub fn cost(&self, host: &str, what: &str) -> u64 {
        let events = self.events();
        events.last().expect("there are events")["costs"][host][what]
            .as_u64()
            .expect("the host was connected to")
    }
}

impl World {
    /// Boots the lab; the error is why it cannot run here.
    pub fn boot() -> Result<Self, String> {
        fleet::lab::can_run()?;
        let name = format!("test{}", std::process::id() % 100_000);
        let up = ran(fleet().args(["lab", "run", "--name", &name]).args(HOSTS));
        if up.code != 0 {
            let _ = ran(fleet().args(["lab", "down", "--name", &name]));
            return Err(format!("`fleet lab run` failed: {}", up.stderr.trim()));
        }
        let lab =
            fleet::lab::open(&name).map_err(|error| error.to_string())?.ok_or("the lab is not there")?;
        Ok(Self { name, config: lab.ssh_config })
    }

    /// Takes the lab down.
    pub fn down(&self) {
        ran(fleet().args(["lab", "down", "--name", &self.name])).expect(0);
    }

    /// `apply` or `plan` of a playbook in the lab.
    pub fn run(&self, command: &str, playbook: &Path, more: &[&str]) -> Ran {
        ran(&mut self.command(command, playbook, more))
    }

    /// The command for that.
    pub fn command(&self, command: &str, playbook: &Path, more: &[&str]) -> Command {
        let mut fleet = fleet();
        fleet.arg(command).arg(playbook).args(["--lab", "--lab-name", &self.name]).args(more);
        fleet
    }

    /// Runs a text as root on a host, over OpenSSH: what the host is like, told by something else than fleet.
    #[track_caller]
    pub fn ssh(&self, host: &str, text: &str) -> String {
        let output = self.try_ssh(host, text);
        assert_eq!(output.code, 0, "`{text}` on {host}: {}{}", output.stdout, output.stderr);
        output.stdout
    }

    /// As `ssh`, whatever becomes of it.
    pub fn try_ssh(&self, host: &str, text: &str) -> Ran {
        let mut command = Command::new("ssh");
        command.arg("-F").arg(&self.config).args(["-l", "root", host, text]).stdin(Stdio::null());
        ran(&mut command)
    }

    /// Where a host is, and the key that logs in there: for inventories without `--lab`.
    pub fn address(&self, host: &str) -> (String, PathBuf, PathBuf) {
        let lab = fleet::lab::open(&self.name).unwrap().unwrap();
        (lab.host(host).unwrap().address.to_string(), lab.private_key.clone(), lab.known_hosts.clone())
    }

    /// The lab's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A project in a temporary directory: files by relative path.
pub struct Project(tempfile::TempDir);

impl Project {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let project = Self(tempfile::tempdir().expect("a temporary directory"));
        for (name, text) in files {
            project.write(name, text);
        }
        project
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("the directory is made");
        std::fs::write(path, text).expect("the file is written");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}
