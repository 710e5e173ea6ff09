//! Answers queries. Nothing here changes the host or takes a lock.

mod content;
pub mod packages;
mod port;
mod stat;
mod tree;
pub mod units;
mod users;

pub use content::digest_of;

use super::act::http;
use super::beside::Beside;
use super::content_store::Kept;
use super::host::Host;
use super::{cause, command, facts, remembered};
use crate::wire::action::Bytes;
use crate::wire::{Algorithm, Command, Download, HttpRequest, Observation, ObserveError, Query, Step};

/// Answers one query. `ahead` are the steps from this one on: what they ask for as well is looked up together.
pub fn observe(host: &mut Host, query: &Query, ahead: &[Step]) -> Observation {
    let expanded = match query.path().map(|path| host.path(path)) {
        None => None,
        Some(Ok(path)) => Some(path),
        Some(Err(message)) => return cause::unknowable(message),
    };
    let path = expanded.unwrap_or_default();
    match query {
        Query::Stat { path: _, follow } => stat::stat(host, &path, *follow),
        Query::Digest { path: _, algorithm, limit } => content::digest(&path, *algorithm, *limit),
        Query::Content { path: _, limit } => content::content(&path, *limit),
        Query::List { path: _ } => tree::list(host, &path),
        Query::Tree { path: _ } => tree::tree(host, &path),
        Query::User { name } => users::user(host, name),
        Query::Group { name } => users::group(host, name),
        Query::Package { name } => {
            let wanted = upcoming(ahead).filter_map(|query| match query {
                Query::Package { name } => Some(name.as_str()),
                _ => None,
            });
            match host.packages.state(name, wanted) {
                Ok(state) => Observation::Package(state),
                Err(message) => cause::unknowable(message),
            }
        }
        Query::PackageListsAge => Observation::Number(packages::lists_refreshed()),
        Query::Unit { name, user } => units::unit(host, name, user.as_deref(), upcoming(ahead)),
        Query::Command(command) => run(host, command),
        Query::Download(request) => download(host, request),
        Query::Http(request) => match http::request(request) {
            Ok(answer) => Observation::Http(answer),
            Err(failure) => cause::unknowable(failure.message),
        },
        Query::Facts { subset, fact_path, timeout } => {
            match facts::gather(subset, &expand_fact_path(host, fact_path), *timeout) {
                Ok(facts) => Observation::Facts(facts),
                Err(message) => cause::unknowable(message),
            }
        }
        Query::Port { host: name, port, timeout } => Observation::Flag(port::is_open(name, *port, *timeout)),
        Query::Remembered { key } => Observation::Names(remembered::names(&host.places.state, key)),
    }
}

fn download(host: &mut Host, request: &HttpRequest) -> Observation {
    let kept = http::download(request, |body| host.contents.keep(body));
    match kept {
        Err(failure) => cause::unknowable(failure.message),
        Ok((answer, None)) => Observation::Download(Download { answer, content: None, digests: Vec::new() }),
        Ok((answer, Some(Kept { sha256, size, digests }))) => {
            let sha1 = digests.iter().find(|(algorithm, _)| *algorithm == Algorithm::Sha1);
            let sha1 = sha1.map(|(_, hash)| hash.clone()).unwrap_or_default();
            let content = Some(Bytes::Sent { sha256, sha1, size, path: None });
            Observation::Download(Download { answer, content, digests })
        }
    }
}

/// The queries from here to the next change.
fn upcoming(ahead: &[Step]) -> impl Iterator<Item = &Query> {
    ahead.iter().map_while(|step| match step {
        Step::Observe(query) => Some(query),
        Step::Change(_) => None,
    })
}

fn run(host: &Host, command: &Command) -> Observation {
    let directory = match command.directory.as_deref().map(|path| host.path(path)).transpose() {
        Ok(directory) => directory,
        Err(message) => return cause::unknowable(message),
    };
    let laid = match Beside::lay(host, command) {
        Ok(laid) => laid,
        Err(failure) => return cause::unknowable(failure.message),
    };
    let command = laid.as_ref().map_or(command, |(_, command)| command);
    match command::run_within(command, directory.as_deref(), host.limits) {
        Ok(output) => Observation::Command(output),
        Err(command::NotRun { errno, message }) => Observation::Failed(ObserveError { errno, message }),
    }
}

fn expand_fact_path(host: &Host, path: &str) -> String {
    host.path(path).map_or_else(|_| path.to_owned(), |path| path.to_string_lossy().into_owned())
}
