//! Reboots the host and waits until it is back.
//!
//! ```yaml
//! - name: Start the new kernel
//!   ansible.builtin.reboot:
//!     msg: A new kernel was installed
//!     reboot_timeout: 900
//! ```

use super::contract::{Errand, FreeForm, Halt, Module, ModuleDoc, RebootHost, Step};
use super::view::View;
use crate::params;

/// As `ansible.builtin.reboot`.
pub struct Reboot;

params! {
    /// Parameters of `reboot`.
    pub struct RebootParams {
        /// A command that prints something else after every boot. By default the kernel's boot id is read, or what
        /// tells the time of the boot on other systems.
        boot_time_command: Option<String>;
        /// Seconds that one try to connect may take. By default the connection's own.
        connect_timeout: Option<u32>, aliases ["connect_timeout_sec"];
        /// What is shown to the host's users.
        msg: String = "Reboot initiated by Ansible";
        /// Seconds to wait after the host was told to reboot, before the first try to connect.
        post_reboot_delay: i64 = 0i64, aliases ["post_reboot_delay_sec"];
        /// Seconds before the reboot, told to `shutdown`, which on Linux counts in whole minutes.
        pre_reboot_delay: i64 = 0i64, aliases ["pre_reboot_delay_sec"];
        /// Seconds within which the host must have rebooted, and then within which `test_command` must succeed.
        reboot_timeout: u32 = 600u32, aliases ["reboot_timeout_sec"];
        /// Directories in which the command is looked for on the host.
        search_paths: Vec<String> =
            ["/sbin", "/bin", "/usr/sbin", "/usr/bin", "/usr/local/sbin"].map(str::to_owned).to_vec();
        /// A command that succeeds once the host is ready.
        test_command: Option<String>;
        /// The command that reboots, with its arguments. `msg` and `pre_reboot_delay` then have no effect.
        reboot_command: Option<String>;
    }
}

impl Module for Reboot {
    type Params = RebootParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "reboot",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("reboot.rs"),
        returns: &[("rebooted", "whether the host was rebooted"), ("elapsed", "seconds that it took")],
    };

    fn plan(params: &RebootParams, _: &View<'_>) -> Result<Step, Halt> {
        let RebootParams {
            boot_time_command,
            connect_timeout,
            msg,
            post_reboot_delay,
            pre_reboot_delay,
            reboot_timeout,
            search_paths,
            test_command,
            reboot_command,
        } = params.clone();
        let seconds = |given: i64| u32::try_from(given.max(0)).unwrap_or(u32::MAX);
        Ok(Step::Errand(Errand::Reboot(RebootHost {
            boot_time_command,
            connect_timeout,
            message: msg,
            delay_after: seconds(post_reboot_delay),
            delay_before: seconds(pre_reboot_delay),
            timeout: reboot_timeout,
            search_paths,
            test_command,
            command: reboot_command,
        })))
    }
}
