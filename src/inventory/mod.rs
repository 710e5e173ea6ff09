//! Row 3: the inventory: hosts, groups and their variables, from files, scripts, directories and host lists.
//!
//! Follows ansible-core's own plugins and its rules for groups and precedence; other plugins are refused by name.
//! Scripts are run and templates evaluated through [`Outside`].

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;

use crate::base::{Place, Value};
use crate::project::Project;
use crate::vars::{VarMap, Variable};

mod address;
mod build;
mod change;
mod constructed;
mod generator;
mod glob;
mod graph;
mod ini;
mod layers;
mod literal;
mod load;
mod options;
mod outside;
mod pattern;
mod plugin;
mod script;
mod toml_file;
mod untrusted;
mod vars_files;
mod yaml_file;

pub use load::Loaded;
pub use options::{GroupNames, Mismatch, Options};
pub use outside::{Nothing, Outside, Reading, ScriptOutput};
pub use pattern::{Limit, Matches};

/// A host's name and the port behind it, where it has one.
pub fn split_port(name: &str) -> (&str, Option<u32>) {
    match address::parse_address(name) {
        Some((host, port)) if !host.contains('[') => (host, port),
        _ => (name, None),
    }
}

/// The names that mean this machine when the inventory does not have them.
pub const LOCALHOST: [&str; 3] = ["127.0.0.1", "localhost", "::1"];

/// One inventory as it is given on the command line (`-i`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InventorySource {
    /// A file, or a directory of files.
    Path(PathBuf),
    /// Host names with commas between them (`a,b,`).
    Hosts(String),
}

impl InventorySource {
    /// What an argument means: with a comma, and where no such file is, a list of hosts; else a path.
    pub fn from_argument(project: &Project, argument: &str) -> Self {
        let path = PathBuf::from(argument);
        if argument.contains(',') && !project.is_file(&path) && !project.is_dir(&path) {
            Self::Hosts(argument.to_owned())
        } else {
            Self::Path(path)
        }
    }
}

/// The absolute path of a file without `.` and `..`, as `inventory_file` has it.
fn absolute(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).components() {
        match part {
            Component::ParentDir => drop(clean.pop()),
            part => clean.push(part),
        }
    }
    clean
}

/// Hosts and groups, with what the inventory itself says about them.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// The hosts in the order in which they are first named.
    pub hosts: IndexMap<Arc<str>, Host>,
    /// The groups in the order in which they are first named; `all` and `ungrouped` come first.
    pub groups: IndexMap<Arc<str>, Group>,
    /// The directories whose `group_vars` and `host_vars` belong to the inventory, lowest precedence first.
    pub dirs: Vec<PathBuf>,
    /// The host that stands for this machine, once it has become a member of a group; it is not among `hosts`.
    implicit: Option<Host>,
    options: Arc<Options>,
    /// What `add_host` and `group_by` have done, to be done again after a refresh.
    dynamic: Vec<change::Dynamic>,
    /// The texts that may never be templated.
    untrusted: untrusted::Untrusted,
    layers: layers::Cache,
}

/// One host.
#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    /// Its name in the inventory.
    pub name: Arc<str>,
    /// Where it is first named, where that is in a file.
    pub place: Option<Place>,
    /// Its variables, not those of its groups.
    pub vars: VarMap,
    /// The groups that name it themselves.
    pub groups: Vec<Arc<str>>,
    /// The file that first names it (`inventory_file`), or the host list.
    pub source: Option<InventorySource>,
}

/// One group.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its name.
    pub name: Arc<str>,
    /// Where it is first named, where that is in a file.
    pub place: Option<Place>,
    /// Its variables.
    pub vars: VarMap,
    /// The groups directly below it.
    pub children: Vec<Arc<str>>,
    /// The groups directly above it.
    pub parents: Vec<Arc<str>>,
    /// The hosts that it names itself.
    pub hosts: Vec<Arc<str>>,
    /// `ansible_group_priority`: among groups of one depth the higher wins.
    pub priority: i64,
    /// The length of the longest way down from `all`, which has 0: deeper groups win.
    pub depth: u32,
}

impl Inventory {
    /// Hosts and groups of which only the members are known.
    pub fn of_members(members: &IndexMap<Arc<str>, Vec<Arc<str>>>) -> Self {
        let mut inventory = Self::default();
        for (name, hosts) in members {
            let mut group = Group::new(name, None);
            group.hosts.clone_from(hosts);
            inventory.groups.insert(Arc::clone(name), group);
            for host in hosts {
                inventory.hosts.entry(Arc::clone(host)).or_insert_with(|| Host::new(host, None, None));
            }
        }
        inventory
    }
}

/// Reads all sources in order.
pub fn load(reading: &Reading<'_>) -> Loaded {
    load::load(reading)
}

impl Host {
    fn new(name: &str, place: Option<Place>, source: Option<InventorySource>) -> Self {
        Self { name: Arc::from(name), place, vars: VarMap::new(), groups: Vec::new(), source }
    }

    /// The host that stands for this machine where the inventory has none (as Ansible's implicit localhost).
    fn implicit_localhost(name: &str) -> Self {
        let mut host = Self::new(name, None, None);
        let local = Variable { value: Value::from("local"), place: None };
        host.vars.insert(Arc::from("ansible_connection"), local);
        host
    }
}

impl Group {
    fn new(name: &str, place: Option<Place>) -> Self {
        Self {
            name: Arc::from(name),
            place,
            vars: VarMap::new(),
            children: Vec::new(),
            parents: Vec::new(),
            hosts: Vec::new(),
            priority: 1,
            depth: 0,
        }
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod sources_tests;
