//! Check mode: what hangs on something that nobody knows yet.

use std::sync::Arc;

use super::machine::Trouble;
use super::single::Settings;
use super::task::{Effect, Turn};
use crate::base::{Kind, Unknown, Value};
use crate::lang::short_name;
use crate::plan::bind::{Binder, Stop};

impl Turn<'_> {
    /// Check mode: the variables that the task sets if it runs. Nobody knows whether it does, so nobody knows them.
    pub(super) async fn perhaps_set(
        &self,
        binder: &Binder<'_>,
        settings: &Settings,
        unknown: &Arc<Unknown>,
    ) -> Result<Vec<Effect>, Trouble> {
        if !matches!(short_name(&self.task.module), "include_vars" | "set_fact") {
            return Ok(Vec::new());
        }
        let single = Box::pin(self.once(binder, settings, None, None)).await?;
        let names = self.effects(&single, None).into_iter().flat_map(|effect| match effect {
            Effect::Set(name, _) => vec![name],
            Effect::Include(layer) => layer.vars.keys().cloned().collect(),
            Effect::Facts(_) | Effect::Of(..) => Vec::new(),
        });
        Ok(names.map(|name| Effect::Set(name, Value::Unknown(Arc::clone(unknown)))).collect())
    }
}

/// Whether a condition is false for want of the items that a loop does not have because fleet lacks a filter or test:
/// then nobody knows whether the task is to be skipped.
pub(super) fn rests_on_missing(stop: &Stop, condition: &Value, item: &str) -> bool {
    let lacking = matches!(stop, Stop::Failed(diagnostic) if diagnostic.kind == Kind::TemplateSyntax);
    lacking
        && condition.to_text().split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == item)
}
