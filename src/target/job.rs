//! Jobs: programs that go on without the connection, and the files that tell of them.
//!
//! A job is started by writing its order into a private directory and starting `fleet remote job ORDER`: as a
//! transient unit of systemd where the user may, else as a process of a session of its own. That process takes the
//! order, carries it out, and writes what became of it beside its name, atomically.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, ExitCode, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::act::{act, path_of};
use super::cause;
use super::command;
use super::host::Host;
use super::places::make_private;
use super::remote;
use super::session::guarded;
use crate::wire::action::Bytes;
use crate::wire::{Action, Done, Failure, FailureKind, Job, JobRecord, Outcome, frame};

/// Contents that were sent ahead go into the order up to this many bytes.
const MOST_CONTENT: u64 = 16 << 20;

/// What the supervisor is told.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Order {
    job: Job,
    /// The file that tells of the job.
    file: ByteBuf,
    /// The session's environment.
    environment: BTreeMap<ByteBuf, ByteBuf>,
    /// The session's working directory.
    directory: Option<ByteBuf>,
}

/// Starts a job; one without actions has ended at once.
///
/// # Errors
/// Its files cannot be written, or no process can be started.
pub fn start(host: &mut Host, job: &Job) -> Outcome {
    let (order, file) = prepare(host, job)?;
    let done = Ok(Done::Started { file: file.to_string_lossy().into_owned() });
    if job.actions.is_empty() {
        let record = JobRecord { recipe: job.recipe.clone(), outcomes: Vec::new() };
        return ended(&file, &job.id, &record).and(done);
    }
    let told = write_private(&file, &running(&job.id));
    told.map_err(|error| cause::failed("cannot write", &file, &error))?;
    let path = host.places.jobs.join(&job.id);
    let launched = write_order(&path, &order).and_then(|()| launch(host.uid, &path, &job.id));
    if let Err(failure) = launched {
        let _ = fs::remove_file(&path);
        let _ = fs::remove_file(&file);
        return Err(failure);
    }
    done
}

/// The order for a job, and the file that will tell of it, in a directory that is there now.
fn prepare(host: &Host, job: &Job) -> Result<(Order, PathBuf), Failure> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if job.id.is_empty() || job.id.starts_with('.') || !job.id.chars().all(plain) {
        return Err(Failure::new(FailureKind::Other, format!("`{}` cannot be the name of a job", job.id)));
    }
    let directory = path_of(host, &job.directory)?;
    make_private(&directory)
        .map_err(|error| cause::failed("cannot make the directory", &directory, &error))?;
    let mut job = job.clone();
    for action in &mut job.actions {
        match action {
            Action::WriteFile { content, .. } => *content = in_frame(host, content)?,
            Action::Run(command) => {
                for (_, content) in &mut command.files {
                    *content = in_frame(host, content)?;
                }
            }
            _ => {}
        }
    }
    let file = directory.join(&job.id);
    let bytes = |text: &OsStr| ByteBuf::from(text.as_bytes().to_vec());
    let order = Order {
        job,
        file: bytes(file.as_os_str()),
        environment: std::env::vars_os().map(|(name, value)| (bytes(&name), bytes(&value))).collect(),
        directory: std::env::current_dir().ok().map(|directory| bytes(directory.as_os_str())),
    };
    Ok((order, file))
}

/// A content as part of the order: what was sent ahead is gone when the session ends.
fn in_frame(host: &Host, content: &Bytes) -> Result<Bytes, Failure> {
    match content {
        Bytes::Inline(_) | Bytes::OnHost { .. } => Ok(content.clone()),
        Bytes::Sent { size, .. } if *size > MOST_CONTENT => Err(Failure::new(
            FailureKind::Other,
            format!("a content of {size} bytes is too large for an asynchronous task"),
        )),
        Bytes::Sent { sha256, .. } => {
            let mut bytes = Vec::new();
            let read = host.contents.open(sha256)?.read_to_end(&mut bytes);
            read.map_err(|error| cause::failed("cannot read", Path::new(sha256), &error))?;
            Ok(Bytes::Inline(bytes))
        }
    }
}

fn write_order(path: &Path, order: &Order) -> Result<(), Failure> {
    let encoded = frame::encode(order);
    let encoded = encoded.map_err(|error| Failure::new(FailureKind::Other, error.to_string()))?;
    let directory = path.parent().unwrap_or(Path::new("/"));
    make_private(directory).map_err(|error| cause::failed("cannot make the directory", directory, &error))?;
    write_private(path, &encoded).map_err(|error| cause::failed("cannot write", path, &error))
}

/// Starts the supervisor where it outlives this session.
fn launch(uid: u32, order: &Path, id: &str) -> Result<(), Failure> {
    let failed = |error: &io::Error| {
        let message = format!("the job's supervisor cannot be started: {}", cause::words(error));
        Failure::new(FailureKind::Other, message)
    };
    let program = std::env::current_exe().map_err(|error| failed(&error))?;
    if let Some(manager) = manager(uid) {
        let unit = format!("--unit=fleet-job-{id}");
        let mut words = vec!["systemd-run", manager, "--quiet", "--collect", &unit];
        // what a job leaves running (a daemon) stays, as without systemd
        words.extend(["--property=KillMode=process", "--property=Type=exec", "--"]);
        let (program, order) = (program.to_string_lossy(), order.to_string_lossy());
        words.extend([&program, "remote", "job", "--enter", &order]);
        if command::quiet(&words, 20).is_ok_and(|output| output.status == 0) {
            return Ok(());
        }
    }
    let mut process = Process::new(&program);
    process.args(["remote", "job", "--detach"]).arg(order);
    process.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match process.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(failed(&io::Error::other("it ended at once"))),
        Err(error) => Err(failed(&error)),
    }
}

/// The systemd that keeps a unit of this user when the login session ends: the system's for root, the user's own where
/// it lingers.
fn manager(uid: u32) -> Option<&'static str> {
    if !Path::new("/run/systemd/system").is_dir() {
        return None;
    }
    if uid == 0 {
        return Some("--system");
    }
    let user = super::names::Names::new("/etc").user_name(uid)?;
    let lingers = Path::new("/var/lib/systemd/linger").join(user).exists();
    (lingers && std::env::var_os("XDG_RUNTIME_DIR").is_some()).then_some("--user")
}

/// `fleet remote job [--detach|--enter] ORDER`.
pub fn supervise(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    remote::note(libc::SIGHUP);
    let arguments: Vec<OsString> = arguments.collect();
    let words: Vec<&OsStr> = arguments.iter().map(OsString::as_os_str).collect();
    let done = match words.as_slice() {
        [flag, order] if *flag == "--detach" => detach(order),
        [flag, order] if *flag == "--enter" => enter(Path::new(order)),
        [order] => carry_out(Path::new(order)),
        _ => Err(io::Error::from(io::ErrorKind::InvalidInput)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "fleet remote job: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Starts the supervisor in a session of its own, as an orphan.
fn detach(order: &OsStr) -> io::Result<()> {
    rustix::process::setsid()?;
    let mut process = Process::new(std::env::current_exe()?);
    process.args(["remote", "job"]).arg(order);
    process.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    process.spawn().map(drop)
}

/// Goes on in the environment of the session that gave the order.
fn enter(order: &Path) -> io::Result<()> {
    let Order { job: _, file: _, environment, directory } = read_order(order)?;
    let mut process = Process::new(std::env::current_exe()?);
    process.args(["remote", "job"]).arg(order).env_clear();
    process.envs(environment.into_iter().map(|(name, value)| (os(name), os(value))));
    if let Some(directory) = directory {
        process.current_dir(os(directory));
    }
    Err(process.exec())
}

fn os(bytes: ByteBuf) -> OsString {
    OsString::from_vec(bytes.into_vec())
}

fn read_order(path: &Path) -> io::Result<Order> {
    let order = frame::read(&mut fs::File::open(path)?).map_err(io::Error::other)?;
    order.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

/// Takes an order and carries it out.
fn carry_out(path: &Path) -> io::Result<()> {
    let Order { job, file, environment: _, directory: _ } = read_order(path)?;
    fs::remove_file(path)?;
    let file = PathBuf::from(os(file));
    let mut host = Host::new(None);
    host.limits.deadline = Instant::now().checked_add(Duration::from_secs(job.seconds.into()));
    let outcomes = perform(&mut host, &job.actions);
    let told = match outcomes {
        Some(outcomes) => ended(&file, &job.id, &JobRecord { recipe: job.recipe, outcomes }),
        None => {
            write_private(&file, &timed_out()).map_err(|error| cause::failed("cannot write", &file, &error))
        }
    };
    told.map_err(io::Error::other)
}

/// Carries out actions up to the first failure; `None` when time ran out.
fn perform(host: &mut Host, actions: &[Action]) -> Option<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for action in actions {
        if host.limits.is_over() {
            return None;
        }
        host.names.refresh();
        host.units.forget();
        let outcome = guarded(|| act(host, action))
            .unwrap_or_else(|message| Err(Failure::new(FailureKind::Other, message)));
        let late = match &outcome {
            Ok(Done::Ran(output)) => output.timed_out,
            Err(failure) => failure.kind == FailureKind::Timeout,
            Ok(_) => false,
        };
        if late && host.limits.is_over() {
            return None;
        }
        let stops = outcome.is_err();
        outcomes.push(outcome);
        if stops {
            break;
        }
    }
    Some(outcomes)
}

/// As Ansible's file of a job that runs.
fn running(id: &str) -> Vec<u8> {
    let told = serde_json::json!({"started": true, "finished": false, "ansible_job_id": id});
    told.to_string().into_bytes()
}

/// As Ansible's file of a job whose time ran out.
fn timed_out() -> Vec<u8> {
    let told = serde_json::json!({
        "msg": "Timeout exceeded", "failed": true, "child_pid": std::process::id(),
    });
    told.to_string().into_bytes()
}

/// Tells that a job has ended, and how.
fn ended(file: &Path, id: &str, record: &JobRecord) -> Result<(), Failure> {
    let encoded = frame::encode(record).or_else(|_| {
        let message = "what the job gave is larger than may be kept";
        let outcomes = vec![Err(Failure::new(FailureKind::Other, message))];
        frame::encode(&JobRecord { recipe: record.recipe.clone(), outcomes })
    });
    let encoded = encoded.map_err(|error| Failure::new(FailureKind::Other, error.to_string()))?;
    let told = serde_json::json!({
        "started": true,
        "finished": true,
        "ansible_job_id": id,
        "fleet": base64::engine::general_purpose::STANDARD.encode(encoded),
    });
    write_private(file, told.to_string().as_bytes())
        .map_err(|error| cause::failed("cannot write", file, &error))
}

/// Writes a file that only its owner can read, atomically.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    let staged = PathBuf::from(name);
    let _ = fs::remove_file(&staged);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&staged)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&staged, path));
    if written.is_err() {
        let _ = fs::remove_file(&staged);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::places::Places;
    use crate::wire::Command;

    fn job(directory: &Path, seconds: u32, actions: Vec<Action>) -> Job {
        let directory = directory.join("async").display().to_string();
        Job { id: "j12.34".to_owned(), directory, seconds, actions, recipe: b"recipe".to_vec() }
    }

    fn told(file: &Path) -> serde_json::Value {
        serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
    }

    fn record(file: &Path) -> JobRecord {
        let told = told(file);
        assert_eq!((&told["finished"], &told["ansible_job_id"]), (&true.into(), &"j12.34".into()));
        let bytes = base64::engine::general_purpose::STANDARD.decode(told["fleet"].as_str().unwrap());
        frame::read(&mut bytes.unwrap().as_slice()).unwrap().unwrap()
    }

    /// Carries out a job as its supervisor would.
    fn carried_out(seconds: u32, actions: Vec<Action>) -> (tempfile::TempDir, PathBuf) {
        let room = tempfile::tempdir().unwrap();
        let host = Host::new(Some(Places::below(&room.path().join("own"))));
        let (order, file) = prepare(&host, &job(room.path(), seconds, actions)).unwrap();
        let path = host.places.jobs.join("order");
        write_order(&path, &order).unwrap();
        assert_eq!(read_order(&path).unwrap(), order);
        carry_out(&path).unwrap();
        assert!(!path.exists());
        (room, file)
    }

    #[test]
    fn what_became_of_a_job_is_told_up_to_the_first_failure() {
        let run = |text| Action::Run(Command::shell(text));
        let (_room, file) = carried_out(60, vec![run("echo one"), run("exit 3"), run("echo never")]);
        let JobRecord { recipe, outcomes } = record(&file);
        assert_eq!(recipe, b"recipe");
        let [Ok(Done::Ran(first)), Err(second)] = outcomes.as_slice() else { panic!("{outcomes:?}") };
        assert_eq!((first.stdout.as_slice(), second.kind), (&b"one\n"[..], FailureKind::Status));
        let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(&file).unwrap());
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn what_runs_too_long_is_killed_with_its_children() {
        let marker = tempfile::tempdir().unwrap();
        let child = marker.path().join("child");
        let text = format!("sleep 31 & echo $! > {}; sleep 30", child.display());
        let (_room, file) = carried_out(1, vec![Action::Run(Command::shell(text).may_fail())]);
        let told = told(&file);
        assert_eq!((&told["msg"], &told["failed"]), (&"Timeout exceeded".into(), &true.into()));
        assert!(told["child_pid"].is_u64() && told.get("finished").is_none());
        let child = fs::read_to_string(&child).unwrap();
        let state = fs::read_to_string(format!("/proc/{}/stat", child.trim())).unwrap_or_default();
        assert!(state.is_empty() || state.contains(") Z "), "its child goes on: {state}");
    }

    #[test]
    fn a_job_without_actions_has_ended_and_bad_names_are_refused() {
        let room = tempfile::tempdir().unwrap();
        let mut host = Host::new(Some(Places::below(&room.path().join("own"))));
        let Ok(Done::Started { file }) = start(&mut host, &job(room.path(), 5, Vec::new())) else { panic!() };
        assert_eq!(record(Path::new(&file)).outcomes, []);
        for id in ["", "../x", ".hidden", "a b"] {
            let job = Job { id: id.to_owned(), ..job(room.path(), 5, Vec::new()) };
            assert!(start(&mut host, &job).unwrap_err().message.contains("cannot be the name of a job"));
        }
    }
}
