//! What the name of a module means: a module of fleet's own, or a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::collections::{FullName, OWN, REDIRECTS, Resolved, playbook_directory, search_list};
use super::library::Style;
use super::load::{Load, Loader};
use super::task::is_language_action;
use super::{Keywords, ModuleFile, Scope, ScopeKind, Task};
use crate::base::{Diagnostic, Diagnostics, Kind};
use crate::project::shown;

/// Ansible's actions that do their work on the controller: a module of that name in a library is not what they run.
pub const CONTROLLER_ACTIONS: &[&str] = &[
    "add_host",
    "assemble",
    "assert",
    "async_status",
    "copy",
    "debug",
    "fail",
    "fetch",
    "group_by",
    "include_vars",
    "pause",
    "raw",
    "reboot",
    "script",
    "set_fact",
    "set_stats",
    "template",
    "unarchive",
    "validate_argument_spec",
    "wait_for_connection",
];

/// Action plugins of Ansible that only choose a module, which can be run itself.
const CHOOSERS: &[&str] = &["dnf"];

impl Loader<'_> {
    /// The file of a module whose name was rendered at a task's turn; none where fleet has the module itself.
    ///
    /// # Errors
    /// There is no such module, or it cannot be run.
    pub fn module_file(&self, name: &str, task: &Task) -> Result<Option<Arc<ModuleFile>>, Diagnostic> {
        let search = search_list(&task.keywords, &task.scope);
        self.file_of(name, &search, &task.scope)
            .map_err(|diagnostic| diagnostic.at_if_unplaced(Some(&task.module_place)))
    }

    /// The file of the module that a name means to a playbook in `directory`; none where fleet has the module itself.
    ///
    /// # Errors
    /// There is no such module, or it cannot be run.
    pub fn module_file_in(
        &self,
        name: &str,
        directory: &Path,
    ) -> Result<Option<Arc<ModuleFile>>, Diagnostic> {
        self.settings.libraries.meet(directory);
        let scope = Scope {
            parent: None,
            kind: ScopeKind::Play,
            keywords: Keywords::new(),
            vars: None,
            directory: directory.to_owned(),
        };
        self.file_of(name, &[], &Arc::new(scope))
    }

    fn file_of(
        &self,
        name: &str,
        search: &[Arc<str>],
        scope: &Arc<Scope>,
    ) -> Result<Option<Arc<ModuleFile>>, Diagnostic> {
        let mut load = Load::new(self);
        let resolved = load.resolve_module(name, search, scope);
        let found = match resolved {
            Resolved::Refused { message, hint } => {
                return Err(Diagnostic::error(Kind::Unsupported, message).maybe_hint(hint));
            }
            other => other.module(),
        };
        let nobody = load.nobody_has(name);
        let Diagnostics(problems) = load.finish();
        match (found, problems.into_iter().next()) {
            (Some((_, file)), _) => Ok(file),
            (None, Some(problem)) => Err(problem),
            (None, None) => {
                let message = format!("there is no module `{name}`");
                Err(Diagnostic::error(Kind::UnknownModule, message).maybe_hint(nobody))
            }
        }
    }
}

impl Load<'_, '_> {
    /// What a module's name means where the collections of `search` are searched. `scope` is around the task.
    pub(super) fn resolve_module(&mut self, name: &str, search: &[Arc<str>], scope: &Arc<Scope>) -> Resolved {
        let mut resolved = self.resolved_module(name, search, scope);
        if let Resolved::File(file) = &mut resolved {
            Arc::make_mut(file).written = Arc::from(name);
        }
        resolved
    }

    fn resolved_module(&mut self, name: &str, search: &[Arc<str>], scope: &Arc<Scope>) -> Resolved {
        let directory = playbook_directory(scope);
        if is_language_action(name) {
            return Resolved::Own(Arc::from(name));
        }
        if let Some(short) = name.strip_prefix("ansible.legacy.") {
            return self.legacy(short, name, &directory);
        }
        if name.contains('.') && FullName::parse(name).is_some() {
            return self.module_of_collection(name, &directory);
        }
        for collection in search.iter().filter(|collection| !OWN.contains(&&***collection)) {
            match self.module_of_collection(&format!("{collection}.{name}"), &directory) {
                Resolved::Unknown => {}
                found => return found,
            }
        }
        self.legacy(name, name, &directory)
    }

    /// Whether fleet has a module and runs it itself.
    fn has_module(&self, name: &str) -> bool {
        self.loader.modules.is_module(name) && !self.loader.settings.libraries.forces(name)
    }

    /// As Ansible looked for modules before there were collections: in libraries, then among those it brings.
    fn legacy(&mut self, short: &str, written: &str, directory: &Path) -> Resolved {
        let (project, libraries) = (self.loader.project, &self.loader.settings.libraries);
        let own = self.loader.modules.is_module(written);
        if !(own && CONTROLLER_ACTIONS.contains(&short)) {
            if let Some(path) = libraries.action_plugin(project, short) {
                return needs_action(short, &path);
            }
            if let Some(path) = libraries.find(project, short) {
                return self.file(short, path);
            }
        }
        if own && !libraries.forces_short(short) {
            return Resolved::Own(Arc::from(written));
        }
        let of_ansible = format!("ansible.builtin.{short}");
        if FullName::parse(&of_ansible).is_none() {
            return Resolved::Unknown;
        }
        self.module_of_collection(&of_ansible, directory)
    }

    /// A module by its full name, along redirects.
    fn module_of_collection(&mut self, name: &str, directory: &Path) -> Resolved {
        let mut name = name.to_owned();
        for _ in 0..REDIRECTS {
            if self.has_module(&name) {
                return Resolved::Own(Arc::from(name));
            }
            let Some(full) = FullName::parse(&name) else { return Resolved::Unknown };
            if let Some(target) = self.redirect(&["action", "modules"], full, directory) {
                name = target;
                continue;
            }
            let Some((modules, actions)) = self.plugins(full, directory) else { return Resolved::Unknown };
            let file = |directory: &Path, ending: &str| {
                let path = full.below(directory.to_owned()).join(format!("{}.{ending}", full.name));
                self.loader.project.is_file(&path).then_some(path)
            };
            let chooses = OWN.contains(&full.collection) && CHOOSERS.contains(&full.name);
            if let Some(path) = file(&actions, "py").filter(|_| !chooses) {
                return needs_action(&name, &path);
            }
            return match file(&modules, "py").or_else(|| file(&modules, "ps1")) {
                Some(path) => self.file(&name, path),
                None => Resolved::Unknown,
            };
        }
        Resolved::Unknown
    }

    /// The directories of a collection's modules and action plugins.
    fn plugins(&self, full: FullName<'_>, directory: &Path) -> Option<(PathBuf, PathBuf)> {
        if OWN.contains(&full.collection) {
            let package = self.loader.settings.libraries.installation.as_ref()?.package()?;
            return Some((package.join("modules"), package.join("plugins/action")));
        }
        let plugins = self.loader.collection(full.collection, directory)?.join("plugins");
        Some((plugins.join("modules"), plugins.join("action")))
    }

    /// A module that is a file, if what it needs is there.
    fn file(&self, name: &str, path: PathBuf) -> Resolved {
        let refused = |message: String, hint: Option<String>| Resolved::Refused { message, hint };
        let at = shown(&path).display().to_string();
        let text = match self.loader.project.bytes(&path) {
            Ok(text) => text,
            Err(error) => {
                let cause = crate::project::cause(&error);
                return refused(format!("the module `{name}` cannot be read: `{at}`: {cause}"), None);
            }
        };
        let style = Style::of(&text);
        let libraries = &self.loader.settings.libraries;
        if style == Style::PowerShell {
            return refused(
                format!("`{name}` is a module for Windows (`{at}`), which fleet does not manage"),
                None,
            );
        }
        let installation = libraries.installation.as_ref();
        if style == Style::Python && installation.is_none_or(|found| found.package().is_none()) {
            let missing = installation.map(|found| found.missing()).unwrap_or_default();
            let message = format!(
                "`{name}` is a module in Python (`{at}`), and ansible-core, which packs it, is not here"
            );
            return refused(message, Some(missing).filter(|missing| !missing.is_empty()));
        }
        let name: Arc<str> = Arc::from(name);
        Resolved::File(Arc::new(ModuleFile { written: Arc::clone(&name), name, path, style }))
    }

    /// Why nobody has a module, where that is because no Ansible is installed that could.
    pub(super) fn nobody_has(&self, name: &str) -> Option<String> {
        let full = FullName::parse(name)?;
        let missing = self.loader.settings.libraries.installation.as_ref().map(|found| found.missing());
        let missing = missing.filter(|missing| !missing.is_empty());
        let install = format!(
            "fleet does not have it, and the collection `{}` is not installed or has no such module",
            full.collection
        );
        Some(missing.map_or_else(|| install.clone(), |missing| format!("{install}; {missing}")))
    }
}

fn needs_action(name: &str, path: &Path) -> Resolved {
    Resolved::Refused {
        message: format!(
            "`{name}` needs the action plugin `{}`: Python that runs inside Ansible on the controller",
            shown(path).display()
        ),
        hint: None,
    }
}
