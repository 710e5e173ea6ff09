//! Row 4: pure: what a task means on a host at its turn: variables, conditions, loops, parameters.

pub mod bind;
pub mod check;
pub mod tags;
pub mod variables;
