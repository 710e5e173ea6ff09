//! The variables of one task on one host: layers in Ansible's order, and the magic ones.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use indexmap::IndexMap;

use crate::base::{Key, Map, Place, Value};
use crate::inventory::Inventory;
use crate::lang::{Play, Scope, ScopeKind, Task};
use crate::template::Variables;
use crate::vars::{Layer, Layers, Level, VarMap, Variable};

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

/// What is the same for all tasks of a run.
#[derive(Debug)]
pub struct World {
    /// The inventory.
    pub inventory: Arc<Inventory>,
    /// The variables of each host.
    pub hosts: IndexMap<Arc<str>, RwLock<HostVars>>,
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
    /// `vars_files`, per play.
    pub files: Vec<Arc<Layer>>,
    /// Every host of the play.
    pub all_hosts: Vec<Arc<str>>,
    /// Hosts of the batch.
    pub batch: Vec<Arc<str>>,
    /// Hosts of the batch that have failed or are unreachable.
    pub gone: RwLock<Vec<Arc<str>>>,
}

impl World {
    /// A host's variables as they are now.
    pub fn host(&self, name: &str) -> Option<HostVars> {
        self.hosts.get(name).map(|vars| vars.read().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Changes a host's variables.
    pub fn update(&self, name: &str, change: impl FnOnce(&mut HostVars)) {
        if let Some(vars) = self.hosts.get(name) {
            change(&mut vars.write().unwrap_or_else(PoisonError::into_inner));
        }
    }
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
    role: Option<Arc<crate::lang::Role>>,
    own: Map,
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
        let mut layers = host_layers(state);
        let play_scope = &play.play.scope;
        for role in &play.play.roles {
            layers.push(Arc::clone(&role.defaults));
            layers.push(Arc::clone(&role.vars));
        }
        layers.extend(play_scope.vars.clone());
        layers.extend(play.files.iter().cloned());
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
            own: Map::new(),
        }
    }

    /// The variables of a host outside any task: connection variables, `hostvars`.
    pub fn of_host(
        world: &Arc<World>,
        play: Option<&Arc<PlayVars>>,
        host: &Arc<str>,
        state: &HostVars,
    ) -> Self {
        let mut layers = host_layers(state);
        if let Some(play) = play {
            layers.extend(play.play.scope.vars.clone());
            layers.extend(play.files.iter().cloned());
        }
        layers.push(Arc::clone(&world.extra));
        Self {
            world: Arc::clone(world),
            play: play.cloned(),
            host: Arc::clone(host),
            layers,
            role: None,
            own: Map::new(),
        }
    }

    /// With a variable above all others: `item`, `ansible_loop` …
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.own.insert(Key::str(name), value);
        self
    }

    /// Every definition of a name, from the winner down.
    pub fn definitions<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (Level, &'a Variable)> + 'a {
        self.layers.definitions(name)
    }

    fn magic(&self, name: &str) -> Option<Value> {
        let texts = |names: &[Arc<str>]| Value::list(names.iter().map(|name| Value::Str(Arc::clone(name))));
        let path = |path: &PathBuf| Value::from(path.display().to_string());
        if let Some(value) = self.world.constants.get(name) {
            return Some(value.clone());
        }
        let inventory = &self.world.inventory;
        match name {
            "inventory_hostname" => Some(Value::Str(Arc::clone(&self.host))),
            "inventory_hostname_short" => Some(Value::str(self.host.split('.').next().unwrap_or_default())),
            "group_names" => Some(texts(&inventory.groups_of(&self.host))),
            "groups" => Some(Value::map(
                inventory
                    .groups
                    .keys()
                    .map(|group| (Key::Str(Arc::clone(group)), texts(&inventory.group_members(group))))
                    .collect(),
            )),
            "role_name" => self.role.as_ref().map(|role| Value::Str(Arc::clone(&role.name))),
            "role_path" => self.role.as_ref().map(|role| path(&role.path)),
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
                    "ansible_play_hosts" | "play_hosts" => Some(left(&play.all_hosts)),
                    "ansible_play_batch" => Some(left(&play.batch)),
                    "ansible_role_names" | "ansible_play_role_names" | "role_names" => {
                        let names: Vec<_> =
                            play.play.roles.iter().map(|role| Arc::clone(&role.name)).collect();
                        Some(texts(&names))
                    }
                    _ => None,
                }
            }
        }
    }
}

const MAGIC: &[&str] = &[
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

fn host_layers(state: &HostVars) -> Layers {
    let HostVars { inventory, facts, set, included } = state;
    let mut layers = (**inventory).clone();
    layers.extend([facts, included, set].into_iter().cloned());
    layers
}

impl Variables for TaskVariables {
    fn get(&self, name: &str) -> Option<Value> {
        if let Some(value) = self.own.get(name) {
            return Some(value.clone());
        }
        self.magic(name).or_else(|| self.layers.get(name).map(|variable| variable.value.clone()))
    }

    fn place(&self, name: &str) -> Option<Place> {
        self.layers.get(name).and_then(|variable| variable.place.clone())
    }

    fn names(&self) -> Vec<Arc<str>> {
        let mut names = self.layers.names();
        names.extend(self.own.keys().filter_map(|key| key.as_str().map(Arc::from)));
        names.extend(self.world.constants.keys().filter_map(|key| key.as_str().map(Arc::from)));
        names.extend(MAGIC.iter().map(|name| Arc::from(*name)));
        names
    }

    fn host(&self, name: &str) -> Option<Arc<dyn Variables>> {
        let (name, _) = self.world.hosts.get_key_value(name)?;
        let state = self.world.host(name)?;
        Some(Arc::new(Self::of_host(&self.world, self.play.as_ref(), name, &state)))
    }

    fn hosts(&self) -> Vec<Arc<str>> {
        self.world.inventory.hosts.keys().cloned().collect()
    }
}
