//! The keys of hosts that are known, and what they say about a key that a server shows.

mod line;

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use russh::keys::ssh_key::public::KeyData;
use russh::keys::{Algorithm, Certificate, HashAlg, PublicKey};
use rustix::fs::{FlockOperation, flock};

use line::{Line, Marker};

/// A file cannot be read or written.
#[derive(Debug)]
pub(super) struct FileError {
    pub(super) file: PathBuf,
    pub(super) cause: String,
}

/// What is known about a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is the host's.
    Known,
    /// Nothing is known about the host.
    Unknown,
    /// The host has another key, there.
    Changed(PathBuf, u32),
    /// It must not be accepted, says that line.
    Revoked(PathBuf, u32),
}

/// The files that were read; each is read once in a run, and again after it was added to.
#[derive(Debug, Default)]
pub(super) struct Files(Mutex<HashMap<PathBuf, Arc<Vec<Line>>>>);

impl Files {
    fn read(&self, path: &Path) -> Result<Arc<Vec<Line>>, FileError> {
        if let Some(lines) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(path) {
            return Ok(Arc::clone(lines));
        }
        let lines = match std::fs::read(path) {
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes);
                text.lines().zip(1..).filter_map(|(line, number)| Line::parse(line, number)).collect()
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                return Err(FileError {
                    file: path.to_path_buf(),
                    cause: format!("cannot read the known host keys: {error}"),
                });
            }
        };
        let lines = Arc::new(lines);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_path_buf(), Arc::clone(&lines));
        Ok(lines)
    }

    /// All that the files say about a host. `plain` is its name without a port, which counts for a key that matches.
    pub(super) fn about(
        &self,
        files: &[PathBuf],
        name: &str,
        plain: Option<&str>,
    ) -> Result<About, FileError> {
        let mut lines = Vec::new();
        for file in files {
            for line in self.read(file)?.iter() {
                let (exact, loose) = (line.is_about(name), plain.is_some_and(|plain| line.is_about(plain)));
                if exact || loose {
                    lines.push(Known { file: file.clone(), line: line.clone(), exact });
                }
            }
        }
        Ok(About { lines })
    }

    /// Adds the key of a new host to a file, under a lock, unless another run has just done so.
    pub(super) fn add(
        &self,
        file: &Path,
        name: &str,
        key: &PublicKey,
        salt: Option<[u8; 20]>,
    ) -> Result<(), FileError> {
        let fail = |cause: String| FileError {
            file: file.to_path_buf(),
            cause: format!("cannot add a host key: {cause}"),
        };
        let text = line::format(name, key, salt).map_err(|error| fail(error.to_string()))?;
        let write = || -> std::io::Result<()> {
            use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
            if let Some(directory) = file.parent().filter(|directory| !directory.as_os_str().is_empty()) {
                std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
            }
            let mut options = std::fs::OpenOptions::new();
            let mut opened = options.create(true).append(true).read(true).mode(0o600).open(file)?;
            flock(&opened, FlockOperation::LockExclusive)?;
            let present = std::fs::read(file)?;
            let known = String::from_utf8_lossy(&present);
            let mut lines = known.lines().filter_map(|line| Line::parse(line, 0));
            if lines.any(|line| line.is_about(name) && line.key == *key.key_data()) {
                return Ok(());
            }
            // one write, after the end of an unfinished last line
            let break_first = !present.is_empty() && !present.ends_with(b"\n");
            let text = if break_first { format!("\n{text}") } else { text.clone() };
            opened.write_all(text.as_bytes())?;
            opened.sync_data()
        };
        let written = write().map_err(|error| fail(error.to_string()));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(file);
        written
    }
}

#[derive(Debug)]
struct Known {
    file: PathBuf,
    line: Line,
    /// The line has the name with its port, or the port is 22.
    exact: bool,
}

/// All that the files say about one host.
#[derive(Debug)]
pub(super) struct About {
    lines: Vec<Known>,
}

impl About {
    /// What they say about a key.
    pub(super) fn key(&self, key: &PublicKey) -> Verdict {
        let key = key.key_data();
        if let Some(revoked) = self.marked(Marker::Revoked).find(|known| known.line.key == *key) {
            return Verdict::Revoked(revoked.file.clone(), revoked.line.number);
        }
        if self.marked(Marker::Plain).any(|known| known.line.key == *key) {
            return Verdict::Known;
        }
        // A server is asked for the kinds of keys that are known, so one with another kind has changed as well.
        let same_kind = |known: &&Known| known.line.key.algorithm() == key.algorithm();
        let others = || self.marked(Marker::Plain).filter(|known| known.exact);
        match others().find(same_kind).or_else(|| others().next()) {
            Some(other) => Verdict::Changed(other.file.clone(), other.line.number),
            None => Verdict::Unknown,
        }
    }

    /// What they say about a certificate; `Err` says why it does not count, and then its key is judged as a key.
    /// As OpenSSH, but a certificate without principals is not accepted.
    pub(super) fn certificate(&self, certificate: &Certificate, host: &str) -> Result<Verdict, String> {
        for key in [certificate.public_key(), certificate.signature_key()] {
            if let Some(revoked) = self.marked(Marker::Revoked).find(|known| known.line.key == *key) {
                return Ok(Verdict::Revoked(revoked.file.clone(), revoked.line.number));
            }
        }
        let authorities: Vec<_> = self
            .marked(Marker::CertAuthority)
            .map(|known| known.line.key.fingerprint(HashAlg::Sha256))
            .collect();
        if !certificate.cert_type().is_host() {
            return Err("it is not for a host".to_owned());
        }
        certificate
            .validate(authorities.iter())
            .map_err(|_| "no known authority has signed it for this time".to_owned())?;
        let is_rsa_sha1 = matches!(certificate.signature().algorithm(), Algorithm::Rsa { hash: None });
        if is_rsa_sha1 || !certificate.critical_options().is_empty() {
            return Err("it has options or a signature that are not accepted".to_owned());
        }
        let principals = certificate.valid_principals().iter().map(|principal| principal.to_lowercase());
        let host = host.to_lowercase();
        if principals.into_iter().any(|principal| super::ssh_config::pattern::matches(&principal, &host)) {
            Ok(Verdict::Known)
        } else {
            Err(format!("it is not for `{host}`"))
        }
    }

    /// Whether a certificate could be judged.
    pub(super) fn has_authority(&self) -> bool {
        self.marked(Marker::CertAuthority).next().is_some()
    }

    /// The algorithms in the order in which they shall be asked for: those of known keys first.
    pub(super) fn order(&self, algorithms: &[Algorithm]) -> Vec<Algorithm> {
        let known = |algorithm: &Algorithm| {
            self.marked(Marker::Plain).any(|known| same_key_kind(&known.line.key, algorithm))
        };
        let (mut first, rest): (Vec<_>, Vec<_>) = algorithms.iter().cloned().partition(known);
        first.extend(rest);
        first
    }

    fn marked(&self, marker: Marker) -> impl Iterator<Item = &Known> {
        self.lines.iter().filter(move |known| known.line.marker == marker)
    }
}

fn same_key_kind(key: &KeyData, algorithm: &Algorithm) -> bool {
    match (key.algorithm(), algorithm) {
        (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }) => true,
        (known, algorithm) => known == *algorithm,
    }
}

#[cfg(test)]
mod tests;
