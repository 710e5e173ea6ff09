//! `rekey`: the same contents with another password.

use anyhow::Result;
use clap::Args;

use super::{Common, EncryptWith, Manner, Mode, Writer, files, opened, passwords, reader};
use crate::config::Config;
use crate::secrets::{Inputs, Purpose};

#[derive(Debug, Args)]
pub(super) struct Rekey {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    encrypt: EncryptWith,
    /// The vault id with the new password, as `--vault-id`
    #[arg(long, value_name = "ID", conflicts_with = "new_vault_password_file")]
    new_vault_id: Option<String>,
    /// A file with the new password, or an executable that prints it
    #[arg(long, value_name = "FILE")]
    new_vault_password_file: Option<String>,
    /// The files
    #[arg(value_name = "FILE")]
    files: Vec<String>,
}

pub(super) fn run(args: Rekey, config: &Config, manner: Manner) -> Result<()> {
    let Rekey { common, encrypt, new_vault_id, new_vault_password_file, files } = args;
    let ask = common.vault.ask;
    let (vault, old) = reader(common, config, manner)?;
    let id = encrypt.id.or_else(|| old.encrypt_identity.clone());
    // as ansible-vault: the configured identities count where one of them is to encrypt
    let new = Inputs {
        ids: new_vault_id.into_iter().collect(),
        password_files: new_vault_password_file.into_iter().collect(),
        ask,
        identity_list: if id.is_some() { old.identity_list.clone() } else { Vec::new() },
        ..old
    };
    let writer = Writer::choose(passwords(&new, Purpose::Renew, manner)?, id.as_deref(), &new)?;
    for file in &files {
        let plain = opened(file, &vault, &files::absolute(file))?;
        files::write(file, writer.seal(&plain)?.as_bytes(), Mode::Kept)?;
    }
    Ok(())
}
