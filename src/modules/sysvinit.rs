//! Controls services that have a script in `/etc/init.d`.
//!
//! ```yaml
//! - name: The daemon runs, now and after a boot
//!   ansible.builtin.sysvinit:
//!     name: appd
//!     state: started
//!     enabled: true
//! ```

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::diff::Diff;
use super::params::Rule;
use super::view::View;
use super::{run, words};
use crate::base::{Map, Value};
use crate::wire::{Action, Change, Command, CommandOutput, Done, Failure, Follow, Query};
use crate::{choices, params};

/// As `ansible.builtin.sysvinit`.
pub struct Sysvinit;

choices! {
    /// How the service shall be.
    pub enum SysvState {
        Reloaded = "reloaded", Restarted = "restarted", Started = "started", Stopped = "stopped",
    }
}

params! {
    /// Parameters of `sysvinit`.
    pub struct SysvinitParams {
        /// The service.
        name: String, aliases ["service"];
        /// Whether it shall run now; `restarted` and `reloaded` do so in any case.
        state: Option<SysvState>;
        /// Whether it shall run after a boot.
        enabled: Option<bool>;
        /// Seconds between stop and start of a restart.
        sleep: u32 = 1u32;
        /// What in the list of processes means that it runs, where its script cannot tell.
        pattern: Option<String>;
        /// Further arguments for the script.
        arguments: Option<String>, aliases ["args"];
        /// The runlevels that `enabled` is about.
        runlevels: Option<Vec<String>>;
        /// Whether the script is left behind instead of waited for.
        daemonize: bool = false;
    }
    rules [
        Rule::RequiredOneOf(&["state", "enabled"]),
    ]
}

impl Module for Sysvinit {
    type Params = SysvinitParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "sysvinit",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("sysvinit.rs"),
        returns: &[("name", "the service"), ("status", "what was done, and what it printed")],
    };

    fn plan(params: &SysvinitParams, view: &View<'_>) -> Result<Step, Halt> {
        params.plan(view).map(Step::Plan)
    }

    fn result(params: &SysvinitParams, _: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        let mut outputs = outcomes.iter().filter_map(|outcome| match outcome {
            Done::Ran(output) => Some(output),
            _ => None,
        });
        let changes = |key: &str| is_changed(plan.result.get("status"), key);
        let enabled = if changes("enabled") { outputs.next() } else { None };
        let state = params.state.map(SysvState::text).filter(|state| changes(state));
        let last = state.and_then(|_| outputs.next_back());
        let mut result = plan.result.clone();
        result.insert("status".into(), params.status(enabled, last, changes("enabled"), state.is_some()));
        Ok(result)
    }

    fn failure(params: &SysvinitParams, plan: &Plan, at: usize, failure: &Failure) -> Failed {
        let _ = (plan, at);
        let action = params.state.map_or("enable", SysvState::verb);
        let failed = run::failed("", failure);
        Failed { message: format!("Failed to {action} service: {}", params.name), ..failed }
    }
}

impl SysvState {
    fn verb(self) -> &'static str {
        match self {
            Self::Reloaded => "reload",
            Self::Restarted => "restart",
            Self::Started => "start",
            Self::Stopped => "stop",
        }
    }
}

fn is_changed(status: Option<&Value>, key: &str) -> bool {
    let Some(Value::Map(status)) = status else { return false };
    let Some(Value::Map(part)) = status.get(key) else { return false };
    part.get("changed") == Some(&Value::Bool(true))
}

impl SysvinitParams {
    fn script(&self) -> String {
        if self.name.starts_with('/') { self.name.clone() } else { format!("/etc/init.d/{}", self.name) }
    }

    /// Asks how the service stands.
    fn asks(&self) -> Command {
        match &self.pattern {
            Some(_) => run::reading(["ps", "-eo", "args"]),
            None => run::reading(["service", &self.name, "status"]),
        }
    }

    /// Asks which of these scripts there are; a name without a directory is looked for in all runlevels.
    fn links(&self) -> Command {
        run::reading([
            "sh",
            "-c",
            "ls -d /etc/rc?.d/S??\"$1\" /etc/init.d/rc?.d/S??\"$1\" 2>/dev/null",
            "sh",
            &self.name,
        ])
    }

    fn plan(&self, view: &View<'_>) -> Result<Plan, Halt> {
        let script = self.script();
        view.want([
            Query::Stat { path: script.clone(), follow: Follow::Yes },
            Query::Command(self.links()),
            Query::Command(self.asks()),
            Query::Command(tools()),
        ]);
        if view.stat(&script, Follow::Yes)?.is_none() {
            return fail(format!("Could not find the requested service {}: ", self.name));
        }
        let mut plan = Plan::default();
        let changes_enabled = self.enable(&mut plan, view)?;
        let mut changes_state = false;
        if let Some(state) = self.state {
            let is_started = self.is_started(view)?;
            let verbs: &[&str] = match state {
                SysvState::Restarted => &["stop", "start"],
                SysvState::Started if !is_started => &["start"],
                SysvState::Stopped if is_started => &["stop"],
                SysvState::Reloaded => &["reload"],
                _ => &[],
            };
            changes_state = !verbs.is_empty();
            for verb in verbs {
                plan.changes.push(super::contract::Planned {
                    side: super::contract::Side::Host,
                    change: Change::new(Action::Run(self.runs(verb, state, view)?)),
                });
            }
            if changes_state {
                let was = if is_started { "running" } else { "stopped" };
                plan.diffs.push(Diff::attribute(
                    format!("service {}", self.name),
                    "state",
                    was,
                    state.text(),
                ));
            }
        }
        let parts =
            [(changes_enabled, "enable or disable"), (changes_state, self.state.map_or("", SysvState::verb))];
        let parts: Vec<&str> = parts.iter().filter(|(does, _)| *does).map(|(_, what)| *what).collect();
        plan.summary = if parts.is_empty() {
            format!("{} is as wanted", self.name)
        } else {
            format!("{} {}", parts.join(", "), self.name)
        };
        plan.result = crate::map! {
            "name" => self.name.as_str(),
            "status" => self.status(None, None, changes_enabled, changes_state),
        };
        Ok(plan)
    }

    /// Adds what enables or disables the service; whether anything does.
    fn enable(&self, plan: &mut Plan, view: &View<'_>) -> Result<bool, Halt> {
        let links = run::stdout(&view.run(self.links())?);
        let is_in = |level: &str| links.lines().any(|line| line.contains(&format!("/rc{level}.d/S")));
        let levels = self.runlevels.as_deref().unwrap_or_default();
        let (was, differs) = if levels.is_empty() {
            let is = !links.trim().is_empty();
            (is, self.enabled.is_some_and(|wanted| wanted != is))
        } else {
            let wanted = self.enabled.unwrap_or(false);
            (levels.iter().any(|level| is_in(level)), levels.iter().any(|level| is_in(level) != wanted))
        };
        if !differs {
            return Ok(false);
        }
        let wanted = self.enabled.unwrap_or(false);
        let tools = run::stdout(&view.run(tools())?);
        let mut argv = if tools.contains("update-rc.d") {
            let verb = match (wanted, levels.is_empty()) {
                (true, true) => "defaults",
                (true, false) => "enable",
                (false, _) => "disable",
            };
            let mut argv = vec!["update-rc.d".to_owned(), self.name.clone(), verb.to_owned()];
            argv.extend(levels.iter().cloned());
            argv
        } else if tools.contains("chkconfig") {
            let mut argv = vec!["chkconfig".to_owned()];
            if !levels.is_empty() {
                argv.extend(["--level".to_owned(), levels.concat()]);
            }
            argv.extend([self.name.clone(), if wanted { "on" } else { "off" }.to_owned()]);
            argv
        } else {
            return fail("the host has neither `update-rc.d` nor `chkconfig`");
        };
        let mut command = run::argv(view, argv.drain(..));
        command.must_succeed = false;
        plan.diffs.push(Diff::attribute(format!("service {}", self.name), "enabled", was, wanted));
        plan.changes.push(super::contract::Planned {
            side: super::contract::Side::Host,
            change: Change::new(Action::Run(command)),
        });
        Ok(true)
    }

    fn is_started(&self, view: &View<'_>) -> Result<bool, Halt> {
        let output = view.run(self.asks())?;
        if let Some(pattern) = &self.pattern {
            return Ok(run::stdout(&output).lines().any(|line| line.contains(pattern.as_str())));
        }
        Ok(says_started(&self.name, &run::stdout(&output), output.status))
    }

    fn runs(&self, verb: &str, state: SysvState, view: &View<'_>) -> Result<Command, Halt> {
        let mut argv = vec![self.script(), verb.to_owned()];
        if let Some(arguments) = &self.arguments {
            argv.extend(words::split(arguments).or_else(fail)?);
        }
        let line = words::join(&argv);
        if self.daemonize {
            return Ok(run::argv(view, ["sh", "-c", &format!("setsid {line} </dev/null >/dev/null 2>&1 &")]));
        }
        if state == SysvState::Restarted && self.sleep > 0 {
            let text = format!("{line}\nstatus=$?\nsleep {}\nexit $status", self.sleep);
            return Ok(run::argv(view, ["sh", "-c", &text]));
        }
        Ok(run::argv(view, argv))
    }

    fn status(
        &self,
        enabled: Option<&CommandOutput>,
        state: Option<&CommandOutput>,
        changes_enabled: bool,
        changes_state: bool,
    ) -> Value {
        let part = |output: Option<&CommandOutput>, changed: bool| {
            let text = |bytes: &[u8]| Value::from(String::from_utf8_lossy(bytes).into_owned());
            crate::map! {
                "changed" => changed,
                "rc" => output.map_or(Value::Null, |output| output.status.into()),
                "stdout" => output.map_or(Value::Null, |output| text(&output.stdout)),
                "stderr" => output.map_or(Value::Null, |output| text(&output.stderr)),
            }
        };
        let mut first = part(enabled, changes_enabled);
        if let Some(levels) = &self.runlevels {
            let levels = levels.iter().map(|level| Value::from(level.as_str()));
            first.insert("runlevels".into(), Value::list(levels));
        }
        let mut status = crate::map! { "enabled" => first };
        let key = self.state.map_or("null", SysvState::text);
        status.insert(key.into(), part(state, changes_state).into());
        Value::map(status)
    }
}

/// Asks which programs enable services.
fn tools() -> Command {
    run::reading(["sh", "-c", "PATH=/sbin:/usr/sbin:/bin:/usr/bin; command -v update-rc.d chkconfig; true"])
}

/// What the output of `service NAME status` means, as the original reads it.
fn says_started(name: &str, said: &str, status: i32) -> bool {
    if name == "iptables" && said.contains("ACCEPT") {
        return true;
    }
    if said.matches('\n').count() <= 1 {
        let clean = said.to_lowercase().replace(&name.to_lowercase(), "");
        let stopped = ["stop", "is dead ", "dead but ", "could not access pid file", "inactive"];
        if stopped.iter().any(|word| clean.contains(word)) {
            return false;
        }
        if ["run", "start", "active"].iter().any(|word| clean.contains(word)) && !clean.contains("not ") {
            return true;
        }
    }
    status == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_script_says_is_read() {
        assert!(says_started("appd", "appd is running.\n", 0));
        assert!(!says_started("appd", "appd is not running.\n", 3));
        assert!(!says_started("appd", "appd is stopped\n", 0));
        assert!(says_started("iptables", "Chain INPUT (policy ACCEPT)\na\nb\n", 0));
        assert!(says_started("appd", "● appd.service\n   Active: active (running)\n\n", 0));
        assert!(!says_started("appd", "● appd.service\n   Active: inactive (dead)\n\n", 3));
    }
}
