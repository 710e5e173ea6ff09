//! Reads variables from files, for the host, from now on.
//!
//! ```yaml
//! - name: Variables of the distribution
//!   ansible.builtin.include_vars:
//!     file: "{{ ansible_facts['distribution'] }}.yml"
//! ```

use super::contract::{Flow, FreeForm, Halt, IncludeVars, Module, ModuleDoc, Step, fail};
use super::params::Rule;
use super::view::View;
use crate::params;

/// As `ansible.builtin.include_vars`.
pub struct IncludeVarsFiles;

params! {
    /// Parameters of `include_vars`.
    pub struct IncludeVarsParams {
        /// The file, looked for in `vars/` of the role and beside the task's file and the playbook.
        file: Option<String>, aliases ["_raw_params"];
        /// A directory whose files are all read, in alphabetical order.
        dir: Option<String>;
        /// The variable that the variables are put into. By default they are variables themselves.
        name: Option<String>;
        /// How many directories deep; 0 is without an end.
        depth: u32 = 0u32;
        /// A regular expression that the names of files in `dir` must match.
        files_matching: Option<String>;
        /// Names of files in `dir` that are not read.
        ignore_files: Vec<String>;
        /// Endings of the files in `dir` that are read. By default `yaml`, `yml` and `json`.
        extensions: Vec<String>;
        /// Whether files in `dir` with other endings are passed over instead of being an error.
        ignore_unknown_extensions: bool = false;
        /// `merge`: mappings are merged with those that the host has; `replace`: they replace them.
        hash_behaviour: Option<String>;
    }
    rules [
        Rule::MutuallyExclusive(&["file", "dir"]),
    ]
}

impl Module for IncludeVarsFiles {
    type Params = IncludeVarsParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "include_vars",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Raw("file"),
        source: include_str!("include_vars.rs"),
        returns: &[
            ("ansible_facts", "the variables"),
            ("ansible_included_var_files", "the files that were read"),
        ],
    };

    fn plan(params: &IncludeVarsParams, _: &View<'_>) -> Result<Step, Halt> {
        let IncludeVarsParams {
            file,
            dir,
            name,
            depth,
            files_matching,
            ignore_files,
            extensions,
            ignore_unknown_extensions,
            hash_behaviour,
        } = params.clone();
        let merge = match hash_behaviour.as_deref() {
            None => None,
            Some("merge") => Some(true),
            Some("replace") => Some(false),
            Some(other) => return fail(format!("`hash_behaviour` is `replace` or `merge`, not `{other}`")),
        };
        let extensions = if extensions.is_empty() {
            ["yaml", "yml", "json"].map(str::to_owned).to_vec()
        } else {
            extensions.iter().map(|ending| ending.trim_start_matches('.').to_owned()).collect()
        };
        Ok(Step::Flow(Flow::IncludeVars(IncludeVars {
            file,
            dir,
            name,
            depth,
            files_matching,
            ignore_files,
            extensions,
            ignore_unknown_extensions,
            merge,
        })))
    }
}
