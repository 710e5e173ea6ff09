//! Row 4: what may stand in files, told to people and to editors: the manual of the modules, and the JSON schema. Pure.
//!
//! All of it is made from what the program itself goes by: the parameters of `modules`, the keywords of `lang`.

pub mod actions;
pub mod module;
pub mod page;
pub mod schema;
pub mod support;

pub use module::Manual;
