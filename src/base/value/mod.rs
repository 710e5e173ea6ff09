//! The value of a variable: what YAML, JSON, templates and modules exchange.
//!
//! Whether a text may be templated is part of its type: the YAML reader makes [`Value::Template`] of texts with
//! template markers; whatever comes from hosts, from rendering or from `!unsafe` is [`Value::Str`] and is never
//! templated again.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use indexmap::IndexMap;

use super::place::Place;
use super::secret::Secret;

mod json;
mod moment;
mod serial;
mod text;

pub use json::JsonStyle;
pub use moment::{Moment, MomentForm, offset_text};

/// A mapping; keeps the order of its keys, as Python's dict.
pub type Map = IndexMap<Key, Value>;

/// A dynamic value. Cloning is cheap: all that is large is shared.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// YAML's `null`, Python's `None`.
    #[default]
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i128),
    /// A floating-point number.
    Float(f64),
    /// A plain text: never templated.
    Str(Arc<str>),
    /// A text from one of the project's files that contains template markers, or is encrypted with vault: rendered
    /// when it is used.
    Template(Arc<TemplateText>),
    /// A date, or a date and a time.
    Moment(Moment),
    /// A list.
    List(Arc<Vec<Value>>),
    /// A mapping.
    Map(Arc<Map>),
    /// A text that must not be shown; reading it in a template taints the result.
    Secret(Secret),
    /// A value that only a task that has not run can tell (check mode).
    Unknown(Arc<Unknown>),
    /// The magic `omit`: a parameter with this value counts as not given.
    Omit,
}

/// A trusted text with template markers, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct TemplateText {
    /// The text.
    pub text: Arc<str>,
    /// Where its first character stands (for block scalars: the line after the indicator).
    pub place: Option<Place>,
    /// What the text is.
    pub form: TextForm,
}

/// What a text is that has to be rendered before it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum TextForm {
    /// A template.
    #[default]
    Template,
    /// A vault text (`!vault`): what it holds is a plain text, and a secret. It is decrypted when it is read, so that
    /// one that cannot be decrypted is an error only where it is used.
    Sealed,
    /// A plain text of a file that is encrypted as a whole: a secret when it is read.
    Hidden,
}

/// Remembers the task whose result would have been needed.
#[derive(Clone, Debug, PartialEq)]
pub struct Unknown {
    /// The task's name as it is shown.
    pub task: Arc<str>,
    /// Where the task stands.
    pub place: Option<Place>,
}

/// The key of a mapping.
#[derive(Clone, Debug)]
pub enum Key {
    /// A text, by far the most usual.
    Str(Arc<str>),
    /// An integer.
    Int(i128),
    /// A boolean.
    Bool(bool),
    /// A floating-point number, by its text.
    Float(Arc<str>),
    /// Null.
    Null,
}

impl Value {
    /// A plain text.
    pub fn str(text: impl AsRef<str>) -> Self {
        Self::Str(Arc::from(text.as_ref()))
    }

    /// A list.
    pub fn list(items: impl IntoIterator<Item = Value>) -> Self {
        Self::List(Arc::new(items.into_iter().collect()))
    }

    /// A mapping.
    pub fn map(entries: Map) -> Self {
        Self::Map(Arc::new(entries))
    }

    /// The text, if it is a plain text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The integer, if it is one.
    pub fn as_int(&self) -> Option<i128> {
        match self {
            Self::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// The items, if it is a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The entries, if it is a mapping.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The entry of a mapping with that key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map()?.get(key)
    }

    /// Whether a template or an unknown value is in it, at any depth: what has to be rendered before it is used.
    pub fn is_literal(&self) -> bool {
        match self {
            Self::Template(_) | Self::Unknown(_) => false,
            Self::List(items) => items.iter().all(Self::is_literal),
            Self::Map(entries) => entries.values().all(Self::is_literal),
            _ => true,
        }
    }

    /// The first unknown value in it, at any depth.
    pub fn first_unknown(&self) -> Option<&Arc<Unknown>> {
        match self {
            Self::Unknown(unknown) => Some(unknown),
            Self::List(items) => items.iter().find_map(Self::first_unknown),
            Self::Map(entries) => entries.values().find_map(Self::first_unknown),
            _ => None,
        }
    }

    /// The name of its type in Ansible's words: `str`, `int`, `list`, `dict` …
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Str(_) | Self::Template(_) | Self::Secret(_) => "str",
            Self::Moment(moment) => moment.type_name(),
            Self::List(_) => "list",
            Self::Map(_) => "dict",
            Self::Unknown(_) => "unknown",
            Self::Omit => "omit",
        }
    }

    /// The boolean that Ansible's `bool` reads from it: `yes/on/1/true/t/y`, `no/off/0/false/f/n`, any case.
    pub fn to_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            Self::Int(1) => Some(true),
            Self::Int(0) => Some(false),
            Self::Float(value) if (*value - 1.0).abs() < f64::EPSILON => Some(true),
            Self::Float(value) if value.abs() < f64::EPSILON => Some(false),
            Self::Str(text) => match text.to_ascii_lowercase().as_str() {
                "yes" | "on" | "1" | "true" | "t" | "y" | "1.0" => Some(true),
                "no" | "off" | "0" | "false" | "f" | "n" | "0.0" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }
}

impl Unknown {
    /// The text that stands for it where it is embedded: `‹known after 'build'›`.
    pub fn placeholder(&self) -> String {
        format!("‹known after '{}'›", self.task)
    }
}

impl Key {
    /// A text key.
    pub fn str(text: impl AsRef<str>) -> Self {
        Self::Str(Arc::from(text.as_ref()))
    }

    /// The text, if it is a text key.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The key as a value.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Str(text) => Value::Str(Arc::clone(text)),
            Self::Int(number) => Value::Int(*number),
            Self::Bool(value) => Value::Bool(*value),
            Self::Float(text) => text.parse().map_or_else(|_| Value::Str(Arc::clone(text)), Value::Float),
            Self::Null => Value::Null,
        }
    }

    /// A value as a key, where it can be one.
    pub fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Str(text) => Some(Self::Str(Arc::clone(text))),
            Value::Template(template) => Some(Self::Str(Arc::clone(&template.text))),
            Value::Int(number) => Some(Self::Int(*number)),
            Value::Bool(value) => Some(Self::Bool(*value)),
            Value::Float(number) => Some(Self::Float(Arc::from(number.to_string()))),
            Value::Null => Some(Self::Null),
            // a key keeps its text only
            Value::Moment(moment) => Some(Self::from(moment.to_text())),
            Value::List(_) | Value::Map(_) | Value::Secret(_) | Value::Unknown(_) | Value::Omit => None,
        }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Str(a), Self::Str(b)) | (Self::Float(a), Self::Float(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Null, Self::Null) => true,
            _ => false,
        }
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // a text key hashes as `str` does, so that `map.get("name")` needs no allocation
        match self {
            Self::Str(text) => text.hash(state),
            Self::Int(number) => (1u8, number).hash(state),
            Self::Bool(value) => (2u8, value).hash(state),
            Self::Float(text) => (3u8, text).hash(state),
            Self::Null => 4u8.hash(state),
        }
    }
}

impl indexmap::Equivalent<Key> for str {
    fn equivalent(&self, key: &Key) -> bool {
        key.as_str() == Some(self)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Str(text) | Self::Float(text) => f.write_str(text),
            other => f.write_str(&other.to_value().to_text()),
        }
    }
}

macro_rules! from {
    ($($source:ty => |$name:ident| $made:expr;)*) => {$(
        impl From<$source> for Value {
            fn from($name: $source) -> Self { $made }
        }
    )*};
}
from! {
    bool => |v| Self::Bool(v);
    i32 => |v| Self::Int(i128::from(v));
    i64 => |v| Self::Int(i128::from(v));
    u32 => |v| Self::Int(i128::from(v));
    u64 => |v| Self::Int(i128::from(v));
    usize => |v| Self::Int(v as i128);
    f64 => |v| Self::Float(v);
    &str => |v| Self::str(v);
    String => |v| Self::Str(Arc::from(v));
    Arc<str> => |v| Self::Str(v);
    Map => |v| Self::map(v);
    Vec<Value> => |v| Self::list(v);
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self::str(text)
    }
}

impl From<String> for Key {
    fn from(text: String) -> Self {
        Self::Str(Arc::from(text))
    }
}

/// Builds a [`Map`] from `"key" => value` pairs.
#[macro_export]
macro_rules! map {
    ($($key:expr => $value:expr),* $(,)?) => {{
        #[allow(unused_mut, reason = "an empty map is not changed")]
        let mut entries = $crate::base::Map::new();
        $(entries.insert($crate::base::Key::from($key), $crate::base::Value::from($value));)*
        entries
    }};
}
