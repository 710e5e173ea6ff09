//! fleet: configures fleets of servers over SSH from Ansible's files, with nothing installed on them.

pub mod base;
pub mod inventory;
pub mod lang;
pub mod project;
pub mod template;
pub mod vars;
pub mod wire;
pub mod yaml;
