//! The messages between controller and target, and how one exchange goes.
//!
//! The controller may send before it has received the target's `Hello`. Each `Program` gets `Answers` with its id,
//! in one frame or several, the last with `complete`. Frames are described in [`super::frame`].

use serde::{Deserialize, Serialize};

use super::action::Action;
use super::observation::Observation;
use super::outcome::Outcome;
use super::query::Query;

/// Changes with every incompatible change of these types. A target of another version is refused and replaced.
pub const PROTOCOL_VERSION: u32 = 3;

/// One step of a program. Steps run in order; the first change that fails ends the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// Answer a question.
    Observe(Query),
    /// Carry out an instruction.
    Change(Action),
}

/// The answer to a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum StepAnswer {
    /// To `Observe`.
    Observed(Observation),
    /// To `Change`.
    Changed(Outcome),
    /// The step was not reached.
    NotRun,
}

/// What the controller sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToTarget {
    /// Content that a later program names by its hash, in pieces, in order.
    Content {
        /// SHA-256 in hexadecimal of the whole.
        sha256: String,
        /// Bytes of the whole.
        size: u64,
        /// This piece.
        #[serde(with = "serde_bytes")]
        piece: Vec<u8>,
    },
    /// An ordered program.
    Program {
        /// Chosen by the controller, answered with.
        id: u64,
        /// Its steps.
        steps: Vec<Step>,
        /// Milliseconds that it may take: then a command that still runs is killed with its process group, and no
        /// further step is begun.
        limit: Option<u64>,
    },
    /// Nothing follows; the target ends.
    Bye,
}

/// What the target sends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FromTarget {
    /// First of all, unasked.
    Hello(Hello),
    /// Answers to a program, a piece of them.
    Answers {
        /// The program.
        id: u64,
        /// The next answers, in the order of the steps.
        answers: Vec<StepAnswer>,
        /// Whether these are the last of that program.
        complete: bool,
    },
    /// The target cannot go on (a frame that does not decode …) and ends.
    Fatal {
        /// The cause.
        message: String,
    },
}

/// Who answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`PROTOCOL_VERSION`].
    pub protocol: u32,
    /// fleet's version.
    pub version: String,
    /// Login name of the user it runs as.
    pub user: String,
    /// That user's number.
    pub uid: u32,
    /// That user's home directory.
    pub home: String,
    /// `/etc/machine-id` where there is one: observations belong to the machine, not to a name.
    pub machine_id: Option<String>,
    /// `/proc/sys/kernel/random/boot_id` where there is one.
    pub boot_id: Option<String>,
    /// Everything that is remembered in this user's fleet state: key and names.
    pub remembered: Vec<(String, Vec<String>)>,
}
