//! What templates handle that is not data: macros, loops, functions, namespaces, other hosts, spans of time.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use indexmap::IndexMap;

use super::Scope;
use super::context::{Frame, Origin};
use super::globals::Global;
use super::tree::{ForLoop, Macro};
use super::val::Val;

/// What is not data.
#[derive(Debug)]
pub(super) enum Object {
    /// A macro with what it closes over.
    Macro { declared: Arc<Macro>, frame: Rc<Frame>, origin: Rc<Origin>, scope: Scope },
    /// `loop`.
    Loop(LoopState),
    /// `namespace()`.
    Namespace(RefCell<IndexMap<Arc<str>, Val>>),
    /// `cycler()`.
    Cycler { items: Vec<Val>, at: Cell<usize> },
    /// `joiner()`.
    Joiner { separator: Val, used: Cell<bool> },
    /// A function.
    Global(&'static Global),
    /// A method of a value that is not called yet.
    Method { of: Val, name: Arc<str> },
    /// An imported template.
    Module(Rc<Frame>),
    /// `hostvars`.
    HostVars(Scope),
    /// The variables of a scope: `vars`, or an item of `hostvars`.
    Variables(Scope),
    /// A span of time, in microseconds.
    Duration(i64),
    /// `self`, to call blocks.
    Blocks,
    /// `super()` in a block: which block and how far up.
    Super { block: Arc<str>, level: usize },
}

/// The state of a loop.
#[derive(Debug)]
pub(super) struct LoopState {
    /// All items.
    pub items: Vec<Val>,
    /// The current index, from 0.
    pub index: Cell<usize>,
    /// How deep in recursive loops, from 0.
    pub depth: usize,
    /// What `changed()` saw last.
    pub last_changed: RefCell<Option<Vec<crate::base::Value>>>,
    /// For `loop(…)`: the loop, where it is recursive, with the frame around it.
    pub recursive: Option<(Arc<ForLoop>, Rc<Frame>)>,
}

impl Object {
    /// Python's name of the type.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Macro { .. } => "Macro",
            Self::Loop(_) => "LoopContext",
            Self::Namespace(_) => "Namespace",
            Self::Cycler { .. } => "Cycler",
            Self::Joiner { .. } => "Joiner",
            Self::Global(_) => "function",
            Self::Method { .. } => "method",
            Self::Module(_) => "TemplateModule",
            Self::HostVars(_) => "HostVars",
            Self::Variables(_) => "HostVarsVars",
            Self::Duration(_) => "timedelta",
            Self::Blocks => "TemplateReference",
            Self::Super { .. } => "BlockReference",
        }
    }

    /// Whether it can be used as a mapping.
    pub(super) fn is_mapping(&self) -> bool {
        matches!(self, Self::HostVars(_) | Self::Variables(_))
    }

    /// Whether it can be called.
    pub(super) fn is_callable(&self) -> bool {
        matches!(
            self,
            Self::Macro { .. }
                | Self::Loop(_)
                | Self::Joiner { .. }
                | Self::Global(_)
                | Self::Method { .. }
                | Self::Super { .. }
        )
    }
}

impl LoopState {
    /// An attribute of `loop`.
    pub(super) fn attribute(&self, name: &str) -> Option<Val> {
        let (index, length) = (self.index.get(), self.items.len());
        Some(match name {
            "index" => Val::from(index + 1),
            "index0" => Val::from(index),
            "revindex" => Val::from(length.saturating_sub(index)),
            "revindex0" => Val::from(length.saturating_sub(index + 1)),
            "first" => Val::from(index == 0),
            "last" => Val::from(index + 1 == length),
            "length" => Val::from(length),
            "depth" => Val::from(self.depth + 1),
            "depth0" => Val::from(self.depth),
            "previtem" => match index.checked_sub(1).and_then(|index| self.items.get(index)) {
                Some(item) => item.clone(),
                None => Val::missing("there is no previous item"),
            },
            "nextitem" => match self.items.get(index + 1) {
                Some(item) => item.clone(),
                None => Val::missing("there is no next item"),
            },
            _ => return None,
        })
    }
}
