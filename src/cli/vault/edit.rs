//! `create`, `edit`, `view`: encrypted files for people.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::files::{self, Mode, Scratch};
use super::{Manner, Worded, Writer, warn};
use crate::base::shlex;
use crate::config::Config;
use crate::secrets::{DEFAULT_ID, Inputs, Sealed, Vault};

/// Makes a new encrypted file.
pub(super) fn create(file: &str, writer: &Writer, config: &Config, manner: Manner) -> Result<()> {
    if Path::new(file).exists() {
        let told = format!("{file} exists, please use 'edit' instead");
        return Err(Worded::failed(format!("`{file}` exists already: use `edit`"), told).into());
    }
    if let Some(directory) = Path::new(file).parent().filter(|path| !path.as_os_str().is_empty())
        && !directory.exists()
    {
        let shown = directory.display();
        let told = format!("{shown} does not exist, creating...");
        warn(&format!("`{shown}` does not exist and is made"), &told, manner);
        std::fs::create_dir_all(directory)
            .with_context(|| format!("cannot make `{}`", directory.display()))?;
    }
    let text = edited(file, &[], config)?;
    files::write(file, writer.seal(&text)?.as_bytes(), Mode::Private)
}

/// Edits an encrypted file. It is encrypted with the password that opened it, and keeps its vault id.
pub(super) fn edit(file: &str, vault: &Vault, inputs: &Inputs, config: &Config) -> Result<()> {
    let before = files::read(file)?;
    let plain = super::opened(file, vault, &files::absolute(file))?;
    let text = edited(file, &plain, config)?;
    if text == plain {
        return Ok(());
    }
    let id = Sealed::parse(&before)?.id.unwrap_or_else(|| DEFAULT_ID.to_owned());
    let used = vault.open(&before)?.password;
    let writer = Writer::choose(vec![used], None, inputs)?;
    files::write(file, writer.seal_for(&text, &id)?.as_bytes(), Mode::Kept)
}

/// A text after the user's editor has had it.
fn edited(like: &str, plain: &[u8], config: &Config) -> Result<Vec<u8>> {
    let scratch = Scratch::new(like, plain)?;
    let command = config.editor.value.as_str();
    let words = shlex::split(command).map_err(|error| anyhow::anyhow!("the editor `{command}`: {error}"))?;
    let Some((program, arguments)) = words.split_first() else { bail!("no editor is set") };
    let ended = Command::new(program).args(arguments).arg(&scratch.path).status();
    let ended = ended.with_context(|| format!("cannot run the editor `{program}`"))?;
    if !ended.success() {
        bail!("the editor `{program}` ended with {}: nothing was changed", ended.code().unwrap_or(-1));
    }
    std::fs::read(&scratch.path).context("cannot read what the editor wrote")
}

/// Shows a text, through a pager on a terminal.
pub(super) fn view(plain: &[u8]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if out.is_terminal() {
        let pager = std::env::var("PAGER").ok().filter(|pager| !pager.is_empty());
        let mut command = Command::new("/bin/sh");
        command.args(["-c", pager.as_deref().unwrap_or("less")]).env("LESS", "FRSX").stdin(Stdio::piped());
        if let Ok(mut running) = command.spawn() {
            if let Some(mut pipe) = running.stdin.take() {
                // the pager may be left before its end
                let _ = pipe.write_all(plain);
            }
            if running.wait().is_ok_and(|ended| ended.success()) {
                return Ok(());
            }
        }
    }
    out.write_all(plain).context("cannot write to standard output")?;
    if !plain.ends_with(b"\n") {
        writeln!(out).context("cannot write to standard output")?;
    }
    Ok(())
}
