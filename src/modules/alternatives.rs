//! Keeps which of several programs a common name stands for (`update-alternatives`).
//!
//! ```yaml
//! - name: The editor is vim
//!   community.general.alternatives:
//!     name: editor
//!     path: /usr/bin/vim.basic
//! ```

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::diff::Diff;
use super::params::{PathText, Rule};
use super::run;
use super::view::View;
use crate::base::{Map, Value};
use crate::wire::{Failure, Follow};
use crate::{choices, params};

/// As `community.general.alternatives`.
pub struct Alternatives;

choices! {
    /// What shall be.
    pub enum AltState { Absent = "absent", Auto = "auto", Present = "present", Selected = "selected" }
}

params! {
    /// Parameters of `alternatives`.
    pub struct AltParams {
        /// The common name.
        name: String;
        /// The program that the name stands for, by its full path.
        path: Option<PathText>;
        /// The family of programs, on systems that have them.
        family: Option<String>;
        /// The link that stands for the name; needed where the name is new.
        link: Option<PathText>;
        /// The priority of the program.
        priority: Option<i64>;
        /// Whether it is an alternative (`present`), the selected one, not one any more, or chosen by priority (`auto`).
        state: AltState = AltState::Selected;
        /// Further links that come with it, each a mapping of `name`, `path` and `link`.
        subcommands: Option<Vec<Map>>, aliases ["slaves"];
    }
    rules [Rule::RequiredOneOf(&["path", "family"])]
}

#[derive(Debug, Default, PartialEq)]
struct Alternative {
    path: String,
    family: String,
    priority: i64,
    /// Name, path and link.
    others: Vec<(String, String, String)>,
}

#[derive(Debug, Default, PartialEq)]
struct Known {
    mode: String,
    current: Option<String>,
    link: Option<String>,
    all: Vec<Alternative>,
}

impl Module for Alternatives {
    type Params = AltParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "alternatives",
        collection: "community.general",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("alternatives.rs"),
        returns: &[("msg", "what was done")],
    };

    fn plan(params: &AltParams, view: &View<'_>) -> Result<Step, Halt> {
        let AltParams { name, path, family, link, priority, state, subcommands } = params;
        let display = ["update-alternatives", "--display", name];
        let Some(output) = run::read(view, display)? else {
            return fail("Failed to find required executable \"update-alternatives\" on the host");
        };
        let mut known = if output.status == 0 { read(&run::stdout(&output)) } else { Known::default() };
        let others = subcommands.as_ref().map(|all| all.iter().map(other).collect::<Result<Vec<_>, _>>());
        let others = others.transpose()?;
        let found = path.as_ref().and_then(|path| known.all.iter().find(|one| one.path == path.0));
        let mut commands: Vec<Vec<String>> = Vec::new();
        let mut messages = Vec::new();
        let words = |words: &[&str]| -> Vec<String> {
            std::iter::once("update-alternatives").chain(words.iter().copied()).map(str::to_owned).collect()
        };
        if *state == AltState::Absent {
            if let (Some(path), Some(_)) = (path, found) {
                commands.push(words(&["--remove", name, path]));
                messages.push(format!("Remove alternative '{}' from '{name}'.", &**path));
                known.all.retain(|one| one.path != path.0);
                if known.current.as_ref() == Some(&path.0) {
                    known.current =
                        known.all.iter().max_by_key(|one| one.priority).map(|one| one.path.clone());
                    known.mode = "auto".to_owned();
                }
            }
        } else {
            let is_same = found.is_some_and(|found| {
                priority.is_none_or(|priority| priority == found.priority)
                    && others.as_ref().is_none_or(|others| {
                        others.len() == found.others.len()
                            && others.iter().all(|one| found.others.contains(one))
                    })
            });
            if let Some(path) = path
                && !is_same
            {
                if view.stat(path, Follow::Yes)?.is_none() {
                    return fail(format!("Specified path {} does not exist", &**path));
                }
                let Some(link) = link.as_ref().map(|link| link.0.clone()).or_else(|| known.link.clone())
                else {
                    return fail(
                        "Needed to install the alternative, but unable to do so as we are missing the link",
                    );
                };
                let priority = priority.or_else(|| found.map(|found| found.priority)).unwrap_or(50);
                let mut install = words(&["--install", &link, name, path, &priority.to_string()]);
                if let Some(family) = family {
                    install.extend(["--family".to_owned(), family.clone()]);
                }
                for (name, path, link) in others.iter().flatten() {
                    install.extend(["--slave", link, name, path].map(str::to_owned));
                }
                commands.push(install);
                messages.push(format!("Install alternative '{}' for '{name}'.", &**path));
                let others = others.clone().or_else(|| found.map(|found| found.others.clone()));
                let one = Alternative {
                    path: path.0.clone(),
                    family: family.clone().unwrap_or_default(),
                    priority,
                    others: others.unwrap_or_default(),
                };
                known.all.retain(|other| other.path != path.0);
                known.all.push(one);
                known.link = Some(link);
                if known.mode.is_empty() {
                    known.mode = "auto".to_owned();
                }
                if known.mode == "auto" {
                    known.current =
                        known.all.iter().max_by_key(|one| one.priority).map(|one| one.path.clone());
                }
            }
            let is_current = path.is_some() && known.current.as_deref() == path.as_deref();
            let same_family = family.as_ref().is_some_and(|family| {
                known.all.iter().any(|one| known.current.as_ref() == Some(&one.path) && one.family == *family)
            });
            let wanted =
                path.as_ref().map(|path| path.0.clone()).or_else(|| family.clone()).unwrap_or_default();
            if *state == AltState::Selected && !is_current && !same_family {
                commands.push(words(&["--set", name, &wanted]));
                messages.push(format!("Set alternative '{wanted}' for '{name}'."));
                known.current = Some(wanted);
                known.mode = "manual".to_owned();
            }
            if *state == AltState::Auto && known.mode == "manual" {
                commands.push(words(&["--auto", name]));
                messages.push(format!("Set alternative to auto for '{name}'."));
                known.mode = "auto".to_owned();
            }
        }
        let message = messages.join(" ");
        let mut plan = Plan::nothing(if message.is_empty() { "already so" } else { &message });
        let after = shown(name, &known);
        for command in commands {
            let change = run::change(view, command).effect(run::will_print(run::reading(display), &*after));
            plan = plan.change(change);
        }
        if !plan.changes.is_empty() {
            let wanted =
                path.as_ref().map(|path| path.0.clone()).or_else(|| family.clone()).unwrap_or_default();
            plan.diffs.push(Diff::attribute(format!("alternative {name}"), wanted, "", state.text()));
        }
        Ok(Step::Plan(plan.with("msg", message)))
    }

    fn failure(_: &AltParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        run::failed("update-alternatives failed", failure)
    }
}

fn other(entry: &Map) -> Result<(String, String, String), Halt> {
    let text = |key: &str| match entry.get(key) {
        Some(value) if *value != Value::Null => Ok(value.to_text()),
        _ => fail(format!("missing required arguments: {key} found in subcommands")),
    };
    Ok((text("name")?, text("path")?, text("link")?))
}

/// What `update-alternatives --display` prints.
fn read(text: &str) -> Known {
    let mut known = Known::default();
    let mut links: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        let inner = line.trim_start();
        if let Some((_, mode)) =
            line.rsplit_once(" - ").filter(|(_, m)| m.ends_with(" mode") || m.ends_with("mode."))
            && known.mode.is_empty()
        {
            let mode = mode.trim_start_matches("status is ");
            known.mode = mode.split([' ', '.']).next().unwrap_or_default().to_owned();
        } else if let Some(path) = inner.strip_prefix("link currently points to ") {
            known.current = Some(path.to_owned());
        } else if let Some((_, link)) = inner
            .strip_prefix("link ")
            .and_then(|rest| rest.split_once(" is "))
            .filter(|(n, _)| !n.contains(' '))
        {
            known.link = Some(link.to_owned());
        } else if let Some(rest) = inner.strip_prefix("slave ").or_else(|| inner.strip_prefix("follower ")) {
            if let Some((name, link)) = rest.split_once(" is ") {
                links.push((name.to_owned(), link.to_owned()));
            } else if let (Some((name, path)), Some(one)) = (rest.split_once(": "), known.all.last_mut())
                && path != "(null)"
            {
                let link = links.iter().find(|(known, _)| known == name).map(|(_, link)| link.clone());
                one.others.push((name.to_owned(), path.to_owned(), link.unwrap_or_default()));
            }
        } else if let Some((path, rest)) = line.split_once(" - ").filter(|_| line.starts_with('/'))
            && let Some((family, priority)) = rest.split_once("priority ")
        {
            let family = family.trim().strip_prefix("family ").unwrap_or_default().to_owned();
            let priority = priority.trim().parse().unwrap_or_default();
            known.all.push(Alternative { path: path.to_owned(), family, priority, others: Vec::new() });
        }
    }
    known
}

/// As `update-alternatives --display` prints it.
fn shown(name: &str, known: &Known) -> String {
    let mut out = format!("{name} - {} mode\n", known.mode);
    if let Some(current) = &known.current {
        out.push_str(&format!("  link currently points to {current}\n"));
    }
    if let Some(link) = &known.link {
        out.push_str(&format!("  link {name} is {link}\n"));
    }
    for (name, _, link) in known.all.iter().flat_map(|one| &one.others) {
        out.push_str(&format!("  slave {name} is {link}\n"));
    }
    for one in &known.all {
        let family = if one.family.is_empty() { String::new() } else { format!("family {} ", one.family) };
        out.push_str(&format!("{} - {family}priority {}\n", one.path, one.priority));
        for (name, path, _) in &one.others {
            out.push_str(&format!("  slave {name}: {path}\n"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_displayed_is_read_and_predicted() {
        let text = "editor - auto mode\n  link best version is /bin/nano\n  link currently points to /bin/nano\n  link editor is \
                    /usr/bin/editor\n  slave editor.1.gz is /usr/share/man/editor.1.gz\n/bin/ed - priority -100\n  slave \
                    editor.1.gz: /usr/share/man/ed.1.gz\n/bin/nano - priority 40\n";
        let known = read(text);
        assert_eq!((known.mode.as_str(), known.current.as_deref()), ("auto", Some("/bin/nano")));
        assert_eq!(known.link.as_deref(), Some("/usr/bin/editor"));
        assert_eq!(known.all.iter().map(|one| one.priority).collect::<Vec<_>>(), [-100, 40]);
        assert_eq!(read(&shown("editor", &known)), known);
    }
}
