//! `fleet secret`: keeps passwords in the desktop's keyring, or in a file that is encrypted with the vault password; and
//! finds them again where a run needs one.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};

use super::exit::{Exit, WrongOptions};
use super::inventory::Manner;
use super::vault_options::{self, Asking, VaultOptions, wrong};
use super::{prompt, scrubbed};
use crate::base::Secret;
use crate::project::Project;
use crate::secrets::keyring::{self, KeyringFault};
use crate::secrets::{DEFAULT_ID, Name, Password, Purpose, SecretFile, Vault};

/// Arguments of `fleet secret`.
#[derive(Debug, Args)]
pub struct SecretArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Keep a password, asked for or read from standard input
    Set(Named),
    /// Print a password that is kept
    Get(Named),
    /// Forget a password
    Rm(Named),
    /// List the names of the passwords that are kept
    Ls(Where),
}

#[derive(Debug, Args)]
struct Named {
    /// `ssh` or `become`, of one host (`ssh/HOST`), of one login user (`ssh/USER@`), of both (`ssh/USER@HOST`); `vault`, or
    /// `vault/ID` for the vault id `ID`
    #[arg(value_name = "NAME", value_parser = Name::parse)]
    name: Name,
    #[command(flatten)]
    place: Where,
}

#[derive(Debug, Args)]
struct Where {
    /// Use the encrypted file, even where there is a keyring
    #[arg(long)]
    file: bool,
    #[command(flatten)]
    vault: VaultOptions,
}

/// Runs `fleet secret`.
pub fn run(args: SecretArgs) -> Result<Exit> {
    match args.action {
        Action::Set(Named { name, place }) => set(&name, place)?,
        Action::Get(Named { name, place }) => {
            let found = if place.file { Ok(None) } else { keyring::get(name.as_str(), prompt::somebody()) };
            let secret = match (found, SecretFile::of_user().filter(SecretFile::exists)) {
                (Ok(Some(found)), _) => Some(found),
                (_, Some(file)) => file.get(name.as_str(), &*place.vault()?).map_err(wrong)?,
                (Err(fault), None) if !matches!(fault, KeyringFault::None(_)) => return Err(fault.into()),
                (_, None) => None,
            };
            let Some(secret) = secret else { bail!("no password is kept under `{name}`") };
            writeln!(std::io::stdout(), "{}", secret.reveal()).context("cannot write")?;
        }
        Action::Rm(Named { name, place }) => remove(&name, &place)?,
        Action::Ls(place) => list(&place)?,
    }
    Ok(Exit::Fine)
}

fn set(name: &Name, place: Where) -> Result<()> {
    let secret = if std::io::stdin().is_terminal() {
        let first = prompt::ask(&format!("Password ({name}): "))?;
        if first != prompt::ask(&format!("Confirm password ({name}): "))? {
            return Err(WrongOptions("the passwords do not match".to_owned()).into());
        }
        first
    } else {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).context("cannot read standard input")?;
        Secret::new(line.trim_end_matches(['\r', '\n']))
    };
    if secret.reveal().is_empty() {
        return Err(WrongOptions("the password is empty".to_owned()).into());
    }
    let reason = if place.file {
        String::new()
    } else {
        match keyring::set(name.as_str(), &secret, prompt::somebody()) {
            Ok(()) => return Ok(()),
            Err(fault @ KeyringFault::None(_)) => format!(" ({fault})"),
            Err(fault) => {
                return Err(anyhow::Error::from(fault))
                    .context("it is not kept (`--file` keeps it in a file)");
            }
        }
    };
    let file = SecretFile::of_user().context("there is no home directory to keep it in")?;
    if *name == Name::of_vault(DEFAULT_ID) {
        bail!("the vault password cannot be kept in the file that it encrypts{reason}");
    }
    let (vault, password) = place.to_write(&file)?;
    let mut all = file.read(&vault).map_err(wrong)?;
    all.insert(name.to_string(), secret.reveal().to_owned());
    file.write(&all, &password).map_err(wrong)?;
    say(&format!("kept in `{}`{reason}", file.0.display()))
}

fn remove(name: &Name, place: &Where) -> Result<()> {
    let mut gone = if place.file { Ok(false) } else { keyring::remove(name.as_str(), prompt::somebody()) };
    if let Some(file) = SecretFile::of_user().filter(SecretFile::exists) {
        let (vault, password) = place.to_write(&file)?;
        let mut all = file.read(&vault).map_err(wrong)?;
        if all.remove(name.as_str()).is_some() {
            file.write(&all, &password).map_err(wrong)?;
            gone = Ok(true);
        }
    }
    match gone {
        Ok(true) => Ok(()),
        Ok(false) | Err(KeyringFault::None(_)) => bail!("no password is kept under `{name}`"),
        Err(fault) => Err(fault.into()),
    }
}

fn list(place: &Where) -> Result<()> {
    let listed = if place.file { Ok(Vec::new()) } else { keyring::names() };
    let mut out = std::io::stdout().lock();
    match listed {
        Ok(names) => {
            for name in names {
                writeln!(out, "{name}\tkeyring").context("cannot write")?;
            }
        }
        Err(KeyringFault::None(_)) => {}
        Err(fault) => return Err(fault.into()),
    }
    if let Some(file) = SecretFile::of_user().filter(SecretFile::exists) {
        for name in file.read(&*place.vault()?).map_err(wrong)?.keys() {
            writeln!(out, "{name}\t{}", file.0.display()).context("cannot write")?;
        }
    }
    Ok(())
}

fn say(text: &str) -> Result<()> {
    writeln!(scrubbed::stderr(), "{text}").context("cannot write")
}

impl Where {
    /// The vault that the options and the configuration give.
    fn vault(&self) -> Result<Arc<Vault>> {
        let (config, _) = super::configuration::read(&Project::new())?;
        Ok(Arc::clone(vault_options::project(self.vault.clone(), &config, Manner::Fleet)?.vault()))
    }

    /// The same to change the file with, and the password that encrypts it: the one that has opened it; for a new file the
    /// first that is given, or what is kept for the default id.
    fn to_write(&self, file: &SecretFile) -> Result<(Arc<Vault>, Password)> {
        if file.exists() {
            let vault = self.vault()?;
            let password = file.password(&vault).map_err(wrong)?;
            return Ok((vault, password));
        }
        let (config, _) = super::configuration::read(&Project::new())?;
        let inputs = self.vault.clone().over(vault_options::configured(&config))?;
        // what is typed for a new file is typed twice
        let identities = inputs.identities();
        let found = inputs.passwords(&identities, Purpose::Write, &Asking::default()).map_err(wrong)?;
        let passwords = vault_options::some(found, Manner::Fleet)?;
        let kept = || {
            vault_options::kept(DEFAULT_ID).map(|kept| Password::new(DEFAULT_ID, kept.reveal().as_bytes()))
        };
        let Some(password) = passwords.into_iter().next().or_else(kept) else {
            let message = "the file is encrypted with the vault password: give it with `--vault-password-file`, \
                           `--vault-id`, `--ask-vault-pass` or `FLEET_VAULT_PASSWORD`";
            return Err(WrongOptions(message.to_owned()).into());
        };
        Ok((Arc::new(Vault::new(vec![password.clone()], false)), password))
    }
}

/// All passwords for logging in and becoming another user that are kept, by name: those of the keyring, then those of the
/// encrypted file.
///
/// # Errors
/// If the file is there and damaged, or another password encrypts it.
pub fn kept(vault: &Vault) -> Result<BTreeMap<String, Secret>> {
    let wanted = |name: &str| matches!(name.split('/').next(), Some("ssh" | "become"));
    let mut all = keyring::all(wanted, prompt::somebody()).unwrap_or_else(|fault| {
        vault_options::tell(&fault);
        BTreeMap::new()
    });
    let Some(file) = SecretFile::of_user().filter(SecretFile::exists) else { return Ok(all) };
    match file.read(vault) {
        Ok(passwords) => {
            for (name, password) in passwords.into_iter().filter(|(name, _)| wanted(name)) {
                all.entry(name).or_insert_with(|| Secret::new(password));
            }
            Ok(all)
        }
        // it may be of no use here
        Err(crate::secrets::Fault::NoPassword { .. }) => {
            let path = file.0.display();
            super::exit::warn(&format!(
                "`{path}` is not read: the vault password that encrypts it is not there"
            ));
            Ok(all)
        }
        Err(fault) => Err(wrong(fault)).with_context(|| format!("`{}`", file.0.display())),
    }
}
