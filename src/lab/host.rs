//! One host: its disk, its own files, its start, and the wait until it answers.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::SSH_PORT;
use super::apt::Access;
use super::command::{command, run};
use super::error::{LabError, Result};
use super::mounts;
use super::names;
use super::processes::{self, MARK, SUPERVISE};
use super::resolver::Resolver;
use super::state::{HostDirectory, HostState, LabDirectory, State};

/// The login user's number in the base.
const LOGIN_UID: u32 = 1000;

/// His keys; `LOGIN_USER` is the folder.
const LOGIN_KEYS: &str = "home/fleet/.ssh/authorized_keys";

/// The lines that mark the lab's part of a host's `/etc/hosts`.
const HOSTS_BEGIN: &str = "# the lab's hosts: begin";
const HOSTS_END: &str = "# the lab's hosts: end";

/// What all hosts of a lab have in common.
pub(super) struct Common<'a> {
    pub state: &'a State,
    pub directory: &'a LabDirectory,
    pub access: &'a Access,
    pub resolver: &'a Resolver,
    /// The packet size that reaches the outside, in bytes.
    pub mtu: Option<u32>,
    /// The public half of the lab's key, with its newline.
    pub authorized_key: &'a str,
    /// The program that supervises: fleet.
    pub supervisor: &'a Path,
    pub boot_timeout: Duration,
}

/// A file that makes a host the one it is.
#[derive(Debug, PartialEq, Eq)]
struct OwnFile {
    path: &'static str,
    mode: u32,
    owner: u32,
    content: String,
}

/// Boots the host and returns when its sshd answers.
pub(super) fn boot(common: &Common<'_>, host: &HostState) -> Result<()> {
    let directory = common.directory.host(&host.name);
    // Half a host, left by a crash: a supervisor without its host, or the reverse.
    processes::end(directory.path())?;
    make_root(&directory, &common.state.base)?;
    prepare(common, &directory, host)?;
    let mut supervisor = start(common, &directory, host)?;
    let answer = wait_for_sshd(common, &directory, host, &mut || {
        let status = supervisor.try_wait().ok().flatten()?;
        Some(format!("it ended while it was booted ({status})"))
    });
    // Whoever ends first: it must not stay a zombie of a long run of this process.
    std::thread::spawn(move || supervisor.wait());
    answer
}

/// Mounts the host's disk.
fn make_root(directory: &HostDirectory, base: &Path) -> Result<()> {
    let (upper, work, root) = (directory.upper(), directory.work(), directory.root());
    for path in [&upper, &work, &root] {
        fs::create_dir_all(path).map_err(LabError::because(format!("cannot make `{}`", path.display())))?;
    }
    if mounts::is_mounted(&root)? {
        return Ok(());
    }
    // The upper directory's mode is the host's `/`'s.
    fs::set_permissions(&upper, fs::Permissions::from_mode(0o755))
        .map_err(LabError::because(format!("cannot change the mode of `{}`", upper.display())))?;
    mounts::overlay(base, &upper, &work, &root)
}

/// Writes the host's own files, once.
fn prepare(common: &Common<'_>, directory: &HostDirectory, host: &HostState) -> Result<()> {
    if directory.prepared().exists() {
        return write_hosts(common.directory, common.state, host);
    }
    let key = directory.host_key();
    if !directory.host_key_public().exists() {
        make_key(&key, &format!("root@{}", host.name))?;
    }
    let read = |path: &Path| {
        fs::read_to_string(path).map_err(LabError::because(format!("cannot read `{}`", path.display())))
    };
    let identity = Identity {
        host_key: read(&key)?,
        host_key_public: read(&directory.host_key_public())?,
        machine_id: machine_id()?,
    };
    for file in own_files(common, host, &identity) {
        write_own(&directory.root(), &file)?;
    }
    write_hosts(common.directory, common.state, host)?;
    fs::write(directory.prepared(), "")
        .map_err(LabError::because(format!("cannot write `{}`", directory.prepared().display())))
}

/// What only this host has.
struct Identity {
    host_key: String,
    host_key_public: String,
    machine_id: String,
}

fn own_files(common: &Common<'_>, host: &HostState, identity: &Identity) -> Vec<OwnFile> {
    let Common { state, directory: _, access, resolver, mtu, authorized_key, supervisor: _, boot_timeout: _ } =
        common;
    let Identity { host_key, host_key_public, machine_id } = identity;
    let gateway = state.gateway();
    let file = |path, mode, content: &str| OwnFile { path, mode, owner: 0, content: content.to_string() };
    let login =
        |path, mode, content: &str| OwnFile { path, mode, owner: LOGIN_UID, content: content.to_string() };
    let link = mtu.map_or_else(String::new, |mtu| format!("[Link]\nMTUBytes={mtu}\n"));
    // Sorts before Debian's `80-container-host0.network`, which would ask for an address.
    let network = format!(
        "[Match]\nName=host0\n{link}[Network]\nAddress={}/24\nGateway={gateway}\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n",
        host.address
    );
    vec![
        file("etc/hostname", 0o644, &format!("{}\n", names::host_label(&host.name))),
        file("etc/machine-id", 0o444, &format!("{machine_id}\n")),
        file("etc/resolv.conf", 0o644, &resolver.resolv_conf(gateway)),
        file("etc/systemd/network/10-host0.network", 0o644, &network),
        file("etc/apt/apt.conf.d/90lab", 0o644, &access.apt_conf),
        file("etc/environment", 0o644, &access.environment),
        file("etc/ssh/ssh_host_ed25519_key", 0o600, host_key),
        file("etc/ssh/ssh_host_ed25519_key.pub", 0o644, host_key_public),
        file("root/.ssh/authorized_keys", 0o600, authorized_key),
        login(LOGIN_KEYS, 0o600, authorized_key),
    ]
}

fn write_own(root: &Path, file: &OwnFile) -> Result<()> {
    let OwnFile { path, mode, owner, content } = file;
    let path = root.join(path);
    let failed = || format!("cannot write `{}`", path.display());
    if let Some(parent) = path.parent()
        && !parent.exists()
    {
        // Only `.ssh` is missing from a base.
        fs::create_dir(parent)
            .and_then(|()| fs::set_permissions(parent, fs::Permissions::from_mode(0o700)))
            .and_then(|()| chown(parent, Some(*owner), Some(*owner)))
            .map_err(LabError::because(failed()))?;
    }
    replace_inside(&path, content, *mode, *owner).map_err(LabError::because(failed()))
}

/// Replaces a file in a host's tree. It is renamed into place, so a link there is replaced and never followed: it
/// could lead out of the host.
fn replace_inside(path: &Path, content: &str, mode: u32, owner: u32) -> std::io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".lab-new");
    let new = path.with_file_name(name);
    match fs::remove_file(&new) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::File::options().write(true).create_new(true).mode(mode).open(&new)?;
    file.write_all(content.as_bytes())?;
    fs::set_permissions(&new, fs::Permissions::from_mode(mode))?;
    chown(&new, Some(owner), Some(owner))?;
    fs::rename(&new, path)
}

/// Brings the lab's part of a host's `/etc/hosts` up to date, if the host's disk is mounted.
pub(super) fn write_hosts(lab: &LabDirectory, state: &State, host: &HostState) -> Result<()> {
    let directory = lab.host(&host.name);
    let path = directory.root().join("etc/hosts");
    let failed = || format!("cannot write `{}`", path.display());
    let old = match fs::symlink_metadata(&path) {
        Ok(data) if data.is_file() => fs::read_to_string(&path).map_err(LabError::because(failed()))?,
        _ => String::new(),
    };
    let new = hosts_file(&old, &state.hosts);
    if new == old {
        return Ok(());
    }
    replace_inside(&path, &new, 0o644, 0).map_err(LabError::because(failed()))
}

/// The file with the lab's part replaced or added; what else is in it stays as it is.
fn hosts_file(old: &str, hosts: &[HostState]) -> String {
    let block = format!("{HOSTS_BEGIN}\n{}{HOSTS_END}\n", host_lines(hosts));
    if let Some((before, rest)) = old.split_once(&format!("{HOSTS_BEGIN}\n"))
        && let Some((_, after)) = rest.split_once(&format!("{HOSTS_END}\n"))
    {
        return format!("{before}{block}{after}");
    }
    let old = if old.trim().is_empty() {
        "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"
    } else {
        old
    };
    let newline = if old.ends_with('\n') { "" } else { "\n" };
    format!("{old}{newline}{block}")
}

/// `ADDRESS NAME [SHORT NAME]`, each name for one host only.
fn host_lines(hosts: &[HostState]) -> String {
    let mut given: Vec<String> = hosts.iter().map(|host| host.name.to_ascii_lowercase()).collect();
    let mut lines = String::new();
    for HostState { name, address } in hosts {
        let mut words = vec![address.to_string()];
        if name.parse::<Ipv4Addr>().is_err() {
            words.push(name.clone());
        }
        let label = names::host_label(name);
        if !given.contains(&label) {
            words.push(label.clone());
            given.push(label);
        }
        if words.len() > 1 {
            lines.extend([words.join(" "), "\n".to_string()]);
        }
    }
    lines
}

/// Makes an Ed25519 key pair without a passphrase.
pub(super) fn make_key(path: &Path, comment: &str) -> Result<()> {
    let public = PathBuf::from(format!("{}.pub", path.display()));
    // ssh-keygen asks before it replaces the half that a crash left.
    for half in [path, &public] {
        let _ = fs::remove_file(half);
    }
    let mut keygen = command("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f"])?;
    keygen.arg(path);
    run(keygen).map(drop)
}

/// A new machine's number (machine-id(5)).
fn machine_id() -> Result<String> {
    let path = "/proc/sys/kernel/random/uuid";
    let uuid = fs::read_to_string(path).map_err(LabError::because(format!("cannot read `{path}`")))?;
    Ok(uuid.trim().replace('-', ""))
}

/// Starts the host's supervisor: fleet itself, in a session of its own, which outlives this process.
fn start(common: &Common<'_>, directory: &HostDirectory, host: &HostState) -> Result<Child> {
    let log = directory.log();
    let failed = || format!("cannot open `{}`", log.display());
    let output =
        fs::File::options().create(true).append(true).open(&log).map_err(LabError::because(failed()))?;
    let errors = output.try_clone().map_err(LabError::because(failed()))?;
    Command::new(common.supervisor)
        .args(["lab", SUPERVISE, &common.state.name, &host.name])
        .env(MARK, directory.path())
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .spawn()
        .map_err(LabError::because(format!("cannot start `{}`", common.supervisor.display())))
}

/// Waits for a host that runs already, started by another process.
pub(super) fn wait_for_running(common: &Common<'_>, host: &HostState) -> Result<()> {
    let directory = common.directory.host(&host.name);
    wait_for_sshd(common, &directory, host, &mut || {
        (!processes::is_up(directory.path())).then(|| "it ended while it was waited for".to_string())
    })
}

/// Waits until the host's sshd answers, or `ended` says how the host ended.
fn wait_for_sshd(
    common: &Common<'_>,
    directory: &HostDirectory,
    host: &HostState,
    ended: &mut dyn FnMut() -> Option<String>,
) -> Result<()> {
    let deadline = Instant::now() + common.boot_timeout;
    let address = SocketAddr::from((host.address, SSH_PORT));
    while !answers(address) {
        let seconds = common.boot_timeout.as_secs();
        let late = || format!("its sshd did not answer at {address} within {seconds} s");
        if let Some(failure) = ended().or_else(|| (Instant::now() > deadline).then(late)) {
            return Err(LabError::new(failure).with_log(&directory.log()));
        }
        sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Whether an SSH server greets there (RFC 4253 §4.2).
pub(super) fn answers(address: SocketAddr) -> bool {
    let timeout = Duration::from_secs(1);
    let mut greeting = [0; 4];
    TcpStream::connect_timeout(&address, timeout)
        .and_then(|mut stream| {
            stream.set_read_timeout(Some(timeout))?;
            stream.read_exact(&mut greeting)
        })
        .is_ok_and(|()| greeting == *b"SSH-")
}

#[cfg(test)]
#[path = "host_tests.rs"]
mod tests;
