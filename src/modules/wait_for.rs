//! Waits until a port answers, a file is there, or for some time.
//!
//! ```yaml
//! - name: The application listens
//!   ansible.builtin.wait_for:
//!     port: 8080
//!     timeout: 60
//! ```

use super::contract::{FreeForm, Halt, Module, ModuleDoc, Step, Wait, Wanted, fail};
use super::params::PathText;
use super::run;
use super::view::View;
use crate::base::{Map, Value};
use crate::wire::{Command, Follow, Query};
use crate::{choices, params};

/// As `ansible.builtin.wait_for`.
pub struct WaitFor;

choices! {
    /// What is waited for.
    pub enum State {
        Absent = "absent", Drained = "drained", Present = "present", Started = "started", Stopped = "stopped",
    }
}

params! {
    /// Parameters of `wait_for`.
    pub struct WaitForParams {
        /// Name or address of the host whose port is meant, as seen from the task's host.
        host: String = "127.0.0.1";
        /// The port. Without `port` and `path` the task waits `timeout` seconds.
        port: Option<u16>;
        /// The file that is waited for, or in which `search_regex` must find something.
        path: Option<PathText>;
        /// A regular expression (multi-line) that has to be found in the file or in what the port says.
        search_regex: Option<String>;
        /// `started` and `present`: the port answers, the file is there; `stopped` and `absent`: not any more.
        state: State = State::Started;
        /// Seconds after which the task fails.
        timeout: u32 = 300u32;
        /// Seconds before the first look.
        delay: u32 = 0u32;
        /// Seconds between two looks.
        sleep: u32 = 1u32;
        /// Seconds that one connection may take.
        connect_timeout: u32 = 5u32;
        /// The message when time ran out.
        msg: Option<String>;
        /// With `drained`: hosts whose connections do not count.
        exclude_hosts: Option<Vec<String>>;
        /// With `drained`: states of connections that count.
        active_connection_states: Vec<String> =
            ["ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2", "SYN_RECV", "SYN_SENT", "TIME_WAIT"]
                .map(str::to_owned)
                .to_vec();
    }
}

/// Most bytes of a file that are searched.
const SEARCH_LIMIT: u64 = 16 << 20;

impl Module for WaitFor {
    type Params = WaitForParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "wait_for",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("wait_for.rs"),
        returns: &[
            ("elapsed", "seconds that it took"),
            ("state", "as it was given"),
            ("port", "as it was given"),
            ("path", "as it was given"),
            ("search_regex", "as it was given"),
            ("match_groups", "what the expression's groups found"),
            ("match_groupdict", "the same by the groups' names"),
        ],
    };

    fn plan(params: &WaitForParams, view: &View<'_>) -> Result<Step, Halt> {
        params.check()?;
        let (query, wanted, message) = params.question(view);
        let sleeps = params.port.is_none() && params.path.is_none();
        let (delay, timeout) = (f64::from(params.delay), f64::from(params.timeout));
        Ok(Step::Wait(Wait {
            query,
            wanted,
            // without a condition the time-out is what is waited for
            delay: if sleeps { delay + timeout } else { delay },
            sleep: f64::from(params.sleep),
            timeout: if sleeps { delay + 2.0 * timeout + 60.0 } else { timeout },
            message: params.msg.clone().unwrap_or(message),
            result: params.keys(),
        }))
    }
}

impl WaitForParams {
    fn check(&self) -> Result<(), Halt> {
        let Self { port, path, search_regex, state, exclude_hosts, active_connection_states: _, .. } = self;
        if port.is_some() && path.is_some() {
            return fail("port and path parameter can not both be passed to wait_for");
        }
        if path.is_some() && matches!(state, State::Stopped | State::Drained) {
            let state = state.text();
            return fail(format!(
                "state={state} should only be used for checking a port in the wait_for module"
            ));
        }
        if exclude_hosts.is_some() && *state != State::Drained {
            return fail("exclude_hosts should only be with state=drained");
        }
        if *state == State::Drained {
            return fail("parameter `state` of `wait_for`: `drained` is not supported yet");
        }
        if let Some(Err(error)) = search_regex.as_ref().map(|regex| fancy_regex::Regex::new(regex)) {
            return fail(format!("Invalid regular expression: {error}"));
        }
        Ok(())
    }

    /// What is asked, what ends the wait, and the message when it does not end.
    fn question(&self, view: &View<'_>) -> (Query, Wanted, String) {
        let gone = matches!(self.state, State::Absent | State::Stopped);
        let Self { host, port, path, search_regex, .. } = self;
        let regex = search_regex.as_ref().filter(|_| !gone);
        let multiline = |regex: &String| Wanted::Matches(format!("(?m){regex}"));
        match (port, path, regex) {
            (Some(port), _, None) => {
                let timeout = self.connect_timeout.saturating_mul(1000);
                let message = if gone {
                    format!("Timeout when waiting for {host}:{port} to stop.")
                } else {
                    format!("Timeout when waiting for {host}:{port}")
                };
                (Query::Port { host: host.clone(), port: *port, timeout }, Wanted::Flag(!gone), message)
            }
            (Some(port), _, Some(regex)) => {
                let message = format!("Timeout when waiting for search string {regex} in {host}:{port}");
                (Query::Command(self.listen(view, *port)), multiline(regex), message)
            }
            (None, Some(path), Some(regex)) => {
                let path = path.0.clone();
                let message = format!("Timeout when waiting for search string {regex} in {path}");
                (Query::Content { path, limit: SEARCH_LIMIT }, multiline(regex), message)
            }
            (None, Some(path), None) => {
                let path = path.0.clone();
                let message = if gone {
                    format!("Timeout when waiting for {path} to be absent.")
                } else {
                    format!("Timeout when waiting for file {path}")
                };
                (Query::Stat { path, follow: Follow::Yes }, Wanted::Present(!gone), message)
            }
            (None, None, _) => {
                let root = Query::Stat { path: "/".to_owned(), follow: Follow::Yes };
                (root, Wanted::Present(true), "the host does not answer".to_owned())
            }
        }
    }

    /// Connects and prints what the other side says.
    fn listen(&self, view: &View<'_>, port: u16) -> Command {
        let seconds = self.connect_timeout.max(1);
        let script = "exec 3<>\"/dev/tcp/$1/$2\" && timeout \"$3\" cat <&3 | head -c 65536";
        let (port, limit) = (port.to_string(), seconds.to_string());
        let mut command =
            run::argv(view, ["bash", "-c", script, "wait_for", &self.host, &port, &limit]).may_fail();
        command.timeout = Some(seconds.saturating_mul(2));
        command
    }

    fn keys(&self) -> Map {
        crate::map! {
            "state" => self.state.text(),
            "port" => self.port.map_or(Value::Null, |port| Value::from(u32::from(port))),
            "search_regex" => self.search_regex.as_deref().map_or(Value::Null, Value::from),
            "match_groups" => Value::list([]),
            "match_groupdict" => Map::new(),
            "path" => self.path.as_deref().map_or(Value::Null, Value::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::params::parse;
    use crate::modules::view::{Context, Fixed};

    fn wait(pairs: &[(&str, Value)]) -> Wait {
        let given = pairs.iter().map(|(name, value)| ((*name).into(), value.clone())).collect();
        let (known, context) = (Fixed::default(), Context::default());
        let project = crate::modules::testing::Project::default();
        let params = parse::<WaitForParams>(&given).unwrap();
        match WaitFor::plan(&params, &View::new(&known, &project, &context)).unwrap() {
            Step::Wait(wait) => wait,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn ports_and_files_are_asked_for() {
        let port = wait(&[("port", 80.into()), ("state", "stopped".into()), ("timeout", 9.into())]);
        assert_eq!(port.query, Query::Port { host: "127.0.0.1".into(), port: 80, timeout: 5000 });
        assert_eq!((port.wanted, port.timeout), (Wanted::Flag(false), 9.0));
        assert_eq!(port.message, "Timeout when waiting for 127.0.0.1:80 to stop.");
        let file = wait(&[("path", "/x".into()), ("search_regex", "^up".into())]);
        assert_eq!(file.wanted, Wanted::Matches("(?m)^up".into()));
        assert_eq!(file.message, "Timeout when waiting for search string ^up in /x");
        let gone = wait(&[("path", "/x".into()), ("state", "absent".into()), ("msg", "still there".into())]);
        assert_eq!((gone.wanted, gone.message.as_str()), (Wanted::Present(false), "still there"));
    }

    #[test]
    fn without_a_condition_it_sleeps() {
        let sleep = wait(&[("timeout", 3.into()), ("delay", 2.into())]);
        assert!((sleep.delay - 5.0).abs() < f64::EPSILON && sleep.timeout > sleep.delay);
        assert_eq!(sleep.wanted, Wanted::Present(true));
    }
}
