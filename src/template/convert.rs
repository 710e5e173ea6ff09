//! What values are as Python sees them: truth, texts, numbers, items, keys.

use std::sync::Arc;

use super::context::Ctx;
use super::fail::{Fail, Res, bail};
use super::object::Object;
use super::val::Val;
use crate::base::{Key, Value};

impl Ctx<'_> {
    /// Python's `bool()`.
    #[expect(clippy::unused_self, reason = "as its siblings")]
    pub(super) fn truth(&self, value: &Val) -> Res<bool> {
        Ok(match value {
            Val::Data(value) | Val::Lazy(value, _) => match value {
                Value::Null => false,
                Value::Bool(value) => *value,
                Value::Int(number) => *number != 0,
                Value::Float(number) => *number != 0.0,
                Value::Str(text) => !text.is_empty(),
                Value::List(items) => !items.is_empty(),
                Value::Map(entries) => !entries.is_empty(),
                Value::Unknown(unknown) => return Err(Fail::Unknown(Arc::clone(unknown))),
                Value::Moment(_) | Value::Template(_) | Value::Secret(_) | Value::Omit => true,
            },
            Val::List(items) => !items.borrow().is_empty(),
            Val::Tuple(items) => !items.is_empty(),
            Val::Dict(entries) => !entries.borrow().is_empty(),
            Val::Missing(missing) => return Err(Fail::Undefined(missing.clone())),
            Val::Object(object) => match &**object {
                Object::Duration(micros) => *micros != 0,
                _ => true,
            },
        })
    }

    /// Python's `str()`.
    pub(super) fn text(&self, value: &Val) -> Res<Arc<str>> {
        match value {
            Val::Data(Value::Str(text)) => Ok(Arc::clone(text)),
            Val::Tuple(items) => {
                let mut parts = Vec::with_capacity(items.len());
                for item in items.iter() {
                    parts.push(self.force(item)?.to_repr());
                }
                let comma = if parts.len() == 1 { "," } else { "" };
                Ok(Arc::from(format!("({}{comma})", parts.join(", "))))
            }
            Val::List(items) => match self.run.range_of(items) {
                Some(shown) => Ok(Arc::from(shown)),
                None => Ok(Arc::from(self.force(value)?.to_text())),
            },
            _ => Ok(Arc::from(self.force(value)?.to_text())),
        }
    }

    #[expect(clippy::unused_self, reason = "as its siblings")]
    /// An integer, of numbers, booleans and texts that are integers.
    pub(super) fn int(&self, value: &Val) -> Res<i128> {
        match value {
            Val::Data(Value::Int(number)) => Ok(*number),
            Val::Data(Value::Bool(value)) => Ok(i128::from(*value)),
            Val::Data(Value::Float(number)) => Ok(*number as i128),
            Val::Data(Value::Str(text)) => text
                .trim()
                .parse()
                .map_err(|_| Fail::error(format!("invalid literal for int() with base 10: {:?}", &**text))),
            Val::Data(Value::Unknown(unknown)) => Err(Fail::Unknown(Arc::clone(unknown))),
            Val::Missing(missing) => Err(Fail::Undefined(missing.clone())),
            other => bail(format!("expected a number, not '{}'", other.type_name())),
        }
    }

    /// An integer or none.
    pub(super) fn optional_int(&self, value: &Val) -> Res<Option<i128>> {
        if value.is_none() { Ok(None) } else { self.int(value).map(Some) }
    }

    /// A number.
    pub(super) fn float(&self, value: &Val) -> Res<f64> {
        match value {
            Val::Data(Value::Float(number)) => Ok(*number),
            Val::Data(Value::Str(text)) => text
                .trim()
                .parse()
                .map_err(|_| Fail::error(format!("could not convert string to float: {:?}", &**text))),
            other => Ok(self.int(other)? as f64),
        }
    }

    /// Python's `iter()`: items, characters, keys.
    pub(super) fn iterate(&self, value: &Val) -> Res<Vec<Val>> {
        Ok(match value {
            Val::Data(Value::List(items)) => items.iter().cloned().map(Val::Data).collect(),
            Val::Lazy(Value::List(items), scope) => {
                items.iter().map(|item| self.read(item, scope)).collect::<Res<_>>()?
            }
            Val::List(items) => items.borrow().clone(),
            Val::Tuple(items) => items.to_vec(),
            Val::Data(Value::Map(entries)) | Val::Lazy(Value::Map(entries), _) => {
                entries.keys().map(|key| Val::Data(key.to_value())).collect()
            }
            Val::Dict(entries) => entries.borrow().keys().map(|key| Val::Data(key.to_value())).collect(),
            Val::Data(Value::Str(text)) => {
                text.chars().map(|c| Val::text(c.encode_utf8(&mut [0; 4]))).collect()
            }
            Val::Data(Value::Unknown(unknown)) => return Err(Fail::Unknown(Arc::clone(unknown))),
            Val::Missing(missing) => return Err(Fail::Undefined(missing.clone())),
            Val::Object(object) => match &**object {
                Object::HostVars(scope) => scope.hosts().into_iter().map(Val::from).collect(),
                Object::Variables(scope) => scope.names().into_iter().map(Val::from).collect(),
                _ => return bail(format!("'{}' object is not iterable", object.type_name())),
            },
            other => return bail(format!("'{}' object is not iterable", other.type_name())),
        })
    }

    /// The entries of a mapping.
    pub(super) fn entries(&self, value: &Val) -> Res<Vec<(Key, Val)>> {
        match value {
            Val::Data(Value::Map(entries)) => {
                Ok(entries.iter().map(|(key, value)| (key.clone(), Val::Data(value.clone()))).collect())
            }
            Val::Lazy(Value::Map(entries), scope) => {
                entries.iter().map(|(key, value)| Ok((key.clone(), self.read(value, scope)?))).collect()
            }
            Val::Dict(entries) => {
                Ok(entries.borrow().iter().map(|(key, value)| (key.clone(), value.clone())).collect())
            }
            Val::Data(Value::Unknown(unknown)) => Err(Fail::Unknown(Arc::clone(unknown))),
            Val::Missing(missing) => Err(Fail::Undefined(missing.clone())),
            Val::Object(object) if object.is_mapping() => match self.force(value)? {
                Value::Map(entries) => {
                    Ok(entries.iter().map(|(key, value)| (key.clone(), Val::Data(value.clone()))).collect())
                }
                _ => Ok(Vec::new()),
            },
            other => bail(format!("expected a dictionary, not '{}'", other.type_name())),
        }
    }

    /// The number of items, or nothing where it has none.
    pub(super) fn length(&self, value: &Val) -> Res<Option<usize>> {
        Ok(match value {
            Val::Data(Value::List(items)) | Val::Lazy(Value::List(items), _) => Some(items.len()),
            Val::Data(Value::Map(entries)) | Val::Lazy(Value::Map(entries), _) => Some(entries.len()),
            Val::List(items) => Some(items.borrow().len()),
            Val::Tuple(items) => Some(items.len()),
            Val::Dict(entries) => Some(entries.borrow().len()),
            Val::Data(Value::Str(text)) => Some(text.chars().count()),
            Val::Data(Value::Unknown(unknown)) => return Err(Fail::Unknown(Arc::clone(unknown))),
            Val::Missing(missing) => return Err(Fail::Undefined(missing.clone())),
            Val::Object(object) if object.is_mapping() => Some(self.iterate(value)?.len()),
            _ => None,
        })
    }

    /// A value as the key of a mapping; numbers that are whole are integers, as in Python.
    pub(super) fn key(&self, value: &Val) -> Res<Key> {
        let forced = self.force(value)?;
        match &forced {
            Value::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
                Ok(Key::Int(*number as i128))
            }
            _ => Key::from_value(&forced)
                .ok_or_else(|| Fail::error(format!("unhashable type: '{}'", value.type_name()))),
        }
    }
}
