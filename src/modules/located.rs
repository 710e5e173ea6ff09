//! Paths that only the host can complete: relative ones, and those that name environment variables.

use std::borrow::Cow;

use super::contract::Halt;
use super::params::{Field, Given};
use super::view::View;
use super::{paths, run};
use crate::base::Value;
use crate::wire::Command;

/// Parameters whose relative paths start where the host's session stands, as those of Ansible's modules do. Others
/// keep theirs: the text of a link, or what is below `chdir`.
const PLACES: [&str; 2] = ["path", "dest"];

/// The parameters, with paths of the host completed: `$NAME` and `${NAME}` from the task's environment there, what is
/// relative from its working directory. Nothing is asked where there is nothing to complete.
pub fn located<'a>(fields: &[Field], given: &'a Given, view: &View<'_>) -> Result<Cow<'a, Given>, Halt> {
    let mut given = Cow::Borrowed(given);
    for field in fields.iter().filter(|field| field.kind == "path") {
        let names = std::iter::once(&field.name).chain(field.aliases);
        for name in names {
            let Some(path) = given.get(*name).and_then(Value::as_str) else { continue };
            let Some(path) = completed(path, PLACES.contains(&field.name), view)? else { continue };
            given.to_mut().insert((*name).into(), Value::from(path));
        }
    }
    Ok(given)
}

fn completed(path: &str, place: bool, view: &View<'_>) -> Result<Option<String>, Halt> {
    let expanded = expanded(path, view)?;
    let path = expanded.as_deref().unwrap_or(path);
    if !place || path.is_empty() || path.starts_with(['/', '~']) {
        return Ok(expanded);
    }
    let here = view.run(run::argv(view, ["pwd"]))?;
    let here = String::from_utf8_lossy(&here.stdout);
    Ok(Some(paths::join(here.trim_end_matches('\n'), path)))
}

/// The path with its variables, as Python's `os.path.expandvars`: one that is not there stays as it is written.
fn expanded(path: &str, view: &View<'_>) -> Result<Option<String>, Halt> {
    let mut found = false;
    let mut text = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('$') {
        text += before;
        let (name, length) = variable(after);
        let value = if name.is_empty() { None } else { value(name, view)? };
        match value {
            Some(value) => {
                found = true;
                text += &value;
            }
            None => {
                text.push('$');
                text += after.get(..length).unwrap_or_default();
            }
        }
        rest = after.get(length..).unwrap_or_default();
    }
    text += rest;
    Ok(found.then_some(text))
}

/// The name after a `$`, and how many bytes it takes with its braces.
fn variable(after: &str) -> (&str, usize) {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if let Some(braced) = after.strip_prefix('{') {
        return braced.split_once('}').map_or(("", 0), |(name, _)| (name, name.len() + 2));
    }
    let length = after.find(|c| !plain(c)).unwrap_or(after.len());
    (after.get(..length).unwrap_or_default(), length)
}

fn value(name: &str, view: &View<'_>) -> Result<Option<String>, Halt> {
    let printed = view.run(run::within(view, Command::argv(["printenv", name]).may_fail()))?;
    let text = String::from_utf8_lossy(&printed.stdout);
    Ok((printed.status == 0).then(|| text.strip_suffix('\n').unwrap_or(&text).to_owned()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::Value as Json;

    use super::*;
    use crate::modules::testing::Project;
    use crate::modules::view::{Context, Fixed};
    use crate::wire::{CommandOutput, Observation, Query};

    fn complete(path: &str) -> Option<String> {
        let mut host = Fixed::default();
        let mut answer = |command: Command, status: i32, stdout: &str| {
            let output = CommandOutput {
                status,
                stdout: stdout.into(),
                stderr: Vec::new(),
                started: 0,
                ended: 0,
                utc_offset: 0,
                timed_out: false,
            };
            host.answers.insert(Query::Command(command), Arc::new(Observation::Command(output)));
        };
        answer(Command::argv(["pwd"]), 0, "/home/ann\n");
        answer(Command::argv(["printenv", "HOME"]).may_fail(), 0, "/home/ann\n");
        answer(Command::argv(["printenv", "NONE"]).may_fail(), 1, "");
        answer(Command::argv(["printenv", "1"]).may_fail(), 1, "");
        let project = Project::read(&Json::Null, &Json::Null);
        completed(path, true, &View::new(&host, &project, &Context::default())).unwrap()
    }

    #[test]
    fn what_the_host_knows_is_asked_for() {
        assert_eq!(complete("/srv/x"), None);
        assert_eq!(complete("~/x"), None);
        assert_eq!(complete("a/b"), Some("/home/ann/a/b".into()));
        assert_eq!(complete("$HOME/x"), Some("/home/ann/x".into()));
        assert_eq!(complete("/a/${HOME}x/$NONE"), Some("/a//home/annx/$NONE".into()));
        assert_eq!(complete("/a/$NONE/$1/$"), None);
    }
}
