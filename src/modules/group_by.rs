//! Puts hosts into groups that are named after what is known of them.
//!
//! ```yaml
//! - name: Groups by distribution
//!   ansible.builtin.group_by:
//!     key: "os_{{ ansible_facts['distribution'] }}"
//! ```

use super::contract::{Flow, FreeForm, Halt, Module, ModuleDoc, Step};
use super::view::View;
use crate::params;

/// As `ansible.builtin.group_by`.
pub struct GroupBy;

params! {
    /// Parameters of `group_by`.
    pub struct GroupByParams {
        /// The group's name; spaces become hyphens.
        key: String;
        /// The groups that it is put below. By default `all`.
        parents: Vec<String>;
    }
}

impl Module for GroupBy {
    type Params = GroupByParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "group_by",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("group_by.rs"),
        returns: &[("add_group", "the group"), ("parent_groups", "the groups above it")],
    };

    fn plan(params: &GroupByParams, _: &View<'_>) -> Result<Step, Halt> {
        let GroupByParams { key, parents } = params;
        let hyphens = |name: &str| name.replace(' ', "-");
        let parents: Vec<String> = if parents.is_empty() {
            vec!["all".to_owned()]
        } else {
            parents.iter().map(|parent| hyphens(parent)).collect()
        };
        Ok(Step::Flow(Flow::GroupBy { key: hyphens(key), parents }))
    }
}
