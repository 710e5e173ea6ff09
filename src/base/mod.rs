//! Row 0: spans, diagnostics, values, the secrets' type, names and wording, Python's regular expressions. Imports no other
//! room.

pub mod configparser;
pub mod csv;
pub mod diagnostic;
pub mod names;
pub mod place;
pub mod pyregex;
pub mod secret;
pub mod shlex;
pub mod value;

pub use diagnostic::{Diagnostic, Diagnostics, Kind, Severity};
pub use place::{Place, Source};
pub use secret::Secret;
pub use value::{
    JsonStyle, Key, Map, Moment, MomentForm, TemplateText, TextForm, Unknown, Value, offset_text,
};
