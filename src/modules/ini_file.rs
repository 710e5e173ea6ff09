//! Keeps an option in a section of an INI file.
//!
//! ```yaml
//! - name: The log is kept for a month
//!   community.general.ini_file:
//!     path: /etc/app/app.ini
//!     section: log
//!     option: keep_days
//!     value: "30"
//!     mode: "0640"
//! ```

mod edit;

use super::attributes::FileAttributes;
use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::edit_file::{self, Editing};
use super::params::{PathText, Rule};
use super::paths;
use super::view::View;
use super::write_file;
use crate::base::{Map, Value};
use crate::wire::{Done, Failure, Follow};
use crate::{choices, params};
use edit::{Condition, Edit};

/// As `community.general.ini_file`.
pub struct IniFile;

choices! {
    /// Whether it shall be there.
    pub enum IniState { Absent = "absent", Present = "present" }
}

params! {
    /// Parameters of `ini_file`.
    pub struct IniParams {
        /// The file.
        path: PathText, aliases ["dest"];
        /// The section. Left out or null, the option stands before all sections.
        section: Option<String>;
        /// Options (each a mapping of `option`, and `value` or `values`) that the section must have: of several sections
        /// of that name the first that has them is meant.
        section_has_values: Vec<Map>;
        /// The option. Left out, the section as a whole is meant.
        option: Option<String>;
        /// What the option shall be; also what is looked for where it is removed with `exclusive: false`.
        value: Option<String>;
        /// Its values, for an option that is there several times.
        values: Option<Vec<String>>;
        /// Whether the former file is kept beside the new one, its name and the time in the name.
        backup: bool = false;
        /// Whether the option or section shall be there.
        state: IniState = IniState::Present;
        /// Whether all other lines of the option are removed.
        exclusive: bool = true;
        /// Whether there are no spaces around the `=`.
        no_extra_spaces: bool = false;
        /// Whether a line that differs in spaces only stays.
        ignore_spaces: bool = false;
        /// Whether an option without a value is allowed.
        allow_no_value: bool = false;
        /// Whether an option that is commented out is taken for the option and changed.
        modify_inactive_option: bool = true;
        /// Whether a file that is not there is made.
        create: bool = true;
        /// Whether, where the file is a symbolic link, the file that it leads to is written.
        follow: bool = false;
    }
    include { attributes: FileAttributes }
    rules [Rule::MutuallyExclusive(&["value", "values"])]
}

impl Module for IniFile {
    type Params = IniParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "ini_file",
        collection: "community.general",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("ini_file.rs"),
        returns: &[
            ("msg", "what was done: `OK`, `option added`, `option changed`, `section removed`"),
            ("path", "the file"),
            ("backup_file", "the former file, where it was kept"),
        ],
    };

    fn plan(params: &IniParams, view: &View<'_>) -> Result<Step, Halt> {
        let path = paths::checked("path", &params.path)?;
        let mut values = match (&params.value, &params.values) {
            (Some(value), _) => vec![value.clone()],
            (None, Some(values)) => values.clone(),
            (None, None) => Vec::new(),
        };
        if params.state == IniState::Present && !params.allow_no_value && values.is_empty() {
            return fail("Parameter 'value(s)' must be defined if state=present and allow_no_value=False.");
        }
        let mut seen: Vec<String> = Vec::new();
        values.retain(|value| {
            let is_new = !seen.contains(value);
            seen.push(value.clone());
            is_new
        });
        let mut editing = Editing::open("ini_file", &path, &params.attributes, view)?;
        editing.backup = params.backup && editing.before.is_some();
        editing.follow = if params.follow { Follow::Yes } else { Follow::No };
        if editing.before.is_none() && !params.create {
            let message = format!("Destination {path} does not exist!");
            let result = crate::map! {"rc" => 257};
            return Err(Failed { message, result, ..Failed::default() }.into());
        }
        let conditions = params.section_has_values.iter().map(condition).collect::<Result<_, _>>()?;
        let text = editing.text();
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let edit = Edit { params, values, conditions };
        let done = edit.run(text);
        let mut plan = Plan::default();
        let after =
            if done.changed { done.text.into_bytes() } else { editing.before.clone().unwrap_or_default() };
        if done.changed || editing.before.is_some() {
            editing.write(&mut plan, after, view)?;
        }
        plan.summary =
            if plan.changes.is_empty() { "already so".to_owned() } else { done.message.to_owned() };
        plan.changed = Some(done.changed || !plan.changes.is_empty());
        plan.result.shift_remove("dest");
        plan.result.shift_remove("checksum");
        plan.result.shift_remove("md5sum");
        Ok(Step::Plan(plan.with("msg", done.message).with("path", path)))
    }

    fn result(_: &IniParams, view: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        write_file::final_result(view, plan, outcomes)
    }

    fn failure(_: &IniParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        edit_file::refused(failure)
    }
}

fn condition(entry: &Map) -> Result<Condition, Halt> {
    let Some(option) = entry.get("option") else {
        return fail("missing required arguments: option found in section_has_values");
    };
    let values = match (entry.get("value"), entry.get("values")) {
        (Some(value), _) if *value != Value::Null => vec![value.to_text()],
        (_, Some(values)) => match values.as_list() {
            Some(values) => values.iter().map(Value::to_text).collect(),
            None => vec![values.to_text()],
        },
        _ => Vec::new(),
    };
    Ok(Condition { option: option.to_text(), values })
}
