//! Tells how an asynchronous task stands, or removes its file.
//!
//! ```yaml
//! - name: The backup has ended
//!   ansible.builtin.async_status:
//!     jid: "{{ backup.ansible_job_id }}"
//!   register: job
//!   until: job is finished
//!   retries: 100
//! ```

use super::contract::{Errand, FreeForm, Halt, Module, ModuleDoc, Step};
use super::view::View;
use crate::{choices, params};

/// As `ansible.builtin.async_status`.
pub struct AsyncStatus;

choices! {
    /// What is done.
    pub enum Mode { Cleanup = "cleanup", Status = "status" }
}

params! {
    /// Parameters of `async_status`.
    pub struct AsyncStatusParams {
        /// The job's name, `ansible_job_id` of the task that started it.
        jid: String;
        /// `status`: how the job stands, and its result once it has ended; `cleanup`: the file that tells of it is
        /// removed.
        mode: Mode = Mode::Status;
    }
}

impl Module for AsyncStatus {
    type Params = AsyncStatusParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "async_status",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("async_status.rs"),
        returns: &[
            ("ansible_job_id", "the job's name"),
            ("started", "whether it has been started"),
            ("finished", "whether it has ended; then the keys of its own result are here too"),
            ("results_file", "the file that tells of it"),
            ("erased", "the file that was removed"),
        ],
    };

    fn plan(params: &AsyncStatusParams, _: &View<'_>) -> Result<Step, Halt> {
        let AsyncStatusParams { jid, mode } = params;
        Ok(Step::Errand(match mode {
            Mode::Status => Errand::JobStatus { id: jid.clone() },
            Mode::Cleanup => Errand::JobCleanup { id: jid.clone() },
        }))
    }
}
