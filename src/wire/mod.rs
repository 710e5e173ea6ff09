//! Row 1: what travels between the controller and a target, and the only types that are serialised: queries and
//! their observations, actions and their outcomes, frames; and the pure prediction of what an action does to
//! observations. No I/O, no clock.

pub mod action;
pub mod command;
pub mod frame;
pub mod job;
pub mod observation;
pub mod outcome;
pub mod overlay;
pub mod protocol;
pub mod query;

pub use action::{Action, Attributes, Change, Effect, Expect, Footprint, HttpRequest, Owner};
pub use command::{Command, CommandOutput, Program, Sealed};
pub use job::{Job, JobRecord, Recipe};
pub use observation::{
    Content, Digest, Download, Entry, GroupEntry, Observation, ObserveError, PackageState, PackageStatus,
    Stat, UnitState, UserEntry,
};
pub use outcome::{Done, Failure, FailureKind, HttpAnswer, Outcome};
pub use overlay::Overlay;
pub use protocol::{FromTarget, Hello, PROTOCOL_VERSION, Step, StepAnswer, ToTarget};
pub use query::{Algorithm, FileKind, Follow, Query};
