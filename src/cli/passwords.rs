//! Passwords for logging in and for becoming another user: from files, programs, settings, or asked for.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::exit::WrongOptions;
use super::options::{BecomeArgs, ConnectArgs};
use super::prompt;
use crate::base::Secret;
use crate::config::Config;

/// The login password and the become password, as far as they are given. Where both are asked for, an empty become
/// password is the login password, as in Ansible.
pub fn both(
    connect: &ConnectArgs,
    become_: &BecomeArgs,
    config: &Config,
) -> Result<(Option<Secret>, Option<Secret>)> {
    let file = connect.connection_password_file.as_ref().or(config.connection_password_file.as_ref());
    let login = if connect.ask_pass || (*config.ask_pass && connect.connection_password_file.is_none()) {
        Some(prompt::password("SSH password")?)
    } else {
        file.map(|path| from_file(path)).transpose()?
    };
    let file = become_.password_file.as_ref().or(config.become_password_file.as_ref());
    let escalation = if become_.ask || (*config.become_ask_pass && become_.password_file.is_none()) {
        let asked = match &login {
            Some(_) => prompt::password("BECOME password[defaults to SSH password]")?,
            None => prompt::password("BECOME password")?,
        };
        match &login {
            Some(login) if asked.reveal().is_empty() => Some(login.clone()),
            _ => Some(asked),
        }
    } else {
        file.map(|path| from_file(path))
            .transpose()?
            .or_else(|| config.become_pass.as_deref().map(Secret::new))
    };
    Ok((login, escalation))
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
