//! The entries of a mapping in which every key is a word of the language, and the words that do not belong there.

use super::keyword::{Keyword, On, STRUCTURAL_BLOCK, STRUCTURAL_IMPORT, STRUCTURAL_PLAY, STRUCTURAL_TASK};
use super::load::Load;
use crate::base::names::did_you_mean;
use crate::base::{Diagnostic, Kind, Place};
use crate::yaml::Node;

/// One entry of a mapping.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'n> {
    /// The key's text.
    pub(super) name: &'n str,
    /// The key.
    pub(super) key: &'n Node,
    /// The value.
    pub(super) value: &'n Node,
}

/// What a keyword stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Play,
    Role,
    Block,
    Task,
    Handler,
    Import,
}

impl Level {
    /// With its article.
    fn describe(self) -> &'static str {
        match self {
            Self::Play => "a play",
            Self::Role => "a role",
            Self::Block => "a block",
            Self::Task => "a task",
            Self::Handler => "a handler",
            Self::Import => "`import_playbook`",
        }
    }

    /// Whether a keyword of the table may stand there.
    pub(super) fn allows(self, on: On) -> bool {
        let On { play, role, block, task } = on;
        match self {
            Self::Play => play,
            Self::Role => role,
            Self::Block => block,
            Self::Task | Self::Handler => task,
            Self::Import => false,
        }
    }

    fn words(self) -> Vec<&'static str> {
        let structural: &[&str] = match self {
            Self::Play => STRUCTURAL_PLAY,
            Self::Role => &["role", "name", "vars"],
            Self::Block => STRUCTURAL_BLOCK,
            Self::Task | Self::Handler => STRUCTURAL_TASK,
            Self::Import => STRUCTURAL_IMPORT,
        };
        let table =
            Keyword::ALL.iter().filter(|keyword| self.allows(keyword.on())).map(|keyword| keyword.name());
        table
            .chain(structural.iter().copied())
            .filter(|word| self != Self::Task || *word != "listen")
            .collect()
    }
}

impl Load<'_, '_> {
    /// The entries of a mapping whose keys are texts. What is no mapping, and keys that are no texts, are errors;
    /// `what` is what the mapping is, with its article.
    pub(super) fn entries<'n>(&mut self, node: &'n Node, what: &str) -> Option<Vec<Entry<'n>>> {
        let Some(pairs) = node.as_map() else {
            self.error(
                Kind::Structure,
                &node.place,
                format!("{what} must be a mapping, not {}", node.describe()),
            );
            return None;
        };
        let mut entries = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            match key.as_str() {
                Some(name) => entries.push(Entry { name, key, value }),
                None => self.error(
                    Kind::Structure,
                    &key.place,
                    format!("the keys of {what} must be texts, not {}", key.describe()),
                ),
            }
        }
        Some(entries)
    }

    /// The items of a list; nothing counts as an empty one.
    pub(super) fn items_of<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Node]> {
        if matches!(node.kind, crate::yaml::NodeKind::Null) {
            return Some(&[]);
        }
        let items = node.as_seq();
        if items.is_none() {
            let message = format!("{what} must be a list, not {}", node.describe());
            let hint = node.as_map().map(|_| "start each entry with `- `".to_owned());
            self.push(Diagnostic::error(Kind::Structure, message).at(&node.place).maybe_hint(hint));
        }
        items
    }

    /// A word that is no keyword where it stands: where it would be one, or what was probably meant.
    pub(super) fn unknown_keyword(&mut self, name: &str, place: &Place, level: Level) {
        let message = format!("`{name}` is not a keyword of {}", level.describe());
        let hint = replaced(name)
            .map(str::to_owned)
            .or_else(|| elsewhere(name, level))
            .or_else(|| did_you_mean(name, level.words()))
            .or_else(|| self.module_hint(name, level));
        self.push(Diagnostic::error(Kind::UnknownKeyword, message).at(place).maybe_hint(hint));
    }

    fn module_hint(&self, name: &str, level: Level) -> Option<String> {
        let module = super::task::is_language_action(name) || self.loader.modules.is_module(name);
        match level {
            Level::Play if module => Some("tasks stand in a list below `tasks`".to_owned()),
            Level::Block if module => Some("the tasks of a block stand in a list below `block`".to_owned()),
            _ => None,
        }
    }
}

/// What took the place of a keyword of older Ansibles.
fn replaced(name: &str) -> Option<&'static str> {
    match name {
        "sudo" | "su" => Some("it was replaced by `become`"),
        "sudo_user" | "su_user" => Some("it was replaced by `become_user`"),
        "always_run" => Some("it was replaced by `check_mode: false`"),
        "accelerate" => Some("it was removed from Ansible"),
        "include" => {
            Some("it was removed: use `import_tasks` or `include_tasks`, for playbooks `import_playbook`")
        }
        _ => None,
    }
}

/// Where a word is a keyword, if that is not here.
pub(super) fn elsewhere(name: &str, level: Level) -> Option<String> {
    let mut places = Vec::new();
    if let Some(keyword) = Keyword::parse(name) {
        let On { play, role, block, task } = keyword.on();
        let all = [(play, "plays"), (role, "roles"), (block, "blocks"), (task, "tasks")];
        places.extend(all.into_iter().filter(|(on, _)| *on).map(|(_, place)| place));
    }
    if name == "listen" {
        places.push("handlers");
    } else {
        let all = [(STRUCTURAL_PLAY, "plays"), (STRUCTURAL_BLOCK, "blocks"), (STRUCTURAL_TASK, "tasks")];
        places.extend(all.into_iter().filter(|(words, _)| words.contains(&name)).map(|(_, place)| place));
    }
    if name.starts_with("with_") {
        places.push("tasks");
    }
    let (last, rest) = places.split_last()?;
    let list = if rest.is_empty() { (*last).to_owned() } else { format!("{} and {last}", rest.join(", ")) };
    let looped = name == "loop" || name.starts_with("with_");
    Some(if level == Level::Block && looped {
        "blocks cannot be looped: put the tasks into a file and loop over `include_tasks`".to_owned()
    } else {
        format!("it may stand on {list}")
    })
}
