//! `group_vars` and `host_vars`: which files belong to a name, and what they hold.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Options, build};
use crate::base::{Diagnostic, Diagnostics, Kind};
use crate::project::Project;
use crate::secrets::Vault;
use crate::vars::{VarMap, Variable};
use crate::yaml::{self, Node, NodeKind};

/// Reads the variables of a name from `dir/group_vars` or `dir/host_vars`. `None` where there are no files.
pub(super) fn read(
    project: &Project,
    options: &Options,
    dir: &Path,
    kind: &str,
    name: &str,
    diagnostics: &mut Diagnostics,
) -> Option<VarMap> {
    // names of hosts may be paths (chroot)
    if name.starts_with('/') {
        return None;
    }
    let base = dir.join(kind);
    let files = files_of(project, options, &base, name, diagnostics);
    if files.is_empty() {
        return None;
    }
    let mut vars = VarMap::new();
    for file in files {
        let mut own = VarMap::new();
        read_file(project, options, &file, &mut own, diagnostics);
        for (name, variable) in own {
            build::set(&mut vars, &name, variable, options.merge);
        }
    }
    Some(vars)
}

/// `NAME` (a file or a directory), else `NAME.yml`, `NAME.yaml`, `NAME.json` (as the settings have it): the first that
/// is there.
fn files_of(
    project: &Project,
    options: &Options,
    base: &Path,
    name: &str,
    diagnostics: &mut Diagnostics,
) -> Vec<PathBuf> {
    let endings = options.vars_extensions.iter().map(|ending| base.join(format!("{name}{ending}")));
    let candidates = std::iter::once(base.join(name)).chain(endings);
    for path in candidates {
        if project.is_dir(&path) {
            let mut files = Vec::new();
            collect(project, options, &path, &mut files, diagnostics);
            return files;
        }
        if project.is_file(&path) {
            return vec![path];
        }
    }
    Vec::new()
}

/// The files of a directory in the order of their names, those of directories below it in their place.
fn collect(
    project: &Project,
    options: &Options,
    dir: &Path,
    files: &mut Vec<PathBuf>,
    diagnostics: &mut Diagnostics,
) {
    let entries = match project.entries(dir) {
        Ok(entries) => entries,
        Err(diagnostic) => {
            diagnostics.push(diagnostic);
            return;
        }
    };
    for path in entries {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        let ending = super::plugin::ending(&path);
        if project.is_dir(&path) {
            if ending.is_none() {
                collect(project, options, &path, files, diagnostics);
            }
        } else if ending.is_none_or(|ending| options.vars_extensions.contains(&ending)) {
            files.push(path);
        }
    }
}

fn read_file(
    project: &Project,
    options: &Options,
    path: &Path,
    vars: &mut VarMap,
    diagnostics: &mut Diagnostics,
) {
    let source = match project.read(path) {
        Ok(source) => source,
        Err(diagnostic) => {
            diagnostics.push(diagnostic);
            return;
        }
    };
    let mut parsed = yaml::parse_single(&source);
    options.duplicates.judge(&mut parsed.diagnostics);
    let failed = parsed.diagnostics.has_errors();
    diagnostics.extend(parsed.diagnostics);
    let Some(root) = parsed.documents.first().filter(|_| !failed) else { return };
    match &root.kind {
        NodeKind::Null => {}
        NodeKind::Map(entries) => {
            for (name, value) in entries.iter() {
                read_variable(
                    name,
                    value,
                    project.is_sealed(path).then(|| project.vault()),
                    vars,
                    diagnostics,
                );
            }
        }
        _ => {
            let message = format!("a file of variables has to be a mapping, not {}", root.describe());
            diagnostics.push(Diagnostic::error(Kind::Structure, message).at(&root.place));
        }
    }
}

/// `sealed`: what has opened the file, where it is encrypted.
fn read_variable(
    name: &Node,
    value: &Node,
    sealed: Option<&Arc<Vault>>,
    vars: &mut VarMap,
    diagnostics: &mut Diagnostics,
) {
    let NodeKind::Str(text) = &name.kind else {
        let message = format!("a variable is named by a text, not by {}", name.describe());
        diagnostics.push(Diagnostic::error(Kind::Structure, message).at(&name.place));
        return;
    };
    let (mut read, place) = (value.to_value(), Some(value.place.clone()));
    if let Some(vault) = sealed {
        read = vault.hidden(&text.text, &read, place.as_ref());
    }
    vars.insert(text.text.clone(), Variable { value: read, place });
}
