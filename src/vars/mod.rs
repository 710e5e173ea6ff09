//! Row 2: variables in layers, with Ansible's precedence; layers are shared, never copied per host.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::base::{Place, Value};

/// A variable as it is defined somewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// Its value, not rendered.
    pub value: Value,
    /// Where it is defined, where that is in a file.
    pub place: Option<Place>,
}

/// Variables by name.
pub type VarMap = IndexMap<Arc<str>, Variable>;

/// Where in Ansible's order of precedence a layer stands ("Understanding variable precedence"), lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "named as in Ansible's documentation")]
pub enum Level {
    CommandLineValues,
    RoleDefaults,
    InventoryGroupVars,
    InventoryGroupVarsAll,
    PlaybookGroupVarsAll,
    InventoryGroupVarsFiles,
    PlaybookGroupVars,
    InventoryHostVars,
    InventoryHostVarsFiles,
    PlaybookHostVars,
    Facts,
    PlayVars,
    PlayVarsPrompt,
    PlayVarsFiles,
    RoleVars,
    BlockVars,
    TaskVars,
    IncludeVars,
    SetFacts,
    RoleParams,
    IncludeParams,
    LoopVars,
    ExtraVars,
    Magic,
}

impl Level {
    /// The name that people know it by.
    pub fn describe(self) -> &'static str {
        match self {
            Self::CommandLineValues => "command line values",
            Self::RoleDefaults => "role defaults",
            Self::InventoryGroupVars => "inventory group variables",
            Self::InventoryGroupVarsAll => "inventory group_vars/all",
            Self::PlaybookGroupVarsAll => "playbook group_vars/all",
            Self::InventoryGroupVarsFiles => "inventory group_vars",
            Self::PlaybookGroupVars => "playbook group_vars",
            Self::InventoryHostVars => "inventory host variables",
            Self::InventoryHostVarsFiles => "inventory host_vars",
            Self::PlaybookHostVars => "playbook host_vars",
            Self::Facts => "facts",
            Self::PlayVars => "play vars",
            Self::PlayVarsPrompt => "play vars_prompt",
            Self::PlayVarsFiles => "play vars_files",
            Self::RoleVars => "role vars",
            Self::BlockVars => "block vars",
            Self::TaskVars => "task vars",
            Self::IncludeVars => "include_vars",
            Self::SetFacts => "set_fact and register",
            Self::RoleParams => "role parameters",
            Self::IncludeParams => "include parameters",
            Self::LoopVars => "loop variables",
            Self::ExtraVars => "extra vars",
            Self::Magic => "magic variables",
        }
    }
}

/// Variables that were defined in one place.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Its precedence.
    pub level: Level,
    /// The variables.
    pub vars: VarMap,
}

impl Layer {
    /// A layer.
    pub fn new(level: Level, vars: VarMap) -> Arc<Self> {
        Arc::new(Self { level, vars })
    }

    /// A layer of values without places.
    pub fn of_values(level: Level, values: impl IntoIterator<Item = (Arc<str>, Value)>) -> Arc<Self> {
        Self::new(
            level,
            values.into_iter().map(|(name, value)| (name, Variable { value, place: None })).collect(),
        )
    }
}

/// What `hash_behaviour=merge` makes of two definitions: mappings are merged at every depth, else the higher wins.
pub fn merged(lower: &Value, higher: Value) -> Value {
    let (Value::Map(below), Value::Map(above)) = (lower, &higher) else { return higher };
    let mut all = (**below).clone();
    for (key, value) in above.iter() {
        let value = match all.get(key) {
            Some(known) => merged(known, value.clone()),
            None => value.clone(),
        };
        all.insert(key.clone(), value);
    }
    Value::map(all)
}

/// Layers, lowest precedence first. The later layer wins among equal levels.
#[derive(Clone, Debug, Default)]
pub struct Layers(Vec<Arc<Layer>>);

impl Layers {
    /// Adds a layer at its level, above others of the same level.
    pub fn push(&mut self, layer: Arc<Layer>) {
        let at = self.0.partition_point(|other| other.level <= layer.level);
        self.0.insert(at, layer);
    }

    /// Adds layers, each at its level.
    pub fn extend(&mut self, layers: impl IntoIterator<Item = Arc<Layer>>) {
        layers.into_iter().for_each(|layer| self.push(layer));
    }

    /// The definition that wins.
    pub fn get(&self, name: &str) -> Option<&Variable> {
        self.0.iter().rev().find_map(|layer| layer.vars.get(name))
    }

    /// The value of a name: that of the definition that wins, or with `hash_behaviour=merge` all of them merged.
    pub fn value(&self, name: &str, merge: bool) -> Option<Value> {
        if !merge {
            return self.get(name).map(|variable| variable.value.clone());
        }
        let values = self.0.iter().filter_map(|layer| Some(layer.vars.get(name)?.value.clone()));
        values.reduce(|lower, higher| merged(&lower, higher))
    }

    /// Every definition of a name with its level, from the winner down.
    pub fn definitions<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (Level, &'a Variable)> + 'a {
        self.0.iter().rev().filter_map(move |layer| Some((layer.level, layer.vars.get(name)?)))
    }

    /// All names, each once.
    pub fn names(&self) -> Vec<Arc<str>> {
        let mut seen = indexmap::IndexSet::new();
        for layer in &self.0 {
            seen.extend(layer.vars.keys().cloned());
        }
        seen.into_iter().collect()
    }

    /// The layers, lowest first.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Layer>> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map;

    fn layer(level: Level, value: i32) -> Arc<Layer> {
        Layer::of_values(level, [(Arc::from("x"), Value::from(value))])
    }

    #[test]
    fn mappings_merge_at_every_depth() {
        let lower = Value::from(map! {"a" => map! {"x" => 1, "y" => 2}, "b" => 3});
        let higher = Value::from(map! {"a" => map! {"y" => 4}, "c" => vec![Value::from(5)]});
        let expected = map! {"a" => map! {"x" => 1, "y" => 4}, "b" => 3, "c" => vec![Value::from(5)]};
        assert_eq!(merged(&lower, higher), Value::from(expected));
        assert_eq!(merged(&lower, Value::from(1)), Value::from(1));
    }

    #[test]
    fn the_higher_level_wins_and_the_later_of_equals() {
        let mut layers = Layers::default();
        layers.push(layer(Level::PlayVars, 1));
        layers.push(layer(Level::RoleDefaults, 2));
        layers.push(layer(Level::TaskVars, 3));
        layers.push(layer(Level::TaskVars, 4));
        assert_eq!(layers.get("x").map(|v| &v.value), Some(&Value::from(4)));
        assert_eq!(layers.value("x", true), Some(Value::from(4)));
        let all: Vec<_> = layers.definitions("x").map(|(level, _)| level).collect();
        assert_eq!(all, [Level::TaskVars, Level::TaskVars, Level::PlayVars, Level::RoleDefaults]);
    }
}
