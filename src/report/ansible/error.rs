//! Why a task failed, with the source lines around the place, as ansible-core 2.19 shows it.

use super::results::short;
use crate::base::{Diagnostic, Place, Severity, Value};
use crate::engine::event::{FailureText, Outcome, Status, TaskLabel};

/// Lines of the source before the one that is meant.
const CONTEXT: u32 = 2;
/// No line of the source is longer, its number included.
const WIDEST: usize = 120;

/// Modules that run on the controller: Ansible says that an action failed, not a module.
const ACTIONS: &[&str] = &[
    "add_host",
    "assemble",
    "assert",
    "debug",
    "fail",
    "fetch",
    "group_by",
    "include_vars",
    "pause",
    "raw",
    "reboot",
    "script",
    "set_fact",
    "set_stats",
    "template",
    "validate_argument_spec",
    "wait_for_connection",
];

/// The text after `[ERROR]: `; nothing for tasks that have not failed.
pub(super) fn text(task: &TaskLabel, outcome: &Outcome) -> Option<String> {
    if !matches!(outcome.status, Status::Failed { .. } | Status::Unreachable { .. }) {
        return None;
    }
    let FailureText { message, hint: _, diagnostic } = outcome.failure.as_ref()?;
    let result = outcome.result.get("msg").map(Value::to_text).unwrap_or_default();
    let said = if result.is_empty() { message.clone() } else { result };
    if let Some(diagnostic) = diagnostic
        && let Some(cause) = diagnostic.place.as_ref().filter(|cause| **cause != task.place)
    {
        if said.starts_with("The `loop` value must resolve to a 'list'") {
            let hint = "Provide a list of items/templates, or a template resolving to a list.";
            return Some(format!("{said}\n{}\n\n{hint}", origin(cause)));
        }
        let said = said.strip_prefix("Task failed: ").unwrap_or(&said);
        let (before, caused) = match said.split_once(" failed: ") {
            Some((before, caused)) => (format!("Task failed: {before} failed."), caused),
            None => ("Task failed.".to_owned(), said),
        };
        return Some(format!(
            "Task failed: {said}\n\n{before}\n{}\n\n<<< caused by >>>\n\n{caused}\n{}",
            origin(&task.place),
            origin(cause)
        ));
    }
    let what = if outcome.result.get("failed_when_result").is_some() && outcome.result.get("msg").is_none() {
        "Task failed: Action failed.".to_owned()
    } else if matches!(outcome.status, Status::Unreachable { .. }) || said.starts_with("Task failed: ") {
        format!("Task failed: {}", said.strip_prefix("Task failed: ").unwrap_or(&said))
    } else if said.starts_with("This action (")
        || (short(&task.module) == "debug" && said.starts_with("Unsupported parameters for "))
    {
        // as Ansible: it checks its parameters before it acts
        format!("Task failed: {said}")
    } else if ACTIONS.contains(&short(&task.module)) || outcome.result.get("async_result").is_some() {
        format!("Task failed: Action failed: {said}")
    } else {
        format!("Task failed: Module failed: {said}")
    };
    Some(format!("{what}\n{}", origin(&task.place)))
}

/// A problem of a file that was found before the run, as Ansible tells an error or a warning.
pub(super) fn problem(found: &Diagnostic) -> String {
    let word = match found.severity {
        Severity::Error => "[ERROR]",
        Severity::Warning => "[WARNING]",
    };
    let message = found.told.clone().unwrap_or_else(|| found.message.replace('`', "'"));
    let hint = found.hint.as_ref().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    let at = found.place.as_ref().map(|place| format!("\n{}\n", origin(place))).unwrap_or_default();
    format!("{word}: {message}{hint}{at}\n")
}

/// `Origin: FILE:LINE:COLUMN` and the lines up to there, the column marked.
pub(super) fn origin(place: &Place) -> String {
    if place.source.path.to_string_lossy().starts_with('<') {
        // in no file
        return format!("Origin: {}", place.source.path.display());
    }
    let path = std::path::absolute(&place.source.path).unwrap_or_else(|_| place.source.path.clone());
    let mut out = format!("Origin: {}:{}:{}", path.display(), place.line, place.column);
    let width = place.line.to_string().len();
    let longest = WIDEST - width - 1;
    let first = place.line.saturating_sub(CONTEXT).max(1);
    let mut lines = Vec::new();
    let mut usable = longest;
    for number in first..=place.line {
        let Some(line) = place.source.line(number) else { return out };
        let mut line = line.replace('\t', " ");
        if line.chars().count() > longest {
            usable = longest - 3;
            line = line.chars().take(usable).collect::<String>() + "...";
        }
        let space = if line.is_empty() { "" } else { " " };
        lines.push(format!("{number:>width$}{space}{line}"));
    }
    let column = place.column as usize;
    if (1..=usable).contains(&column) {
        let label = format!("column {column}");
        let mark = if column + 1 + label.len() > longest {
            format!("{}{label} ^", " ".repeat((column - 1).saturating_sub(label.len() + 1)))
        } else {
            format!("{}^ {label}", " ".repeat(column - 1))
        };
        lines.push(format!("{} {mark}", " ".repeat(width)));
    }
    out.push_str("\n\n");
    out.push_str(&lines.join("\n"));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Source;

    #[test]
    fn the_lines_before_are_shown_and_the_column_is_marked() {
        let text =
            ["one", "two", "three", "four", "five", "six", "seven", "eight", "", "    - fail: msg=bad"]
                .join("\n");
        let source = Source::new("/x/play.yml", text);
        assert_eq!(
            origin(&Place::new(&source, 10, 7)),
            "Origin: /x/play.yml:10:7\n\n 8 eight\n 9\n10     - fail: msg=bad\n         ^ column 7"
        );
    }
}
