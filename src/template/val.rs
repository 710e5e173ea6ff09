//! Values while a template runs: what variables hold, read lazily, and what only templates have.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use indexmap::IndexMap;

use super::fail::Missing;
use super::object::Object;
use super::{Scope, methods};
use crate::base::{Key, Unknown, Value};

/// A mapping that was made in a template.
pub(super) type ValMap = IndexMap<Key, Val>;

/// A value while a template runs. Cloning is cheap; lists and mappings made in a template are shared, as in Python.
#[derive(Clone, Debug)]
pub(super) enum Val {
    /// A value without templates or secrets in it.
    Data(Value),
    /// A list or mapping of variables; its items are rendered in that scope when they are read.
    Lazy(Value, Scope),
    /// A list that was made here.
    List(Rc<RefCell<Vec<Val>>>),
    /// A tuple.
    Tuple(Rc<Vec<Val>>),
    /// A mapping that was made here.
    Dict(Rc<RefCell<ValMap>>),
    /// Something that is not there.
    Missing(Rc<Missing>),
    /// Whatever is not data.
    Object(Rc<Object>),
}

impl Val {
    /// None.
    pub(super) const NONE: Self = Self::Data(Value::Null);

    /// A list.
    pub(super) fn list(items: impl IntoIterator<Item = Val>) -> Self {
        Self::List(Rc::new(RefCell::new(items.into_iter().collect())))
    }

    /// A tuple.
    pub(super) fn tuple(items: impl IntoIterator<Item = Val>) -> Self {
        Self::Tuple(Rc::new(items.into_iter().collect()))
    }

    /// A mapping.
    pub(super) fn dict(entries: ValMap) -> Self {
        Self::Dict(Rc::new(RefCell::new(entries)))
    }

    /// A text.
    pub(super) fn text(text: impl AsRef<str>) -> Self {
        Self::Data(Value::str(text))
    }

    /// An unknown value.
    pub(super) fn unknown(unknown: Arc<Unknown>) -> Self {
        Self::Data(Value::Unknown(unknown))
    }

    /// An object.
    pub(super) fn object(object: Object) -> Self {
        Self::Object(Rc::new(object))
    }

    /// Something missing.
    pub(super) fn missing(message: impl Into<String>) -> Self {
        Self::Missing(Rc::new(Missing::new(message)))
    }

    /// The text, where it is one.
    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Data(Value::Str(text)) => Some(text),
            _ => None,
        }
    }

    /// Whether it is `None`.
    pub(super) fn is_none(&self) -> bool {
        matches!(self, Self::Data(Value::Null))
    }

    /// Whether it is a mapping.
    pub(super) fn is_dict(&self) -> bool {
        match self {
            Self::Data(Value::Map(_)) | Self::Lazy(Value::Map(_), _) | Self::Dict(_) => true,
            Self::Object(object) => object.is_mapping(),
            _ => false,
        }
    }

    /// Whether it is a list or tuple.
    pub(super) fn is_list(&self) -> bool {
        matches!(
            self,
            Self::Data(Value::List(_)) | Self::Lazy(Value::List(_), _) | Self::List(_) | Self::Tuple(_)
        )
    }

    /// Python's name of its type.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Data(value) | Self::Lazy(value, _) => type_name(value),
            Self::List(_) => "list",
            Self::Tuple(_) => "tuple",
            Self::Dict(_) => "dict",
            Self::Missing(_) => "UndefinedMarker",
            Self::Object(object) => object.type_name(),
        }
    }

    /// Whether a method of that name can be called on it.
    pub(super) fn has_method(&self, name: &str) -> bool {
        methods::names_of(self).contains(&name)
    }
}

/// Python's name of a value's type.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        other => other.type_name(),
    }
}

macro_rules! from {
    ($($source:ty),*) => {$(
        impl From<$source> for Val {
            fn from(value: $source) -> Self {
                Self::Data(Value::from(value))
            }
        }
    )*};
}
from!(bool, i32, i64, usize, f64, &str, String, Arc<str>);

impl From<i128> for Val {
    fn from(number: i128) -> Self {
        Self::Data(Value::Int(number))
    }
}

impl From<Value> for Val {
    fn from(value: Value) -> Self {
        Self::Data(value)
    }
}
