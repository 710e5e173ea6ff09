//! Contents of regular files and their hashes.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::stat::kind;
use crate::target::cause;
use crate::wire::action::hex;
use crate::wire::{Algorithm, Content, Digest, FileKind, Observation};

/// The hash of a regular file.
pub fn digest(path: &Path, algorithm: Algorithm, limit: Option<u64>) -> Observation {
    let answer = match open(path) {
        Ok(Opened::Absent) => Digest::Absent,
        Ok(Opened::Other(kind)) => Digest::NotAFile(kind),
        Ok(Opened::File(_, size)) if limit.is_some_and(|limit| size > limit) => Digest::TooLarge { size },
        Ok(Opened::File(file, _)) => match digest_of(file, algorithm) {
            Ok(HashOf { hex, size }) => Digest::Hash { hex, size },
            Err(error) => return cause::unseen(&error),
        },
        Err(error) => return cause::unseen(&error),
    };
    Observation::Digest(answer)
}

/// The content of a regular file up to a size.
pub fn content(path: &Path, limit: u64) -> Observation {
    let answer = match open(path) {
        Ok(Opened::Absent) => Content::Absent,
        Ok(Opened::Other(kind)) => Content::NotAFile(kind),
        Ok(Opened::File(_, size)) if size > limit => Content::TooLarge { size },
        Ok(Opened::File(file, size)) => {
            let mut bytes = Vec::with_capacity(size as usize);
            // files that the kernel makes up (/proc) have no size: what is read counts
            match file.take(limit.saturating_add(1)).read_to_end(&mut bytes) {
                Ok(read) if read as u64 > limit => Content::TooLarge { size: read as u64 },
                Ok(_) => Content::Bytes(bytes),
                Err(error) => return cause::unseen(&error),
            }
        }
        Err(error) => return cause::unseen(&error),
    };
    Observation::Content(answer)
}

/// A hash and how many bytes it is of.
#[derive(Debug)]
pub struct HashOf {
    /// Lower-case hexadecimal.
    pub hex: String,
    /// Bytes.
    pub size: u64,
}

/// Hashes what is left to read.
///
/// # Errors
/// What reading gives.
pub fn digest_of(from: impl Read, algorithm: Algorithm) -> io::Result<HashOf> {
    match algorithm {
        Algorithm::Md5 => hash::<md5::Md5>(from),
        Algorithm::Sha1 => hash::<sha1::Sha1>(from),
        Algorithm::Sha224 => hash::<sha2::Sha224>(from),
        Algorithm::Sha256 => hash::<sha2::Sha256>(from),
        Algorithm::Sha384 => hash::<sha2::Sha384>(from),
        Algorithm::Sha512 => hash::<sha2::Sha512>(from),
    }
}

fn hash<D: sha2::Digest>(mut from: impl Read) -> io::Result<HashOf> {
    let mut hash = D::new();
    let mut size = 0;
    let mut buffer = vec![0; 128 << 10];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                hash.update(buffer.get(..count).unwrap_or_default());
                size += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(HashOf { hex: hex(&hash.finalize()), size })
}

enum Opened {
    Absent,
    Other(FileKind),
    File(File, u64),
}

/// Opens a regular file, and nothing else: opening a pipe could hang, opening a device do anything.
fn open(path: &Path) -> io::Result<Opened> {
    let opened = fs::metadata(path).and_then(|found| match kind(&found) {
        FileKind::File => {
            let file =
                File::options().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
            let found = file.metadata()?;
            Ok(match kind(&found) {
                FileKind::File => Opened::File(file, found.len()),
                other => Opened::Other(other),
            })
        }
        other => Ok(Opened::Other(other)),
    });
    match opened {
        Err(error) if cause::is_absent(&error) => Ok(Opened::Absent),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_are_read() {
        let room = tempfile::tempdir().unwrap();
        let at = |name: &str| room.path().join(name);
        fs::write(at("f"), "abc").unwrap();
        std::os::unix::fs::symlink("f", at("l")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, at("p"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        let sha1 = "a9993e364706816aba3e25717850c26c9cd0d89d".to_owned();
        assert_eq!(
            digest(&at("l"), Algorithm::Sha1, None),
            Observation::Digest(Digest::Hash { hex: sha1, size: 3 })
        );
        assert_eq!(
            digest(&at("f"), Algorithm::Md5, Some(2)),
            Observation::Digest(Digest::TooLarge { size: 3 })
        );
        assert_eq!(
            digest(&at("p"), Algorithm::Md5, None),
            Observation::Digest(Digest::NotAFile(FileKind::Fifo))
        );
        assert_eq!(content(&at("f"), 3), Observation::Content(Content::Bytes(b"abc".to_vec())));
        assert_eq!(content(&at("f"), 2), Observation::Content(Content::TooLarge { size: 3 }));
        assert_eq!(content(&at("f/x"), 2), Observation::Content(Content::Absent));
        assert_eq!(content(room.path(), 2), Observation::Content(Content::NotAFile(FileKind::Directory)));
        let Observation::Content(Content::Bytes(bytes)) = content(Path::new("/proc/version"), 4096) else {
            panic!("made-up files have contents")
        };
        assert!(bytes.starts_with(b"Linux"));
        assert!(matches!(
            content(Path::new("/proc/version"), 3),
            Observation::Content(Content::TooLarge { .. })
        ));
    }
}
