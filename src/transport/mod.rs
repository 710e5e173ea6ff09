//! Row 4: how fleet reaches a host. SSH with OpenSSH's own configuration, the local machine, and any command that
//! gives a pipe; fleet's self-upload; `become`; and the exchange of frames with `fleet remote`.
//!
//! A [`Connector`] serves one run. It gives a [`Connection`] per host, and that a [`Session`] per user. Nothing is
//! run on a host before the first exchange (or [`Connection::raw`]) asks for it.

mod args;
mod auth;
mod bootstrap;
mod channel;
mod connection;
mod connector;
mod content;
mod destination;
mod elevate;
mod error;
mod handshake;
mod jump;
mod keys;
mod known_hosts;
mod local;
mod payload;
mod pipe;
mod process;
mod raw;
mod session;
mod settings;
mod ssh_config;
mod stream;
mod surroundings;
mod tcp;
mod trunk;
mod upload;

pub use connection::{Connection, Counters};
pub use connector::{Connector, LocalTarget, Options, Watch};
pub use destination::{Become, BecomeMethod, Destination, HostKeyChecking, Kind};
pub use error::{BecomeProblem, ConnectError, SessionError};
pub use surroundings::Surroundings;

pub use session::Session;

#[cfg(test)]
mod tests;
