//! What a lookup is asked, and its options read as Ansible reads them.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Found, World, failed};
use crate::base::{Map, Value};
use crate::template::{LookupError, Variables};

/// A lookup with its terms and options.
pub(super) struct Ask<'a> {
    /// Where it is asked.
    pub(super) world: &'a World,
    /// The lookup's name.
    pub(super) name: &'static str,
    /// What is looked up.
    pub(super) terms: &'a [Value],
    /// The options by name; an option that is not known is ignored, as Ansible does.
    pub(super) options: &'a Map,
    /// The task's variables.
    pub(super) variables: &'a Arc<dyn Variables>,
}

impl Ask<'_> {
    /// The terms as texts.
    pub(super) fn texts(&self) -> impl Iterator<Item = String> + '_ {
        self.terms.iter().map(Value::to_text)
    }

    /// Each term's findings, one after the other.
    pub(super) fn each(&self, mut find: impl FnMut(&str) -> Result<Value, LookupError>) -> Found {
        self.texts().map(|term| find(&term)).collect()
    }

    /// An option that is given and not null.
    pub(super) fn option(&self, name: &str) -> Option<&Value> {
        self.options.get(name).filter(|value| **value != Value::Null)
    }

    /// An option as a text.
    pub(super) fn text(&self, name: &str, default: &str) -> String {
        self.option(name).map_or_else(|| default.to_owned(), Value::to_text)
    }

    /// An option as a boolean.
    pub(super) fn flag(&self, name: &str, default: bool) -> Result<bool, LookupError> {
        match self.option(name) {
            None => Ok(default),
            Some(value) => value.to_bool().ok_or_else(|| self.invalid(name, value, "bool")),
        }
    }

    /// An option as an integer that is not negative.
    pub(super) fn count(&self, name: &str, default: usize) -> Result<usize, LookupError> {
        match self.option(name) {
            None => Ok(default),
            Some(value) => value.to_text().trim().parse().map_err(|_| self.invalid(name, value, "integer")),
        }
    }

    fn invalid(&self, name: &str, value: &Value, wanted: &str) -> LookupError {
        failed(format!(
            "the option `{name}` of `{}` has an invalid value for `{wanted}`: {}",
            self.name,
            value.to_repr()
        ))
    }

    /// That options are not used which are not supported.
    pub(super) fn refuse(&self, names: &[&str]) -> Result<(), LookupError> {
        match names.iter().find(|name| self.option(name).is_some_and(|value| value.to_bool() != Some(false)))
        {
            Some(name) => {
                Err(failed(format!("the option `{name}` of the lookup `{}` is not supported", self.name)))
            }
            None => Ok(()),
        }
    }

    /// The file of a term, searched in `files`.
    pub(super) fn file(&self, name: &str) -> Option<PathBuf> {
        self.world.find("files", name)
    }
}

/// A term with its options written in the same text: `key file=x.csv col=2`.
pub(super) struct Inline {
    /// What is not `name=value`.
    pub(super) words: Vec<String>,
    /// The options.
    pub(super) pairs: Vec<(String, String)>,
}

impl Inline {
    /// Takes a text apart at its blanks, but not within quotes. Those around an option's value are taken off; in the
    /// rest they stand for themselves.
    pub(super) fn parse(text: &str) -> Self {
        let mut words = vec![String::new()];
        let mut quote = None;
        for c in text.chars() {
            if c.is_whitespace() && quote.is_none() {
                words.push(String::new());
                continue;
            }
            match quote {
                None if matches!(c, '"' | '\'') => quote = Some(c),
                Some(open) if open == c => quote = None,
                _ => {}
            }
            if let Some(word) = words.last_mut() {
                word.push(c);
            }
        }
        let mut inline = Self { words: Vec::new(), pairs: Vec::new() };
        for word in words.into_iter().filter(|word| !word.is_empty()) {
            match word.split_once('=') {
                Some((name, value)) if !name.is_empty() && !name.starts_with(['"', '\'']) => {
                    let unquoted = ['"', '\'']
                        .iter()
                        .find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote))
                        .unwrap_or(value);
                    inline.pairs.push((name.to_owned(), unquoted.to_owned()));
                }
                _ => inline.words.push(word),
            }
        }
        inline
    }

    /// The options over others.
    ///
    /// # Errors
    /// An option that is none of `known`.
    pub(super) fn over(&self, options: &Map, known: &[&str]) -> Result<Map, LookupError> {
        let mut all = options.clone();
        for (name, value) in &self.pairs {
            if !known.contains(&name.as_str()) {
                return Err(failed(format!("`{name}` is not a valid option")));
            }
            all.insert(name.as_str().into(), Value::from(value.as_str()));
        }
        Ok(all)
    }
}
