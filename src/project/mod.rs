//! Row 2: the only reader of the project's files. Each file is read once and kept with its text.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::{Diagnostic, Kind, Place, Source};
use crate::secrets::{self, Vault};

/// A project: the files around a playbook, its roles and its inventory.
#[derive(Debug, Default)]
pub struct Project {
    sources: Mutex<HashMap<PathBuf, Arc<Source>>>,
    /// Files that are encrypted, by their paths.
    sealed: Mutex<HashSet<PathBuf>>,
    vault: Arc<Vault>,
}

impl Project {
    /// An empty cache.
    pub fn new() -> Self {
        Self::default()
    }

    /// A project whose encrypted files this vault opens.
    pub fn with_vault(vault: Vault) -> Self {
        Self { vault: Arc::new(vault), ..Self::default() }
    }

    /// What opens its encrypted files and values.
    pub fn vault(&self) -> &Arc<Vault> {
        &self.vault
    }

    /// Whether a file that was read is encrypted as a whole.
    pub fn is_sealed(&self, path: &Path) -> bool {
        self.sealed.lock().unwrap_or_else(PoisonError::into_inner).contains(path)
    }

    /// A text file, read once; one that is encrypted with vault is decrypted. Its path is shown relative to the working
    /// directory where it lies below it.
    pub fn read(&self, path: &Path) -> Result<Arc<Source>, Diagnostic> {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(source) = sources.get(path) {
            return Ok(Arc::clone(source));
        }
        let failed = |message: String| Diagnostic::error(Kind::File, message);
        let bytes = std::fs::read(path)
            .map_err(|error| failed(format!("cannot read `{}`: {}", shown(path).display(), cause(&error))))?;
        let sealed = secrets::is_sealed(&bytes);
        let bytes = if sealed { self.opened(path, &bytes)? } else { bytes };
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            failed(format!("`{}` is not UTF-8 (byte {at})", shown(path).display()))
        })?;
        let source = if sealed { Source::hidden(shown(path), text) } else { Source::new(shown(path), text) };
        sources.insert(path.to_owned(), Arc::clone(&source));
        Ok(source)
    }

    /// Keeps a text that is in no file under a path, as if it were read from there.
    pub fn put(&self, path: &Path, shown_as: &str, text: String) {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        sources.insert(path.to_owned(), Source::new(shown_as, text));
    }

    /// What an encrypted file holds.
    ///
    /// # Errors
    /// If it cannot be decrypted, with the vault id that is missing.
    pub fn opened(&self, path: &Path, sealed: &[u8]) -> Result<Vec<u8>, Diagnostic> {
        let opened = self.vault.open(sealed).map_err(|fault| {
            let source = Source::new(shown(path), String::from_utf8_lossy(sealed));
            let message = format!("`{}` cannot be decrypted: {fault}", shown(path).display());
            Diagnostic::error(Kind::Vault, message).at(&Place::start_of(&source)).maybe_hint(fault.hint())
        })?;
        self.sealed.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned());
        Ok(opened.plain)
    }

    /// The bytes of a file, not kept.
    pub fn bytes(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    /// Whether a regular file (or a link to one) is there.
    pub fn is_file(&self, path: &Path) -> bool {
        path.is_file()
    }

    /// Whether anything that can be read as a file is there: pipes too, not directories.
    pub fn is_readable(&self, path: &Path) -> bool {
        path.metadata().is_ok_and(|found| !found.is_dir())
    }

    /// Whether a directory (or a link to one) is there.
    pub fn is_dir(&self, path: &Path) -> bool {
        path.is_dir()
    }

    /// The entries of a directory, sorted by name; none where there is no such directory.
    pub fn entries(&self, path: &Path) -> Result<Vec<PathBuf>, Diagnostic> {
        let listing = match std::fs::read_dir(path) {
            Ok(listing) => listing,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                let message = format!("cannot list `{}`: {}", shown(path).display(), cause(&error));
                return Err(Diagnostic::error(Kind::File, message));
            }
        };
        let mut entries: Vec<PathBuf> = listing.filter_map(|entry| Some(entry.ok()?.path())).collect();
        entries.sort();
        Ok(entries)
    }
}

/// A path as it is shown to people: relative to the working directory where it lies below it.
pub fn shown(path: &Path) -> PathBuf {
    std::env::current_dir()
        .ok()
        .and_then(|here| path.strip_prefix(&here).ok().map(Path::to_owned))
        .filter(|relative| !relative.as_os_str().is_empty())
        .unwrap_or_else(|| path.to_owned())
}

/// The cause of an I/O error in words, without the number.
pub fn cause(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}
