//! Paths on the controller: what they stand for, what is there, and how texts in files are encoded.

use std::path::{Component, Path, PathBuf};

use super::ask::Ask;
use super::{Found, failed};
use crate::base::Value;
use crate::template::LookupError;

/// `~` is the home directory.
pub(super) fn expanded(name: &str) -> PathBuf {
    match (name.strip_prefix('~'), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
            PathBuf::from(home).join(rest.trim_start_matches('/'))
        }
        _ => PathBuf::from(name),
    }
}

/// An absolute path without `.` and `..`; links are left alone.
pub(super) fn normalised(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut normal = PathBuf::new();
    for component in absolute.components() {
        match component {
            Component::ParentDir => drop(normal.pop()),
            Component::CurDir => {}
            other => normal.push(other),
        }
    }
    normal
}

/// The text of a file in an encoding.
pub(super) fn decoded(path: &Path, encoding: &str) -> Result<String, LookupError> {
    let bytes =
        std::fs::read(path).map_err(|error| failed(format!("cannot read `{}`: {error}", path.display())))?;
    let single = |decode: fn(u8) -> char| Ok(bytes.iter().map(|byte| decode(*byte)).collect());
    match encoding.to_lowercase().replace('_', "-").as_str() {
        "utf-8" | "utf8" | "utf-8-sig" | "ascii" | "us-ascii" => {
            let text = String::from_utf8(bytes).map_err(|error| {
                let at = error.utf8_error().valid_up_to();
                failed(format!("`{}` is not UTF-8 (byte {at})", path.display()))
            })?;
            Ok(text.strip_prefix('\u{feff}').map(ToOwned::to_owned).unwrap_or(text))
        }
        "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" | "8859-1" => single(char::from),
        "latin-9" | "latin9" | "iso-8859-15" | "iso8859-15" | "8859-15" => single(latin9),
        other => {
            Err(failed(format!("the encoding `{other}` is not supported (utf-8, iso-8859-1, iso-8859-15)")))
        }
    }
}

fn latin9(byte: u8) -> char {
    match byte {
        0xa4 => '€',
        0xa6 => 'Š',
        0xa8 => 'š',
        0xb4 => 'Ž',
        0xb8 => 'ž',
        0xbc => 'Œ',
        0xbd => 'œ',
        0xbe => 'Ÿ',
        other => char::from(other),
    }
}

/// Ansible's tests of paths on the controller.
pub(super) fn path_test(ask: &Ask<'_>) -> Found {
    use std::os::unix::fs::MetadataExt;
    let mut words = ask.texts();
    let test = words.next().unwrap_or_default();
    let paths: Vec<PathBuf> = words.map(PathBuf::from).collect();
    let Some(path) = paths.first() else { return Err(failed(format!("the test '{test}' needs a path"))) };
    let device = |path: &Path| path.symlink_metadata().ok().map(|meta| (meta.dev(), meta.ino()));
    let holds = match test.as_str() {
        "exists" => path.exists(),
        "file" => path.is_file(),
        "directory" => path.is_dir(),
        "link" => path.is_symlink(),
        "link_exists" => path.symlink_metadata().is_ok(),
        "mount" => {
            let own = device(path);
            let above = device(&path.join(".."));
            own.is_some() && (own.map(|id| id.0) != above.map(|id| id.0) || own == above)
        }
        "same_file" => {
            let real = |path: &PathBuf| path.canonicalize().ok();
            paths.get(1).is_some_and(|other| real(path).is_some() && real(path) == real(other))
        }
        "vaulted_file" => {
            use std::io::Read;
            let mut start = [0; 15];
            let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut start));
            read.is_ok() && &start == b"$ANSIBLE_VAULT;"
        }
        other => return Err(failed(format!("there is no test of paths called '{other}'"))),
    };
    Ok(vec![Value::Bool(holds)])
}

/// The path of what is there, and below it the rest as it is written, without `..`.
fn real(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    let above = path.parent().map(real).unwrap_or_default();
    match path.components().next_back() {
        Some(Component::ParentDir) => above.parent().unwrap_or(&above).to_owned(),
        Some(Component::Normal(name)) => above.join(name),
        _ => above,
    }
}

/// A path without links, as far as it exists.
pub(super) fn realpath(ask: &Ask<'_>) -> Found {
    ask.each(|path| {
        let real = std::path::absolute(path).map(|absolute| real(&absolute));
        real.map(|real| Value::from(real.display().to_string()))
            .map_err(|error| failed(format!("cannot resolve '{path}': {error}")))
    })
}
