//! The contents that lie beside a command while it runs ([`Command::files`]).

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::cause;
use super::host::Host;
use super::places::make_private;
use crate::wire::action::Bytes;
use crate::wire::command::FILES;
use crate::wire::{Command, Failure, FailureKind, Program};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A directory with a command's contents. Dropped, it is removed.
#[derive(Debug)]
pub struct Beside {
    directory: PathBuf,
}

impl Beside {
    /// Lays out a command's contents; gives the command with their directory in place of [`FILES`]. Nothing where the
    /// command has none.
    ///
    /// # Errors
    /// A name is not one, a content was not sent, or they cannot be written.
    pub fn lay(host: &Host, command: &Command) -> Result<Option<(Self, Command)>, Failure> {
        if command.files.is_empty() {
            return Ok(None);
        }
        let made = directory(&host.places.spool).or_else(|_| directory(Path::new("/var/tmp/fleet-files")));
        let directory =
            made.map_err(|error| cause::failed("cannot make a directory in", &host.places.spool, &error))?;
        let beside = Self { directory };
        for (name, content) in &command.files {
            if name.is_empty() || name.contains(['/', '\0']) || name == "." || name == ".." {
                return Err(Failure::new(FailureKind::Other, format!("`{name}` is no name of a file")));
            }
            beside.write(host, name, content)?;
        }
        let place = beside.directory.to_string_lossy().into_owned();
        let set = |text: &String| text.replace(FILES, &place);
        let mut command = command.clone();
        command.files.clear();
        command.program = match &command.program {
            Program::Argv(argv) => Program::Argv(argv.iter().map(set).collect()),
            Program::Shell { text, executable } => {
                Program::Shell { text: set(text), executable: executable.clone() }
            }
        };
        Ok(Some((beside, command)))
    }

    fn write(&self, host: &Host, name: &str, content: &Bytes) -> Result<(), Failure> {
        let path = self.directory.join(name);
        let cannot = |error: io::Error| cause::failed("cannot write", &path, &error);
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o700).open(&path).map_err(cannot)?;
        match content {
            Bytes::Inline(bytes) => file.write_all(bytes).map_err(cannot),
            Bytes::Sent { sha256, .. } => {
                let mut source = host.contents.open(sha256)?;
                io::copy(&mut source, &mut file).map(drop).map_err(cannot)
            }
            Bytes::OnHost { path: source, .. } => {
                let source =
                    host.path(source).map_err(|message| Failure::new(FailureKind::NotFound, message))?;
                let mut opened =
                    fs::File::open(&source).map_err(|error| cause::failed("cannot read", &source, &error))?;
                io::copy(&mut opened, &mut file).map(drop).map_err(cannot)
            }
        }
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn directory(spool: &Path) -> io::Result<PathBuf> {
    let above = spool.parent().unwrap_or(spool);
    let room = if above.is_dir() { above.to_owned() } else { spool.to_owned() };
    make_private(&room)?;
    for _ in 0..32 {
        let nanos = jiff::Timestamp::now().subsec_nanosecond();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = room.join(format!("run-{}-{number}-{nanos}", std::process::id()));
        match DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
            Ok(()) => return Ok(path),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
