//! Makes a temporary file or directory with a name that is not taken.
//!
//! ```yaml
//! - name: A place to build in
//!   ansible.builtin.tempfile:
//!     state: directory
//!     suffix: .build
//!   register: place
//! ```

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::params::PathText;
use super::paths;
use super::run;
use super::view::View;
use crate::base::Map;
use crate::wire::{Action, Change, Done, Failure};
use crate::{choices, params};

/// As `ansible.builtin.tempfile`.
pub struct TempFile;

choices! {
    /// What is made.
    pub enum TempState { Directory = "directory", File = "file" }
}

params! {
    /// Parameters of `tempfile`.
    pub struct TempParams {
        /// Whether a file (0600) or a directory (0700) is made.
        state: TempState = TempState::File;
        /// The directory that it is made in. Left out, it is the host's usual one (`$TMPDIR` or `/tmp`).
        path: Option<PathText>;
        /// How its name begins.
        prefix: String = "ansible.";
        /// How its name ends.
        suffix: String = "";
    }
}

impl Module for TempFile {
    type Params = TempParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "tempfile",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("tempfile.rs"),
        returns: &[("path", "the path that was made")],
    };

    fn plan(params: &TempParams, view: &View<'_>) -> Result<Step, Halt> {
        let TempParams { state, path, prefix, suffix } = params;
        for (name, text) in [("prefix", prefix), ("suffix", suffix)] {
            if text.contains('/') {
                return fail(format!("{name} must be a valid file name component, got '{text}'"));
            }
        }
        let mut words = vec!["mktemp".to_owned()];
        if *state == TempState::Directory {
            words.push("-d".to_owned());
        }
        match path {
            // a program's argument is not expanded; the place is its working directory
            Some(_) => words.push("-p".to_owned()),
            None => words.push("--tmpdir".to_owned()),
        }
        if path.is_some() {
            words.push(".".to_owned());
        }
        words.extend([format!("--suffix={suffix}"), "--".to_owned(), format!("{prefix}XXXXXXXX")]);
        let mut command = run::argv(view, words);
        command.directory = match path {
            Some(path) => Some(paths::checked("path", path)?),
            None => None,
        };
        let what = state.text();
        let plan = Plan { summary: format!("make a temporary {what}"), opaque: true, ..Plan::default() };
        let plan = plan.change(Change::new(Action::Run(command)));
        Ok(Step::Plan(plan.with("state", what)))
    }

    fn result(params: &TempParams, view: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        let Some(Done::Ran(output)) = outcomes.first() else { return Ok(plan.result.clone()) };
        let made = String::from_utf8_lossy(&output.stdout);
        let made = made.trim_end_matches('\n');
        let path = match &params.path {
            Some(directory) => paths::join(paths::trimmed(directory), made.trim_start_matches("./")),
            None => made.to_owned(),
        };
        let mut result = crate::map! {"path" => path.as_str()};
        if let Some(stat) = view.stat(&path, crate::wire::Follow::No)? {
            result.extend(super::attributes::path_keys(&stat));
        }
        Ok(result)
    }

    fn failure(_: &TempParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        run::failed("cannot make it", failure)
    }
}
