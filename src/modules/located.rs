//! Paths that only the host can complete: relative ones, those that begin with a home directory or name environment
//! variables.

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

/// The parameters, with paths of the host completed: `$NAME` and `${NAME}` from the task's environment there, `~` by the
/// user's home directory, what is relative from its working directory. Nothing is asked where there is nothing to
/// complete.
pub fn located<'a>(
    module: &str,
    fields: &[Field],
    given: &'a Given,
    view: &View<'_>,
) -> Result<Cow<'a, Given>, Halt> {
    let mut located = Cow::Borrowed(given);
    for (field, name) in of_the_host(fields) {
        let Some(value) = given.get(name).filter(|_| !is_projects(module, field.name, given)) else {
            continue;
        };
        let complete = |path: &str| completed(path, PLACES.contains(&field.name), view);
        let completed = match value {
            _ if field.kind == "path" => value.as_str().map(complete).transpose()?.flatten().map(Value::from),
            // as lists are read: a text is split at commas
            Value::Str(text) => {
                let parts: Vec<Value> = text.split(',').map(|part| Value::str(part.trim())).collect();
                all(&parts, complete)?
            }
            value => value.as_list().map(|items| all(items, complete)).transpose()?.flatten(),
        };
        if let Some(completed) = completed {
            located.to_mut().insert(name.into(), completed);
        }
    }
    Ok(located)
}

/// Whether a path among the parameters begins with the user's home directory: then the host has to have told it.
pub fn names_home(fields: &[Field], given: &Given) -> bool {
    let at_home = |value: &Value| value.as_str().is_some_and(|path| path == "~" || path.contains("~/"));
    of_the_host(fields).any(|(_, name)| {
        given
            .get(name)
            .is_some_and(|value| value.as_list().map_or(at_home(value), |all| all.iter().any(at_home)))
    })
}

/// Parameters that are paths or lists of them, by all names that they answer to.
fn of_the_host(fields: &[Field]) -> impl Iterator<Item = (&Field, &'static str)> {
    fields.iter().filter(|field| field.kind == "path" || field.elements == Some("path")).flat_map(|field| {
        std::iter::once(field.name).chain(field.aliases.iter().copied()).map(move |name| (field, name))
    })
}

/// Whether it is a path of the project instead.
fn is_projects(module: &str, parameter: &str, given: &Given) -> bool {
    let remote = given.get("remote_src").and_then(Value::to_bool);
    parameter == "src"
        && match module {
            "template" => true,
            "copy" | "unarchive" => remote != Some(true),
            "assemble" => remote == Some(false),
            _ => false,
        }
}

/// A list with what can be completed; nothing where nothing can.
fn all(
    items: &[Value],
    complete: impl Fn(&str) -> Result<Option<String>, Halt>,
) -> Result<Option<Value>, Halt> {
    let completed = items.iter().map(|item| item.as_str().map(&complete).transpose().map(Option::flatten));
    let completed = completed.collect::<Result<Vec<_>, _>>()?;
    let any = completed.iter().any(Option::is_some);
    let items =
        items.iter().zip(completed).map(|(item, path)| path.map_or_else(|| item.clone(), Value::from));
    Ok(any.then(|| Value::list(items)))
}

/// An absolute path, or one that starts where the host's session stands.
pub fn placed(path: &str, view: &View<'_>) -> Result<String, Halt> {
    Ok(completed(path, true, view)?.unwrap_or_else(|| path.to_owned()))
}

fn completed(path: &str, place: bool, view: &View<'_>) -> Result<Option<String>, Halt> {
    let expanded = expanded(path, |name| value(name, view))?;
    let path = expanded.as_deref().unwrap_or(path);
    if let Some(after) = path.strip_prefix('~') {
        let (name, below) = after.split_at(after.find('/').unwrap_or(after.len()));
        let home = if name.is_empty() {
            view.context().home.clone()
        } else {
            view.user(name)?.map(|user| user.home)
        };
        return Ok(home.map(|home| format!("{}{below}", home.trim_end_matches('/'))).or(expanded));
    }
    if !place || path.is_empty() || path.starts_with('/') {
        return Ok(expanded);
    }
    let here = view.run(run::argv(view, ["pwd"]))?;
    let here = String::from_utf8_lossy(&here.stdout);
    Ok(Some(paths::join(here.trim_end_matches('\n'), path)))
}

/// The path with its variables, as Python's `os.path.expandvars`: one that is not there stays as it is written. Nothing where
/// none is there.
pub fn expanded<E>(
    path: &str,
    value: impl Fn(&str) -> Result<Option<String>, E>,
) -> Result<Option<String>, E> {
    let mut found = false;
    let mut text = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('$') {
        text += before;
        let (name, length) = variable(after);
        let value = if name.is_empty() { None } else { value(name)? };
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

    fn complete_at(home: Option<&str>, path: &str) -> Option<String> {
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
        let context = Context { home: home.map(str::to_owned), ..Context::default() };
        completed(path, true, &View::new(&host, &project, &context)).unwrap()
    }

    #[test]
    fn lists_and_paths_of_the_project() {
        let field = |module: &str, name: &str| {
            let fields = crate::modules::registry::find(module).unwrap().fields();
            fields.into_iter().find(|field| field.name == name).unwrap()
        };
        let given = |name: &str, value: Value| Given::from_iter([(name.into(), value)]);
        let project = Project::read(&Json::Null, &Json::Null);
        let context = Context { home: Some("/home/ann".to_owned()), ..Context::default() };
        let (host, fields) = (Fixed::default(), [field("find", "paths")]);
        let locate = |module: &str, fields: &[Field], given: &Given| {
            let located = located(module, fields, given, &View::new(&host, &project, &context)).unwrap();
            (names_home(fields, given), located.into_owned())
        };
        let list = given("path", Value::list([Value::str("~/a"), Value::str("/b")]));
        let there = given("path", Value::list([Value::str("/home/ann/a"), Value::str("/b")]));
        assert_eq!(locate("find", &fields, &list), (true, there.clone()));
        assert_eq!(locate("find", &fields, &given("path", Value::str("~/a, /b"))), (true, there));
        let plain = given("paths", Value::str("/a,/b"));
        assert_eq!(locate("find", &fields, &plain), (false, plain.clone()));
        let mut sent = given("src", Value::str("~/a"));
        assert_eq!(locate("copy", &[field("copy", "src")], &sent).1, sent);
        sent.insert("remote_src".into(), Value::Bool(true));
        let located = locate("copy", &[field("copy", "src")], &sent).1;
        assert_eq!(located.get("src"), Some(&Value::str("/home/ann/a")));
    }

    fn complete(path: &str) -> Option<String> {
        complete_at(None, path)
    }

    #[test]
    fn the_home_directory_stands_for_its_sign() {
        let complete = |path: &str| complete_at(Some("/home/ann/"), path);
        assert_eq!(complete("~"), Some("/home/ann".into()));
        assert_eq!(complete("~/x/"), Some("/home/ann/x/".into()));
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
