//! Row 3: the modules, pure functions from parameters and what is known to a plan. One file each.
//!
//! This file is the registry; [`contract`] is what a module is, [`params`] how its parameters are declared.

pub mod contract;
pub mod diff;
pub mod params;
pub mod registry;
pub mod view;

mod add_host;
mod apt;
mod assert;
mod attributes;
mod command;
mod copy;
mod debug;
mod fail;
mod file;
mod group;
mod group_by;
mod include_vars;
mod lineinfile;
mod package;
mod paths;
mod patterns;
mod pause;
mod ping;
mod raw;
mod run;
mod service;
mod set_fact;
mod set_stats;
mod setup;
mod shell;
mod stat;
mod systemd_service;
mod template;
mod uri;
mod user;
mod validate_argument_spec;
mod wait_for;
mod write_file;

use crate::base::shlex as words;

#[cfg(test)]
mod testing;

pub use contract::{
    AnyModule, Flow, FreeForm, Halt, IncludeVars, Module, ModuleDoc, Pause, Plan, Planned, Side, Step, Wait,
    Wanted,
};
pub use diff::Diff;
pub use params::{Field, Given, ParamProblem};
pub use registry::{MODULES, find};
pub use view::{Asked, Context, Controller, Known, Rendered, Search, TemplateOptions, View};
