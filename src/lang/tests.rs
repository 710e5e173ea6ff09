//! The loader on whole projects in temporary directories: what it makes of them, and every mistake with its place.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::*;
use crate::base::{Diagnostic, Diagnostics, Kind, Severity, Value};
use crate::project::Project;
use crate::vars::Layers;

mod collections;
mod mistakes;
mod structure;

const MODULES: &[&str] = &[
    "include_role",
    "include_tasks",
    "meta",
    "add_host",
    "apt",
    "command",
    "copy",
    "debug",
    "fail",
    "file",
    "group_by",
    "include_vars",
    "ping",
    "raw",
    "script",
    "service",
    "set_fact",
    "setup",
    "shell",
    "template",
];

#[derive(Debug)]
struct Names;

impl ModuleNames for Names {
    fn is_module(&self, name: &str) -> bool {
        MODULES.contains(&short_name(name))
    }
    fn free_form(&self, name: &str) -> bool {
        matches!(short_name(name), "command" | "shell" | "raw" | "script" | "set_fact")
    }
    fn names(&self) -> Vec<&str> {
        MODULES.to_vec()
    }
}

/// Puts variables into `{{ name }}`, and can do no more.
#[derive(Debug)]
struct Substitution;

impl Texts for Substitution {
    fn text(&self, value: &Value, place: &Place, known: &Layers) -> Result<String, Diagnostic> {
        let mut text = value.to_text();
        while let Some((before, rest)) = text.split_once("{{") {
            let (name, after) = rest.split_once("}}").unwrap();
            let name = name.trim();
            let Some(variable) = known.get(name) else {
                return Err(Diagnostic::error(Kind::Undefined, format!("`{name}` is not defined")).at(place));
            };
            text = format!("{before}{}{after}", variable.value.to_text());
        }
        Ok(text)
    }
}

/// A project in a temporary directory.
struct Files {
    directory: tempfile::TempDir,
}

impl Files {
    fn new(files: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = directory.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self { directory }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    fn with_loader<T>(&self, run: impl FnOnce(&Loader<'_>) -> T) -> T {
        let project = Project::new();
        let settings = Settings { roles_path: vec![self.path("shared")], ..Settings::default() };
        run(&Loader::new(&project, &settings, &Names, &Substitution))
    }

    fn load(&self) -> (Option<Playbook>, Diagnostics) {
        self.with_loader(|loader| loader.playbook(&self.path("site.yml")))
    }

    /// Diagnostics as text, without the directory.
    fn told(&self, diagnostics: &Diagnostics) -> String {
        let mut out = String::new();
        for diagnostic in &diagnostics.0 {
            let Diagnostic { severity, kind, message, place, notes, hint, told: _, words: _, plain: _ } =
                diagnostic;
            let severity = if *severity == Severity::Error { "error" } else { "warning" };
            let at = place.as_ref().map_or("nowhere".to_owned(), ToString::to_string);
            let _ = writeln!(out, "{at}: {severity} {}: {message}", kind.name());
            for note in notes {
                let at = note.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
                let _ = writeln!(out, "  note: {}{at}", note.message);
            }
            if let Some(hint) = hint {
                let _ = writeln!(out, "  hint: {hint}");
            }
        }
        out.replace(&format!("{}/", self.directory.path().display()), "")
            .replace(&self.directory.path().display().to_string(), ".")
    }
}

/// The only playbook of a project whose loading tells nothing.
fn sound(files: &[(&str, &str)]) -> Playbook {
    let files = Files::new(files);
    let (playbook, diagnostics) = files.load();
    assert_eq!(files.told(&diagnostics), "");
    playbook.unwrap()
}

/// A playbook of one play with these tasks, without facts.
fn sound_tasks(tasks: &str) -> Vec<Arc<Task>> {
    let text = format!("- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}");
    let playbook = sound(&[("site.yml", &text)]);
    all_tasks(&playbook.plays[0].items)
}

fn all_tasks(items: &[Item]) -> Vec<Arc<Task>> {
    let mut tasks = Vec::new();
    for item in items {
        match item {
            Item::Task(task) => tasks.push(Arc::clone(task)),
            Item::Block(block) => {
                tasks.extend(all_tasks(&block.tasks));
                tasks.extend(all_tasks(&block.rescue));
                tasks.extend(all_tasks(&block.always));
            }
            Item::FlushHandlers | Item::RoleEnd(_) => {}
        }
    }
    tasks
}

/// Items as an indented outline.
fn outline(items: &[Item]) -> String {
    fn write(items: &[Item], depth: usize, out: &mut String) {
        let indent = "  ".repeat(depth);
        for item in items {
            match item {
                Item::Task(task) => {
                    let name = task.name.as_ref().map(|name| name.value.to_text()).unwrap_or_default();
                    let _ = writeln!(out, "{indent}{} {name}", task.module);
                }
                Item::Block(block) => {
                    let kind = match &block.scope.kind {
                        ScopeKind::Play => "play".to_owned(),
                        ScopeKind::Role(role) => format!("role {}", role.name),
                        ScopeKind::Block => "block".to_owned(),
                        ScopeKind::Include => "include".to_owned(),
                    };
                    let _ = writeln!(out, "{indent}{kind}:");
                    write(&block.tasks, depth + 1, out);
                    for (list, items) in [("rescue", &block.rescue), ("always", &block.always)] {
                        if !items.is_empty() {
                            let _ = writeln!(out, "{indent}{list}:");
                            write(items, depth + 1, out);
                        }
                    }
                }
                Item::FlushHandlers => {
                    let _ = writeln!(out, "{indent}flush");
                }
                Item::RoleEnd(role) => {
                    let _ = writeln!(out, "{indent}end of {}", role.name);
                }
            }
        }
    }
    let mut out = String::new();
    write(items, 0, &mut out);
    out
}

fn relative(path: &Path, files: &Files) -> String {
    path.strip_prefix(files.directory.path()).unwrap().display().to_string()
}
