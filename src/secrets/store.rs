//! Passwords in a file that is encrypted with the vault password: for machines without a keyring.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::{Fault, Password, Vault, fresh_salt};
use crate::base::Secret;

/// The file, by what the environment says: `$XDG_CONFIG_HOME/fleet/secrets.vault`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretFile(pub PathBuf);

impl SecretFile {
    /// The user's own; none where there is no home.
    pub fn of_user() -> Option<Self> {
        let set = |name: &str| std::env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
        let directory = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")))?;
        Some(Self(directory.join("fleet/secrets.vault")))
    }

    /// Whether it is there.
    pub fn exists(&self) -> bool {
        self.0.exists()
    }

    /// The passwords in it, by their names; none where there is no file.
    ///
    /// # Errors
    /// If it cannot be read or decrypted.
    pub fn read(&self, vault: &Vault) -> Result<BTreeMap<String, String>, Fault> {
        let bytes = match std::fs::read(&self.0) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(error) => return Err(self.unreadable(&error)),
        };
        let plain = vault.open(&bytes)?.plain;
        serde_json::from_slice(&plain).map_err(|_| Fault::Damaged("it holds no list of passwords"))
    }

    /// The password that opens it.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn password(&self, vault: &Vault) -> Result<Password, Fault> {
        let bytes = std::fs::read(&self.0).map_err(|error| self.unreadable(&error))?;
        Ok(vault.open(&bytes)?.password)
    }

    /// Replaces it; only its user can read it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, passwords: &BTreeMap<String, String>, password: &Password) -> Result<(), Fault> {
        let plain = serde_json::to_vec(passwords).map_err(|error| Fault::Failed(error.to_string()))?;
        let text = password.seal(&plain, Some(&password.id), &fresh_salt()?)?;
        let directory = self.0.parent().unwrap_or(Path::new("."));
        let beside = self.0.with_extension(format!("{}", std::process::id()));
        let written =
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).and_then(|()| {
                let mut file =
                    std::fs::File::options().write(true).create_new(true).mode(0o600).open(&beside)?;
                file.write_all(text.as_bytes())?;
                file.sync_all()?;
                std::fs::rename(&beside, &self.0)
            });
        written.map_err(|error| {
            let _ = std::fs::remove_file(&beside);
            Fault::Failed(format!("cannot write `{}`: {error}", self.0.display()))
        })
    }

    /// The password of a name.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn get(&self, name: &str, vault: &Vault) -> Result<Option<Secret>, Fault> {
        Ok(self.read(vault)?.remove(name).map(Secret::new))
    }

    fn unreadable(&self, error: &std::io::Error) -> Fault {
        Fault::Failed(format!("cannot read `{}`: {error}", self.0.display()))
    }
}
