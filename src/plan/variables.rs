//! The variables of one task on one host: layers in Ansible's order, and the magic ones.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use indexmap::IndexMap;

use crate::base::{Key, Map, Place, Value};
use crate::inventory::{Inventory, InventorySource, LOCALHOST};
use crate::lang::{Keyword, Play, Role, Scope, ScopeKind, Task};
use crate::template::Variables;
use crate::vars::{Layer, Layers, Level, VarMap, Variable, merged};

/// The variables that belong to a host and change during a run. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct HostVars {
    /// From the inventory, `group_vars`, `host_vars`; does not change.
    pub inventory: Arc<Layers>,
    /// Facts: `ansible_*` and `ansible_facts`.
    pub facts: Arc<Layer>,
    /// `set_fact` and `register`.
    pub set: Arc<Layer>,
    /// `include_vars`.
    pub included: Arc<Layer>,
}

/// The variables of every host.
pub type AllHosts = IndexMap<Arc<str>, HostVars>;

/// What is the same for all tasks of a run.
#[derive(Debug)]
pub struct World {
    inventory: RwLock<Inventory>,
    /// `groups`, made when it is first read and forgotten when the inventory changes.
    groups: RwLock<Option<Value>>,
    hosts: RwLock<AllHosts>,
    /// Extra variables.
    pub extra: Arc<Layer>,
    /// Magic variables that do not change in a run: `ansible_check_mode`, `inventory_dir` …
    pub constants: Map,
}

/// What is the same for all tasks of a play on a batch of hosts.
#[derive(Debug)]
pub struct PlayVars {
    /// The play.
    pub play: Arc<Play>,
    /// What `vars_prompt` asked for.
    pub prompted: Option<Arc<Layer>>,
    /// `vars_files` whose names are the same for all hosts.
    pub files: Vec<Arc<Layer>>,
    /// `vars_files` of hosts where a name of theirs hangs on the host's variables.
    pub own_files: RwLock<HashMap<Arc<str>, Vec<Arc<Layer>>>>,
    /// Every host that the play's pattern matches, in its order.
    pub all_hosts: Vec<Arc<str>>,
    /// Hosts of the batch.
    pub batch: Vec<Arc<str>>,
    /// Hosts of the play that have failed or are unreachable, now or in an earlier one.
    pub gone: Arc<RwLock<Vec<Arc<str>>>>,
    /// Roles that were included with `public` and have run to their end, with the host.
    pub public: RwLock<Vec<(Arc<str>, Arc<Role>)>>,
    /// The names of the roles that were included.
    pub included: RwLock<indexmap::IndexSet<Arc<str>>>,
}

impl World {
    /// A world; the hosts' variables may be added later.
    pub fn new(inventory: Inventory, hosts: AllHosts, extra: Arc<Layer>, constants: Map) -> Self {
        Self {
            inventory: RwLock::new(inventory),
            groups: RwLock::default(),
            hosts: RwLock::new(hosts),
            extra,
            constants,
        }
    }

    /// Whether `hash_behaviour` is `merge`.
    fn merges(&self) -> bool {
        self.constants.contains_key("fleet_merge_hashes")
    }

    /// Looks at the inventory as it is now.
    pub fn inventory<T>(&self, look: impl FnOnce(&Inventory) -> T) -> T {
        look(&self.inventory.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the inventory (`add_host`, `group_by`, `meta: refresh_inventory`).
    pub fn change_inventory<T>(&self, change: impl FnOnce(&mut Inventory) -> T) -> T {
        let changed = change(&mut self.inventory.write().unwrap_or_else(PoisonError::into_inner));
        *self.groups.write().unwrap_or_else(PoisonError::into_inner) = None;
        changed
    }

    /// `groups`: the hosts of every group.
    fn groups(&self) -> Value {
        if let Some(known) = &*self.groups.read().unwrap_or_else(PoisonError::into_inner) {
            return known.clone();
        }
        let made = self.inventory(|inventory| {
            let members = |group: &Arc<str>| texts(&inventory.group_members(group));
            let groups = inventory.groups.keys();
            Value::map(groups.map(|group| (Key::Str(Arc::clone(group)), members(group))).collect())
        });
        *self.groups.write().unwrap_or_else(PoisonError::into_inner) = Some(made.clone());
        made
    }

    /// Takes over what an earlier world has come to know: facts, variables that were set, hosts and groups that were
    /// added. The hosts that are new here are returned: their variables from files have to be read.
    pub fn carry_over(&self, earlier: &Self) -> Vec<Arc<str>> {
        self.change_inventory(|own| earlier.inventory(|before| own.carry_over(before)));
        let mut added = Vec::new();
        let mut own = self.hosts.write().unwrap_or_else(PoisonError::into_inner);
        for (name, vars) in earlier.hosts.read().unwrap_or_else(PoisonError::into_inner).iter() {
            let HostVars { inventory: _, facts, set, included } = vars.clone();
            let kept = own.entry(Arc::clone(name)).or_insert_with(|| {
                added.push(Arc::clone(name));
                HostVars::new(Layers::default())
            });
            (kept.facts, kept.set, kept.included) = (facts, set, included);
        }
        added
    }

    /// A host's variables as they are now.
    pub fn host(&self, name: &str) -> Option<HostVars> {
        self.hosts.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// The names of all hosts that have variables.
    pub fn host_names(&self) -> Vec<Arc<str>> {
        self.hosts.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// Changes a host's variables; a host that had none gets some.
    pub fn update(&self, name: &str, change: impl FnOnce(&mut HostVars)) {
        let mut hosts = self.hosts.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(vars) = hosts.get_mut(name) {
            change(vars);
        } else {
            let mut vars = HostVars::new(Layers::default());
            change(&mut vars);
            hosts.insert(Arc::from(name), vars);
        }
    }
}

impl PlayVars {
    /// The play's own variables on a host, and those of roles that were included with `public`.
    fn layers(&self, host: &str, layers: &mut Layers) {
        let Self { play, prompted, files, own_files, all_hosts: _, batch: _, gone: _, public, included: _ } =
            self;
        for (of, role) in public.read().unwrap_or_else(PoisonError::into_inner).iter() {
            if **of == *host {
                layers.push(Arc::clone(&role.defaults));
                layers.push(Arc::clone(&role.vars));
            }
        }
        layers.extend(play.scope.vars.clone());
        layers.extend(prompted.clone());
        let own = own_files.read().unwrap_or_else(PoisonError::into_inner);
        layers.extend(own.get(host).unwrap_or(files).iter().cloned());
    }
}

/// What a task's keywords say about its connection, as written.
#[derive(Clone, Debug, Default)]
struct Connection {
    way: Option<Value>,
    user: Option<Value>,
    port: Option<Value>,
    environment: Vec<Value>,
    directory: Option<PathBuf>,
}

fn texts(names: &[Arc<str>]) -> Value {
    Value::list(names.iter().map(|name| Value::Str(Arc::clone(name))))
}

impl HostVars {
    /// The variables that a host starts with.
    pub fn new(inventory: Layers) -> Self {
        let empty = |level| Layer::new(level, VarMap::new());
        Self {
            inventory: Arc::new(inventory),
            facts: empty(Level::Facts),
            set: empty(Level::SetFacts),
            included: empty(Level::IncludeVars),
        }
    }

    /// Sets a variable at the level of `set_fact` and `register`.
    pub fn set(&mut self, name: &str, value: Value) {
        Arc::make_mut(&mut self.set).vars.insert(Arc::from(name), Variable { value, place: None });
    }

    /// Adds variables at the level of `include_vars`.
    pub fn include(&mut self, layer: &Layer) {
        let own = layer.vars.iter().map(|(name, variable)| (Arc::clone(name), variable.clone()));
        Arc::make_mut(&mut self.included).vars.extend(own);
    }

    /// Takes all facts away.
    pub fn clear_facts(&mut self) {
        self.facts = Layer::new(Level::Facts, VarMap::new());
    }

    /// Adds facts: `ansible_NAME` at the top, and without the prefix in `ansible_facts`.
    pub fn add_facts(&mut self, facts: &Map) {
        let layer = &mut Arc::make_mut(&mut self.facts).vars;
        let mut all = match layer.get("ansible_facts").map(|variable| &variable.value) {
            Some(Value::Map(entries)) => (**entries).clone(),
            _ => Map::new(),
        };
        for (key, value) in facts {
            let Some(name) = key.as_str() else { continue };
            let short = name.strip_prefix("ansible_").filter(|short| *short != "local").unwrap_or(name);
            let short = if name == "ansible_local" { name } else { short };
            all.insert(Key::str(short), value.clone());
            layer.insert(Arc::from(name), Variable { value: value.clone(), place: None });
        }
        layer.insert(Arc::from("ansible_facts"), Variable { value: Value::map(all), place: None });
    }
}

/// The variables of one task on one host.
#[derive(Clone, Debug)]
pub struct TaskVariables {
    world: Arc<World>,
    play: Option<Arc<PlayVars>>,
    host: Arc<str>,
    layers: Layers,
    role: Option<Arc<Role>>,
    /// The task's scope.
    scope: Option<Arc<Scope>>,
    /// What the task's keywords say about the connection.
    connection: Connection,
    /// The host that the task is delegated to.
    delegate: Option<Arc<str>>,
    own: Map,
    /// The loop's variable, where its item is one of the project's own values, and where that is looped over.
    own_item: Option<(Arc<str>, Place)>,
}

impl TaskVariables {
    /// The variables of a task on a host, in the state given (look-ahead has its own).
    pub fn new(
        world: &Arc<World>,
        play: &Arc<PlayVars>,
        host: &Arc<str>,
        state: &HostVars,
        task: &Task,
    ) -> Self {
        let mut layers = host_layers(world, state);
        for role in &play.play.roles {
            layers.push(Arc::clone(&role.defaults));
            layers.push(Arc::clone(&role.vars));
        }
        play.layers(host, &mut layers);
        let mut scopes: Vec<&Arc<Scope>> = task.scope.outwards().collect();
        scopes.reverse();
        for scope in scopes {
            if let ScopeKind::Role(role) = &scope.kind {
                let mut chain: Vec<_> =
                    std::iter::successors(Some(role), |role| role.dependant.as_ref()).collect();
                chain.reverse();
                for role in chain {
                    layers.push(Arc::clone(&role.defaults));
                    layers.push(Arc::clone(&role.vars));
                    layers.push(Arc::clone(&role.params));
                }
            }
            if !matches!(scope.kind, ScopeKind::Play) {
                layers.extend(scope.vars.clone());
            }
        }
        layers.extend(task.vars.clone());
        layers.push(Arc::clone(&world.extra));
        Self {
            world: Arc::clone(world),
            play: Some(Arc::clone(play)),
            host: Arc::clone(host),
            layers,
            role: task.scope.role().cloned(),
            scope: Some(Arc::clone(&task.scope)),
            connection: Connection {
                way: task.keyword(Keyword::Connection).map(|located| located.value.clone()),
                user: task.keyword(Keyword::RemoteUser).map(|located| located.value.clone()),
                port: task.keyword(Keyword::Port).map(|located| located.value.clone()),
                environment: task
                    .keyword_chain(Keyword::Environment)
                    .into_iter()
                    .flat_map(|located| match &located.value {
                        Value::List(items) => (**items).clone(),
                        other => vec![other.clone()],
                    })
                    .collect(),
                directory: Some(task.directory.clone()),
            },
            delegate: None,
            own: Map::new(),
            own_item: None,
        }
    }

    /// The variables of a host outside any task: connection variables, `hostvars`.
    pub fn of_host(
        world: &Arc<World>,
        play: Option<&Arc<PlayVars>>,
        host: &Arc<str>,
        state: &HostVars,
    ) -> Self {
        let mut layers = host_layers(world, state);
        if let Some(play) = play {
            play.layers(host, &mut layers);
        }
        layers.push(Arc::clone(&world.extra));
        Self {
            world: Arc::clone(world),
            play: play.cloned(),
            host: Arc::clone(host),
            layers,
            role: None,
            scope: None,
            connection: Connection::default(),
            delegate: None,
            own: Map::new(),
            own_item: None,
        }
    }

    /// With a layer of variables, at its level.
    pub fn over(mut self, layer: Arc<Layer>) -> Self {
        self.layers.push(layer);
        self
    }

    /// With a variable above all others: `item`, `ansible_loop` …
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.own.insert(Key::str(name), value);
        self
    }

    /// With a loop's item that is one of the project's own values; they are looped over at `place`.
    pub fn with_own_item(self, name: &str, value: Value, place: &Place) -> Self {
        Self { own_item: Some((Arc::from(name), place.clone())), ..self.with(name, value) }
    }

    /// Every definition of a name, from the winner down.
    pub fn definitions<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (Level, &'a Variable)> + 'a {
        self.layers.definitions(name)
    }

    /// The value in the layers. With `hash_behaviour = merge` mappings of all layers are one.
    fn layered(&self, name: &str) -> Option<Value> {
        let winner = self.layers.get(name)?;
        if !self.world.merges() || winner.value.as_map().is_none() {
            return Some(winner.value.clone());
        }
        // as Ansible: those of a task hide those of its blocks, nothing is merged among them
        let mut seen = false;
        let own = |level| matches!(level, Level::BlockVars | Level::TaskVars);
        let definitions = self
            .layers
            .definitions(name)
            .filter(|(level, _)| !own(*level) || !std::mem::replace(&mut seen, true));
        let mut all: Vec<&Value> = definitions.map(|(_, variable)| &variable.value).collect();
        let maps = all.iter().take_while(|value| value.as_map().is_some()).count();
        all.truncate(maps);
        all.into_iter().rev().cloned().reduce(|below, over| merged(&below, over))
    }

    /// For a task that is delegated to another host.
    pub fn delegated(mut self, to: &Arc<str>) -> Self {
        self.delegate = Some(Arc::clone(to));
        self
    }

    /// Where the task's host is reached, or the one it is delegated to.
    fn address(&self) -> Value {
        let there = self.delegate.as_ref().and_then(|to| {
            let state = self.world.host(to)?;
            let address =
                state.inventory.get("ansible_host").or_else(|| state.inventory.get("ansible_ssh_host"))?;
            Some(address.value.clone())
        });
        there.unwrap_or_else(|| Value::Str(Arc::clone(self.delegate.as_ref().unwrap_or(&self.host))))
    }

    fn parents(&self) -> Vec<Arc<Role>> {
        self.scope.as_ref().map(parents).unwrap_or_default()
    }

    /// Connection variables that nobody sets: what is used instead, as Ansible's play context gives it to templates.
    fn fallback(&self, name: &str) -> Option<Value> {
        self.scope.as_ref()?;
        let Connection { way, user, port, environment, directory } = &self.connection;
        let constant = |name: &str| self.world.constants.get(name).cloned();
        let layered = |name: &str| self.layers.get(name).map(|variable| variable.value.clone());
        match name {
            "ansible_connection" => {
                let local = LOCALHOST.contains(&&*self.host)
                    && layered("ansible_host").is_none()
                    && layered("ansible_ssh_host").is_none();
                let usual = if local { Some(Value::from("local")) } else { constant("fleet_connection") };
                way.clone().or(usual).or_else(|| Some(Value::from("ssh")))
            }
            // before facts are gathered there are none, which is not the same as not being there
            "ansible_facts" => Some(Value::map(Map::new())),
            "ansible_host" => layered("ansible_ssh_host").or_else(|| Some(self.address())),
            "ansible_ssh_host" => layered("ansible_host").or_else(|| Some(self.address())),
            "ansible_delegated_vars" => {
                let to = self.delegate.as_ref()?;
                let state = self.world.host(to)?;
                let there = Self::of_host(&self.world, self.play.as_ref(), to, &state);
                let all = there
                    .names()
                    .into_iter()
                    .filter_map(|name| Some((Key::Str(Arc::clone(&name)), there.get(&name)?)));
                Some(Value::map(
                    [(Key::Str(Arc::clone(to)), Value::map(all.collect()))].into_iter().collect(),
                ))
            }
            "ansible_user" => {
                layered("ansible_ssh_user").or_else(|| user.clone()).or_else(|| constant("fleet_user"))
            }
            "ansible_ssh_user" => {
                layered("ansible_user").or_else(|| user.clone()).or_else(|| constant("fleet_user"))
            }
            "ansible_port" => layered("ansible_ssh_port").or_else(|| port.clone()),
            "ansible_ssh_port" => layered("ansible_port").or_else(|| port.clone()),
            "ansible_password" => layered("ansible_ssh_pass").or_else(|| constant("fleet_password")),
            "ansible_ssh_pass" => layered("ansible_password").or_else(|| constant("fleet_password")),
            "ansible_private_key_file" => {
                layered("ansible_ssh_private_key_file").or_else(|| constant("fleet_private_key"))
            }
            "ansible_ssh_private_key_file" => {
                layered("ansible_private_key_file").or_else(|| constant("fleet_private_key"))
            }
            "ansible_shell_executable" => Some(Value::from("/bin/sh")),
            "environment" => Some(Value::list(environment.iter().cloned())),
            "ansible_search_path" => {
                let mut search = Vec::new();
                let scope = self.scope.as_ref()?;
                for scope in scope.outwards() {
                    if let ScopeKind::Role(role) = &scope.kind {
                        search.extend([role.path.clone(), role.path.join("tasks")]);
                    }
                }
                search.extend(directory.clone());
                search.extend(self.play.as_ref().map(|play| play.play.directory.clone()));
                let search: indexmap::IndexSet<PathBuf> = search.into_iter().collect();
                Some(Value::list(search.iter().map(|path| Value::from(path.display().to_string()))))
            }
            _ => None,
        }
    }

    fn magic(&self, name: &str) -> Option<Value> {
        let path = |path: &PathBuf| Value::from(path.display().to_string());
        if let Some(value) = self.world.constants.get(name).filter(|_| !name.starts_with("fleet_")) {
            return Some(value.clone());
        }
        match name {
            // outside of any host
            "inventory_hostname" | "inventory_hostname_short" | "group_names" if self.host.is_empty() => None,
            "inventory_hostname" => Some(Value::Str(Arc::clone(&self.host))),
            "inventory_hostname_short" => Some(Value::str(self.host.split('.').next().unwrap_or_default())),
            "group_names" => Some(texts(&self.world.inventory(|inventory| inventory.groups_of(&self.host)))),
            "groups" => Some(self.world.groups()),
            "role_name" => self.role.as_ref().map(|role| Value::Str(Arc::clone(&role.name))),
            "role_path" => self.role.as_ref().map(|role| path(&role.path)),
            "ansible_role_name" => self.role.as_ref().map(|role| Value::Str(role.full_name())),
            "ansible_collection_name" => self.role.as_ref().map(|role| {
                role.collection.as_ref().map_or(Value::Null, |name| Value::Str(Arc::clone(name)))
            }),
            "ansible_parent_role_names" if !self.parents().is_empty() => {
                Some(texts(&self.parents().iter().map(|role| role.full_name()).collect::<Vec<_>>()))
            }
            "ansible_parent_role_paths" if !self.parents().is_empty() => {
                Some(Value::list(self.parents().iter().map(|role| path(&role.path))))
            }
            "inventory_file" | "inventory_dir" => self.world.inventory(|inventory| {
                let file = match inventory.hosts.get(&self.host)?.source.as_ref()? {
                    InventorySource::Path(file) => std::path::absolute(file).ok()?,
                    InventorySource::Hosts(_) => return None,
                };
                let found = if name == "inventory_file" { Some(file.as_path()) } else { file.parent() };
                found.map(|found| Value::from(found.display().to_string()))
            }),
            _ => {
                let play = self.play.as_ref()?;
                let gone = || play.gone.read().unwrap_or_else(PoisonError::into_inner).clone();
                let left = |hosts: &[Arc<str>]| {
                    let gone = gone();
                    texts(&hosts.iter().filter(|host| !gone.contains(host)).cloned().collect::<Vec<_>>())
                };
                match name {
                    "playbook_dir" => Some(path(&play.play.directory)),
                    "ansible_play_name" => Some(Value::from(play.play.name.value.to_text())),
                    "ansible_play_hosts_all" => Some(texts(&play.all_hosts)),
                    "ansible_play_hosts" => Some(left(&play.all_hosts)),
                    "ansible_play_batch" | "play_hosts" => Some(left(&play.batch)),
                    "ansible_play_role_names" | "role_names" => Some(texts(&play_roles(play, Depended::No))),
                    "ansible_dependent_role_names" => Some(texts(&play_roles(play, Depended::Yes))),
                    "ansible_role_names" => {
                        let mut names = play_roles(play, Depended::No);
                        for name in play_roles(play, Depended::Yes) {
                            if !names.contains(&name) {
                                names.push(name);
                            }
                        }
                        Some(texts(&names))
                    }
                    _ => None,
                }
            }
        }
    }
}

/// Whether a role is meant that another one depends on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depended {
    Yes,
    No,
}

/// The names of the play's roles, each once: those of `roles`, imports and includes, or those that they depend on.
fn play_roles(play: &PlayVars, depended: Depended) -> Vec<Arc<str>> {
    let wanted = |role: &&Arc<Role>| role.dependant.is_some() == (depended == Depended::Yes);
    let names = play.play.roles.iter().filter(wanted).map(|role| role.full_name());
    let mut names: indexmap::IndexSet<_> = names.collect();
    if depended == Depended::No {
        names.extend(play.included.read().unwrap_or_else(PoisonError::into_inner).iter().cloned());
    }
    names.into_iter().collect()
}

/// The roles around the innermost one, from the inside out.
fn parents(scope: &Arc<Scope>) -> Vec<Arc<Role>> {
    let mut roles = scope.outwards().filter_map(|scope| match &scope.kind {
        ScopeKind::Role(role) => Some(Arc::clone(role)),
        ScopeKind::Play | ScopeKind::Block | ScopeKind::Include => None,
    });
    let mut next = roles.next().and_then(|role| role.dependant.clone());
    // a role that depends on this one does not include it
    let mut dependants: Vec<Arc<str>> = Vec::new();

    while let Some(role) = next {
        dependants.push(Arc::clone(&role.identity));
        next = role.dependant.clone();
    }
    roles.filter(|role| !dependants.contains(&role.identity)).collect()
}

const MAGIC: &[&str] = &[
    "ansible_connection",
    "ansible_host",
    "ansible_search_path",
    "environment",
    "ansible_collection_name",
    "ansible_dependent_role_names",
    "ansible_parent_role_names",
    "ansible_parent_role_paths",
    "ansible_role_name",
    "inventory_dir",
    "inventory_file",
    "inventory_hostname",
    "inventory_hostname_short",
    "group_names",
    "groups",
    "role_name",
    "role_path",
    "playbook_dir",
    "ansible_play_name",
    "ansible_play_hosts_all",
    "ansible_play_hosts",
    "play_hosts",
    "ansible_play_batch",
    "ansible_role_names",
    "ansible_play_role_names",
    "role_names",
];

fn host_layers(world: &World, state: &HostVars) -> Layers {
    let HostVars { inventory, facts, set, included } = state;
    let mut layers = (**inventory).clone();
    if world.constants.contains_key("fleet_facts_apart") {
        // `inject_facts_as_vars = false`: facts are in `ansible_facts` only
        let name = "ansible_facts";
        let own = facts.vars.get(name).map(|variable| (Arc::from(name), variable.clone()));
        layers.push(Layer::new(Level::Facts, own.into_iter().collect()));
    } else {
        layers.push(Arc::clone(facts));
    }
    layers.extend([included, set].into_iter().cloned());
    layers
}

impl Variables for TaskVariables {
    fn get(&self, name: &str) -> Option<Value> {
        if let Some(value) = self.own.get(name) {
            return Some(value.clone());
        }
        self.magic(name).or_else(|| self.layered(name)).or_else(|| self.fallback(name))
    }

    fn place(&self, name: &str) -> Option<Place> {
        if self.own.contains_key(name) {
            let item = self.own_item.as_ref().filter(|(item, _)| **item == *name);
            return item.map(|(_, place)| place.clone());
        }
        self.layers.get(name).and_then(|variable| variable.place.clone())
    }

    fn names(&self) -> Vec<Arc<str>> {
        let mut names = self.layers.names();
        names.extend(self.own.keys().filter_map(|key| key.as_str().map(Arc::from)));
        let constants = self.world.constants.keys().filter_map(Key::as_str);
        names.extend(constants.filter(|name| !name.starts_with("fleet_")).map(Arc::from));
        names.extend(MAGIC.iter().map(|name| Arc::from(*name)));
        names
    }

    fn host(&self, name: &str) -> Option<Arc<dyn Variables>> {
        let state = self.world.host(name)?;
        // as Ansible: another host's variables are those that it has outside of any play
        let other = Self::of_host(&self.world, None, &Arc::from(name), &state);
        Some(Arc::new(match self.magic("playbook_dir") {
            Some(directory) => other.with("playbook_dir", directory),
            None => other,
        }))
    }

    fn hosts(&self) -> Vec<Arc<str>> {
        self.world.inventory(|inventory| inventory.hosts.keys().cloned().collect())
    }
}
