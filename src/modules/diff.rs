//! What differs, for the reader: data, not text; `report` shows it.

use std::sync::Arc;

/// One difference.
#[derive(Clone, Debug, PartialEq)]
pub enum Diff {
    /// The text of a file (or of something like it). `None` is "not there".
    Text {
        /// The path.
        subject: String,
        /// Before.
        before: Option<Arc<str>>,
        /// After.
        after: Option<Arc<str>>,
    },
    /// A content that is not shown: binary, too large, or not readable.
    Opaque {
        /// The path.
        subject: String,
        /// Size in bytes and SHA-1, where it was there.
        before: Option<(u64, String)>,
        /// Size in bytes and SHA-1, where it will be there.
        after: Option<(u64, String)>,
    },
    /// One attribute: `mode: 0600 → 0644`, `state: absent → directory`, `version: 1 → 2`.
    Attribute {
        /// What has it: a path, `package nginx`, `user app`, `unit nginx.service`.
        subject: String,
        /// Its name.
        name: String,
        /// Before; empty where there was none.
        before: String,
        /// After; empty where there will be none.
        after: String,
    },
}

impl Diff {
    /// A changed attribute.
    pub fn attribute(
        subject: impl Into<String>,
        name: impl Into<String>,
        before: impl ToString,
        after: impl ToString,
    ) -> Self {
        Self::Attribute {
            subject: subject.into(),
            name: name.into(),
            before: before.to_string(),
            after: after.to_string(),
        }
    }

    /// A changed content: as text where both sides are UTF-8 without NUL, else by size and hash.
    pub fn content(subject: impl Into<String>, before: Option<&[u8]>, after: Option<&[u8]>) -> Self {
        fn text(bytes: Option<&[u8]>) -> Option<Option<Arc<str>>> {
            match bytes {
                None => Some(None),
                Some(bytes) if bytes.contains(&0) => None,
                Some(bytes) => std::str::from_utf8(bytes).ok().map(|text| Some(Arc::from(text))),
            }
        }
        fn sum(bytes: Option<&[u8]>) -> Option<(u64, String)> {
            bytes.map(|bytes| {
                (bytes.len() as u64, crate::wire::action::hex(&<sha1::Sha1 as sha1::Digest>::digest(bytes)))
            })
        }
        let subject = subject.into();
        match (text(before), text(after)) {
            (Some(before), Some(after)) => Self::Text { subject, before, after },
            _ => Self::Opaque { subject, before: sum(before), after: sum(after) },
        }
    }
}
