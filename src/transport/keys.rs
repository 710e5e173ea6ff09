//! Private keys from files: read and decrypted once in a run, whatever the number of hosts.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use russh::keys::{self, Certificate, PrivateKey, PublicKey};
use tokio::sync::OnceCell;

use crate::base::Secret;

/// Why a key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum KeyProblem {
    #[error("there is no such file")]
    Missing,
    #[error("it is encrypted; add it to the agent, or set `ansible_ssh_private_key_passphrase`")]
    Encrypted,
    #[error("its passphrase is wrong")]
    Passphrase,
    #[error("others can read it (mode {0:04o}); it is not used")]
    Unprotected(u32),
    #[error("{0}")]
    Unreadable(String),
}

type Loaded = Result<Arc<PrivateKey>, KeyProblem>;

/// The keys that were read.
#[derive(Debug, Default)]
pub(super) struct Keys(Mutex<HashMap<Name, Arc<OnceCell<Loaded>>>>);

/// A key's path and the passphrase that is tried.
type Name = (PathBuf, Option<Secret>);

impl Keys {
    /// The private key in a file. Decrypting takes a tenth of a second of one processor.
    pub(super) async fn private(&self, path: &Path, passphrase: Option<&Secret>) -> Loaded {
        let name = (path.to_path_buf(), passphrase.cloned());
        let cell = Arc::clone(
            self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(name.clone()).or_default(),
        );
        let load = || async move {
            let loaded = tokio::task::spawn_blocking(move || load(&name.0, name.1.as_ref())).await;
            loaded.unwrap_or_else(|error| Err(KeyProblem::Unreadable(error.to_string())))
        };
        cell.get_or_init(load).await.clone()
    }
}

fn load(path: &Path, passphrase: Option<&Secret>) -> Loaded {
    let unreadable = |error: String| KeyProblem::Unreadable(error);
    let about = match std::fs::metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(KeyProblem::Missing),
        Err(error) => return Err(unreadable(error.to_string())),
    };
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    if !text.contains("PRIVATE KEY") {
        return Err(unreadable("it is not a private key".to_owned()));
    }
    // as OpenSSH: only the owner of a key can be careless with it
    if about.uid() == rustix::process::getuid().as_raw() && about.mode() & 0o077 != 0 {
        return Err(KeyProblem::Unprotected(about.mode() & 0o7777));
    }
    match keys::decode_secret_key(&text, None) {
        Ok(key) if !key.is_encrypted() => return Ok(Arc::new(key)),
        Ok(_) | Err(keys::Error::KeyIsEncrypted) => {}
        Err(error) => return Err(unreadable(error.to_string())),
    }
    let Some(passphrase) = passphrase else { return Err(KeyProblem::Encrypted) };
    match keys::decode_secret_key(&text, Some(passphrase.reveal())) {
        Ok(key) if !key.is_encrypted() => Ok(Arc::new(key)),
        _ => Err(KeyProblem::Passphrase),
    }
}

/// The public half of a key file: what stands beside it as `.pub`, or in it in the clear.
pub(super) fn public(path: &Path) -> Option<PublicKey> {
    let beside = PathBuf::from(format!("{}.pub", path.display()));
    let from_text = |path: &Path| keys::load_public_key(path).ok();
    let from_private = || PrivateKey::read_openssh_file(path).ok().map(|key| key.public_key().clone());
    from_text(&beside).or_else(from_private).or_else(|| from_text(path))
}

/// The certificate that stands beside a key file as `-cert.pub`.
pub(super) fn certificate_beside(path: &Path) -> Option<Certificate> {
    keys::load_openssh_certificate(format!("{}-cert.pub", path.display())).ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use russh::keys::Algorithm;
    use russh::keys::key::safe_rng;
    use russh::keys::ssh_key::LineEnding;

    use super::*;

    #[tokio::test]
    async fn plain_encrypted_unprotected_and_missing_keys() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, key: &PrivateKey, mode: u32| {
            let path = directory.path().join(name);
            std::fs::write(&path, key.to_openssh(LineEnding::LF).unwrap().as_str()).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            path
        };
        let key = PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).unwrap();
        let locked = key.encrypt(&mut safe_rng(), "open sesame").unwrap();
        let (plain, encrypted) = (write("plain", &key, 0o600), write("locked", &locked, 0o600));
        let open = write("open", &key, 0o644);
        let keys = Keys::default();
        assert_eq!(keys.private(&plain, None).await.unwrap().public_key(), key.public_key());
        assert_eq!(keys.private(&encrypted, None).await, Err(KeyProblem::Encrypted));
        let (right, wrong) = (Secret::new("open sesame"), Secret::new("wrong"));
        assert!(keys.private(&encrypted, Some(&right)).await.is_ok());
        assert_eq!(keys.private(&encrypted, Some(&wrong)).await, Err(KeyProblem::Passphrase));
        assert_eq!(keys.private(&open, None).await, Err(KeyProblem::Unprotected(0o644)));
        assert_eq!(keys.private(&directory.path().join("none"), None).await, Err(KeyProblem::Missing));
        assert_eq!(public(&encrypted).unwrap().key_data(), key.public_key().key_data());
    }
}
