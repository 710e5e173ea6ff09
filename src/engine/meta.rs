//! `meta`: what changes the course of a play.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use super::ahead::Ahead;
use super::event::{Event, Outcome, Status};
use super::play_run::{Handler, Host, Hosts, PlayRun, lock};
use super::run::Run;
use crate::base::Value;
use crate::lang::{Keyword, Task};
use crate::plan::bind::When;
use crate::plan::variables::HostVars;

impl Run {
    pub(super) async fn meta(&self, play: &PlayRun, task: &Arc<Task>, hosts: &mut Hosts, ahead: &Ahead<'_>) {
        let action = task.args.free_form.as_ref().map(|text| text.value.to_text()).unwrap_or_default();
        let action = action.trim();
        let lookups = self.lookups(play, task);
        // as Ansible: what is about the whole play is decided by the first host
        let each = matches!(
            action,
            "noop" | "reset_connection" | "end_host" | "end_role" | "flush_handlers" | "role_complete"
        );
        let mut on = Vec::new();
        for host in hosts.live.clone() {
            let label = self.label(play, &host, task, hosts.handler);
            self.tell(Event::TaskStarted { task: label, hosts: vec![Arc::clone(&host)] });
            let unconditional = matches!(action, "noop" | "refresh_inventory" | "reset_connection");
            if unconditional && !task.keyword_chain(Keyword::When).is_empty() {
                self.warn_once(format!("{action} task does not support when conditional"));
            }
            let when = match self.binder(&lookups, self.variables(play, &host, task)).when(task) {
                Ok(When::Skip { .. } | When::Unknown(_)) | Err(_) if unconditional => Ok(When::Run),
                when => when,
            };
            match when {
                Ok(When::Run) => on.push(host.clone()),
                Ok(When::Skip { .. } | When::Unknown(_)) => self.meta_skipped(play, task, &host, action),
                Err(stop) => {
                    let label = self.label(play, &host, task, hosts.handler);
                    self.stopped(play, &label, &host, hosts, stop);
                }
            }
            if !each {
                break;
            }
        }
        if on.is_empty() {
            return;
        }
        match action {
            "flush_handlers" => {
                let mut inner = hosts.part(on.clone());
                self.flush(play, &mut inner, ahead).await;
                hosts.absorb(&on, inner);
            }
            "end_host" => lock(&play.ended).extend(on),
            "end_role" => lock(&play.role_ended).extend(on),
            "end_batch" | "end_play" => {
                if action == "end_play" {
                    play.play_ended.store(true, Ordering::Relaxed);
                }
                lock(&play.ended).extend(play.vars.batch.iter().cloned());
            }
            "clear_facts" => {
                for host in &play.vars.all_hosts {
                    self.world.update(host, HostVars::clear_facts);
                    if let Some(cache) = &self.cache {
                        cache.forget(host);
                    }
                }
            }
            "clear_host_errors" => {
                let failed = std::mem::take(&mut *lock(&play.failed));
                lock(&play.cleared).extend(failed);
                lock(&play.out).clear();
                play.vars.gone.write().unwrap_or_else(PoisonError::into_inner).clear();
                self.clear_errors(&play.vars.all_hosts);
            }
            "refresh_inventory" => self.refresh_inventory(),
            "reset_connection" => {
                for host in on {
                    let binder = self.binder(&lookups, self.variables(play, &host, task));
                    if let Ok((machine, _)) = self.machine(&host, None, &binder, Some(task)) {
                        machine.reset().await;
                    }
                }
            }
            _ => {}
        }
    }

    /// A `meta` whose condition does not hold: told, not counted.
    fn meta_skipped(&self, play: &PlayRun, task: &Arc<Task>, host: &Host, action: &str) {
        let reason = if action.starts_with("end_") && action != "end_role" {
            format!("{action} conditional evaluated to false, continuing execution for {host}")
        } else {
            action.to_owned()
        };
        let result = Value::map(
            crate::map! {"skipped" => true, "msg" => reason.as_str(), "skip_reason" => reason.as_str()},
        );
        self.tell(Event::TaskFinished {
            host: Arc::clone(host),
            delegate: None,
            task: self.label(play, host, task, Handler::No),
            looped: false,
            outcome: Box::new(Outcome { result, ..Outcome::plain(Status::Skipped { reason }) }),
        });
    }
}
