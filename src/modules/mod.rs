//! Row 3: the modules, pure functions from parameters and what is known to a plan. One file each.
//!
//! This file is the registry; [`contract`] is what a module is, [`params`] how its parameters are declared.

pub mod contract;
pub mod diff;
pub mod params;
pub mod registry;
pub mod view;

mod apt;
mod assert;
mod attributes;
mod command;
mod copy;
mod debug;
mod fail;
mod file;
mod group;
mod lineinfile;
mod package;
mod paths;
mod patterns;
mod ping;
mod raw;
mod run;
mod service;
mod set_fact;
mod setup;
mod shell;
mod stat;
mod systemd_service;
mod template;
mod uri;
mod user;
mod wait_for;
mod write_file;

use crate::base::shlex as words;

#[cfg(test)]
mod testing;

pub use contract::{AnyModule, FreeForm, Halt, Module, ModuleDoc, Plan, Planned, Side, Step, Wait, Wanted};
pub use diff::Diff;
pub use params::{Field, Given, ParamProblem};
pub use registry::{MODULES, find};
pub use view::{Asked, Context, Controller, Known, Rendered, Search, TemplateOptions, View};
