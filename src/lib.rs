//! fleet: configures fleets of servers over SSH from Ansible's files, with nothing installed on them.

pub mod base;
pub mod target;
pub mod wire;
