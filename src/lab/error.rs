//! What can go wrong in the lab: one sentence, its cause, the end of the log that tells more, and a hint.

use std::error::Error;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// How many lines of a log are quoted in an error.
const QUOTED_LINES: usize = 15;

/// The result of a lab operation.
pub type Result<T, E = LabError> = std::result::Result<T, E>;

/// A failure of the lab. `Display` gives the sentence, the cause and the end of the log; the hint is separate.
#[derive(Debug)]
pub struct LabError(Box<Parts>);

#[derive(Debug, Default)]
struct Parts {
    message: String,
    host: Option<String>,
    hint: Option<String>,
    log: Option<LogEnd>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

/// The end of a log file, read when the error was made (the file may be gone when it is shown).
#[derive(Debug)]
struct LogEnd {
    path: PathBuf,
    lines: Vec<String>,
}

impl LabError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self(Box::new(Parts { message: message.into(), ..Parts::default() }))
    }

    /// For `map_err`: `.map_err(LabError::because("cannot read `x`"))`.
    pub(super) fn because<E>(message: impl Into<String>) -> impl FnOnce(E) -> Self
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let message = message.into();
        move |cause| Self(Box::new(Parts { message, cause: Some(cause.into()), ..Parts::default() }))
    }

    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    pub(super) fn with_log(mut self, path: &Path) -> Self {
        let text = fs::read(path).unwrap_or_default();
        self.0.log = Some(LogEnd { path: path.to_path_buf(), lines: last_lines(&text, QUOTED_LINES) });
        self
    }

    pub(super) fn on_host(mut self, host: &str) -> Self {
        self.0.host.get_or_insert_with(|| host.to_string());
        self
    }

    /// The host that failed, where it was one host.
    pub fn host(&self) -> Option<&str> {
        self.0.host.as_deref()
    }

    /// What the reader can do about it.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Several failures as one; `None` if there was none.
    pub(super) fn all(mut errors: Vec<Self>) -> Option<Self> {
        if errors.len() < 2 {
            return errors.pop();
        }
        let hint = errors.iter().find_map(|error| error.hint().map(str::to_string));
        let message = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        Some(Self(Box::new(Parts { message, hint, ..Parts::default() })))
    }
}

impl fmt::Display for LabError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts { message, host, hint: _, log, cause } = self.0.as_ref();
        if let Some(host) = host {
            write!(f, "host `{host}`: ")?;
        }
        f.write_str(message)?;
        let mut next: Option<&(dyn Error + 'static)> = cause.as_deref().map(|cause| cause as _);
        while let Some(cause) = next {
            write!(f, ": {cause}")?;
            next = cause.source();
        }
        let Some(LogEnd { path, lines }) = log else { return Ok(()) };
        let state = if lines.is_empty() { "is empty" } else { "ends with" };
        write!(f, "\n  its log `{}` {state}", path.display())?;
        lines.iter().try_for_each(|line| write!(f, "\n    {line}"))
    }
}

// The cause is part of the sentence, so there is no `source`: a printer of chains would show it twice.
impl Error for LabError {}

/// The last lines of a console's output that say something, without control sequences.
fn last_lines(text: &[u8], count: usize) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let mut lines: Vec<String> =
        text.lines().rev().map(plain).filter(|line| !line.is_empty()).take(count).collect();
    lines.reverse();
    lines
}

/// A line without terminal control sequences and trailing blanks.
pub(super) fn plain(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            // CSI: parameters up to a final byte; any other escape is two characters.
            if chars.next() == Some('[') {
                while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {}
            }
        } else if !c.is_control() || c == '\t' {
            out.push(c);
        }
    }
    out.trim_end().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_quoted_without_control_sequences() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        fs::write(&log, "one\n\n[\u{1b}[0;32m  OK  \u{1b}[0m] Started \u{1b}[0;1;39mssh\u{1b}[0m.\r\n")
            .unwrap();
        let error = LabError::new("it does not answer").on_host("web1").with_log(&log).with_hint("look");
        assert_eq!(
            error.to_string(),
            format!(
                "host `web1`: it does not answer\n  its log `{}` ends with\n    one\n    [  OK  ] Started ssh.",
                log.display()
            )
        );
        assert_eq!(error.hint(), Some("look"));
    }

    #[test]
    fn several_errors_are_all_shown() {
        let errors = vec![LabError::new("a").on_host("web1"), LabError::new("b").on_host("web2")];
        assert_eq!(LabError::all(errors).unwrap().to_string(), "host `web1`: a\nhost `web2`: b");
        assert!(LabError::all(Vec::new()).is_none());
    }
}
