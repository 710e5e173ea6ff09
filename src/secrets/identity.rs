//! Vault ids and where their passwords come from, in Ansible's order.

use super::{Fault, Password, source};
use crate::base::Secret;

/// The vault id of what has none.
pub const DEFAULT_ID: &str = "default";

/// The source that asks on the terminal.
const PROMPT: &str = "prompt";
/// The same with the words of `--ask-vault-pass`.
const PROMPT_ASK: &str = "prompt_ask_vault_pass";

/// What the command line and the configuration say about vault passwords.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Inputs {
    /// `--vault-id LABEL@SOURCE`, in their order.
    pub ids: Vec<String>,
    /// `--vault-password-file`, in their order.
    pub password_files: Vec<String>,
    /// `--ask-vault-pass`.
    pub ask: bool,
    /// The configured list (`vault_identity_list`, `ANSIBLE_VAULT_IDENTITY_LIST`): tried before [`Self::ids`].
    pub identity_list: Vec<String>,
    /// The configured file (`vault_password_file`, `ANSIBLE_VAULT_PASSWORD_FILE`): after [`Self::password_files`].
    pub password_file: Option<String>,
    /// The label of what has none (`vault_identity`, `ANSIBLE_VAULT_IDENTITY`); [`DEFAULT_ID`] where not set.
    pub identity: Option<String>,
    /// Whether only passwords of the same id are tried (`vault_id_match`, `ANSIBLE_VAULT_ID_MATCH`).
    pub id_match: bool,
    /// The id to encrypt with (`vault_encrypt_identity`, `ANSIBLE_VAULT_ENCRYPT_IDENTITY`).
    pub encrypt_identity: Option<String>,
    /// The salt to encrypt with, in place of a random one (`vault_encrypt_salt`, `ANSIBLE_VAULT_ENCRYPT_SALT`).
    pub encrypt_salt: Option<String>,
}

/// What passwords are wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To read: a prompt asks once.
    Read,
    /// To write something new: a prompt asks twice.
    Write,
    /// To replace another password: as to write, and no password that is kept elsewhere counts.
    Renew,
}

/// The passwords of identities.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Found {
    /// Those that are there.
    pub passwords: Vec<Password>,
    /// Those that are not: each is worth a warning.
    pub missing: Vec<Missing>,
}

impl Found {
    /// The passwords.
    ///
    /// # Errors
    /// If some were named and none is there.
    pub fn some(self) -> Result<Vec<Password>, Fault> {
        let Self { passwords, mut missing } = self;
        match missing.pop() {
            Some(Missing { fault, .. }) if passwords.is_empty() => Err(fault),
            _ => Ok(passwords),
        }
    }
}

/// A vault id without a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the password of the vault id `{id}` is missing: {fault}")]
pub struct Missing {
    /// The id.
    pub id: String,
    /// Why.
    pub fault: Fault,
}

impl Missing {
    /// In Ansible's words.
    pub fn told(&self) -> String {
        let Self { id, fault } = self;
        let told = fault.told();
        let looked = told.starts_with("The vault password file ");
        let what = if looked { "getting vault password file" } else { "in vault password file loading" };
        format!("Error {what} ({id}): {told}")
    }
}

/// A question on the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// The vault id whose password is wanted.
    pub id: String,
    /// The text of the question; the last one of two confirms the first.
    pub texts: Vec<String>,
}

/// Asks people, and other places that keep passwords.
pub trait Ask {
    /// The answer to one question on the terminal.
    ///
    /// # Errors
    /// If there is no terminal.
    fn terminal(&self, text: &str) -> Result<Secret, Fault>;
    /// The password of a vault id that is kept elsewhere: in the environment or the desktop's keyring.
    fn kept(&self, id: &str) -> Option<Secret>;
}

/// A vault id with the source of its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The label, where there is one.
    pub label: Option<String>,
    /// `prompt`, `prompt_ask_vault_pass`, or a path.
    pub source: String,
}

impl Identity {
    /// The one of `--ask-vault-pass`.
    pub fn ask(label: &str) -> Self {
        Self { label: Some(label.to_owned()), source: PROMPT_ASK.to_owned() }
    }

    /// Reads `LABEL@SOURCE` or `SOURCE`.
    pub fn parse(text: &str) -> Self {
        match text.split_once('@') {
            Some((label, source)) => {
                let label = Some(label.to_owned()).filter(|label| !label.is_empty());
                Self { label, source: source.to_owned() }
            }
            None => Self { label: None, source: text.to_owned() },
        }
    }
}

impl Inputs {
    /// The label of what has none.
    pub fn default_label(&self) -> &str {
        self.identity.as_deref().unwrap_or(DEFAULT_ID)
    }

    /// The identities in the order in which they are tried: the configured list, `--vault-id`, password files, the
    /// prompt.
    pub fn identities(&self) -> Vec<Identity> {
        let label = || Some(self.default_label().to_owned());
        let listed = self.identity_list.iter().chain(&self.ids).map(|text| Identity::parse(text));
        let files = self.password_files.iter().chain(&self.password_file);
        let files = files.map(|file| Identity { label: label(), source: file.clone() });
        let mut all: Vec<Identity> = listed.chain(files).collect();
        if self.ask {
            all.push(Identity::ask(self.default_label()));
        }
        all
    }

    /// The passwords of these identities.
    ///
    /// # Errors
    /// If a prompt cannot be answered.
    pub fn passwords(
        &self,
        identities: &[Identity],
        purpose: Purpose,
        ask: &dyn Ask,
    ) -> Result<Found, Fault> {
        let mut passwords: Vec<Password> = Vec::new();
        let mut missing = Vec::new();
        for Identity { label, source } in identities {
            let id = label.clone().unwrap_or_else(|| self.default_label().to_owned());
            let read = if source == PROMPT || source == PROMPT_ASK {
                Ok(asked(&prompt(&id, source, purpose), purpose, ask)?)
            } else {
                source::read(source, label.as_deref(), &passwords)
            };
            match read {
                Ok(bytes) => passwords.push(Password::new(id, bytes)),
                Err(fault) => missing.push(Missing { id, fault }),
            }
        }
        Ok(Found { passwords, missing })
    }
}

fn prompt(id: &str, source: &str, purpose: Purpose) -> Prompt {
    let texts = match (source == PROMPT_ASK, purpose) {
        (true, Purpose::Read) => vec!["Vault password: ".to_owned()],
        (true, Purpose::Write | Purpose::Renew) => {
            vec!["New Vault password: ".to_owned(), "Confirm New Vault password: ".to_owned()]
        }
        (false, Purpose::Read) => vec![format!("Vault password ({id}): ")],
        (false, Purpose::Write | Purpose::Renew) => {
            vec![format!("New vault password ({id}): "), format!("Confirm new vault password ({id}): ")]
        }
    };
    Prompt { id: id.to_owned(), texts }
}

fn asked(prompt: &Prompt, purpose: Purpose, ask: &dyn Ask) -> Result<Vec<u8>, Fault> {
    let Prompt { id, texts } = prompt;
    if purpose != Purpose::Renew
        && let Some(kept) = ask.kept(id)
    {
        return Ok(kept.reveal().as_bytes().to_vec());
    }
    let mut first: Option<Secret> = None;
    for text in texts {
        let answer = ask.terminal(text)?;
        if answer.reveal().trim().is_empty() {
            let message = format!("an empty password was given for the vault id `{id}`");
            return Err(Fault::source(message, "Invalid vault password was provided"));
        }
        if first.as_ref().is_some_and(|first| *first != answer) {
            return Err(Fault::source("the passwords do not match", "Passwords do not match"));
        }
        first = Some(answer);
    }
    Ok(first.map(|answer| answer.reveal().trim().as_bytes().to_vec()).unwrap_or_default())
}
