//! Sets what dpkg shall do with a package: hold it, install it, remove it.
//!
//! ```yaml
//! - name: The kernel stays
//!   ansible.builtin.dpkg_selections:
//!     name: linux-image-amd64
//!     selection: hold
//! ```

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::diff::Diff;
use super::run;
use super::view::View;
use crate::wire::{Action, Change, Failure, Sealed};
use crate::{choices, params};

/// As `ansible.builtin.dpkg_selections`.
pub struct DpkgSelections;

choices! {
    /// What dpkg shall do.
    pub enum Selection { Deinstall = "deinstall", Hold = "hold", Install = "install", Purge = "purge" }
}

params! {
    /// Parameters of `dpkg_selections`.
    pub struct SelectionParams {
        /// The package.
        name: String;
        /// What dpkg shall do with it.
        selection: Selection;
    }
}

impl Module for DpkgSelections {
    type Params = SelectionParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "dpkg_selections",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("dpkg_selections.rs"),
        returns: &[("before", "the selection as it was"), ("after", "the selection")],
    };

    fn plan(params: &SelectionParams, view: &View<'_>) -> Result<Step, Halt> {
        let SelectionParams { name, selection } = params;
        let words = ["dpkg", "--get-selections", name];
        let Some(output) = run::read(view, words)? else {
            return fail("Failed to find required executable \"dpkg\" on the host");
        };
        if String::from_utf8_lossy(&output.stderr).contains("no packages found matching") {
            return fail(format!(
                "Failed to find package '{name}' to perform selection '{}'.",
                selection.text()
            ));
        }
        let text = run::stdout(&output);
        let before = text.split_whitespace().nth(1).unwrap_or("not present").to_owned();
        let after = selection.text();
        let mut plan = Plan::nothing(format!("already {after}"));
        if before != after {
            let mut command = run::argv(view, ["dpkg", "--set-selections"]);
            command.stdin = Some(Sealed::text(format!("{name} {after}\n")));
            let change = Change::new(Action::Run(command))
                .effect(run::will_print(run::reading(words), format!("{name}\t{after}\n")));
            plan = Plan::nothing(format!("{after} {name}")).change(change).diff(Diff::attribute(
                format!("package {name}"),
                "selection",
                &before,
                after,
            ));
        }
        Ok(Step::Plan(plan.with("before", before).with("after", after)))
    }

    fn failure(_: &SelectionParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        run::failed("cannot set the selection", failure)
    }
}
