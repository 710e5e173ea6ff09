//! `fleet vault`, and `ansible-vault` where fleet has that name: encrypts and decrypts files and texts.

use std::ffi::OsString;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use super::exit::{self, Exit, Worded};
use super::inventory::Manner;
use super::vault_options::{self, Asking, VaultOptions, configured, warn, wrong};
use crate::config::Config;
use crate::project::Project;
use crate::secrets::{Identity, Inputs, Password, Purpose, Vault, fresh_salt};

mod edit;
mod files;
mod rekey;
mod string;

use files::Mode;

/// Ansible's words for several inputs with one output.
const ONE_OUTPUT: &str = "At most one input file may be used with the --output option";

/// Arguments of `fleet vault`.
#[derive(Debug, Args)]
pub struct VaultArgs {
    #[command(subcommand)]
    action: Action,
}

/// Encryption and decryption of Ansible's data files
#[derive(Debug, Parser)]
#[command(name = "ansible-vault", version)]
struct Alone {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create a new encrypted file in the editor
    Create(Create),
    /// Decrypt files
    Decrypt(Decrypt),
    /// Edit an encrypted file in the editor
    Edit(Edit),
    /// Show encrypted files
    View(View),
    /// Encrypt files
    Encrypt(Encrypt),
    /// Encrypt texts, to be pasted into YAML
    #[command(name = "encrypt_string", visible_alias = "encrypt-string")]
    EncryptString(string::EncryptString),
    /// Encrypt files again with another password
    Rekey(rekey::Rekey),
}

#[derive(Debug, Args)]
struct Create {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    encrypt: EncryptWith,
    /// Open the editor without a terminal, too
    #[arg(long)]
    skip_tty_check: bool,
    /// The file
    #[arg(value_name = "FILE")]
    files: Vec<String>,
}

#[derive(Debug, Args)]
struct Decrypt {
    #[command(flatten)]
    common: Common,
    /// Write to this file; `-` is standard output
    #[arg(long, value_name = "FILE")]
    output: Option<String>,
    /// The files; `-`, or none, is standard input
    #[arg(value_name = "FILE")]
    files: Vec<String>,
}

#[derive(Debug, Args)]
struct Edit {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    encrypt: EncryptWith,
    /// The files
    #[arg(value_name = "FILE")]
    files: Vec<String>,
}

#[derive(Debug, Args)]
struct View {
    #[command(flatten)]
    common: Common,
    /// The files
    #[arg(value_name = "FILE")]
    files: Vec<String>,
}

#[derive(Debug, Args)]
struct Encrypt {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    with: EncryptWith,
    /// Write to this file; `-` is standard output
    #[arg(long, value_name = "FILE")]
    output: Option<String>,
    /// The files; `-`, or none, is standard input
    #[arg(value_name = "FILE")]
    files: Vec<String>,
}

/// Options of every action.
#[derive(Debug, Args)]
struct Common {
    #[command(flatten)]
    vault: VaultOptions,
    /// Accepted as ansible-vault's; there is nothing more to tell
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
}

/// Which password encrypts.
#[derive(Debug, Args)]
struct EncryptWith {
    /// The vault id to encrypt with (needed if there are several)
    #[arg(long = "encrypt-vault-id", value_name = "ID")]
    id: Option<String>,
}

/// Runs as `ansible-vault`, with the arguments of the process, its name the first of them.
pub fn alone(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let action = match Alone::try_parse_from(arguments) {
        Ok(Alone { action }) => action,
        Err(error) if error.use_stderr() => return super::names::wrong_usage("ansible-vault", &error),
        Err(error) => {
            let _ = error.print();
            return Exit::Fine.into();
        }
    };
    match run(VaultArgs { action }, Manner::Ansible) {
        Ok(exit) => exit.into(),
        Err(error) => exit::end_as_ansible(&error),
    }
}

/// Runs `fleet vault`.
pub fn run(args: VaultArgs, manner: Manner) -> Result<Exit> {
    let (config, _) = super::configuration::read(&Project::new())?;
    match args.action {
        Action::Create(Create { common, encrypt, skip_tty_check, files }) => {
            let [file] = files.as_slice() else {
                let told = "ansible-vault create can take only one filename argument";
                return Err(Worded::options("`create` takes exactly one file", told).into());
            };
            if !skip_tty_check && !std::io::stdout().is_terminal() {
                let message = "not a terminal: the editor cannot be opened";
                return Err(Worded::options(message, "not a tty, editor cannot be opened").into());
            }
            let writer = Writer::new(common, encrypt, &config, manner)?;
            edit::create(file, &writer, &config, manner)?;
        }
        Action::Edit(Edit { common, encrypt: EncryptWith { id: _ }, files }) => {
            let (vault, inputs) = reader(common, &config, manner)?;
            for file in &files {
                edit::edit(file, &vault, &inputs, &config)?;
            }
        }
        Action::View(View { common, files }) => {
            let (vault, _) = reader(common, &config, manner)?;
            for file in &files {
                edit::view(&opened(file, &vault, Path::new(file))?)?;
            }
        }
        Action::Decrypt(Decrypt { common, output, files }) => {
            let (vault, _) = reader(common, &config, manner)?;
            for file in inputs_of(&files, output.as_deref(), "ciphertext")? {
                let plain = opened(file, &vault, &files::absolute(file))?;
                files::write(output.as_deref().unwrap_or(file), &plain, Mode::Private)?;
            }
            success("Decryption successful");
        }
        Action::Encrypt(Encrypt { common, with, output, files }) => {
            let writer = Writer::new(common, with, &config, manner)?;
            for file in inputs_of(&files, output.as_deref(), "plaintext")? {
                let text = writer.seal(&files::read(file)?).map_err(|error| {
                    let told = error.to_string();
                    Worded::failed(format!("{}: {error:#}", files::shown(file)), told)
                })?;
                files::write(output.as_deref().unwrap_or(file), text.as_bytes(), Mode::Private)?;
            }
            success("Encryption successful");
        }
        Action::EncryptString(args) => {
            string::run(args, &config, manner)?;
            success("Encryption successful");
        }
        Action::Rekey(args) => {
            rekey::run(args, &config, manner)?;
            say("Rekey successful");
        }
    }
    Ok(Exit::Fine)
}

/// The files that are meant: standard input where none is.
fn inputs_of<'f>(files: &'f [String], output: Option<&str>, what: &str) -> Result<Vec<&'f str>> {
    if output.is_some() && files.len() > 1 {
        return Err(
            Worded::options("at most one file may be given together with `--output`", ONE_OUTPUT).into()
        );
    }
    if files.is_empty() {
        if std::io::stdin().is_terminal() {
            say(&format!("Reading {what} input from stdin"));
        }
        return Ok(vec!["-"]);
    }
    Ok(files.iter().map(String::as_str).collect())
}

/// What an encrypted file holds. Ansible names it `told`.
fn opened(file: &str, vault: &Vault, told: &Path) -> Result<Vec<u8>> {
    let opened = vault.open(&files::read(file)?);
    match opened {
        Ok(opened) => Ok(opened.plain),
        Err(fault) => {
            let hint = fault.hint().map_or(String::new(), |hint| format!(" ({hint})"));
            let told = format!("{} for {}", fault.told(), told.display());
            Err(Worded::failed(format!("{}: {fault}{hint}", files::shown(file)), told).into())
        }
    }
}

/// The passwords to read with. As ansible-vault it asks where nothing says where they are.
fn reader(common: Common, config: &Config, manner: Manner) -> Result<(Vault, Inputs)> {
    let Common { vault, verbose: _ } = common;
    let inputs = vault.over(configured(config))?;
    let passwords = passwords(&inputs, Purpose::Read, manner)?;
    let asking = Asking::default();
    asking.given(&passwords);
    Ok((Vault::new(passwords, inputs.id_match).asking(Arc::new(asking)), inputs))
}

fn passwords(inputs: &Inputs, purpose: Purpose, manner: Manner) -> Result<Vec<Password>> {
    let mut identities = inputs.identities();
    if identities.is_empty() {
        identities.push(Identity::ask(inputs.default_label()));
    }
    vault_options::some(inputs.passwords(&identities, purpose, &Asking::default()).map_err(wrong)?, manner)
}

/// Encrypts with one password.
#[derive(Debug)]
struct Writer {
    password: Password,
    salt: Option<Vec<u8>>,
}

impl Writer {
    fn new(common: Common, encrypt: EncryptWith, config: &Config, manner: Manner) -> Result<Self> {
        let Common { vault, verbose: _ } = common;
        let inputs = vault.over(configured(config))?;
        let passwords = passwords(&inputs, Purpose::Write, manner)?;
        let id = encrypt.id.or_else(|| inputs.encrypt_identity.clone());
        if id.is_none() && passwords.len() > 1 {
            let ids: Vec<&str> = passwords.iter().map(|password| password.id.as_str()).collect();
            let message = format!(
                "several vault ids can encrypt (`{}`): choose one with `--encrypt-vault-id`",
                ids.join("`, `")
            );
            let told = format!(
                "The vault-ids {} are available to encrypt. Specify the vault-id to encrypt with --encrypt-vault-id",
                ids.join(",")
            );
            return Err(Worded::options(message, told).into());
        }
        Self::choose(passwords, id.as_deref(), &inputs)
    }

    /// The password of that id, or the first.
    fn choose(passwords: Vec<Password>, id: Option<&str>, inputs: &Inputs) -> Result<Self> {
        let known: Vec<String> = passwords.iter().map(|password| password.id.clone()).collect();
        let chosen = passwords.into_iter().find(|password| id.is_none_or(|id| password.id == id));
        let Some(password) = chosen else {
            let id = id.unwrap_or_default();
            let message = format!(
                "there is no password of the vault id `{id}`, given by `--encrypt-vault-id`; known are `{}`",
                known.join("`, `")
            );
            let known = crate::base::Value::list(known.iter().map(|id| id.as_str().into()));
            let told = format!(
                "Did not find a match for --encrypt-vault-id={id} in the known vault-ids {}",
                known.to_repr()
            );
            return Err(Worded::failed(message, told).into());
        };
        Ok(Self { password, salt: inputs.encrypt_salt.as_ref().map(|salt| salt.as_bytes().to_vec()) })
    }

    fn seal(&self, plain: &[u8]) -> Result<String> {
        self.seal_for(plain, &self.password.id)
    }

    /// Encrypts; the header gets that vault id.
    fn seal_for(&self, plain: &[u8], id: &str) -> Result<String> {
        let salt = self.salt.clone().map_or_else(fresh_salt, Ok)?;
        Ok(self.password.seal(plain, Some(id), &salt)?)
    }
}

/// Says that it is done, to people.
fn success(text: &str) {
    if std::io::stdout().is_terminal() {
        say(text);
    }
}

fn say(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}
