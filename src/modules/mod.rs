//! Row 3: the modules, pure functions from parameters and what is known to a plan. One file each.
//!
//! This file is the registry; [`contract`] is what a module is, [`params`] how its parameters are declared.

pub mod contract;
pub mod diff;
pub mod params;
pub mod registry;
pub mod view;

mod acl;
mod add_host;
mod alternatives;
mod apt;
mod apt_key;
mod apt_repository;
mod archive;
mod assemble;
mod assert;
mod async_status;
mod attributes;
mod authorized_key;
mod blockinfile;
mod command;
mod copy;
mod cron;
mod deb822_repository;
mod debconf;
mod debug;
mod dnf;
mod dpkg_selections;
mod edit_file;
mod encoding;
mod expect;
mod fail;
mod fetch;
mod file;
mod find;
pub mod foreign;
mod get_url;
mod getent;
mod git;
mod group;
mod group_by;
mod hostname;
mod htpasswd;
mod include_vars;
mod ini_file;
mod iptables;
mod known_hosts;
mod lineinfile;
mod locale_gen;
mod located;
mod modprobe;
mod mount;
mod package;
mod package_facts;
mod pam_limits;
mod paths;
mod patterns;
mod pause;
mod ping;
mod pip;
mod raw;
mod reboot;
mod replace;
mod rpm_key;
mod run;
mod script;
mod service;
mod service_facts;
mod set_fact;
mod set_stats;
mod setup;
mod shell;
mod slurp;
mod stat;
mod sysctl;
mod systemd_service;
mod tempfile;
mod template;
mod timezone;
mod ufw;
mod unarchive;
mod uri;
mod user;
mod validate_argument_spec;
mod wait_for;
mod wait_for_connection;
mod web;
mod write_file;
mod yum_repository;

use crate::base::shlex as words;

#[cfg(test)]
mod testing;

pub use contract::{
    AnyModule, Errand, Flow, FreeForm, Halt, IncludeVars, Module, ModuleDoc, Pause, Plan, Planned,
    RebootHost, Reconnect, Side, Step, Wait, Wanted,
};
pub use diff::Diff;
pub use foreign::{FOREIGN, Packed};
pub use params::{Field, Given, ParamProblem, Rule};
pub use registry::{MODULES, find};
pub use view::{Asked, Context, Controller, Known, Rendered, Search, TemplateOptions, View};
