//! The desktop's keyring (the Secret Service on D-Bus). A locked one may ask its user and never answer, so every request
//! has a time-out, and it is asked to unlock itself only where somebody is there to do it; where there is none, it says so
//! at once.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use secret_service::blocking::{Item, SecretService};
use secret_service::{EncryptionType, Error};

use crate::base::Secret;

/// The attributes of all of fleet's passwords: those that other programs for keyrings use, too.
const SERVICE: (&str, &str) = ("service", "fleet");
/// The attribute with a password's name.
const NAME: &str = "username";

/// Who could unlock a keyring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Somebody {
    /// Somebody sits at the terminal.
    There,
    /// Nobody: a locked keyring is not waited for.
    Away,
}

impl Somebody {
    /// How long a question may take.
    fn patience(self) -> Duration {
        match self {
            Self::There => Duration::from_mins(1),
            Self::Away => Duration::from_secs(5),
        }
    }
}

/// Why the keyring gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringFault {
    /// There is none on this machine, or in this session.
    #[error("there is no keyring here: {0}")]
    None(String),
    /// It is locked, and nobody is there to unlock it.
    #[error("the keyring is locked")]
    Locked,
    /// It did not answer in time.
    #[error("the keyring does not answer: perhaps it is locked")]
    Silent,
    /// It refused.
    #[error("the keyring refused: {0}")]
    Refused(String),
}

impl From<Error> for KeyringFault {
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable => Self::None(error.to_string()),
            Error::Locked | Error::Prompt => Self::Locked,
            other => Self::Refused(other.to_string()),
        }
    }
}

/// Whether there is a bus that a keyring could be on.
fn has_bus() -> bool {
    let own = || {
        std::env::var_os("XDG_RUNTIME_DIR")
            .is_some_and(|directory| Path::new(&directory).join("bus").exists())
    };
    std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some_and(|address| !address.is_empty()) || own()
}

/// Asks the keyring, on a thread of its own: it may block for ever.
fn ask<T: Send + 'static>(
    somebody: Somebody,
    question: impl FnOnce(&SecretService<'_>) -> Result<T, KeyringFault> + Send + 'static,
) -> Result<T, KeyringFault> {
    // without a bus there is no keyring, and nothing has to be waited for
    if !has_bus() {
        return Err(KeyringFault::None("there is no session bus".to_owned()));
    }
    let (answer, answered) = mpsc::channel();
    std::thread::spawn(move || {
        let asked = match SecretService::connect(EncryptionType::Dh) {
            Ok(service) => question(&service),
            Err(error) => Err(KeyringFault::None(error.to_string())),
        };
        // whoever asked may have given up
        let _ = answer.send(asked);
    });
    answered.recv_timeout(somebody.patience()).unwrap_or(Err(KeyringFault::Silent))
}

fn attributes(name: Option<&str>) -> HashMap<&str, &str> {
    [SERVICE].into_iter().chain(name.map(|name| (NAME, name))).collect()
}

fn unlocked(item: &Item<'_>, somebody: Somebody) -> Result<(), KeyringFault> {
    if item.is_locked()? {
        if somebody == Somebody::Away {
            return Err(KeyringFault::Locked);
        }
        item.unlock()?;
    }
    Ok(())
}

fn password(item: &Item<'_>, somebody: Somebody) -> Result<Secret, KeyringFault> {
    unlocked(item, somebody)?;
    let text = String::from_utf8(item.get_secret()?);
    text.map(Secret::new).map_err(|_| KeyringFault::Refused("a password in it is not text".to_owned()))
}

/// The password that is kept under a name.
///
/// # Errors
/// If there is no keyring, it is locked, or it does not answer.
pub fn get(name: &str, somebody: Somebody) -> Result<Option<Secret>, KeyringFault> {
    let name = name.to_owned();
    ask(somebody, move |service| {
        let found = service.search_items(attributes(Some(&name)))?;
        found.unlocked.iter().chain(&found.locked).next().map(|item| password(item, somebody)).transpose()
    })
}

/// All passwords whose names are wanted, by name, in one question. A keyring that is locked matters only where it has one.
///
/// # Errors
/// As [`get`].
pub fn all(wanted: fn(&str) -> bool, somebody: Somebody) -> Result<BTreeMap<String, Secret>, KeyringFault> {
    ask(somebody, move |service| {
        let found = service.search_items(attributes(None))?;
        let mut passwords = BTreeMap::new();
        for item in found.unlocked.iter().chain(&found.locked) {
            if let Some(name) = item.get_attributes()?.remove(NAME).filter(|name| wanted(name)) {
                passwords.insert(name, password(item, somebody)?);
            }
        }
        Ok(passwords)
    })
}

/// Keeps a password under a name.
///
/// # Errors
/// As [`get`].
pub fn set(name: &str, password: &Secret, somebody: Somebody) -> Result<(), KeyringFault> {
    let (name, password) = (name.to_owned(), password.clone());
    ask(somebody, move |service| {
        let collection = match service.get_default_collection() {
            Ok(collection) => collection,
            // the one of the session would forget it
            Err(Error::NoResult) if somebody == Somebody::There => {
                service.create_collection("fleet", "default")?
            }
            Err(Error::NoResult) => {
                return Err(KeyringFault::None("nobody has made a keyring yet".to_owned()));
            }
            Err(error) => return Err(error.into()),
        };
        if collection.is_locked()? {
            if somebody == Somebody::Away {
                return Err(KeyringFault::Locked);
            }
            collection.unlock()?;
        }
        let label = format!("fleet: {name}");
        let bytes = password.reveal().as_bytes();
        collection.create_item(&label, attributes(Some(&name)), bytes, true, "text/plain")?;
        Ok(())
    })
}

/// Forgets a password. Returns whether there was one.
///
/// # Errors
/// As [`get`].
pub fn remove(name: &str, somebody: Somebody) -> Result<bool, KeyringFault> {
    let name = name.to_owned();
    ask(somebody, move |service| {
        let found = service.search_items(attributes(Some(&name)))?;
        let mut gone = false;
        for item in found.unlocked.iter().chain(&found.locked) {
            unlocked(item, somebody)?;
            item.delete()?;
            gone = true;
        }
        Ok(gone)
    })
}

/// The names under which passwords are kept; a keyring that is locked tells them, too.
///
/// # Errors
/// As [`get`].
pub fn names() -> Result<Vec<String>, KeyringFault> {
    ask(Somebody::Away, |service| {
        let found = service.search_items(attributes(None))?;
        let mut names = Vec::new();
        for item in found.unlocked.iter().chain(&found.locked) {
            names.extend(item.get_attributes()?.remove(NAME));
        }
        names.sort();
        names.dedup();
        Ok(names)
    })
}
