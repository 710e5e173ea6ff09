//! Asks for passwords on the terminal, without showing them.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};

use anyhow::{Context, Result};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use super::exit::WrongOptions;
use crate::base::Secret;

/// Asks for a password.
///
/// # Errors
/// If there is no terminal to ask on (under cron, say): nothing hangs.
pub fn password(what: &str) -> Result<Secret> {
    let terminal = File::options().read(true).write(true).open("/dev/tty").map_err(|_| {
        WrongOptions(format!("there is no terminal to ask for the {what} on; give it as a variable instead"))
    })?;
    let before = tcgetattr(&terminal).context("cannot read the terminal's settings")?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&terminal, OptionalActions::Flush, &silent).context("cannot silence the terminal")?;
    let mut line = String::new();
    let asked = write!(&terminal, "{what}: ").and_then(|()| BufReader::new(&terminal).read_line(&mut line));
    tcsetattr(&terminal, OptionalActions::Flush, &before).context("cannot restore the terminal")?;
    let _ = writeln!(&terminal);
    asked.context("cannot read from the terminal")?;
    Ok(Secret::new(line.trim_end_matches(['\n', '\r'])))
}
