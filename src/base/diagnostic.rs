//! What fleet has to say about the files it was given: a kind, a message, a place, notes and a hint.

use std::fmt;

use super::place::Place;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The run goes on; the user is told.
    Warning,
    /// The run does not start, or this task fails.
    Error,
}

/// What kind of mistake it is. Stable names: they appear in JSON output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A file is missing or cannot be read.
    File,
    /// The text is not YAML.
    Yaml,
    /// A key that is twice in a mapping.
    DuplicateKey,
    /// The YAML is not what belongs here (a list where a mapping is expected …).
    Structure,
    /// A keyword of a play, block, task or role that does not exist here.
    UnknownKeyword,
    /// A keyword or feature of Ansible that fleet does not support.
    Unsupported,
    /// A module that does not exist.
    UnknownModule,
    /// A parameter that the module does not have.
    UnknownParameter,
    /// A value of the wrong type, or not among the choices.
    BadValue,
    /// A required parameter is missing, or parameters exclude each other.
    Parameters,
    /// A template or expression that does not parse.
    TemplateSyntax,
    /// A template that fails while it is rendered.
    Template,
    /// A variable that is not defined.
    Undefined,
    /// The inventory names something wrongly.
    Inventory,
    /// A host pattern matches nothing or does not parse.
    Pattern,
    /// A role that cannot be found.
    Role,
    /// A handler that is notified and does not exist.
    Handler,
    /// A vault text that cannot be read.
    Vault,
}

impl Kind {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Yaml => "yaml",
            Self::DuplicateKey => "duplicate-key",
            Self::Structure => "structure",
            Self::UnknownKeyword => "unknown-keyword",
            Self::Unsupported => "unsupported",
            Self::UnknownModule => "unknown-module",
            Self::UnknownParameter => "unknown-parameter",
            Self::BadValue => "bad-value",
            Self::Parameters => "parameters",
            Self::TemplateSyntax => "template-syntax",
            Self::Template => "template",
            Self::Undefined => "undefined",
            Self::Inventory => "inventory",
            Self::Pattern => "pattern",
            Self::Role => "role",
            Self::Handler => "handler",
            Self::Vault => "vault",
        }
    }
}

/// A further remark, with its own place where it has one ("first defined here").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What is remarked; lower case, no full stop.
    pub message: String,
    /// Where.
    pub place: Option<Place>,
}

/// One problem. The message is lower case, has names in backticks and no full stop; the hint is separate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// The kind of mistake.
    pub kind: Kind,
    /// What is wrong.
    pub message: String,
    /// Where it is wrong.
    pub place: Option<Place>,
    /// Further remarks (the chain of a variable, an earlier definition).
    pub notes: Vec<Note>,
    /// What to do about it.
    pub hint: Option<String>,
    /// What `register` sees as `msg`, and what is said under Ansible's names, where playbooks and scripts may look for
    /// other words than the message's. Empty: Ansible says nothing.
    pub told: Option<String>,
    /// The message in Ansible's words, where they are others; what is told is made of them.
    pub words: Option<String>,
    /// Whether Ansible has no kind for such an error: where it ends the program, the exit code is 1 instead of 4.
    pub plain: bool,
}

impl Diagnostic {
    /// An error without a place yet.
    pub fn error(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            kind,
            message: message.into(),
            place: None,
            notes: Vec::new(),
            hint: None,
            told: None,
            words: None,
            plain: matches!(kind, Kind::File | Kind::Role | Kind::Vault),
        }
    }

    /// A warning without a place yet.
    pub fn warning(kind: Kind, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(kind, message) }
    }

    /// With the place it is about.
    pub fn at(mut self, place: &Place) -> Self {
        self.place = Some(place.clone());
        self
    }

    /// With a place where there is one and none is set yet.
    pub fn at_if_unplaced(mut self, place: Option<&Place>) -> Self {
        if self.place.is_none() {
            self.place = place.cloned();
        }
        self
    }

    /// With a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With a hint where there is one.
    pub fn maybe_hint(mut self, hint: Option<String>) -> Self {
        if hint.is_some() {
            self.hint = hint;
        }
        self
    }

    /// With what `register` sees: the message as Ansible has it behind these words, unless it is set already.
    pub fn told_as(mut self, context: &str) -> Self {
        let message = self.in_ansibles_words();
        self.told.get_or_insert_with(|| format!("{context}{message}"));
        self
    }

    /// With all that `register` sees, and what is said under Ansible's names.
    pub fn told_in_full(mut self, told: impl Into<String>) -> Self {
        self.told = Some(told.into());
        self
    }

    /// With no kind that Ansible knows.
    pub fn plain(mut self) -> Self {
        self.plain = true;
        self
    }

    /// With the message in Ansible's words.
    pub fn words(mut self, words: impl Into<String>) -> Self {
        self.words = Some(words.into());
        self
    }

    /// The message in Ansible's words, or at least in its quotes.
    pub fn in_ansibles_words(&self) -> String {
        self.words.clone().unwrap_or_else(|| self.message.replace('`', "'"))
    }

    /// With one more note.
    pub fn note(mut self, message: impl Into<String>, place: Option<&Place>) -> Self {
        self.notes.push(Note { message: message.into(), place: place.cloned() });
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Diagnostic {}

/// Everything that was found, in the order it was found.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Whether one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    /// Adds all of another collection.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}
