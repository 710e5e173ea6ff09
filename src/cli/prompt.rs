//! Asks people on the terminal: passwords without showing them, and what a playbook asks for.

use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use super::exit::WrongOptions;
use super::inventory::Manner;
use super::keys;
use crate::base::Secret;
use crate::engine::{Pausing, Prompter};
use crate::secrets::keyring::Somebody;

/// What the keys mean while a time is waited for.
const INTERRUPTIBLE: &str = "(ctrl+C then 'C' = continue early, ctrl+C then 'A' = abort)\r\n";

/// Empties the line at hand.
const CLEAR: &str = "\r\x1b[K";

/// Whether somebody is there to be asked.
pub fn somebody() -> Somebody {
    if File::options().read(true).write(true).open("/dev/tty").is_ok() {
        Somebody::There
    } else {
        Somebody::Away
    }
}

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
        let message = format!("there is no terminal to ask on (`{what}`)");
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

    fn pause(&self, pause: &Pausing) -> Result<Option<String>, String> {
        let Pausing { task, asked, seconds, echo } = pause;
        let failed = |error: std::io::Error| format!("cannot ask: {error}");
        let hidden = if *echo { "" } else { " (output is hidden)" };
        let can_type = keys::can_type();
        if let Some(seconds) = seconds {
            self.tell(&format!("Pausing for {seconds} seconds{hidden}\n")).map_err(failed)?;
            if asked.is_some() || can_type {
                self.tell(INTERRUPTIBLE).map_err(failed)?;
            }
        }
        if !can_type {
            std::thread::sleep(Duration::from_secs(seconds.unwrap_or(0)));
            return Ok(None);
        }
        if asked.is_some() || seconds.is_none() {
            let asked = asked.as_deref().unwrap_or("Press enter to continue, Ctrl+C to interrupt");
            self.tell(&format!("[{task}]\n{asked}{hidden}:\n")).map_err(failed)?;
        }
        let echoed = |shown: &[u8]| {
            let text = String::from_utf8_lossy(shown);
            if *echo && seconds.is_none() { self.tell(&text) } else { Ok(()) }
        };
        let complete: &[u8] = if seconds.is_none() { b"\r\n" } else { b"" };
        let ends = keys::Ends { complete, refuse: b"", time: seconds.map(Duration::from_secs) };
        let mut typed = keys::read(ends, echoed).map_err(failed)?;
        self.tell(CLEAR).map_err(failed)?;
        if typed == keys::Typed::Refused {
            self.tell("Press 'C' to continue the play or 'A' to abort \r\n").map_err(failed)?;
            let ends = keys::Ends { complete: b"c", refuse: b"a", time: None };
            typed = keys::read(ends, echoed).map_err(failed)?;
            self.tell(CLEAR).map_err(failed)?;
        }
        match typed {
            keys::Typed::Text(text) => Ok(Some(text)),
            keys::Typed::Over => Ok(Some(String::new())),
            keys::Typed::Refused => Err("user requested abort!".to_owned()),
        }
    }
}
