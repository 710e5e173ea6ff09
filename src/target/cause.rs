//! System errors in words, as observations and failures carry them.

use std::io;
use std::path::Path;

use crate::wire::{Failure, FailureKind, Observation, ObserveError};

/// The system's words for an error, without Rust's `(os error N)`.
pub fn words(error: &io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error ") {
        Some(at) => text.get(..at).unwrap_or(&text).to_owned(),
        None => text,
    }
}

/// The observation that says why something could not be seen.
pub fn unseen(error: &io::Error) -> Observation {
    Observation::Failed(ObserveError { errno: error.raw_os_error(), message: words(error) })
}

/// The observation for a cause that is not a system error.
pub fn unknowable(message: impl Into<String>) -> Observation {
    Observation::Failed(ObserveError { errno: None, message: message.into() })
}

/// The failure of doing something (`cannot write`) to a path.
pub fn failed(doing: &str, path: &Path, error: &io::Error) -> Failure {
    let errno = error.raw_os_error();
    Failure {
        kind: kind(error),
        message: format!("{doing} `{}`: {}", path.display(), words(error)),
        errno,
        output: None,
    }
}

/// The kind of failure that a system error is.
pub fn kind(error: &io::Error) -> FailureKind {
    match error.raw_os_error() {
        Some(libc::ENOSPC | libc::EDQUOT) => FailureKind::NoSpace,
        Some(libc::EPERM | libc::EACCES) => FailureKind::Permission,
        Some(libc::ENOENT | libc::ENOTDIR) => FailureKind::NotFound,
        Some(libc::ETIMEDOUT) => FailureKind::Timeout,
        Some(_) => FailureKind::Other,
        None => match error.kind() {
            io::ErrorKind::NotFound => FailureKind::NotFound,
            io::ErrorKind::PermissionDenied => FailureKind::Permission,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FailureKind::NoSpace,
            io::ErrorKind::TimedOut => FailureKind::Timeout,
            _ => FailureKind::Other,
        },
    }
}

/// Whether an error says that there is nothing at a path.
pub fn is_absent(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR))
}

/// A system error by its number.
pub fn errno(number: i32) -> io::Error {
    io::Error::from_raw_os_error(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_no_rust_in_them() {
        assert_eq!(words(&errno(libc::ENOENT)), "No such file or directory");
        let failure = failed("cannot write", Path::new("/x"), &errno(libc::ENOSPC));
        assert_eq!(failure.message, "cannot write `/x`: No space left on device");
        assert_eq!((failure.kind, failure.errno), (FailureKind::NoSpace, Some(libc::ENOSPC)));
    }
}
