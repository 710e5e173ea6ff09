//! Why an expression has no value, while it is being evaluated; and values that are not there.

use std::rc::Rc;
use std::sync::Arc;

use super::context::Origin;
use super::tree::Span;
use crate::base::{Diagnostic, Kind, Place, Unknown};

/// Why evaluating stopped.
#[derive(Debug)]
pub(super) enum Fail {
    /// Something undefined was used.
    Undefined(Rc<Missing>),
    /// Anything else that is wrong.
    Error(Box<Diagnostic>),
    /// It depends on a task that has not run.
    Unknown(Arc<Unknown>),
    /// It may only be evaluated at the task's turn.
    Deferred,
}

/// What `?` in this room returns.
pub(super) type Res<T> = Result<T, Fail>;

/// A value that is not there: an error only once it is used.
#[derive(Debug, Clone)]
pub(super) struct Missing {
    /// What is missing, as a message.
    pub message: String,
    /// The variable's name, where it is a variable: for near misses.
    pub name: Option<Arc<str>>,
    /// Where it was asked for.
    pub at: Option<(Rc<Origin>, Span)>,
    /// The variables that led there.
    pub notes: Vec<(String, Option<Place>)>,
    /// Whether it is nothing within a text: the inline `if` without `else`.
    pub silent: bool,
    /// Whether something was done with it, so that a template came to no end.
    pub tripped: bool,
}

impl Missing {
    /// The same after something was done with it.
    pub(super) fn tripped(&self) -> Self {
        Self { tripped: true, ..self.clone() }
    }

    /// Something missing that is not a variable.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            name: None,
            at: None,
            notes: Vec::new(),
            silent: false,
            tripped: false,
        }
    }
}

impl Fail {
    /// An error without a place yet.
    pub(super) fn error(message: impl Into<String>) -> Self {
        Self::Error(Box::new(Diagnostic::error(Kind::Template, message)))
    }

    /// An error about the template itself.
    pub(super) fn syntax(message: impl Into<String>) -> Self {
        Self::Error(Box::new(Diagnostic::error(Kind::TemplateSyntax, message)))
    }

    /// The same in the words in which Ansible tells that a filter or a test (`kind`) has failed.
    pub(super) fn of_plugin(self, kind: &str, name: &str) -> Self {
        let full = if name.contains('.') { name.to_owned() } else { format!("ansible.builtin.{name}") };
        self.worded(|message| format!("The {kind} plugin '{full}' failed: {message}"))
    }

    /// The same in the words in which Ansible tells that a template has failed.
    pub(super) fn of_template(self) -> Self {
        self.worded(|message| format!("Error rendering template: {message}"))
    }

    fn worded(self, words: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Error(mut diagnostic)
                if diagnostic.kind == Kind::Template && diagnostic.words.is_none() =>
            {
                diagnostic.words = Some(words(diagnostic.in_ansibles_words()));
                Self::Error(diagnostic)
            }
            other => other,
        }
    }

    /// The same with one more step of the chain that led there.
    pub(super) fn via(self, message: String, place: Option<&Place>) -> Self {
        match self {
            Self::Undefined(missing) => {
                let mut missing = (*missing).clone();
                missing.notes.push((message, place.cloned()));
                Self::Undefined(Rc::new(missing))
            }
            Self::Error(diagnostic) => Self::Error(Box::new(diagnostic.note(message, place))),
            other => other,
        }
    }
}

impl From<Diagnostic> for Fail {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Error(Box::new(diagnostic))
    }
}

/// An error, as the result.
pub(super) fn bail<T>(message: impl Into<String>) -> Res<T> {
    Err(Fail::error(message))
}
