//! The options about vault passwords that all commands share, and where passwords come from.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use anyhow::Result;
use clap::Args;

use super::exit::{Exit, Worded};
use super::inventory::Manner;
use super::{prompt, scrubbed};
use crate::base::Secret;
use crate::config::{Config, Setting};
use crate::project::Project;
use crate::secrets::keyring::{self, KeyringFault};
use crate::secrets::{Ask, DEFAULT_ID, Fault, Found, Inputs, Name, Password, Purpose, SecretFile, Vault};

/// Options about vault passwords; names and letters are Ansible's.
#[derive(Clone, Debug, Default, Args)]
pub struct VaultOptions {
    /// A vault id and where its password comes from: `LABEL@FILE`, `LABEL@SCRIPT` or `LABEL@prompt`
    #[arg(long = "vault-id", value_name = "ID")]
    pub ids: Vec<String>,
    /// A file with the vault password, or an executable that prints it
    #[arg(long = "vault-password-file", alias = "vault-pass-file", value_name = "FILE")]
    pub password_files: Vec<String>,
    /// Ask for the vault password
    #[arg(
        short = 'J',
        long = "ask-vault-password",
        alias = "ask-vault-pass",
        conflicts_with = "password_files"
    )]
    pub ask: bool,
}

impl VaultOptions {
    /// These options over what is configured.
    ///
    /// # Errors
    /// A vault id with a character that it cannot have.
    pub fn over(self, configured: Inputs) -> Result<Inputs> {
        let Self { ids, password_files, ask } = self;
        if let Some(id) = ids.iter().find(|id| id.contains(';')) {
            let message = format!("`{id}` is not a valid vault id: `;` is not allowed in vault ids");
            let told =
                format!("'{id}' is not a valid vault id. The character ';' is not allowed in vault ids");
            return Err(Worded::options(message, told).into());
        }
        let ask = ask || (configured.ask && password_files.is_empty());
        Ok(Inputs { ids, password_files, ask, ..configured })
    }
}

/// What the configuration says about vault.
pub fn configured(config: &Config) -> Inputs {
    let text = |setting: &Setting<Option<String>>| setting.value.clone().filter(|text| !text.is_empty());
    Inputs {
        ids: Vec::new(),
        password_files: Vec::new(),
        ask: *config.ask_vault_pass,
        identity_list: config.vault_identity_list.value.clone(),
        password_file: config.vault_password_file.value.as_ref().map(|path| path.display().to_string()),
        identity: Some(config.vault_identity.value.clone()),
        id_match: *config.vault_id_match,
        encrypt_identity: text(&config.vault_encrypt_identity),
        encrypt_salt: text(&config.vault_encrypt_salt),
    }
}

/// The project, able to read what the passwords that were given open.
///
/// # Errors
/// If a password cannot be had.
pub fn project(options: VaultOptions, config: &Config, manner: Manner) -> Result<Arc<Project>> {
    let inputs = options.over(configured(config))?;
    let asking = Arc::new(Asking::default());
    let found = inputs.passwords(&inputs.identities(), Purpose::Read, &*asking).map_err(wrong)?;
    let passwords = some(found, manner)?;
    asking.given(&passwords);
    let vault = Vault::new(passwords, inputs.id_match).asking(asking);
    scrubbed::keep_out(vault.known(), manner);
    Ok(Arc::new(Project::with_vault(vault)))
}

/// The passwords that were found; those that are missing are told.
///
/// # Errors
/// If none of those that were named is there.
pub fn some(found: Found, manner: Manner) -> Result<Vec<Password>> {
    for missing in &found.missing {
        warn(&missing.to_string(), &missing.told(), manner);
    }
    found.some().map_err(wrong)
}

/// A warning, in the words of the manner.
pub fn warn(own: &str, told: &str, manner: Manner) {
    match manner {
        Manner::Fleet => super::exit::warn(own),
        Manner::Ansible => super::prepare::warn(told),
    }
}

/// A missing password is a matter of options, for fleet.
pub fn wrong(fault: Fault) -> anyhow::Error {
    let hint = fault.hint().map_or(String::new(), |hint| format!(" ({hint})"));
    let (own, told) = (format!("{fault}{hint}"), fault.told());
    Worded { own, exit: Exit::Usage, told, code: Exit::Error.code() }.into()
}

/// Asks on the terminal, the environment, the keyring and the encrypted file.
#[derive(Debug, Default)]
pub struct Asking {
    given: OnceLock<Vec<Password>>,
}

impl Asking {
    /// What can open the encrypted file: the passwords that were given.
    pub fn given(&self, passwords: &[Password]) {
        // there is one vault
        let _ = self.given.set(passwords.to_vec());
    }
}

impl Ask for Asking {
    fn terminal(&self, text: &str) -> Result<Secret, Fault> {
        prompt::ask(text).map_err(|error| {
            let ways = "set `FLEET_VAULT_PASSWORD`, give `--vault-password-file`, or keep it with `fleet secret set vault`";
            let message = format!("{error:#}: {ways}");
            Fault::Source { told: message.clone(), message }
        })
    }

    fn kept(&self, id: &str) -> Option<Secret> {
        kept(id).or_else(|| {
            let file = SecretFile::of_user().filter(|file| id != DEFAULT_ID && file.exists())?;
            let mut passwords = self.given.get().cloned().unwrap_or_default();
            passwords
                .extend(kept(DEFAULT_ID).map(|kept| Password::new(DEFAULT_ID, kept.reveal().as_bytes())));
            // what cannot be read is as good as empty: the text's own error follows
            file.get(Name::of_vault(id).as_str(), &Vault::new(passwords, false)).ok().flatten()
        })
    }
}

/// The password of a vault id, where the environment or the keyring has it. What is wrong with the keyring is said, and
/// it counts as empty.
pub fn kept(id: &str) -> Option<Secret> {
    let upper = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let variable = match id {
        DEFAULT_ID => "FLEET_VAULT_PASSWORD".to_owned(),
        id => format!("FLEET_VAULT_PASSWORD_{}", id.chars().map(upper).collect::<String>()),
    };
    let set = std::env::var(variable).ok().filter(|password| !password.is_empty()).map(Secret::new);
    set.or_else(|| {
        let name = Name::of_vault(id);
        keyring::get(name.as_str(), prompt::somebody()).unwrap_or_else(|fault| {
            tell(&fault);
            None
        })
    })
}

/// Says once what is wrong with the keyring; that there is none is nothing wrong.
pub fn tell(fault: &KeyringFault) {
    static TOLD: AtomicBool = AtomicBool::new(false);
    if !matches!(fault, KeyringFault::None(_)) && !TOLD.swap(true, Ordering::Relaxed) {
        super::exit::warn(&format!("{fault}; no password is taken from it"));
    }
}
