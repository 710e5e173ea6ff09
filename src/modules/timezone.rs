//! Sets the host's time zone, and whether its hardware clock has local time.
//!
//! ```yaml
//! - name: Times are Berlin's
//!   community.general.timezone:
//!     name: Europe/Berlin
//! ```

use super::attributes::FileAttributes;
use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Planned, Side, Step, fail};
use super::diff::Diff;
use super::edit_file::Editing;
use super::params::Rule;
use super::run;
use super::view::View;
use crate::wire::{Action, Attributes, Change, Failure, FileKind, Follow, Query};
use crate::{choices, params};

/// As `community.general.timezone`.
pub struct Timezone;

choices! {
    /// What the hardware clock has.
    pub enum Clock { Local = "local", Utc = "UTC" }
}

params! {
    /// Parameters of `timezone`.
    pub struct TimezoneParams {
        /// The time zone, as a file below `/usr/share/zoneinfo` is named.
        name: Option<String>;
        /// Whether the hardware clock has universal or local time.
        hwclock: Option<Clock>, aliases ["rtc"];
    }
    rules [Rule::RequiredOneOf(&["hwclock", "name"])]
}

const STATUS: [&str; 2] = ["timedatectl", "status"];

impl Module for Timezone {
    type Params = TimezoneParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "timezone",
        collection: "community.general",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("timezone.rs"),
        returns: &[],
    };

    fn plan(params: &TimezoneParams, view: &View<'_>) -> Result<Step, Halt> {
        let zone = params.name.as_ref().map(|name| format!("/usr/share/zoneinfo/{name}"));
        let stat = |path: &str, follow| Query::Stat { path: path.to_owned(), follow };
        view.want(zone.iter().map(|path| stat(path, Follow::Yes)));
        view.want([Query::Command(run::reading(STATUS)), stat("/etc/localtime", Follow::No)]);
        if let (Some(zone), Some(name)) = (&zone, &params.name)
            && view.stat(zone, Follow::Yes)?.is_none_or(|stat| stat.kind != FileKind::File)
        {
            return fail(format!(
                "given timezone \"{name}\" is not available: there is no file `{zone}` on the host"
            ));
        }
        let status = run::read(view, STATUS)?.filter(|output| output.status == 0);
        let status = status.map(|output| run::stdout(&output));
        let mut plan = Plan::default();
        if let Some(name) = &params.name {
            match &status {
                Some(status) => zone_by_systemd(&mut plan, name, status, view),
                None => zone_by_files(&mut plan, name, view)?,
            }
        }
        if let Some(clock) = params.hwclock {
            let Some(status) = &status else {
                return fail("`hwclock` of `timezone` is only supported where `timedatectl` works");
            };
            clock_by_systemd(&mut plan, clock, status, view);
        }
        plan.summary = if plan.changes.is_empty() { "already so" } else { "set the time zone" }.to_owned();
        Ok(Step::Plan(plan))
    }

    fn failure(_: &TimezoneParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        run::failed("cannot set the time zone", failure)
    }
}

/// The value of a line of `timedatectl status`, up to the first space.
fn value<'a>(status: &'a str, name: &str) -> &'a str {
    status
        .lines()
        .filter_map(|line| line.trim().split_once(':'))
        .find(|(key, _)| key.replace(' ', "").eq_ignore_ascii_case(&name.replace(' ', "")))
        .and_then(|(_, value)| value.split_whitespace().next())
        .unwrap_or_default()
}

/// The status with another value in a line.
fn with_value(status: &str, name: &str, is: &str) -> String {
    let line = |line: &str| match line.split_once(':') {
        Some((key, _)) if key.replace(' ', "").eq_ignore_ascii_case(&name.replace(' ', "")) => {
            format!("{key}: {is}\n")
        }
        _ => format!("{line}\n"),
    };
    status.lines().map(line).collect()
}

fn zone_by_systemd(plan: &mut Plan, name: &str, status: &str, view: &View<'_>) {
    let is = value(status, "Time zone");
    if is == name {
        return;
    }
    let after = with_value(status, "Time zone", name);
    let change = run::change(view, ["timedatectl", "set-timezone", name])
        .effect(run::will_print(run::reading(STATUS), after));
    plan.changes.push(Planned { side: Side::Host, change });
    plan.diffs.push(Diff::attribute("host", "timezone", is, name));
}

fn clock_by_systemd(plan: &mut Plan, clock: Clock, status: &str, view: &View<'_>) {
    let is = if value(status, "RTC in local TZ") == "yes" { Clock::Local } else { Clock::Utc };
    if is == clock {
        return;
    }
    let word = if clock == Clock::Local { "yes" } else { "no" };
    let after = with_value(status, "RTC in local TZ", word);
    let change = run::change(view, ["timedatectl", "set-local-rtc", word])
        .effect(run::will_print(run::reading(STATUS), after));
    plan.changes.push(Planned { side: Side::Host, change });
    plan.diffs.push(Diff::attribute("host", "hardware clock", is.text(), clock.text()));
}

/// Without systemd: the link and the file with the name, where there is one.
fn zone_by_files(plan: &mut Plan, name: &str, view: &View<'_>) -> Result<(), Halt> {
    let zone = format!("/usr/share/zoneinfo/{name}");
    let link = view.stat("/etc/localtime", Follow::No)?;
    let target = link.and_then(|stat| stat.target).unwrap_or_default();
    let is = target.rsplit_once("zoneinfo/").map_or("", |(_, name)| name);
    if is != name {
        let action = Action::Symlink {
            path: "/etc/localtime".to_owned(),
            target: zone,
            attributes: Attributes::default(),
        };
        plan.changes.push(Planned { side: Side::Host, change: Change::new(action) });
        plan.diffs.push(Diff::attribute("host", "timezone", is, name));
    }
    let attributes = FileAttributes::default();
    let editing = Editing::open("timezone", "/etc/timezone", &attributes, view)?;
    if editing.before.is_some() && editing.text().trim() != name {
        editing.write(plan, format!("{name}\n"), view)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_read_and_predicted() {
        let status = "               Time zone: Etc/UTC (UTC, +0000)\n         RTC in local TZ: no\n";
        assert_eq!((value(status, "Time zone"), value(status, "RTC in local TZ")), ("Etc/UTC", "no"));
        assert_eq!(value(&with_value(status, "Time zone", "Asia/Tokyo"), "Time zone"), "Asia/Tokyo");
    }
}
