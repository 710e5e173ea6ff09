//! Contents that the controller sends ahead of the program that names them, spooled to disk and verified.
//!
//! The spool is a private directory of this session, locked while the session lives. What sessions that died have
//! left is removed by the next one.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use sha2::Digest;

use super::cause;
use super::places::make_private;
use crate::wire::action::hex;
use crate::wire::{Algorithm, Failure, FailureKind};

/// The contents of one session.
#[derive(Debug)]
pub struct ContentStore {
    /// Where spools of sessions stand.
    above: PathBuf,
    /// This session's, once something was sent.
    spool: Option<Spool>,
    contents: HashMap<String, Content>,
}

#[derive(Debug)]
struct Spool {
    directory: PathBuf,
    /// Locked as long as the session lives.
    _lock: File,
}

#[derive(Debug)]
enum Content {
    Arriving { file: File, path: PathBuf, hash: sha2::Sha256, received: u64 },
    Complete { path: PathBuf },
    Failed(Failure),
}

impl ContentStore {
    /// A store whose spool is made below a directory; leftovers of dead sessions there are removed.
    pub fn new(above: impl Into<PathBuf>) -> Self {
        let above = above.into();
        remove_leftovers(&above);
        Self { above, spool: None, contents: HashMap::new() }
    }

    /// Takes the next piece of a content. What goes wrong is told when the content is asked for.
    pub fn accept(&mut self, sha256: &str, size: u64, piece: &[u8]) {
        if sha256.len() != 64
            || !sha256.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        {
            return;
        }
        let content = match self.contents.remove(sha256) {
            None => self.begin(sha256).unwrap_or_else(Content::Failed),
            Some(content) => content,
        };
        let content = match content {
            Content::Arriving { mut file, path, mut hash, received } => {
                hash.update(piece);
                let received = received + piece.len() as u64;
                match file.write_all(piece) {
                    Err(error) => {
                        Content::Failed(discard(&path, cause::failed("cannot write", &path, &error)))
                    }
                    Ok(()) if received < size => Content::Arriving { file, path, hash, received },
                    Ok(()) if received == size && hex(&hash.finalize()) == sha256 => {
                        Content::Complete { path }
                    }
                    Ok(()) => {
                        let message = format!("the content {sha256} did not arrive as it was sent");
                        Content::Failed(discard(&path, Failure::new(FailureKind::Other, message)))
                    }
                }
            }
            done @ (Content::Complete { .. } | Content::Failed(_)) => done,
        };
        self.contents.insert(sha256.to_owned(), content);
    }

    /// Keeps what a reader gives as a content; its size and hashes.
    ///
    /// # Errors
    /// It cannot be read or spooled.
    pub fn keep(&mut self, from: &mut dyn Read) -> Result<Kept, Failure> {
        let name = format!("download-{}", self.contents.len());
        let Content::Arriving { mut file, path, .. } = self.begin(&name)? else {
            return Err(Failure::new(FailureKind::Other, "a download cannot be kept"));
        };
        let taken = Hashes::copy(from, &mut file);
        let kept = taken.map_err(|error| discard(&path, cause::failed("cannot write", &path, &error)))?;
        let place = path.with_file_name(&kept.sha256);
        fs::rename(&path, &place).map_err(|error| cause::failed("cannot write", &place, &error))?;
        self.contents.insert(kept.sha256.clone(), Content::Complete { path: place });
        Ok(kept)
    }

    /// Opens a content that has arrived.
    ///
    /// # Errors
    /// It was not sent, or not wholly, or could not be spooled (no space left …).
    pub fn open(&self, sha256: &str) -> Result<File, Failure> {
        match self.contents.get(sha256) {
            Some(Content::Complete { path }) => {
                File::open(path).map_err(|error| cause::failed("cannot read", path, &error))
            }
            Some(Content::Failed(failure)) => Err(failure.clone()),
            Some(Content::Arriving { .. }) => {
                Err(Failure::new(FailureKind::Other, format!("the content {sha256} was not sent to its end")))
            }
            None => Err(Failure::new(FailureKind::Other, format!("the content {sha256} was not sent"))),
        }
    }

    fn begin(&mut self, sha256: &str) -> Result<Content, Failure> {
        let spool = match &self.spool {
            Some(spool) => spool,
            None => {
                let spool = Spool::new(&self.above)
                    .or_else(|_| Spool::new(&fallback()))
                    .map_err(|error| cause::failed("cannot make a directory in", &self.above, &error))?;
                self.spool.insert(spool)
            }
        };
        let path = spool.directory.join(sha256);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| cause::failed("cannot write", &path, &error))?;
        Ok(Content::Arriving { file, path, hash: sha2::Sha256::default(), received: 0 })
    }
}

/// A content that was kept.
#[derive(Debug)]
pub struct Kept {
    /// SHA-256 in hexadecimal, its name.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// All hashes in hexadecimal.
    pub digests: Vec<(Algorithm, String)>,
}

#[derive(Default)]
struct Hashes {
    md5: md5::Md5,
    sha1: sha1::Sha1,
    sha224: sha2::Sha224,
    sha256: sha2::Sha256,
    sha384: sha2::Sha384,
    sha512: sha2::Sha512,
}

impl Hashes {
    fn copy(from: &mut dyn Read, to: &mut File) -> io::Result<Kept> {
        let (mut hashes, mut size) = (Self::default(), 0);
        let mut buffer = vec![0; 256 << 10];
        loop {
            let count = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let piece = buffer.get(..count).unwrap_or_default();
            to.write_all(piece)?;
            size += count as u64;
            hashes.md5.update(piece);
            hashes.sha1.update(piece);
            hashes.sha224.update(piece);
            hashes.sha256.update(piece);
            hashes.sha384.update(piece);
            hashes.sha512.update(piece);
        }
        let Self { md5, sha1, sha224, sha256, sha384, sha512 } = hashes;
        let sha256 = hex(&sha256.finalize());
        let digests = vec![
            (Algorithm::Md5, hex(&md5.finalize())),
            (Algorithm::Sha1, hex(&sha1.finalize())),
            (Algorithm::Sha224, hex(&sha224.finalize())),
            (Algorithm::Sha256, sha256.clone()),
            (Algorithm::Sha384, hex(&sha384.finalize())),
            (Algorithm::Sha512, hex(&sha512.finalize())),
        ];
        Ok(Kept { sha256, size, digests })
    }
}

impl Drop for ContentStore {
    fn drop(&mut self) {
        if let Some(spool) = &self.spool {
            let _ = fs::remove_dir_all(&spool.directory);
        }
    }
}

impl Spool {
    fn new(above: &Path) -> io::Result<Self> {
        make_private(above)?;
        let found = fs::symlink_metadata(above)?;
        if !found.is_dir() || found.mode() & 0o022 != 0 || found.uid() != rustix::process::geteuid().as_raw()
        {
            return Err(cause::errno(libc::EPERM));
        }
        for attempt in 0..32 {
            let nanos = jiff::Timestamp::now().subsec_nanosecond();
            let directory = above.join(format!("{}-{nanos}-{attempt}", std::process::id()));
            match fs::DirBuilder::new().create(&directory) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
            }
            let lock = File::open(&directory)?;
            rustix::fs::flock(&lock, FlockOperation::LockExclusive)?;
            // another session may have taken it for a leftover before it was locked
            if fs::metadata(&directory)
                .is_ok_and(|found| Some(found.ino()) == lock.metadata().ok().map(|it| it.ino()))
            {
                return Ok(Self { directory, _lock: lock });
            }
        }
        Err(cause::errno(libc::EAGAIN))
    }
}

/// Where contents are spooled when the user's own place cannot be written.
fn fallback() -> PathBuf {
    PathBuf::from(format!("/var/tmp/fleet-spool-{}", rustix::process::geteuid().as_raw()))
}

fn discard(path: &Path, failure: Failure) -> Failure {
    let _ = fs::remove_file(path);
    failure
}

fn remove_leftovers(above: &Path) {
    for place in [above.to_owned(), fallback()] {
        let Ok(entries) = fs::read_dir(&place) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir())
                && let Ok(lock) = File::open(&path)
                && rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok()
            {
                let _ = fs::remove_dir_all(&path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sha256(bytes: &[u8]) -> String {
        hex(&sha2::Sha256::digest(bytes))
    }

    fn read(store: &ContentStore, hash: &str) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        store.open(hash).map(|mut file| {
            file.read_to_end(&mut bytes).unwrap();
            bytes
        })
    }

    #[test]
    fn pieces_become_a_content_and_the_spool_goes_with_the_session() {
        let room = tempfile::tempdir().unwrap();
        let mut store = ContentStore::new(room.path().join("spool"));
        let (hash, empty) = (sha256(b"hello world"), sha256(b""));
        store.accept(&hash, 11, b"hello ");
        assert!(read(&store, &hash).unwrap_err().message.contains("not sent to its end"));
        store.accept(&hash, 11, b"world");
        store.accept(&empty, 0, b"");
        assert_eq!(read(&store, &hash).unwrap(), b"hello world");
        assert_eq!(read(&store, &empty).unwrap(), b"");
        assert!(read(&store, &sha256(b"other")).is_err());
        let directory = store.spool.as_ref().unwrap().directory.clone();
        assert_eq!(fs::metadata(room.path().join("spool")).unwrap().mode() & 0o777, 0o700);
        drop(store);
        assert!(!directory.exists());
    }

    #[test]
    fn a_wrong_content_is_refused() {
        let room = tempfile::tempdir().unwrap();
        let mut store = ContentStore::new(room.path());
        let hash = sha256(b"right");
        store.accept(&hash, 5, b"wrong");
        assert!(read(&store, &hash).unwrap_err().message.contains("did not arrive as it was sent"));
        let hash = sha256(b"short");
        store.accept(&hash, 5, b"much too long");
        assert!(read(&store, &hash).is_err());
        store.accept("../../etc/passwd", 1, b"x");
        assert!(read(&store, "../../etc/passwd").is_err());
    }

    #[test]
    fn leftovers_of_the_dead_go_and_the_living_stay() {
        let room = tempfile::tempdir().unwrap();
        let dead = room.path().join("1-1-0");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join("x"), "x").unwrap();
        let mut living = ContentStore::new(room.path());
        assert!(!dead.exists());
        let hash = sha256(b"x");
        living.accept(&hash, 1, b"x");
        let _other = ContentStore::new(room.path());
        assert_eq!(read(&living, &hash).unwrap(), b"x");
    }
}
