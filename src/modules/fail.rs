//! Fails with a message.
//!
//! ```yaml
//! - name: Not on this system
//!   ansible.builtin.fail:
//!     msg: only Debian is prepared for
//!   when: false
//! ```

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Step};
use super::params::Raw;
use super::view::View;
use crate::base::Value;
use crate::params;

/// As `ansible.builtin.fail`.
pub struct Fail;

params! {
    /// Parameters of `fail`.
    pub struct FailParams {
        /// The message.
        msg: Raw = Raw(Value::from("Failed as requested from task"));
    }
}

impl Module for Fail {
    type Params = FailParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "fail",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("fail.rs"),
        returns: &[("msg", "the message")],
    };

    fn plan(params: &FailParams, _: &View<'_>) -> Result<Step, Halt> {
        let FailParams { msg: Raw(message) } = params;
        let result = crate::map! {"msg" => message.clone()};
        Err(Failed { message: message.to_text(), result, ..Failed::default() }.into())
    }
}
