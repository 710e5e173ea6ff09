//! Answers `pong` once the host has been reached.
//!
//! ```yaml
//! - name: Is the host there
//!   ansible.builtin.ping:
//! ```

use super::contract::{FreeForm, Halt, Module, ModuleDoc, Plan, Step};
use super::view::View;
use crate::params;

/// As `ansible.builtin.ping`.
pub struct Ping;

params! {
    /// Parameters of `ping`.
    pub struct PingParams {
        /// What comes back as `ping`. The text `crash` makes the task fail, as the original does.
        data: String = "pong";
    }
}

impl Module for Ping {
    type Params = PingParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "ping",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("ping.rs"),
        returns: &[("ping", "the value of `data`")],
    };

    fn plan(params: &PingParams, view: &View<'_>) -> Result<Step, Halt> {
        let PingParams { data } = params;
        // any answer shows that the host can be reached
        view.stat("/", crate::wire::Follow::Yes)?;
        if data == "crash" {
            return super::contract::fail("boom");
        }
        Ok(Step::Plan(Plan::nothing("the host answers").with("ping", data.as_str())))
    }
}
