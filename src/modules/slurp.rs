//! Reads a file of the host into the result, as base64.
//!
//! ```yaml
//! - name: The key that was generated
//!   ansible.builtin.slurp:
//!     src: /etc/app/key.pub
//!   register: key
//! ```

use base64::Engine as _;

use super::contract::{FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::params::PathText;
use super::paths;
use super::view::View;
use crate::wire::{Content, FileKind, Observation, Query};

/// The most bytes of a file that are read: an answer has to fit into a frame.
pub const SLURP_LIMIT: u64 = 48 << 20;

/// As `ansible.builtin.slurp`.
pub struct Slurp;

crate::params! {
    /// Parameters of `slurp`.
    pub struct SlurpParams {
        /// The file that is read; links are followed.
        src: PathText, aliases ["path"];
    }
}

impl Module for Slurp {
    type Params = SlurpParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "slurp",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("slurp.rs"),
        returns: &[
            ("content", "the file's bytes as base64"),
            ("encoding", "`base64`"),
            ("source", "the file that was read"),
        ],
    };

    fn plan(params: &SlurpParams, view: &View<'_>) -> Result<Step, Halt> {
        let path = paths::checked("src", &params.src)?;
        let query = Query::Content { path: path.clone(), limit: SLURP_LIMIT };
        let answer = view.ask(&query).map_err(|halt| not_readable(halt, &path))?;
        let bytes = match &*answer {
            Observation::Content(Content::Bytes(bytes)) => bytes,
            Observation::Content(Content::Absent) => return fail(format!("File not found: {path}")),
            Observation::Content(Content::NotAFile(FileKind::Directory)) => {
                return fail(format!("Source is a directory and must be a file: {path}"));
            }
            Observation::Content(Content::TooLarge { size }) => {
                return fail(format!(
                    "reading a file of {size} bytes is not supported: `{path}`, the limit is {SLURP_LIMIT}"
                ));
            }
            _ => return fail(format!("Unable to slurp file: {path}")),
        };
        let content = base64::engine::general_purpose::STANDARD.encode(bytes);
        let plan = Plan::nothing(format!("read {} bytes", bytes.len()));
        Ok(Step::Plan(plan.with("content", content).with("source", path).with("encoding", "base64")))
    }
}

/// A refusal in the original's words.
pub fn not_readable(halt: Halt, path: &str) -> Halt {
    match halt {
        Halt::Failed(mut failed) if failed.message.to_lowercase().contains("permission denied") => {
            failed.message = format!("File is not readable: {path}");
            Halt::Failed(failed)
        }
        other => other,
    }
}
