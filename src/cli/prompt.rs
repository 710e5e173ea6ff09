//! Asks people on the terminal: passwords without showing them, and what a playbook asks for.

use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use super::exit::WrongOptions;
use super::inventory::Manner;
use crate::base::Secret;
use crate::engine::Prompter;

/// Asks for a password.
///
/// # Errors
/// If there is no terminal to ask on (under cron, say): nothing hangs.
pub fn password(what: &str) -> Result<Secret> {
    ask(&format!("{what}: "))
}

/// Asks a question; what is typed is shown.
///
/// # Errors
/// As [`password`].
pub fn ask_shown(question: &str) -> Result<String> {
    let terminal = open(question)?;
    let mut line = String::new();
    let asked = write!(&terminal, "{question}").and_then(|()| BufReader::new(&terminal).read_line(&mut line));
    asked.context("cannot read from the terminal")?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}

fn open(question: &str) -> Result<File> {
    let opened = File::options().read(true).write(true).open("/dev/tty");
    opened.map_err(|_| {
        let what = question.trim_end().trim_end_matches(':');
        let message = format!("there is no terminal to ask on (`{what}`): give the answer in another way");
        WrongOptions(message).into()
    })
}

/// Asks a question; what is typed is not shown.
///
/// # Errors
/// As [`password`].
pub fn ask(question: &str) -> Result<Secret> {
    let terminal = open(question)?;
    let before = tcgetattr(&terminal).context("cannot read the terminal's settings")?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&terminal, OptionalActions::Flush, &silent).context("cannot silence the terminal")?;
    let mut line = String::new();
    let asked = write!(&terminal, "{question}").and_then(|()| BufReader::new(&terminal).read_line(&mut line));
    tcsetattr(&terminal, OptionalActions::Flush, &before).context("cannot restore the terminal")?;
    let _ = writeln!(&terminal);
    asked.context("cannot read from the terminal")?;
    Ok(Secret::new(line.trim_end_matches(['\n', '\r'])))
}

/// Asks on standard input, as a playbook wants it. Where standard input is no terminal nobody is asked.
#[derive(Debug)]
pub struct Terminal {
    /// Under Ansible's names questions go to standard output, as there; else to standard error, so that they are never
    /// among events in JSON.
    pub manner: Manner,
}

impl Terminal {
    fn tell(&self, text: &str) -> std::io::Result<()> {
        match self.manner {
            Manner::Ansible => {
                let mut out = anstream::stdout().lock();
                write!(out, "{text}").and_then(|()| out.flush())
            }
            Manner::Fleet => {
                let mut out = anstream::stderr().lock();
                write!(out, "{text}").and_then(|()| out.flush())
            }
        }
    }
}

impl Prompter for Terminal {
    fn ask(&self, prompt: &str, echo: bool) -> Result<Option<String>, String> {
        if !std::io::stdin().is_terminal() {
            return Ok(None);
        }
        if !echo {
            let text = prompt.trim_end().trim_end_matches(':');
            let secret = password(text).map_err(|error| error.to_string())?;
            return Ok(Some(secret.reveal().to_owned()));
        }
        let failed = |error: std::io::Error| format!("cannot ask: {error}");
        self.tell(prompt).map_err(failed)?;
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map_err(failed)?;
        Ok(Some(line.trim_end_matches(['\n', '\r']).to_owned()))
    }

    fn differ(&self) -> Result<(), String> {
        self.tell(match self.manner {
            Manner::Ansible => "***** VALUES ENTERED DO NOT MATCH ****\n",
            Manner::Fleet => "the two answers differ: once more\n",
        })
        .map_err(|error| format!("cannot tell: {error}"))
    }

    fn pause(&self, prompt: &str, seconds: u64) -> Result<(), String> {
        self.tell(&format!("{prompt}\nPausing for {seconds} seconds\n"))
            .map_err(|error| format!("cannot tell: {error}"))?;
        std::thread::sleep(Duration::from_secs(seconds));
        Ok(())
    }
}
