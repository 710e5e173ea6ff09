//! What is known before a run: for the names of static imports and roles that are templates.

use std::path::Path;
use std::sync::Arc;

use super::load::Load;
use super::{Located, Role, Scope, ScopeKind};
use crate::base::Value;
use crate::vars::{Layer, Layers, Level, VarMap};

impl Load<'_, '_> {
    /// The text of a name; templates are rendered with what is known now.
    pub(super) fn known_text(&mut self, located: &Located, scope: &Arc<Scope>) -> Option<String> {
        let Located { value, place } = located;
        match value {
            Value::Str(text) => Some(text.trim().to_owned()),
            value if value.is_literal() => Some(value.to_text()),
            value => {
                let known = self.known(scope);
                match self.loader.texts.text(value, place, &known) {
                    Ok(text) => Some(text.trim().to_owned()),
                    Err(diagnostic) => {
                        let hint = "names of imports and roles are rendered before the run: they can use variables \
                                    of the play, of roles and of the command line, but no facts and no variables \
                                    of hosts";
                        let hint = diagnostic.hint.clone().unwrap_or_else(|| hint.to_owned());
                        self.push(diagnostic.at_if_unplaced(Some(place)).hint(hint));
                        None
                    }
                }
            }
        }
    }

    /// The variables of a scope that stand in files.
    fn known(&mut self, scope: &Arc<Scope>) -> Layers {
        let mut layers = Layers::default();
        for role in self.play.roles.iter().chain(&self.play.imported) {
            layers.push(Arc::clone(&role.defaults));
            layers.push(Arc::clone(&role.vars));
        }
        let mut scopes: Vec<&Arc<Scope>> = scope.outwards().collect();
        scopes.reverse();
        let play_directory = scopes.first().map(|play| play.directory.clone()).unwrap_or_default();
        for layer in self.known_files(&play_directory) {
            layers.push(layer);
        }
        for scope in scopes {
            if let ScopeKind::Role(role) = &scope.kind {
                let Role { defaults, vars, params, .. } = &**role;
                layers.extend([defaults, vars, params].map(Arc::clone));
            }
            layers.extend(scope.vars.clone());
        }
        layers.push(magic(&play_directory, scope.role()));
        layers
    }

    /// `vars_files` whose names are no templates. Mistakes in them are told when the play reads them.
    fn known_files(&mut self, directory: &Path) -> Vec<Arc<Layer>> {
        let files = self.play.vars_files.clone();
        let mut layers = Vec::new();
        for file in &files {
            let names: Vec<&str> = match &file.value {
                Value::Str(name) => vec![name],
                Value::List(names) => names.iter().filter_map(Value::as_str).collect(),
                _ => continue,
            };
            let paths = names.iter().map(|name| directory.join(name));
            let Some(path) = paths.into_iter().find(|path| self.loader.project.is_file(path)) else {
                continue;
            };
            if let Some(vars) = self.vars_file(&path, Some(&file.place)) {
                layers.push(Layer::new(Level::PlayVarsFiles, vars));
            }
        }
        layers
    }
}

fn magic(playbook: &Path, role: Option<&Arc<Role>>) -> Arc<Layer> {
    let path = |path: &Path| Value::from(path.display().to_string());
    let mut values = vec![(Arc::from("playbook_dir"), path(playbook))];
    if let Some(role) = role {
        values.push((Arc::from("role_path"), path(&role.path)));
        values.push((Arc::from("role_name"), Value::Str(Arc::clone(&role.name))));
    }
    Layer::of_values(Level::Magic, values)
}

/// No variables, at a level.
pub(super) fn no_vars(level: Level) -> Arc<Layer> {
    Layer::new(level, VarMap::new())
}
