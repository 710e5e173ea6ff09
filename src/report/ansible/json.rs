//! Values as Ansible prints them on its screen: keys sorted, characters outside ASCII as they are.

use crate::base::{JsonStyle, Value};

/// A value on one line, or spread over lines with `indent` spaces per level.
pub(super) fn dump(value: &Value, indent: Option<usize>) -> String {
    let form = indent.map_or(JsonStyle::LINE, JsonStyle::indented);
    JsonStyle { ascii: false, sorted: true, ..form }.text(value)
}
