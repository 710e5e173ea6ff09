//! The plugin `generator`: a host for every combination of its layers, with groups from templates.

use super::load::Loading;
use crate::base::{Diagnostic, Kind, Place, Value};
use crate::vars::{VarMap, Variable};
use crate::yaml::{Node, NodeKind};

/// How many hosts one file may make.
const MAX_HOSTS: usize = 100_000;

impl Loading<'_> {
    /// Adds the hosts and groups that a file of the plugin describes.
    pub(super) fn generator(&mut self, root: &Node) {
        if let Err(error) = self.generate(root) {
            self.builder.warn(error);
        }
    }

    fn generate(&mut self, root: &Node) -> Result<(), Diagnostic> {
        let layers = mapping(entry(root, "layers")?, "layers")?;
        let hosts = entry(root, "hosts")?;
        let name = entry(hosts, "name")?;
        let parents = hosts.get("parents");
        let mut combinations: Vec<VarMap> = vec![VarMap::new()];
        for (layer, values) in layers {
            let Some(layer) = layer.as_str() else {
                return Err(wrong("a layer is named by a text", &layer.place));
            };
            let Some(values) = values.as_seq() else {
                return Err(wrong(format!("the layer `{layer}` has to be a list"), &values.place));
            };
            if combinations.len().saturating_mul(values.len()) > MAX_HOSTS {
                return Err(wrong(format!("the layers make more than {MAX_HOSTS} hosts"), &root.place));
            }
            combinations = combinations
                .iter()
                .flat_map(|known| values.iter().map(|value| with(known, layer, value)))
                .collect();
        }
        for vars in &combinations {
            let host = self.name_of(name, vars)?;
            self.builder.add_host(&host, None, None, Some(&name.place));
            if let Some(parents) = parents {
                self.add_parents(&host, parents, vars)?;
            }
        }
        Ok(())
    }

    fn add_parents(&mut self, child: &str, parents: &Node, vars: &VarMap) -> Result<(), Diagnostic> {
        let Some(parents) = parents.as_seq() else {
            return Err(wrong(format!("the parents of `{child}` have to be a list"), &parents.place));
        };
        for parent in parents {
            let Some(name) = parent.get("name") else {
                return Err(wrong(format!("element `{child}` has a parent with no name"), &parent.place));
            };
            let group = self.name_of(name, vars)?;
            let group = self.builder.add_group(&group, Some(&name.place));
            if let Some(own) = parent.get("vars") {
                for (key, node) in mapping(own, "vars")? {
                    let Some(key) = key.as_str() else {
                        return Err(wrong("a variable is named by a text", &key.place));
                    };
                    let value = node.to_value();
                    // only texts are templates here, not what lies in lists and mappings
                    let value = if matches!(value, Value::Template(_)) {
                        self.reading.outside.render(&value, Some(&node.place), vars)?
                    } else {
                        value
                    };
                    self.builder.set_group_variable(&group, key, value, Some(&node.place));
                }
            }
            if self.builder.has_group(child) {
                self.builder.add_child(&group, child, Some(&name.place));
            } else {
                self.builder.inventory.join(child, &group);
            }
            if let Some(above) = parent.get("parents") {
                self.add_parents(&group, above, vars)?;
            }
        }
        Ok(())
    }

    fn name_of(&self, node: &Node, vars: &VarMap) -> Result<String, Diagnostic> {
        match self.reading.outside.render(&node.to_value(), Some(&node.place), vars)? {
            Value::Str(text) if !text.is_empty() => Ok(text.to_string()),
            other => {
                let message =
                    format!("a name has to be a text, and `{}` is {}", other.to_text(), other.type_name());
                Err(wrong(message, &node.place))
            }
        }
    }
}

fn with(known: &VarMap, layer: &str, value: &Node) -> VarMap {
    let mut vars = known.clone();
    let variable = Variable { value: value.to_value(), place: Some(value.place.clone()) };
    vars.insert(layer.into(), variable);
    vars
}

fn entry<'n>(node: &'n Node, key: &str) -> Result<&'n Node, Diagnostic> {
    node.get(key).ok_or_else(|| wrong(format!("there is no `{key}` here"), &node.place))
}

fn mapping<'n>(node: &'n Node, what: &str) -> Result<&'n [(Node, Node)], Diagnostic> {
    match &node.kind {
        NodeKind::Map(entries) => Ok(entries),
        _ => Err(wrong(format!("`{what}` has to be a mapping, not {}", node.describe()), &node.place)),
    }
}

fn wrong(message: impl Into<String>, place: &Place) -> Diagnostic {
    Diagnostic::error(Kind::Structure, message).at(place)
}
