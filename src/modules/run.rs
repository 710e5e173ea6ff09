//! What modules that run commands share: the task's environment, and results as Ansible registers them.

use super::contract::{Failed, Halt};
use super::view::View;
use crate::base::{Map, Value};
use crate::map;
use crate::wire::{Action, Change, Command, CommandOutput, Effect, Failure, Observation, Query, Sealed};

/// A program with arguments, in the task's environment.
pub fn argv<S: Into<String>>(view: &View<'_>, arguments: impl IntoIterator<Item = S>) -> Command {
    within(view, Command::argv(arguments))
}

/// A command in the task's environment; what the command itself sets wins.
pub fn within(view: &View<'_>, mut command: Command) -> Command {
    let mut environment: Vec<(String, Sealed)> = view
        .context()
        .environment
        .iter()
        .filter(|(name, _)| !command.environment.iter().any(|(own, _)| own == name))
        .map(|(name, value)| (name.clone(), Sealed::text(value)))
        .collect();
    environment.append(&mut command.environment);
    command.environment = environment;
    command
}

/// Runs a program that only reads, in the C locale; nothing where it cannot be started.
pub fn read<S: Into<String>>(
    view: &View<'_>,
    words: impl IntoIterator<Item = S>,
) -> Result<Option<CommandOutput>, Halt> {
    match view.run(reading(words)) {
        Ok(output) => Ok(Some(output)),
        Err(Halt::Failed(_)) => Ok(None),
        Err(halt) => Err(halt),
    }
}

/// The command of [`read`], for [`View::want`] and [`will_print`].
pub fn reading<S: Into<String>>(words: impl IntoIterator<Item = S>) -> Command {
    Command::argv(words).env("LC_ALL", "C").may_fail()
}

/// What a command printed.
pub fn stdout(output: &CommandOutput) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The effect that a command which only reads will then print this.
pub fn will_print(command: Command, text: impl Into<String>) -> Effect {
    let output = CommandOutput {
        status: 0,
        stdout: text.into().into_bytes(),
        stderr: Vec::new(),
        started: 0,
        ended: 0,
        utc_offset: 0,
        timed_out: false,
    };
    Effect::Answer(Query::Command(command), Observation::Command(output))
}

/// A change: a program with arguments, in the task's environment.
pub fn change<S: Into<String>>(view: &View<'_>, words: impl IntoIterator<Item = S>) -> Change {
    Change::new(Action::Run(argv(view, words)))
}

/// Whether empty lines at the end of an output are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// They are dropped.
    Stripped,
    /// They stay.
    Kept,
}

/// `rc`, `stdout`, `stdout_lines`, `stderr`, `stderr_lines`, `start`, `end` and `delta` of a command.
pub fn timed_keys(output: &CommandOutput, ends: Ends) -> Map {
    let mut keys = super::view::output_keys(output);
    if ends == Ends::Kept {
        for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            let text = String::from_utf8_lossy(bytes).into_owned();
            keys.insert(format!("{name}_lines").into(), Value::list(text.lines().map(Value::from)));
            keys.insert(name.into(), text.into());
        }
    }
    keys.insert("start".into(), local_time(output.started, output.utc_offset).into());
    keys.insert("end".into(), local_time(output.ended, output.utc_offset).into());
    keys.insert("delta".into(), delta(output.ended - output.started).into());
    keys
}

/// The failure of a command in Ansible's words, with its output; `message` continues with what it printed.
pub fn failed(message: &str, failure: &Failure) -> Failed {
    let Failure { kind: _, message: cause, errno: _, output } = failure;
    let Some(output) = output else {
        return Failed { message: format!("{message}: {cause}"), ..Failed::default() };
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    let said = match (text(&output.stderr), text(&output.stdout)) {
        (stderr, stdout) if stderr.is_empty() => stdout,
        (stderr, _) => stderr,
    };
    let said = if output.timed_out { format!("timed out; {said}") } else { said };
    let result = super::view::output_keys(output);
    Failed { message: format!("{message}: {said}"), result, ..Failed::default() }
}

/// A mapping without output, as the keys stand before a command has run.
pub fn empty_keys() -> Map {
    map! {
        "stdout" => "", "stdout_lines" => Value::list([]), "stderr" => "", "stderr_lines" => Value::list([]),
    }
}

/// As Python prints a `datetime`: `2026-01-31 09:05:00.000123`.
fn local_time(micros: i64, offset: i32) -> String {
    let local = micros.saturating_add(i64::from(offset).saturating_mul(1_000_000));
    match jiff::Timestamp::from_microsecond(local) {
        Ok(time) => {
            let fraction = local.rem_euclid(1_000_000);
            let text = time.strftime("%Y-%m-%d %H:%M:%S").to_string();
            if fraction == 0 { text } else { format!("{text}.{fraction:06}") }
        }
        Err(_) => String::new(),
    }
}

/// As Python prints a `timedelta`: `0:00:01.000123`, `1 day, 0:00:00`.
fn delta(micros: i64) -> String {
    let seconds = micros.div_euclid(1_000_000);
    let fraction = micros.rem_euclid(1_000_000);
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let days = match days {
        0 => String::new(),
        1 | -1 => format!("{days} day, "),
        days => format!("{days} days, "),
    };
    let fraction = if fraction == 0 { String::new() } else { format!(".{fraction:06}") };
    format!("{days}{}:{:02}:{:02}{fraction}", rest / 3600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_printed_as_python_prints_them() {
        assert_eq!(local_time(1_700_000_000_000_123, 3600), "2023-11-14 23:13:20.000123");
        assert_eq!(local_time(1_700_000_000_000_000, 0), "2023-11-14 22:13:20");
        assert_eq!(delta(1_234_567), "0:00:01.234567");
        assert_eq!(delta(90_061_000_000), "1 day, 1:01:01");
    }

    #[test]
    fn ends_are_stripped_or_kept() {
        let output = CommandOutput {
            status: 0,
            stdout: b"a\n\n".to_vec(),
            stderr: Vec::new(),
            started: 0,
            ended: 5,
            utc_offset: 0,
            timed_out: false,
        };
        assert_eq!(timed_keys(&output, Ends::Stripped).get("stdout"), Some(&Value::from("a")));
        let kept = timed_keys(&output, Ends::Kept);
        assert_eq!(kept.get("stdout"), Some(&Value::from("a\n\n")));
        assert_eq!(kept.get("stdout_lines").map(Value::to_text).as_deref(), Some("['a', '']"));
    }
}
