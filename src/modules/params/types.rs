//! The types that parameters have, read as Ansible's argument specs read them.

use std::sync::Arc;

use crate::base::{Key, Map, Value};

/// A type of parameter.
pub trait ParamValue: Sized {
    /// Its name in Ansible's words.
    const KIND: &'static str;
    /// The values it may have, where they are few.
    const CHOICES: &'static [&'static str] = &[];
    /// The type of its items, where it is a list.
    const ELEMENTS: Option<&'static str> = None;
    /// Reads a rendered value; the error continues "argument 'x' is of type T and …".
    fn read(value: &Value) -> Result<Self, String>;
    /// What it is when it is not given and has no default; `None`: it must be given.
    fn absent() -> Option<Self> {
        None
    }
    /// The value as files write it, for the manual; only what is a default anywhere has to tell it.
    fn shown(&self) -> String {
        String::new()
    }
}

impl<T: ParamValue> ParamValue for Option<T> {
    const KIND: &'static str = T::KIND;
    const CHOICES: &'static [&'static str] = T::CHOICES;
    const ELEMENTS: Option<&'static str> = T::ELEMENTS;
    fn read(value: &Value) -> Result<Self, String> {
        T::read(value).map(Some)
    }
    fn absent() -> Option<Self> {
        Some(None)
    }
    fn shown(&self) -> String {
        self.as_ref().map(T::shown).unwrap_or_default()
    }
}

impl ParamValue for bool {
    const KIND: &'static str = "bool";
    fn read(value: &Value) -> Result<Self, String> {
        value.to_bool().ok_or_else(|| {
            format!(
                "we were unable to convert to bool: The value '{}' is not a valid boolean. Valid booleans include: {}",
                value.to_text(),
                "'y', 'yes', 'on', '1', 'true', 't', 1, 'n', 'no', 'off', '0', 'false', 'f', 0"
            )
        })
    }
    fn shown(&self) -> String {
        self.to_string()
    }
}

impl ParamValue for String {
    const KIND: &'static str = "str";
    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Secret(secret) => Ok(secret.reveal().to_owned()),
            // as JSON has it
            Value::Moment(moment) => Ok(moment.to_iso()),
            _ => Ok(value.to_text()),
        }
    }
    fn shown(&self) -> String {
        self.clone()
    }
}

/// A path on the host: `~` and `~user` are expanded there; a trailing slash is kept, for its meaning.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PathText(pub String);

impl std::ops::Deref for PathText {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl ParamValue for PathText {
    const KIND: &'static str = "path";
    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::List(_) | Value::Map(_) => Err("we were unable to convert to path".to_owned()),
            _ => String::read(value).map(Self),
        }
    }
    fn shown(&self) -> String {
        self.0.clone()
    }
}

/// Any value, as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Raw(pub Value);

impl ParamValue for Raw {
    const KIND: &'static str = "raw";
    fn read(value: &Value) -> Result<Self, String> {
        Ok(Self(value.clone()))
    }
    fn shown(&self) -> String {
        match &self.0 {
            Value::List(_) | Value::Map(_) => self.0.to_json().to_string(),
            scalar => scalar.to_text(),
        }
    }
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl ParamValue for $type {
            const KIND: &'static str = "int";
            fn read(value: &Value) -> Result<Self, String> {
                let number = match value {
                    Value::Int(number) => Some(*number),
                    Value::Float(number) if number.fract() == 0.0 => Some(*number as i128),
                    Value::Str(text) => text.trim().parse().ok(),
                    Value::Bool(value) => Some(i128::from(*value)),
                    _ => None,
                };
                number.and_then(|number| Self::try_from(number).ok())
                    .ok_or_else(|| format!("we were unable to convert to int: \"{}\" cannot be converted to an int", value.to_repr()))
            }
            fn shown(&self) -> String {
                self.to_string()
            }
        }
    )*};
}
integers!(i64, u16, u32, u64, i32);

impl ParamValue for f64 {
    const KIND: &'static str = "float";
    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Int(number) => Some(*number as f64),
            Value::Float(number) => Some(*number),
            Value::Str(text) => text.trim().parse().ok(),
            _ => None,
        }
        .ok_or_else(|| format!("we were unable to convert to float: {}", value.to_text()))
    }
    fn shown(&self) -> String {
        self.to_string()
    }
}

impl<T: ParamValue> ParamValue for Vec<T> {
    const KIND: &'static str = "list";
    const CHOICES: &'static [&'static str] = T::CHOICES;
    const ELEMENTS: Option<&'static str> = Some(T::KIND);
    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::List(items) => items.iter().map(T::read).collect(),
            // as Ansible: a text is split at commas
            Value::Str(text) => text.split(',').map(|part| T::read(&Value::str(part.trim()))).collect(),
            Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Moment(_) => Ok(vec![T::read(value)?]),
            Value::Map(_) if T::KIND == "dict" || T::KIND == "raw" => Ok(vec![T::read(value)?]),
            _ => Err(format!("we were unable to convert to list: {}", value.to_text())),
        }
    }
    fn absent() -> Option<Self> {
        Some(Self::new())
    }
    fn shown(&self) -> String {
        format!("[{}]", self.iter().map(T::shown).collect::<Vec<_>>().join(", "))
    }
}

impl ParamValue for Map {
    const KIND: &'static str = "dict";
    fn read(value: &Value) -> Result<Self, String> {
        let wrong = || format!("we were unable to convert to dict: {}", value.to_text());
        match value {
            Value::Map(entries) => Ok((**entries).clone()),
            Value::Str(text) if text.trim_start().starts_with('{') => {
                let json: serde_json::Value = serde_json::from_str(text).map_err(|_| wrong())?;
                Value::from_json(&json).as_map().cloned().ok_or_else(wrong)
            }
            Value::Str(text) if text.contains('=') => text
                .split([',', ' '])
                .filter(|pair| !pair.trim().is_empty())
                .map(|pair| {
                    let (key, value) = pair.split_once('=').ok_or_else(wrong)?;
                    Ok((Key::str(key.trim()), Value::str(value)))
                })
                .collect(),
            _ => Err(wrong()),
        }
    }
    fn shown(&self) -> String {
        Value::from(self.clone()).to_json().to_string()
    }
}

impl ParamValue for Arc<Map> {
    const KIND: &'static str = "dict";
    fn read(value: &Value) -> Result<Self, String> {
        Map::read(value).map(Arc::new)
    }
    fn shown(&self) -> String {
        Map::shown(self)
    }
}
