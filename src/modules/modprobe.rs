//! Loads or unloads a module of the kernel.
//!
//! ```yaml
//! - name: Bridges are filtered
//!   community.general.modprobe:
//!     name: br_netfilter
//!     persistent: present
//! ```

use super::attributes::FileAttributes;
use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step};
use super::diff::Diff;
use super::edit_file::{self, Editing};
use super::paths;
use super::run;
use super::view::View;
use super::words;
use crate::base::Map;
use crate::wire::{Content, Effect, Failure, FileKind, Observation, Query};
use crate::{choices, params};

/// As `community.general.modprobe`.
pub struct Modprobe;

choices! {
    /// Whether it shall be loaded.
    pub enum ModuleState { Absent = "absent", Present = "present" }
}

choices! {
    /// Whether it shall be loaded when the host starts.
    pub enum Persistent { Disabled = "disabled", Absent = "absent", Present = "present" }
}

params! {
    /// Parameters of `modprobe`.
    pub struct ModprobeParams {
        /// The module.
        name: String;
        /// Whether it shall be loaded.
        state: ModuleState = ModuleState::Present;
        /// Its parameters, with spaces between them.
        params: String = "";
        /// Whether it shall be loaded when the host starts; `disabled` leaves that as it is.
        persistent: Persistent = Persistent::Disabled;
    }
}

const LOAD: &str = "/etc/modules-load.d";
const OPTIONS: &str = "/etc/modprobe.d";

fn loaded_query() -> Query {
    Query::Content { path: "/proc/modules".to_owned(), limit: 16 << 20 }
}

impl Module for Modprobe {
    type Params = ModprobeParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "modprobe",
        collection: "community.general",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("modprobe.rs"),
        returns: &[("name", "the module"), ("state", "whether it is loaded"), ("params", "its parameters")],
    };

    fn plan(params: &ModprobeParams, view: &View<'_>) -> Result<Step, Halt> {
        let ModprobeParams { name, state, params: arguments, persistent } = params;
        view.want([loaded_query()]);
        let loaded = match &*view.ask(&loaded_query())? {
            Observation::Content(Content::Bytes(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
            _ => String::new(),
        };
        let line = format!("{} ", name.replace('-', "_"));
        let is_loaded = loaded.lines().any(|found| found.starts_with(&line)) || is_built_in(name, view)?;
        let mut plan = Plan::default();
        let answer = |text: String| {
            Effect::Answer(loaded_query(), Observation::Content(Content::Bytes(text.into_bytes())))
        };
        match state {
            ModuleState::Present if !is_loaded => {
                let mut command = vec!["modprobe".to_owned(), name.clone()];
                command.extend(words::split(arguments).or_else(super::contract::fail)?);
                let after = format!("{line}0 0 - Live 0x0\n{loaded}");
                plan = plan.change(run::change(view, command).effect(answer(after))).diff(Diff::attribute(
                    format!("module {name}"),
                    "state",
                    "absent",
                    "present",
                ));
            }
            ModuleState::Absent if is_loaded => {
                let after = loaded.lines().filter(|found| !found.starts_with(&line));
                let after = after.flat_map(|line| [line, "\n"]).collect();
                plan = plan
                    .change(run::change(view, ["modprobe", "-r", name]).effect(answer(after)))
                    .diff(Diff::attribute(format!("module {name}"), "state", "present", "absent"));
            }
            ModuleState::Present | ModuleState::Absent => {}
        }
        if *persistent != Persistent::Disabled {
            keep(&mut plan, params, view)?;
        }
        plan.summary = match (plan.changes.is_empty(), state) {
            (true, _) => "as wanted".to_owned(),
            (false, ModuleState::Present) => format!("load {name}"),
            (false, ModuleState::Absent) => format!("unload {name}"),
        };
        plan.result = told(params);
        Ok(Step::Plan(plan))
    }

    fn failure(params: &ModprobeParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        let mut result = told(params);
        let mut message = failure.message.clone();
        if let Some(output) = &failure.output {
            message = String::from_utf8_lossy(&output.stderr).into_owned();
            result.extend(super::view::output_keys(output));
        }
        Failed { message, result, ..Failed::default() }
    }
}

fn told(params: &ModprobeParams) -> Map {
    let ModprobeParams { name, state, params, persistent: _ } = params;
    crate::map! {"name" => name.as_str(), "params" => params.as_str(), "state" => state.text()}
}

fn is_built_in(name: &str, view: &View<'_>) -> Result<bool, Halt> {
    let output = run::read(view, ["sh", "-c", "cat /lib/modules/$(uname -r)/modules.builtin"])?;
    let text = output.map(|output| run::stdout(&output)).unwrap_or_default();
    let file = format!("/{name}.ko");
    Ok(text.lines().any(|line| line.trim_end().ends_with(&file)))
}

/// The files of a directory with their texts.
fn files(directory: &str, view: &View<'_>) -> Result<Vec<(String, String)>, Halt> {
    let entries = view.entries(&Query::List { path: directory.to_owned() })?.unwrap_or_default();
    let paths: Vec<String> = entries
        .iter()
        .filter(|entry| entry.stat.kind == FileKind::File)
        .map(|entry| paths::join(directory, &entry.name))
        .collect();
    view.want(paths.iter().flat_map(|path| edit_file::queries(path, &FileAttributes::default())));
    let mut all = Vec::new();
    for path in paths {
        if let Some(text) = edit_file::read_text(&path, view)? {
            all.push((path, text));
        }
    }
    Ok(all)
}

/// A line's words without its comment.
fn meant(line: &str) -> Vec<&str> {
    line.split(['#', ';']).next().unwrap_or_default().split_whitespace().collect()
}

/// Sees to it that the host loads it at its start, or does not.
fn keep(plan: &mut Plan, params: &ModprobeParams, view: &View<'_>) -> Result<(), Halt> {
    let ModprobeParams { name, params: arguments, persistent, .. } = params;
    view.want([LOAD, OPTIONS].map(|path| Query::List { path: path.to_owned() }));
    let (load, options) = (files(LOAD, view)?, files(OPTIONS, view)?);
    let names_it = |line: &str| meant(line) == [name.as_str()];
    let option = |line: &str| match meant(line).as_slice() {
        ["options", module, option] if module == name => Some((*option).to_owned()),
        _ => None,
    };
    let is_kept = load.iter().any(|(_, text)| text.lines().any(names_it));
    let mut known: Vec<String> =
        options.iter().flat_map(|(_, text)| text.lines().filter_map(option)).collect();
    let mut wanted: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
    for list in [&mut known, &mut wanted] {
        list.sort();
        list.dedup();
    }
    let own = |directory: &str| format!("{directory}/{name}.conf");
    if *persistent == Persistent::Present {
        if !is_kept {
            write(plan, &own(LOAD), &format!("{name}\n"), view)?;
        }
        if known != wanted {
            for (path, text) in options.iter().filter(|(path, _)| *path != own(OPTIONS)) {
                disable(plan, path, text, &|line| option(line).is_some(), view)?;
            }
            let lines: Vec<String> =
                arguments.split_whitespace().map(|option| format!("options {name} {option}")).collect();
            write(plan, &own(OPTIONS), &(lines.join("\n") + "\n"), view)?;
        }
        return Ok(());
    }
    for (path, text) in &load {
        disable(plan, path, text, &names_it, view)?;
    }
    for (path, text) in &options {
        disable(plan, path, text, &|line| option(line).is_some(), view)?;
    }
    Ok(())
}

/// Makes lines comments.
fn disable(
    plan: &mut Plan,
    path: &str,
    text: &str,
    is_one: &dyn Fn(&str) -> bool,
    view: &View<'_>,
) -> Result<(), Halt> {
    let after: String = text
        .split_inclusive('\n')
        .map(|line| if is_one(line) { format!("#{line}") } else { line.to_owned() })
        .collect();
    if after == text { Ok(()) } else { write(plan, path, &after, view) }
}

fn write(plan: &mut Plan, path: &str, text: &str, view: &View<'_>) -> Result<(), Halt> {
    let attributes = FileAttributes::default();
    Editing::open("modprobe", path, &attributes, view)?.write(plan, text, view).map(drop)
}
