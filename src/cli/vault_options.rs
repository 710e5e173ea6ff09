//! The options about vault passwords that all commands share, and where passwords come from.

use std::sync::Arc;

use anyhow::Result;
use clap::Args;

use super::exit::WrongOptions;
use super::prompt;
use crate::base::Secret;
use crate::config::{Config, Setting};
use crate::project::Project;
use crate::secrets::{Ask, DEFAULT_ID, Fault, Inputs};

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
            return Err(WrongOptions(message).into());
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
pub fn project(options: VaultOptions, config: &Config) -> Result<Arc<Project>> {
    let inputs = options.over(configured(config))?;
    let (vault, warnings) = inputs.vault(Arc::new(Asking)).map_err(wrong)?;
    for warning in warnings {
        super::exit::warn(&warning.to_string());
    }
    Ok(Arc::new(Project::with_vault(vault)))
}

/// A missing password is a matter of options.
pub fn wrong(fault: Fault) -> anyhow::Error {
    let hint = fault.hint().map_or(String::new(), |hint| format!(" ({hint})"));
    WrongOptions(format!("{fault}{hint}")).into()
}

/// Asks on the terminal, and the environment.
#[derive(Clone, Copy, Debug)]
pub struct Asking;

impl Ask for Asking {
    fn terminal(&self, text: &str) -> Result<Secret, Fault> {
        prompt::ask(text).map_err(|error| Fault::Source(format!("{error:#}")))
    }

    fn kept(&self, id: &str) -> Option<Secret> {
        let name = match id {
            DEFAULT_ID => "FLEET_VAULT_PASSWORD".to_owned(),
            id => {
                let upper = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
                format!("FLEET_VAULT_PASSWORD_{}", id.chars().map(upper).collect::<String>())
            }
        };
        std::env::var(name).ok().filter(|password| !password.is_empty()).map(Secret::new)
    }
}
