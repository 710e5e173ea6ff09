//! New connections: `wait_for_connection`, `reboot`.

use std::time::{Duration, Instant};

use super::event::FailureText;
use super::execution::Execution;
use super::machine::Trouble;
use super::single::Single;
use crate::base::{Map, Value};
use crate::modules::{RebootHost, Reconnect};
use crate::wire::{Action, Change, Command, CommandOutput, Done, FileKind, Follow, Observation, Query};

/// The longest pause between two looks at a host that reboots.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);
/// A session may take this long to answer over a connection that is there.
const ANSWER: Duration = Duration::from_mins(1);

fn failed(message: impl Into<String>, result: Map) -> Single {
    let failure = FailureText { message: message.into(), ..FailureText::default() };
    Single { result, ..Single::failed(failure) }
}

fn seconds(number: u32) -> Duration {
    Duration::from_secs(number.into())
}

/// What a system is, as far as rebooting it goes.
struct System {
    distribution: String,
    family: String,
}

impl System {
    fn is(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.distribution == *name || self.family == *name)
    }

    /// A command that prints something else after every boot.
    fn boot_time_command(&self) -> &'static str {
        if self.is(&["freebsd", "openbsd"]) {
            "/sbin/sysctl kern.boottime"
        } else if self.is(&["macosx", "solaris", "sunos", "aix"]) {
            "who -b"
        } else {
            "cat /proc/sys/kernel/random/boot_id"
        }
    }

    fn test_command(&self) -> &'static str {
        if self.is(&["solaris"]) { "who" } else { "whoami" }
    }

    /// The command that reboots, and its arguments.
    fn shutdown(&self, delay: u32, message: &str) -> (&'static str, String) {
        let minutes = delay / 60;
        if self.is(&["alpine"]) {
            ("reboot", String::new())
        } else if self.is(&["freebsd"]) {
            ("shutdown", format!("-r +{delay}s \"{message}\""))
        } else if self.is(&["void", "macosx", "openbsd"]) {
            ("shutdown", format!("-r +{minutes} \"{message}\""))
        } else if self.is(&["solaris", "sunos"]) {
            ("shutdown", format!("-y -g {delay} -i 6 \"{message}\""))
        } else if self.is(&["aix"]) {
            ("shutdown", "-Fr".to_owned())
        } else {
            ("shutdown", format!("-r {minutes} \"{message}\""))
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

impl Execution<'_> {
    /// `wait_for_connection`: until the host answers over a new connection.
    pub(super) async fn wait_for_connection(&self, wanted: Reconnect) -> Result<Single, Trouble> {
        let Reconnect { connect_timeout, delay, sleep, timeout } = wanted;
        if self.settings.check_mode {
            return Ok(Single::skipped("nothing is waited for in check mode"));
        }
        let started = Instant::now();
        tokio::time::sleep(seconds(delay)).await;
        let until = Instant::now() + seconds(timeout);
        let mut trouble = None;
        while Instant::now() < until {
            self.busy(&format!("waiting for a connection, {} s", started.elapsed().as_secs()));
            match self.reached(Some(seconds(connect_timeout))).await {
                Ok(()) => {
                    let result = crate::map! {"elapsed" => started.elapsed().as_secs()};
                    let summary = "the host answers".to_owned();
                    return Ok(Single { result, summary, ..Single::default() });
                }
                Err(why) => trouble = Some(why.message),
            }
            tokio::time::sleep(seconds(sleep)).await;
        }
        let why = trouble.unwrap_or_else(|| "there was no time to try".to_owned());
        let result = crate::map! {"elapsed" => started.elapsed().as_secs()};
        Ok(failed(format!("timed out waiting for ping module test: {why}"), result))
    }

    /// Connects anew and has the host answer.
    async fn reached(&self, connect_timeout: Option<Duration>) -> Result<(), Trouble> {
        let longest = connect_timeout.unwrap_or_default() + ANSWER;
        let tried = tokio::time::timeout(longest, self.machine.reconnect(self.user, connect_timeout)).await;
        tried.unwrap_or_else(|_| {
            Err(Trouble {
                unreachable: true,
                message: format!("the host did not answer within {} seconds", longest.as_secs()),
                hint: None,
            })
        })
    }

    /// `reboot`.
    pub(super) async fn reboot(&self, wanted: RebootHost) -> Result<Single, Trouble> {
        if self.machine.is_local() {
            let message = "Running reboot with local connection would reboot the control node.";
            return Ok(failed(message, crate::map! {"elapsed" => 0, "rebooted" => false}));
        }
        let summary = "reboot".to_owned();
        if self.settings.check_mode {
            let result = crate::map! {"elapsed" => 0, "rebooted" => true};
            self.machine.store.spoil();
            return Ok(Single { result, changed: true, summary, ..Single::default() });
        }
        let started = Instant::now();
        let system = match self.system().await? {
            Ok(system) => system,
            Err(message) => return Ok(failed(message, Map::new())),
        };
        let boot_time =
            wanted.boot_time_command.clone().unwrap_or_else(|| system.boot_time_command().to_owned());
        let before = match self.said(&boot_time).await? {
            Ok(said) => said,
            Err(output) => {
                let message = format!(
                    "reboot: failed to get host boot time info, rc: {}, stdout: {}, stderr: {}",
                    output.status,
                    text(&output.stdout),
                    text(&output.stderr)
                );
                return Ok(failed(message, crate::map! {"reboot" => false}));
            }
        };
        let command = match self.reboot_command(&wanted, &system).await? {
            Ok(command) => command,
            Err(message) => return Ok(failed(message, Map::new())),
        };
        self.busy("rebooting");
        let begun = Instant::now();
        if let Some(output) = self.told_to_reboot(&command).await? {
            let message = format!(
                "Reboot command failed. Error was: '{}, {}'",
                text(&output.stdout),
                text(&output.stderr)
            );
            let elapsed = begun.elapsed().as_secs();
            return Ok(failed(message, crate::map! {"elapsed" => elapsed, "rebooted" => false}));
        }
        tokio::time::sleep(seconds(wanted.delay_after)).await;
        let connect_timeout = wanted.connect_timeout.map(seconds);
        let test = wanted.test_command.clone().unwrap_or_else(|| system.test_command().to_owned());
        let back = Until::Changed { command: &boot_time, before: &before };
        for (until, what) in
            [(back, "last boot time check"), (Until::Succeeds(&test), "post-reboot test command")]
        {
            if !self.until(until, seconds(wanted.timeout), connect_timeout).await {
                let message = format!("Timed out waiting for {what} (timeout={})", wanted.timeout);
                let elapsed = started.elapsed().as_secs();
                let mut single = failed(message, crate::map! {"elapsed" => elapsed, "rebooted" => true});
                single.changed = true;
                return Ok(single);
            }
        }
        // with the connection's own time-out again
        self.machine.drop_connection().await;
        let result = crate::map! {"elapsed" => started.elapsed().as_secs(), "rebooted" => true};
        Ok(Single { result, changed: true, summary, ..Single::default() })
    }

    /// Tells the host to reboot; the output is that of a command that failed. A connection that breaks is a good sign.
    async fn told_to_reboot(&self, command: &str) -> Result<Option<CommandOutput>, Trouble> {
        let change = Change::new(Action::Run(Command::shell(command).may_fail()));
        match self.machine.perform(self.user, None, &[change], Vec::new(), self.time_left()).await {
            Ok((outcomes, _)) => match outcomes.into_iter().next() {
                Some(Ok(Done::Ran(output))) if output.status <= 0 => Ok(None),
                Some(Ok(Done::Ran(output))) => Ok(Some(output)),
                Some(Err(failure)) => {
                    Err(Trouble { unreachable: false, message: failure.message, hint: None })
                }
                Some(Ok(_)) | None => Ok(None),
            },
            Err(_) => Ok(None),
        }
    }

    /// Connects again and again until something holds.
    async fn until(&self, until: Until<'_>, longest: Duration, connect_timeout: Option<Duration>) -> bool {
        let begun = Instant::now();
        let mut pause = Duration::from_secs(1);
        while begun.elapsed() < longest {
            self.busy(&format!("rebooting, {} s", begun.elapsed().as_secs()));
            if self.holds(until, connect_timeout).await {
                return true;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        false
    }

    async fn holds(&self, until: Until<'_>, connect_timeout: Option<Duration>) -> bool {
        if let Until::Changed { .. } = until
            && self.reached(connect_timeout).await.is_err()
        {
            return false;
        }
        let command = match until {
            Until::Changed { command, .. } | Until::Succeeds(command) => command,
        };
        let said = tokio::time::timeout(ANSWER, self.said(command)).await;
        match (until, said) {
            (Until::Changed { before, .. }, Ok(Ok(Ok(now)))) => !now.is_empty() && now != before,
            (Until::Succeeds(_), Ok(Ok(Ok(_)))) => true,
            (_, Ok(Ok(Err(_)))) => false,
            (_, Ok(Err(_)) | Err(_)) => {
                // perhaps it reboots once more
                self.machine.drop_connection().await;
                false
            }
        }
    }

    /// What a command prints; the inner error is the output of one that failed.
    async fn said(&self, command: &str) -> Result<Result<String, CommandOutput>, Trouble> {
        let query = Query::Command(Command::shell(command).may_fail());
        match self.machine.ask(self.user, query).await? {
            Observation::Command(output) if output.status == 0 => Ok(Ok(text(&output.stdout))),
            Observation::Command(output) => Ok(Err(output)),
            Observation::Failed(error) => {
                Err(Trouble { unreachable: false, message: error.message, hint: None })
            }
            other => Err(Trouble {
                unreachable: false,
                message: format!("the target gave an answer of another kind: {other:?}"),
                hint: None,
            }),
        }
    }

    async fn system(&self) -> Result<Result<System, String>, Trouble> {
        let subset = vec!["!all".to_owned(), "distribution".to_owned()];
        let query = Query::Facts { subset, fact_path: String::new(), timeout: 10 };
        let Observation::Facts(facts) = self.machine.ask(self.user, query).await? else {
            return Ok(Err("Failed to determine system distribution.".to_owned()));
        };
        let fact = |name: &str| facts.get(name).map(Value::to_text).unwrap_or_default().to_lowercase();
        Ok(Ok(System { distribution: fact("distribution"), family: fact("os_family") }))
    }

    /// The command that reboots, with its path.
    async fn reboot_command(
        &self,
        wanted: &RebootHost,
        system: &System,
    ) -> Result<Result<String, String>, Trouble> {
        let own = system.shutdown(wanted.delay_before, &wanted.message);
        let (name, arguments) = match &wanted.command {
            Some(command) => command.split_once(' ').unwrap_or((command, "")),
            None => (own.0, own.1.as_str()),
        };
        if name.starts_with('/') {
            return Ok(Ok(format!("{name} {arguments}")));
        }
        for directory in &wanted.search_paths {
            let path = format!("{}/{name}", directory.trim_end_matches('/'));
            let query = Query::Stat { path: path.clone(), follow: Follow::No };
            if let Observation::Stat(Some(stat)) = self.machine.ask(self.user, query).await?
                && stat.kind != FileKind::Directory
            {
                return Ok(Ok(format!("{path} {arguments}")));
            }
        }
        let paths = Value::list(wanted.search_paths.iter().map(|path| Value::from(path.as_str())));
        Ok(Err(format!("Unable to find command \"{name}\" in search paths: {}", paths.to_text())))
    }
}

/// What a host that reboots is waited for.
#[derive(Clone, Copy)]
enum Until<'a> {
    /// The command prints something else than before.
    Changed { command: &'a str, before: &'a str },
    /// The command succeeds.
    Succeeds(&'a str),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_system_is_told_to_reboot_in_its_own_way() {
        let told = |distribution: &str, family: &str, delay| {
            let system = System { distribution: distribution.to_owned(), family: family.to_owned() };
            let (command, arguments) = system.shutdown(delay, "now");
            format!("{command} {arguments}")
        };
        assert_eq!(told("debian", "debian", 59), "shutdown -r 0 \"now\"");
        assert_eq!(told("ubuntu", "debian", 130), "shutdown -r 2 \"now\"");
        assert_eq!(told("alpine", "alpine", 0), "reboot ");
        assert_eq!(told("freebsd", "freebsd", 10), "shutdown -r +10s \"now\"");
    }
}
