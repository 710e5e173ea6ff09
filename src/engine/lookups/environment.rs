//! `env`: variables of the controller's environment.

use super::Found;
use super::ask::Ask;
use crate::base::Value;

/// The values; where one is not set its `default`, an empty text without one.
///
/// A default of `omit` stands for one that is undefined; the value is then `omit` too, which the caller knows.
pub(super) fn env(ask: &Ask<'_>) -> Found {
    ask.each(|term| {
        let name = term.split_whitespace().next().unwrap_or_default();
        let default = || ask.options.get("default").cloned().unwrap_or_else(|| Value::from(""));
        Ok(match std::env::var_os(name) {
            Some(value) if !name.is_empty() => Value::from(value.to_string_lossy().as_ref()),
            _ => default(),
        })
    })
}
