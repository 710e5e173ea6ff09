//! `password`: a password that is drawn once and kept in a file of the controller.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::ask::{Ask, Inline};
use super::random::{Dice, named_set};
use super::{Found, failed, paths};
use crate::base::Value;
use crate::template::crypt::{Method, Recipe};
use crate::template::{LookupError, seeded_choices};

const OPTIONS: &[&str] = &["chars", "encrypt", "ident", "length", "seed"];

/// The characters of a salt.
const SALT: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./";

pub(super) fn password(ask: &Ask<'_>) -> Found {
    ask.each(|term| {
        let (name, inline) = term.split_once(' ').unwrap_or((term, ""));
        let inline = Inline::parse(inline);
        let name =
            [name].into_iter().chain(inline.words.iter().map(String::as_str)).collect::<Vec<_>>().join(" ");
        if !term.starts_with(&name) {
            return Err(failed("unrecognized value after key=value parameters given to password lookup"));
        }
        let options = inline.over(ask.options, OPTIONS)?;
        one(&Ask { options: &options, ..*ask }, &name).map(Value::from)
    })
}

fn one(ask: &Ask<'_>, name: &str) -> Result<String, LookupError> {
    let path = paths::normalised(&ask.world.playbook_directory().join(paths::expanded(name)));
    let forgets = path == Path::new("/dev/null");
    let _lock = if forgets { None } else { Some(Lock::take(&path)?) };
    let kept = match std::fs::read(&path) {
        Ok(bytes) if !forgets => Some(Kept::parse(
            std::str::from_utf8(&bytes)
                .map_err(|_| failed(format!("`{}` is not UTF-8", path.display())))?
                .trim_end(),
        )),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(failed(format!("cannot read `{}`: {error}", path.display())));
        }
        _ => None,
    };
    let mut changed = kept.is_none();
    let mut kept = match kept {
        Some(kept) => kept,
        None => Kept { password: drawn(ask)?, salt: None, ident: None },
    };
    let encrypt = ask.option("encrypt").map(Value::to_text).filter(|name| !name.is_empty());
    let method = encrypt.as_deref().map(Method::named).transpose().map_err(failed)?;
    if let (Some(method), None) = (method, &kept.salt) {
        let alphabet: Vec<char> = SALT.chars().collect();
        kept.salt = Some(Dice::new()?.text(&alphabet, method.salt_size())?);
        changed = true;
    }
    let wanted = ask.option("ident").map(Value::to_text);
    match (&kept.ident, &wanted) {
        (Some(stored), Some(wanted)) if stored != wanted => {
            return Err(failed(format!(
                "the ident parameter provided ({wanted}) does not match the stored one ({stored})"
            )));
        }
        (Some(_), _) => {}
        (None, _) => kept.ident.clone_from(&wanted),
    }
    if let (Some(method), None) = (method, &kept.ident)
        && let Some(ident) = method.implicit_ident()
    {
        kept.ident = Some(ident.to_owned());
        changed = true;
    }
    if changed && !forgets {
        write(&path, &kept.to_text(method.is_some()))?;
    }
    let Some(method) = method else { return Ok(kept.password) };
    let Kept { password, salt, ident } = kept;
    method.hash(&password, &Recipe { salt: salt.unwrap_or_default(), rounds: None, ident }).map_err(failed)
}

fn drawn(ask: &Ask<'_>) -> Result<String, LookupError> {
    let specs = match ask.option("chars") {
        None => vec!["ascii_letters".to_owned(), "digits".to_owned(), ".,:-_".to_owned()],
        Some(Value::List(items)) => items.iter().map(Value::to_text).collect(),
        Some(other) => {
            let text = other.to_text();
            let comma = text.contains(",,").then(|| ",".to_owned());
            let parts = text.replace(",,", ",");
            let parts = parts.split(',').filter(|part| !part.is_empty()).map(ToOwned::to_owned);
            comma.into_iter().chain(parts).collect()
        }
    };
    let alphabet: Vec<char> = specs
        .iter()
        .flat_map(|spec| named_set(spec).unwrap_or_else(|| spec.clone()).chars().collect::<Vec<_>>())
        .filter(|c| !matches!(c, '"' | '\''))
        .collect();
    if alphabet.is_empty() {
        return Err(failed("the `chars` of a password are empty"));
    }
    let length = ask.count("length", 20)?;
    match ask.option("seed") {
        None => Dice::new()?.text(&alphabet, length),
        Some(seed) => {
            Ok(seeded_choices(seed, alphabet.len(), length).filter_map(|at| alphabet.get(at)).collect())
        }
    }
}

/// What the file holds: `PASSWORD salt=SALT ident=IDENT`.
#[derive(Debug, PartialEq, Eq)]
struct Kept {
    password: String,
    salt: Option<String>,
    ident: Option<String>,
}

impl Kept {
    fn parse(text: &str) -> Self {
        let Some((password, rest)) = text.rsplit_once(" salt=").filter(|(_, rest)| !rest.is_empty()) else {
            let password = text.rsplit_once(" salt=").map_or(text, |(password, _)| password);
            return Self { password: password.to_owned(), salt: None, ident: None };
        };
        let (salt, ident) =
            rest.rsplit_once(" ident=").map_or((rest, None), |(salt, ident)| (salt, Some(ident)));
        Self {
            password: password.to_owned(),
            salt: Some(salt.to_owned()),
            ident: ident.map(ToOwned::to_owned),
        }
    }

    fn to_text(&self, encrypted: bool) -> String {
        let Self { password, salt, ident } = self;
        match (salt, ident) {
            (Some(salt), Some(ident)) if encrypted || !salt.is_empty() => {
                format!("{password} salt={salt} ident={ident}")
            }
            (Some(salt), None) => format!("{password} salt={salt}"),
            _ => password.clone(),
        }
    }
}

fn write(path: &Path, text: &str) -> Result<(), LookupError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let written = options.open(path).and_then(|mut file| {
        use std::os::unix::fs::PermissionsExt as _;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        file.write_all(format!("{text}\n").as_bytes())
    });
    written.map_err(|error| failed(format!("cannot write `{}`: {error}", path.display())))
}

/// Keeps others from drawing the same password at the same time; the file beside it has Ansible's name.
struct Lock(std::path::PathBuf);

impl Lock {
    /// How long another run's lock is waited for, in tenths of a second.
    const PATIENCE: u32 = 70;

    fn take(path: &Path) -> Result<Self, LookupError> {
        use sha1::{Digest as _, Sha1};
        let folder = path.parent().unwrap_or(Path::new("/"));
        let cannot =
            |error: std::io::Error| failed(format!("cannot write in `{}`: {error}", folder.display()));
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(cannot)?;
        let digest = Sha1::digest(path.as_os_str().as_encoded_bytes());
        let hex = digest.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        let lock = folder.join(format!("{hex}.ansible_lockfile"));
        for _ in 0..Self::PATIENCE {
            match std::fs::OpenOptions::new().write(true).create_new(true).open(&lock) {
                Ok(_) => return Ok(Self(lock)),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                    std::thread::sleep(std::time::Duration::from_millis(100));
                }
                Err(error) => return Err(cannot(error)),
            }
        }
        Err(failed(format!("another run holds the lock `{}`; remove it if there is none", lock.display())))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_keeps_password_salt_and_ident() {
        for text in ["secret", "two words", "secret salt=abc", "secret salt=abc ident=2b"] {
            assert_eq!(Kept::parse(text).to_text(true), text);
        }
        let kept = Kept::parse("a salt=b salt=c ident=2b");
        assert_eq!((kept.password.as_str(), kept.salt.as_deref()), ("a salt=b", Some("c")));
        assert_eq!(Kept::parse("a salt=").password, "a");
    }
}
