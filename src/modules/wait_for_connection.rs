//! Waits until the host can be reached and worked on, with a new connection.
//!
//! ```yaml
//! - name: The host has come up
//!   ansible.builtin.wait_for_connection:
//!     delay: 5
//!     timeout: 300
//! ```

use super::contract::{Errand, FreeForm, Halt, Module, ModuleDoc, Reconnect, Step};
use super::view::View;
use crate::params;

/// As `ansible.builtin.wait_for_connection`.
pub struct WaitForConnection;

params! {
    /// Parameters of `wait_for_connection`.
    pub struct WaitForConnectionParams {
        /// Seconds that one try may take to connect.
        connect_timeout: u32 = 5u32;
        /// Seconds before the first try.
        delay: u32 = 0u32;
        /// Seconds between two tries.
        sleep: u32 = 1u32;
        /// Seconds after which the task fails.
        timeout: u32 = 600u32;
    }
}

impl Module for WaitForConnection {
    type Params = WaitForConnectionParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "wait_for_connection",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("wait_for_connection.rs"),
        returns: &[("elapsed", "seconds that it took")],
    };

    fn plan(params: &WaitForConnectionParams, _: &View<'_>) -> Result<Step, Halt> {
        let WaitForConnectionParams { connect_timeout, delay, sleep, timeout } = *params;
        Ok(Step::Errand(Errand::Reconnect(Reconnect { connect_timeout, delay, sleep, timeout })))
    }
}
