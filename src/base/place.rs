//! Where something stands in a file: a source with its text, and a line and column in it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// One text that was read: its path as it is shown to people, and its content.
#[derive(PartialEq, Eq)]
pub struct Source {
    /// The path as shown in messages; for texts without a file a name in angle brackets (`<command line>`).
    pub path: PathBuf,
    /// The whole text.
    pub text: String,
    /// Whether its lines must not be shown: the file is encrypted.
    pub hidden: bool,
}

impl Source {
    /// A source from a path as shown and its text.
    pub fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { path: path.into(), text: text.into(), hidden: false })
    }

    /// The same of a file that is encrypted: its lines are never shown.
    pub fn hidden(path: impl Into<PathBuf>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { path: path.into(), text: text.into(), hidden: true })
    }

    /// The text of a line (1-based) without its line break.
    pub fn line(&self, line: u32) -> Option<&str> {
        self.text.lines().nth(usize::try_from(line).ok()?.checked_sub(1)?)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({})", self.path.display())
    }
}

/// A place in a source. Cheap to clone; it keeps its source alive, so a message can always show the line.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    /// The text that this place lies in.
    pub source: Arc<Source>,
    /// Line, counted from 1.
    pub line: u32,
    /// Column in characters, counted from 1.
    pub column: u32,
    /// How many characters are meant, on this line; at least 1.
    pub length: u32,
}

impl Place {
    /// A place of one character.
    pub fn new(source: &Arc<Source>, line: u32, column: u32) -> Self {
        Self { source: Arc::clone(source), line, column, length: 1 }
    }

    /// The same place, with the number of characters that are meant.
    pub fn with_length(mut self, length: u32) -> Self {
        self.length = length.max(1);
        self
    }

    /// The first character of a source: for what concerns a whole file.
    pub fn start_of(source: &Arc<Source>) -> Self {
        Self::new(source, 1, 1)
    }

    /// The source line as it may be shown, without its line break; nothing where the file is encrypted.
    pub fn source_line(&self) -> Option<&str> {
        if self.source.hidden { None } else { self.source.line(self.line) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.source.path.display(), self.line, self.column)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
