//! Lists of tasks, and blocks.

use std::path::Path;
use std::sync::Arc;

use super::attributes::Taken;
use super::entries::Level;
use super::load::{Load, Section};
use super::{Block, Item, Keywords, Scope, ScopeKind};
use crate::base::{Kind, Place};
use crate::vars;
use crate::yaml::{Node, NodeKind};

/// What is around the tasks that are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around<'s> {
    /// Their scope.
    pub(super) scope: &'s Arc<Scope>,
    /// Whether they are handlers.
    pub(super) section: Section,
}

impl Load<'_, '_> {
    /// The tasks of a list; `what` is the list, for messages.
    pub(super) fn items(&mut self, node: &Node, what: &str, around: Around<'_>) -> Vec<Item> {
        let Some(nodes) = self.items_of(node, what) else { return Vec::new() };
        let mut items = Vec::new();
        for node in nodes {
            if matches!(node.kind, NodeKind::Null) {
                self.warn(Kind::Structure, &node.place, "an empty entry has no effect");
            } else if is_block(node) {
                items.extend(self.block(node, around));
            } else {
                items.extend(self.task(node, around));
            }
        }
        items
    }

    /// The tasks of a file.
    pub(super) fn tasks_of_file(
        &mut self,
        path: &Path,
        asked: Option<&Place>,
        around: Around<'_>,
    ) -> Vec<Item> {
        let Some(root) = self.document(path, asked) else { return Vec::new() };
        if matches!(root.kind, NodeKind::Null) {
            let message =
                format!("`{}` is empty: there are no tasks in it", root.place.source.path.display());
            self.warn(Kind::Structure, asked.unwrap_or(&root.place), message);
            return Vec::new();
        }
        let play = root.as_seq().and_then(|items| items.iter().find_map(|item| item.get("hosts")));
        if let Some(hosts) = play {
            self.error_hint(
                Kind::Structure,
                &hosts.place,
                "a file of tasks cannot hold plays",
                "a playbook is imported with `import_playbook`, beside plays",
            );
            return Vec::new();
        }
        self.items(&root, "a file of tasks", around)
    }

    /// A block. Handlers in a block become handlers of their own that inherit from it.
    fn block(&mut self, node: &Node, around: Around<'_>) -> Vec<Item> {
        let Some(entries) = self.entries(node, "a block") else { return Vec::new() };
        let mut keywords = Keywords::new();
        let mut name = None;
        let mut vars = None;
        for entry in entries {
            if self.keyword(&mut keywords, entry, Level::Block) == Taken::Yes {
                continue;
            }
            match entry.name {
                "block" | "rescue" | "always" => {}
                "name" => name = self.name(entry.value),
                "vars" => vars = self.vars(entry.value, vars::Level::BlockVars),
                other => self.unknown_keyword(other, &entry.key.place, Level::Block),
            }
        }
        let scope = Arc::new(Scope {
            parent: Some(Arc::clone(around.scope)),
            kind: ScopeKind::Block,
            keywords,
            vars,
            directory: around.scope.directory.clone(),
        });
        let inside = Around { scope: &scope, ..around };
        let rescued = usize::from(node.get("rescue").is_some());
        self.rescued += rescued;
        let tasks = self.block_list(node, "block", inside);
        self.rescued -= rescued;
        let rescue = self.block_list(node, "rescue", inside);
        let always = self.block_list(node, "always", inside);
        self.check_block(node, around.section);
        if around.section == Section::Handlers {
            return tasks;
        }
        vec![Item::Block(Arc::new(Block {
            place: node.place.clone(),
            name,
            scope,
            tasks: tasks.into(),
            rescue: rescue.into(),
            always: always.into(),
        }))]
    }

    fn block_list(&mut self, node: &Node, list: &str, around: Around<'_>) -> Vec<Item> {
        let Some(tasks) = node.get(list) else { return Vec::new() };
        if around.section == Section::Handlers {
            for nested in tasks.as_seq().unwrap_or_default().iter().filter(|task| is_block(task)) {
                self.error(Kind::Structure, &nested.place, "a block of handlers cannot hold blocks");
            }
        }
        if matches!(tasks.kind, NodeKind::Null) {
            self.error(
                Kind::Structure,
                &tasks.place,
                format!("`{list}` must be a list of tasks, not nothing"),
            );
            return Vec::new();
        }
        self.items(tasks, &format!("`{list}`"), around)
    }

    fn check_block(&mut self, node: &Node, section: Section) {
        let has_tasks =
            node.get("block").is_some_and(|tasks| tasks.as_seq().is_none_or(|tasks| !tasks.is_empty()));
        for (key, value) in node.as_map().unwrap_or_default() {
            let Some(name @ ("rescue" | "always")) = key.as_str() else { continue };
            let given = value.as_seq().is_some_and(|tasks| !tasks.is_empty());
            if given && !has_tasks {
                self.error(
                    Kind::Structure,
                    &key.place,
                    format!("`{name}` needs a `block` with tasks beside it"),
                );
            } else if section == Section::Handlers {
                self.error(Kind::Structure, &key.place, format!("`{name}` is never run among handlers"));
            }
        }
    }
}

/// Whether a node is a block rather than a task, as Ansible tells them apart.
fn is_block(node: &Node) -> bool {
    ["block", "rescue", "always"].iter().any(|key| node.get(key).is_some())
}
