//! Keeps a limit of a user's sessions in `limits.conf`.
//!
//! ```yaml
//! - name: The application may open many files
//!   community.general.pam_limits:
//!     domain: app
//!     limit_type: "-"
//!     limit_item: nofile
//!     value: "65536"
//! ```

use super::attributes::FileAttributes;
use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::edit_file::{self, Editing};
use super::view::View;
use super::write_file;
use crate::base::Map;
use crate::wire::{Done, Failure};
use crate::{choices, params};

/// As `community.general.pam_limits`.
pub struct PamLimits;

choices! {
    /// Which of the limits it is.
    pub enum LimitType { Both = "-", Hard = "hard", Soft = "soft" }
}

choices! {
    /// What is limited.
    pub enum LimitItem {
        As = "as", Chroot = "chroot", Core = "core", Cpu = "cpu", Data = "data", Fsize = "fsize", Locks = "locks",
        MaxLogins = "maxlogins", MaxSysLogins = "maxsyslogins", MemLock = "memlock", MsgQueue = "msgqueue", Nice = "nice",
        NoFile = "nofile", NProc = "nproc", Priority = "priority", Rss = "rss", RtPrio = "rtprio",
        SigPending = "sigpending", Stack = "stack",
    }
}

params! {
    /// Parameters of `pam_limits`.
    pub struct LimitParams {
        /// A user, `@group`, or a pattern of them.
        domain: String;
        /// Whether it is the soft or the hard limit, or both (`-`).
        limit_type: LimitType;
        /// What is limited.
        limit_item: LimitItem;
        /// The limit: a number, or `unlimited`, `infinity`, `-1`.
        value: String;
        /// Whether of the limit that is there and this one the larger counts.
        use_max: bool = false;
        /// Whether of the limit that is there and this one the smaller counts.
        use_min: bool = false;
        /// Whether the former file is kept beside the new one.
        backup: bool = false;
        /// The file.
        dest: String = "/etc/security/limits.conf";
        /// A comment after the limit.
        comment: String = "";
    }
}

impl Module for PamLimits {
    type Params = LimitParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "pam_limits",
        collection: "community.general",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("pam_limits.rs"),
        returns: &[("msg", "the line"), ("backup_file", "the former file, where it was kept")],
    };

    fn plan(params: &LimitParams, view: &View<'_>) -> Result<Step, Halt> {
        if params.use_max && params.use_min {
            return fail("Cannot use use_min and use_max at the same time.");
        }
        check(params.limit_item.text(), &params.value, "").or_else(fail)?;
        let attributes = FileAttributes::default();
        let mut editing = Editing::open("pam_limits", &params.dest, &attributes, view)?;
        editing.backup = params.backup && editing.before.is_some();
        let (after, line) = edited(params, &editing.text()).or_else(fail)?;
        let mut plan = Plan::default();
        editing.write(&mut plan, after, view)?;
        plan.summary =
            if plan.changes.is_empty() { "the limit is there" } else { "set the limit" }.to_owned();
        plan.result = crate::map! {"msg" => line};
        Ok(Step::Plan(plan))
    }

    fn result(_: &LimitParams, _: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        let mut result = plan.result.clone();
        if let Some(backup) = write_file::backup(outcomes) {
            result.insert("backup_file".into(), backup.into());
        }
        Ok(result)
    }

    fn failure(_: &LimitParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        edit_file::refused(failure)
    }
}

fn is_unlimited(value: &str) -> bool {
    matches!(value, "unlimited" | "infinity" | "-1")
}

fn check(item: &str, value: &str, prefix: &str) -> Result<(), String> {
    let digits = value.strip_prefix(['-', '+']).unwrap_or(value);
    let is_number = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit());
    let fits = match item {
        "nice" | "priority" => is_number && value.parse::<i32>().is_ok_and(|n| (-20..=19).contains(&n)),
        "chroot" => true,
        _ => is_unlimited(value) || (is_number && !value.starts_with('-')),
    };
    if fits {
        return Ok(());
    }
    let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix} ") };
    Err(if matches!(item, "nice" | "priority") {
        format!(
            "{prefix}Value of {value} for item {item} is invalid. Value must be a number in the range -20 to 19 \
             inclusive. Refer to the limits.conf(5) manual pages for more details."
        )
    } else {
        format!(
            "{prefix}Value of {value} for item {item} is invalid. Value must either be 'unlimited', 'infinity' or -1, \
             all of which indicate no limit, or a limit of 0 or larger. Refer to the limits.conf(5) manual pages for \
             more details."
        )
    })
}

/// The file's new text and the line.
fn edited(params: &LimitParams, text: &str) -> Result<(String, String), String> {
    let LimitParams { domain, limit_type, limit_item, value, use_max, use_min, dest, .. } = params;
    let mut comment = params.comment.clone();
    let (mut out, mut told) = (String::new(), None);
    let mut value_now = value.clone();
    let line_of = |value: &str, comment: &str| {
        let comment = if comment.is_empty() { String::new() } else { format!("\t#{comment}") };
        format!("{domain}\t{}\t{}\t{value}{comment}\n", limit_type.text(), limit_item.text())
    };
    for line in text.split_inclusive('\n') {
        let (limit, known) = line.split_once('#').unwrap_or((line, ""));
        let fields: Vec<&str> = limit.split_whitespace().collect();
        let &[of, kind, item, is] = fields.as_slice() else {
            out.push_str(line);
            continue;
        };
        if line.starts_with('#') {
            out.push_str(line);
            continue;
        }
        if comment.is_empty() {
            known.trim_end_matches('\n').clone_into(&mut comment);
        }
        check(item, is, &format!("Invalid configuration found in '{dest}'."))?;
        if of != domain || kind != limit_type.text() || item != limit_item.text() {
            out.push_str(line);
            continue;
        }
        if is != value {
            let number = |text: &str| text.parse::<i64>().unwrap_or_default();
            value_now = match (is_unlimited(is), is_unlimited(value)) {
                (true, _) if *use_max => is.to_owned(),
                (false, true) if *use_max => value.clone(),
                (false, false) if *use_max => number(value).max(number(is)).to_string(),
                (true, true) if *use_min => is.to_owned(),
                (true, false) if *use_min => value.clone(),
                (false, true) if *use_min => is.to_owned(),
                (false, false) if *use_min => number(value).min(number(is)).to_string(),
                _ => value.clone(),
            };
        }
        let new =
            if is == value || value_now == is { line.to_owned() } else { line_of(&value_now, &comment) };
        out.push_str(&new);
        told = Some(new);
    }
    let line = match told {
        Some(line) => line,
        None => {
            if !out.is_empty() && !out.ends_with('\n') {
                out.push('\n');
            }
            let line = line_of(&value_now, &comment);
            out.push_str(&line);
            line
        }
    };
    Ok((out, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_have_ranges() {
        assert!(check("nofile", "unlimited", "").is_ok() && check("nofile", "10", "").is_ok());
        assert!(check("nofile", "-2", "").is_err() && check("nofile", "many", "").is_err());
        assert!(check("nice", "-20", "").is_ok() && check("nice", "20", "").is_err());
    }
}
