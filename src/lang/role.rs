//! Roles: a use of one, with the role's files and the roles that it depends on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::entries::{Entry, Level, elsewhere};
use super::items::Around;
use super::known::no_vars;
use super::load::{FromFiles, Load, LoadedRole, RoleRequest, Section};
use super::role_files::{self, Found, Main};
use super::role_meta::Meta;
use super::variables::Names;
use super::{Block, Item, Keyword, Keywords, Located, Role, Scope, ScopeKind, collections};
use crate::base::names::did_you_mean;
use crate::base::{Diagnostic, Kind, Place};
use crate::vars::{self, Layer, VarMap, Variable};
use crate::yaml::{Node, NodeKind};

/// A role as it is used somewhere.
#[derive(Clone, Debug)]
pub(super) struct RoleUse {
    name: Located,
    from: FromFiles,
    keywords: Keywords,
    vars: Option<Arc<Layer>>,
    params: Arc<Layer>,
    dependant: Option<Arc<Role>>,
    /// Overrides the role's own `allow_duplicates`.
    allow_duplicates: Option<bool>,
    validate: bool,
    origin: Origin,
}

/// How a role comes to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// In `roles`, or as a dependency.
    Listed,
    /// Through `import_role` or `include_role`.
    Included,
}

impl RoleUse {
    /// As `import_role` uses it.
    pub(super) fn imported(name: Located, from: FromFiles, allow_duplicates: bool, validate: bool) -> Self {
        Self {
            name,
            from,
            keywords: Keywords::new(),
            vars: None,
            params: no_vars(vars::Level::RoleParams),
            dependant: None,
            allow_duplicates: Some(allow_duplicates),
            validate,
            origin: Origin::Included,
        }
    }

    /// As `include_role` uses it.
    pub(super) fn included(request: &RoleRequest) -> Self {
        let RoleRequest { name, from, allow_duplicates, validate } = request.clone();
        Self::imported(name, from, allow_duplicates, validate)
    }

    /// What makes two uses the same for Ansible, which then runs the role once.
    fn identity(&self, path: &Path) -> Arc<str> {
        let keyword = |keyword| self.keywords.get(&keyword).map(|located: &Located| located.value.to_repr());
        let vars = |layer: &Layer| -> Vec<String> {
            let mut vars: Vec<String> =
                layer.vars.iter().map(|(name, var)| format!("{name}={}", var.value.to_repr())).collect();
            vars.sort();
            vars
        };
        Arc::from(format!(
            "{} {:?} {:?} {:?} {:?} {:?} {:?}",
            path.display(),
            vars(&self.params),
            self.vars.as_deref().map(vars),
            keyword(Keyword::When),
            keyword(Keyword::Tags),
            self.from,
            self.origin,
        ))
    }
}

impl Load<'_, '_> {
    /// The roles of a play or the dependencies of a role, in order.
    pub(super) fn role_list(
        &mut self,
        node: &Node,
        what: &str,
        scope: &Arc<Scope>,
        dependant: Option<&Arc<Role>>,
    ) -> Vec<LoadedRole> {
        let mut loaded = Vec::new();
        for item in self.items_of(node, what).unwrap_or_default() {
            if let Some(role_use) = self.role_use(item, dependant) {
                loaded.extend(self.role(role_use, scope));
            }
        }
        loaded
    }

    /// An entry of a list of roles: a name, or a mapping of the role, keywords and parameters.
    fn role_use(&mut self, node: &Node, dependant: Option<&Arc<Role>>) -> Option<RoleUse> {
        let mut role_use = RoleUse {
            name: Located::of(node),
            from: FromFiles::default(),
            keywords: Keywords::new(),
            vars: None,
            params: no_vars(vars::Level::RoleParams),
            dependant: dependant.cloned(),
            allow_duplicates: None,
            validate: true,
            origin: Origin::Listed,
        };
        match &node.kind {
            NodeKind::Str(text) if text.text.contains(',') && !text.text.contains("{{") => {
                self.error_hint(
                    Kind::Role,
                    &node.place,
                    format!("`{}` is not the name of a role", text.text),
                    "a role with options is a mapping: `- role: NAME`",
                );
                return None;
            }
            NodeKind::Str(_) | NodeKind::Int(_) => return Some(role_use),
            NodeKind::Map(_) => {}
            NodeKind::Null | NodeKind::Bool(_) | NodeKind::Float(_) | NodeKind::Seq(_) => {
                let message = format!("a role must be a name or a mapping, not {}", node.describe());
                self.error(Kind::Structure, &node.place, message);
                return None;
            }
        }
        let mut params = VarMap::new();
        for entry in self.entries(node, "a role")? {
            match entry.name {
                "role" | "name" => {}
                "vars" => role_use.vars = self.vars(entry.value, vars::Level::RoleVars),
                name => {
                    let taken = self.keyword(&mut role_use.keywords, entry, Level::Role);
                    if taken == super::attributes::Taken::No {
                        self.warn_of_parameter(entry);
                        let value = entry.value.to_value();
                        let variable = Variable { value, place: Some(entry.key.place.clone()) };
                        params.insert(Arc::from(name), variable);
                    }
                }
            }
        }
        role_use.params = Layer::new(vars::Level::RoleParams, params);
        let name = node.get("role").or_else(|| node.get("name")).map(Located::of);
        let name = name.or_else(|| galaxy_name(node));
        match name {
            Some(name)
                if name.value.as_str().is_some_and(|name| !name.is_empty()) || !name.value.is_literal() =>
            {
                role_use.name = name;
                Some(role_use)
            }
            Some(name) => {
                self.error(Kind::Structure, &name.place, "the name of a role must be a text");
                None
            }
            None => {
                let message = "a role needs a name: there is no `role` here";
                let keys: Vec<&str> =
                    node.as_map().unwrap_or_default().iter().filter_map(|(key, _)| key.as_str()).collect();
                let hint = did_you_mean("role", keys).map(|_| "write `role: NAME`".to_owned());
                self.push(
                    Diagnostic::error(Kind::Structure, message).at(&node.place).plain().maybe_hint(hint),
                );
                None
            }
        }
    }

    /// What is no keyword on a role is a parameter of it; what looks like a slip is told.
    fn warn_of_parameter(&mut self, entry: Entry<'_>) {
        let name = entry.name;
        let on_roles = Keyword::ALL.iter().filter(|keyword| keyword.on().role).map(|keyword| keyword.name());
        let slip = on_roles
            .chain(["vars", "role"])
            .find(|keyword| name.len() > 2 && strsim::damerau_levenshtein(keyword, name) == 1);
        let message = format!("`{name}` is no keyword of a role: it is passed to the role as a variable");
        let hint =
            slip.map(|slip| format!("did you mean `{slip}`?")).or_else(|| elsewhere(name, Level::Role));
        if let Some(hint) = hint {
            self.push(Diagnostic::warning(Kind::UnknownKeyword, message).at(&entry.key.place).hint(hint));
        }
    }

    /// Loads a role: its variables, its dependencies, its tasks and handlers.
    pub(super) fn role(&mut self, role_use: RoleUse, around: &Arc<Scope>) -> Option<LoadedRole> {
        let name = self.known_text(&role_use.name, around)?;
        let place = role_use.name.place.clone();
        let beside = role_use.dependant.as_ref().and_then(|role| role.path.parent()).map(Path::to_owned);
        let search = match (&role_use.dependant, role_use.origin) {
            // a dependency is searched in its dependant's own collection only
            (Some(dependant), Origin::Listed) => dependant.collection.iter().cloned().collect(),
            _ => collections::search_list(&role_use.keywords, around),
        };
        let found = self.find_role(&name, &place, around, beside, &search)?;
        let entry_point = role_use.from.tasks.as_deref().unwrap_or("main");
        let key = format!("role {} {entry_point}", found.path.display());
        let label = format!("role `{name}`");
        self.within(key, label, Some(&place), |load| Some(load.role_at(role_use, found, around)))
    }

    fn role_at(&mut self, role_use: RoleUse, found: Found, around: &Arc<Scope>) -> LoadedRole {
        let identity = role_use.identity(&found.path);
        let RoleUse {
            name: _,
            from,
            keywords,
            vars,
            params,
            dependant,
            allow_duplicates,
            validate,
            origin: _,
        } = role_use;
        let Found { name, path, collection, place } = found;
        self.loader.settings.libraries.meet(&path);
        let defaults = self.role_vars(&path, "defaults", from.defaults.as_deref(), &place);
        let role_vars = self.role_vars(&path, "vars", from.vars.as_deref(), &place);
        let meta = self.role_meta(&path, &place);
        let Meta { allow_duplicates: allowed, dependencies, argument_specs, collections: in_meta } = meta;
        let searched = collections::of_role(collection.as_ref(), &in_meta, around);
        let role = Arc::new(Role {
            name,
            collection,
            collections: searched,
            path: path.clone(),
            place: place.clone(),
            defaults: Layer::new(vars::Level::RoleDefaults, defaults),
            vars: Layer::new(vars::Level::RoleVars, role_vars),
            params,
            dependant,
            allow_duplicates: allow_duplicates.unwrap_or(allowed),
            identity,
        });
        let scope_for = |section: Section| {
            Arc::new(Scope {
                parent: Some(Arc::clone(around)),
                kind: ScopeKind::Role(Arc::clone(&role)),
                keywords: keywords.clone(),
                vars: vars.clone(),
                directory: path.join(section.directory()),
            })
        };
        let scope = scope_for(Section::Tasks);
        let mut loaded = LoadedRole {
            role: Arc::clone(&role),
            roles: Vec::new(),
            items: Vec::new(),
            handlers: Vec::new(),
        };
        let needed = dependencies
            .map(|node| self.role_list(&node, "`dependencies`", &scope, Some(&role)))
            .unwrap_or_default();
        for LoadedRole { role: _, roles, items, handlers } in needed {
            loaded.roles.extend(roles);
            loaded.items.extend(items);
            loaded.handlers.extend(handlers);
        }
        let mut tasks = self.role_tasks(&path, from.tasks.as_deref(), &place, &scope, Section::Tasks);
        if validate {
            let entry_point = from.tasks.as_deref().unwrap_or("main");
            let check = self.validation_task(&role, argument_specs.as_ref(), entry_point, &scope);
            tasks.splice(0..0, check);
        }
        let handlers_scope = scope_for(Section::Handlers);
        let handlers =
            self.role_tasks(&path, from.handlers.as_deref(), &place, &handlers_scope, Section::Handlers);
        loaded.items.push(Item::Block(Arc::new(Block {
            place,
            name: None,
            scope,
            tasks: tasks.into(),
            rescue: Arc::new([]),
            always: Arc::new([]),
        })));
        loaded.items.push(Item::RoleEnd(Arc::clone(&role)));
        loaded.handlers.extend(handlers);
        loaded.roles.push(role);
        loaded
    }

    /// `defaults` or `vars` of a role: one file, or those of a directory `main` merged in order.
    fn role_vars(&mut self, path: &Path, directory: &str, from: Option<&str>, place: &Place) -> VarMap {
        let files = self.role_files(path, directory, from, place, Main::FileOrDirectory);
        let mut all = VarMap::new();
        for file in files {
            let Some(root) = self.document(&file, Some(place)) else { continue };
            match root.kind {
                _ if root.is_nothing() => {}
                NodeKind::Map(_) => all.extend(self.variables(&root, Names::Free)),
                _ => {
                    let message =
                        format!("`{directory}` of a role must be a mapping, not {}", root.describe());
                    self.error(Kind::Structure, &root.place, message);
                }
            }
        }
        all
    }

    fn role_tasks(
        &mut self,
        path: &Path,
        from: Option<&str>,
        place: &Place,
        scope: &Arc<Scope>,
        section: Section,
    ) -> Vec<Item> {
        let files = self.role_files(path, section.directory(), from, place, Main::File);
        let Some(file) = files.first() else { return Vec::new() };
        let Some(root) = self.document(file, Some(place)) else { return Vec::new() };
        if root.is_nothing() {
            return Vec::new();
        }
        // an entry point in a subdirectory looks for its includes beside itself too
        let directory = file.parent().filter(|parent| **parent != scope.directory).map(Path::to_owned);
        let scope = directory.map_or_else(
            || Arc::clone(scope),
            |directory| Arc::new(Scope { directory, ..Scope::clone(scope) }),
        );
        self.tasks_of_file(file, Some(place), Around { scope: &scope, section })
    }

    /// The files of a role's directory, which must be there if they were asked for by name.
    fn role_files(
        &mut self,
        path: &Path,
        directory: &str,
        from: Option<&str>,
        place: &Place,
        main: Main,
    ) -> Vec<PathBuf> {
        match role_files::find(self.loader.project, &path.join(directory), from, main) {
            Ok(files) => {
                if let Some(name) = from.filter(|_| files.is_empty()) {
                    let message = format!("the role has no file `{name}` in `{directory}`");
                    let hint = role_files::similar(self.loader.project, &path.join(directory), name);
                    self.push(Diagnostic::error(Kind::Role, message).at(place).maybe_hint(hint));
                }
                files
            }
            Err(diagnostic) => {
                self.push(diagnostic.at_if_unplaced(Some(place)));
                Vec::new()
            }
        }
    }
}

/// The name of a dependency that is written for ansible-galaxy: `src: URL` or `src: NAME`.
fn galaxy_name(node: &Node) -> Option<Located> {
    let src = node.get("src")?;
    let text = src.as_str()?;
    let name = if text.contains("://") || text.contains('@') {
        let name = text.rsplit('/').next().unwrap_or(text);
        let name =
            [".git", ".tar.gz"].iter().fold(name, |name, ending| name.strip_suffix(ending).unwrap_or(name));
        name.split(',').next().unwrap_or(name)
    } else {
        text
    };
    Some(Located { value: crate::base::Value::str(name), place: src.place.clone() })
}
