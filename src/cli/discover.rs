//! Finds the playbooks and roles of a tree.

use std::path::{Path, PathBuf};

use crate::project::Project;
use crate::yaml;

/// What a tree holds.
#[derive(Debug, Default)]
pub struct Found {
    /// Files that are playbooks.
    pub playbooks: Vec<PathBuf>,
    /// Directories of roles.
    pub roles: Vec<PathBuf>,
}

/// Directories that hold no playbooks: parts of roles, variables, what tools keep.
const PASSED_OVER: &[&str] = &[
    "defaults",
    "files",
    "group_vars",
    "handlers",
    "host_vars",
    "inventory",
    "library",
    "meta",
    "molecule",
    "node_modules",
    "target",
    "tasks",
    "templates",
    "tests",
    "vars",
    "venv",
];

/// How deep a tree is searched.
const DEEPEST: usize = 8;

/// The playbooks and roles below a directory. A playbook is a YAML file whose list has plays; a role is a directory in a
/// directory `roles` with tasks, handlers, defaults, vars or meta.
pub fn discover(project: &Project, directory: &Path) -> Found {
    let mut found = Found::default();
    walk(project, directory, 0, &mut found);
    found
}

fn walk(project: &Project, directory: &Path, depth: usize, found: &mut Found) {
    let name = |path: &Path| path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    for entry in project.entries(directory).unwrap_or_default() {
        let own = name(&entry);
        if own.starts_with('.') {
            continue;
        }
        if project.is_dir(&entry) {
            if name(directory) == "roles" && is_role(project, &entry) {
                found.roles.push(entry);
            } else if depth < DEEPEST && !PASSED_OVER.contains(&own.as_str()) {
                walk(project, &entry, depth + 1, found);
            }
        } else if entry.extension().is_some_and(|ending| ending == "yml" || ending == "yaml")
            && is_playbook(project, &entry)
        {
            found.playbooks.push(entry);
        }
    }
}

fn is_role(project: &Project, directory: &Path) -> bool {
    ["tasks", "handlers", "defaults", "vars", "meta"].iter().any(|part| project.is_dir(&directory.join(part)))
}

fn is_playbook(project: &Project, path: &Path) -> bool {
    let Ok(source) = project.read(path) else { return false };
    let plays = ["hosts:", "import_playbook:"];
    if !plays.iter().any(|word| source.text.contains(word)) {
        return false;
    }
    let parsed = yaml::parse_single(&source);
    if parsed.diagnostics.has_errors() {
        // what it would be can only be guessed; its mistakes are told where it is loaded
        return source.text.lines().any(begins_a_play);
    }
    let Some(root) = parsed.documents.first() else { return false };
    let is_play = |node: &yaml::Node| {
        ["hosts", "import_playbook", "ansible.builtin.import_playbook"]
            .iter()
            .any(|key| node.get(key).is_some())
    };
    root.as_seq().is_some_and(|nodes| nodes.iter().any(is_play))
}

/// Whether a line begins a play, as plays are usually written.
fn begins_a_play(line: &str) -> bool {
    let line = line.trim_end();
    let Some(rest) = line.strip_prefix("- ").or_else(|| line.strip_prefix("  ")) else { return false };
    ["hosts:", "import_playbook:", "ansible.builtin.import_playbook:"].iter().any(|key| rest.starts_with(key))
}
