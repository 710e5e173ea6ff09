//! Where roles and their files lie.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::include::normalized;
use super::load::Load;
use super::{Scope, collections};
use crate::base::names::did_you_mean;
use crate::base::{Diagnostic, Kind, Place};
use crate::project::{Project, shown};

/// Whether `main` may be a directory of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Main {
    /// One file.
    File,
    /// A file, or a directory whose files are merged.
    FileOrDirectory,
}

const ENDINGS: [&str; 3] = [".yml", ".yaml", ".json"];

/// The files of a role's directory: `main` with the first of the endings that is there, or the one asked for, whose
/// bare name comes first. As Ansible's `_load_role_yaml`.
pub(super) fn find(
    project: &Project,
    directory: &Path,
    from: Option<&str>,
    main: Main,
) -> Result<Vec<PathBuf>, Diagnostic> {
    let name = from.unwrap_or("main");
    let names: Vec<String> = if from.is_some() {
        std::iter::once("").chain(ENDINGS).map(|ending| format!("{name}{ending}")).collect()
    } else {
        ENDINGS.into_iter().chain([""]).map(|ending| format!("{name}{ending}")).collect()
    };
    for name in names {
        let path = normalized(&directory.join(&name));
        if !path.starts_with(directory) {
            let message = format!(
                "`{}` cannot be loaded as it is not inside the expected role path `{}`",
                shown(&path).display(),
                shown(directory).display()
            );
            return Err(Diagnostic::error(Kind::Role, message));
        }
        if project.is_dir(&path) {
            if main == Main::FileOrDirectory {
                return files_below(project, &path);
            }
        } else if project.is_file(&path) {
            return Ok(vec![path]);
        }
    }
    Ok(Vec::new())
}

/// The files of a directory and of those below it, by name; hidden ones, backups and other endings left out.
fn files_below(project: &Project, directory: &Path) -> Result<Vec<PathBuf>, Diagnostic> {
    let mut files = Vec::new();
    for path in project.entries(directory)? {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        let has_ending = path.extension().is_some();
        if project.is_dir(&path) {
            if !has_ending {
                files.extend(files_below(project, &path)?);
            }
        } else if !has_ending || ENDINGS.iter().any(|ending| name.ends_with(ending)) {
            files.push(path);
        }
    }
    Ok(files)
}

/// A file with nearly that name.
pub(super) fn similar(project: &Project, directory: &Path, name: &str) -> Option<String> {
    let entries = project.entries(directory).ok()?;
    let stem = |path: &PathBuf| path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned);
    let names: Vec<String> = entries.iter().filter_map(stem).collect();
    did_you_mean(name, names.iter().map(String::as_str))
}

impl Load<'_, '_> {
    /// A role: in collections where its name has one or `search` has some; then in `roles` beside the playbook, on
    /// the roles path, beside the role that depends on it, beside the playbook; last as a path of its own.
    pub(super) fn find_role(
        &mut self,
        name: &str,
        place: &Place,
        scope: &Arc<Scope>,
        beside: Option<PathBuf>,
        search: &[Arc<str>],
    ) -> Option<Found> {
        let playbook = collections::playbook_directory(scope);
        let place = place.clone();
        if let Some((name, path, collection)) = self.collection_role(name, search, &playbook) {
            return Some(Found { name: Arc::from(name), path, collection: Some(collection), place });
        }
        let project = self.loader.project;
        let mut searched = vec![playbook.join("roles")];
        searched.extend(self.loader.settings.roles_path.iter().cloned());
        searched.extend(beside);
        searched.push(playbook.clone());
        let mut candidates = searched.iter().map(|directory| normalized(&directory.join(name)));
        if let Some(path) = candidates.find(|path| project.is_dir(path)) {
            let is_path = Path::new(name).is_absolute();
            let own = path.file_name().and_then(|own| own.to_str()).unwrap_or(name);
            let name = Arc::from(if is_path { own } else { name });
            return Some(Found { name, path, collection: None, place });
        }
        let mut diagnostic = Diagnostic::error(Kind::Role, format!("there is no role `{name}`")).at(&place);
        searched.dedup();
        let mut hint = None;
        if let Some(full) = collections::FullName::parse(name) {
            let collection = self.loader.collection(full.collection, &playbook);
            let note = match &collection {
                Some(path) => format!("the collection lies in `{}`", shown(path).display()),
                None => format!("the collection `{}` is not installed", full.collection),
            };
            diagnostic = diagnostic.note(note, None);
            let names = collection.map(|path| collections::role_names(project, &path)).unwrap_or_default();
            hint = did_you_mean(full.name, names.iter().map(String::as_str));
        }
        for directory in &searched {
            diagnostic = diagnostic.note(format!("it is not in `{}`", shown(directory).display()), None);
        }
        let hint =
            hint.or_else(|| searched.iter().find_map(|directory| similar_role(project, directory, name)));
        self.push(diagnostic.maybe_hint(hint));
        None
    }
}

/// A role that was found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) name: Arc<str>,
    pub(super) path: PathBuf,
    pub(super) collection: Option<Arc<str>>,
    pub(super) place: Place,
}

fn similar_role(project: &Project, directory: &Path, name: &str) -> Option<String> {
    let entries = project.entries(directory).ok()?;
    let roles = entries.iter().filter(|entry| project.is_dir(entry));
    let names: Vec<&str> = roles.filter_map(|role| role.file_name()?.to_str()).collect();
    did_you_mean(name, names)
}
