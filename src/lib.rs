//! fleet: configures fleets of servers over SSH from Ansible's files, with nothing installed on them.

pub mod base;
pub mod cli;
pub mod config;
pub mod engine;
pub mod inventory;
pub mod lab;
pub mod lang;
pub mod manual;
pub mod modules;
pub mod plan;
pub mod project;
pub mod report;
pub mod secrets;
pub mod target;
pub mod template;
pub mod transport;
pub mod vars;
pub mod wire;
pub mod yaml;
