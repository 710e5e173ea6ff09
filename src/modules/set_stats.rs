//! Sets numbers and texts that are shown at the end of the run.
//!
//! ```yaml
//! - name: Count the releases
//!   ansible.builtin.set_stats:
//!     data:
//!       releases: 1
//!     aggregate: true
//! ```

use super::contract::{Flow, FreeForm, Halt, Module, ModuleDoc, Step, fail};
use super::params::Raw;
use super::view::View;
use crate::base::{Map, Value};
use crate::params;

/// As `ansible.builtin.set_stats`.
pub struct SetStats;

params! {
    /// Parameters of `set_stats`.
    pub struct SetStatsParams {
        /// The statistics by name.
        data: Raw;
        /// Whether they are those of the host instead of the whole run.
        per_host: bool = false;
        /// Whether they are added to what is there (numbers, texts, lists, mappings) instead of replacing it.
        aggregate: bool = true;
    }
}

impl Module for SetStats {
    type Params = SetStatsParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "set_stats",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("set_stats.rs"),
        returns: &[("ansible_stats", "the statistics and how they are kept")],
    };

    fn plan(params: &SetStatsParams, _: &View<'_>) -> Result<Step, Halt> {
        let SetStatsParams { data, per_host, aggregate } = params;
        let data = match &data.0 {
            Value::Map(entries) => (**entries).clone(),
            Value::Null => Map::new(),
            other => {
                return fail(format!(
                    "The 'data' option needs to be a dictionary/hash, but is {}",
                    other.to_repr()
                ));
            }
        };
        for name in data.keys() {
            let name = name.to_string();
            if !super::set_fact::is_name(&name) {
                return fail(format!("The variable name '{name}' is not valid."));
            }
        }
        Ok(Step::Flow(Flow::Stats { data, per_host: *per_host, aggregate: *aggregate }))
    }
}
