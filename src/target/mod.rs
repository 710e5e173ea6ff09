//! Row 3: the target's side. It executes what [`crate::wire`] describes on the real system and decides nothing.
//!
//! [`serve`] answers programs over any pair of pipes; [`remote_main`] is the process `fleet remote`. Everything is
//! synchronous: one program at a time, its steps in order. This is the only room with `unsafe` code.

mod act;
mod beside;
mod cause;
mod command;
mod content_store;
mod converse;
pub mod facts;
mod host;
mod job;
mod names;
mod nss;
mod observe;
mod paths;
mod places;
mod remembered;
mod remote;
mod session;
mod terminal;

pub use act::{act_here, http_request};
pub use nss::nss_setup;
pub use remote::remote_main;
pub use session::{MARKER, ServeError, serve};

#[cfg(test)]
mod tests;
