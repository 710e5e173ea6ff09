//! Reads and writes the files of `fleet vault`; a file is replaced whole, or stays as it is.

use std::fs::{File, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::cli::exit::Worded;

/// A file as it is shown.
pub(super) fn shown(file: &str) -> String {
    if file == "-" { "standard input".to_owned() } else { format!("`{file}`") }
}

/// What a file, or standard input, holds.
pub(super) fn read(file: &str) -> Result<Vec<u8>> {
    if file == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).context("cannot read standard input")?;
        return Ok(bytes);
    }
    std::fs::read(file).map_err(|error| {
        let path = absolute(file);
        let path = path.display();
        let told = match (error.raw_os_error(), error.to_string().split(" (os error").next()) {
            (Some(number), Some(words)) => format!("[Errno {number}] {words}: '{path}'"),
            _ => error.to_string(),
        };
        let told = format!("Unable to read source file ({path}): {told}");
        Worded::failed(format!("cannot read `{file}`: {error}"), told).into()
    })
}

/// A file's whole path, as Ansible shows it; `-` stays what it is.
pub(super) fn absolute(file: &str) -> PathBuf {
    let path = Path::new(file);
    if file == "-" { path.to_owned() } else { std::path::absolute(path).unwrap_or_else(|_| path.to_owned()) }
}

/// Who may read a file that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Its owner: what was decrypted is no longer everybody's.
    Private,
    /// Who may read the one that is there.
    Kept,
}

/// Replaces a file, or writes to standard output. A file that is there keeps its owner; a new one is the user's alone.
/// Links are followed.
pub(super) fn write(file: &str, bytes: &[u8], mode: Mode) -> Result<()> {
    if file == "-" {
        let mut out = std::io::stdout().lock();
        return out.write_all(bytes).and_then(|()| out.flush()).context("cannot write to standard output");
    }
    let target = std::fs::canonicalize(file).unwrap_or_else(|_| PathBuf::from(file));
    replace(&target, bytes, mode).with_context(|| format!("cannot write `{file}`"))
}

fn replace(target: &Path, bytes: &[u8], mode: Mode) -> std::io::Result<()> {
    let before = std::fs::metadata(target).ok();
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let beside = target.with_file_name(format!(".{name}.{}", std::process::id()));
    let mut new = File::options().write(true).create_new(true).mode(0o600).open(&beside)?;
    let mut fill = || {
        new.write_all(bytes)?;
        if let Some(before) = &before {
            let (uid, gid) = (Some(before.uid()), Some(before.gid()));
            // only root can give a file away; then it is the user's own anyway
            if std::os::unix::fs::fchown(&new, uid, gid).is_err() && before.uid() != new.metadata()?.uid() {
                return Err(std::io::Error::other("its owner cannot be kept"));
            }
            if mode == Mode::Kept {
                new.set_permissions(Permissions::from_mode(before.mode() & 0o7777))?;
            }
        }
        new.sync_all()?;
        std::fs::rename(&beside, target)
    };
    fill().inspect_err(|_| drop(std::fs::remove_file(&beside)))
}

/// A file that only the user can read, for an editor; its contents are overwritten and it is gone when this is dropped.
#[derive(Debug)]
pub(super) struct Scratch {
    directory: PathBuf,
    /// The file.
    pub(super) path: PathBuf,
}

impl Scratch {
    /// In memory where the system has such a place.
    pub(super) fn new(like: &str, bytes: &[u8]) -> Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let places = runtime.into_iter().chain([PathBuf::from("/dev/shm"), std::env::temp_dir()]);
        let name = format!("fleet-vault-{}", std::process::id());
        let mut made = Err(std::io::Error::other("there is no place for it"));
        for place in places {
            let directory = place.join(&name);
            made = std::fs::DirBuilder::new().mode(0o700).create(&directory).map(|()| directory);
            if made.is_ok() {
                break;
            }
        }
        let directory = made.context("cannot make a temporary file")?;
        // editors look at the ending
        let ending =
            Path::new(like).extension().map_or(String::new(), |e| format!(".{}", e.to_string_lossy()));
        let scratch = Self { path: directory.join(format!("text{ending}")), directory };
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&scratch.path)?;
        file.write_all(bytes).context("cannot write a temporary file")?;
        Ok(scratch)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let Self { directory, path } = self;
        if let Ok(mut file) = File::options().write(true).open(&*path)
            && let Ok(about) = file.metadata()
        {
            let _ = file.write_all(&vec![0; usize::try_from(about.len()).unwrap_or_default()]);
            let _ = file.sync_all();
        }
        let _ = std::fs::remove_dir_all(&*directory);
    }
}
