//! What the value of each keyword may be, as far as it is literal. Templates are checked when they are rendered.

use super::Keyword;
use crate::base::Value;

/// The shape of a keyword's value, as the attribute types of Ansible's playbook objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A boolean.
    Bool,
    /// An integer.
    Int,
    /// A number.
    Float,
    /// A number, perhaps with a percent sign.
    Percent,
    /// A scalar.
    Text,
    /// The name of a variable.
    VariableName,
    /// A text or a list of texts.
    Texts,
    /// A list of tags, or a text with commas between them.
    Tags,
    /// A condition or a list of them.
    Conditions,
    /// A mapping, or a list of mappings.
    Environment,
    /// A mapping, or a list of mappings; none of them is nothing.
    Mappings,
    /// Numbers of hosts, or percentages.
    Serial,
}

/// The shape of a keyword's value.
pub fn shape(keyword: Keyword) -> Shape {
    use Keyword as K;
    match keyword {
        K::AnyErrorsFatal
        | K::Become
        | K::CheckMode
        | K::DelegateFacts
        | K::Diff
        | K::ForceHandlers
        | K::GatherFacts
        | K::IgnoreErrors
        | K::IgnoreUnreachable
        | K::NoLog
        | K::RunOnce => Shape::Bool,
        K::Async | K::GatherTimeout | K::Poll | K::Port | K::Retries | K::Throttle | K::Timeout => Shape::Int,
        K::Delay => Shape::Float,
        K::MaxFailPercentage => Shape::Percent,
        K::BecomeExe
        | K::BecomeFlags
        | K::BecomeMethod
        | K::BecomeUser
        | K::Connection
        | K::Debugger
        | K::DelegateTo
        | K::FactPath
        | K::Order
        | K::RemoteUser
        | K::Strategy => Shape::Text,
        K::Register => Shape::VariableName,
        K::Collections | K::GatherSubset | K::Notify => Shape::Texts,
        K::Tags => Shape::Tags,
        K::ChangedWhen | K::FailedWhen | K::Until | K::When => Shape::Conditions,
        K::Environment => Shape::Environment,
        K::ModuleDefaults | K::VarsPrompt => Shape::Mappings,
        K::Serial => Shape::Serial,
    }
}

/// What a keyword's value must be, in words.
pub(super) fn expected(keyword: Keyword) -> &'static str {
    match shape(keyword) {
        Shape::Bool => "a boolean (`true` or `false`)",
        Shape::Int => "an integer",
        Shape::Float => "a number",
        Shape::Percent => "a percentage",
        Shape::Text => "a text",
        Shape::VariableName => "the name of a variable",
        Shape::Texts => "a text or a list of texts",
        Shape::Tags => "a list of tags, or a text with commas between them",
        Shape::Conditions => "a condition or a list of conditions",
        Shape::Environment => "a mapping of names to values",
        Shape::Mappings => "a mapping or a list of mappings",
        Shape::Serial => "a number of hosts, a percentage, or a list of these",
    }
}

/// Whether a keyword's value must fit in any case. Ansible checks most of these when it loads a file; the others
/// fail when the task runs.
pub(super) fn is_read_when_loading(keyword: Keyword) -> bool {
    matches!(keyword, Keyword::When | Keyword::IgnoreErrors)
        || matches!(shape(keyword), Shape::VariableName | Shape::Tags | Shape::Text | Shape::Mappings)
}

/// Whether a value may be given to a keyword; what is not literal may.
pub(super) fn fits(keyword: Keyword, value: &Value) -> bool {
    match shape(keyword) {
        Shape::Bool => scalar(value, |value| boolean(value).is_some()),
        Shape::Int => scalar(value, |value| integer(value).is_some()),
        Shape::Float => scalar(value, |value| number(value).is_some()),
        Shape::Percent => scalar(value, |value| percent(value).is_some()),
        Shape::Text => scalar(value, |_| true),
        Shape::VariableName => value.as_str().is_some_and(is_variable_name) || *value == Value::Null,
        Shape::Texts => {
            listed(value, |item| matches!(item, Value::Str(_) | Value::Template(_) | Value::List(_)))
        }
        // Ansible splits a text and takes a list, but no other scalar
        Shape::Tags => match value {
            Value::Str(_) | Value::Template(_) => true,
            Value::List(items) => items.iter().all(|item| {
                matches!(
                    item,
                    Value::Str(_) | Value::Template(_) | Value::Int(_) | Value::Bool(_) | Value::List(_)
                )
            }),
            _ => false,
        },
        Shape::Conditions => listed(value, |item| !matches!(item, Value::Map(_) | Value::List(_))),
        Shape::Environment => {
            listed(value, |item| matches!(item, Value::Map(_) | Value::Template(_) | Value::Null))
        }
        Shape::Mappings => listed(value, |item| matches!(item, Value::Map(_) | Value::Template(_))),
        Shape::Serial => listed(value, |item| scalar(item, |item| percent(item).is_some())),
    }
}

/// Whether a value is what the keyword is without being given, so that it changes nothing.
pub(super) fn is_default(keyword: Keyword, value: &Value) -> bool {
    use Keyword as K;
    match keyword {
        K::AnyErrorsFatal | K::DelegateFacts | K::ForceHandlers | K::IgnoreUnreachable => {
            boolean(value) == Some(false)
        }
        K::Async | K::Throttle | K::Timeout => integer(value) == Some(0),
        K::Strategy => matches!(value.as_str(), Some("linear" | "ansible.builtin.linear")),
        K::Order => value.as_str() == Some("inventory"),
        K::Debugger => value.as_str() == Some("never"),
        _ => false,
    }
}

/// A boolean as Ansible reads one: YAML's, and the usual texts.
pub(super) fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::Int(1) => Some(true),
        Value::Int(0) => Some(false),
        Value::Float(number) => match number.to_bits() {
            bits if bits == 1f64.to_bits() => Some(true),
            bits if bits == 0f64.to_bits() => Some(false),
            _ => None,
        },
        Value::Str(text) => match text.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" | "on" | "1" | "1.0" | "true" | "t" => Some(true),
            "n" | "no" | "off" | "0" | "0.0" | "false" | "f" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a text may be the name of a variable: an ASCII identifier that Jinja2 does not take for a value or `not`.
pub fn is_variable_name(name: &str) -> bool {
    const WORDS: &[&str] = &["false", "False", "none", "None", "not", "true", "True"];
    let mut chars = name.chars();
    chars.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !WORDS.contains(&name)
}

fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::Int(number) => Some(*number),
        Value::Bool(value) => Some(i128::from(*value)),
        Value::Float(number) if number.fract() == 0.0 => Some(*number as i128),
        Value::Str(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Float(number) => Some(*number),
        Value::Str(text) => text.trim().parse().ok(),
        other => integer(other).map(|number| number as f64),
    }
}

fn percent(value: &Value) -> Option<f64> {
    match value {
        Value::Str(text) => text.replace('%', "").trim().parse().ok(),
        other => number(other),
    }
}

fn scalar(value: &Value, fits: impl FnOnce(&Value) -> bool) -> bool {
    match value {
        Value::Null | Value::Template(_) => true,
        Value::List(_) | Value::Map(_) => false,
        literal => fits(literal),
    }
}

fn listed(value: &Value, fits: impl Fn(&Value) -> bool) -> bool {
    match value {
        Value::Null | Value::Template(_) => true,
        Value::List(items) => items.iter().all(fits),
        one => fits(one),
    }
}

/// A value as it is quoted in a message.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Str(text) => format!("`{text}`"),
        Value::Null => "nothing".to_owned(),
        Value::Map(_) => "a mapping".to_owned(),
        Value::List(_) => "a list".to_owned(),
        other => format!("`{}`", other.to_text()),
    }
}
