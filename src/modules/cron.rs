//! Keeps a user's cron jobs and variables, or those of a file in `/etc/cron.d`.
//!
//! ```yaml
//! - name: The backup runs every night
//!   ansible.builtin.cron:
//!     name: backup
//!     user: app
//!     minute: "30"
//!     hour: "2"
//!     job: /usr/local/bin/backup >/dev/null
//! ```

mod table;

use super::attributes::FileAttributes;
use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::diff::Diff;
use super::edit_file::Editing;
use super::params::{PathText, Rule};
use super::paths;
use super::run;
use super::view::View;
use crate::base::{Map, Value};
use crate::wire::{Action, Change, Command, Done, Failure, Sealed};
use crate::{choices, params};
use table::Table;

/// As `ansible.builtin.cron`.
pub struct Cron;

choices! {
    /// Whether it shall be there.
    pub enum CronState { Absent = "absent", Present = "present" }
}

choices! {
    /// A time by name.
    pub enum SpecialTime {
        Annually = "annually", Daily = "daily", Hourly = "hourly", Monthly = "monthly", Reboot = "reboot", Weekly = "weekly",
        Yearly = "yearly",
    }
}

params! {
    /// Parameters of `cron`.
    pub struct CronParams {
        /// The job's description, by which it is found again; with `env` the variable's name.
        name: String;
        /// Whose table it is; of a file, the user that the job runs as.
        user: Option<String>;
        /// The command that is run; with `env` the variable's value.
        job: Option<String>, aliases ["value"];
        /// A file in `/etc/cron.d`, or the absolute path of a file, in place of a user's table.
        cron_file: Option<PathText>;
        /// Whether the job or variable shall be there.
        state: CronState = CronState::Present;
        /// Whether the table is kept as it was, in a temporary file.
        backup: bool = false;
        /// The minute (0-59, `*`, `*/2`).
        minute: String = "*";
        /// The hour (0-23, `*`, `*/2`).
        hour: String = "*";
        /// The day of the month (1-31, `*`, `*/2`).
        day: String = "*", aliases ["dom"];
        /// The month (1-12, `*`, `*/2`, `JAN-DEC`).
        month: String = "*";
        /// The day of the week (0-6 for Sunday to Saturday, `*`, `SUN-SAT`).
        weekday: String = "*", aliases ["dow"];
        /// A time by name, in place of the numbers.
        special_time: Option<SpecialTime>;
        /// Whether the job is there as a comment only.
        disabled: bool = false;
        /// Whether a variable is kept instead of a job.
        env: bool = false;
        /// The variable after which a new one goes.
        insertafter: Option<String>;
        /// The variable before which a new one goes.
        insertbefore: Option<String>;
    }
    rules [Rule::MutuallyExclusive(&["insertafter", "insertbefore"])]
}

impl Module for Cron {
    type Params = CronParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "cron",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("cron.rs"),
        returns: &[
            ("jobs", "the names of the table's jobs"),
            ("envs", "the names of its variables"),
            ("cron_file", "the file, where it is one"),
            ("backup_file", "the table as it was, where it was kept"),
        ],
    };

    fn plan(params: &CronParams, view: &View<'_>) -> Result<Step, Halt> {
        let mut plan = Plan { warnings: params.check()?, ..Plan::default() };
        let attributes = FileAttributes::default();
        let file = params.file();
        let editing =
            file.as_deref().map(|path| Editing::open("cron", path, &attributes, view)).transpose()?;
        let before = match &editing {
            Some(editing) => editing.text(),
            None => table::without_head(&read_table(params, view)?),
        };
        let mut table = Table::read(&before);
        let mut changed = params.edit(&mut table, &mut plan.warnings)?;
        let removed = params.state == CronState::Absent && !params.env && changed && table.is_empty();
        // a table without a line break at its end is written anew
        changed |= !before.is_empty() && !before.ends_with(['\n', '\r']);
        let after = table.text();
        if changed {
            if params.backup {
                plan = plan.change(backup(&before, view));
            }
            match &editing {
                Some(editing) if removed => {
                    let action = Action::Remove { path: editing.path.to_owned() };
                    plan = plan.change(Change::new(action)).diff(Diff::content(
                        editing.path,
                        Some(before.as_bytes()),
                        None,
                    ));
                }
                Some(editing) => {
                    editing.write(&mut plan, after, view)?;
                }
                None => {
                    let subject = match &params.user {
                        Some(user) => format!("crontab of {user}"),
                        None => "crontab".to_owned(),
                    };
                    plan.diffs.push(Diff::content(subject, Some(before.as_bytes()), Some(after.as_bytes())));
                    plan = plan.change(params.write_table(&after, view));
                }
            }
        }
        let what = if params.env { "variable" } else { "job" };
        plan.summary = match (changed, params.state) {
            (false, CronState::Present) => format!("the {what} is there"),
            (false, CronState::Absent) => format!("no such {what} is there"),
            (true, CronState::Present) => format!("set the {what} `{}`", params.name),
            (true, CronState::Absent) => format!("remove the {what} `{}`", params.name),
        };
        let list = |names: Vec<String>| Value::list(names.into_iter().map(Value::from));
        plan.result = if removed && file.is_some() {
            crate::map! {"state" => params.state.text()}
        } else {
            crate::map! {"jobs" => list(table.jobs()), "envs" => list(table.variables())}
        };
        if let Some(path) = &params.cron_file {
            plan.result.insert("cron_file".into(), path.0.as_str().into());
        }
        Ok(Step::Plan(plan))
    }

    fn result(params: &CronParams, _: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        let mut result = plan.result.clone();
        if let (true, Some(Done::Ran(output))) = (params.backup, outcomes.first()) {
            result.insert("backup_file".into(), run::stdout(output).trim().into());
        }
        Ok(result)
    }

    fn failure(_: &CronParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        run::failed("Failed to install new cronfile", failure)
    }
}

/// Keeps the table as it was.
fn backup(before: &str, view: &View<'_>) -> Change {
    let text = "umask 077 && file=$(mktemp /tmp/crontabXXXXXXXX) && cat >\"$file\" && echo \"$file\"";
    let mut command = run::within(view, Command::shell(text));
    command.stdin = Some(Sealed::text(before));
    Change::new(Action::Run(command))
}

fn read_table(params: &CronParams, view: &View<'_>) -> Result<String, Halt> {
    let Some(output) = run::read(view, params.listing(view))? else {
        return fail("Failed to find required executable \"crontab\" on the host");
    };
    // 1: there is no table
    if output.status > 1 || output.status < 0 {
        return fail("Unable to read crontab");
    }
    Ok(if output.status == 0 { run::stdout(&output) } else { String::new() })
}

impl CronParams {
    fn check(&self) -> Result<Vec<String>, Halt> {
        let mut warnings = Vec::new();
        if let Some(path) = &self.cron_file {
            if path.0 == "/etc/crontab" {
                return fail("Will not manage /etc/crontab via cron_file, see documentation.");
            }
            let name = paths::basename(path);
            if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c)) {
                warnings.push(format!(
                    "Filename portion of cron_file (\"{name}\") should consist solely of upper- and lower-case letters, \
                     digits, underscores, and hyphens"
                ));
            }
        }
        let times = [&self.minute, &self.hour, &self.day, &self.month, &self.weekday];
        if self.special_time.is_some() && times.iter().any(|time| *time != "*") {
            return fail("You cannot combine special_time with any of the time or day/date parameters.");
        }
        if self.state == CronState::Present {
            if self.cron_file.is_some() && self.user.is_none() {
                return fail("To use cron_file=... parameter you must specify user=... as well");
            }
            if self.job.is_none() {
                return fail("You must specify 'job' to install a new cron job or variable");
            }
            if (self.insertafter.is_some() || self.insertbefore.is_some()) && !self.env {
                return fail("Insertafter and insertbefore parameters are valid only with env=yes");
            }
        }
        if self.env && self.name.contains(' ') {
            return fail("Invalid name for environment variable");
        }
        Ok(warnings)
    }

    fn file(&self) -> Option<String> {
        let path = &self.cron_file.as_ref()?.0;
        Some(if path.starts_with('/') { path.clone() } else { format!("/etc/cron.d/{path}") })
    }

    fn of_user(&self, view: &View<'_>) -> Vec<String> {
        let other = self.user.as_ref().filter(|user| **user != view.context().user);
        other.map(|user| vec!["-u".to_owned(), user.clone()]).unwrap_or_default()
    }

    fn listing(&self, view: &View<'_>) -> Vec<String> {
        let mut words = vec!["crontab".to_owned()];
        words.extend(self.of_user(view));
        words.push("-l".to_owned());
        words
    }

    fn write_table(&self, text: &str, view: &View<'_>) -> Change {
        let mut words = vec!["crontab".to_owned()];
        words.extend(self.of_user(view));
        words.push("-".to_owned());
        let mut command = run::argv(view, words);
        command.stdin = Some(Sealed::text(text));
        Change::new(Action::Run(command)).effect(run::will_print(run::reading(self.listing(view)), text))
    }

    /// Edits the table; whether it changed.
    fn edit(&self, table: &mut Table, warnings: &mut Vec<String>) -> Result<bool, Halt> {
        let present = self.state == CronState::Present;
        if self.env {
            let line = format!("{}=\"{}\"", self.name, self.job.as_deref().unwrap_or_default());
            if !present {
                return Ok(table.remove_variable(&self.name));
            }
            let place = match (&self.insertafter, &self.insertbefore) {
                (Some(name), _) => Some((name.as_str(), 1)),
                (None, Some(name)) => Some((name.as_str(), 0)),
                (None, None) => None,
            };
            return table.set_variable(&self.name, &line, place).or_else(fail);
        }
        if !present {
            return Ok(table.remove_job(&self.name));
        }
        let job = self.job.as_deref().unwrap_or_default().trim_matches(['\r', '\n']);
        if job.contains(['\r', '\n']) {
            warnings.push("Job should not contain line breaks".to_owned());
        }
        Ok(table.set_job(&self.name, &self.line(job)))
    }

    fn line(&self, job: &str) -> String {
        let off = if self.disabled { "#" } else { "" };
        let when = match self.special_time {
            Some(time) => format!("@{}", time.text()),
            None => [&self.minute, &self.hour, &self.day, &self.month, &self.weekday]
                .map(String::as_str)
                .join(" "),
        };
        match (&self.cron_file, &self.user) {
            (Some(_), Some(user)) => format!("{off}{when} {user} {job}"),
            _ => format!("{off}{when} {job}"),
        }
    }
}
