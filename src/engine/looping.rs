//! `loop_control`: where a loop breaks off, and the variable that tells where in it an item stands.

use std::sync::Arc;

use super::single::Single;
use super::task::Turn;
use crate::base::{Diagnostic, Key, Kind, Value};
use crate::lang::Task;
use crate::plan::bind::{Binder, Stop};
use crate::plan::variables::TaskVariables;
use crate::template::{Lookups, Truth, Variables};

impl Turn<'_> {
    /// Warns, once for a task, of a variable that the loop's hides.
    pub(super) fn warn_of_hidden(&self, variables: &Arc<dyn Variables>, name: &str) {
        if variables.get(name).is_none() {
            return;
        }
        let looped = self.task.looped.as_ref();
        let named = looped.and_then(|looped| looped.control.get("loop_var"));
        let message = format!("the loop's variable `{name}` hides another variable of this name");
        let mut warning = Diagnostic::warning(Kind::BadValue, message)
            .at(named.map_or(&self.task.place, |located| &located.place))
            .hint("name it otherwise with `loop_var` of `loop_control`");
        warning.told = Some(format!("The loop variable '{name}' is already in use."));
        self.run.warn_of(warning);
    }

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
