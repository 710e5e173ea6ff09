//! Passwords for logging in and for becoming another user. They come from the environment, a file or a program, the
//! keyring, the encrypted file, and where somebody is to be asked from the terminal, in this order.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::exit::WrongOptions;
use super::options::{BecomeArgs, ConnectArgs};
use super::{prompt, secret};
use crate::base::Secret;
use crate::config::Config;
use crate::secrets::{PasswordPurpose as Purpose, Passwords, Vault};

/// The login passwords and the become passwords, as far as they are there. Where both are asked for, an empty become
/// password is the login password, as in Ansible.
///
/// # Errors
/// If a password is to be asked for and there is no terminal, or a file of passwords cannot be read.
pub fn both(
    connect: &ConnectArgs,
    become_: &BecomeArgs,
    config: &Config,
    vault: &Vault,
) -> Result<(Passwords, Passwords)> {
    let mut kept = secret::kept(vault)?;
    let mut of = |purpose: Purpose| -> std::collections::BTreeMap<String, Secret> {
        let word = purpose.word();
        let own = |name: &String| name.split('/').next() == Some(word);
        kept.extract_if(.., |name, _| own(name)).collect()
    };
    let (mut login, mut escalation) = (
        Passwords { given: set(Purpose::Ssh), kept: of(Purpose::Ssh), asked: None },
        Passwords { given: set(Purpose::Become), kept: of(Purpose::Become), asked: None },
    );
    let ask = connect.ask_pass || (*config.ask_pass && connect.connection_password_file.is_none());
    let file = connect.connection_password_file.as_ref().or(config.connection_password_file.as_ref());
    if let Some(file) = file.filter(|_| !ask && login.given.is_none()) {
        login.given = Some(from_file(file)?);
    }
    if ask && is_missing(&login, Purpose::Ssh) {
        login.asked = Some(asked("SSH password", Purpose::Ssh)?);
    }
    let ask = become_.ask || (*config.become_ask_pass && become_.password_file.is_none());
    let file = become_.password_file.as_ref().or(config.become_password_file.as_ref());
    if !ask && escalation.given.is_none() {
        let file = file.map(|path| from_file(path)).transpose()?;
        escalation.given = file.or_else(|| config.become_pass.as_deref().map(Secret::new));
    }
    if ask && is_missing(&escalation, Purpose::Become) {
        let login = login.of(Purpose::Ssh, None, &[]);
        let question = match &login {
            Some(_) => "BECOME password[defaults to SSH password]",
            None => "BECOME password",
        };
        let typed = asked(question, Purpose::Become)?;
        escalation.asked = login.filter(|_| typed.reveal().is_empty()).or(Some(typed));
    }
    Ok((login, escalation))
}

/// The password of the environment: `FLEET_SSH_PASSWORD`, `FLEET_BECOME_PASSWORD`.
fn set(purpose: Purpose) -> Option<Secret> {
    let variable = format!("FLEET_{}_PASSWORD", purpose.word().to_ascii_uppercase());
    std::env::var(variable).ok().filter(|password| !password.is_empty()).map(Secret::new)
}

/// Whether there are hosts for which no password is there.
fn is_missing(passwords: &Passwords, purpose: Purpose) -> bool {
    passwords.of(purpose, None, &[]).is_none()
}

/// Asks for a password; where nobody can be asked, it says what else there is.
fn asked(question: &str, purpose: Purpose) -> Result<Secret> {
    prompt::password(question).map_err(|error| {
        let word = purpose.word();
        let option = match purpose {
            Purpose::Ssh => "--connection-password-file",
            Purpose::Become => "--become-password-file",
        };
        let variable = format!("FLEET_{}_PASSWORD", word.to_ascii_uppercase());
        let message = format!(
            "{error:#}: set `{variable}`, give `{option}`, or keep it with `fleet secret set {word}`"
        );
        WrongOptions(message).into()
    })
}

/// A file's first line, or what it prints where it can be executed; `-` is standard input.
fn from_file(path: &Path) -> Result<Secret> {
    let wrong = |what: &str| WrongOptions(format!("the password file `{}` {what}", path.display()));
    if path.as_os_str() == "-" {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map_err(|error| wrong(&format!("cannot be read: {error}")))?;
        return Ok(Secret::new(line.trim_end_matches(['\r', '\n'])));
    }
    let metadata = path.metadata().map_err(|_| wrong("was not found"))?;
    let bytes = if metadata.permissions().mode() & 0o111 != 0 {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let output = Command::new(absolute)
            .stderr(std::process::Stdio::inherit())
            .output()
            .map_err(|error| wrong(&format!("cannot be executed: {error}")))?;
        if !output.status.success() {
            return Err(wrong(&format!("ended with {}", output.status)).into());
        }
        output.stdout
    } else {
        std::fs::read(path).map_err(|error| wrong(&format!("cannot be read: {error}")))?
    };
    let text = String::from_utf8(bytes).map_err(|_| wrong("is not UTF-8"))?;
    let text = text.trim();
    if text.is_empty() {
        return Err(wrong("is empty").into());
    }
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn files_are_read_and_programs_are_run() {
        let directory = tempfile::tempdir().unwrap();
        let plain = directory.path().join("plain");
        std::fs::write(&plain, "s3cret\n").unwrap();
        assert_eq!(from_file(&plain).unwrap().reveal(), "s3cret");
        let program = directory.path().join("program");
        let mut file = std::fs::File::create(&program).unwrap();
        file.write_all(b"#!/bin/sh\necho other\n").unwrap();
        drop(file);
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        assert_eq!(from_file(&program).unwrap().reveal(), "other");
        std::fs::write(&plain, "\n").unwrap();
        assert!(from_file(&plain).is_err());
        assert!(from_file(Path::new("/nonexistent/x")).is_err());
    }
}
