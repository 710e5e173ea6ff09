//! `loop_control`: where a loop breaks off, and the variable that tells where in it an item stands.

use std::sync::Arc;

use super::single::Single;
use super::task::Turn;
use crate::base::{Key, Value};
use crate::lang::Task;
use crate::plan::bind::{Binder, Stop};
use crate::plan::variables::TaskVariables;
use crate::template::{Lookups, Truth};

impl Turn<'_> {
    /// Whether `loop_control`'s `break_when` ends the loop after this item.
    pub(super) fn breaks(
        &self,
        lookups: &Arc<dyn Lookups>,
        variables: &TaskVariables,
        single: &Single,
    ) -> Result<bool, Stop> {
        let Some(located) = self.task.looped.as_ref().and_then(|looped| looped.control.get("break_when"))
        else {
            return Ok(false);
        };
        let seen = self.with_result(variables, single);
        let binder = Binder { templar: &self.run.templar, lookups, variables: Arc::new(seen) };
        let conditions: Vec<Value> = match &located.value {
            Value::List(items) => (**items).clone(),
            Value::Null => return Ok(false),
            other => vec![other.clone()],
        };
        for condition in &conditions {
            match binder.condition(condition, &located.place)? {
                Truth::Yes => {}
                Truth::No | Truth::Unknown(_) => return Ok(false),
            }
        }
        Ok(!conditions.is_empty())
    }
}

/// `extended` and `extended_allitems` of `loop_control`.
pub(super) fn extended(task: &Task, binder: &Binder<'_>) -> Result<(bool, bool), Stop> {
    let flag = |name: &str, default: bool| -> Result<bool, Stop> {
        let located = task.looped.as_ref().and_then(|looped| looped.control.get(name));
        let value = located.map(|located| binder.known(located)).transpose()?;
        Ok(value.and_then(|value| value.to_bool()).unwrap_or(default))
    };
    Ok((flag("extended", false)?, flag("extended_allitems", true)?))
}

/// `ansible_loop`, with `loop_control`'s `extended`: where in the loop an item stands.
pub(super) fn position(all: &[Value], index: usize, with_all: bool) -> Value {
    let length = all.len();
    let mut loops = crate::map! {
        "index" => index + 1,
        "index0" => index,
        "first" => index == 0,
        "last" => index + 1 == length,
        "length" => length,
        "revindex" => length - index,
        "revindex0" => length - index - 1,
    };
    if with_all {
        loops.insert(Key::str("allitems"), Value::list(all.iter().cloned()));
    }
    if let Some(next) = all.get(index + 1) {
        loops.insert(Key::str("nextitem"), next.clone());
    }
    if let Some(previous) = index.checked_sub(1).and_then(|index| all.get(index)) {
        loops.insert(Key::str("previtem"), previous.clone());
    }
    Value::map(loops)
}
