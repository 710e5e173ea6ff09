//! For programs: one JSON object per line and event. `event` names it, `version` is the format's version.
//!
//! Fields are only added within a version. Durations are seconds.

use std::io::{self, Write};
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::{Reporter, scrub};
use crate::base::{Diagnostic, Place, Value};
use crate::engine::event::{FailureText, JobState, Outcome, Status, TaskLabel};
use crate::engine::{Cost, Event, Recap};
use crate::modules::Diff;
use crate::secrets::{Known, Reach};

/// The format's version.
pub const VERSION: u32 = 1;

/// Writes to a stream.
pub struct JsonLines<W: Write> {
    out: W,
    known: Arc<Known>,
}

impl<W: Write + Send> JsonLines<W> {
    /// A reporter that writes to `out`, without the secrets that are known.
    pub fn new(out: W, known: Arc<Known>) -> Self {
        Self { out, known }
    }

    /// What was written to, back.
    pub fn into_inner(self) -> W {
        self.out
    }
}

impl<W: Write + Send> Reporter for JsonLines<W> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        let Some(mut line) = encode(event) else { return Ok(()) };
        if let Some(finder) = self.known.finder(Reach::Everything) {
            let entries = line.as_object_mut().into_iter().flatten();
            entries.filter(|(name, _)| *name != "event").for_each(|(_, value)| scrub::json(value, &finder));
        }
        writeln!(self.out, "{line}")?;
        self.out.flush()
    }
}

fn encode(event: &Event) -> Option<Json> {
    let line = match event {
        Event::RunStarted { playbook, plays, check_mode, diff } => json!({
            "event": "run_started", "version": VERSION, "playbook": playbook, "plays": plays, "check_mode": check_mode, "diff": diff,
        }),
        Event::PlayStarted { name, hosts } => {
            json!({"event": "play_started", "play": **name, "hosts": texts(hosts)})
        }
        Event::PlayWithoutHosts { name } => json!({"event": "play_without_hosts", "play": **name}),
        Event::PlayFailed { name, diagnostic: about } => {
            json!({"event": "play_failed", "play": **name, "diagnostic": diagnostic(about)})
        }
        Event::TaskStarted { task, hosts } => {
            json!({"event": "task_started", "task": label(task), "hosts": texts(hosts)})
        }
        Event::HostBusy { .. } => return None,
        Event::ItemFinished { host, delegate, task, label: item, outcome: ended } => {
            let item = if ended.censored || ended.tainted { "hidden" } else { item };
            json!({
                "event": "item_finished", "host": **host, "delegated_to": delegate.as_deref(), "task": label(task), "item": item,
                "outcome": outcome(ended),
            })
        }
        Event::TaskFinished { host, delegate, task, looped, outcome: ended } => json!({
            "event": "task_finished", "host": **host, "delegated_to": delegate.as_deref(), "task": label(task),
            "looped": looped, "outcome": outcome(ended),
        }),
        Event::TaskRetry { host, task, left, outcome: ended } => json!({
            "event": "task_retry", "host": **host, "task": label(task), "left": left, "outcome": outcome(ended),
        }),
        Event::Included { name, hosts, item, role } => json!({
            "event": "included", "name": name, "hosts": texts(hosts), "item": item, "role": role,
        }),
        Event::JobPolled { host, job, state } => {
            let state = match state {
                JobState::Running => "running",
                JobState::Ended => "ended",
                JobState::Failed => "failed",
            };
            json!({"event": "job_polled", "host": **host, "job": job, "state": state})
        }
        Event::NoHostsLeft => json!({"event": "no_hosts_left"}),
        Event::Aborted { diagnostic: about } => json!({"event": "aborted", "diagnostic": diagnostic(about)}),
        Event::HandlerLeft { host, handler } => {
            json!({"event": "handler_left", "host": **host, "handler": handler})
        }
        Event::ProgramStarted { host, command } => {
            json!({"event": "program_started", "host": host, "command": command})
        }
        Event::PythonSought { host } => json!({"event": "python_sought", "host": host}),
        Event::Deprecated { task, deprecation } => json!({
            "event": "deprecated", "task": label(task), "message": deprecation.message,
            "place": deprecation.place.as_ref().map(ToString::to_string),
        }),
        Event::Warning { message, diagnostic: about } => json!({
            "event": "warning", "message": message, "diagnostic": about.as_deref().map(diagnostic),
        }),
        Event::RunFinished { recap, costs, stats, elapsed } => {
            let hosts: serde_json::Map<String, Json> = recap
                .iter()
                .map(|(host, recap)| {
                    let Recap {
                        ok,
                        changed,
                        unreachable,
                        failed,
                        skipped,
                        rescued,
                        ignored,
                        may_change,
                        python,
                    } = recap;
                    let counts = json!({
                        "ok": ok, "changed": changed, "unreachable": unreachable, "failed": failed,
                        "skipped": skipped, "rescued": rescued, "ignored": ignored, "may_change": may_change,
                        "python": python,
                    });
                    (host.to_string(), counts)
                })
                .collect();
            let costs: serde_json::Map<String, Json> = costs
                .iter()
                .map(|(host, cost)| {
                    let Cost { connections, exchanges, bytes_sent, bytes_received } = cost;
                    let cost = json!({
                        "connections": connections, "exchanges": exchanges, "bytes_sent": bytes_sent,
                        "bytes_received": bytes_received,
                    });
                    (host.to_string(), cost)
                })
                .collect();
            let stats: Vec<Json> = stats
                .iter()
                .map(|(host, stats)| {
                    json!({"host": host.as_deref(), "stats": Value::map(stats.clone()).to_json()})
                })
                .collect();
            json!({
                "event": "run_finished", "hosts": hosts, "costs": costs, "stats": stats,
                "elapsed": elapsed.as_secs_f64(),
            })
        }
    };
    Some(line)
}

fn texts(hosts: &[Arc<str>]) -> Vec<&str> {
    hosts.iter().map(|host| &**host).collect()
}

fn label(task: &TaskLabel) -> Json {
    let TaskLabel { name, told: _, role, module, place: at, handler, loud: _ } = task;
    json!({
        "name": **name, "role": role.as_deref(), "module": **module, "place": place(at), "handler": handler,
    })
}

fn place(place: &Place) -> Json {
    let Place { source, line, column, length } = place;
    json!({"file": source.path.display().to_string(), "line": line, "column": column, "length": length})
}

/// A problem as JSON.
pub fn diagnostic(about: &Diagnostic) -> Json {
    let Diagnostic { severity, kind, message, place: at, notes, hint, told: _, words: _, plain: _ } = about;
    json!({
        "severity": match severity {
            crate::base::Severity::Error => "error",
            crate::base::Severity::Warning => "warning",
        },
        "kind": kind.name(),
        "message": message,
        "place": at.as_ref().map(place),
        "notes": notes
            .iter()
            .map(|note| json!({"message": note.message, "place": note.place.as_ref().map(place)}))
            .collect::<Vec<_>>(),
        "hint": hint,
    })
}

fn outcome(ended: &Outcome) -> Json {
    let Outcome { status, summary, diffs, result, failure, warnings, censored, tainted, diff: _, elapsed } =
        ended;
    let (word, more) = match status {
        Status::Ok => ("ok", Json::Null),
        Status::Changed => ("changed", Json::Null),
        Status::Skipped { reason } => ("skipped", json!(reason)),
        Status::MayChange(unknown) => ("may_change", json!(*unknown.task)),
        Status::Failed { ignored: false } => ("failed", Json::Null),
        Status::Failed { ignored: true } => ("ignored", Json::Null),
        Status::Unreachable { ignored: _ } => ("unreachable", Json::Null),
    };
    if *censored {
        return json!({"status": word, "censored": true, "elapsed": elapsed.as_secs_f64()});
    }
    let failure = failure.as_ref().map(|failure| {
        let FailureText { message, hint, diagnostic: about } = failure;
        json!({"message": message, "hint": hint, "diagnostic": about.as_ref().map(diagnostic)})
    });
    if *tainted {
        return json!({
            "status": word, "tainted": true, "failure": failure, "warnings": warnings,
            "elapsed": elapsed.as_secs_f64(),
        });
    }
    json!({
        "status": word,
        "because": more,
        "summary": summary,
        "diffs": diffs.iter().map(diff).collect::<Vec<_>>(),
        "result": result.to_json(),
        "failure": failure,
        "warnings": warnings,
        "elapsed": elapsed.as_secs_f64(),
    })
}

fn diff(diff: &Diff) -> Json {
    match diff {
        Diff::Text { subject, before, after } => {
            json!({"kind": "text", "subject": subject, "before": before.as_deref(), "after": after.as_deref()})
        }
        Diff::Opaque { subject, before, after } => {
            let side = |side: &Option<(u64, String)>| {
                side.as_ref().map(|(size, sha1)| json!({"size": size, "sha1": sha1}))
            };
            json!({"kind": "opaque", "subject": subject, "before": side(before), "after": side(after)})
        }
        Diff::Attribute { subject, name, before, after } => json!({
            "kind": "attribute", "subject": subject, "name": name, "before": before, "after": after,
        }),
    }
}
