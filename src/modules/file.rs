//! Manages what a path is: a file, directory, symbolic or hard link, or nothing, with its owner, group and mode.
//!
//! ```yaml
//! - name: The releases have a directory of the service's user
//!   ansible.builtin.file:
//!     path: /srv/app/releases
//!     state: directory
//!     owner: root
//!     group: root
//!     mode: "0755"
//! ```

pub(super) mod directory;
mod link;
mod times;

use super::attributes::{self, FileAttributes, Origin, Wish};
use super::contract::{FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::diff::Diff;
use super::params::PathText;
use super::paths;
use super::view::View;
use crate::base::{Map, Value};
use crate::wire::{Action, Change, Content, Done, FileKind, Follow, Query, Stat};
use crate::{choices, params};
use times::Times;

/// As `ansible.builtin.file`.
pub struct File;

choices! {
    /// What a path shall be.
    pub enum State {
        Absent = "absent", Directory = "directory", File = "file", Hard = "hard", Link = "link", Touch = "touch",
    }
}

params! {
    /// Parameters of `file`.
    pub struct FileParams {
        /// The path that is managed.
        path: PathText, aliases ["dest", "name"];
        /// What it shall be. `absent` removes it, a directory with all that is in it; `directory` makes it with all
        /// directories above it; `file` sets the attributes of a file that is there and makes none; `hard` and `link`
        /// make links to `src`; `touch` makes an empty file or renews the times of what is there. Left out, it is what
        /// is there already, else `directory` with `recurse` and `file` without.
        state: Option<State>;
        /// With `directory`: owner, group and mode are set on everything below it too.
        recurse: bool = false;
        /// Makes a link even where its target does not exist, and puts it in the place of a file or an empty directory.
        force: bool = false;
        /// Whether, where the path is a symbolic link, what it leads to is managed instead of the link. With `link` it
        /// is about the attributes only.
        follow: bool = true;
        /// With `link` and `hard`: what the link leads to. A relative one starts, for `link`, at the link's directory.
        src: Option<PathText>;
        /// The time of the last modification: `preserve`, `now` or a time in `modification_time_format`, in the host's
        /// time zone. Left out, it is `now` with `touch` and else `preserve`.
        modification_time: Option<String>;
        /// How `modification_time` is written, as in Python's `time.strptime`.
        modification_time_format: String = "%Y%m%d%H%M.%S";
        /// The time of the last access, given as `modification_time` is.
        access_time: Option<String>;
        /// How `access_time` is written, as in Python's `time.strptime`.
        access_time_format: String = "%Y%m%d%H%M.%S";
        /// Ansible's own: whatever it is, nothing is managed; the result says whether the file is binary.
        _diff_peek: Option<bool>;
    }
    include { attributes: FileAttributes }
}

/// One path on its way to a plan.
struct Task<'a> {
    params: &'a FileParams,
    view: &'a View<'a>,
    /// The path as it was given.
    given: String,
    /// The path without trailing slashes.
    path: String,
    /// What it is, a final link not followed.
    there: Option<Stat>,
    times: Times,
}

impl Module for File {
    type Params = FileParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "file",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("file.rs"),
        returns: &[
            ("path", "the path that was managed (`absent`, `directory`, `file`)"),
            ("dest", "the path that was managed (`hard`, `link`, `touch`)"),
            ("src", "what a link leads to"),
            ("state", "what the path is now"),
            ("mode", "its permissions, in octal"),
            ("owner", "its owner's name"),
            ("group", "its group's name"),
            ("uid", "its owner's number"),
            ("gid", "its group's number"),
            ("size", "its size in bytes"),
        ],
    };

    fn plan(params: &FileParams, view: &View<'_>) -> Result<Step, Halt> {
        let given = paths::checked("path", &params.path)?;
        if params._diff_peek.is_some() {
            return Ok(Step::Plan(peeked(&given, view)?));
        }
        view.want(Times::queries(params).into_iter().chain(params.attributes.queries()));
        let mut there = look(params, &given, view)?;
        let mut given = given;
        if let Some(src) = &params.src
            && !matches!(params.state, Some(State::Link | State::Absent))
            && followed(&given, there.as_ref(), view)?.is_some_and(|stat| stat.kind == FileKind::Directory)
        {
            given = paths::join(&given, paths::basename(src));
            there = look(params, &given, view)?;
        }
        let state = params.state.unwrap_or(match (there.as_ref().map(previous), params.recurse) {
            (Some("link"), _) => State::Link,
            (Some("directory"), _) | (None, true) => State::Directory,
            (Some("hard"), _) => State::Hard,
            _ => State::File,
        });
        if params.recurse && state != State::Directory {
            return fail("recurse option requires state to be 'directory'");
        }
        if params.src.is_some() && !matches!(state, State::Link | State::Hard) {
            return fail("src option requires state to be 'link' or 'hard'");
        }
        let times = Times::read(params, state, view)?;
        let path = paths::trimmed(&given).to_owned();
        let about = told(&given, there.as_ref());
        let shown = given.clone();
        let (removed, strangers) = if state == State::Absent {
            (content_of(&path, there.as_ref(), view)?, Vec::new())
        } else {
            (None, params.attributes.strangers(view)?)
        };
        let task = Task { params, view, given, path, there, times };
        match state {
            State::Absent => task.absent(),
            State::File => task.file(),
            State::Touch => task.touch(),
            State::Directory => task.directory(),
            State::Link => task.link(),
            State::Hard => task.hard(),
        }
        .map(|mut plan| {
            if view.context().diff {
                let diff = difference(&shown, &plan.diffs, removed);
                plan.result.insert("diff".into(), diff);
            }
            plan.warnings.retain(|warning| !strangers.contains(warning));
            plan.warnings.splice(0..0, strangers.iter().cloned());
            Step::Plan(plan)
        })
        .map_err(|halt| match halt {
            Halt::Failed(mut failed) => {
                failed.result.extend(about);
                failed.warnings.extend(strangers.iter().cloned());
                Halt::Failed(failed)
            }
            other => other,
        })
    }

    fn result(_: &FileParams, view: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        super::write_file::final_result(view, plan, outcomes)
    }
}

/// The key `diff` of the result: the path, and before and after of what differs.
fn difference(path: &str, diffs: &[Diff], removed: Option<Value>) -> Value {
    let (mut before, mut after) = (crate::map! { "path" => path }, crate::map! { "path" => path });
    for diff in diffs {
        if let Diff::Attribute { subject, name, before: was, after: is } = diff
            && paths::trimmed(subject) == paths::trimmed(path)
        {
            let value = |text: &str| if text.is_empty() { Value::Null } else { Value::from(text) };
            before.insert(name.as_str().into(), value(was));
            after.insert(name.as_str().into(), value(is));
        }
    }
    if let Some(content) = removed {
        before.insert("path_content".into(), content);
    }
    Value::from(crate::map! { "before" => before, "after" => after })
}

/// What goes with a directory that is removed, where differences are shown.
fn content_of(path: &str, there: Option<&Stat>, view: &View<'_>) -> Result<Option<Value>, Halt> {
    if !view.context().diff || there.is_none_or(|stat| stat.kind != FileKind::Directory) {
        return Ok(None);
    }
    let entries = view.entries(&Query::Tree { path: path.to_owned() })?.unwrap_or_default();
    let (directories, files): (Vec<_>, Vec<_>) =
        entries.iter().partition(|entry| entry.stat.kind == FileKind::Directory);
    let full = |entries: Vec<&crate::wire::Entry>| {
        Value::list(entries.into_iter().map(|entry| Value::from(paths::join(path, &entry.name))))
    };
    let content = crate::map! { "directories" => full(directories), "files" => full(files) };
    Ok(Some(Value::from(content)))
}

/// How many bytes decide whether a file is binary.
const PEEKED: usize = 8192;

fn peeked(path: &str, view: &View<'_>) -> Result<Plan, Halt> {
    let binary = match view.content(path)? {
        Content::Bytes(bytes) => bytes.iter().take(PEEKED).any(|byte| *byte == 0),
        _ => false,
    };
    let plan = Plan::nothing("nothing is managed with `_diff_peek`");
    Ok(plan.with("path", path).with("appears_binary", binary))
}

/// What the result of a failure tells of the path.
fn told(path: &str, there: Option<&Stat>) -> Map {
    let mut about = there.map_or_else(|| crate::map! {"state" => "absent"}, attributes::path_keys);
    about.insert("path".into(), path.into());
    about
}

/// Asks for all that a path's task usually needs, in one exchange, and reads what the path is.
fn look(params: &FileParams, given: &str, view: &View<'_>) -> Result<Option<Stat>, Halt> {
    let path = paths::trimmed(given).to_owned();
    let stat = |path: &str, follow| Query::Stat { path: path.to_owned(), follow };
    let mut wanted = vec![stat(&path, Follow::No), stat(&path, Follow::Yes)];
    match params.state {
        Some(State::Directory) => wanted.push(stat(paths::parent(&path), Follow::Yes)),
        Some(State::Link | State::Hard) => {
            let src = params.src.as_deref().map(|src| paths::join(paths::parent(&path), src));
            wanted.extend(src.iter().flat_map(|src| [stat(src, Follow::Yes), stat(src, Follow::No)]));
        }
        _ => {}
    }
    if params.recurse {
        wanted.push(Query::Tree { path: path.clone() });
    }
    wanted.extend(Wish::flags_query(&params.attributes, &path));
    view.want(wanted);
    view.stat(&path, Follow::No)
}

/// What a path leads to.
fn followed(path: &str, there: Option<&Stat>, view: &View<'_>) -> Result<Option<Stat>, Halt> {
    match there {
        Some(stat) if stat.kind == FileKind::Symlink => view.stat(paths::trimmed(path), Follow::Yes),
        other => Ok(other.cloned()),
    }
}

/// Ansible's name for what is there.
fn previous(stat: &Stat) -> &'static str {
    attributes::state(stat.kind, stat.links)
}

fn previous_or_absent(there: Option<&Stat>) -> &'static str {
    there.map_or("absent", previous)
}

impl Task<'_> {
    /// Where the attributes are set: the path, or what it leads to where links are followed.
    fn managed(&self) -> Result<(String, Option<Stat>), Halt> {
        match &self.there {
            Some(stat) if stat.kind == FileKind::Symlink && self.params.follow => {
                let target =
                    paths::join(paths::parent(&self.path), stat.target.as_deref().unwrap_or_default());
                let path = stat.resolved.clone().unwrap_or(target);
                Ok((path, self.view.stat(&self.path, Follow::Yes)?))
            }
            there => Ok((self.path.clone(), there.clone())),
        }
    }

    fn wish(&self, there: Option<&Stat>) -> Result<Wish, Halt> {
        self.params.attributes.wish("file", there, self.view)
    }

    /// Sets attributes and times of a path that is there.
    fn settle(&self, plan: &mut Plan, wish: &Wish, path: &str, stat: &Stat) -> Result<(), Halt> {
        let settled = wish.settle(path, stat, self.view)?;
        plan.changes.extend(attributes::set(path, &settled).map(on_host));
        plan.diffs.extend(settled.diffs);
        if let Some((change, diff)) = wish.flags(path, Origin::There, self.view)? {
            plan.changes.push(on_host(change));
            plan.diffs.push(diff);
        }
        if let Some((change, diffs)) = self.times.change(path, stat) {
            plan.changes.push(on_host(change));
            plan.diffs.extend(diffs);
        }
        Ok(())
    }

    /// Flags and times of a path that the plan makes.
    fn finish(&self, plan: &mut Plan, wish: &Wish, path: &str) -> Result<(), Halt> {
        if let Some((change, diff)) = wish.flags(path, Origin::Made, self.view)? {
            plan.changes.push(on_host(change));
            plan.diffs.push(diff);
        }
        plan.changes.extend(self.times.on_new(path).map(on_host));
        Ok(())
    }

    /// A plan's summary and result where a path is there and was settled.
    fn settled(&self, mut plan: Plan, key: &str, path: &str, wish: &Wish, stat: &Stat) -> Plan {
        plan.summary = if plan.changes.is_empty() {
            format!("already a {} at {}", previous(stat), attributes::summary(stat))
        } else {
            format!("set attributes of {path}")
        };
        plan.warnings.clone_from(&wish.warnings);
        plan.result = wish.keys(Some(stat), stat.kind, stat.size, &self.view.context().user);
        plan.with(key, path)
    }

    fn absent(self) -> Result<Plan, Halt> {
        let plan = match &self.there {
            None => Plan::nothing("already absent"),
            Some(stat) => Plan::nothing(format!("remove {}", self.path))
                .change(Change::new(Action::Remove { path: self.path.clone() }))
                .diff(Diff::attribute(&self.path, "state", previous(stat), "absent")),
        };
        Ok(plan.with("path", self.given).with("state", "absent"))
    }

    fn file(self) -> Result<Plan, Halt> {
        let (path, there) = self.managed()?;
        let Some(stat) = there.filter(|stat| matches!(previous(stat), "file" | "hard")) else {
            let (_, there) = self.managed()?;
            let state = previous_or_absent(there.as_ref());
            let path = if path == self.path { &self.given } else { &path };
            return fail(format!("file ({path}) is {state}, cannot continue"));
        };
        let wish = self.wish(Some(&stat))?;
        let mut plan = Plan::default();
        self.settle(&mut plan, &wish, &path, &stat)?;
        let shown = if path == self.path { self.given.clone() } else { path };
        Ok(self.settled(plan, "path", &shown, &wish, &stat))
    }

    fn touch(self) -> Result<Plan, Halt> {
        let (path, there) = self.managed()?;
        let wish = self.wish(there.as_ref())?;
        let mut plan = Plan::default();
        if let Some(stat) = &there {
            self.settle(&mut plan, &wish, &path, stat)?;
            return Ok(self.settled(plan, "dest", &self.given, &wish, stat));
        }
        let fresh = wish.fresh(&path, FileKind::File);
        let (accessed, modified) = self.times.instants();
        let touch = Action::Touch { path: path.clone(), accessed, modified, attributes: fresh.attributes };
        plan.summary = format!("make the empty file {path}");
        plan.diffs.push(Diff::attribute(&path, "state", "absent", "file"));
        plan.diffs.extend(fresh.diffs);
        plan.result = wish.keys(None, FileKind::File, 0, &self.view.context().user);
        plan.warnings.clone_from(&wish.warnings);
        plan = plan.change(Change::new(touch));
        if let Some((change, diff)) = wish.flags(&path, Origin::Made, self.view)? {
            plan = plan.change(change).diff(diff);
        }
        Ok(plan.with("dest", self.given))
    }
}

fn on_host(change: Change) -> super::contract::Planned {
    super::contract::Planned { side: super::contract::Side::Host, change }
}
