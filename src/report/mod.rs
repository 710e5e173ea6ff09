//! Row 6: events as text for people, as Ansible prints them, as JSON lines for programs. Takes any `impl Write`; knows no terminal but what
//! it is told.

pub mod ansible;
pub mod diagnostic;
pub mod diff;
pub mod json;
pub mod live;
pub mod scrub;
pub mod style;
pub mod terminal;

use crate::engine::Event;

/// Consumes the events of a run.
pub trait Reporter: Send {
    /// Takes the next event.
    ///
    /// # Errors
    /// The stream cannot be written to.
    fn event(&mut self, event: &Event) -> std::io::Result<()>;
}
