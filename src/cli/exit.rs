//! Exit codes, and the one place where errors are printed.

use std::io::Write;
use std::process::ExitCode;

use super::scrubbed;
use crate::base::{Diagnostic, Diagnostics, Severity};
use crate::engine::{Broken, Summary};
use crate::report::diagnostic;
use crate::report::style::{Label, paint};

/// How fleet ends. The codes are ansible-playbook's; `plan --detailed-exitcode` has Terraform's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: all hosts are as they should be.
    Fine,
    /// 1: something unexpected; with `--detailed-exitcode` any error.
    Error,
    /// 2: a host failed.
    HostFailed,
    /// 2, with `--detailed-exitcode`: something would change.
    Pending,
    /// 4: a host could not be reached.
    Unreachable,
    /// 4: the files are wrong.
    Files,
    /// 5: wrong options.
    Usage,
}

impl Exit {
    /// The code.
    pub fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Error => 1,
            Self::HostFailed | Self::Pending => 2,
            Self::Unreachable | Self::Files => 4,
            Self::Usage => 5,
        }
    }

    /// How Ansible ends where it stops at an error of this kind.
    pub fn as_ansible(error: &Diagnostic) -> Self {
        if error.plain { Self::Error } else { Self::Files }
    }

    /// What a run's counts mean.
    pub fn of_summary(summary: &Summary) -> Self {
        let Summary { recap: _, failed, unreachable, broken } = summary;
        if *broken == Some(Broken::Task) {
            Self::Error
        } else if *unreachable || *broken == Some(Broken::Play) {
            Self::Unreachable
        } else if *failed {
            Self::HostFailed
        } else {
            Self::Fine
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// The files are wrong; the problems have been printed.
#[derive(Debug, thiserror::Error)]
#[error("the files are wrong")]
pub struct FilesAreWrong(pub Diagnostics);

/// Options that do not go together or cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct WrongOptions(pub String);

/// An error that Ansible has words and a code of its own for.
#[derive(Debug, thiserror::Error)]
#[error("{own}")]
pub struct Worded {
    /// fleet's words.
    pub own: String,
    /// How fleet ends.
    pub exit: Exit,
    /// Ansible's words.
    pub told: String,
    /// How Ansible ends.
    pub code: u8,
}

impl Worded {
    /// Wrong options, for Ansible too.
    pub fn options(own: impl Into<String>, told: impl Into<String>) -> Self {
        Self { own: own.into(), exit: Exit::Usage, told: told.into(), code: Exit::Usage.code() }
    }

    /// Something that does not work.
    pub fn failed(own: impl Into<String>, told: impl Into<String>) -> Self {
        Self { own: own.into(), exit: Exit::Error, told: told.into(), code: Exit::Error.code() }
    }
}

/// The exit that an error means.
pub fn of(error: &anyhow::Error) -> Exit {
    if error.is::<FilesAreWrong>() {
        Exit::Files
    } else if error.is::<WrongOptions>() {
        Exit::Usage
    } else if let Some(worded) = error.downcast_ref::<Worded>() {
        worded.exit
    } else {
        Exit::Error
    }
}

/// Prints an error as Ansible does, and ends as it does.
pub fn end_as_ansible(error: &anyhow::Error) -> ExitCode {
    if let Some(Worded { told, code, .. }) = error.downcast_ref() {
        let _ = writeln!(scrubbed::stderr(), "{}", paint(Label::Failed, &format!("[ERROR]: {told}")));
        return ExitCode::from(*code);
    }
    if let Some(FilesAreWrong(diagnostics)) = error.downcast_ref() {
        let mut out = scrubbed::stderr();
        for found in &diagnostics.0 {
            let _ = write!(out, "{}", crate::report::ansible::problem(found));
        }
        return ExitCode::from(code_of(diagnostics));
    }
    let _ = writeln!(scrubbed::stderr(), "{}", paint(Label::Failed, &format!("[ERROR]: {error:#}")));
    of(error).into()
}

/// The code that Ansible ends with for what is wrong in files: it stops at the first.
fn code_of(diagnostics: &Diagnostics) -> u8 {
    let first = diagnostics.0.iter().find(|found| found.severity == Severity::Error);
    first.map_or(Exit::Files, Exit::as_ansible).code()
}

/// Prints an error with its causes on standard error.
pub fn print(error: &anyhow::Error) {
    let mut out = scrubbed::stderr();
    if let Some(FilesAreWrong(diagnostics)) = error.downcast_ref() {
        let _ = print_diagnostics(&mut out, diagnostics);
        return;
    }
    let _ = writeln!(out, "{}: {error:#}", paint(Label::Failed, "error"));
}

/// A warning about options, on standard error.
pub fn warn(text: &str) {
    let _ = writeln!(scrubbed::stderr(), "{}: {text}", paint(Label::Warning, "warning"));
}

/// Prints problems, then how many there are.
pub fn print_diagnostics(out: &mut impl Write, diagnostics: &Diagnostics) -> std::io::Result<()> {
    let mut sorted: Vec<_> = diagnostics.0.iter().collect();
    sorted.sort_by_key(|found| {
        found.place.as_ref().map(|place| (place.source.path.clone(), place.line, place.column))
    });
    for found in sorted {
        diagnostic::write(out, found, "")?;
    }
    let errors = diagnostics.0.iter().filter(|d| d.severity == Severity::Error).count();
    if errors > 0 {
        let text = format!(
            "{} in the files; no host has been connected to",
            crate::base::names::count(errors, "error")
        );
        writeln!(out, "{}", paint(Label::Failed, &text))?;
    }
    Ok(())
}
