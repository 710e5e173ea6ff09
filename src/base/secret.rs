//! A text that must not be shown: it can be neither formatted nor serialised; `wire` seals it into frames.

use std::fmt;
use std::sync::Arc;

/// A secret text. `Debug` shows a mask; there is no `Display` and no `Serialize`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Marks a text as secret.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text itself. Every caller is a place to review: it may go to the host that needs it and nowhere else.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The text itself, shared. As with [`Self::reveal`], every caller is a place to review.
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹secret›")
    }
}
