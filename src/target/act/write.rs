//! Writing a file: a staged one beside it, checked, then renamed over it.

use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use super::attributes::Numbers;
use super::staged::Staged;
use crate::base::shlex;
use crate::target::cause::{errno, failed, is_absent};
use crate::target::command;
use crate::target::host::{Host, umask};
use crate::target::observe::digest_of;
use crate::target::paths::{followed, parent};
use crate::target::places::sync_directory;
use crate::wire::action::Bytes;
use crate::wire::{Algorithm, Attributes, Command, Done, Expect, Failure, FailureKind, Follow, Outcome};

/// Extended attributes that belong to the former content, not to the file.
const OF_THE_CONTENT: [&str; 3] = ["security.capability", "security.ima", "security.evm"];

/// What is to be written.
#[derive(Debug)]
pub struct Order<'a> {
    /// Where, expanded.
    pub path: PathBuf,
    /// What.
    pub content: &'a Bytes,
    /// Attributes of the new file.
    pub attributes: &'a Attributes,
    /// What it may replace.
    pub expect: &'a Expect,
    /// Whether the former file is kept.
    pub backup: bool,
    /// A command that must accept the staged file.
    pub validate: Option<&'a str>,
    /// Whether a final link is followed.
    pub follow: Follow,
    /// Whether it may be written in place where it cannot be replaced.
    pub in_place: bool,
}

/// Writes a regular file.
///
/// # Errors
/// `Stale` where something else is there than expected, `Validation` where the command refuses it, `NoSpace` …: the
/// file that was there is then untouched, and the staged one is gone.
pub fn write_file(host: &Host, order: Order<'_>) -> Outcome {
    let Order { path, content, attributes, expect, backup, validate, follow, in_place } = order;
    let cannot = |error: &io::Error| failed("cannot write", &path, error);
    let place = match follow {
        Follow::Yes => followed(&path).map_err(|error| cannot(&error))?,
        Follow::No => path.clone(),
    };
    let wanted = Numbers::of(host, attributes)?;
    let former = match fs::symlink_metadata(&place) {
        Ok(found) if found.is_dir() => return Err(cannot(&errno(libc::EISDIR))),
        Ok(found) if found.is_file() => Some(found),
        Ok(found) if found.is_symlink() => None,
        Ok(_) => {
            let message = format!("cannot write `{}`: it is a device, pipe or socket", path.display());
            return Err(Failure::new(FailureKind::Other, message));
        }
        Err(error) if is_absent(&error) => None,
        Err(error) => return Err(cannot(&error)),
    };
    let mut staged =
        Staged::beside(&place).map_err(|error| failed("cannot make a file in", parent(&place), &error))?;
    fill(host, &mut staged, content, &path)?;
    dress(&staged, wanted, former.as_ref(), &place).map_err(|(doing, error)| failed(doing, &path, &error))?;
    staged.file.sync_all().map_err(|error| cannot(&error))?;
    if let Some(text) = validate {
        check(text, &staged.path, &path)?;
    }
    compare(&place, expect, &path)?;
    let backup = match &former {
        Some(former) if backup => Some(back_up(&place, former)?),
        _ => None,
    };
    let renamed = match staged.rename(&place) {
        Err((staged, error)) if in_place && is_fixed(&error) => overwrite(&staged, &place),
        other => other.map_err(|(_, error)| error),
    };
    if let Err(error) = renamed {
        if let Some(backup) = &backup {
            let _ = fs::remove_file(backup);
        }
        return Err(not_renamed(&path, &error));
    }
    sync_directory(parent(&place)).map_err(|error| cannot(&error))?;
    Ok(Done::Written { backup: backup.map(|path| path.to_string_lossy().into_owned()) })
}

fn fill(host: &Host, staged: &mut Staged, content: &Bytes, path: &Path) -> Result<(), Failure> {
    let written = match content {
        Bytes::Inline(bytes) => staged.file.write_all(bytes),
        Bytes::Sent { sha256, sha1: _, size, path: _ } => {
            let mut source = host.contents.open(sha256)?;
            io::copy(&mut source, &mut staged.file).and_then(|copied| {
                if copied == *size { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
            })
        }
        Bytes::OnHost { path: source, sha1, size: _ } => {
            let source = host.path(source).map_err(|message| Failure::new(FailureKind::NotFound, message))?;
            let mut file = File::options()
                .read(true)
                .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
                .open(&source)
                .map_err(|error| failed("cannot read", &source, &error))?;
            io::copy(&mut file, &mut staged.file).map_err(|error| failed("cannot write", path, &error))?;
            let copied = File::open(&staged.path)
                .and_then(|file| digest_of(file, Algorithm::Sha1))
                .map_err(|error| failed("cannot read", path, &error))?;
            if !copied.hex.eq_ignore_ascii_case(sha1) {
                let message = format!("`{}` has changed since it was observed", source.display());
                return Err(Failure::new(FailureKind::Stale, message));
            }
            Ok(())
        }
    };
    written.map_err(|error| failed("cannot write", path, &error))
}

/// Gives a staged file owner, extended attributes and mode: those wanted, else those of the file that it replaces.
fn dress(
    staged: &Staged,
    wanted: Numbers,
    former: Option<&Metadata>,
    place: &Path,
) -> Result<(), (&'static str, io::Error)> {
    let file = &staged.file;
    let found = file.metadata().map_err(|error| ("cannot write", error))?;
    let (uid, gid) = wanted.differing(&found);
    if uid.is_some() || gid.is_some() {
        fchown(file, uid, gid).map_err(|error| ("cannot set the owner of", error))?;
    }
    if let Some(former) = former {
        let uid = Some(former.uid()).filter(|uid| wanted.uid.is_none() && *uid != found.uid());
        let gid = Some(former.gid()).filter(|gid| wanted.gid.is_none() && *gid != found.gid());
        // one who may write here but not give files away keeps the new one, as Ansible
        for (uid, gid) in [(uid, None), (None, gid)] {
            if uid.is_some() || gid.is_some() {
                match fchown(file, uid, gid) {
                    Err(error) if error.raw_os_error() != Some(libc::EPERM) => {
                        return Err(("cannot set the owner of", error));
                    }
                    _ => {}
                }
            }
        }
        copy_extended(place, file);
    }
    let mode = wanted
        .mode
        .or_else(|| former.map(|former| former.mode() & 0o7777))
        .unwrap_or_else(|| 0o666 & !umask());
    file.set_permissions(fs::Permissions::from_mode(mode)).map_err(|error| ("cannot set the mode of", error))
}

/// Copies extended attributes (security context, access control list, the user's own) as far as it is permitted.
fn copy_extended(from: &Path, to: &File) {
    let mut list = vec![0_u8; 64 << 10];
    let Ok(length) = rustix::fs::llistxattr(from, &mut list[..]) else { return };
    let mut value = vec![0_u8; 64 << 10];
    for name in
        list.get(..length).unwrap_or_default().split(|byte| *byte == 0).filter(|name| !name.is_empty())
    {
        let Ok(name) = std::str::from_utf8(name) else { continue };
        if OF_THE_CONTENT.contains(&name) {
            continue;
        }
        if let Ok(length) = rustix::fs::lgetxattr(from, name, &mut value[..]) {
            let value = value.get(..length).unwrap_or_default();
            let _ = rustix::fs::fsetxattr(to, name, value, rustix::fs::XattrFlags::empty());
        }
    }
}

/// Runs the validation on the staged file.
fn check(text: &str, staged: &Path, path: &Path) -> Result<(), Failure> {
    let refuse = |message: String| Failure::new(FailureKind::Validation, message);
    if !text.contains("%s") {
        return Err(refuse(format!("validate must contain %s: {text}")));
    }
    let words = shlex::split(text).map_err(|error| refuse(format!("cannot read `{text}`: {error}")))?;
    let staged = staged.to_string_lossy();
    let argv = words.into_iter().map(|word| word.replace("%s", &staged).replace("%%", "%"));
    let output =
        command::run(&Command::argv(argv), None).map_err(|command::NotRun { errno, message }| Failure {
            errno,
            ..refuse(format!("failed to validate `{}`: cannot run `{text}`: {message}", path.display()))
        })?;
    if output.status == 0 {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let message = format!("failed to validate `{}`: rc:{} error:{said}", path.display(), output.status);
    Err(Failure { output: Some(output), ..refuse(message) })
}

/// Compares what is there with what was expected, by its content.
fn compare(place: &Path, expect: &Expect, path: &Path) -> Result<(), Failure> {
    let stale = |what: &str| {
        Failure::new(FailureKind::Stale, format!("`{}` {what} since it was observed", path.display()))
    };
    let (algorithm, expected) = match expect {
        Expect::Anything => return Ok(()),
        Expect::Absent => {
            return match fs::metadata(place) {
                Err(error) if is_absent(&error) => Ok(()),
                Err(error) => Err(failed("cannot read", path, &error)),
                Ok(_) => Err(stale("has appeared")),
            };
        }
        Expect::Sha256(hex) => (Algorithm::Sha256, hex),
        Expect::Sha1(hex) => (Algorithm::Sha1, hex),
    };
    let opened = File::options().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(place);
    let hash = match opened.and_then(|file| digest_of(file, algorithm)) {
        Ok(hash) => hash.hex,
        Err(error) if is_absent(&error) => return Err(stale("has gone")),
        Err(error) => return Err(failed("cannot read", path, &error)),
    };
    if hash.eq_ignore_ascii_case(expected) { Ok(()) } else { Err(stale("has changed")) }
}

/// Copies the former file to `PATH.PID.YYYY-MM-DD@HH:MM:SS~` with its attributes and times, as Ansible's `backup`.
fn back_up(place: &Path, former: &Metadata) -> Result<PathBuf, Failure> {
    let now = jiff::Zoned::now().strftime("%Y-%m-%d@%H:%M:%S~").to_string();
    let mut name = place.as_os_str().to_owned();
    name.push(format!(".{}.{now}", std::process::id()));
    let backup = PathBuf::from(name);
    let copied = (|| {
        let mut staged = Staged::beside(&backup)?;
        io::copy(&mut File::open(place)?, &mut staged.file)?;
        let own = Numbers { mode: None, uid: Some(former.uid()), gid: Some(former.gid()) };
        let (uid, gid) = own.differing(&staged.file.metadata()?);
        match fchown(&staged.file, uid, gid) {
            Err(error) if error.raw_os_error() != Some(libc::EPERM) => return Err(error),
            _ => {}
        }
        copy_extended(place, &staged.file);
        staged.file.set_permissions(fs::Permissions::from_mode(former.mode() & 0o7777))?;
        let times = fs::FileTimes::new().set_accessed(former.accessed()?).set_modified(former.modified()?);
        staged.file.set_times(times)?;
        staged.file.sync_all()?;
        staged.rename(&backup).map_err(|(_, error)| error)
    })();
    copied.map_err(|error| failed("cannot keep a backup in", &backup, &error))?;
    Ok(backup)
}

/// Whether a file cannot be replaced where it may well be written.
fn is_fixed(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EBUSY | libc::EPERM | libc::EXDEV | libc::EACCES | libc::ETXTBSY)
    )
}

/// Writes a staged content over the file in its place: not atomic, and its attributes stay where they cannot be set.
fn overwrite(staged: &Staged, place: &Path) -> io::Result<()> {
    let mut from = File::open(&staged.path)?;
    let mut to = File::options().write(true).create(true).truncate(true).open(place)?;
    io::copy(&mut from, &mut to)?;
    let wanted = staged.file.metadata()?;
    let found = to.metadata()?;
    if (found.uid(), found.gid()) != (wanted.uid(), wanted.gid()) {
        let _ = fchown(&to, Some(wanted.uid()), Some(wanted.gid()));
    }
    let _ = to.set_permissions(wanted.permissions());
    to.sync_all()
}

fn not_renamed(path: &Path, error: &io::Error) -> Failure {
    let failure = failed("cannot replace", path, error);
    if error.raw_os_error() == Some(libc::EBUSY) {
        let why = "it is a mount of its own (as containers have for /etc/hosts) and can only be written in place, \
                   which is not atomic: `unsafe_writes` asks for that";
        return Failure { message: format!("{}: {why}", failure.message), ..failure };
    }
    failure
}
