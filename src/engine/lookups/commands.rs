//! `pipe` and `lines`: what commands on the controller print.

use std::process::{Command, Stdio};

use super::ask::Ask;
use super::{Found, failed};
use crate::base::Value;
use crate::template::LookupError;

/// What a command prints, without the blanks at its end.
pub(super) fn pipe(ask: &Ask<'_>) -> Found {
    ask.each(|command| printed(ask, command).map(|text| Value::from(text.trim_end())))
}

/// The lines that a command prints.
pub(super) fn lines(ask: &Ask<'_>) -> Found {
    let mut all = Vec::new();
    for command in ask.texts() {
        all.extend(printed(ask, &command)?.lines().map(Value::from));
    }
    Ok(all)
}

fn printed(ask: &Ask<'_>, command: &str) -> Result<String, LookupError> {
    let name = ask.name;
    let output = Command::new("/bin/sh")
        .args(["-c", command])
        .current_dir(match ask.world.playbook_directory() {
            empty if empty.as_os_str().is_empty() => std::path::Path::new("."),
            directory => directory,
        })
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| failed(format!("`{command}` cannot be run: {error}")))?;
    match output.status.code() {
        Some(0) => String::from_utf8(output.stdout)
            .map_err(|_| failed(format!("what `{command}` prints is not UTF-8 text"))),
        code => Err(failed(format!("lookup_plugin.{name}({command}) returned {}", code.unwrap_or(-1)))),
    }
}
