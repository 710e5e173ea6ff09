//! Where the password of a vault id comes from: a file, an executable, an executable that is told the vault id.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Fault, Password, Vault, is_sealed};
use crate::base::Value;

/// The password that a file holds or an executable prints. `known` are the passwords that are there already: they may
/// open the file.
///
/// # Errors
/// If there is no such file, it fails, or gives nothing.
pub(super) fn read(source: &str, id: Option<&str>, known: &[Password]) -> Result<Vec<u8>, Fault> {
    let path = expanded(source);
    let shown = path.display();
    let meta = std::fs::metadata(&path).map_err(|_| {
        Fault::source(
            format!("the vault password file `{shown}` was not found"),
            format!("The vault password file {shown} was not found"),
        )
    })?;
    if meta.is_dir() {
        let message = format!("the vault password file `{shown}` is a directory");
        let told = format!("The vault password file provided '{shown}' can not be a directory");
        return Err(Fault::source(message, told));
    }
    let (bytes, what) = if meta.permissions().mode() & 0o111 == 0 {
        (from_file(&path, known)?, "file")
    } else if is_client(&path) {
        (from_client(&path, id)?, "script")
    } else {
        (from_script(&path)?, "script")
    };
    if bytes.is_empty() {
        let message = format!("the vault password {what} `{shown}` gives an empty password");
        return Err(Fault::source(
            message,
            format!("Invalid vault password was provided from {what} ({shown})"),
        ));
    }
    Ok(bytes)
}

fn from_file(path: &Path, known: &[Password]) -> Result<Vec<u8>, Fault> {
    let bytes = std::fs::read(path).map_err(|error| {
        let path = path.display();
        let message = format!("cannot read the vault password file `{path}`: {}", error.kind());
        Fault::source(message, format!("Could not read vault password file '{path}'."))
    })?;
    let bytes = bytes.trim_ascii().to_vec();
    if is_sealed(&bytes) {
        let plain = Vault::new(known.to_vec(), false).open(&bytes)?.plain;
        return Ok(without_line_ends(&plain));
    }
    Ok(bytes)
}

/// As in Ansible: a file whose name without its ending ends with `-client` is told which vault id is asked for.
fn is_client(path: &Path) -> bool {
    path.file_stem().and_then(OsStr::to_str).is_some_and(|stem| stem.ends_with("-client"))
}

/// A script in the working directory is no program to be found on `PATH`.
fn program(path: &Path) -> Command {
    Command::new(std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

fn from_script(path: &Path) -> Result<Vec<u8>, Fault> {
    // it may ask on the terminal itself
    let mut command = program(path);
    let output = command.stderr(Stdio::inherit()).stdin(Stdio::inherit()).output();
    let output = output.map_err(|error| not_run(path, &error))?;
    if !output.status.success() {
        let code = output.status.code().unwrap_or(-1);
        let path = path.display();
        let message = format!("the vault password script `{path}` ended with {code}");
        return Err(Fault::source(
            message,
            format!("Vault password script {path} returned non-zero ({code}): None"),
        ));
    }
    Ok(without_line_ends(&output.stdout))
}

fn from_client(path: &Path, id: Option<&str>) -> Result<Vec<u8>, Fault> {
    let mut command = program(path);
    command.args(id.map(|id| ["--vault-id", id]).into_iter().flatten());
    let output = command.stdin(Stdio::inherit()).output().map_err(|error| not_run(path, &error))?;
    if output.status.success() {
        return Ok(without_line_ends(&output.stdout));
    }
    let id = id.unwrap_or(super::DEFAULT_ID);
    let said = String::from_utf8_lossy(&output.stderr);
    let code = output.status.code().unwrap_or(-1);
    let path = path.display();
    // as Python shows bytes
    let bytes = format!("b{}", Value::from(&*said).to_repr());
    let (problem, told) = if code == 2 {
        let told = format!("did not find a secret for vault-id={id}: {bytes}");
        ("has no password".to_owned(), told)
    } else {
        let told = format!("returned non-zero ({code}) when getting secret for vault-id={id}: {bytes}");
        (format!("ended with {code}"), told)
    };
    Err(Fault::source(
        format!(
            "the vault password client script `{path}` {problem} for the vault id `{id}`: {}",
            said.trim()
        ),
        format!("Vault password client script {path} {told}"),
    ))
}

fn not_run(path: &Path, error: &std::io::Error) -> Fault {
    let (path, kind) = (path.display(), error.kind());
    Fault::source(
        format!(
            "cannot run the vault password script `{path}` ({kind}); if it is no script, it must not be executable"
        ),
        format!(
            "Problem running vault password script {path} ({kind}). If this is not a script, remove the executable bit \
             from the file."
        ),
    )
}

fn without_line_ends(bytes: &[u8]) -> Vec<u8> {
    let line_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let from = bytes.iter().position(|byte| !line_end(byte)).unwrap_or(bytes.len());
    let to = bytes.iter().rposition(|byte| !line_end(byte)).map_or(from, |last| last + 1);
    bytes.get(from..to).unwrap_or_default().to_vec()
}

/// A path with `~` and `$VARIABLES` in it resolved; the shell has not done it behind an `@`.
pub(super) fn expanded(source: &str) -> PathBuf {
    let home = std::env::var("HOME").ok();
    let text = match (source.strip_prefix("~/"), &home) {
        (Some(rest), Some(home)) => format!("{home}/{rest}"),
        _ => source.to_owned(),
    };
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find('$') {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let after = after.get(1..).unwrap_or_default();
        let (name, next) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((name, next)) => (name, next),
            None => {
                let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
                after.split_at(end)
            }
        };
        match std::env::var(name) {
            Ok(value) if !name.is_empty() => {
                out.push_str(&value);
                rest = next;
            }
            _ => {
                out.push('$');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    let path = PathBuf::from(out);
    // a script is not looked up in `PATH`
    std::path::absolute(&path).unwrap_or(path)
}
