//! What is uploaded: fleet's own binary, or the one for another system that lies beside it.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;

use super::error::SessionError;
use crate::wire::action::hex;

/// Whether fleet's binary runs on any Linux of its architecture.
pub(super) fn is_static() -> bool {
    cfg!(target_feature = "crt-static")
}

/// What is said where it does not.
pub(super) const NOT_STATIC: &str = "this fleet is linked dynamically, so it may not run on other machines; build it \
                                     with `-C target-feature=+crt-static` (a `RUSTFLAGS` in the environment takes the \
                                     place of the repository's setting)";

/// One binary.
#[derive(Debug)]
pub(super) struct Payload {
    path: PathBuf,
    /// `fleet-VERSION-HASH`: the name on the host says what it is.
    pub(super) name: String,
    /// SHA-256 in hexadecimal.
    pub(super) sha256: String,
    /// `linux`, `x86_64`: what it runs on.
    system: (String, String),
    packed: OnceCell<Arc<Vec<u8>>>,
    plain: OnceCell<Arc<Vec<u8>>>,
}

impl Payload {
    fn read(path: &Path, system: (String, String)) -> Result<Self, SessionError> {
        let unreadable = |error: std::io::Error| unreadable(path, &error);
        let mut file = std::fs::File::open(path).map_err(unreadable)?;
        let mut digest = Sha256::new();
        let mut buffer = vec![0; 256 << 10];
        loop {
            match file.read(&mut buffer).map_err(unreadable)? {
                0 => break,
                count => digest.update(buffer.get(..count).unwrap_or_default()),
            }
        }
        let sha256 = hex(&digest.finalize());
        let name = format!("fleet-{}-{}", env!("CARGO_PKG_VERSION"), sha256.get(..16).unwrap_or(&sha256));
        Ok(Self {
            path: path.to_owned(),
            name,
            sha256,
            system,
            packed: OnceCell::new(),
            plain: OnceCell::new(),
        })
    }

    /// The bytes to send, compressed with gzip or not. They are made once in a run.
    pub(super) async fn bytes(&self, packed: bool) -> Result<Arc<Vec<u8>>, SessionError> {
        let cell = if packed { &self.packed } else { &self.plain };
        let make = || async {
            let path = self.path.clone();
            let made = tokio::task::spawn_blocking(move || {
                let bytes = std::fs::read(path)?;
                if !packed {
                    return Ok(bytes);
                }
                // a debug build is large, and is not sent far
                let level = flate2::Compression::new(if bytes.len() > (32 << 20) { 1 } else { 6 });
                let mut packer = flate2::write::GzEncoder::new(Vec::with_capacity(bytes.len() / 2), level);
                packer.write_all(&bytes)?;
                packer.finish()
            });
            let made = made.await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
            made.map(Arc::new).map_err(|error| unreadable(&self.path, &error))
        };
        cell.get_or_try_init(make).await.cloned()
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> SessionError {
    SessionError::PayloadRead { path: path.to_owned(), cause: error.to_string() }
}

/// All binaries that there are; they are read when the first host needs them.
#[derive(Debug)]
pub(super) struct Payloads {
    executable: Option<PathBuf>,
    all: OnceCell<Vec<Arc<Payload>>>,
}

impl Payloads {
    /// With an executable instead of the running one.
    pub(super) fn new(executable: Option<PathBuf>) -> Self {
        Self { executable, all: OnceCell::new() }
    }

    /// The path to start on this machine.
    pub(super) fn local(&self) -> PathBuf {
        let running = || std::env::current_exe().unwrap_or_else(|_| PathBuf::from("/proc/self/exe"));
        self.executable.clone().unwrap_or_else(running)
    }

    async fn all(&self) -> Result<&[Arc<Payload>], SessionError> {
        let read = || async {
            let own = self.executable.clone();
            let beside = self.local();
            let found = tokio::task::spawn_blocking(move || find(own, &beside)).await;
            found.unwrap_or_else(|error| Err(unreadable(&self.local(), &std::io::Error::other(error))))
        };
        Ok(self.all.get_or_try_init(read).await?)
    }

    /// The names that an upload may have on a host.
    pub(super) async fn names(&self) -> Result<Vec<String>, SessionError> {
        Ok(self.all().await?.iter().map(|payload| payload.name.clone()).collect())
    }

    /// The binary for a system, as `uname -sm` names it.
    pub(super) async fn for_system(&self, host: &str, system: &str) -> Result<Arc<Payload>, SessionError> {
        let wanted = names_of(system);
        let found = self.all().await?.iter().find(|payload| payload.system == wanted);
        found.cloned().ok_or_else(|| SessionError::NoPayload {
            host: host.to_owned(),
            system: system.to_owned(),
            wanted: format!("fleet-remote-{}-{}", wanted.0, wanted.1),
        })
    }
}

fn find(own: Option<PathBuf>, beside: &Path) -> Result<Vec<Arc<Payload>>, SessionError> {
    // The link leads to the running binary even if its file was replaced meanwhile.
    let running = PathBuf::from("/proc/self/exe");
    let own = own.unwrap_or_else(|| if running.exists() { running } else { beside.to_owned() });
    let here = (std::env::consts::OS.to_owned(), std::env::consts::ARCH.to_owned());
    let mut all = vec![Arc::new(Payload::read(&own, here.clone())?)];
    let Some(Ok(entries)) = beside.parent().map(std::fs::read_dir) else { return Ok(all) };
    let mut others: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    others.sort();
    for path in others {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let system = name.strip_prefix("fleet-remote-").and_then(|rest| rest.split_once('-'));
        if let Some((os, arch)) =
            system.filter(|(os, arch)| (*os, *arch) != (here.0.as_str(), here.1.as_str()))
        {
            all.push(Arc::new(Payload::read(&path, (os.to_owned(), arch.to_owned()))?));
        }
    }
    Ok(all)
}

/// `Linux x86_64` as Rust names the two.
fn names_of(system: &str) -> (String, String) {
    let (os, arch) = system.trim().split_once(' ').unwrap_or((system.trim(), ""));
    let arch = match arch {
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        "i386" | "i486" | "i586" | "i686" => "x86",
        "ppc64" | "ppc64le" => "powerpc64",
        other if other.starts_with("armv") => "arm",
        other => other,
    };
    let os = os.to_lowercase();
    (if os == "darwin" { "macos".to_owned() } else { os }, arch.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn own_and_foreign_binaries_are_found_by_system() {
        let directory = tempfile::tempdir().unwrap();
        let own = directory.path().join("fleet");
        std::fs::write(&own, "own").unwrap();
        std::fs::write(directory.path().join("fleet-remote-linux-sparc"), "foreign").unwrap();
        let payloads = Payloads::new(Some(own));
        let names = payloads.names().await.unwrap();
        assert_eq!(names.len(), 2);
        assert!(names[0].starts_with(&format!("fleet-{}-", env!("CARGO_PKG_VERSION"))));
        let here = rustix::system::uname();
        let here = format!("{} {}", here.sysname().to_string_lossy(), here.machine().to_string_lossy());
        let payload = payloads.for_system("web1", &here).await.unwrap();
        assert_eq!(*payload.bytes(false).await.unwrap(), b"own");
        let mut unpacked = String::new();
        let packed = payload.bytes(true).await.unwrap();
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut unpacked).unwrap();
        assert_eq!(unpacked, "own");
        assert_eq!(
            *payloads.for_system("web1", "Linux sparc").await.unwrap().bytes(false).await.unwrap(),
            b"foreign"
        );
        let error = payloads.for_system("web1", "Linux riscv64").await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "`web1` runs Linux riscv64, and there is no `fleet-remote-linux-riscv64` beside fleet"
        );
    }

    #[test]
    fn systems() {
        assert_eq!(names_of("Linux arm64"), ("linux".to_owned(), "aarch64".to_owned()));
        assert_eq!(names_of("Darwin x86_64\n"), ("macos".to_owned(), "x86_64".to_owned()));
        assert_eq!(names_of("Linux armv7l"), ("linux".to_owned(), "arm".to_owned()));
    }
}
