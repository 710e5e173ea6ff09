//! A throw-away sshd.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use russh::keys::key::safe_rng;
use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, PrivateKey};
use tempfile::TempDir;

use super::remote;
use crate::transport::{Connector, Destination, HostKeyChecking, Options};

/// An sshd with its files; ended when dropped.
pub(super) struct Server {
    pub(super) directory: TempDir,
    pub(super) port: u16,
    pub(super) host_key: PrivateKey,
    pub(super) user_key: PrivateKey,
    child: Child,
}

/// A port that nobody listens on just now.
pub(super) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A new key.
pub(super) fn new_key() -> PrivateKey {
    PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).unwrap()
}

/// Writes a private key as its owner would keep it.
pub(super) fn write_key(path: &Path, key: &PrivateKey) {
    std::fs::write(path, key.to_openssh(LineEnding::LF).unwrap().as_str()).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

impl Server {
    /// Starts one with further lines of configuration; `None`, and the reason printed, where that cannot be.
    pub(super) fn start(more: &str) -> Option<Self> {
        if !Path::new("/usr/sbin/sshd").exists() {
            println!("skipped: there is no /usr/sbin/sshd");
            return None;
        }
        if !rustix::process::geteuid().is_root() {
            println!("skipped: sshd wants root");
            return None;
        }
        std::fs::create_dir_all("/run/sshd").unwrap();
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        // other users run what is uploaded
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let (host_key, user_key) = (new_key(), new_key());
        write_key(&at("host_key"), &host_key);
        write_key(&at("user_key"), &user_key);
        std::fs::write(at("authorized_keys"), user_key.public_key().to_openssh().unwrap()).unwrap();
        let port = free_port();
        let config = format!(
            "{more}\nPort {port}\nListenAddress 127.0.0.1\nHostKey {0}/host_key\nAuthorizedKeysFile {0}/authorized_keys\n\
             PidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nLogLevel VERBOSE\n",
            directory.path().display()
        );
        std::fs::write(at("sshd_config"), config).unwrap();
        let child = Command::new("/usr/sbin/sshd")
            .args(["-D", "-f"])
            .arg(at("sshd_config"))
            .arg("-E")
            .arg(at("log"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { directory, port, host_key, user_key, child };
        let deadline = Instant::now() + Duration::from_secs(10);
        while !server.log().contains("Server listening") {
            assert!(Instant::now() < deadline, "sshd does not start: {}", server.log());
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(server)
    }

    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.at("log")).unwrap_or_default()
    }

    /// How often something stands in its log.
    pub(super) fn logged(&self, text: &str) -> usize {
        self.log().matches(text).count()
    }

    /// A destination that knows its key and has a key of its own.
    pub(super) fn destination(&self, name: &str) -> Destination {
        let known =
            format!("[127.0.0.1]:{} {}\n", self.port, self.host_key.public_key().to_openssh().unwrap());
        std::fs::write(self.at("known_hosts"), known).unwrap();
        std::fs::write(self.at("ssh_config"), "").unwrap();
        Destination {
            port: Some(self.port),
            user: Some("root".to_owned()),
            private_keys: vec![self.at("user_key")],
            host_key_checking: Some(HostKeyChecking::Strict),
            known_hosts: Some(self.at("known_hosts")),
            ssh_config: Some(self.at("ssh_config")),
            remote_tmp: Some(self.at("upload").display().to_string()),
            ..Destination::ssh(name, "127.0.0.1")
        }
    }

    /// A connector whose upload is the stand-in, and which has no agent.
    pub(super) fn connector(&self) -> Connector {
        Connector::new(self.options())
    }

    pub(super) fn options(&self) -> Options {
        let mut options = Options::new(remote::serve_local);
        options.executable = Some(remote::executable(self.directory.path(), 0));
        options.surroundings.agent = None;
        options.surroundings.home = self.at("home");
        options
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
