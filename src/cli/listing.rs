//! `--list-hosts`, `--list-tasks`, `--list-tags` and `--syntax-check`, in ansible-playbook's words.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use crate::base::{Value, names};
use crate::engine::Prepared;
use crate::lang::{Item, Keyword, Play, Task, short_name};
use crate::plan::tags::{Selection, tags_of};

/// What is listed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// The hosts of the plays.
    pub hosts: bool,
    /// The tasks that would run.
    pub tasks: bool,
    /// The tags of those tasks.
    pub tags: bool,
    /// Nothing but that the files are right.
    pub syntax: bool,
}

impl Wanted {
    /// Whether anything is listed in place of a run.
    pub fn any(self) -> bool {
        self.hosts || self.tasks || self.tags || self.syntax
    }
}

/// The text.
pub fn text(path: &Path, prepared: &Prepared, wanted: Wanted, selection: &Selection) -> String {
    let mut out = format!("\nplaybook: {}\n", path.display());
    if wanted.syntax {
        return out;
    }
    for (index, ((play, hosts), pattern)) in prepared.plays().zip(prepared.patterns()).enumerate() {
        let own = own_tags(play);
        // writing to a text cannot fail
        let _ = write!(
            out,
            "\n  play #{} ({}): {}\tTAGS: [{}]",
            index + 1,
            pattern.join(","),
            play.name.value.to_text(),
            own.join(",")
        );
        if wanted.hosts {
            let shown: Vec<Value> = pattern.iter().map(|text| Value::from(text.as_str())).collect();
            let _ =
                write!(out, "\n    pattern: {}\n    hosts ({}):", Value::list(shown).to_repr(), hosts.len());
            for host in hosts {
                let _ = write!(out, "\n      {host}");
            }
        }
        out.push('\n');
        if !wanted.tasks && !wanted.tags {
            continue;
        }
        if wanted.tasks {
            out.push_str("    tasks:\n");
        }
        let mut all: BTreeSet<String> = own.iter().cloned().collect();
        let mut tasks = Vec::new();
        flatten(&play.items, &mut tasks);
        for task in tasks {
            let tags = prepared.tags(play, &task);
            if !selection.runs(&tags) {
                continue;
            }
            let sorted: BTreeSet<String> = tags.into_iter().collect();
            if wanted.tasks {
                let listed: Vec<&str> = sorted.iter().map(String::as_str).collect();
                let _ = writeln!(out, "      {}\tTAGS: [{}]", title(&task), listed.join(", "));
            }
            all.extend(sorted);
        }
        if wanted.tags {
            let listed: Vec<&str> = all.iter().map(String::as_str).collect();
            let _ = writeln!(out, "      TASK TAGS: [{}]", listed.join(", "));
        }
        if !out.ends_with('\n') {
            out.push('\n');
        }
    }
    out
}

/// What there is to say about tags that were asked for and that no task has. Where tasks are included at run time, only
/// a tag of nearly the same name is remarked.
pub fn unknown_tags<'a>(
    prepared: impl Iterator<Item = &'a Prepared> + Clone,
    selection: &Selection,
) -> Vec<String> {
    let mut known: BTreeSet<String> =
        ["all", "always", "never", "tagged", "untagged"].map(str::to_owned).into_iter().collect();
    let mut dynamic = false;
    for (play, _) in prepared.flat_map(Prepared::plays) {
        known.extend(own_tags(play));
        each_task(&play.items, &mut |task| {
            dynamic |= matches!(short_name(&task.module), "include_tasks" | "include_role");
            known.extend(tags(task));
        });
    }
    dynamic |= known.iter().any(|tag| tag.contains("{{"));
    let asked = selection.only.iter().chain(&selection.skip).filter(|tag| !known.contains(*tag));
    asked
        .filter_map(|tag| {
            let hint = names::did_you_mean(tag, known.iter().map(String::as_str));
            match hint {
                Some(hint) => Some(format!("no task has the tag `{tag}`: {hint}")),
                None if dynamic => None,
                None => Some(format!("no task has the tag `{tag}`")),
            }
        })
        .collect()
}

/// The task of nearly this name.
pub fn similar_task<'a>(prepared: impl Iterator<Item = &'a Prepared>, wanted: &str) -> Option<String> {
    let mut titles = Vec::new();
    for (play, _) in prepared.flat_map(Prepared::plays) {
        each_task(&play.items, &mut |task| {
            titles.push(title(task));
            titles.extend(task.name.as_ref().map(|name| name.value.to_text()));
        });
    }
    names::did_you_mean(wanted, titles.iter().map(String::as_str))
}

fn each_task(items: &[Item], see: &mut dyn FnMut(&Task)) {
    for item in items {
        match item {
            Item::Task(task) => see(task),
            Item::Block(block) => {
                for part in [&block.tasks, &block.rescue, &block.always] {
                    each_task(part, see);
                }
            }
            Item::FlushHandlers | Item::RoleEnd(_) => {}
        }
    }
}

fn own_tags(play: &Play) -> Vec<String> {
    play.scope.keywords.get(&Keyword::Tags).map(|located| tags_of(&located.value)).unwrap_or_default()
}

fn tags(task: &Task) -> Vec<String> {
    task.keyword_chain(Keyword::Tags).into_iter().flat_map(|located| tags_of(&located.value)).collect()
}

fn title(task: &Task) -> String {
    match (&task.name, task.scope.role()) {
        // as Ansible: the inclusion of a role is not titled by the role around it
        (Some(name), Some(role)) if short_name(&task.module) != "include_role" => {
            format!("{} : {}", role.full_name(), name.value.to_text())
        }
        (Some(name), _) => name.value.to_text(),
        (None, _) => task.module.to_string(),
    }
}

/// The tasks, but not those of `rescue` and `always`, and not the gathering of facts.
fn flatten(items: &[Item], into: &mut Vec<Arc<Task>>) {
    for item in items {
        match item {
            Item::Task(task) if is_implicit(task) => {}
            Item::Task(task) => into.push(Arc::clone(task)),
            Item::Block(block) => flatten(&block.tasks, into),
            _ => {}
        }
    }
}

/// Whether fleet has put the task there: it stands where the play does.
fn is_implicit(task: &Task) -> bool {
    task.name
        .as_ref()
        .is_some_and(|name| name.place == task.place && name.value.to_text() == "Gathering Facts")
}
