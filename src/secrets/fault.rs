//! What can be wrong with vault texts and their passwords.

/// Why a vault text cannot be read or written. No message has a secret in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It has no header.
    #[error("this is not encrypted with vault")]
    NotSealed,
    /// Its header is wrong.
    #[error("the vault header is damaged: it is not `$ANSIBLE_VAULT;VERSION;CIPHER`")]
    Header,
    /// Another cipher.
    #[error("the vault cipher `{0}` is not supported (supported is `AES256`)")]
    Cipher(String),
    /// It is cut off, or has bytes that do not belong there.
    #[error("the vault text is damaged: {0}")]
    Damaged(&'static str),
    /// There is no password.
    #[error("no vault password is there")]
    NoPassword {
        /// The vault id in the header.
        id: Option<String>,
    },
    /// None of the passwords opens it: they are wrong, or it was altered (the two cannot be told apart).
    #[error("no vault password that was given decrypts it")]
    NoneFits {
        /// The vault id in the header.
        id: Option<String>,
        /// The ids whose passwords were tried.
        tried: Vec<String>,
    },
    /// What it holds is not text.
    #[error("what it holds is not UTF-8 text")]
    NotText,
    /// What is to be encrypted is encrypted already.
    #[error("input is already encrypted")]
    AlreadySealed,
    /// A password file, script or prompt gave no password.
    #[error("{message}")]
    Source {
        /// Why.
        message: String,
        /// In Ansible's words.
        told: String,
    },
    /// A file of passwords, or random numbers, cannot be read or written.
    #[error("{0}")]
    Failed(String),
}

impl Fault {
    /// In Ansible's words.
    pub fn told(&self) -> String {
        match self {
            Self::NotSealed => "Input is not vault encrypted data.".to_owned(),
            Self::Header => "Vault envelope format error: list index out of range".to_owned(),
            Self::Cipher(name) => format!("Cipher '{name}' could not be found."),
            Self::Damaged(_) => "Vault format unhexlify error: Non-hexadecimal digit found".to_owned(),
            Self::NoPassword { .. } => "Attempting to decrypt but no vault secrets found.".to_owned(),
            Self::NoneFits { .. } => {
                "Decryption failed (no vault secrets were found that could decrypt).".to_owned()
            }
            Self::Source { told, .. } => told.clone(),
            Self::NotText | Self::AlreadySealed | Self::Failed(_) => self.to_string(),
        }
    }

    /// A password that is not to be had, in both programs' words.
    pub(super) fn source(message: impl Into<String>, told: impl Into<String>) -> Self {
        Self::Source { message: message.into(), told: told.into() }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let id = |id: &Option<String>| match id.as_deref() {
            Some(id) => format!("it is encrypted with the vault id `{id}`"),
            None => "it is encrypted without a vault id".to_owned(),
        };
        let label = |id: &Option<String>| id.clone().unwrap_or_else(|| "default".to_owned());
        match self {
            Self::NoPassword { id: text } => Some(format!(
                "{}; give its password with `--vault-id {}@FILE`, `--vault-password-file` or `--ask-vault-pass`",
                id(text),
                label(text)
            )),
            Self::NoneFits { id: text, tried } if tried.is_empty() => Some(format!(
                "{}, and passwords of other ids are not tried (`vault_id_match`); give `--vault-id {}@FILE`",
                id(text),
                label(text)
            )),
            Self::NoneFits { id: text, tried } => Some(format!(
                "{}; tried the {} of `{}`: either none is right or the text was altered",
                id(text),
                if tried.len() == 1 { "password" } else { "passwords" },
                tried.join("`, `")
            )),
            _ => None,
        }
    }
}
