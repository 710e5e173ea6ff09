//! fleet: configures fleets of servers over SSH from Ansible's files.

pub mod cli;
pub mod lab;
