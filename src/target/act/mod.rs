//! Carries out actions, one at a time.

mod attributes;
mod directory;
pub mod http;
mod link;
mod remove;
mod staged;
mod write;

pub use http::request as http_request;

use std::path::PathBuf;

use super::beside::Beside;
use super::host::Host;
use super::{cause, command, converse, job, remembered};
use crate::wire::{Action, Command, Done, Failure, FailureKind, Outcome};

/// Carries out one action.
///
/// # Errors
/// Why it did not happen; what was there before is then whole.
pub fn act(host: &mut Host, action: &Action) -> Outcome {
    match action {
        Action::WriteFile { path, content, attributes, expect, backup, validate, follow, in_place } => {
            let order = write::Order {
                path: path_of(host, path)?,
                content,
                attributes,
                expect,
                backup: *backup,
                validate: validate.as_deref(),
                follow: *follow,
                in_place: *in_place,
            };
            write::write_file(host, order)
        }
        Action::SetAttributes { path, attributes, follow } => {
            let path = path_of(host, path)?;
            attributes::set(host, &path, attributes, *follow).map(|()| Done::Plain)
        }
        Action::MakeDirectory { path, attributes } => {
            let path = path_of(host, path)?;
            directory::make(host, &path, attributes).map(|()| Done::Plain)
        }
        Action::Symlink { path, target, attributes } => {
            let path = path_of(host, path)?;
            link::symlink(host, &path, target, attributes).map(|()| Done::Plain)
        }
        Action::HardLink { path, target } => {
            let (path, target) = (path_of(host, path)?, path_of(host, target)?);
            link::hard_link(&path, &target).map(|()| Done::Plain)
        }
        Action::Touch { path, accessed, modified, attributes } => {
            let path = path_of(host, path)?;
            attributes::touch(host, &path, *accessed, *modified, attributes).map(|()| Done::Plain)
        }
        Action::Remove { path } => {
            let path = path_of(host, path)?;
            remove::remove(&path).map(|()| Done::Plain)
        }
        Action::Run(command) => run(host, command),
        Action::Converse(dialogue) => converse::converse(host, dialogue),
        Action::Http(request) => http::demand(request).map(Done::Answered),
        Action::Raw { text: _ } => Err(Failure::new(
            FailureKind::Other,
            "a raw text goes over the bare connection, not through `fleet remote`",
        )),
        Action::StartJob(order) => job::start(host, order),
        Action::Remember { key, names } => remembered::add(&host.places.state, key, names)
            .map(|()| Done::Plain)
            .map_err(|error| cause::failed("cannot remember in", &host.places.state, &error)),
        Action::Forget { key, names } => remembered::take(&host.places.state, key, names)
            .map(|()| Done::Plain)
            .map_err(|error| cause::failed("cannot forget in", &host.places.state, &error)),
    }
}

/// Carries out actions on this machine, in order, up to the first that fails; the rest is `NotRun`.
pub fn act_here(actions: &[Action]) -> Vec<Outcome> {
    let mut host = Host::new(None);
    let mut failed = false;
    actions
        .iter()
        .map(|action| {
            if failed {
                return Err(Failure::new(FailureKind::NotRun, "an earlier step failed"));
            }
            let outcome = act(&mut host, action);
            failed = outcome.is_err();
            outcome
        })
        .collect()
}

pub(super) fn path_of(host: &Host, path: &str) -> Result<PathBuf, Failure> {
    if path.is_empty() {
        return Err(Failure::new(FailureKind::NotFound, "the path is empty"));
    }
    host.path(path).map_err(|message| Failure::new(FailureKind::NotFound, message))
}

fn run(host: &Host, command: &Command) -> Outcome {
    let directory = command.directory.as_deref().map(|path| path_of(host, path)).transpose()?;
    let called = command::called(command);
    let laid = Beside::lay(host, command)?;
    let with_files = laid.as_ref().map_or(command, |(_, command)| command);
    let output = command::run_within(with_files, directory.as_deref(), host.limits).map_err(
        |command::NotRun { errno, message }| {
            let kind = errno.map_or(FailureKind::Other, |number| cause::kind(&cause::errno(number)));
            Failure { kind, message: format!("cannot run `{called}`: {message}"), errno, output: None }
        },
    )?;
    if !command.must_succeed || (output.status == 0 && !output.timed_out) {
        return Ok(Done::Ran(output));
    }
    let (kind, mut message) = if output.timed_out {
        let message = match command.timeout {
            Some(seconds) => format!("`{called}` was not done within {seconds} seconds and was killed"),
            None => format!("`{called}` was not done in time and was killed"),
        };
        (FailureKind::Timeout, message)
    } else if output.status < 0 {
        (FailureKind::Status, format!("`{called}` was ended by signal {}", -output.status))
    } else {
        (FailureKind::Status, format!("`{called}` exited with status {}", output.status))
    };
    let stderr = String::from_utf8_lossy(&output.stderr);
    if let Some(said) = stderr.lines().map(str::trim).rfind(|line| !line.is_empty()) {
        message.push_str(": ");
        message.push_str(said);
    }
    Err(Failure { kind, message, errno: None, output: Some(output) })
}
