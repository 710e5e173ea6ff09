//! One target, run to its end.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::environment::scratch;
use crate::package::environment;
use crate::program::fleet;
use crate::stage::{self, Layout};
use crate::target::{Place, Target};
use crate::world::{Host, INSIDE, World};

/// How long what a target has left behind may hold its output open.
const LINGER: Duration = Duration::from_secs(3);

/// What is run under ansible's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// fleet.
    Fleet,
    /// ansible-core itself: shows that the harness is right.
    Ansible,
}

/// How a target ended.
pub struct Ended {
    /// The exit code.
    pub code: i32,
    /// How many tasks ran.
    pub tasks: usize,
    /// Where the output is.
    pub log: PathBuf,
    /// The output.
    pub output: String,
}

/// Runs a target.
///
/// # Errors
/// If it cannot be started.
pub fn run(world: &World, target: &Target, program: Program) -> Result<Ended, String> {
    let work = tempfile::Builder::new().prefix("conform-").tempdir().map_err(|error| error.to_string())?;
    if target.place == Place::Inside {
        let host = world.take();
        host.become_controller()?;
        let layout = Layout {
            work: Path::new(INSIDE).join("work"),
            environment: Path::new(INSIDE).join("environment"),
            program: (program == Program::Fleet).then(|| Path::new(INSIDE).join("program/fleet")),
            testhost: &local(&Path::new(INSIDE).join("environment")),
            home: PathBuf::from("/root"),
        };
        stage::prepare(target, &layout, work.path())?;
        host.send(work.path(), &format!("{INSIDE}/work"))?;
        let text = format!("bash -c 'set -o pipefail; bash {INSIDE}/work/run.sh </dev/null 2>&1 | cat'");
        return end(host.command(&text), target, program);
    }
    let host = (target.place == Place::Ssh).then(|| world.take());
    let layout = Layout {
        work: work.path().to_owned(),
        environment: environment(),
        program: (program == Program::Fleet).then(|| PathBuf::from(fleet().get_program())),
        home: work.path().join("home"),
        testhost: &host.as_ref().map_or_else(|| Ok(local(&environment())), Host::testhost)?,
    };
    stage::prepare(target, &layout, work.path())?;
    let mut command = Command::new("bash");
    command.arg(work.path().join("run.sh"));
    end(command, target, program)
}

/// The variables of `testhost` where it is the controller.
fn local(environment: &Path) -> String {
    format!(
        "ansible_connection=local ansible_pipelining=yes ansible_python_interpreter={}",
        environment.join("bin/python").display()
    )
}

fn end(mut command: Command, target: &Target, program: Program) -> Result<Ended, String> {
    let (mut reader, writer) = std::io::pipe().map_err(|error| error.to_string())?;
    let errors = writer.try_clone().map_err(|error| error.to_string())?;
    command.stdin(Stdio::null()).stdout(writer).stderr(errors);
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    // else this process would hold the pipe open
    drop(command);
    let (send, received) = mpsc::channel();
    thread::spawn(move || {
        let mut buffer = vec![0; 65536];
        while let Ok(count @ 1..) = reader.read(&mut buffer) {
            if send.send(buffer.get(..count).unwrap_or_default().to_vec()).is_err() {
                break;
            }
        }
    });
    let status = child.wait().map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    while let Ok(more) = received.recv_timeout(LINGER) {
        bytes.extend(more);
    }
    let output = String::from_utf8_lossy(&bytes).into_owned();
    let log = scratch("conformance-logs").join(format!("{}.{program:?}.log", target.name).to_lowercase());
    let _ = fs::create_dir_all(scratch("conformance-logs"));
    fs::write(&log, &bytes).map_err(|error| format!("{}: {error}", log.display()))?;
    Ok(Ended { code: status.code().unwrap_or(-1), tasks: tasks(&output), log, output })
}

/// The sum of `ok=` over all recaps of an output.
fn tasks(output: &str) -> usize {
    let counted = output.split(": ok=").skip(1).map(|rest| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<usize>().unwrap_or_default()
    });
    counted.sum()
}
