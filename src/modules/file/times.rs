//! Times of access and modification.

use super::{FileParams, State};
use crate::modules::contract::{Halt, fail};
use crate::modules::diff::Diff;
use crate::modules::view::View;
use crate::wire::{Action, Attributes, Change, Command, Query, Stat};

/// A time that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Time {
    Keep,
    Now,
    /// Nanoseconds since the epoch.
    At(i64),
}

/// The times that a path shall have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    accessed: Time,
    modified: Time,
}

impl Times {
    /// What has to be asked of the host: what a local time is there.
    pub(super) fn queries(params: &FileParams) -> Vec<Query> {
        let given = [
            (&params.access_time, &params.access_time_format),
            (&params.modification_time, &params.modification_time_format),
        ];
        let local = given.into_iter().filter_map(|(time, format)| {
            let time = time.as_deref().filter(|time| !matches!(*time, "now" | "preserve"))?;
            Some(Query::Command(on_the_host(&civil(time, format).ok()?)))
        });
        local.collect()
    }

    /// Reads the parameters. The defaults are those of the state.
    pub(super) fn read(params: &FileParams, state: State, view: &View<'_>) -> Result<Self, Halt> {
        let default = if state == State::Touch { "now" } else { "preserve" };
        let read = |time: &Option<String>, format: &str| {
            Ok(match time.as_deref().unwrap_or(default) {
                "preserve" => Time::Keep,
                "now" => Time::Now,
                time => {
                    let wrong = |why: String| {
                        format!(
                            "Error while obtaining timestamp for time {time} using format {format}: {why}"
                        )
                    };
                    let civil = civil(time, format).or_else(|why| fail(wrong(why)))?;
                    let output = view.run(on_the_host(&civil))?;
                    let text = String::from_utf8_lossy(&output.stdout);
                    match text
                        .trim()
                        .parse::<i64>()
                        .ok()
                        .and_then(|seconds| seconds.checked_mul(1_000_000_000))
                    {
                        Some(at) if output.status == 0 => Time::At(at),
                        _ => return fail(wrong(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
                    }
                }
            })
        };
        Ok(Self {
            accessed: read(&params.access_time, &params.access_time_format)?,
            modified: read(&params.modification_time, &params.modification_time_format)?,
        })
    }

    /// As [`Action::Touch`] takes them: access, modification.
    #[expect(clippy::option_option, reason = "as the action has it: keep, now, or a time")]
    pub(super) fn instants(self) -> (Option<Option<i64>>, Option<Option<i64>>) {
        let instant = |time| match time {
            Time::Keep => None,
            Time::Now => Some(None),
            Time::At(at) => Some(Some(at)),
        };
        (instant(self.accessed), instant(self.modified))
    }

    /// The change for a path that is there. `now` is always one.
    pub(super) fn change(self, path: &str, stat: &Stat) -> Option<(Change, Vec<Diff>)> {
        let differs = |wanted, is| match wanted {
            Time::Keep => None,
            Time::Now => Some("now".to_owned()),
            Time::At(at) => (at != is).then(|| shown(at)),
        };
        let pairs = [("mtime", self.modified, stat.modified), ("atime", self.accessed, stat.accessed)];
        let diffs: Vec<_> = pairs
            .into_iter()
            .filter_map(|(name, wanted, is)| {
                Some(Diff::attribute(path, name, shown(is), differs(wanted, is)?))
            })
            .collect();
        (!diffs.is_empty()).then(|| (self.touch(path), diffs))
    }

    /// The change for a path that the plan makes.
    pub(super) fn on_new(self, path: &str) -> Option<Change> {
        (self.accessed != Time::Keep || self.modified != Time::Keep).then(|| self.touch(path))
    }

    fn touch(self, path: &str) -> Change {
        let (accessed, modified) = self.instants();
        let attributes = Attributes::default();
        Change::new(Action::Touch { path: path.to_owned(), accessed, modified, attributes })
    }
}

/// A time as the diff shows it: UTC, seconds.
fn shown(at: i64) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(at))
        .map_or_else(|_| at.to_string(), |at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// A time in a format of `strptime`, as `date -d` reads it; parts that are not given are 1900-01-01 00:00:00's.
fn civil(time: &str, format: &str) -> Result<String, String> {
    let parsed = jiff::fmt::strtime::parse(format, time).map_err(|error| error.to_string())?;
    let part = |value: Option<i8>, default: i8| value.unwrap_or(default);
    Ok(format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        parsed.year().unwrap_or(1900),
        part(parsed.month(), 1),
        part(parsed.day(), 1),
        part(parsed.hour(), 0),
        part(parsed.minute(), 0),
        part(parsed.second(), 0)
    ))
}

/// The command that tells what a local time is on the host, in seconds since the epoch.
fn on_the_host(civil: &str) -> Command {
    Command::argv(["date", "-d", civil, "+%s"]).may_fail()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_given_format() {
        assert_eq!(civil("202001022030.05", "%Y%m%d%H%M.%S").as_deref(), Ok("2020-01-02 20:30:05"));
        assert_eq!(civil("2020-01-02", "%Y-%m-%d").as_deref(), Ok("2020-01-02 00:00:00"));
        assert!(civil("yesterday", "%Y-%m-%d").is_err());
        assert_eq!(shown(1_577_997_005_000_000_000), "2020-01-02T20:30:05Z");
    }
}
