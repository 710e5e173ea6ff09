//! Values encrypted with vault, while they are not supported.

use super::{Node, NodeKind};
use crate::base::{Diagnostic, Diagnostics, Kind};

/// A value encrypted with vault must not pass as the text of its cipher.
pub fn refuse_vault(node: &Node, diagnostics: &mut Diagnostics) {
    if matches!(node.tag.as_deref(), Some("!vault" | "!vault-encrypted")) {
        diagnostics.push(
            Diagnostic::error(Kind::Unsupported, "values encrypted with vault are not supported yet")
                .at(&node.place),
        );
    }
    match &node.kind {
        NodeKind::Seq(items) => items.iter().for_each(|item| refuse_vault(item, diagnostics)),
        NodeKind::Map(entries) => entries.iter().for_each(|(_, value)| refuse_vault(value, diagnostics)),
        NodeKind::Null | NodeKind::Bool(_) | NodeKind::Int(_) | NodeKind::Float(_) | NodeKind::Str(_) => {}
    }
}
