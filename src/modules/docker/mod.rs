//! What the modules of Docker share: the Engine's API, names of images, logins, differences.
//!
//! The Engine is asked over its own socket, so that a host needs nothing besides it; only what streams archives
//! (build, load, save) and what runs inside of a container goes through the `docker` program.

pub mod api;
pub mod auth;
pub mod differences;
pub mod filters;
pub mod image;
pub mod images;
pub mod options;

pub use api::{DockerParams, Engine};
pub use differences::{Comparison, Differences, Kind};
